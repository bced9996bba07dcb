// The matrix instructions of a warp, as kernels see them (gemm_warps.hpp): `Units::unit<A, Kind>` of a dialect's
// `matrix_units` says for an architecture and an operand type
//   present                  whether there is such an instruction
//   width, m, n, sums        lanes of its warp; extents of a product; sums of it that a lane holds
//   parts, pieces            64 bytes of k are multiplied in `parts` calls, for each of which a lane holds `pieces`
//                            pieces of 16 bytes of its lines
//   lines_a                  lines of A (rows) that a lane holds, m / lines_a apart; of B (columns) it is one
//   line_of(lane) piece_of(lane, part, i)      which they are
//   row_of(lane, i) column_of(lane, i)         where sum i of a lane lies
//   multiply(d, a, b)        d += a * b over one part of k; `a` line by line
//   transposes               whether load_across(p) exists: a lane's piece of 8 lines from memory in which lines, not
//                            k, are contiguous; p is the row that the lane names (row_across)
// Which k an instruction multiplies with which other is its own affair: A and B are permuted alike, so the lanes that
// share a line read neighbouring pieces of 16 bytes of it, whatever the instruction's own order.
#pragma once

#include <weft/gpu/architecture.hpp>
#include <weft/gpu/mma.hpp>

namespace weft::inline v100::gpu {

struct no_matrix_unit {
  static constexpr bool present = false, transposes = false;
};
/// A dialect without any.
struct no_matrix_units {
  template <arch, mma_kind>
  using unit = no_matrix_unit;
  template <arch>
  static constexpr bool async_copies = false;
};

/// What an instruction of this kind sums up in.
template <mma_kind Kind>
using matrix_sum = std::conditional_t<Kind == mma_kind::f64, double, mma_sum<Kind>>;

/// The kind of an element: of the narrow types, and of those that some vendors' instructions take as they are.
template <class T>
inline constexpr mma_kind matrix_kind_of = std::is_same_v<std::remove_cv_t<T>, double>  ? mma_kind::f64
                                           : std::is_same_v<std::remove_cv_t<T>, float> ? mma_kind::f32
                                                                                        : mma_kind_of<T>;

// The three ways in which lanes hold operands and sums; `Instruction` is one vendor instruction: `product` with its
// `sum_type`, and what it says of its operands. Tests put models of the instructions in its place.

/// NVIDIA's 16 x 8 products: four lanes share a line, of which an instruction takes two words of each, from line
/// lane / 4 of A and the one 8 further. A piece of 16 bytes serves two instructions. `transposes`: load_across exists.
template <class Instruction>
struct matrix_unit_16x8 : Instruction {
  using sum_type = typename Instruction::sum_type;
  static constexpr bool present = true;
  static constexpr unsigned width = 32, m = 16, n = 8, sums = 4, parts = 1, pieces = 1, lines_a = 2;
  static constexpr WEFT_HOST_DEVICE unsigned line_of(unsigned lane) { return lane / 4; }
  static constexpr WEFT_HOST_DEVICE unsigned piece_of(unsigned lane, unsigned, unsigned) { return lane % 4; }
  static constexpr WEFT_HOST_DEVICE unsigned row_of(unsigned lane, unsigned i) { return lane / 4 + 8 * (i / 2); }
  static constexpr WEFT_HOST_DEVICE unsigned column_of(unsigned lane, unsigned i) { return 2 * (lane % 4) + i % 2; }
  /// Row of k, of 32, that a lane names for load_across.
  static constexpr WEFT_HOST_DEVICE unsigned row_across(unsigned lane) {
    return lane % 8 / 2 * 8 + lane / 8 * 2 + lane % 2;
  }
  [[gnu::always_inline]] static WEFT_DEVICE void multiply(sum_type (&d)[4], const vec<16> (&a)[2],
                                                          const vec<16> (&b)[1]) {
#pragma unroll
    for (int k = 0; k < 4; k += 2)
      Instruction::product(d, a[0].word[k], a[1].word[k], a[0].word[k + 1], a[1].word[k + 1], b[0].word[k],
                           b[0].word[k + 1]);
  }
};

/// AMD's 16 x 16 products of 64 lanes: four of these share a line, of which an instruction takes an `operand` (4 or 8
/// bytes) of each; a column of C is in four lanes' registers, its rows side by side or, `sums_apart`, four apart.
template <class Instruction>
struct matrix_unit_wide : Instruction {
  using sum_type = typename Instruction::sum_type;
  static constexpr bool present = true, transposes = false;
  static constexpr unsigned width = 64, m = 16, n = 16, sums = 4, parts = 1, pieces = 1, lines_a = 1;
  static constexpr WEFT_HOST_DEVICE unsigned line_of(unsigned lane) { return lane % 16; }
  static constexpr WEFT_HOST_DEVICE unsigned piece_of(unsigned lane, unsigned, unsigned) { return lane / 16; }
  static constexpr WEFT_HOST_DEVICE unsigned row_of(unsigned lane, unsigned i) {
    return Instruction::sums_apart ? lane / 16 + 4 * i : lane / 16 * 4 + i;
  }
  static constexpr WEFT_HOST_DEVICE unsigned column_of(unsigned lane, unsigned) { return lane % 16; }
  [[gnu::always_inline]] static WEFT_DEVICE void multiply(sum_type (&d)[4], const vec<16> (&a)[1],
                                                          const vec<16> (&b)[1]) {
    using operand = typename Instruction::operand;
    constexpr int count = 16 / static_cast<int>(sizeof(operand));
    operand x[count], y[count];
    __builtin_memcpy(x, &a[0], 16);
    __builtin_memcpy(y, &b[0], 16);
#pragma unroll
    for (int k = 0; k < count; ++k) Instruction::product(d, x[k], y[k]);
  }
};

/// AMD's 16 x 16 products of 32 lanes: a lane and the one 16 further hold the same line, of which an instruction takes
/// one or two pieces; a column of C is in these two lanes' registers, its rows in turns.
template <class Instruction>
struct matrix_unit_doubled : Instruction {
  using sum_type = typename Instruction::sum_type;
  static constexpr bool present = true, transposes = false;
  static constexpr unsigned width = 32, m = 16, n = 16, sums = 8, parts = 2, pieces = 2, lines_a = 1;
  static constexpr WEFT_HOST_DEVICE unsigned line_of(unsigned lane) { return lane % 16; }
  static constexpr WEFT_HOST_DEVICE unsigned piece_of(unsigned, unsigned part, unsigned i) { return 2 * part + i; }
  static constexpr WEFT_HOST_DEVICE unsigned row_of(unsigned lane, unsigned i) { return lane / 16 + 2 * i; }
  static constexpr WEFT_HOST_DEVICE unsigned column_of(unsigned lane, unsigned) { return lane % 16; }
  [[gnu::always_inline]] static WEFT_DEVICE void multiply(sum_type (&d)[8], const vec<16> (&a)[2],
                                                          const vec<16> (&b)[2]) {
    using operand = typename Instruction::operand;  // of 16 or 32 bytes
    constexpr int count = 32 / static_cast<int>(sizeof(operand));
    operand x[count], y[count];
    __builtin_memcpy(x, &a, 32);
    __builtin_memcpy(y, &b, 32);
#pragma unroll
    for (int k = 0; k < count; ++k) Instruction::product(d, x[k], y[k]);
  }
};

}  // namespace weft::gpu
