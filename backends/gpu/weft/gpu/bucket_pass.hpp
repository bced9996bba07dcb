// The two passes of a bucket sort over memory: keys into groups, then the keys of each group into their buckets. Keys
// alone cannot be told apart when equal, so nothing has to be stable: a key's place among its tile's keys of the same
// code comes from a returning atomic of shared memory, the tile's place among all from one of global memory. Nobody
// waits for another block. Keys that come in order, or nearly, would queue for one counter; theirs is shared by a warp.
#pragma once

#include <weft/gpu/bucket_plan.hpp>

namespace weft::inline v100::gpu {

/// The codes of an even plan: a few bits of a key.
template <class Bits>
struct even_codes {
  std::uint32_t shift, mask;
  WEFT_DEVICE std::uint32_t operator()(Bits key) const { return static_cast<std::uint32_t>(key >> shift) & mask; }

  /// Of the groups, which are the upper bits, and of a group's buckets.
  static WEFT_DEVICE even_codes of_groups(const bucket_plan& plan, const bucket_memory& memory) {
    return {plan.rest + static_cast<std::uint32_t>(memory.bin_bits) - plan.even, (1u << plan.even) - 1};
  }
  static WEFT_DEVICE even_codes of_buckets(const bucket_plan& plan, const bucket_memory& memory) {
    return {plan.rest, (static_cast<std::uint32_t>(memory.bins) >> plan.even) - 1};
  }
};

/// The same of a plan by values.
template <class Bits>
struct value_codes {
  even_values values;
  key_order<Bits> order;
  int bins;
  std::uint32_t shift, mask;
  WEFT_DEVICE std::uint32_t operator()(Bits key) const { return values.bin(order.decode(key), bins) >> shift & mask; }

  static WEFT_DEVICE value_codes of_groups(const bucket_plan& plan, const bucket_memory& memory,
                                           const key_order<Bits>& order) {
    const std::uint32_t shift = static_cast<std::uint32_t>(memory.bin_bits) - plan.even;
    return {plan.values, order, memory.bins, shift, (1u << plan.even) - 1};
  }
  static WEFT_DEVICE value_codes of_buckets(const bucket_plan& plan, const bucket_memory& memory,
                                            const key_order<Bits>& order) {
    return {plan.values, order, memory.bins, 0, (static_cast<std::uint32_t>(memory.bins) >> plan.even) - 1};
  }
};

/// Moves tiles. Level 1: from `from`, all keys, by group; level 2: group by group, by bucket.
template <class Shape, class Bits, int Level>
struct bucket_pass_kernel {
  template <arch A>
  static constexpr int block_threads = Shape::template tuning<A>().pass_threads;
  template <arch A>
  static constexpr int thread_items = Shape::template tuning<A>().pass_items;
  template <arch A>
  static constexpr int block_residency = Shape::template tuning<A>().pass_residency;
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  template <arch A>
  static constexpr int bin_bits = Shape::template tuning<A>().bin_bits;
  static constexpr int codes = Level == 1 ? most_groups : most_codes;
  template <arch A>
  static constexpr bool samples = !Shape::template tuning<A>().frugal;
  /// Of 8-byte keys registers would spill; theirs never share bits where this would matter (bucket_plan.hpp).
  template <arch A>
  static constexpr bool masks = samples<A> && sizeof(Bits) < 8;
  template <arch A>
  static constexpr bool by_value = values_make_bins<Bits, !samples<A>>;
  /// The bits of a key below its bin.
  template <arch A>
  static WEFT_DEVICE std::uint32_t rest_of(const bucket_plan& plan, const bucket_memory& memory) {
    return samples<A> ? plan.rest : static_cast<std::uint32_t>(8 * static_cast<int>(sizeof(Bits)) - memory.bin_bits);
  }
  template <arch A>
  struct shared {
    Bits keys[tile_items<A>];
    std::uint32_t marks[(1 << bin_bits<A>) / mark_bins];
    std::uint32_t before[codes];  // first how many keys a code has, then how many lesser ones
    std::uint32_t place[codes];   // where the tile's keys of a code go, less where they lie in the tile
    std::uint32_t totals[32];
    std::uint32_t tile[Level == 1 ? 1 : most_groups + 1], begin[Level == 1 ? 1 : most_groups + 1];  // of the groups
  };

