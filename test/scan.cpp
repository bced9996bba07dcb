// Scans: inclusive, exclusive, transformed; in place; operators that do not commute; no identity assumed.
#include "harness.hpp"

#include <weft/scan.hpp>

#include <cmath>
#include <numeric>

namespace {

template <class T, class Op, class Policy = decltype(::policy)>
void scans(const std::vector<offset>& lengths, const T& init, Op op, const Policy& policy = ::policy) {
  for (const offset n : lengths) {
    const u64 seed = 1 + static_cast<u64>(n);
    INFO("n = " << n << ", seed = " << seed << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, seed);
    std::vector<T> plain(x.size()), from_init(x.size()), exclusive(x.size());
    std::inclusive_scan(x.begin(), x.end(), plain.begin(), op);
    std::inclusive_scan(x.begin(), x.end(), from_init.begin(), op, init);
    std::exclusive_scan(x.begin(), x.end(), exclusive.begin(), init, op);
    auto in = device_copy(x);
    auto out = device_room<T>(n);
    REQUIRE(weft::inclusive_scan(policy, in.begin(), in.end(), out.begin(), op) == out.end());
    require_same(host_copy(out), plain);
    weft::inclusive_scan(policy, in.begin(), in.end(), out.begin(), op, init);
    require_same(host_copy(out), from_init);
    REQUIRE(weft::exclusive_scan(policy, in.begin(), in.end(), out.begin(), init, op) == out.end());
    require_same(host_copy(out), exclusive);

    require_same(host_copy(in), x);
    weft::exclusive_scan(policy, in.begin(), in.end(), in.begin(), init, op);  // in place
    require_same(host_copy(in), exclusive);
    auto again = device_copy(x);
    weft::inclusive_scan(policy, again.begin(), again.end(), again.begin(), op);
    require_same(host_copy(again), plain);
  }
}

/// Functions x -> factor * x + summand on half as many bits as a number has, one packed into a number, one after the
/// other: does not commute.
struct packed_composed {
  template <class T>
  WEFT_HOST_DEVICE T operator()(T f, T g) const {
    constexpr int half = 4 * sizeof(T);
    constexpr T low = static_cast<T>(~T{0}) >> half;
    const T factor = (f >> half) * (g >> half), summand = (f & low) * (g >> half) + (g & low);
    return factor << half | (summand & low);
  }
};

}  // namespace

TEST_CASE("scans of sums") {
  scans<u32>(sizes(), 7u, weft::plus{});
  scans<u64>(few_sizes(), 7, weft::plus{});  // sums of signed values would overflow
  scans<u8>(few_sizes(), u8{3}, weft::plus{});
}

TEST_CASE("scans with operators that are associative only, and have no identity") {
  scans<affine>(sizes(), {3, 5, 1}, composed{});
  scans<u32>(few_sizes(), 5u, weft::multiplies{});  // peer defect 8
  scans<i32>(few_sizes(), 100, weft::maximum{});
  scans<u32>(sizes(), 5u << 16 | 3u, packed_composed{});
  scans<u64>(sizes(), u64{5} << 32 | 3u, packed_composed{});
  scans<float>(few_sizes(), 0.25f, weft::maximum{});
  scans<double>(few_sizes(), 0.25, weft::maximum{});
}

TEST_CASE("scans that are too large for the caches of processors") {
  const offset n = (offset{24} << 20) / 4 + 8191;
  if constexpr (!gpu_family) {
    scans<u32>({n}, 7u, weft::plus{});
    scans<u32>({n}, 5u << 16 | 3u, packed_composed{});
    scans<u64>({n / 2}, u64{5} << 32 | 3u, packed_composed{});
    scans<tagged>({n / 2}, {1, 2}, weft::plus{});
  }
}

