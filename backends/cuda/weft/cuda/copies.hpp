// Words of CUDA's blocks that move data without their threads: bulk copies, the barriers in shared memory that count
// them, asynchronous copies, and stores to other blocks of a cluster.
#pragma once

#include <weft/gpu/architecture.hpp>

namespace weft::inline v100::cuda_dialect {

struct block_copies {
  // Hopper's bulk copies and the barriers in shared memory that count them.
  static WEFT_DEVICE unsigned shared_address(const void* p) {
    return static_cast<unsigned>(__cvta_generic_to_shared(p));
  }
  static WEFT_DEVICE void barrier_init(std::uint64_t* b, unsigned arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(arrivals) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
  static WEFT_DEVICE void barrier_arrive(std::uint64_t* b) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(b)) : "memory");
  }
  static WEFT_DEVICE void barrier_expect(std::uint64_t* b, unsigned bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(b)), "r"(bytes)
                 : "memory");
  }
  static WEFT_DEVICE void barrier_wait(std::uint64_t* b, unsigned phase) {
    unsigned done;
    do {
      asm volatile(
          "{\n"
          ".reg .pred p;\n"
          "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
          "selp.u32 %0, 1, 0, p;\n"
          "}"
          : "=r"(done)
          : "r"(shared_address(b)), "r"(phase & 1)
          : "memory");
    } while (!done);
  }
  static WEFT_DEVICE void bulk_fence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
  static WEFT_DEVICE void bulk_load(void* to, const void* from, unsigned bytes, std::uint64_t* b) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     shared_address(to)),
                 "l"(from), "r"(bytes), "r"(shared_address(b))
                 : "memory");
  }

  // Hopper's clusters of blocks.
  static WEFT_DEVICE unsigned cluster_rank() {
    unsigned r;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
    return r;
  }
  static WEFT_DEVICE void cluster_arrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
  static WEFT_DEVICE void cluster_wait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
  template <class T>
  static WEFT_DEVICE void store_across(T* p, unsigned rank, const T& v, std::uint64_t* b) {
    const unsigned to = across(shared_address(p), rank), barrier = across(shared_address(b), rank);
    if constexpr (sizeof(T) == 16)
      asm volatile(
          "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%2, %3, %4, %5}, [%1];" ::"r"(to),
          "r"(barrier), "r"(v.word[0]), "r"(v.word[1]), "r"(v.word[2]), "r"(v.word[3])
          : "memory");
    else if constexpr (sizeof(T) == 8)
      asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%0], {%2, %3}, [%1];" ::"r"(to),
                   "r"(barrier), "r"(v.word[0]), "r"(v.word[1])
                   : "memory");
    else
      asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %2, [%1];" ::"r"(to),
                   "r"(barrier), "r"(v.word[0])
                   : "memory");
  }
  /// The same place in the block of that rank.
  static WEFT_DEVICE unsigned across(unsigned address, unsigned rank) {
    unsigned there;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(address), "r"(rank));
    return there;
  }

  // Asynchronous copies of sm_80.
  static WEFT_DEVICE void copy_async(void* to, const void* from, int inside) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(inside)
                 : "memory");
  }
  static WEFT_DEVICE void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  template <unsigned N>
  static WEFT_DEVICE void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
  }
};

}  // namespace weft::cuda_dialect
