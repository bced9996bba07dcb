// Selection (copy_if, partition, unique) in one launch and one pass: a tile flags its elements, counts them, publishes
// the count, compacts them in shared memory while earlier tiles publish theirs, and writes them as one consecutive
// range. Order is kept on both sides, so the result is the same on every run. Reads each element once, writes it at
// most once.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>
#include <weft/gpu/select_pipeline.hpp>
#include <weft/gpu/select_write.hpp>

namespace weft::inline v100::gpu {

/// A word whose bits are tested anew where runs are long: AMD would keep, and spill, 16 flags.
template <int Run, class Block>
WEFT_DEVICE std::uint32_t fresh([[maybe_unused]] Block block, std::uint32_t word) {
  if constexpr (Run > 4)
    return block.opaque(word);
  else
    return word;
}

// How a run of elements is flagged: bit k of the result says whether element i + k stays. `x` holds the elements.

template <class In, class Flag>
struct flagger;
template <class In, class Predicate>
struct flagger<In, flag_if<Predicate>> {
  flag_if<Predicate> flag;
  explicit flagger(const flag_if<Predicate>& f) : flag(f) {}

  template <int Run, bool Full, class Block, class T>
  WEFT_DEVICE std::uint32_t operator()([[maybe_unused]] Block block, const In&, offset, int count, const T* x) const {
    std::uint32_t mask = 0;
    if constexpr (!Full) count = static_cast<int>(fresh<Run>(block, static_cast<std::uint32_t>(count)));
#pragma unroll
    for (int k = 0; k < Run; ++k)
      if (Full || k < count) mask |= static_cast<std::uint32_t>(static_cast<bool>(flag.predicate(x[k]))) << k;
    return mask;
  }
};
template <class In, class Stencil, class Predicate>
struct flagger<In, flag_stencil<Stencil, Predicate>> {
  flag_stencil<Stencil, Predicate> flag;
  bool wide;
  explicit flagger(const flag_stencil<Stencil, Predicate>& f) : flag(f), wide(vector_aligned(f.stencil)) {}

  template <int Run, bool Full, class Block, class T>
  WEFT_DEVICE std::uint32_t operator()(Block, const In&, offset i, int count, const T*) const {
    items<iter_value_t<Stencil>, Run> s;
    load_tail_run<Run, Full, Block>(flag.stencil, i, count, wide, s.value);
    std::uint32_t mask = 0;
#pragma unroll
    for (int k = 0; k < Run; ++k)
      if (Full || k < count) mask |= static_cast<std::uint32_t>(static_cast<bool>(flag.predicate(s[k]))) << k;
    return mask;
  }
};
template <class In, class Equal>
struct flagger<In, flag_first<Equal>> {
  flag_first<Equal> flag;
  explicit flagger(const flag_first<Equal>& f) : flag(f) {}

  template <int Run, bool Full, class Block, class T>
  WEFT_DEVICE std::uint32_t operator()(Block block, const In& in, offset i, int count, const T* x) const {
    return heads<Run, Full>(block, in, i, count, x, flag.equal);
  }
};

template <class In, class Out, class Rejected, class Count, class Flag, class Selector>
struct select_kernel {
  using T = iter_value_t<In>;
  static constexpr bool both = !is_none<Rejected>;
  template <arch A>
  static constexpr select_tuning tuning = choose<Selector>(dialect::select_rows, A, size_class(sizeof(T)));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  /// ptxas would rather spill than give up a block: it may have 64 registers, and for large values all.
  template <arch A>
  static constexpr int block_residency = sizeof(T) > 16 ? 1 : 1024 / block_threads<A>;
  template <arch A>
  using shape = tile_of<block_threads<A>, sizeof(T), tuning<A>.thread_bytes>;

  template <arch A>
  struct shared {
    alignas(16) items<T, shape<A>::items> kept;  // then, from the end of these on, the rejected
    int warp_counts[block_threads<A> / 32];
    offset before;
    std::uint32_t ticket;
  };

