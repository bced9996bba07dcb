// What weft::cublas and weft::hipblas share, whose interfaces differ in names alone: which products they take, and the
// call. `Words` says
//   name, serves<Backend>
//   taken<T, TC, Sum>           whether elements T of A and B, TC of C, with sums in Sum, are what the library
//   multiplies none, transpose, adjoint    its operations handle_for(stream)          the calling thread's handle, set
//   to the stream, which is of the current device run<T, TC, Sum>(handle, call, x, y, c)    the call; false where the
//   library does not support it, throws for others
// Host code: a plain C++ compiler will do.
#pragma once

#include <weft/gemm/provider.hpp>

namespace weft::inline v100::gpu {

/// A product as these libraries are told it: c (m x n, columns contiguous) = alpha x y + beta c, for `count` of them.
template <class Operation>
struct blas_call {
  Operation x_is, y_is;
  int m, n, k, x_leading, y_leading, c_leading, count;
  const void *alpha, *beta;
};
/// Where the matrices are: the first and the distance to the next, or an array of pointers.
template <class T>
struct blas_data {
  T* first;
  offset stride;
  T* const* pointers;
};

/// Elements T of A and B, TC of C, sums in Sum: what both multiply.
template <class T, class TC, class Sum>
inline constexpr bool blas_takes = [] {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, tf32>)
    return std::is_same_v<TC, float> && std::is_same_v<Sum, float>;
  else if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
    return (std::is_same_v<TC, T> || std::is_same_v<TC, float>)&&std::is_same_v<Sum, float>;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return std::is_same_v<TC, std::int32_t> && std::is_same_v<Sum, std::int32_t>;
  else
    return (std::is_same_v<T, double> || std::is_same_v<T, complex<float>> ||
            std::is_same_v<T, complex<double>>)&&std::is_same_v<TC, T> &&
           std::is_same_v<Sum, T>;
}();

template <class Words>
struct blas_provider {
  static constexpr const char* name = Words::name;
  template <class Backend>
  static constexpr bool serves = Words::template serves<Backend>;

  template <class P, class TA, class TB, class TC, class Options>
  static const char* gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                          const Options& options, bool run) {
    using sum = accumulator_t<TA, TB, Options>;
    using element = number<TA>;
    if constexpr (P::wants_same_bits) {
      return "require(same_bits): its order of additions is its own";
    } else if constexpr (!weft::detail::is_plain_product<Options>) {
      return "an epilogue or a prologue";
    } else if constexpr (std::is_integral_v<sum> && !std::is_integral_v<decltype(Options::alpha)>) {
      return "integers times an alpha that is none";
    } else if constexpr (!std::is_same_v<element, number<TB>> || !Words::template taken<element, TC, sum>) {
      return "these types of A, B, C and sums";
    } else {
      // The library counts by columns; a C by rows is the transposed product.
      const bool by_rows = c.first.column_stride == 1;
      if (!by_rows && c.first.row_stride != 1) return "C has no contiguous direction";
      weft::detail::blas_operand x, y, z;
      const auto first = by_rows ? weft::detail::blas_operand_of(transposed(b.first), false, x)
                                 : weft::detail::blas_operand_of(a.first, false, x);
      const auto second = by_rows ? weft::detail::blas_operand_of(transposed(a.first), false, y)
                                  : weft::detail::blas_operand_of(b.first, false, y);
      if (!first || !second) return "an operand has no contiguous direction, or is conjugated without being transposed";
      if (!weft::detail::fits_blas(a.first, b.first, c.first) || c.count > 0x7fffffff)
        return "an extent or stride above 2^31";
      if ((a.pointers || b.pointers || c.pointers) && !(a.pointers && b.pointers && c.pointers))
        return "a batch by pointers beside one that is not";
      static_cast<void>(weft::detail::blas_operand_of(by_rows ? transposed(c.first) : c.first, false, z));
      if (!run) return nullptr;
      const bool done =
          by_rows ? call<sum>(policy, b, a, c, x, y, z, options) : call<sum>(policy, a, b, c, x, y, z, options);
      return done ? nullptr : "the library does not support this product";
    }
  }

 private:
  template <class T>
  struct numbers {
    using type = T;
  };
  template <class C>
  struct numbers<conjugate<C>> {
    using type = C;
  };
  template <class T>
  using number = typename numbers<std::remove_const_t<T>>::type;

  template <class Sum, class P, class TX, class TY, class TC, class Options>
  static bool call(const P& policy, const batch<TX>& x, const batch<TY>& y, const batch<TC>& c,
                   const weft::detail::blas_operand& of_x, const weft::detail::blas_operand& of_y,
                   const weft::detail::blas_operand& of_c, const Options& options) {
    const auto whole = [](offset n) { return static_cast<int>(n); };
    const auto word = [](const weft::detail::blas_operand& m) {
      return !m.transposed ? Words::none : m.conjugated ? Words::adjoint : Words::transpose;
    };
    const Sum alpha = static_cast<Sum>(options.alpha), beta = static_cast<Sum>(options.beta);
    const bool by_rows = c.first.column_stride == 1;
    const offset m = by_rows ? c.first.columns : c.first.rows, n = by_rows ? c.first.rows : c.first.columns;
    const offset k = by_rows ? x.first.rows : x.first.columns;
    const blas_call<std::remove_const_t<decltype(Words::none)>> told{
        word(of_x),          word(of_y),          whole(m),       whole(n), whole(k), whole(of_x.leading),
        whole(of_y.leading), whole(of_c.leading), whole(c.count), &alpha,   &beta};
    const weft::detail::told tell(policy, "gemm");
    const stream_ref stream = policy.stream();
    const int before = stream.owner->current_device();
    if (before != stream.device) stream.owner->set_device(stream.device);
    bool done = false;
    try {
      done = Words::template run<number<TX>, TC, Sum>(Words::handle_for(stream), told, data(x), data(y), data(c));
    } catch (...) {
      if (before != stream.device) stream.owner->set_device(before);
      throw;
    }
    if (before != stream.device) stream.owner->set_device(before);
    return done;
  }
  template <class T>
  static blas_data<T> data(const batch<T>& b) {
    return {b.first.data, b.stride, b.pointers};
  }
};

}  // namespace weft::gpu
