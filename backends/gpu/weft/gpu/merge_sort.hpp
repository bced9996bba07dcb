// Merge sort: stable, by any comparison, of anything trivially copyable, through any iterator (zip iterators move keys
// and values together). Blocks sort tiles: each thread a few elements by odd-even transposition in registers, then
// merges of doubling length in shared memory, within a warp first. Passes over memory, each one read and one write, do
// the rest: two runs become one by the merge kernel (merge.hpp), four on Hopper (merge_four.hpp), where keys and values
// behind two pointers are merged as two arrays. Temporary memory: n elements. Comparisons: about n log2(n / thread) + n thread / 2.
#pragma once

#include <weft/gpu/merge.hpp>
#include <weft/gpu/merge_four.hpp>

namespace weft::inline v100::gpu {

/// Sorts Items values by neighbours only, which keeps equal ones in order. The first `held` count.
template <int Items, class T, class Less>
WEFT_DEVICE void sort_items(items<T, Items>& x, int held, const Less& less) {
  // Two rounds at a time: more would be code that is no faster, and takes long to compile.
#pragma unroll 1
  for (int round = 0; round < Items; round += 2)
#pragma unroll
    for (int odd = 0; odd < 2; ++odd)
#pragma unroll
      for (int i = odd; i + 1 < Items; i += 2) {
        const T lower = x[i], upper = x[i + 1];
        const bool exchange = i + 1 < held && less(upper, lower);
        if constexpr (std::is_arithmetic_v<T>) {  // selects rather than moves under conditions
          x[i] = exchange ? upper : lower;
          x[i + 1] = exchange ? lower : upper;
        } else if (exchange) {
          x[i] = upper;
          x[i + 1] = lower;
        }
      }
}

template <class Selector, class T, class In, class Out, class Less>
struct block_sort_kernel {
  template <arch A>
  static constexpr merge_tuning tuning = choose<Selector>(dialect::merge_rows, A, sizeof(T));
  template <arch A>
  static constexpr int block_threads = tuning<A>.sort_threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.sort_residency;
  template <arch A>
  static constexpr int thread_items = merge_thread_items(tuning<A>.thread_bytes, sizeof(T));
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  template <arch A>
  struct shared {
    union {
      T value[tile_items<A> + block_threads<A> / 32 * thread_items<A>];  // some for each warp: read, never used
    };
  };

  In in;
  Out out;
  offset n;
  Less less;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, per_thread = thread_items<Block::arch>;
    const offset at = static_cast<offset>(block.index()) * (threads * per_thread);
    const int held = n - at < threads * per_thread ? static_cast<int>(n - at) : threads * per_thread;
    // Few elements: less in each thread and more threads at work, rather than a few threads one after another.
    constexpr int few = per_thread < 4 ? per_thread : 4;
    if (few < per_thread && held <= threads * few)
      sort<few>(block, s.value, at, held);
    else
      sort<per_thread>(block, s.value, at, held);
  }

  template <int Items, class Block>
  [[gnu::always_inline]] WEFT_DEVICE void sort(Block block, T* value, offset at, int held) const {
    constexpr int threads = block_threads<Block::arch>, size = threads * Items;
    constexpr int W = static_cast<int>(Block::width), part_items = W * Items;
    const int t = static_cast<int>(block.thread()), lane = static_cast<int>(block.warp().lane());

    // A part for each warp, and room for the elements behind it that a merge looks at: no other warp is met in there.
    const int part = static_cast<int>(block.warp().index()), start = part * part_items;
    const int valid = clamped(held - start, 0, part_items);
    const bool whole = held - start >= part_items;
    const int base = part * (part_items + Items);
    T* const own = value + base;
    const auto from = in + (at + start);
    if (whole)
      load_share<true, W, Items>(from, from, valid, valid, lane, own);
    else
      load_share<false, W, Items>(from, from, valid, valid, lane, own);
    items<T, Items> x;  // consecutive elements
    block.warp().sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) x[i] = own[lane * Items + i];
    if (whole)
      sort_items(x, Items, less);
    else
      sort_items(x, valid - lane * Items, less);

#pragma unroll 1
    for (int run = 1; run < W && run * Items < valid; run *= 2)
      merge_runs(value, base, run, lane, valid, x, [&] { block.warp().sync(); });
#pragma unroll 1
    for (int run = W; run * Items < held; run *= 2) merge_runs(value, 0, run, t, held, x, [&] { block.sync(); });

    block.sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) value[t * Items + i] = x[i];
    block.sync();
    if (held == size)
      store_striped<true, threads, Items>(value, held, t, out + at);
    else
      store_striped<false, threads, Items>(value, held, t, out + at);
  }

  /// Runs of `run` threads among the `held` elements from value[base] on become runs of twice as many; x is what thread
  /// t of them has, before and after.
  template <int Items, class Sync>
  WEFT_DEVICE void merge_runs(T* value, int base, int run, int t, int held, items<T, Items>& x,
                              const Sync& sync) const {
    sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) value[base + t * Items + i] = x[i];
    sync();
    const int begin = (t & -2 * run) * Items, width = run * Items;
    auto within = [&](int i) { return base + (i < held ? i : held); };
    const int a = within(begin), b = within(begin + width), end = within(begin + 2 * width);
    const int diagonal = within(t * Items) - a;
    const int split = split_from_step(value, a, b, b, end, diagonal, run * highest_power(Items), less);
    merge_padded_items<Items>(value, a + split, b, b + diagonal - split, end, x, less);
  }
};

