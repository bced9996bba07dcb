// Step 4 of the road to a fast matrix product (gemm_steps.hpp): the multiply-adds are the matrix instructions of a
// warp.
//
// The tile of C is 64 x 64, its slices of A and B pass through shared memory as in step 2, but the arithmetic is no
// thread's own any more: an instruction multiplies, say, 16 x 16 by 16 x 8 elements that are spread over the registers
// of a warp, and adds up in registers that are spread so, too. Which lane holds what says `unit` (matrix_unit.hpp);
// beyond that this kernel knows nothing of the vendor. Each of four warps has 32 x 32 of the tile. Loads are plain: any
// view will do, 16 bytes at once where k is contiguous and element by element where it is not, and none is begun before
// the slice before has been used. So the units wait most of the time. The next steps are one kernel,
// gemm_warps_kernel.hpp: step 5 gives a warp 64 x 32 elements and always loads 16 bytes while the slice before is
// multiplied, laid out so that no two lanes meet in a bank whichever way an operand lies; step 6 has the copies done
// asynchronously, past the registers, several slices ahead, and spends the registers on 64 x 64 elements a warp.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/gemm_tiles.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/matrix_unit.hpp>

namespace weft::inline v100::gpu {

template <class Units, class T, mma_kind Kind, class TC, class Options>
struct gemm_warp_matrix_kernel {
  template <arch A>
  using unit_of = typename Units::template unit<A, Kind>;
  using sum_type = matrix_sum<Kind>;
  static constexpr int side = 64, warp_side = 32, warps = 4;  // of the tile; of a warp's part
  static constexpr int in_piece = 16 / static_cast<int>(sizeof(T)), depth = 4 * in_piece;

  template <arch A>
  static constexpr int block_threads = [] {
    if constexpr (unit_of<A>::present)
      return warps * static_cast<int>(unit_of<A>::width);
    else
      return 64;
  }();
  template <arch A>
  struct shared {
    alignas(16) T a[side][depth];  // [row][k]
    alignas(16) T b[side][depth];  // [column][k]
  };

  matrix<const T> a, b;
  matrix<TC> c;
  Options options;
  unsigned tiles_down;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (unit_of<Block::arch>::present)
      if constexpr (unit_of<Block::arch>::width == Block::width) run(block, s);
  }

  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void run(Block block, shared<Block::arch>& s) const {
    using unit = unit_of<Block::arch>;
    constexpr int products_m = warp_side / static_cast<int>(unit::m);
    constexpr int products_n = warp_side / static_cast<int>(unit::n);
    const unsigned lane = block.thread() % Block::width, warp = block.thread() / Block::width;
    const offset row0 = static_cast<offset>(block.index() % tiles_down) * side;
    const offset column0 = static_cast<offset>(block.index() / tiles_down) * side;
    const unsigned warp_row = warp % 2 * warp_side, warp_column = warp / 2 * warp_side;

    sum_type sum[products_m][products_n][unit::sums];
#pragma unroll
    for (auto& of_row : sum)
#pragma unroll
      for (auto& of_product : of_row)
#pragma unroll
        for (sum_type& one : of_product) one = sum_type(0);

    for (offset k0 = 0; k0 < a.columns; k0 += depth) {
      load(block, s.a, gemm_rows_of(a), row0, k0);
      load(block, s.b, gemm_columns_of(b), column0, k0);
      block.sync();  // the slice is there
#pragma unroll
      for (unsigned part = 0; part < unit::parts; ++part) {
        vec<16> x[products_m][unit::lines_a * unit::pieces];
#pragma unroll
        for (unsigned i = 0; i < products_m; ++i)
          read<unit, unit::m / unit::lines_a>(block, x[i], s.a, warp_row + i * unit::m, part, lane);
#pragma unroll
        for (unsigned j = 0; j < products_n; ++j) {
          vec<16> y[unit::pieces];
          read<unit, unit::n>(block, y, s.b, warp_column + j * unit::n, part, lane);
#pragma unroll
          for (unsigned i = 0; i < products_m; ++i) unit::multiply(sum[i][j], x[i], y);
        }
      }
      block.sync();  // nobody reads it any more
    }

#pragma unroll
    for (unsigned i = 0; i < products_m; ++i)
#pragma unroll
      for (unsigned j = 0; j < products_n; ++j)
#pragma unroll
        for (unsigned e = 0; e < unit::sums; ++e) {
          const offset row = row0 + warp_row + i * unit::m + unit::row_of(lane, e);
          const offset column = column0 + warp_column + j * unit::n + unit::column_of(lane, e);
          if (row >= c.rows || column >= c.columns) continue;
          TC* const at = &c(row, column);
          *at = weft::detail::finished(options, sum[i][j][e], at, row, column);
        }
  }

 private:
  /// The slice from k0 on of the lines from line0 on, a piece of 16 bytes at a time; zeros outside. Neighbouring
  /// threads load neighbours in memory.
  template <class Block>
  static WEFT_DEVICE void load(Block block, T (&to)[side][depth], const gemm_lines<const T>& from, offset line0,
                               offset k0) {
    constexpr int threads = block_threads<Block::arch>;
    const bool wide = from.k_stride == 1 && vector_aligned(from.data) && from.line_stride % in_piece == 0;
#pragma unroll
    for (int i = 0; i < side * 4 / threads; ++i) {
      const int e = i * threads + static_cast<int>(block.thread());
      const int line = from.along_k ? e / 4 : e % side, k = (from.along_k ? e % 4 : e / side) * in_piece;
      const offset left = line0 + line < from.lines ? from.depth - (k0 + k) : 0;  // elements inside from here on
      const T* const at = from.data + (line0 + line) * from.line_stride + (k0 + k) * from.k_stride;
      vec<16> piece{};
      if (wide && left >= in_piece) {
        piece = Block::template load_vector<16>(at);
      } else {
        items<T, in_piece> v;
#pragma unroll
        for (int j = 0; j < in_piece; ++j) v[j] = j < left ? at[j * from.k_stride] : T{};
        std::memcpy(&piece, v.value, 16);
      }
      Block::template store_vector<16>(&to[line][k], piece);
    }
  }
  /// The pieces of 16 bytes that a lane holds of the lines from line0 on; `Apart`: from one of its lines to the next.
  template <class Unit, unsigned Apart, class Block, int N>
  static WEFT_DEVICE void read(Block, vec<16> (&to)[N], const T (&from)[side][depth], unsigned line0, unsigned part,
                               unsigned lane) {
#pragma unroll
    for (unsigned i = 0; i < N; ++i)
      to[i] = Block::template load_vector<16>(&from[line0 + i / Unit::pieces * Apart + Unit::line_of(lane)]
                                                   [Unit::piece_of(lane, part, i % Unit::pieces) * in_piece]);
  }
};

/// Of one product, on a device whose warps have an instruction for T.
template <class Units, arch A, class T, class P, class TC, class Options>
void gemm_warp_matrix(const P& policy, const matrix<const T>& a, const matrix<const T>& b, const matrix<TC>& c,
                      const Options& options) {
  using kernel = gemm_warp_matrix_kernel<Units, T, matrix_kind_of<T>, TC, Options>;
  const offset down = ceil_div(c.rows, kernel::side);
  launch<A>(policy, down * ceil_div(c.columns, kernel::side), kernel{a, b, c, options, static_cast<unsigned>(down)});
}

}  // namespace weft::gpu
