// Matrix product on the ordinary arithmetic units, for every type: the portable path that cuda, hip and simt share.
// A block computes a 128 x 128 tile of C (64 x 64 where C is small, so that more multiprocessors have work); each
// thread keeps an 8 x 8 (4 x 4) piece in registers. Slices of A and B pass through shared memory in two buffers: the
// loads of slice k + 1 are issued before the arithmetic of slice k and stored after it, one barrier a slice. A thread's
// rows and columns lie in groups of 4, half a tile apart, so shared reads are 16 bytes wide and free of bank conflicts.
// Each element's sum runs over k in ascending order with fused multiply-add, so results repeat bit for bit.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::gpu {

/// A tile shape: a block's tile of C, the depth of a slice, and the square piece of one thread.
template <int Tile, int Depth, int Piece>
struct gemm_shape {
  static constexpr int tile = Tile, depth = Depth, piece = Piece;
  static constexpr int threads = (Tile / Piece) * (Tile / Piece);
};

template <class Shape, class TA, class TB, class TC, class Scalar, class Epilogue>
struct gemm_kernel {
  using sum_type = accumulator_t<std::remove_const_t<TA>, std::remove_const_t<TB>>;
  template <arch A>
  static constexpr int block_threads = Shape::threads;
  // Slices lie k-major: a[k][row], b[k][column]. The pad keeps transposing stores off one another's banks.
  static constexpr int pitch = Shape::tile + 4;
  template <arch A>
  struct shared {
    alignas(16) sum_type a[2][Shape::depth][pitch];
    alignas(16) sum_type b[2][Shape::depth][pitch];
  };
  static constexpr int loads = Shape::tile * Shape::depth / Shape::threads;

  matrix<TA> a;
  matrix<TB> b;
  matrix<TC> c;
  gemm_options<Scalar, Epilogue> options;
  unsigned tiles_down;

  /// Element number e of a slice, for a thread: consecutive threads walk along the dimension that is contiguous in
  /// memory.
  static WEFT_DEVICE void place(int e, bool along_k, int& line, int& k) {
    if (along_k)
      k = e % Shape::depth, line = e / Shape::depth;
    else
      line = e % Shape::tile, k = e / Shape::tile;
  }

  template <class M>
  static WEFT_DEVICE void fetch(const M& m, offset line0, offset lines, offset line_stride, offset k0, offset depth,
                                offset k_stride, int thread, sum_type (&r)[loads]) {
#pragma unroll
    for (int i = 0; i < loads; ++i) {
      int line, k;
      place(i * Shape::threads + thread, k_stride < line_stride, line, k);
      const bool inside = line0 + line < lines && k0 + k < depth;
      r[i] = inside ? static_cast<sum_type>(m.data[(line0 + line) * line_stride + (k0 + k) * k_stride]) : sum_type(0);
    }
  }
  static WEFT_DEVICE void stage(sum_type (&slice)[Shape::depth][pitch], bool along_k, int thread,
                                const sum_type (&r)[loads]) {
#pragma unroll
    for (int i = 0; i < loads; ++i) {
      int line, k;
      place(i * Shape::threads + thread, along_k, line, k);
      slice[k][line] = r[i];
    }
  }

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int side = Shape::tile / Shape::piece, half = Shape::piece / 2;
    const int thread = static_cast<int>(block.thread());
    const int ty = thread / side, tx = thread % side;
    const offset row0 = static_cast<offset>(block.index() % tiles_down) * Shape::tile;
    const offset column0 = static_cast<offset>(block.index() / tiles_down) * Shape::tile;
    const bool a_along_k = a.column_stride < a.row_stride, b_along_k = b.row_stride < b.column_stride;

    sum_type sum[Shape::piece][Shape::piece];
#pragma unroll
    for (int i = 0; i < Shape::piece; ++i)
#pragma unroll
      for (int j = 0; j < Shape::piece; ++j) sum[i][j] = sum_type(0);

