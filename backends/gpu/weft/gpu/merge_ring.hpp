// Merge of long ranges in memory where there are bulk copies. A block takes consecutive tiles of the output; a warp of
// its own finds where each ends in both inputs and has its shares copied into a ring of stages, ahead of the others. Of
// each tile every other warp merges a part: its threads find their places by searches along their diagonals, merge a
// few elements in registers and hand them, through memory of their warp, to wide stores. No barrier spans the block.
#pragma once

#include <weft/gpu/launch.hpp>
#include <weft/gpu/merge_path.hpp>
#include <weft/gpu/pipeline.hpp>

namespace weft::inline v100::gpu {

/// Elements that pieces of 16 bytes hold a whole number of.
template <class T>
inline constexpr bool fits_ring = std::is_trivially_copyable_v<T> && 16 % sizeof(T) == 0;
/// Does the range begin at a multiple of the size of its elements?
template <class T>
bool whole_elements(const T* p) {
  return reinterpret_cast<std::uintptr_t>(p) % sizeof(T) == 0;
}

/// Elements [from, until) of a range on their way to shared memory: whole pieces of 16 bytes that lie in the range are
/// copied in bulk, also where they reach beyond [from, until); what is left at the range's ends goes by lanes.
template <class T>
class share_copy {
 public:
  /// `to` is a multiple of 16 bytes. The elements keep their places within 16 bytes, so they begin up to 15 later.
  WEFT_DEVICE share_copy(const T* range, const T* range_end, const T* from, const T* until, unsigned char* to)
      : from_(address(from)), until_(address(until)) {
    const std::uintptr_t low = whole(address(range) + 15), high = whole(address(range_end));
    begin_ = whole(from_), end_ = whole(until_ + 15);
    to_ = to;
    to_offset_ = begin_;
    if (begin_ < low) begin_ = low;
    if (end_ > high) end_ = high;
    if (end_ <= begin_ || from_ == until_) begin_ = end_ = until_;
  }
  /// How many elements after `to` those asked for begin.
  WEFT_DEVICE int skew() const { return static_cast<int>((from_ - to_offset_) / sizeof(T)); }
  WEFT_DEVICE unsigned bytes() const { return static_cast<unsigned>(end_ - begin_); }

  /// By a whole warp. There are fewer than 16 bytes at either end, or fewer than 32 in all: an element a lane.
  WEFT_DEVICE void copy_rest(unsigned lane) const {
    const std::uintptr_t head = from_ + lane * sizeof(T), tail = end_ + lane * sizeof(T);
    if (head < begin_) move(head);
    if (tail < until_) move(tail);
  }
  template <class Block>
  WEFT_DEVICE void load(Block block, std::uint64_t* arrival) const {
    if (end_ > begin_)
      block.bulk_load(to_ + (begin_ - to_offset_), reinterpret_cast<const void*>(begin_), bytes(), arrival);
  }

