// The shape of every reduction, version 1, as a specification that can be run. It is kept apart from all backends: what
// they do fast must come out the same, bit for bit.
//
// A range is cut into chunks of 4,096 elements. S, the slots, is the largest power of two not above 16 / sizeof(T), but
// at least 1 and at most 16. Within a chunk, element i stands in row i / C of column i % C, where C = 256 S; column c
// belongs to virtual lane c / S and slot c % S.
//   1. Every column folds its rows, first to last.
//   2. Columns fold pairwise: lanes that differ in bit 128, then 64, then 32; then slots S/2 apart, S/4 apart, … 1;
//   then
//      lanes that differ in bit 16, 8, 4, 2, 1. The one without the bit is the left operand.
//   3. Where one of two is missing, the other passes unchanged.
// The totals of the chunks are the elements of the next round, until one value R is left; the result is op(init, R).
//
// Operators marked weft::ordered keep the operands in order: virtual lane v folds elements 16 v … 16 v + 15 left to
// right, then neighbours fold at distances 1, 2, 4, … 128.
#pragma once

#include <weft/backend.hpp>

#include <optional>
#include <vector>

namespace fixed_shape {

template <class T, class Op>
void fold_into(std::optional<T>& left, const std::optional<T>& right, const Op& op) {
  if (!right) return;
  left = left ? std::optional<T>(op(*left, *right)) : right;
}

template <class T, class Op>
T chunk_total(const T* x, std::size_t n, const Op& op) {
  constexpr std::size_t fitting = sizeof(T) > 16 ? 1 : 16 / sizeof(T);
  constexpr std::size_t slots = fitting >= 16 ? 16 : fitting >= 8 ? 8 : fitting >= 4 ? 4 : fitting >= 2 ? 2 : 1;
  std::vector<std::optional<T>> column(256 * slots);
  for (std::size_t i = 0; i < n; ++i) fold_into(column[i % column.size()], std::optional<T>(x[i]), op);

  const auto fold_columns = [&](std::size_t bit) {
    for (std::size_t c = 0; c < column.size(); ++c)
      if ((c & bit) != 0) {
        fold_into(column[c ^ bit], column[c], op);
        column[c].reset();
      }
  };
  for (std::size_t lane_bit = 128; lane_bit >= 32; lane_bit /= 2) fold_columns(lane_bit * slots);
  for (std::size_t slot_bit = slots / 2; slot_bit >= 1; slot_bit /= 2) fold_columns(slot_bit);
  for (std::size_t lane_bit = 16; lane_bit >= 1; lane_bit /= 2) fold_columns(lane_bit * slots);
  return *column[0];
}

template <class T, class Op>
T ordered_chunk_total(const T* x, std::size_t n, const Op& op) {
  std::vector<std::optional<T>> lane(256);
  for (std::size_t i = 0; i < n; ++i) fold_into(lane[i / 16], std::optional<T>(x[i]), op);
  for (std::size_t distance = 1; distance <= 128; distance *= 2)
    for (std::size_t v = 0; v + distance < 256; v += 2 * distance) fold_into(lane[v], lane[v + distance], op);
  return *lane[0];
}

/// op(init, the fold of x in the fixed shape); init when x is empty.
template <class T, class Op>
T reduce(std::vector<T> x, const T& init, const Op& op) {
  if (x.empty()) return init;
  do {
    std::vector<T> totals;
    for (std::size_t begin = 0; begin < x.size(); begin += 4096) {
      const std::size_t n = x.size() - begin < 4096 ? x.size() - begin : 4096;
      if constexpr (weft::is_ordered<Op>)
        totals.push_back(ordered_chunk_total(x.data() + begin, n, op));
      else
        totals.push_back(chunk_total(x.data() + begin, n, op));
    }
    x = totals;
  } while (x.size() > 1);
  return op(init, x[0]);
}

}  // namespace fixed_shape
