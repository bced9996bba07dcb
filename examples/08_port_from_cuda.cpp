// A CUDA program with a hand-written kernel and Thrust calls, ported: heat spreads along a rod. One text for CUDA, HIP
// and simt (every GPU thread a fibre of the CPU, to find races and deadlocks). `// was:` shows the lines it had.
#include <weft/buffer.hpp>  // was: <cuda_runtime.h>, <thrust/device_vector.h>
#include <weft/fill.hpp>    // was: <thrust/fill.h>
#include <weft/gpu/launch.hpp>
#include <weft/reduce.hpp>  // was: <thrust/reduce.h>, <thrust/inner_product.h>
#include WEFT_EXAMPLE_HEADER

#include <cmath>
#include <cstdio>
#include <utility>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;  // weft::cuda, weft::hip or weft::simt
using weft::gpu::arch;

// was: __global__ void spread(const float* in, float* out, int n, float rate) {
struct spread_kernel {
  template <arch A>
  static constexpr int block_threads = 256;  // was: the 256 of <<<…>>>
  template <arch A>
  struct shared {
    float tile[block_threads<A> + 2];  // was: __shared__ float tile[256 + 2];
  };
  const float* in;
  float* out;
  int n;
  float rate;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const int t = static_cast<int>(block.thread()), last = static_cast<int>(block.threads()) - 1;  // was: threadIdx.x
    const int i = static_cast<int>(block.index() * block.threads()) + t;       // was: blockIdx.x * blockDim.x + t
    const auto at = [&](int j) { return in[j < 0 ? 0 : j < n ? j : n - 1]; };  // the ends are insulated
    s.tile[t + 1] = at(i);
    if (t == 0) s.tile[0] = at(i - 1);
    if (t == last) s.tile[t + 2] = at(i + 1);
    block.sync();  // was: __syncthreads();
    if (i < n) out[i] = s.tile[t + 1] + rate * (s.tile[t] - 2 * s.tile[t + 1] + s.tile[t + 2]);
  }
};

int main() {
  const int n = 5000, steps = 100;
  weft::stream stream(policy);  // was: cudaStreamCreate(&stream);
  const auto on = policy.on(stream);
  weft::buffer<float> now(on, n), next(on, n);  // was: thrust::device_vector<float> now(n), next(n);
  weft::fill(on, now.begin(), now.end(), 0.f);  // was: thrust::fill(thrust::cuda::par.on(stream), …
  weft::fill(on, now.begin() + 2000, now.begin() + 2100, 50.f);

  for (int k = 0; k < steps; ++k) {
    // was: spread<<<(n + 255) / 256, 256, 0, stream>>>(raw(now), raw(next), n, 0.25f); check(cudaGetLastError());
    weft::gpu::on_arch(on, [&]<arch A>() {
      constexpr int threads = spread_kernel::block_threads<A>;
      weft::gpu::launch<A>(on, weft::gpu::ceil_div(n, threads), spread_kernel{now.data(), next.data(), n, 0.25f});
    });
    std::swap(now, next);  // was: now.swap(next);
  }

  const auto place = weft::counting(0);  // was: thrust::counting_iterator<int> place(0);
  // was: thrust::reduce(thrust::cuda::par.on(stream), now.begin(), now.end(), 0.0);
  const double heat = weft::reduce(on, now.begin(), now.end(), 0.0);
  // was: thrust::inner_product(thrust::cuda::par.on(stream), now.begin(), now.end(), place, 0.0);
  const double moment = weft::inner_product(on, now.begin(), now.end(), place, 0.0);
  // was: thrust::reduce(thrust::cuda::par.on(stream), now.begin(), now.end(), 0.f, thrust::maximum<float>());
  const float warmest = weft::reduce(on, now.begin(), now.end(), 0.f, weft::maximum{});
  // was: cudaStreamDestroy(stream), and a check of the error code around each call; errors are exceptions now.

  std::printf("heat %.2f, centred at %.2f, warmest %.2f\n", heat, moment / heat, warmest);
  return std::abs(heat - 5000) < 0.05 && std::abs(moment / heat - 2049.5) < 0.01 && warmest <= 50.001f ? 0 : 1;
}
