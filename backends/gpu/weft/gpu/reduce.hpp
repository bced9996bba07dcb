// Reduction in the fixed shape (README, "The reduction shape"): the order of operations depends on the length and on
// sizeof(T) alone. One launch, every element read once, no barrier: a warp owns a chunk of 4,096 elements, keeps its
// columns in registers and folds them with shuffles; the warp that completes a group of 4,096 chunk results (found by
// counting arrivals) folds that group by the same code, and so on up. Results are taken by index, never by arrival.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/state.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::gpu {

/// The numbers of the shape for accumulators of type T.
template <class T>
struct reduction_shape {
  static constexpr int chunk = 4096;
  static constexpr int lanes = 256;  // virtual lanes
  static constexpr int slots = sizeof(T) == 1 ? 16 : sizeof(T) == 2 ? 8 : sizeof(T) <= 4 ? 4 : sizeof(T) <= 8 ? 2 : 1;
  static constexpr int columns = lanes * slots;
  static constexpr int rows = chunk / columns;
};

/// The rows of a whole chunk that may be read by vectors, and the fold of the virtual-lane bits inside a thread: 128
/// and 64, and 32 on narrow warps. A row's loads (4 KB a warp) are all issued before its first use; rows are not
/// unrolled, because registers buy more here as further resident warps.
template <class Block, class T, class In, class Op>
WEFT_DEVICE items<T, reduction_shape<T>::slots> fold_rows(const In& at, const Op& op) {
  using shape = reduction_shape<T>;
  constexpr int S = shape::slots, W = Block::width, G = shape::lanes / W;
  items<T, G * S> acc;  // acc[g * S + s] is column (lane + W * g, s)
#pragma unroll
  for (int g = 0; g < G; ++g) load_run<S, Block>(at, W * g * S, true, acc.value + g * S);
#pragma unroll 1
  for (int r = 1; r < shape::rows; ++r) {
    const In below = at + static_cast<offset>(r) * shape::columns;
    items<T, G * S> row;
#pragma unroll
    for (int g = 0; g < G; ++g) load_run<S, Block>(below, W * g * S, true, row.value + g * S);
#pragma unroll
    for (int c = 0; c < G * S; ++c) acc[c] = op(acc[c], row[c]);
  }
  items<T, S> folded;
#pragma unroll
  for (int half = G / 2; half > 0; half /= 2)
#pragma unroll
    for (int c = 0; c < half * S; ++c) acc[c] = op(acc[c], acc[half * S + c]);
#pragma unroll
  for (int s = 0; s < S; ++s) folded[s] = acc[s];
  return folded;
}

/// The same for a chunk of which only `mine` elements follow this thread's first, or that may not be read by vectors:
/// one virtual lane after the other, depth first, so that few registers are live.
template <int G, class Block, class T, class In, class Op>
WEFT_DEVICE items<T, reduction_shape<T>::slots> fold_some_rows(const In& at, int g, int mine, const Op& op) {
  using shape = reduction_shape<T>;
  constexpr int S = shape::slots, W = Block::width, all = shape::lanes / W;
  items<T, S> v;
  if constexpr (G == 1) {
    In row = at + W * g * S;
    int left = mine - W * g * S;
#pragma unroll
    for (int s = 0; s < S; ++s)
      if (s < left) v[s] = static_cast<T>(row[s]);
#pragma unroll 1
    for (left -= shape::columns, row += shape::columns; left > 0; left -= shape::columns, row += shape::columns)
#pragma unroll
      for (int s = 0; s < S; ++s)
        if (s < left) v[s] = op(v[s], static_cast<T>(row[s]));
  } else {
    constexpr int half = all / G;  // leaves lie half apart at the deepest level: bit 128 is folded first
    v = fold_some_rows<G / 2, Block, T>(at, g, mine, op);
    const items<T, S> w = fold_some_rows<G / 2, Block, T>(at, g + half, mine, op);
#pragma unroll
    for (int s = 0; s < S; ++s)
      if (W * (g + half) * S + s < mine) v[s] = op(v[s], w[s]);
  }
  return v;
}