  In in;
  Out out;
  Rejected rejected;
  Count count;
  offset n;
  flagger<In, Flag> flags;
  lookback states;
  bool wide;
  bool in_place;      // the output may overlap the input: nothing may be written before earlier tiles have read
  bool same;          // the output is the input
  offset tile_items;  // at most the shape's

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const unsigned tile = states.draw(block, s.ticket);
    const offset start = tile * tile_items, left = n - start;
    if (left >= shape<Block::arch>::items && tile_items == shape<Block::arch>::items)
      full_tile(block, s, tile, start);
    else
      small_tile(block, s, tile, start, static_cast<int>(left < tile_items ? left : tile_items));
  }

  template <class Block>
  WEFT_DEVICE void full_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run;

    // Load all, then flag.
    held_run<T, run> held[rows];
    std::uint32_t mask[rows];
    load_rows<tile_shape>(block, in, start, wide, held);
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const items<T, run> x = held[r].take(block);
      mask[r] = flags.template operator()<run, true>(block, in, start + tile_shape::at(block, r), run, x.value);
    }

    // Rank, and let the count be known.
    int rank[rows], total;
    const int of_warp = rank_rows<rows>(block, mask, rank);
    const int before = publish_count(block, s, tile, of_warp, total);

    // Compact in shared memory.
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const items<T, run> x = held[r].take(block);
      compact_run(s, x, fresh<run>(block, mask[r]), before + rank[r], total, tile_shape::at(block, r), run);
    }
    write_tile(block, s, tile, start, total, tile_shape::items);
  }

  /// A tile of `valid` elements, the last or one of a short input: row by row, and read twice, to keep the code small.
  /// Rows are of four elements a lane at most, so that few elements keep many lanes busy.
  template <class Block>
  WEFT_DEVICE void small_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int run = tile_shape::run < 4 ? tile_shape::run : 4, row_items = run * static_cast<int>(Block::width);
    using small_shape = gpu::tile_shape<block_threads<Block::arch>, run, 1>;
    const int lane = static_cast<int>(block.warp().lane());
    const auto [begin, end, full_warps] = share_tail<small_shape>(block, valid);

    std::uint32_t mask;
    int rank, of_warp = 0, total;
#pragma unroll 1
    for (int row = begin; row < end; row += row_items) {
      const int at = row + lane * run;
      items<T, run> x;
      load_tail_run<run, false, Block>(in, start + at, end - at, wide, x.value);
      mask = flags.template operator()<run, false>(block, in, start + at, end - at, x.value);
      of_warp += rank_rows<1>(block, &mask, &rank);
    }
    int before = publish_count(block, s, tile, of_warp, total);
