// expand: for each output element the run it lies in, in one launch. A block takes consecutive outputs: it finds the
// runs of the first and the last by a search of a warp each, marks in shared memory where the runs between begin, and
// the largest mark so far is the run. Reads the ends of the runs once, writes each element once.
#pragma once

#include <weft/gpu/block.hpp>
#include <weft/gpu/launch.hpp>

namespace weft::inline v100::gpu {

struct greater_of {
  template <class T>
  WEFT_DEVICE T operator()(const T& a, const T& b) const {
    return a < b ? b : a;
  }
};

/// By a whole warp: how many of the m ascending numbers are at most i. Each step leaves a warp's width-th of them.
template <class Block, class Ends>
WEFT_DEVICE offset count_up_to(Block block, const Ends& ends, offset m, offset i) {
  const offset lane = block.warp().lane(), width = Block::width;
  offset low = 0, high = m;
  while (low < high) {
    const offset size = high - low;
    const bool before = static_cast<offset>(ends[low + size * lane / width]) <= i;
    const offset hits = Block::popcount(block.warp().ballot(before));
    const offset base = low;
    if (hits > 0) low = base + size * (hits - 1) / width + 1;
    if (hits < width) high = base + size * hits / width;
  }
  return low;
}

template <class Ends, class Out, class F>
struct expand_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  static constexpr int thread_items = 9;  // odd: threads begin in different banks
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items;
  template <arch A>
  struct shared {
    offset run[tile_items<A>];  // from the tile's first run on
    offset warp_last[block_threads<A> / 32];
    offset bound[2];
  };

  Ends ends;
  offset m, n;
  Out out;
  F f;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, size = tile_items<Block::arch>;
    constexpr int warps = threads / static_cast<int>(Block::width);
    const offset all = static_cast<offset>(ends[m - 1]), limit = all < n ? all : n;
    const offset start = static_cast<offset>(block.index()) * size;
    if (start >= limit) return;
    const int held = limit - start < size ? static_cast<int>(limit - start) : size;
    const int t = static_cast<int>(block.thread());

    // The runs of the first and the last output.
    if (block.warp().index() < 2) {
      const offset run = count_up_to(block, ends, m, block.warp().index() == 0 ? start : start + held - 1);
      if (block.warp().lane() == 0) s.bound[block.warp().index()] = run;
    }
#pragma unroll
    for (int k = 0; k < thread_items; ++k) s.run[k * threads + t] = 0;
    block.sync();
    const offset first = s.bound[0], last = s.bound[1];

    // Mark where the others begin; empty ones do not.
    for (offset r = first + 1 + t; r <= last; r += threads) {
      const offset begin = static_cast<offset>(ends[r - 1]);
      if (begin < static_cast<offset>(ends[r])) s.run[begin - start] = r - first;
    }
    block.sync();

    // The largest mark so far.
    offset most = 0;
#pragma unroll
    for (int k = 0; k < thread_items; ++k) most = greater_of{}(most, s.run[t * thread_items + k]);
    const offset upto = warp_inclusive(block, most, greater_of{});
    offset before = block.warp().shuffle_up(upto, 1);
    if (block.warp().lane() == 0) before = 0;
    if (block.warp().lane() == Block::width - 1) s.warp_last[block.warp().index()] = upto;
    block.sync();
#pragma unroll
    for (int w = 0; w < warps; ++w)
      if (w < static_cast<int>(block.warp().index())) before = greater_of{}(before, s.warp_last[w]);
#pragma unroll
    for (int k = 0; k < thread_items; ++k) {
      before = greater_of{}(before, s.run[t * thread_items + k]);
      s.run[t * thread_items + k] = before;
    }
    block.sync();

    // Out.
    for (int i = t; i < held; i += threads) out[start + i] = f(first + s.run[i]);
  }
};

template <class P, class Ends, class Out, class F>
void expand(const P& policy, Ends ends, offset m, offset n, Out out, F f) {
  if (m <= 0) return;
  on_arch(policy, [&]<arch A>() {
    using kernel = expand_kernel<Ends, Out, F>;
    launch<A>(policy, ceil_div(n, kernel::template tile_items<A>), kernel{ends, m, n, out, f});
  });
}

}  // namespace weft::gpu
