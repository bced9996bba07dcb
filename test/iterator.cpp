// The iterators: what they model, every operation of random access against a plain vector, compositions, writing
// through them, std algorithms on them, and unwrapping.
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <weft/functional.hpp>
#include <weft/iterator.hpp>

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace weft;

struct triple {
  template <class T>
  constexpr auto operator()(const T& x) const {
    return x * 3;
  }
};
struct first_of {  // a reference into its argument's referent
  template <class T>
  constexpr decltype(auto) operator()(T&& t) const {
    return weft::get<0>(t);
  }
};
struct no_default {
  int step;
  explicit no_default(int s) : step(s) {}
  int operator()(int x) const { return x + step; }
};

template <class It>
constexpr bool sound = std::random_access_iterator<It>&& std::sized_sentinel_for<It, It>&&
    std::is_same_v<std::iter_difference_t<It>, offset>&& std::is_same_v<std::iter_value_t<It>, weft::iter_value_t<It>>&&
        std::is_same_v<std::iter_reference_t<It>, weft::iter_reference_t<It>>;
template <class... Its>
constexpr bool all_sound = (sound<Its> && ...);
template <class... Its>
constexpr bool all_trivial = (std::is_trivially_copyable_v<Its> && ...);

using ints = zip_iterator<int*, float*>;
using vector_it = std::vector<int>::iterator;

static_assert(all_sound<counting_iterator<int>, counting_iterator<std::uint8_t>, counting_iterator<std::uint64_t>,
                        constant_iterator<float>, constant_iterator<std::string>, discard_iterator>);
static_assert(
    all_sound<transform_iterator<int*, triple>, transform_iterator<int*, no_default>,
              transform_iterator<int*, int (*)(int)>, transform_iterator<ints, first_of>,
              transform_output_iterator<int*, triple>, transform_output_iterator<discard_iterator, no_default>>);
static_assert(
    all_sound<weft::reverse_iterator<int*>, weft::reverse_iterator<counting_iterator<int>>,
              strided_iterator<const int*>, strided_iterator<counting_iterator<long>>,
              permutation_iterator<int*, const unsigned*>, permutation_iterator<counting_iterator<int>, int*>>);
static_assert(
    all_sound<ints, zip_iterator<const int*>, zip_iterator<counting_iterator<int>, ints, discard_iterator>,
              zip_iterator<vector_it, std::deque<char>::iterator>, zip_iterator<std::vector<bool>::iterator>>);
static_assert(
    all_sound<weft::reverse_iterator<strided_iterator<
        permutation_iterator<transform_iterator<zip_iterator<int*, counting_iterator<int>>, first_of>, vector_it>>>>);
static_assert(all_trivial<counting_iterator<int>, constant_iterator<double>, discard_iterator,
                          weft::reverse_iterator<int*>, strided_iterator<int*>, permutation_iterator<int*, int*>, ints,
                          transform_iterator<int*, triple>, transform_iterator<int*, no_default>,
                          transform_output_iterator<ints, no_default>, zip_iterator<ints, strided_iterator<ints>>>);

template <class T>
concept has_value = requires {
  typename weft::iter_value_t<T>;
};
static_assert(has_value<int*> && has_value<const counting_iterator<int>&> && !has_value<int> && !has_value<void*>);

