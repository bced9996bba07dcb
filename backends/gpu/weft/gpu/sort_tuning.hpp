// Tuning of the sorts and of merge.
#pragma once

#include <weft/gpu/tuning.hpp>

namespace weft::gpu {

struct tile_shape {
  int threads;
  int items;          // a thread
  int residency = 0;  // blocks a multiprocessor should hold (CUDA)
  offset portion_items = offset{1} << 29;
};

/// Radix sort. Keyed by 10 * bytes of a key + bytes of a value.
struct radix_sort_tuning {
  tile_shape block, small, large;
  offset small_limit;  // up to here small tiles
};

inline constexpr tuning_row<radix_sort_tuning> radix_sort_rows[] = {
    {arch::sm_90, 40, {{1024, 4}, {256, 8, 4}, {512, 16, 2}, 1 << 20}},
    {arch::sm_90, 80, {{1024, 4}, {256, 8, 4}, {512, 16, 2}, 1 << 20}},
    {arch::sm_90, 44, {{1024, 4}, {256, 8, 4}, {512, 16, 2}, 1 << 20}},
    {arch::sm_90, 84, {{1024, 4}, {256, 8, 4}, {512, 16, 2}, 1 << 20}},
    {arch::sm_90, 0, {{1024, 4}, {256, 8, 4}, {512, 16, 2}, 1 << 20}},
    {arch::generic, 0, {{256, 4}, {256, 4}, {512, 8}, 1 << 14}},
};

template <class Selector, int KeyBytes, int ValueBytes>
constexpr radix_sort_tuning radix_tuning_for(arch a) {
  return choose<Selector>(radix_sort_rows, a, 10 * KeyBytes + ValueBytes);
}

}  // namespace weft::gpu
