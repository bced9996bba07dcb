// The kernel of f64 and f32 products on Hopper: a group of producer threads fills a ring of shared-memory stages, as
// for the warpgroup products (gemm_sm90_kernel.hpp), but warps multiply out of registers, by the f64 tensor cores or by
// fused multiply-add (gemm_cores.hpp). A stage is 128 bytes of k. Neither rate asks much of the copies, so blocks share
// nothing; what matters is that the warps never wait: fragments are read 16 bytes at a time without bank conflicts,
// from either direction of an operand, and stages change without a barrier of the block. Operands that the copy engine
// cannot take (rows not on 16 bytes, no contiguous direction) are copied element by element by the producer's threads,
// asynchronously, k contiguous in shared memory whatever it is in global: 12 to 25 % of the producer's issue slots,
// none of the multiplying warps'.
#pragma once

#include <weft/gpu/gemm_cores.hpp>
#include <weft/gpu/gemm_sm90.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// How an operand comes into shared memory, and how it lies there.
enum class gemm_way : unsigned char {
  along,   // the copy engine, k contiguous
  across,  // the copy engine, lines contiguous
  threads  // the producer's threads, k contiguous
};

/// An operand: lines (rows of A, columns of B) by k.
template <class Words, class T>
struct gemm_ring_operand {
  typename Words::tensor_map map;
  const T* data;
  offset line_stride, k_stride;
  int lines, depth;
  gemm_way way;
};

template <class Words, class Core, class TC, class Options>
struct gemm_ring_kernel {
  using words = Words;
  using value = typename Core::value;
  using word = std::uint32_t;
  using operand = gemm_ring_operand<Words, value>;
  static constexpr int m = Core::m, n = Core::n, stages = Core::stages, depth = Core::depth, producers = 128;
  static constexpr int a_bytes = m * 128, b_bytes = n * 128, threads = producers + 32 * Core::warps;
  /// Elsewhere B lies along k, so that less is compiled.
  static constexpr bool across_b = sizeof(value) == 8 && m * n >= 128 * 128;
  // What the launch gives every thread, in eights, moved to where the sums are.
  static constexpr int launched = 65536 / (threads * Core::resident) / 8 * 8, few = 40;
  static constexpr int many = (launched * threads - few * producers) / (32 * Core::warps) / 8 * 8;

  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  static constexpr int block_residency = Core::resident;
  template <arch A>
  static constexpr int cluster_blocks = 1;
  static constexpr bool starts_early = true;

  /// Steps of a piece: of a tile, or of a part of one.
  struct work {
    unsigned piece;
    int first, count;
  };
  /// A block's turns: at `early` shared work, whole pieces, and the rest of `count` shared ones: of at most two tiles,
  /// each has as many steps as a share.
  struct turns_of_block {
    unsigned early, whole, count;
    work of[2];
  };

  template <arch A>
  struct alignas(1024) shared {
    unsigned char a[stages][a_bytes];
    unsigned char b[stages][b_bytes];
    std::uint64_t full[stages], empty[stages];
    turns_of_block turns;
  };

  operand a, b;
  matrix<TC> c;
  value* sums;  // k is split: where the parts' sums go, in the order of C
  offset part_size;
  bool sums_by_columns;
  Options options;
  int steps, steps_of_part;
  unsigned tiles_m, tiles_n, group_rows, parts;
  // Tiles from number `whole` on are shared: the first `workers` blocks, counted from the last, take equal parts of the
  // steps of all of them, one after another. A worker leaves the sums of a tile that it does not begin in its share and
  // says so; who begins a tile waits for the others' and adds them in order. It waits for blocks that started before
  // it.
  unsigned whole, workers;
  bool early;            // what others wait for is computed first
  value* shares;         // [worker][4 or 2 of a thread's sums][thread]
  std::uint32_t* ready;  // [worker]; zeros between launches

