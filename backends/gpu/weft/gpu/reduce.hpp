// Reduction in the fixed shape (README, "The reduction shape"): the order of operations depends on the length and on
// sizeof(T) alone. One launch, every element read once. Two kernels give the same bits: in a large input a warp owns a
// chunk of 4,096 elements, keeps its columns in registers and folds them with shuffles, without a barrier; in a small
// one a whole block shares a chunk, so that all of its loads are in flight at once. Blocks announce themselves once,
// when their chunks are done (a counter bumped for each chunk would be the bottleneck: 7 ns each); the last to arrive
// folds the chunk results by the same rule, level by level. Results are taken by index, never by arrival.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/block.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/state.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// The numbers of the shape for accumulators of type T.
template <class T>
struct reduction_shape {
  static constexpr int chunk = 4096;
  static constexpr int lanes = 256;  // virtual lanes
  static constexpr int slots = sizeof(T) == 1 ? 16 : sizeof(T) == 2 ? 8 : sizeof(T) <= 4 ? 4 : sizeof(T) <= 8 ? 2 : 1;
  static constexpr int columns = lanes * slots;
  static constexpr int rows = chunk / columns;
};

/// A block whose vector loads say that the data is not needed again (3 % at 64 MB on an H100).
template <class Block>
struct read_once : Block {
  template <int N>
  static WEFT_DEVICE vec<N> load_vector(const void* p) {
    return Block::template load_stream<N>(p);
  }
};

/// Folds values by halves: the upper half onto the lower, until one is left. Of them, `exist` are there.
template <int N, class T, class Op>
WEFT_DEVICE T fold_halves(items<T, N>& v, const Op& op, int exist = N) {
#pragma unroll
  for (int half = N / 2; half > 0; half /= 2)
#pragma unroll
    for (int i = 0; i < half; ++i)
      if (i + half < exist) v[i] = op(v[i], v[i + half]);
  return v[0];
}

/// Folds the columns of a row of virtual lanes further, by one warp: v[s] of lane l is column (l, s) with virtual-lane
/// bits from 32 up folded already. Of the columns, `mine` exist from this lane's first on. Valid in lane 0.
template <bool Full, class Block, class T, class Op>
WEFT_DEVICE T fold_lanes(Block block, items<T, reduction_shape<T>::slots>& v, int mine, const Op& op) {
  constexpr int S = reduction_shape<T>::slots;
  const int lane = static_cast<int>(block.warp().lane());
  v[0] = fold_halves<S>(v, op, Full ? S : mine);
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    const T other = block.warp().shuffle_down(v[0], d);
    if (lane < d && (Full || d * S < mine)) v[0] = op(v[0], other);
  }
  return v[0];
}

/// The rows of G virtual lanes of this thread, numbers `first`, `first` + all / G, …, folded; depth first, so that
/// registers hold loads in flight rather than accumulators. `at` is this lane's first element of the chunk.
template <int G, bool Wide, class Block, class T, class In, class Op>
WEFT_DEVICE items<T, reduction_shape<T>::slots> fold_rows(const In& at, int first, const Op& op) {
  using shape = reduction_shape<T>;
  constexpr int S = shape::slots, all = shape::lanes / Block::width;
  items<T, S> v;
  if constexpr (G == 1) {
    const int lane_item = static_cast<int>(Block::width) * first * S;
    load_run<S, read_once<Block>>(at, lane_item, Wide, v.value);
#pragma unroll
    for (int r = 1; r < shape::rows; ++r) {
      items<T, S> row;
      load_run<S, read_once<Block>>(at, r * shape::columns + lane_item, Wide, row.value);
#pragma unroll
      for (int s = 0; s < S; ++s) v[s] = op(v[s], row[s]);
    }
  } else {
    constexpr int apart = all / G;  // leaves lie apart at the deepest level: bit 128 is folded first
    v = fold_rows<G / 2, Wide, Block, T>(at, first, op);
    if constexpr (G * S * shape::rows * sizeof(T) > 512) Block::part_schedule();  // or loads fill every register
    const items<T, S> w = fold_rows<G / 2, Wide, Block, T>(at, first + apart, op);
#pragma unroll
    for (int s = 0; s < S; ++s) v[s] = op(v[s], w[s]);
  }
  return v;
}

