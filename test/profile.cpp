// Tools: what they are told, that a call made of one verb is told once, that nothing is told twice or after detaching,
// and what a warm call asks of the device: one launch, no allocation, one wait where it returns a value, else none.
#include <weft/buffer.hpp>
#include <weft/profile.hpp>
#include <weft/stream.hpp>
#include <weft/weft.hpp>

#include <mutex>
#include <thread>

#include "harness.hpp"

namespace {

using weft::profile::kind;

struct entry {
  kind what;
  std::string name, verb, backend;
  std::size_t bytes;
  const void* memory;
  unsigned line;
  std::uint64_t begun, ended;
};

/// Keeps all it is told.
struct listener final : weft::profile::tool {
  std::mutex guard;
  int begun = 0;
  std::vector<entry> ended;
  void begin(const weft::profile::event&) noexcept override {
    std::lock_guard lock(guard);
    ++begun;
  }
  void end(const weft::profile::event& e) noexcept override {
    std::lock_guard lock(guard);
    ended.push_back({e.what, std::string(e.name), std::string(e.verb), std::string(e.backend), e.bytes, e.memory,
                     e.where.line(), e.begun, e.ended});
  }
  int count(kind what) const {
    int n = 0;
    for (const entry& e : ended) n += e.what == what;
    return n;
  }
  const entry& first(kind what) const {
    for (const entry& e : ended)
      if (e.what == what) return e;
    FAIL("no " << weft::profile::name_of(what));
    return ended.front();
  }
};

}  // namespace

TEST_CASE("profile: an algorithm is told by its name, with verb, backend, stream and place") {
  weft::stream s{policy};
  const auto line = std::source_location::current().line() + 1;
  const auto on = policy.on(s);
  room<u32> x(values<u32>(1000, 1)), y(1000);
  listener heard;
  {
    weft::profile::attachment listening(heard);
    REQUIRE(listening.attached());
    weft::inclusive_scan(on, x.begin(), x.end(), y.begin());
  }
  weft::inclusive_scan(on, x.begin(), x.end(), y.begin());
  s.synchronize();
  REQUIRE(heard.count(kind::algorithm) == 1);
  const entry& e = heard.first(kind::algorithm);
  REQUIRE(e.name == "inclusive_scan");
  REQUIRE(e.verb == "scan");
  REQUIRE(e.backend == backend_name);
  REQUIRE(e.line == line);
  REQUIRE(e.begun != 0);
  REQUIRE(e.ended >= e.begun);
  REQUIRE(heard.count(kind::kernel) == (gpu_family ? 1 : 0));
  REQUIRE(heard.begun == static_cast<int>(heard.ended.size()));
}

TEST_CASE("profile: allocations, copies, fills and waits of the run time are told with their size") {
  weft::runtime& runtime = weft_test::backend::runtime();
  weft::stream s{policy};
  std::vector<char> host(1000, 7);
  listener heard;
  {
    weft::profile::attachment listening(heard);
    void* memory = runtime.allocate(weft::memory_kind::device, 4096, 0);
    runtime.fill_bytes(memory, 1, 4000, s);
    runtime.copy(memory, host.data(), 1000, s);
    s.synchronize();
    runtime.deallocate(weft::memory_kind::device, memory, 4096, 0);
    REQUIRE(heard.first(kind::allocation).bytes == 4096);
    REQUIRE(heard.first(kind::allocation).memory == memory);
    REQUIRE(heard.first(kind::fill).bytes == 4000);
    REQUIRE(heard.first(kind::copy).bytes == 1000);
    REQUIRE(heard.first(kind::copy).memory == memory);
    REQUIRE(heard.first(kind::release).memory == memory);
    REQUIRE(heard.count(kind::wait) == 1);
  }
}

TEST_CASE("profile: tools that use the library themselves, several tools, and no more than eight") {
  struct nosy final : weft::profile::tool {
    void end(const weft::profile::event& e) noexcept override {
      heard.end(e);
      room<u32> mine(10);
      weft::fill(policy, mine.begin(), mine.end(), 1u);  // is not told: it would never end
    }
    listener heard;
  } a;
  listener b;
  room<u32> x(100);
  {
    weft::profile::attachment one(a), two(b);
    weft::fill(policy, x.begin(), x.end(), 2u);
  }
  REQUIRE(a.heard.ended.size() == b.ended.size());
  REQUIRE(a.heard.count(kind::algorithm) == 1);
  std::vector<listener> many(9);
  int attached = 0;
  for (listener& l : many) attached += weft::profile::attach(l);
  REQUIRE(attached == 8);
  for (listener& l : many) weft::profile::detach(l);
  weft::fill(policy, x.begin(), x.end(), 3u);
  for (listener& l : many) REQUIRE(l.ended.empty());
}

