// Merge sort: stable, by any comparison, of anything trivially copyable, through any iterator (zip iterators move keys
// and values together). Blocks sort tiles: each thread a few elements by odd-even transposition in registers, then
// merges of doubling length in shared memory; passes of the merge kernel (merge.hpp) do the rest, each one launch, one
// read and one write. Temporary memory: n elements. Comparisons: about n log2(n / thread) + n thread / 2.
#pragma once

#include <weft/gpu/merge.hpp>

namespace weft::inline v100::gpu {

/// Sorts Items values by neighbours only, which keeps equal ones in order. The first `held` count.
template <int Items, class T, class Less>
WEFT_DEVICE void sort_items(items<T, Items>& x, int held, const Less& less) {
#pragma unroll
  for (int round = 0; round < Items; ++round)
#pragma unroll
    for (int i = round % 2; i + 1 < Items; i += 2)
      if (i + 1 < held && less(x[i + 1], x[i])) {
        const T upper = x[i];
        x[i] = x[i + 1];
        x[i + 1] = upper;
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
      T value[tile_items<A> + 1];  // the last is only read, never used
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
    const int t = static_cast<int>(block.thread()), mine = t * Items;

    if (held == size)
      load_share<true, threads, Items>(in + at, in + at, held, held, t, value);
    else
      load_share<false, threads, Items>(in + at, in + at, held, held, t, value);
    items<T, Items> x;  // consecutive elements
    block.sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) x[i] = value[mine + i];
    if (held == size)
      sort_items(x, Items, less);
    else
      sort_items(x, held - mine, less);

      // Runs of `width` elements become runs of twice as many.
#pragma unroll 1
    for (int width = Items; width < held; width *= 2) {
      block.sync();
#pragma unroll
      for (int i = 0; i < Items; ++i) value[mine + i] = x[i];
      block.sync();
      const int begin = mine / (2 * width) * (2 * width);
      auto within = [&](int i) { return i < held ? i : held; };
      const int a = within(begin), b = within(begin + width), end = within(begin + 2 * width);
      const int diagonal = within(mine) - a;
      const int split = split_at(value, a, b, b, end, diagonal, less);
      merge_items<Items>(value, a + split, b, b + diagonal - split, end, x, less);
    }

    block.sync();
#pragma unroll
    for (int i = 0; i < Items; ++i) value[mine + i] = x[i];
    block.sync();
    if (held == size)
      store_striped<true, threads, Items>(value, held, t, out + at);
    else
      store_striped<false, threads, Items>(value, held, t, out + at);
  }
};

/// Sorts [first, first + n) by `less`, stably.
template <class P, class It, class Less>
void merge_sort(const P& policy, It first, offset n, Less less) {
  using T = iter_value_t<It>;
  using S = typename P::tuning;
  static_assert(std::is_trivially_copyable_v<T>, "a GPU sorts trivially copyable values");
  if (n < 2) return;
  on_arch(policy, [&]<arch A>() {
    using sort_in_place = block_sort_kernel<S, T, It, It, Less>;
    using sort_away = block_sort_kernel<S, T, It, T*, Less>;
    using merge_away = merge_kernel<S, T, run_pairs<It>, T*, Less>;
    using merge_back = merge_kernel<S, T, run_pairs<T*>, It, Less>;
    constexpr offset tile = sort_in_place::template tile_items<A>;
    static_assert(tile % merge_away::template tile_items<A> == 0, "runs are whole tiles of the merge");

    int passes = 0;
    for (offset run = tile; run < n; run *= 2) ++passes;
    temporary<T> temp(policy, passes > 0 ? n : 0);
    T* const other = temp.data();
    if (passes % 2 == 0)
      launch<A>(policy, ceil_div(n, tile), sort_in_place{first, first, n, less});
    else
      launch<A>(policy, ceil_div(n, tile), sort_away{first, other, n, less});
    for (offset run = tile; passes > 0; run *= 2, --passes)
      if (passes % 2 == 0)
        launch_merge<A>(policy, merge_away{{first, first, n, run}, n, other, less, 0});
      else
        launch_merge<A>(policy, merge_back{{other, other, n, run}, n, first, less, 0});
  });
}

}  // namespace weft::gpu
