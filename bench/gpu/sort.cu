// Radix sort against cub::DeviceRadixSort. Arguments: the exponents of the sizes wanted, and "all" for every input and
// type.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/gpu/radix_sort.hpp>
#include <weft/stream.hpp>

#include <cub/device/device_radix_sort.cuh>

using bench::device_array;

enum input { uniform, constant, few, sorted, reversed, zipf, high_bits };
static const char* const names[] = {"uniform", "constant", "few", "sorted", "reversed", "zipf", "low24"};

template <class K>
struct make_key {
  input in;
  std::int64_t n;
  std::uint64_t seed;
  __host__ __device__ K operator()(std::int64_t i) const {
    const std::uint64_t h = bench::hash(seed + static_cast<std::uint64_t>(i));
    constexpr bool floating = std::is_floating_point_v<K>;
    switch (in) {
      case constant:
        return K(42);
      case few: {
        const std::uint64_t v = bench::hash(h % 16 + 99);
        return floating ? K(double(v >> 11) * 0x1p-53 - 0.5) : K(v);
      }
      case sorted:
        return floating || sizeof(K) == 8 ? K(i) : K(double(i) / double(n) * 4294967295.0);
      case reversed:
        return floating || sizeof(K) == 8 ? K(n - i) : K(double(n - i) / double(n) * 4294967295.0);
      case zipf:
        return K(std::uint64_t(1.0 / ((double(h >> 11) + 1) * 0x1p-53)));
      case high_bits:
        return K(h & 0xffffff);
      default:
        return floating ? K(double(h >> 11) * 0x1p-53 - 0.5) : K(h);
    }
  }
};

template <class K, class V>
void compare(const char* type, input in, std::int64_t n) {
  constexpr bool pairs = !std::is_same_v<V, weft::none>;
  using value = std::conditional_t<pairs, V, char>;
  using bits = weft::gpu::bits_of_size<sizeof(K)>;
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  const int copies = n <= (1 << 20) ? 16 : n <= (1 << 24) ? 4 : 1, batches = n <= (1 << 20) ? 9 : 7;
  const std::size_t nv = pairs ? static_cast<std::size_t>(n) : 1;

  std::vector<device_array<K>> keys, input_keys;
  std::vector<device_array<value>> values, input_values;
  for (int c = 0; c < copies; ++c) {
    keys.emplace_back(n), input_keys.emplace_back(n), values.emplace_back(nv), input_values.emplace_back(nv);
    bench::generate(input_keys[c].p, n, make_key<K>{in, n, std::uint64_t(c) << 40});
    if (pairs) bench::generate(input_values[c].p, n, [] __device__(std::int64_t i) { return value(i); });
  }
  BENCH_CHECK(cudaDeviceSynchronize());
  auto refill = [&] {
    for (int c = 0; c < copies; ++c) {
      BENCH_CHECK(cudaMemcpyAsync(keys[c].p, input_keys[c].p, n * sizeof(K), cudaMemcpyDeviceToDevice, native));
      if (pairs)
        BENCH_CHECK(
            cudaMemcpyAsync(values[c].p, input_values[c].p, n * sizeof(value), cudaMemcpyDeviceToDevice, native));
    }
  };
  const auto order = weft::gpu::make_key_order<K>(false);
  auto ours = [&](int c) {
    auto* k = reinterpret_cast<bits*>(keys[c].p);
    if constexpr (pairs)
      weft::gpu::radix_sort_bits<decltype(policy), bits, value>(policy, k, values[c].p, n, order);
    else
      weft::gpu::radix_sort_bits<decltype(policy), bits, weft::none>(policy, k, nullptr, n, order);
  };
  device_array<K> peer_keys(n);
  device_array<value> peer_values(nv);
  std::size_t bytes = 0;
  device_array<char> temp;
  auto theirs = [&](int c) {
    if constexpr (pairs)
      cub::DeviceRadixSort::SortPairs(temp.p, bytes, input_keys[c].p, peer_keys.p, input_values[c].p, peer_values.p, n,
                                      0, int(8 * sizeof(K)), native);
    else
      cub::DeviceRadixSort::SortKeys(temp.p, bytes, input_keys[c].p, peer_keys.p, n, 0, int(8 * sizeof(K)), native);
  };
  theirs(0);
  temp = device_array<char>(bytes);

  refill(), ours(0), theirs(0);
  BENCH_CHECK(cudaStreamSynchronize(native));
  unsigned long long wrong = bench::differ(keys[0].p, peer_keys.p, n);
  if (pairs) wrong += bench::differ(values[0].p, peer_values.p, n);
  std::vector<double> a, b;
  for (int r = 0; r < batches; ++r) {
    a.push_back(bench::batch_ms(native, copies, refill, ours));
    b.push_back(bench::batch_ms(
        native, copies, [] {}, theirs));
  }
  bench::row("sort", type, names[in], n, bench::median(a), bench::median(b), wrong);
}

template <class K, class V>
void sweep(const char* type, const std::vector<int>& sizes, bool all) {
  for (int e : sizes) compare<K, V>(type, uniform, std::int64_t{1} << e);
  if (!all) return;
  for (int e : sizes)
    if (e >= 24)
      for (input in : {constant, few, sorted, reversed, zipf, high_bits}) compare<K, V>(type, in, std::int64_t{1} << e);
}

int main(int argc, char** argv) {
  std::vector<int> sizes;
  bool all = false;
  std::string only;
  for (int i = 1; i < argc; ++i)
    if (std::string(argv[i]) == "all")
      all = true;
    else if (std::atoi(argv[i]))
      sizes.push_back(std::atoi(argv[i]));
    else
      only += std::string(" ") + argv[i] + " ";
  if (sizes.empty()) sizes = {10, 12, 14, 16, 18, 20, 22, 24, 28};
  bench::header();
  auto want = [&](const char* type) { return only.empty() || only.find(std::string(" ") + type + " ") != only.npos; };
  if (want("u32")) sweep<std::uint32_t, weft::none>("u32", sizes, all);
#ifndef BENCH_FEW
  if (want("u64")) sweep<std::uint64_t, weft::none>("u64", sizes, all);
  if (want("f32")) sweep<float, weft::none>("f32", sizes, all);
  if (want("f64")) sweep<double, weft::none>("f64", sizes, false);
  if (want("u8")) sweep<std::uint8_t, weft::none>("u8", sizes, false);
  if (want("u16")) sweep<std::uint16_t, weft::none>("u16", sizes, false);
#endif
  if (want("u32/u32")) sweep<std::uint32_t, std::uint32_t>("u32/u32", sizes, all);
#ifndef BENCH_FEW
  if (want("u64/u32")) sweep<std::uint64_t, std::uint32_t>("u64/u32", sizes, all);
#endif
}