#if __has_include(<weft/gpu/scan.hpp>)
#include <weft/gpu/scan.hpp>
namespace {
struct less_77 {
  WEFT_HOST_DEVICE i64 operator()(u32 v) const { return static_cast<i64>(v) - 77; }
};
/// Tuning that sends every length through one kernel, with small tiles.
struct look_back_only {
  constexpr auto operator()(weft::gpu::scan_tuning, weft::gpu::arch, int) const {
    return weft::gpu::scan_tuning{64, 16};
  }
};
struct few_tiles_only {
  constexpr auto operator()(weft::gpu::scan_tuning, weft::gpu::arch, int) const {
    return weft::gpu::scan_tuning{64, 16, {64, 16, 1 << 20}};
  }
};
template <int Threads, int ThreadBytes, int FoldThreads, int RingBytes>
struct pipeline_only {
  constexpr auto operator()(weft::gpu::scan_tuning, weft::gpu::arch, int) const {
    return weft::gpu::scan_tuning{64, 16, {}, {Threads, ThreadBytes, FoldThreads, RingBytes, 1, 1}};
  }
};

template <class Policy>
void scans_of_all_kinds(const Policy& policy) {
  std::vector<offset> lengths = few_sizes();
  lengths.push_back(large_n);
  scans<u32>(lengths, 7u, weft::plus{}, policy);
  scans<u64>({2000, large_n}, 7u, weft::plus{}, policy);
  scans<u8>({1, 15, 16, 17, large_n}, u8{7}, weft::plus{}, policy);
  scans<affine>({5, 5003, large_n}, {3, 5, 1}, composed{}, policy);
  scans<tagged>({3000, large_n}, {1, 2}, weft::plus{}, policy);
}
}  // namespace

TEST_CASE("scans by look-back over many tiles") {
  if constexpr (gpu_family) scans_of_all_kinds(policy.tuned_by<look_back_only>());
  if constexpr (gpu_family) scans_of_all_kinds(policy.tuned_by<few_tiles_only>());
}

TEST_CASE("scans through the pipeline, whatever the ring and the roles") {
  if constexpr (gpu_family) {
    scans_of_all_kinds(policy.tuned_by<pipeline_only<64, 16, 64, 4096>>());
    scans_of_all_kinds(policy.tuned_by<pipeline_only<256, 32, 64, 32768>>());
    const auto x = values<u32>(large_n, 9);
    const auto in = device_copy(x);
    room<i64> out(large_n);
    std::vector<i64> wanted(x.size());
    std::transform_exclusive_scan(x.begin(), x.end(), wanted.begin(), i64{5}, weft::plus{},
                                  [](u32 v) { return i64{v} - 77; });
    weft::transform_exclusive_scan(policy.tuned_by<pipeline_only<64, 32, 64, 16384>>(), in.begin(), in.end(),
                                   out.begin(), i64{5}, weft::plus{}, less_77{});
    require_same(host_copy(out), wanted);
  }
}

namespace {
/// Sums from an odd address to an odd address, and from iterators that are no pointers.
template <class T, class Policy>
void scans_elsewhere(const Policy& policy, offset n) {
  INFO("n = " << n << ", " << sizeof(T) << " bytes");
  const auto x = values<T>(n + 1, 11);
  std::vector<T> plain(x.size() - 1), reversed_sums(x.size() - 1);
  std::inclusive_scan(x.begin() + 1, x.end(), plain.begin(), weft::plus{});
  std::inclusive_scan(x.rbegin(), x.rend() - 1, reversed_sums.begin(), weft::plus{});
  const auto in = device_copy(x);
  room<T> out(n + 3), sums(n);
  weft::inclusive_scan(policy, in.begin() + 1, in.end(), sums.begin());  // reads at odd addresses
  require_same(host_copy(sums), plain);
  weft::inclusive_scan(policy, in.begin() + 1, in.end(), out.begin() + 3);  // writes there too
  auto got = host_copy(out);
  got.erase(got.begin(), got.begin() + 3);
  require_same(got, plain);
  weft::inclusive_scan(policy, weft::reversed(in.end()), weft::reversed(in.begin() + 1), sums.begin());
  require_same(host_copy(sums), reversed_sums);
  // A wide input and an odd output: the pipeline stores element by element.
  auto aligned = device_copy(std::vector<T>(x.begin() + 1, x.end()));
  weft::inclusive_scan(policy, aligned.begin(), aligned.end(), out.begin() + 3);
  got = host_copy(out);
  got.erase(got.begin(), got.begin() + 3);
  require_same(got, plain);
  weft::inclusive_scan(policy, aligned.begin(), aligned.end(), weft::reversed(sums.end()));
  std::reverse(plain.begin(), plain.end());
  require_same(host_copy(sums), plain);
}
}  // namespace

