// What weft::gemm multiplies: views of matrices and of batches of them. A view has two strides, so row order, column
// order, transposes and leading dimensions are one thing; what an element is read as (conjugated, as tf32) is its type.
//
//   weft::row_major(pointer, m, k)   weft::column_major(span, m, k, leading)   weft::transposed(view)
//   weft::conjugated(view)   weft::as_tf32(view)   weft::strided_batch(view, count, stride)
//   weft::pointer_batch(pointers, view, count)
#pragma once

#include <weft/error.hpp>
#include <weft/numeric.hpp>

namespace weft::inline v100 {

/// A view of a dense matrix; does not own. Element (i, j) is data[i * row_stride + j * column_stride].
template <class T>
struct matrix {
  T* data;
  offset rows, columns;
  offset row_stride, column_stride;

  using value_type = std::remove_const_t<T>;
  WEFT_HOST_DEVICE T& operator()(offset i, offset j) const { return data[i * row_stride + j * column_stride]; }
};

namespace detail {
template <class T>
using element = std::conditional_t<std::is_const_v<T>, const number_t<std::remove_const_t<T>>, number_t<T>>;

template <class T>
constexpr element<T>* as_number(T* p) {
  if constexpr (std::is_same_v<element<T>, T>)
    return p;
  else
    return reinterpret_cast<element<T>*>(p);
}

/// Memory with a size: std::span, std::vector, weft::buffer.
template <class R>
concept sized_memory = !std::is_pointer_v<std::remove_cvref_t<R>> && requires(R & r) {
  *r.data();
  static_cast<offset>(r.size());
};

/// Refuses a view that reaches beyond the memory it was given.
template <class R>
auto* memory_for(R& r, offset lines, offset length, offset leading) {
  const offset needed = lines > 0 && length > 0 ? (lines - 1) * leading + length : 0;
  if (needed > static_cast<offset>(r.size())) refuse("matrix view", "it reaches beyond the memory it is given");
  return r.data();
}
}  // namespace detail

/// Rows contiguous; consecutive rows `leading` elements apart (default: columns). Elements of other libraries' types
/// (std::complex<float>, …; __half and its like after weft::bits_as) become the library's own of the same bits.
template <class T>
constexpr matrix<detail::element<T>> row_major(T* data, offset rows, offset columns, offset leading = -1) {
  return {detail::as_number(data), rows, columns, leading < 0 ? columns : leading, 1};
}
/// Columns contiguous; consecutive columns `leading` elements apart (default: rows).
template <class T>
constexpr matrix<detail::element<T>> column_major(T* data, offset rows, offset columns, offset leading = -1) {
  return {detail::as_number(data), rows, columns, 1, leading < 0 ? rows : leading};
}
/// The same of a span, vector or buffer, whose size is checked: throws weft::invalid_argument.
template <detail::sized_memory R>
auto row_major(R&& memory, offset rows, offset columns, offset leading = -1) {
  return row_major(detail::memory_for(memory, rows, columns, leading < 0 ? columns : leading), rows, columns, leading);
}
template <detail::sized_memory R>
auto column_major(R&& memory, offset rows, offset columns, offset leading = -1) {
  return column_major(detail::memory_for(memory, columns, rows, leading < 0 ? rows : leading), rows, columns, leading);
}

/// The same memory seen with rows and columns exchanged.
template <class T>
constexpr matrix<T> transposed(matrix<T> m) {
  return {m.data, m.columns, m.rows, m.column_stride, m.row_stride};
}
/// The same memory, each element read as its conjugate. Real elements are their own.
template <class T>
constexpr auto conjugated(matrix<T> m) {
  using U = std::remove_const_t<T>;
  if constexpr (is_complex<U>) {
    return matrix<const conjugate<U>>{reinterpret_cast<const conjugate<U>*>(m.data), m.rows, m.columns, m.row_stride,
                                      m.column_stride};
  } else {
    return m;
  }
}
template <class C>
constexpr matrix<const C> conjugated(matrix<const conjugate<C>> m) {
  return {reinterpret_cast<const C*>(m.data), m.rows, m.columns, m.row_stride, m.column_stride};
}
/// The same floats with leave to multiply them as tf32 (10 mantissa bits) where there are units for that.
template <class T>
  requires std::is_same_v < std::remove_const_t<T>,
float > constexpr matrix<const tf32> as_tf32(matrix<T> m) {
  return {reinterpret_cast<const tf32*>(m.data), m.rows, m.columns, m.row_stride, m.column_stride};
}

/// `count` matrices of one shape: evenly spaced, or wherever an array of pointers says.
template <class T>
struct batch {
  matrix<T> first;  // the first one; with `pointers`, the shape and strides of each, its data unused
  offset count;
  offset stride;       // elements from one to the next; 0: they are all the same one
  T* const* pointers;  // pointers[i]: data of number i, readable where the policy runs. Null: by stride

  WEFT_HOST_DEVICE matrix<T> operator[](offset i) const {
    matrix<T> one = first;
    one.data = pointers ? pointers[i] : one.data + i * stride;
    return one;
  }
};

/// `count` matrices like `first`, `stride` elements apart.
template <class T>
constexpr batch<T> strided_batch(matrix<T> first, offset count, offset stride) {
  return {first, count, stride, nullptr};
}
/// Matrices with the shape and strides of `like` (its data is not used) at pointers[0 … count). The array lies where
/// the policy can read it: on the device for a GPU.
template <class T>
constexpr batch<T> pointer_batch(T* const* pointers, matrix<T> like, offset count) {
  like.data = nullptr;
  return {like, count, 0, pointers};
}

namespace detail {

/// std::mdspan and what has its shape, of rank two and with strides.
template <class M>
concept mdspan_like = requires(const M& m) {
  *m.data_handle();
  static_cast<offset>(m.extent(1));
  static_cast<offset>(m.stride(1));
};

template <class T>
constexpr batch<T> as_batch(const matrix<T>& m) {
  return {m, 1, 0, nullptr};
}
template <class T>
constexpr batch<T> as_batch(const batch<T>& b) {
  return b;
}
template <mdspan_like M>
constexpr auto as_batch(const M& m) {
  static_assert(M::rank() == 2, "gemm takes mdspans of rank two; weft::strided_batch makes batches");
  const auto one = row_major(m.data_handle(), static_cast<offset>(m.extent(0)), static_cast<offset>(m.extent(1)));
  using T = std::remove_reference_t<decltype(*one.data)>;
  return batch<T>{{one.data, one.rows, one.columns, static_cast<offset>(m.stride(0)), static_cast<offset>(m.stride(1))},
                  1,
                  0,
                  nullptr};
}

template <class M>
struct operand_of {};
template <class M>
  requires requires(const M& m) { as_batch(m); }
struct operand_of<M> {
  using type = std::remove_reference_t<decltype(*as_batch(std::declval<const M&>()).first.data)>;
};

}  // namespace detail

/// What may be multiplied: weft::matrix, weft::batch, and what has the shape of std::mdspan.
template <class M>
concept matrix_operand = requires {
  typename detail::operand_of<M>::type;
};

}  // namespace weft
