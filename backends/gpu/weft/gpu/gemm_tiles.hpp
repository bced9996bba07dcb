// Matrix product on the ordinary arithmetic units, for every type: the portable path that cuda, hip and simt share.
// A block computes a tile of C (128 x 128 floats; 64 x 64 where C is small, so that more multiprocessors have work);
// each thread keeps a piece of it (8 x 8) in registers. Slices of A and B pass through shared memory in two buffers:
// the loads of slice k + 1 are issued before the arithmetic of slice k and stored after it, one barrier a slice. A
// thread's rows and columns lie in groups of 4, spread over the tile, so shared reads are 16 bytes wide and free of
// bank conflicts. Each element's sum runs over k in ascending order with fused multiply-add, so results are the same
// bits as on every other backend that does so.
// Where a tuning splits k, blocks write their sums to temporary memory and a second launch adds the parts of each
// element in ascending order: the same bits run to run, but not those of one sum.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/tile.hpp>
#include <weft/memory.hpp>

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
  static constexpr int depth = tile.depth, threads = rows::threads * columns::threads, stages = tile.stages;
  static_assert(stages == 1 || stages == 2, "a slice is in use and at most one on its way");
  static_assert(threads % 64 == 0 && tile.rows * depth % threads == 0 && tile.columns * depth % threads == 0,
                "a tile is whole warps, and every thread loads as much of a slice as any other");
};

/// An operand as the loads see it: lines (rows of A, columns of B) by k.
template <class T>
struct gemm_lines {
  const T* data;
  offset lines, depth, line_stride, k_stride;
  bool along_k;
};
template <class T>
WEFT_DEVICE gemm_lines<T> gemm_rows_of(const matrix<T>& a) {
  return {a.data, a.rows, a.columns, a.row_stride, a.column_stride, a.column_stride < a.row_stride};
}
template <class T>
WEFT_DEVICE gemm_lines<T> gemm_columns_of(const matrix<T>& b) {
  return {b.data, b.columns, b.rows, b.column_stride, b.row_stride, b.row_stride < b.column_stride};
}

/// What a block does: the sums of a tile.
template <class Selector, bool Large, class TA, class TB, class Options>
struct gemm_block {
  using sum_type = accumulator_t<TA, TB, Options>;
  template <arch A>
  using shape = gemm_shape<Selector, Large, A, sizeof(sum_type)>;
  template <arch A>
  static constexpr int block_threads = shape<A>::threads;
  // Slices lie k-major: a[k][row], b[k][column]. The pad keeps transposing stores off one another's banks.
  static constexpr int pad = 16 / sizeof(sum_type) > 0 ? 16 / sizeof(sum_type) : 1;
  template <arch A>
  struct shared {
    alignas(16) sum_type a[shape<A>::stages][shape<A>::depth][shape<A>::rows::lines + pad];
    alignas(16) sum_type b[shape<A>::stages][shape<A>::depth][shape<A>::columns::lines + pad];
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
    WEFT_DEVICE void fetch(const gemm_lines<T>& m, offset line0, offset k0, int thread, const Prologue& prologue,
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

  /// Calls write(row, first column, columns, their sums) for each group of columns of each row of a thread's piece;
  /// rows and columns may lie outside C. Sums run over k from k_begin to where the operands end.
  template <class Block, class Write>
  [[gnu::always_inline]] static WEFT_DEVICE void run(Block block, shared<Block::arch>& s, const gemm_lines<TA>& x,
                                                     const gemm_lines<TB>& y, offset row0, offset column0,
                                                     offset k_begin, bool along_rows, const Options& options,
                                                     Write write) {
    using S = shape<Block::arch>;
    using rows = typename S::rows;
    using columns = typename S::columns;
    constexpr int depth = S::depth;
    const int thread = static_cast<int>(block.thread());
    // Consecutive threads walk along the dimension of C that is contiguous in memory.
    const int ty = along_rows ? thread % rows::threads : thread / columns::threads;
    const int tx = along_rows ? thread / rows::threads : thread % columns::threads;

    sum_type sum[rows::piece][columns::piece];
#pragma unroll
    for (int i = 0; i < rows::piece; ++i)
#pragma unroll
      for (int j = 0; j < columns::piece; ++j) sum[i][j] = sum_type(0);

    // First slice.
    slice<rows::lines, depth, S::threads> ra;
    slice<columns::lines, depth, S::threads> rb;
    ra.fetch(x, row0, k_begin, thread, options.prologue_a, true);
    rb.fetch(y, column0, k_begin, thread, options.prologue_b, false);
    ra.store(s.a[0], x.along_k, thread);
    rb.store(s.b[0], y.along_k, thread);
    block.sync();

    int current = 0;
#pragma unroll 1
    for (offset k0 = k_begin; k0 < x.depth; k0 += depth) {
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
        if constexpr (S::stages == 1)
          block.sync();  // all have read the one buffer
        else
          current ^= 1;
        ra.store(s.a[current], x.along_k, thread);
        rb.store(s.b[current], y.along_k, thread);
        block.sync();
      }
    }

#pragma unroll
    for (int i = 0; i < rows::piece; ++i)
#pragma unroll
      for (int g = 0; g < columns::piece; g += columns::group)
        write(row0 + rows::line(ty, i), column0 + columns::line(tx, g), std::integral_constant<int, columns::group>{},
              sum[i] + g, i, g);
  }
};

/// A tile of C from its sums: epilogue, and out, groups of columns as one vector where they lie well.
template <class Block, class TC, class Options>
struct gemm_tile_writer {
  const matrix<TC>& c;
  const Options& options;
  bool wide;  // 16-byte stores serve

