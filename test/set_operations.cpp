// Set operations against those of std: ranges that differ in length, share much or nothing, repeat elements on both
// sides and across tiles; stability; values; counts alone.
#include "harness.hpp"

#include <weft/set_operations.hpp>

namespace {

struct unite {
  template <class... X>
  auto std(X... x) const {
    return std::set_union(x...);
  }
  template <class... X>
  auto operator()(X... x) const {
    return weft::set_union(policy, x...);
  }
  template <class... X>
  void into(X... x) const {
    weft::set_union_into(policy, x...);
  }
  template <class K1, class K2, class V1, class V2, class... X>
  auto by_key(K1 a, K1 a_end, K2 b, K2 b_end, V1 av, V2 bv, X... x) const {
    return weft::set_union_by_key(policy, a, a_end, b, b_end, av, bv, x...);
  }
};
struct intersect {
  template <class... X>
  auto std(X... x) const {
    return std::set_intersection(x...);
  }
  template <class... X>
  auto operator()(X... x) const {
    return weft::set_intersection(policy, x...);
  }
  template <class... X>
  void into(X... x) const {
    weft::set_intersection_into(policy, x...);
  }
  template <class K1, class K2, class V1, class V2, class... X>
  auto by_key(K1 a, K1 a_end, K2 b, K2 b_end, V1 av, V2, X... x) const {
    return weft::set_intersection_by_key(policy, a, a_end, b, b_end, av, x...);
  }
};
struct subtract {
  template <class... X>
  auto std(X... x) const {
    return std::set_difference(x...);
  }
  template <class... X>
  auto operator()(X... x) const {
    return weft::set_difference(policy, x...);
  }
  template <class... X>
  void into(X... x) const {
    weft::set_difference_into(policy, x...);
  }
  template <class K1, class K2, class V1, class V2, class... X>
  auto by_key(K1 a, K1 a_end, K2 b, K2 b_end, V1 av, V2, X... x) const {
    return weft::set_difference_by_key(policy, a, a_end, b, b_end, av, x...);
  }
};
struct either {
  template <class... X>
  auto std(X... x) const {
    return std::set_symmetric_difference(x...);
  }
  template <class... X>
  auto operator()(X... x) const {
    return weft::set_symmetric_difference(policy, x...);
  }
  template <class... X>
  void into(X... x) const {
    weft::set_symmetric_difference_into(policy, x...);
  }
  template <class K1, class K2, class V1, class V2, class... X>
  auto by_key(K1 a, K1 a_end, K2 b, K2 b_end, V1 av, V2 bv, X... x) const {
    return weft::set_symmetric_difference_by_key(policy, a, a_end, b, b_end, av, bv, x...);
  }
};
template <class F>
void each(F f) {
  f(unite{}), f(intersect{}), f(subtract{}), f(either{});
}

/// n sorted values of `kinds` different ones; 0: all there are.
template <class T, class Less>
std::vector<T> sorted_values(offset n, offset kinds, u64 seed, Less less) {
  std::vector<T> x;
  for (offset i = 0; i < n; ++i) {
    const u64 bits = random_bits(seed, static_cast<u64>(i));
    x.push_back(value_from<T>(kinds == 0 ? bits : random_bits(7, bits % static_cast<u64>(kinds)), i));
  }
  std::stable_sort(x.begin(), x.end(), less);
  return x;
}

template <class T, class Less>
void compare(const std::vector<T>& x, const std::vector<T>& y, Less less) {
  const auto a = device_copy(x), b = device_copy(y);
  each([&](auto op) {
    std::vector<T> wanted(x.size() + y.size());
    wanted.erase(op.std(x.begin(), x.end(), y.begin(), y.end(), wanted.begin(), less), wanted.end());
    const auto kept = static_cast<offset>(wanted.size());
    auto out = device_room<T>(kept);  // what lies behind is watched
    REQUIRE(op(a.begin(), a.end(), b.begin(), b.end(), out.begin(), less) == out.end());
    require_same(host_copy(out), wanted);
    room<offset> count(1);
    op.into(a.begin(), a.end(), b.begin(), b.end(), out.begin(), count.begin(), less);
    REQUIRE(only(count) == kept);
  });
  REQUIRE(weft::includes(policy, a.begin(), a.end(), b.begin(), b.end(), less) ==
          std::includes(x.begin(), x.end(), y.begin(), y.end(), less));
}

struct by_high_bits {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return (a >> 28) < (b >> 28); }
};

}  // namespace