// What may be written and sorted.
static_assert(std::output_iterator<discard_iterator, int> && std::output_iterator<discard_iterator, std::string>);
static_assert(std::output_iterator<transform_output_iterator<int*, triple>, int>);
static_assert(std::indirectly_writable<ints, tuple<int, float>> && std::indirectly_writable<ints, tuple<int&, float&>>);
static_assert(!std::indirectly_writable<zip_iterator<int*, const float*>, tuple<int, float>>);
static_assert(!std::indirectly_writable<zip_iterator<int*, counting_iterator<int>>, tuple<int, int>>);
static_assert(std::indirectly_writable<zip_iterator<int*, discard_iterator>, tuple<int, float>>);
static_assert(std::indirectly_writable<zip_iterator<int*, transform_output_iterator<int*, triple>>, tuple<int, int>>);
static_assert(!std::indirectly_writable<counting_iterator<int>, int>);
static_assert(!std::indirectly_writable<permutation_iterator<const int*, int*>, int>);
static_assert(std::sortable<ints> && std::sortable<zip_iterator<ints, vector_it>> &&
              std::sortable<weft::reverse_iterator<ints>> && std::sortable<permutation_iterator<int*, int*>> &&
              std::sortable<strided_iterator<vector_it>>);
static_assert(!std::sortable<zip_iterator<const int*, int*>> && !std::sortable<transform_iterator<int*, triple>>);

// In constant expressions.
static_assert(*(counting(3) + 4) == 7 && counting(0)[9] == 9 && constant('x')[1000] == 'x');
static_assert(transformed(counting(1), triple{})[2] == 9 && *reversed(counting(10)) == 9);
static_assert(permuted(counting(100), counting(5))[1] == 106 && strided(counting(0), 5)[3] == 15);
static_assert(zip(counting(1), constant(2.5))[4] == weft::make_tuple(5, 2.5));
static_assert(indexed(counting(7))[2] == weft::make_tuple(offset{2}, 9) && distance(counting(2), counting(9)) == 7);

/// Every operation, against the values the range should have. `it` is where expected[0] is.
template <class It, class T>
void check_range(It it, const std::vector<T>& expected) {
  const offset n = static_cast<offset>(expected.size());
  const It last = it + n;
  REQUIRE(last - it == n);
  REQUIRE(it - last == -n);
  REQUIRE(weft::distance(it, last) == n);
  REQUIRE(static_cast<offset>(std::ranges::distance(it, last)) == n);

  offset at = 0;
  bool same = true;
  for (It i = it; i != last; ++i, ++at) same &= *i == expected[at] && it[at] == expected[at] && i - it == at;
  CHECK((same && at == n));
  for (It i = last; i != it;) same &= *--i == expected[--at];
  CHECK((same && at == 0));

  std::mt19937 random(7);
  It walker = it;
  for (int step = 0; n > 0 && step < 200; ++step) {
    const offset to = static_cast<offset>(random() % static_cast<unsigned>(n)), by = to - at;
    switch (random() % 4) {
      case 0:
        walker += by;
        break;
      case 1:
        walker -= -by;
        break;
      case 2:
        walker = walker + by;
        break;
      default:
        walker = by + walker;
    }
    at = to;
    same &= *walker == expected[at] && walker[-at] == expected[0] && *(walker - at) == expected[0];
    const It other = it + static_cast<offset>(random() % static_cast<unsigned>(n + 1));
    const offset way = other - walker;
    same &= (walker < other) == (way > 0) && (walker > other) == (way < 0) && (walker <= other) == (way >= 0) &&
            (walker >= other) == (way <= 0) && (walker == other) == (way == 0) && (walker != other) == (way != 0);
    It post = walker;
    same &= post++ == walker && post - walker == 1 && post-- == walker + 1 && post == walker;
  }
  CHECK(same);
  It unset{}, copy = it;  // default constructible and assignable, whatever is inside
  unset = last;
  std::swap(unset, copy);
  CHECK((unset == it && copy == last));
}

std::vector<int> iota(int n, int from = 0) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), from);
  return v;
}

