// Products whose rows or columns are reduced on the way (reduced_by_row, reduced_by_column): the portable kernel, in
// which each thread also folds the values of its piece of the tile, line by line, and writes these folds to temporary
// memory; a second launch folds the pieces of each line in order.
#pragma once

#include <weft/gpu/for_each.hpp>
#include <weft/gpu/gemm_tiles.hpp>

namespace weft::inline v100::gpu {

/// f(stage) for each reduction at the end of an epilogue, in a kernel.
template <class E, class F>
[[gnu::always_inline]] inline WEFT_DEVICE void each_reduction_of(const E& epilogue, const F& f) {
  if constexpr (weft::detail::reductions_last<E> != 0) {
    if constexpr (requires { E::by_row; }) {
      f(epilogue);
    } else {
      f(epilogue.second);
      each_reduction_of(epilogue.first, f);
    }
  }
}

template <class Selector, bool Large, class TA, class TB, class TC, class Options>
struct gemm_reduced_kernel : gemm_block<Selector, Large, TA, TB, Options> {
  using base = gemm_block<Selector, Large, TA, TB, Options>;
  using sum_type = typename base::sum_type;

  matrix<TA> a;
  matrix<TB> b;
  matrix<TC> c;
  Options options;
  unsigned tiles_down;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, typename base::template shared<Block::arch>& s) const {
    using S = typename base::template shape<Block::arch>;
    using rows = typename S::rows;
    using columns = typename S::columns;
    using value = decltype(weft::detail::tail_value(options, sum_type(), c.data, 0, 0));
    const unsigned down = block.index() % tiles_down, across = block.index() / tiles_down;
    const offset row0 = static_cast<offset>(down) * rows::lines, column0 = static_cast<offset>(across) * columns::lines;
    const bool along_rows = c.row_stride < c.column_stride;

    items<value, rows::piece * columns::piece> values;
    base::run(block, s, gemm_rows_of(a), gemm_columns_of(b), row0, column0, 0, along_rows, options,
              [&]<int Group>(offset row, offset column, std::integral_constant<int, Group>, const sum_type* sum, int i,
                             int g) {
#pragma unroll
                for (int j = 0; j < Group; ++j)
                  if (row < c.rows && column + j < c.columns) {
                    TC* const to = &c(row, column + j);
                    value& v = values[i * columns::piece + g + j];
                    v = weft::detail::tail_value(options, sum[j], to, row, column + j);
                    *to = converted<TC>(v);
                  }
              });

    const int thread = static_cast<int>(block.thread());
    const int ty = along_rows ? thread % rows::threads : thread / columns::threads;
    const int tx = along_rows ? thread / rows::threads : thread % columns::threads;
    each_reduction_of(options.epilogue, [&](const auto& stage) {
      using T = typename std::remove_cvref_t<decltype(stage)>::value_type;
      constexpr bool by_row = std::remove_cvref_t<decltype(stage)>::by_row;
      constexpr int lines = by_row ? rows::piece : columns::piece, length = by_row ? columns::piece : rows::piece;
      const offset piece =
          by_row ? static_cast<offset>(across) * columns::threads + tx : static_cast<offset>(down) * rows::threads + ty;
#pragma unroll
      for (int l = 0; l < lines; ++l) {
        const offset line = by_row ? row0 + rows::line(ty, l) : column0 + columns::line(tx, l);
        const offset first = by_row ? column0 + columns::line(tx, 0) : row0 + rows::line(ty, 0);
        if (line >= (by_row ? c.rows : c.columns) || first >= (by_row ? c.columns : c.rows)) continue;
        T all = static_cast<T>(values[by_row ? l * columns::piece : l]);
#pragma unroll
        for (int i = 1; i < length; ++i) {
          const offset at = by_row ? column0 + columns::line(tx, i) : row0 + rows::line(ty, i);
          if (at < (by_row ? c.columns : c.rows))
            all = stage.op(all, static_cast<T>(values[by_row ? l * columns::piece + i : i * columns::piece + l]));
        }
        stage.parts[piece * stage.lines + line] = all;
      }
    });
  }
};

template <class P, class TA, class TB, class TC, class Options>
void gemm_reduced(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c,
                  const Options& options) {
  using selector = typename P::tuning;
  on_arch(policy, [&]<arch A>() {
    auto run = [&]<bool Large>(std::bool_constant<Large>) {
      using kernel = gemm_reduced_kernel<selector, Large, TA, TB, TC, Options>;
      using shape = typename kernel::template shape<A>;
      const offset down = ceil_div(c.rows, shape::rows::lines), across = ceil_div(c.columns, shape::columns::lines);
      std::size_t bytes = 0;
      const auto room = [&](const auto& stage) {
        using stage_type = std::remove_cvref_t<decltype(stage)>;
        const offset pieces = stage_type::by_row ? across * shape::columns::threads : down * shape::rows::threads;
        const offset lines = stage_type::by_row ? c.rows : c.columns;
        const std::size_t at = bytes;
        bytes += (static_cast<std::size_t>(pieces * lines) * sizeof(typename stage_type::value_type) + 255) / 256 * 256;
        return at;
      };
      weft::detail::each_reduction(options.epilogue, [&](const auto& stage) { static_cast<void>(room(stage)); });
      const temporary<unsigned char> memory(policy, static_cast<offset>(bytes));
      kernel k{{}, a, b, c, options, static_cast<unsigned>(down)};
      bytes = 0;
      weft::detail::each_reduction(k.options.epilogue, [&](auto& stage) {
        using stage_type = std::remove_cvref_t<decltype(stage)>;
        stage.parts = reinterpret_cast<typename stage_type::value_type*>(memory.data() + room(stage));
        stage.lines = stage_type::by_row ? c.rows : c.columns;
      });
      launch<A>(policy, down * across, k);
      weft::detail::each_reduction(k.options.epilogue, [&](const auto& stage) {
        using stage_type = std::remove_cvref_t<decltype(stage)>;
        using side = std::conditional_t<stage_type::by_row, typename shape::columns, typename shape::rows>;
        gpu::for_each_index(policy, stage.lines,
                            weft::detail::fold_pieces<typename stage_type::value_type, decltype(stage.op)>{
                                stage.parts, stage.out, stage.op, stage.lines, stage_type::by_row ? c.columns : c.rows,
                                side::lines, side::threads, side::group});
      });
    };
    constexpr gemm_tuning tuning = choose<selector>(dialect::gemm_rows, A, sizeof(accumulator_t<TA, TB, Options>));
    if (gemm_takes_large(policy, weft::detail::as_batch(c), tuning.large))
      run(std::true_type{});
    else
      run(std::false_type{});
  });
}

}  // namespace weft::gpu
