// A kernel of one's own for GPUs (CUDA, HIP, and simt, which runs it on the CPU with fault checks): the softmax of each
// row of a matrix, one block a row. A kernel is a function object: its members are its arguments, `block` is what CUDA
// spells threadIdx, __syncthreads and __shfl_sync, and what the warps of a block share is a struct.
#include <weft/buffer.hpp>
#include <weft/functional.hpp>
#include <weft/gpu/block.hpp>
#include <weft/gpu/launch.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cmath>
#include <cstdio>
#include <vector>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;
using weft::gpu::arch;

struct softmax_rows_kernel {
  template <arch A>
  static constexpr int block_threads = 128;  // whole warps, whether they have 32 lanes or 64
  template <arch A>
  struct shared {
    float of_warp[block_threads<A> / 32];
  };

  const float* in;
  float* out;
  int columns;

  /// Folds one value of each thread of the block; every thread gets the result.
  template <class Block, class Op>
  WEFT_DEVICE float fold(Block block, shared<Block::arch>& s, float value, Op op) const {
    const auto warp = block.warp();
    for (unsigned d = 1; d < Block::width; d *= 2) value = op(value, warp.shuffle_xor(value, d));
    block.sync();  // nobody reads the results of an earlier fold any more
    if (warp.lane() == 0) s.of_warp[warp.index()] = value;
    block.sync();
    value = s.of_warp[0];
    for (unsigned w = 1; w < block.threads() / Block::width; ++w) value = op(value, s.of_warp[w]);
    return value;
  }

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const weft::offset row = static_cast<weft::offset>(block.index()) * columns;
    const int first = static_cast<int>(block.thread()), step = static_cast<int>(block.threads());

    float high = -INFINITY;
    for (int j = first; j < columns; j += step) high = weft::maximum{}(high, in[row + j]);
    high = fold(block, s, high, weft::maximum{});

    float sum = 0;
    for (int j = first; j < columns; j += step) sum += std::exp(in[row + j] - high);
    sum = fold(block, s, sum, weft::plus{});

    for (int j = first; j < columns; j += step) out[row + j] = std::exp(in[row + j] - high) / sum;
  }
};

int main() {
  const int rows = 64, columns = 300;
  std::vector<float> host(rows * columns);
  for (int i = 0; i < rows * columns; ++i) host[i] = static_cast<float>(i * 37 % 101) / 10;
  const auto x = weft::to_buffer(policy, host);
  weft::buffer<float> y(policy, x.size());

  weft::gpu::on_arch(policy, [&]<arch A>() {  // A: the architecture whose code runs on the policy's device
    weft::gpu::launch<A>(policy, rows, softmax_rows_kernel{x.data(), y.data(), columns});
  });

  const std::vector<float> result = weft::to_vector(policy, y);  // waits: the launch is in the policy's stream
  double worst = 0;
  for (int i = 0; i < rows; ++i) {
    double sum = 0;
    for (int j = 0; j < columns; ++j) sum += std::exp(double{host[i * columns + j]});
    for (int j = 0; j < columns; ++j)
      worst = std::fmax(worst, std::abs(result[i * columns + j] - std::exp(double{host[i * columns + j]}) / sum));
  }
  std::printf("softmax of %d rows of %d: largest error %.1e\n", rows, columns, worst);
  return worst < 1e-6 ? 0 : 1;
}
