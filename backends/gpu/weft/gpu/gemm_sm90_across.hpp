// Fragments of an operand whose lines, not k, are contiguous in a stage of a Hopper matrix product, for types that the
// instructions take with k contiguous alone (tf32, f8, 8-bit integers): a warpgroup's 64 lines go to the registers of
// the lanes that the instruction wants them in, k by k. Which line is which row of the product is ours to choose: a
// lane takes two neighbours, 8 bytes of tf32 without bank conflicts, 2 bytes of the others in two passes.
#pragma once

#include <weft/gpu/architecture.hpp>

#include <cstdint>

namespace weft::inline v100::gpu {

/// A stage lies as the copy engine writes it, [128 bytes of lines][k][128 bytes], swizzled.
template <class H, int ElementBytes>
struct gemm_sm90_across {
  using word = std::uint32_t;

  /// The line, of 64, that is row `row` of the 16 of a warp; rows r and r + 8 are neighbours.
  static constexpr WEFT_DEVICE int line_of(int warp, int row) {
    const int g = row % 8;
    if (ElementBytes == 4) return warp / 2 * 32 + unit_of(warp, g) * 4 + g % 2 * 2 + row / 8;
    return warp * 16 + 2 * g + row / 8;
  }
  /// The 16 bytes of 128 that lanes 4 g … of a warp read from a k: of tf32 the lanes of half a warp read four of them,
  /// which the swizzle puts on banks of their own for each of four k.
  static constexpr WEFT_DEVICE int unit_of(int warp, int g) {
    return ElementBytes == 4 ? warp % 2 * 2 + g / 4 + g / 2 % 2 * 4 : warp;
  }

  /// x[i]: the words of product i, 32 bytes of k, of the warpgroup of `thread`, number thread / 128 - 1, from a stage.
  static WEFT_DEVICE void read(word (&x)[4][4], word stage, unsigned thread) {
    const int warp = static_cast<int>(thread / 32 % 4), g = static_cast<int>(thread % 32 / 4);
    const auto t = static_cast<word>(thread % 4), group = static_cast<word>(thread / 128 - 1);
    if constexpr (ElementBytes == 4) {
      const auto unit = static_cast<word>(unit_of(warp, g));
      const word from = stage + (2 * group + static_cast<word>(warp / 2)) * 4096 + static_cast<word>(g % 2 * 8);
      const word low = from + t * 128 + ((unit ^ t) << 4), high = from + (t + 4) * 128 + ((unit ^ (t + 4)) << 4);
#pragma unroll
      for (word i = 0; i < 4; ++i) {
        const auto first = H::template load_shared<pair>(low + i * 1024);
        const auto second = H::template load_shared<pair>(high + i * 1024);
        x[i][0] = first.x, x[i][1] = first.y, x[i][2] = second.x, x[i][3] = second.y;
      }
    } else {
      const word unit = (group % 2 * 4 + static_cast<word>(warp)), from = stage + group / 2 * 16384 + g * 2;
#pragma unroll
      for (word i = 0; i < 4; ++i)
#pragma unroll
        for (word half = 0; half < 2; ++half) {
          word two[4];  // of each of four k
#pragma unroll
          for (word e = 0; e < 4; ++e) {
            const word k = 32 * i + 16 * half + 4 * t + e;
            two[e] = H::template load_shared<std::uint16_t>(from + k * 128 + ((unit ^ (k % 8)) << 4));
          }
          const word upper = H::bytes_of(two[0], two[1], 0x5140), lower = H::bytes_of(two[2], two[3], 0x5140);
          x[i][2 * half] = H::bytes_of(upper, lower, 0x5410);
          x[i][2 * half + 1] = H::bytes_of(upper, lower, 0x7632);
        }
    }
  }

 private:
  struct pair {
    word x, y;
  };
};

}  // namespace weft::gpu
