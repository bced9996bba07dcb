// Scan as a pipeline (gpu/pipeline.hpp) of persistent blocks, for long inputs in memory: every byte is read once and
// written once, and nobody waits for a prefix. Warps fold tiles, publish their aggregates, and finish them some tiles
// later, when the fold of all earlier aggregates is known.
#pragma once

#include <weft/gpu/launch.hpp>
#include <weft/gpu/pipeline.hpp>
#include <weft/gpu/scan_steps.hpp>

namespace weft::inline v100::gpu {

template <class In, class Out, class Op, class Init, class Kind, class Selector>
struct scan_pipeline_kernel {
  using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  using source = bulk_source<In>;
  using U = typename source::element;
  using steps = scan_steps<T, Op, std::is_same_v<Kind, inclusive_t>>;

  template <arch A>
  static constexpr pipeline_tuning tuning =
      choose<Selector>(dialect::scan_rows, A, size_class(sizeof(T))).pipeline.or_small();
  template <arch A>
  static constexpr int block_threads = service_threads<A> + tuning<A>.fold_threads + tuning<A>.threads;
  static_assert(block_threads<arch::sm_90> <= 1024);
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  template <arch A>
  using shape = tile_of<tuning<A>.threads, sizeof(T), tuning<A>.thread_bytes>;
  /// As many as the ring may take, and a block holds with what goes with each: where the sums are wider than what is
  /// read, that is most of it.
  template <arch A>
  static constexpr int stages = [] {
    constexpr int tile = shape<A>::items * static_cast<int>(sizeof(U));
    constexpr int beside = (3 * tuning<A>.threads / 32 + 2) * static_cast<int>(sizeof(T)) + 48;  // 48: signals
    constexpr int wanted = tuning<A>.ring_bytes / tile, most = (most_shared_bytes - 512) / (tile + beside);
    return max_of(2, wanted < most ? wanted : most);
  }();
  template <arch A>
  using place = ring_place<stages<A>>;
  template <arch A>
  using late_place = ring_place<2 * stages<A>>;

  // Why nothing is written that may still be read, tile j being the block's j-th and S the stages. Arrivals release and
  // waits acquire, so these orders add up, also through a warp's sync before the arrival of its first lane:
  //   ring, tile    read by fold (arrives at folded, for which publish waits), publish, prefix, finish (these arrive at
  //                 released), then loaded with tile j + S by who has waited for released
  //   totals        read by publish before it releases j, written by fold after j + S is loaded
  //   within,       read by finish before it releases j + 1 (not j: that it does as soon as it has the elements),
  //   written prefix        by publish and prefix after j + 2 S is loaded, that is after j + S was released
  // By the same orders nobody is more than one phase behind a signal. racecheck of compute-sanitizer does not follow an
  // order through one lane's arrival for its warp, and names reads of `within` against its writes.
  template <arch A>
  struct shared {
    static constexpr int parts = tuning<A>.threads / 32;  // of a tile, each finished by a warp
    tile_ring<U, shape<A>::items, stages<A>> ring;
    ring_signals<stages<A>> folded;
    ring_signals<2 * stages<A>> ready;
    items<T, parts> totals[stages<A>];      // of parts of which every element exists
    items<T, parts> within[2 * stages<A>];  // the fold of the parts before one in its tile; not for the first
    items<T, 1> prefix[2 * stages<A>];      // the fold of everything before the tile
  };

  In in;
  Out out;
  offset n;
  steps scan;
  Init init;
  lookback states;
  bool wide_out;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_bulk_copies) {
      constexpr unsigned width = Block::width, service = service_threads<Block::arch> / width;
      constexpr unsigned folders = tuning<Block::arch>.fold_threads / width,
                         finishers = tuning<Block::arch>.threads / width;
      if (block.thread() == 0) {
        s.ring.init(block, finishers + 2);  // and those who publish and find prefixes
        s.folded.init(block, folders);
        s.ready.init(block, 2);  // the tile's parts, its prefix
      }
      block.sync();

      const unsigned role = block.warp().index();
      if (role == 0)
        s.ring.fill(block, source::stream(in), n, states);
      else if (role == 1)
        publish_tiles(block, s);
      else if (role == 2)
        find_prefixes(block, s);
      else if (role >= service && role < service + folders)
        fold_tiles(block, s, role - service);
      else if (role >= service + folders)
        finish_tiles(block, s, static_cast<int>(role - service - folders));
    }
  }

  /// How many elements of a tile exist.
  template <class Block>
  WEFT_DEVICE int valid_items(unsigned tile) const {
    constexpr offset all = shape<Block::arch>::items;
    const offset left = n - tile * all;
    return static_cast<int>(left < all ? left : all);
  }
  template <class Block>
  static constexpr int part_items = static_cast<int>(Block::width) * shape<Block::arch>::thread_items;

  /// Every folding warp takes some consecutive parts of a tile.
  template <class Block>
  WEFT_DEVICE void fold_tiles(Block block, shared<Block::arch>& s, unsigned mine) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run, width = Block::width,
                  items_of_part = part_items<Block>;
    constexpr int each = tuning<Block::arch>.threads / tuning<Block::arch>.fold_threads;
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      const int valid = valid_items<Block>(tile);
      const auto it = source::over(in, s.ring.data(at));
