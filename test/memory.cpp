// The memory resources and adaptors on a real backend. The pool's promises about order are tested in core_pool.cpp.
#include <weft/buffer.hpp>
#include <weft/memory/any_resource.hpp>
#include <weft/memory/host.hpp>
#include <weft/memory/managed.hpp>
#include <weft/memory/pitched.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/resources.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <utility>
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

TEST_CASE("memory: resources refuse what they cannot align") {
  REQUIRE_THROWS_AS(policy.resource().allocate(64, 4096, policy.stream()), weft::invalid_argument);
}

TEST_CASE("memory: host memory of any alignment, of huge pages, touched by the policy's threads") {
  for (bool huge : {false, true})
    for (bool touch : {false, true}) {
      weft::host_resource host(policy, {.huge_pages = huge, .first_touch = touch});
      for (std::size_t alignment : {std::size_t{16}, std::size_t{4096}, std::size_t{1} << 16, std::size_t{4} << 20})
        for (std::size_t bytes : {std::size_t{1}, std::size_t{5000}, std::size_t{3} << 20}) {
          auto* memory = static_cast<unsigned char*>(host.allocate(bytes, alignment, policy.stream()));
          REQUIRE(reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
          if (huge) REQUIRE(reinterpret_cast<std::uintptr_t>(memory) % (2 << 20) == 0);
          REQUIRE(memory[0] + memory[bytes - 1] == 0);
          memory[0] = memory[bytes - 1] = 1;
          host.deallocate(memory, bytes, alignment, policy.stream());
        }
      REQUIRE_THROWS_AS(host.allocate(64, 48, policy.stream()), weft::invalid_argument);
      REQUIRE_THROWS_AS(host.allocate(std::size_t{1} << 60, 16, policy.stream()), weft::out_of_memory);
    }
  // Under a pool: page after page is taken once.
  weft::basic_pool<weft::page_source> pool{weft::page_source(policy, {.huge_pages = true, .first_touch = true})};
  for (int round = 0; round < 3; ++round) {
    auto* memory = static_cast<unsigned char*>(pool.allocate(9 << 20, 256, policy.stream()));
    memory[(9 << 20) - 1] = 1;
    pool.deallocate(memory, 9 << 20, 256, policy.stream());
  }
  REQUIRE(pool.statistics().vendor_allocations == 1);
  REQUIRE(pool.kind() == weft::memory_kind::host);
}

namespace {

/// How many of the pages from here on have memory behind them, by the system's account; some sandboxes keep none and
/// say all.
long pages_there(void* memory, std::size_t bytes) {
  std::vector<unsigned char> there((bytes + 4095) / 4096);
  if (mincore(memory, bytes, there.data()) != 0) return -1;
  return std::count(there.begin(), there.end(), 1);
}

}  // namespace

TEST_CASE("memory: pages are touched before the host has them, if that is wanted, and only then") {
  constexpr std::size_t bytes = 64 * 4096;
  void* untouched = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const bool kept = pages_there(untouched, bytes) == 0;
  munmap(untouched, bytes);
  for (bool touch : {true, false}) {
    weft::host_resource host(policy, {.first_touch = touch});
    void* memory = host.allocate(bytes, 4096, policy.stream());
    REQUIRE(pages_there(memory, bytes) == (touch || !kept ? 64 : 0));
    host.deallocate(memory, bytes, 4096, policy.stream());
  }
}

TEST_CASE("memory: managed memory takes advice and moves when it is told to") {
  weft::managed_resource managed{policy};
  weft::stream s{policy};
  const auto p = policy.on(s).with(managed);
  std::vector<int> values(100000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i);
  auto b = weft::to_buffer(p, values);
  for (auto advice : {weft::memory_advice::read_mostly, weft::memory_advice::no_read_mostly,
                      weft::memory_advice::preferred_location, weft::memory_advice::no_preferred_location,
                      weft::memory_advice::accessed_by, weft::memory_advice::no_accessed_by})
    weft::advise(p, b.data(), b.size(), advice);
  weft::advise(p, b.data(), b.size(), weft::memory_advice::preferred_location, weft::host_memory);
  weft::prefetch(p, b.data(), b.size());
  weft::prefetch_to_host(p, b.data(), b.size());
  s.synchronize();
  REQUIRE(std::vector<int>(b.begin(), b.end()) == values);
  REQUIRE_THROWS_AS(weft::prefetch(p, b.data(), -1), weft::invalid_argument);
}

TEST_CASE("memory: two-dimensional memory, rows aligned, copied to and from dense arrays") {
  for (weft::offset rows : {0, 1, 7})
    for (weft::offset columns : {0, 1, 100, 129}) {
      std::vector<int> in(static_cast<std::size_t>(rows * columns)), out(in.size(), -1);
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<int>(i) + 1;
      weft::pitched_buffer<int> a(policy, rows, columns), b(policy, rows, columns);
      REQUIRE(a.stride() >= columns);
      REQUIRE(a.stride() * 4 % 512 == 0);
      for (weft::offset i = 0; i < rows && columns > 0; ++i)
        REQUIRE((reinterpret_cast<std::uintptr_t>(a.view().row(i)) - reinterpret_cast<std::uintptr_t>(a.data())) %
                    512 ==
                0);
      weft::copy_rows(policy, weft::dense(in.data(), rows, columns), a.view());
      weft::copy_rows(policy, a.view(), b.view());
      weft::copy_rows(policy, b.view(), weft::dense(out.data(), rows, columns));
      REQUIRE(in == out);
    }
  struct three {
    char c[3];
  };
  REQUIRE(weft::pitched_buffer<three>::stride_for(1) == 512);  // 1536 bytes: whole elements, whole alignments
  REQUIRE_THROWS_AS(weft::pitched_buffer<int>(policy, -1, 4), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::pitched_buffer<int>(policy, weft::offset{1} << 40, weft::offset{1} << 40),
                    weft::invalid_argument);
  weft::pitched_buffer<int> a(policy, 2, 3);
  int dense[8];
  REQUIRE_THROWS_AS(weft::copy_rows(policy, a.view(), weft::dense(dense, 2, 4)), weft::invalid_argument);
}

namespace {

/// Not derived from anything, and neither copied nor moved.
struct own_resource {
  own_resource(weft::memory_resource& below, int* ended) : below_(below), ended_(ended) {}
  own_resource(const own_resource&) = delete;
  ~own_resource() { ++*ended_; }
  void* allocate(std::size_t bytes, std::size_t alignment, weft::stream_ref s) {
    ++calls;
    return below_.allocate(bytes, alignment, s);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, weft::stream_ref s) noexcept {
    below_.deallocate(memory, bytes, alignment, s);
  }
  int calls = 0;

 private:
  weft::memory_resource& below_;
  int* ended_;
};
static_assert(weft::resource<own_resource> && weft::resource<weft::pool_resource> &&
              weft::resource<weft::any_resource>);
static_assert(!weft::resource<int>);

}  // namespace

TEST_CASE("memory: any_resource holds a resource of any class and shares it") {
  int ended = 0;
  {
    weft::any_resource a(std::in_place_type<own_resource>, policy.resource(), &ended);
    use(a);
    REQUIRE(a.target<own_resource>()->calls == 4);
    REQUIRE(a.target<weft::pool_resource>() == nullptr);
    REQUIRE(a.name() == "user's resource");
    weft::any_resource b = a, pool(std::in_place_type<weft::pool_resource>, policy);
    REQUIRE(a == b);
    REQUIRE_FALSE(a == pool);
    REQUIRE(pool.name() == "weft pool");
    REQUIRE(pool.kind() == weft::memory_kind::device);
    use(pool);
    weft::buffer<int> outlives(policy.with(b), 10);
    a = pool;
    REQUIRE(ended == 0);
    const weft::any_resource borrowed = weft::any_resource::borrowed(policy.resource());
    REQUIRE(borrowed.name() == policy.resource().name());
    weft::any_resource direct{weft::ordered_resource{policy}};
    use(direct);
  }
  REQUIRE(ended == 1);
}

TEST_CASE("memory: out of memory names size, resource, stream and device, and changes nothing") {
  weft::stream s{policy};
  weft::pool_resource pool{policy, {.limit_bytes = 1 << 20}};
  weft::buffer<char> lives(policy.on(s).with(pool), 4000);
  weft::copy_values(policy.on(s), "abc", 4, lives.data());
  const auto before = pool.statistics();
  try {
    weft::buffer<char>(policy.on(s).with(pool), 777777777);
    FAIL("expected out_of_memory");
  } catch (const weft::out_of_memory& e) {
    const std::string text = e.what();
    REQUIRE(text.find("weft pool: out of memory: 777777777 bytes for stream 0x") == 0);
    REQUIRE(text.find(" of device 0 of ") != std::string::npos);
  }
  REQUIRE(pool.statistics().used_bytes == before.used_bytes);
  REQUIRE(weft::to_vector(policy.on(s), lives.data(), 4) == std::vector<char>{'a', 'b', 'c', 0});
  weft::device_resource vendor{policy};
  REQUIRE_THROWS_AS(vendor.allocate(std::size_t{1} << 46, 16, s), weft::out_of_memory);
  weft::ordered_resource ordered{policy};
  REQUIRE_THROWS_AS(ordered.allocate(std::size_t{1} << 46, 16, s), weft::out_of_memory);
  REQUIRE(weft::to_vector(policy.on(s), lives.data(), 1)[0] == 'a');
}