    // First slice.
    sum_type ra[loads], rb[loads];
    fetch(a, row0, a.rows, a.row_stride, 0, a.columns, a.column_stride, thread, ra);
    fetch(b, column0, b.columns, b.column_stride, 0, b.rows, b.row_stride, thread, rb);
    stage(s.a[0], a_along_k, thread, ra);
    stage(s.b[0], b_along_k, thread, rb);
    block.sync();

    int current = 0;
#pragma unroll 1
    for (offset k0 = 0; k0 < a.columns; k0 += Shape::depth) {
      const bool more = k0 + Shape::depth < a.columns;
      if (more) {
        fetch(a, row0, a.rows, a.row_stride, k0 + Shape::depth, a.columns, a.column_stride, thread, ra);
        fetch(b, column0, b.columns, b.column_stride, k0 + Shape::depth, b.rows, b.row_stride, thread, rb);
      }
#pragma unroll
      for (int k = 0; k < Shape::depth; ++k) {
        items<sum_type, Shape::piece> x, y;  // rows ty * half + {0 …} and the same half a tile below; columns likewise
        load_run<half, Block>(static_cast<const sum_type*>(s.a[current][k]), ty * half, true, x.value);
        load_run<half, Block>(static_cast<const sum_type*>(s.a[current][k]), Shape::tile / 2 + ty * half, true,
                              x.value + half);
        load_run<half, Block>(static_cast<const sum_type*>(s.b[current][k]), tx * half, true, y.value);
        load_run<half, Block>(static_cast<const sum_type*>(s.b[current][k]), Shape::tile / 2 + tx * half, true,
                              y.value + half);
#pragma unroll
        for (int i = 0; i < Shape::piece; ++i)
#pragma unroll
          for (int j = 0; j < Shape::piece; ++j) sum[i][j] = multiply_add(x[i], y[j], sum[i][j]);
      }
      if (more) {
        stage(s.a[current ^ 1], a_along_k, thread, ra);
        stage(s.b[current ^ 1], b_along_k, thread, rb);
        block.sync();
        current ^= 1;
      }
    }

#pragma unroll
    for (int i = 0; i < Shape::piece; ++i) {
      const offset row = row0 + (i / half) * (Shape::tile / 2) + ty * half + i % half;
#pragma unroll
      for (int j = 0; j < Shape::piece; ++j) {
        const offset column = column0 + (j / half) * (Shape::tile / 2) + tx * half + j % half;
        if (row < c.rows && column < c.columns) {
          auto value = options.alpha * sum[i][j];
          if (options.beta != Scalar(0)) value = value + options.beta * c(row, column);
          c(row, column) = static_cast<TC>(options.epilogue(value, row, column));
        }
      }
    }
  }

  static WEFT_DEVICE float multiply_add(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
  static WEFT_DEVICE double multiply_add(double x, double y, double z) { return __builtin_fma(x, y, z); }
  template <class T>
  static WEFT_DEVICE T multiply_add(T x, T y, T z) {
    return z + x * y;
  }
};

template <class P, class TA, class TB, class TC, class Scalar, class Epilogue>
void gemm(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const gemm_options<Scalar, Epilogue>& options) {
  on_arch(policy, [&]<arch A>() {
    auto run = [&]<class Shape>(Shape) {
      const offset down = ceil_div(c.rows, Shape::tile), across = ceil_div(c.columns, Shape::tile);
      launch<A>(policy, down * across,
                gemm_kernel<Shape, TA, TB, TC, Scalar, Epilogue>{a, b, c, options, static_cast<unsigned>(down)});
    };
    using sum_type = accumulator_t<std::remove_const_t<TA>, std::remove_const_t<TB>>;
    const offset large = ceil_div(c.rows, 128) * ceil_div(c.columns, 128);
    if constexpr (sizeof(sum_type) <= 4) {
      if (large >= device_of(policy).multiprocessors) return run(gemm_shape<128, 8, 8>{});
    }
    run(gemm_shape<64, 8, 4>{});
  });
}

}  // namespace weft::gpu
