// Matrix product: C = epilogue(alpha * A * B + beta * C), on every backend from the same call, for one product or a
// batch of them.
//
//   weft::gemm(policy, weft::row_major(a, m, k), weft::row_major(b, k, n), weft::row_major(c, m, n));
//   weft::gemm(policy, A, weft::transposed(B), C, weft::gemm_options{.alpha = 2.f, .beta = 1.f, .epilogue = relu{}});
//   weft::gemm(policy, weft::strided_batch(A, count, m * k), B, weft::strided_batch(C, count, m * n));
//
// gemm/views.hpp says what operands are, gemm/epilogue.hpp what may happen to values on their way.
#pragma once

#include <weft/backend.hpp>
#include <weft/gemm/epilogue.hpp>
#include <weft/gemm/views.hpp>

namespace weft::inline v100 {

/// Stands for "as the types of A and B say".
struct automatic {};
/// A type as a value: .accumulate = weft::in<double>.
template <class T>
struct type_tag {};
template <class T>
inline constexpr type_tag<T> in{};

/// What a product may be asked for beside its operands; an aggregate, every member optional.
template <class Scalar = int, class Epilogue = no_epilogue, class PrologueA = no_prologue,
          class PrologueB = no_prologue, class Accumulate = automatic>
struct gemm_options {
  Scalar alpha = Scalar(1);
  Scalar beta = Scalar(0);     ///< 0: C is not read, so it may be uninitialised
  Epilogue epilogue = {};      ///< f(value, row, column) of what is written; several by a pipe
  PrologueA prologue_a = {};   ///< f(element, row, column) of what is read from A
  PrologueB prologue_b = {};   ///< the same of B
  Accumulate accumulate = {};  ///< in<T>: sums are kept in T
};

namespace detail {
template <class T, class Prologue>
struct loaded {  // what an operand counts as: behind a prologue, a float
  using type = std::conditional_t<std::is_same_v<arithmetic_t<T>, double>, double, float>;
};
template <class T>
struct loaded<T, no_prologue> {
  using type = arithmetic_t<T>;
};
template <class A, class B>
struct sum_of {
  using type = std::common_type_t<A, B>;
};
template <class A, class B>
struct sum_of<complex<A>, complex<B>> {
  using type = complex<std::common_type_t<A, B>>;
};
template <class A, class B>
struct sum_of<complex<A>, B> : sum_of<complex<A>, complex<B>> {};
template <class A, class B>
struct sum_of<A, complex<B>> : sum_of<complex<A>, complex<B>> {};

template <class TA, class TB, class Options>
struct gemm_sum;
template <class TA, class TB, class S, class E, class PA, class PB>
struct gemm_sum<TA, TB, gemm_options<S, E, PA, PB, automatic>>
    : sum_of<typename loaded<TA, PA>::type, typename loaded<TB, PB>::type> {};
template <class TA, class TB, class S, class E, class PA, class PB, class T>
struct gemm_sum<TA, TB, gemm_options<S, E, PA, PB, type_tag<T>>> {
  using type = T;
};
}  // namespace detail

/// What sums are kept in: float for the narrow floating-point formats, 32 bits for narrow integers, else the common
/// type of the elements; what `accumulate` says if it says something.
template <class TA, class TB, class Options = gemm_options<>>
using accumulator_t = typename detail::gemm_sum<TA, TB, Options>::type;

namespace detail {

/// What the epilogue is called with: the type of the sum, or of alpha where that is no integer and the sum is one.
template <class Sum, class Scalar>
using scaled_t = std::conditional_t<std::is_integral_v<Sum> && !std::is_integral_v<Scalar>, Scalar, Sum>;

template <class V, class Scalar>
[[gnu::always_inline]] WEFT_HOST_DEVICE constexpr V scaled(const Scalar& by, const V& value) {
  if constexpr (is_complex<V> && !is_complex<Scalar>) {
    using R = typename V::value_type;
    return V(product(static_cast<R>(by), value.re), product(static_cast<R>(by), value.im));
  } else if constexpr (std::is_floating_point_v<V>) {
    return product(static_cast<V>(by), value);  // not fused with what follows: the same bits everywhere
  } else {
    return static_cast<V>(by) * value;
  }
}

/// What a finished sum is at the end of the epilogue. `c` is where it will be written, read if beta is not 0.
template <class TC, class Sum, class Options>
[[gnu::always_inline]] WEFT_HOST_DEVICE constexpr auto tail_value(const Options& options, const Sum& sum, const TC* c,
                                                                  offset row, offset column) {
  using V = scaled_t<Sum, decltype(options.alpha)>;
  V value = scaled(options.alpha, static_cast<V>(sum));
  if (options.beta != decltype(options.beta)(0)) value = value + scaled(options.beta, static_cast<V>(*c));
  return options.epilogue(value, row, column);
}

/// The element of C that it becomes.
template <class TC, class Sum, class Options>
[[gnu::always_inline]] WEFT_HOST_DEVICE constexpr TC finished(const Options& options, const Sum& sum, const TC* c,
                                                              offset row, offset column) {
  return converted<TC>(tail_value(options, sum, c, row, column));
}

/// An element of an operand as the product takes it.
template <class Sum, class T, class Prologue>
[[gnu::always_inline]] WEFT_HOST_DEVICE constexpr Sum loaded_value(const Prologue& prologue, const T& element,
                                                                   offset row, offset column) {
  if constexpr (std::is_same_v<Prologue, no_prologue>)
    return static_cast<Sum>(static_cast<arithmetic_t<T>>(element));
  else
    return static_cast<Sum>(prologue(element, row, column));
}

/// Whether two views may touch the same element. Told exactly where order and leading dimension agree; views of one
/// range of memory that differ in these count as overlapping.
template <class A, class B>
bool overlap(const matrix<A>& a, const matrix<B>& b) {
  const auto begin = [](const auto& m) { return reinterpret_cast<std::uintptr_t>(m.data); };
  const auto end = [&](const auto& m) {
    return begin(m) + static_cast<std::uintptr_t>((m.rows - 1) * m.row_stride + (m.columns - 1) * m.column_stride + 1) *
                          sizeof(*m.data);
  };
  if (a.rows == 0 || a.columns == 0 || b.rows == 0 || b.columns == 0) return false;
  if (end(a) <= begin(b) || end(b) <= begin(a)) return false;
  const auto apart = static_cast<std::intptr_t>(begin(b)) - static_cast<std::intptr_t>(begin(a));
  if (sizeof(A) != sizeof(B) || apart % static_cast<std::intptr_t>(sizeof(A)) != 0 || a.row_stride != b.row_stride ||
      a.column_stride != b.column_stride)
    return true;
  const bool by_rows = a.column_stride <= a.row_stride;
  const offset leading = by_rows ? a.row_stride : a.column_stride, step = by_rows ? a.column_stride : a.row_stride;
  const offset lines[] = {by_rows ? a.rows : a.columns, by_rows ? b.rows : b.columns};
  const offset length[] = {by_rows ? a.columns : a.rows, by_rows ? b.columns : b.rows};
  // b's corner lies `down` lines below a's and `right` steps beside it; right may as well be counted back from the
  // next.
  offset apart_elements = apart / static_cast<std::intptr_t>(sizeof(A));
  offset down = apart_elements / leading, right = apart_elements % leading;
  if (right < 0) right += leading, --down;
  const auto meet = [&](offset d, offset r) {
    return d < lines[0] && -d < lines[1] && r % step == 0 && r / step < length[0] && -r / step < length[1];
  };
  return meet(down, right) || meet(down + 1, right - leading);
}

/// Refuses views that do not describe memory: negative extents, null data, rows or columns that overlap one another.
template <class P, class T>
void check_matrix(const P& policy, std::string_view call, const matrix<T>& m, bool has_data) {
  if (m.rows < 0 || m.columns < 0) refuse(call, "negative extent", policy.where());
  if (m.rows == 0 || m.columns == 0) return;
  const bool by_rows = m.column_stride <= m.row_stride;
  const offset inner = by_rows ? m.columns * m.column_stride : m.rows * m.row_stride;
  const offset outer = by_rows ? m.row_stride : m.column_stride;
  if (m.row_stride < 1 || m.column_stride < 1 || ((by_rows ? m.rows : m.columns) > 1 && outer < inner))
    refuse(call, "leading dimension smaller than the extent", policy.where());
  if (has_data) check_range(policy, call, m.data, m.rows * m.columns);
}

template <class P, class T>
void check_batch(const P& policy, std::string_view call, const batch<T>& b, offset count, bool has_data) {
  check_matrix(policy, call, b.first, has_data && b.pointers == nullptr && b.count != 0);
  if (b.count < 0) refuse(call, "negative count", policy.where());
  if (b.count != count && (b.count != 1 || b.pointers != nullptr))
    refuse(call, "a batch of " + std::to_string(b.count) + " where C has " + std::to_string(count), policy.where());
  if (b.pointers != nullptr) check_range(policy, call, b.pointers, b.count);
}

/// `has_data` false: shapes alone.
template <class P, class TA, class TB, class TC>
void check_gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, bool has_data = true) {
  check_batch(policy, "gemm: A", a, c.count, has_data);
  check_batch(policy, "gemm: B", b, c.count, has_data);
  check_batch(policy, "gemm: C", c, c.count, has_data);
  const matrix<TA>& x = a.first;
  const matrix<TB>& y = b.first;
  const matrix<TC>& z = c.first;
  if (x.columns != y.rows || x.rows != z.rows || y.columns != z.columns) {
    const auto shape = [](offset rows, offset columns) {
      return std::to_string(rows) + " x " + std::to_string(columns);
    };
    refuse("gemm",
           "shapes do not match: A is " + shape(x.rows, x.columns) + ", B " + shape(y.rows, y.columns) + ", C " +
               shape(z.rows, z.columns),
           policy.where());
  }
  if (z.rows == 0 || z.columns == 0 || c.count == 0 || c.pointers != nullptr) return;
  if (c.count > 1) {
    const offset span = (z.rows - 1) * z.row_stride + (z.columns - 1) * z.column_stride + 1;
    const offset finest = z.row_stride < z.column_stride ? z.row_stride : z.column_stride;
    if (c.stride < span && (c.stride < 1 || c.stride * c.count > finest))
      refuse("gemm: C", "the matrices of the batch overlap one another", policy.where());
  }
  if (!has_data) return;
  // Of batches the first matrices are looked at: what they share, they share.
  if (a.pointers == nullptr && overlap(z, x)) refuse("gemm", "C overlaps A", policy.where());
  if (b.pointers == nullptr && overlap(z, y)) refuse("gemm", "C overlaps B", policy.where());
}

template <class T>
constexpr batch<T> spread(batch<T> b, offset count) {  // one matrix serves them all
  if (b.count == 1) b.stride = 0;
  b.count = count;
  return b;
}

}  // namespace detail

