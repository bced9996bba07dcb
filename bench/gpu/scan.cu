// Inclusive and exclusive scans against cub::DeviceScan: sums, an operator that does not commute, structs of 12 and 16
// bytes. Arguments: exponents of the sizes, names of the types, "inclusive" or "exclusive"; all by default.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/gpu/scan.hpp>
#include <weft/stream.hpp>

#include <cuda_fp16.h>
#include <cub/device/device_scan.cuh>
#include <set>

using bench::device_array;

struct affine {  // x -> factor * x + summand
  std::uint32_t factor, summand;
};
struct three {
  std::uint32_t sum, most, parity;
};
struct matrix {  // 2 by 2, without the determinant 0
  std::uint32_t a, b, c, d;
};
struct combine {
  __host__ __device__ affine operator()(const affine& f, const affine& g) const {
    return {f.factor * g.factor, f.summand * g.factor + g.summand};
  }
  __host__ __device__ three operator()(const three& x, const three& y) const {
    return {x.sum + y.sum, x.most < y.most ? y.most : x.most, x.parity ^ y.parity};
  }
  __host__ __device__ matrix operator()(const matrix& x, const matrix& y) const {
    return {x.a * y.a + x.b * y.c, x.a * y.b + x.b * y.d, x.c * y.a + x.d * y.c, x.c * y.b + x.d * y.d};
  }
};

template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, __half>;

template <class T>
struct make_item {
  __host__ __device__ T operator()(std::int64_t i) const {
    const std::uint64_t h = bench::hash(1 + i);
    if constexpr (is_float<T>) {
      // Neighbours cancel, so sums are exact in any order and at any length.
      const int pair = 1 + static_cast<int>(bench::hash(i / 2) % 16);
      return static_cast<T>(static_cast<float>(i % 2 ? -pair : pair));
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(h);
    } else if constexpr (std::is_same_v<T, affine>) {
      return {static_cast<std::uint32_t>(h) | 1, static_cast<std::uint32_t>(h >> 32)};
    } else if constexpr (std::is_same_v<T, three>) {
      return {static_cast<std::uint32_t>(h), static_cast<std::uint32_t>(h >> 40), static_cast<std::uint32_t>(h >> 16)};
    } else {
      const auto x = static_cast<std::uint32_t>(h), y = static_cast<std::uint32_t>(h >> 32);
      return {x | 1, y * 2, x * 2, y | 1};
    }
  }
};

template <bool Inclusive, class T, class Op, class Policy = decltype(weft::cuda)>
void compare(const char* type, std::int64_t n, Op op, const Policy& device = weft::cuda) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = device.on(stream.ref());
  device_array<T> in(n), out(n), peer_out(n);
  bench::generate(in.p, n, make_item<T>{});
  const T* const from = in.p;
  const T init = make_item<T>{}(12345);

  auto peer = [&](void* storage, std::size_t& bytes) {
    constexpr bool sum = std::is_same_v<Op, weft::plus>;
    if constexpr (Inclusive && sum)
      cub::DeviceScan::InclusiveSum(storage, bytes, from, peer_out.p, n, native);
    else if constexpr (Inclusive)
      cub::DeviceScan::InclusiveScan(storage, bytes, from, peer_out.p, op, n, native);
    else
      cub::DeviceScan::ExclusiveScan(storage, bytes, from, peer_out.p, op, init, n, native);
  };
  std::size_t bytes = 0;
  peer(nullptr, bytes);
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());

  double ours = 0, theirs = 0;
  bench::measure(
      native, ours, theirs,
      [&] {
        if constexpr (Inclusive)
          weft::gpu::scan(policy, from, n, out.p, op, weft::none{}, weft::inclusive_t{});
        else
          weft::gpu::scan(policy, from, n, out.p, op, init, weft::exclusive_t{});
      },
      [&] { peer(storage.p, bytes); });
  BENCH_CHECK(cudaDeviceSynchronize());

  // Against the peer, and against the CPU where that is quick.
  unsigned long long wrong = bench::differ(out.p, peer_out.p, n);
  if (n <= (1 << 24)) {
    std::vector<T> want(n), got(n);
    T sum = Inclusive ? make_item<T>{}(0) : init;
    for (std::int64_t i = 0; i < n; ++i) {
      if (Inclusive && i > 0) sum = static_cast<T>(op(sum, make_item<T>{}(i)));
      want[i] = sum;
      if (!Inclusive) sum = static_cast<T>(op(sum, make_item<T>{}(i)));
    }
    BENCH_CHECK(cudaMemcpy(got.data(), out.p, n * sizeof(T), cudaMemcpyDeviceToHost));
    for (std::int64_t i = 0; i < n; ++i) wrong += std::memcmp(&want[i], &got[i], sizeof(T)) != 0;
  }
  bench::row(Inclusive ? "scan" : "scan_ex", type, Policy::wants_same_bits ? "same bits" : "uniform", n, ours, theirs,
             wrong);
}

int main(int argc, char** argv) {
  std::set<std::string> words;
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  const bool inclusive = !words.count("exclusive") || words.count("inclusive");
  const bool exclusive = !words.count("inclusive") || words.count("exclusive");
  words.erase("inclusive"), words.erase("exclusive");
  bench::header();
  for (const std::int64_t n : sizes) {
    auto both = [&]<class T>(const char* type, T, auto op) {
      if (!words.empty() && !words.count(type)) return;
      if (inclusive) compare<true, T>(type, n, op);
      if (exclusive) compare<false, T>(type, n, op);
      if constexpr (std::is_floating_point_v<T>)
        if (inclusive) compare<true, T>(type, n, op, weft::cuda.require(weft::same_bits));
    };
    both("u32", std::uint32_t{}, weft::plus{});
    both("f32", float{}, weft::plus{});
    both("u64", std::uint64_t{}, weft::plus{});
    both("f64", double{}, weft::plus{});
    both("f16", __half{}, weft::plus{});
    both("u16", std::uint16_t{}, weft::plus{});
    both("u8", std::uint8_t{}, weft::plus{});
    both("affine8", affine{}, combine{});
    both("three12", three{}, combine{});
    both("matrix16", matrix{}, combine{});
  }
}