  const Bits* from;
  Bits* to;
  offset n;
  key_order<Bits> order;
  bucket_memory memory;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>, size = threads * items;
    const int bins = memory.bins, words = bins / mark_bins;
    const bucket_plan plan = *memory.plan;
    const std::uint32_t rest = rest_of<Block::arch>(plan, memory);
    if (plan.mode != bucket_mode::buckets) return;
    const unsigned t = block.thread();
    Bits k[items];
    if constexpr (Level == 1) {
      if (plan.even == 0)
        for (int i = static_cast<int>(t); i < words; i += threads) s.marks[i] = memory.group_marks[i];
      block.sync();
      const auto tiles = static_cast<std::uint32_t>((n + size - 1) / size);
      auto start_of = [&](std::uint32_t tile) { return static_cast<offset>(tile) * size; };
      auto held_of = [&](std::uint32_t tile) {
        return n - start_of(tile) < size ? static_cast<int>(n - start_of(tile)) : size;
      };
      auto run = [&](const auto& code_of) {
        std::uint32_t tile = block.index();
        if (tile < tiles) load(block, start_of(tile), held_of(tile), k);
        for (; tile < tiles; tile += block.blocks()) {
#pragma unroll
          for (int i = 0; i < items; ++i) k[i] = order.encode(k[i]);
          move_tile(block, s, held_of(tile), plan.groups, memory.group_next, k, code_of, [&] {
            const std::uint32_t next = tile + block.blocks();
            if (next < tiles) load(block, start_of(next), held_of(next), k);
          });
        }
      };
      if constexpr (by_value<Block::arch>)
        if (plan.values.used()) return run(value_codes<Bits>::of_groups(plan, memory, order));
      if (samples<Block::arch> && plan.even != 0)
        run(even_codes<Bits>::of_groups(plan, memory));
      else
        run([&](Bits key) {
          return marks_up_to<Block>(s.marks, bin_of_key<masks<Block::arch>>(key, rest, bins)) & 0xffffu;
        });
    } else {
      for (std::uint32_t i = t; i <= plan.groups; i += threads)
        s.tile[i] = memory.group[i].tile, s.begin[i] = memory.group[i].begin;
      block.sync();
      auto start_of = [&](std::uint32_t g, std::uint32_t tile) { return s.begin[g] + (tile - s.tile[g]) * size; };
      auto held_of = [&](std::uint32_t g, std::uint32_t tile) {
        const std::uint32_t left = s.begin[g + 1] - start_of(g, tile);
        return left < size ? static_cast<int>(left) : size;
      };
      std::uint32_t loaded = most_groups, tile = block.index(), g = 0;
      if (tile < plan.tiles) {
        g = group_of(s.tile, plan.groups, tile);
        load(block, start_of(g, tile), held_of(g, tile), k);
      }
      for (; tile < plan.tiles; tile += block.blocks()) {
        const std::uint32_t now = g;
        const bucket_group own = memory.group[now], next = memory.group[now + 1];
        if (now != loaded && plan.even == 0) {
          for (std::uint32_t i = own.bin / mark_bins + t; i < (next.bin + mark_bins - 1) / mark_bins; i += threads)
            s.marks[i] = memory.bucket_marks[i];
          loaded = now;
          block.sync();
        }
        const std::uint32_t mask = (1u << own.split) - 1, shift = rest - own.split;
        auto load_next = [&] {
          const std::uint32_t then = tile + block.blocks();
          if (then >= plan.tiles) return;
          g = group_of(s.tile, plan.groups, then);
          load(block, start_of(g, then), held_of(g, then), k);
        };
        auto move = [&](const auto& code_of) {
          move_tile(block, s, held_of(now, tile), next.bucket - own.bucket, memory.bucket_next + own.bucket, k, code_of,
                    load_next);
        };
        if constexpr (by_value<Block::arch>)
          if (plan.values.used()) {
            move(value_codes<Bits>::of_buckets(plan, memory, order));
            continue;
          }
        if (samples<Block::arch> && plan.even != 0)
          move(even_codes<Bits>::of_buckets(plan, memory));
        else
          move([&](Bits key) {
            const std::uint32_t mark = marks_up_to<Block>(s.marks, bin_of_key<masks<Block::arch>>(key, rest, bins));
            return ((mark - own.rank) & 0xffffu) << own.split | (static_cast<std::uint32_t>(key >> shift) & mask);
          });
      }
    }
  }

  /// The group a tile of level 2 belongs to: the last one whose first tile is not behind it.
  WEFT_DEVICE static std::uint32_t group_of(const std::uint32_t* first_tile, std::uint32_t groups, std::uint32_t tile) {
    std::uint32_t g = 0;
    for (std::uint32_t step = most_groups / 2; step > 0; step /= 2)
      if (g + step < groups && first_tile[g + step] <= tile) g += step;
    return g;
  }

  template <class Block, int Items>
  WEFT_DEVICE void load(Block block, offset start, int held, Bits (&k)[Items]) const {
    constexpr int threads = block_threads<Block::arch>;
    const int t = static_cast<int>(block.thread());
    if (held == threads * Items) {
#pragma unroll
      for (int i = 0; i < Items; ++i) k[i] = from[start + i * threads + t];
    } else {
#pragma unroll
      for (int i = 0; i < Items; ++i) k[i] = i * threads + t < held ? from[start + i * threads + t] : Bits{0};
    }
  }

