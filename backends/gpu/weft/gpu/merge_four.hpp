// A pass of the merge sort that makes one run of four, where there are bulk copies: half as many reads and writes of
// memory as merging in pairs. Every so many elements of each run are samples; each sample's place among those of the
// other runs is searched, and every k-th of all is where a tile of the output begins (so tiles differ in length, but
// none is longer than a block can hold). A warp of its own has the tile's four shares copied into a ring of stages;
// the others merge them in pairs, and the two results, in shared memory. Values in an array of their own are copied and
// merged beside their keys: where a key is taken from is where its value lies.
#pragma once

#include <weft/gpu/merge_ring.hpp>

namespace weft::inline v100::gpu {

/// Samples of a full tile, and of those how many may lie between the beginnings of two tiles: elements behind the last
/// sample before a tile count with it, in all runs but the one it begins in.
inline constexpr int four_samples = 32, four_step = four_samples - 3;

/// What run r has of n elements in runs of `run`.
WEFT_HOST_DEVICE inline offset held_by_run(offset n, offset run, offset r) {
  const offset left = n - r * run;
  return left < 0 ? 0 : left < run ? left : run;
}

/// Runs of `run` elements, in groups of four, of which the last may have less, or none.
template <class T, int Stride>
struct run_fours {
  const T* in;
  offset n, run;
  offset samples;  // of a full run
  offset tiles;    // of a full group
  offset groups, last_tiles;

  run_fours(const T* first, offset size, offset length) : in(first), n(size), run(length) {
    samples = ceil_div(run, Stride);
    tiles = ceil_div(4 * samples, four_step);
    groups = ceil_div(n, 4 * run);
    offset of_last = 0;
    for (int r = 0; r < 4; ++r) of_last += ceil_div(held((groups - 1) * 4 + r), Stride);
    last_tiles = ceil_div(of_last, four_step);
  }
  WEFT_HOST_DEVICE offset held(offset r) const { return held_by_run(n, run, r); }
  offset all_tiles() const { return (groups - 1) * tiles + last_tiles; }
};

/// How many elements of each of the four runs lie before a tile.
struct four_split {
  offset of[4];
};

/// Where tiles begin; a sample a thread.
template <class T, int Stride, class Less>
struct four_split_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  template <arch A>
  struct shared {};

  run_fours<T, Stride> runs;
  four_split* split;
  Less less;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    const offset i = static_cast<offset>(block.index()) * block_threads<Block::arch> + block.thread();
    const offset run = i / runs.samples, own = i % runs.samples, group = run / 4;
    if (group >= runs.groups || own * Stride >= runs.held(run)) return;
    const T sample = runs.in[run * runs.run + own * Stride];

    // What lies before the sample in another run: what is less, in earlier runs also what is equal. Among elements
    // `Step` apart, of which a run has fewer than 2^32.
    auto before = [&]<int Step>(const T* first, std::uint32_t from, std::uint32_t until, bool earlier,
                                std::integral_constant<int, Step>) {
      while (from < until) {
        const std::uint32_t middle = from + (until - from) / 2;
        const T x = first[static_cast<offset>(middle) * Step];
        if (earlier ? !less(sample, x) : less(x, sample))
          from = middle + 1;
        else
          until = middle;
      }
      return static_cast<offset>(from);
    };
    offset rank = own, samples[4];
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const offset other = group * 4 + r, held = runs.held(other);
      samples[r] = own;
      if (other == run) continue;
      samples[r] = before(runs.in + other * runs.run, 0, static_cast<std::uint32_t>((held + Stride - 1) / Stride),
                          other < run, std::integral_constant<int, Stride>{});
      rank += samples[r];
    }
    if (rank % four_step != 0) return;
    four_split s;
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const offset other = group * 4 + r, held = runs.held(other), end = samples[r] * Stride;
      s.of[r] = end;
      if (other != run && end > 0) {
        const offset from = end - Stride + 1, until = end < held ? end : held;
        s.of[r] = from + before(runs.in + (other * runs.run + from), 0, static_cast<std::uint32_t>(until - from),
                                other < run, std::integral_constant<int, 1>{});
      }
    }
    split[group * runs.tiles + rank / four_step] = s;
  }
};

