// What becomes of the sums of a Hopper matrix product: alpha, beta, the epilogue and rounding in the registers that
// hold them, then by way of shared memory to C with the copy engine (16 rows x 128 bytes a piece, two pieces in flight
// a warp, which waits for no other; what the epilogue reads of memory is read a piece ahead), or straight to C where
// the engine cannot write it, or, where blocks split k, through distributed shared memory, each block folding its share
// of the tile in rank order.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/gemm_sm90_across.hpp>
#include <weft/gpu/mma.hpp>

namespace weft::inline v100::gpu {

template <class Words, class Shape, int ElementBytes, class Sum, class TC, class Options>
struct gemm_sm90_tail {
  using word = std::uint32_t;
  static constexpr bool may_cross = ElementBytes != 2 && Shape::may_cross;
  static constexpr int sums = Shape::n / 2, piece_columns = 128 / static_cast<int>(sizeof(TC));
  static constexpr bool can_stage =
      Shape::split == 1 && (sizeof(TC) == 2 || sizeof(TC) == 4) && Shape::n % piece_columns == 0;
  static constexpr int pieces = can_stage ? Shape::n / piece_columns : 1, buffers = pieces % 2 == 0 ? 2 : 1;
  static constexpr bool by_pieces = can_stage || (Shape::split == 1 && Shape::n % 32 == 0);
  static constexpr bool plain = std::is_same_v<decltype(Options::epilogue), no_epilogue>;

  struct shared {
    unsigned char piece[by_pieces ? Shape::consumers * buffers : 1][by_pieces ? 8192 : 16];
  };

  typename Words::tensor_map c_map;
  matrix<TC> c;
  Options options;
  bool rows_contiguous;  // of C
  bool stored;           // C, or its columns if `down`, can be written by the copy engine
  bool across;           // rows of the product are lines in the order of gemm_sm90_across.hpp
  bool down;             // columns of C are contiguous, and neighbours in one are in one thread
  bool paired;           // two neighbours of a row (column, if `down`) of C may be written at once

  WEFT_DEVICE void prefetch() const {
    if (stored) Words::prefetch(c_map);
  }

  using alpha_type = decltype(Options::alpha);
  using beta_type = decltype(Options::beta);

  using epilogue_type = decltype(Options::epilogue);
  using read_type = decltype(weft::detail::read_of(std::declval<const epilogue_type&>(), 0, 0));
  static constexpr int piece_sums = can_stage ? piece_columns / 2 : 1;
  static constexpr bool reads = can_stage && weft::detail::reads_ahead<epilogue_type>;
  /// What the epilogue reads of memory for a thread's sums of a piece.
  struct piece_read {
    read_type of[reads ? piece_sums : 1];
  };

  /// What a sum becomes at a place inside C, where beta is 0.
  WEFT_DEVICE auto value_of(Sum sum, offset row, offset column, const read_type& read) const {
    using V = weft::detail::scaled_t<Sum, alpha_type>;
    return weft::detail::with_read(options.epilogue, weft::detail::scaled(options.alpha, static_cast<V>(sum)), row,
                                   column, read);
  }
  WEFT_DEVICE auto value_of(Sum sum, offset row, offset column) const {
    return value_of(sum, row, column, weft::detail::read_of(options.epilogue, row, column));
  }

  /// Two neighbours of a row, rounded to 16 bits.
  template <class H, class V>
  static WEFT_DEVICE word pack(V low, V high) {
    if constexpr (mma_kind_of<TC> == mma_kind::f16 || mma_kind_of<TC> == mma_kind::bf16) {
      return H::template pack<mma_kind_of<TC>>(static_cast<float>(low), static_cast<float>(high));
    } else {
      const TC pair[2] = {converted<TC>(low), converted<TC>(high)};
      word w;
      __builtin_memcpy(&w, pair, 4);
      return w;
    }
  }

  /// The line of a warp's row of the product, among the 64 of a warpgroup.
  WEFT_DEVICE int line_of(int warp, int row) const {
    if constexpr (may_cross)
      if (across) return gemm_sm90_across<Words, ElementBytes>::line_of(warp, row);
    return warp * 16 + row;
  }

  /// Whether a warpgroup stores pieces together: those of columns, or where a warp's 16 rows of the product are spread
  /// over 32 lines.
  WEFT_HOST_DEVICE bool together() const { return may_cross && (down || (ElementBytes == 4 && across)); }

