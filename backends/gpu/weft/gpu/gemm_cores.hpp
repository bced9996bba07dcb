// What warps do with a stage of a product in shared memory (gemm_ring.hpp): the sums of a tile, spread over the
// threads. A core names the tile, the grid of warps that share it, the stages, the blocks a multiprocessor holds, how
// lines whose k are contiguous are laid out (`k_bytes` a row), and
//   begin<Hopper, AlongA, AlongB>(stage, thread)            reads what a tile's first products take; Along: k is
//                                                           contiguous in that operand
//   multiply<Hopper, AlongA, AlongB>(stage, next, thread)   sums += stage; reads what the next one's first products
//   take each<AlongA, AlongB>(thread, f)                         f(row, column, sums, down) for each group of the
//   thread's
//                                                           sums, an array of neighbours in a column of the tile (down)
//                                                           or in a row
//   sum_at(i)                                               the thread's sum number i < sums, where it may_share a tile
#pragma once

#include <weft/gpu/mma.hpp>

namespace weft::inline v100::gpu {

/// Where a thread is in a ring of stages.
template <int Stages>
struct gemm_ring_place {
  int stage = 0;
  unsigned phase = 0;
  WEFT_DEVICE void next() {
    if (++stage == Stages) stage = 0, phase ^= 1;
  }
};

/// Where a stage lies in shared memory.
struct gemm_stage {
  std::uint32_t a, b;
};

struct gemm_tile_place {
  unsigned row, column;
};
/// Tile number t of tiles_m x tiles_n, in groups of `group_rows` rows that go column by column, so that tiles in flight
/// share operands in the L2 cache.
inline WEFT_DEVICE gemm_tile_place gemm_place_of(unsigned t, unsigned tiles_m, unsigned tiles_n, unsigned group_rows) {
  const unsigned in_group = group_rows * tiles_n, first = t / in_group * group_rows;
  const unsigned rows = tiles_m - first < group_rows ? tiles_m - first : group_rows, at = t % in_group;
  return {first + at % rows, at / rows};
}

/// What cores share: M x N of Down x Across warps.
template <class T, int M, int N, int Down, int Across, int Stages, int Resident>
struct gemm_core {
  using value = T;
  static constexpr int m = M, n = N, stages = Stages, resident = Resident, warps = Down * Across;
  static constexpr int warp_m = M / Down, warp_n = N / Across;
  static constexpr int depth = 128 / static_cast<int>(sizeof(T));
  static constexpr WEFT_DEVICE unsigned row_of(unsigned thread) { return thread / 32 % Down * warp_m; }
  static constexpr WEFT_DEVICE unsigned column_of(unsigned thread) { return thread / (32 * Down) * warp_n; }
};

/// f64 tensor cores, in products of 16 x 8 x 8. They take the stage's k in the order 0 2 4 6 1 3 5 7: then a lane's two
/// elements are neighbours, 16 bytes, where k is contiguous, and rows of k four lanes apart fall on different banks
/// where it is not. Large tiles of operands along k go by products of 16 x 8 x 16, a stage's k at once: half the sums
/// are read and written (H200: 2048^3 in 0.317 ms, by the others 0.327; 8192^3, where power limits, 21.5 and 21.8).
template <int M, int N, int Down, int Across, int Stages, int Resident>
struct gemm_core_f64 : gemm_core<double, M, N, Down, Across, Stages, Resident> {
  using base = gemm_core<double, M, N, Down, Across, Stages, Resident>;
  static constexpr int k_bytes = 64, products_m = base::warp_m / 16, products_n = base::warp_n / 8;
  struct pair {
    double x, y;
  };

  static constexpr unsigned half = products_m / 2;

