// reduce and all that is built on it: the fixed shape held bit for bit, sums, counts, inner products, extreme elements.
#include "harness.hpp"

#include <weft/reduce.hpp>

#include "fixed_shape.hpp"

#include <numeric>

namespace {

struct complex_number {  // 8 bytes
  float re, im;
  WEFT_HOST_DEVICE friend complex_number operator+(const complex_number& a, const complex_number& b) {
    return {a.re + b.re, a.im + b.im};
  }
  friend bool operator==(const complex_number& a, const complex_number& b) {
    return same(a.re, b.re) && same(a.im, b.im);
  }
};

struct wide_sum {  // 64 bytes, the largest value every backend takes
  double part[8];
  WEFT_HOST_DEVICE friend wide_sum operator+(const wide_sum& a, const wide_sum& b) {
    wide_sum sum;
    for (int i = 0; i < 8; ++i) sum.part[i] = a.part[i] + b.part[i];
    return sum;
  }
  friend bool operator==(const wide_sum& a, const wide_sum& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }
};

template <class T>
std::vector<T> inputs(offset n, u64 seed) {
  if constexpr (std::is_same_v<T, complex_number>) {
    std::vector<T> made;
    for (offset i = 0; i < n; ++i)
      made.push_back({value_from<float>(random_bits(seed, static_cast<u64>(i)), i),
                      value_from<float>(random_bits(seed + 1, static_cast<u64>(i)), i)});
    return made;
  } else if constexpr (std::is_same_v<T, wide_sum>) {
    std::vector<T> made(static_cast<std::size_t>(n));
    for (offset i = 0; i < n; ++i)
      for (int k = 0; k < 8; ++k)
        made[static_cast<std::size_t>(i)].part[k] =
            value_from<double>(random_bits(seed, static_cast<u64>(8 * i + k)), i);
    return made;
  } else {
    return values<T>(n, seed);
  }
}

u64 hash_of(const void* data, std::size_t bytes, u64 hash = 0xcbf29ce484222325u) {  // FNV-1a
  for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3u;
  return hash;
}

template <class T>
void holds_the_shape(const T& init, const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    const u64 seed = 17 + static_cast<u64>(n);
    INFO("n = " << n << ", seed = " << seed << ", " << sizeof(T) << " bytes");
    const auto x = inputs<T>(n, seed);
    const auto data = device_copy(x);
    REQUIRE(same(weft::reduce(policy, data.begin(), data.end(), init, weft::plus{}),
                 fixed_shape::reduce(x, init, weft::plus{})));
  }
}

std::vector<offset> shape_sizes() {
  std::vector<offset> all = sizes();
  all.insert(all.end(), {511, 512, 513, 1023, 1025, 2048, 3000, 8191, 8192, 12289});
  return all;
}

}  // namespace

TEST_CASE("sums have the fixed shape, bit for bit") {
  SECTION("float") { holds_the_shape<float>(0.25f, shape_sizes()); }
  SECTION("double") { holds_the_shape<double>(-0.5, shape_sizes()); }
  SECTION("complex") { holds_the_shape<complex_number>({1, -1}, sizes()); }
  SECTION("64 bytes") { holds_the_shape<wide_sum>({{1, 2, 3, 4, 5, 6, 7, 8}}, few_sizes()); }
  SECTION("bytes") { holds_the_shape<u8>(3, few_sizes()); }
  SECTION("half words") { holds_the_shape<i16>(3, few_sizes()); }
  SECTION("12 bytes") { holds_the_shape<affine>({1, 2, 3}, few_sizes()); }
}

TEST_CASE("sums of every short length have the fixed shape, read from arrays and through functions") {
  const auto holds = [](auto zero) {
    using T = decltype(zero);
    const auto x = inputs<T>(1100, 5);
    const auto data = device_copy(x);
    // Where a call is a launch, some lengths will do.
    for (offset n = 1; n <= 1100; n += gpu_family ? 73 : 1) {
      INFO("n = " << n << ", " << sizeof(T) << " bytes");
      const T sum = fixed_shape::reduce(std::vector<T>(x.begin(), x.begin() + n), zero, weft::plus{});
      REQUIRE(same(weft::reduce(policy, data.begin(), data.begin() + n, zero), sum));
      REQUIRE(same(weft::transform_reduce(policy, data.begin(), data.begin() + n, zero, weft::plus{}, weft::identity{}),
                   sum));
    }
  };
  SECTION("float") { holds(0.f); }
  SECTION("double") { holds(0.); }
}

TEST_CASE("sums have the bits they had on the machine that wrote this file") {
  constexpr offset n = 15001;  // three chunks and a part, small enough for the emulation
  const auto floats = device_copy(values<float>(n, 1));
  const auto doubles = device_copy(values<double>(n, 2));
  const auto complexes = device_copy(inputs<complex_number>(n, 3));
  const float f = weft::reduce(policy, floats.begin(), floats.end(), 0.f);
  const double d = weft::reduce(policy, doubles.begin(), doubles.end(), 0.);
  const complex_number c = weft::reduce(policy, complexes.begin(), complexes.end(), complex_number{0, 0});
  CHECK(hash_of(&f, sizeof(f)) == 0xd0a39ba3c4113b99u);
  CHECK(hash_of(&d, sizeof(d)) == 0xf8af8f5e883379f0u);
  CHECK(hash_of(&c, sizeof(c)) == 0xc57b2e660d615945u);
}

