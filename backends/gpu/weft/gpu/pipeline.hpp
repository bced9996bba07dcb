// Pipelines over the tiles of an input, for architectures with bulk copies (Hopper). Blocks stay resident and take
// tiles by tickets; each has a ring of tiles in shared memory, and its warps have roles that meet at the stages of the
// ring:
//
//   load    one warp      draws tickets and keeps the ring full by bulk copies              tile_ring::fill
//   fold    some warps    fold or count what is in the tile
//   publish one warp      combines that and publishes the tile's aggregate                  lookback::publish
//   prefix  one warp      folds the aggregates of all earlier tiles, in order               lookahead (lookback.hpp)
//   finish  most warps    wait for the prefix, write the result, release the stage
//
// Each role runs as far ahead as the ring lets it. So aggregates are published long before the prefixes that need them
// are, which hides the latency of look-back, and loads never wait for either while a stage is free. A lower ticket
// never waits for a higher one, so blocks need not be resident together. Nothing here knows what is computed: a verb
// brings the roles fold to finish. gpu/scan_pipeline.hpp is the pattern to follow.
//
// Signals: a role waits for a stage by `signals.wait(block, place)` and, after its last access, arrives by
// `signals.arrive(block, place)`, one arrival a warp. A stage is released by every role that could fall a round behind
// otherwise, or take the next tile for this one: all but those that another releasing role waits for. What roles hand
// on besides tiles and is read after the stage has been released (prefixes) needs a ring of twice as many places,
// signals included.
#pragma once

#include <weft/gpu/block.hpp>
#include <weft/gpu/lookback.hpp>

namespace weft::inline v100::gpu {

/// Is behind an iterator one range of trivially copyable elements in memory, whose tiles can be copied in bulk? Then
///   element                what is copied
///   stream(it)             where from
///   view, over(it, tile)   the iterator that reads from a copied tile instead
template <class It>
struct bulk_source {
  static constexpr bool possible = false;
  using element = unsigned char;  // only named: nvcc looks at kernels that are not chosen
};
template <class U>
  requires std::is_trivially_copyable_v<U>
struct bulk_source<U*> {
  static constexpr bool possible = true;
  using element = std::remove_const_t<U>;
  using view = const element*;
  static WEFT_HOST_DEVICE const element* stream(U* const& p) { return p; }
  static WEFT_HOST_DEVICE view over(U* const&, const element* tile) { return tile; }
};
template <class It, class F>
requires bulk_source<It>::possible struct bulk_source<transform_iterator<It, F>> {
  static constexpr bool possible = true;
  using element = typename bulk_source<It>::element;
  using view = transform_iterator<typename bulk_source<It>::view, F>;
  static WEFT_HOST_DEVICE const element* stream(const transform_iterator<It, F>& it) {
    return bulk_source<It>::stream(it.base());
  }
  static WEFT_HOST_DEVICE view over(const transform_iterator<It, F>& it, const element* tile) {
    return view(bulk_source<It>::over(it.base(), tile), it.function());
  }
};

/// Of the warps that load, publish, find prefixes or do what else takes one warp: room for four at either width. Those
/// that have no role end at once.
template <arch A>
inline constexpr int service_threads = A == arch::generic ? 256 : 128;

/// The front of a tile that holds the element before it: whole pieces of 16 bytes.
template <class T>
inline constexpr int front_bytes = (static_cast<int>(sizeof(T)) + 15) / 16 * 16;

/// Where a role is in a ring. The phase tells apart the rounds before and after.
template <int Stages>
struct ring_place {
  unsigned stage = 0, phase = 0;
  WEFT_DEVICE void next() {
    if (++stage == Stages) stage = 0, phase ^= 1;
  }
};

/// One signal for each place of a ring.
template <int Stages>
struct ring_signals {
  std::uint64_t barrier[Stages];

