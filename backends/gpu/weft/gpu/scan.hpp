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
  static constexpr scan_tuning tuning = choose<Selector>(dialect::scan_rows, A, sizeof(T));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
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
      run<true>(block, s, tile, start, static_cast<int>(tile_items));
    else
      run<false>(block, s, tile, start, static_cast<int>(n - start));
  }

  /// One tile. Where it is not full it is the last, and only lanes with a whole run pass a total on.
  template <bool Full, class Block>
  WEFT_DEVICE void run(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run, width = Block::width;
    const auto warp = block.warp();
    const unsigned lane = warp.lane();

    // Load.
    items<T, rows * run> x;  // [rows][run]
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r);
      load_tail_run<run, Full, Block>(in, start + at, valid - at, wide_in, x.value + r * run);
    }

    // Scan the rows of the warp: before[r] is the fold of what the warp has before this lane's run of row r.
    items<T, rows> before;
    T carry = x[0];
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const bool whole = Full || tile_shape::at(block, r) + run <= valid;
      T total = x[r * run];
      if (whole) {
#pragma unroll
        for (int k = 1; k < run; ++k) total = static_cast<T>(op(total, x[r * run + k]));
      }
      const T upto = warp_inclusive(block, total, op, whole);
      const T left = warp.shuffle_up(upto, 1), row = warp.shuffle(upto, width - 1);
      // Lane 0 of a row that exists may take the carry: all rows above are full then.
      before[r] = left;
      if (r > 0 && (Full || tile_shape::at(block, r) < valid))
        before[r] = lane > 0 ? static_cast<T>(op(carry, left)) : carry;
      if (Full || warp.all(whole)) carry = r > 0 ? static_cast<T>(op(carry, row)) : row;
    }
    if (lane == width - 1) s.warp_totals[static_cast<int>(warp.index())] = carry;
    block.sync();

    // The first warp folds the warps' totals and finds the prefix of the tile.
    if (warp.index() == 0) find_prefixes<Full>(block, s, tile, valid);
    block.sync();

    // Combine and store. Only the very first run of an inclusive scan without init has nothing before it.
    const bool nothing_before = is_none<Init> && tile == 0 && warp.index() == 0;
    T prefix = x[0];
    if (!nothing_before) prefix = s.warp_prefixes[static_cast<int>(warp.index())];
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = tile_shape::at(block, r), count = Full ? run : valid - at;
      const bool first = r == 0 && lane == 0;
      if (Full || count > 0) {
        T sum = before[r];
        if (!nothing_before) sum = first ? prefix : static_cast<T>(op(prefix, before[r]));
        items<T, run> y;
#pragma unroll
        for (int k = 0; k < run; ++k) {
          if (!Full && k >= count) break;
          const T item = x[r * run + k];
          if constexpr (!inclusive) y[k] = sum;
          sum = k == 0 && first && nothing_before ? item : static_cast<T>(op(sum, item));
          if constexpr (inclusive) y[k] = sum;
        }
        store_tail_run<run, Full, Block>(out, start + at, count, wide_out, y.value);
      }
    }
  }

  /// By the first warp: fills warp_prefixes, and publishes what later tiles wait for.
  template <bool Full, class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s, unsigned tile, int valid) const {
    constexpr int width = Block::width, warps = block_threads<Block::arch> / width;
    static_assert(warps <= width, "one warp folds the totals of all");
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    const int full_warps = Full ? warps : valid / (width * shape<Block::arch>::thread_items);
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
