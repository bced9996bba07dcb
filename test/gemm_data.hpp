// Matrices with their storage, and products of them in long double or wide integers, for the tests of gemm.
#pragma once

#include "harness.hpp"

#include <weft/gemm.hpp>

#include <complex>

namespace weft_test {

/// A number of T from random bits: integers in [-5, 5], else of both signs in [-1, 1), rounded to T.
template <class T>
T number_from(u64 bits) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<int>(bits >> 33) % 11 - (std::is_signed_v<T> ? 5 : 0));
  else if constexpr (weft::is_complex<T>)
    return T(number_from<typename T::value_type>(bits),
             number_from<typename T::value_type>(bits * 0x9e3779b97f4a7c15u));
  else
    return static_cast<T>(value_from<std::conditional_t<std::is_same_v<T, double>, double, float>>(bits, 0));
}

/// A matrix with its storage: `by_columns` or by rows, rows or columns `pad` elements apart beyond their length,
/// beginning `skip` elements into the memory.
template <class T>
struct stored {
  offset rows, columns, leading, skip;
  bool by_columns;
  std::vector<T> values;
  stored(offset r, offset c, bool cm, offset pad, u64 seed, offset skipped = 0)
      : rows(r), columns(c), leading((cm ? r : c) + pad), skip(skipped), by_columns(cm) {
    values.resize(static_cast<std::size_t>(std::max<offset>(leading * (cm ? c : r), 1) + skip));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = number_from<T>(random_bits(seed, i));
  }
  std::size_t place(offset i, offset j) const {
    return static_cast<std::size_t>(skip + (by_columns ? j * leading + i : i * leading + j));
  }
  const T& at(offset i, offset j) const { return values[place(i, j)]; }
  template <class U>
  weft::matrix<U> view(U* data) const {
    return by_columns ? weft::column_major(data + skip, rows, columns, leading)
                      : weft::row_major(data + skip, rows, columns, leading);
  }
};

using wide_complex = std::complex<long double>;

/// The widest number that holds what a T holds: integers exactly.
template <class T>
auto wide(const T& x) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<i64>(x);
  else if constexpr (weft::is_complex<T>)
    return wide_complex(x.re, x.im);
  else if constexpr (std::is_floating_point_v<T>)
    return static_cast<long double>(x);
  else
    return static_cast<long double>(static_cast<float>(x));
}

/// A sum of products as it should be, and the sum of their magnitudes, to which errors are relative.
template <class W>
struct exact_sum {
  W value;
  double size;
};
template <class T, class U>
auto row_times_column(const stored<T>& a, const stored<U>& b, offset i, offset j) {
  using W = decltype(wide(a.at(0, 0)) * wide(b.at(0, 0)));
  exact_sum<W> s{W(0), 0};
  for (offset p = 0; p < a.columns; ++p) {
    const W term = wide(a.at(i, p)) * wide(b.at(p, j));
    s.value += term;
    s.size += static_cast<double>(std::abs(term));
  }
  return s;
}

}  // namespace weft_test
