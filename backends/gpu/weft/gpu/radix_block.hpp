// Radix sort of at most one tile by one block: keys and values stay in registers and shared memory from the first pass
// to the last, digits that all keys share are passed over.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/radix_key.hpp>
#include <weft/gpu/radix_rank.hpp>

namespace weft::inline v100::gpu {

/// What a block needs of shared memory to sort a tile digit by digit.
template <int Threads, int Items, class Bits, class Value>
struct digit_sort_shared {
  using value_type = std::conditional_t<is_none<Value>, char, Value>;
  union {
    rank_tables<Threads> tables;
    Bits keys[Threads * Items];
    value_type values[is_none<Value> ? 1 : Threads * Items];
  };
  std::uint32_t totals[32];
  Bits some_key;
};

/// Sorts the first n of the tile's encoded keys, stably: key i of a thread is in row i of its warp. Keys that are not
/// there are all ones.
template <int Threads, int Items, class Value, class Block, class Bits, class V>
WEFT_DEVICE void sort_by_digits(Block block, digit_sort_shared<Threads, Items, Bits, Value>& s,
                                const key_order<Bits>& order, int n, Bits (&k)[Items], [[maybe_unused]] V& v) {
  constexpr int W = Block::width;
  const int mine = static_cast<int>(block.warp().index()) * (Items * W) + static_cast<int>(block.warp().lane());
  const unsigned used = static_cast<unsigned>((n + Items * W - 1) / (Items * W));  // warps with keys
  if (block.thread() == 0) s.some_key = order.digits(k[0]);
  block.sync();
  Bits differ = 0;
#pragma unroll
  for (int i = 0; i < Items; ++i)
    if (mine + i * W < n) differ |= static_cast<Bits>(order.digits(k[i]) ^ s.some_key);

#pragma unroll 1
  for (int shift = 0; shift < 8 * static_cast<int>(sizeof(Bits)); shift += radix_bits) {
    if (!block.sync_or(static_cast<Bits>(differ >> shift) & (radix_digits - 1))) continue;
    std::uint32_t pos[Items];
    rank_tile<Threads, Items, false, true>(
        block, s.tables, s.totals,
        [&](int i) { return static_cast<std::uint32_t>(order.digits(k[i]) >> shift) & (radix_digits - 1); }, false,
        used, pos, [](std::uint32_t) {});
    block.sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) s.keys[pos[i]] = k[i];
    block.sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) k[i] = s.keys[mine + i * W];
    block.sync();
    if constexpr (!is_none<Value>) {
#pragma unroll
      for (int i = 0; i < Items; ++i) s.values[pos[i]] = v[i];
      block.sync();
#pragma unroll
      for (int i = 0; i < Items; ++i) v[i] = s.values[mine + i * W];
      block.sync();
    }
  }
}

template <class Shape, class Bits, class Value>
struct radix_block_kernel {
  static constexpr bool has_values = !is_none<Value>;
  using value_type = std::conditional_t<has_values, Value, char>;
  template <arch A>
  static constexpr int block_threads = Shape::template tuning<A>().block_threads;
  template <arch A>
  static constexpr int thread_items = Shape::template tuning<A>().thread_items;
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  template <arch A>
  using shared = digit_sort_shared<block_threads<A>, thread_items<A>, Bits, Value>;

  Bits* keys;
  value_type* values;
  int n;
  key_order<Bits> order;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int items = thread_items<Block::arch>, W = Block::width;
    const int mine = static_cast<int>(block.warp().index()) * (items * W) + static_cast<int>(block.warp().lane());
    Bits k[items];
    value_type v[has_values ? items : 1];
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const bool there = mine + i * W < n;
      k[i] = there ? order.encode(keys[mine + i * W]) : static_cast<Bits>(~Bits{0});
      if constexpr (has_values) v[i] = there ? values[mine + i * W] : value_type{};
    }
    sort_by_digits<block_threads<Block::arch>, items, Value>(block, s, order, n, k, v);
#pragma unroll
    for (int i = 0; i < items; ++i)
      if (mine + i * W < n) {
        keys[mine + i * W] = order.decode(k[i]);
        if constexpr (has_values) values[mine + i * W] = v[i];
      }
  }
};

}  // namespace weft::gpu
