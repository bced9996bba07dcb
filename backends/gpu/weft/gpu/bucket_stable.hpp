// The passes of a bucket sort that keep equal keys in order, for keys with values: ranks as in radix_rank.hpp, and the
// places of a tile's keys by decoupled look-back over the tiles before it, of all of them in the first pass, of its
// group in the second.
#pragma once

#include <weft/gpu/bucket_pass.hpp>
#include <weft/gpu/radix_rank.hpp>

namespace weft::inline v100::gpu {

template <class Shape, class Bits, class Value, int Level>
struct bucket_stable_kernel {
  using unstable = bucket_pass_kernel<Shape, Bits, Level>;
  template <arch A>
  static constexpr int block_threads = unstable::template block_threads<A>;
  template <arch A>
  static constexpr int thread_items = unstable::template thread_items<A>;
  template <arch A>
  static constexpr int block_residency = unstable::template block_residency<A>;
  template <arch A>
  static constexpr int tile_items = unstable::template tile_items<A>;
  /// Codes that the pass can tell apart, a thread each.
  template <arch A>
  static constexpr int codes = block_threads<A> < most_groups ? block_threads<A> : most_groups;
  template <arch A>
  struct shared {
    union {
      rank_tables<block_threads<A>, codes<A>> tables;
      Bits keys[tile_items<A>];
      Value values[tile_items<A>];
    };
    std::uint32_t marks[(1 << unstable::template bin_bits<A>) / mark_bins];
    std::uint32_t place[codes<A>];  // where the tile's keys of a code go, less where they lie in the tile
    std::uint32_t totals[32];
    std::uint32_t tile[Level == 1 ? 1 : most_groups + 1];
    std::uint32_t ticket;
  };

  const Bits* from;
  Bits* to;
  const Value* from_values;
  Value* to_values;
  offset n;
  key_order<Bits> order;
  bucket_memory memory;
  std::uint32_t* control;
  std::uint32_t* words;       // [tiles][codes] of this pass, zero
  std::uint32_t* next_words;  // of the next one, if there is one
  offset next_size;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, size = tile_items<Block::arch>;
    const int bins = memory.bins;
    constexpr bool samples = unstable::template samples<Block::arch>;
    constexpr bool by_value = unstable::template by_value<Block::arch>;
    const bucket_plan plan = *memory.plan;
    const std::uint32_t rest = unstable::template rest_of<Block::arch>(plan, memory);
    if (plan.mode != bucket_mode::buckets) return;
    const bool even = samples && plan.even != 0 && !(by_value && plan.values.used());  // by bits
    const unsigned t = block.thread();
    for (offset i = offset{block.index()} * threads + t; i < next_size; i += offset{block.blocks()} * threads)
      next_words[i] = 0;
    std::uint32_t tiles = plan.tiles, loaded = most_groups;
    if constexpr (Level == 1) {
      if (plan.even == 0)
        for (unsigned i = t; i < static_cast<unsigned>(memory.bins / mark_bins); i += threads)
          s.marks[i] = memory.group_marks[i];
      tiles = static_cast<std::uint32_t>((n + size - 1) / size);
    } else {
      for (unsigned i = t; i <= plan.groups; i += threads) s.tile[i] = memory.group[i].tile;
    }
    for (;;) {
      if (t == 0) s.ticket = block.fetch_add(&control[Level == 1 ? word_tile_1 : word_tile_2], 1u);
      block.sync();
      const std::uint32_t tile = s.ticket;
      if (tile >= tiles) break;
      if constexpr (Level == 1) {
        const offset start = static_cast<offset>(tile) * size;
        move_tile(block, s, start, n - start < size ? static_cast<int>(n - start) : size, plan.groups, tile, tile,
                  memory.group_next, even, even_codes<Bits>::of_groups(plan, memory), [&](Bits k) {
                    if constexpr (by_value)
                      if (plan.values.used()) return value_codes<Bits>::of_groups(plan, memory, order)(k);
                    return marks_up_to<Block>(s.marks, bin_of_key<samples>(k, rest, bins)) & 0xffffu;
                  });
      } else {
        const std::uint32_t g = unstable::group_of(s.tile, plan.groups, tile);
        const bucket_group own = memory.group[g], next = memory.group[g + 1];
        if (g != loaded && plan.even == 0) {
          for (unsigned i = own.bin / mark_bins + t; i < (next.bin + mark_bins - 1) / mark_bins; i += threads)
            s.marks[i] = memory.bucket_marks[i];
          loaded = g;
          block.sync();
        }
        const std::uint32_t start = own.begin + (tile - own.tile) * size;
        const std::uint32_t mask = (1u << own.split) - 1, shift = rest - own.split;
        move_tile(block, s, start, next.begin - start < size ? static_cast<int>(next.begin - start) : size,
                  next.bucket - own.bucket, tile, tile - own.tile, memory.bucket_begin + own.bucket, even,
                  even_codes<Bits>::of_buckets(plan, memory), [&](Bits k) {
                    if constexpr (by_value)
                      if (plan.values.used()) return value_codes<Bits>::of_buckets(plan, memory, order)(k);
                    const std::uint32_t mark = marks_up_to<Block>(s.marks, bin_of_key<samples>(k, rest, bins));
                    return ((mark - own.rank) & 0xffffu) << own.split | (static_cast<std::uint32_t>(k >> shift) & mask);
                  });
      }
      block.sync();
    }
  }

