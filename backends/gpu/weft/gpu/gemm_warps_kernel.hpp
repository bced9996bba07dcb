// Matrix product by the matrix instructions of a warp (gpu/matrix_unit.hpp), the same kernel for every vendor's. A
// block computes a tile of C, each of its warps a part of that, in registers. Slices of A and B, 64 bytes of k at a
// time, pass through a ring of stages in shared memory: by asynchronous copies, several on their way, or by way of
// registers, one slice ahead of the arithmetic. Of A a warp reads one part ahead, of B what the next instructions take.
// In shared memory a slice lies in lines of 64 bytes where k is contiguous: [line][piece of 16 bytes], piece p of line
// l at p ^ (l / 2 % 4). Eight lanes that read two whole lines, or one piece of eight lines, then meet all banks once.
// Where lines are contiguous it lies in rows of k of 64 lines: [64 lines][32 k][8 pieces], the piece of row k at
// p ^ (k % 2 + k / 8 % 4 * 2), which does the same for the eight rows that a transposing load takes.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/gemm_cores.hpp>
#include <weft/gpu/gemm_tiles.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/matrix_unit.hpp>

namespace weft::inline v100::gpu {

/// Whether these units are to be used whatever better the device has, and for small products too: they say `always`.
template <class Units>
inline constexpr bool gemm_warps_always = requires {
  requires Units::always;
};

/// An operand in memory: lines (rows of A, columns of B) by k; `stride` bytes between lines where k is contiguous in
/// them, else between rows of k.
struct gemm_warps_operand {
  const char* data;
  offset lines, depth, stride;
  bool along;
};

/// What a thread copies of an operand of `Lines` lines: `loads` pieces of each stage.
template <class T, int Lines, int Steps, int Threads, bool Along>
struct gemm_warps_loader {
  static constexpr int size = static_cast<int>(sizeof(T)), pieces = Lines * 4 * Steps, loads = pieces / Threads;
  static constexpr int inner = Along ? 4 * Steps : Lines / 8;  // pieces side by side in memory
  static constexpr int jump = Threads / inner;                 // lines (rows of k) from one of its pieces to the next
  static constexpr int depth = Steps * 64 / size;
  static_assert(pieces % Threads == 0 && Threads % inner == 0 && jump % 8 == 0 && (jump & (jump - 1)) == 0 &&
                (Along || (size == 2 && Lines % 64 == 0 && jump <= 32)));

  const char* from;  // the first piece's, of the next stage
  offset stride;     // bytes from one of its pieces to the next
  int outer, left;   // lines (rows of k) from the first piece's on; bytes of them from it on
  int k_left;        // of the block
  bool whole;        // no line of the tile is outside
  int first;         // where in shared memory the first piece belongs

  WEFT_DEVICE gemm_warps_loader(const gemm_warps_operand& o, offset line0, offset k0, unsigned thread) {
    const offset lines = o.lines - line0, k = o.depth - k0;
    const auto x = static_cast<int>(thread % inner), y = static_cast<int>(thread / inner);
    from = o.data + (Along ? (line0 + y) * o.stride + k0 * size : (k0 + y) * o.stride + line0 * size) + x * 16;
    stride = jump * o.stride;
    outer = clamped(Along ? lines : k) - y;
    left = clamped((Along ? k : lines) * size) - x * 16;
    k_left = clamped(k), whole = lines >= Lines;
    first = Along ? x / 4 * (Lines * 64) + y * 64 + ((x % 4 ^ (y / 2 % 4)) << 4)
                  : x / 8 * 4096 + y * 128 + ((x % 8 ^ (y % 2 + y / 8 % 4 * 2)) << 4);
  }
  static WEFT_DEVICE int clamped(offset n) { return static_cast<int>(n < (1 << 30) ? n : 1 << 30); }

