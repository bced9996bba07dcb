// Merge sort: stable, by any comparison, of anything trivially copyable, through any iterator (zip iterators move keys
// and values together). Blocks sort tiles: each thread a few elements by odd-even transposition in registers, then
// merges of doubling length in shared memory, within a warp first. Passes over memory, each one read and one write, do
// the rest: two runs become one by the merge kernel (merge.hpp), four on Hopper (merge_four.hpp), where keys and values
// behind two pointers are merged as two arrays. Temporary memory: n elements. Comparisons: about n log2(n / thread) + n
// thread / 2.
#pragma once

#include <weft/gpu/merge.hpp>
#include <weft/gpu/merge_four.hpp>

namespace weft::inline v100::gpu {

/// Sorts Items keys by neighbours only, which keeps equal ones in order, and values, if there are any, along with them.
/// The first `held` count.
template <int Items, class K, class V, class Less>
WEFT_DEVICE void sort_items(items<K, Items>& x, [[maybe_unused]] V& values, int held, const Less& less) {
  // Two rounds at a time: more would be code that is no faster, and takes long to compile.
#pragma unroll 1
  for (int round = 0; round < Items; round += 2)
#pragma unroll
    for (int odd = 0; odd < 2; ++odd)
#pragma unroll
      for (int i = odd; i + 1 < Items; i += 2) {
        const K lower = x[i], upper = x[i + 1];
        const bool exchange = i + 1 < held && less(upper, lower);
        if constexpr (std::is_arithmetic_v<K>) {  // selects rather than moves under conditions
          x[i] = exchange ? upper : lower;
          x[i + 1] = exchange ? lower : upper;
        } else if (exchange) {
          x[i] = upper;
          x[i + 1] = lower;
        }
        if constexpr (!is_none<V>)
          if (exchange) {
            const auto value = values[i];
            values[i] = values[i + 1];
            values[i + 1] = value;
          }
      }
}

/// V = none: elements alone, through any iterators; else values in arrays of their own move along with the keys.
template <class Selector, class K, class V, class In, class Out, class Less>
struct block_sort_kernel {
  static constexpr bool has_values = !is_none<V>;
  using value_type = std::conditional_t<has_values, V, char>;

  template <arch A>
  static constexpr merge_tuning tuning = choose<Selector>(dialect::merge_rows, A, merged_bytes<K, V>);
  template <arch A>
  static constexpr int block_threads = tuning<A>.sort_threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.sort_residency;
  template <arch A>
  static constexpr int thread_items = merge_thread_items(tuning<A>.thread_bytes, merged_bytes<K, V>);
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  template <arch A>
  struct shared {
    // Some for each warp: read, never used.
    static constexpr int size = tile_items<A> + block_threads<A> / 32 * thread_items<A>;
    union {
      K key[size];
    };
    union {
      value_type value[has_values ? size : 1];
    };
  };

  In in;
  Out out;
  value_type* in_values;
  value_type* out_values;
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
      sort<few>(block, s.key, s.value, at, held);
    else
      sort<per_thread>(block, s.key, s.value, at, held);
  }

 private:
  template <int Items>
  using carried = std::conditional_t<has_values, items<value_type, Items>, none>;

  template <int Items, class Block>
  [[gnu::always_inline]] WEFT_DEVICE void sort(Block block, K* key, value_type* value, offset at, int held) const {
    constexpr int threads = block_threads<Block::arch>, size = threads * Items;
    constexpr int W = static_cast<int>(Block::width), part_items = W * Items;
    const int t = static_cast<int>(block.thread()), lane = static_cast<int>(block.warp().lane());

    // A part for each warp, and room for the elements behind it that a merge looks at: no other warp is met in there.
    const int part = static_cast<int>(block.warp().index()), start = part * part_items;
    const int valid = clamped(held - start, 0, part_items);
    const bool whole = held - start >= part_items;
    const int base = part * (part_items + Items);
    load_part<Items, W>(in + (at + start), key + base, valid, whole, lane);
    if constexpr (has_values) load_part<Items, W>(in_values + (at + start), value + base, valid, whole, lane);
    items<K, Items> x;  // consecutive elements
    carried<Items> v;
    block.warp().sync();
    const int own = base + lane * Items;
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      x[i] = key[own + i];
      if constexpr (has_values) v[i] = value[own + i];
    }
    if (whole)
      sort_items(x, v, Items, less);
    else
      sort_items(x, v, valid - lane * Items, less);

#pragma unroll 1
    for (int run = 1; run < W && run * Items < valid; run *= 2)
      merge_runs<Items>(key, value, base, run, lane, valid, x, v, [&] { block.warp().sync(); });
#pragma unroll 1
    for (int run = W; run * Items < held; run *= 2)
      merge_runs<Items>(key, value, 0, run, t, held, x, v, [&] { block.sync(); });

