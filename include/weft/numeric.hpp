// Number types that not every compiler has, the same on every backend and in plain C++: float16, bfloat16, float8_e4m3,
// float8_e5m2, tf32 and complex. Storage formats: arithmetic on them is arithmetic on the float each converts to, and a
// float assigned to one is rounded to nearest, ties to even, once. A conversion is one instruction where the device has
// it and the same bits by integer arithmetic elsewhere.
//
// The bits are those of the vendors' types (__half, __nv_bfloat16, __nv_fp8_e4m3, hip_bfloat16, _Float16, …):
//   weft::float16* p = weft::bits_as<weft::float16>(half_pointer);     float16 x = weft::bits_as<weft::float16>(h);
#pragma once

#include <weft/device.hpp>

#include <type_traits>

namespace weft::inline v100 {

namespace detail {

/// The bits of a float of 1 sign, E exponent and M mantissa bits nearest to x; too large: infinity, or with `Saturate`
/// the largest finite value, `Largest`. NaN becomes all ones below the sign.
template <int E, int M, bool Saturate, std::uint32_t Largest>
WEFT_HOST_DEVICE constexpr std::uint32_t narrowed(float x) {
  constexpr int bias = (1 << (E - 1)) - 1, shift = 23 - M;
  constexpr std::uint32_t infinity = ((1u << E) - 1) << M, nan = (1u << (E + M)) - 1;
  const std::uint32_t all = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t size = all & 0x7fffffffu, sign = (all >> 31) << (E + M);
  std::uint32_t to = ((size + ((1u << (shift - 1)) - 1 + (size >> shift & 1))) >> shift) -
                     (static_cast<std::uint32_t>(127 - bias) << M);
  if constexpr (E < 8) {  // subnormal there: one addition puts the last bit where it belongs, and rounds
    constexpr std::uint32_t magic = static_cast<std::uint32_t>(127 - bias + 1 + shift) << 23;
    const float moved = __builtin_bit_cast(float, size) + __builtin_bit_cast(float, magic);
    const std::uint32_t below = __builtin_bit_cast(std::uint32_t, moved) - magic;
    to = size < (static_cast<std::uint32_t>(127 - bias + 1) << 23) ? below : to;
  }
  constexpr std::uint32_t most = Saturate ? Largest : infinity;
  // Far too large for the subtraction above not to wrap is caught by the size itself.
  to = to > most || size >= 0x7f800000u ? most : to;
  to = size > 0x7f800000u ? nan : to | sign;
  return to;
}

/// The float whose upper bits are these: E exponent and M mantissa bits below the sign.
template <int E, int M>
WEFT_HOST_DEVICE constexpr float widened(std::uint32_t bits) {
  constexpr int bias = (1 << (E - 1)) - 1;
  constexpr std::uint32_t scale = static_cast<std::uint32_t>(254 - bias) << 23;  // 2^(127 - bias): subnormals too
  const std::uint32_t size = bits & ((1u << (E + M)) - 1), sign = bits >> (E + M) << 31;
  const float value = __builtin_bit_cast(float, size << (23 - M)) * __builtin_bit_cast(float, scale);
  return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, value) | sign);
}

/// x as a float, rounded so that rounding it again to fewer bits is right: inexact results get an odd last bit.
WEFT_HOST_DEVICE constexpr float to_odd(double x) {
  const float near = static_cast<float>(x);
  const double back = near;
  std::uint32_t bits = __builtin_bit_cast(std::uint32_t, near);
  if (back != back || back == x || (bits & 1)) return near;
  const bool away = x < 0 ? back < x : back > x;  // |near| is above |x|
  bits = away ? bits - 1 : bits + 1;
  return __builtin_bit_cast(float, bits);
}

}  // namespace detail

/// IEEE 754 half precision: 5 exponent and 10 mantissa bits.
struct float16 {
  std::uint16_t bits;