  /// Bytes of piece i of the next stage that are inside the matrix.
  WEFT_DEVICE int inside(int i) const { return i * jump >= outer || left <= 0 ? 0 : left < 16 ? left : 16; }
  /// Where in shared memory piece i belongs: jumps change bits of k / 8 that are 0 in the first piece's row.
  WEFT_DEVICE int place(int i) const {
    return Along ? first + i * jump * 64
                 : (first ^ (i * jump / 8 % 4 * 32)) + i * jump / 32 * (Lines * 64) + i * jump % 32 * 128;
  }
  WEFT_DEVICE void next(offset k_stride) {
    from += Along ? depth * size : depth * k_stride;
    (Along ? left : outer) -= Along ? depth * size : depth;
    k_left -= depth;
  }

  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void copy(Block, unsigned char* to) const {
    if (whole && k_left >= depth) {
#pragma unroll
      for (int i = 0; i < loads; ++i) Block::copy_async(to + place(i), from + i * stride, 16);
    } else {
#pragma unroll 1
      for (int i = 0; i < loads; ++i) Block::copy_async(to + place(i), from + i * stride, inside(i));
    }
  }
  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void fetch(Block, vec<16> (&piece)[loads]) const {
#pragma unroll
    for (int i = 0; i < loads; ++i) {
      const int bytes = inside(i);
      const char* const p = from + i * stride;
      piece[i] = vec<16>{};
      if (bytes == 16) {
        piece[i] = Block::template load_vector<16>(p);
      } else if (bytes > 0) {
        std::uint64_t half[2]{};
#pragma unroll 1
        for (int b = 0; b < bytes; ++b)
          half[0] |= b < 8 ? std::uint64_t{static_cast<unsigned char>(p[b])} << 8 * b : 0,
              half[1] |= b < 8 ? 0 : std::uint64_t{static_cast<unsigned char>(p[b])} << 8 * (b - 8);
        std::memcpy(&piece[i], half, 16);
      }
    }
  }
  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void put(Block, unsigned char* to, const vec<16> (&piece)[loads]) const {
#pragma unroll
    for (int i = 0; i < loads; ++i) Block::template store_vector<16>(to + place(i), piece[i]);
  }
};

template <class Units, class Selector, bool Large, class T, mma_kind Kind, class TC, class Options>
struct gemm_warps_kernel {
  template <arch A>
  using unit_of = typename Units::template unit<A, Kind>;
  using sum_type = matrix_sum<Kind>;

  /// The tile, on an architecture that has the instruction.
  template <arch A, bool = unit_of<A>::present>
  struct shape {
    using unit = unit_of<A>;
    static constexpr gemm_warps_tuning tuning = choose<Selector>(dialect::gemm_warps_rows, A, sizeof(T));
    static constexpr gemm_warps_tile tile = Large ? tuning.large : tuning.small;
    static constexpr int m = tile.rows, n = tile.columns, steps = tile.steps;
    static constexpr int stages = Units::template async_copies<A> ? tile.stages : 2;
    static constexpr int down = m / tile.warp_rows, across = n / tile.warp_columns;
    static constexpr int threads = down * across * static_cast<int>(unit::width);
    static constexpr int a_bytes = m * steps * 64, b_bytes = n * steps * 64;
    static constexpr int depth = steps * 64 / static_cast<int>(sizeof(T));
    static constexpr int pitch = tile.warp_columns * static_cast<int>(sizeof(sum_type)) + 32;  // of rows of sums
    static constexpr int band_bytes = static_cast<int>(unit::m) * pitch;
    static constexpr int ring_bytes = stages * (a_bytes + b_bytes), tail_bytes = down * across * band_bytes;
    static constexpr int shared_bytes = ring_bytes > tail_bytes ? ring_bytes : tail_bytes;
    static_assert(tile.warp_rows % unit::m == 0 && tile.warp_columns % unit::n == 0 && tile.warp_columns % 4 == 0);
  };
  template <arch A>
  struct shape<A, false> {
    static constexpr int threads = 64, shared_bytes = 16;
  };

  template <arch A>
  static constexpr int block_threads = shape<A>::threads;
  template <arch A>
  struct shared {
    alignas(128) unsigned char bytes[shape<A>::shared_bytes];
  };

  gemm_warps_operand a, b;
  matrix<TC> c;
  Options options;
  bool wide;  // 16-byte stores to rows of C serve
  unsigned tiles_m, tiles_n, group_rows;
  offset part_depth, part_size;  // k is split: elements of k of a part, elements of C between the parts' results

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    // Code for Hopper's own instructions has better kernels.
    constexpr bool better = [] {
      if constexpr (requires { Block::has_hopper; } && !gemm_warps_always<Units>) return Block::has_hopper;
      return false;
    }();
    if constexpr (unit_of<Block::arch>::present && !better)
      if constexpr (unit_of<Block::arch>::width == Block::width) run(block, s);
  }

