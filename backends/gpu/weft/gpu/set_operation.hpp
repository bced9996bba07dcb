// Set operations of two sorted ranges in one launch, every element read once and written at most once. A tile is an
// equal part of the walk over both (balanced path, weft/set_operations/balanced_path.hpp): its share of both inputs
// comes into shared memory, each thread finds its place there and walks over a few elements, noting which are kept; the
// tile's count goes through look-back and its kept elements are written as one consecutive range. Values never enter
// shared memory: those of kept elements are copied from where they are.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>
#include <weft/gpu/merge.hpp>
#include <weft/gpu/set_operation_ring.hpp>
#include <weft/set_operations/balanced_path.hpp>

namespace weft::inline v100::gpu {

template <class Selector, class T, class A, class AValues, class B, class BValues, class Out, class OutValues,
          class Count, class Less, class Op>
struct set_operation_kernel {
  template <arch X>
  static constexpr merge_tuning tuning = choose<Selector>(dialect::merge_rows, X, size_class(sizeof(T)));
  template <arch X>
  static constexpr int block_threads = tuning<X>.block_threads;
  /// The walk of a thread ends in the middle of a pair at worst; it notes what is kept in a word.
  template <arch X>
  static constexpr int thread_items = merge_thread_items(tuning<X>.thread_bytes, sizeof(T)) < 31
                                          ? merge_thread_items(tuning<X>.thread_bytes, sizeof(T))
                                          : 31;
  template <arch X>
  static constexpr int tile_items = block_threads<X>* thread_items<X>;
  template <arch X>
  struct shared {
    static_assert(tile_items<X> < 65535, "places in a tile are held in 16 bits");
    union {
      T value[tile_items<X> + 1];  // a's share, then b's
    };
    std::uint16_t kept[tile_items<X> + 1];  // where in `value`
    walk_place<offset> bound[2];
    int warp_counts[block_threads<X> / 32];
    offset before;
    std::uint32_t ticket;
    WEFT_DEVICE shared() {}
  };

  A a;
  AValues a_values;
  offset na;
  B b;
  BValues b_values;
  offset nb;
  Out out;
  OutValues out_values;
  Count count;
  Less less;
  lookback states;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, per_thread = thread_items<Block::arch>;
    constexpr offset size = tile_items<Block::arch>;
    const unsigned tile = states.draw(block, s.ticket);
    const offset all = na + nb, start = tile * size, end = all - start < size ? all : start + size;
    const int t = static_cast<int>(block.thread());

    // Where the tile begins and ends in both ranges: a warp each.
    if (block.warp().index() < 2) {
      const offset diagonal = block.warp().index() == 0 ? start : end;
      split_search<Block, T, offset> search(diagonal, na, nb);
      while (!search.done()) {
        search.ask(block, a, b);
        search.narrow(block, less);
      }
      if (block.warp().lane() == 0)
        s.bound[block.warp().index()] = balanced_split(a, na, b, nb, diagonal, search.result(), less);
    }
    block.sync();
    const walk_place<offset> from = s.bound[0], until = s.bound[1];
    const int in_a = static_cast<int>(until.i - from.i), in_b = static_cast<int>(until.j - from.j);
    const int held = in_a + in_b;

    // Load: a's share, then b's.
    load_share<false, threads, per_thread + 1>(a + from.i, b + from.j, in_a, held, t, s.value);
    block.sync();

    // Walk: a thread from its place to the next one's.
    const walk_place<int> mine = place_of(s.value, in_a, in_b, t * per_thread),
                          next = place_of(s.value, in_a, in_b, (t + 1) * per_thread);
    int source[per_thread + 1];
    std::uint32_t mask = 0;
    int i = mine.i, j = mine.j;
#pragma unroll
    for (int k = 0; k <= per_thread; ++k) {
      source[k] = 0;
      if (i < next.i || j < next.j) {
        const bool a_first = j >= next.j || (i < next.i && less(s.value[i], s.value[in_a + j]));
        const bool b_first = i >= next.i || (j < next.j && less(s.value[in_a + j], s.value[i]));
        source[k] = b_first ? in_a + j : i;
        const bool keeps = a_first ? Op::of_a : b_first ? Op::of_b : Op::of_both;
        mask |= static_cast<std::uint32_t>(keeps) << k;
        i += !b_first;
        j += !a_first;
      }
    }

