// Selection of large arrays where there are bulk copies, as a pipeline (gpu/pipeline.hpp). Each computing warp owns a
// part of every tile of its block: as soon as the tile is there it flags the part, compacts it in its place and hands
// over the count; `depth` tiles later it writes what it has compacted. By then the counts of the earlier tiles have
// long been published and added up by warps of their own, so nobody waits for a prefix, and no barrier spans the block.
// Reads each element once, writes it at most once.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/pipeline.hpp>
#include <weft/gpu/select_write.hpp>

namespace weft::inline v100::gpu {

/// Inputs that can be copied in bulk, and flags that follow from them alone.
template <class In, class Flag, class Rejected>
inline constexpr bool pipelines_select = false;
template <class T, class Predicate, class Rejected>
inline constexpr bool pipelines_select<T*, flag_if<Predicate>, Rejected> = true;
template <class T, class Equal>
inline constexpr bool pipelines_select<T*, flag_first<Equal>, none> = true;

template <class Predicate, class T>
WEFT_DEVICE bool stays(const flag_if<Predicate>& flag, const T*, const T& x, bool) {
  return static_cast<bool>(flag.predicate(x));
}
template <class Equal, class T>
WEFT_DEVICE bool stays(const flag_first<Equal>& flag, const T* previous, const T& x, bool first) {
  return first || !static_cast<bool>(flag.equal(*previous, x));
}
template <class Flag>
inline constexpr bool flag_looks_back = false;
template <class Equal>
inline constexpr bool flag_looks_back<flag_first<Equal>> = true;

/// `Each` flags of a lane in each of `Rows` rows.
template <int Rows, int Each>
struct bit_rows {
  static constexpr int word_rows = 32 / Each, words = (Rows + word_rows - 1) / word_rows;
  std::uint32_t word[words] = {};

  WEFT_DEVICE void set(int row, std::uint32_t bits) { word[row / word_rows] |= bits << (row % word_rows * Each); }
  WEFT_DEVICE std::uint32_t row(int row) const {
    return word[row / word_rows] >> (row % word_rows * Each) & ((1u << Each) - 1);
  }

