// Matrix product on CPUs after Goto and van de Geijn. C is cut into independent blocks, one task each. A task goes
// through k in slabs: it copies its slab of B into panels that the second-level cache holds, and for each few rows of
// A, which the first-level cache holds, runs register tiles (gemm_kernels.hpp) over them. Small products copy nothing:
// the tiles read A and B where they lie. Sums stay in registers over a slab and between slabs in C itself, or in a
// buffer where C is of another type or has an epilogue; that is applied to a tile of sums in the first-level cache, so
// it costs no pass over memory. Sums run over k in ascending order, so a result does not depend on the number of
// threads.
#pragma once

#include <weft/cpu/gemm_kernels.hpp>
#include <weft/cpu/gemm_pack.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/gemm/tuning.hpp>

namespace weft::inline v100::cpu {

namespace gemm_detail {

inline constexpr offset direct_bytes = 1 << 17;                     // so much of B is read where it lies
inline constexpr int slab = 512;                                    // k of a panel
inline constexpr offset buffered_rows = 336, block_columns = 1024;  // of a task; multiples of every register tile
inline constexpr offset on_stack = 2048;                            // values of panels and sums
inline constexpr int highest = 14, widest_bytes = 128;              // of a register tile

constexpr offset round_up(offset n, offset to) { return (n + to - 1) / to * to; }

/// A product whose C has rows that are contiguous where that can be: otherwise `swapped`, all transposed.
template <class TX, class PX, class TY, class PY, class TC, class Options>
struct problem {
  using S = accumulator_t<TX, TY, gemm_options<int, no_epilogue, PX, PY, decltype(Options::accumulate)>>;
  using X = operand<std::remove_const_t<TX>, PX>;
  using Y = operand<std::remove_const_t<TY>, PY>;
  static constexpr bool may_be_direct =
      std::is_same_v<TC, S> && std::is_same_v<decltype(Options::epilogue), no_epilogue>;

  X x;  // rows of C by k
  Y y;  // columns of C by k
  TC* c;
  offset rows, columns, depth, row_stride, column_stride;
  Options options;
  bool swapped;
  register_tiles<S> tiles;

  bool direct() const {  // partial sums are kept in C
    if constexpr (may_be_direct)
      return column_stride == 1 && options.alpha == decltype(options.alpha)(1) &&
             options.beta == decltype(options.beta)(0);
    else
      return false;
  }
  bool buffered() const { return depth > slab && !direct(); }

  /// C of a tile of sums.
  void finish(const S* sums, offset pitch, offset row0, offset height, offset column0, offset width) const {
    if constexpr (weft::detail::reductions_in<decltype(Options::epilogue)> != 0)
      return finish_reduced(sums, pitch, row0, height, column0, width);
    const Options tail = options;
    TC* const to = c + row0 * row_stride + column0 * column_stride;
    const offset to_row = row_stride, to_column = column_stride;
    const auto write = [&](auto is_swapped, auto unit) {
      wide([=]() {
        for (offset i = 0; i < height; ++i)
          for (offset j = 0; j < width; ++j) {
            TC* const at = to + i * to_row + (unit ? j : j * to_column);
            *at = is_swapped ? weft::detail::finished(tail, sums[i * pitch + j], at, column0 + j, row0 + i)
                             : weft::detail::finished(tail, sums[i * pitch + j], at, row0 + i, column0 + j);
          }
      });
    };
    if (column_stride != 1)
      swapped ? write(std::true_type{}, std::false_type{}) : write(std::false_type{}, std::false_type{});
    else
      swapped ? write(std::true_type{}, std::true_type{}) : write(std::false_type{}, std::true_type{});
  }