/// Folds the chunk that starts at in[base], all of it there, by one warp. Valid in lane 0.
template <bool Wide, class Block, class T, class In, class Op>
WEFT_DEVICE T fold_by_warp(Block block, const In& in, offset base, const Op& op) {
  using shape = reduction_shape<T>;
  constexpr int S = shape::slots, W = Block::width, G = shape::lanes / W;
  const In at = in + (base + static_cast<int>(block.warp().lane()) * S);  // every access is one address and a constant
  items<T, S> v;
  if constexpr (shape::rows == 1) {  // one byte: packed in words until their slots' turn
    using held_type = held_run<T, S>;
    held_type held[G];
#pragma unroll
    for (int g = 0; g < G; ++g) {
      items<T, S> row;
      load_run<S, read_once<Block>>(at, W * g * S, Wide, row.value);
      held[g].hold(row);
    }
#pragma unroll
    for (int k = 0; k < held_type::words; ++k) {
      items<T, held_type::word_items> part[G];
#pragma unroll
      for (int g = 0; g < G; ++g) part[g] = held[g].take_word(block, k);
#pragma unroll
      for (int s = 0; s < held_type::word_items; ++s) {
        items<T, G> column;
#pragma unroll
        for (int g = 0; g < G; ++g) column[g] = part[g][s];
        v[k * held_type::word_items + s] = fold_halves<G>(column, op);
      }
    }
  } else {
    v = fold_rows<G, Wide, Block, T>(at, 0, op);
  }
  if constexpr (W == 64) {  // bit 32 of the virtual lane is a lane's
#pragma unroll
    for (int s = 0; s < S; ++s) {
      const T other = block.warp().shuffle_down(v[s], 32);
      if (block.warp().lane() < 32) v[s] = op(v[s], other);
    }
  }
  return fold_lanes<true>(block, v, 0, op);
}

/// Folds the first m elements (1 <= m <= 4,096) of the chunk that starts at in[base], by the whole block: a thread
/// takes a virtual lane, all of its loads in flight; one warp folds what the others leave in `table`. Valid in thread
/// 0. Two barriers.
template <class Block, class T, class In, class Op>
WEFT_DEVICE T fold_by_block(Block block, items<T, 256 * reduction_shape<T>::slots>& table, const In& in, offset base,
                            int m, bool wide, const Op& op) {
  using shape = reduction_shape<T>;
  constexpr int S = shape::slots, together = shape::rows * S * static_cast<int>(sizeof(T)) <= 256 ? shape::rows : 1;
  const int t = static_cast<int>(block.thread()), mine = m - t * S;
  block.sync();  // the table may still be read
  if (t < shape::lanes && mine > 0) {
    const In at = in + (base + t * S);
    items<T, S> v;
    if (m == shape::chunk) {
      items<T, S> row[together];
#pragma unroll 1
      for (int first = 0; first < shape::rows; first += together) {
#pragma unroll
        for (int r = 0; r < together; ++r)
          load_run<S, read_once<Block>>(at, static_cast<offset>(first + r) * shape::columns, wide, row[r].value);
#pragma unroll
        for (int r = 0; r < together; ++r)
#pragma unroll
          for (int s = 0; s < S; ++s) v[s] = first + r == 0 ? row[r][s] : op(v[s], row[r][s]);
      }
    } else {
#pragma unroll 1
      for (int begin = 0; begin < mine; begin += shape::columns)
#pragma unroll
        for (int s = 0; s < S; ++s)
          if (begin + s < mine) {
            const T x = static_cast<T>(at[begin + s]);
            v[s] = begin == 0 ? x : op(v[s], x);
          }
    }
#pragma unroll
    for (int s = 0; s < S; ++s)
      if (s < mine) table[t * S + s] = v[s];
  }
  block.sync();
  T total = table[0];
  if (t < static_cast<int>(Block::width)) {
    const int lane = t < 32 ? t : 0, here = m - lane * S;
    items<T, S> v;
#pragma unroll
    for (int slot = 0; slot < S; ++slot) {
      items<T, 8> column;  // virtual lanes lane, lane + 32, …
#pragma unroll
      for (int g = 0; g < 8; ++g)
        if (32 * g * S + slot < here) column[g] = table[(lane + 32 * g) * S + slot];
      v[slot] = fold_halves<8>(column, op, (here - slot + 32 * S - 1) / (32 * S));
    }
    total = fold_lanes<false>(block, v, here, op);
  }
  return total;
}

/// The ordered variant: virtual lane v folds elements [16 v, 16 v + 16) left to right, then neighbours by strides 1 …
/// 128.
template <class Block, class T, class In, class Op>
WEFT_DEVICE T fold_ordered(Block block, const In& in, offset base, int m, bool wide, const Op& op) {
  constexpr int W = Block::width, G = 256 / W, run = 16;
  const int lane = static_cast<int>(block.warp().lane());
  items<T, G> acc;
#pragma unroll
  for (int g = 0; g < G; ++g) {
    const int first = (lane + W * g) * run;
    if (first + run <= m) {
      items<T, run> x;
      load_run<run, Block>(in, base + first, wide, x.value);
      acc[g] = x[0];
#pragma unroll
      for (int k = 1; k < run; ++k) acc[g] = op(acc[g], x[k]);
    } else if (first < m) {
      acc[g] = static_cast<T>(in[base + first]);
      for (int k = first + 1; k < m; ++k) acc[g] = op(acc[g], static_cast<T>(in[base + k]));
    }
  }
#pragma unroll
  for (int d = 1; d < W; d *= 2)
#pragma unroll
    for (int g = 0; g < G; ++g) {
      const T right = block.warp().shuffle_down(acc[g], d);
      if (lane % (2 * d) == 0 && (lane + d + W * g) * run < m) acc[g] = op(acc[g], right);
    }
#pragma unroll
  for (int d = 1; d < G; d *= 2)
#pragma unroll
    for (int g = 0; g + d < G; g += 2 * d)
      if (lane == 0 && W * (g + d) * run < m) acc[g] = op(acc[g], acc[g + d]);
  return acc[0];
}

