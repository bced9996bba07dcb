// Counter-based random numbers: the vectors of the paper, what distributions promise, and shuffles that lose nothing.
#include "harness.hpp"

#include <weft/fill.hpp>
#include <weft/random.hpp>
#include <weft/reduce.hpp>

#include <random>

namespace {

bool gives(weft::philox_block counter, u32 key0, u32 key1, weft::philox_block wanted) {
  const weft::philox_block got = weft::philox4x32(counter, key0, key1);
  return std::equal(got.word, got.word + 4, wanted.word);
}

}  // namespace

TEST_CASE("philox4x32: the known answers of Random123, and of C++26") {
  constexpr u32 all = 0xffffffffu;
  REQUIRE(gives({{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}}));
  REQUIRE(gives({{all, all, all, all}}, all, all, {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}}));
  REQUIRE(gives({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, 0xa4093822u, 0x299f31d0u,
                {{0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u}}));
  weft::philox4x32_engine engine, ahead;
  u32 last = 0;
  for (int i = 0; i < 10000; ++i) last = engine();
  REQUIRE(last == 1955073260u);
  ahead.discard(9999);
  REQUIRE(ahead() == last);
  REQUIRE(ahead == engine);
  ahead.discard(3);
  engine(), engine(), engine();
  REQUIRE(ahead() == engine());
  REQUIRE(std::uniform_int_distribution<int>(3, 9)(engine) >= 3);
}

TEST_CASE("uniform_int: every kind about equally often, ends included, the same on every backend") {
  const offset n = emulated ? 20000 : 200000;
  room<int> x(n);
  weft::tabulate(policy, x.begin(), x.end(), weft::uniform_int<int>{42, -3, 3});
  const auto got = host_copy(x);
  std::vector<int> seen(7, 0);
  for (offset i = 0; i < n; ++i) {
    const int v = got[static_cast<std::size_t>(i)];
    REQUIRE((v >= -3 && v <= 3));
    ++seen[static_cast<std::size_t>(v + 3)];
    if (v != weft::uniform_int<int>{42, -3, 3}(i)) FAIL("index " << i);
  }
  double chi2 = 0;
  const double each = static_cast<double>(n) / 7;
  for (const int s : seen) chi2 += (s - each) * (s - each) / each;
  REQUIRE(chi2 < 22.5);  // 6 degrees of freedom, one in a thousand
  // Ranges that fill or nearly fill 64 bits; one kind.
  constexpr u64 half = u64{1} << 63;
  offset upper = 0;
  for (offset i = 0; i < 1000; ++i) {
    upper += weft::uniform_int<u64>{1}(i) >= half;
    REQUIRE(weft::uniform_int<u64>{2, 5, half + 5}(i) >= 5);
    REQUIRE(weft::uniform_int<u64>{2, 5, half + 5}(i) <= half + 5);
    REQUIRE(weft::uniform_int<u8>{3, 7, 7}(i) == 7);
  }
  REQUIRE((upper > 400 && upper < 600));
  REQUIRE(weft::uniform_int<i32>{1}.high == std::numeric_limits<i32>::max());
  REQUIRE(weft::uniform_int<u64>{1}.high == std::numeric_limits<u64>::max());
}

TEST_CASE("uniform_real and normal: range, mean and deviation") {
  const offset n = emulated ? 20000 : 400000;
  const auto check = [&](auto generator, double mean, double deviation) {
    using T = decltype(generator.operator()(0));
    room<T> x(n);
    weft::tabulate(policy, x.begin(), x.end(), generator);
    double sum = 0, squares = 0;
    for (const T v : host_copy(x)) {
      if (mean == 0.25) REQUIRE((v >= T(-0.5) && v < T(1)));
      sum += v, squares += (v - mean) * (v - mean);
    }
    const double tolerance = 5 * deviation / std::sqrt(static_cast<double>(n));
    REQUIRE(std::abs(sum / static_cast<double>(n) - mean) < tolerance);
    REQUIRE(std::abs(std::sqrt(squares / static_cast<double>(n)) - deviation) < tolerance);
  };
  check(weft::uniform_real<float>{7, -0.5f, 1.f}, 0.25, 1.5 / std::sqrt(12.));
  check(weft::uniform_real<double>{8, -0.5, 1.}, 0.25, 1.5 / std::sqrt(12.));
  check(weft::normal<float>{9, 3.f, 2.f}, 3., 2.);
  check(weft::normal<double>{10, -1., 0.5}, -1., 0.5);
  // Fused: no memory for the numbers.
  const auto numbers = weft::transformed(weft::counting(offset{0}), weft::uniform_int<i64>{11, 1, 6});
  const i64 sum = weft::reduce(policy, numbers, numbers + n, i64{0});
  REQUIRE(std::abs(static_cast<double>(sum) / static_cast<double>(n) - 3.5) < 0.06);
}

TEST_CASE("shuffle and sample: every element once, in another order, the same everywhere") {
  for (const offset n : sizes()) {
    INFO("n = " << n);
    const auto x = values<u32>(n, 12);
    const auto in = device_copy(x);
    room<u32> out(n), part(n / 2);
    REQUIRE(weft::shuffle_copy(policy, in.begin(), in.end(), out.begin(), 13) == out.end());
    auto got = host_copy(out);
    for (offset i = 0; i < n; ++i) {
      const offset from = weft::detail::shuffled_index::of(13, n)(i);
      if (got[static_cast<std::size_t>(i)] != x[static_cast<std::size_t>(from)]) FAIL("index " << i);
    }
    if (n > 60) REQUIRE(got != x);
    auto data = device_copy(x);
    weft::shuffle(policy, data.begin(), data.end(), 13);
    require_same(host_copy(data), got);
    REQUIRE(weft::sample(policy, in.begin(), in.end(), part.begin(), n / 2, 13) == part.end());
    auto some = got;
    some.resize(static_cast<std::size_t>(n / 2));
    require_same(host_copy(part), some);
    auto sorted = x;
    std::sort(sorted.begin(), sorted.end());
    std::sort(got.begin(), got.end());
    require_same(got, sorted);
  }
  // Where an element goes is about uniform.
  std::vector<int> seen(50, 0);
  for (u64 seed = 0; seed < 5000; ++seed)
    ++seen[static_cast<std::size_t>(weft::detail::shuffled_index::of(seed * 0x9e3779b97f4a7c15u, 50)(17))];
  double chi2 = 0;
  for (const int s : seen) chi2 += (s - 100.) * (s - 100.) / 100.;
  REQUIRE(chi2 < 85.4);  // 49 degrees of freedom, one in a thousand
}

TEST_CASE("random: shuffles refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3, 4});
  room<i32> out(9);
  REQUIRE(
      contains(refusal([&] { weft::sample(policy, data.begin(), data.end(), out.begin(), 5, 1); }), "sample: more"));
  REQUIRE(contains(refusal([&] { weft::shuffle_copy(policy, data.begin(), data.end(), data.begin(), 1); }), "overlap"));
  require_same(host_copy(data), {1, 2, 3, 4});
  if constexpr (!gpu_family) {
    std::vector<std::string> words(values<std::string>(5000, 14)), before = words;
    weft::shuffle(policy, words.begin(), words.end(), 15);
    REQUIRE(words != before);
    std::sort(words.begin(), words.end()), std::sort(before.begin(), before.end());
    REQUIRE(words == before);
  }
}
