// weft::tuple: construction and conversion, get and structured bindings, assignment and swap through references,
// comparison against std::tuple, and what is trivial about it.
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <weft/tuple.hpp>

#include <algorithm>
#include <concepts>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

using weft::tuple;

namespace {

template <class T>
constexpr bool trivial = std::is_trivially_copyable_v<T>&& std::is_trivially_default_constructible_v<T>&&
    std::is_trivially_destructible_v<T>;

static_assert(trivial<tuple<>> && trivial<tuple<int>> && trivial<tuple<int, float, double>>);
static_assert(trivial<tuple<tuple<char, int>, tuple<double>>>);
static_assert(!std::is_trivially_copyable_v<tuple<int, std::string>>);
static_assert(sizeof(tuple<float, int>) == 8 && sizeof(tuple<double, int, int>) == 16 &&
              alignof(tuple<char, double>) == 8);

static_assert(std::tuple_size_v<tuple<int, float&, const char>> == 3);
static_assert(std::tuple_size_v<const tuple<int>> == 1);
static_assert(std::is_same_v<std::tuple_element_t<0, tuple<int, float&, const char>>, int>);
static_assert(std::is_same_v<std::tuple_element_t<1, tuple<int, float&, const char>>, float&>);
static_assert(std::is_same_v<std::tuple_element_t<2, tuple<int, float&, const char>>, const char>);

using values = tuple<int, float>;
using references = tuple<int&, float&>;
using const_references = tuple<const int&, const float&>;

static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<values&>())), int&>);
static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<const values&>())), const int&>);
static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<values>())), int&&>);
static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<const values>())), const int&&>);
static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<const references&>())), int&>);
static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<references>())), int&>);
static_assert(std::is_same_v<decltype(weft::get<0>(std::declval<tuple<int&&>>())), int&&>);

// What converts to what.
static_assert(std::is_convertible_v<references, values> && std::is_convertible_v<const references&, values>);
static_assert(std::is_convertible_v<values&, references> && !std::is_convertible_v<const values&, references>);
static_assert(!std::is_convertible_v<values, references>);  // would dangle
static_assert(std::is_convertible_v<const values&, const_references>);
static_assert(std::is_convertible_v<tuple<short, int>, tuple<long, double>>);
static_assert(!std::is_convertible_v<tuple<int>, values> && !std::is_constructible_v<values, int>);
static_assert(!std::is_constructible_v<tuple<int>, std::string> &&
              !std::is_constructible_v<tuple<int*>, tuple<float*>>);

// What may be written through.
static_assert(std::is_assignable_v<references, values> && std::is_assignable_v<const references, values>);
static_assert(std::is_assignable_v<const references&, const tuple<short, double>&>);
static_assert(!std::is_assignable_v<const values&, values>);
static_assert(!std::is_assignable_v<const_references, values> &&
              !std::is_assignable_v<const const_references&, values>);
static_assert(!std::is_assignable_v<tuple<const int>&, tuple<const int>>);

static_assert(std::regular<values> && std::totally_ordered<values> && std::totally_ordered_with<values, references>);
static_assert(std::common_reference_with<references&&, values&>);
static_assert(std::is_same_v<std::common_reference_t<references&&, values&>, references>);
static_assert(std::is_same_v<std::common_reference_t<references&&, const values&>, const_references>);

constexpr tuple<int, char> shifted(tuple<int, char> t) {
  auto& [number, letter] = t;
  ++number;
  letter = static_cast<char>(letter + 1);
  return t;
}
static_assert(shifted({1, 'a'}) == weft::make_tuple(2, 'b'));

struct sum_of {
  template <class... Ts>
  constexpr auto operator()(const Ts&... x) const {
    return (x + ...);
  }
};
static_assert(weft::apply(sum_of{}, weft::make_tuple(1, 2L, 3.5)) == 6.5);

TEST_CASE("tuple: values are made, read and taken apart", "[tuple]") {
  auto t = weft::make_tuple(1, 2.5, std::string("three"));
  static_assert(std::is_same_v<decltype(t), tuple<int, double, std::string>>);
  auto [a, b, c] = t;
  CHECK(a == 1);
  CHECK(b == 2.5);
  CHECK(c == "three");
  auto& [ra, rb, rc] = t;
  rc = "trois";
  CHECK(weft::get<2>(t) == "trois");
  CHECK(get<0>(t) == 1);  // found by its argument
  CHECK(&ra == &get<0>(t));
  CHECK(&rb == &get<1>(t));

  tuple deduced(1, 'x');
  static_assert(std::is_same_v<decltype(deduced), tuple<int, char>>);
  const char* word = "word";
  tuple<std::string, long> converted(word, 7);
  CHECK(converted == weft::make_tuple(std::string("word"), 7L));
  tuple<long, std::string> again = tuple<int, const char*>(3, "x");
  CHECK(again == weft::make_tuple(3L, std::string("x")));
}