/// C = epilogue(alpha * A * B + beta * C). A is m x k, B is k x n, C is m x n and must overlap neither. Operands are
/// weft::matrix views, weft::batch views (all of C's count, or 1: the same for all), or std::mdspans. Element types are
/// double, float, tf32, float16, bfloat16, float8, integers and complex; sums are kept in accumulator_t, in which alpha
/// and beta apply (integers times a floating-point alpha: in alpha's type); what is written is converted to C's type,
/// rounded to nearest and saturated where that is an integer.
/// Bits repeat run to run. With .require(same_bits) each sum runs over k in ascending order by fused multiply-add on
/// every backend (GPUs: without tensor cores), so floating-point results are the same everywhere.
/// Asynchronous with .on(stream); CPU backends take temporary panels of a few hundred KiB a thread, GPUs none.
/// Throws weft::invalid_argument for mismatched shapes, null, negative extents, bad leading dimensions, C overlapping
/// an operand. Source: Goto & van de Geijn (2008) on CPUs; register-blocked shared-memory tiles on GPUs.
template <execution_policy P, matrix_operand A, matrix_operand B, matrix_operand C,
          class Scalar = accumulator_t<typename detail::operand_of<A>::type, typename detail::operand_of<B>::type>,
          class Epilogue = no_epilogue, class PrologueA = no_prologue, class PrologueB = no_prologue,
          class Accumulate = automatic>
