// Scan in one launch and one pass: every element is read once and written once, tile prefixes travel by look-back. A
// warp owns consecutive rows of its block's tile, so elements are in order in registers as loaded and nothing is
// transposed through shared memory. The operator need only be associative; operands stay in order.
//
// Three kernels share the steps (gpu/scan_steps.hpp): a tile a block with look-back; the same where tiles are few,
// which reads all earlier aggregates in one round trip; and for long inputs in memory, where the architecture has bulk
// copies, a pipeline of persistent blocks (gpu/scan_pipeline.hpp). Tuning says from where on which.
//
// Floating-point sums depend on how far each look-back reached, so they may differ in the last bits from run to run;
// integers never do. For all else `.require(same_bits)` takes another way (gpu/scan_fixed.hpp).
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>
#include <weft/gpu/scan_fixed.hpp>
#include <weft/gpu/scan_pipeline.hpp>

namespace weft::inline v100::gpu {

/// `Few` tiles: nobody publishes a prefix; a tile reads the aggregates of all others before it, in one round trip.
template <class In, class Out, class Op, class Init, class Kind, class Selector, bool Few>
struct scan_kernel {
  using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  using steps = scan_steps<T, Op, std::is_same_v<Kind, inclusive_t>>;
  template <arch A>
  static constexpr scan_tuning tuning = choose<Selector>(dialect::scan_rows, A, size_class(sizeof(T)));
  template <arch A>
  static constexpr int block_threads = Few ? max_of(64, tuning<A>.few.threads) : tuning<A>.block_threads;  // 64: unused
  /// ptxas would rather spill than give up a block: it may have 64 registers, and for large values all.
  template <arch A>
  static constexpr int block_residency = Few || sizeof(T) > 16 ? 1 : 1024 / block_threads<A>;
  template <arch A>
  using shape = tile_of<block_threads<A>, sizeof(T), Few ? tuning<A>.few.thread_bytes : tuning<A>.thread_bytes>;

  template <arch A>
  struct shared {
    items<T, block_threads<A> / 32> warp_totals;    // of full warps
    items<T, block_threads<A> / 32> warp_prefixes;  // of everything before a warp; absent before the first element
    std::uint32_t ticket;
  };

  In in;
  Out out;
  offset n;
  steps scan;
  Init init;
  lookback states;
  bool wide_in, wide_out;

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
    constexpr int rows = tile_shape::rows, run = tile_shape::run;

    // Load.
    held_run<T, run> held[rows];
    load_rows<tile_shape>(block, in, start, wide_in, held);

    // Scan the rows of the warp: before[r] is the fold of what the warp has before this lane's run of row r.
    items<T, rows> before;
    T carry = held[0].take(block)[0];
#pragma unroll
    for (int r = 0; r < rows; ++r) before[r] = scan.scan_row(block, held[r].take(block), r == 0, true, true, carry);
    if (block.warp().lane() == Block::width - 1) s.warp_totals[static_cast<int>(block.warp().index())] = carry;
    block.sync();

    // The first warp folds the warps' totals and finds the prefix of the tile.
    if (block.warp().index() == 0)
      find_prefixes<true>(block, s, tile, block_threads<Block::arch> / static_cast<int>(Block::width));
    block.sync();

