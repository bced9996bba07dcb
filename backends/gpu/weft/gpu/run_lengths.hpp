// Run-length encoding in one launch and one pass, like a selection (gpu/select.hpp) of the first elements of runs: a
// tile compacts them and their places in shared memory, learns by look-back how many runs came before and where the
// last of them began, and writes its elements as one consecutive range. A run's length is the distance to the next
// beginning, so it is written by the tile where the next run begins. Reads each element once, writes only runs.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>
#include <weft/gpu/run_lengths_pipeline.hpp>
#include <weft/gpu/select_write.hpp>

namespace weft::inline v100::gpu {

/// What tiles tell each other: how many runs begin in them, and where the last of those begins.
struct runs_begun {
  offset runs, last;
};
struct add_runs_begun {
  WEFT_DEVICE runs_begun operator()(const runs_begun& a, const runs_begun& b) const {
    return {a.runs + b.runs, b.runs > 0 ? b.last : a.last};
  }
};
template <>
struct payload<runs_begun> {  // both are below 2^48
  static constexpr int words = 2;
  static WEFT_DEVICE void pack(const runs_begun& value, std::uint64_t* word) {
    word[0] = static_cast<std::uint64_t>(value.runs);
    word[1] = static_cast<std::uint64_t>(value.last);
  }
  static WEFT_DEVICE runs_begun unpack(const std::uint64_t* word) {
    constexpr std::uint64_t low = (std::uint64_t{1} << 48) - 1;
    return {static_cast<offset>(word[0] & low), static_cast<offset>(word[1] & low)};
  }
};

template <class In, class Out, class Lengths, class Count, class Equal, class Selector>
struct run_lengths_kernel {
  using T = iter_value_t<In>;
  template <arch A>
  static constexpr select_tuning tuning = choose<Selector>(dialect::select_rows, A, size_class(sizeof(T)));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  template <arch A>
  static constexpr int block_residency = sizeof(T) > 16 ? 1 : 1024 / block_threads<A>;
  template <arch A>
  using shape = tile_of<block_threads<A>, sizeof(T), tuning<A>.thread_bytes>;

  template <arch A>
  struct shared {
    static_assert(shape<A>::items <= 65536, "places in a tile are held in 16 bits");
    alignas(16) items<T, shape<A>::items> first;  // of each run that begins here
    std::uint16_t place[shape<A>::items];
    int warp_counts[block_threads<A> / 32];
    runs_begun before;
    std::uint32_t ticket;
  };

  In in;
  Out out;
  Lengths lengths;
  Count count;
  offset n;
  Equal equal;
  lookback states;
  bool wide;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr offset tile_items = shape<Block::arch>::items;
    const unsigned tile = states.draw(block, s.ticket);
    const offset start = tile * tile_items;
    if (n - start >= tile_items)
      full_tile(block, s, tile, start);
    else
      last_tile(block, s, tile, start, static_cast<int>(n - start));
  }

  template <class Block>
  WEFT_DEVICE void full_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run;

    held_run<T, run> held[rows];
    std::uint32_t mask[rows];
    load_rows<tile_shape>(block, in, start, wide, held);
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const items<T, run> x = held[r].take(block);
      mask[r] = heads<run, true>(block, in, start + tile_shape::at(block, r), run, x.value, equal);
    }

    int rank[rows], total;
    const int of_warp = rank_rows<rows>(block, mask, rank);
    const int before = before_warp(block, s, of_warp, total);