TEST_CASE("scans of odd addresses and other iterators where there is a pipeline, around its ring's wrap") {
  if constexpr (gpu_family) {
    using tuned = pipeline_only<64, 16, 64, 4096>;  // tiles of 1 KiB, four stages
    for (const offset tiles : {1, 3, 4, 5, 7, 8, 9, 16, 17})
      for (const offset more : {-1, 0, 1}) {
        scans<u32>({tiles * 256 + more}, 7u, weft::plus{}, policy.tuned_by<tuned>());
        scans<affine>({tiles * 256 + more}, {3, 5, 1}, composed{}, policy.tuned_by<tuned>());
      }
    for (const offset n : {255, 1024, 1025, 5003}) {
      scans_elsewhere<u32>(policy.tuned_by<tuned>(), n);
      scans_elsewhere<u8>(policy.tuned_by<tuned>(), n);
      scans_elsewhere<u64>(policy.tuned_by<tuned>(), n);
    }
  }
}
#endif

namespace {
template <class T>
void sums_floats(double tolerance) {
  for (const offset n : few_sizes()) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, 3);
    std::vector<T> wanted;
    long double sum = 0.5;
    for (const T v : x) wanted.push_back(static_cast<T>(sum += v));
    const auto in = device_copy(x);
    room<T> out(n), again(n);
    weft::inclusive_scan(policy, in.begin(), in.end(), out.begin(), weft::plus{}, T(0.5));
    require_close(host_copy(out), wanted, tolerance);
    weft::inclusive_scan(policy, in.begin(), in.end(), again.begin(), weft::plus{}, T(0.5));
  }
}
}  // namespace

TEST_CASE("scans of floating-point numbers") {
  sums_floats<float>(2e-5);
  sums_floats<double>(1e-13);
}

TEST_CASE("sums of negative zeros are negative zeros: nothing else is added") {
  for (const offset n : {1, 63, 64, 1000, 5001}) {
    const auto x = device_copy(std::vector<float>(static_cast<std::size_t>(n), -0.f));
    room<float> out(n);
    weft::inclusive_scan(policy, x.begin(), x.end(), out.begin());
    for (const float sum : host_copy(out)) REQUIRE(std::signbit(sum));
    weft::exclusive_scan(policy, x.begin(), x.end(), out.begin(), -0.f);
    for (const float sum : host_copy(out)) REQUIRE(std::signbit(sum));
  }
}

TEST_CASE("the sum has the type of init") {
  for (const offset n : {offset{3000}, large_n}) {  // by tiles, and through the pipeline where there is one
    INFO("n = " << n);
    const auto in = device_copy(std::vector<u8>(static_cast<std::size_t>(n), 200));
    room<i64> out(n);
    weft::exclusive_scan(policy, in.begin(), in.end(), out.begin(), i64{1});
    std::vector<i64> wanted;
    for (i64 i = 0; i < n; ++i) wanted.push_back(1 + 200 * i);
    require_same(host_copy(out), wanted);
    weft::inclusive_scan(policy, in.begin(), in.end(), out.begin(), weft::plus{}, i64{1});
    for (i64& w : wanted) w += 200;
    require_same(host_copy(out), wanted);
  }
}

namespace {
struct bit_length {
  WEFT_HOST_DEVICE i32 operator()(u32 x) const {
    i32 n = 0;
    for (; x != 0; x /= 2) ++n;
    return n;
  }
};
}  // namespace

