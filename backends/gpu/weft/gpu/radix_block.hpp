// Radix sort of at most one tile by one block: keys and values stay in registers and shared memory from the first pass
// to the last, digits that all keys share are passed over.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/radix_key.hpp>
#include <weft/gpu/radix_rank.hpp>

namespace weft::gpu {

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
  struct shared {
    union {
      rank_tables<block_threads<A>> tables;
      Bits keys[tile_items<A>];
      value_type values[has_values ? tile_items<A> : 1];
    };
    std::uint32_t totals[32];
    Bits some_key;
  };

  Bits* keys;
  value_type* values;
  int n;
  key_order<Bits> order;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>, W = Block::width;
    const int mine = static_cast<int>(block.warp().index()) * (items * W) + static_cast<int>(block.warp().lane());

    Bits k[items];
    [[maybe_unused]] value_type v[has_values ? items : 1];
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const bool there = mine + i * W < n;
      k[i] = there ? order.encode(keys[mine + i * W]) : static_cast<Bits>(~Bits{0});
      if constexpr (has_values) v[i] = there ? values[mine + i * W] : value_type{};
    }
    const unsigned used = static_cast<unsigned>((n + items * W - 1) / (items * W));  // warps with keys
    if (block.thread() == 0) s.some_key = order.digits(k[0]);
    block.sync();
    Bits differ = 0;
#pragma unroll
    for (int i = 0; i < items; ++i)
      if (mine + i * W < n) differ |= static_cast<Bits>(order.digits(k[i]) ^ s.some_key);

#pragma unroll 1
    for (int shift = 0; shift < 8 * static_cast<int>(sizeof(Bits)); shift += radix_bits) {
      if (!block.sync_or(static_cast<Bits>(differ >> shift) & (radix_digits - 1))) continue;
      std::uint32_t pos[items];
      rank_tile<threads, items, false, true>(
          block, s.tables, s.totals,
          [&](int i) { return static_cast<std::uint32_t>(order.digits(k[i]) >> shift) & (radix_digits - 1); }, false,
          used, pos, [](std::uint32_t) {});
      block.sync();
#pragma unroll
      for (int i = 0; i < items; ++i) s.keys[pos[i]] = k[i];
      block.sync();
#pragma unroll
      for (int i = 0; i < items; ++i) k[i] = s.keys[mine + i * W];
      block.sync();
      if constexpr (has_values) {
#pragma unroll
        for (int i = 0; i < items; ++i) s.values[pos[i]] = v[i];
        block.sync();
#pragma unroll
        for (int i = 0; i < items; ++i) v[i] = s.values[mine + i * W];
        block.sync();
      }
    }

#pragma unroll
    for (int i = 0; i < items; ++i)
      if (mine + i * W < n) {
        keys[mine + i * W] = order.decode(k[i]);
        if constexpr (has_values) values[mine + i * W] = v[i];
      }
  }
};

}  // namespace weft::gpu
