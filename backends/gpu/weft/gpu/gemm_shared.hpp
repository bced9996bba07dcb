// Step 2 of the road to a fast matrix product (gemm_steps.hpp): still an element of C to a thread, but a block of 32 x
// 32 of them shares what it loads.
//
// The block walks along k in slices of 32. Each thread loads one element of A's slice and one of B's into shared
// memory; then all of them read 32 of each from there. So an element comes from global memory once for 32
// multiply-adds, where the first step asked for it every time. The price is a barrier before and after the arithmetic
// of a slice. What is left: two loads from shared memory to a multiply-add, and shared memory delivers one word a lane
// and cycle. Step 3, register blocks, is the portable kernel of gemm_tiles.hpp: there a thread has 8 x 8 elements, so
// 16 loads serve 64 multiply-adds, and the next slice is on its way meanwhile.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/gemm_tiles.hpp>
#include <weft/gpu/launch.hpp>

namespace weft::inline v100::gpu {

template <class TA, class TB, class TC, class Options>
struct gemm_shared_kernel {
  using sum_type = accumulator_t<TA, TB, Options>;
  static constexpr int side = 32;
  template <arch A>
  static constexpr int block_threads = side* side;
  template <arch A>
  struct shared {
    sum_type a[side][side + 1];  // [row][k]; one more, so that a column does not lie on one bank
    sum_type b[side][side + 1];  // [k][column]
  };

  batch<TA> a;
  batch<TB> b;
  batch<TC> c;
  Options options;
  unsigned tiles_down, tiles;  // of one matrix

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const unsigned number = block.index() / tiles, tile = block.index() % tiles;
    const gemm_lines<TA> x = gemm_rows_of(a[number]);
    const gemm_lines<TB> y = gemm_columns_of(b[number]);
    const matrix<TC> to = c[number];
    const offset row0 = static_cast<offset>(tile % tiles_down) * side;
    const offset column0 = static_cast<offset>(tile / tiles_down) * side;
    // Neighbouring threads differ in `fast`, which goes along whatever is contiguous in memory.
    const int fast = static_cast<int>(block.thread()) % side, slow = static_cast<int>(block.thread()) / side;
    const bool by_columns = to.row_stride < to.column_stride;
    const int row = by_columns ? fast : slow, column = by_columns ? slow : fast;

    sum_type sum(0);
    for (offset k0 = 0; k0 < x.depth; k0 += side) {
      const int row_a = x.along_k ? slow : fast, k_a = x.along_k ? fast : slow;
      const int column_b = y.along_k ? slow : fast, k_b = y.along_k ? fast : slow;
      s.a[row_a][k_a] = load(x, options.prologue_a, row0 + row_a, k0 + k_a, row0 + row_a, k0 + k_a);
      s.b[k_b][column_b] = load(y, options.prologue_b, column0 + column_b, k0 + k_b, k0 + k_b, column0 + column_b);
      block.sync();  // the slice is there
#pragma unroll
      for (int k = 0; k < side; ++k) sum = weft::detail::multiply_add(s.a[row][k], s.b[k][column], sum);
      block.sync();  // nobody reads it any more
    }
    if (row0 + row >= to.rows || column0 + column >= to.columns) return;
    TC* const at = &to(row0 + row, column0 + column);
    *at = weft::detail::finished(options, sum, at, row0 + row, column0 + column);
  }

 private:
  /// An element of an operand, 0 outside; `row` and `column` are its place as the caller counts.
  template <class T, class Prologue>
  static WEFT_DEVICE sum_type load(const gemm_lines<T>& from, const Prologue& prologue, offset line, offset k,
                                   offset row, offset column) {
    if (line >= from.lines || k >= from.depth) return sum_type(0);
    return weft::detail::loaded_value<sum_type>(prologue, from.data[line * from.line_stride + k * from.k_stride], row,
                                                column);
  }
};

template <class P, class TA, class TB, class TC, class Options>
void gemm_shared(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  using kernel = gemm_shared_kernel<TA, TB, TC, Options>;
  const offset down = ceil_div(c.first.rows, kernel::side), tiles = down * ceil_div(c.first.columns, kernel::side);
  on_arch(policy, [&]<arch A>() {
    launch<A>(policy, tiles * c.count,
              kernel{a, b, c, options, static_cast<unsigned>(down), static_cast<unsigned>(tiles)});
  });
}

}  // namespace weft::gpu