TEST_CASE("set operations: distinct, repeated and equal elements") {
  for (const offset n : sizes())
    for (const offset kinds : {offset{0}, 2 * n + 1, n / 8 + 1, offset{3}}) {
      if (slow_build && emulated && n == large_n && kinds != n / 8 + 1) continue;
      const offset m = n % 3 == 0 ? n / 3 : n;
      INFO("n = " << n << ", m = " << m << ", kinds = " << kinds);
      compare(sorted_values<u32>(n, kinds, 1, weft::less{}), sorted_values<u32>(m, kinds, 2, weft::less{}),
              weft::less{});
    }
}

TEST_CASE("set operations: lengths that differ, one range empty or alone in its part of the values") {
  for (const offset n : few_sizes())
    for (const offset m : {offset{0}, offset{1}, n / 50, 3 * n}) {
      INFO("n = " << n << ", m = " << m);
      auto x = sorted_values<i32>(n, n / 2 + 1, 3, weft::less{}), y = sorted_values<i32>(m, n / 2 + 1, 4, weft::less{});
      compare(x, y, weft::less{});
      compare(y, x, weft::less{});
      for (i32& v : x) v = v >> 2;
      for (i32& v : y) v = (v >> 2) | (1 << 30);
      compare(x, y, weft::less{});
      compare(y, x, weft::less{});
    }
}

TEST_CASE("set operations: one long run on either side") {
  const offset n = emulated ? (slow_build ? 3001 : 9001) : 70001;  // several tiles all the same
  for (const offset m : {offset{1}, n / 2, n - 1, n, n + 1}) {
    INFO("m = " << m);
    const std::vector<u32> x(static_cast<std::size_t>(n), 5u);
    std::vector<u32> y(static_cast<std::size_t>(m), 5u);
    compare(x, y, weft::less{});
    compare(y, x, weft::less{});
    y.push_back(6), y.insert(y.begin(), 4u);
    compare(x, y, weft::less{});
  }
}

TEST_CASE("set operations of ranges that begin and end anywhere in memory") {
  const offset n = emulated ? 2003 : (3 << 20) + 5;  // long enough for the kernel that copies pieces of 16 bytes
  const auto check = [&]<class T>(T, offset m, offset a_at, offset b_at) {
    INFO("m = " << m << " at " << a_at << ", " << b_at << ", " << sizeof(T) << " bytes");
    auto x = sorted_values<T>(n, 2 * n, 8, weft::less{}), y = sorted_values<T>(m, 2 * n, 9, weft::less{});
    std::vector<T> wanted(x.size() + y.size());
    wanted.erase(std::set_union(x.begin(), x.end(), y.begin(), y.end(), wanted.begin()), wanted.end());
    x.insert(x.begin(), static_cast<std::size_t>(a_at), T{}), y.insert(y.begin(), static_cast<std::size_t>(b_at), T{});
    const auto a = device_copy(x), b = device_copy(y);
    auto out = device_room<T>(static_cast<offset>(wanted.size()));
    REQUIRE(weft::set_union(policy, a.begin() + a_at, a.end(), b.begin() + b_at, b.end(), out.begin()) == out.end());
    require_same(host_copy(out), wanted);
  };
  for (const offset at : {0, 1, 2, 3}) check(u32{}, at == 0 ? n : n / 7, at, 3 - at);
  check(u64{}, n / 3, 1, 0);
}

TEST_CASE("set operations: types, orders, stability") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const weft::greater greater;
    compare(sorted_values<u8>(n, 0, 5, weft::less{}), sorted_values<u8>(n / 2, 0, 6, weft::less{}), weft::less{});
    compare(sorted_values<double>(n, n + 1, 5, greater), sorted_values<double>(n, n + 1, 6, greater), greater);
    compare(sorted_values<tagged>(n, n / 4 + 1, 5, weft::less{}),
            sorted_values<tagged>(n + 1000, n / 4 + 1, 6, weft::less{}), weft::less{});
    compare(sorted_values<affine>(n, n + 1, 5, weft::less{}), sorted_values<affine>(n, n + 1, 6, weft::less{}),
            weft::less{});
    compare(sorted_values<u32>(n, 0, 5, by_high_bits{}), sorted_values<u32>(n + 9, 0, 6, by_high_bits{}),
            by_high_bits{});
  }
}