  /// For the rows of a word: how many flags are set in lower lanes, and in all. Four rows a word, a byte each, two
  /// where warps are so wide that a row may have 256.
  template <int Width>
  struct sums_of {
    static constexpr int packs = 8 / Each, halves = Width / 32;
    std::uint32_t lower[packs][halves], all[packs][halves];
    WEFT_DEVICE int below(int row) const { return of(lower, row); }
    WEFT_DEVICE int total(int row) const { return of(all, row); }
    static WEFT_DEVICE int of(const std::uint32_t (&sums)[packs][halves], int row) {
      const int byte = row / packs;
      if constexpr (halves == 1)
        return static_cast<int>(sums[row % packs][0] >> (8 * byte) & 0xff);
      else
        return static_cast<int>(sums[row % packs][byte % 2] >> (16 * (byte / 2)) & 0xffff);
    }
  };
  template <class Block>
  WEFT_DEVICE sums_of<Block::width> sums(Block block, int w) const {
    using result = sums_of<Block::width>;
    static_assert(Each == 2 || Each == 4);
    std::uint32_t c = word[w] - (word[w] >> 1 & 0x55555555u);
    if constexpr (Each == 4) c = (c & 0x33333333u) + (c >> 2 & 0x33333333u);
    result s;
#pragma unroll
    for (int q = 0; q < result::packs; ++q)
#pragma unroll
      for (int h = 0; h < result::halves; ++h) {
        std::uint32_t mine = c >> (q * Each) & 0x01010101u * ((1u << Each) - 1);
        if constexpr (result::halves == 2) mine = mine >> (8 * h) & 0x00ff00ffu;
        const std::uint32_t upto = block.warp().inclusive_sum(mine);
        s.lower[q][h] = upto - mine;
        s.all[q][h] = block.warp().shuffle(upto, Block::width - 1);
      }
    return s;
  }
};

/// What a lane takes from shared memory at a time: an element, or a word of packed small ones.
template <class T>
inline constexpr int unit_items = sizeof(T) < 4 && 4 % sizeof(T) == 0 ? 4 / sizeof(T) : 1;

/// By one whole warp: how many elements the tiles before `tile` keep. `sum` is known to be that of the first `known`
/// tiles. Waits for tiles that have not published yet. Many states are read at a time: as many blocks as a device holds
/// have one to come. Nobody publishes a prefix: to find one takes no less than to add what has come since the last.
template <class Block>
WEFT_DEVICE offset sum_of_counts(Block block, const lookback& states, offset tile, offset known, offset sum) {
  constexpr int windows = 5, width = Block::width;
  const offset lane = block.warp().lane();
  offset mine = 0;
  for (offset from = known + lane; from - lane < tile; from += windows * width) {
    std::uint64_t word[windows] = {};
    for (unsigned tries = 0;; ++tries) {
      bool there = true;
#pragma unroll
      for (int w = 0; w < windows; ++w)
        if (from + w * width < tile && word[w] >> 48 != states.epoch * 2)
          word[w] = block.load_relaxed(states.states + from + w * width);
#pragma unroll
      for (int w = 0; w < windows; ++w) there &= from + w * width >= tile || word[w] >> 48 == states.epoch * 2;
      if (block.warp().all(there)) break;
      block.backoff(tries);
    }
#pragma unroll
    for (int w = 0; w < windows; ++w) mine += payload<tile_count>::unpack(word + w).value;
  }
  return warp_sum(block, mine) + sum;
}

template <class T, class Out, class Rejected, class Count, class Flag, class Selector>
struct select_pipeline_kernel {
  static constexpr bool both = !is_none<Rejected>;
  static constexpr int each = unit_items<T>, unit_bytes = each * static_cast<int>(sizeof(T));
  using unit = std::conditional_t<each == 1, T, std::uint32_t>;
  template <arch A>
  static constexpr select_pipeline_tuning tuning =
      choose<Selector>(dialect::select_rows, A, size_class(sizeof(T))).pipeline.or_small();
  template <arch A>
  static constexpr int block_threads = service_threads<A> + tuning<A>.threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  template <arch A>
  static constexpr int rows = tuning<A>.thread_bytes < unit_bytes ? 1 : tuning<A>.thread_bytes / unit_bytes;
  template <arch A>
  static constexpr int tile_items = tuning<A>.threads* rows<A>* each;
  template <arch A>
  using place = ring_place<tuning<A>.stages>;

  /// Flags may look at what stands before a tile.
  static constexpr bool looks_back = flag_looks_back<Flag>;
  static constexpr int front = looks_back ? front_bytes<T> : 0;

  template <arch A>
  struct shared {
    static constexpr int stages = tuning<A>.stages, parts = tuning<A>.threads / 32;
    tile_ring<T, tile_items<A>, stages, front> ring;
    ring_signals<stages> counted, published, ready;
    offset before[stages];                           // how many elements stay in the tiles before,
    int total[stages];                               // in the tile,
    int within[stages][parts];                       // in the parts of the tile before one,
    int kept[stages][parts];                         // and in the part
    std::uint32_t order[each == 1 ? 1 : 1 << each];  // order_of(index)
  };

  const T* in;
  Out out;
  Rejected rejected;
  Count count;
  offset n;
  Flag flag;
  lookback states;
  bool same;  // the output is the input

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
      if (each > 1 && block.thread() < 1u << each) s.order[block.thread()] = order_of(block.thread());
      block.sync();