  /// The tile whose keys are in registers, encoded. `load_next` loads the keys of the next tile as soon as they have
  /// left these registers, while this one is written.
  template <class Block, int Items, class CodeOf, class LoadNext>
  WEFT_DEVICE void move_tile(Block block, shared<Block::arch>& s, int held, std::uint32_t used, std::uint32_t* next,
                             Bits (&k)[Items], const CodeOf& code_of, const LoadNext& load_next) const {
    constexpr int threads = block_threads<Block::arch>, items = Items;
    constexpr int each = (codes + threads - 1) / threads;
    constexpr bool found_again = std::is_same_v<CodeOf, even_codes<Bits>>;  // a code, rather than kept in registers
    const int t = static_cast<int>(block.thread());
    const auto first = static_cast<std::uint32_t>(t * each);

#pragma unroll
    for (int j = 0; j < each; ++j)
      if (first + j < codes) s.before[first + j] = 0;
    const std::uint32_t some = t < held ? code_of(k[0]) : 0;
    if (block.sync_count(some == block.warp().shuffle(some, 0)) > threads / 2)
      return move_rows(block, s, held, used, next, k, code_of, load_next);

    // How many keys of the same code came before, and the code.
    std::uint32_t rank[items];
#pragma unroll
    for (int i = 0; i < items; ++i) {
      rank[i] = 0;
      if (i * threads + t < held) {
        const std::uint32_t code = code_of(k[i]);
        rank[i] = block.shared_fetch_add(&s.before[code], 1u) | (found_again ? 0 : code << 16);
      }
    }
    block.sync();

    // A few codes a thread: their places in the tile and in memory.
    std::uint32_t count[each], lesser[each], base[each], sum = 0;
#pragma unroll
    for (int j = 0; j < each; ++j) {
      count[j] = first + j < used ? s.before[first + j] : 0;
      base[j] = count[j] != 0 ? block.fetch_add(&next[first + j], count[j]) : 0;
      lesser[j] = sum;
      sum += count[j];
    }
    auto warp = block.warp();
    const std::uint32_t inclusive = warp.inclusive_sum(sum);
    if (warp.lane() == Block::width - 1) s.totals[warp.index()] = inclusive;
    block.sync();
    std::uint32_t before = inclusive - sum;
    for (unsigned w = 0; w < threads / Block::width; ++w)
      if (w < warp.index()) before += s.totals[w];
#pragma unroll
    for (int j = 0; j < each; ++j)
      if (first + j < used) s.before[first + j] = before + lesser[j];
    block.sync();

    if constexpr (found_again) {
      const even_codes<Bits> again{block.opaque(code_of.shift), code_of.mask};
#pragma unroll
      for (int i = 0; i < items; ++i)
        if (i * threads + t < held) s.keys[s.before[again(k[i])] + rank[i]] = k[i];
    } else {
#pragma unroll
      for (int i = 0; i < items; ++i)
        if (i * threads + t < held) s.keys[s.before[rank[i] >> 16] + (rank[i] & 0xffffu)] = k[i];
    }
#pragma unroll
    for (int j = 0; j < each; ++j)
      if (first + j < used) s.place[first + j] = base[j] - before - lesser[j];
    block.sync();
    load_next();

    // Out, in runs of equal codes.
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const int at = i * threads + t;
      if (at < held) {
        const Bits key = s.keys[at];
        to[static_cast<std::uint32_t>(s.place[code_of(key)] + static_cast<std::uint32_t>(at))] = key;
      }
    }
    block.sync();
  }

  /// The same for a tile whose rows are of one code each, or nearly, as those of keys in order are: the lanes would
  /// queue for its counter. A row's keys are counted together, and go to memory as they are.
  template <class Block, int Items, class CodeOf, class LoadNext>
  WEFT_DEVICE void move_rows(Block block, shared<Block::arch>& s, int held, std::uint32_t used, std::uint32_t* next,
                             Bits (&k)[Items], const CodeOf& code_of, const LoadNext& load_next) const {
    constexpr int threads = block_threads<Block::arch>;
    const int t = static_cast<int>(block.thread());
    auto warp = block.warp();
    const std::uint32_t zero = block.opaque(0);  // codes found twice, or both ways of moving a tile would share them
    auto each_row = [&](auto each) {
#pragma unroll
      for (int i = 0; i < Items; ++i) {
        const bool there = i * threads + t < held;
        const std::uint32_t code = there ? code_of(static_cast<Bits>(k[i] + zero)) : 0;
        const bool joined = code == warp.shuffle(code, 0);
        each(k[i], code, there, joined, warp.ballot(there && joined));
      }
    };
    each_row([&](Bits, std::uint32_t code, bool there, bool joined, std::uint64_t same) {
      if (there && (!joined || warp.lane() == 0))
        block.shared_add(&s.before[code], joined ? static_cast<std::uint32_t>(Block::popcount(same)) : 1u);
    });
    block.sync();
    for (std::uint32_t c = block.thread(); c < used; c += threads)
      s.place[c] = s.before[c] != 0 ? block.fetch_add(&next[c], s.before[c]) : 0;
    block.sync();
    each_row([&](Bits key, std::uint32_t code, bool there, bool joined, std::uint64_t same) {
      std::uint32_t at = 0;
      if (there && (!joined || warp.lane() == 0))
        at = block.shared_fetch_add(&s.place[code], joined ? static_cast<std::uint32_t>(Block::popcount(same)) : 1u);
      const std::uint32_t first = warp.shuffle(at, 0);
      if (joined) at = first + static_cast<std::uint32_t>(Block::popcount(same & warp.lanes_below()));
      if (there) to[at] = key;
    });
    load_next();
    block.sync();
  }
};

