// Operands of the matrix product copied to where its inner loops want them, converted to the type of the sums on the
// way: rows stay rows, columns become rows.
#pragma once

#include <weft/cpu/isa.hpp>
#include <weft/gemm.hpp>

namespace weft::inline v100::cpu::gemm_detail {

/// An operand as lines (rows of A, columns of B) by k.
template <class T, class Prologue>
struct operand {
  const T* data;
  offset line_stride, k_stride;
  Prologue prologue;
  bool lines_are_rows;  // of the user's matrix

  template <class S>
  [[gnu::always_inline]] S value(offset line, offset k) const {
    return weft::detail::loaded_value<S>(prologue, data[line * line_stride + k * k_stride], lines_are_rows ? line : k,
                                         lines_are_rows ? k : line);
  }
  /// Elements are what the inner loops take already.
  template <class S>
  static constexpr bool as_is = std::is_same_v<Prologue, no_prologue> &&
                                (std::is_same_v<T, S> || (std::is_same_v<T, tf32> && std::is_same_v<S, float>));
};

#if defined(__x86_64__)
typedef float lanes_8 __attribute__((vector_size(32)));
typedef float unaligned_8 __attribute__((vector_size(32), aligned(4), may_alias));

/// An 8 x 8 block of floats, transposed in registers: 24 shuffles.
[[gnu::target("avx2"), gnu::always_inline]] inline void transpose_8x8(const float* from, offset from_pitch, float* to,
                                                                      offset to_pitch) {
  lanes_8 r[8], s[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) r[i] = *reinterpret_cast<const unaligned_8*>(from + i * from_pitch);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {  // pairs
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4)  // fours
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      r[i + 2 * j] = __builtin_shufflevector(s[i + j], s[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 2 * j + 1] = __builtin_shufflevector(s[i + j], s[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    *reinterpret_cast<unaligned_8*>(to + i * to_pitch) =
        __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *reinterpret_cast<unaligned_8*>(to + (i + 4) * to_pitch) =
        __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
/// to[k][line] = from[line][k] for whole blocks of 8 x 8.
[[gnu::target("avx2"), gnu::noinline]] inline void transpose_blocks(const float* from, offset from_pitch, offset lines,
                                                                    offset ks, float* to, offset to_pitch) {
  for (offset k = 0; k < ks; k += 8)
    for (offset l = 0; l < lines; l += 8)
      transpose_8x8(from + l * from_pitch + k, from_pitch, to + k * to_pitch + l, to_pitch);
}
#endif

/// to[k * pitch + line] = element (line0 + line, k0 + k) of m, for lines < `lines`; zeros up to `width`.
template <class S, class T, class Prologue>
void pack_by_k(const operand<T, Prologue>& m, offset line0, offset lines, offset width, offset k0, offset ks, S* to,
               offset pitch) {
  if (lines < width)
    for (offset k = 0; k < ks; ++k)
      for (offset l = lines; l < width; ++l) to[k * pitch + l] = S(0);
  if (m.line_stride == 1) {  // rows of the panel are copies
    wide([=]() {
      for (offset k = 0; k < ks; ++k)
        for (offset l = 0; l < lines; ++l) {
          operand<T, Prologue> here = m;
          here.line_stride = 1;
          to[k * pitch + l] = here.template value<S>(line0 + l, k0 + k);
        }
    });
    return;
  }
  offset done_lines = 0, done_k = 0;
#if defined(__x86_64__)
  if constexpr (std::is_same_v<S, float> && operand<T, Prologue>::template as_is<S>)
    if (m.k_stride == 1 && has_avx2()) {
      done_lines = lines / 8 * 8, done_k = ks / 8 * 8;
      transpose_blocks(reinterpret_cast<const float*>(m.data + line0 * m.line_stride + k0), m.line_stride, done_lines,
                       done_k, to, pitch);
    }
#endif
  for (offset l = 0; l < lines; ++l)
    for (offset k = l < done_lines ? done_k : 0; k < ks; ++k)
      to[k * pitch + l] = m.template value<S>(line0 + l, k0 + k);
}

/// to[line * pitch + k] = element (line0 + line, k0 + k) of m.
template <class S, class T, class Prologue>
void pack_by_line(const operand<T, Prologue>& m, offset line0, offset lines, offset k0, offset ks, S* to,
                  offset pitch) {
  // The same with lines and k exchanged.
  const operand<T, Prologue> turned{m.data, m.k_stride, m.line_stride, m.prologue, !m.lines_are_rows};
  pack_by_k(turned, k0, ks, ks, line0, lines, to, pitch);
}

}  // namespace weft::cpu::gemm_detail