TEST_CASE("iterators: counting", "[iterator]") {
  check_range(counting(5), iota(100, 5));
  check_range(counting(-3), iota(7, -3));
  check_range(counting(std::uint8_t{250}), std::vector<int>{250, 251, 252, 253, 254, 255});
  check_range(counting(offset{1} << 40), std::vector<offset>{offset{1} << 40, (offset{1} << 40) + 1});
  check_range(counting(5), std::vector<int>{});

  const auto top = counting(~std::uint64_t{0});
  CHECK(top - counting(std::uint64_t{0}) == -1);  // modulo 2^64: a range this long has no signed size
  CHECK(*(counting(0u) + offset{4294967295}) == 4294967295u);
  CHECK((counting(0u) + offset{4294967295}) - counting(0u) == 4294967295);
  CHECK(counting(offset{1} << 62) - counting(-(offset{1} << 61)) == (offset{3} << 61));
  CHECK(*(counting(2147483647) + 0) == 2147483647);
  const auto past = counting(2147483647) + 1;  // one past the last int is formed, not read: no overflow
  CHECK(*(past - 1) == 2147483647);
}

TEST_CASE("iterators: constant and discard", "[iterator]") {
  check_range(constant(4.5), std::vector<double>(33, 4.5));
  check_range(constant(std::string("s")), std::vector<std::string>(5, "s"));
  const std::string kept = *constant(std::string("outlives the iterator, and is longer than a small string"));
  CHECK(kept.size() == 56);
  CHECK(constant(3).value() == 3);

  auto out = discard();
  out[5] = 3;
  *out = std::string("anything");
  *out++ = std::make_unique<int>(1);
  const auto const_out = out;
  *const_out = 1.5;
  CHECK(const_out - discard() == 1);
  const auto v = iota(10);
  CHECK(std::copy(v.begin(), v.end(), discard()) - discard() == 10);
}

TEST_CASE("iterators: transform with every kind of function", "[iterator]") {
  auto v = iota(50);
  std::vector<int> expected(50);
  std::transform(v.begin(), v.end(), expected.begin(), [](int x) { return 3 * x; });
  check_range(transformed(v.begin(), triple{}), expected);
  check_range(transformed(v.data(), [](int x) { return 3 * x; }), expected);
  check_range(transformed(
                  v.data(), +[](int x) { return 3 * x; }),
              expected);
  int factor = 3;
  auto by_value = [factor](int x) { return factor * x; };
  static_assert(!std::is_copy_assignable_v<decltype(by_value)>);
  check_range(transformed(v.begin(), by_value), expected);
  check_range(transformed(v.begin(), [&factor](int x) { return factor * x; }), expected);
  char small = 3;
  check_range(transformed(v.begin(), [small](int x) { return small * x; }), expected);
  short half = 3;
  check_range(transformed(v.begin(), [half](int x) { return half * x; }), expected);
  long double wide = 3;  // alignment of 16
  check_range(transformed(v.begin(), [wide](int x) { return static_cast<int>(wide) * x; }), expected);
  auto owned = [text = std::string("a text too long for the string itself"), p = std::make_shared<int>(3)](int x) {
    return *p * x + static_cast<int>(text.size()) - 37;
  };
  static_assert(!std::is_trivially_copyable_v<decltype(owned)> && !std::is_copy_assignable_v<decltype(owned)>);
  static_assert(sound<decltype(transformed(v.begin(), owned))>);
  check_range(transformed(v.begin(), owned), expected);
  for (int& x : expected) x = x / 3 + 2;
  check_range(transformed(v.begin(), no_default(2)), expected);
}

TEST_CASE("iterators: a box of a function frees what it holds, once", "[iterator]") {
  auto counted = std::make_shared<int>(0);
  {
    int x[] = {1, 2};
    auto it = transformed(x, [counted](int v) { return v + *counted; });
    decltype(it) empty, copy = it, other;
    CHECK(counted.use_count() == 3 + 0);
    other = it;
    other = *&other;
    CHECK(counted.use_count() == 4);
    other = empty;
    CHECK(counted.use_count() == 3);
    decltype(it) of_empty = empty;
    of_empty = copy;
    CHECK((*of_empty == 1 && of_empty[1] == 2));
  }
  CHECK(counted.use_count() == 1);
}