  /// By one thread, before the block's barrier: how many warps arrive.
  template <class Block>
  WEFT_DEVICE void init(Block block, unsigned warps) {
    for (int i = 0; i < Stages; ++i) block.barrier_init(barrier + i, warps);
  }
  /// By a whole warp: what its lanes have done before is seen by those who wait.
  template <class Block>
  WEFT_DEVICE void arrive(Block block, ring_place<Stages> at) {
    block.warp().sync();
    if (block.warp().lane() == 0) block.barrier_arrive(barrier + at.stage);
  }
  template <class Block>
  WEFT_DEVICE void wait(Block block, ring_place<Stages> at) {
    block.barrier_wait(barrier + at.stage, at.phase);
  }
};

/// Shared memory: the ring of tiles of `Items` elements, each with the `Front` bytes before it if it is not the first.
template <class U, int Items, int Stages, int Front = 0>
struct tile_ring {
  static_assert(Items * sizeof(U) % 16 == 0 && Front % 16 == 0 && Stages >= 2);
  using place = ring_place<Stages>;
  static constexpr unsigned no_tile = ~0u;  // the block has taken its last tile

  alignas(128) unsigned char bytes[Stages][Front + Items * sizeof(U)];
  ring_signals<Stages> loaded, released;
  unsigned tile[Stages];

  /// By one thread, before the block's barrier; `readers` warps release a stage.
  template <class Block>
  WEFT_DEVICE void init(Block block, unsigned readers) {
    loaded.init(block, 1);
    released.init(block, readers);
  }
  /// By the loading warp: takes tiles of source[0, n) until none are left. The block draws one ticket too many.
  template <class Block>
  WEFT_DEVICE void fill(Block block, const U* source, offset n, const lookback& states) {
    fill(block, source, n, states, static_cast<const unsigned char*>(nullptr), nullptr);
  }
  /// The same with the same elements of a second range, whose tile at stage s goes to second[s][Items].
  template <class Block, class V>
  WEFT_DEVICE void fill(Block block, const U* source, offset n, const lookback& states, const V* source2,
                        unsigned char* second) {
    const unsigned tiles = static_cast<unsigned>((n + Items - 1) / Items);
    const unsigned lane = block.warp().lane();
    unsigned ticket = lane == 0 ? states.draw(block) : 0;
    for (place at;; at.next()) {
      const unsigned mine = block.warp().shuffle(ticket, 0);
      released.wait(block, {at.stage, at.phase ^ 1});  // of the round before
      std::uint64_t* const arrival = loaded.barrier + at.stage;
      if (mine >= tiles) {
        if (lane == 0) {
          tile[at.stage] = no_tile;
          block.barrier_arrive(arrival);
        }
        return;
      }
      const offset start = static_cast<offset>(mine) * Items;
      const unsigned ahead = mine > 0 ? Front : 0, valid = n - start < Items ? static_cast<unsigned>(n - start) : Items;
      const piece a(source + start, bytes[at.stage] + Front, ahead, valid * unsigned{sizeof(U)});
      const bool both = second != nullptr;
      const piece b(both ? source2 + start : source2, both ? second + at.stage * Items * sizeof(V) : second, 0,
                    both ? valid * unsigned{sizeof(V)} : 0);
      a.copy_rest(lane), b.copy_rest(lane);
      block.warp().sync();
      if (lane == 0) {
        tile[at.stage] = mine;
        block.bulk_fence();
        block.barrier_expect(arrival, a.whole + b.whole);
        a.load(block, arrival), b.load(block, arrival);
        ticket = states.draw(block);
      }
    }
  }
  /// By the other roles: waits for the tile at this place; its number, or no_tile.
  template <class Block>
  WEFT_DEVICE unsigned wait(Block block, place at) {
    loaded.wait(block, at);
    return tile[at.stage];
  }
  WEFT_DEVICE U* data(place at) { return reinterpret_cast<U*>(bytes[at.stage] + Front); }

 private:
  /// `ahead` bytes before an address and `valid` bytes from it on. What is not a whole number of 16 bytes, at the end
  /// of the input, is copied by lanes.
  struct piece {
    const unsigned char* from;
    unsigned char* to;
    unsigned whole, rest;
    WEFT_DEVICE piece(const void* source, unsigned char* place, unsigned ahead, unsigned valid)
        : from(static_cast<const unsigned char*>(source) - ahead),
          to(place - ahead),
          whole((ahead + valid) / 16 * 16),
          rest((ahead + valid) % 16) {}
    WEFT_DEVICE void copy_rest(unsigned lane) const {
      if (lane < rest) to[whole + lane] = from[whole + lane];
    }
    template <class Block>
    WEFT_DEVICE void load(Block block, std::uint64_t* arrival) const {
      if (whole > 0) block.bulk_load(to, from, whole, arrival);
    }
  };
};

}  // namespace weft::gpu