      const unsigned role = block.warp().index();
      if (role == 0)
        s.ring.fill(block, in, n, states);
      else if (role == 1)
        publish_counts(block, s);
      else if (role == 2)
        find_prefixes(block, s);
      else if (role >= service)
        compute(block, s, static_cast<int>(role - service));
    }
  }

 private:
  template <class Block>
  static constexpr int part_items = static_cast<int>(Block::width) * rows<Block::arch>* each;

  template <class Block>
  WEFT_DEVICE void publish_counts(Block block, shared<Block::arch>& s) const {
    constexpr int parts = tuning<Block::arch>.threads / static_cast<int>(Block::width);
    static_assert(parts <= static_cast<int>(Block::width), "one warp adds the counts of all");
    const int lane = static_cast<int>(block.warp().lane());
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      s.counted.wait(block, at);
      const int mine = lane < parts ? s.kept[at.stage][lane] : 0;
      const int upto = static_cast<int>(block.warp().inclusive_sum(static_cast<std::uint32_t>(mine)));
      if (lane < parts) s.within[at.stage][lane] = upto - mine;
      if (lane == parts - 1) {
        s.total[at.stage] = upto;
        if (same) block.fence();
        states.publish(block, tile, tile_count{upto}, false);
      }
      s.published.arrive(block, at);
    }
  }

  template <class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s) const {
    offset known = 0, sum = 0;  // the first `known` tiles keep `sum`
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = s.ring.wait(block, at);
      if (tile == s.ring.no_tile) return;
      s.published.wait(block, at);
      const int total = s.total[at.stage];
      sum = sum_of_counts(block, states, static_cast<offset>(tile), known, sum);
      if (same) block.fence();
      if (block.warp().lane() == 0) {
        s.before[at.stage] = sum;
        if ((tile + offset{1}) * tile_items<Block::arch> >= n) *count = sum + total;
      }
      s.ready.arrive(block, at);
      known = tile + offset{1}, sum += total;
    }
  }

  template <class Block>
  WEFT_DEVICE void compute(Block block, shared<Block::arch>& s, int part) const {
    place<Block::arch> at, late;
    bool more = true;
    for (int open = 0; more || open > 0;) {  // tiles counted, but not written
      if (more) {
        const unsigned tile = s.ring.wait(block, at);
        more = tile != s.ring.no_tile;
        if (more) {
          compact_part(block, s, at, tile, part);
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

  /// Where the part of a tile begins, and how many of its elements exist.
  template <class Block>
  WEFT_DEVICE offset begin_of(unsigned tile, int part) const {
    return tile * offset{tile_items<Block::arch>} + part * part_items<Block>;
  }
  template <class Block>
  WEFT_DEVICE int valid_from(offset begin) const {
    const offset left = n - begin;
    return left >= part_items<Block> ? part_items<Block> : left > 0 ? static_cast<int>(left) : 0;
  }

  template <class Block>
  WEFT_DEVICE void compact_part(Block block, shared<Block::arch>& s, place<Block::arch> at, unsigned tile,
                                int part) const {
    const offset begin = begin_of<Block>(tile, part);
    const int valid = valid_from<Block>(begin);
    T* const elements = s.ring.data(at) + part * part_items<Block>;
    const int kept = valid == part_items<Block> ? compact<true>(block, elements, s.order, begin, valid)
                                                : compact<false>(block, elements, s.order, begin, valid);
    if (block.warp().lane() == 0) s.kept[at.stage][part] = kept;
    s.counted.arrive(block, at);
  }

  /// Puts the elements that stay to the front of the part, the others behind them; returns how many stay.
  template <bool Full, class Block>
  WEFT_DEVICE int compact(Block block, T* elements, const std::uint32_t* order, offset begin, int valid) const {
    constexpr int width = Block::width, units = rows<Block::arch>;
    const int lane = static_cast<int>(block.warp().lane());

    // Lane l takes unit l of each row: no bank conflicts, and ranks follow from votes.
    items<unit, units> x;
    bit_rows<units, each> stay;
#pragma unroll
    for (int r = 0; r < units; ++r) x[r] = reinterpret_cast<const unit*>(elements)[r * width + lane];
#pragma unroll
    for (int r = 0; r < units; ++r)
      stay.set(r, flags_of<Full>(elements, x[r], (r * width + lane) * each, begin, valid));
    int total = 0;
    if constexpr (both) {
      int mine = 0;
#pragma unroll
      for (int w = 0; w < stay.words; ++w) mine += block.popcount(stay.word[w]);
      total = warp_sum(block, mine);
    }
    block.warp().sync();

    int before = 0;
    if constexpr (each == 1) {
      const std::uint64_t below = block.warp().lanes_below();
#pragma unroll
      for (int r = 0; r < units; ++r) {
        const bool stays = stay.row(r) != 0;
        const std::uint64_t all = block.warp().ballot(stays);
        const int to = before + block.popcount(all & below), from = r * width + lane;
        if (stays && (!looks_back || to != from))  // the next part may look at the last element
          elements[to] = x[r];
        else if (both && !stays && (Full || from < valid))
          elements[total + from - to] = x[r];
        before += block.popcount(all);
      }
    } else {
      // Ranks of several rows at a time, a byte each.
#pragma unroll
      for (int w = 0; w < stay.words; ++w) {
        const auto sums = stay.sums(block, w);
#pragma unroll
        for (int r = w * stay.word_rows; r < (w + 1) * stay.word_rows && r < units; ++r) {
          const int from = (r * width + lane) * each;
          const int to = before + sums.below(r % stay.word_rows), behind = total + from - to;
          place_unit<Full>(block, elements, x[r], order[stay.row(r)], to, behind, valid - from);
          before += sums.total(r % stay.word_rows);
        }
      }
    }
    return before;
  }

  /// Puts the elements of a unit that stay to elements[to …], the others to elements[behind …].
  template <bool Full, class Block>
  static WEFT_DEVICE void place_unit(Block block, T* elements, std::uint32_t unit, std::uint32_t order, int to,
                                     int behind, int exist) {
    constexpr int bits = 8 * sizeof(T);
    const std::uint32_t sorted = block.permute_bytes(unit, order);
    const int stay = static_cast<int>(order >> 16);
    T* const kept = elements + to;
    T* const others = elements + behind - stay;
#pragma unroll
    for (int k = 0; k < each; ++k) {
      if (both && k >= stay && (Full || k < exist))
        others[k] = static_cast<T>(sorted >> (k * bits));
      else if (k < stay)
        kept[k] = static_cast<T>(sorted >> (k * bits));
    }
  }
  /// How the bytes of a unit go when the elements whose bits are set in `stay` come first: for the places from low to
  /// high four bits each, where a byte comes from, then how many elements stay.
  static WEFT_DEVICE std::uint32_t order_of(std::uint32_t stay) {
    std::uint32_t order = 0, place = 0;
    for (int others = 0; others < 2; ++others)
      for (std::uint32_t k = 0; k < each; ++k)
        if ((stay >> k & 1) != static_cast<std::uint32_t>(others))
          for (std::uint32_t b = 0; b < sizeof(T); ++b) order |= (k * sizeof(T) + b) << (4 * place++);
    for (int k = 0; k < each; ++k) order += (stay >> k & 1) << 16;
    return order;
  }

  /// Bit k: element at + k of the part, which is the k-th of x, stays.
  template <bool Full>
  WEFT_DEVICE std::uint32_t flags_of(const T* elements, const unit& x, int at, offset begin, int valid) const {
    if constexpr (each == 1) {
      return (Full || at < valid) && stays(flag, elements + at - 1, x, looks_back && begin + at == 0);
    } else {
      items<T, each> v;
      std::memcpy(v.value, &x, sizeof(x));
      std::uint32_t bits = 0;
#pragma unroll
      for (int k = 0; k < each; ++k)
        if ((Full || at + k < valid) &&
            stays(flag, k > 0 ? v.value + k - 1 : elements + at - 1, v[k], looks_back && k == 0 && begin + at == 0))
          bits |= 1u << k;
      return bits;
    }
  }

  template <class Block>
  WEFT_DEVICE void write_part(Block block, shared<Block::arch>& s, place<Block::arch> at, int part) const {
    const offset begin = begin_of<Block>(s.ring.tile[at.stage], part);
    const offset before = s.before[at.stage] + s.within[at.stage][part];
    const int kept = s.kept[at.stage][part], valid = valid_from<Block>(begin);
    if (same && before == begin && kept == valid) return;  // all are where they belong
    const T* const elements = s.ring.data(at) + part * part_items<Block>;
    const int lane = static_cast<int>(block.warp().lane());
    write_compacted(block, out, before, kept, elements, 0, lane, Block::width);
    if constexpr (both)
      write_compacted(block, rejected, begin - before, valid - kept, elements, kept, lane, Block::width);
  }
};

}  // namespace weft::gpu
