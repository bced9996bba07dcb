// The aggregates that tuning tables are made of: one a verb, a few numbers each. Data only; gpu/tuning.hpp looks rows
// up, each dialect's tuning_table.hpp holds them.
#pragma once

#include <weft/gemm/tuning.hpp>
#include <weft/gpu/architecture.hpp>

namespace weft::inline v100::gpu {

/// One line of a table: for values of `bytes` bytes (0: any) on `architecture` (generic: any).
template <class Tuning>
struct tuning_row {
  arch architecture;
  int bytes;
  Tuning value;
};

/// A pipeline of tiles (gpu/pipeline.hpp), where the architecture has bulk copies.
struct pipeline_tuning {
  int threads = 0;                // that finish and store a tile; 0: no pipeline
  int thread_bytes = 0;           // of the tile, for each of them
  int fold_threads = 0;           // that fold a tile; a divisor of `threads`
  int ring_bytes = 0;             // shared memory for tiles
  int residency = 1;              // blocks on a multiprocessor
  offset from = offset{1} << 62;  // elements from which on it pays

  /// For architectures without: something that compiles.
  constexpr pipeline_tuning or_small() const { return threads > 0 ? *this : pipeline_tuning{64, 16, 64, 4096}; }
};

/// Scan. Keyed by the bytes of the accumulator.
struct scan_tuning {
  int block_threads;
  int thread_bytes;  // how much of the tile a thread keeps in registers
  struct {
    int threads = 0, thread_bytes = 0, tiles = 0;
  } few{};  // the same for so few tiles; 0: no difference
  pipeline_tuning pipeline{};
};

/// Select and reduction by key as pipelines, where the architecture has bulk copies.
struct select_pipeline_tuning {
  int threads = 0;       // that compact and write; 0: no pipeline
  int thread_bytes = 0;  // of the tile, for each of them
  int stages = 0;        // tiles in the ring
  int depth = 0;         // how many tiles later a tile is written than counted; at most stages - 2
  int residency = 0;     // blocks on a multiprocessor
  offset from = 0;       // bytes of input from which on it pays

  /// For architectures without: something that compiles.
  constexpr select_pipeline_tuning or_small() const {
    return threads > 0 ? *this : select_pipeline_tuning{64, 16, 3, 1};
  }
};

/// Select (copy_if, partition, unique). Keyed by the bytes of an element.
struct select_tuning {
  int block_threads;
  int thread_bytes;
  select_pipeline_tuning pipeline = {};
  select_pipeline_tuning runs = {};  // of run-length encoding
};

/// Reduction by key. Keyed by the bytes of a key and a value together.
struct by_key_tuning {
  int block_threads;
  int thread_bytes;  // keys and values together
  select_pipeline_tuning pipeline = {};
};

/// Search for the first index. Keyed by nothing.
struct find_tuning {
  int block_threads;
  int thread_items;
};

/// Histogram. Keyed by the bytes of an input element.
struct histogram_tuning {
  int block_threads;
  int thread_vectors;  // 16-byte loads that a thread has in flight
  int counters;        // 32-bit counters in the shared memory of a block, for few bins: at least 8 copies of them
  int large_counters;  // the same for more bins; more than this are counted in global memory
};

/// A tile of a radix sort.
struct radix_tile {
  int block_threads;  // 256 at least
  int thread_items;
  int residency = 0;                       // blocks a multiprocessor should hold (CUDA; 0: as it comes)
  int count_bytes = 8192;                  // shared memory to count digits in, at most (but one counter each)
  offset portion_items = offset{1} << 29;  // look-back sums fit 30 bits within as many
};

/// Radix sort. Keyed by 10 * the bytes of a key + the bytes of a value.
struct radix_sort_tuning {
  radix_tile block, small, large;  // one block alone; many small tiles; large tiles
  offset small_limit;              // up to here small tiles
  offset counted_from = 0;         // from here on 16-bit keys alone are counted; 0: never
  int counted_windows = 1;         // in a block of 128 KB of shared memory, or several that share all bins
  radix_tile medium = {};          // where small and large tiles both are slower,
  offset medium_limit = 0;         // up to here
  radix_tile cluster = {};   // of the blocks of one cluster that sorts alone, where the architecture has clusters,
  offset cluster_limit = 0;  // up to here
};

/// Sort by buckets. Keyed by 10 * the bytes of a key + the bytes of a value.
struct bucket_sort_tuning {
  int bin_bits;       // upper bits that are counted first, at most; 2 * 2^bin_bits bytes of shared memory
  int count_threads;  // of a block that counts
  int pass_threads, pass_items, pass_residency;     // a tile of the passes; blocks a multiprocessor should hold (CUDA)
  int local_threads, local_items, local_residency;  // a block that sorts a bucket
  int local_bits;                                   // log2 of its bins, about as many as keys
  offset from, to;                                  // for so many keys, and for what fits one block
  bool local_wide = false;                          // a word for each bin: 2^local_bits * 2 bytes more
  bool frugal = false;  // no look at a sample of the keys, or at their values: where that makes registers spill
};

/// A merge with a ring of tiles (gpu/merge_ring.hpp), where the architecture has bulk copies.
struct merge_ring_tuning {
  int threads = 0;       // that merge; 0: no ring
  int thread_bytes = 0;  // as below
  int stages = 0;        // tiles in the ring
  int residency = 0;     // blocks on a multiprocessor
  offset from = 0;       // bytes of output from which on it pays

  /// For architectures without: something that compiles.
  constexpr merge_ring_tuning or_small() const { return threads > 0 ? *this : merge_ring_tuning{64, 20, 2}; }
};

/// Merge, and the merge sort. Keyed by the bytes of an element.
struct merge_tuning {
  int block_threads;
  int thread_bytes;  // a thread merges an odd number of elements of about as many bytes
  int residency;     // as above
  int sort_threads;  // of a block that sorts a tile; a multiple of block_threads
  int sort_residency;
  merge_ring_tuning ring = {};
  select_pipeline_tuning set_ring = {};  // of set operations
  merge_ring_tuning four = {};           // of the merge sort, four runs at a time
};

/// A tile of a product by the matrix instructions of warps.
struct gemm_warps_tile {
  int rows, columns;            // of a block
  int warp_rows, warp_columns;  // of one of its warps
  int steps;                    // of 64 bytes of k in a stage
  int stages;                   // in shared memory; without asynchronous copies 2
};
/// The same. Keyed by the bytes of an element.
struct gemm_warps_tuning {
  gemm_warps_tile large;  // where C has a tile for every multiprocessor
  gemm_warps_tile small;
};

}  // namespace weft::gpu
