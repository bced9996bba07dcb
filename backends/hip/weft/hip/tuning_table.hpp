// Tuning of the GPU verbs on AMD hardware (not measured). Data only: an array a verb, a row a line, looked up by
// gpu/tuning.hpp; a row says architecture, bytes of the value (0: any), then the numbers (gpu/tuning_rows.hpp says what
// they are).
#pragma once

#include <weft/gpu/tuning_rows.hpp>

namespace weft::inline v100::hip_dialect {

using gpu::arch;

inline constexpr gpu::tuning_row<gpu::scan_tuning> scan_rows[] = {
    // architecture, bytes, {threads, bytes a thread}
    {arch::generic, 0, {256, 64}},
};

inline constexpr gpu::tuning_row<gpu::select_tuning> select_rows[] = {
    // architecture, bytes, {threads, bytes a thread}
    {arch::generic, 1, {256, 16}},
    {arch::generic, 0, {256, 64}},
};

inline constexpr gpu::tuning_row<gpu::by_key_tuning> by_key_rows[] = {
    // architecture, bytes, {threads, bytes a thread}
    {arch::generic, 0, {256, 96}},
};

inline constexpr gpu::tuning_row<gpu::find_tuning> find_rows[] = {
    // architecture, bytes, {threads, items a thread}
    {arch::generic, 0, {256, 16}},
};

inline constexpr gpu::tuning_row<gpu::histogram_tuning> histogram_rows[] = {
    // architecture, bytes, {threads, 16-byte loads, counters, counters for many bins}
    {arch::generic, 0, {512, 2, 8192, 16000}},
};

inline constexpr gpu::tuning_row<gpu::radix_sort_tuning> radix_sort_rows[] = {
    // architecture, 10 * key + value bytes, {{threads, items}: one block, small tiles, large tiles; small up to}
    {arch::generic, 0, {{512, 4}, {256, 8}, {512, 12}, 1 << 20}},
};

inline constexpr gpu::tuning_row<gpu::bucket_sort_tuning> bucket_sort_rows[] = {
    // architecture, 10 * key + value bytes, {bin bits, counting threads, pass threads, items, -, local threads, items,
    // -, bin bits,
    //                           from, to, -, frugal}; not measured. Of u32 pairs more would not fit 64 KB of shared
    //                           memory, of 8-byte keys 16 items spill.
    {arch::generic, 48, {12, 512, 256, 16, 0, 256, 12, 0, 12, 1 << 23, offset{1} << 28, false, true}},
    {arch::generic, 80, {12, 512, 256, 16, 0, 256, 12, 0, 12, 1 << 23, offset{1} << 28, false, true}},
    {arch::generic, 84, {12, 512, 256, 16, 0, 256, 12, 0, 12, 1 << 23, offset{1} << 28, false, true}},
    {arch::generic, 88, {12, 512, 256, 12, 0, 256, 10, 0, 12, 1 << 23, offset{1} << 28, false, true}},
    {arch::generic, 0, {12, 512, 256, 16, 0, 256, 16, 0, 12, 1 << 23, offset{1} << 28, false, true}},
};

inline constexpr gpu::tuning_row<gpu::merge_tuning> merge_rows[] = {
    // architecture, bytes of an element, {threads, bytes a thread, -, threads of the block sort, -}
    {arch::generic, 0, {256, 60, 0, 512, 0}},
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
    // architecture, bytes of an element, {{rows, columns, of a warp: rows, columns, steps of k, -}: large, small}
    {arch::gfx1100, 0, {{128, 128, 32, 64, 1, 2}, {64, 64, 32, 32, 1, 2}}},
    {arch::generic, 8, {{128, 64, 64, 32, 1, 2}, {64, 64, 32, 32, 1, 2}}},
    {arch::generic, 0, {{128, 128, 64, 64, 1, 2}, {64, 64, 32, 32, 1, 2}}},
};

}  // namespace weft::hip_dialect