  static constexpr bool may_share = true;
  static constexpr unsigned sums = products_m * products_n * 4;
  double sum[products_m][products_n][4];
  WEFT_DEVICE double& sum_at(unsigned i) { return sum[i / 4 / products_n][i / 4 % products_n][i % 4]; }
  // Fragments: either half of A's; those of B in use and the next ones.
  double x[2][half][4], y[2][products_n][2];
  // The same of products of 16 k: of A all, of B one in use and the next.
  double long_x[products_m][8], long_y[2][4];
  template <bool AlongA, bool AlongB>
  static constexpr bool is_long = AlongA&& AlongB&& products_m >= 4;

  template <class H, bool AlongA>
  [[gnu::always_inline]] WEFT_DEVICE void read_a(std::uint32_t a, unsigned thread, unsigned h, unsigned k) {
    const unsigned lane = thread % 32, line = base::row_of(thread) + 16 * half * h + lane / 4;
#pragma unroll
    for (unsigned i = 0; i < half; ++i) {
      const pair upper = fragment<H, AlongA, M>(a, line + 16 * i, k, lane % 4);
      const pair lower = fragment<H, AlongA, M>(a, line + 16 * i + 8, k, lane % 4);
      x[h][i][0] = upper.x, x[h][i][1] = lower.x, x[h][i][2] = upper.y, x[h][i][3] = lower.y;
    }
  }
  template <class H, bool AlongB>
  [[gnu::always_inline]] WEFT_DEVICE void read_b(std::uint32_t b, unsigned thread, unsigned to, unsigned k) {
    const unsigned lane = thread % 32, line = base::column_of(thread) + lane / 4;
#pragma unroll
    for (unsigned j = 0; j < products_n; ++j) {
      const pair p = fragment<H, AlongB, N>(b, line + 8 * j, k, lane % 4);
      y[to][j][0] = p.x, y[to][j][1] = p.y;
    }
  }
  template <class H, bool AlongA, bool AlongB>
  [[gnu::always_inline]] WEFT_DEVICE void begin(const gemm_stage& at, unsigned thread) {
    if constexpr (is_long<AlongA, AlongB>) {
#pragma unroll
      for (unsigned i = 0; i + 1 < products_m; ++i) read_long_a<H>(at.a, thread, i);
      read_long_b<H>(at.b, thread, 0);
    } else {
      read_a<H, AlongA>(at.a, thread, 0, 0), read_b<H, AlongB>(at.b, thread, 0, 0);
    }
  }
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void read_long_a(std::uint32_t a, unsigned thread, unsigned i) {
    const unsigned lane = thread % 32, line = base::row_of(thread) + 16 * i + lane / 4;
#pragma unroll
    for (unsigned k = 0; k < 2; ++k) {
      const pair upper = fragment<H, true, M>(a, line, k, lane % 4),
                 lower = fragment<H, true, M>(a, line + 8, k, lane % 4);
      double* const to = long_x[i] + 4 * k;
      to[0] = upper.x, to[1] = lower.x, to[2] = upper.y, to[3] = lower.y;
    }
  }
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void read_long_b(std::uint32_t b, unsigned thread, unsigned j) {
    const unsigned lane = thread % 32, line = base::column_of(thread) + 8 * j + lane / 4;
#pragma unroll
    for (unsigned k = 0; k < 2; ++k) {
      const pair p = fragment<H, true, N>(b, line, k, lane % 4);
      long_y[j % 2][2 * k] = p.x, long_y[j % 2][2 * k + 1] = p.y;
    }
  }
  /// Fragments of A are read one product after their last use, the last of them after the next stage's first product.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void multiply_long(const gemm_stage& at, const gemm_stage& next, unsigned thread) {
    static_assert(products_n % 2 == 0);
#pragma unroll
    for (unsigned j = 0; j < products_n; ++j)
#pragma unroll
      for (unsigned i = 0; i < products_m; ++i) {
        H::multiply_f64(sum[i][j], long_x[i], long_y[j % 2]);
        const bool last = j + 1 == products_n;
        if (i == 0 && !last) read_long_b<H>(at.b, thread, j + 1);
        if (i + 1 == products_m && last) read_long_b<H>(next.b, thread, 0);
        if (i == 0 && j == 0) read_long_a<H>(at.a, thread, products_m - 1);
        if (i > 0 && last) read_long_a<H>(next.a, thread, i - 1);
      }
  }
  /// Reads stand in the middle of a half's products: after those that use the registers last, before those that do
  /// next.
  template <class H, bool AlongA, bool AlongB>
  [[gnu::always_inline]] WEFT_DEVICE void multiply(const gemm_stage& at, const gemm_stage& next, unsigned thread) {
    if constexpr (is_long<AlongA, AlongB>) {
      multiply_long<H>(at, next, thread);
    } else {
#pragma unroll
      for (unsigned k = 0; k < 2; ++k)  // 8 of them
#pragma unroll
        for (unsigned h = 0; h < 2; ++h)
#pragma unroll
          for (unsigned i = 0; i < half; ++i)
#pragma unroll
            for (unsigned j = 0; j < products_n; ++j) {
              if (i * products_n + j == half * products_n / 2) {
                if (h == 0) {
                  read_a<H, AlongA>(at.a, thread, 1, k);
                } else {
                  const gemm_stage& from = k == 0 ? at : next;
                  read_a<H, AlongA>(from.a, thread, 0, 1 - k), read_b<H, AlongB>(from.b, thread, 1 - k, 1 - k);
                }
              }
              H::multiply_f64(sum[half * h + i][j], x[h][i], y[k][j]);
            }
    }
  }
  /// Elements 8 k + 2 t and the next of a line.
  template <class H, bool Along, int Lines>
  [[gnu::always_inline]] static WEFT_DEVICE pair fragment(std::uint32_t operand, unsigned line, unsigned k,
                                                          unsigned t) {
    if constexpr (Along) {  // [half of k][line][64 bytes]
      return H::template load_shared<pair>(operand + k * Lines * 64 + line * 64 + ((t ^ (line / 2 % 4)) << 4));
    } else {  // [16 lines][k][128 bytes]
      const std::uint32_t rows = operand + line / 16 * 2048 + (8 * k + 2 * t) * 128 + line % 2 * 8;
      const unsigned unit = line % 16 / 2;
      return {H::template load_shared<double>(rows + ((unit ^ (2 * t)) << 4)),
              H::template load_shared<double>(rows + 128 + ((unit ^ (2 * t + 1)) << 4))};
    }
  }

