// The words of clusters against their definitions, where there are clusters.
#pragma once

#include "dialect_words.hpp"

namespace weft_words {

/// Every block of a cluster stores to all of them, structures of one, two and four words.
struct across_kernel {
  template <int Words>
  struct alignas(4 * Words) words {
    u32 word[Words];
  };
  static constexpr unsigned in_cluster = 4, each = 7;  // words to a block from every thread
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  static constexpr int cluster_blocks = in_cluster;
  template <arch A>
  struct shared {
    words<1> one[in_cluster][threads];
    words<2> two[in_cluster][threads];
    words<4> four[in_cluster][threads];
    u64 come;
  };
  u32* to;  // [blocks][in_cluster][threads][each]
  static WEFT_HOST_DEVICE u32 sent(unsigned from, unsigned rank, unsigned t, unsigned i) {
    return ((from * in_cluster + rank) * threads + t) * each + i;
  }
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_clusters) {
      const unsigned t = block.thread(), me = block.cluster_rank(), first = block.index() - me;
      if (t == 0) block.barrier_init(&s.come, 1);
      block.cluster_arrive();
      block.cluster_wait();
      if (t == 0) block.barrier_expect(&s.come, in_cluster * threads * each * 4);
      for (unsigned rank = 0; rank < in_cluster; ++rank) {
        auto w = [&](unsigned i) { return sent(first + me, rank, t, i); };
        block.store_across(&s.one[me][t], rank, words<1>{{w(0)}}, &s.come);
        block.store_across(&s.two[me][t], rank, words<2>{{w(1), w(2)}}, &s.come);
        block.store_across(&s.four[me][t], rank, words<4>{{w(3), w(4), w(5), w(6)}}, &s.come);
      }
      block.barrier_wait(&s.come, 0);
      for (unsigned from = 0; from < in_cluster; ++from) {
        u32* out = to + ((block.index() * in_cluster + from) * threads + t) * each;
        out[0] = s.one[from][t].word[0];
        for (unsigned i = 0; i < 2; ++i) out[1 + i] = s.two[from][t].word[i];
        for (unsigned i = 0; i < 4; ++i) out[3 + i] = s.four[from][t].word[i];
      }
    }
  }
};

/// True where there are no clusters.
template <class Policy>
bool stores_reach_across(const Policy& policy) {
  using kernel = across_kernel;
  constexpr unsigned some = 2 * kernel::in_cluster;
  weft::buffer<u32> to(policy, some * kernel::in_cluster * threads * kernel::each);
  bool launched = false;
  weft::gpu::on_arch(policy, [&]<arch A>() {
    launched = weft::gpu::resident_clusters<A, kernel>(policy) > 0;
    if (launched) weft::gpu::launch<A>(policy, some, kernel{to.data()});
  });
  if (!launched) return true;
  const auto got = weft::to_vector(policy, to);
  std::size_t at = 0;
  for (unsigned b = 0; b < some; ++b)
    for (unsigned from = 0; from < kernel::in_cluster; ++from)
      for (unsigned t = 0; t < threads; ++t)
        for (unsigned i = 0; i < kernel::each; ++i)
          if (got[at++] !=
              kernel::sent(b / kernel::in_cluster * kernel::in_cluster + from, b % kernel::in_cluster, t, i))
            return false;
  return true;
}

}  // namespace weft_words
