// The end of a chunk's sum in the fixed shape, in vector registers: columns of float or double that lie in memory
// become one number. A virtual lane is 16 bytes of slots, so a register holds two. Two registers at a time are shuffled
// so that the slots to be added face each other, which halves the registers at every step; then lanes add whole
// registers.
#pragma once

#include <weft/cpu/scan_rows.hpp>

namespace weft::inline v100::cpu::detail {

/// Columns that lie in memory, all of them.
template <class T>
struct stored_columns {
  const T* column;
  template <class V>
  [[gnu::always_inline]] void load(V& v, int c) const {
    __builtin_memcpy(&v, column + c, sizeof(V));
  }
};

/// The n elements of an array as columns, more than Least and with neutral elements behind them.
template <class T, int Least>
struct array_columns {
  static constexpr int in_vector = 32 / sizeof(T);
  [[gnu::always_inline]] array_columns(const T* in, int n) : array(in), whole(n / in_vector * in_vector) {
    for (T& x : end) x = neutral<T>;
    for (int i = whole; i < n; ++i) end[i - whole] = in[i];
  }
  template <class V>
  [[gnu::always_inline]] void load(V& v, int c) const {
    const T* from = array + c;
    if (c >= Least && c >= whole) from = c == whole ? end : end + in_vector;
    __builtin_memcpy(&v, from, sizeof(V));
  }
  const T* array;
  int whole;
  alignas(32) T end[2 * in_vector];  // what is left of the array, nothing
};

/// One register of columns: Blocks blocks of Left columns, those of lanes that differ in bits 128, 64 and 32, added.
template <int Blocks, int Left, class V, class Columns>
[[gnu::always_inline]] inline void sum_blocks(V& v, const Columns& columns, int c) {
  if constexpr (Blocks == 1) {
    columns.load(v, c);
  } else {
    V other;
    sum_blocks<Blocks / 2, 2 * Left>(v, columns, c);
    sum_blocks<Blocks / 2, 2 * Left>(other, columns, c + Left);
    v += other;
  }
}

/// The sum of Blocks * Left columns: Left / slots virtual lanes, at least 8, in each of 1, 2, 4 or 8 blocks.
template <class T, int Blocks, int Left, class Columns>
[[gnu::always_inline]] inline T sum_columns(const Columns& columns) {
  using V = typename vector_of<T>::type;
  constexpr int in_vector = 32 / sizeof(T);
  constexpr int folded = Left / in_vector / (sizeof(T) == 4 ? 4 : 2);  // registers when the slots are gone
  const auto sum_two = [&columns](V & sum, int c) __attribute__((always_inline)) {
    V a, b, low, high;
    sum_blocks<Blocks, Left>(a, columns, c);
    sum_blocks<Blocks, Left>(b, columns, c + in_vector);
    if constexpr (sizeof(T) == 4) {  // slots 0 and 2, 1 and 3
      pick(low, a, b, lanes_from<0, 1, 8, 9, 4, 5, 12, 13>{});
      pick(high, a, b, lanes_from<2, 3, 10, 11, 6, 7, 14, 15>{});
    } else {
      pick(low, a, b, lanes_from<0, 4, 2, 6>{});
      pick(high, a, b, lanes_from<1, 5, 3, 7>{});
    }
    sum = low + high;
  };
  V lane[folded];
  for (int i = 0; i < folded; ++i) {
    if constexpr (sizeof(T) == 4) {
      V a, b, low, high;
      sum_two(a, 4 * i * in_vector);
      sum_two(b, (4 * i + 2) * in_vector);
      pick(low, a, b, lanes_from<0, 2, 8, 10, 4, 6, 12, 14>{});
      pick(high, a, b, lanes_from<1, 3, 9, 11, 5, 7, 13, 15>{});
      lane[i] = low + high;
    } else {
      sum_two(lane[i], 2 * i * in_vector);
    }
  }
  for (int half = folded / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  V v = lane[0], other;  // lanes 0, 2, 4, 6 and 1, 3, 5, 7; of double 0, 2 and 1, 3
  if constexpr (sizeof(T) == 4) {
    pick(other, v, v, lanes_from<2, 3, 0, 1, 6, 7, 4, 5>{});
    v += other;
    pick(other, v, v, lanes_from<1, 0, 3, 2, 5, 4, 7, 6>{});
  } else {
    pick(other, v, v, lanes_from<1, 0, 3, 2>{});
  }
  v += other;
  return v[0] + v[in_vector / 2];
}

/// The sum of an array of at least 4 and at most 256 lanes of T.
template <class T>
[[gnu::always_inline]] inline T sum_array(const T* in, int n) {
  constexpr int lane = 16 / sizeof(T), left = 32 * lane;
  if (n > 4 * left) return sum_columns<T, 8, left>(array_columns<T, 4 * left>(in, n));
  if (n > 2 * left) return sum_columns<T, 4, left>(array_columns<T, 2 * left>(in, n));
  if (n > left) return sum_columns<T, 2, left>(array_columns<T, left>(in, n));
  if (n > 16 * lane) return sum_columns<T, 1, left>(array_columns<T, 16 * lane>(in, n));
  if (n > 8 * lane) return sum_columns<T, 1, 16 * lane>(array_columns<T, 8 * lane>(in, n));
  return sum_columns<T, 1, 8 * lane>(array_columns<T, 4 * lane>(in, n));
}

}  // namespace weft::cpu::detail
