// Scan of numbers by any operator, as chains in the lanes of vector registers. A tile of 8 KiB is cut into as many rows
// as two registers have lanes. Squares of the rows are transposed in registers, so that one application of the operator
// to two columns, a loop of constant length that vectorises when the operator does, takes all chains a step further.
// What came before a row is then added to it in a second loop, in the L1 cache. Each element costs two operations
// however wide the registers are; an operator that does not vectorise still finds chains that do not wait for each
// other. For processors with AVX2; on others such transpositions cost more than they save.
#pragma once

#include <weft/cpu/scan_vector.hpp>
#include <weft/cpu/scheduler.hpp>

namespace weft::inline v100::cpu::detail {

template <class T, class Out, class Op>
inline constexpr bool scans_in_rows = std::is_arithmetic_v<T> &&
                                      (sizeof(T) == 4 || sizeof(T) == 8) && std::is_same_v<Out, T*> &&
                                      !sums_in_registers<T, Op>;

template <class T>
inline constexpr int scan_rows = 64 / sizeof(T);
/// Elements of a tile, and of the smallest.
template <class T>
inline constexpr offset rows_tile = 8192 / static_cast<offset>(sizeof(T));
template <class T>  // whose rows fill one register
inline constexpr offset least_rows = scan_rows<T>*(32 / static_cast<offset>(sizeof(T)));

/// out[i] = op(carry, out[i]) for what an exclusive or inclusive scan of [begin, end) without a carry has written.
template <bool Inclusive, class T, class Op>
[[gnu::always_inline]] inline void add_before(T* out, offset begin, offset end, T carry, Op& op) {
  if constexpr (!Inclusive) out[begin] = carry;
  for (offset i = begin + (Inclusive ? 0 : 1); i < end; ++i) out[i] = static_cast<T>(op(carry, out[i]));
}

/// A register of numbers: the types of equal size share one, and lanes are only moved.
template <std::size_t Size>
using moved_lane = std::conditional_t<Size == 4, std::uint32_t, std::uint64_t>;

/// The lanes of a and b that From names, those of b counted on from a's.
template <class V, int... From>
[[gnu::always_inline]] inline void pick(V& to, const V& a, const V& b, std::integer_sequence<int, From...>) {
#if defined(__clang__)
  to = __builtin_shufflevector(a, b, From...);
#else
  constexpr decltype(a == b) from = {From...};
  to = __builtin_shuffle(a, b, from);
#endif
}
template <int... From>
using lanes_from = std::integer_sequence<int, From...>;

/// Transposes the square of which row i is v[i]: halves of registers first, then what one instruction does inside them.
template <class V>
[[gnu::always_inline]] inline void transpose_square(V (&v)[8]) {
  for (int i = 0; i < 4; ++i) {
    const V upper = v[i], lower = v[i + 4];
    pick(v[i], upper, lower, lanes_from<0, 1, 2, 3, 8, 9, 10, 11>{});
    pick(v[i + 4], upper, lower, lanes_from<4, 5, 6, 7, 12, 13, 14, 15>{});
  }
  for (int h = 0; h < 8; h += 4) {
    V a, b, c, d;
    pick(a, v[h], v[h + 1], lanes_from<0, 8, 1, 9, 4, 12, 5, 13>{});
    pick(b, v[h], v[h + 1], lanes_from<2, 10, 3, 11, 6, 14, 7, 15>{});
    pick(c, v[h + 2], v[h + 3], lanes_from<0, 8, 1, 9, 4, 12, 5, 13>{});
    pick(d, v[h + 2], v[h + 3], lanes_from<2, 10, 3, 11, 6, 14, 7, 15>{});
    pick(v[h], a, c, lanes_from<0, 1, 8, 9, 4, 5, 12, 13>{});
    pick(v[h + 1], a, c, lanes_from<2, 3, 10, 11, 6, 7, 14, 15>{});
    pick(v[h + 2], b, d, lanes_from<0, 1, 8, 9, 4, 5, 12, 13>{});
    pick(v[h + 3], b, d, lanes_from<2, 3, 10, 11, 6, 7, 14, 15>{});
  }
}
template <class V>
[[gnu::always_inline]] inline void transpose_square(V (&v)[4]) {
  for (int i = 0; i < 2; ++i) {
    const V upper = v[i], lower = v[i + 2];
    pick(v[i], upper, lower, lanes_from<0, 1, 4, 5>{});
    pick(v[i + 2], upper, lower, lanes_from<2, 3, 6, 7>{});
  }
  for (int i = 0; i < 4; i += 2) {
    const V a = v[i], b = v[i + 1];
    pick(v[i], a, b, lanes_from<0, 4, 2, 6>{});
    pick(v[i + 1], a, b, lanes_from<1, 5, 3, 7>{});
  }
}

/// f(0), …, f(N - 1), written out: every index is a constant to what is compiled.
template <class F, int... I>
[[gnu::always_inline]] inline void written_out(const F& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int N, class F>
[[gnu::always_inline]] inline void written_out(const F& f) {
  written_out(f, std::make_integer_sequence<int, N>{});
}

/// to[r] = op(a[r], b[r]) of all chains.
template <class T, class Op>
[[gnu::always_inline]] inline void apply_to_chains(T (&to)[scan_rows<T>], const T (&a)[scan_rows<T>],
                                                   const T (&b)[scan_rows<T>], Op& op) {
#if !defined(__clang__)
#pragma GCC unroll 2  // or g++ writes the loop out before it has vectorised it
#endif
  for (int r = 0; r < scan_rows<T>; ++r) to[r] = static_cast<T>(op(a[r], b[r]));
}

/// Scans each of the rows of `columns` elements, a multiple of 32 bytes, which lie one behind the other, on its own.
/// Of an exclusive scan the first element of each row stays open. last[r] is the sum of row r. Meanwhile fetches what
/// lies `ahead` bytes further on in `in` and `out_ahead` in `out`, if not zero: processors do not see that rows follow
/// rows.
template <bool Inclusive, class T, class Op>
[[gnu::always_inline]] inline void scan_each_row(const T* in, T* out, offset columns, offset ahead, offset out_ahead,
                                                 T (&last)[scan_rows<T>], Op& op) {
  using vector = typename vector_of<moved_lane<sizeof(T)>>::type;
  constexpr int side = 32 / sizeof(T), squares = scan_rows<T> / side;
  alignas(64) T sum[scan_rows<T>];
  const auto square = [&](offset c, auto first) __attribute__((always_inline)) {
    alignas(64) T x[side][scan_rows<T>], s[side][scan_rows<T>];
    const offset done = c * scan_rows<T> * static_cast<offset>(sizeof(T));
    if (ahead != 0)
      for (offset byte = done; byte < done + 32 * scan_rows<T>; byte += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(in) + ahead + byte);
    if (out_ahead != 0)
      for (offset byte = done; byte < done + 32 * scan_rows<T>; byte += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(out) + out_ahead + byte, 1);
    written_out<squares>([&](auto q) __attribute__((always_inline)) {
      vector v[side];
      written_out<side>([&](auto i) __attribute__((always_inline)) {
        __builtin_memcpy(&v[i], in + (q * side + i) * columns + c, 32);
      });
      transpose_square(v);
      written_out<side>([&](auto i) __attribute__((always_inline)) { __builtin_memcpy(&x[i][q * side], &v[i], 32); });
    });
    if constexpr (first)
      for (int r = 0; r < scan_rows<T>; ++r) s[0][r] = x[0][r];
    else
      apply_to_chains(s[0], sum, x[0], op);
    written_out<side - 1>([&](auto i)
                              __attribute__((always_inline)) { apply_to_chains(s[i + 1], s[i], x[i + 1], op); });
    written_out<squares>([&](auto q) __attribute__((always_inline)) {
      vector v[side];
      written_out<side>([&](auto i) __attribute__((always_inline)) {
        if constexpr (Inclusive)
          __builtin_memcpy(&v[i], &s[i][q * side], 32);
        else
          __builtin_memcpy(&v[i], (i > 0 ? s[i > 0 ? i - 1 : 0] : first ? x[0] : sum) + q * side, 32);
      });
      transpose_square(v);
      written_out<side>([&](auto i) __attribute__((always_inline)) {
        __builtin_memcpy(out + (q * side + i) * columns + c, &v[i], 32);
      });
    });
    for (int r = 0; r < scan_rows<T>; ++r) sum[r] = s[side - 1][r];
  };
  square(0, std::true_type{});
  for (offset c = side; c < columns; c += side) square(c, std::false_type{});
  for (int r = 0; r < scan_rows<T>; ++r) last[r] = sum[r];
}

#if defined(__x86_64__) && !defined(__clang__)
/// As wide. Never registers of 64 bytes: what is stored in two halves would have to reach the cache to be read as one.
template <class Body>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2,lzcnt,popcnt,prefer-vector-width=256"), gnu::optimize("O3")]] auto
run_rows_avx2(const Body& given) {
  Body body = given;
  return body();
}
template <class Body>
[[gnu::always_inline]] inline auto wide_rows(Body body) {
  if (has_avx2()) return run_rows_avx2(body);
  return body();
}
#else
template <class Body>
[[gnu::always_inline]] inline auto wide_rows(Body body) {
  return wide(std::move(body));
}
#endif

/// Scans [begin, end), not empty; returns the sum. Without a carry (has_carry false) an exclusive scan leaves
/// out[begin] open. Reads element i before it writes it. After `end` the caller will ask for `more` elements.
template <bool Inclusive, class T, class In, class Op>
T scan_in_rows(In in, offset begin, offset end, T* out, Op op_given, bool has_carry, T carry, offset more = 0) {
  return wide_rows([=]() __attribute__((always_inline)) {
    Op op = op_given;
    T sum = carry;
    bool known = has_carry;
    offset i = begin;
    while (end - i >= least_rows<T>) {
      const offset size = min(end - i, rows_tile<T>) / least_rows<T> * least_rows<T>, columns = size / scan_rows<T>;
      constexpr offset far = rows_tile<T> * static_cast<offset>(sizeof(T));
      const offset ahead = end + more - i >= 2 * rows_tile<T> ? far : 0;
      const offset out_ahead = end - i >= 2 * rows_tile<T> ? far : 0;
      T last[scan_rows<T>];
      if constexpr (std::is_same_v<In, T*> || std::is_same_v<In, const T*>) {
        scan_each_row<Inclusive>(static_cast<const T*>(in + i), out + i, columns, ahead, out_ahead, last, op);
      } else {
        alignas(64) T tile[rows_tile<T>];
        for (offset j = 0; j < size; ++j) tile[j] = static_cast<T>(in[i + j]);
        scan_each_row<Inclusive>(static_cast<const T*>(tile), out + i, columns, 0, out_ahead, last, op);
      }
      for (int r = 0; r < scan_rows<T>; ++r, i += columns) {
        if (known) add_before<Inclusive>(out, i, i + columns, sum, op);
        sum = known ? static_cast<T>(op(sum, last[r])) : last[r];
        known = true;
      }
    }
    if (!known) {
      sum = static_cast<T>(in[i]);
      if constexpr (Inclusive) out[i] = sum;
      ++i;
    }
    for (; i < end; ++i) {
      const T x = static_cast<T>(in[i]);
      if constexpr (!Inclusive) out[i] = sum;
      sum = static_cast<T>(op(sum, x));
      if constexpr (Inclusive) out[i] = sum;
    }
    return sum;
  });
}

}  // namespace weft::cpu::detail
