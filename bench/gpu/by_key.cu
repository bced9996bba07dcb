// reduce_by_key, run-length encoding and histogram against CUB. Arguments: exponents of the sizes, and "reduce_by_key",
// "run_length" or "histogram" for one of them, "skew" for skewed inputs and other run lengths too.
#include "common.hpp"

#include <weft/by_key.hpp>
#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/gpu/histogram.hpp>
#include <weft/gpu/run_lengths.hpp>
#include <weft/stream.hpp>

#include <cub/device/device_histogram.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_run_length_encode.cuh>
#include <set>

using bench::device_array;
using u32 = std::uint32_t;

template <class T>
struct make_run {
  int length;
  __host__ __device__ T operator()(std::int64_t i) const { return static_cast<T>(bench::hash(i / length)); }
};
template <class V>
struct make_value {  // sums of floats are exact
  __host__ __device__ V operator()(std::int64_t i) const {
    return static_cast<V>(std::is_integral_v<V> ? bench::hash(i) : bench::hash(i) % 16);
  }
};
template <class T>
struct make_sample {
  int bins, skew;  // of 100 samples, `skew` are the same
  __host__ __device__ T operator()(std::int64_t i) const {
    const std::uint64_t h = bench::hash(i);
    return static_cast<T>(static_cast<int>(h >> 40) % 100 < skew ? 5 : (h & 0xffffff) % bins);
  }
};

template <class V, class Policy = decltype(weft::cuda)>
void by_key(const char* type, std::int64_t n, int length, const Policy& device = weft::cuda) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = device.on(stream.ref());
  device_array<u32> keys(n), out_keys(n), peer_keys(n);
  device_array<V> values(n), out_values(n), peer_values(n);
  device_array<std::int64_t> count(2);
  bench::generate(keys.p, n, make_run<u32>{length});
  bench::generate(values.p, n, make_value<V>{});
  std::size_t bytes = 0;
  auto peer = [&](void* s) {
    BENCH_CHECK(cub::DeviceReduce::ReduceByKey(s, bytes, static_cast<const u32*>(keys.p), peer_keys.p,
                                               static_cast<const V*>(values.p), peer_values.p, count.p + 1,
                                               cuda::std::plus<V>{}, n, native));
  };
  peer(nullptr);
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());
  double a = 0, b = 0;
  bench::measure(
      native, a, b,
      [&] {
        const u32* const k = keys.p;
        weft::reduce_by_key_into(policy, k, k + n, static_cast<const V*>(values.p), out_keys.p, out_values.p, count.p);
      },
      [&] { peer(storage.p); });
  BENCH_CHECK(cudaDeviceSynchronize());
  std::int64_t found[2];
  BENCH_CHECK(cudaMemcpy(found, count.p, 16, cudaMemcpyDeviceToHost));
  unsigned long long wrong = found[0] != found[1];
  wrong += bench::differ(out_keys.p, peer_keys.p, found[1]) + bench::differ(out_values.p, peer_values.p, found[1]);
  bench::row(Policy::wants_same_bits ? "by_key same" : "red_by_key", type, std::to_string(length), n, a, b, wrong);
}

template <class T>
void run_length(const char* type, std::int64_t n, int length) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  device_array<T> in(n), out(n), peer_out(n);
  device_array<u32> lengths(n), peer_lengths(n);
  device_array<std::int64_t> count(2);
  bench::generate(in.p, n, make_run<T>{length});
  std::size_t bytes = 0;
  auto peer = [&](void* s) {
    BENCH_CHECK(cub::DeviceRunLengthEncode::Encode(s, bytes, static_cast<const T*>(in.p), peer_out.p, peer_lengths.p,
                                                   count.p + 1, n, native));
  };
  peer(nullptr);
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());
  double a = 0, b = 0;
  bench::measure(
      native, a, b,
      [&] {
        weft::gpu::run_lengths_into(policy, static_cast<const T*>(in.p), n, out.p, lengths.p, count.p,
                                    weft::equal_to{});
      },
      [&] { peer(storage.p); });
  BENCH_CHECK(cudaDeviceSynchronize());
  std::int64_t found[2];
  BENCH_CHECK(cudaMemcpy(found, count.p, 16, cudaMemcpyDeviceToHost));
  unsigned long long wrong = found[0] != found[1];
  wrong += bench::differ(out.p, peer_out.p, found[1]) + bench::differ(lengths.p, peer_lengths.p, found[1]);
  bench::row("run_length", type, std::to_string(length), n, a, b, wrong);
}

template <class T>
void histogram(const char* type, std::int64_t n, int bins, int skew) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  device_array<T> in(n);
  device_array<u32> counts(bins), peer_counts(bins);
  bench::generate(in.p, n, make_sample<T>{bins, skew});
  std::size_t bytes = 0;
  auto peer = [&](void* s) {
    BENCH_CHECK(cub::DeviceHistogram::HistogramEven(s, bytes, static_cast<const T*>(in.p), peer_counts.p, bins + 1, 0,
                                                    bins, n, native));
  };
  peer(nullptr);
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());
  double a = 0, b = 0;
  bench::measure(
      native, a, b,
      [&] { weft::gpu::histogram(policy, static_cast<const T*>(in.p), n, counts.p, bins, weft::identity{}); },
      [&] { peer(storage.p); });
  BENCH_CHECK(cudaDeviceSynchronize());
  bench::row("histogram", type, std::to_string(bins) + (skew ? "/" + std::to_string(skew) + "%" : ""), n, a, b,
             bench::differ(counts.p, peer_counts.p, bins));
}

int main(int argc, char** argv) {
  std::set<std::string> words;
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  const bool all = !words.count("reduce_by_key") && !words.count("run_length") && !words.count("histogram");
  const bool skewed = words.count("skew");
  bench::header();
  for (const std::int64_t n : sizes) {
    if (all || words.count("reduce_by_key"))
      for (int length : {8, 1, 1024, 1 << 30})
        if (length == 8 || skewed) {
          by_key<u32>("u32/u32", n, length);
          by_key<float>("u32/f32", n, length);
          by_key<float>("u32/f32", n, length, weft::cuda.require(weft::same_bits));
        }
    if (all || words.count("run_length"))
      for (int length : {8, 1, 1024, 1 << 30})
        if (length == 8 || skewed) {
          run_length<u32>("u32", n, length);
          run_length<std::uint64_t>("u64", n, length);
          run_length<std::uint8_t>("u8", n, length);
        }
    if (all || words.count("histogram"))
      for (int skew : {0, 50, 100}) {
        if (skew && !skewed) continue;
        histogram<std::uint8_t>("u8", n, 256, skew);
        histogram<u32>("u32", n, 256, skew);
        histogram<u32>("u32", n, 4096, skew);
        if (skewed) histogram<u32>("u32", n, 40000, skew), histogram<u32>("u32", n, 1 << 20, skew);
      }
  }
}