TEST_CASE("iterators: transform may give references", "[iterator]") {
  std::vector<int> a = iota(5);
  std::vector<float> b(5, 1.f);
  auto firsts = transformed(zip(a.begin(), b.begin()), first_of{});
  static_assert(std::is_same_v<weft::iter_reference_t<decltype(firsts)>, int&>);
  static_assert(std::is_same_v<weft::iter_value_t<decltype(firsts)>, int>);
  std::fill(firsts, firsts + 5, 7);
  CHECK(a == std::vector<int>(5, 7));
  std::vector<std::string> names{"x", "yy"};
  CHECK(reversed(names.end())->size() == 2);  // operator-> where the reference is one
}

TEST_CASE("iterators: transform_output", "[iterator]") {
  std::vector<int> out(10), in = iota(10), expected(10);
  std::transform(in.begin(), in.end(), expected.begin(), [](int x) { return x * x + 1; });
  auto it = transformed_output(out.begin(), [one = 1](int x) { return x * x + one; });
  CHECK(std::copy(in.begin(), in.end(), it) - it == 10);
  CHECK(out == expected);
  it[3] = 100;
  CHECK(out[3] == 10001);
  auto twice = transformed_output(transformed_output(out.data(), triple{}), no_default(1));  // (x + 1) * 3
  *++twice = 4;
  CHECK(out[1] == 15);
  decltype(it) unset;
  unset = it + 2;
  *unset = 0;
  CHECK(out[2] == 1);
}

TEST_CASE("iterators: reverse, strided, permutation", "[iterator]") {
  auto v = iota(60);
  auto backwards = v;
  std::reverse(backwards.begin(), backwards.end());
  check_range(reversed(v.end()), backwards);
  check_range(reversed(v.data() + 60), backwards);
  check_range(reversed(reversed(v.begin())), v);
  check_range(reversed(counting(60)), backwards);
  CHECK((reversed(v.end()).base() == v.end() && reversed(v.end()).step() == -1));

  check_range(strided(v.begin(), 7), std::vector<int>{0, 7, 14, 21, 28, 35, 42, 49, 56});
  check_range(strided(v.begin() + 59, -20), std::vector<int>{59, 39, 19});
  check_range(strided(v.begin() + 5, 0), std::vector<int>(9, 5));
  check_range(strided(strided(counting(1), 2), 3), std::vector<int>{1, 7, 13, 19});
  auto column = strided(v.begin() + 1, 10);
  std::fill(column, column + 6, -1);
  CHECK((v[1] == -1 && v[51] == -1 && v[2] == 2 && std::count(v.begin(), v.end(), -1) == 6));
  CHECK((column.base() == v.begin() + 1 && column.step() == 10));

  std::vector<unsigned> where{3, 1, 2, 2, 0};
  std::vector<std::string> names{"a", "b", "c", "d"};
  check_range(permuted(names.begin(), where.begin()), std::vector<std::string>{"d", "b", "c", "c", "a"});
  check_range(permuted(counting(10), where.data()), std::vector<int>{13, 11, 12, 12, 10});
  auto scattered = permuted(names.begin(), where.begin());
  scattered[0] = "z";
  *(scattered + 4) = "y";
  CHECK(names == std::vector<std::string>{"y", "b", "c", "z"});
  CHECK((scattered.base() == names.begin() && scattered.indices() == where.begin()));
}