    block.sync();
    put<Items>(key, value, t * Items, x, v);
    block.sync();
    store_part<Items>(key, out + at, held, size, t, std::integral_constant<int, threads>{});
    if constexpr (has_values)
      store_part<Items>(value, out_values + at, held, size, t, std::integral_constant<int, threads>{});
  }

  template <int Items, int W, class From, class U>
  static WEFT_DEVICE void load_part(const From& from, U* to, int valid, bool whole, int lane) {
    if (whole)
      load_share<true, W, Items>(from, from, valid, valid, lane, to);
    else
      load_share<false, W, Items>(from, from, valid, valid, lane, to);
  }
  template <int Items, class U, class To, int Threads>
  static WEFT_DEVICE void store_part(const U* from, const To& to, int held, int size, int t,
                                     std::integral_constant<int, Threads>) {
    if (held == size)
      store_striped<true, Threads, Items>(from, held, t, to);
    else
      store_striped<false, Threads, Items>(from, held, t, to);
  }
  template <int Items>
  static WEFT_DEVICE void put(K* key, [[maybe_unused]] value_type* value, int at, const items<K, Items>& x,
                              [[maybe_unused]] const carried<Items>& v) {
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      key[at + i] = x[i];
      if constexpr (has_values) value[at + i] = v[i];
    }
  }

  /// Runs of `run` threads among the `held` elements from place `base` on become runs of twice as many; x (and v) is
  /// what thread t of them has, before and after.
  template <int Items, class Sync>
  WEFT_DEVICE void merge_runs(K* key, [[maybe_unused]] value_type* value, int base, int run, int t, int held,
                              items<K, Items>& x, [[maybe_unused]] carried<Items>& v, const Sync& sync) const {
    sync();
    put<Items>(key, value, base + t * Items, x, v);
    sync();
    const int begin = (t & -2 * run) * Items, width = run * Items;
    auto within = [&](int i) { return base + (i < held ? i : held); };
    const int a = within(begin), b = within(begin + width), end = within(begin + 2 * width);
    const int diagonal = within(t * Items) - a;
    const int split = split_from_step(key, a, b, b, end, diagonal, run * highest_power(Items), less);
    if constexpr (has_values)
      merge_padded_items<Items>(key, a + split, b, b + diagonal - split, end, x, less,
                                [&](int i, const K* taken) { v[i] = value[taken - key]; });
    else
      merge_padded_items<Items>(key, a + split, b, b + diagonal - split, end, x, less);
  }
};

/// How the elements of an iterator are sorted by blocks, and merged in fours, if they can be: as they are,
template <class It, class Less>
struct sort_arrays {
  static constexpr bool in_fours = false;
  template <class Selector, class In, class Out>
  using block_sort = block_sort_kernel<Selector, iter_value_t<It>, none, In, Out, Less>;
  template <class Kernel, class In, class Out>
  static Kernel make(const In& in, const Out& out, offset n, const Less& less) {
    return {in, out, nullptr, nullptr, n, less};
  }
};
template <class T, class Less>
struct sort_arrays<T*, Less> : sort_arrays<T* const, Less> {
  static constexpr bool in_fours = fits_ring<T>;
  static four_arrays<T, none> of(T* it) { return {it, nullptr}; }
  static const Less& key_less(const Less& less) { return less; }
};
/// or as keys and values apart.
template <class K, class V, class Less>
struct sort_arrays<zip_iterator<K*, V*>, less_by_key<Less>> {
  static constexpr bool in_fours = fits_ring<K> && fits_ring<V>;
  static four_arrays<K, V> of(const zip_iterator<K*, V*>& it) {
    return {weft::get<0>(it.bases()), weft::get<1>(it.bases())};
  }
  static const Less& key_less(const less_by_key<Less>& less) { return less.less; }
  template <class Selector, class In, class Out>
  using block_sort = block_sort_kernel<Selector, K, V, K*, K*, Less>;
  template <class Kernel>
  static Kernel make(const zip_iterator<K*, V*>& in, const zip_iterator<K*, V*>& out, offset n,
                     const less_by_key<Less>& less) {
    return {of(in).keys, of(out).keys, of(in).values, of(out).values, n, less.less};
  }
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
    using sort_in_place = typename fours::template block_sort<S, It, It>;
    using sort_away = typename fours::template block_sort<S, It, Other>;
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
      launch<A>(policy, ceil_div(n, tile), fours::template make<sort_in_place>(first, first, n, less));
    else
      launch<A>(policy, ceil_div(n, tile), fours::template make<sort_away>(first, other, n, less));
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