  template <bool, bool, class F>
  [[gnu::always_inline]] WEFT_DEVICE void each(unsigned thread, F f) const {
    const unsigned lane = thread % 32, row0 = base::row_of(thread) + lane / 4,
                   column0 = base::column_of(thread) + lane % 4 * 2;
#pragma unroll
    for (unsigned i = 0; i < products_m; ++i)
#pragma unroll
      for (unsigned j = 0; j < products_n; ++j)
#pragma unroll
        for (unsigned e = 0; e < 4; e += 2) {
          const double group[] = {sum[i][j][e], sum[i][j][e + 1]};
          f(row0 + 16 * i + e * 4, column0 + 8 * j, group, std::false_type{});
        }
  }
};

/// f32 by fused multiply-add; the 32 threads of a warp lie 4 x 8 over its part.
template <int M, int N, int Down, int Across, int Stages, int Resident>
struct gemm_core_f32 : gemm_core<float, M, N, Down, Across, Stages, Resident> {
  using base = gemm_core<float, M, N, Down, Across, Stages, Resident>;
  static constexpr int k_bytes = 128, rows = base::warp_m / 4, columns = base::warp_n / 8;
  static constexpr int column_group = columns < 4 ? columns : 4;  // fewer than 4: B along k alone
  struct quad {
    float v[4];
  };

  static constexpr bool may_share = false;  // adding others' sums would cost registers that the products use
  float sum[rows][columns];