/// How the elements of an iterator are merged in fours, if they can be: behind a pointer, or keys and values behind two.
template <class It, class Less>
struct sort_arrays {
  static constexpr bool in_fours = false;
};
template <class T, class Less>
struct sort_arrays<T*, Less> {
  static constexpr bool in_fours = fits_ring<T>;
  using arrays = four_arrays<T, none>;
  static arrays of(T* it) { return {it, nullptr}; }
  static const Less& key_less(const Less& less) { return less; }
};
template <class K, class V, class Less>
struct sort_arrays<zip_iterator<K*, V*>, less_by_key<Less>> {
  static constexpr bool in_fours = fits_ring<K>&& fits_ring<V>;
  using arrays = four_arrays<K, V>;
  static arrays of(const zip_iterator<K*, V*>& it) { return {weft::get<0>(it.bases()), weft::get<1>(it.bases())}; }
  static const Less& key_less(const less_by_key<Less>& less) { return less.less; }
};

/// Memory for n elements of the kind an iterator gives; keys and values behind two pointers stay apart.
template <class It>
class sort_memory {
 public:
  using iterator = iter_value_t<It>*;
  template <class P>
  sort_memory(const P& policy, offset n) : elements_(policy, n) {}
  iterator begin() const { return elements_.data(); }

 private:
  temporary<iter_value_t<It>> elements_;
};
template <class K, class V>
class sort_memory<zip_iterator<K*, V*>> {
 public:
  using iterator = zip_iterator<K*, V*>;
  template <class P>
  sort_memory(const P& policy, offset n) : keys_(policy, n), values_(policy, n) {}
  iterator begin() const { return weft::zip(keys_.data(), values_.data()); }

 private:
  temporary<K> keys_;
  temporary<V> values_;
};

/// Sorts [first, first + n) by `less`, stably.
template <class P, class It, class Less>
void merge_sort(const P& policy, It first, offset n, Less less) {
  using T = iter_value_t<It>;
  using S = typename P::tuning;
  using fours = sort_arrays<It, Less>;
  using memory = sort_memory<It>;
  using Other = typename memory::iterator;
  static_assert(std::is_trivially_copyable_v<T>, "a GPU sorts trivially copyable values");
  if (n < 2) return;
  constexpr bool plain = fours::in_fours;  // asked apart: it does not depend on A
  on_arch(policy, [&]<arch A>() {
    using sort_in_place = block_sort_kernel<S, T, It, It, Less>;
    using sort_away = block_sort_kernel<S, T, It, Other, Less>;
    using merge_away = merge_kernel<S, T, run_pairs<It>, Other, Less>;
    using merge_back = merge_kernel<S, T, run_pairs<Other>, It, Less>;
    constexpr offset tile = sort_in_place::template tile_items<A>;
    static_assert(tile % merge_away::template tile_items<A> == 0, "runs are whole tiles of the merge");

    // Passes over memory: in fours where that is possible, the first one in pairs if the number of doublings is odd.
    constexpr merge_ring_tuning four = sort_in_place::template tuning<A>.four;
    [[maybe_unused]] constexpr bool has_fours = plain && four.threads > 0;
    [[maybe_unused]] bool in_fours = false;
    if constexpr (plain)
      in_fours = has_fours && n * static_cast<offset>(sizeof(T)) >= four.from && fours::of(first).fit();
    int doublings = 0;
    for (offset run = tile; run < n; run *= 2) ++doublings;
    int passes = in_fours ? (doublings + 1) / 2 : doublings;
    const memory temp(policy, passes > 0 ? n : 0);
    const Other other = temp.begin();
    if (passes % 2 == 0)
      launch<A>(policy, ceil_div(n, tile), sort_in_place{first, first, n, less});
    else
      launch<A>(policy, ceil_div(n, tile), sort_away{first, other, n, less});
    for (offset run = tile; passes > 0; --passes) {
      const bool away = passes % 2 == 0;
      if constexpr (plain) {
        if (in_fours && doublings % 2 == 0) {
          if constexpr (has_fours) {
            const auto here = fours::of(first), there = fours::of(other);
            launch_merge_four<A, S>(policy, away ? here : there, n, run, away ? there : here, fours::key_less(less));
          }
          run *= 4;
          continue;
        }
        ++doublings;
      }
      if (away)
        launch_merge<A>(policy, merge_away{{first, first, n, run}, n, other, less, 0});
      else
        launch_merge<A>(policy, merge_back{{other, other, n, run}, n, first, less, 0});
      run *= 2;
    }
  });
}

}  // namespace weft::gpu
