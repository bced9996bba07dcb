// What happens to an element of a product on its way to memory, and to an operand on its way from it. An epilogue is a
// functor f(value, row, column) -> value; stages compose by a pipe, with functors of your own anywhere in it:
//
//   .epilogue = weft::bias_by_column(bias) | weft::gelu{} | my_functor{} | weft::quantized<std::int8_t>(1 / 0.02f)
//
// It is applied to sums in registers: no pass over memory. Pointers and views must be readable where the policy runs.
#pragma once

#include <weft/gemm/views.hpp>

#include <cmath>

namespace weft::inline v100 {

/// The epilogue that leaves a value as it is.
struct no_epilogue {
  using is_stage = void;
  template <class T>
  WEFT_HOST_DEVICE constexpr T operator()(const T& value, offset, offset) const {
    return value;
  }
};

/// The prologue that leaves an operand as it is. A prologue is called as f(element, row, column) with the place in its
/// own matrix; its result is converted to the type of the sums.
struct no_prologue {};

namespace detail {
// What a stage reads of memory, read before the value is there, while others are worked on: f.read_ahead(row, column)
// is handed back as the last argument of f(value, row, column, what_was_read). Functors of one's own may have it, too.
struct nothing_read {};
template <class F>
concept reads_ahead = requires(const F& f) {
  f.read_ahead(offset{}, offset{});
};
template <class F>
WEFT_HOST_DEVICE constexpr auto read_of(const F& f, offset row, offset column) {
  if constexpr (reads_ahead<F>)
    return f.read_ahead(row, column);
  else
    return nothing_read{};
}
template <class F, class T, class Read>
WEFT_HOST_DEVICE constexpr auto with_read(const F& f, const T& value, offset row, offset column, const Read& read) {
  if constexpr (std::is_same_v<Read, nothing_read>)
    return f(value, row, column);
  else
    return f(value, row, column, read);
}
template <class A, class B>
struct both_read {
  A first;
  B second;
};
/// Whether a stage is known to write nothing that the next one may read.
template <class F>
inline constexpr bool only_computes = requires {
  typename F::is_stage;
};
}  // namespace detail

/// Two stages, one after the other.
template <class F, class G>
struct piped {
  using is_stage = void;
  static constexpr bool second_ahead = detail::reads_ahead<G> && detail::only_computes<F>;
  F first;
  G second;
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& value, offset row, offset column) const {
    return second(first(value, row, column), row, column);
  }

  WEFT_HOST_DEVICE constexpr auto read_ahead(offset row, offset column) const
      requires(detail::reads_ahead<F> || second_ahead) {
    const auto a = detail::read_of(first, row, column);
    if constexpr (second_ahead)
      return detail::both_read{a, second.read_ahead(row, column)};
    else
      return detail::both_read{a, detail::nothing_read{}};
  }
  template <class T, class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& value, offset row, offset column,
                                             const detail::both_read<A, B>& read) const {
    return detail::with_read(second, detail::with_read(first, value, row, column, read.first), row, column,
                             read.second);
  }
};

