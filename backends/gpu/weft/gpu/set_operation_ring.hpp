// Set operations of long ranges in memory where there are bulk copies, as a pipeline (gpu/pipeline.hpp) with shares of
// two ranges in its ring. A warp draws tiles, finds where their walks begin and end in both ranges and has the shares
// copied; another cuts what has arrived into parts, one for each computing warp. That walks over its part, puts what is
// kept into memory of its own and hands over the count; `depth` tiles later, when the counts before are known, it
// writes it. No barrier spans the block. Every element is read once and written at most once.
#pragma once

#include <weft/gpu/merge_ring.hpp>
#include <weft/gpu/select_pipeline.hpp>
#include <weft/set_operations/balanced_path.hpp>

namespace weft::inline v100::gpu {

template <class Selector, class T, class Count, class Less, class Op>
struct set_ring_kernel {
  template <arch A>
  static constexpr select_pipeline_tuning tuning =
      choose<Selector>(dialect::merge_rows, A, size_class(sizeof(T))).set_ring.or_small();
  template <arch A>
  static constexpr int block_threads = service_threads<A> + tuning<A>.threads;
  template <arch A>
  static constexpr int block_residency = tuning<A>.residency;
  /// The walk of a thread ends in the middle of a pair at worst; it notes what is kept in a word.
  template <arch A>
  static constexpr int thread_items = merge_thread_items(tuning<A>.thread_bytes, sizeof(T)) < 31
                                          ? merge_thread_items(tuning<A>.thread_bytes, sizeof(T))
                                          : 31;
  template <arch A>
  static constexpr int tile_items = tuning<A>.threads* thread_items<A>;
  template <arch A>
  using place = ring_place<tuning<A>.stages>;
  template <arch A>
  using late_place = ring_place<tuning<A>.depth + 1>;

  /// The tile at a stage: shares of a and b, how many elements after the stage they begin and how many they have.
  struct tile_info {
    unsigned tile;
    int a, b, in_a, in_b;
    bool a_ends, b_ends;  // nothing follows the share
  };
  template <arch A>
  struct shared {
    static constexpr int stages = tuning<A>.stages, late = tuning<A>.depth + 1, parts = tuning<A>.threads / 32;
    // Of each share the element behind it as well, and up to 15 bytes before it.
    static constexpr int stage_bytes = (tile_items<A> + 3) * static_cast<int>(sizeof(T)) / 16 * 16 + 80;
    alignas(16) unsigned char bytes[stages][stage_bytes];
    items<T, tuning<A>.threads*(thread_items<A> + 1)> kept[late];  // a part of each warp's own
    ring_signals<stages> loaded, cut, released;
    ring_signals<late> counted, published, ready;
    tile_info info[stages];
    walk_place<int> begin[stages][parts + 1];  // of each part in the shares
    unsigned tile[late];
    offset before[late];      // how many are kept in the tiles before,
    int total[late];          // in the tile,
    int within[late][parts];  // in the parts of the tile before one,
    int count[late][parts];   // and in the part
  };
  static constexpr unsigned no_tile = ~0u;

