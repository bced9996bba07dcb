// What every header needs to compile under g++, clang, nvcc and clang HIP alike: the three macros of the library and
// the integer type of sizes. This file and the dialects are the only places that look at the vendor's compiler.
#pragma once

#include <cstddef>
#include <cstdint>

#define WEFT_VERSION 100  // major * 10000 + minor * 100 + patch

#if defined(__CUDACC__) || defined(__HIP__)
#define WEFT_HOST_DEVICE __host__ __device__
#define WEFT_DEVICE __device__
#else
#define WEFT_HOST_DEVICE
#define WEFT_DEVICE
#endif

namespace weft::inline v100 {

/// Every size, count and index at the interface: 64 bits and signed, on every backend.
using offset = std::int64_t;

/// a * b, rounded to its type whatever happens to it next. Device compilers contract `a * b + c` into one fused
/// operation with another rounding, and a library cannot ask its users for a flag; so each gets the spelling it keeps
/// apart. On the host, clang does not contract across functions and baseline x86-64 cannot; for g++ with -mfma the
/// CMake targets pass -ffp-contract=off.
WEFT_HOST_DEVICE constexpr float product(float a, float b) {
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __fmul_rn(a, b);
#endif
  return a * b;
}
WEFT_HOST_DEVICE constexpr double product(double a, double b) {
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __dmul_rn(a, b);
#endif
  return a * b;
}

/// The bits of a float rounded to nearest even in a narrower format, and back: one instruction where the device has it,
/// the same bits by integer arithmetic (weft/numeric.hpp) elsewhere; false: not here.
namespace detail {
WEFT_HOST_DEVICE inline bool native_to_half([[maybe_unused]] float x, [[maybe_unused]] std::uint16_t& bits) {
#if defined(__CUDA_ARCH__)
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return true;
#elif defined(__HIP_DEVICE_COMPILE__) && __HIP_DEVICE_COMPILE__
  bits = __builtin_bit_cast(std::uint16_t, static_cast<_Float16>(x));
  return true;
#else
  return false;
#endif
}
WEFT_HOST_DEVICE inline bool native_from_half([[maybe_unused]] std::uint16_t bits, [[maybe_unused]] float& x) {
#if defined(__CUDA_ARCH__)
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return true;
#elif defined(__HIP_DEVICE_COMPILE__) && __HIP_DEVICE_COMPILE__
  x = static_cast<float>(__builtin_bit_cast(_Float16, bits));
  return true;
#else
  return false;
#endif
}
WEFT_HOST_DEVICE inline bool native_to_bfloat([[maybe_unused]] float x, [[maybe_unused]] std::uint16_t& bits) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return true;
#else
  return false;
#endif
}
/// Saturating: what is too large, infinities too, becomes the largest finite value.
template <bool E4M3>
WEFT_HOST_DEVICE inline bool native_to_float8([[maybe_unused]] float x, [[maybe_unused]] std::uint8_t& bits) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  std::uint16_t pair;
  if constexpr (E4M3)
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.f), "f"(x));
  else
    asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.f), "f"(x));
  bits = static_cast<std::uint8_t>(pair);
  return true;
#else
  return false;
#endif
}
/// 1 / x for 1 <= x <= 2^100, within a unit in the last place and without the branch of a division; false: not here.
WEFT_HOST_DEVICE inline bool native_reciprocal([[maybe_unused]] float x, [[maybe_unused]] float& y) {
#if defined(__CUDA_ARCH__)
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return true;
#else
  return false;
#endif
}
/// 2^x within two units in the last place, 0 below -126; false: not here.
WEFT_HOST_DEVICE inline bool native_exp2([[maybe_unused]] float x, [[maybe_unused]] float& y) {
#if defined(__CUDA_ARCH__)
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return true;
#else
  return false;
#endif
}
}  // namespace detail

/// False only for an nvcc lambda marked __device__ alone that does not name its return type: to the host such a lambda
/// returns int, whatever it returns on the device, so nothing may be built on the type of its result.
template <class F>
inline constexpr bool result_is_known =
#if defined(__CUDACC_EXTENDED_LAMBDA__)
    !__nv_is_extended_device_lambda_closure_type(F) || __nv_is_extended_device_lambda_with_preserved_return_type(F);
#else
    true;
#endif

}  // namespace weft
