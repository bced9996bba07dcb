// Scan in one launch and one pass: every element is read once and written once, tile prefixes travel by look-back. A
// warp owns consecutive rows of its block's tile, so elements are in order in registers as loaded and nothing is
// transposed through shared memory. The operator need only be associative; operands stay in order.
//
// Floating-point sums depend on how far each look-back reached, so they may differ in the last bits from run to run;
// integers never do. `.require(same_bits)` is therefore refused for types that are not integers.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>

namespace weft::gpu {

template <class In, class Out, class Op, class Init, class Kind, class Selector>
struct scan_kernel {
  using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  static constexpr bool inclusive = std::is_same_v<Kind, inclusive_t>;
  template <arch A>
  static constexpr scan_tuning tuning = choose<Selector>(dialect::scan_rows, A, size_class(sizeof(T)));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  /// ptxas would rather spill than give up a block: it may have 64 registers, and for large values all.
  template <arch A>
  static constexpr int block_residency = sizeof(T) > 16 ? 1 : 1024 / block_threads<A>;
  template <arch A>
  using shape = tile_of<block_threads<A>, sizeof(T), tuning<A>.thread_bytes>;

  template <arch A>
  struct shared {
    items<T, block_threads<A> / 32> warp_totals;    // of full warps
    items<T, block_threads<A> / 32> warp_prefixes;  // of everything before a warp; absent before the first element
    std::uint32_t ticket;
  };

  In in;
  Out out;
  offset n;
  Op op;
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
    for (int r = 0; r < rows; ++r) before[r] = scan_row(block, held[r].take(block), r == 0, true, true, carry);
    if (block.warp().lane() == Block::width - 1) s.warp_totals[static_cast<int>(block.warp().index())] = carry;
    block.sync();

    // The first warp folds the warps' totals and finds the prefix of the tile.
    if (block.warp().index() == 0)
      find_prefixes<true>(block, s, tile, block_threads<Block::arch> / static_cast<int>(Block::width));
    block.sync();

    // Combine and store.
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      items<T, run> x = held[r].take(block);
      finish_run(block, s, tile, r == 0, before[r], run, x);
      store_run<run, Block>(out, start + tile_shape::at(block, r), wide_out, x.value);
    }
  }

  /// The last tile, of which `valid` elements exist: row by row, and read twice, to keep the code small.
  template <class Block>
  WEFT_DEVICE void last_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int run = tile_shape::run, row_items = run * static_cast<int>(Block::width);
    const int w = static_cast<int>(block.warp().index()), lane = static_cast<int>(block.warp().lane());
    const auto [begin, end, full_warps] = share_tail<tile_shape>(block, valid);

    T carry = static_cast<T>(in[start]);  // a value only to have one, like the elements
    items<T, run> x, ahead;               // the next row is loaded while one is scanned
#pragma unroll
    for (int k = 0; k < run; ++k) x[k] = ahead[k] = carry;
#pragma unroll 1
    for (int at = begin + lane * run, row = begin; row < end; at += row_items, row += row_items) {
      if (row == begin) load_tail_run<run, false, Block>(in, start + at, end - at, wide_in, ahead.value);
      x = ahead;
      if (row + row_items < end)
        load_tail_run<run, false, Block>(in, start + at + row_items, end - at - row_items, wide_in, ahead.value);
      scan_row(block, x, row == begin, at < end, at + run <= end, carry);
    }
    if (lane == static_cast<int>(Block::width) - 1) s.warp_totals[w] = carry;
    block.sync();
    if (w == 0) find_prefixes<false>(block, s, tile, full_warps);
    block.sync();
