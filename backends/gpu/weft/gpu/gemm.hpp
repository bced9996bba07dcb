// Matrix product on the ordinary arithmetic units, for every type: the portable path that cuda, hip and simt share.
// A block computes a tile of C (128 x 128 floats; 64 x 64 where C is small, so that more multiprocessors have work);
// each thread keeps a piece of it (8 x 8) in registers. Slices of A and B pass through shared memory in two buffers:
// the loads of slice k + 1 are issued before the arithmetic of slice k and stored after it, one barrier a slice. A
// thread's rows and columns lie in groups of 4, spread over the tile, so shared reads are 16 bytes wide and free of
// bank conflicts. Each element's sum runs over k in ascending order with fused multiply-add, so results are the same
// bits as on every other backend that does so.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/gemm_ring.hpp>
#include <weft/gpu/gemm_sm90.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// One side of a tile: `lines` of it in a block, `piece` of them in each of `threads` threads, in groups of `group`.
template <int Lines, int Piece>
struct gemm_side {
  static constexpr int lines = Lines, piece = Piece, threads = Lines / Piece;
  static constexpr int group = Piece % 4 == 0 ? 4 : Piece % 2 == 0 ? 2 : 1;
  static_assert(Lines % Piece == 0);
  /// Line number i of thread t.
  static constexpr WEFT_HOST_DEVICE int line(int t, int i) {
    return i / group * (threads * group) + t * group + i % group;
  }
};

template <class Selector, bool Large, arch A, int Bytes>
struct gemm_shape {
  static constexpr gemm_tuning tuning = choose<Selector>(dialect::gemm_rows, A, Bytes);
  static constexpr gemm_tile tile = Large ? tuning.large : tuning.small;
  using rows = gemm_side<tile.rows, tile.thread_rows>;
  using columns = gemm_side<tile.columns, tile.thread_columns>;
  static constexpr int depth = tile.depth, threads = rows::threads * columns::threads;
  static_assert(threads % 64 == 0 && tile.rows * depth % threads == 0 && tile.columns * depth % threads == 0,
                "a tile is whole warps, and every thread loads as much of a slice as any other");
};

template <class Selector, bool Large, class TA, class TB, class TC, class Options>
struct gemm_kernel {
  using sum_type = accumulator_t<TA, TB, Options>;
  template <arch A>
  using shape = gemm_shape<Selector, Large, A, sizeof(sum_type)>;
  template <arch A>
  static constexpr int block_threads = shape<A>::threads;
  // Slices lie k-major: a[k][row], b[k][column]. The pad keeps transposing stores off one another's banks.
  static constexpr int pad = 16 / sizeof(sum_type) > 0 ? 16 / sizeof(sum_type) : 1;
  template <arch A>
  struct shared {
    alignas(16) sum_type a[2][shape<A>::depth][shape<A>::rows::lines + pad];
    alignas(16) sum_type b[2][shape<A>::depth][shape<A>::columns::lines + pad];
  };

  batch<TA> a;
  batch<TB> b;
  batch<TC> c;
  Options options;
  unsigned tiles_down, tiles;  // of one matrix

  /// An operand as the loads see it: lines (rows of A, columns of B) by k.
  template <class T>
  struct operand {
    const T* data;
    offset lines, depth, line_stride, k_stride;
    bool along_k;
  };

  /// The slices of one operand on their way: `loads` elements in each thread's registers.
  template <int Lines, int Depth, int Threads>
  struct slice {
    static constexpr int loads = Lines * Depth / Threads;
    sum_type r[loads];

    /// Element number e of a slice: consecutive threads walk along the dimension that is contiguous in memory.
    static WEFT_DEVICE void place(int e, bool along_k, int& line, int& k) {
      if (along_k)
        k = e % Depth, line = e / Depth;
      else
        line = e % Lines, k = e / Lines;
    }
    template <class T, class Prologue>
    WEFT_DEVICE void fetch(const operand<T>& m, offset line0, offset k0, int thread, const Prologue& prologue,
                           bool lines_are_rows) {
#pragma unroll
      for (int i = 0; i < loads; ++i) {
        int line, k;
        place(i * Threads + thread, m.along_k, line, k);
        const offset l = line0 + line, d = k0 + k;
        r[i] = sum_type(0);
        if (l < m.lines && d < m.depth)
          r[i] = weft::detail::loaded_value<sum_type>(prologue, m.data[l * m.line_stride + d * m.k_stride],
                                                      lines_are_rows ? l : d, lines_are_rows ? d : l);
      }
    }
    template <int Pitch>
    WEFT_DEVICE void store(sum_type (&to)[Depth][Pitch], bool along_k, int thread) const {
#pragma unroll
      for (int i = 0; i < loads; ++i) {
        int line, k;
        place(i * Threads + thread, along_k, line, k);
        to[k][line] = r[i];
      }
    }
  };

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    using S = shape<Block::arch>;
    using rows = typename S::rows;
    using columns = typename S::columns;
    constexpr int depth = S::depth;
    const int thread = static_cast<int>(block.thread());
    // Consecutive threads walk along the dimension of C that is contiguous in memory.
    const bool along_rows = c.first.row_stride < c.first.column_stride;
    const int ty = along_rows ? thread % rows::threads : thread / columns::threads;
    const int tx = along_rows ? thread / rows::threads : thread % columns::threads;
    const unsigned number = block.index() / tiles, tile = block.index() % tiles;
    const offset row0 = static_cast<offset>(tile % tiles_down) * rows::lines;
    const offset column0 = static_cast<offset>(tile / tiles_down) * columns::lines;
    const matrix<TA> ma = a[number];
    const matrix<TB> mb = b[number];
    const operand<TA> x{ma.data,       ma.rows,          ma.columns,
                        ma.row_stride, ma.column_stride, ma.column_stride < ma.row_stride};
    const operand<TB> y{mb.data,          mb.columns,    mb.rows,
                        mb.column_stride, mb.row_stride, mb.row_stride < mb.column_stride};

