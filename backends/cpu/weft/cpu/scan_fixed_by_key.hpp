// Whole parts of sums by key of numbers in the fixed order (cpu/scan_fixed.hpp): values and where runs begin in arrays
// of their own, so that the steps vectorise. Sums over the beginning of a run are computed blindly and not used.
#pragma once

#include <weft/cpu/storage.hpp>
#include <weft/fixed_order.hpp>
#include <weft/functional.hpp>

namespace weft::inline v100::cpu::detail {

/// Is T with Op the sum of floating-point numbers by key? Then: the number, and the mask that says where a run begins.
template <class T, class Op>
struct sum_by_key {
  static constexpr bool value = false;
};
template <class V>
struct sum_by_key_of_numbers {
  static constexpr bool value = std::is_floating_point_v<V> && (sizeof(V) == 4 || sizeof(V) == 8);
  using number = V;
  using mask = std::conditional_t<sizeof(V) == 4, std::int32_t, std::int64_t>;
};
template <class V>
struct sum_by_key<run_state<V>, join_runs<weft::plus>> : sum_by_key_of_numbers<V> {
  [[gnu::always_inline]] static offset begins(const run_state<V>& s) { return s.heads; }
  [[gnu::always_inline]] static run_state<V> make(offset begun, V sum) { return {begun, sum}; }
};
template <class V>
struct sum_by_key<weft::detail::segmented<V>, weft::detail::fold_within_segment<weft::plus>>
    : sum_by_key_of_numbers<V> {
  [[gnu::always_inline]] static offset begins(const weft::detail::segmented<V>& s) { return s.cut; }
  [[gnu::always_inline]] static weft::detail::segmented<V> make(offset begun, V sum) { return {begun > 0, sum}; }
};

/// a + b, or b alone where a run begins in it: by bits, which cannot become a branch.
template <class V, class M>
[[gnu::always_inline]] inline V add_unless(M begins, V a, V b) {
  const M alone = __builtin_bit_cast(M, b), both = __builtin_bit_cast(M, a + b);
  return __builtin_bit_cast(V, static_cast<M>((alone & begins) | (both & ~begins)));
}

/// One step of the scan of all rows, as scan_step.
template <int D, int Lanes, int N, class V, class M>
[[gnu::always_inline]] inline void scan_step_by_key(const V* from, V* to, const M* from_mask, M* to_mask) {
  for (int row = 0; row < N; row += Lanes) {
    for (int l = 0; l < D; ++l) to[row + l] = from[row + l], to_mask[row + l] = from_mask[row + l];
    for (int l = row + D; l < row + Lanes; ++l) to[l] = add_unless(from_mask[l], from[l - D], from[l]);
    for (int l = row + D; l < row + Lanes; ++l) to_mask[l] = static_cast<M>(from_mask[l] | from_mask[l - D]);
  }
}

template <bool Inclusive, class T, class Op, class In, class Out>
[[gnu::always_inline]] inline T scan_part_by_key(In in, offset begin, Out out, const maybe<T>& prefix) {
  using shape = scan_shape<T>;
  using of = sum_by_key<T, Op>;
  using V = typename of::number;
  using M = typename of::mask;
  constexpr int lanes = shape::lanes, n = shape::part_items;
  static_assert(shape::run == 1);
  alignas(64) V x[n], a[n], b[n];
  alignas(64) M head[n], f[n], g[n];
  for (int i = 0; i < n; ++i) {
    const T e = static_cast<T>(in[begin + i]);
    x[i] = e.value;
    head[i] = of::begins(e) > 0 ? M{-1} : M{0};
  }
  scan_step_by_key<1, lanes, n>(x, a, head, f);
  scan_step_by_key<2, lanes, n>(a, b, f, g);
  scan_step_by_key<4, lanes, n>(b, a, g, f);
  scan_step_by_key<8, lanes, n>(a, b, f, g);
  scan_step_by_key<16, lanes, n>(b, a, g, f);

  // b[i] = what stands before element i, g[i] whether a run begins in that.
  V carry = a[lanes - 1];
  M carried = f[lanes - 1];
  for (int i = 1; i < lanes; ++i) b[i] = a[i - 1], g[i] = f[i - 1];
  for (int row = lanes; row < n; row += lanes) {
    b[row] = carry, g[row] = carried;
    for (int i = row + 1; i < row + lanes; ++i) b[i] = add_unless(f[i - 1], carry, a[i - 1]);
    for (int i = row + 1; i < row + lanes; ++i) g[i] = static_cast<M>(f[i - 1] | carried);
    carry = add_unless(f[row + lanes - 1], carry, a[row + lanes - 1]);
    carried = static_cast<M>(carried | f[row + lanes - 1]);
  }
  b[0] = x[0], g[0] = 0;  // a value only to have one
  offset begun = 0;
  if (prefix) {
    const V before = prefix->value;
    for (int i = 0; i < n; ++i) b[i] = add_unless(g[i], before, b[i]);
    b[0] = before;
    begun = of::begins(*prefix);
  }
  for (int i = 0; i < n; ++i) a[i] = add_unless(head[i], b[i], x[i]);
  if (!prefix) a[0] = x[0];

  const offset earlier = begun;
  for (int i = 0; i < n; ++i) {
    if constexpr (!Inclusive) out[begin + i] = of::make(begun, b[i]);
    begun -= head[i];
    if constexpr (Inclusive) out[begin + i] = of::make(begun, a[i]);
  }
  return of::make(begun - earlier, carry);
}

/// The fold of a whole part.
template <class T, class Op, class In>
[[gnu::always_inline]] inline T fold_part_by_key(In in, offset begin) {
  using shape = scan_shape<T>;
  using of = sum_by_key<T, Op>;
  using V = typename of::number;
  using M = typename of::mask;
  constexpr int n = shape::part_items, rows = shape::rows;
  alignas(64) V a[n], b[n / 2];
  alignas(64) M f[n], g[n / 2];
  offset begun = 0;
  for (int i = 0; i < n; ++i) {
    const T e = static_cast<T>(in[begin + i]);
    a[i] = e.value;
    f[i] = of::begins(e) > 0 ? M{-1} : M{0};
    begun -= f[i];
  }
  for (int left = n; left > rows; left /= 2) {
    for (int i = 0; i < left / 2; ++i) b[i] = add_unless(f[2 * i + 1], a[2 * i], a[2 * i + 1]);
    for (int i = 0; i < left / 2; ++i) g[i] = static_cast<M>(f[2 * i] | f[2 * i + 1]);
    for (int i = 0; i < left / 2; ++i) a[i] = b[i], f[i] = g[i];
  }
  V carry = a[0];
  for (int row = 1; row < rows; ++row) carry = add_unless(f[row], carry, a[row]);
  return of::make(begun, carry);
}

}  // namespace weft::cpu::detail