 private:
  static WEFT_DEVICE std::uintptr_t address(const T* p) { return reinterpret_cast<std::uintptr_t>(p); }
  static WEFT_DEVICE std::uintptr_t whole(std::uintptr_t at) { return at / 16 * 16; }
  WEFT_DEVICE void move(std::uintptr_t at) const {
    *reinterpret_cast<T*>(to_ + (at - to_offset_)) = *reinterpret_cast<const T*>(at);
  }
  std::uintptr_t from_, until_, begin_, end_, to_offset_;
  unsigned char* to_;
};

/// Merges the next `Items` elements of a and b, neither of which ends before: no test but the comparison. One load a
/// step: two under opposite conditions would each meet about as many bank conflicts.
template <int Items, class T, class Less, class Along>
WEFT_DEVICE void merge_inner_items(const T* a, const T* b, items<T, Items>& out, const Less& less, const Along& along) {
  items<T, 2> next;
  next[0] = *a, next[1] = *b;
#pragma unroll
  for (int i = 0; i < Items; ++i) {
    const bool take_b = less(next[1], next[0]);
    out[i] = take_b ? next[1] : next[0];
    along(i, take_b ? b : a);
    if (i + 1 == Items) break;
    const T* const taken = (take_b ? b : a) + 1;
    const T following = *taken;
    if (take_b)
      next[1] = following, b = taken;
    else
      next[0] = following, a = taken;
  }
}

/// By a whole warp: the next `Items` elements from a diagonal on of s[a, a + na) and s[b, b + nb) in shared memory, in
/// all `Most` at most; along(i, p) hears where element i comes from.
template <int Most, int Items, class Block, class T, class Less, class Along = nothing_along>
WEFT_DEVICE void merge_from_diagonal(Block block, const T* s, int a, int na, int b, int nb, int diagonal,
                                     items<T, Items>& out, const Less& less, const Along& along = {}) {
  const int a_end = a + na, b_end = b + nb;
  // The shorter one has half of them at most.
  const int in_a = split_in_steps<Most / 2>(s, a, a_end, b, b_end, diagonal, less);
  const int from_a = a + in_a, from_b = b + diagonal - in_a;
  if (block.warp().all(from_a + Items <= a_end && from_b + Items <= b_end))
    merge_inner_items<Items>(s + from_a, s + from_b, out, less, along);
  else
    merge_items<Items>(s, from_a, a_end, from_b, b_end, out, less, along);
}

template <class Selector, class T, class Ranges, class Less>
struct merge_ring_kernel {
  template <arch A>
  static constexpr merge_ring_tuning tuning = choose<Selector>(dialect::merge_rows, A, sizeof(T)).ring.or_small();
  template <arch A>
  static constexpr int block_threads = tuning<A>.threads + 64;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  template <arch A>
  static constexpr int thread_items = merge_thread_items(tuning<A>.thread_bytes, sizeof(T));
  template <arch A>
  static constexpr int tile_items = tuning<A>.threads* thread_items<A>;
  template <arch A>
  using place = ring_place<tuning<A>.stages>;

  /// The tile at a stage: `na` elements that begin `a` elements after the stage does, and so on, n in all (-1: there is
  /// no tile), to be written from out[at] on.
  struct tile_info {
    int a, b, na, n;
    offset at;
  };
  template <arch A>
  struct shared {
    static constexpr int stages = tuning<A>.stages;
    // Shares begin up to 15 bytes late, and the element behind the last is looked at.
    static constexpr int stage_bytes = tile_items<A> * static_cast<int>(sizeof(T)) + 64;
    alignas(16) unsigned char bytes[stages][stage_bytes];
    alignas(16) items<T, tile_items<A>> merged;  // a part of each warp's own
    ring_signals<stages> loaded, released;
    tile_info tile[stages];
  };

