// find, all_of, equal, mismatch, is_sorted: the first place, wherever it lies.
#include "harness.hpp"

#include <weft/find.hpp>

namespace {

/// Where a needle may lie in n elements.
std::vector<offset> places(offset n) {
  std::vector<offset> all{n};  // nowhere
  for (const offset p : {offset{0}, offset{1}, n / 2, n - 2, n - 1})
    if (p >= 0 && p < n) all.push_back(p);
  return all;
}

}  // namespace

TEST_CASE("find and find_if find the first") {
  for (const offset n : sizes()) {
    for (const offset place : places(n)) {
      INFO("n = " << n << ", place = " << place);
      std::vector<i32> x(static_cast<std::size_t>(n), 4);
      for (offset i = place; i < n; i += 7) x[static_cast<std::size_t>(i)] = 5;  // and some behind it
      const auto data = device_copy(x);
      const auto b = data.begin(), e = data.end();
      REQUIRE(weft::find(policy, b, e, 5) - b == place);
      REQUIRE(weft::find_if(policy, b, e, is_odd{}) - b == place);
      room<offset> out(1);
      weft::find_into(policy, b, e, out.begin(), 5);
      REQUIRE(only(out) == place);
    }
  }
  const auto data = device_copy(std::vector<i32>{1, 3, 4, 5});
  REQUIRE(weft::find_if_not(policy, data.begin(), data.end(), is_odd{}) - data.begin() == 2);
}

TEST_CASE("all_of, any_of and none_of") {
  for (const offset n : few_sizes()) {
    for (const offset place : places(n)) {
      INFO("n = " << n << ", place = " << place);
      std::vector<u8> x(static_cast<std::size_t>(n), 1);
      if (place < n) x[static_cast<std::size_t>(place)] = 2;
      const bool all = place == n;
      const auto data = device_copy(x);
      const auto b = data.begin(), e = data.end();
      const at_least<u8> two{2};
      REQUIRE(weft::all_of(policy, b, e, is_odd{}) == all);
      REQUIRE(weft::any_of(policy, b, e, two) == !all);
      REQUIRE(weft::none_of(policy, b, e, two) == all);
      room<u8> out(3);
      weft::all_of_into(policy, b, e, out.begin(), is_odd{});
      weft::any_of_into(policy, b, e, out.begin() + 1, two);
      weft::none_of_into(policy, b, e, out.begin() + 2, two);
      require_same(host_copy(out), {u8{all}, u8{!all}, u8{all}});
    }
  }
}

namespace {
struct within_one {
  WEFT_HOST_DEVICE bool operator()(i32 a, i64 b) const { return a - b <= 1 && b - a <= 1; }
};
}  // namespace

TEST_CASE("equal and mismatch") {
  for (const offset n : sizes()) {
    for (const offset place : places(n)) {
      INFO("n = " << n << ", place = " << place);
      const auto x = values<i32>(n, 1);
      std::vector<i64> y(x.begin(), x.end());
      if (place < n) y[static_cast<std::size_t>(place)] += 2;
      const auto a = device_copy(x);
      const auto b = device_copy(y);
      REQUIRE(weft::equal(policy, a.begin(), a.end(), b.begin()) == (place == n));
      const auto differ = weft::mismatch(policy, a.begin(), a.end(), b.begin(), within_one{});
      REQUIRE(differ.first - a.begin() == place);
      REQUIRE(differ.second - b.begin() == place);
      room<offset> index(1);
      room<u8> answer(1);
      weft::mismatch_into(policy, a.begin(), a.end(), b.begin(), index.begin());
      weft::equal_into(policy, a.begin(), a.end(), b.begin(), answer.begin());
      REQUIRE(only(index) == place);
      REQUIRE(only(answer) == (place == n));
    }
  }
}

TEST_CASE("NaN equals nothing, -0.0 equals 0.0") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto a = device_copy(std::vector<float>{0.f, 1.f, nan}), b = device_copy(std::vector<float>{-0.f, 1.f, nan});
  REQUIRE(weft::mismatch(policy, a.begin(), a.end(), b.begin()).first - a.begin() == 2);
  REQUIRE(weft::find(policy, b.begin(), b.end(), 0.f) == b.begin());
  REQUIRE(weft::find(policy, b.begin(), b.end(), nan) == b.end());
}

