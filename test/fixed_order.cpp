// .require(same_bits): scans and sums by key of floating-point numbers in the fixed order (fixed_scan.hpp), whatever
// the backend, the number of threads, the warp width, the tuning. Golden hashes tie all backends and versions together.
#include "fixed_scan.hpp"
#include "harness.hpp"

#include <weft/by_key.hpp>
#include <weft/scan.hpp>

namespace {

constexpr auto exact = policy.require(weft::same_bits);

/// N floats, added one by one: values of 12, 20, 40 and 64 bytes whose sums show the order.
template <int N>
struct floats {
  float v[N];
  friend bool operator==(const floats& a, const floats& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }
  WEFT_HOST_DEVICE friend floats operator+(const floats& a, const floats& b) {
    floats sum;
    for (int k = 0; k < N; ++k) sum.v[k] = a.v[k] + b.v[k];
    return sum;
  }
};
template <class T>
std::vector<T> numbers(offset n, u64 seed) {
  if constexpr (std::is_arithmetic_v<T>) {
    return values<T>(n, seed);
  } else {
    std::vector<T> made(static_cast<std::size_t>(n));
    const auto from = values<float>(n * static_cast<offset>(sizeof(T) / sizeof(float)), seed);
    if (n > 0) std::memcpy(made.data(), from.data(), made.size() * sizeof(T));  // never from a null pointer
    return made;
  }
}
/// Not associative at all: shows every difference in the order. Halving is exact, so a fused multiply-add is the same.
struct lopsided {
  template <class T>
  WEFT_HOST_DEVICE T operator()(const T& a, const T& b) const {
    return a + b * T(0.5);
  }
};

template <class T, class Op = weft::plus, class Policy = decltype(exact)>
void scans(const std::vector<offset>& lengths, Op op = {}, const Policy& p = exact) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    const auto x = numbers<T>(n, 1);
    const T init = numbers<T>(1, 2)[0];
    const auto plain = fixed_scan::scan(x, std::optional<T>(), op, true);
    const auto from_init = fixed_scan::scan(x, std::optional<T>(init), op, true);
    const auto before = fixed_scan::scan(x, std::optional<T>(init), op, false);
    auto in = device_copy(x);
    auto out = device_room<T>(n);
    weft::inclusive_scan(p, in.begin(), in.end(), out.begin(), op);
    require_same(host_copy(out), plain);
    weft::inclusive_scan(p, in.begin(), in.end(), out.begin(), op, init);
    require_same(host_copy(out), from_init);
    weft::exclusive_scan(p, in.begin(), in.end(), out.begin(), init, op);
    require_same(host_copy(out), before);
    weft::exclusive_scan(p, in.begin(), in.end(), in.begin(), init, op);  // in place
    require_same(host_copy(in), before);
  }
}

u64 hash_of(const void* data, std::size_t bytes) {
  u64 h = 0xcbf29ce484222325u;
  for (std::size_t i = 0; i < bytes; ++i) h = (h ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3u;
  return h;
}
template <class T>
u64 hash_of(const std::vector<T>& x) {
  return hash_of(x.data(), x.size() * sizeof(T));
}

std::vector<i32> runs(offset n, u64 length) {
  std::vector<i32> keys;
  i32 key = 0;
  for (offset i = 0; i < n; ++i) {
    if (random_bits(5, static_cast<u64>(i)) % length == 0) ++key;
    keys.push_back(key);
  }
  return keys;
}

}  // namespace

TEST_CASE("scans in the fixed order") {
  std::vector<offset> lengths = sizes();
  for (const offset n : {1023, 1024, 1025, 8191, 8192, 8193, 20011}) lengths.push_back(n);
  scans<float>(lengths);
  lengths = few_sizes();
  lengths.push_back(large_n);
  scans<double>(lengths);
  scans<float>({100, 4097, 20011}, lopsided{});
  scans<double>({100, 4097, 20011}, lopsided{});
}

