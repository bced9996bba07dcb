// Scans: inclusive, exclusive, transformed; in place; operators that do not commute; no identity assumed.
#include "harness.hpp"

#include <weft/scan.hpp>

#include <numeric>

namespace {

template <class T, class Op>
void scans(const std::vector<offset>& lengths, const T& init, Op op) {
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
}

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

TEST_CASE("the sum has the type of init") {
  const auto x = std::vector<u8>(3000, 200);
  const auto in = device_copy(x);
  room<i64> out(3000);
  weft::exclusive_scan(policy, in.begin(), in.end(), out.begin(), i64{1});
  std::vector<i64> wanted;
  for (i64 i = 0; i < 3000; ++i) wanted.push_back(1 + 200 * i);
  require_same(host_copy(out), wanted);
  weft::inclusive_scan(policy, in.begin(), in.end(), out.begin(), weft::plus{}, i64{1});
  for (i64& w : wanted) w += 200;
  require_same(host_copy(out), wanted);
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