TEST_CASE("tuple: elements that only move", "[tuple]") {
  auto t = weft::make_tuple(std::make_unique<int>(1), 2);
  auto u = std::move(t);
  CHECK(get<0>(t) == nullptr);
  CHECK(*get<0>(u) == 1);
  std::unique_ptr<int> taken = get<0>(std::move(u));
  CHECK(*taken == 1);
  tuple<std::shared_ptr<int>, int> shared = weft::make_tuple(std::make_unique<int>(5), 6);
  CHECK(*get<0>(shared) == 5);
  auto sum =
      weft::apply([](std::unique_ptr<int> p, int i) { return *p + i; }, weft::make_tuple(std::make_unique<int>(1), 1));
  CHECK(sum == 2);
}

TEST_CASE("tuple: of one tuple", "[tuple]") {
  tuple<tuple<int>> nested(tuple<int>(3));
  tuple<tuple<int>> copy(nested);
  CHECK(get<0>(get<0>(copy)) == 3);
  tuple<tuple<int>> converted(tuple<long>(4));
  CHECK(get<0>(get<0>(converted)) == 4);
}

TEST_CASE("tuple: references are assigned through", "[tuple]") {
  int i = 1;
  float f = 2;
  auto proxy = weft::tie(i, f);
  static_assert(std::is_same_v<decltype(proxy), references>);
  proxy = values(3, 4.f);
  CHECK((i == 3 && f == 4.f));
  const references const_proxy = proxy;
  const_proxy = values(5, 6.f);
  CHECK((i == 5 && f == 6.f));
  weft::tie(i, f) = weft::make_tuple(short{7}, 8.0);
  CHECK((i == 7 && f == 8.f));

  int j = 9;
  float g = 10;
  proxy = weft::tie(j, g);  // copies values; the proxy still refers to i and f
  CHECK((i == 9 && f == 10.f));
  j = 0;
  CHECK(i == 9);
  references bound = proxy;  // copying a proxy binds to the same variables
  bound = values(11, 12.f);
  CHECK((i == 11 && f == 12.f));

  values taken = proxy;
  i = 0;
  CHECK(taken == values(11, 12.f));
  references lent = taken;
  get<0>(lent) = 13;
  CHECK(get<0>(taken) == 13);

  auto [x, y] = proxy;  // bindings to a tuple of references are the variables
  x = 21;
  y = 22;
  CHECK((i == 21 && f == 22.f));
}

TEST_CASE("tuple: swap", "[tuple]") {
  int a = 1, b = 2;
  std::string s = "a", t = "b";
  swap(weft::tie(a, s), weft::tie(b, t));
  CHECK((a == 2 && b == 1 && s == "b" && t == "a"));
  auto left = weft::tie(a, s), right = weft::tie(b, t);
  using std::swap;
  swap(left, right);  // lvalues: std::swap would fit as well, and would lose one side
  CHECK((a == 1 && b == 2 && s == "a" && t == "b"));
  std::ranges::swap(left, right);
  CHECK((a == 2 && b == 1 && s == "b" && t == "a"));
  swap(left, left);
  CHECK((a == 2 && s == "b"));
  static_assert(std::is_assignable_v<const tuple<references, int&>&, tuple<values, int>>);
  auto v = weft::make_tuple(1, 2), w = weft::make_tuple(3, 4);
  swap(v, w);
  CHECK((v == weft::make_tuple(3, 4) && w == weft::make_tuple(1, 2)));
}

TEST_CASE("tuple: nested proxies are swapped through", "[tuple]") {
  int a = 1, b = 2, c = 3, d = 4;
  swap(weft::forward_as_tuple(a, b), weft::forward_as_tuple(c, d));
  CHECK((a == 3 && b == 4 && c == 1 && d == 2));
  using pair = tuple<int&, int&>;
  swap(tuple<pair, int&>(pair(a, b), a), tuple<pair, int&>(pair(c, d), c));
  CHECK((b == 2 && d == 4 && a == 3 && c == 1));  // a and c were exchanged twice
}

TEST_CASE("tuple: comparisons are those of std::tuple", "[tuple]") {
  std::vector<tuple<int, int, double>> ours;
  std::vector<std::tuple<int, int, double>> theirs;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (double x : {-1.0, 0.0, std::nan("")}) {
        ours.emplace_back(i, j, x);
        theirs.emplace_back(i, j, x);
      }
  bool same = true;
  for (std::size_t p = 0; p < ours.size(); ++p)
    for (std::size_t q = 0; q < ours.size(); ++q) {
      const auto &a = ours[p], &b = ours[q];
      auto r = weft::tie(get<0>(b), get<1>(b), get<2>(b));
      same &= (a == b) == (theirs[p] == theirs[q]) && (a != b) == (theirs[p] != theirs[q]);
      same &= (a < b) == (theirs[p] < theirs[q]) && (a > b) == (theirs[p] > theirs[q]);
      same &= (a == r) == (theirs[p] == theirs[q]) && (a < r) == (theirs[p] < theirs[q]);
      if (get<2>(a) == get<2>(a) && get<2>(b) == get<2>(b)) {  // with NaN: <= is !(b < a) here, false there
        same &= (a <= b) == (theirs[p] <= theirs[q]) && (a >= b) == (theirs[p] >= theirs[q]);
      }
    }
  CHECK(same);
  CHECK(tuple<>() == tuple<>());
  CHECK_FALSE(tuple<>() < tuple<>());
}

}  // namespace
