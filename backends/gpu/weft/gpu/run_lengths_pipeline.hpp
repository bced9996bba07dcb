// Run-length encoding of large arrays where there are bulk copies, as a pipeline (gpu/pipeline.hpp). Each computing
// warp owns a part of every tile of its block: as soon as the tile is there it puts the elements that begin runs to the
// front of the part, notes where they stood and hands over how many there are; `depth` tiles later, when warps of their
// own know how many runs began before and where the last of them did, it writes elements and lengths. A length is the
// distance to the next beginning, so it is written where the next run begins. Reads each element once.
#pragma once

#include <weft/gpu/launch.hpp>
#include <weft/gpu/pipeline.hpp>
#include <weft/gpu/select_write.hpp>

namespace weft::inline v100::gpu {

/// What tiles tell each other: how many runs begin in one, and where in it the last of those does.
struct tile_runs {
  int runs, last;
};
template <>
struct payload<tile_runs> {
  static constexpr int words = 1;
  static WEFT_DEVICE void pack(const tile_runs& value, std::uint64_t* word) {
    word[0] = static_cast<std::uint64_t>(value.runs) << 24 | static_cast<std::uint64_t>(value.last);
  }
  static WEFT_DEVICE tile_runs unpack(const std::uint64_t* word) {
    return {static_cast<int>(word[0] >> 24 & 0xffffff), static_cast<int>(word[0] & 0xffffff)};
  }
};

/// What is known of the tiles before one: how many runs begin in them, and where the last of those does.
struct runs_before {
  offset runs = 0, last = 0;

  /// By one whole warp: adds tiles [from, until) of `tile_items` elements each. Waits for those that have not published
  /// yet; many states are read at a time.
  template <class Block>
  WEFT_DEVICE void add(Block block, const lookback& states, offset from, offset until, offset tile_items) {
    constexpr int windows = 5, width = Block::width;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    int begun = 0;
    for (; from < until; from += windows * width) {
      std::uint64_t word[windows] = {};
      for (unsigned tries = 0;; ++tries) {
        bool there = true;
#pragma unroll
        for (int w = 0; w < windows; ++w)
          if (from + w * width + lane < until && word[w] >> 48 != states.epoch * 2)
            word[w] = block.load_relaxed(states.states + from + w * width + lane);
#pragma unroll
        for (int w = 0; w < windows; ++w)
          there &= from + w * width + lane >= until || word[w] >> 48 == states.epoch * 2;
        if (warp.all(there)) break;
        block.backoff(tries);
      }
#pragma unroll
      for (int w = 0; w < windows; ++w) {
        const tile_runs t = payload<tile_runs>::unpack(word + w);  // none where there is no tile
        begun += t.runs;
        const std::uint64_t some = warp.ballot(t.runs > 0);
        if (some) {
          const int highest = block.highest_bit(some);
          last = (from + w * width + highest) * tile_items + warp.shuffle(t.last, static_cast<unsigned>(highest));
        }
      }
    }
    runs += warp_sum(block, begun);
  }
};

template <class T, class Out, class Lengths, class Count, class Equal, class Selector>
struct run_lengths_pipeline_kernel {
  template <arch A>
  static constexpr select_pipeline_tuning tuning =
      choose<Selector>(dialect::select_rows, A, size_class(sizeof(T))).runs.or_small();
  template <arch A>
  static constexpr int block_threads = service_threads<A> + tuning<A>.threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  template <arch A>
  static constexpr int rows = max_of(1, tuning<A>.thread_bytes / static_cast<int>(sizeof(T)));
  template <arch A>
  static constexpr int tile_items = tuning<A>.threads* rows<A>;
  template <arch A>
  using place = ring_place<tuning<A>.stages>;
  static constexpr int front = front_bytes<T>;  // the element before a tile

  template <arch A>
  struct shared {
    static constexpr int stages = tuning<A>.stages, parts = tuning<A>.threads / 32;
    static_assert(tile_items<A> <= 65536, "places in a tile are held in 16 bits");
    tile_ring<T, tile_items<A>, stages, front> ring;
    std::uint16_t at[stages][tile_items<A>];  // where in the tile the runs of a part begin, at its front
    ring_signals<stages> counted, published, ready;
    runs_before before[stages];       // of the tile
    tile_runs total[stages];          // in the tile,
    tile_runs within[stages][parts];  // in the parts of the tile before one,
    int begun[stages][parts];         // and in the part
  };

