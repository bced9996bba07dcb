// Reduction by key in one launch and one pass: runs of equal keys are folded by a segmented scan whose state, how many
// runs have begun and the fold of the last one so far, travels between tiles by look-back. A run's value is written by
// whoever meets the head of the next run; only the first value a tile writes depends on the tiles before, so everything
// else is compacted while their states are still under way. Operands stay in order; no identity is assumed.
#pragma once

#include <weft/gpu/by_key_pipeline.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/run_state.hpp>
#include <weft/gpu/select_write.hpp>

namespace weft::inline v100::gpu {

template <class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op, class Selector>
struct reduce_by_key_kernel {
  using K = iter_value_t<Keys>;
  using V = iter_value_t<Values>;
  template <arch A>
  static constexpr by_key_tuning tuning = choose<Selector>(dialect::by_key_rows, A, size_class(sizeof(K) + sizeof(V)));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  /// ptxas would rather spill than give up a block: it may have 64 registers, and for large values all.
  template <arch A>
  static constexpr int block_residency = sizeof(K) + sizeof(V) > 16 ? 1 : 1024 / block_threads<A>;
  static constexpr int run = run_items(sizeof(K) > sizeof(V) ? sizeof(K) : sizeof(V));
  static constexpr int run_bytes = run * (sizeof(K) + sizeof(V));
  template <arch A>
  using shape =
      tile_shape<block_threads<A>, run, (tuning<A>.thread_bytes < run_bytes ? 1 : tuning<A>.thread_bytes / run_bytes)>;

  template <arch A>
  struct shared {
    alignas(16) items<K, shape<A>::items> keys;    // of the runs that begin in the tile
    alignas(16) items<V, shape<A>::items> values;  // of the runs before them
    items<V, block_threads<A> / 32> warp_values;
    int warp_heads[block_threads<A> / 32];
    items<V, 1> prefix;  // the fold of the run open before the tile
    items<V, 1> last;    // the fold of the last run, in the last tile
    bool head_first;     // the tile's first element begins a run
    offset before;       // runs that begin before the tile
    std::uint32_t ticket;
  };

  Keys keys;
  Values values;
  OutKeys out_keys;
  OutValues out_values;
  Count count;
  offset n;
  Equal equal;
  Op op;
  lookback states;
  bool wide_keys, wide_values;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr offset tile_items = shape<Block::arch>::items;
    const unsigned tile = states.draw(block, s.ticket);
    const offset start = tile * tile_items;
    if (n - start >= tile_items)
      full_tile(block, s, tile, start);
    else
      last_tile(block, s, tile, start, static_cast<int>(n - start));
  }

  template <class Block>
  WEFT_DEVICE void full_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows;

    // Load, and find where runs begin.
    held_run<K, run> k[rows];
    held_run<V, run> v[rows];
    std::uint32_t mask[rows];
    load_rows<tile_shape>(block, keys, start, wide_keys, k);
    load_rows<tile_shape>(block, values, start, wide_values, v);
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const items<K, run> key = k[r].take(block);
      mask[r] = heads<run, true>(block, keys, start + tile_shape::at(block, r), run, key.value, equal);
    }

    // Scan the warp, then the warps of the block.
    int rank[rows];
    const int warp_heads = rank_rows<rows>(block, mask, rank);
    items<V, rows> open;  // the fold of the run that is open before this lane's run of row r, as far as the warp has it
    V carry = v[0].take(block)[0];
#pragma unroll
    for (int r = 0; r < rows; ++r) open[r] = scan_row(block, v[r].take(block), mask[r], r == 0, true, true, carry);
    if (block.warp().lane() == 0)
      s.warp_values[static_cast<int>(block.warp().index())] = carry, s.warp_heads[block.warp().index()] = warp_heads;
    block.sync();
    const entry e = scan_warps(block, s, block_threads<Block::arch> / static_cast<int>(Block::width), carry);
    if (tile > 0 && block.thread() == 0) states.publish(block, tile, e.total, false);

      // Compact.
#pragma unroll
    for (int r = 0; r < rows; ++r)
      compact_run(block, s, e, k[r].take(block), v[r].take(block), mask[r], rank[r], open[r], r == 0, start,
                  tile_shape::at(block, r), run);
    write_tile<true>(block, s, e, tile, start, tile_shape::items);
  }

  /// The last tile, of which `valid` elements exist: row by row, and read twice, to keep the code small.
  template <class Block>
  WEFT_DEVICE void last_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int row_items = run * static_cast<int>(Block::width);
    const int w = static_cast<int>(block.warp().index()), lane = static_cast<int>(block.warp().lane());
    const auto [begin, end, full_warps] = share_tail<tile_shape>(block, valid);

    std::uint32_t mask;
    int rank, warp_heads = 0;
    V carry = static_cast<V>(values[start]);
