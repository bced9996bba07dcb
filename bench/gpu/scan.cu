// Inclusive sums against cub::DeviceScan. Arguments: exponents of the sizes, names of the types; all by default.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/gpu/scan.hpp>
#include <weft/stream.hpp>

#include <cub/device/device_scan.cuh>
#include <numeric>
#include <set>

using bench::device_array;

template <class T>
struct make_item {
  std::uint64_t seed;
  __host__ __device__ T operator()(std::int64_t i) const { return static_cast<T>(bench::hash(seed + i) % 16); }
};

template <class T>
void compare(const char* type, std::int64_t n) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  device_array<T> in(n), out(n), peer_out(n);
  bench::generate(in.p, n, make_item<T>{1});
  std::size_t bytes = 0;
  cub::DeviceScan::InclusiveSum(nullptr, bytes, in.p, peer_out.p, n);
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());

  double ours = 0, theirs = 0;
  bench::measure(
      native, ours, theirs,
      [&] {
        weft::gpu::scan(policy, static_cast<const T*>(in.p), n, out.p, weft::plus{}, weft::none{}, weft::inclusive_t{});
      },
      [&] { cub::DeviceScan::InclusiveSum(storage.p, bytes, in.p, peer_out.p, n, native); });
  BENCH_CHECK(cudaDeviceSynchronize());

  // Integers against the peer; every type against the CPU where that is quick. Small floats are exact.
  unsigned long long wrong = 0;
  if (std::is_integral_v<T> || n <= (1 << 20)) wrong = bench::differ(out.p, peer_out.p, n);
  if (n <= (1 << 24)) {
    std::vector<T> want(n), got(n);
    for (std::int64_t i = 0; i < n; ++i) want[i] = make_item<T>{1}(i);
    std::partial_sum(want.begin(), want.end(), want.begin());
    BENCH_CHECK(cudaMemcpy(got.data(), out.p, n * sizeof(T), cudaMemcpyDeviceToHost));
    if (std::is_integral_v<T> || n <= (1 << 20))
      for (std::int64_t i = 0; i < n; ++i) wrong += want[i] != got[i];
  }
  bench::row("scan", type, "uniform", n, ours, theirs, wrong);
}

int main(int argc, char** argv) {
  std::set<std::string> words;
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  auto wanted = [&](const char* w) { return words.empty() || words.count(w); };
  bench::header();
  for (const std::int64_t n : sizes) {
    if (wanted("u32")) compare<std::uint32_t>("u32", n);
    if (wanted("f32")) compare<float>("f32", n);
    if (wanted("u64")) compare<std::uint64_t>("u64", n);
    if (wanted("f64")) compare<double>("f64", n);
    if (wanted("u16")) compare<std::uint16_t>("u16", n);
    if (wanted("u8")) compare<std::uint8_t>("u8", n);
  }
}
