// The steps of a scan inside one warp, shared by its kernels. A warp owns consecutive rows of a run of elements a lane,
// so elements are in order in registers as loaded. The operator need only be associative; operands stay in order.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/block.hpp>

namespace weft::inline v100::gpu {

template <class T, class Op, bool Inclusive>
struct scan_steps {
  Op op;

  /// One row of a warp. Returns the fold of what the warp has before this lane's run, for lanes where there is
  /// something before and the run `exists`; only `whole` runs are folded. `carry` is the fold of the rows above, and
  /// takes this row in when all of it is whole.
  template <class Block, int Run>
  WEFT_DEVICE T scan_row(Block block, const items<T, Run>& x, bool first_row, bool exists, bool whole, T& carry) const {
    const auto warp = block.warp();
    T total = x[0];
    if (whole) {
#pragma unroll
      for (int k = 1; k < Run; ++k) total = static_cast<T>(op(total, x[k]));
    }
    const T upto = warp_inclusive(block, total, op, whole);
    const T row = warp.shuffle(upto, Block::width - 1);
    T before = warp.shuffle_up(upto, 1);
    if (!first_row && exists) before = warp.lane() > 0 ? static_cast<T>(op(carry, before)) : carry;
    if (warp.all(whole)) carry = first_row ? row : static_cast<T>(op(carry, row));
    return before;
  }

  /// Turns the elements of a run into its part of the result. `prefix` is the fold of everything before the warp, where
  /// there is something (`preceded`); `before` the fold of what the warp has before this run.
  template <class Block, int Run>
  WEFT_DEVICE void finish_run(Block block, bool preceded, const T& prefix, bool first_row, const T& before, int count,
                              items<T, Run>& x) const {
    const bool first = first_row && block.warp().lane() == 0;
    T sum = before;
    if (preceded) sum = first ? prefix : static_cast<T>(op(prefix, before));
#pragma unroll
    for (int k = 0; k < Run; ++k)
      if (k < count) {
        const T item = x[k];
        if constexpr (!Inclusive) x[k] = sum;
        sum = k == 0 && first && !preceded ? item : static_cast<T>(op(sum, item));
        if constexpr (Inclusive) x[k] = sum;
      }
  }

  // A warp's part [begin, end) of a tile that is not full, row by row and read twice, to keep the code small; the tile
  // starts at it[0], which exists.

  /// The fold of the part where it consists of whole rows; else of those rows above the last.
  template <int Run, class Block, class It>
  WEFT_DEVICE T fold_part(Block block, const It& it, int begin, int end, bool wide) const {
    constexpr int row_items = Run * static_cast<int>(Block::width);
    T carry = static_cast<T>(it[0]);  // a value only to have one, like the elements
    items<T, Run> x, ahead;           // the next row is loaded while one is scanned
#pragma unroll
    for (int k = 0; k < Run; ++k) x[k] = ahead[k] = carry;
#pragma unroll 1
    for (int at = begin + static_cast<int>(block.warp().lane()) * Run, row = begin; row < end;
         at += row_items, row += row_items) {
      if (row == begin) load_tail_run<Run, false, Block>(it, at, end - at, wide, ahead.value);
      x = ahead;
      if (row + row_items < end)
        load_tail_run<Run, false, Block>(it, at + row_items, end - at - row_items, wide, ahead.value);
      scan_row(block, x, row == begin, at < end, at + Run <= end, carry);
    }
    return carry;
  }
  template <int Run, class Block, class It, class Out>
  WEFT_DEVICE void finish_part(Block block, const It& it, const Out& out, int begin, int end, bool wide, bool preceded,
                               const T& prefix, T carry) const {
    constexpr int row_items = Run * static_cast<int>(Block::width);
    items<T, Run> x;
#pragma unroll
    for (int k = 0; k < Run; ++k) x[k] = carry;
#pragma unroll 1
    for (int at = begin + static_cast<int>(block.warp().lane()) * Run, row = begin; row < end;
         at += row_items, row += row_items) {
      // What lies behind the end may have been written already, where the scan is in place.
      if (at < end) load_tail_run<Run, false, Block>(it, at, end - at, wide, x.value);
      const T before = scan_row(block, x, row == begin, at < end, at + Run <= end, carry);
      if (at < end) {
        finish_run(block, preceded, prefix, row == begin, before, end - at, x);
        store_tail_run<Run>(out, at, end - at, x.value);
      }
    }
  }
};

}  // namespace weft::gpu