namespace detail {
template <class F>
concept stage = requires {
  typename F::is_stage;
};

// Arithmetic of a stage is done in the type of the value, which for integers met by a float is float.
template <class T, class U>
struct met {
  using type = std::conditional_t<std::is_integral_v<T> && !std::is_integral_v<U>, arithmetic_t<U>, T>;
};
template <class T, class U>
using met_t = typename met<T, std::remove_cv_t<U>>::type;

/// e^r 2^n for |r| <= 0.35, n the lower bits of `shifted`: plain arithmetic, so that it vectorises.
WEFT_HOST_DEVICE constexpr float exponential_part(float r, float shifted) {
  float p = 1.f / 5040;
  p = p * r + 1.f / 720;
  p = p * r + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.f;
  p = p * r + 1.f;
  return p * __builtin_bit_cast(float, (__builtin_bit_cast(std::uint32_t, shifted) << 23) + 0x3f800000u);
}
inline constexpr float shifter = 12582912.f;  // 1.5 * 2^23: added to a float, its integer lands in the lower bits

/// 2^x for x <= 126, within 2 units in the last place; 0 below -126.
WEFT_HOST_DEVICE constexpr float power_of_two(float x) {
  if (!__builtin_is_constant_evaluated())
    if (float y = 0; native_exp2(x, y)) return y;
  x = x < -126.f ? -126.f : x;  // NaN stays
  const float shifted = x + shifter;
  return exponential_part((x - (shifted - shifter)) * 0.693147181f, shifted);
}
/// e^x for floats, within 2 units in the last place. 0 below -87. Where the hardware has 2^x, what rounding x times
/// log2 e costs comes on top: |x| units of 2^-24.
WEFT_HOST_DEVICE constexpr float exponential(float x) {
  if (!__builtin_is_constant_evaluated())
    if (float y = 0; native_exp2(x * 1.44269504f, y)) return y;
  x = x < -87.f ? -87.f : x;  // NaN stays
  x = x > 88.f ? 88.f : x;
  const float shifted = x * 1.44269504f + shifter, n = shifted - shifter;
  return exponential_part((x - n * 0.693145752f) - n * 1.42860677e-6f, shifted);  // ln 2 in two parts
}

/// 1 / x for 1 <= x <= 2^100. A division is a branch on NVIDIA's GPUs, for operands that are none of these, and keeps
/// the values of a tile from being finished side by side.
WEFT_HOST_DEVICE constexpr float reciprocal(float x) {
  if (!__builtin_is_constant_evaluated())
    if (float y = 0; native_reciprocal(x, y)) return y;
  return 1.f / x;
}

/// x times the share of the normal distribution below x, erfc(-x / sqrt 2) / 2, which is max(x, 0) less |x| times the
/// share beyond |x|: few instructions, as the tail of a product has little time. Within 4e-7 of the value itself, and
/// what rounding x^2 / 2 adds in the exponent.
WEFT_HOST_DEVICE constexpr float times_normal_below(float x) {
  float a = __builtin_fabsf(x);
  a = a > 16.f ? 16.f : a;  // beyond it the share is 0; NaN stays
  // The share is e^(-a^2 / 2) times a polynomial in t = 1 / (1 + 0.3 a), interpolated at Chebyshev points.
  const float t = reciprocal(1.f + 0.3f * a);
  float p = 0.0372480907f;
  p = p * t - 0.163906605f;
  p = p * t + 0.218311477f;
  p = p * t - 0.0652961171f;
  p = p * t + 0.135244972f;
  p = p * t + 0.0975902194f;
  p = p * t + 0.121228069f;
  p = p * t + 0.11957762f;
  p = p * t + 2.29080917e-06f;
  return (x > 0 ? x : 0.f) - a * (p * power_of_two(a * (a * -0.721347520f)));
}
}  // namespace detail

/// First f, then g: at least one of them a stage of the library.
template <class F, class G>
  requires detail::stage<F> || detail::stage<G>
constexpr piped<F, G> operator|(F f, G g) { return {f, g}; }

// Activations -------------------------------------------------------------------------------------------------------

/// max(x, 0); NaN stays NaN.
struct relu {
  using is_stage = void;
  template <class T>
  WEFT_HOST_DEVICE constexpr T operator()(const T& x, offset, offset) const {
    return x < T(0) ? T(0) : x;
  }
};
/// x where it is positive, else slope * x.
struct leaky_relu {
  using is_stage = void;
  float slope = 0.01f;
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& x, offset, offset) const {
    using V = detail::met_t<T, float>;
    return x < T(0) ? static_cast<V>(slope) * static_cast<V>(x) : static_cast<V>(x);
  }
};
/// x times the share of the normal distribution below x (the exact one, by erf). On NVIDIA's GPUs of floats by the
/// hardware's 2^x and 1 / x, as silu: within the same bounds, not with the bits of other backends.
struct gelu {
  using is_stage = void;
  WEFT_HOST_DEVICE constexpr float operator()(float x, offset, offset) const { return detail::times_normal_below(x); }
  WEFT_HOST_DEVICE double operator()(double x, offset, offset) const {
    return 0.5 * x * std::erfc(-0.70710678118654752 * x);
  }
  WEFT_HOST_DEVICE constexpr float operator()(std::int32_t x, offset r, offset c) const {
    return (*this)(static_cast<float>(x), r, c);
  }
};
/// x / (1 + e^-x), also called swish.
struct silu {
  using is_stage = void;
  WEFT_HOST_DEVICE constexpr float operator()(float x, offset, offset) const {
    const float below = 1.f + detail::exponential(-x);
    return x * detail::reciprocal(below > 0x1p100f ? 0x1p100f : below);  // NaN stays
  }
  WEFT_HOST_DEVICE double operator()(double x, offset, offset) const { return x / (1. + std::exp(-x)); }
  WEFT_HOST_DEVICE constexpr float operator()(std::int32_t x, offset r, offset c) const {
    return (*this)(static_cast<float>(x), r, c);
  }
};