  template <class Block, class EvenCodeOf, class CodeOf>
  WEFT_DEVICE void move_tile(Block block, shared<Block::arch>& s, offset start, int held, std::uint32_t used,
                             std::uint32_t tile, std::uint32_t earlier, const std::uint32_t* begin, bool even,
                             const EvenCodeOf& even_code_of, const CodeOf& code_of) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>, size = threads * items;
    constexpr int C = codes<Block::arch>, W = Block::width;
    const int t = static_cast<int>(block.thread());
    const int mine = static_cast<int>(block.warp().index()) * (items * W) + static_cast<int>(block.warp().lane());

    Bits k[items];
#pragma unroll
    for (int i = 0; i < items; ++i) k[i] = mine + i * W < held ? from[start + mine + i * W] : Bits{0};
    std::uint32_t pos[items];  // the code, for now; what is missing of the tile counts as last
    if constexpr (Level == 1)
#pragma unroll
      for (int i = 0; i < items; ++i) k[i] = order.encode(k[i]);
    if (even) {
#pragma unroll
      for (int i = 0; i < items; ++i) pos[i] = (mine + i * W < held ? even_code_of(k[i]) : used - 1) << 16;
    } else {
#pragma unroll
      for (int i = 0; i < items; ++i) pos[i] = (mine + i * W < held ? code_of(k[i]) : used - 1) << 16;
    }
    const std::uint32_t missing = t == static_cast<int>(used) - 1 ? static_cast<std::uint32_t>(size - held) : 0;
    std::uint32_t* const word = words + static_cast<offset>(tile) * C + t;
    std::uint32_t count = 0;
    const std::uint32_t lesser = rank_tile<threads, items, false, false, C>(
        block, s.tables, s.totals, [&](int i) { return pos[i] >> 16; }, false, threads / W, pos,
        [&](std::uint32_t c) {
          count = c - missing;
          if (t < static_cast<int>(used)) block.store_relaxed(word, (earlier == 0 ? whole_count : own_count) | count);
        });
    block.sync();

#pragma unroll
    for (int i = 0; i < items; ++i) s.keys[pos[i]] = k[i];
    if (t < static_cast<int>(used)) s.place[t] = begin[t] + look_back(block, word, C, earlier, count) - lesser;
    block.sync();

    // Out, in runs of equal codes; the values by the same ways.
    Value v[items];
    std::uint32_t code[(items + 1) / 2] = {};
#pragma unroll
    for (int i = 0; i < items; ++i) v[i] = mine + i * W < held ? from_values[start + mine + i * W] : Value{};
    auto write = [&](const auto& code_of_key) {
#pragma unroll
      for (int i = 0; i < items; ++i) {
        const int at = i * threads + t;
        if (at < held) {
          const Bits key = s.keys[at];
          const std::uint32_t c = code_of_key(key);
          code[i / 2] |= c << i % 2 * 16;
          to[static_cast<std::uint32_t>(s.place[c] + static_cast<std::uint32_t>(at))] = key;
        }
      }
    };
    if (even)
      write(even_code_of);
    else
      write(code_of);
    block.sync();
#pragma unroll
    for (int i = 0; i < items; ++i) s.values[pos[i]] = v[i];
    block.sync();
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const int at = i * threads + t;
      if (at < held)
        to_values[static_cast<std::uint32_t>(s.place[code[i / 2] >> i % 2 * 16 & 0xffffu] +
                                             static_cast<std::uint32_t>(at))] = s.values[at];
    }
  }
};

}  // namespace weft::gpu
