// The numbers that shape a matrix product, as data: each backend has a table of them, and policy.tuned_by<S>() replaces
// them for a call (S is called as S{}(row, architecture, bytes of a sum) and returns a gemm_tuning). weft::gemm_plan
// lists them and takes them at run time (gemm/plan.hpp).
#pragma once

#include <string_view>

namespace weft::inline v100 {

/// A tile of C and how it is computed. GPUs: what one block computes, the depth of a slice of k in shared memory, the
/// piece of one thread, and the slices in flight. CPUs: the block of C that is one task, and the depth of its panels;
/// the piece of a thread is what the vector registers hold.
struct gemm_tile {
  int rows, columns, depth;
  int thread_rows = 0, thread_columns = 0;
  int stages = 2;  // slices of k in shared memory; the portable GPU kernel: 1 or 2
  int split = 1;   // k goes to so many blocks or tasks, whose sums are then added in ascending order of k

  friend constexpr bool operator==(const gemm_tile&, const gemm_tile&) = default;
};

/// Keyed by the bytes of a sum.
struct gemm_tuning {
  gemm_tile large;  // where C has a tile for every multiprocessor
  gemm_tile small;
};

/// A selector of one tile for every product: policy.tuned_by<weft::gemm_tiles<128, 64, 8, 8, 4>>().
template <int Rows, int Columns, int Depth, int ThreadRows, int ThreadColumns, int Stages = 2, int Split = 1>
struct gemm_tiles {
  template <class Architecture>
  constexpr gemm_tuning operator()(const gemm_tuning&, Architecture, int) const {
    constexpr gemm_tile tile{Rows, Columns, Depth, ThreadRows, ThreadColumns, Stages, Split};
    return {tile, tile};
  }
};

/// One way to compute a product.
struct gemm_config {
  std::string_view kernel;  // "panels": CPUs; "tiles": any GPU; "tensor", "ring": Hopper's own; "warps":
                            // matrix instructions of a warp, whose piece is in thread_rows and thread_columns
  gemm_tile tile;
  int cluster = 1;  // blocks that share what they load

  friend constexpr bool operator==(const gemm_config&, const gemm_config&) = default;
};

}  // namespace weft
