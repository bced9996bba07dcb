// for_each and for_each_n: every element once, changes seen, errors told.
#include "harness.hpp"

#include <weft/for_each.hpp>

namespace {

template <class T>
struct add_in_place {
  T summand;
  WEFT_HOST_DEVICE void operator()(T& x) const { x = static_cast<T>(x + summand); }
};
struct visit_index {  // writes through a pointer of its own
  u8* visits;
  WEFT_HOST_DEVICE void operator()(offset i) const { visits[i] = static_cast<u8>(visits[i] + i % 3); }
};
struct move_across {
  template <class Pair>
  WEFT_HOST_DEVICE void operator()(const Pair& pair) const {
    weft::get<1>(pair) = static_cast<i32>(weft::get<0>(pair) + 1);
  }
};

template <class T>
void changes_each(const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    auto x = values<T>(n, 1);
    auto data = device_copy(x);
    weft::for_each(policy, data.begin(), data.end(), add_in_place<T>{T(3)});
    for (T& v : x) v = static_cast<T>(v + T(3));
    require_same(host_copy(data), x);
  }
}

}  // namespace

TEST_CASE("for_each changes every element once") {
  changes_each<u32>(sizes());
  changes_each<u8>(few_sizes());
  changes_each<double>(few_sizes());
}

TEST_CASE("for_each_n stops where it is told") {
  auto x = values<i32>(1000, 2);
  auto data = device_copy(x);
  const auto end = weft::for_each_n(policy, data.begin(), 300, add_in_place<i32>{-1});
  REQUIRE(end - data.begin() == 300);
  for (std::size_t i = 0; i < 300; ++i) --x[i];
  require_same(host_copy(data), x);
}

TEST_CASE("for_each over indices and over zips") {
  room<u8> visits(std::vector<u8>(5000, 0));
  weft::for_each(policy, weft::counting(offset{0}), weft::counting(offset{5000}), visit_index{visits.data()});
  std::vector<u8> wanted;
  for (int i = 0; i < 5000; ++i) wanted.push_back(static_cast<u8>(i % 3));
  require_same(host_copy(visits), wanted);

  const auto x = values<i16>(300, 3);
  const auto from = device_copy(x);
  room<i32> to(300);
  const auto zipped = weft::zip(from.begin(), to.begin());
  weft::for_each(policy, zipped, zipped + 300, move_across{});
  std::vector<i32> raised;
  for (const i16 v : x) raised.push_back(v + 1);
  require_same(host_copy(to), raised);
}

TEST_CASE("for_each refuses bad arguments before anything runs") {
  i32* const none = null<i32>();
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  REQUIRE(
      contains(refusal([&] { weft::for_each_n(policy, none, 1, add_in_place<i32>{1}); }), "for_each: null pointer"));
  REQUIRE(
      contains(refusal([&] { weft::for_each_n(policy, data.begin(), -1, add_in_place<i32>{1}); }), "negative count"));
  weft::for_each_n(policy, none, 0, add_in_place<i32>{1});
  require_same(host_copy(data), {1, 2, 3});
}

namespace {
struct throw_at_index {
  offset at;
  void operator()(offset i) const {
    if (i == at) throw refused_value{};
  }
};
}  // namespace

TEST_CASE("an action that throws is passed on, on CPU backends") {
  if constexpr (!gpu_family) {
    const auto begin = weft::counting(offset{0});
    REQUIRE_THROWS_AS(weft::for_each(policy, begin, begin + 100000, throw_at_index{77777}), refused_value);
    REQUIRE_THROWS_AS(weft::for_each(policy, begin, begin + 1, throw_at_index{0}), refused_value);
    weft::for_each(policy, begin, begin + 1000, throw_at_index{-1});  // and all is well afterwards
  }
}