/// What is merged in fours: elements (V = none), or keys and values apart.
template <class K, class V>
struct four_arrays {
  static constexpr bool has_values = !is_none<V>;
  using value_type = std::conditional_t<has_values, V, char>;
  K* keys;
  value_type* values;

  /// Can both be copied together? Then elements of the same index lie as far behind whole pieces.
  bool fit() const {
    if constexpr (!has_values)
      return whole_elements(keys);
    else
      return whole_elements(keys) && whole_elements(values) &&
             address(keys) / sizeof(K) % whole == address(values) / sizeof(V) % whole;
  }
  /// Elements after which keys and values both have come to whole pieces of 16 bytes.
  static constexpr int whole =
      16 / static_cast<int>(sizeof(value_type) < sizeof(K) && has_values ? sizeof(value_type) : sizeof(K));

 private:
  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
};
/// What the tuning of a merge goes by.
template <class K, class V>
inline constexpr int merged_bytes = sizeof(tuple<K, V>);
template <class K>
inline constexpr int merged_bytes<K, none> = sizeof(K);

template <class Selector, class K, class V, class Less>
struct merge_four_kernel {
  static constexpr bool has_values = !is_none<V>;
  using arrays = four_arrays<K, V>;
  using value_type = typename arrays::value_type;
  static constexpr int element_bytes = sizeof(K) + (has_values ? sizeof(V) : 0);
  static constexpr int whole = arrays::whole;

  template <arch A>
  static constexpr merge_ring_tuning tuning =
      choose<Selector>(dialect::merge_rows, A, merged_bytes<K, V>).four.or_small();
  template <arch A>
  static constexpr int block_threads = tuning<A>.threads + 64;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  template <arch A>
  static constexpr int thread_items = merge_thread_items(tuning<A>.thread_bytes, element_bytes);
  template <arch A>
  static constexpr int most_items = tuning<A>.threads* thread_items<A>;
  /// Elements between samples: both pairs of a tile begin with a thread of their own.
  template <arch A>
  static constexpr int stride = (most_items<A> - 2 * thread_items<A>) / four_samples;
  template <arch A>
  using place = ring_place<tuning<A>.stages>;

  /// The tile at a stage: `n[r]` elements of run r that begin `begin[r]` elements after the stage does, `all` (-1:
  /// there is no tile) to be written from out[at] on.
  struct tile_info {
    int begin[4], n[4], all;
    offset at;
  };
  template <arch A>
  struct shared {
    static constexpr int stages = tuning<A>.stages;
    // Shares begin and end up to `whole` - 1 elements off whole pieces, and the element behind the last is looked at.
    static constexpr int stage_items = (most_items<A> + whole - 1) / whole * whole + 9 * whole;
    struct stage {
      alignas(16) unsigned char keys[stage_items * sizeof(K)];
      alignas(16) unsigned char values[has_values ? stage_items * sizeof(value_type) : 16];
    };
    stage at[stages];
    // The two merged pairs; then, a part of each warp's own, what it writes: less memory, and so a third block.
    alignas(16) items<K, most_items<A> + 16 / static_cast<int>(sizeof(K))> pairs;
    alignas(16) items<value_type, has_values ? most_items<A> + 16 : 1> pair_values;
    ring_signals<stages> loaded, released;
    ring_signals<1> pairs_merged, pairs_read;
    tile_info tile[stages];
  };