  const T* in;
  Out out;
  Lengths lengths;
  Count count;
  offset n;
  Equal equal;
  lookback states;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_bulk_copies) {
      constexpr unsigned service = service_threads<Block::arch> / Block::width;
      if (block.thread() == 0) {
        s.ring.init(block, tuning<Block::arch>.threads / Block::width);
        s.counted.init(block, tuning<Block::arch>.threads / Block::width);
        s.published.init(block, 1);
        s.ready.init(block, 1);
      }
      block.sync();

      const unsigned role = block.warp().index();
      if (role == 0)
        s.ring.fill(block, in, n, states);
      else if (role == 1)
        publish_tiles(block, s);
      else if (role == 2)
        find_prefixes(block, s);
      else if (role >= service)
        compute(block, s, static_cast<int>(role - service));
    }
  }

 private:
  template <class Block>
  static constexpr int part_items = static_cast<int>(Block::width) * rows<Block::arch>;

  template <class Block>
  WEFT_DEVICE void publish_tiles(Block block, shared<Block::arch>& s) const {
    constexpr int parts = tuning<Block::arch>.threads / static_cast<int>(Block::width);
    static_assert(parts <= static_cast<int>(Block::width), "one warp joins the parts");
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      s.counted.wait(block, at);
      const int mine = lane < parts ? s.begun[at.stage][lane] : 0;
      const int last = mine > 0 ? s.at[at.stage][lane * part_items<Block> + mine - 1] : 0;
      const int upto = static_cast<int>(warp.inclusive_sum(static_cast<std::uint32_t>(mine)));
      const std::uint64_t some = warp.ballot(mine > 0), below = some & warp.lanes_below();
      const int before = warp.shuffle(last, static_cast<unsigned>(below ? block.highest_bit(below) : 0));
      const int in_all = warp.shuffle(last, static_cast<unsigned>(some ? block.highest_bit(some) : 0));
      if (lane < parts) s.within[at.stage][lane] = {upto - mine, before};
      if (lane == parts - 1) {
        const tile_runs total{upto, upto > 0 ? in_all : 0};
        s.total[at.stage] = total;
        states.publish(block, tile, total, false);
      }
      s.published.arrive(block, at);
    }
  }

  template <class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s) const {
    constexpr offset size = tile_items<Block::arch>;
    offset known = 0;
    runs_before sum;  // of the first `known` tiles
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      s.published.wait(block, at);
      sum.add(block, states, known, tile, size);
      if (block.warp().lane() == 0) s.before[at.stage] = sum;
      const tile_runs mine = s.total[at.stage];
      known = tile + offset{1}, sum.runs += mine.runs;
      if (mine.runs > 0) sum.last = tile * size + mine.last;
      if (block.warp().lane() == 0 && known * size >= n) {
        *count = sum.runs;
        lengths[sum.runs - 1] = n - sum.last;
      }
      s.ready.arrive(block, at);
    }
  }

  template <class Block>
  WEFT_DEVICE void compute(Block block, shared<Block::arch>& s, int part) const {
    place<Block::arch> at, late;
    bool more = true;
    for (int open = 0; more || open > 0;) {  // tiles compacted, but not written
      if (more) {
        const unsigned tile = s.ring.wait(block, at);
        more = tile != s.ring.no_tile;
        if (more) {
          const offset begin = tile * offset{tile_items<Block::arch>} + part * part_items<Block>, left = n - begin;
          const int begun = left >= part_items<Block>
                                ? compact<true>(block, s, at, part, begin, part_items<Block>)
                                : compact<false>(block, s, at, part, begin, left > 0 ? static_cast<int>(left) : 0);
          if (block.warp().lane() == 0) s.begun[at.stage][part] = begun;
          s.counted.arrive(block, at);
          at.next();
          ++open;
        }
      }
      if (open > (more ? tuning<Block::arch>.depth : 0)) {
        s.ready.wait(block, late);
        write_part(block, s, late, part);
        s.ring.released.arrive(block, late);
        late.next();
        --open;
      }
    }
  }

  /// Puts the elements that begin runs to the front of the part; returns how many. What the next part looks at, the
  /// last element, is never changed.
  template <bool Full, class Block>
  WEFT_DEVICE int compact(Block block, shared<Block::arch>& s, place<Block::arch> stage, int part, offset begin,
                          int valid) const {
    constexpr int width = Block::width, units = rows<Block::arch>;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane()), first = part * part_items<Block>;
    T* const element = s.ring.data(stage) + first;
    std::uint16_t* const place_of = s.at[stage.stage] + first;

    // Lane l takes element l of each row: no bank conflicts, and ranks follow from votes.
    items<T, units> x;
    std::uint32_t heads[(units + 31) / 32] = {};
#pragma unroll
    for (int r = 0; r < units; ++r) x[r] = element[r * width + lane];
#pragma unroll
    for (int r = 0; r < units; ++r) {
      const int i = r * width + lane;
      if (Full || i < valid) {
        const bool head = (r == 0 && begin + i == 0) || !static_cast<bool>(equal(element[i - 1], x[r]));
        heads[r / 32] |= static_cast<std::uint32_t>(head) << (r % 32);
      }
    }
    warp.sync();
    int before = 0;
    const std::uint64_t below = warp.lanes_below();
#pragma unroll
    for (int r = 0; r < units; ++r) {
      const bool head = heads[r / 32] >> (r % 32) & 1;
      const std::uint64_t all = warp.ballot(head);
      const int to = before + block.popcount(all & below), from = r * width + lane;
      if (head) {
        if (to != from) element[to] = x[r];
        place_of[to] = static_cast<std::uint16_t>(first + from);
      }
      before += block.popcount(all);
    }
    return before;
  }

  template <class Block>
  WEFT_DEVICE void write_part(Block block, shared<Block::arch>& s, place<Block::arch> at, int part) const {
    const int begun = s.begun[at.stage][part];
    if (begun == 0) return;
    const offset start = s.ring.tile[at.stage] * offset{tile_items<Block::arch>};
    const tile_runs within = s.within[at.stage][part];
    const offset runs = s.before[at.stage].runs + within.runs;
    const int lane = static_cast<int>(block.warp().lane()), width = Block::width;
    const std::uint16_t* const place_of = s.at[at.stage] + part * part_items<Block>;
    write_compacted(block, out, runs, begun, s.ring.data(at) + part * part_items<Block>, 0, lane, width);
    for (int i = lane; i + 1 < begun; i += width) lengths[runs + i] = int{place_of[i + 1]} - int{place_of[i]};
    // The run that is open before the part ends at its first head.
    if (lane == 0 && runs > 0) {
      const offset last = within.runs > 0 ? start + within.last : s.before[at.stage].last;
      lengths[runs - 1] = start + place_of[0] - last;
    }
  }
};

}  // namespace weft::gpu