/// Counts the buckets of split bins, tile by tile; the last tile of a group turns counts into places.
template <class Shape, class Bits>
struct bucket_recount_kernel {
  using pass = bucket_pass_kernel<Shape, Bits, 2>;
  template <arch A>
  static constexpr int block_threads = pass::template block_threads<A>;
  template <arch A>
  struct shared {
    std::uint32_t marks[(1 << pass::template bin_bits<A>) / mark_bins];
    std::uint32_t count[most_codes];
    std::uint32_t totals[32];
    std::uint32_t tile[most_groups + 1];
    bool last;
  };

  const Bits* from;
  key_order<Bits> order;
  bucket_memory memory;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, size = pass::template tile_items<Block::arch>;
    constexpr int each = (most_codes + threads - 1) / threads;
    const bucket_plan plan = *memory.plan;
    const std::uint32_t rest = pass::template rest_of<Block::arch>(plan, memory);
    if (plan.mode != bucket_mode::buckets || !plan.split) return;
    const int t = static_cast<int>(block.thread());
    for (std::uint32_t i = block.thread(); i <= plan.groups; i += threads) s.tile[i] = memory.group[i].tile;
    block.sync();
    std::uint32_t loaded = most_groups;
    for (std::uint32_t tile = block.index(); tile < plan.tiles; tile += block.blocks()) {
      const std::uint32_t g = pass::group_of(s.tile, plan.groups, tile);
      const bucket_group own = memory.group[g], next = memory.group[g + 1];
      if (own.split == 0) continue;
      if (g != loaded)
        for (std::uint32_t i = own.bin / mark_bins + block.thread(); i < (next.bin + mark_bins - 1) / mark_bins;
             i += threads)
          s.marks[i] = memory.bucket_marks[i];
      loaded = g;
      for (int i = t; i < most_codes; i += threads) s.count[i] = 0;
      block.sync();
      const std::uint32_t start = own.begin + (tile - own.tile) * size, codes = next.bucket - own.bucket;
      const std::uint32_t held = next.begin - start < size ? next.begin - start : size;
      const std::uint32_t mask = (1u << own.split) - 1, shift = rest - own.split;
#pragma unroll 8
      for (std::uint32_t i = block.thread(); i < held; i += threads) {
        const Bits k = from[static_cast<offset>(start) + i];
        const std::uint32_t mark =
            marks_up_to<Block>(s.marks, bin_of_key<pass::template samples<Block::arch>>(k, rest, memory.bins));
        block.shared_add(
            &s.count[((mark - own.rank) & 0xffffu) << own.split | (static_cast<std::uint32_t>(k >> shift) & mask)], 1u);
      }
      block.sync();
      std::uint32_t* const counts = memory.bucket_next + own.bucket;
      for (std::uint32_t i = block.thread(); i < codes; i += threads)
        if (s.count[i] != 0) block.fetch_add(&counts[i], s.count[i]);
      block.sync();
      if (t == 0) s.last = block.fetch_add_acq_rel(&memory.group_done[g], 1u) == next.tile - own.tile - 1;
      block.sync();
      if (s.last) {
        std::uint32_t count[each], sum = 0, all;
#pragma unroll
        for (int j = 0; j < each; ++j) {
          const std::uint32_t b = block.thread() * each + j;
          count[j] = b < codes ? block.load_relaxed(&counts[b]) : 0;
          sum += count[j];
        }
        std::uint32_t at = own.begin + sum_of_threads_before(block, sum, s.totals, all);
#pragma unroll
        for (int j = 0; j < each; ++j) {
          const std::uint32_t b = block.thread() * each + j;
          if (b < codes) memory.bucket_begin[own.bucket + b] = counts[b] = at;
          at += count[j];
        }
      }
    }
  }
};

}  // namespace weft::gpu