  arrays in;
  offset n, run, group_tiles, groups, last_tiles, tiles;  // as in run_fours
  const four_split* split;
  arrays out;
  Less less;
  offset block_tiles;  // consecutive tiles a block takes

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_bulk_copies) {
      constexpr int warps = tuning<Block::arch>.threads / static_cast<int>(Block::width);
      if (block.thread() == 0) {
        s.loaded.init(block, 1);
        s.released.init(block, warps);
        s.pairs_merged.init(block, warps);
        s.pairs_read.init(block, warps);
      }
      block.sync();

      const int role = static_cast<int>(block.warp().index());
      if (role < warps)
        merge_parts(block, s, role);
      else if (role == warps)
        load_tiles(block, s);
    }
  }

 private:
  template <class Block>
  WEFT_DEVICE void load_tiles(Block block, shared<Block::arch>& s) const {
    const unsigned lane = block.warp().lane();
    // Elements that the first one lies after a whole piece: as many of the values as of the keys.
    const int phase = static_cast<int>(reinterpret_cast<std::uintptr_t>(in.keys) / sizeof(K) % whole);
    place<Block::arch> to;
    const offset first = static_cast<offset>(block.index()) * block_tiles;
    const offset limit = first + block_tiles < tiles ? first + block_tiles : tiles;
    for (offset tile = first; tile < limit; ++tile, to.next()) {
      const offset group = tile / group_tiles, last = group == groups - 1 ? last_tiles : group_tiles;
      const bool ends = tile - group * group_tiles == last - 1;
      // A run a lane.
      const offset mine = group * 4 + (lane & 3);
      const offset from = split[tile].of[lane & 3],
                   until = ends ? held_by_run(n, run, mine) : split[tile + 1].of[lane & 3];

      s.released.wait(block, {to.stage, to.phase ^ 1});  // of the round before
      auto& stage = s.at[to.stage];
      tile_info info;
      info.all = 0, info.at = group * 4 * run;
      int begin = 0;
      unsigned bytes = 0;
      auto share_of = [&](int r, auto* array, offset share_from, int held, unsigned char* memory) {
        using U = std::remove_const_t<std::remove_pointer_t<decltype(array)>>;
        constexpr int piece = 16 / static_cast<int>(sizeof(U));
        const U* const share = array + ((group * 4 + r) * run + share_from);
        return share_copy<U>(array, array + n, share, share + held,
                             memory + info.begin[r] / piece * piece * static_cast<int>(sizeof(U)));
      };
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const offset share_from = block.warp().shuffle(from, static_cast<unsigned>(r));
        const int held = static_cast<int>(block.warp().shuffle(until, static_cast<unsigned>(r)) - share_from);
        const int late = static_cast<int>(((group * 4 + r) * run + share_from + phase) % whole);
        info.begin[r] = begin + late;
        info.n[r] = held;
        info.all += held;
        info.at += share_from;
        begin += (late + held + whole - 1) / whole * whole;
        const auto keys = share_of(r, in.keys, share_from, held, stage.keys);
        keys.copy_rest(lane);
        bytes += keys.bytes();
        if constexpr (has_values) {
          const auto values = share_of(r, in.values, share_from, held, stage.values);
          values.copy_rest(lane);
          bytes += values.bytes();
        }
      }
      block.warp().sync();
      std::uint64_t* const arrival = s.loaded.barrier + to.stage;
      if (lane == 0) {
        s.tile[to.stage] = info;
        block.bulk_fence();
        block.barrier_expect(arrival, bytes);
      }
      block.warp().sync();
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const offset share_from = block.warp().shuffle(from, static_cast<unsigned>(r));
        if (lane == 0) {
          share_of(r, in.keys, share_from, info.n[r], stage.keys).load(block, arrival);
          if constexpr (has_values) share_of(r, in.values, share_from, info.n[r], stage.values).load(block, arrival);
        }
      }
    }
    s.released.wait(block, {to.stage, to.phase ^ 1});
    if (lane == 0) {
      s.tile[to.stage].all = -1;
      block.barrier_arrive(s.loaded.barrier + to.stage);
    }
  }

  template <class Block>
  WEFT_DEVICE void merge_parts(Block block, shared<Block::arch>& s, int part) const {
    constexpr int each = thread_items<Block::arch>, W = static_cast<int>(Block::width), part_items = W * each;
    constexpr int most = most_items<Block::arch>;
    const int lane = static_cast<int>(block.warp().lane()), t = part * W + lane;
    K* const pairs = s.pairs.value;
    value_type* const pair_values = s.pair_values.value;
    ring_place<1> turn;
    for (place<Block::arch> from;; from.next(), turn.next()) {
      s.loaded.wait(block, from);
      const tile_info& tile = s.tile[from.stage];
      const int all = tile.all;
      if (all < 0) return;
      const offset at = tile.at;

      // The first two runs, by the first threads, and the last two.
      const int nx = tile.n[0] + tile.n[1], ny = all - nx, x_threads = (nx + each - 1) / each;
      const int pair = t < x_threads ? 0 : 2, d = (t < x_threads ? t : t - x_threads) * each;
      items<K, each> x;
      items<value_type, has_values ? each : 1> v;
      auto merge = [&](const K* keys, [[maybe_unused]] const value_type* values, int a, int na, int b, int nb,
                       int diagonal) {
        if constexpr (has_values)
          merge_from_diagonal<most>(block, keys, a, na, b, nb, diagonal, x, less,
                                    [&](int i, const K* taken) { v[i] = values[taken - keys]; });
        else
          merge_from_diagonal<most>(block, keys, a, na, b, nb, diagonal, x, less);
      };
      {
        const auto& stage = s.at[from.stage];
        const int na = tile.n[pair], nb = tile.n[pair + 1];
        merge(reinterpret_cast<const K*>(stage.keys), reinterpret_cast<const value_type*>(stage.values),
              tile.begin[pair], na, tile.begin[pair + 1], nb, d < na + nb ? d : na + nb);
      }
      s.released.arrive(block, from);
      put<each>(x, v, s, t);
      s.pairs_merged.arrive(block, turn);
      s.pairs_merged.wait(block, turn);

      merge(pairs, pair_values, 0, nx, x_threads * each, ny, t * each < all ? t * each : all);
      s.pairs_read.arrive(block, turn);
      s.pairs_read.wait(block, turn);  // by all warps: the part of each is its own now

      // Out, through the warp's memory so that stores are of whole lines.
      put<each>(x, v, s, t);
      block.warp().sync();
      const int own = part * part_items;
      store_part<each, W>(pairs + own, out.keys + at + own, lane, all - own);
      if constexpr (has_values) store_part<each, W>(pair_values + own, out.values + at + own, lane, all - own);
      block.warp().sync();
    }
    static_assert(most < 1 << 15);
  }

  /// What thread t has merged, to its place.
  template <int Each, class X, class V2, class Shared>
  static WEFT_DEVICE void put(const X& x, [[maybe_unused]] const V2& v, Shared& s, int t) {
#pragma unroll
    for (int i = 0; i < Each; ++i) {
      s.pairs[t * Each + i] = x[i];
      if constexpr (has_values) s.pair_values[t * Each + i] = v[i];
    }
  }
  /// A warp's part, of which `left` elements exist, to memory.
  template <int Each, int W, class U>
  static WEFT_DEVICE void store_part(const U* part, U* to, int lane, int left) {
    if (left >= W * Each) {
#pragma unroll
      for (int i = 0; i < Each; ++i) to[i * W + lane] = part[i * W + lane];
    } else {
      for (int i = lane; i < left; i += W) to[i] = part[i];
    }
  }
};

/// Merges runs of `run` elements of in[0, n) in fours, to out.
template <arch A, class Selector, class K, class V, class Less, class P>
void launch_merge_four(const P& policy, four_arrays<K, V> in, offset n, offset run, four_arrays<K, V> out, Less less) {
  using kernel = merge_four_kernel<Selector, K, V, Less>;
  constexpr int stride = kernel::template stride<A>;
  const run_fours<K, stride> runs(in.keys, n, run);
  const offset tiles = runs.all_tiles();
  temporary<four_split> split(policy, tiles);
  launch<A>(policy, ceil_div(runs.groups * 4 * runs.samples, 256),
            four_split_kernel<K, stride, Less>{runs, split.data(), less});
  kernel k{in, n, run, runs.tiles, runs.groups, runs.last_tiles, tiles, split.data(), out, less, 0};
  const offset resident = resident_blocks<A, kernel>(policy);
  k.block_tiles = ceil_div(tiles, resident);
  launch<A>(policy, ceil_div(tiles, k.block_tiles), k);
}

}  // namespace weft::gpu
