// Selection (copy_if, partition, unique) in one launch and one pass: a tile flags its elements, counts them, publishes
// the count, compacts them in shared memory while earlier tiles publish theirs, and writes them as one consecutive
// range. Order is kept on both sides, so the result is the same on every run. Reads each element once, writes it at
// most once.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>

namespace weft::gpu {

// How a run of elements is flagged: bit k of the result says whether element i + k stays. `x` holds the elements.

template <class In, class Flag>
struct flagger;
template <class In, class Predicate>
struct flagger<In, flag_if<Predicate>> {
  flag_if<Predicate> flag;
  explicit flagger(const flag_if<Predicate>& f) : flag(f) {}

  template <int Run, bool Full, class Block, class T>
  WEFT_DEVICE std::uint32_t operator()(Block, const In&, offset, int count, const T* x) const {
    std::uint32_t mask = 0;
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

/// Where count elements of shared memory go: out[at …]. Threads are lined up with the destination's memory.
template <class Block, class Out, class T>
WEFT_DEVICE void write_compacted(Block block, const Out& out, offset at, int count, const T* from) {
  const int step = static_cast<int>(block.threads());
  int first = static_cast<int>(block.thread());
  if constexpr (std::is_same_v<Out, T*> && sizeof(T) < 4 && 4 % sizeof(T) == 0) {
    // Words of four bytes, put together from two words of shared memory; the edges element by element.
    constexpr int each = 4 / sizeof(T);
    const auto skew = static_cast<int>((reinterpret_cast<std::uintptr_t>(out + at) % 4) / sizeof(T));
    const int words = (count + skew + each - 1) / each;
    const auto* source = reinterpret_cast<const std::uint32_t*>(from);
    for (int w = first; w < words; w += step) {
      const int e = w * each - skew;
      if (e >= 0 && e + each <= count) {
        const int byte = e * static_cast<int>(sizeof(T)), high = skew ? byte / 4 + 1 : byte / 4;
        const std::uint64_t both = static_cast<std::uint64_t>(source[high]) << 32 | source[byte / 4];
        vec<4> v;
        v.word[0] = static_cast<std::uint32_t>(both >> (byte % 4 * 8));
        block.template store_vector<4>(out + at + e, v);
      } else {
        for (int k = 0; k < each; ++k)
          if (e + k >= 0 && e + k < count) out[at + e + k] = from[e + k];
      }
    }
  } else {
    if constexpr (std::is_pointer_v<Out>)
      first -= static_cast<int>(reinterpret_cast<std::uintptr_t>(out + at) / sizeof(*out) % 32);
    for (int i = first; i < count; i += step)
      if (i >= 0) out[at + i] = from[i];
  }
}

template <class In, class Out, class Rejected, class Count, class Flag, class Selector>
struct select_kernel {
  using T = iter_value_t<In>;
  static constexpr bool both = !is_none<Rejected>;
  template <arch A>
  static constexpr select_tuning tuning = choose<Selector>(dialect::select_rows, A, sizeof(T));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
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
  bool in_place;  // the output overlaps the input: nothing may be written before earlier tiles have read

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr offset tile_items = shape<Block::arch>::items;
    const unsigned tile = states.draw(block, s.ticket);
    const offset start = tile * tile_items;
    if (n - start >= tile_items)
      run<true>(block, s, tile, start, static_cast<int>(tile_items));
    else
      run<false>(block, s, tile, start, static_cast<int>(n - start));
  }

  template <bool Full, class Block>
  WEFT_DEVICE void run(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run;
    const auto warp = block.warp();

    // Load and flag.
    items<T, rows * run> x;  // [rows][run]
    std::uint32_t mask[rows];
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      load_tail_run<run, Full, Block>(in, start + at, valid - at, wide, x.value + r * run);
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      mask[r] = flags.template operator()<run, Full>(block, in, start + at, valid - at, x.value + r * run);
    }

    // Rank: rank[r] becomes how many elements of the tile are kept before this lane's run of row r.
    int rank[rows];
    const int of_warp = rank_rows<rows>(block, mask, rank);
    if (warp.lane() == 0) s.warp_counts[warp.index()] = of_warp;
    block.sync();
    int total;
    const int before_warp = exclusive_of_warps<block_threads<Block::arch>>(block, s.warp_counts, total);
    if (block.thread() == 0 && tile > 0) {
      if (in_place) block.fence();
      states.publish(block, tile, offset{total}, false);
    }

    // Compact in shared memory; the first warp then looks for the tile's prefix.
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      int next = before_warp + rank[r];
#pragma unroll
      for (int k = 0; k < run; ++k) {
        if (mask[r] >> k & 1)
          s.kept[next++] = x[r * run + k];
        else if (both && (Full || at + k < valid))
          s.kept[total + at + k - next] = x[r * run + k];
      }
    }
    if (warp.index() == 0) {
      offset before = 0;
      if (tile > 0) before = states.template prefix<offset>(block, tile, add_counts{});
      if (in_place) block.fence();
      if (warp.lane() == 0) {
        states.publish(block, tile, before + total, true);
        s.before = before;
        if (start + valid == n) *count = before + total;
      }
    }
    block.sync();

    // Write.
    const offset before = s.before;
    if (in_place && before == start && total == valid) return;  // all are where they belong
    write_compacted(block, out, before, total, s.kept.value);
    if constexpr (both) write_compacted(block, rejected, start - before, valid - total, s.kept.value + total);
  }
};

template <class A, class B>
bool may_overlap(const A& a, const B& b, offset n) {
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    const auto low = reinterpret_cast<std::uintptr_t>(a), other = reinterpret_cast<std::uintptr_t>(b);
    const auto bytes = static_cast<std::uintptr_t>(n);
    return low < other + bytes * sizeof(*b) && other < low + bytes * sizeof(*a);
  } else {
    return std::is_same_v<A, B>;
  }
}

template <class P, class In, class Out, class Rejected, class Count, class Flag>
void select_into(const P& policy, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
  using kernel = select_kernel<In, Out, Rejected, Count, Flag, typename P::tuning>;
  on_arch(policy, [&]<arch A>() {
    const offset tiles = n == 0 ? 1 : ceil_div(n, kernel::template shape<A>::items);
    lookback_states states(policy, tiles, payload<offset>::words);
    launch<A>(policy, tiles,
              kernel{in, out, rejected, count, n, flagger<In, Flag>(flag), states.view(), vector_aligned(in),
                     may_overlap(in, out, n)});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