void gemm(const P& policy, const A& a, const B& b, const C& c,
          gemm_options<Scalar, Epilogue, PrologueA, PrologueB, Accumulate> options = {}) {
  const auto x = detail::as_batch(a);
  const auto y = detail::as_batch(b);
  const auto z = detail::as_batch(c);
  detail::check_gemm(policy, x, y, z);
  if (z.first.rows == 0 || z.first.columns == 0 || z.count == 0) return;
  if constexpr (detail::reductions_in<Epilogue> != 0) {
    static_assert(detail::reductions_in<Epilogue> == detail::reductions_last<Epilogue>,
                  "reduced_by_row and reduced_by_column come last in an epilogue");
    static_assert(!P::wants_same_bits, "same_bits: the order of a reduction in an epilogue depends on the tile");
    require(z.count == 1 && !x.pointers && !y.pointers && !z.pointers, policy, "gemm", "a batch with a reduction");
    detail::each_reduction(options.epilogue, [&](const auto& stage) {
      detail::check_range(policy, "gemm: reduction", stage.out, stage.by_row ? z.first.rows : z.first.columns);
    });
    P::backend::gemm_reduced(policy, x.first, y.first, z.first, options);
  } else {
    P::backend::gemm(policy, detail::spread(x, z.count), detail::spread(y, z.count), z, options);
  }
  finish(policy);
}

}  // namespace weft