  WEFT_DEVICE gemm_tile_writer(const matrix<TC>& to, const Options& o)
      : c(to),
        options(o),
        wide(to.column_stride == 1 && vector_aligned(to.data) && to.row_stride * sizeof(TC) % 16 == 0) {}
  WEFT_DEVICE gemm_tile_writer(const matrix<TC>& to, const Options& o, bool is_wide)
      : c(to), options(o), wide(is_wide) {}

  template <int Group, class Sum>
  [[gnu::always_inline]] WEFT_DEVICE void operator()(offset row, offset column, std::integral_constant<int, Group>,
                                                     const Sum* sum, int, int) const {
    if (row >= c.rows || column >= c.columns) return;
    TC* const to = c.data + row * c.row_stride + column * c.column_stride;
    if (wide && column + Group <= c.columns) {
      items<TC, Group> out;
#pragma unroll
      for (int j = 0; j < Group; ++j) out[j] = weft::detail::finished(options, sum[j], to + j, row, column + j);
      store_run<Group, Block>(to, 0, true, out.value);
    } else {
#pragma unroll
      for (int j = 0; j < Group; ++j)
        if (column + j < c.columns) {
          TC* const one = to + j * c.column_stride;
          *one = weft::detail::finished(options, sum[j], one, row, column + j);
        }
    }
  }
};

template <class Selector, bool Large, class TA, class TB, class TC, class Options>
struct gemm_kernel : gemm_block<Selector, Large, TA, TB, Options> {
  using base = gemm_block<Selector, Large, TA, TB, Options>;

  batch<TA> a;
  batch<TB> b;
  batch<TC> c;
  Options options;
  unsigned tiles_down, tiles;  // of one matrix

  template <class Block>
  WEFT_DEVICE void operator()(Block block, typename base::template shared<Block::arch>& s) const {
    using S = typename base::template shape<Block::arch>;
    const unsigned number = block.index() / tiles, tile = block.index() % tiles;
    const matrix<TC> to = c[number];
    base::run(block, s, gemm_rows_of(a[number]), gemm_columns_of(b[number]),
              static_cast<offset>(tile % tiles_down) * S::rows::lines,
              static_cast<offset>(tile / tiles_down) * S::columns::lines, 0, c.first.row_stride < c.first.column_stride,
              options, gemm_tile_writer<Block, TC, Options>{to, options});
  }
};

// Split k -----------------------------------------------------------------------------------------------------------

/// Where the parts of a split product lie: [part][matrix][element], elements in the order of C.
struct gemm_parts {
  offset matrix, part;  // sums of one matrix, of all of them
  bool by_columns;      // rows of C are contiguous where false
};

template <class Selector, bool Large, class TA, class TB, class Options>
struct gemm_part_kernel : gemm_block<Selector, Large, TA, TB, Options> {
  using base = gemm_block<Selector, Large, TA, TB, Options>;
  using sum_type = typename base::sum_type;

  batch<TA> a;
  batch<TB> b;
  sum_type* sums;
  offset rows, columns, depth;  // of C; of a part
  gemm_parts parts;
  Options options;  // for the prologues
  unsigned tiles_down, tiles, blocks_of_part;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, typename base::template shared<Block::arch>& s) const {
    using S = typename base::template shape<Block::arch>;
    const unsigned part = block.index() / blocks_of_part, in_part = block.index() % blocks_of_part;
    const unsigned number = in_part / tiles, tile = in_part % tiles;
    gemm_lines<TA> x = gemm_rows_of(a[number]);
    gemm_lines<TB> y = gemm_columns_of(b[number]);
    const offset begin = part * depth;
    x.depth = y.depth = begin + depth < x.depth ? begin + depth : x.depth;
    sum_type* const to = sums + part * parts.part + number * parts.matrix;
    base::run(
        block, s, x, y, static_cast<offset>(tile % tiles_down) * S::rows::lines,
        static_cast<offset>(tile / tiles_down) * S::columns::lines, begin, parts.by_columns, options,
        [&]<int Group>(offset row, offset column, std::integral_constant<int, Group>, const sum_type* sum, int, int) {
#pragma unroll
          for (int j = 0; j < Group; ++j)
            if (row < rows && column + j < columns)
              to[parts.by_columns ? (column + j) * rows + row : row * columns + column + j] = sum[j];
        });
  }
};