    // Rank the kept ones in the tile, and the tile among all.
    const int own = block.popcount(mask);
    const int upto = static_cast<int>(block.warp().inclusive_sum(static_cast<std::uint32_t>(own)));
    if (block.warp().lane() == Block::width - 1) s.warp_counts[block.warp().index()] = upto;
    block.sync();
    int total;
    int rank = exclusive_of_warps<threads>(block, s.warp_counts, total) + upto - own;
    if (tile > 0 && t == 0) states.publish(block, tile, tile_count{total}, false);
#pragma unroll
    for (int k = 0; k <= per_thread; ++k)
      if (mask >> k & 1) s.kept[rank++] = static_cast<std::uint16_t>(source[k]);
    if (block.warp().index() == 0) {
      offset before = 0;
      if (tile > 0) before = states.template prefix<tile_count>(block, tile, add_counts{}).value;
      if (block.warp().lane() == 0) {
        states.publish(block, tile, tile_count{before + total}, true);
        s.before = before;
        if (end == all) *count = before + total;
      }
    }
    block.sync();

    // Out.
    if constexpr (!is_none<Out>) {
      const offset before = s.before;
      for (int k = t; k < total; k += threads) {
        const int at = s.kept[k];
        out[before + k] = s.value[at];
        if constexpr (!is_none<OutValues>) {
          if constexpr (is_none<BValues>)
            out_values[before + k] = a_values[from.i + at];
          else if (at < in_a)
            out_values[before + k] = a_values[from.i + at];
          else
            out_values[before + k] = b_values[from.j + (at - in_a)];
        }
      }
    }
  }

 private:
  /// The place of the tile's walk after `diagonal` elements.
  WEFT_DEVICE walk_place<int> place_of(const T* value, int in_a, int in_b, int diagonal) const {
    const int held = in_a + in_b;
    if (diagonal >= held) return {in_a, in_b};
    return balanced_split(value, in_a, value + in_a, in_b, diagonal,
                          split_at(value, 0, in_a, in_a, held, diagonal, less), less);
  }
};

template <class P, class A, class AValues, class B, class BValues, class Out, class OutValues, class Count, class Less,
          class Op>
void set_operation_into(const P& policy, A a, AValues a_values, offset na, B b, BValues b_values, offset nb, Out out,
                        OutValues out_values, Count count, Less less, Op) {
  using T = typename common_value<iter_value_t<A>, iter_value_t<B>>::type;
  using kernel = set_operation_kernel<typename P::tuning, T, A, AValues, B, BValues, Out, OutValues, Count, Less, Op>;
  on_arch(policy, [&]<arch X>() {
    const offset n = na + nb;
    if constexpr (is_none<AValues> && is_none<BValues> && merges_in_ring<T, whole_ranges<A, B>, Out>) {
      constexpr select_pipeline_tuning ring_tuning = kernel::template tuning<X>.set_ring;
      if constexpr (ring_tuning.threads > 0) {
        using ring = set_ring_kernel<typename P::tuning, T, Count, Less, Op>;
        if (n * static_cast<offset>(sizeof(T)) >= ring_tuning.from && n > ring::template tile_items<X> &&
            whole_elements(a) && whole_elements(b)) {
          const offset tiles = ceil_div(n, ring::template tile_items<X>);
          const offset resident = resident_blocks<X, ring>(policy), blocks = resident < tiles ? resident : tiles;
          lookback_states states(policy, tiles, payload<tile_count>::words);
          launch<X>(policy, blocks, ring{a, na, b, nb, out, count, less, states.view()});
          states.launched(tiles + blocks);
          return;
        }
      }
    }
    const offset tiles = n == 0 ? 1 : ceil_div(n, kernel::template tile_items<X>);
    lookback_states states(policy, tiles, payload<tile_count>::words);
    launch<X>(policy, tiles, kernel{a, a_values, na, b, b_values, nb, out, out_values, count, less, states.view()});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
