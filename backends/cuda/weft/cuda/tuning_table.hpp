// Tuning of the GPU verbs on NVIDIA hardware. Data only: an array a verb, a row a line, looked up by gpu/tuning.hpp; a
// row says architecture, bytes of the value (0: any), then the numbers (gpu/tuning_rows.hpp says what they are).
#pragma once

#include <weft/gpu/tuning_rows.hpp>

namespace weft::cuda_dialect {

using gpu::arch;

inline constexpr gpu::tuning_row<gpu::scan_tuning> scan_rows[] = {
    // architecture, bytes, {threads, bytes a thread}
    {arch::sm_90, 4, {512, 128}},
    {arch::sm_90, 1, {256, 64}},
    {arch::generic, 0, {256, 64}},
};

inline constexpr gpu::tuning_row<gpu::select_tuning> select_rows[] = {
    // architecture, bytes, {threads, bytes a thread}
    {arch::sm_90, 4, {512, 64}},
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
    {arch::sm_90, 0, {1024, 2, 8192, 49152}},
    {arch::generic, 0, {512, 2, 8192, 12000}},
};

}  // namespace weft::cuda_dialect