TEST_CASE("set operations by key move values along") {
  using pair = std::pair<i32, u8>;
  const auto by_first = [](const pair& p, const pair& q) { return p.first < q.first; };
  for (const offset n : few_sizes()) {
    const offset m = n / 2 + 3;
    const auto x = sorted_values<i32>(n, n / 2 + 1, 8, weft::less{}),
               y = sorted_values<i32>(m, n / 2 + 1, 9, weft::less{});
    const auto xv = values<u8>(n, 10), yv = values<u8>(m, 11);
    std::vector<pair> p, q;
    for (std::size_t i = 0; i < x.size(); ++i) p.emplace_back(x[i], xv[i]);
    for (std::size_t i = 0; i < y.size(); ++i) q.emplace_back(y[i], yv[i]);
    const auto a = device_copy(x), b = device_copy(y);
    const auto av = device_copy(xv), bv = device_copy(yv);
    each([&](auto op) {
      std::vector<pair> both(p.size() + q.size());
      both.erase(op.std(p.begin(), p.end(), q.begin(), q.end(), both.begin(), by_first), both.end());
      INFO("n = " << n << ", kept = " << both.size());
      std::vector<i32> keys;
      std::vector<u8> data;
      for (const auto& [key, value] : both) keys.push_back(key), data.push_back(value);
      const auto kept = static_cast<offset>(both.size());
      room<i32> out(kept);
      room<u8> out_values(kept);
      const auto ends =
          op.by_key(a.begin(), a.end(), b.begin(), b.end(), av.begin(), bv.begin(), out.begin(), out_values.begin());
      REQUIRE(ends.first == out.end());
      REQUIRE(ends.second == out_values.end());
      require_same(host_copy(out), keys);
      require_same(host_copy(out_values), data);
    });
  }
}

TEST_CASE("includes: one element missing, one too many of a kind") {
  for (const offset n : few_sizes()) {
    if (n == 0) continue;
    auto x = sorted_values<u32>(n, n / 3 + 1, 12, weft::less{});
    const auto a = device_copy(x);
    std::vector<u32> some;
    for (std::size_t i = 0; i < x.size(); i += 2) some.push_back(x[i]);
    const auto b = device_copy(some);
    room<u8> flag(2);
    weft::includes_into(policy, a.begin(), a.end(), b.begin(), b.end(), flag.begin());
    x.insert(x.begin() + n / 2, x[static_cast<std::size_t>(n / 2)]);
    const auto more = device_copy(x);
    weft::includes_into(policy, a.begin(), a.end(), more.begin(), more.end(), flag.begin() + 1);
    REQUIRE(host_copy(flag)[0]);
    REQUIRE(!host_copy(flag)[1]);
  }
}

TEST_CASE("set operations refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3, 4});
  const auto begin = data.begin(), end = data.end();
  room<i32> out(8);
  REQUIRE(
      contains(refusal([&] { weft::set_union(policy, begin, begin + 2, null<i32>(), null<i32>() + 2, out.begin()); }),
               "set_union: null"));
  REQUIRE(contains(refusal([&] { weft::set_difference(policy, end, begin, begin, end, out.begin()); }),
                   "set_difference: negative count"));
  REQUIRE(contains(refusal([&] { weft::includes(policy, begin, end, end, begin); }), "includes: negative count"));
  REQUIRE(contains(refusal([&] { weft::set_intersection(policy, begin, end, begin, end, begin); }), "overlap"));
  require_same(host_copy(data), {1, 2, 3, 4});
}

TEST_CASE("set operations: any copyable type on CPU backends") {
  if constexpr (!gpu_family)
    compare(sorted_values<std::string>(90000, 0, 13, weft::less{}),
            sorted_values<std::string>(50000, 0, 14, weft::less{}), weft::less{});
}