#pragma unroll 1
    for (int row = begin; row < end; row += row_items) {
      const int at = row + lane * run;
      items<K, run> k;
      items<V, run> v;
      load_tail_run<run, false, Block>(keys, start + at, end - at, wide_keys, k.value);
      load_tail_run<run, false, Block>(values, start + at, end - at, wide_values, v.value);
      mask = heads<run, false>(block, keys, start + at, end - at, k.value, equal);
      warp_heads += rank_rows<1>(block, &mask, &rank);
      scan_row(block, v, mask, row == begin, at < end, at + run <= end, carry);
    }
    if (lane == 0) s.warp_values[w] = carry, s.warp_heads[w] = warp_heads;
    block.sync();
    const entry e = scan_warps(block, s, full_warps, carry);
    int ranked = 0;
#pragma unroll 1
    for (int row = begin; row < end; row += row_items) {
      const int at = row + lane * run;
      items<K, run> k;
      items<V, run> v;
      load_tail_run<run, false, Block>(keys, start + at, end - at, wide_keys, k.value);
      load_tail_run<run, false, Block>(values, start + at, end - at, wide_values, v.value);
      mask = heads<run, false>(block, keys, start + at, end - at, k.value, equal);
      const int of_row = rank_rows<1>(block, &mask, &rank);
      const V open = scan_row(block, v, mask, row == begin, at < end, at + run <= end, carry);
      compact_run(block, s, e, k, v, mask, ranked + rank, open, row == begin, start, at, end - at);
      ranked += of_row;
    }
    write_tile<false>(block, s, e, tile, start, valid);
  }

  /// One row of a warp. Returns the fold of the run that is open before this lane's elements, as far as it lies in the
  /// warp, for lanes where there is something before and which `exist`; only `whole` lanes are folded. `carry` is what
  /// is open after the rows above, and takes this row in when all of it is whole.
  template <class Block>
  WEFT_DEVICE V scan_row(Block block, const items<V, run>& v, std::uint32_t mask, bool first_row, bool exists,
                         bool whole, V& carry) const {
    const auto warp = block.warp();
    V tail = v[0];
    if (whole) {
#pragma unroll
      for (int j = 1; j < run; ++j) tail = mask >> j & 1 ? v[j] : static_cast<V>(op(tail, v[j]));
    }
    const std::uint64_t heads = warp.ballot(mask != 0);
    const V upto = warp_segmented(block, tail, heads, op, whole);
    const V row = warp.shuffle(upto, Block::width - 1);
    V open = warp.shuffle_up(upto, 1);
    if (!first_row && exists) {
      if (warp.lane() == 0)
        open = carry;
      else if (!(heads & warp.lanes_below()))
        open = static_cast<V>(op(carry, open));
    }
    if (warp.all(whole)) carry = first_row || heads ? row : static_cast<V>(op(carry, row));
    return open;
  }

  /// What a warp must know of the rest of the tile.
  struct entry {
    int heads_before;    // in the warps before
    V open;              // the fold of the run open before this warp; absent for the first
    run_state<V> total;  // of the tile, where it is full
  };

  /// Puts the keys of the runs that begin in a lane's elements, and the values of the runs that end before them, into
  /// their places. `rank` counts the heads of the warp before.
  template <class Block>
  WEFT_DEVICE void compact_run(Block block, shared<Block::arch>& s, const entry& e, const items<K, run>& k,
                               const items<V, run>& v, std::uint32_t mask, int rank, const V& open, bool first_row,
                               offset start, int at, int count) const {
    if (count <= 0) return;
    const bool first_warp = block.warp().index() == 0, first = first_row && block.warp().lane() == 0;
    V sum = open;
    if (!first_warp && first)
      sum = e.open;
    else if (!first_warp && rank == 0)
      sum = static_cast<V>(op(e.open, open));
    int next = e.heads_before + rank;
#pragma unroll
    for (int j = 0; j < run; ++j) {
      if (j >= count) break;
      const bool nothing_before = first_warp && first && j == 0;  // the first element of the tile
      if (mask >> j & 1) {
        s.keys[next] = k[j];
        if (!nothing_before) s.values[next] = sum;
        ++next;
        sum = v[j];
      } else {
        sum = nothing_before ? v[j] : static_cast<V>(op(sum, v[j]));
      }
      if (start + at + j == n - 1) s.last[0] = sum;
      if (nothing_before) s.head_first = mask & 1;
    }
  }

  /// The run open before the tile ends at the tile's first head, or goes on.
  template <bool Full, class Block>
  WEFT_DEVICE void write_tile(Block block, shared<Block::arch>& s, const entry& e, unsigned tile, offset start,
                              int valid) const {
    if (block.warp().index() == 0) find_prefix<Full>(block, s, tile, e.total);
    block.sync();
    const offset runs = s.before;
    const int begun = static_cast<int>(e.total.heads);
    write_compacted(block, out_keys, runs, begun, s.keys.value, 0);
    if (begun > 1) write_compacted(block, out_values, runs, begun - 1, s.values.value, 1);
    if (block.thread() == 0) {
      if (tile > 0 && begun > 0)
        out_values[runs - 1] = s.head_first ? s.prefix[0] : static_cast<V>(op(s.prefix[0], s.values[0]));
      if (start + valid == n) {
        out_values[runs + begun - 1] = tile > 0 && begun == 0 ? static_cast<V>(op(s.prefix[0], s.last[0])) : s.last[0];
        *count = runs + begun;
      }
    }
  }

  template <class Block>
  WEFT_DEVICE entry scan_warps(Block block, const shared<Block::arch>& s, int full_warps, const V& any) const {
    constexpr int width = Block::width, warps = block_threads<Block::arch> / width;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    int heads_total;
    const int heads_before = exclusive_of_warps<block_threads<Block::arch>>(block, s.warp_heads, heads_total);
    V mine = any;
    if (lane < full_warps) mine = s.warp_values[lane];
    const std::uint64_t heads = warp.ballot(lane < full_warps && s.warp_heads[lane < warps ? lane : 0] > 0);
    const V upto = warp_segmented(block, mine, heads, op, lane < full_warps);
    const V open = warp.shuffle(upto, warp.index() > 0 ? warp.index() - 1 : 0);
    return {heads_before, open, {heads_total, warp.shuffle(upto, warps - 1)}};
  }

  /// By the first warp: what is open before the tile, and what later tiles wait for.
  template <bool Full, class Block>
  WEFT_DEVICE void find_prefix(Block block, shared<Block::arch>& s, unsigned tile, const run_state<V>& total) const {
    const join_runs<Op> join{op};
    run_state<V> before{0, total.value};
    if (tile > 0) before = states.template prefix<run_state<V>>(block, tile, join);
    if (block.warp().lane() == 0) {
      if (Full) states.publish(block, tile, tile > 0 ? join(before, total) : total, true);
      s.before = before.heads;
      s.prefix[0] = before.value;
    }
  }
};