  /// Writes two neighbours of a row of C, of a column if `down`, straight to it; those of 4 bytes at once if Wide.
  template <class H, bool Wide>
  WEFT_DEVICE void put(H, Sum s0, Sum s1, int row, int column) const {
    if (row >= c.rows || column >= c.columns) return;
    const int below = may_cross && down ? 1 : 0, right = 1 - below;
    TC* const to = &c(row, column);
    TC pair[2] = {weft::detail::finished(options, s0, to, row, column)};
    if (row + below < c.rows && column + right < c.columns) {
      TC* const next = &c(row + below, column + right);
      pair[1] = weft::detail::finished(options, s1, next, row + below, column + right);
      if constexpr (sizeof(TC) == 2 || (Wide && sizeof(TC) == 4))
        if (paired) {
          using both = std::conditional_t<sizeof(TC) == 2, word, std::uint64_t>;
          both w;
          __builtin_memcpy(&w, pair, sizeof(w));
          *reinterpret_cast<both*>(to) = w;
          return;
        }
      *next = pair[1];
    }
    *to = pair[0];
  }
  /// Writes sums of two columns of two rows, `row` and the one 8 below it in the product.
  template <class H, bool Wide = false>
  WEFT_DEVICE void put_four(H, const Sum* s, int top, int warp, int row, int column) const {
    const bool turned = may_cross && down;
    const int upper = top + line_of(warp, row), lower = top + line_of(warp, row + 8);
    put<H, Wide>(H{}, s[0], turned ? s[2] : s[1], upper, column);
    put<H, Wide>(H{}, turned ? s[1] : s[2], s[3], turned ? upper : lower, turned ? column + 1 : column);
  }

  /// Whether a warpgroup's sums of a tile go to C by way of shared memory. An epilogue is called inside C only; beta
  /// reads C where the sums are.
  WEFT_DEVICE bool staged(int top, int column0) const {
    return can_stage && options.beta == beta_type(0) &&
           (plain || (top + 64 <= c.rows && column0 + Shape::n <= c.columns));
  }

  /// A warpgroup's 64 x N sums of the tile at (row0, column0) to C. `ahead` is what read_ahead read.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void store(H, Sum (&d)[sums], int row0, int column0, unsigned consumer,
                                                unsigned thread, shared& s, piece_read& ahead) const {
    const int lane = static_cast<int>(thread % 32), warp = static_cast<int>(thread / 32);
    const int top = row0 + static_cast<int>(consumer) * 64;
    if constexpr (can_stage)
      if (staged(top, column0)) {
        if (rows_contiguous) return store_pieces<H>(d, top, column0, consumer, thread, s, ahead);
        if constexpr (may_cross && Shape::n % 64 == 0)
          if (down && stored) return store_down<H>(d, top, column0, consumer, thread, s);
      }
    if constexpr (Shape::split == 1 && Shape::n % 32 == 0) {
      store_sums<H>(d, top, column0, consumer, thread, s);
    } else {
#pragma unroll
      for (int j = 0; j < sums; j += 4) put_four(H{}, d + j, top, warp, lane / 4, column0 + 2 * j + 2 * (lane % 4));
    }
  }