#pragma unroll 1
    for (int row = begin; row < end; row += row_items) {
      const int at = row + lane * run;
      items<T, run> x;
      load_tail_run<run, false, Block>(in, start + at, end - at, wide, x.value);
      mask = flags.template operator()<run, false>(block, in, start + at, end - at, x.value);
      const int of_row = rank_rows<1>(block, &mask, &rank);
      compact_run(s, x, fresh<run>(block, mask), before + rank, total, at, end - at);
      before += of_row;
    }
    write_tile(block, s, tile, start, total, valid);
  }

  /// Adds the warps' counts up and publishes the total of the tile; returns how many are kept before this warp.
  template <class Block>
  WEFT_DEVICE int publish_count(Block block, shared<Block::arch>& s, unsigned tile, int of_warp, int& total) const {
    if (block.warp().lane() == 0) s.warp_counts[block.warp().index()] = of_warp;
    block.sync();
    const int before = exclusive_of_warps<block_threads<Block::arch>>(block, s.warp_counts, total);
    if (tile > 0 && block.thread() == 0) {
      if (in_place) block.fence();
      states.publish(block, tile, tile_count{total}, false);
    }
    return before;
  }

  /// Puts the elements of a run where they belong among the kept (from `next` on) and the rejected (from `total` on).
  template <class Shared, int Run>
  static WEFT_DEVICE void compact_run(Shared& s, const items<T, Run>& x, std::uint32_t mask, int next, int total,
                                      int at, int count) {
#pragma unroll
    for (int k = 0; k < Run; ++k) {
      if (mask >> k & 1)
        s.kept[next++] = x[k];
      else if (both && k < count)
        s.kept[total + at + k - next] = x[k];
    }
  }

  template <class Block>
  WEFT_DEVICE void write_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int total,
                              int valid) const {
    if (block.warp().index() == 0) {
      offset before = 0;
      if (tile > 0) before = states.template prefix<tile_count>(block, tile, add_counts{}).value;
      if (in_place) block.fence();
      if (block.warp().lane() == 0) {
        states.publish(block, tile, tile_count{before + total}, true);
        s.before = before;
        if (start + valid == n) *count = before + total;
      }
    }
    block.sync();
    const offset before = s.before;
    if (same && before == start && total == valid) return;  // all are where they belong
    write_compacted(block, out, before, total, s.kept.value, 0);
    if constexpr (both) write_compacted(block, rejected, start - before, valid - total, s.kept.value, total);
  }
};

template <class A, class B>
bool may_overlap(const A& a, const B& b, offset n) {
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    const auto low = reinterpret_cast<std::uintptr_t>(a), other = reinterpret_cast<std::uintptr_t>(b);
    const auto bytes = static_cast<std::uintptr_t>(n);
    return low < other + bytes * sizeof(*b) && other < low + bytes * sizeof(*a);
  } else {
    return true;  // adaptors may look at any memory
  }
}

template <class A, class B>
bool is_same_range(const A& a, const B& b) {
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>)
    return static_cast<const void*>(a) == static_cast<const void*>(b);
  else
    return false;
}

template <class P, class In, class Out, class Rejected, class Count, class Flag>
void select_into(const P& policy, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
  using kernel = select_kernel<In, Out, Rejected, Count, Flag, typename P::tuning>;
  const bool in_place = may_overlap(in, out, n), same = is_same_range(in, out);
  on_arch(policy, [&]<arch A>() {
    if constexpr (pipelines_select<In, Flag, Rejected> && sizeof(iter_value_t<In>) <= 64) {
      if constexpr (kernel::template tuning<A>.pipeline.threads > 0) {
        using T = iter_value_t<In>;
        using pipeline = select_pipeline_kernel<T, Out, Rejected, Count, Flag, typename P::tuning>;
        const bool large = n * static_cast<offset>(sizeof(T)) >= kernel::template tuning<A>.pipeline.from &&
                           n > pipeline::template tile_items<A>;
        if (large && vector_aligned(in) && (same || !in_place)) {
          const offset tiles = ceil_div(n, pipeline::template tile_items<A>);
          const offset resident = resident_blocks<A, pipeline>(policy), blocks = resident < tiles ? resident : tiles;
          lookback_states states(policy, tiles, payload<tile_count>::words);
          launch<A>(policy, blocks, pipeline{in, out, rejected, count, n, flag, states.view(), same});
          states.launched(tiles + blocks);
          return;
        }
      }
    }
    // A short input is cut in more tiles than it takes: what a block does alone is most of the time. Not where a later
    // tile may write over what a small one reads for the second time.
    const offset all = kernel::template shape<A>::items, few = ceil_div(n, 64 * 512) * 512;
    const offset size = in_place || n <= 1024 || few > all / 4 ? all : few;
    const offset tiles = n == 0 ? 1 : ceil_div(n, size);
    lookback_states states(policy, tiles, payload<tile_count>::words);
    launch<A>(policy, tiles,
              kernel{in, out, rejected, count, n, flagger<In, Flag>(flag), states.view(), vector_aligned(in), in_place,
                     same, size});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
