// Matrix product: C = epilogue(alpha * A * B + beta * C), on every backend from the same call.
//
//   weft::gemm(policy, weft::row_major(a, m, k), weft::row_major(b, k, n), weft::row_major(c, m, n));
//   weft::gemm(policy, A, weft::transposed(B), C, weft::gemm_options{.alpha = 2.f, .beta = 1.f, .epilogue = relu{}});
//
// Operands are views with two strides, so row order, column order, transposes and leading dimensions are one thing.
#pragma once

#include <weft/backend.hpp>
#include <weft/error.hpp>

namespace weft {

/// A view of a dense matrix; does not own. Element (i, j) is data[i * row_stride + j * column_stride].
template <class T>
struct matrix {
  T* data;
  offset rows, columns;
  offset row_stride, column_stride;

  using value_type = std::remove_const_t<T>;
  WEFT_HOST_DEVICE T& operator()(offset i, offset j) const { return data[i * row_stride + j * column_stride]; }
};

/// Rows contiguous; consecutive rows `leading` elements apart (default: columns).
template <class T>
constexpr matrix<T> row_major(T* data, offset rows, offset columns, offset leading = -1) {
  return {data, rows, columns, leading < 0 ? columns : leading, 1};
}
/// Columns contiguous; consecutive columns `leading` elements apart (default: rows).
template <class T>
constexpr matrix<T> column_major(T* data, offset rows, offset columns, offset leading = -1) {
  return {data, rows, columns, 1, leading < 0 ? rows : leading};
}
/// The same memory seen with rows and columns exchanged.
template <class T>
constexpr matrix<T> transposed(matrix<T> m) {
  return {m.data, m.columns, m.rows, m.column_stride, m.row_stride};
}

/// The epilogue that leaves a value as it is. An epilogue is called once per element as f(value, row, column).
struct no_epilogue {
  template <class T>
  WEFT_HOST_DEVICE constexpr T operator()(T value, offset, offset) const {
    return value;
  }
};

template <class Scalar = float, class Epilogue = no_epilogue>
struct gemm_options {
  Scalar alpha = 1;
  Scalar beta = 0;  ///< 0: C is not read, so it may be uninitialised
  Epilogue epilogue = {};
};

/// What sums are kept in: double for double, 64 bits for wide integers, 32 bits for narrow ones, else the type itself.
template <class T>
struct accumulator {
  using type = T;
};
template <>
struct accumulator<std::int8_t> {
  using type = std::int32_t;
};
template <>
struct accumulator<std::uint8_t> {
  using type = std::int32_t;
};
template <class A, class B>
using accumulator_t = typename accumulator<std::common_type_t<A, B>>::type;

namespace detail {
/// Refuses views that do not describe memory: negative extents, null data, rows or columns that overlap one another.
template <class P, class T>
void check_matrix(const P& policy, const char* call, const matrix<T>& m) {
  if (m.rows < 0 || m.columns < 0) refuse(call, "negative extent", policy.where());
  if (m.rows == 0 || m.columns == 0) return;
  const bool by_rows = m.column_stride <= m.row_stride;
  const offset inner = by_rows ? m.columns * m.column_stride : m.rows * m.row_stride;
  const offset outer = by_rows ? m.row_stride : m.column_stride;
  if (m.row_stride < 1 || m.column_stride < 1 || ((by_rows ? m.rows : m.columns) > 1 && outer < inner))
    refuse(call, "leading dimension smaller than the extent", policy.where());
  check_range(policy, call, m.data, m.rows * m.columns);
}
}  // namespace detail

/// C = epilogue(alpha * A * B + beta * C). A is m x k, B is k x n, C is m x n and must overlap neither.
/// Sums run over k in ascending order, in accumulator_t of the element types; the result is the same run to run.
/// Asynchronous with .on(stream); CPU backends take temporary panels of a few hundred KiB a thread, GPUs none.
/// Throws weft::invalid_argument for mismatched shapes, null, negative extents, bad leading dimensions, C aliasing an
/// operand. Source: Goto & van de Geijn (2008) on CPUs; register-blocked shared-memory tiles on GPUs.
template <execution_policy P, class TA, class TB, class TC,
          class Scalar = accumulator_t<std::remove_const_t<TA>, std::remove_const_t<TB>>, class Epilogue = no_epilogue>
void gemm(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, gemm_options<Scalar, Epilogue> options = {}) {
  detail::check_matrix(policy, "gemm: A", a);
  detail::check_matrix(policy, "gemm: B", b);
  detail::check_matrix(policy, "gemm: C", c);
  if (a.columns != b.rows || a.rows != c.rows || b.columns != c.columns) {
    const auto shape = [](offset rows, offset columns) {
      return std::to_string(rows) + " x " + std::to_string(columns);
    };
    detail::refuse("gemm",
                   "shapes do not match: A is " + shape(a.rows, a.columns) + ", B " + shape(b.rows, b.columns) +
                       ", C " + shape(c.rows, c.columns),
                   policy.where());
  }
  if (c.rows == 0 || c.columns == 0) return;
  if (static_cast<const void*>(c.data) == a.data || static_cast<const void*>(c.data) == b.data)
    detail::refuse("gemm", "C must not be A or B", policy.where());
  P::backend::gemm(policy, a, b, c, options);
  finish(policy);
}

}  // namespace weft
