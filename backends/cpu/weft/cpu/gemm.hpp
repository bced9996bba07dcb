// Matrix product on CPUs after Goto and van de Geijn: C is cut into independent blocks, one task each; a task copies
// slices of A and B into panels that its caches hold, and a register tile runs over them (14 x 32 floats with AVX-512,
// 6 x 16 with AVX2, chosen at run time, plain code elsewhere and for other types). Sums are kept in a block of the
// accumulator type and run over k in ascending order, so a result does not depend on the number of threads.
#pragma once

#include <weft/gemm.hpp>

#include <new>

namespace weft::cpu {

namespace gemm_detail {

inline constexpr int depth = 256;                               // k of a panel
inline constexpr offset block_rows = 336, block_columns = 512;  // multiples of every register tile below

/// Adds the product of packed panels a[k][rows] and b[k][columns] to sum[rows][columns] (row pitch `pitch`).
template <class T>
using micro_kernel = void (*)(offset k, const T* a, const T* b, T* sum, offset pitch);

template <class T>
struct register_tile {
  int rows, columns;
  micro_kernel<T> run;
};

template <class T, int Rows, int Columns>
void micro_plain(offset k, const T* a, const T* b, T* sum, offset pitch) {
  T acc[Rows][Columns] = {};
  for (offset p = 0; p < k; ++p)
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j)
        acc[i][j] = weft::detail::multiply_add(a[p * Rows + i], b[p * Columns + j], acc[i][j]);
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) sum[i * pitch + j] = sum[i * pitch + j] + acc[i][j];
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
  z = __builtin_elementwise_fma(simd<float, 64>::vector{} + x, y, z);
#else
  z = __builtin_ia32_vfmaddps512_mask(simd<float, 64>::vector{} + x, y, z, 0xffff, 4);
#endif
}
[[gnu::target("avx512f"), gnu::always_inline]] inline void fma_to(simd<double, 64>::vector& z, double x,
                                                                  const simd<double, 64>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(simd<double, 64>::vector{} + x, y, z);
#else
  z = __builtin_ia32_vfmaddpd512_mask(simd<double, 64>::vector{} + x, y, z, 0xff, 4);
#endif
}
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void fma_to(simd<float, 32>::vector& z, float x,
                                                                   const simd<float, 32>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(simd<float, 32>::vector{} + x, y, z);
#else
  z = __builtin_ia32_vfmaddps256(simd<float, 32>::vector{} + x, y, z);
#endif
}
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void fma_to(simd<double, 32>::vector& z, double x,
                                                                   const simd<double, 32>::vector& y) {
#if defined(__clang__)
  z = __builtin_elementwise_fma(simd<double, 32>::vector{} + x, y, z);
#else
  z = __builtin_ia32_vfmaddpd256(simd<double, 32>::vector{} + x, y, z);
#endif
}