  WEFT_DEVICE unsigned share_begin(unsigned worker) const {
    return (tiles_m * tiles_n - whole) * static_cast<unsigned>(steps) * worker / workers;
  }
  WEFT_DEVICE void plan(turns_of_block& s, unsigned block, unsigned blocks) const {
    s = {0, block < whole ? (whole - 1 - block) / blocks + 1 : 0, 0, {}};
    if (block >= workers) return;
    const auto all = static_cast<unsigned>(steps), end = share_begin(workers - block);
    for (unsigned at = share_begin(workers - 1 - block); at < end; ++s.count) {
      const unsigned left = all - at % all, count = left < end - at ? left : end - at;
      s.of[s.count] = {whole + at / all, static_cast<int>(at % all), static_cast<int>(count)};
      at += count;
    }
    s.early = early && s.of[0].first > 0 ? 1 : 0;
  }
  WEFT_DEVICE work work_of(const turns_of_block& s, unsigned turn, unsigned block, unsigned blocks) const {
    const unsigned behind = turn - s.early;  // early ones: none
    if (turn < s.early) return s.of[turn];
    if (behind >= s.whole) return s.of[turn - s.whole];
    const unsigned piece = block + behind * blocks;
    const int first = static_cast<int>(piece / (tiles_m * tiles_n)) * steps_of_part;
    return {piece, first, first + steps_of_part < steps ? steps_of_part : steps - first};
  }

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_hopper) run(block, s);
  }

  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void run(Block block, shared<Block::arch>& s) const {
    using hopper = typename Block::hopper;
    const word full = hopper::address_of(s.full), empty = hopper::address_of(s.empty);
    const word a_at = hopper::address_of(s.a), b_at = hopper::address_of(s.b);
    const unsigned group = hopper::uniform(block.thread() / producers);
    const unsigned tiles = tiles_m * tiles_n;
    const bool by_threads = a.way == gemm_way::threads || b.way == gemm_way::threads;

    if (block.thread() == 0) {
      hopper::prefetch(a.map), hopper::prefetch(b.map);
      for (int i = 0; i < stages; ++i) {
        hopper::barrier_init(full + 8 * i, by_threads ? 1 + producers : 1);
        hopper::barrier_init(empty + 8 * i, Core::warps);
      }
      hopper::barrier_init_fence();
      plan(s.turns, block.index(), block.blocks());
    }
    block.sync();
    hopper::let_next_start();
    hopper::wait_for_stream();

    gemm_ring_place<stages> at;
    const auto goes_on = [&](unsigned turn) { return turn < hopper::uniform(s.turns.whole + s.turns.count); };
    if (group == 0) {
      hopper::template give_registers<few>();
      if (by_threads || block.thread() == 0)
        for (unsigned turn = 0; goes_on(turn); ++turn) {
          const work now = work_of(s.turns, turn, block.index(), block.blocks());
          const gemm_tile_place p = gemm_place_of(now.piece % tiles, tiles_m, tiles_n, group_rows);
#pragma unroll 1
          for (int k = now.first; k < now.first + now.count; ++k, at.next()) {
            const word barrier = full + 8 * at.stage;
            hopper::barrier_wait(empty + 8 * at.stage, at.phase ^ 1);
            if (block.thread() == 0)
              hopper::barrier_expect(
                  barrier, (a.way == gemm_way::threads ? 0 : a_bytes) + (b.way == gemm_way::threads ? 0 : b_bytes));
            load<hopper, m>(block.thread(), a_at + at.stage * a_bytes, a, barrier, static_cast<int>(p.row) * m, k);
            load<hopper, n>(block.thread(), b_at + at.stage * b_bytes, b, barrier, static_cast<int>(p.column) * n, k);
            if (by_threads) hopper::barrier_arrive_after_copies(barrier);
          }
        }
    } else {
      hopper::template take_registers<many>();
      const unsigned thread = block.thread() - producers;
      for (unsigned turn = 0; goes_on(turn); ++turn) {
        auto tile = [&]<bool A, bool B>() {
          Core core{};
          const auto stage_at = [&](int stage) { return gemm_stage{a_at + stage * a_bytes, b_at + stage * b_bytes}; };
          hopper::barrier_wait(full + 8 * at.stage, at.phase);
          core.template begin<hopper, A, B>(stage_at(at.stage), thread);
#pragma unroll 1
          for (int left = work_of(s.turns, turn, block.index(), block.blocks()).count; left > 0; --left) {
            const int stage = at.stage;
            at.next();
            if (left > 1) hopper::barrier_wait(full + 8 * at.stage, at.phase);
            // What is read ahead of the last stage's end is of no use.
            core.template multiply<hopper, A, B>(stage_at(stage), stage_at(left > 1 ? at.stage : stage), thread);
            block.warp().sync();
            if (thread % 32 == 0) hopper::barrier_arrive(empty + 8 * stage);
          }
          // Opaque: places in C are worked out here rather than kept in registers through the products.
          const work now = work_of(s.turns, block.opaque(turn), block.index(), block.blocks());
          const unsigned t = now.piece;
          if constexpr (Core::may_share)
            if (t >= whole && !share(block, core, block.opaque(thread), now)) return;
          const gemm_tile_place p = gemm_place_of(t % tiles, tiles_m, tiles_n, group_rows);
          const offset row0 = static_cast<offset>(p.row) * m, column0 = static_cast<offset>(p.column) * n;
          value* const part = parts > 1 ? sums + t / tiles * part_size : nullptr;
          core.template each<A, B>(block.opaque(thread), [&](unsigned i, unsigned j, const auto& sum, auto down) {
            write<Block, down.value>(row0 + i, column0 + j, sum, part);
          });
        };
        // The host turns the product where k is contiguous in A alone: that is the slowest order of reads.
        if (a.way != gemm_way::across)
          tile.template operator()<true, true>();
        else if (!across_b || b.way != gemm_way::across)
          tile.template operator()<false, true>();
        else if constexpr (across_b)
          tile.template operator()<false, false>();
      }
    }
  }

  /// Neighbours in a column (Down) or row of C, to C or, where there is one, to a part's sums; as one vector where they
  /// lie so.
  template <class Block, bool Down, int Group>
  [[gnu::always_inline]] WEFT_DEVICE void write(offset row, offset column, const value (&sum)[Group],
                                                value* part) const {
    if (row >= c.rows || column >= c.columns) return;
    const bool whole = (Down ? row : column) + Group <= (Down ? c.rows : c.columns);
    const auto put = [&](auto* to, offset next, auto item) {
      using T = std::remove_pointer_t<decltype(to)>;
      if (Group > 1 && whole && next == 1 && reinterpret_cast<std::uintptr_t>(to) % (sizeof(T) * Group) == 0) {
        items<T, Group> out;
#pragma unroll
        for (int e = 0; e < Group; ++e) out[e] = item(e, to + e);
        store_run<Group, Block>(to, 0, true, out.value);
      } else {
#pragma unroll
        for (int e = 0; e < Group; ++e)
          if (whole || (Down ? row : column) + e < (Down ? c.rows : c.columns)) to[e * next] = item(e, to + e * next);
      }
    };
    if (part != nullptr)
      put(part + (sums_by_columns ? column * c.rows + row : row * c.columns + column),
          Down ? (sums_by_columns ? 1 : c.columns) : (sums_by_columns ? c.rows : 1),
          [&](int e, const value*) { return sum[e]; });
    else
      put(&c(row, column), Down ? c.row_stride : c.column_stride, [&](int e, const TC* at) {
        return weft::detail::finished(options, sum[e], at, Down ? row + e : row, Down ? column : column + e);
      });
  }

  /// Sums of a shared tile: this block's go to its share, unless it begins the tile; then the others' are added.
  /// Whether they are the tile's.
  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE bool share(Block block, Core& core, unsigned thread, const work& now) const {
    using hopper = typename Block::hopper;
    constexpr unsigned group = 16 / sizeof(value), consumers = 32 * Core::warps, groups = Core::sums / group;
    const unsigned worker = workers - 1 - block.index();
    if (now.first > 0) {
      value* const to = shares + (worker * groups * consumers + thread) * group;
#pragma unroll
      for (unsigned i = 0; i < groups; ++i) {
        value v[group];
#pragma unroll
        for (unsigned e = 0; e < group; ++e) v[e] = core.sum_at(i * group + e);
        store_run<group, Block>(to + i * consumers * group, 0, true, v);
      }
      hopper::sync(1, consumers);
      if (thread == 0) Block::store_release(ready + worker, 1u);
      return false;
    }
    unsigned other = worker + 1;
    for (auto left = static_cast<unsigned>(steps - now.count); left > 0; ++other) {
      if (thread == 0) {
        for (unsigned n = 0; Block::load_acquire(ready + other) == 0; ++n) Block::backoff(n);
        Block::store_relaxed(ready + other, 0u);
      }
      hopper::sync(1, consumers);
      const value* const from = shares + (other * groups * consumers + thread) * group;
#pragma unroll
      for (unsigned i = 0; i < groups; ++i) {
        value v[group];
        load_run<group, Block>(from + i * consumers * group, 0, true, v);
#pragma unroll
        for (unsigned e = 0; e < group; ++e) core.sum_at(i * group + e) += v[e];
      }
      const unsigned own = share_begin(other + 1) - share_begin(other);
      left -= own < left ? own : left;
    }
    return true;
  }

  /// Issues the copies of one operand's stage. Along k: rows of Core::k_bytes, one line after another; else 128 bytes
  /// of lines, k after k.
  template <class H, int Lines>
  [[gnu::always_inline]] static WEFT_DEVICE void load(unsigned thread, word to, const operand& from, word barrier,
                                                      int line, int k) {
    if (from.way == gemm_way::threads) {
      load_by_threads<H, Lines>(static_cast<int>(thread), to, from, line, k * depth);
    } else if (thread == 0) {
      if (from.way == gemm_way::along) {
        constexpr int boxes = 128 / Core::k_bytes, width = Core::k_bytes / static_cast<int>(sizeof(value));
        for (int i = 0; i < boxes; ++i)
          H::load(to + i * Lines * Core::k_bytes, from.map, barrier, k * depth + i * width, line);
      } else {
        for (int i = 0; i < Lines / depth; ++i)
          H::load(to + i * depth * 128, from.map, barrier, line + i * depth, k * depth);
      }
    }
  }
  /// The same by threads, along k; consecutive ones walk along what is closer together in memory. A thread's places lie
  /// evenly, so that one costs an addition for either address and a comparison.
  template <class H, int Lines>
  [[gnu::always_inline]] static WEFT_DEVICE void load_by_threads(int thread, word to, const operand& from, int line0,
                                                                 int k0) {
    constexpr int row = Core::k_bytes, width = row / static_cast<int>(sizeof(value));
    const auto place = [&](int line, int k) {
      const int swizzle = row == 128 ? line % 8 : line / 2 % 4, byte = k % width * static_cast<int>(sizeof(value));
      return to + static_cast<word>((k / width * Lines + line) * row + ((byte / 16 ^ swizzle) << 4) + byte % 16);
    };
    if (from.k_stride * from.k_stride <= from.line_stride * from.line_stride) {
      constexpr int apart = producers / depth;  // lines: 4 of 128 bytes or 8 of 64, half the swizzle's period or all
      const int line = thread / depth, k = thread % depth;
      const int count = k0 + k < from.depth ? (from.lines - line0 - line + apart - 1) / apart : 0;
      const value* at = from.data + (line0 + line) * from.line_stride + (k0 + k) * from.k_stride;
      const word first = place(line, k);
#pragma unroll 4
      for (int i = 0; i < Lines / apart; ++i, at += apart * from.line_stride)
        H::template copy<sizeof(value)>((row == 128 && i % 2 != 0 ? first ^ 64 : first) + i * apart * row,
                                        i < count ? at : from.data, i < count);
    } else {
      constexpr int across = Lines < producers ? Lines : producers, apart = producers / across;  // k
#pragma unroll 1
      for (int group = 0; group < Lines / across; ++group) {
        const int line = group * across + thread % across, k = thread / across;
        const int count = line0 + line < from.lines ? (from.depth - k0 - k + apart - 1) / apart : 0;
        const value* at = from.data + (line0 + line) * from.line_stride + (k0 + k) * from.k_stride;
#pragma unroll 4
        for (int i = 0; i < depth / apart; ++i, at += apart * from.k_stride)
          H::template copy<sizeof(value)>(place(line, k + i * apart), i < count ? at : from.data, i < count);
      }
    }
  }
};

}  // namespace weft::gpu