TEST_CASE("reduce folds with any operator and starts from init") {
  for (const offset n : sizes()) {
    INFO("n = " << n);
    const auto x = values<i32>(n, 5);
    const auto data = device_copy(x);
    const auto begin = data.begin(), end = data.end();
    REQUIRE(weft::reduce(policy, begin, end, i64{7}) == std::accumulate(x.begin(), x.end(), i64{7}));
    REQUIRE(weft::reduce(policy, begin, end, 0, weft::bit_xor{}) ==
            std::accumulate(x.begin(), x.end(), 0, weft::bit_xor{}));
    i32 least = std::numeric_limits<i32>::max();
    for (const i32 v : x) least = std::min(least, v);
    REQUIRE(weft::reduce(policy, begin, end, std::numeric_limits<i32>::max(), weft::minimum{}) == least);
  }
}

TEST_CASE("T{} is not taken for an identity") {  // peer defect 8
  const auto x = std::vector<u32>(5000, 3);
  const auto data = device_copy(x);
  u32 product = 5;
  for (const u32 v : x) product *= v;
  REQUIRE(weft::reduce(policy, data.begin(), data.end(), 5u, weft::multiplies{}) == product);
}

TEST_CASE("an ordered operator keeps its operands in order") {
  for (const offset n : sizes()) {
    INFO("n = " << n);
    const auto x = values<affine>(n, 6);
    const auto data = device_copy(x);
    affine wanted{3, 4, 5};
    for (const affine& v : x) wanted = composed{}(wanted, v);
    REQUIRE(weft::reduce(policy, data.begin(), data.end(), affine{3, 4, 5}, weft::ordered<composed>{}) == wanted);
  }
  const auto x = values<float>(4097, 6);  // in floats, the shape shows
  const auto data = device_copy(x);
  REQUIRE(same(weft::reduce(policy, data.begin(), data.end(), 0.f, weft::ordered<weft::plus>{}),
               fixed_shape::reduce(x, 0.f, weft::ordered<weft::plus>{})));
}

TEST_CASE("reduce_into leaves the value with the backend") {
  const auto x = values<u32>(4097, 7);
  const auto data = device_copy(x);
  room<u32> out(1);
  weft::reduce_into(policy, data.begin(), data.end(), out.begin(), 11u);
  REQUIRE(only(out) == std::accumulate(x.begin(), x.end(), 11u));
  weft::reduce_into(policy, data.begin(), data.begin(), out.begin(), 12u);
  REQUIRE(only(out) == 12u);
}

namespace {
struct halved {
  WEFT_HOST_DEVICE double operator()(i32 x) const { return x * 0.5; }
};
}  // namespace

TEST_CASE("transform_reduce and inner_product fuse what they read") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<i32>(n, 8), y = values<i32>(n, 9);
    const auto a = device_copy(x), b = device_copy(y);
    std::vector<double> halves;
    for (const i32 v : x) halves.push_back(v * 0.5);
    REQUIRE(weft::transform_reduce(policy, a.begin(), a.end(), 1.5, weft::plus{}, halved{}) ==
            fixed_shape::reduce(halves, 1.5, weft::plus{}));
    u32 dot = 1;
    for (std::size_t i = 0; i < x.size(); ++i) dot += static_cast<u32>(x[i]) * static_cast<u32>(y[i]);
    const auto p = reinterpret_cast<const u32*>(a.begin()), q = reinterpret_cast<const u32*>(b.begin());
    REQUIRE(weft::inner_product(policy, p, p + n, q, 1u) == dot);
    room<u32> out(1);
    weft::inner_product_into(policy, p, p + n, q, out.begin(), 1u);
    REQUIRE(only(out) == dot);
    room<double> half(1);
    weft::transform_reduce_into(policy, a.begin(), a.end(), half.begin(), 1.5, weft::plus{}, halved{});
    REQUIRE(only(half) == fixed_shape::reduce(halves, 1.5, weft::plus{}));
  }
}

TEST_CASE("count and count_if") {
  for (const offset n : sizes()) {
    INFO("n = " << n);
    const auto x = values<i16>(n, 10, order::few);
    const auto data = device_copy(x);
    const i16 sought = n > 0 ? x[0] : i16{1};
    const offset equal = std::count(x.begin(), x.end(), sought), odd = std::count_if(x.begin(), x.end(), is_odd{});
    REQUIRE(weft::count(policy, data.begin(), data.end(), sought) == equal);
    REQUIRE(weft::count_if(policy, data.begin(), data.end(), is_odd{}) == odd);
    room<offset> out(2);
    weft::count_into(policy, data.begin(), data.end(), out.begin(), sought);
    weft::count_if_into(policy, data.begin(), data.end(), out.begin() + 1, is_odd{});
    require_same(host_copy(out), {equal, odd});
  }
}