TEST_CASE("is_sorted and is_sorted_until") {
  for (const offset n : sizes()) {
    for (const offset place : places(n)) {
      INFO("n = " << n << ", place = " << place);
      auto x = values<i32>(n, 2, order::sorted);
      if (place > 0 && place < n) x[static_cast<std::size_t>(place)] = x[static_cast<std::size_t>(place) - 1] - 1;
      const offset wanted = std::is_sorted_until(x.begin(), x.end()) - x.begin();
      const auto data = device_copy(x);
      const auto b = data.begin(), e = data.end();
      REQUIRE(weft::is_sorted_until(policy, b, e) - b == wanted);
      REQUIRE(weft::is_sorted(policy, b, e) == (wanted == n));
      room<u8> out(1);
      weft::is_sorted_into(policy, b, e, out.begin());
      REQUIRE(only(out) == (wanted == n));
      room<offset> length(1);
      weft::is_sorted_until_into(policy, b, e, length.begin());
      REQUIRE(only(length) == wanted);
    }
  }
  const auto same_values = device_copy(std::vector<i32>(1000, 3));
  REQUIRE(weft::is_sorted(policy, same_values.begin(), same_values.end(), weft::greater{}));
}

TEST_CASE("search, find_end, search_n, adjacent_find, find_first_of") {
  for (const offset n : sizes())
    for (const offset place : places(n)) {
      INFO("n = " << n << ", place = " << place);
      auto x = values<u8>(n, 5);
      for (u8& v : x) v = static_cast<u8>(v % 100 + 1);
      for (std::size_t i = 1; i < x.size(); ++i)
        if (x[i] == x[i - 1]) x[i] = static_cast<u8>(x[i] == 1 ? 2 : x[i] - 1);
      const std::vector<u8> rare{0, 200, 0}, empty;
      for (std::size_t k = 0; k < rare.size(); ++k)
        if (place + static_cast<offset>(k) < n) x[static_cast<std::size_t>(place) + k] = rare[k];
      if (n > 300) std::copy(rare.begin(), rare.end(), x.begin() + n / 2);
      const auto data = device_copy(x), pattern = device_copy(rare);
      const auto b = data.begin(), e = data.end(), pb = pattern.begin(), pe = pattern.end();
      const offset wanted = std::search(x.begin(), x.end(), rare.begin(), rare.end()) - x.begin();
      REQUIRE(weft::search(policy, b, e, pb, pe) - b == wanted);
      REQUIRE(weft::search(policy, b, e, pb, pb) == (n > 0 ? b : e));
      room<offset> index(1);
      weft::search_into(policy, b, e, pb, pe, index.begin());
      REQUIRE(only(index) == wanted);
      REQUIRE(weft::find_end(policy, b, e, pb, pe) - b ==
              std::find_end(x.begin(), x.end(), rare.begin(), rare.end()) - x.begin());
      REQUIRE(weft::find_first_of(policy, b, e, pb, pe) - b ==
              std::find_first_of(x.begin(), x.end(), rare.begin(), rare.end()) - x.begin());
      REQUIRE(weft::adjacent_find(policy, b, e) - b == std::adjacent_find(x.begin(), x.end()) - x.begin());
      if (place + 1 < n) x[static_cast<std::size_t>(place) + 1] = x[static_cast<std::size_t>(place)];
      const auto again = device_copy(x);
      REQUIRE(weft::adjacent_find(policy, again.begin(), again.end()) - again.begin() ==
              std::adjacent_find(x.begin(), x.end()) - x.begin());
      REQUIRE(weft::search_n(policy, again.begin(), again.end(), 2, u8{0}) - again.begin() ==
              std::search_n(x.begin(), x.end(), 2, u8{0}) - x.begin());
    }
}

TEST_CASE("find: searches refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  REQUIRE(contains(refusal([&] { weft::find(policy, null<i32>(), null<i32>() + 1, 1); }), "find_if: null pointer"));
  REQUIRE(
      contains(refusal([&] { weft::all_of(policy, data.end(), data.begin(), is_odd{}); }), "all_of: negative count"));
  REQUIRE(
      contains(refusal([&] { weft::equal(policy, data.begin(), data.end(), null<i32>()); }), "equal: null pointer"));
  REQUIRE(weft::find(policy, null<i32>(), null<i32>(), 1) == null<i32>());
}

TEST_CASE("find: a predicate that throws is passed on, and any copyable type works, on CPU backends") {
  if constexpr (!gpu_family) {
    std::vector<i32> x(70001, 0);
    x[69000] = 5;
    REQUIRE_THROWS_AS(weft::find_if(policy, x.begin(), x.end(), throws_at<i32>{5}), refused_value);
    const auto words = values<std::string>(5000, 4);
    REQUIRE(weft::find(policy, words.begin(), words.end(), std::string("q")) ==
            std::find(words.begin(), words.end(), "q"));
  }
}

TEST_CASE("counts beyond 2^31 [find]", "[.large]") {  // peer defect 14; no memory needed
  if constexpr (takes_large) {
    const auto b = weft::counting(offset{0});
    const offset n = (offset{1} << 31) + 7;
    REQUIRE(weft::find(policy, b, b + n, n - 2) - b == n - 2);
    REQUIRE(weft::all_of(policy, b, b + n, at_least<offset>{0}));
  }
}