  template <arch A>
  using sums_of =
      sum_type[shape<A>::tile.warp_rows / unit_of<A>::m][shape<A>::tile.warp_columns / unit_of<A>::n][unit_of<A>::sums];

  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void run(Block block, shared<Block::arch>& s) const {
    using S = shape<Block::arch>;
    using unit = typename S::unit;
    const unsigned lane = block.thread() % Block::width, warp = block.thread() / Block::width;
    const unsigned tiles = tiles_m * tiles_n, part = block.index() / tiles;
    const gemm_tile_place tile = gemm_place_of(block.index() % tiles, tiles_m, tiles_n, group_rows);
    const offset row0 = static_cast<offset>(tile.row) * S::m, column0 = static_cast<offset>(tile.column) * S::n;
    const unsigned warp_row = warp % S::down * S::tile.warp_rows, warp_column = warp / S::down * S::tile.warp_columns;
    // Where this part of k ends, operands do.
    const offset k0 = part * part_depth, k_end = a.depth - k0 < part_depth ? a.depth : k0 + part_depth;

    sums_of<Block::arch> sum;
#pragma unroll
    for (auto& of_row : sum)
#pragma unroll
      for (auto& of_product : of_row)
#pragma unroll
        for (sum_type& one : of_product) one = sum_type(0);

    const auto multiply = [&](auto along_a, auto along_b) {
      multiply_all<along_a.value, along_b.value>(block, s.bytes, sum, row0, column0, k0, k_end, warp_row, warp_column);
    };
    if constexpr (unit::transposes) {
      if (a.along && b.along)
        multiply(std::true_type{}, std::true_type{});
      else if (a.along)
        multiply(std::true_type{}, std::false_type{});
      else if (b.along)
        multiply(std::false_type{}, std::true_type{});
      else
        multiply(std::false_type{}, std::false_type{});
    } else {
      multiply(std::true_type{}, std::true_type{});
    }

    matrix<TC> to = c;
    to.data += part * part_size;
    unsigned char* const band = s.bytes + warp * S::band_bytes;
#pragma unroll
    for (unsigned i = 0; i < std::extent_v<sums_of<Block::arch>>; ++i)
      store<S>(block, to, sum[i], band, row0 + warp_row + i * unit::m, column0 + warp_column, lane);
  }

  /// The sums of a warp's part of the tile over k in [k0, k_end). Nobody reads the ring afterwards.
  template <bool AlongA, bool AlongB, class Block>
  [[gnu::always_inline]] WEFT_DEVICE void multiply_all(Block block, unsigned char* ring, sums_of<Block::arch>& sum,
                                                       offset row0, offset column0, offset k0, offset k_end,
                                                       unsigned warp_row, unsigned warp_column) const {
    using S = shape<Block::arch>;
    using unit = typename S::unit;
    constexpr unsigned products_m = S::tile.warp_rows / unit::m, products_n = S::tile.warp_columns / unit::n;
    const unsigned thread = block.thread();
    const unsigned lane = block.thread() % Block::width;
    gemm_warps_operand left = a, right = b;
    left.depth = right.depth = k_end;
    gemm_warps_loader<T, S::m, S::steps, S::threads, AlongA> from_a(left, row0, k0, thread);
    gemm_warps_loader<T, S::n, S::steps, S::threads, AlongB> from_b(right, column0, k0, thread);
    const int count = static_cast<int>((k_end - k0 + S::depth - 1) / S::depth);

    const auto stage_a = [&](int stage) { return ring + stage * (S::a_bytes + S::b_bytes); };
    const auto stage_b = [&](int stage) { return ring + stage * (S::a_bytes + S::b_bytes) + S::a_bytes; };
    // A stage is multiplied in `parts` parts.
    constexpr unsigned parts = S::steps * unit::parts;
    using lines = vec<16>[products_m][unit::lines_a * unit::pieces];
    const auto read_a = [&](lines& x, int stage, unsigned p) {
#pragma unroll
      for (unsigned i = 0; i < products_m; ++i)
        read<AlongA, S::m, unit::m / unit::lines_a>(block, x[i], stage_a(stage), warp_row + i * unit::m,
                                                    p / unit::parts, p % unit::parts, lane);
    };
    const auto multiply = [&](const lines& x, int stage, unsigned p) {
#pragma unroll
      for (unsigned j = 0; j < products_n; ++j) {
        vec<16> y[unit::pieces];
        read<AlongB, S::n, unit::n>(block, y, stage_b(stage), warp_column + j * unit::n, p / unit::parts,
                                    p % unit::parts, lane);
#pragma unroll
        for (unsigned i = 0; i < products_m; ++i) unit::multiply(sum[i][j], x[i], y);
      }
    };

    if constexpr (Units::template async_copies<Block::arch>) {
      static_assert(parts % 2 == 0 && S::stages >= 3);
      const auto issue = [&](int number, int stage) {
        if (number < count) {
          from_a.copy(block, stage_a(stage)), from_b.copy(block, stage_b(stage));
          from_a.next(a.stride), from_b.next(b.stride);
        }
        Block::copies_commit();
      };
#pragma unroll 1
      for (int i = 0; i < S::stages - 1; ++i) issue(i, i);
      Block::template copies_wait<S::stages - 2>();
      block.sync();
      lines x[2];  // of this part and of the one after it
      read_a(x[0], 0, 0);
      int stage = 0, last = S::stages - 1;
#pragma unroll 1
      for (int i = 0; i < count; ++i) {
        const int next = stage + 1 == S::stages ? 0 : stage + 1;
#pragma unroll
        for (unsigned p = 0; p < parts; ++p) {
          if (p + 1 == parts) {
            Block::template copies_wait<S::stages - 3>();
            block.sync();  // the next stage is there, and nobody reads the last one any more
            issue(i + S::stages - 1, last);
          }
          read_a(x[(p + 1) % 2], p + 1 == parts ? next : stage, (p + 1) % parts);
          multiply(x[p % 2], stage, p);
        }
        last = stage, stage = next;
      }
      Block::template copies_wait<0>();
    } else {
      vec<16> x[decltype(from_a)::loads], y[decltype(from_b)::loads];
      const auto fetch = [&] {
        from_a.fetch(block, x), from_b.fetch(block, y);
        from_a.next(a.stride), from_b.next(b.stride);
      };
      const auto put = [&](int stage) { from_a.put(block, stage_a(stage), x), from_b.put(block, stage_b(stage), y); };
      fetch();
      put(0);
      block.sync();
#pragma unroll 1
      for (int i = 0; i < count; ++i) {
        if (i + 1 < count) fetch();
#pragma unroll
        for (unsigned p = 0; p < parts; ++p) {
          lines of_a;
          read_a(of_a, i % 2, p);
          multiply(of_a, i % 2, p);
        }
        if (i + 1 < count) put((i + 1) % 2);
        block.sync();
      }
    }
    block.sync();
  }

