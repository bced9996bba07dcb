// Reduction by key in one launch and one pass: runs of equal keys are folded by a segmented scan whose state, how many
// runs have begun and the fold of the last one so far, travels between tiles by look-back. A run's value is written by
// whoever meets the head of the next run; only the first value a tile writes depends on the tiles before, so everything
// else is compacted while their states are still under way. Operands stay in order; no identity is assumed.
#pragma once

#include <weft/gpu/select.hpp>

namespace weft::gpu {

/// Of consecutive elements: how many runs begin in them, and the fold of the last run as far as it lies in them.
template <class V>
struct run_state {
  offset heads;
  V value;
};
template <class Op>
struct join_runs {
  Op op;
  template <class V>
  WEFT_DEVICE run_state<V> operator()(const run_state<V>& a, const run_state<V>& b) const {
    return {a.heads + b.heads, b.heads > 0 ? b.value : static_cast<V>(op(a.value, b.value))};
  }
};
template <class V>
struct payload<run_state<V>> {
  static constexpr int words = 1 + payload<V>::words;
  static WEFT_DEVICE void pack(const run_state<V>& s, std::uint64_t* word) {
    payload<offset>::pack(s.heads, word);
    payload<V>::pack(s.value, word + 1);
  }
  static WEFT_DEVICE run_state<V> unpack(const std::uint64_t* word) {
    return {payload<offset>::unpack(word), payload<V>::unpack(word + 1)};
  }
};
// Warp words take 64 bytes at most: the state of a large value goes in two parts.
template <class Block, class V>
WEFT_DEVICE run_state<V> lanes_down(Block block, const run_state<V>& s, unsigned d) {
  return {block.warp().shuffle_down(s.heads, d), block.warp().shuffle_down(s.value, d)};
}
template <class Block, class V>
WEFT_DEVICE run_state<V> of_lane(Block block, const run_state<V>& s, unsigned lane) {
  return {block.warp().shuffle(s.heads, lane), block.warp().shuffle(s.value, lane)};
}

/// Segmented inclusive scan over the lanes: a lane with `head` begins a segment, and its v counts from there.
template <class Block, class V, class Op>
WEFT_DEVICE V warp_segmented(Block block, V v, std::uint64_t heads, const Op& op, bool valid = true) {
  const auto warp = block.warp();
  const int lane = static_cast<int>(warp.lane());
  const std::uint64_t upto = heads & (warp.lanes_below() * 2 + 1);
  const int begin = upto ? block.highest_bit(upto) : 0;
#pragma unroll
  for (int d = 1; d < static_cast<int>(Block::width); d *= 2) {
    const V left = warp.shuffle_up(v, static_cast<unsigned>(d));
    if (valid && lane - d >= begin) v = static_cast<V>(op(left, v));
  }
  return v;
}

template <class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op, class Selector>
struct reduce_by_key_kernel {
  using K = iter_value_t<Keys>;
  using V = iter_value_t<Values>;
  template <arch A>
  static constexpr by_key_tuning tuning = choose<Selector>(dialect::by_key_rows, A, sizeof(K) + sizeof(V));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
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
      run_tile<true>(block, s, tile, start, static_cast<int>(tile_items));
    else
      run_tile<false>(block, s, tile, start, static_cast<int>(n - start));
  }

  template <bool Full, class Block>
  WEFT_DEVICE void run_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows;
    const auto warp = block.warp();
    const int w = static_cast<int>(warp.index());

    // Load, and find where runs begin.
    items<K, rows * run> k;
    items<V, rows * run> v;
    std::uint32_t mask[rows];
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      load_tail_run<run, Full, Block>(keys, start + at, valid - at, wide_keys, k.value + r * run);
      load_tail_run<run, Full, Block>(values, start + at, valid - at, wide_values, v.value + r * run);
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      mask[r] = heads<run, Full>(block, keys, start + at, valid - at, k.value + r * run, equal);
    }

    // Scan the warp, then the warps of the block.
    int rank[rows];
    const int warp_heads = rank_rows<rows>(block, mask, rank);
    items<V, rows> open;  // the fold of the run that is open before this lane's run of row r, as far as the warp has it
    const V of_warp = scan_rows<Full>(block, v, mask, valid, open);
    if (warp.lane() == Block::width - 1) s.warp_values[w] = of_warp, s.warp_heads[w] = warp_heads;
    block.sync();
    run_state<V> total{0, of_warp};
    int heads_before;
    const V before = scan_warps<Full>(block, s, valid, heads_before, total);
    if (Full && tile > 0 && block.thread() == 0) states.publish(block, tile, total, false);

      // Compact; the first warp then looks for what the tile continues.
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      const bool first = r == 0 && warp.lane() == 0, first_of_tile = first && w == 0;
      V sum = open[r];
      if (first && w > 0)
        sum = before;
      else if (w > 0 && rank[r] == 0 && (Full || at < valid))
        sum = static_cast<V>(op(before, open[r]));
      int next = heads_before + rank[r];