TEST_CASE("scans in the fixed order of structs, over more than a unit of tiles") {
  scans<floats<3>>({0, 1, 127, 2049, 9001});
  scans<floats<4>>({15, 9001});
  scans<floats<5>>({31, 9001});
  scans<floats<10>>({257, 9001});
  scans<floats<16>>({1, 511, 512, 513, emulated ? 33000 : 100003});
}

TEST_CASE("the fixed order through other iterators and addresses") {
  const offset n = 20011;
  const auto x = numbers<float>(n + 1, 1);
  const std::vector<float> odd(x.begin() + 1, x.end());
  const auto in = device_copy(x);
  room<float> out(n + 1);
  weft::inclusive_scan(exact, in.begin() + 1, in.end(), out.begin() + 1);
  auto got = host_copy(out);
  got.erase(got.begin());
  require_same(got, fixed_scan::scan(odd, std::optional<float>(), weft::plus{}, true));

  std::vector<double> wide(x.begin(), x.end() - 1);
  room<double> sums(n);
  weft::exclusive_scan(exact, in.begin(), in.begin() + n, sums.begin(), 0.5);  // of another type
  require_same(host_copy(sums), fixed_scan::scan(wide, std::optional<double>(0.5), weft::plus{}, false));
  weft::transform_inclusive_scan(exact, in.begin(), in.begin() + n, out.begin(), weft::plus{}, weft::negate{});
  got = host_copy(out);
  got.pop_back();
  std::vector<float> negated;
  for (offset i = 0; i < n; ++i) negated.push_back(-x[static_cast<std::size_t>(i)]);
  require_same(got, fixed_scan::scan(negated, std::optional<float>(), weft::plus{}, true));
}

#if __has_include(<weft/gpu/scan.hpp>)
#include <weft/gpu/scan.hpp>
namespace {
struct no_pipeline {
  constexpr auto operator()(weft::gpu::scan_tuning, weft::gpu::arch, int) const {
    return weft::gpu::scan_tuning{64, 16};
  }
};
struct other_pipeline {
  constexpr auto operator()(weft::gpu::scan_tuning, weft::gpu::arch, int) const {
    return weft::gpu::scan_tuning{64, 16, {}, {64, 16, 64, 100000, 1, 1}};
  }
};
}  // namespace
TEST_CASE("the fixed order does not depend on the tuning") {
  if constexpr (gpu_family) {
    scans<float>({1, 4097, 20011}, weft::plus{}, exact.tuned_by<no_pipeline>());
    scans<float>({1, 4097, 20011}, weft::plus{}, exact.tuned_by<other_pipeline>());
    scans<floats<4>>({9001}, weft::plus{}, exact.tuned_by<no_pipeline>());
    scans<floats<4>>({9001}, weft::plus{}, exact.tuned_by<other_pipeline>());
  }
}
#endif

