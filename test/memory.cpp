// The memory resources and adaptors on a real backend. The pool's promises about order are tested in core_pool.cpp.
#include <weft/buffer.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/memory/debug.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/resources.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include "harness.hpp"

using weft_test::policy;

namespace {

weft::runtime& runtime() { return weft_test::backend::runtime(); }

/// Writes and reads a block of the resource by the policy's stream.
void use(weft::memory_resource& resource) {
  const auto p = policy.with(resource);
  for (int n : {1, 77, 100000}) {
    const std::vector<int> values(static_cast<std::size_t>(n), n);
    const auto b = weft::to_buffer(p, values);
    REQUIRE(reinterpret_cast<std::uintptr_t>(b.data()) % 16 == 0);
    REQUIRE(weft::to_vector(p, b) == values);
  }
  REQUIRE(resource.allocate(0, 16, policy.stream()) == nullptr);
  resource.deallocate(nullptr, 0, 16, policy.stream());
}

std::vector<std::string> reports;
void keep_report(const char* text) { reports.emplace_back(text); }

}  // namespace

TEST_CASE("memory: every kind of resource gives memory that works and says what it is") {
  weft::device_resource device{policy};
  weft::ordered_resource ordered{policy};
  weft::pinned_resource pinned{policy};
  weft::managed_resource managed{policy};
  weft::host_resource host{policy};
  weft::pool_resource pool{policy};
  weft::pool_resource pinned_pool{runtime(), 0, weft::memory_kind::pinned};
  weft::memory_resource* all[] = {&device, &ordered, &pinned, &managed, &host, &pool, &pinned_pool, &policy.resource()};
  for (weft::memory_resource* r : all) {
    INFO(std::string(r->name()));
    use(*r);
  }
  REQUIRE(device.kind() == weft::memory_kind::device);
  REQUIRE(pinned.kind() == weft::memory_kind::pinned);
  REQUIRE(managed.kind() == weft::memory_kind::managed);
  REQUIRE(host.kind() == weft::memory_kind::host);
  REQUIRE(pinned_pool.kind() == weft::memory_kind::pinned);
  REQUIRE(&policy.resource() == &weft::default_resource(runtime(), policy.stream().device));
  REQUIRE(&policy.with(host).resource() == &host);
}

TEST_CASE("memory: the host touches pinned and managed memory") {
  for (auto kind : {weft::memory_kind::pinned, weft::memory_kind::managed, weft::memory_kind::host}) {
    auto* memory = static_cast<int*>(runtime().allocate(kind, 4000, 0));
    memory[999] = 5;
    REQUIRE(memory[999] == 5);
    runtime().deallocate(kind, memory, 4000, 0);
  }
}

TEST_CASE("memory: temporaries of a warm call come from the pool alone") {
  weft::pool_resource pool{policy};
  for (int round = 0; round < 3; ++round) weft::temporary<int> t(policy.with(pool), 12345);
  REQUIRE(pool.statistics().vendor_allocations == 1);
  REQUIRE(pool.statistics().warm_allocations == 2);
  REQUIRE(pool.statistics().used_bytes == 0);
  pool.trim();
}

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
    use(checked);
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

TEST_CASE("memory: resources refuse what they cannot align") {
  REQUIRE_THROWS_AS(policy.resource().allocate(64, 4096, policy.stream()), weft::invalid_argument);
}
