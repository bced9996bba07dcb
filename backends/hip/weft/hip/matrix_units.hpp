// AMD's matrix instructions by the compiler's builtins (gpu/matrix_unit.hpp says what a unit is): MFMA of CDNA (gfx90a,
// gfx942) and WMMA of RDNA 3 (gfx11). Not run on AMD hardware: the instructions are checked in the machine code
// (cmake/code_objects.py), the lanes against models of the instructions (test/gemm_warps.cpp).
#pragma once

#include <weft/gpu/matrix_unit.hpp>

namespace weft::inline v100::hip_dialect {

using gpu::arch;
using gpu::mma_kind;

template <class T, int N>
using vector_of = T __attribute__((ext_vector_type(N)));

/// What an MFMA takes from a lane.
template <arch A, mma_kind Kind>
struct mfma_operand {
  using type = float;
};
template <arch A>
struct mfma_operand<A, mma_kind::f16> {
  using type = vector_of<_Float16, 4>;
};
template <arch A>
struct mfma_operand<A, mma_kind::bf16> {
  using type = vector_of<short, 4>;
};
template <arch A>
struct mfma_operand<A, mma_kind::s8> {
  using type = std::conditional_t<A == arch::gfx942, long, int>;
};
template <>
struct mfma_operand<arch::gfx942, mma_kind::tf32> {
  using type = vector_of<float, 2>;
};
template <arch A>
struct mfma_operand<A, mma_kind::f64> {
  using type = double;
};

/// tf32 is f32 where gfx90a multiplies it.
template <arch A, mma_kind Kind>
struct mfma {
  using operand = typename mfma_operand<A, Kind>::type;
  using sum_type = gpu::matrix_sum<Kind>;
  static constexpr bool sums_apart = Kind == mma_kind::f64;

  static WEFT_DEVICE void product(sum_type (&d)[4], operand a, operand b) {
    vector_of<sum_type, 4> s;
    __builtin_memcpy(&s, d, sizeof(d));
    if constexpr (Kind == mma_kind::f16)
      s = __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, s, 0, 0, 0);
    else if constexpr (Kind == mma_kind::bf16)
      s = __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(a, b, s, 0, 0, 0);
    else if constexpr (Kind == mma_kind::s8 && A == arch::gfx942)
      s = __builtin_amdgcn_mfma_i32_16x16x32_i8(a, b, s, 0, 0, 0);
    else if constexpr (Kind == mma_kind::s8)
      s = __builtin_amdgcn_mfma_i32_16x16x16i8(a, b, s, 0, 0, 0);
    else if constexpr (Kind == mma_kind::tf32 && A == arch::gfx942)
      s = __builtin_amdgcn_mfma_f32_16x16x8_xf32(a, b, s, 0, 0, 0);
    else if constexpr (Kind == mma_kind::f64)
      s = __builtin_amdgcn_mfma_f64_16x16x4f64(a, b, s, 0, 0, 0);
    else
      s = __builtin_amdgcn_mfma_f32_16x16x4f32(a, b, s, 0, 0, 0);
    __builtin_memcpy(d, &s, sizeof(d));
  }
};

template <mma_kind Kind>
struct wmma {
  using operand =
      std::conditional_t<Kind == mma_kind::f16, vector_of<_Float16, 16>,
                         std::conditional_t<Kind == mma_kind::bf16, vector_of<short, 16>, vector_of<int, 4>>>;
  using sum_type = gpu::matrix_sum<Kind>;

  static WEFT_DEVICE void product(sum_type (&d)[8], operand a, operand b) {
    vector_of<sum_type, 8> s;
    __builtin_memcpy(&s, d, sizeof(d));
    if constexpr (Kind == mma_kind::f16)
      s = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, b, s);
    else if constexpr (Kind == mma_kind::bf16)
      s = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(a, b, s);
    else
      s = __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32(Kind == mma_kind::s8, a, Kind == mma_kind::s8, b, s, false);
    __builtin_memcpy(d, &s, sizeof(d));
  }
};

struct matrix_units {
  static constexpr bool in_mfma(mma_kind k) {
    return k == mma_kind::f16 || k == mma_kind::bf16 || k == mma_kind::tf32 || k == mma_kind::s8 ||
           k == mma_kind::f32 || k == mma_kind::f64;
  }
  static constexpr bool in_wmma(mma_kind k) {
    return k == mma_kind::f16 || k == mma_kind::bf16 || k == mma_kind::s8 || k == mma_kind::u8;
  }
  template <arch A, mma_kind Kind>
  using unit = std::conditional_t<(A == arch::gfx90a || A == arch::gfx942) && in_mfma(Kind),
                                  gpu::matrix_unit_wide<mfma<A, Kind>>,
                                  std::conditional_t<A == arch::gfx1100 && in_wmma(Kind),
                                                     gpu::matrix_unit_doubled<wmma<Kind>>, gpu::no_matrix_unit>>;
  template <arch>
  static constexpr bool async_copies = false;
};

}  // namespace weft::hip_dialect
