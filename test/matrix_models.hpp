// Models of the matrix instructions of NVIDIA's and AMD's warps, for the emulation: what the vendors' documents say of
// which lane and register holds which element of A, B and C, written down element by element and apart from what the
// kernels use (gpu/matrix_unit.hpp). A lane hands its registers in, all multiply, each takes its sums out.
// Sources: PTX ISA, "Matrix Fragments for mma.m8n8k4 / m16n8k8 / m16n8k16 / m16n8k32"; AMD CDNA 2 and CDNA 3 ISA,
// "Dense Matrix Operations"; AMD RDNA 3 ISA, "Wave Matrix Multiply Accumulate".
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/matrix_unit.hpp>

#include <cstring>

namespace matrix_models {

using weft::gpu::arch;
using weft::gpu::mma_kind;

template <mma_kind Kind>
struct element {
  using type = float;
};
template <>
struct element<mma_kind::f16> {
  using type = weft::float16;
};
template <>
struct element<mma_kind::bf16> {
  using type = weft::bfloat16;
};
template <>
struct element<mma_kind::s8> {
  using type = std::int8_t;
};
template <>
struct element<mma_kind::u8> {
  using type = std::uint8_t;
};
template <>
struct element<mma_kind::f64> {
  using type = double;
};
template <mma_kind Kind>
using element_t = typename element<Kind>::type;

struct place {
  int line, k;  // row of A or column of B
};
struct sum_place {
  int row, column;
};

/// One instruction of a warp: `Layout` says where lane and element number lie, m, n, k and how many there are in a
/// lane.
template <class Layout, mma_kind Kind, class Sum>
void multiply(Sum* d, const void* a, const void* b) {
  using T = element_t<Kind>;
  constexpr int lanes = Layout::lanes;
  struct registers {
    T a[Layout::a_count], b[Layout::b_count];
  } mine, all[lanes];
  std::memcpy(mine.a, a, sizeof mine.a);
  std::memcpy(mine.b, b, sizeof mine.b);
  static_assert(sizeof(mine) <= weft::simt_dialect::warp_state::slot_bytes);
  auto& self = *weft::simt_dialect::running;
  // Shuffles of all lanes at once: what each has, in the warp's slots.
  const unsigned half = weft::simt_dialect::active->meet(self, &mine, sizeof mine, false, false, "matrix instruction",
                                                         std::source_location::current());
  {
    weft::simt_dialect::quiet _;
    for (int l = 0; l < lanes; ++l)
      std::memcpy(static_cast<void*>(all + l), self.warp->slots[half] + static_cast<std::size_t>(l) * sizeof mine,
                  sizeof mine);
  }
  Sum x[Layout::m][Layout::k] = {}, y[Layout::n][Layout::k] = {};
  for (int l = 0; l < lanes; ++l) {
    for (int i = 0; i < Layout::a_count; ++i) {
      const place p = Layout::a(l, i);
      x[p.line][p.k] = static_cast<Sum>(static_cast<weft::arithmetic_t<T>>(all[l].a[i]));
    }
    for (int i = 0; i < Layout::b_count; ++i) {
      const place p = Layout::b(l, i);
      y[p.line][p.k] = static_cast<Sum>(static_cast<weft::arithmetic_t<T>>(all[l].b[i]));
    }
  }
  for (int i = 0; i < Layout::sums; ++i) {
    const sum_place p = Layout::c(static_cast<int>(self.lane), i);
    for (int k = 0; k < Layout::k; ++k) d[i] += x[p.row][k] * y[p.column][k];
  }
}

// NVIDIA ------------------------------------------------------------------------------------------------------------

/// m16n8kK for K * Size = 32 bytes: group g = lane / 4, thread t = lane % 4 in it; registers of 4 bytes.
template <int Size>
struct mma_16x8 {
  static constexpr int lanes = 32, m = 16, n = 8, k = 32 / Size, in_register = 4 / Size;
  static constexpr int a_count = 4 * in_register, b_count = 2 * in_register, sums = 4;
  static place a(int lane, int i) {  // a0 a1 a2 a3: rows g, g + 8, g, g + 8; the later two are k / 2 further
    const int r = i / in_register;
    return {lane / 4 + (r == 1 || r == 3 ? 8 : 0), lane % 4 * in_register + i % in_register + (r >= 2 ? k / 2 : 0)};
  }
  static place b(int lane, int i) {
    return {lane / 4, lane % 4 * in_register + i % in_register + (i / in_register == 1 ? k / 2 : 0)};
  }
  static sum_place c(int lane, int i) { return {lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + i % 2}; }
};
/// m8n8k4 of f64.
struct mma_8x8 {
  static constexpr int lanes = 32, m = 8, n = 8, k = 4, a_count = 1, b_count = 1, sums = 2;
  static place a(int lane, int) { return {lane / 4, lane % 4}; }
  static place b(int lane, int) { return {lane / 4, lane % 4}; }
  static sum_place c(int lane, int i) { return {lane / 4, lane % 4 * 2 + i}; }
};

template <mma_kind Kind>
struct mma {
  using sum_type = weft::gpu::matrix_sum<Kind>;
  static constexpr bool transposes = sizeof(element_t<Kind>) == 2;
  static void product(sum_type (&d)[4], std::uint32_t a0, std::uint32_t a1, std::uint32_t a2, std::uint32_t a3,
                      std::uint32_t b0, std::uint32_t b1) {
    if constexpr (Kind == mma_kind::f64) {
      const std::uint32_t upper[] = {a0, a2}, lower[] = {a1, a3}, right[] = {b0, b1};
      multiply<mma_8x8, Kind>(d, upper, right);
      multiply<mma_8x8, Kind>(d + 2, lower, right);
    } else {
      const std::uint32_t a[] = {a0, a1, a2, a3}, b[] = {b0, b1};
      multiply<mma_16x8<sizeof(element_t<Kind>)>, Kind>(d, a, b);
    }
  }
  /// ldmatrix .x4 .trans: four matrices of 8 x 8; lanes 8 i … name the rows of matrix i; register i of lane l becomes
  /// elements (2 (l % 4), l / 4) and (2 (l % 4) + 1, l / 4) of it.
  static weft::gpu::vec<16> load_across(const void* row) {
    struct eight {
      std::uint16_t value[8];
    } mine;
    std::memcpy(&mine, row, 16);
    auto& self = *weft::simt_dialect::running;
    const unsigned half = weft::simt_dialect::active->meet(self, &mine, sizeof mine, false, false, "load_across",
                                                           std::source_location::current());
    weft::simt_dialect::quiet _;
    eight rows[32];
    std::memcpy(rows, self.warp->slots[half], sizeof rows);
    std::uint16_t to[8];
    for (unsigned i = 0; i < 4; ++i)
      for (unsigned e = 0; e < 2; ++e) to[2 * i + e] = rows[8 * i + 2 * (self.lane % 4) + e].value[self.lane / 4];
    weft::gpu::vec<16> result;
    std::memcpy(&result, to, 16);
    return result;
  }
};

// AMD ---------------------------------------------------------------------------------------------------------------

/// V_MFMA_…_16X16Xk: lanes 0-15 hold the first k / 4 elements of k of lines 0-15, lanes 16-31 the next, and so on.
/// Sums: lane 16 b + j, register i is row 4 b + i, column j; of f64 row b + 4 i.
template <int K, bool F64>
struct mfma_16x16 {
  static constexpr int lanes = 64, m = 16, n = 16, k = K, a_count = K / 4, b_count = K / 4, sums = 4;
  static place a(int lane, int i) { return {lane & 15, (lane >> 4) * (K / 4) + i}; }
  static place b(int lane, int i) { return a(lane, i); }
  static sum_place c(int lane, int i) { return {F64 ? (lane >> 4) + 4 * i : 4 * (lane >> 4) + i, lane & 15}; }
};
template <arch A, mma_kind Kind>
struct mfma {
  using sum_type = weft::gpu::matrix_sum<Kind>;
  static constexpr bool sums_apart = Kind == mma_kind::f64;
  static constexpr int k = Kind == mma_kind::f16 || Kind == mma_kind::bf16 ? 16
                           : Kind == mma_kind::s8                          ? (A == arch::gfx942 ? 32 : 16)
                           : Kind == mma_kind::tf32 && A == arch::gfx942   ? 8
                                                                           : 4;
  struct operand {
    element_t<Kind> value[k / 4];
  };
  static void product(sum_type (&d)[4], operand a, operand b) {
    multiply<mfma_16x16<k, Kind == mma_kind::f64>, Kind>(d, &a, &b);
  }
};

/// V_WMMA_…_16X16X16 of 32 lanes: lanes 0-15 hold lines 0-15 whole, lanes 16-31 the same once more. Sums: register i of
/// lanes 0-15 is row 2 i, of lanes 16-31 row 2 i + 1.
template <mma_kind Kind>
struct wmma {
  using sum_type = weft::gpu::matrix_sum<Kind>;
  struct operand {
    element_t<Kind> value[16];
  };
  /// Half of k at a time: all registers at once are more than a slot of the emulation.
  template <int Half>
  struct layout {
    static constexpr int lanes = 32, m = 16, n = 16, k = 16, a_count = 8, b_count = 8, sums = 8;
    static place a(int lane, int i) { return {lane % 16, 8 * Half + i}; }
    static place b(int lane, int i) { return {lane % 16, 8 * Half + i}; }
    static sum_place c(int lane, int i) { return {2 * i + (lane >= 16 ? 1 : 0), lane % 16}; }
  };
  static void product(sum_type (&d)[8], operand a, operand b) {
    multiply<layout<0>, Kind>(d, a.value, b.value);
    multiply<layout<1>, Kind>(d, a.value + 8, b.value + 8);
  }
};

// Dialects' words ---------------------------------------------------------------------------------------------------

struct nvidia_units {
  static constexpr unsigned width = 32;
  template <arch, mma_kind Kind>
  using unit = weft::gpu::matrix_unit_16x8<mma<Kind>>;
  template <arch>
  static constexpr bool async_copies = true;
};
template <arch A>
struct mfma_units {
  static constexpr unsigned width = 64;
  template <arch, mma_kind Kind>
  using unit = weft::gpu::matrix_unit_wide<mfma<A, Kind>>;
  template <arch>
  static constexpr bool async_copies = false;
};
struct wmma_units {
  static constexpr unsigned width = 32;
  template <arch, mma_kind Kind>
  using unit = weft::gpu::matrix_unit_doubled<wmma<Kind>>;
  template <arch>
  static constexpr bool async_copies = false;
};

}  // namespace matrix_models
