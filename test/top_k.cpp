// top_k, partial_sort, nth_element: keys of every width and sign, many equal ones, NaNs and zeros, own orders, values.
#include "harness.hpp"

#include <weft/top_k.hpp>

namespace {

struct by_low_bits {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return (a & 0xff) < (b & 0xff); }
};

template <class T, class Less>
void tops(const std::vector<offset>& lengths, Less less, order o) {
  for (const offset n : lengths) {
    const auto x = values<T>(n, 1, o);
    auto sorted = x;
    std::stable_sort(sorted.begin(), sorted.end(), less);
    const auto in = device_copy(x);
    for (const offset k : {offset{0}, offset{1}, n / 100 + 1, n / 2, n, n + 5}) {
      const offset kept = k < n ? k : n;
      INFO("n = " << n << ", k = " << k << ", " << name_of(o) << ", " << sizeof(T) << " bytes");
      auto out = device_room<T>(kept);
      REQUIRE(weft::top_k(policy, in.begin(), in.end(), k, out.begin(), less) == out.end());
      require_same(host_copy(out), std::vector<T>(sorted.begin(), sorted.begin() + kept));
    }
  }
}

}  // namespace

TEST_CASE("top_k finds the first elements of the order") {
  tops<u32>(slow_build && emulated ? few_sizes() : sizes(), weft::greater{}, order::random);
  for (const order o : {order::random, order::few, order::constant}) {
    tops<i32>(few_sizes(), weft::greater{}, o);
    tops<double>(few_sizes(), weft::less{}, o);
    if (slow_build && o != order::random) continue;  // the way of the other widths too
    tops<i16>(few_sizes(), weft::less{}, o);
    tops<i64>(few_sizes(), weft::greater{}, o);
    tops<float>(few_sizes(), weft::greater{}, o);
  }
  tops<tagged>(few_sizes(), weft::less{}, order::few);
  tops<u32>(few_sizes(), by_low_bits{}, order::random);
  if constexpr (!gpu_family) tops<std::string>({0, 1, 5000}, weft::greater{}, order::random);
}

TEST_CASE("top_k: NaNs last, zeros of both signs equal and in order of arrival") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const auto in = device_copy(std::vector<float>{nan, 0.f, -1.f, -0.f, inf, nan, 0.f, -inf, 2.f});
  room<float> most(6), least(5);
  weft::top_k(policy, in.begin(), in.end(), 6, most.begin());
  require_same(host_copy(most), {inf, 2.f, 0.f, -0.f, 0.f, -1.f});
  weft::top_k(policy, in.begin(), in.end(), 5, least.begin(), weft::less{});
  require_same(host_copy(least), {-inf, -1.f, 0.f, -0.f, 0.f});
}

TEST_CASE("top_k_by_key: the first among equals, and where they are") {
  for (const offset n : few_sizes()) {
    const auto x = values<i32>(n, 2, order::few);
    const offset k = n / 3;
    INFO("n = " << n);
    std::vector<offset> places(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) places[i] = static_cast<offset>(i);
    std::stable_sort(places.begin(), places.end(), [&](offset a, offset b) {
      return x[static_cast<std::size_t>(a)] > x[static_cast<std::size_t>(b)];
    });
    places.resize(static_cast<std::size_t>(k));
    const auto in = device_copy(x);
    room<i32> keys(k);
    room<offset> at(k);
    const auto ends =
        weft::top_k_by_key(policy, in.begin(), in.end(), weft::counting(offset{0}), k, keys.begin(), at.begin());
    REQUIRE(ends.second == at.end());
    require_same(host_copy(at), places);
    std::vector<i32> wanted;
    for (const offset p : places) wanted.push_back(x[static_cast<std::size_t>(p)]);
    require_same(host_copy(keys), wanted);
  }
}

TEST_CASE("partial_sort and nth_element") {
  for (const offset n : few_sizes()) {
    const auto x = values<double>(n, 3);
    auto sorted = x;
    std::sort(sorted.begin(), sorted.end());
    const offset k = n / 3;
    auto data = device_copy(x), other = device_copy(x);
    weft::partial_sort(policy, data.begin(), data.begin() + k, data.end());
    auto got = host_copy(data);
    require_same(std::vector<double>(got.begin(), got.begin() + k),
                 std::vector<double>(sorted.begin(), sorted.begin() + k));
    weft::nth_element(policy, other.begin(), other.begin() + k, other.end());
    got = host_copy(other);
    for (offset i = 0; i < n; ++i) {
      const double pivot = sorted[static_cast<std::size_t>(k)], v = got[static_cast<std::size_t>(i)];
      REQUIRE((i < k ? v <= pivot : i > k ? v >= pivot : v == pivot));
    }
  }
}

TEST_CASE("top_k refuses bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3, 4});
  REQUIRE(contains(refusal([&] { weft::top_k(policy, data.begin(), data.end(), -1, data.begin()); }), "top_k"));
  REQUIRE(contains(refusal([&] { weft::top_k(policy, data.begin(), data.end(), 2, data.begin() + 1); }), "overlap"));
  REQUIRE(contains(refusal([&] { weft::nth_element(policy, data.begin(), data.end() + 1, data.end()); }), "outside"));
  require_same(host_copy(data), {1, 2, 3, 4});
}