// Sums, scales, bounds ----------------------------------------------------------------------------------------------

/// What bias_by_… and scale_by_… make: a vector indexed by the row or the column of an element.
template <class T, bool ByRow, bool Scale>
struct line_stage {
  using is_stage = void;
  const T* values;
  WEFT_HOST_DEVICE constexpr T read_ahead(offset row, offset column) const { return values[ByRow ? row : column]; }
  template <class V>
  WEFT_HOST_DEVICE constexpr auto operator()(const V& x, offset row, offset column) const {
    return (*this)(x, row, column, read_ahead(row, column));
  }
  template <class V>
  WEFT_HOST_DEVICE constexpr auto operator()(const V& x, offset, offset, const T& read) const {
    using W = detail::met_t<V, T>;
    if constexpr (Scale)
      return static_cast<W>(x) * static_cast<W>(read);
    else
      return static_cast<W>(x) + static_cast<W>(read);
  }
};

/// Adds bias[row], bias[column] to each element; multiplies by scale[row], scale[column].
template <class T>
constexpr auto bias_by_row(const T* bias) {
  return line_stage<number_t<T>, true, false>{detail::as_number(bias)};
}
template <class T>
constexpr auto bias_by_column(const T* bias) {
  return line_stage<number_t<T>, false, false>{detail::as_number(bias)};
}
template <class T>
constexpr auto scale_by_row(const T* scale) {
  return line_stage<number_t<T>, true, true>{detail::as_number(scale)};
}
template <class T>
constexpr auto scale_by_column(const T* scale) {
  return line_stage<number_t<T>, false, true>{detail::as_number(scale)};
}

/// Multiplies by one factor.
template <class S>
struct scale_by {
  using is_stage = void;
  S factor;
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& x, offset, offset) const {
    using V = detail::met_t<T, S>;
    return static_cast<V>(x) * static_cast<V>(factor);
  }
};
template <class S>
scale_by(S) -> scale_by<S>;

/// low where a value is lower, high where it is higher. NaN stays NaN.
template <class S>
struct clamped {
  using is_stage = void;
  S low, high;
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& x, offset, offset) const {
    using V = detail::met_t<T, S>;
    const V v = static_cast<V>(x), l = static_cast<V>(low), h = static_cast<V>(high);
    return v < l ? l : h < v ? h : v;
  }
};
template <class S>
clamped(S, S) -> clamped<S>;

/// Adds a matrix of C's shape: a residual connection. It may be C itself.
template <class T>
struct residual {
  using is_stage = void;
  matrix<T> added;
  WEFT_HOST_DEVICE constexpr auto read_ahead(offset row, offset column) const { return added(row, column); }
  template <class V>
  WEFT_HOST_DEVICE constexpr auto operator()(const V& x, offset row, offset column) const {
    return (*this)(x, row, column, read_ahead(row, column));
  }
  template <class V>
  WEFT_HOST_DEVICE constexpr auto operator()(const V& x, offset, offset, const std::remove_cv_t<T>& read) const {
    using W = detail::met_t<V, T>;
    return static_cast<W>(x) + static_cast<W>(read);
  }
};
template <class T>
residual(matrix<T>) -> residual<T>;

/// Writes the value as it is at this stage to another matrix of C's shape, too (what a backward pass needs).
template <class T>
struct also_stored {
  using is_stage = void;
  matrix<T> to;
  template <class V>
  WEFT_HOST_DEVICE constexpr V operator()(const V& x, offset row, offset column) const {
    to(row, column) = converted<T>(x);
    return x;
  }
};
template <class T>
also_stored(matrix<T>) -> also_stored<T>;
namespace detail {
template <class T>
inline constexpr bool only_computes<also_stored<T>> = false;
template <class F, class G>
inline constexpr bool only_computes<piped<F, G>> = only_computes<F>&& only_computes<G>;
}  // namespace detail