  float16() = default;
  WEFT_HOST_DEVICE constexpr float16(float x) : bits(0) {
    if (!__builtin_is_constant_evaluated() && detail::native_to_half(x, bits)) return;
    bits = static_cast<std::uint16_t>(detail::narrowed<5, 10, false, 0>(x));
  }
  WEFT_HOST_DEVICE constexpr explicit float16(double x) : float16(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr explicit float16(int x) : float16(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr operator float() const {
    float x = 0;
    if (!__builtin_is_constant_evaluated() && detail::native_from_half(bits, x)) return x;
    const float finite = detail::widened<5, 10>(bits);
    const std::uint32_t special = __builtin_bit_cast(std::uint32_t, finite) | 0x7f800000u;
    return (bits & 0x7c00u) == 0x7c00u ? __builtin_bit_cast(float, special) : finite;
  }
};

/// The upper half of a float: 8 exponent and 7 mantissa bits.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  WEFT_HOST_DEVICE constexpr bfloat16(float x) : bits(0) {
    if (!__builtin_is_constant_evaluated() && detail::native_to_bfloat(x, bits)) return;
    const std::uint32_t all = __builtin_bit_cast(std::uint32_t, x);
    const std::uint32_t rounded = (all + 0x7fffu + (all >> 16 & 1)) >> 16;
    bits = static_cast<std::uint16_t>((all & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : rounded);
  }
  WEFT_HOST_DEVICE constexpr explicit bfloat16(double x) : bfloat16(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr explicit bfloat16(int x) : bfloat16(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr operator float() const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }
};

/// OCP 8-bit float with 4 exponent and 3 mantissa bits: up to 448, no infinities. Rounding into it saturates, as the
/// vendors' constructors do.
struct float8_e4m3 {
  std::uint8_t bits;

  float8_e4m3() = default;
  WEFT_HOST_DEVICE constexpr float8_e4m3(float x) : bits(0) {
    if (!__builtin_is_constant_evaluated() && detail::native_to_float8<true>(x, bits)) return;
    bits = static_cast<std::uint8_t>(detail::narrowed<4, 3, true, 0x7e>(x));
  }
  WEFT_HOST_DEVICE constexpr explicit float8_e4m3(double x) : float8_e4m3(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr explicit float8_e4m3(int x) : float8_e4m3(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr operator float() const {
    const float finite = detail::widened<4, 3>(bits);
    const std::uint32_t nan = __builtin_bit_cast(std::uint32_t, finite) | 0x7fc00000u;
    return (bits & 0x7fu) == 0x7fu ? __builtin_bit_cast(float, nan) : finite;
  }
};

/// OCP 8-bit float with 5 exponent and 2 mantissa bits: up to 57344, the upper half of a float16. Rounding into it
/// saturates.
struct float8_e5m2 {
  std::uint8_t bits;

  float8_e5m2() = default;
  WEFT_HOST_DEVICE constexpr float8_e5m2(float x) : bits(0) {
    if (!__builtin_is_constant_evaluated() && detail::native_to_float8<false>(x, bits)) return;
    bits = static_cast<std::uint8_t>(detail::narrowed<5, 2, true, 0x7b>(x));
  }
  WEFT_HOST_DEVICE constexpr explicit float8_e5m2(double x) : float8_e5m2(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr explicit float8_e5m2(int x) : float8_e5m2(detail::to_odd(x)) {}
  WEFT_HOST_DEVICE constexpr operator float() const {
    float16 half{};
    half.bits = static_cast<std::uint16_t>(bits << 8);
    return half;
  }
};

/// A float of which a product may use as few as 10 mantissa bits: the explicit request for tensor cores on f32 data.
/// Same memory as float (`bits_as<tf32>(pointer)`, or weft::as_tf32 on a view); units without the format use all bits.
/// Made from a float it is rounded to nearest even.
struct tf32 {
  float value;

  tf32() = default;
  WEFT_HOST_DEVICE constexpr tf32(float x) : value(x) {
    const std::uint32_t all = __builtin_bit_cast(std::uint32_t, x);
    const std::uint32_t rounded = (all + 0xfffu + (all >> 13 & 1)) & ~0x1fffu;
    if ((all & 0x7f800000u) != 0x7f800000u) value = __builtin_bit_cast(float, rounded);
  }
  WEFT_HOST_DEVICE constexpr operator float() const { return value; }
};

/// A complex number, bit for bit std::complex<T>, on every backend. Products are the four-multiplication formula.
template <class T>
struct complex {
  using value_type = T;
  T re, im;

  complex() = default;
  WEFT_HOST_DEVICE constexpr complex(T real, T imaginary = T(0)) : re(real), im(imaginary) {}
  template <class U>
    requires(!std::is_same_v<U, T>)
  WEFT_HOST_DEVICE constexpr explicit complex(const complex<U>& x)
      : re(static_cast<T>(x.re)), im(static_cast<T>(x.im)) {}

  WEFT_HOST_DEVICE constexpr T real() const { return re; }
  WEFT_HOST_DEVICE constexpr T imag() const { return im; }
  WEFT_HOST_DEVICE constexpr complex operator-() const { return {-re, -im}; }
  WEFT_HOST_DEVICE friend constexpr complex operator+(const complex& x, const complex& y) {
    return {x.re + y.re, x.im + y.im};
  }
  WEFT_HOST_DEVICE friend constexpr complex operator-(const complex& x, const complex& y) {
    return {x.re - y.re, x.im - y.im};
  }
  WEFT_HOST_DEVICE friend constexpr complex operator*(const complex& x, const complex& y) {
    return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
  }
  WEFT_HOST_DEVICE constexpr complex& operator+=(const complex& y) { return *this = *this + y; }
  WEFT_HOST_DEVICE friend constexpr bool operator==(const complex& x, const complex& y) {
    return x.re == y.re && x.im == y.im;
  }
};
template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<complex<T>> = true;

/// A complex number in memory that is read as its conjugate: the element type of weft::conjugated views.
template <class C>
struct conjugate {
  C stored;
  WEFT_HOST_DEVICE constexpr operator C() const { return C(stored.re, -stored.im); }
};

/// The same bits as another type of the same size, and pointers to them.
template <class To, class From>
  requires(!std::is_pointer_v<From>)
WEFT_HOST_DEVICE constexpr To bits_as(const From& x) {
  static_assert(sizeof(To) == sizeof(From), "bits_as needs types of one size");
  return __builtin_bit_cast(To, x);
}
template <class To, class From>
WEFT_HOST_DEVICE auto bits_as(From* p) {
  static_assert(sizeof(To) == sizeof(From) && alignof(To) <= sizeof(From), "bits_as needs types of one size");
  return reinterpret_cast<std::conditional_t<std::is_const_v<From>, const To, To>*>(p);
}

/// What the library calls a type of another library with the same bits: below, for anything of the shape of
/// std::complex. Specialise it for other types; the vendors' half types go through bits_as.
template <class T>
struct number {
  using type = T;
};
template <class T>
  requires(sizeof(T) == 2 * sizeof(typename T::value_type))
&&std::is_floating_point_v<typename T::value_type>&& requires(T x, typename T::value_type r) { x.real(r), x.imag(r); }
struct number<T> {
  using type = complex<typename T::value_type>;
};
template <class T>
using number_t = typename number<T>::type;

/// What arithmetic on elements of type T is done in: float for the narrow formats, 32-bit integers for narrow ones.
template <class T>
struct arithmetic {
  using type = T;
};
template <>
struct arithmetic<float16> {
  using type = float;
};
template <>
struct arithmetic<bfloat16> {
  using type = float;
};
template <>
struct arithmetic<float8_e4m3> {
  using type = float;
};
template <>
struct arithmetic<float8_e5m2> {
  using type = float;
};
template <>
struct arithmetic<tf32> {
  using type = float;
};
template <class C>
struct arithmetic<conjugate<C>> {
  using type = C;
};
template <class T>
  requires(std::is_integral_v<T> && sizeof(T) < 4)
struct arithmetic<T> {
  using type = std::int32_t;
};
template <class T>
using arithmetic_t = typename arithmetic<std::remove_cv_t<T>>::type;

namespace detail {
/// x * y + z by one rounding; complex numbers by four of these, integers modulo their range.
WEFT_HOST_DEVICE inline float multiply_add(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
WEFT_HOST_DEVICE inline double multiply_add(double x, double y, double z) { return __builtin_fma(x, y, z); }
template <class T>
WEFT_HOST_DEVICE complex<T> multiply_add(const complex<T>& x, const complex<T>& y, const complex<T>& z) {
  return {multiply_add(-x.im, y.im, multiply_add(x.re, y.re, z.re)),
          multiply_add(x.im, y.re, multiply_add(x.re, y.im, z.im))};
}
template <class T>
WEFT_HOST_DEVICE T multiply_add(const T& x, const T& y, const T& z) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    return static_cast<T>(static_cast<U>(z) + static_cast<U>(x) * static_cast<U>(y));
  } else {
    return z + x * y;
  }
}
/// x + y; integers wrap.
template <class T>
WEFT_HOST_DEVICE T added(const T& x, const T& y) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    return static_cast<T>(static_cast<U>(x) + static_cast<U>(y));
  } else {
    return x + y;
  }
}
}  // namespace detail

/// value as a To: rounded to nearest even and saturated where To is an integer and that changes it; NaN becomes 0.
template <class To, class From>
WEFT_HOST_DEVICE inline To converted(const From& value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    static_assert(sizeof(To) <= 4, "round to a 64-bit integer by a functor of your own");
    constexpr From least = std::is_signed_v<To> ? -From(1ull << (8 * sizeof(To) - 1)) : From(0);
    constexpr From most =
        std::is_signed_v<To> ? From((1ull << (8 * sizeof(To) - 1)) - 1) : From((1ull << (8 * sizeof(To))) - 1);
    if constexpr (sizeof(To) <= 2 && sizeof(From) == 4) {
      From x = value > least ? value : least;  // NaN: least, corrected below
      x = x < most ? x : most;
      const float moved = x + 12582912.f;  // 1.5 * 2^23: the integer is in the low bits
      std::int32_t rounded = __builtin_bit_cast(std::int32_t, moved);
      rounded -= 0x4b400000;
      return static_cast<To>(value == value ? rounded : 0);
    } else {
      constexpr double low = static_cast<double>(least), high = sizeof(To) == 4 && std::is_signed_v<To> ? 2147483647.
                                                                : sizeof(To) == 4                       ? 4294967295.
                                                                                                        : double(most);
      double x = value > low ? static_cast<double>(value) : low;
      x = x < high ? x : high;
      const double moved = x + 6755399441055744.;  // 1.5 * 2^52: the integer is in the low bits
      std::int64_t rounded = __builtin_bit_cast(std::int64_t, moved);
      rounded -= 0x4338000000000000;
      return static_cast<To>(value == value ? rounded : 0);
    }
  } else if constexpr (std::is_integral_v<To> && std::is_integral_v<From> && sizeof(To) < sizeof(From)) {
    constexpr auto bits = 8 * sizeof(To);
    constexpr std::int64_t least = std::is_signed_v<To> ? -(std::int64_t{1} << (bits - 1)) : 0;
    constexpr std::int64_t most =
        std::is_signed_v<To> ? (std::int64_t{1} << (bits - 1)) - 1 : (std::int64_t{1} << bits) - 1;
    const std::int64_t x = static_cast<std::int64_t>(value);
    return static_cast<To>(x < least ? least : x > most ? most : x);
  } else if constexpr (is_complex<To> && !is_complex<From>) {
    return To(static_cast<typename To::value_type>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace weft
