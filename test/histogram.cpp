// Histograms: even bins of integers (exact) and floating-point numbers, own bins, few and many bins.
#include "harness.hpp"

#include <weft/histogram.hpp>

namespace {

/// floor((x - lower) * bins / (upper - lower)) without rounding, and whether x counts at all.
template <class T>
int exact_bin(T x, T lower, T upper, int bins) {
  if (x < lower || x >= upper) return -1;
  using wide = __int128;
  return static_cast<int>((static_cast<wide>(x) - lower) * bins / (static_cast<wide>(upper) - lower));
}

template <class T>
void counts_exactly(const std::vector<offset>& lengths, T lower, T upper, int bins, order o = order::random) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << bins << " bins, " << name_of(o) << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, 1, o);
    std::vector<i32> wanted(static_cast<std::size_t>(bins), 0);
    for (const T v : x) {
      const int bin = exact_bin(v, lower, upper, bins);
      if (bin >= 0) ++wanted[static_cast<std::size_t>(bin)];
    }
    const auto in = device_copy(x);
    room<i32> counts(bins);  // full of a pattern, which must not count
    weft::histogram_even(policy, in.begin(), in.end(), counts.begin(), bins, lower, upper);
    require_same(host_copy(counts), wanted);
  }
}

}  // namespace

TEST_CASE("even bins of integers are exact") {
  counts_exactly<u8>(sizes(), 0, 255, 17);
  counts_exactly<u8>(few_sizes(), 3, 200, 1);
  counts_exactly<u8>(few_sizes(), 0, 255, 17, order::constant);
  counts_exactly<i32>(few_sizes(), -2000000000, 2000000001, 1000);
  counts_exactly<i64>(few_sizes(), i64{-1} << 62, (i64{1} << 62) - 5, 3001);
  counts_exactly<i64>(few_sizes(), i64{-1} << 63, ~(i64{-1} << 63), 100003);  // bins that fit no block's memory
}

TEST_CASE("even bins of floating-point numbers") {
  const auto x = values<float>(emulated ? 5000 : 70001, 2);
  auto with_nan = x;
  with_nan[5] = std::numeric_limits<float>::quiet_NaN();
  with_nan[6] = 0.5f;  // the upper end does not count
  with_nan[7] = std::nextafter(0.5f, 0.f);
  std::vector<u64> wanted(37, 0);
  for (const float v : with_nan)
    if (v >= -0.75f && v < 0.5f)
      ++wanted[std::min<std::size_t>(36, static_cast<std::size_t>((v + 0.75f) * (37 / 1.25f)))];
  const auto in = device_copy(with_nan);
  room<u64> counts(37);
  weft::histogram_even(policy, in.begin(), in.end(), counts.begin(), 37, -0.75f, 0.5f);
  require_same(host_copy(counts), wanted);
}

namespace {
struct bin_by_bits {
  WEFT_HOST_DEVICE int operator()(const tagged& x) const { return static_cast<int>(x.key & 15) - 3; }
};
}  // namespace

TEST_CASE("own bins; bins outside are ignored") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<tagged>(n, 3);
    std::vector<i32> wanted(8, 0);
    for (const tagged& v : x) {
      const int bin = bin_by_bits{}(v);
      if (bin >= 0 && bin < 8) ++wanted[static_cast<std::size_t>(bin)];
    }
    const auto in = device_copy(x);
    room<i32> counts(8);
    weft::histogram(policy, in.begin(), in.end(), counts.begin(), 8, bin_by_bits{});
    require_same(host_copy(counts), wanted);
  }
}

TEST_CASE("histogram_range counts between levels of any width") {
  for (const offset n : few_sizes())
    for (const std::vector<float>& levels :
         {std::vector<float>{-0.5f, 0.f}, std::vector<float>{-1.f, -0.9f, 0.3f, 0.3f, 2.f},
          std::vector<float>{-0.7f, -0.1f, 0.f, 0.01f, 0.02f, 0.4f, 0.7f, 0.9f}}) {
      INFO("n = " << n << ", levels = " << levels.size());
      auto x = values<float>(n, 4);
      for (std::size_t i = 0; i < x.size(); i += 7) x[i] = i % 2 ? levels[i % levels.size()] : std::nanf("");
      const int bins = static_cast<int>(levels.size()) - 1;
      std::vector<u32> wanted(static_cast<std::size_t>(bins), 0u);
      for (const float v : x)
        for (std::size_t b = 0; b + 1 < levels.size(); ++b) wanted[b] += levels[b] <= v && v < levels[b + 1];
      const auto in = device_copy(x), edges = device_copy(levels);
      room<u32> counts(bins);
      weft::histogram_range(policy, in.begin(), in.end(), counts.begin(), bins, edges.begin());
      require_same(host_copy(counts), wanted);
    }
}

TEST_CASE("histograms refuse bad arguments before anything runs") {
  const auto in = device_copy(std::vector<i32>{1, 2, 3});
  room<i32> counts(std::vector<i32>{7, 7});
  const auto call = [&](const i32* first, const i32* last, i32* out, int bins, i32 lower, i32 upper) {
    return refusal([&] { weft::histogram_even(policy, first, last, out, bins, lower, upper); });
  };
  REQUIRE(contains(call(in.begin(), in.end(), counts.begin(), 2, 5, 5), "lower < upper"));
  REQUIRE(contains(call(in.begin(), in.end(), counts.begin(), 0, 0, 5), "at least one bin"));
  REQUIRE(contains(call(in.begin(), in.end(), null<i32>(), 2, 0, 5), "histogram: null pointer"));
  REQUIRE(contains(call(in.end(), in.begin(), counts.begin(), 2, 0, 5), "histogram: negative count"));
  require_same(host_copy(counts), {7, 7});
}
