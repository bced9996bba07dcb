// Scan in the fixed order (weft/fixed_order.hpp), for policies with .require(weft::same_bits). Long inputs in memory go
// through the pipeline (gpu/scan_pipeline.hpp), which has this order as it is once its tiles have the size of the
// shape. All else goes through the kernel here, at either warp width: blocks stay and take tiles by tickets, publish
// each tile's fold, and find its prefix by folding the states of all tiles before it, 64 at a time from the left.
#pragma once

#include <weft/fixed_order.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/run_state.hpp>
#include <weft/gpu/scan_pipeline.hpp>

namespace weft::inline v100::gpu {

/// A block seen as warps of 32 lanes: the two halves of a warp of 64 work side by side, each as a warp of its own.
/// Words are still called by whole warps of the hardware.
template <class Block>
struct warps_of_32 : Block {
  static constexpr int width = 32;
  static_assert(Block::width == 32 || Block::width == 64);
  struct half {
    decltype(std::declval<const Block&>().warp()) whole;

    WEFT_DEVICE unsigned lane() const { return whole.lane() & 31u; }
    WEFT_DEVICE unsigned index() const { return whole.index() * (Block::width / 32) + (whole.lane() >> 5); }
    template <class T>
    WEFT_DEVICE T shuffle(const T& v, unsigned l) const {
      return whole.shuffle(v, (whole.lane() & ~31u) | (l & 31u));
    }
    template <class T>
    WEFT_DEVICE T shuffle_up(const T& v, unsigned d) const {
      const T other = whole.shuffle_up(v, d);
      return Block::width == 32 || lane() >= d ? other : v;
    }
    WEFT_DEVICE bool all(bool p) const {
      if constexpr (Block::width == 32) return whole.all(p);
      return static_cast<std::uint32_t>(whole.ballot(p) >> (whole.lane() & 32u)) == ~std::uint32_t{0};
    }
  };
  explicit WEFT_DEVICE warps_of_32(const Block& block) : Block(block) {}
  WEFT_DEVICE half warp() const { return {Block::warp()}; }
};

template <class In, class Out, class Op, class Init, class Kind, class Selector>
struct scan_fixed_kernel {
  using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  using steps = scan_steps<T, Op, std::is_same_v<Kind, inclusive_t>>;
  using order = scan_shape<T>;
  static constexpr int run = order::run, rows = order::rows, parts = order::parts;
  using shape = tile_shape<32 * parts, run, rows>;
  static_assert(shape::items == order::tile_items);
  template <arch A>
  static constexpr int block_threads = 32 * parts;
  /// ptxas would rather spill than give up a block: a thread may have 80 registers, for larger values more.
  template <arch A>
  static constexpr int block_residency = sizeof(T) > 16  ? 1
                                         : sizeof(T) > 8 ? 2
                                         : sizeof(T) > 4 ? 3
                                                         : 4;

  template <arch A>
  struct shared {
    items<T, parts> totals;    // of parts of which every element exists
    items<T, parts> prefixes;  // of everything before a part; absent before the first element
    std::uint32_t ticket;
  };

  In in;
  Out out;
  offset n, tiles;
  steps scan;
  Init init;
  lookback states;
  bool wide_in, wide_out;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    lookahead<T> walk(init);
    for (;;) {
      const unsigned tile = states.draw(block, s.ticket);
      if (tile >= tiles) return;
      const offset start = static_cast<offset>(tile) * shape::items;
      if (n - start >= shape::items)
        scan_tile<true>(block, s, walk, tile, start, shape::items);
      else
        scan_tile<false>(block, s, walk, tile, start, static_cast<int>(n - start));
      if (states.tickets == nullptr) return;  // the only tile
    }
  }

 private:
  /// A tile, of which `valid` elements exist.
  template <bool Full, class Block>
  WEFT_DEVICE void scan_tile(Block whole, shared<Block::arch>& s, lookahead<T>& walk, unsigned tile, offset start,
                             int valid) const {
    const warps_of_32<Block> block(whole);
    const int part = static_cast<int>(block.warp().index());
    const In it = in + start;

    // Load.
    held_run<T, run> held[rows];
    if constexpr (Full) {
      load_rows<shape>(block, it, 0, wide_in, held);
    } else {
#pragma unroll
      for (int r = 0; r < rows; ++r) {
        items<T, run> x;
        load_tail_run<run, false, Block>(it, shape::at(block, r), valid - shape::at(block, r), false, x.value);
        held[r].hold(x);
      }
    }

    // Scan the rows of the part: before[r] is the fold of what the part has before this lane's run of row r.
    items<T, rows> before;
    T carry = held[0].take(block)[0];  // a value only to have one
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int left = valid - shape::at(block, r);
      before[r] = scan.scan_row(block, held[r].take(block), r == 0, Full || left > 0, Full || left >= run, carry);
    }
    if (block.warp().lane() == 31) s.totals[part] = carry;
    whole.sync();