TEST_CASE("iterators: zip is written, moved and sorted through", "[iterator]") {
  auto a = iota(40);
  std::vector<char> b(40, 'b');
  std::vector<tuple<int, char>> both(40);
  for (int i = 0; i < 40; ++i) both[static_cast<std::size_t>(i)] = {i, 'b'};
  check_range(zip(a.begin(), b.data()), both);
  check_range(zip(zip(a.begin()), constant('b')), [&] {
    std::vector<tuple<tuple<int>, char>> nested;
    for (int i = 0; i < 40; ++i) nested.emplace_back(tuple<int>(i), 'b');
    return nested;
  }());

  auto [x, y] = zip(a.begin(), b.begin())[3];
  x = 33;
  y = 'y';
  CHECK((a[3] == 33 && b[3] == 'y'));
  zip(a.begin(), b.begin())[4] = weft::make_tuple(44, 'z');
  CHECK((a[4] == 44 && b[4] == 'z'));
  CHECK(std::is_same_v<decltype(zip(a.begin(), b.begin()).bases()),
                       const tuple<vector_it, std::vector<char>::iterator>&>);
}

template <class Sort>
void check_sort(Sort sort) {
  std::mt19937 random(3);
  for (int n : {0, 1, 2, 15, 16, 17, 1000}) {
    std::vector<int> keys(static_cast<std::size_t>(n));
    std::vector<std::string> values(keys.size());
    std::vector<std::pair<int, std::string>> expected;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = static_cast<int>(random() % 50);
      values[i] = std::string(1 + random() % 30, static_cast<char>('a' + random() % 26));
      expected.emplace_back(keys[i], values[i]);
    }
    std::sort(expected.begin(), expected.end());
    auto first = zip(keys.begin(), values.begin());
    sort(first, first + n);
    bool same = true;
    for (std::size_t i = 0; i < keys.size(); ++i)
      same &= keys[i] == expected[i].first && values[i] == expected[i].second;
    CHECK(same);
  }
}

TEST_CASE("iterators: std algorithms sort, move and partition a zip", "[iterator]") {
  check_sort([](auto first, auto last) { std::sort(first, last); });
  check_sort([](auto first, auto last) { std::stable_sort(first, last); });
  check_sort([](auto first, auto last) { std::ranges::sort(first, last); });
  check_sort([](auto first, auto last) { std::make_heap(first, last), std::sort_heap(first, last); });
  check_sort([](auto first, auto last) { std::sort(reversed(last), reversed(first), weft::greater{}); });

  std::vector<int> keys{5, 2, 8, 1};
  std::vector<std::unique_ptr<int>> values;  // only moves: iter_move and iter_swap
  for (int k : keys) values.push_back(std::make_unique<int>(k * 10));
  auto first = zip(keys.begin(), values.begin());
  for (int i = 1; i < 4; ++i)  // an insertion sort (libstdc++'s sorts copy through the reference)
    for (int j = i; j > 0 && keys[static_cast<std::size_t>(j)] < keys[static_cast<std::size_t>(j - 1)]; --j) {
      std::iter_value_t<decltype(first)> kept = std::ranges::iter_move(first + j);
      first[j] = std::ranges::iter_move(first + j - 1);
      first[j - 1] = std::move(kept);
    }
  CHECK(keys == std::vector<int>{1, 2, 5, 8});
  for (std::size_t i = 0; i < 4; ++i) CHECK(*values[i] == keys[i] * 10);

  std::ranges::reverse(first, first + 4);
  CHECK((keys.front() == 8 && *values.front() == 80));
  auto middle = std::partition(first, first + 4, [](const auto& t) { return weft::get<0>(t) % 2 == 1; });
  CHECK(middle - first == 2);
  std::iter_swap(first, first + 3);
  for (std::size_t i = 0; i < 4; ++i) CHECK(*values[i] == keys[i] * 10);
}

TEST_CASE("iterators: indexed finds places", "[iterator]") {
  std::vector<float> v{3, 1, 2, 1};
  auto first = indexed(v.begin());
  auto least = std::min_element(first, first + 4, [](const auto& a, const auto& b) { return get<1>(a) < get<1>(b); });
  auto [place, value] = *least;
  CHECK((place == 1 && value == 1.f));
  value = 9;
  CHECK(v[1] == 9);
  CHECK(get<0>(indexed(v.begin(), 100)[2]) == 102);
}

