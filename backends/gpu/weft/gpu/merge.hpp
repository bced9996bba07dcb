// Merge of two sorted ranges, and the passes of the merge sort: one launch, every element read and written once. A
// block takes consecutive tiles of the output. A tile's share of both inputs comes into shared memory, each thread
// finds its place there by a search along its diagonal and merges a few elements in registers. Where the next tile's
// share ends is searched in memory by the first warp meanwhile, a step in each phase, so only a block's first tile
// waits for a search.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/merge_path.hpp>
#include <weft/gpu/merge_ring.hpp>

namespace weft::inline v100::gpu {

/// Where the tiles of a merge lie: all in one pair of ranges.
template <class A, class B>
struct whole_ranges {
  A a;
  B b;
  offset na, nb;

  WEFT_DEVICE A a_end() const { return a + na; }
  WEFT_DEVICE B b_end() const { return b + nb; }
  /// The ranges that output element i is merged from, and the diagonal of i in them.
  struct pair {
    offset a_begin, na, b_begin, nb, diagonal;
  };
  WEFT_DEVICE pair at(offset i) const { return {0, na, 0, nb, i}; }
};

/// Where they lie in a pass of the sort: runs of `run` elements, merged in pairs.
template <class In>
struct run_pairs {
  In a, b;  // the same
  offset n, run;

  WEFT_DEVICE In a_end() const { return a + n; }
  WEFT_DEVICE In b_end() const { return b + n; }
  using pair = typename whole_ranges<In, In>::pair;
  WEFT_DEVICE pair at(offset i) const {
    const offset begin = i / (2 * run) * (2 * run), left = n - begin;
    const offset na = left < run ? left : run, nb = left - na < run ? left - na : run;
    return {begin, na, begin + na, nb, i - begin};
  }
};

/// Element p of a's first na elements followed by b. Of one kind of iterator, one load instead of two.
template <class T, class A, class B>
WEFT_DEVICE T of_either(const A& a, const B& b, int na, int p) {
  if constexpr (std::is_same_v<A, B>)
    return static_cast<T>((p < na ? a : b)[p < na ? p : p - na]);
  else
    return p < na ? static_cast<T>(a[p]) : static_cast<T>(b[p - na]);
}

/// A tile of a's first na elements followed by b into shared memory. `Full` tiles without a test, all loads in flight.
template <bool Full, int Threads, int Items, class T, class A, class B>
WEFT_DEVICE void load_share(const A& a, const B& b, int na, int held, int t, T* to) {
  items<T, Items> x;
#pragma unroll
  for (int i = 0; i < Items; ++i)
    if (Full || i * Threads + t < held) x[i] = of_either<T>(a, b, na, i * Threads + t);
#pragma unroll
  for (int i = 0; i < Items; ++i)
    if (Full || i * Threads + t < held) to[i * Threads + t] = x[i];
}

/// A tile from shared memory to `out`.
template <bool Full, int Threads, int Items, class T, class Out>
WEFT_DEVICE void store_striped(const T* from, int held, int t, const Out& out) {
#pragma unroll
  for (int i = 0; i < Items; ++i)
    if (Full || i * Threads + t < held) out[i * Threads + t] = from[i * Threads + t];
}

template <class Selector, class T, class Ranges, class Out, class Less>
struct merge_kernel {
  template <arch A>
  static constexpr merge_tuning tuning = choose<Selector>(dialect::merge_rows, A, sizeof(T));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  template <arch A>
  static constexpr int thread_items = merge_thread_items(tuning<A>.thread_bytes, sizeof(T));
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  template <arch A>
  struct shared {
    union {
      T value[tile_items<A> + 1];  // the last is only read, never used
    };
    offset split[2];
    int next;
  };

  Ranges ranges;
  offset n;
  Out out;
  Less less;
  offset block_tiles;  // consecutive tiles a block takes

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr offset size = tile_items<Block::arch>;
    const offset first = static_cast<offset>(block.index()) * block_tiles * size;
    const offset limit = n - first < block_tiles * size ? n : first + block_tiles * size;
    if (first >= limit) return;

    // How many of the pair's first elements come from A, at the beginning and at the end of the first tile.
    auto pair = ranges.at(first);
    if (block.warp().index() < 2) {
      const offset whole = pair.na + pair.nb, end = pair.diagonal + size < whole ? pair.diagonal + size : whole;
      split_search<Block, T, offset> search(block.warp().index() == 0 ? pair.diagonal : end, pair.na, pair.nb);
      while (!search.done()) {
        search.ask(block, ranges.a + pair.a_begin, ranges.b + pair.b_begin);
        search.narrow(block, less);
      }
      if (block.warp().lane() == 0) s.split[block.warp().index()] = search.result();
    }
    block.sync();
    offset from = s.split[0], until = s.split[1];

    for (offset at = first; at < limit; at += size) {
      const bool more = at + size < limit;
      const auto next = more ? ranges.at(at + size) : pair;
      const offset start = next.diagonal > 0 ? until : 0;  // where the next tile begins in its A
      merge_tile(block, s, pair, at, from, until, next, start, more);
      pair = next;
      from = start;
      until = start + s.next;
    }
  }