    // Combine and store.
    const bool preceded = has_before(block, tile);
    const T prefix = preceded ? s.warp_prefixes[static_cast<int>(block.warp().index())] : carry;
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      items<T, run> x = held[r].take(block);
      scan.finish_run(block, preceded, prefix, r == 0, before[r], run, x);
      store_run<run, Block>(out, start + tile_shape::at(block, r), wide_out, x.value);
    }
  }

  /// The last tile, of which `valid` elements exist.
  template <class Block>
  WEFT_DEVICE void last_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int run = tile_shape::run;
    const int w = static_cast<int>(block.warp().index());
    const auto [begin, end, full_warps] = share_tail<tile_shape>(block, valid);
    const In it = in + start;
    const T carry = scan.template fold_part<run>(block, it, begin, end, wide_in);
    if (block.warp().lane() == Block::width - 1) s.warp_totals[w] = carry;
    block.sync();
    if (w == 0) find_prefixes<false>(block, s, tile, full_warps);
    block.sync();
    const bool preceded = has_before(block, tile);
    const T prefix = preceded ? s.warp_prefixes[w] : carry;
    scan.template finish_part<run>(block, it, out + start, begin, end, wide_in, preceded, prefix, carry);
  }

  /// Only the very first warp of an inclusive scan without init has nothing before it.
  template <class Block>
  static WEFT_DEVICE bool has_before(Block block, unsigned tile) {
    return !is_none<Init> || tile > 0 || block.warp().index() > 0;
  }

  /// By the first warp: fills warp_prefixes, and publishes what later tiles wait for.
  template <bool Full, class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s, unsigned tile, int full_warps) const {
    constexpr int width = Block::width, warps = block_threads<Block::arch> / width;
    static_assert(warps <= width, "one warp folds the totals of all");
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    const T mine = s.warp_totals[lane < full_warps ? lane : 0];
    const T upto = warp_inclusive(block, mine, scan.op, lane < full_warps);
    const T left = warp.shuffle_up(upto, 1), total = warp.shuffle(upto, static_cast<unsigned>(warps - 1));

    T prefix = mine;
    bool any = true;
    if constexpr (Few) {
      if (Full && lane == 0) states.publish(block, tile, total, false);
      prefix = lookahead<T>(init).before(block, states, tile, scan.op, any);
    } else {
      if (tile > 0) {
        if (Full && lane == 0) states.publish(block, tile, total, false);
        prefix = states.template prefix<T>(block, tile, scan.op);
      } else if constexpr (is_none<Init>) {
        any = false;
      } else {
        prefix = init;
      }
      if (Full && lane == 0) states.publish(block, tile, any ? static_cast<T>(scan.op(prefix, total)) : total, true);
    }
    if (lane == 0 && any)
      s.warp_prefixes[0] = prefix;
    else if (lane > 0 && lane <= full_warps && lane < warps)
      s.warp_prefixes[lane] = any ? static_cast<T>(scan.op(prefix, left)) : left;
  }
};

template <class P, class In, class Out, class Op, class Init, class Kind>
void scan(const P& policy, In in, offset n, Out out, Op op, Init init, Kind) {
  using selector = typename P::tuning;
  using kernel = scan_kernel<In, Out, Op, Init, Kind, selector, false>;
  using T = typename kernel::T;
  static_assert(std::is_same_v<Kind, inclusive_t> || !is_none<Init>, "an exclusive scan needs an initial value");
  if (n == 0) return;
  if constexpr (P::wants_same_bits && !same_in_any_order<T>)
    return scan_in_fixed_order(policy, in, n, out, op, init, Kind{});
  else
    return on_arch(policy, [&]<arch A>() {
      constexpr scan_tuning tuning = kernel::template tuning<A>;
      const auto by_tile = [&]<class K>(std::type_identity<K>) {
        const offset tiles = ceil_div(n, K::template shape<A>::items);
        lookback_states states(policy, tiles, payload<T>::words);
        launch<A>(policy, tiles, K{in, out, n, {op}, init, states.view(), vector_aligned(in), vector_aligned(out)});
        states.launched(tiles);
      };
      if constexpr (tuning.few.threads > 0 && payload<T>::words <= 4) {
        using few = scan_kernel<In, Out, Op, Init, Kind, selector, true>;
        if (n <= few::template shape<A>::items * tuning.few.tiles) return by_tile(std::type_identity<few>{});
      }
      if constexpr (tuning.pipeline.threads > 0 && payload<T>::words <= 4 && bulk_source<In>::possible) {
        using pipeline = scan_pipeline_kernel<In, Out, Op, Init, Kind, selector>;
        if (n >= tuning.pipeline.from && vector_aligned(in)) {
          const offset tiles = ceil_div(n, pipeline::template shape<A>::items);
          const offset resident = resident_blocks<A, pipeline>(policy), blocks = tiles < resident ? tiles : resident;
          lookback_states states(policy, tiles + 1, payload<T>::words);  // never none: even one tile takes a ticket
          launch<A>(policy, blocks, pipeline{in, out, n, {op}, init, states.view(), vector_aligned(out)});
          return states.launched(tiles + blocks);
        }
      }
      by_tile(std::type_identity<kernel>{});
    });
}

}  // namespace weft::gpu
