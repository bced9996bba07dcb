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
#include <weft/cpu/storage.hpp>

#include <optional>

namespace weft::inline v100::cpu {

namespace gemm_detail {

inline constexpr offset direct_bytes = 1 << 17;                     // so much of B is read where it lies
inline constexpr int slab = 512;                                    // k of a panel
inline constexpr offset buffered_rows = 336, block_columns = 1024;  // of a task; multiples of every register tile
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

  /// One task: a block of C.
  template <class P>
  void block(const P& policy, offset r0, offset height, offset c0, offset width) const {
    const offset lanes = tiles.columns, pitch = round_up(width, lanes);
    // Rows a multiple of 4 KiB apart meet in one set of the cache.
    const bool direct_a = X::template as_is<S> && x.k_stride == 1 && width <= 4 * lanes &&
                          x.line_stride * static_cast<offset>(sizeof(S)) % 4096 != 0;
    const bool direct_b = Y::template as_is<S> && y.line_stride == 1 && height <= 128 &&
                          depth * width * static_cast<offset>(sizeof(S)) <= direct_bytes;
    const offset slab_depth = depth < slab ? depth : slab;
    const offset packed = direct_b ? width / lanes * lanes : 0;  // panels from here on are copies
    const offset panel_values = (pitch - packed) * slab_depth;
    const offset sum_values = buffered() ? round_up(height, 2) * pitch : 0;
    alignas(64) S a_tile[highest * (slab + 16)];
    alignas(64) S tile[highest * widest_bytes / sizeof(S) + 64];
    alignas(64) S small[2048];
    std::optional<temporary<S>> memory;
    S* panels = small;
    if (panel_values + sum_values > 2048) panels = memory.emplace(policy, panel_values + sum_values).data();
    S* const sums = panels + panel_values;

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
cut cut_of(const Problem& p, offset count, int threads) {
  const offset tall = p.tiles.rows[0], wide = p.tiles.columns;
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

template <class Scheduler, class P, class PX, class PY, class TX, class TY, class TC, class Options>
void run(const P& policy, const batch<TX>& x, const batch<TY>& y, const batch<TC>& c, const Options& options,
         const PX& prologue_x, const PY& prologue_y, bool swapped) {
  using product = problem<TX, PX, TY, PY, TC, Options>;
  const auto number = [&](offset n) {
    const matrix<TX> l = x[n];
    const matrix<TY> r = y[n];
    const matrix<TC> to = c[n];
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
  };
  const product first = number(0);
  const double work = static_cast<double>(first.rows) * static_cast<double>(first.columns) *
                      static_cast<double>(first.depth) * static_cast<double>(c.count);
  const int threads = work < (1 << 20) ? 1 : Scheduler::threads();
  const cut t = cut_of(first, c.count, threads);
  const offset each = t.down * t.across;
  const auto one = [&](offset task) {
    const product p = number(task / each);
    const offset r0 = task % each % t.down * t.rows, c0 = task % each / t.down * t.columns;
    p.block(policy, r0, min(t.rows, p.rows - r0), c0, min(t.columns, p.columns - c0));
  };
  if (threads == 1 || each * c.count == 1)
    for (offset task = 0; task < each * c.count; ++task) one(task);
  else
    Scheduler::run(static_cast<int>(each * c.count), [&](int task) { one(task); });
}

}  // namespace gemm_detail

/// `Scheduler::run(tasks, f)` calls f(0) … f(tasks - 1); see scheduler.hpp.
template <class Scheduler, class P, class TA, class TB, class TC, class Options>
void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  const auto turned = [](auto m) {
    m.first = transposed(m.first);
    return m;
  };
  if (c.first.row_stride < c.first.column_stride)
    gemm_detail::run<Scheduler>(policy, turned(b), turned(a), turned(c), options, options.prologue_b,
                                options.prologue_a, true);
  else
    gemm_detail::run<Scheduler>(policy, a, b, c, options, options.prologue_a, options.prologue_b, false);
}

}  // namespace weft::cpu