TEST_CASE("iterators: deep compositions", "[iterator]") {
  auto v = iota(100);
  std::vector<int> order(25);
  for (int i = 0; i < 25; ++i) order[static_cast<std::size_t>(i)] = (i * 7) % 25;
  // (v[4 j], j) for j in order, backwards, as 3 times their sum
  auto sum = [](const auto& t) { return weft::get<0>(t) + weft::get<1>(t); };
  auto picked = permuted(zip(strided(v.begin(), 4), counting(0)), order.begin());
  auto it = transformed(reversed(transformed(picked, sum) + 25), triple{});
  std::vector<int> expected;
  for (int i = 24; i >= 0; --i) {
    const int j = order[static_cast<std::size_t>(i)];
    expected.push_back(3 * (v[static_cast<std::size_t>(4 * j)] + j));
  }
  check_range(it, expected);
  check_range(weft::unwrap(it), expected);
}

template <class It, class Expected>
constexpr bool unwraps_to = std::is_same_v<unwrapped_t<It>, Expected>;
static_assert(unwraps_to<int*, int*> && unwraps_to<const int*, const int*> && unwraps_to<int* const, int*>);
static_assert(unwraps_to<vector_it, int*> && unwraps_to<std::vector<int>::const_iterator, const int*>);
static_assert(unwraps_to<std::span<int>::iterator, int*> && unwraps_to<std::span<const int>::iterator, const int*>);
static_assert(unwraps_to<std::string::iterator, char*>);
static_assert(unwraps_to<std::vector<int>::reverse_iterator, weft::reverse_iterator<int*>>);
static_assert(unwraps_to<std::deque<int>::iterator, std::deque<int>::iterator>);
static_assert(unwraps_to<std::vector<bool>::iterator, std::vector<bool>::iterator>);
static_assert(unwraps_to<counting_iterator<int>, counting_iterator<int>> &&
              unwraps_to<discard_iterator, discard_iterator>);
static_assert(unwraps_to<zip_iterator<vector_it, strided_iterator<vector_it>, counting_iterator<int>>,
                         zip_iterator<int*, strided_iterator<int*>, counting_iterator<int>>>);
static_assert(unwraps_to<transform_iterator<permutation_iterator<vector_it, vector_it>, triple>,
                         transform_iterator<permutation_iterator<int*, int*>, triple>>);
static_assert(unwraps_to<transform_output_iterator<weft::reverse_iterator<vector_it>, triple>,
                         transform_output_iterator<weft::reverse_iterator<int*>, triple>>);

TEST_CASE("iterators: unwrap keeps the place", "[iterator]") {
  auto v = iota(20);
  CHECK(weft::unwrap(v.begin() + 3) == v.data() + 3);
  CHECK(weft::unwrap(v.end()) == v.data() + 20);
  CHECK(weft::unwrap(std::span(v).end()) == v.data() + 20);
  CHECK(weft::unwrap(static_cast<int*>(nullptr)) == nullptr);
  CHECK(weft::unwrap(vector_it{}) == nullptr);
  CHECK(weft::unwrap(std::span<int>::iterator{}) == nullptr);
  std::vector<int> none;
  CHECK(weft::distance(weft::unwrap(none.begin()), weft::unwrap(none.end())) == 0);
  CHECK(weft::unwrap(zip(v.begin() + 2, v.begin())).bases() == weft::make_tuple(v.data() + 2, v.data()));
  CHECK(weft::unwrap(v.rbegin())[4] == 15);
  check_range(weft::unwrap(strided(v.begin(), 6) + 1), std::vector<int>{6, 12, 18});
  int k = 2;
  check_range(weft::unwrap(transformed(v.begin() + 1, [k](int x) { return x * k; })), std::vector<int>{2, 4, 6});
  CHECK(weft::unwrap(constant(3) + 5) - constant(3) == 5);
}

}  // namespace