  /// The same an element at a time, of any C: a warp's sums of 32 columns pass through shared memory, so that one short
  /// loop finishes them, consecutive lanes at neighbours in memory. That is a third of the code that finishing them in
  /// their registers takes.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void store_sums(const Sum (&d)[sums], int top, int column0, unsigned consumer,
                                                     unsigned thread, shared& s) const {
    const int lane = static_cast<int>(thread % 32), warp = static_cast<int>(thread / 32);
    const unsigned char* const piece = s.piece[consumer * buffers] + warp * 2048;  // [16 rows][128 bytes]
    const word memory = H::address_of(piece);
    // The copy engine has read the last tile's piece.
    if (thread == 0 || lane == 0) H::template store_wait_read<0>();
    meet<H>(consumer);
#pragma unroll
    for (int p = 0; p < Shape::n / 32; ++p) {
#pragma unroll
      for (int j = 0; j < 16; j += 2) {
        const int row = lane / 4 + 8 * (j / 2 % 2), unit = 2 * (j / 4) + lane % 4 / 2;
        H::store_shared(memory + static_cast<word>(row * 128 + ((unit ^ (row % 8)) << 4) + lane % 2 * 8),
                        H::bits(d[16 * p + j]), H::bits(d[16 * p + j + 1]));
      }
      H::sync_warp();
#pragma unroll 1
      for (int i = 0; i < 16; ++i) {
        const int row = rows_contiguous ? i : lane % 16, x = rows_contiguous ? lane : 2 * i + lane / 16;
        const Sum sum = *reinterpret_cast<const Sum*>(piece + row * 128 + ((x / 4 ^ (row % 8)) << 4) + x % 4 * 4);
        const offset line = top + line_of(warp, row), column = column0 + 32 * p + x;
        if (line < c.rows && column < c.columns) {
          TC* const to = &c(line, column);
          *to = weft::detail::finished(options, sum, to, line, column);
        }
      }
      H::sync_warp();
    }
  }

  /// Where a thread's sums are: lines of the 64, rows and the first column of C.
  struct places {
    int lines[2];
    offset rows[2], column;
    static constexpr WEFT_DEVICE int right(int j) { return 8 * (j / 4) + j % 2; }  // of sum j
  };
  WEFT_DEVICE places places_of(int top, int column0, unsigned thread) const {
    const int lane = static_cast<int>(thread % 32), warp = static_cast<int>(thread / 32);
    const int upper = line_of(warp, lane / 4), lower = line_of(warp, lane / 4 + 8);
    return {{upper, lower}, {top + upper, top + lower}, column0 + 2 * (lane % 4)};
  }
  [[gnu::always_inline]] WEFT_DEVICE void read_piece(piece_read& ahead, const places& at, int p) const {
    if constexpr (reads) {
#pragma unroll
      for (int j = 0; j < piece_sums; ++j)
        ahead.of[j] =
            weft::detail::read_of(options.epilogue, at.rows[j / 2 % 2], at.column + places::right(p * piece_sums + j));
    }
  }
  /// Reads what the epilogue wants for the first piece of a tile, while the last products run.
  [[gnu::always_inline]] WEFT_DEVICE void read_ahead(piece_read& ahead, int row0, int column0, unsigned consumer,
                                                     unsigned thread) const {
    const int top = row0 + static_cast<int>(consumer) * 64;
    if constexpr (reads)
      if (staged(top, column0) && rows_contiguous) read_piece(ahead, places_of(top, column0, thread), 0);
  }

  /// The same by way of shared memory, a piece of a warp's 16 rows x 128 bytes at a time.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void store_pieces(Sum (&d)[sums], int top, int column0, unsigned consumer,
                                                       unsigned thread, shared& s, piece_read& ahead) const {
    const int lane = static_cast<int>(thread % 32), warp = static_cast<int>(thread / 32);
    const places at = places_of(top, column0, thread);
    const word memory = H::address_of(s.piece[consumer * buffers]);
    const bool sends = together() ? thread == 0 : lane == 0;
#pragma unroll
    for (int p = 0; p < pieces; ++p) {
      const word to = memory + p % buffers * 8192;
      const piece_read read = ahead;
      if (p + 1 < pieces) read_piece(ahead, at, p + 1);
      const auto value = [&](int j) {  // sum j of the piece
        return value_of(d[p * piece_sums + j], at.rows[j / 2 % 2], at.column + places::right(p * piece_sums + j),
                        read.of[reads ? j : 0]);
      };
      word w[piece_columns * sizeof(TC) / 8];
#pragma unroll
      for (int j = 0; j < piece_sums; j += 2) {
        if constexpr (sizeof(TC) == 2) {
          w[j / 2] = pack<H>(value(j), value(j + 1));
        } else {
          const TC pair[2] = {converted<TC>(value(j)), converted<TC>(value(j + 1))};
          __builtin_memcpy(w + j, pair, 8);
        }
      }
      // The piece that was in this buffer has been read: that of two rounds ago, or the last one of all.
      if (sends) H::template store_wait_read<buffers - 1>();
      meet<H>(consumer);
      if constexpr (sizeof(TC) == 2) {
        // Lanes 0-7 name the rows of the upper left 8 x 8, 8-15 lower left, 16-23 upper right, 24-31 lower right.
        const int line = line_of(warp, lane % 16);
#pragma unroll
        for (int q = 0; q < piece_columns / 16; ++q)
          H::store_matrices(to + line * 128 + (((2 * q + lane / 16) ^ (line % 8)) << 4), w[4 * q], w[4 * q + 1],
                            w[4 * q + 2], w[4 * q + 3]);
      } else {
#pragma unroll
        for (int j = 0; j < piece_sums; j += 2) {
          const int line = at.lines[j / 2 % 2], unit = 2 * (j / 4) + lane % 4 / 2;
          H::store_shared(to + line * 128 + ((unit ^ (line % 8)) << 4) + lane % 2 * 8, w[j], w[j + 1]);
        }
      }
      H::fence_async();
      meet<H>(consumer);
      if (!stored) {
        copy_piece(s.piece[consumer * buffers + p % buffers], top, column0 + p * piece_columns, thread);
      } else if (sends) {
        const int first = together() ? 0 : warp * 16;
        H::store(c_map, to + static_cast<word>(first * 128), column0 + p * piece_columns, top + first);
        H::store_commit();
      }
    }
  }
  /// Those who write a piece together wait for one another.
  template <class H>
  WEFT_DEVICE void meet(unsigned consumer) const {
    if (together())
      H::sync(1 + static_cast<int>(consumer), 128);
    else
      H::sync_warp();
  }

  /// The same where columns of C are contiguous: 64 of them at a time, of the warpgroup's 64 lines.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void store_down(Sum (&d)[sums], int top, int column0, unsigned consumer,
                                                     unsigned thread, shared& s) const {
    constexpr int halves = 64 / piece_columns;  // pieces side by side
    static_assert(halves <= buffers);
    const int lane = static_cast<int>(thread % 32), line = line_of(static_cast<int>(thread / 32), lane / 4);
    const int byte = line % piece_columns * static_cast<int>(sizeof(TC));
    const word memory = H::address_of(s.piece[consumer * buffers]);
    const word to = memory + static_cast<word>(line / piece_columns * 8192 + byte % 16);
#pragma unroll
    for (int p = 0; p < Shape::n / 64; ++p) {
      if (thread == 0) H::template store_wait_read<0>();
      H::sync(1 + static_cast<int>(consumer), 128);
#pragma unroll
      for (int q = 0; q < 8; ++q)
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          const int at = 32 * p + 4 * q + e, row = 8 * q + 2 * (lane % 4) + e, column = column0 + 64 * p + row;
          const auto upper = value_of(d[at], top + line, column), lower = value_of(d[at + 2], top + line + 1, column);
          const word place = to + static_cast<word>(row * 128 + ((byte / 16 ^ (row % 8)) << 4));
          if constexpr (sizeof(TC) == 2) {
            H::store_shared(place, pack<H>(upper, lower));
          } else {
            const TC pair[2] = {converted<TC>(upper), converted<TC>(lower)};
            word w[2];
            __builtin_memcpy(w, pair, 8);
            H::store_shared(place, w[0], w[1]);
          }
        }
      H::fence_async();
      H::sync(1 + static_cast<int>(consumer), 128);
      if (thread == 0) {
#pragma unroll
        for (int h = 0; h < halves; ++h)
          H::store(c_map, memory + static_cast<word>(h * 8192), top + h * piece_columns, column0 + 64 * p);
        H::store_commit();
      }
    }
  }

  /// A piece to rows of C on which the copy engine cannot write, consecutive lanes side by side.
  WEFT_DEVICE void copy_piece(const unsigned char* piece, int row0, int column0, unsigned thread) const {
    const int lane = static_cast<int>(thread % 32), first = static_cast<int>(thread / 32) * 16;
#pragma unroll 4
    for (int line = first; line < first + 16; ++line)
#pragma unroll
      for (int x = lane; x < piece_columns; x += 32) {
        const int byte = x * static_cast<int>(sizeof(TC));
        const auto value = *reinterpret_cast<const TC*>(piece + line * 128 + ((byte / 16 ^ line % 8) << 4) + byte % 16);
        if (row0 + line < c.rows && column0 + x < c.columns) (&c(row0 + line, column0))[x] = value;
      }
  }

  /// Before the block ends: its stores have left shared memory.
  template <class H>
  WEFT_DEVICE void drain(H, unsigned thread) const {
    if (stored && thread % 32 == 0) H::template store_wait_read<0>();
  }

  // Split k ----------------------------------------------------------------------------------------------------------

  static constexpr int threads = 128 * Shape::consumers;

  /// Leaves the sums in shared memory (the ring, which is empty by then), four of a thread side by side.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE void put_sums(H, Sum (&d)[sums], word memory, unsigned thread) const {
    H::sync(1, threads);  // no consumer reads the ring any more
