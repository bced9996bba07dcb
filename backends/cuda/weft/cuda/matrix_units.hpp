// The warp's matrix instructions of sm_80 in inline PTX (gpu/matrix_unit.hpp says what a unit is). They take 32 bytes
// of k of a line; f64, of which there are products of 8 x 8 x 4 alone, two of these.
#pragma once

#include <weft/gpu/matrix_unit.hpp>

namespace weft::inline v100::cuda_dialect {

template <gpu::mma_kind Kind>
struct mma {
  static constexpr bool transposes = Kind == gpu::mma_kind::f16 || Kind == gpu::mma_kind::bf16;
  using sum_type = gpu::matrix_sum<Kind>;

// clang-format off
#define WEFT_MMA(types, c)                                                                                     \
  asm("mma.sync.aligned." types " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"              \
      : c(d[0]), c(d[1]), c(d[2]), c(d[3]) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1))
  // clang-format on
  static __device__ __forceinline__ void product(sum_type (&d)[4], std::uint32_t a0, std::uint32_t a1, std::uint32_t a2,
                                                 std::uint32_t a3, std::uint32_t b0, std::uint32_t b1) {
    if constexpr (Kind == gpu::mma_kind::f16)
      WEFT_MMA("m16n8k16.row.col.f32.f16.f16.f32", "+f");
    else if constexpr (Kind == gpu::mma_kind::bf16)
      WEFT_MMA("m16n8k16.row.col.f32.bf16.bf16.f32", "+f");
    else if constexpr (Kind == gpu::mma_kind::tf32)
      WEFT_MMA("m16n8k8.row.col.f32.tf32.tf32.f32", "+f");
    else if constexpr (Kind == gpu::mma_kind::s8)
      WEFT_MMA("m16n8k32.row.col.s32.s8.s8.s32", "+r");
    else if constexpr (Kind == gpu::mma_kind::u8)
      WEFT_MMA("m16n8k32.row.col.s32.u8.u8.s32", "+r");
    else
      product_f64(d[0], d[1], whole(a0, a2), whole(b0, b1)), product_f64(d[2], d[3], whole(a1, a3), whole(b0, b1));
  }
#undef WEFT_MMA
  /// Eight lines' pieces from the 32 rows of k that the lanes name: transposed, as a lane holds them.
  static __device__ __forceinline__ gpu::vec<16> load_across(const void* row) {
    gpu::vec<16> p;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(p.word[0]), "=r"(p.word[1]), "=r"(p.word[2]), "=r"(p.word[3])
                 : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(row))));
    return p;
  }

 private:
  static __device__ __forceinline__ double whole(std::uint32_t low, std::uint32_t high) {
    return __hiloint2double(static_cast<int>(high), static_cast<int>(low));
  }
  static __device__ __forceinline__ void product_f64(double& d0, double& d1, double a, double b) {
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
        : "+d"(d0), "+d"(d1)
        : "d"(a), "d"(b));
  }
};

struct matrix_units {
  template <gpu::arch A, gpu::mma_kind Kind>
  using unit =
      std::conditional_t<(A == gpu::arch::sm_80 || A == gpu::arch::sm_90) && Kind != gpu::mma_kind::none &&
                             Kind != gpu::mma_kind::f32 && Kind != gpu::mma_kind::e4m3 && Kind != gpu::mma_kind::e5m2,
                         gpu::matrix_unit_16x8<mma<Kind>>, gpu::no_matrix_unit>;
  template <gpu::arch>
  static constexpr bool async_copies = true;
};

}  // namespace weft::cuda_dialect
