// Binary searches for many needles.
#include "harness.hpp"

#include <weft/search.hpp>

namespace {

template <class T, class Less>
void searches(const std::vector<offset>& lengths, Less less, order o) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << name_of(o) << ", " << sizeof(T) << " bytes");
    auto x = values<T>(n, 1, o);
    std::stable_sort(x.begin(), x.end(), less);
    auto needles = values<T>(1000, 2, o);
    for (std::size_t i = 0; i < needles.size() && !x.empty(); i += 2) needles[i] = x[random_bits(3, i) % x.size()];
    std::vector<offset> lower, upper;
    std::vector<u8> within;
    for (const T& v : needles) {
      lower.push_back(std::lower_bound(x.begin(), x.end(), v, less) - x.begin());
      upper.push_back(std::upper_bound(x.begin(), x.end(), v, less) - x.begin());
      within.push_back(std::binary_search(x.begin(), x.end(), v, less));
    }
    const auto in = device_copy(x), sought = device_copy(needles);
    room<offset> out(1000);
    room<u8> found(1000);
    const auto b = in.begin(), e = in.end();
    REQUIRE(weft::lower_bound(policy, b, e, sought.begin(), sought.end(), out.begin(), less) == out.end());
    require_same(host_copy(out), lower);
    weft::upper_bound(policy, b, e, sought.begin(), sought.end(), out.begin(), less);
    require_same(host_copy(out), upper);
    weft::binary_search(policy, b, e, sought.begin(), sought.end(), found.begin(), less);
    require_same(host_copy(found), within);
  }
}

}  // namespace

TEST_CASE("lower_bound, upper_bound and binary_search for every needle") {
  searches<u32>(sizes(), weft::less{}, order::random);
  searches<i16>(few_sizes(), weft::greater{}, order::random);
  searches<tagged>(few_sizes(), weft::less{}, order::few);
}

TEST_CASE("searches in what has no memory, and for no needles") {
  room<i32> out(4);
  const auto needles = device_copy(std::vector<i64>{-1, 0, 3000000000, 4000000000});
  const auto haystack = weft::counting(i64{0});
  weft::lower_bound(policy, haystack, haystack + 4000000000, needles.begin(), needles.end(),
                    weft::transformed_output(out.begin(), weft::bind_second(weft::divides{}, i64{1000})));
  require_same(host_copy(out), {0, 0, 3000000, 4000000});
  weft::lower_bound(policy, needles.begin(), needles.end(), needles.begin(), needles.begin(), out.begin());
}

TEST_CASE("search: searches refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  const auto b = data.begin(), e = data.end();
  REQUIRE(contains(refusal([&] { weft::lower_bound(policy, b, e, null<i32>(), null<i32>() + 1, b); }),
                   "lower_bound: null"));
  REQUIRE(contains(refusal([&] { weft::upper_bound(policy, e, b, b, e, b); }), "upper_bound: negative count"));
  require_same(host_copy(data), {1, 2, 3});
}
