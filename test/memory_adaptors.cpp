// The adaptors on a real backend: what they refuse, count, write down and find.
#include <weft/buffer.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/memory/debug.hpp>
#include <weft/memory/logging.hpp>
#include <weft/memory/pool.hpp>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"

using weft_test::policy;

namespace {

weft::runtime& runtime() { return weft_test::backend::runtime(); }

std::vector<std::string> reports;
void keep_report(const char* text) { reports.emplace_back(text); }
bool reported(std::string_view what) {
  for (const std::string& r : reports)
    if (r.find(what) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("memory: limit") {
  weft::limit_resource limited(policy.resource(), 1000);
  weft::buffer<char> a(policy.with(limited), 600);
  REQUIRE(limited.used() == 600);
  REQUIRE_THROWS_AS(weft::buffer<char>(policy.with(limited), 401), weft::out_of_memory);
  weft::buffer<char> b(policy.with(limited), 400);
  REQUIRE(limited.used() == 1000);
  a = {};
  REQUIRE(limited.used() == 400);
}

TEST_CASE("memory: statistics") {
  weft::statistics_resource counted(policy.resource());
  { weft::buffer<int> a(policy.with(counted), 100), b(policy.with(counted), 50); }
  { weft::buffer<int> a(policy.with(counted), 10); }
  const auto s = counted.statistics();
  REQUIRE(s.allocations == 3);
  REQUIRE(s.deallocations == 3);
  REQUIRE(s.bytes == 0);
  REQUIRE(s.bytes_peak == 600);
  REQUIRE(s.bytes_total == 640);
}

TEST_CASE("memory: logging writes a line for each call") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    weft::limit_resource limited(policy.resource(), 100);
    weft::logging_resource logged(limited, file);
    weft::buffer<char> a(policy.with(logged), 64);
    REQUIRE_THROWS_AS(weft::buffer<char>(policy.with(logged), 64), weft::out_of_memory);
  }
  std::rewind(file);
  char line[3][200] = {};
  for (auto& l : line) REQUIRE(std::fgets(l, sizeof l, file) != nullptr);
  REQUIRE(std::string(line[0]).substr(0, 9) == "allocate,");
  REQUIRE(std::string(line[0]).find(",64,16,") != std::string::npos);
  REQUIRE(std::string(line[1]).substr(0, 8) == "refused,");
  REQUIRE(std::string(line[2]).substr(0, 5) == "free,");
  std::fclose(file);
}

TEST_CASE("memory: an aborting resource lets through only what is freed, or when it is not armed") {
  weft::aborting_resource guard(policy.resource(), false);
  weft::buffer<int> b(policy.with(guard), 10);
  guard.arm(true);
  b = {};
  weft::buffer<int> none(policy.with(guard), 0);
}

TEST_CASE("memory: the debug resource finds writes outside, wrong frees and leaks") {
  reports.clear();
  const weft::stream_ref s = policy.stream();
  const int value = 7;
  {
    weft::debug_resource checked(policy.resource(), keep_report);
    for (int n : {1, 77, 100000}) {
      const std::vector<int> values(static_cast<std::size_t>(n), n);
      REQUIRE(weft::to_vector(policy, weft::to_buffer(policy.with(checked), values)) == values);
    }
    REQUIRE(reports.empty());

    auto* fresh = static_cast<unsigned char*>(checked.allocate(100, 16, s));
    REQUIRE(weft::to_vector(policy, fresh, 100) ==
            std::vector<unsigned char>(100, weft::debug_resource::fresh_pattern));
    s.owner->copy(fresh + 99, &value, 4, s);
    checked.deallocate(fresh, 100, 16, s);
    REQUIRE(reports.size() == 1);
    REQUIRE(reports[0].find("written past its end: 100 bytes") != std::string::npos);

    fresh = static_cast<unsigned char*>(checked.allocate(100, 16, s));
    s.owner->copy(fresh - 4, &value, 4, s);
    checked.deallocate(fresh, 100, 16, s);
    REQUIRE(reports.size() == 2);
    REQUIRE(reports[1].find("before its beginning") != std::string::npos);

    checked.deallocate(fresh, 100, 16, s);
    REQUIRE(reports.size() == 3);
    REQUIRE(reports[2].find("freed twice") != std::string::npos);

    fresh = static_cast<unsigned char*>(checked.allocate(100, 16, s));
    checked.deallocate(fresh, 99, 16, s);
    REQUIRE(reports.size() == 4);
    REQUIRE(reports[3].find("another size") != std::string::npos);

    REQUIRE(checked.live_blocks() == 0);
    fresh = static_cast<unsigned char*>(checked.allocate(64, 16, s));
    REQUIRE(checked.live_blocks() == 1);
  }
  REQUIRE(reports.size() == 5);
  REQUIRE(reports[4].find("never freed: 64 bytes") != std::string::npos);
  s.synchronize();
}

TEST_CASE(
    "memory: the debug resource finds writes after a free, by this stream or another, and says who took the block") {
  reports.clear();
  const weft::stream_ref s = policy.stream();
  weft::stream other{policy};
  const int value = 7;
  weft::debug_resource checked(policy.resource(), keep_report);
  const int line = __LINE__ + 1;
  const auto p = policy.with(checked);
  int* memory = nullptr;
  { memory = weft::buffer<int>(p, 1000).data(); }  // NOLINT: dangling on purpose
  REQUIRE(weft::to_vector(policy, reinterpret_cast<unsigned char*>(memory), 4000) ==
          std::vector<unsigned char>(4000, weft::debug_resource::freed_pattern));  // what a late reader sees
  checked.check_freed();
  REQUIRE(reports.empty());

  memory = weft::buffer<int>(p, 1000).data();
  s.owner->copy(memory + 999, &value, 4, s);
  s.synchronize();
  checked.check_freed();
  REQUIRE(reports.size() == 1);
  REQUIRE(reported("written after it was freed: 4000 bytes"));
  REQUIRE(reported("memory_adaptors.cpp:" + std::to_string(line)));

  memory = weft::buffer<int>(p, 1000).data();
  other.ref().owner->copy(memory, &value, 4, other);  // another stream that was never told
  other.synchronize();
  checked.check_freed();
  REQUIRE(reports.size() == 2);

  // The quarantine is bounded: the oldest go back by themselves, looked at once more.
  weft::statistics_resource counted(policy.resource());
  weft::debug_resource small(counted, keep_report, 10000);
  for (int i = 0; i < 10; ++i) weft::buffer<char>(policy.with(small), 4000);
  REQUIRE(counted.statistics().bytes <= 10000);
  REQUIRE(reports.size() == 2);
}

TEST_CASE("memory: fallback asks the second when the first has none, and gives each block back to its own") {
  weft::statistics_resource first_count(policy.resource()), second_count(policy.resource());
  weft::limit_resource first(first_count, 1000);
  weft::fallback_resource both(first, second_count);
  weft::buffer<char> a(policy.with(both), 600), b(policy.with(both), 600), c(policy.with(both), 300);
  REQUIRE(first_count.statistics().bytes == 900);
  REQUIRE(second_count.statistics().bytes == 600);
  REQUIRE(both.fallen_back() == 1);
  a = {};
  b = {};
  REQUIRE(first_count.statistics().bytes == 300);
  REQUIRE(second_count.statistics().bytes == 0);
  REQUIRE(both.fallen_back() == 0);
  weft::limit_resource none(policy.resource(), 0);
  weft::fallback_resource neither(none, none);
  REQUIRE_THROWS_AS(weft::buffer<char>(policy.with(neither), 1), weft::out_of_memory);
}

namespace {

/// Counts without any protection.
class careless final : public weft::memory_resource {
 public:
  void* allocate(std::size_t bytes, std::size_t alignment, weft::stream_ref s) override {
    ++calls;
    return policy.resource().allocate(bytes, alignment, s);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, weft::stream_ref s) noexcept override {
    ++calls;
    policy.resource().deallocate(memory, bytes, alignment, s);
  }
  weft::memory_kind kind() const noexcept override { return policy.resource().kind(); }
  std::string_view name() const noexcept override { return "careless"; }
  long calls = 0;
};

}  // namespace

TEST_CASE("memory: thread-safe makes one call at a time") {
  careless below;
  weft::thread_safe_resource safe(below);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        void* memory = safe.allocate(100, 16, policy.stream());
        safe.deallocate(memory, 100, 16, policy.stream());
      }
    });
  for (auto& t : threads) t.join();
  REQUIRE(below.calls == 16000);
}