#pragma unroll
    for (int r = 0; r < rows; ++r)
      compact_run(s, held[r].take(block), mask[r], before + rank[r], tile_shape::at(block, r));
    write_tile(block, s, tile, start, total, tile_shape::items);
  }

  /// The last tile, of which `valid` elements exist: row by row, and read twice, to keep the code small.
  template <class Block>
  WEFT_DEVICE void last_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int valid) const {
    using tile_shape = shape<Block::arch>;
    constexpr int run = tile_shape::run, row_items = run * static_cast<int>(Block::width);
    const int lane = static_cast<int>(block.warp().lane());
    const auto [begin, end, full_warps] = share_tail<tile_shape>(block, valid);

    std::uint32_t mask;
    int rank, of_warp = 0, total;
#pragma unroll 1
    for (int row = begin; row < end; row += row_items) {
      const int at = row + lane * run;
      items<T, run> x;
      load_tail_run<run, false, Block>(in, start + at, end - at, wide, x.value);
      mask = heads<run, false>(block, in, start + at, end - at, x.value, equal);
      of_warp += rank_rows<1>(block, &mask, &rank);
    }
    int before = before_warp(block, s, of_warp, total);
#pragma unroll 1
    for (int row = begin; row < end; row += row_items) {
      const int at = row + lane * run;
      items<T, run> x;
      load_tail_run<run, false, Block>(in, start + at, end - at, wide, x.value);
      mask = heads<run, false>(block, in, start + at, end - at, x.value, equal);
      const int of_row = rank_rows<1>(block, &mask, &rank);
      compact_run(s, x, mask, before + rank, at);
      before += of_row;
    }
    write_tile(block, s, tile, start, total, valid);
  }

 private:
  template <class Block>
  static WEFT_DEVICE int before_warp(Block block, shared<Block::arch>& s, int of_warp, int& total) {
    if (block.warp().lane() == 0) s.warp_counts[block.warp().index()] = of_warp;
    block.sync();
    return exclusive_of_warps<block_threads<Block::arch>>(block, s.warp_counts, total);
  }

  template <class Shared, int Run>
  static WEFT_DEVICE void compact_run(Shared& s, const items<T, Run>& x, std::uint32_t mask, int next, int at) {
#pragma unroll
    for (int k = 0; k < Run; ++k)
      if (mask >> k & 1) {
        s.first[next] = x[k];
        s.place[next++] = static_cast<std::uint16_t>(at + k);
      }
  }

  template <class Block>
  WEFT_DEVICE void write_tile(Block block, shared<Block::arch>& s, unsigned tile, offset start, int total,
                              int valid) const {
    block.sync();
    if (block.warp().index() == 0) {
      const runs_begun mine{total, total > 0 ? start + s.place[total - 1] : 0};
      runs_begun before{0, 0};
      if (tile > 0) {
        if (block.warp().lane() == 0) states.publish(block, tile, mine, false);
        before = states.template prefix<runs_begun>(block, tile, add_runs_begun{});
      }
      if (block.warp().lane() == 0) {
        const runs_begun upto = add_runs_begun{}(before, mine);
        states.publish(block, tile, upto, true);
        s.before = before;
        if (start + valid == n) {
          *count = upto.runs;
          if (n > 0) lengths[upto.runs - 1] = n - upto.last;
        }
      }
    }
    block.sync();
    const runs_begun before = s.before;
    write_compacted(block, out, before.runs, total, s.first.value, 0);
    for (int i = static_cast<int>(block.thread()); i < total; i += block_threads<Block::arch>) {
      const offset begin = start + s.place[i], previous = i > 0 ? start + s.place[i - 1] : before.last;
      if (begin > 0) lengths[before.runs + i - 1] = begin - previous;
    }
  }
};

template <class P, class In, class Out, class Lengths, class Count, class Equal>
void run_lengths_into(const P& policy, In in, offset n, Out out, Lengths lengths, Count count, Equal equal) {
  using kernel = run_lengths_kernel<In, Out, Lengths, Count, Equal, typename P::tuning>;
  on_arch(policy, [&]<arch A>() {
    if constexpr (std::is_pointer_v<In> && bulk_source<In>::possible && sizeof(iter_value_t<In>) <= 16) {
      if constexpr (kernel::template tuning<A>.runs.threads > 0) {
        using T = iter_value_t<In>;
        using pipeline = run_lengths_pipeline_kernel<T, Out, Lengths, Count, Equal, typename P::tuning>;
        const bool large = n * static_cast<offset>(sizeof(T)) >= kernel::template tuning<A>.runs.from &&
                           n > pipeline::template tile_items<A>;
        if (large && vector_aligned(in)) {
          const offset tiles = ceil_div(n, pipeline::template tile_items<A>);
          const offset resident = resident_blocks<A, pipeline>(policy), blocks = resident < tiles ? resident : tiles;
          lookback_states states(policy, tiles, payload<tile_runs>::words);
          launch<A>(policy, blocks, pipeline{in, out, lengths, count, n, equal, states.view()});
          states.launched(tiles + blocks);
          return;
        }
      }
    }
    const offset tiles = n == 0 ? 1 : ceil_div(n, kernel::template shape<A>::items);
    lookback_states states(policy, tiles, payload<runs_begun>::words);
    launch<A>(policy, tiles, kernel{in, out, lengths, count, n, equal, states.view(), vector_aligned(in)});
    states.launched(tiles);
  });
}

}  // namespace weft::gpu