#pragma unroll
    for (int q = 0; q < sums / 4; ++q) {
      H::store_shared(memory + (q * threads + thread) * 16, H::bits(d[4 * q]), H::bits(d[4 * q + 1]),
                      H::bits(d[4 * q + 2]), H::bits(d[4 * q + 3]));
    }
  }
  /// Folds this block's share of the tile over the cluster in rank order and writes it to C.
  template <class H>
  WEFT_DEVICE void fold(H, word memory, int row0, int column0, unsigned rank, unsigned thread) const {
    constexpr unsigned share = sums / 4 * threads / Shape::split;
    for (unsigned i = rank * share + thread; i < (rank + 1) * share; i += threads) {
      Sum sum[4];
      const auto mine = H::load_remote(memory + i * 16, 0);
      __builtin_memcpy(sum, &mine, 16);
#pragma unroll
      for (unsigned r = 1; r < Shape::split; ++r) {
        Sum other[4];
        const auto theirs = H::load_remote(memory + i * 16, r);
        __builtin_memcpy(other, &theirs, 16);
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[j] += other[j];
      }
      const int owner = static_cast<int>(i % threads), q = static_cast<int>(i / threads);
      put_four<H, true>(H{}, sum, row0 + owner / 128 * 64, owner / 32 % 4, owner % 32 / 4,
                        column0 + 8 * q + 2 * (owner % 4));
    }
  }
};

}  // namespace weft::gpu
