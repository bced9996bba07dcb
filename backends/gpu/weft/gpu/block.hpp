// What the threads of a warp or a block do together, shared by the verbs. Nothing here assumes an identity element or a
// commutative operator: lanes without a value are told apart by position, and operands stay in order.
#pragma once

#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// Inclusive scan over the lanes of a warp. Where only the first lanes hold values, `valid` says whether this one does.
template <class Block, class T, class Op>
WEFT_DEVICE T warp_inclusive(Block block, T v, const Op& op, bool valid = true) {
  const auto warp = block.warp();
  const unsigned lane = warp.lane();
#pragma unroll
  for (unsigned d = 1; d < Block::width; d *= 2) {
    const T left = warp.shuffle_up(v, d);
    if (valid && lane >= d) v = static_cast<T>(op(left, v));
  }
  return v;
}

/// The value of the lane d higher, and of a given lane, for what warp words take; larger types add overloads.
template <class Block, class T>
WEFT_DEVICE T lanes_down(Block block, const T& v, unsigned d) {
  return block.warp().shuffle_down(v, d);
}
template <class Block, class T>
WEFT_DEVICE T of_lane(Block block, const T& v, unsigned lane) {
  return block.warp().shuffle(v, lane);
}

/// Fold of lanes last, last - 1, …, 0 in this order: the operand of a higher lane stands to the left. Valid in lane 0.
template <class Block, class T, class Op>
WEFT_DEVICE T warp_fold_back(Block block, T v, unsigned last, const Op& op) {
  const unsigned lane = block.warp().lane();
#pragma unroll
  for (unsigned d = 1; d < Block::width; d *= 2) {
    const T left = lanes_down(block, v, d);
    if (lane + d <= last) v = static_cast<T>(op(left, v));
  }
  return v;
}

/// Sum over lanes; valid in all of them.
template <class Block, class T>
WEFT_DEVICE T warp_sum(Block block, T v) {
#pragma unroll
  for (unsigned d = 1; d < Block::width; d *= 2) v = static_cast<T>(v + block.warp().shuffle_xor(v, d));
  return v;
}

/// Addition, for counts.
struct add_counts {
  template <class T>
  WEFT_DEVICE T operator()(const T& a, const T& b) const {
    return static_cast<T>(a + b);
  }
};

WEFT_HOST_DEVICE constexpr int max_of(int a, int b) { return a < b ? b : a; }
/// a, brought into [low, high].
WEFT_HOST_DEVICE constexpr int clamped(int a, int low, int high) { return a < low ? low : a > high ? high : a; }

/// Elements a thread takes at a time so that its accesses are whole 16-byte vectors for values of `bytes` bytes.
constexpr int run_items(int bytes) {
  int n = 16;
  while (n > 1 && bytes * (n / 2) % 16 == 0) n /= 2;
  return n;
}

/// How a block of `Threads` threads shares out a tile: each warp owns consecutive elements, as `rows` rows of one run
/// of `run` consecutive elements a lane. So a row is loaded by one vector access of the warp, and no exchange is needed
/// to have elements in order. The number of elements of the tile does not depend on the warp width.
template <int Threads, int Run, int Rows>
struct tile_shape {
  static constexpr int run = Run, rows = Rows, thread_items = Run * Rows, items = Threads * thread_items;

  /// Position in the tile of the first element of this thread in `row`.
  template <class Block>
  static WEFT_DEVICE int at(Block block, int row) {
    constexpr int width = Block::width;
    const auto warp = block.warp();
    return static_cast<int>(warp.index()) * width * thread_items + (row * width + static_cast<int>(warp.lane())) * Run;
  }
};

/// The shape for values of `bytes` bytes with about `thread_bytes` of them in the registers of a thread.
template <int Threads, int Bytes, int ThreadBytes>
using tile_of = tile_shape<Threads, run_items(Bytes),
                           (ThreadBytes < Bytes * run_items(Bytes) ? 1 : ThreadBytes / (Bytes * run_items(Bytes)))>;