  Ranges ranges;
  offset n;
  T* out;
  Less less;
  bool wide;           // out may be written in vectors
  offset block_tiles;  // consecutive tiles a block takes

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_bulk_copies) {
      constexpr int warps = tuning<Block::arch>.threads / static_cast<int>(Block::width);
      if (block.thread() == 0) {
        s.loaded.init(block, 1);
        s.released.init(block, warps);
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
    constexpr offset size = tile_items<Block::arch>;
    const unsigned lane = block.warp().lane();
    place<Block::arch> to;
    offset from = 0, until = 0;  // of the tile, in its A
    int na = 0;                  // of the tile before
    const offset first = static_cast<offset>(block.index()) * block_tiles * size;
    const offset limit = n - first < block_tiles * size ? n : first + block_tiles * size;
    for (offset at = first; at < limit; at += size, to.next()) {
      const auto pair = ranges.at(at);
      const offset whole = pair.na + pair.nb, left = whole - pair.diagonal;
      const int held = left < size ? static_cast<int>(left) : static_cast<int>(size);
      // How many of the pair's first elements come from A, at the beginning of the tile,
      if (at == first)
        from = result(block, split_search<Block, T, offset>(pair.diagonal, pair.na, pair.nb), ranges.a + pair.a_begin,
                      ranges.b + pair.b_begin);
      else
        from = pair.diagonal > 0 ? until : 0;
      // and of the tile's. Likely about as many as last time: what is looked at there is a few whole lines, all of
      // which will be needed. (Lone sectors, or four candidates a lane for fewer steps, cost more than they save.)
      const offset in_b = pair.diagonal - from;
      const T* const a = ranges.a + (pair.a_begin + from);
      const T* const b = ranges.b + (pair.b_begin + in_b);
      auto capped = [&](offset x) { return x < held ? static_cast<int>(x) : held; };
      split_search<Block, T, int> search(held, capped(pair.na - from), capped(pair.nb - in_b));
      if (at > first) search.aim(na, 4 * Block::width);
      na = result(block, search, a, b);
      until = from + na;

      unsigned char* const stage = s.bytes[to.stage];
      const int b_at = (na * static_cast<int>(sizeof(T)) + 31) / 16 * 16;
      const share_copy<T> of_a(ranges.a, ranges.a_end(), a, a + na, stage);
      const share_copy<T> of_b(ranges.b, ranges.b_end(), b, b + (held - na), stage + b_at);
      s.released.wait(block, {to.stage, to.phase ^ 1});  // of the round before
      of_a.copy_rest(lane), of_b.copy_rest(lane);
      block.warp().sync();
      if (lane == 0) {
        s.tile[to.stage] = {of_a.skew(), b_at / static_cast<int>(sizeof(T)) + of_b.skew(), na, held, at};
        std::uint64_t* const arrival = s.loaded.barrier + to.stage;
        block.bulk_fence();
        block.barrier_expect(arrival, of_a.bytes() + of_b.bytes());
        of_a.load(block, arrival), of_b.load(block, arrival);
      }
    }
    s.released.wait(block, {to.stage, to.phase ^ 1});
    if (lane == 0) {
      s.tile[to.stage].n = -1;
      block.barrier_arrive(s.loaded.barrier + to.stage);
    }
  }

  template <class Block, class Search>
  WEFT_DEVICE auto result(Block block, Search search, const T* a, const T* b) const {
    while (!search.done()) {
      search.ask(block, a, b);
      search.narrow(block, less);
    }
    return search.result();
  }

  template <class Block>
  WEFT_DEVICE void merge_parts(Block block, shared<Block::arch>& s, int part) const {
    constexpr int each = thread_items<Block::arch>, part_items = static_cast<int>(Block::width) * each;
    const int lane = static_cast<int>(block.warp().lane());
    T* const mine = s.merged.value + part * part_items;
    for (place<Block::arch> from;; from.next()) {
      s.loaded.wait(block, from);
      const tile_info tile = s.tile[from.stage];
      if (tile.n < 0) return;
      const int begin = part * part_items, valid = clamped(tile.n - begin, 0, part_items);
      items<T, each> merged;
      if (valid > 0) {
        const T* const stage = reinterpret_cast<const T*>(s.bytes[from.stage]);
        const int diagonal = begin + lane * each < tile.n ? begin + lane * each : tile.n;
        merge_from_diagonal<tile_items<Block::arch>>(block, stage, tile.a, tile.na, tile.b, tile.n - tile.na, diagonal,
                                                     merged, less);
      }
      s.released.arrive(block, from);

      // Out, through the warp's memory so that stores are wide.
#pragma unroll
      for (int i = 0; i < each; ++i) mine[lane * each + i] = merged[i];
      block.warp().sync();
      T* const to = out + tile.at + begin;
      constexpr int run = 16 / sizeof(T);
      if (valid == part_items && wide) {
#pragma unroll
        for (int i = 0; i < part_items; i += Block::width * run)
          if (const int k = i + lane * run; k < part_items) store_run<run, Block, true>(to, k, true, mine + k);
      } else {
        for (int i = lane; i < valid; i += Block::width) to[i] = mine[i];
      }
      block.warp().sync();
    }
  }
};

}  // namespace weft::gpu