/// *count = 0.
template <class Count>
struct no_runs_kernel {
  template <arch A>
  static constexpr int block_threads = 64;
  template <arch A>
  struct shared {};
  Count count;
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    if (block.thread() == 0) *count = offset{0};
  }
};

template <class P, class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op>
void reduce_by_key_into(const P& policy, Keys keys, Values values, offset n, OutKeys out_keys, OutValues out_values,
                        Count count, Equal equal, Op op) {
  using kernel = reduce_by_key_kernel<Keys, Values, OutKeys, OutValues, Count, Equal, Op, typename P::tuning>;
  using V = typename kernel::V;
  static_assert(!P::wants_same_bits || same_in_any_order<V>, "algorithms that want the same bits scan run states");
  on_arch(policy, [&]<arch A>() {
    if (n == 0) return launch<A>(policy, 1, no_runs_kernel<Count>{count});
    if constexpr (std::is_pointer_v<Keys> && sizeof(typename kernel::K) + sizeof(V) <= 128 &&
                  kernel::template tuning<A>.pipeline.threads > 0) {
      using pipeline =
          reduce_by_key_pipeline_kernel<Keys, Values, OutKeys, OutValues, Count, Equal, Op, typename P::tuning>;
      const bool large =
          n * static_cast<offset>(sizeof(typename kernel::K)) >= kernel::template tuning<A>.pipeline.from &&
          n > pipeline::template tile_items<A>;
      if (large && vector_aligned(keys) && (!pipeline::staged || vector_aligned(values))) {
        const offset tiles = ceil_div(n, pipeline::template tile_items<A>);
        const offset resident = resident_blocks<A, pipeline>(policy), blocks = resident < tiles ? resident : tiles;
        lookback_states states(policy, tiles, payload<run_state<V>>::words);
        launch<A>(policy, blocks, pipeline{keys, values, out_keys, out_values, count, n, equal, op, states.view()});
        states.launched(tiles + blocks);
        return;
      }
    }
    const offset tiles = ceil_div(n, kernel::template shape<A>::items);
    lookback_states states(policy, tiles, payload<run_state<V>>::words);
    launch<A>(policy, tiles,
              kernel{keys, values, out_keys, out_values, count, n, equal, op, states.view(), vector_aligned(keys),
                     vector_aligned(values)});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