    sum_type sum[rows::piece][columns::piece];
#pragma unroll
    for (int i = 0; i < rows::piece; ++i)
#pragma unroll
      for (int j = 0; j < columns::piece; ++j) sum[i][j] = sum_type(0);

    // First slice.
    slice<rows::lines, depth, S::threads> ra;
    slice<columns::lines, depth, S::threads> rb;
    ra.fetch(x, row0, 0, thread, options.prologue_a, true);
    rb.fetch(y, column0, 0, thread, options.prologue_b, false);
    ra.store(s.a[0], x.along_k, thread);
    rb.store(s.b[0], y.along_k, thread);
    block.sync();

    int current = 0;
#pragma unroll 1
    for (offset k0 = 0; k0 < x.depth; k0 += depth) {
      const bool more = k0 + depth < x.depth;
      if (more) {
        ra.fetch(x, row0, k0 + depth, thread, options.prologue_a, true);
        rb.fetch(y, column0, k0 + depth, thread, options.prologue_b, false);
      }
#pragma unroll
      for (int k = 0; k < depth; ++k) {
        items<sum_type, rows::piece> u;
        items<sum_type, columns::piece> v;
#pragma unroll
        for (int g = 0; g < rows::piece; g += rows::group)
          load_run<rows::group, Block>(static_cast<const sum_type*>(s.a[current][k]), rows::line(ty, g), true,
                                       u.value + g);
#pragma unroll
        for (int g = 0; g < columns::piece; g += columns::group)
          load_run<columns::group, Block>(static_cast<const sum_type*>(s.b[current][k]), columns::line(tx, g), true,
                                          v.value + g);
#pragma unroll
        for (int i = 0; i < rows::piece; ++i)
#pragma unroll
          for (int j = 0; j < columns::piece; ++j) sum[i][j] = weft::detail::multiply_add(u[i], v[j], sum[i][j]);
      }
      if (more) {
        ra.store(s.a[current ^ 1], x.along_k, thread);
        rb.store(s.b[current ^ 1], y.along_k, thread);
        block.sync();
        current ^= 1;
      }
    }

    // Epilogue, and out: groups of columns as one vector where they lie well.
    const matrix<TC> mc = c[number];
    const bool wide = mc.column_stride == 1 && vector_aligned(mc.data) && mc.row_stride * sizeof(TC) % 16 == 0;
#pragma unroll
    for (int i = 0; i < rows::piece; ++i) {
      const offset row = row0 + rows::line(ty, i);
#pragma unroll
      for (int g = 0; g < columns::piece; g += columns::group) {
        const offset column = column0 + columns::line(tx, g);
        TC* const to = mc.data + row * mc.row_stride + column * mc.column_stride;
        if (row < mc.rows && column < mc.columns) {
          if (wide && column + columns::group <= mc.columns) {
            items<TC, columns::group> out;
#pragma unroll
            for (int j = 0; j < columns::group; ++j) out[j] = result(sum[i][g + j], to + j, row, column + j);
            store_run<columns::group, Block>(to, 0, true, out.value);
          } else {
#pragma unroll
            for (int j = 0; j < columns::group; ++j)
              if (column + j < mc.columns)
                to[j * mc.column_stride] = result(sum[i][g + j], to + j * mc.column_stride, row, column + j);
          }
        }
      }
    }
  }

  WEFT_DEVICE TC result(const sum_type& sum, const TC* to, offset row, offset column) const {
    return weft::detail::finished(options, sum, to, row, column);
  }
};

/// The portable path: every type, every view.
template <class P, class TA, class TB, class TC, class Options>
void gemm_portable(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                   const Options& options) {
  using selector = typename P::tuning;
  on_arch(policy, [&]<arch A>() {
    auto run = [&]<bool Large>(std::bool_constant<Large>) {
      using kernel = gemm_kernel<selector, Large, TA, TB, TC, Options>;
      using shape = typename kernel::template shape<A>;
      const offset down = ceil_div(c.first.rows, shape::rows::lines);
      const offset tiles = down * ceil_div(c.first.columns, shape::columns::lines);
      launch<A>(policy, tiles * c.count,
                kernel{a, b, c, options, static_cast<unsigned>(down), static_cast<unsigned>(tiles)});
    };
    constexpr gemm_tuning tuning = choose<selector>(dialect::gemm_rows, A, sizeof(accumulator_t<TA, TB, Options>));
    const offset large = ceil_div(c.first.rows, tuning.large.rows) * ceil_div(c.first.columns, tuning.large.columns);
    if (large * c.count >= device_of(policy).multiprocessors)
      run(std::true_type{});
    else
      run(std::false_type{});
  });
}

/// Hopper's own kernels where they serve (gemm_sm90.hpp: tensor cores; gemm_ring.hpp: f64 and f32), else the portable
/// one.
template <class P, class TA, class TB, class TC, class Options>
void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  if (c.count == 1 && a.pointers == nullptr && b.pointers == nullptr && c.pointers == nullptr)
    if (gemm_sm90(policy, a.first, b.first, c.first, options) || gemm_ring(policy, a.first, b.first, c.first, options))
      return;
  gemm_portable(policy, a, b, c, options);
}

}  // namespace weft::gpu
