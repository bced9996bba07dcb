// Products whose rows or columns are reduced on the way (reduced_by_row, reduced_by_column) on CPUs: each register tile
// also folds its lines into temporary memory (gemm.hpp), which a second verb folds line by line.
#pragma once

#include <weft/cpu/gemm.hpp>

namespace weft::inline v100::cpu {

/// Backend's verbs do the work, so it is recorded where they are.
template <class Backend, class P, class TA, class TB, class TC, class Options>
void gemm_reduced(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, Options options) {
  const auto tiles = gemm_detail::best_tiles<accumulator_t<TA, TB, Options>>();
  const bool swapped = c.row_stride < c.column_stride;
  // Pieces of a row of C are as long as tiles are wide, of a column as tiles are high, or the other way round.
  const auto tile = [&](bool by_row) { return offset{by_row != swapped ? tiles.columns : tiles.rows[0]}; };
  std::size_t bytes = 0;
  const auto room = [&](const auto& stage) {
    const std::size_t at = bytes;
    const offset pieces = ceil_div(stage.by_row ? c.columns : c.rows, tile(stage.by_row));
    bytes += static_cast<std::size_t>(pieces * (stage.by_row ? c.rows : c.columns)) * sizeof(*stage.out);
    bytes = (bytes + 255) / 256 * 256;
    return at;
  };
  weft::detail::each_reduction(options.epilogue, [&](const auto& stage) { static_cast<void>(room(stage)); });
  const temporary<unsigned char> memory(policy, static_cast<offset>(bytes));
  bytes = 0;
  weft::detail::each_reduction(options.epilogue, [&](auto& stage) {
    stage.parts = reinterpret_cast<decltype(stage.out)>(memory.data() + room(stage));
    stage.lines = stage.by_row ? c.rows : c.columns;
  });
  Backend::gemm(policy, weft::detail::as_batch(a), weft::detail::as_batch(b), weft::detail::as_batch(c), options);
  weft::detail::each_reduction(options.epilogue, [&](const auto& stage) {
    using T = std::remove_cvref_t<decltype(*stage.out)>;
    const offset long_side = stage.by_row ? c.columns : c.rows;
    Backend::for_each_index(
        policy, stage.lines,
        weft::detail::fold_pieces<T, std::remove_cvref_t<decltype(stage.op)>>{
            stage.parts, stage.out, stage.op, stage.lines, long_side, tile(stage.by_row), 1, tile(stage.by_row)});
  });
}

}  // namespace weft::cpu
