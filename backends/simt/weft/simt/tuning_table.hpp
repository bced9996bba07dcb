// Tuning of the GPU verbs of the emulation: small tiles, so that small inputs cross many. Data only: an array a verb, a
// row a line, looked up by gpu/tuning.hpp; a row says architecture, bytes of the value (0: any), then the numbers
// (gpu/tuning_rows.hpp says what they are).
#pragma once

#include <weft/gpu/tuning_rows.hpp>

namespace weft::inline v100::simt_dialect {

using gpu::arch;

inline constexpr gpu::tuning_row<gpu::scan_tuning> scan_rows[] = {
    // architecture, bytes, {threads, bytes a thread, {few tiles: threads, bytes a thread, tiles},
    //                       {pipeline: threads, bytes a thread, folding threads, ring, blocks, from}}
    {arch::generic, 0, {128, 32, {128, 32, 4}, {256, 32, 128, 24576, 1, 8192}}},
};

inline constexpr gpu::tuning_row<gpu::select_tuning> select_rows[] = {
    // architecture, bytes, {threads, bytes a thread, {threads, bytes a thread, ring, depth, blocks, from}}
    {arch::generic, 0, {128, 32, {128, 16, 4, 2, 1, 12 << 10}, {128, 16, 4, 2, 1, 12 << 10}}},
};

inline constexpr gpu::tuning_row<gpu::by_key_tuning> by_key_rows[] = {
    // architecture, bytes, {threads, bytes a thread, {threads, bytes a thread, ring, depth, blocks, from}}
    {arch::generic, 0, {128, 32, {128, 24, 4, 2, 1, 12 << 10}}},
};

inline constexpr gpu::tuning_row<gpu::find_tuning> find_rows[] = {
    // architecture, bytes, {threads, items a thread}
    {arch::generic, 0, {128, 4}},
};

inline constexpr gpu::tuning_row<gpu::histogram_tuning> histogram_rows[] = {
    // architecture, bytes, {threads, 16-byte loads, counters, counters for many bins}
    {arch::generic, 0, {128, 1, 512, 2048}},
};

inline constexpr gpu::tuning_row<gpu::radix_sort_tuning> radix_sort_rows[] = {
    // architecture, 10 * key + value bytes, {{threads, items}: one block, small tiles, large tiles; small up to,
    // counted from, by so many blocks}
    {arch::generic, 0, {{256, 2}, {256, 3}, {512, 4}, 1 << 12, 5000, 4}},
};

inline constexpr gpu::tuning_row<gpu::bucket_sort_tuning> bucket_sort_rows[] = {
    // architecture, 10 * key + value bytes, {bin bits, counting threads, pass threads, items, -, local threads, items,
    // -, bin bits,
    //                           from, to, a word a bin}
    {arch::generic, 40, {10, 256, 128, 3, 0, 256, 2, 0, 11, 3000, 1 << 22, true}},
    {arch::generic, 0, {10, 256, 128, 3, 0, 256, 2, 0, 11, 3000, 1 << 22}},
};

inline constexpr gpu::tuning_row<gpu::merge_tuning> merge_rows[] = {
    // architecture, bytes of an element, {threads, bytes a thread, -, threads of the block sort, -}
    {arch::generic, 0, {128, 20, 0, 256, 0, {64, 20, 2, 0, 3000}, {64, 20, 2, 1, 0, 3000}, {64, 20, 2, 0, 3000}}},
};

inline constexpr gpu::tuning_row<gemm_tuning> gemm_rows[] = {
    // architecture, bytes of a sum, {{rows, columns, depth, of a thread: rows, columns}: large, small}
    {arch::generic, 0, {{32, 64, 8, 4, 4}, {32, 32, 8, 4, 4}}},
};

/// For tests, of which some bring matrix instructions (test/gemm_warps.cpp).
inline constexpr gpu::tuning_row<gpu::gemm_warps_tuning> gemm_warps_rows[] = {
    // architecture, bytes of an element, {{rows, columns, of a warp: rows, columns, steps of k, stages}: large, small}
    {arch::generic, 0, {{64, 64, 32, 64, 2, 3}, {64, 64, 32, 32, 2, 4}}},
};

}  // namespace weft::simt_dialect
