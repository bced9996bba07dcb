// What kernels for tensor cores ask of an element type: which operand of the matrix instructions it is. Specialise
// `mma_type` for a type of your own that has the same bits.
#pragma once

#include <weft/gpu/architecture.hpp>

#include <cstdint>
#include <type_traits>

namespace weft::inline v100 {
struct float16;
struct bfloat16;
struct tf32;
struct float8_e4m3;
struct float8_e5m2;
}  // namespace weft

namespace weft::inline v100::gpu {

/// Operand types of the matrix instructions. tf32 is f32 in memory, of which the hardware reads the upper 19 bits. f32
/// and f64 are no types of Hopper's warpgroup product.
enum class mma_kind : unsigned char { none, f16, bf16, tf32, s8, u8, e4m3, e5m2, f32, f64 };

/// The operand that T is: none unless specialised.
template <class T>
struct mma_type {
  static constexpr mma_kind kind = mma_kind::none;
};
template <mma_kind Kind>
struct mma_type_is {
  static constexpr mma_kind kind = Kind;
};
template <>
struct mma_type<std::int8_t> : mma_type_is<mma_kind::s8> {};
template <>
struct mma_type<std::uint8_t> : mma_type_is<mma_kind::u8> {};
template <>
struct mma_type<float16> : mma_type_is<mma_kind::f16> {};
template <>
struct mma_type<bfloat16> : mma_type_is<mma_kind::bf16> {};
template <>
struct mma_type<tf32> : mma_type_is<mma_kind::tf32> {};
template <>
struct mma_type<float8_e4m3> : mma_type_is<mma_kind::e4m3> {};
template <>
struct mma_type<float8_e5m2> : mma_type_is<mma_kind::e5m2> {};
template <class T>
inline constexpr mma_kind mma_kind_of = mma_type<std::remove_cv_t<T>>::kind;

/// What the instructions accumulate in.
template <mma_kind Kind>
using mma_sum = std::conditional_t<Kind == mma_kind::s8 || Kind == mma_kind::u8, std::int32_t, float>;

}  // namespace weft::gpu
