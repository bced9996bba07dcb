// The numbers that shape a matrix product, as data: each backend has a table of them, and policy.tuned_by<S>() replaces
// them for a call (S is called as S{}(row, architecture, bytes of a sum) and returns a gemm_tuning).
#pragma once

namespace weft::inline v100 {

/// A tile of C and how it is computed. GPUs: what one block computes, the depth of a slice of k in shared memory, and
/// the piece of one thread. CPUs: the block of C that is one task, and the depth of its panels; the piece of a thread
/// is what the vector registers hold.
struct gemm_tile {
  int rows, columns, depth;
  int thread_rows, thread_columns;
};

/// Keyed by the bytes of a sum.
struct gemm_tuning {
  gemm_tile large;  // where C has a tile for every multiprocessor
  gemm_tile small;
};

/// A selector of one tile for every product: policy.tuned_by<weft::gemm_tiles<128, 64, 8, 8, 4>>().
template <int Rows, int Columns, int Depth, int ThreadRows, int ThreadColumns>
struct gemm_tiles {
  template <class Architecture>
  constexpr gemm_tuning operator()(const gemm_tuning&, Architecture, int) const {
    constexpr gemm_tile tile{Rows, Columns, Depth, ThreadRows, ThreadColumns};
    return {tile, tile};
  }
};

}  // namespace weft
