// Step 1 of the road to a fast matrix product (gemm_steps.hpp): a thread computes an element of C.
//
// It walks along a row of A and a column of B in global memory and keeps one sum. Neighbouring threads take
// neighbouring elements of C in the order of memory, which is all that is done for speed: with C and B by rows, the
// threads of a warp read neighbours of B in one access and share one element of A. A fused multiply-add costs two
// loads, so the caches decide: a block asks them for 256 elements of B and one of A to 256 multiply-adds.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/launch.hpp>

namespace weft::inline v100::gpu {

template <class TA, class TB, class TC, class Options>
struct gemm_naive_kernel {
  using sum_type = accumulator_t<TA, TB, Options>;
  static constexpr int threads = 256;
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {};

  batch<TA> a;
  batch<TB> b;
  batch<TC> c;
  Options options;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    // Which element of which matrix of the batch.
    const offset of_matrix = c.first.rows * c.first.columns;
    const offset e = static_cast<offset>(block.index()) * threads + block.thread(), number = e / of_matrix;
    if (number >= c.count) return;
    const matrix<TA> x = a[number];
    const matrix<TB> y = b[number];
    const matrix<TC> to = c[number];
    const bool by_columns = to.row_stride < to.column_stride;
    const offset in_matrix = e % of_matrix;
    const offset row = by_columns ? in_matrix % to.rows : in_matrix / to.columns;
    const offset column = by_columns ? in_matrix / to.rows : in_matrix % to.columns;

    sum_type sum(0);
    for (offset k = 0; k < x.columns; ++k)
      sum = weft::detail::multiply_add(
          weft::detail::loaded_value<sum_type>(options.prologue_a, x(row, k), row, k),
          weft::detail::loaded_value<sum_type>(options.prologue_b, y(k, column), k, column), sum);
    TC* const at = &to(row, column);
    *at = weft::detail::finished(options, sum, at, row, column);
  }
};

template <class P, class TA, class TB, class TC, class Options>
void gemm_naive(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  using kernel = gemm_naive_kernel<TA, TB, TC, Options>;
  on_arch(policy, [&]<arch A>() {
    launch<A>(policy, ceil_div(c.first.rows * c.first.columns * c.count, kernel::threads), kernel{a, b, c, options});
  });
}

}  // namespace weft::gpu
