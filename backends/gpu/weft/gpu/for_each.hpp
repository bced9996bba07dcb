// for_each_index and transform: one pass, one launch, nothing shared. transform moves 16 bytes a thread and stream at a
// time, four of them in flight before the first use (about 16 KB a block and stream): enough bytes in flight to reach
// copy speed at half occupancy. A misaligned range falls to element accesses, which stay coalesced.
#pragma once

#include <weft/gpu/launch.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

template <class F>
struct for_each_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  template <arch A>
  struct shared {};
  static constexpr int thread_items = 2;

  F f;
  offset n;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    const offset first =
        static_cast<offset>(block.index()) * (block_threads<Block::arch> * thread_items) + block.thread();
#pragma unroll
    for (int k = 0; k < thread_items; ++k) {
      const offset i = first + k * block_threads<Block::arch>;
      if (i < n) f(i);
    }
  }
};

template <class P, class F>
void for_each_index(const P& policy, offset n, F f) {
  on_arch(policy, [&]<arch A>() {
    using kernel = for_each_kernel<F>;
    launch<A>(policy, ceil_div(n, kernel::template block_threads<A> * kernel::thread_items), kernel{f, n});
  });
}

template <class In, class Out, class F>
struct transform_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  template <arch A>
  struct shared {};
  static constexpr int run = vector_items<In, Out>;  // elements moved by one access
  static constexpr int runs = 4;                     // accesses in flight
  template <arch A>
  static constexpr int tile_items = block_threads<A>* run* runs;

  In in;
  Out out;
  offset n;
  F f;
  bool wide_in, wide_out;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    constexpr int threads = block_threads<Block::arch>;
    const offset tile = static_cast<offset>(block.index()) * tile_items<Block::arch>;
    if (tile + tile_items<Block::arch> <= n) {
      items<iter_value_t<In>, run * runs> x;
      using result = std::remove_cvref_t<decltype(f(x[0]))>;
#pragma unroll
      for (int r = 0; r < runs; ++r)
        load_run<run, Block>(in, tile + (r * threads + static_cast<int>(block.thread())) * run, wide_in,
                             x.value + r * run);
#pragma unroll
      for (int r = 0; r < runs; ++r) {
        items<result, run> y;
#pragma unroll
        for (int k = 0; k < run; ++k) y[k] = f(x[r * run + k]);
        store_run<run, Block>(out, tile + (r * threads + static_cast<int>(block.thread())) * run, wide_out, y.value);
      }
    } else {
      for (offset i = tile + block.thread(); i < n; i += threads) out[i] = f(in[i]);
    }
  }
};

template <class P, class In, class Out, class F>
void transform(const P& policy, In in, offset n, Out out, F f) {
  on_arch(policy, [&]<arch A>() {
    using kernel = transform_kernel<In, Out, F>;
    launch<A>(policy, ceil_div(n, kernel::template tile_items<A>),
              kernel{in, out, n, f, vector_aligned(in), vector_aligned(out)});
  });
}

}  // namespace weft::gpu
