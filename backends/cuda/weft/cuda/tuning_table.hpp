// Tuning of the GPU verbs on NVIDIA hardware. Data only: an array a verb, a row a line, looked up by gpu/tuning.hpp; a
// row says architecture, bytes of the value (0: any), then the numbers (gpu/tuning_rows.hpp says what they are).
#pragma once

#include <weft/gpu/tuning_rows.hpp>

namespace weft::inline v100::cuda_dialect {

using gpu::arch;

inline constexpr gpu::tuning_row<gpu::scan_tuning> scan_rows[] = {
    // architecture, bytes, {threads, bytes a thread, {few tiles: threads, bytes a thread, tiles},
    //                       {pipeline: threads, bytes a thread, folding threads, ring, blocks, from}}
    // The pipeline, u32 sums on an H100: 2^28 0.729 ms, 1.21 times as fast as CUB (tiles of 16 KB: 1.01, two blocks of
    // them 1.17; 512 threads 1.20); 2^24 53.5 us, 1.20. Ring and roles of other sizes are not measured.
    {arch::sm_90, 8, {256, 64, {512, 128, 256}, {256, 128, 128, 229376, 1, 0}}},
    {arch::sm_90, 4, {512, 128, {512, 64, 256}, {256, 128, 128, 229376, 1, 0}}},
    {arch::sm_90, 2, {256, 64, {512, 64, 256}, {256, 128, 128, 229376, 1, 0}}},
    {arch::sm_90, 1, {256, 64, {512, 64, 256}, {256, 128, 128, 229376, 1, 0}}},
    {arch::sm_90, 16, {256, 64, {512, 128, 256}, {256, 128, 128, 200704, 1, 0}}},
    {arch::generic, 64, {128, 64}},
    {arch::generic, 0, {256, 64}},
};

inline constexpr gpu::tuning_row<gpu::select_tuning> select_rows[] = {
    // architecture, bytes, {threads, bytes a thread, {threads, bytes a thread, ring, depth, blocks, from},
    //                       the same for run-length encoding}
    // On an H200 at 2^28, times of CUB: copy_if of half u32 1.55, u64 1.63; partition 1.69, 1.30; unique, runs of
    // 8, 1.29
    // (two blocks of 16 KB tiles: 1.44, 1.45, 1.65, 1.24, 1.14); run lengths of u32 runs of 8 1.47, of 1 1.38.
    {arch::sm_90, 4, {512, 64, {512, 64, 6, 3, 1, 1 << 25}, {512, 64, 4, 2, 1, 1 << 22}}},
    {arch::sm_90, 1, {512, 32, {512, 64, 6, 4, 1, 1 << 26}, {512, 32, 4, 2, 1, 1 << 22}}},
    {arch::sm_90, 0, {256, 64, {256, 64, 6, 4, 2, 1 << 27}}},
    {arch::sm_90, 8, {256, 64, {512, 64, 6, 3, 1, 1 << 25}, {512, 64, 5, 3, 1, 1 << 22}}},
    {arch::generic, 1, {256, 32}},
    {arch::generic, 0, {256, 64}},
};

inline constexpr gpu::tuning_row<gpu::by_key_tuning> by_key_rows[] = {
    // architecture, bytes, {threads, bytes a thread, {threads, bytes a thread, ring, depth, blocks, from}}
    {arch::sm_90, 0, {256, 96, {384, 120, 4, 2, 1, 1 << 22}}},  // at 2^22 u32 pairs 1.27 times as fast as without, H200
    {arch::generic, 0, {256, 96}},
};

inline constexpr gpu::tuning_row<gpu::find_tuning> find_rows[] = {
    // architecture, bytes, {threads, items a thread}
    {arch::generic, 0, {256, 16}},
};

inline constexpr gpu::tuning_row<gpu::histogram_tuning> histogram_rows[] = {
    // architecture, bytes, {threads, 16-byte loads, counters, counters for many bins}
    {arch::sm_90, 0, {1024, 2, 8192, 49152}},
    {arch::generic, 0, {512, 2, 8192, 12000}},
};

// Not measured: chosen for 32 warps a multiprocessor without spills (64 registers), tiles as large as that allows.
inline constexpr gpu::tuning_row<gpu::radix_sort_tuning> radix_sort_rows[] = {
    // architecture, 10 * key + value bytes, {{threads, items, blocks, counting}: one block, small, large; small up to,
    // counted from, -, medium, medium up to, of a cluster, cluster up to}; keys of 16 bits: 4.3 times as fast as CUB at
    // 2^28, 1.9 at 2^24, by digits 0.91 and 0.99; at 2^20 1.32, in small tiles 1.13; at 2^22 1.14 times as fast as
    // counted. A cluster, H200: 2^16 u32 20.4 us (1024 threads 23.2, plain stores and barriers 22.6, small tiles 28.5,
    // CUB 52), u32 pairs 24.6 (31.1, 57), u64 with u32 55.4 (57.5, 106); 2^13 u32 12.4 (25.0, 44); with 1024 threads
    // 2^17 u32 34.3 (small tiles 31.1).
    {arch::sm_90,
     20,
     {{1024, 4}, {256, 8, 4}, {512, 16, 2, 65536}, 1 << 18, 1 << 23, 1, {512, 8, 2}, 1 << 20, {512, 8}, 1 << 16}},
    {arch::sm_90,  // 32-bit keys
     40,
     {{1024, 4}, {256, 8, 4}, {512, 24, 2, 65536}, 1 << 18, 0, 1, {512, 8, 2}, 1 << 22, {512, 8}, 1 << 16}},
    {arch::sm_90,  // 64-bit keys
     80,
     {{1024, 4}, {256, 8, 4}, {512, 12, 2, 65536}, 1 << 18, 0, 1, {512, 8, 2}, 1 << 22, {512, 8}, 1 << 16}},
    {arch::sm_90,  // 32-bit pairs
     44,
     {{1024, 4}, {256, 8, 4}, {448, 14, 2, 65536}, 1 << 18, 0, 1, {512, 8, 2}, 1 << 22, {512, 8}, 1 << 16}},
    {arch::sm_90, 84, {{1024, 4}, {256, 8, 3}, {512, 10, 2, 65536}, 1 << 20, 0, 1, {}, 0, {512, 8}, 1 << 16}},
    {arch::sm_90, 0, {{1024, 4}, {256, 8, 3}, {512, 10, 2, 65536}, 1 << 20, 0, 1, {}, 0, {512, 8}, 1 << 16}},
    {arch::generic, 0, {{512, 4}, {256, 8}, {384, 12}, 1 << 20}},
};

inline constexpr gpu::tuning_row<gpu::bucket_sort_tuning> bucket_sort_rows[] = {
    // architecture, 10 * key + value bytes, {bin bits, counting threads, pass threads, items, blocks, local threads,
    // items, blocks,
    //                           bin bits, from, to, a word a bin}
    // 4-byte keys: 1.31 times as fast as CUB at 2^28; with 24 items a thread, which spill, and 3 local blocks 1.19
    {arch::sm_90, 40, {16, 1024, 512, 20, 2, 512, 12, 2, 13, 1 << 22, offset{1} << 30, true}},
    // 8-byte keys: 2.74; 16 items spill: 2.17
    {arch::sm_90, 80, {16, 1024, 512, 14, 2, 512, 12, 2, 13, 1 << 22, offset{1} << 30, true}},
    {arch::sm_90, 44, {16, 1024, 512, 16, 2, 512, 12, 2, 13, 1 << 22, offset{1} << 29}},
    {arch::sm_90, 84, {16, 1024, 512, 12, 2, 512, 12, 2, 13, 1 << 22, offset{1} << 29}},
    {arch::sm_90, 0, {16, 1024, 512, 10, 2, 512, 10, 2, 13, 1 << 22, offset{1} << 29}},
    {arch::sm_80, 0, {16, 1024, 512, 12, 2, 512, 12, 2, 13, 1 << 23, offset{1} << 30}},
    {arch::generic, 0, {12, 512, 256, 16, 0, 256, 16, 0, 12, 1 << 23, offset{1} << 28}},
};

// Not measured: as many elements a thread and blocks as fit without spills. Tiles of the block sort just over a power
// of two of elements save a pass at powers of two.
inline constexpr gpu::tuning_row<gpu::merge_tuning> merge_rows[] = {
    // architecture, bytes of an element, {threads, bytes a thread, blocks, threads of the block sort, blocks,
    //   {ring: threads, bytes a thread, stages, blocks, from},
    //   {set operations: threads, bytes a thread, ring, depth, blocks, from}, {sort in fours: as of the ring}}
    // On an H200 at 2^28, times of CUB and Thrust: merge of u32 1.05 with the ring, 0.84 without; of u64 1.06, 1.00;
    // union of u32 1.42, 0.74; intersection 1.37, 0.69; sort of u32 1.17 (a thread of the fours with 27
    // elements 1.12; three blocks of the block sort spill, 1.01 for 1.16 at 2^20), of u64 1.41, of u32 with u32 values
    // 1.48 (nine elements a thread and three blocks 1.32, 1.35; fours below 2^25 bytes are slower); u64 with u32 at
    // 2^27 1.78 times as fast by fours as by twos.
    {arch::sm_90,
     4,
     {256, 68, 5, 512, 2, {256, 68, 3, 3, 1 << 21}, {384, 68, 2, 1, 2, 1 << 23}, {256, 92, 2, 3, offset{1} << 30}}},
    {arch::sm_90,
     8,
     {256, 76, 4, 512, 2, {256, 76, 3, 3, 1 << 24}, {320, 76, 2, 1, 2, 1 << 23}, {256, 124, 2, 2, 1 << 25}}},
    {arch::sm_90, 12, {256, 84, 3, 512, 2}},                                     // 7
    {arch::sm_90, 16, {256, 72, 3, 512, 2, {}, {}, {256, 112, 2, 2, 1 << 24}}},  // 3
    {arch::generic, 0, {256, 88, 0, 256, 0}},
};

/// Matrix products on the ordinary units.
inline constexpr gpu::tuning_row<gemm_tuning> gemm_rows[] = {
    // architecture, bytes of a sum, {{rows, columns, depth, of a thread: rows, columns}: large, small}
    {arch::generic, 4, {{128, 128, 8, 8, 8}, {64, 64, 8, 4, 4}}},
    {arch::generic, 8, {{64, 64, 8, 4, 4}, {64, 64, 8, 4, 4}}},
    {arch::generic, 0, {{64, 32, 8, 4, 2}, {64, 32, 8, 4, 2}}},
};

/// Matrix products by the matrix instructions of warps.
inline constexpr gpu::tuning_row<gpu::gemm_warps_tuning> gemm_warps_rows[] = {
    // architecture, bytes of an element, {{rows, columns, of a warp: rows, columns, steps of k, stages}: large, small}
    {arch::generic, 8, {{128, 64, 64, 32, 2, 4}, {64, 64, 32, 32, 2, 4}}},
    {arch::generic, 0, {{128, 128, 64, 64, 2, 3}, {64, 64, 32, 32, 2, 4}}},
};

}  // namespace weft::cuda_dialect