#pragma unroll 1
    for (int at = begin + lane * run, row = begin; row < end; at += row_items, row += row_items) {
      // What lies behind the end may have been written already, where the scan is in place.
      if (at < end) load_tail_run<run, false, Block>(in, start + at, end - at, wide_in, x.value);
      const T before = scan_row(block, x, row == begin, at < end, at + run <= end, carry);
      if (at < end) {
        finish_run(block, s, tile, row == begin, before, end - at, x);
        store_tail_run<run>(out, start + at, end - at, x.value);
      }
    }
  }

  /// One row of a warp. Returns the fold of what the warp has before this lane's run, for lanes where there is
  /// something before and the run `exists`; only `whole` runs are folded. `carry` is the fold of the rows above, and
  /// takes this row in when all of it is whole.
  template <class Block, int Run>
  WEFT_DEVICE T scan_row(Block block, const items<T, Run>& x, bool first_row, bool exists, bool whole, T& carry) const {
    const auto warp = block.warp();
    T total = x[0];
    if (whole) {
#pragma unroll
      for (int k = 1; k < Run; ++k) total = static_cast<T>(op(total, x[k]));
    }
    const T upto = warp_inclusive(block, total, op, whole);
    const T row = warp.shuffle(upto, Block::width - 1);
    T before = warp.shuffle_up(upto, 1);
    if (!first_row && exists) before = warp.lane() > 0 ? static_cast<T>(op(carry, before)) : carry;
    if (warp.all(whole)) carry = first_row ? row : static_cast<T>(op(carry, row));
    return before;
  }

  /// Turns the elements of a run into its part of the result.
  template <class Block, int Run>
  WEFT_DEVICE void finish_run(Block block, const shared<Block::arch>& s, unsigned tile, bool first_row, const T& before,
                              int count, items<T, Run>& x) const {
    // Only the very first run of an inclusive scan without init has nothing before it.
    const bool nothing_before_warp = is_none<Init> && tile == 0 && block.warp().index() == 0;
    const bool first = first_row && block.warp().lane() == 0;
    T sum = before;
    if (!nothing_before_warp) {
      const T prefix = s.warp_prefixes[static_cast<int>(block.warp().index())];
      sum = first ? prefix : static_cast<T>(op(prefix, before));
    }
#pragma unroll
    for (int k = 0; k < Run; ++k)
      if (k < count) {
        const T item = x[k];
        if constexpr (!inclusive) x[k] = sum;
        sum = k == 0 && first && nothing_before_warp ? item : static_cast<T>(op(sum, item));
        if constexpr (inclusive) x[k] = sum;
      }
  }

  /// By the first warp: fills warp_prefixes, and publishes what later tiles wait for.
  template <bool Full, class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s, unsigned tile, int full_warps) const {
    constexpr int width = Block::width, warps = block_threads<Block::arch> / width;
    static_assert(warps <= width, "one warp folds the totals of all");
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    const T mine = s.warp_totals[lane < full_warps ? lane : 0];
    const T upto = warp_inclusive(block, mine, op, lane < full_warps);
    const T left = warp.shuffle_up(upto, 1), total = warp.shuffle(upto, warps - 1);

    T prefix = mine;
    bool any = true;
    if (tile == 0) {
      if constexpr (is_none<Init>)
        any = false;
      else
        prefix = init;
    } else {
      if (Full && lane == 0) states.publish(block, tile, total, false);
      prefix = states.template prefix<T>(block, tile, op);
    }
    if (Full && lane == 0) states.publish(block, tile, any ? static_cast<T>(op(prefix, total)) : total, true);
    if (lane == 0 && any)
      s.warp_prefixes[0] = prefix;
    else if (lane > 0 && lane <= full_warps && lane < warps)
      s.warp_prefixes[lane] = any ? static_cast<T>(op(prefix, left)) : left;
  }
};

template <class P, class In, class Out, class Op, class Init, class Kind>
void scan(const P& policy, In in, offset n, Out out, Op op, Init init, Kind) {
  using kernel = scan_kernel<In, Out, Op, Init, Kind, typename P::tuning>;
  using T = typename kernel::T;
  static_assert(std::is_same_v<Kind, inclusive_t> || !is_none<Init>, "an exclusive scan needs an initial value");
  static_assert(!P::wants_same_bits || std::is_integral_v<T>,
                "weft: scan cannot keep same_bits for this type yet; drop .require(same_bits) or scan integers");
  if (n == 0) return;
  on_arch(policy, [&]<arch A>() {
    const offset tiles = ceil_div(n, kernel::template shape<A>::items);
    lookback_states states(policy, tiles, payload<T>::words);
    launch<A>(policy, tiles, kernel{in, out, n, op, init, states.view(), vector_aligned(in), vector_aligned(out)});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