template <class T, class In, class Out, class Init, class Op>
struct reduce_kernel {
  static constexpr int chunk = reduction_shape<T>::chunk;
  template <arch A>
  static constexpr int block_threads = sizeof(T) > 16 ? 256 : 512;
  /// One block fills a multiprocessor: its threads may have 128 registers, most of them for loads in flight.
  template <arch A>
  static constexpr int block_residency = 1;
  template <arch A>
  struct shared {
    items<T, 256 * reduction_shape<T>::slots> table;
    bool last;
  };

  In in;
  Out out;
  offset n;
  Init init;
  Op op;
  bool wide;
  T* partials;              // chunk results of all levels, one level behind the other
  std::uint32_t* arrivals;  // blocks that are done; left zero

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    T* results = partials;
    items<T, 1> total = fold_level(block, s, in, n, wide, block.index(), block.blocks(), results);
    if (block.blocks() > 1) {
      block.sync();
      if (block.thread() == 0) s.last = block.fetch_add_acq_rel(arrivals, 1u) == block.blocks() - 1;
      block.sync();
      if (!s.last) return;
      if (block.thread() == 0) block.store_relaxed(arrivals, 0u);
    }
    for (offset count = chunks_of(n); count > 1; count = chunks_of(count)) {
      const T* level = results;
      results += (count + 15) / 16 * 16;
      block.sync();
      total = fold_level(block, s, level, count, vector_aligned(level), 0, 1, results);
    }
    if (block.thread() == 0) {
      if constexpr (is_none<Init>)
        *out = total[0];
      else
        *out = op(static_cast<T>(init), total[0]);
    }
  }

  static WEFT_HOST_DEVICE constexpr offset chunks_of(offset count) { return (count + chunk - 1) / chunk; }

  /// Folds chunks of from[0 … count), this block being number `mine` of `blocks`. Result number i goes to results[i];
  /// the last of this block, to thread 0 too.
  template <class Block, class From>
  WEFT_DEVICE items<T, 1> fold_level(Block block, shared<Block::arch>& s, const From& from, offset count, bool vectors,
                                     offset mine, offset blocks, T* results) const {
    constexpr int warps = block_threads<Block::arch> / Block::width;
    constexpr bool ordered = is_ordered<Op>;
    const offset chunks = chunks_of(count), left = count - (chunks - 1) * chunk;  // in the last chunk
    items<T, 1> total;
    const offset step = blocks * warps;
    offset by_warps = chunks;
    if constexpr (!ordered) {
      // Blocks take the chunk that is not full, and what would be a last round of few warps: there latency counts.
      by_warps = left == chunk ? chunks : chunks - 1;
      if (by_warps % step <= blocks) by_warps -= by_warps % step;
    }
    for (offset c = static_cast<offset>(block.warp().index()) * blocks + mine; c < by_warps; c += step) {
      if constexpr (ordered)
        total[0] = fold_ordered<Block, T>(block, from, c * chunk, c == chunks - 1 ? static_cast<int>(left) : chunk,
                                          vectors, op);
      else
        total[0] = vectors ? fold_by_warp<true, Block, T>(block, from, c * chunk, op)
                           : fold_by_warp<false, Block, T>(block, from, c * chunk, op);
      if (chunks > 1 && block.warp().lane() == 0) results[c] = total[0];
    }
    for (offset c = by_warps + mine; c < chunks; c += blocks) {
      const int m = c == chunks - 1 ? static_cast<int>(left) : chunk;
      total[0] = fold_by_block<Block, T>(block, s.table, from, c * chunk, m, vectors, op);
      if (chunks > 1 && block.thread() == 0) results[c] = total[0];
    }
    return total;
  }
};

/// *out = init, for an empty input.
template <class Out, class Init>
struct assign_kernel {
  template <arch A>
  static constexpr int block_threads = 64;
  template <arch A>
  struct shared {};
  Out out;
  Init value;
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    if (block.thread() == 0) *out = value;
  }
};

template <class P, class In, class Out, class Init, class Op>
void reduce_into(const P& policy, In in, offset n, Out out, Init init, Op op) {
  using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  on_arch(policy, [&]<arch A>() {
    if (n == 0) {
      if constexpr (!is_none<Init>) launch<A>(policy, 1, assign_kernel<Out, Init>{out, init});
      return;
    }
    using kernel = reduce_kernel<T, In, Out, Init, Op>;
    const offset chunks = kernel::chunks_of(n);
    offset results = 0;
    for (offset count = chunks; count > 1; count = kernel::chunks_of(count)) results += ceil_div(count, 16) * 16;
    temporary<T> partials(policy, results);
    arrival_counters arrivals(policy, chunks > 1 ? 1 : 0);
    const offset most = resident_blocks<A, kernel>(policy);
    launch<A>(policy, chunks < most ? chunks : most,
              kernel{in, out, n, init, op, vector_aligned(in), partials.data(), arrivals.data()});
  });
}

}  // namespace weft::gpu
