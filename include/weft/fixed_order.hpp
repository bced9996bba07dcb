// The order of operations of scans and sums by key under .require(weft::same_bits), version 1: numbers that depend on
// the accumulator's type alone, so that the bits are the same on every backend and device, with every number of threads
// and every warp width. test/fixed_scan.hpp is the specification as a program. out[i] depends on elements 0 to i only.
//
//   run     `run` consecutive elements, folded from left to right
//   row     32 runs, scanned as 32 lanes do it: at distances 1, 2, 4, 8, 16 each takes in the one so far before it
//   part    `rows` rows; the fold of the rows before one is carried from left to right
//   tile    8 parts, scanned as lanes at distances 1, 2, 4
//   unit    64 tiles, folded as neighbours: tiles 0 and 1, 2 and 3, …, then these pairs, …; what is missing is left out
//           (so the tiles before tile 6 are ((0 1) (2 3)) (4 5), those before tile 7 are ((0 1) (2 3)) ((4 5) 6))
//   units   from left to right, beginning with init
//
// What stands before a run: op(op(units and tiles before, parts before in the tile), op(rows before, runs before in the
// row)); each element of the run is then folded onto that, one after the other.
#pragma once

#include <weft/device.hpp>

#include <type_traits>

namespace weft::inline v100 {

/// The shape for accumulators of `Bytes` bytes.
template <int Bytes>
struct scan_shape_of_bytes {
  static constexpr int bytes = Bytes;
  /// The least power of two of elements that are whole 16-byte vectors; 16 at most.
  static constexpr int run = [] {
    int n = 1;
    while (n < 16 && Bytes * n % 16 != 0) n *= 2;
    return n;
  }();
  static constexpr int lanes = 32;
  static constexpr int rows = 128 / (run * Bytes) > 0 ? 128 / (run * Bytes) : 1;
  static constexpr int parts = 8;
  static constexpr int unit = 64;  // tiles
  static constexpr int row_items = lanes * run, part_items = rows * row_items, tile_items = parts * part_items;
};
template <class T>
struct scan_shape : scan_shape_of_bytes<sizeof(T)> {};

/// Do associative operators on T give the same bits in any order? Then same_bits costs nothing.
template <class T>
inline constexpr bool same_in_any_order = std::is_integral_v<T>;

/// Of consecutive elements with keys: how many runs of equal keys begin in them, and the fold of the last run as far as
/// it lies in them. A sum by key in the fixed order is a scan of these.
template <class V>
struct run_state {
  offset heads;
  V value;
};
template <class Op>
struct join_runs {
  Op op;
  template <class V>
  WEFT_HOST_DEVICE run_state<V> operator()(const run_state<V>& a, const run_state<V>& b) const {
    return {a.heads + b.heads, b.heads > 0 ? b.value : static_cast<V>(op(a.value, b.value))};
  }
};

namespace detail {
// Scans by key: the value of a run so far, and whether a run starts (inclusive) or has just ended (exclusive) here.
template <class T>
struct segmented {
  bool cut;
  T value;
};
template <class Op>
struct fold_within_segment {
  Op op;
  template <class T>
  WEFT_HOST_DEVICE segmented<T> operator()(const segmented<T>& a, const segmented<T>& b) const {
    if (b.cut) return b;
    return segmented<T>{a.cut, static_cast<T>(op(a.value, b.value))};
  }
};
}  // namespace detail

template <class T>
inline constexpr bool same_in_any_order<detail::segmented<T>> = same_in_any_order<T>;
/// Scans by key have the shape of sums by key, so that the end of a run's scan is its sum, bit for bit.
template <class T>
struct scan_shape<detail::segmented<T>> : scan_shape<run_state<T>> {};

}  // namespace weft