/// Folds elements [base, base + m) of `in`, one chunk, m >= 1. The result is valid in lane 0.
template <bool Full, class Block, class T, class In, class Op>
WEFT_DEVICE T fold_columns(Block block, const In& in, offset base, int m, const Op& op) {
  using shape = reduction_shape<T>;
  constexpr int S = shape::slots, W = Block::width;
  const int lane = static_cast<int>(block.warp().lane()), mine = m - lane * S;
  const In at = in + (base + lane * S);  // so that every access is one address and a constant
  items<T, S> v;
  if constexpr (Full)
    v = fold_rows<Block, T>(at, op);
  else
    v = fold_some_rows<shape::lanes / W, Block, T>(at, 0, mine, op);

  // Across the warp: bit 32 on wide warps, then the slots, then bits 16 … 1.
  auto fold_lanes = [&](int d, int s) {
    const T other = block.warp().shuffle_down(v[s], d);
    if (lane < d && (Full || d * S + s < mine)) v[s] = op(v[s], other);
  };
  if constexpr (W == 64) {
#pragma unroll
    for (int s = 0; s < S; ++s) fold_lanes(32, s);
  }
#pragma unroll
  for (int half = S / 2; half > 0; half /= 2)
#pragma unroll
    for (int s = 0; s < half; ++s)
      if (lane < 32 && (Full || s + half < mine)) v[s] = op(v[s], v[s + half]);
#pragma unroll
  for (int d = 16; d > 0; d /= 2) fold_lanes(d, 0);
  return v[0];
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

template <class Block, class T, class In, class Op>
WEFT_DEVICE T fold_chunk(Block block, const In& in, offset base, int m, bool wide, const Op& op) {
  if constexpr (is_ordered<Op>)
    return fold_ordered<Block, T>(block, in, base, m, wide, op);
  else if (wide && m == reduction_shape<T>::chunk)
    return fold_columns<true, Block, T>(block, in, base, m, op);
  else
    return fold_columns<false, Block, T>(block, in, base, m, op);
}

template <class T, class In, class Out, class Init, class Op>
struct reduce_kernel {
  static constexpr int chunk = reduction_shape<T>::chunk;
  static constexpr int levels = 5;  // 4096^5 elements
  template <arch A>
  static constexpr int block_threads = 256;
  template <arch A>
  struct shared {};

  In in;
  Out out;
  offset n;
  Init init;
  Op op;
  bool wide;
  T* partials;              // chunk results of all levels, one level behind the other
  std::uint32_t* arrivals;  // one counter per group of 4,096 results, likewise; left zero

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    constexpr int warps = block_threads<Block::arch> / Block::width;
    const offset chunks = (n + chunk - 1) / chunk, stride = static_cast<offset>(block.blocks()) * warps;
    // Neighbouring chunks go to different blocks, so that a small input spreads over the device.
    for (offset c = static_cast<offset>(block.warp().index()) * block.blocks() + block.index(); c < chunks;
         c += stride) {
      const offset left = n - c * chunk;
      const T total =
          fold_chunk<Block, T>(block, in, c * chunk, left < chunk ? static_cast<int>(left) : chunk, wide, op);
      deliver(block, c, chunks, total);
    }
  }

  /// Stores result number `i` of `count` (valid in lane 0); whoever completes a group folds it, one level up each time.
  template <class Block>
  WEFT_DEVICE void deliver(Block block, offset i, offset count, T total) const {
    auto warp = block.warp();
    T* level = partials;
    std::uint32_t* arrived = arrivals;
    while (count > 1) {
      const offset group = i / chunk, groups = (count + chunk - 1) / chunk, left = count - group * chunk;
      const int size = left < chunk ? static_cast<int>(left) : chunk;
      int last = 0;
      if (warp.lane() == 0) {
        level[i] = total;
        last = block.fetch_add_acq_rel(&arrived[group], 1u) == static_cast<std::uint32_t>(size - 1);
        if (last) block.store_relaxed(&arrived[group], 0u);
      }
      if (!warp.shuffle(last, 0)) return;
      warp.sync();  // lane 0 has acquired the group's results; now the whole warp may read them
      total = fold_chunk<Block, T>(block, static_cast<const T*>(level), group * chunk, size, vector_aligned(level), op);
      level += (count + 15) / 16 * 16;
      arrived += groups;
      i = group;
      count = groups;
    }
    if (warp.lane() == 0) {
      if constexpr (is_none<Init>)
        *out = total;
      else
        *out = op(static_cast<T>(init), total);
    }
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
    const offset chunks = ceil_div(n, kernel::chunk);
    offset results = 0, groups = 0;
    for (offset count = chunks; count > 1; count = ceil_div(count, kernel::chunk)) {
      results += ceil_div(count, 16) * 16;
      groups += ceil_div(count, kernel::chunk);
    }
    temporary<T> partials(policy, results);
    arrival_counters arrivals(policy, groups);
    const offset most = resident_blocks<A, kernel>(policy);
    launch<A>(policy, chunks < most ? chunks : most,
              kernel{in, out, n, init, op, vector_aligned(in), partials.data(), arrivals.data()});
  });
}

}  // namespace weft::gpu