/// A run of N elements between its load and its use. Elements of one or two bytes stay packed in words; taking them out
/// again costs less than a register each.
template <class T, int N>
struct held_run {
  static constexpr bool packed = sizeof(T) < 4 && N * sizeof(T) % 4 == 0;
  static constexpr int words = packed ? N * sizeof(T) / 4 : 1;
  items<T, packed ? 1 : N> value;
  std::uint32_t word[words];

  WEFT_DEVICE void hold(const items<T, N>& v) {
    if constexpr (packed) {
      std::memcpy(word, v.value, sizeof(word));
    } else {
#pragma unroll
      for (int k = 0; k < N; ++k) value[k] = v[k];
    }
  }
  template <class Block>
  WEFT_DEVICE items<T, N> take(Block block) const {
    items<T, N> v;
    if constexpr (packed) {
      std::uint32_t fresh[words];
#pragma unroll
      for (int k = 0; k < words; ++k) fresh[k] = block.opaque(word[k]);
      std::memcpy(v.value, fresh, sizeof(fresh));
    } else {
#pragma unroll
      for (int k = 0; k < N; ++k) v[k] = value[k];
    }
    return v;
  }
  /// The elements of one word alone.
  static constexpr int word_items = packed ? 4 / static_cast<int>(sizeof(T)) : N;
  template <class Block>
  WEFT_DEVICE items<T, word_items> take_word(Block block, int k) const {
    if constexpr (packed) {
      items<T, word_items> v;
      const std::uint32_t fresh = block.opaque(word[k]);
      std::memcpy(v.value, &fresh, sizeof(fresh));
      return v;
    } else {
      return take(block);
    }
  }
};

/// The same number, of which the compiler does not know what it was compared with before. Many unrolled comparisons
/// that recur are otherwise kept, and with 64 lanes each takes two of the few scalar registers.
template <class Block>
WEFT_DEVICE int compared_anew(Block block, int i) {
  if constexpr (Block::width == 64)
    return static_cast<int>(block.opaque(static_cast<std::uint32_t>(i)));
  else
    return i;
}

/// Loads a run that may reach past the end: of it[i …], `count` elements exist (0 or fewer: none of the run, but then
/// it[i + count - 1] does). In the place of the others stands the last one, a value only to have one.
template <int Run, bool Full, class Block, class It, class T>
WEFT_DEVICE void load_tail_run(const It& it, offset i, int count, bool wide, T* v) {
  if constexpr (Full) {
    load_run<Run, Block>(it, i, wide, v);
  } else {
#pragma unroll
    for (int k = 0; k < Run; ++k) v[k] = static_cast<T>(it[i + (k < count ? k : count - 1)]);
  }
}
/// Loads the rows of a full tile that starts at it[start]: all loads are issued before anything waits for one.
template <class Shape, class Block, class It, class T>
WEFT_DEVICE void load_rows(Block block, const It& it, offset start, bool wide, held_run<T, Shape::run>* held) {
  items<T, Shape::run> x[Shape::rows];
  if (wide) {
#pragma unroll
    for (int r = 0; r < Shape::rows; ++r)
      load_run<Shape::run, Block>(it, start + Shape::at(block, r), true, x[r].value);
  } else {
#pragma unroll
    for (int r = 0; r < Shape::rows; ++r)
      load_run<Shape::run, Block>(it, start + Shape::at(block, r), false, x[r].value);
  }
#pragma unroll
  for (int r = 0; r < Shape::rows; ++r) held[r].hold(x[r]);
}