  /// The same with reductions: each line of the tile is a piece of its line of C. Tiles lower than the tallest, at the
  /// end of a block and computed by one task in order, share the piece of the place where a tallest one would begin.
  void finish_reduced(const S* sums, offset pitch, offset row0, offset height, offset column0, offset width) const {
    using V = decltype(weft::detail::tail_value(options, S(), c, 0, 0));
    V values[highest][widest_bytes / sizeof(S) + 8];
    for (offset i = 0; i < height; ++i)
      for (offset j = 0; j < width; ++j) {
        TC* const at = c + (row0 + i) * row_stride + (column0 + j) * column_stride;
        const offset row = swapped ? column0 + j : row0 + i, column = swapped ? row0 + i : column0 + j;
        values[i][j] = weft::detail::tail_value(options, sums[i * pitch + j], at, row, column);
        *at = converted<TC>(values[i][j]);
      }
    weft::detail::each_reduction(options.epilogue, [&](const auto& stage) {
      using T = typename std::remove_cvref_t<decltype(stage)>::value_type;
      const auto reduce = [&](T* to, bool start, offset length, const auto& value) {
        T all = static_cast<T>(value(0));
        if (!start) all = stage.op(*to, all);
        for (offset i = 1; i < length; ++i) all = stage.op(all, static_cast<T>(value(i)));
        *to = all;
      };
      if (stage.by_row != swapped)
        for (offset i = 0; i < height; ++i)
          reduce(stage.parts + column0 / tiles.columns * stage.lines + row0 + i, true, width,
                 [&](offset j) { return values[i][j]; });
      else
        for (offset j = 0; j < width; ++j)
          reduce(stage.parts + row0 / tiles.rows[0] * stage.lines + column0 + j, row0 % tiles.rows[0] == 0, height,
                 [&](offset i) { return values[i][j]; });
    });
  }

  /// A block of B is read where it lies.
  bool direct_b(offset height, offset width) const {
    return Y::template as_is<S> && y.line_stride == 1 && height <= 128 &&
           depth * width * static_cast<offset>(sizeof(S)) <= direct_bytes;
  }
  /// How many values a block of C needs for copied panels of B, and for sums.
  offset panel_values(offset height, offset width) const {
    const offset whole = direct_b(height, width) ? width / tiles.columns * tiles.columns : 0;
    return (round_up(width, tiles.columns) - whole) * min(depth, slab);
  }
  offset sum_values(offset height, offset width) const {
    return buffered() ? round_up(height, 2) * round_up(width, tiles.columns) : 0;
  }
  /// What a block needs beyond the stack.
  offset memory_values(offset height, offset width) const {
    const offset all = panel_values(height, width) + sum_values(height, width);
    return all > on_stack ? all : 0;
  }

