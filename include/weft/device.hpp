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

namespace weft {

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
