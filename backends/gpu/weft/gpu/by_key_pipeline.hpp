// Reduction by key of large arrays where there are bulk copies, as a pipeline (gpu/pipeline.hpp). Each computing warp
// owns a part of every tile of its block: as soon as the tile is there it folds the runs in its part, puts the keys and
// values of those that begin and end there to the front of the part, and hands over how many begin and the fold of the
// last one. `depth` tiles later, when warps of their own know what is open before the part, it writes them.
// Reads each key and value once, writes each run once. Operands stay in order; no identity is assumed.
#pragma once

#include <weft/gpu/launch.hpp>
#include <weft/gpu/pipeline.hpp>
#include <weft/gpu/run_state.hpp>
#include <weft/gpu/select_write.hpp>

namespace weft::inline v100::gpu {

/// What lies in a part of a tile, and what is known of the parts before it in the tile.
template <class V>
struct run_part {
  int heads;         // runs that begin in it
  bool head_first;   // its first element is one of them
  int heads_before;  // in the parts before it
  items<V, 1> tail;  // the fold of its last run
  items<V, 1> open;  // the fold of the last run of the parts before it, if there are any
};

/// An odd number, n or just below.
constexpr int odd_below(int n) { return n < 1 ? 1 : (n - 1) / 2 * 2 + 1; }

template <class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op, class Selector>
struct reduce_by_key_pipeline_kernel {
  using K = iter_value_t<Keys>;
  using V = iter_value_t<Values>;
  /// Values in memory come with the keys; others are asked for where they are needed.
  static constexpr bool staged = bulk_source<Values>::possible && std::is_pointer_v<Values>;
  template <arch A>
  static constexpr select_pipeline_tuning tuning =
      choose<Selector>(dialect::by_key_rows, A, size_class(sizeof(K) + sizeof(V))).pipeline.or_small();
  template <arch A>
  static constexpr int block_threads = service_threads<A> + tuning<A>.threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  /// A lane takes consecutive elements, an odd number of them: no bank conflicts.
  template <arch A>
  static constexpr int lane_items = odd_below(tuning<A>.thread_bytes / static_cast<int>(sizeof(K) + sizeof(V)));
  template <arch A>
  static constexpr int tile_items = tuning<A>.threads* lane_items<A>;
  template <arch A>
  using place = ring_place<tuning<A>.stages>;
  static constexpr int front = front_bytes<K>;

  template <arch A>
  struct shared {
    static constexpr int stages = tuning<A>.stages, parts = tuning<A>.threads / 32;
    tile_ring<K, tile_items<A>, stages, front> ring;
    alignas(16) unsigned char values[stages][tile_items<A> * sizeof(V)];
    ring_signals<stages> folded, published, ready;
    items<run_part<V>, parts> part[stages];
    items<run_state<V>, stages> total;   // of the tile
    items<run_state<V>, stages> before;  // of all tiles before it, if it is not the first
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

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_bulk_copies) {
      constexpr unsigned service = service_threads<Block::arch> / Block::width;
      if (block.thread() == 0) {
        s.ring.init(block, tuning<Block::arch>.threads / Block::width);
        s.folded.init(block, tuning<Block::arch>.threads / Block::width);
        s.published.init(block, 1);
        s.ready.init(block, 1);
      }
      block.sync();

      const unsigned role = block.warp().index();
      if (role == 0)
        fill(block, s);
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
  static constexpr int part_items = static_cast<int>(Block::width) * lane_items<Block::arch>;

  template <class Block>
  WEFT_DEVICE void fill(Block block, shared<Block::arch>& s) const {
    if constexpr (staged)
      s.ring.fill(block, keys, n, states, values, s.values[0]);
    else
      s.ring.fill(block, keys, n, states);
  }

  template <class Block>
  WEFT_DEVICE void publish_tiles(Block block, shared<Block::arch>& s) const {
    constexpr int parts = tuning<Block::arch>.threads / static_cast<int>(Block::width);
    static_assert(parts <= static_cast<int>(Block::width), "one warp joins the parts");
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      const offset left = n - tile * offset{tile_items<Block::arch>};
      const int present = left >= tile_items<Block::arch>
                              ? parts
                              : (static_cast<int>(left) + part_items<Block> - 1) / part_items<Block>;
      s.folded.wait(block, at);
      run_part<V>& mine = s.part[at.stage][lane < present ? lane : 0];
      const int begun = lane < present ? mine.heads : 0;
      const int upto = static_cast<int>(warp.inclusive_sum(static_cast<std::uint32_t>(begun)));
      const V fold = warp_segmented(block, mine.tail[0], warp.ballot(begun > 0), op, lane < present);
      const V open = warp.shuffle_up(fold, 1);
      if (lane < present) {
        mine.heads_before = upto - begun;
        if (lane > 0) mine.open[0] = open;
      }
      if (lane == present - 1) {
        const run_state<V> total{upto, fold};
        s.total[at.stage] = total;
        states.publish(block, tile, total, tile == 0);
      }
      s.published.arrive(block, at);
    }
  }