#pragma unroll 1
      for (int part = static_cast<int>(mine) * each; part < (static_cast<int>(mine) + 1) * each; ++part) {
        if ((part + 1) * items_of_part > valid) break;
        const int start = part * items_of_part + static_cast<int>(block.warp().lane()) * run;
        T total = static_cast<T>(it[start]);  // a value only to have one
#pragma unroll
        for (int r = 0; r < rows; ++r) {
          items<T, run> x;
          load_run<run, Block>(it, start + r * width * run, true, x.value);
          T row = x[0];
#pragma unroll
          for (int k = 1; k < run; ++k) row = static_cast<T>(scan.op(row, x[k]));
#pragma unroll
          for (int d = 1; d < width; d *= 2) row = static_cast<T>(scan.op(row, block.warp().shuffle_down(row, d)));
          total = r == 0 ? row : static_cast<T>(scan.op(total, row));
        }
        if (block.warp().lane() == 0) s.totals[at.stage][part] = total;
      }
      s.folded.arrive(block, at);
    }
  }

  template <class Block>
  WEFT_DEVICE void publish_tiles(Block block, shared<Block::arch>& s) const {
    constexpr int parts = tuning<Block::arch>.threads / static_cast<int>(Block::width);
    static_assert(parts <= static_cast<int>(Block::width), "one warp folds the totals of all");
    const int lane = static_cast<int>(block.warp().lane());
    late_place<Block::arch> late;
    for (place<Block::arch> at;; at.next(), late.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      const int full_parts = valid_items<Block>(tile) / part_items<Block>;
      s.folded.wait(block, at);
      const T mine = s.totals[at.stage][lane < full_parts ? lane : 0];
      s.ring.released.arrive(block, at);
      if (full_parts > 0) {
        const T upto = warp_inclusive(block, mine, scan.op, lane < full_parts);
        const T left = block.warp().shuffle_up(upto, 1), total = block.warp().shuffle(upto, parts - 1);
        if (full_parts == parts && lane == 0) states.publish(block, tile, total, false);
        if (lane > 0 && lane < parts && lane <= full_parts) s.within[late.stage][lane] = left;
      }
      s.ready.arrive(block, late);
    }
  }

  template <class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s) const {
    lookahead<T> walk(init);
    late_place<Block::arch> late;
    for (place<Block::arch> at;; at.next(), late.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      s.ring.released.arrive(block, at);
      bool found;
      const T prefix = walk.before(block, states, tile, scan.op, found);
      if (found && block.warp().lane() == 0) s.prefix[late.stage][0] = prefix;
      s.ready.arrive(block, late);
    }
  }

  /// Every finishing warp takes one part of a tile.
  template <class Block>
  WEFT_DEVICE void finish_tiles(Block block, shared<Block::arch>& s, int part) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run, width = Block::width,
                  items_of_part = part_items<Block>;
    const int begin = part * items_of_part, lane = static_cast<int>(block.warp().lane());
    late_place<Block::arch> late;
    for (place<Block::arch> at;; at.next(), late.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      const offset start = static_cast<offset>(tile) * tile_shape::items;
      const int valid = valid_items<Block>(tile);
      const auto it = source::over(in, s.ring.data(at));
      // Only the very first part of an inclusive scan without init has nothing before it.
      const bool preceded = !is_none<Init> || tile > 0 || part > 0;
      auto prefix_of_part = [&](T prefix) {
        s.ready.wait(block, late);
        if (!is_none<Init> || tile > 0) prefix = s.prefix[late.stage][0];
        if (part > 0) {
          const T within = s.within[late.stage][part];
          prefix = !is_none<Init> || tile > 0 ? static_cast<T>(scan.op(prefix, within)) : within;
        }
        return prefix;
      };

      if (valid >= begin + items_of_part) {
        held_run<T, run> held[rows];
        items<T, rows> before;
        T carry;
#pragma unroll
        for (int r = 0; r < rows; ++r) {
          items<T, run> x;
          load_run<run, Block>(it, begin + (r * width + lane) * run, true, x.value);
          held[r].hold(x);
        }
        carry = held[0].take(block)[0];  // a value only to have one
        s.ring.released.arrive(block, at);
#pragma unroll
        for (int r = 0; r < rows; ++r) before[r] = scan.scan_row(block, held[r].take(block), r == 0, true, true, carry);
        const T prefix = prefix_of_part(carry);
#pragma unroll
        for (int r = 0; r < rows; ++r) {
          items<T, run> x = held[r].take(block);
          scan.finish_run(block, preceded, prefix, r == 0, before[r], run, x);
          store_run<run, Block, true>(out, start + begin + (r * width + lane) * run, wide_out, x.value);
        }
      } else {
        const T any = static_cast<T>(it[0]), prefix = prefix_of_part(any);
        if (begin < valid)
          scan.template finish_part<run>(block, it, out + start, begin, valid, true, preceded, prefix, any);
        s.ring.released.arrive(block, at);
      }
    }
  }
};

}  // namespace weft::gpu