TEST_CASE("transform scans fuse what they read") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<u32>(n, 4);
    const auto in = device_copy(x);
    std::vector<i32> inclusive(x.size()), exclusive(x.size());
    std::transform_inclusive_scan(x.begin(), x.end(), inclusive.begin(), weft::plus{}, bit_length{});
    std::transform_exclusive_scan(x.begin(), x.end(), exclusive.begin(), -9, weft::plus{}, bit_length{});
    room<i32> out(n);
    weft::transform_inclusive_scan(policy, in.begin(), in.end(), out.begin(), weft::plus{}, bit_length{});
    require_same(host_copy(out), inclusive);
    weft::transform_exclusive_scan(policy, in.begin(), in.end(), out.begin(), -9, weft::plus{}, bit_length{});
    require_same(host_copy(out), exclusive);
  }
}

TEST_CASE("scans read and write through iterators") {
  const offset n = 5003;
  room<offset> out(n);
  weft::inclusive_scan(policy, weft::counting(offset{1}), weft::counting(n + 1), weft::reversed(out.end()));
  std::vector<offset> wanted;
  for (offset i = n; i > 0; --i) wanted.push_back(i * (i + 1) / 2);
  require_same(host_copy(out), wanted);
  weft::exclusive_scan(policy, weft::constant(i32{2}), weft::constant(i32{2}) + n, weft::discard(), 0);
}

TEST_CASE("scans refuse bad arguments before anything runs") {
  const i32* const none = null<const i32>();
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  REQUIRE(
      contains(refusal([&] { weft::inclusive_scan(policy, none, none + 2, data.begin()); }), "inclusive_scan: null"));
  REQUIRE(contains(refusal([&] { weft::exclusive_scan(policy, data.end(), data.begin(), data.begin()); }), "negative"));
  require_same(host_copy(data), {1, 2, 3});
}

namespace {
/// There is none without a value.
struct no_default {
  explicit no_default(int v) : value(v) {}
  bool operator==(const no_default&) const = default;
  int value;
};
struct adds {
  no_default operator()(const no_default& a, const no_default& b) const { return no_default(a.value + b.value); }
};

template <class P>  // a template, so that compilers of kernels do not look at it
void scans_without_default(const P& cpu) {
  for (const int n : {1, 33, 5000, 300000}) {
    const std::vector<no_default> twos(static_cast<std::size_t>(n), no_default(2));
    std::vector<no_default> sums(twos.size(), no_default(0));
    weft::inclusive_scan(cpu, twos.begin(), twos.end(), sums.begin(), adds{});
    REQUIRE(sums.back() == no_default(2 * n));
    weft::exclusive_scan(cpu, twos.begin(), twos.end(), sums.begin(), no_default(5), adds{});
    REQUIRE(sums.back() == no_default(2 * n + 3));
  }
}
}  // namespace

TEST_CASE("scans of a type without a default value on CPU backends") {  // peer defect 8
  if constexpr (!gpu_family) scans_without_default(policy);
}

TEST_CASE("an operator that throws is passed on, and string-like monoids scan, on CPU backends") {
  if constexpr (!gpu_family) {
    scans<std::string>({0, 1, 2, 33, 257, 2000}, std::string("> "), weft::plus{});
    const auto x = values<i32>(70001, 5);
    std::vector<i32> out(x.size());
    REQUIRE_THROWS_AS(weft::transform_inclusive_scan(policy, x.begin(), x.end(), out.begin(), weft::bit_xor{},
                                                     throws_at<i32>{x[60000]}),
                      refused_value);
  }
}

TEST_CASE("counts beyond 2^31 [scan]", "[.large]") {  // peer defect 14
  if constexpr (takes_large) {
    const offset n = (offset{1} << 31) + 7;
    weft::buffer<u8> out(policy, n);
    weft::inclusive_scan(policy, weft::constant(u8{1}), weft::constant(u8{1}) + n, out.begin());
    require_same(weft::to_vector(policy, out.end() - 3, 3), {5, 6, 7});
  }
}