TEST_CASE("memory: a log names the place of the policy, and is replayed") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  weft::stream s{policy};
  weft::logging_resource logged(policy.resource(), file);
  std::vector<weft::buffer<char>> kept;
  {
    for (int i = 0; i < 100; ++i) {
      kept.emplace_back(i % 2 ? policy.on(s).with(logged) : policy.with(logged), 1000 * (i % 7) + 1);
      if (i % 3 == 0) kept.erase(kept.begin() + i % static_cast<int>(kept.size()));
    }
    kept.resize(1);
    const weft::memory_site here;
    logged.deallocate(logged.allocate(5, 16, s), 5, 16, s);
  }
  std::fputs("not a line of a log\n", file);
  std::rewind(file);
  char line[300];
  REQUIRE(std::fgets(line, sizeof line, file) != nullptr);
  REQUIRE(std::string(line).find("memory_adaptors.cpp:") != std::string::npos);
  std::rewind(file);
  weft::pool_resource pool{policy};
  weft::statistics_resource counted(pool);
  const weft::replay_result r = weft::replay(file, counted, runtime());
  REQUIRE(r.allocations == 101);
  REQUIRE(r.deallocations == 100);
  REQUIRE(r.not_freed == 1);
  REQUIRE(r.unreadable == 1);
  REQUIRE(r.refused == 0);
  REQUIRE(r.bytes_peak == counted.statistics().bytes_peak);
  REQUIRE(counted.statistics().bytes == 0);
  std::rewind(file);
  weft::limit_resource limited(pool, 4000);
  const weft::replay_result tight = weft::replay(file, limited, runtime());
  REQUIRE(tight.refused > 0);
  REQUIRE(tight.allocations + tight.refused == 101);
  REQUIRE(limited.used() == 0);
  kept.clear();
  std::fclose(file);
}
