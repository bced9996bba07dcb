// The innermost loops of the matrix product: a tile of sums is held in vector registers while k runs. 14 x 2 registers
// with AVX-512, 6 x 2 with AVX2, chosen at run time; each with lower tiles for what is left below. Rows of A are read
// where they lie, element by element (k is contiguous); B is read by rows of a tile's width.
#pragma once

#include <weft/cpu/isa.hpp>
#include <weft/numeric.hpp>

namespace weft::inline v100::cpu::gemm_detail {

/// sums[i][j] (+)= a[i][p] * b[p][j] for p < k, in ascending order; `add` false: the sums start at 0.
template <class S>
using micro_kernel = void (*)(offset k, const S* a, offset a_pitch, const S* b, offset b_pitch, S* sums, offset pitch,
                              bool add);

/// The tiles of one instruction set: `columns` wide, of these heights in descending order, the last one 1.
template <class S>
struct register_tiles {
  static constexpr int kinds = 5;
  int columns;
  int rows[kinds];
  micro_kernel<S> run[kinds];
  micro_kernel<S> narrow[kinds];  // of half the columns
};

template <class S, int Rows, int Columns>
void micro_plain(offset k, const S* a, offset a_pitch, const S* b, offset b_pitch, S* sums, offset pitch, bool add) {
  S acc[Rows][Columns];
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) acc[i][j] = add ? sums[i * pitch + j] : S(0);
  for (offset p = 0; p < k; ++p, b += b_pitch)
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j) acc[i][j] = weft::detail::multiply_add(a[i * a_pitch + p], b[j], acc[i][j]);
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) sums[i * pitch + j] = acc[i][j];
}

#if defined(__x86_64__)
// Vector types of the compiler rather than <immintrin.h>, which would cost every user half a second of compile time.
template <class T, int Bytes>
struct simd {
  using scalar = T;
  typedef T vector __attribute__((vector_size(Bytes)));
  typedef T unaligned __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias));
  static constexpr int lanes = Bytes / sizeof(T);
};

// x * y + z, fused: -ffp-contract=off, which the same-bits promise needs elsewhere, would leave two instructions.
[[gnu::target("avx512f"), gnu::always_inline]] inline void fma_to(simd<float, 64>::vector& z, float x,
                                                                  const simd<float, 64>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(x - simd<float, 64>::vector{}, y, z);
#else
  z = __builtin_ia32_vfmaddps512_mask(x - simd<float, 64>::vector{}, y, z, 0xffff, 4);
#endif
}
[[gnu::target("avx512f"), gnu::always_inline]] inline void fma_to(simd<double, 64>::vector& z, double x,
                                                                  const simd<double, 64>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(x - simd<double, 64>::vector{}, y, z);
#else
  z = __builtin_ia32_vfmaddpd512_mask(x - simd<double, 64>::vector{}, y, z, 0xff, 4);
#endif
}
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void fma_to(simd<float, 32>::vector& z, float x,
                                                                   const simd<float, 32>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(x - simd<float, 32>::vector{}, y, z);
#else
  z = __builtin_ia32_vfmaddps256(x - simd<float, 32>::vector{}, y, z);
#endif
}
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void fma_to(simd<double, 32>::vector& z, double x,
                                                                   const simd<double, 32>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(x - simd<double, 32>::vector{}, y, z);
#else
  z = __builtin_ia32_vfmaddpd256(x - simd<double, 32>::vector{}, y, z);
#endif
}

// The two bodies are the same; a target attribute cannot be a template argument.
template <class V, int Rows, int Vectors>
[[gnu::target("avx512f")]] void micro_avx512(offset k, const typename V::scalar* a, offset a_pitch,
                                             const typename V::scalar* b, offset b_pitch, typename V::scalar* sums,
                                             offset pitch, bool add) {
  using unaligned = typename V::unaligned;
  typename V::vector acc[Rows][Vectors];
  if (add) {
    for (int i = 0; i < Rows; ++i) __builtin_prefetch(sums + i * pitch + Vectors * V::lanes, 1);  // the next tile's
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j)
        acc[i][j] = *reinterpret_cast<const unaligned*>(sums + i * pitch + j * V::lanes);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) acc[i][j] = typename V::vector{};
  }
  for (offset p = 0; p < k; ++p, b += b_pitch) {
    typename V::vector y[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) y[j] = *reinterpret_cast<const unaligned*>(b + j * V::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) fma_to(acc[i][j], a[i * a_pitch + p], y[j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) *reinterpret_cast<unaligned*>(sums + i * pitch + j * V::lanes) = acc[i][j];
}
template <class V, int Rows, int Vectors>
[[gnu::target("avx2,fma")]] void micro_avx2(offset k, const typename V::scalar* a, offset a_pitch,
                                            const typename V::scalar* b, offset b_pitch, typename V::scalar* sums,
                                            offset pitch, bool add) {
  using unaligned = typename V::unaligned;
  typename V::vector acc[Rows][Vectors];
  if (add) {
    for (int i = 0; i < Rows; ++i) __builtin_prefetch(sums + i * pitch + Vectors * V::lanes, 1);  // the next tile's
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j)
        acc[i][j] = *reinterpret_cast<const unaligned*>(sums + i * pitch + j * V::lanes);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) acc[i][j] = typename V::vector{};
  }
  for (offset p = 0; p < k; ++p, b += b_pitch) {
    typename V::vector y[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) y[j] = *reinterpret_cast<const unaligned*>(b + j * V::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) fma_to(acc[i][j], a[i * a_pitch + p], y[j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) *reinterpret_cast<unaligned*>(sums + i * pitch + j * V::lanes) = acc[i][j];
}
#endif

template <class S>
register_tiles<S> best_tiles() {
#if defined(__x86_64__)
  if constexpr (std::is_same_v<S, float> || std::is_same_v<S, double>) {
    if (__builtin_cpu_supports("avx512f")) {
      using v = simd<S, 64>;
      return {2 * v::lanes,
              {14, 8, 4, 2, 1},
              {micro_avx512<v, 14, 2>, micro_avx512<v, 8, 2>, micro_avx512<v, 4, 2>, micro_avx512<v, 2, 2>,
               micro_avx512<v, 1, 2>},
              {micro_avx512<v, 14, 1>, micro_avx512<v, 8, 1>, micro_avx512<v, 4, 1>, micro_avx512<v, 2, 1>,
               micro_avx512<v, 1, 1>}};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      using v = simd<S, 32>;
      return {
          2 * v::lanes,
          {6, 4, 3, 2, 1},
          {micro_avx2<v, 6, 2>, micro_avx2<v, 4, 2>, micro_avx2<v, 3, 2>, micro_avx2<v, 2, 2>, micro_avx2<v, 1, 2>},
          {micro_avx2<v, 6, 1>, micro_avx2<v, 4, 1>, micro_avx2<v, 3, 1>, micro_avx2<v, 2, 1>, micro_avx2<v, 1, 1>}};
    }
  }
#endif
  return {
      8,
      {4, 1, 1, 1, 1},
      {micro_plain<S, 4, 8>, micro_plain<S, 1, 8>, micro_plain<S, 1, 8>, micro_plain<S, 1, 8>, micro_plain<S, 1, 8>},
      {micro_plain<S, 4, 4>, micro_plain<S, 1, 4>, micro_plain<S, 1, 4>, micro_plain<S, 1, 4>, micro_plain<S, 1, 4>}};
}

}  // namespace weft::cpu::gemm_detail