  /// One task: a block of C. `memory` has room for memory_values(height, width).
  void block(S* memory, offset r0, offset height, offset c0, offset width) const {
    const offset lanes = tiles.columns, pitch = round_up(width, lanes);
    // Rows a multiple of 4 KiB apart meet in one set of the cache.
    const bool direct_a = X::template as_is<S> && x.k_stride == 1 && width <= 4 * lanes &&
                          x.line_stride * static_cast<offset>(sizeof(S)) % 4096 != 0;
    const offset packed = direct_b(height, width) ? width / lanes * lanes : 0;  // panels from here on are copies
    alignas(64) S a_tile[highest * (slab + 16)];
    alignas(64) S tile[highest * widest_bytes / sizeof(S) + 64];
    alignas(64) S small[on_stack];
    S* const panels = memory_values(height, width) > 0 ? memory : small;
    S* const sums = panels + panel_values(height, width);

    for (offset k0 = 0; k0 == 0 || k0 < depth; k0 += slab) {
      const offset ks = depth - k0 < slab ? depth - k0 : slab;
      const bool add = k0 > 0, last = k0 + ks >= depth;
      // A few rows of B at once across all panels: every page of B is met once a slab.
      const offset step = y.line_stride == 1 ? 16 : ks;
      for (offset k = 0; k < ks; k += step)
        for (offset j = packed; j < width; j += lanes)
          pack_by_k(y, c0 + j, min(lanes, width - j), lanes, k0 + k, min(step, ks - k),
                    panels + (j - packed) * ks + k * lanes, lanes);

      for (offset i = 0, kind = 0; i < height;) {
        while (tiles.rows[kind] > height - i) ++kind;
        const int tile_rows = tiles.rows[kind];
        const S* a = a_tile;
        offset a_pitch = slab + 16;  // not a power of two: rows would meet in one set of the cache
        if (direct_a) {
          a = reinterpret_cast<const S*>(x.data) + (r0 + i) * x.line_stride + k0;
          a_pitch = x.line_stride;
        } else {
          pack_by_line(x, r0 + i, tile_rows, k0, ks, a_tile, a_pitch);
        }
        for (offset j = 0; j < width; j += lanes) {
          const S* b = panels + (j - packed) * ks;
          offset b_pitch = lanes;
          if (j < packed) {
            b = reinterpret_cast<const S*>(y.data) + k0 * y.k_stride + c0 + j;
            b_pitch = y.k_stride;
          }
          const offset here = min(lanes, width - j);
          const micro_kernel<S> run = here <= lanes / 2 ? tiles.narrow[kind] : tiles.run[kind];
          if (buffered()) {
            S* const to = sums + i * pitch + j;
            run(ks, a, a_pitch, b, b_pitch, to, pitch, add);
            if (last) finish(to, pitch, r0 + i, tile_rows, c0 + j, here);
            continue;
          }
          if constexpr (may_be_direct) {
            if (direct()) {
              TC* const to = c + (r0 + i) * row_stride + c0 + j;
              if (here == lanes) {
                run(ks, a, a_pitch, b, b_pitch, to, row_stride, add);
                continue;
              }
              if (here == lanes / 2) {
                run(ks, a, a_pitch, b, b_pitch, to, row_stride, add);
                continue;
              }
              for (offset l = 0; l < tile_rows; ++l)
                for (offset e = 0; e < here; ++e) tile[l * lanes + e] = add ? to[l * row_stride + e] : S(0);
              run(ks, a, a_pitch, b, b_pitch, tile, lanes, add);
              for (offset l = 0; l < tile_rows; ++l)
                for (offset e = 0; e < here; ++e) to[l * row_stride + e] = tile[l * lanes + e];
              continue;
            }
          }
          run(ks, a, a_pitch, b, b_pitch, tile, lanes, false);
          finish(tile, lanes, r0 + i, tile_rows, c0 + j, here);
        }
        i += tile_rows;
      }
    }
  }
};

/// How C is cut.
struct cut {
  offset rows, columns;
  offset down, across;
};
template <class Problem>
cut cut_of(const Problem& p, offset count, int threads, const gemm_tile* told) {
  const offset tall = p.tiles.rows[0], wide = p.tiles.columns;
  if (told != nullptr) {
    const offset rows = p.swapped ? told->columns : told->rows, columns = p.swapped ? told->rows : told->columns;
    cut t{round_up(max(rows, 1), tall), round_up(max(columns, 1), wide), 0, 0};
    t.down = ceil_div(p.rows, t.rows), t.across = ceil_div(p.columns, t.columns);
    return t;
  }
  cut t{p.buffered() ? buffered_rows : 2016, block_columns, 0, 0};
  const auto tasks = [&] { return count * ceil_div(p.rows, t.rows) * ceil_div(p.columns, t.columns); };
  // Blocks shrink until every thread has two, so that small products still spread.
  const offset wanted = threads > 1 ? 2 * threads : 1;
  while (tasks() < wanted && (t.rows > 4 * tall || t.columns > 4 * wide)) {
    if (t.rows > p.rows && t.rows > 4 * tall)
      t.rows = round_up(t.rows / 2, tall);
    else if (t.columns * 2 >= t.rows && t.columns > 4 * wide)
      t.columns = round_up(t.columns / 2, wide);
    else if (t.rows > 4 * tall)
      t.rows = round_up(t.rows / 2, tall);
    else
      break;
  }
  t.down = ceil_div(p.rows, t.rows), t.across = ceil_div(p.columns, t.columns);
  return t;
}

/// Product number `index` of a batch.
template <class TX, class TY, class TC, class Options, class PX, class PY>
auto product_of(offset index, const batch<TX>& x, const batch<TY>& y, const batch<TC>& c, const Options& options,
                const PX& prologue_x, const PY& prologue_y, bool swapped) {
  using product = problem<TX, PX, TY, PY, TC, Options>;
  const matrix<TX> l = x[index];
  const matrix<TY> r = y[index];
  const matrix<TC> to = c[index];
  return product{{l.data, l.row_stride, l.column_stride, prologue_x, !swapped},
                 {r.data, r.column_stride, r.row_stride, prologue_y, swapped},
                 to.data,
                 to.rows,
                 to.columns,
                 l.columns,
                 to.row_stride,
                 to.column_stride,
                 options,
                 swapped,
                 best_tiles<typename product::S>()};
}

/// f(x, y, c, options, prologue of x, prologue of y, swapped): rows of C are contiguous where that can be.
template <class TA, class TB, class TC, class Options, class F>
auto turned(const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options, const F& f) {
  const auto turn = [](auto m) {
    m.first = transposed(m.first);
    return m;
  };
  if (c.first.row_stride < c.first.column_stride)
    return f(turn(b), turn(a), turn(c), options, options.prologue_b, options.prologue_a, true);
  return f(a, b, c, options, options.prologue_a, options.prologue_b, false);
}

}  // namespace gemm_detail

/// How C is cut, and a buffer for each of so many workers.
struct gemm_plan {
  template <class Scheduler, class TA, class TB, class TC, class Options>
  static gemm_plan of(const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
                      const gemm_tile* told = nullptr) {
    return gemm_detail::turned(
        a, b, c, options, [told](const auto& x, const auto& y, const auto& to, const auto&... how) {
          const auto p = gemm_detail::product_of(0, x, y, to, how...);
          const double work = static_cast<double>(p.rows) * static_cast<double>(p.columns) *
                              static_cast<double>(p.depth) * static_cast<double>(to.count);
          const int threads = work < (1 << 20) ? 1 : Scheduler::threads();
          gemm_plan plan{gemm_detail::cut_of(p, to.count, threads, told), 0, 0, 0, nullptr};
          plan.blocks = plan.cut.down * plan.cut.across * to.count;
          plan.workers = static_cast<int>(min(threads, plan.blocks));
          offset values = 0;  // of the block that needs most: whole, or the last of a row or column of blocks
          for (offset height : {min(plan.cut.rows, p.rows), p.rows - (plan.cut.down - 1) * plan.cut.rows})
            for (offset width :
                 {min(plan.cut.columns, p.columns), p.columns - (plan.cut.across - 1) * plan.cut.columns})
              values = max(values, p.memory_values(height, width));
          plan.each = gemm_detail::round_up(
              values * static_cast<offset>(sizeof(typename std::remove_cvref_t<decltype(p)>::S)), 64);
          return plan;
        });
  }
  void divide(divider& from) {
    struct alignas(64) line {
      std::byte bytes[64];
    };
    memory = reinterpret_cast<std::byte*>(from.take<line>(workers * each / 64));
  }
  gemm_detail::cut cut;
  offset blocks;
  int workers;
  offset each;  // bytes
  std::byte* memory;
};

/// One block of a product that is cut so, in the memory of one worker.
template <class TA, class TB, class TC, class Options>
void gemm_block(const gemm_detail::cut& t, offset block, std::byte* memory, const batch<TA>& a, const batch<TB>& b,
                const batch<TC>& c, const Options& options) {
  gemm_detail::turned(a, b, c, options, [&](const auto& x, const auto& y, const auto& to, const auto&... how) {
    const auto p = gemm_detail::product_of(block / (t.down * t.across), x, y, to, how...);
    const offset in_product = block % (t.down * t.across);
    const offset r0 = in_product % t.down * t.rows, c0 = in_product / t.down * t.columns;
    using S = typename std::remove_cvref_t<decltype(p)>::S;
    p.block(reinterpret_cast<S*>(memory), r0, min(t.rows, p.rows - r0), c0, min(t.columns, p.columns - c0));
  });
}

/// f(block, worker) for every block, by so many workers.
template <class Scheduler, class F>
void share_blocks(int workers, offset blocks, const F& f) {
  if (workers <= 1) {
    for (offset block = 0; block < blocks; ++block) f(block, 0);
    return;
  }
  std::atomic<offset> next{0};
  Scheduler::run(workers, [&](int worker) {
    for (;;) {
      const offset block = next.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks) return;
      f(block, worker);
    }
  });
}

template <class Scheduler, class TA, class TB, class TC, class Options>
void gemm(const gemm_plan& plan, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  share_blocks<Scheduler>(plan.workers, plan.blocks, [&](offset block, int worker) {
    gemm_block(plan.cut, block, plan.memory + worker * plan.each, a, b, c, options);
  });
}

}  // namespace weft::cpu
