// The order of a scan under .require(same_bits), version 1, as a specification that can be run (weft/fixed_order.hpp
// tells it in words). It is kept apart from all backends: what they do fast must come out the same, bit for bit.
//
// Let S be the least power of two for which S sizeof(T) is a multiple of 16, but at most 16, and R = 128 / (S
// sizeof(T)), but at least 1. A run is S elements, a row 32 runs, a part R rows, a tile 8 parts, a unit 64 tiles.
#pragma once

#include <optional>
#include <vector>

namespace fixed_scan {

/// The fold of what is there.
template <class T, class Op>
std::optional<T> both(const std::optional<T>& a, const std::optional<T>& b, const Op& op) {
  if (!a || !b) return a ? a : b;
  return std::optional<T>(op(*a, *b));
}
/// What lanes have after steps at distances 1, 2, 4, …
template <class T, class Op>
std::vector<T> scan_lanes(std::vector<T> v, const Op& op) {
  for (std::size_t d = 1; d < v.size(); d *= 2) {
    const std::vector<T> old = v;
    for (std::size_t l = d; l < v.size(); ++l) v[l] = op(old[l - d], old[l]);
  }
  return v;
}
/// Neighbours fold, then pairs of neighbours, …; what is missing is left out.
template <class T, class Op>
std::optional<T> fold_neighbours(std::vector<T> v, const Op& op) {
  if (v.empty()) return {};
  for (std::size_t d = 1; d < v.size(); d *= 2)
    for (std::size_t l = 0; l + d < v.size(); l += 2 * d) v[l] = op(v[l], v[l + d]);
  return v[0];
}

/// The inclusive or exclusive scan of x for accumulators of `bytes` bytes.
template <class T, class Op>
std::vector<T> scan(const std::vector<T>& x, const std::optional<T>& init, const Op& op, bool inclusive,
                    std::size_t bytes = sizeof(T)) {
  using list = std::vector<T>;
  std::size_t run = 1;
  while (run < 16 && run * bytes % 16 != 0) run *= 2;
  const std::size_t rows = 128 / (run * bytes) > 0 ? 128 / (run * bytes) : 1;
  const std::size_t row_items = 32 * run, part_items = rows * row_items;

  list out;
  std::optional<T> units = init;
  list tiles;  // of the open unit
  for (std::size_t tile = 0; tile < x.size(); tile += 8 * part_items) {
    const std::optional<T> before_tile = both(units, fold_neighbours(tiles, op), op);
    list parts;  // of the tile, whole ones
    for (std::size_t part = tile; part < tile + 8 * part_items && part < x.size(); part += part_items) {
      const list upto_part = scan_lanes(parts, op);
      const std::optional<T> before_part =
          both(before_tile, parts.empty() ? std::nullopt : std::optional<T>(upto_part.back()), op);
      std::optional<T> carry;
      std::size_t whole_rows = 0;
      for (std::size_t row = part; row < part + part_items && row < x.size(); row += row_items) {
        list lanes;  // whole runs
        for (std::size_t i = row; i < row + row_items && i + run <= x.size(); i += run) {
          T sum = x[i];
          for (std::size_t k = 1; k < run; ++k) sum = op(sum, x[i + k]);
          lanes.push_back(sum);
        }
        lanes = scan_lanes(lanes, op);
        for (std::size_t i = row; i < row + row_items && i < x.size(); ++i) {
          const std::size_t lane = (i - row) / run;
          const std::optional<T> before_run =
              both(before_part, both(carry, lane > 0 ? std::optional<T>(lanes[lane - 1]) : std::nullopt, op), op);
          std::optional<T> sum = before_run;
          for (std::size_t k = row + lane * run; k < i; ++k) sum = both(sum, std::optional<T>(x[k]), op);
          if (inclusive) sum = both(sum, std::optional<T>(x[i]), op);
          out.push_back(*sum);
        }
        if (lanes.size() == 32) carry = both(carry, std::optional<T>(lanes[31]), op), ++whole_rows;
      }
      if (whole_rows == rows) parts.push_back(*carry);
    }
    if (parts.size() == 8) tiles.push_back(scan_lanes(parts, op)[7]);
    if (tiles.size() == 64) {
      units = both(units, fold_neighbours(tiles, op), op);
      tiles.clear();
    }
  }
  return out;
}

}  // namespace fixed_scan
