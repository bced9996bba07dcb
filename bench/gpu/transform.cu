// saxpy, fill and a byte transform against thrust::transform without its closing wait. Arguments: exponents of the
// sizes.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>
#include <weft/stream.hpp>

#include <thrust/execution_policy.h>
#include <thrust/transform.h>

using bench::device_array;

struct make_float {
  __host__ __device__ float operator()(std::int64_t i) const {
    return static_cast<float>(static_cast<double>(bench::hash(i) >> 11) * 0x1p-53 - 0.5);
  }
};
struct make_byte {
  __host__ __device__ std::uint8_t operator()(std::int64_t i) const {
    return static_cast<std::uint8_t>(bench::hash(i));
  }
};
struct saxpy {
  float a;
  __host__ __device__ float operator()(float x, float y) const { return a * x + y; }
  __host__ __device__ float operator()(const weft::tuple<float, float>& t) const {
    return a * weft::get<0>(t) + weft::get<1>(t);
  }
};
struct invert {
  __host__ __device__ std::uint8_t operator()(std::uint8_t x) const { return static_cast<std::uint8_t>(~x); }
};

int main(int argc, char** argv) {
  const auto sizes = bench::sizes(argc, argv, [](const char*) {});
  bench::header();
  for (const std::int64_t n : sizes) {
    weft::stream stream{weft::cuda};
    const auto native = static_cast<cudaStream_t>(stream.ref().handle);
    const auto policy = weft::cuda.on(stream.ref());
    const auto thrust_policy = thrust::cuda::par_nosync.on(native);
    device_array<float> x(n), y(n), out(n), peer_out(n);
    bench::generate(x.p, n, make_float{});
    bench::generate(y.p, n, make_float{});
    BENCH_CHECK(cudaDeviceSynchronize());
    double ours = 0, theirs = 0;
    const auto both = weft::zip(static_cast<const float*>(x.p), static_cast<const float*>(y.p));
    bench::measure(
        native, ours, theirs, [&] { weft::gpu::transform(policy, both, n, out.p, saxpy{2.f}); },
        [&] { thrust::transform(thrust_policy, x.p, x.p + n, y.p, peer_out.p, saxpy{2.f}); });
    BENCH_CHECK(cudaDeviceSynchronize());
    bench::row("transform", "f32", "saxpy", n, ours, theirs, bench::differ(out.p, peer_out.p, n));

    device_array<std::uint8_t> b(n), c(n), d(n);
    bench::generate(b.p, n, make_byte{});
    BENCH_CHECK(cudaDeviceSynchronize());
    bench::measure(
        native, ours, theirs,
        [&] { weft::gpu::transform(policy, static_cast<const std::uint8_t*>(b.p), n, c.p, invert{}); },
        [&] { thrust::transform(thrust_policy, b.p, b.p + n, d.p, invert{}); });
    BENCH_CHECK(cudaDeviceSynchronize());
    bench::row("transform", "u8", "invert", n, ours, theirs, bench::differ(c.p, d.p, n));
  }
}