  template <class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s) const {
    const join_runs<Op> join{op};
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      s.published.wait(block, at);
      run_state<V> upto = s.total[at.stage];
      if (tile > 0) {
        const run_state<V> before = states.template prefix<run_state<V>>(block, tile, join);
        upto = join(before, upto);
        if (block.warp().lane() == 0) {
          s.before[at.stage] = before;
          states.publish(block, tile, upto, true);
        }
      }
      if (block.warp().lane() == 0 && (tile + offset{1}) * tile_items<Block::arch> >= n) {
        out_values[upto.heads - 1] = upto.value;
        *count = upto.heads;
      }
      s.ready.arrive(block, at);
    }
  }

  template <class Block>
  WEFT_DEVICE void compute(Block block, shared<Block::arch>& s, int part) const {
    place<Block::arch> at, late;
    bool more = true;
    for (int open = 0; more || open > 0;) {  // tiles folded, but not written
      if (more) {
        const unsigned tile = s.ring.wait(block, at);
        more = tile != s.ring.no_tile;
        if (more) {
          const offset begin = tile * offset{tile_items<Block::arch>} + part * part_items<Block>;
          if (n - begin >= part_items<Block>)
            fold_part<true>(block, s, at, part, begin, part_items<Block>);
          else if (n > begin)
            fold_part<false>(block, s, at, part, begin, static_cast<int>(n - begin));
          else if (block.warp().lane() == 0)
            s.part[at.stage][part].heads = 0;
          s.folded.arrive(block, at);
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

  template <class Block>
  static WEFT_DEVICE K* keys_of(shared<Block::arch>& s, place<Block::arch> at, int part) {
    return s.ring.data(at) + part * part_items<Block>;
  }
  template <class Block>
  static WEFT_DEVICE V* values_of(shared<Block::arch>& s, place<Block::arch> at, int part) {
    return reinterpret_cast<V*>(s.values[at.stage]) + part * part_items<Block>;
  }

  /// Key h of the part becomes that of the h-th run that begins in it, value h the fold of what is in the part of the
  /// run before.
  template <bool Full, class Block>
  WEFT_DEVICE void fold_part(Block block, shared<Block::arch>& s, place<Block::arch> at, int part, offset begin,
                             int valid) const {
    constexpr int each = lane_items<Block::arch>;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane()), first = lane * each, mine = valid - first;  // exist, if < each
    K* const key = keys_of<Block>(s, at, part);
    V* const value = values_of<Block>(s, at, part);

    // Load, and find where runs begin.
    items<K, each> k;
    items<V, each> v;
#pragma unroll
    for (int j = 0; j < each; ++j) {
      if (!Full && j >= mine) break;
      k[j] = key[first + j];
      if constexpr (staged)
        v[j] = value[first + j];
      else
        v[j] = static_cast<V>(values[begin + first + j]);
    }
    std::uint32_t heads = 0;
    if (Full || mine > 0) heads = begin + first == 0 || !static_cast<bool>(equal(key[first - 1], k[0]));
#pragma unroll
    for (int j = 1; j < each; ++j)
      if ((Full || j < mine) && !static_cast<bool>(equal(k[j - 1], k[j]))) heads |= 1u << j;

    // Scan the part.
    V tail = v[0];
#pragma unroll
    for (int j = 1; j < each; ++j)
      if (Full || j < mine) tail = heads >> j & 1 ? v[j] : static_cast<V>(op(tail, v[j]));
    const int begun = block.popcount(heads);
    const int upto = static_cast<int>(warp.inclusive_sum(static_cast<std::uint32_t>(begun)));
    tail = warp_segmented(block, tail, warp.ballot(heads != 0), op, Full || mine > 0);
    V fold = warp.shuffle_up(tail, 1);
    if (lane == (Full ? static_cast<int>(Block::width) - 1 : (valid - 1) / each)) {
      s.part[at.stage][part].heads = upto;
      s.part[at.stage][part].tail[0] = tail;
    }
    if (lane == 0) s.part[at.stage][part].head_first = heads & 1;
    warp.sync();

    // Compact. What the next part looks at, the last key, is never changed.
    int to = upto - begun;
#pragma unroll
    for (int j = 0; j < each; ++j) {
      if (!Full && j >= mine) break;
      const bool nothing_before = lane == 0 && j == 0;
      if (heads >> j & 1) {
        if (to != first + j) key[to] = k[j];
        if (!nothing_before) value[to] = fold;
        ++to;
        fold = v[j];
      } else {
        fold = nothing_before ? v[j] : static_cast<V>(op(fold, v[j]));
      }
    }
  }

  template <class Block>
  WEFT_DEVICE void write_part(Block block, shared<Block::arch>& s, place<Block::arch> at, int part) const {
    const unsigned tile = s.ring.tile[at.stage];
    const run_part<V>& p = s.part[at.stage][part];
    if (p.heads == 0) return;
    const int lane = static_cast<int>(block.warp().lane()), width = Block::width;
    const offset runs = (tile > 0 ? s.before[at.stage].heads : 0) + p.heads_before;
    const K* const key = keys_of<Block>(s, at, part);
    const V* const value = values_of<Block>(s, at, part);
    write_compacted(block, out_keys, runs, p.heads, key, 0, lane, width);
    if (p.heads > 1) write_compacted(block, out_values, runs, p.heads - 1, value, 1, lane, width);
    // The run that is open before the part ends at its first head.
    if (lane == 0 && runs > 0) {
      V fold = part > 0 ? p.open[0] : s.before[at.stage].value;
      if (part > 0 && p.heads_before == 0) fold = static_cast<V>(op(s.before[at.stage].value, fold));
      out_values[runs - 1] = p.head_first ? fold : static_cast<V>(op(fold, value[0]));
    }
  }
};

}  // namespace weft::gpu
