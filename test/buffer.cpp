// buffer<T>: uninitialised memory in stream order, and the copies to and from the host.
#include <weft/buffer.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/memory/pool.hpp>

#include <numeric>
#include <span>
#include <thread>
#include <vector>

#include "harness.hpp"

using weft_test::policy;

namespace {

struct point {
  double x;
  int y;
};

std::vector<int> counting(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 1);
  return v;
}

// Constructed before main and destroyed after it, and after the vendor's run time may have ended.
weft::buffer<int> outlives_main;

}  // namespace

TEST_CASE("buffer: to the device and back, with and without a stream") {
  weft::stream s{policy};
  for (int n : {0, 1, 2, 1000, 1 << 18}) {
    const std::vector<int> values = counting(n);
    const auto here = weft::to_buffer(policy, values);
    REQUIRE(here.size() == n);
    REQUIRE(here.empty() == (n == 0));
    REQUIRE(here.end() - here.begin() == n);
    REQUIRE(weft::to_vector(policy, here) == values);
    const auto there = weft::to_buffer(policy.on(s), std::span(values));
    REQUIRE(there.stream() == s.ref());
    const auto copy = weft::to_buffer(policy.on(s), there);
    REQUIRE(weft::to_vector(policy.on(s), copy) == values);
    const auto tail = n > 1 ? weft::to_vector(policy.on(s), copy.data() + 1, n - 1) : std::vector<int>{};
    REQUIRE(tail.size() == static_cast<std::size_t>(n > 1 ? n - 1 : 0));
    if (n > 1) REQUIRE(tail.back() == n);
  }
}

TEST_CASE("buffer: holds structs, aligned") {
  const std::vector<point> values{{1.5, 2}, {2.5, 3}};
  const auto b = weft::to_buffer(policy, values);
  REQUIRE(reinterpret_cast<std::uintptr_t>(b.data()) % alignof(point) == 0);
  const auto back = weft::to_vector(policy, b);
  REQUIRE(back.size() == 2);
  REQUIRE(back[1].x == 2.5);
  REQUIRE(back[1].y == 3);
}

TEST_CASE("buffer: moves, and gives each block back once, to the resource and stream it came with") {
  weft::runtime& runtime = weft_test::backend::runtime();
  weft::statistics_resource counted(weft::default_resource(runtime, policy.stream().device));
  {
    weft::stream s{policy};
    weft::buffer<int> a(s, counted, 100), b(policy.with(counted), 50), none;
    REQUIRE(none.empty());
    REQUIRE(none.data() == nullptr);
    int* const memory = a.data();
    weft::buffer<int> moved = std::move(a);
    REQUIRE(moved.data() == memory);
    REQUIRE(a.empty());
    b = std::move(moved);
    REQUIRE(b.data() == memory);
    REQUIRE(b.size() == 100);
    REQUIRE(counted.statistics().bytes == 400);
    auto& self = b;
    b = std::move(self);
    REQUIRE(b.data() == memory);
    b.set_stream(policy.stream());
    REQUIRE(b.stream() == policy.stream());
    weft::buffer<int> zero(policy.with(counted), 0);
    REQUIRE(zero.data() == nullptr);
  }
  const auto seen = counted.statistics();
  REQUIRE(seen.bytes == 0);
  REQUIRE(seen.bytes_peak == 600);
  REQUIRE(seen.allocations == seen.deallocations + 1);  // of the empty one only the asking is seen
}

TEST_CASE("buffer: is not copied, and of trivial types only") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<weft::buffer<int>>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<weft::buffer<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<weft::buffer<int>>);
}

TEST_CASE("buffer: peer defect 3, one in static storage ends after main") {
  outlives_main = weft::to_buffer(policy, counting(1000));
  REQUIRE(weft::to_vector(policy, outlives_main).back() == 1000);
}

TEST_CASE("buffer: peer defect 1, streams that come and go do not mix their memory up") {
  for (int round = 0; round < 100; ++round) {
    weft::stream s{policy};
    const std::vector<int> values(3000, round);
    const auto b = weft::to_buffer(policy.on(s), values);
    auto c = weft::buffer<int>(policy.on(s), 3000);
    weft::copy_values(policy.on(s), b.data(), 3000, c.data());
    REQUIRE(weft::to_vector(policy.on(s), c) == values);
  }
}

TEST_CASE("buffer: several threads at once, each with its default stream") {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 50; ++round) {
        const std::vector<int> values(static_cast<std::size_t>(100 + 997 * round), t);
        const auto b = weft::to_buffer(policy, values);
        if (weft::to_vector(policy, b) != values) ++wrong[static_cast<std::size_t>(t)];
      }
    });
  for (auto& t : threads) t.join();
  REQUIRE(wrong == std::vector<int>(4));
}