 private:
  /// One tile, and the search for the end of the next one: s.next becomes how many of its elements come from A.
  template <class Block, class Pair>
  WEFT_DEVICE void merge_tile(Block block, shared<Block::arch>& s, const Pair& pair, offset at, offset from,
                              offset until, const Pair& next, offset next_from, bool more) const {
    constexpr int threads = block_threads<Block::arch>, per_thread = thread_items<Block::arch>,
                  size = threads * per_thread;
    const int t = static_cast<int>(block.thread());
    const offset whole = pair.na + pair.nb;
    const int held = whole - pair.diagonal < size ? static_cast<int>(whole - pair.diagonal) : size;
    const int na = static_cast<int>(until - from);
    const auto a = ranges.a + (pair.a_begin + from);
    const auto b = ranges.b + (pair.b_begin + (pair.diagonal - from));

    // The next tile's search: at most `size` candidates, so three steps, one in each phase below.
    const auto next_a = ranges.a + (next.a_begin + next_from);
    const auto next_b = ranges.b + (next.b_begin + (next.diagonal - next_from));
    auto capped = [](offset x) { return x < size ? static_cast<int>(x) : size; };
    const int left_a = more ? capped(next.na - next_from) : 0;
    const int left_b = more ? capped(next.nb - (next.diagonal - next_from)) : 0;
    split_search<Block, T, int> search(capped(offset{left_a} + left_b), left_a, left_b);
    static_assert(size <= 32 * 32 * 32, "three steps must do");
    const bool searching = block.warp().index() == 0;

    // Load: A's share, then B's.
    if (searching) search.ask(block, next_a, next_b);
    if (held == size)
      load_share<true, threads, per_thread>(a, b, na, held, t, s.value);
    else
      load_share<false, threads, per_thread>(a, b, na, held, t, s.value);
    if (searching) search.narrow(block, less);
    block.sync();

    // Merge, a few consecutive elements a thread.
    if (searching) search.ask(block, next_a, next_b);
    items<T, per_thread> merged;
    {
      const int diagonal = t * per_thread < held ? t * per_thread : held;
      const int split = split_at(s.value, 0, na, na, held, diagonal, less);
      merge_items<per_thread>(s.value, split, na, na + diagonal - split, held, merged, less);
    }
    if (searching) search.narrow(block, less);
    block.sync();

    // Out, through shared memory so that stores are coalesced.
    if (searching) search.ask(block, next_a, next_b);
#pragma unroll
    for (int i = 0; i < per_thread; ++i) s.value[t * per_thread + i] = merged[i];
    if (searching) {
      search.narrow(block, less);
      if (block.warp().lane() == 0) s.next = search.result();
    }
    block.sync();
    if (held == size)
      store_striped<true, threads, per_thread>(s.value, held, t, out + at);
    else
      store_striped<false, threads, per_thread>(s.value, held, t, out + at);
    block.sync();
  }
};

/// What elements of both ranges are held as.
template <class A, class B>
struct common_value {
  using type = std::common_type_t<A, B>;
};
template <class A>
struct common_value<A, A> {
  using type = A;
};

/// Ranges that can be copied in bulk into an output of the same type.
template <class T, class Ranges, class Out>
inline constexpr bool merges_in_ring = false;
template <class T, class A, class B>
inline constexpr bool merges_in_ring<T, whole_ranges<A*, B*>, T*> =
    std::is_same_v<const A, const T>&& std::is_same_v<const B, const T>&& fits_ring<T>;
template <class T>
inline constexpr bool merges_in_ring<T, run_pairs<T*>, T*> = fits_ring<T>;

/// Each block takes as many consecutive tiles.
template <arch A, class Kernel, class P>
void launch_blocks(const P& policy, Kernel kernel) {
  const offset tiles = ceil_div(kernel.n, Kernel::template tile_items<A>),
               resident = resident_blocks<A, Kernel>(policy);
  kernel.block_tiles = ceil_div(tiles, resident);
  launch<A>(policy, ceil_div(tiles, kernel.block_tiles), kernel);
}

template <arch A, class Selector, class T, class Ranges, class Out, class Less, class P>
void launch_merge(const P& policy, merge_kernel<Selector, T, Ranges, Out, Less> kernel) {
  if constexpr (merges_in_ring<T, Ranges, Out>) {
    using ring = merge_ring_kernel<Selector, T, Ranges, Less>;
    constexpr merge_ring_tuning tuning = decltype(kernel)::template tuning<A>.ring;
    if constexpr (tuning.threads > 0)
      if (kernel.n * static_cast<offset>(sizeof(T)) >= tuning.from && whole_elements(kernel.ranges.a) &&
          whole_elements(kernel.ranges.b))
        return launch_blocks<A>(policy,
                                ring{kernel.ranges, kernel.n, kernel.out, kernel.less, vector_aligned(kernel.out), 0});
  }
  launch_blocks<A>(policy, kernel);
}

template <class P, class A, class B, class Out, class Less>
void merge_ranges(const P& policy, A a, offset na, B b, offset nb, Out out, Less less) {
  using T = typename common_value<iter_value_t<A>, iter_value_t<B>>::type;
  using kernel = merge_kernel<typename P::tuning, T, whole_ranges<A, B>, Out, Less>;
  if (na + nb == 0) return;
  on_arch(policy, [&]<arch X>() { launch_merge<X>(policy, kernel{{a, b, na, nb}, na + nb, out, less, 0}); });
}

/// Stable merge of a[0, na) and b[0, nb), each sorted by `less`, to out; with values they move along with their keys.
template <class P, class A, class AValues, class B, class BValues, class Out, class OutValues, class Less>
void merge(const P& policy, A a, AValues a_values, offset na, B b, BValues b_values, offset nb, Out out,
           OutValues out_values, Less less) {
  if constexpr (is_none<AValues>)
    merge_ranges(policy, a, na, b, nb, out, less);
  else
    merge_ranges(policy, weft::zip(a, a_values), na, weft::zip(b, b_values), nb, weft::zip(out, out_values),
                 less_by_key<Less>{less});
}

}  // namespace weft::gpu