#pragma unroll
      for (int j = 0; j < run; ++j) {
        if (!Full && at + j >= valid) break;
        const bool nothing_before = first_of_tile && j == 0;
        if (mask[r] >> j & 1) {
          s.keys[next] = k[r * run + j];
          if (!nothing_before) s.values[next] = sum;
          ++next;
          sum = v[r * run + j];
        } else {
          sum = nothing_before ? v[r * run + j] : static_cast<V>(op(sum, v[r * run + j]));
        }
        if (start + at + j == n - 1) s.last[0] = sum;
      }
    }
    if (w == 0) find_prefix<Full>(block, s, tile, total);
    const bool head_first = block.sync_or(first_head(block, mask[0]));

    // Write. The run open before the tile ends at the tile's first head, or goes on.
    const offset runs = s.before;
    const int begun = static_cast<int>(total.heads);
    write_compacted(block, out_keys, runs, begun, s.keys.value);
    if (begun > 1) write_compacted(block, out_values, runs, begun - 1, s.values.value + 1);
    if (block.thread() == 0) {
      if (tile > 0 && begun > 0)
        out_values[runs - 1] = head_first ? s.prefix[0] : static_cast<V>(op(s.prefix[0], s.values[0]));
      if (start + valid == n) {
        out_values[runs + begun - 1] = tile > 0 && begun == 0 ? static_cast<V>(op(s.prefix[0], s.last[0])) : s.last[0];
        *count = runs + begun;
      }
    }
  }

  /// Whether this thread holds the first element of the tile, and it begins a run.
  template <class Block>
  static WEFT_DEVICE bool first_head(Block block, std::uint32_t mask) {
    return block.thread() == 0 && (mask & 1);
  }

  /// Fills open[r] (absent for lane 0 of row 0); returns the fold of the warp's last run, where all of the warp exists.
  template <bool Full, class Block, int Items, int Rows>
  WEFT_DEVICE V scan_rows(Block block, const items<V, Items>& v, const std::uint32_t* mask, int valid,
                          items<V, Rows>& open) const {
    using tile_shape = shape<Block::arch>;
    const auto warp = block.warp();
    V carry = v[0];
#pragma unroll
    for (int r = 0; r < Rows; ++r) {
      const int at = tile_shape::at(block, r);
      const bool whole = Full || at + run <= valid;
      V tail = v[r * run];
      if (whole) {
#pragma unroll
        for (int j = 1; j < run; ++j)
          tail = mask[r] >> j & 1 ? v[r * run + j] : static_cast<V>(op(tail, v[r * run + j]));
      }
      const std::uint64_t heads = warp.ballot(mask[r] != 0);
      const V upto = warp_segmented(block, tail, heads, op, whole);
      const V left = warp.shuffle_up(upto, 1), row = warp.shuffle(upto, Block::width - 1);
      open[r] = left;
      if (r > 0) {
        if (warp.lane() == 0)
          open[r] = carry;
        else if (!(heads & warp.lanes_below()) && (Full || at < valid))
          open[r] = static_cast<V>(op(carry, left));
      }
      if (Full || warp.all(whole)) carry = r == 0 || heads ? row : static_cast<V>(op(carry, row));
    }
    return carry;
  }

  /// The fold of the run open before this warp (absent for the first), the heads before it, and the tile's total.
  template <bool Full, class Block>
  WEFT_DEVICE V scan_warps(Block block, shared<Block::arch>& s, int valid, int& heads_before,
                           run_state<V>& total) const {
    constexpr int width = Block::width, warps = block_threads<Block::arch> / width;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    int heads_total;
    heads_before = exclusive_of_warps<block_threads<Block::arch>>(block, s.warp_heads, heads_total);
    const int full_warps = Full ? warps : valid / (width * shape<Block::arch>::thread_items);
    V mine = total.value;
    if (lane < full_warps) mine = s.warp_values[lane];
    const std::uint64_t heads = warp.ballot(lane < full_warps && s.warp_heads[lane < warps ? lane : 0] > 0);
    const V upto = warp_segmented(block, mine, heads, op, lane < full_warps);
    total = {heads_total, warp.shuffle(upto, warps - 1)};
    return warp.shuffle(upto, warp.index() > 0 ? warp.index() - 1 : 0);
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
  static_assert(!P::wants_same_bits || std::is_integral_v<V>,
                "weft: reduce_by_key cannot keep same_bits for this type yet; drop .require(same_bits)");
  on_arch(policy, [&]<arch A>() {
    if (n == 0) return launch<A>(policy, 1, no_runs_kernel<Count>{count});
    const offset tiles = ceil_div(n, kernel::template shape<A>::items);
    lookback_states states(policy, tiles, payload<run_state<V>>::words);
    launch<A>(policy, tiles,
              kernel{keys, values, out_keys, out_values, count, n, equal, op, states.view(), vector_aligned(keys),
                     vector_aligned(values)});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