// The two bodies are the same; a target attribute cannot be a template argument.
template <class V, int Rows, int Vectors>
[[gnu::target("avx512f")]] void micro_avx512(offset k, const typename V::scalar* a, const typename V::scalar* b,
                                             typename V::scalar* sum, offset pitch) {
  using unaligned = typename V::unaligned;
  typename V::vector acc[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) acc[i][j] = *reinterpret_cast<const unaligned*>(sum + i * pitch + j * V::lanes);
  for (offset p = 0; p < k; ++p, a += Rows, b += Vectors * V::lanes) {
    typename V::vector y[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) y[j] = *reinterpret_cast<const unaligned*>(b + j * V::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) fma_to(acc[i][j], a[i], y[j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) *reinterpret_cast<unaligned*>(sum + i * pitch + j * V::lanes) = acc[i][j];
}
template <class V, int Rows, int Vectors>
[[gnu::target("avx2,fma")]] void micro_avx2(offset k, const typename V::scalar* a, const typename V::scalar* b,
                                            typename V::scalar* sum, offset pitch) {
  using unaligned = typename V::unaligned;
  typename V::vector acc[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) acc[i][j] = *reinterpret_cast<const unaligned*>(sum + i * pitch + j * V::lanes);
  for (offset p = 0; p < k; ++p, a += Rows, b += Vectors * V::lanes) {
    typename V::vector y[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) y[j] = *reinterpret_cast<const unaligned*>(b + j * V::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) fma_to(acc[i][j], a[i], y[j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) *reinterpret_cast<unaligned*>(sum + i * pitch + j * V::lanes) = acc[i][j];
}
#endif

template <class T>
register_tile<T> best_tile() {
#if defined(__x86_64__)
  if constexpr (std::is_same_v<T, float>) {
    if (__builtin_cpu_supports("avx512f")) return {14, 32, micro_avx512<simd<float, 64>, 14, 2>};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      return {6, 16, micro_avx2<simd<float, 32>, 6, 2>};
  }
  if constexpr (std::is_same_v<T, double>) {
    if (__builtin_cpu_supports("avx512f")) return {14, 16, micro_avx512<simd<double, 64>, 14, 2>};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      return {6, 8, micro_avx2<simd<double, 32>, 6, 2>};
  }
#endif
  return {4, 8, micro_plain<T, 4, 8>};
}

constexpr offset round_up(offset n, offset to) { return (n + to - 1) / to * to; }

/// Copies lines [line0, line0 + lines) by k [k0, k0 + ks) into panels of `width` lines each, k-major, zeros beyond.
template <class S, class T, class Prologue>
void pack(const T* data, offset line_stride, offset k_stride, offset line0, offset lines, offset k0, offset ks,
          int width, S* to, const Prologue& prologue, bool lines_are_rows) {
  const auto value = [&](const T& x, offset line, offset k) {
    return weft::detail::loaded_value<S>(prologue, x, lines_are_rows ? line : k, lines_are_rows ? k : line);
  };
  for (offset first = 0; first < lines; first += width, to += ks * width) {
    const offset here = lines - first < width ? lines - first : width;
    const T* from = data + (line0 + first) * line_stride + k0 * k_stride;
    if (here < width)
      for (offset e = 0; e < ks * width; ++e) to[e] = S(0);
    if (line_stride == 1 && here == width) {  // lines contiguous: rows of the panel are copies
      for (offset k = 0; k < ks; ++k)
        for (int l = 0; l < width; ++l) to[k * width + l] = value(from[l + k * k_stride], line0 + first + l, k0 + k);
    } else {  // reads walk along `here` lines at once, writes are in order
      for (offset k = 0; k < ks; ++k)
        for (offset l = 0; l < here; ++l)
          to[k * width + l] = value(from[l * line_stride + k * k_stride], line0 + first + l, k0 + k);
    }
  }
}

template <class T>
struct panel {
  explicit panel(offset n) : data(static_cast<T*>(::operator new(static_cast<std::size_t>(n) * sizeof(T), align))) {}
  panel(const panel&) = delete;
  panel& operator=(const panel&) = delete;
  ~panel() { ::operator delete(data, align); }
  static constexpr std::align_val_t align{64};
  T* data;
};

/// One task: rows [r0, r0 + mr) and columns [c0, c0 + nc) of C.
template <class S, class TA, class TB, class TC, class Options>
void block(const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, const Options& options,
           const register_tile<S>& tile, offset r0, offset rows, offset c0, offset columns) {
  const offset padded_rows = round_up(rows, tile.rows), pitch = round_up(columns, tile.columns);
  const offset k_all = a.columns, panel_depth = k_all < depth ? k_all : depth;
  panel<S> sum(padded_rows * pitch), pa(padded_rows * panel_depth), pb(pitch * panel_depth);
  for (offset e = 0; e < padded_rows * pitch; ++e) sum.data[e] = S(0);
  for (offset k0 = 0; k0 < k_all; k0 += depth) {
    const offset ks = k_all - k0 < depth ? k_all - k0 : depth;
    pack(a.data, a.row_stride, a.column_stride, r0, rows, k0, ks, tile.rows, pa.data, options.prologue_a, true);
    pack(b.data, b.column_stride, b.row_stride, c0, columns, k0, ks, tile.columns, pb.data, options.prologue_b, false);
    for (offset j = 0; j < pitch; j += tile.columns)
      for (offset i = 0; i < padded_rows; i += tile.rows)
        tile.run(ks, pa.data + i * ks, pb.data + j * ks, sum.data + i * pitch + j, pitch);
  }
  const auto write = [&](offset column_stride) {
    for (offset i = 0; i < rows; ++i) {
      TC* const row = c.data + (r0 + i) * c.row_stride + c0 * c.column_stride;
      const S* const from = sum.data + i * pitch;
      for (offset j = 0; j < columns; ++j)
        row[j * column_stride] = weft::detail::finished(options, from[j], row + j * column_stride, r0 + i, c0 + j);
    }
  };
  if (c.column_stride == 1)
    write(1);
  else
    write(c.column_stride);
}

}  // namespace gemm_detail

/// `Scheduler::run(tasks, f)` calls f(0) … f(tasks - 1); see scheduler.hpp.
template <class Scheduler, class P, class TA, class TB, class TC, class Options>
void gemm_one(const P&, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, const Options& options) {
  using S = accumulator_t<TA, TB, Options>;
  using namespace gemm_detail;
  const register_tile<S> tile = best_tile<S>();
  // Blocks shrink until every thread has two, so that small products still spread.
  offset rows = block_rows, columns = block_columns;
  const auto tasks = [&] { return round_up(c.rows, rows) / rows * (round_up(c.columns, columns) / columns); };
  const bool worth_it = c.rows * c.columns * a.columns >= offset{1} << 18;
  const offset wanted = worth_it ? 2 * Scheduler::threads() : 1;
  while (wanted > 2 && tasks() < wanted && (rows > 4 * tile.rows || columns > 2 * tile.columns)) {
    if (columns >= rows && columns > 2 * tile.columns)
      columns = round_up(columns / 2, tile.columns);
    else
      rows = round_up(rows / 2, tile.rows);
  }
  const offset down = round_up(c.rows, rows) / rows;
  auto one = [&](offset t) {
    const offset r0 = t % down * rows, c0 = t / down * columns;
    block(a, b, c, options, tile, r0, c.rows - r0 < rows ? c.rows - r0 : rows, c0,
          c.columns - c0 < columns ? c.columns - c0 : columns);
  };
  if (!worth_it || tasks() == 1) {
    for (offset t = 0; t < tasks(); ++t) one(t);
  } else {
    Scheduler::run(static_cast<int>(tasks()), [&](int t) { one(t); });
  }
}

template <class Scheduler, class P, class TA, class TB, class TC, class Options>
void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  for (offset i = 0; i < c.count; ++i) gemm_one<Scheduler>(policy, a[i], b[i], c[i], options);
}

}  // namespace weft::cpu