/// What quantized<Q> makes.
template <class Q>
struct quantize_stage {
  using is_stage = void;
  float scale, zero;
  template <class T>
  WEFT_HOST_DEVICE constexpr Q operator()(const T& x, offset, offset) const {
    return converted<Q>(static_cast<float>(x) * scale + zero);
  }
};
/// round(x * scale + zero) as a Q (int8, uint8, float8 …), saturated: the last stage of a quantised layer.
template <class Q>
constexpr quantize_stage<Q> quantized(float scale, float zero = 0) {
  return {scale, zero};
}

/// What reduced_by_… make.
template <class T, class Op, bool ByRow>
struct reduction_stage {
  using is_stage = void;
  using value_type = T;
  static constexpr bool by_row = ByRow;
  T* out;
  Op op;
  T* parts = nullptr;  // the backend's: folds of pieces of lines, parts[piece * lines + line]
  offset lines = 0;

  template <class V>
  WEFT_HOST_DEVICE constexpr V operator()(const V& x, offset, offset) const {
    return x;
  }
};

/// Row sums, column maxima, … of a product without another pass over it: out[i] becomes the fold by `op`, associative
/// and commutative, of the values of row i (column i) as they reach the end of the epilogue, each converted to T. These
/// come last in a pipe. The order is fixed by the shapes, the tile and the backend, so bits repeat run to run. Takes
/// temporary memory of about an eighth of C. One product only: no batch, group, plan or require(same_bits). Hopper
/// computes such products without tensor cores.
template <class T, class Op>
constexpr reduction_stage<T, Op, true> reduced_by_row(T* out, Op op) {
  return {out, op};
}
template <class T, class Op>
constexpr reduction_stage<T, Op, false> reduced_by_column(T* out, Op op) {
  return {out, op};
}

namespace detail {
template <class E>
inline constexpr int reductions_in = 0;  // anywhere in an epilogue
template <class T, class Op, bool ByRow>
inline constexpr int reductions_in<reduction_stage<T, Op, ByRow>> = 1;
template <class F, class G>
inline constexpr int reductions_in<piped<F, G>> = reductions_in<F> + reductions_in<G>;

template <class E>
inline constexpr int reductions_last = 0;  // at its end
template <class T, class Op, bool ByRow>
inline constexpr int reductions_last<reduction_stage<T, Op, ByRow>> = 1;
template <class A, class T, class Op, bool ByRow>
inline constexpr int reductions_last<piped<A, reduction_stage<T, Op, ByRow>>> = 1 + reductions_last<A>;

/// f(stage) for each reduction at the end of an epilogue, the last one first. On the host.
template <class E, class F>
void each_reduction(E& epilogue, const F& f) {
  using type = std::remove_const_t<E>;
  if constexpr (reductions_last<type> != 0) {
    if constexpr (requires { type::by_row; }) {
      f(epilogue);
    } else {
      f(epilogue.second);
      each_reduction(epilogue.first, f);
    }
  }
}

/// Folds the pieces of line i, in order. Pieces are what `threads` threads hold of a tile of `tile` elements, of which
/// those of number t begin at t * group; of the last tile some have none.
template <class T, class Op>
struct fold_pieces {
  const T* parts;
  T* out;
  Op op;
  offset lines, length, tile, threads, group;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    T all = parts[i];
    for (offset begin = 0, piece = 0; begin < length; begin += tile, piece += threads)
      for (offset t = 0; t < threads && begin + t * group < length; ++t)
        if (piece + t > 0) all = op(all, parts[(piece + t) * lines + i]);
    out[i] = all;
  }
};
}  // namespace detail

/// The usual layers.
template <class T>
constexpr auto bias_relu(const T* bias) {
  return bias_by_column(bias) | relu{};
}
template <class T>
constexpr auto bias_gelu(const T* bias) {
  return bias_by_column(bias) | gelu{};
}

// Prologues ---------------------------------------------------------------------------------------------------------

/// (element - zero) * scale, on the way to the product.
struct dequantized {
  float scale, zero = 0;
  template <class T>
  WEFT_HOST_DEVICE constexpr float operator()(const T& x, offset, offset) const {
    return (static_cast<float>(x) - zero) * scale;
  }
};
/// The same with a scale for each group of `group` consecutive rows (or columns): scales[row / group].
template <class T, bool ByRow>
struct dequantized_by_group {
  const T* scales;
  offset group;
  template <class U>
  WEFT_HOST_DEVICE constexpr float operator()(const U& x, offset row, offset column) const {
    return static_cast<float>(x) * static_cast<float>(scales[(ByRow ? row : column) / group]);
  }
};

}  // namespace weft