    // The first warp folds the parts' totals and finds the prefix of the tile.
    if (whole.warp().index() == 0) find_prefixes<Full>(whole, s, walk, tile, valid / order::part_items);
    whole.sync();

    // Combine and store.
    const bool preceded = !is_none<Init> || tile > 0 || part > 0;
    const T prefix = preceded ? s.prefixes[part] : carry;
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const int at = shape::at(block, r);
      if (!Full && at >= valid) break;
      items<T, run> x = held[r].take(block);
      scan.finish_run(block, preceded, prefix, r == 0, before[r], Full ? run : valid - at, x);
      if constexpr (Full)
        store_run<run, Block>(out, start + at, wide_out, x.value);
      else
        store_tail_run<run>(out, start + at, valid - at, x.value);
    }
  }

  /// By the first warp: fills prefixes as far as they are needed, and publishes what later tiles wait for.
  template <bool Full, class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s, lookahead<T>& walk, unsigned tile,
                                 int full_parts) const {
    const int lane = static_cast<int>(block.warp().lane());
    const T mine = s.totals[lane < full_parts ? lane : 0];
    const T upto = warp_inclusive(block, mine, scan.op, lane < full_parts);
    const T left = block.warp().shuffle_up(upto, 1), total = block.warp().shuffle(upto, parts - 1);
    if (Full && lane == 0) states.publish(block, tile, total, false);
    bool any = true;
    const T prefix = walk.before(block, states, tile, scan.op, any);
    if (lane == 0 && any)
      s.prefixes[0] = prefix;
    else if (lane > 0 && lane < parts && lane <= full_parts)
      s.prefixes[lane] = any ? static_cast<T>(scan.op(prefix, left)) : left;
  }
};

/// The pipeline with tiles of the fixed shape.
template <class Selector, class T>
struct fixed_tiles {
  constexpr scan_tuning operator()(scan_tuning row, arch a, int bytes) const {
    if constexpr (requires(Selector s) { s(row, a, bytes); }) row = Selector{}(row, a, bytes);
    if (row.pipeline.threads > 0) {
      row.pipeline.threads = 32 * scan_shape<T>::parts;
      row.pipeline.thread_bytes = 128;
      row.pipeline.fold_threads = 128;
    }
    return row;
  }
};

/// Two tiles of the shape may be more than the shared memory of a GPU other than Hopper.
template <arch A, class Pipeline, class Selector, class T, class In>
inline constexpr bool fixed_pipeline_fits = [] {
  if constexpr (choose<Selector>(dialect::scan_rows, A, size_class(sizeof(T))).pipeline.threads > 0 &&
                payload<T>::words <= 4 && bulk_source<In>::possible)
    return A == arch::sm_90 || sizeof(typename Pipeline::template shared<A>) <= 64 * 1024;
  return false;
}();

template <class P, class In, class Out, class Op, class Init, class Kind>
void scan_in_fixed_order(const P& policy, In in, offset n, Out out, Op op, Init init, Kind) {
  using kernel = scan_fixed_kernel<In, Out, Op, Init, Kind, typename P::tuning>;
  using T = typename kernel::T;
  using selector = fixed_tiles<typename P::tuning, T>;
  using pipeline = scan_pipeline_kernel<In, Out, Op, Init, Kind, selector>;
  on_arch(policy, [&]<arch A>() {
    if constexpr (fixed_pipeline_fits<A, pipeline, selector, T, In>) {
      static_assert(pipeline::template shape<A>::items == scan_shape<T>::tile_items);
      // Its parts are what a warp finishes, so only warps of 32 lanes have the order.
      if (n >= pipeline::template tuning<A>.from && vector_aligned(in) && device_of(policy).warp_width == 32) {
        const offset tiles = ceil_div(n, scan_shape<T>::tile_items);
        const offset resident = resident_blocks<A, pipeline>(policy), blocks = tiles < resident ? tiles : resident;
        lookback_states states(policy, tiles + 1, payload<T>::words);  // never none: even one tile takes a ticket
        launch<A>(policy, blocks, pipeline{in, out, n, {op}, init, states.view(), vector_aligned(out)});
        return states.launched(tiles + blocks);
      }
    }
    const offset tiles = ceil_div(n, scan_shape<T>::tile_items);
    const offset resident = resident_blocks<A, kernel>(policy), blocks = tiles < resident ? tiles : resident;
    lookback_states states(policy, tiles, payload<T>::words);
    launch<A>(policy, blocks,
              kernel{in, out, n, tiles, {op}, init, states.view(), vector_aligned(in), vector_aligned(out)});
    states.launched(tiles + blocks);
  });
}

}  // namespace weft::gpu