template <class Sum, class TC, class Options>
struct gemm_fold_kernel {
  static constexpr int threads = 256;
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {};

  const Sum* sums;
  int count;  // of parts
  gemm_parts parts;
  batch<TC> c;
  Options options;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    const offset i = static_cast<offset>(block.index()) * threads + block.thread();
    if (i >= parts.part) return;
    Sum sum = sums[i];
    for (int part = 1; part < count; ++part) sum = weft::detail::added(sum, sums[part * parts.part + i]);
    const offset e = i % parts.matrix;
    const matrix<TC> to = c[i / parts.matrix];
    const offset row = parts.by_columns ? e % to.rows : e / to.columns;
    const offset column = parts.by_columns ? e / to.rows : e % to.columns;
    TC* const at = &to(row, column);
    *at = weft::detail::finished(options, sum, at, row, column);
  }
};

/// C from the sums of all parts, on the host.
template <arch A, class P, class Sum, class TC, class Options>
void gemm_fold(const P& policy, const Sum* sums, int count, const gemm_parts& parts, const batch<TC>& c,
               const Options& options) {
  using kernel = gemm_fold_kernel<Sum, TC, Options>;
  launch<A>(policy, ceil_div(parts.part, kernel::threads), kernel{sums, count, parts, c, options});
}

/// How k is cut: into slices of `depth`, these into at most `split` parts of as many slices each.
struct gemm_split {
  int count;
  offset depth;
};
constexpr gemm_split gemm_split_of(offset k, int depth, int split) {
  const offset slices = ceil_div(k, depth), each = split > 1 && slices > 1 ? ceil_div(slices, split) : slices;
  if (each == slices) return {1, k};
  return {static_cast<int>(ceil_div(slices, each)), each * depth};
}

// The host's side ---------------------------------------------------------------------------------------------------

/// The product with one tile shape, k split into `split` parts.
template <class Selector, bool Large, bool MaySplit, arch A, class P, class TA, class TB, class TC, class Options>
void gemm_by_tiles(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
                   int split) {
  using kernel = gemm_kernel<Selector, Large, TA, TB, TC, Options>;
  using shape = typename kernel::template shape<A>;
  const matrix<TC>& one = c.first;
  const offset down = ceil_div(one.rows, shape::rows::lines);
  const offset tiles = down * ceil_div(one.columns, shape::columns::lines);
  if constexpr (MaySplit) {
    const gemm_split cut = gemm_split_of(a.first.columns, shape::depth, split);
    if (cut.count > 1) {
      using sum_type = accumulator_t<TA, TB, Options>;
      const gemm_parts parts{one.rows * one.columns, one.rows * one.columns * c.count,
                             one.row_stride < one.column_stride};
      const temporary<sum_type> sums(policy, cut.count * parts.part);
      launch<A>(policy, tiles * c.count * cut.count,
                gemm_part_kernel<Selector, Large, TA, TB, Options>{{},
                                                                   a,
                                                                   b,
                                                                   sums.data(),
                                                                   one.rows,
                                                                   one.columns,
                                                                   cut.depth,
                                                                   parts,
                                                                   options,
                                                                   static_cast<unsigned>(down),
                                                                   static_cast<unsigned>(tiles),
                                                                   static_cast<unsigned>(tiles * c.count)});
      return gemm_fold<A>(policy, sums.data(), cut.count, parts, c, options);
    }
  }
  launch<A>(policy, tiles * c.count,
            kernel{{}, a, b, c, options, static_cast<unsigned>(down), static_cast<unsigned>(tiles)});
}

/// Whether the table's large tile serves: C has one for every multiprocessor.
template <class P, class TC>
bool gemm_takes_large(const P& policy, const batch<TC>& c, const gemm_tile& large) {
  return ceil_div(c.first.rows, large.rows) * ceil_div(c.first.columns, large.columns) * c.count >=
         device_of(policy).multiprocessors;
}

/// The portable path: every type, every view.
template <class P, class TA, class TB, class TC, class Options>
void gemm_portable(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                   const Options& options) {
  using selector = typename P::tuning;
  on_arch(policy, [&]<arch A>() {
    constexpr gemm_tuning tuning = choose<selector>(dialect::gemm_rows, A, sizeof(accumulator_t<TA, TB, Options>));
    static_assert(!P::wants_same_bits || (tuning.large.split == 1 && tuning.small.split == 1),
                  "same_bits: the parts of a split k are not added as one sum is");
    if (gemm_takes_large(policy, c, tuning.large))
      gemm_by_tiles<selector, true, (tuning.large.split > 1), A>(policy, a, b, c, options, tuning.large.split);
    else
      gemm_by_tiles<selector, false, (tuning.small.split > 1), A>(policy, a, b, c, options, tuning.small.split);
  });
}

}  // namespace weft::gpu