  const T* a;
  offset na;
  const T* b;
  offset nb;
  T* out;
  Count count;
  Less less;
  lookback states;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_bulk_copies) {
      constexpr unsigned service = service_threads<Block::arch> / Block::width;
      constexpr unsigned parts = tuning<Block::arch>.threads / Block::width;
      if (block.thread() == 0) {
        s.loaded.init(block, 1);
        s.cut.init(block, 1);
        s.released.init(block, parts);
        s.counted.init(block, parts);
        s.published.init(block, 1);
        s.ready.init(block, 1);
      }
      block.sync();

      const unsigned role = block.warp().index();
      if (role == 0)
        load_tiles(block, s);
      else if (role == 1)
        cut_tiles(block, s);
      else if (role == 2)
        publish_counts(block, s);
      else if (role == 3)
        find_prefixes(block, s);
      else if (role >= service)
        compute(block, s, static_cast<int>(role - service));
    }
  }

 private:
  template <class Block>
  WEFT_DEVICE void load_tiles(Block block, shared<Block::arch>& s) const {
    constexpr offset size = tile_items<Block::arch>;
    const offset all = na + nb, tiles = (all + size - 1) / size;
    const unsigned lane = block.warp().lane();
    unsigned ticket = lane == 0 ? states.draw(block) : 0;
    walk_place<offset> last{0, 0}, known{0, 0};  // where the block's last tile began and ended
    for (place<Block::arch> at;; at.next()) {
      const unsigned tile = block.warp().shuffle(ticket, 0);
      std::uint64_t* const arrival = s.loaded.barrier + at.stage;
      if (tile >= tiles) {
        s.released.wait(block, {at.stage, at.phase ^ 1});
        if (lane == 0) {
          s.info[at.stage].tile = no_tile;
          block.barrier_arrive(arrival);
        }
        return;
      }
      if (lane == 0) ticket = states.draw(block);
      walk_place<offset> from, until;
      find_ends(block, last, known, tile * size, all, from, until);
      last = from, known = until;

      const bool a_ends = until.i == na, b_ends = until.j == nb;
      const int in_a = static_cast<int>(until.i - from.i);
      unsigned char* const stage = s.bytes[at.stage];
      const int b_at = ((in_a + !a_ends) * static_cast<int>(sizeof(T)) + 31) / 16 * 16;
      const share_copy<T> of_a(a, a + na, a + from.i, a + (until.i + !a_ends), stage);
      const share_copy<T> of_b(b, b + nb, b + from.j, b + (until.j + !b_ends), stage + b_at);
      s.released.wait(block, {at.stage, at.phase ^ 1});  // of the round before
      of_a.copy_rest(lane), of_b.copy_rest(lane);
      block.warp().sync();
      if (lane == 0) {
        tile_info& info = s.info[at.stage];
        info.tile = tile;
        info.a = of_a.skew(), info.b = b_at / static_cast<int>(sizeof(T)) + of_b.skew();
        info.in_a = in_a, info.in_b = static_cast<int>(until.j - from.j);
        info.a_ends = a_ends, info.b_ends = b_ends;
        block.bulk_fence();
        block.barrier_expect(arrival, of_a.bytes() + of_b.bytes());
        of_a.load(block, arrival), of_b.load(block, arrival);
      }
    }
  }

  /// balanced_split, with what nearly always suffices read at once: the element before the place in both ranges, and
  /// the one before that in a.
  WEFT_DEVICE walk_place<offset> balanced(const T* x, offset x_n, const T* y, offset y_n, offset diagonal,
                                          offset i) const {
    const offset j = diagonal - i;
    if (i >= 2 && j >= 1 && i < x_n && j < y_n) {
      const T x2 = x[i - 2], x1 = x[i - 1], x0 = x[i], y1 = y[j - 1], y0 = y[j];
      const bool from_y = less(y0, x0);
      const T& next = from_y ? y0 : x0;
      if (less(y1, next)) {
        if (less(x1, next)) return {i, j};
        if (from_y && less(x2, next)) return {i, j + 1};  // x1 and y0 are a pair
      }
    }
    return balanced_split(x, x_n, y, y_n, diagonal, i, less);
  }

  /// Where the walk is after `start` elements, and a tile later; it passes `last`, then `known` before.
  template <class Block>
  WEFT_DEVICE void find_ends(Block block, const walk_place<offset>& last, const walk_place<offset>& known, offset start,
                             offset all, walk_place<offset>& from, walk_place<offset>& until) const {
    constexpr offset size = tile_items<Block::arch>;
    const T *const x = a + known.i, *const y = b + known.j;
    const offset x_n = na - known.i, y_n = nb - known.j, passed = known.i + known.j;
    const offset low = start - passed, high = (all - start < size ? all : start + size) - passed;
    // The two searches ask at the same time, first about where the last tile lets expect them.
    split_search<Block, T, offset> first(low > 0 ? low : 0, x_n, y_n), second(high, x_n, y_n);
    if (passed > 0) {
      const float in_a = static_cast<float>(known.i - last.i), in_b = static_cast<float>(known.j - last.j);
      const float share = in_a / (in_a + in_b);
      first.aim(static_cast<offset>(static_cast<float>(low) * share), 64 * Block::width);
      second.aim(static_cast<offset>(static_cast<float>(high) * share), 64 * Block::width);
    }
    while (!first.done() || !second.done()) {
      first.ask(block, x, y), second.ask(block, x, y);
      first.narrow(block, less), second.narrow(block, less);
    }
    // And half of the lanes each finish one.
    const bool upper = block.warp().lane() * 2 >= Block::width;
    const offset diagonal = upper ? high : low;
    walk_place<offset> mine{0, 0};
    if (diagonal > 0) mine = balanced(x, x_n, y, y_n, diagonal, upper ? second.result() : first.result());
    from = {known.i + block.warp().shuffle(mine.i, 0), known.j + block.warp().shuffle(mine.j, 0)};
    until = {known.i + block.warp().shuffle(mine.i, Block::width - 1),
             known.j + block.warp().shuffle(mine.j, Block::width - 1)};
  }

  /// Where the parts of a tile begin: a lane each.
  template <class Block>
  WEFT_DEVICE void cut_tiles(Block block, shared<Block::arch>& s) const {
    constexpr int width = Block::width, parts = tuning<Block::arch>.threads / width;
    static_assert(parts < width, "one warp cuts a tile");
    const int lane = static_cast<int>(block.warp().lane());
    for (place<Block::arch> at;; at.next()) {
      s.loaded.wait(block, at);
      const tile_info t = s.info[at.stage];
      if (t.tile != no_tile && lane <= parts) {
        const T* const stage = reinterpret_cast<const T*>(s.bytes[at.stage]);
        s.begin[at.stage][lane] = place_in<tile_items<Block::arch> + 1>(
            stage, t.a, t.in_a, t.b, t.in_b, lane < parts ? lane * width * thread_items<Block::arch> : t.in_a + t.in_b);
      }
      s.cut.arrive(block, at);
      if (t.tile == no_tile) return;
    }
  }

  /// The walk's place after `diagonal` of the elements [a, a + in_a) and [b, b + in_b) of the array.
  template <int Most>
  WEFT_DEVICE walk_place<int> place_in(const T* array, int a, int in_a, int b, int in_b, int diagonal) const {
    if (diagonal >= in_a + in_b) return {in_a, in_b};
    if (diagonal == 0) return {0, 0};
    return balanced_split(array + a, in_a, array + b, in_b, diagonal,
                          split_in_steps<Most>(array, a, a + in_a, b, b + in_b, diagonal, less), less);
  }

  template <class Block>
  WEFT_DEVICE void publish_counts(Block block, shared<Block::arch>& s) const {
    constexpr int parts = tuning<Block::arch>.threads / static_cast<int>(Block::width);
    const int lane = static_cast<int>(block.warp().lane());
    for (late_place<Block::arch> at;; at.next()) {
      s.counted.wait(block, at);
      const unsigned tile = s.tile[at.stage];
      if (tile != no_tile) {
        const int mine = lane < parts ? s.count[at.stage][lane] : 0;
        const int upto = static_cast<int>(block.warp().inclusive_sum(static_cast<std::uint32_t>(mine)));
        if (lane < parts) s.within[at.stage][lane] = upto - mine;
        if (lane == parts - 1) {
          s.total[at.stage] = upto;
          states.publish(block, tile, tile_count{upto}, false);
        }
      }
      s.published.arrive(block, at);
      if (tile == no_tile) return;
    }
  }

  template <class Block>
  WEFT_DEVICE void find_prefixes(Block block, shared<Block::arch>& s) const {
    offset known = 0, sum = 0;  // the first `known` tiles keep `sum`
    for (late_place<Block::arch> at;; at.next()) {
      s.published.wait(block, at);
      const unsigned tile = s.tile[at.stage];
      if (tile == no_tile) return;
      const int total = s.total[at.stage];
      sum = sum_of_counts(block, states, static_cast<offset>(tile), known, sum);
      if (block.warp().lane() == 0) {
        s.before[at.stage] = sum;
        if ((tile + offset{1}) * tile_items<Block::arch> >= na + nb) *count = sum + total;
      }
      s.ready.arrive(block, at);
      known = tile + offset{1}, sum += total;
    }
  }

  template <class Block>
  WEFT_DEVICE void compute(Block block, shared<Block::arch>& s, int part) const {
    place<Block::arch> at;
    late_place<Block::arch> now, late;
    const int lane = static_cast<int>(block.warp().lane());
    bool more = true;
    for (int open = 0; more || open > 0;) {  // tiles walked over, but not written
      if (more) {
        s.cut.wait(block, at), s.loaded.wait(block, at);
        const tile_info t = s.info[at.stage];
        more = t.tile != no_tile;
        if (part == 0 && lane == 0) s.tile[now.stage] = t.tile;
        if (more) {
          const int kept = walk(block, s, at, t, part, kept_of(block, s, now, part));
          if (lane == 0) s.count[now.stage][part] = kept;
          ++open;
        }
        s.released.arrive(block, at);
        s.counted.arrive(block, now);
        at.next(), now.next();
      }
      if (open > (more ? tuning<Block::arch>.depth : 0)) {
        s.ready.wait(block, late);
        write_compacted(block, out, s.before[late.stage] + s.within[late.stage][part], s.count[late.stage][part],
                        kept_of(block, s, late, part), 0, lane, Block::width);
        block.warp().sync();
        late.next();
        --open;
      }
    }
  }

  template <class Block>
  static WEFT_DEVICE T* kept_of(Block, shared<Block::arch>& s, late_place<Block::arch> at, int part) {
    return s.kept[at.stage].value + part * (static_cast<int>(Block::width) * (thread_items<Block::arch> + 1));
  }

  /// Walks over a part of a tile; what is kept goes to `to`. Returns how many.
  template <class Block>
  WEFT_DEVICE int walk(Block block, shared<Block::arch>& s, place<Block::arch> at, const tile_info& t, int part,
                       T* to) const {
    constexpr int each = thread_items<Block::arch>, width = Block::width;
    const int lane = static_cast<int>(block.warp().lane());
    const T* const stage = reinterpret_cast<const T*>(s.bytes[at.stage]);
    const walk_place<int> begin = s.begin[at.stage][part], end = s.begin[at.stage][part + 1];
    const int in_a = end.i - begin.i, in_b = end.j - begin.j;
    // A lane's walk goes from its place to the next lane's.
    const walk_place<int> from =
        place_in<width * each + 1>(stage, t.a + begin.i, in_a, t.b + begin.j, in_b, lane * each);
    const int next_i = block.warp().shuffle_down(from.i, 1), next_j = block.warp().shuffle_down(from.j, 1);
    int left = (lane < width - 1 ? next_i + next_j : in_a + in_b) - from.i - from.j;
    const T* p = stage + (t.a + begin.i + from.i);
    const T* q = stage + (t.b + begin.j + from.j);

    items<T, each + 1> value;
    std::uint32_t mask = 0;
    if (!t.a_ends && !t.b_ends) {  // there always is a next element
      T x = *p, y = *q;
#pragma unroll
      for (int k = 0; k <= each; ++k)
        if (left > 0) {
          const bool a_first = less(x, y), b_first = less(y, x);
          note(value[k], mask, k, a_first, b_first, x, y);
          left -= a_first || b_first ? 1 : 2;
          if (!b_first) x = *++p;
          if (!a_first) y = *++q;
        }
    } else {
      const T* const p_end = stage + (t.a + t.in_a);
      const T* const q_end = stage + (t.b + t.in_b);
#pragma unroll
      for (int k = 0; k <= each; ++k)
        if (left > 0) {
          const bool a_first = q == q_end || (p < p_end && less(*p, *q)),
                     b_first = p == p_end || (q < q_end && less(*q, *p));
          note(value[k], mask, k, a_first, b_first, *p, *q);
          left -= a_first || b_first ? 1 : 2;
          p += !b_first;
          q += !a_first;
        }
    }

    const int own = block.popcount(mask);
    const int upto = static_cast<int>(block.warp().inclusive_sum(static_cast<std::uint32_t>(own)));
    T* next = to + (upto - own);
#pragma unroll
    for (int k = 0; k <= each; ++k)
      if (mask >> k & 1) *next++ = value[k];
    block.warp().sync();
    return block.warp().shuffle(upto, width - 1);
  }
  static WEFT_DEVICE void note(T& value, std::uint32_t& mask, int k, bool a_first, bool b_first, const T& x,
                               const T& y) {
    value = b_first ? y : x;
    const bool keeps = a_first ? Op::of_a : b_first ? Op::of_b : Op::of_both;
    mask |= static_cast<std::uint32_t>(keeps) << k;
  }
};

}  // namespace weft::gpu