TEST_CASE("profile: attaching and detaching while other threads call") {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      std::vector<u32> x(100);
      while (!stop) weft_test::backend::runtime().copy(x.data(), x.data() + 50, 200, policy.stream());
    });
  for (int i = 0; i < 200; ++i) {
    auto heard = std::make_unique<listener>();
    {
      weft::profile::attachment listening(*heard);
      std::this_thread::yield();
    }
    heard.reset();  // nobody may be inside it
  }
  stop = true;
  for (auto& t : threads) t.join();
}

TEST_CASE("profile: a warm call is one launch, no allocation, and waits only for a value it returns") {
  if constexpr (gpu_family) {
    constexpr offset n = emulated ? 5000 : 1 << 20;
    weft::stream s{policy};
    const auto on = policy.on(s);
    room<u32> x(values<u32>(n, 1)), y(n), z(n), sorted(values<u32>(n, 2, order::sorted));
    room<offset> count(2);
    room<int> bins(256);
    auto asks = [&](const char* name, int waits, int most_launches, auto call) {
      for (int i = 0; i < 3; ++i) call();
      s.synchronize();
      listener heard;
      {
        weft::profile::attachment listening(heard);
        call();
      }
      INFO(name);
      REQUIRE(heard.count(kind::allocation) == 0);
      REQUIRE(heard.count(kind::release) == 0);
      REQUIRE(heard.count(kind::copy) == 0);
      REQUIRE(heard.count(kind::wait) == waits);
      const int launches = heard.count(kind::kernel) + heard.count(kind::fill);
      REQUIRE(launches >= 1);
      REQUIRE(launches <= most_launches);
      s.synchronize();
    };
    asks("transform", 0, 1, [&] { weft::transform(on, x.begin(), x.end(), y.begin(), weft::square{}); });
    asks("fill", 0, 1, [&] { weft::fill(on, y.begin(), y.end(), 1u); });
    asks("reduce", 1, 1, [&] { weft::reduce(on, x.begin(), x.end(), 0u); });
    asks("reduce_into", 0, 1, [&] { weft::reduce_into(on, x.begin(), x.end(), y.begin(), 0u); });
    asks("min_element", 1, 1, [&] { weft::min_element(on, x.begin(), x.end()); });
    asks("inclusive_scan", 0, 1, [&] { weft::inclusive_scan(on, x.begin(), x.end(), y.begin()); });
    asks("copy_if", 1, 1, [&] { weft::copy_if(on, x.begin(), x.end(), y.begin(), is_odd{}); });
    asks("copy_if_into", 0, 1, [&] { weft::copy_if_into(on, x.begin(), x.end(), y.begin(), count.begin(), is_odd{}); });
    asks("unique_copy_into", 0, 1, [&] { weft::unique_copy_into(on, x.begin(), x.end(), y.begin(), count.begin()); });
    asks("merge", 0, 1, [&] {
      weft::merge(on, sorted.begin(), sorted.begin() + n / 2, sorted.begin() + n / 2, sorted.end(), z.begin());
    });
    asks("find", 1, 2, [&] { weft::find(on, x.begin(), x.end(), 7u); });
    asks("reduce_by_key_into", 0, 1, [&] {
      weft::reduce_by_key_into(on, sorted.begin(), sorted.end(), x.begin(), y.begin(), z.begin(), count.begin());
    });
    asks("adjacent_difference", 0, 1, [&] { weft::adjacent_difference(on, x.begin(), x.end(), y.begin()); });
    asks("histogram_even", 0, 2,
         [&] { weft::histogram_even(on, x.begin(), x.end(), bins.begin(), 256, 0u, 1u << 31); });
    asks("sort", 0, 12, [&] { weft::sort(on, y.begin(), y.end()); });
  }
}

TEST_CASE("profile: nothing of a stream's call is put anywhere else (peer defect 7)") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  struct streams : weft::profile::tool {
    std::mutex guard;
    std::vector<weft::stream_ref> seen;
    void end(const weft::profile::event& e) noexcept override {
      if (e.what == kind::allocation || e.what == kind::release) return;  // belong to no stream
      std::lock_guard lock(guard);
      seen.push_back(e.stream);
    }
  } heard;
  {
    weft::profile::attachment listening(heard);
    weft::buffer<u32> x(on, 5000), y(on, 5000);
    weft::buffer<offset> count(on, 1);
    weft::sequence(on, x.begin(), x.end(), 0u);
    weft::sort(on, x.begin(), x.end(), weft::greater{});
    weft::inclusive_scan(on, x.begin(), x.end(), y.begin());
    weft::copy_if_into(on, x.begin(), x.end(), y.begin(), count.begin(), is_odd{});
    weft::partition_into(on, x.begin(), x.end(), count.begin(), is_odd{});
    REQUIRE(weft::reduce(on, x.begin(), x.end(), 0u) == 4999u * 5000 / 2);
  }
  REQUIRE(heard.seen.size() >= 6);
  for (const weft::stream_ref& seen : heard.seen) REQUIRE(seen == s.ref());
}