/// How the warps share out the `valid` elements of a tile that is not full: in rows as well, but each warp takes no
/// more of them than it must, so that a short input keeps all warps busy.
struct tail_share {
  int begin, end;  // of this warp, in the tile
  int full_warps;  // warps of which every element exists
};
template <class Shape, class Block>
WEFT_DEVICE tail_share share_tail(Block block, int valid) {
  const int all = static_cast<int>(block.threads()) * Shape::run, rows = valid > all ? (valid + all - 1) / all : 1;
  const int part = rows * static_cast<int>(Block::width) * Shape::run;
  const int begin = static_cast<int>(block.warp().index()) * part;
  return {begin, clamped(valid, begin, begin + part), valid / part};
}

/// Stores the elements of a run that exist.
template <int Run, class It, class T>
WEFT_DEVICE void store_tail_run(const It& it, offset i, int count, const T* v) {
#pragma unroll
  for (int k = 0; k < Run; ++k)
    if (k < count) it[i + k] = v[k];
}

/// Bit k: element i + k of this thread's run begins a run of equal elements (it is the first, or its predecessor
/// differs). By whole warps, each taking a row; `x` holds the elements, of which `count` exist.
template <int Run, bool Full, class Block, class It, class T, class Equal>
WEFT_DEVICE std::uint32_t heads(Block block, const It& it, offset i, int count, const T* x, const Equal& equal) {
  T previous = block.warp().shuffle_up(x[Run - 1], 1);  // a lane that has elements has full lanes below it
  if (block.warp().lane() == 0 && i > 0 && (Full || count > 0)) previous = static_cast<T>(it[i - 1]);
  std::uint32_t mask = 0;
#pragma unroll
  for (int k = 0; k < Run; ++k)
    if (Full || k < count) {
      const bool head = k > 0 ? !equal(x[k - 1], x[k]) : i == 0 || !equal(previous, x[0]);
      mask |= static_cast<std::uint32_t>(head) << k;
    }
  return mask;
}

/// rank[r] = how many bits of the warp's masks are set before this lane's mask[r], row by row. Returns how many in all.
/// Two rows go through the shuffles at a time: the bits of a row, 64 lanes of 16 at most, are counted in 16 bits.
template <int Rows, class Block>
WEFT_DEVICE int rank_rows(Block block, const std::uint32_t* mask, int* rank) {
  int before = 0;
#pragma unroll
  for (int r = 0; r < Rows; r += 2) {
    const int low = block.popcount(mask[r]), high = r + 1 < Rows ? block.popcount(mask[r + 1 < Rows ? r + 1 : r]) : 0;
    const std::uint32_t mine = static_cast<std::uint32_t>(low) | static_cast<std::uint32_t>(high) << 16;
    const std::uint32_t upto = block.warp().inclusive_sum(mine);
    const std::uint32_t row = block.warp().shuffle(upto, Block::width - 1);
    rank[r] = before + static_cast<int>(upto & 0xffffu) - low;
    before += static_cast<int>(row & 0xffffu);
    if (r + 1 < Rows) rank[r + 1 < Rows ? r + 1 : r] = before + static_cast<int>(upto >> 16) - high;
    before += static_cast<int>(row >> 16);
  }
  return before;
}

/// The sum of counts[w] over the warps before this one, and over all warps; the counts have been made visible.
template <int Threads, class Block>
WEFT_DEVICE int exclusive_of_warps(Block block, const int* counts, int& total) {
  constexpr int width = Block::width, warps = Threads / width;
  const auto warp = block.warp();
  const int lane = static_cast<int>(warp.lane()), mine = lane < warps ? counts[lane] : 0;
  const int upto = static_cast<int>(block.warp().inclusive_sum(static_cast<std::uint32_t>(mine)));
  total = warp.shuffle(upto, warps - 1);
  return warp.shuffle(upto - mine, warp.index());
}

/// The power of two from `bytes` up: what tuning rows are keyed by, so that odd sizes share the next larger one's.
constexpr int size_class(std::size_t bytes) {
  int c = 1;
  while (c < static_cast<int>(bytes)) c *= 2;
  return c;
}

}  // namespace weft::gpu