namespace {
template <class V>
void sums_by_key(const std::vector<offset>& lengths) {
  using state = weft::run_state<V>;
  for (const offset n : lengths) {
    for (const u64 length : {1u, 5u, 300u, 1u << 30}) {
      INFO("n = " << n << ", runs of about " << length << ", " << sizeof(V) << " bytes");
      const auto keys = runs(n, length);
      const auto x = numbers<V>(n, 3);
      const V init = numbers<V>(1, 4)[0];
      std::vector<state> states;
      for (std::size_t i = 0; i < x.size(); ++i) states.push_back({i == 0 || keys[i - 1] != keys[i], x[i]});
      const auto scanned = fixed_scan::scan(states, std::optional<state>(), weft::join_runs<weft::plus>{}, true);
      std::vector<i32> wanted_keys;
      std::vector<V> wanted, inclusive;
      for (std::size_t i = 0; i < x.size(); ++i) {
        inclusive.push_back(scanned[i].value);
        if (i + 1 == x.size() || keys[i] != keys[i + 1]) {
          wanted_keys.push_back(keys[i]);
          wanted.push_back(scanned[i].value);
        }
      }
      const auto k = device_copy(keys);
      const auto v = device_copy(x);
      const auto count = static_cast<offset>(wanted.size());
      room<i32> out_keys(count);
      room<V> out(count), all(n);
      const auto ends = weft::reduce_by_key(exact, k.begin(), k.end(), v.begin(), out_keys.begin(), out.begin());
      REQUIRE(ends.first - out_keys.begin() == count);
      require_same(host_copy(out_keys), wanted_keys);
      require_same(host_copy(out), wanted);
      room<offset> counted(1);
      weft::reduce_by_key_into(exact, k.begin(), k.end(), v.begin(), out_keys.begin(), out.begin(), counted.begin());
      REQUIRE(only(counted) == count);

      // The scan by key ends each run with its sum.
      weft::inclusive_scan_by_key(exact, k.begin(), k.end(), v.begin(), all.begin());
      require_same(host_copy(all), inclusive);
      weft::exclusive_scan_by_key(exact, k.begin(), k.end(), v.begin(), all.begin(), init);
      const auto first = host_copy(all);
      std::vector<V> close;
      for (std::size_t i = 0; i < x.size(); ++i)
        close.push_back(i == 0 || keys[i - 1] != keys[i] ? init : close[i - 1] + x[i - 1]);
      require_close(first, close, 1e-4);
      weft::exclusive_scan_by_key(exact, k.begin(), k.end(), v.begin(), all.begin(), init);
      require_same(host_copy(all), first);
    }
  }
}
}  // namespace

TEST_CASE("sums and scans by key in the fixed order") {
  sums_by_key<float>({0, 1, 33, 2047, 2048, 2049, 9001});
  sums_by_key<double>({255, 257, 5003});
}

TEST_CASE("golden bits: the same on every backend, and for ever") {
  const offset n = 60013;
  const auto x = numbers<float>(n, 1);
  const auto in = device_copy(x);
  room<float> out(n);
  weft::inclusive_scan(exact, in.begin(), in.end(), out.begin());
  CHECK(hash_of(host_copy(out)) == 0xdd6c8361fd1a51b6u);
  const auto y = numbers<double>(n, 2);
  const auto doubles = device_copy(y);
  room<double> sums(n);
  weft::exclusive_scan(exact, doubles.begin(), doubles.end(), sums.begin(), 0.25);
  CHECK(hash_of(host_copy(sums)) == 0x78f1f08b63c08044u);

  const auto keys = device_copy(runs(n, 50));
  weft::exclusive_scan_by_key(exact, keys.begin(), keys.end(), in.begin(), out.begin(), 0.25f);
  CHECK(hash_of(host_copy(out)) == 0xbc3e8f11da85c891u);
  room<i32> out_keys(n);
  const auto ends = weft::reduce_by_key(exact, keys.begin(), keys.end(), in.begin(), out_keys.begin(), out.begin());
  const auto found = static_cast<std::size_t>(ends.second - out.begin());
  CHECK(hash_of(host_copy(out).data(), found * sizeof(float)) == 0x87e852e0e7d36ac4u);
}

TEST_CASE("same_bits of integers") {
  const auto x = values<u32>(5003, 1);
  std::vector<u32> wanted;
  for (const u32 v : x) wanted.push_back((wanted.empty() ? 0 : wanted.back()) + v);
  const auto in = device_copy(x);
  room<u32> out(5003);
  weft::inclusive_scan(exact, in.begin(), in.end(), out.begin());
  require_same(host_copy(out), wanted);
}

namespace {
template <class Policy>  // a template, so that compilers of kernels do not look at what strings do
void scans_strings(const Policy& cpu) {
  for (const offset n : {1, 33, 5003}) {
    const auto x = values<std::string>(n, 6);
    std::vector<std::string> wanted, out(x.size());
    for (const std::string& word : x) wanted.push_back((wanted.empty() ? "> " : wanted.back()) + word);
    weft::inclusive_scan(cpu, x.begin(), x.end(), out.begin(), weft::plus{}, std::string("> "));
    require_same(out, wanted);
  }
}
}  // namespace
TEST_CASE("same_bits: any copyable type on CPU backends") {
  if constexpr (!gpu_family) scans_strings(exact);
}