  /// The pieces of one product's lines that a lane takes to a part of a step.
  template <bool Along, int Lines, unsigned Apart, class Block, int N>
  [[gnu::always_inline]] static WEFT_DEVICE void read(Block, vec<16> (&to)[N], const unsigned char* stage,
                                                      unsigned line0, unsigned step, unsigned part, unsigned lane) {
    using unit = unit_of<Block::arch>;
    const unsigned char* const from = stage + step * (Lines * 64);
    if constexpr (Along) {
#pragma unroll
      for (unsigned i = 0; i < N; ++i) {
        const unsigned line = unit::line_of(lane), piece = unit::piece_of(lane, part, i % unit::pieces);
        to[i] = Block::template load_vector<16>(from + (line0 + i / unit::pieces * Apart + line) * 64 +
                                                ((piece ^ (line / 2 % 4)) << 4));
      }
    } else {
      const unsigned k = unit::row_across(lane);
#pragma unroll
      for (unsigned i = 0; i < N; ++i) {
        const unsigned line = line0 + i * Apart;
        to[i] = unit::load_across(from + line / 64 * 4096 + k * 128 + ((line % 64 / 8 ^ (k % 2 + k / 8 * 2)) << 4));
      }
    }
  }

  /// Rows of products to C: the sums by way of the warp's own piece of shared memory, then alpha, beta, epilogue and
  /// rounding, 16 bytes of a row of C at a time.
  template <class S, class Block, unsigned Products, unsigned Sums>
  [[gnu::always_inline]] WEFT_DEVICE void store(Block block, const matrix<TC>& to,
                                                const sum_type (&sum)[Products][Sums], unsigned char* band, offset row0,
                                                offset column0, unsigned lane) const {
    using unit = typename S::unit;
    constexpr unsigned group = sizeof(TC) == 2 ? 8 : sizeof(TC) <= 4 ? 4 : 2;
    constexpr unsigned across = S::tile.warp_columns / group;
    const int rows = static_cast<int>(to.rows - row0 < int{unit::m} ? to.rows - row0 : int{unit::m});
    const int columns =
        static_cast<int>(to.columns - column0 < S::tile.warp_columns ? to.columns - column0 : S::tile.warp_columns);
#pragma unroll
    for (unsigned j = 0; j < Products; ++j)
#pragma unroll
      for (unsigned e = 0; e < Sums; ++e)
        reinterpret_cast<sum_type*>(band + unit::row_of(lane, e) * S::pitch)[j * unit::n + unit::column_of(lane, e)] =
            sum[j][e];
    block.warp().sync();
#pragma unroll 1
    for (unsigned e = lane; e < unit::m * across; e += Block::width) {
      const auto row = static_cast<int>(e / across), column = static_cast<int>(e % across * group);
      if (row >= rows || column >= columns) continue;
      items<sum_type, group> from;
      load_run<group, Block>(reinterpret_cast<const sum_type*>(band + row * S::pitch), column, true, from.value);
      gemm_tile_writer<Block, TC, Options>{to, options, wide}(row0 + row, column0 + column,
                                                              std::integral_constant<int, group>{}, from.value, 0, 0);
    }
    block.warp().sync();
  }
};

}  // namespace weft::gpu