namespace {
struct by_absolute {
  WEFT_HOST_DEVICE bool operator()(i32 a, i32 b) const { return (a < 0 ? -a : a) < (b < 0 ? -b : b); }
};

template <class T>
void finds_extremes(order o, const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << name_of(o) << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, 11, o);
    const auto data = device_copy(x);
    const offset least = std::min_element(x.begin(), x.end()) - x.begin();
    const offset greatest = std::max_element(x.begin(), x.end()) - x.begin();
    const auto begin = data.begin(), end = data.end();
    REQUIRE(weft::min_element(policy, begin, end) - begin == least);
    REQUIRE(weft::max_element(policy, begin, end) - begin == greatest);
    const auto both = weft::minmax_element(policy, begin, end);
    REQUIRE(both.first - begin == least);
    REQUIRE(both.second - begin == greatest);
    room<offset> out(4);
    weft::min_element_into(policy, begin, end, out.begin());
    weft::max_element_into(policy, begin, end, out.begin() + 1);
    weft::minmax_element_into(policy, begin, end, out.begin() + 2);
    require_same(host_copy(out), {least, greatest, least, greatest});
  }
}
}  // namespace

TEST_CASE("extreme elements, the first among equals") {
  finds_extremes<i32>(order::random, sizes());
  finds_extremes<i32>(order::few, few_sizes());
  finds_extremes<i32>(order::constant, few_sizes());
  finds_extremes<tagged>(order::few, few_sizes());  // two of them with indices are 48 bytes
  const auto x = std::vector<i32>{5, -3, 2, 3, -2};
  const auto data = device_copy(x);
  REQUIRE(weft::min_element(policy, data.begin(), data.end(), by_absolute{}) - data.begin() == 2);
  REQUIRE(weft::max_element(policy, data.begin(), data.end(), by_absolute{}) - data.begin() == 0);
}

namespace {
struct wide_key {  // 48 bytes: with its index it passes what an accumulator may be
  i32 key;
  i32 rest[11];
  WEFT_HOST_DEVICE friend bool operator<(const wide_key& a, const wide_key& b) { return a.key < b.key; }
};
}  // namespace

TEST_CASE("extreme elements of wide values") {
  const auto keys = values<i32>(4097, 12, order::few);
  std::vector<wide_key> x;
  for (const i32 key : keys) x.push_back({key, {}});
  const auto data = device_copy(x);
  const auto both = weft::minmax_element(policy, data.begin(), data.end());
  REQUIRE(both.first - data.begin() == std::min_element(keys.begin(), keys.end()) - keys.begin());
  REQUIRE(both.second - data.begin() == std::max_element(keys.begin(), keys.end()) - keys.begin());
  REQUIRE(weft::min_element(policy, data.begin(), data.end()) == both.first);
}

TEST_CASE("reduce refuses bad arguments before anything runs") {
  const i32* const none = null<const i32>();
  const auto data = device_copy(values<i32>(10, 1));
  REQUIRE(contains(refusal([&] { weft::reduce(policy, none, none + 3, 0); }), "reduce: null pointer"));
  REQUIRE(contains(refusal([&] { weft::reduce(policy, data.end(), data.begin(), 0); }), "negative count"));
  REQUIRE(
      contains(refusal([&] { weft::min_element(policy, data.end(), data.begin()); }), "min_element: negative count"));
  REQUIRE(weft::reduce(policy, none, none, 4) == 4);
}

TEST_CASE("a functor that throws is passed on") {
  if constexpr (!gpu_family) {
    const auto x = values<i32>(70001, 13);
    const throws_at<i32> thrower{x[40000]};
    REQUIRE_THROWS_AS(weft::transform_reduce(policy, x.begin(), x.end(), i64{0}, weft::plus{}, thrower), refused_value);
    REQUIRE(weft::reduce(policy, x.begin(), x.end(), i64{0}) == std::accumulate(x.begin(), x.end(), i64{0}));
  }
}

namespace {
template <class P>  // a template, so that compilers of kernels do not look at what strings do
void folds_strings(const P& cpu) {
  for (const offset n : {1, 33, 300, 5000}) {
    const auto x = values<std::string>(n, 14);
    REQUIRE(weft::reduce(cpu, x.begin(), x.end(), std::string("> "), weft::ordered<weft::plus>{}) ==
            std::accumulate(x.begin(), x.end(), std::string("> ")));
  }
}
}  // namespace

TEST_CASE("reduce: any copyable type on CPU backends") {
  if constexpr (!gpu_family) folds_strings(policy);
}

TEST_CASE("counts beyond 2^31 [reduce]", "[.large]") {  // peer defect 14; no memory needed
  if constexpr (takes_large) {
    const auto begin = weft::counting(offset{0});
    const offset n = (offset{1} << 31) + 7;
    REQUIRE(weft::reduce(policy, begin, begin + n, offset{0}) == n / 2 * (n - 1) + (n % 2) * ((n - 1) / 2));
    REQUIRE(weft::count_if(policy, begin, begin + n, is_odd{}) == n / 2);
    REQUIRE(weft::max_element(policy, begin, begin + n) - begin == n - 1);
  }
}