  /// Line number i of a thread that is number `at` of `Lanes` side by side: single lines where k is contiguous, groups
  /// of four where lines are, so that in both cases the lanes' 16-byte reads fall on different banks.
  template <bool Along, int Lanes>
  static constexpr WEFT_DEVICE unsigned line_of(unsigned at, unsigned i) {
    return Along ? i * Lanes + at : (i / 4 * Lanes + at) * 4 + i % 4;
  }
  /// Four k of four of the thread's lines (4 q …), as v[k].v[line] or, along k, v[line].v[k].
  template <class H, bool Along, int Lanes, int Group>
  [[gnu::always_inline]] static WEFT_DEVICE void fragment(quad (&v)[Group], std::uint32_t operand, unsigned line0,
                                                          unsigned at, unsigned q, unsigned k) {
    static_assert(Along || Group == 4);
#pragma unroll
    for (unsigned i = 0; i < Group; ++i) {
      if constexpr (Along) {  // [line][128 bytes]
        const unsigned line = line0 + line_of<true, Lanes>(at, 4 * q + i);
        v[i] = H::template load_shared<quad>(operand + line * 128 + ((k ^ (line % 8)) << 4));
      } else {  // [32 lines][k][128 bytes]
        const unsigned line = line0 + line_of<false, Lanes>(at, 4 * q), row = 4 * k + i;
        v[i] =
            H::template load_shared<quad>(operand + line / 32 * 4096 + row * 128 + ((line % 32 / 4 ^ (row % 8)) << 4));
      }
    }
  }

  template <class H, bool, bool>
  WEFT_DEVICE void begin(const gemm_stage&, unsigned) {}
  template <class H, bool AlongA, bool AlongB>
  [[gnu::always_inline]] WEFT_DEVICE void multiply(const gemm_stage& at, const gemm_stage&, unsigned thread) {
    const unsigned lane = thread % 32, row0 = base::row_of(thread), column0 = base::column_of(thread);
#pragma unroll 2
    for (unsigned k = 0; k < 8; ++k) {  // four of them
      quad x[rows / 4][4];
#pragma unroll
      for (unsigned q = 0; q < rows / 4; ++q) fragment<H, AlongA, 4>(x[q], at.a, row0, lane / 8, q, k);
#pragma unroll
      for (unsigned p = 0; p < columns / column_group; ++p) {
        quad y[column_group];
        fragment<H, AlongB, 8>(y, at.b, column0, lane % 8, p, k);
#pragma unroll
        for (unsigned e = 0; e < 4; ++e)
#pragma unroll
          for (unsigned i = 0; i < rows; ++i)
#pragma unroll
            for (unsigned j = 0; j < column_group; ++j) {
              float& to = sum[i][4 * p + j];
              to = __builtin_fmaf(AlongA ? x[i / 4][i % 4].v[e] : x[i / 4][e].v[i % 4], AlongB ? y[j].v[e] : y[e].v[j],
                                  to);
            }
      }
    }
  }

  template <bool AlongA, bool AlongB, class F>
  [[gnu::always_inline]] WEFT_DEVICE void each(unsigned thread, F f) const {
    const unsigned lane = thread % 32, row0 = base::row_of(thread), column0 = base::column_of(thread);
    constexpr unsigned down = AlongA ? 1 : 4, across = AlongA && !AlongB ? 4 : 1;
#pragma unroll
    for (unsigned i = 0; i < rows; i += down)
#pragma unroll
      for (unsigned j = 0; j < columns; j += across) {
        float group[down * across];
#pragma unroll
        for (unsigned e = 0; e < down * across; ++e) group[e] = down == 4 ? sum[i + e][j] : sum[i][j + e];
        f(row0 + line_of<AlongA, 4>(lane / 8, i), column0 + line_of<AlongB, 8>(lane % 8, j), group,
          std::bool_constant<down == 4>{});
      }
  }
};

}  // namespace weft::gpu
