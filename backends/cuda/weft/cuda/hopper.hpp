// The words of Hopper (sm_90a) beyond the dialect: bulk tensor copies, barriers in shared memory that count threads and
// bytes, clusters, registers moved between warpgroups, the warpgroup matrix product. Kernels reach them as
// `Block::hopper`, from bodies that only `Block::has_hopper` instantiates. One PTX instruction each.
//
// Shared memory is named by its 32-bit address (`address_of`). Tiles lie in rows of 128 bytes, their 16-byte pieces
// permuted within each 1024 bytes as the copy engine does it with 128-byte swizzle: piece p of row r is at p ^ (r % 8).
#pragma once

#include <weft/cuda/runtime.hpp>
#include <weft/cuda/wgmma.hpp>
#include <weft/policy.hpp>

#include <cuda.h>

namespace weft::inline v100::cuda_dialect {

struct hopper {
  static constexpr bool present = true;
  using tensor_map = CUtensorMap;
  using word = std::uint32_t;

  // Host: tensor maps ------------------------------------------------------------------------------------------------

  /// Whether the copy engine takes rows this far apart: base and rows on 16 bytes.
  template <class T>
  static bool takes(const T* data, offset row_stride) {
    return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && row_stride * static_cast<offset>(sizeof(T)) % 16 == 0;
  }
  /// Describes a row-major matrix to the copy engine: `columns` contiguous elements a row, rows `row_stride` apart,
  /// moved in boxes of box_rows rows of Bytes (128 or 64) bytes, swizzled over as many. False where it takes no such
  /// one.
  template <int Bytes = 128, class T>
  static bool encode(tensor_map& map, const T* data, offset rows, offset columns, offset row_stride, int box_rows) {
    constexpr auto type = sizeof(T) == 1   ? CU_TENSOR_MAP_DATA_TYPE_UINT8
                          : sizeof(T) == 2 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                          : sizeof(T) == 4 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT32
                                           : CU_TENSOR_MAP_DATA_TYPE_FLOAT64;
    const auto row_bytes = static_cast<std::uint64_t>(row_stride) * sizeof(T);
    constexpr offset most = offset{1} << 31;
    if (!takes(data, row_stride) || rows >= most || columns >= most || row_bytes >= std::uint64_t{1} << 40 ||
        encoder() == nullptr)
      return false;
    const cuuint64_t extents[] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
    const cuuint64_t strides[] = {row_bytes};
    const cuuint32_t box[] = {Bytes / sizeof(T), static_cast<cuuint32_t>(box_rows)};
    const cuuint32_t steps[] = {1, 1};
    return encoder()(&map, type, 2, const_cast<std::remove_const_t<T>*>(data), extents, strides, box, steps,
                     CU_TENSOR_MAP_INTERLEAVE_NONE,
                     Bytes == 128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_64B,
                     CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
  }

  // Barriers in shared memory ----------------------------------------------------------------------------------------

  static __device__ __forceinline__ word address_of(const void* shared) {
    return static_cast<word>(__cvta_generic_to_shared(shared));
  }
  /// A phase of the barrier ends after `arrivals` arrivals and all the bytes that they announced.
  static __device__ __forceinline__ void barrier_init(word barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
  }
  /// Makes initialised barriers visible to the cluster and to the copy engine.
  static __device__ __forceinline__ void barrier_init_fence() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  static __device__ __forceinline__ void barrier_expect(word barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
  }
  static __device__ __forceinline__ void barrier_arrive(word barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
  }
  /// Arrives when the copies that this thread has issued by `copy` so far have ended.
  static __device__ __forceinline__ void barrier_arrive_after_copies(word barrier) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
  }
  /// Arrives at the barrier at the same address of another block of the cluster. Orders only what warpgroup products
  /// have read: release at the scope of a cluster would be a fence of the whole device.
  static __device__ __forceinline__ void barrier_arrive_at(word barrier, unsigned rank) {
    asm volatile(
        "{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\n"
        "mbarrier.arrive.shared::cluster.b64 _, [there];\n}\n" ::"r"(barrier),
        "r"(rank)
        : "memory");
  }
  /// Waits until the phase of this parity has ended.
  static __device__ __forceinline__ void barrier_wait(word barrier, unsigned parity) {
    word done;
    do {
      asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}\n"
                   : "=r"(done)
                   : "r"(barrier), "r"(parity)
                   : "memory");
    } while (!done);
  }

  // Tensor copies ----------------------------------------------------------------------------------------------------

  static __device__ __forceinline__ void prefetch(const tensor_map& map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
  }
  /// Box at (column, row) of the mapped matrix to shared memory; outside the matrix zeros. Its bytes end at `barrier`.
  static __device__ __forceinline__ void load(word to, const tensor_map& map, word barrier, int column, int row) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], "
        "[%2];" ::"r"(to),
        "l"(&map), "r"(barrier), "r"(column), "r"(row)
        : "memory");
  }
  /// The same to the same address of every block of the cluster whose bit is set, ending at each one's barrier.
  static __device__ __forceinline__ void load_multicast(word to, const tensor_map& map, word barrier, int column,
                                                        int row, std::uint16_t blocks) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
        "[%0], [%1, {%3, %4}], [%2], %5;" ::"r"(to),
        "l"(&map), "r"(barrier), "r"(column), "r"(row), "h"(blocks)
        : "memory");
  }
  /// Bytes (4, 8 or 16) of global memory to shared memory, asynchronously; zeros, and nothing read, where not `inside`.
  template <int Bytes>
  static __device__ __forceinline__ void copy(word to, const void* from, bool inside) {
    asm volatile("cp.async.ca.shared::cta.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(Bytes),
                 "r"(inside ? Bytes : 0)
                 : "memory");
  }
  /// Box from shared memory to the mapped matrix, what lies outside it left out.
  static __device__ __forceinline__ void store(const tensor_map& map, word from, int column, int row) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" ::"l"(&map),
                 "r"(from), "r"(column), "r"(row)
                 : "memory");
  }
  static __device__ __forceinline__ void store_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
  /// Waits until at most N of this thread's committed stores still read shared memory.
  template <int N>
  static __device__ __forceinline__ void store_wait_read() {
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(N) : "memory");
  }
  /// Ordinary writes to shared memory before it are seen by the copy engine and the tensor cores after it.
  static __device__ __forceinline__ void fence_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
  /// Four 8 x 8 matrices of 16-bit elements, one word each of every lane, to the rows that lanes 0-7, 8-15, … name.
  static __device__ __forceinline__ void store_matrices(word row, word a, word b, word c, word d) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared::cta.b16 [%0], {%1, %2, %3, %4};" ::"r"(row), "r"(a), "r"(b),
                 "r"(c), "r"(d)
                 : "memory");
  }

  static __device__ __forceinline__ void store_shared(word to, word a) {
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(to), "r"(a) : "memory");
  }
  static __device__ __forceinline__ void store_shared(word to, word a, word b) {
    asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(to), "r"(a), "r"(b) : "memory");
  }
  static __device__ __forceinline__ void store_shared(word to, word a, word b, word c, word d) {
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
  }

  template <class T>
  static __device__ __forceinline__ T load_shared(word from) {
    static_assert(sizeof(T) == 2 || sizeof(T) == 8 || sizeof(T) == 16);
    T v;
    if constexpr (sizeof(T) == 2) {
      std::uint16_t w;
      asm volatile("ld.shared.u16 %0, [%1];" : "=h"(w) : "r"(from) : "memory");
      v = __builtin_bit_cast(T, w);
    } else if constexpr (sizeof(T) == 8) {
      std::uint64_t w;
      asm volatile("ld.shared.b64 %0, [%1];" : "=l"(w) : "r"(from) : "memory");
      v = __builtin_bit_cast(T, w);
    } else {
      uint4 w;
      asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(w.x), "=r"(w.y), "=r"(w.z), "=r"(w.w)
                   : "r"(from)
                   : "memory");
      v = __builtin_bit_cast(T, w);
    }
    return v;
  }

  // Threads ----------------------------------------------------------------------------------------------------------

  /// A barrier among `threads` threads of the block; number 0 is block.sync().
  static __device__ __forceinline__ void sync(int number, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
  }
  static __device__ __forceinline__ void sync_warp() { __syncwarp(); }
  /// A value that all lanes of the warp have, so that the compiler knows it.
  static __device__ __forceinline__ unsigned uniform(unsigned v) { return __shfl_sync(~0u, v, 0); }
  template <int N>
  static __device__ __forceinline__ void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
  }
  template <int N>
  static __device__ __forceinline__ void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
  }
  static __device__ __forceinline__ unsigned cluster_rank() {
    unsigned r;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
    return r;
  }
  static __device__ __forceinline__ void cluster_arrive() {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
  }
  static __device__ __forceinline__ void cluster_wait() {
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
  }
  /// Words at the same shared address of another block of the cluster.
  static __device__ __forceinline__ uint4 load_remote(word address, unsigned rank) {
    uint4 v;
    asm volatile(
        "{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %4, %5;\n"
        "ld.shared::cluster.v4.u32 {%0, %1, %2, %3}, [there];\n}\n"
        : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
        : "r"(address), "r"(rank)
        : "memory");
    return v;
  }
  /// Waits for the kernels before this one in the stream, where the launch let it start early.
  static __device__ __forceinline__ void wait_for_stream() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
  /// Lets the next kernel of the stream start its blocks where there is room; it waits for this one's end by itself.
  static __device__ __forceinline__ void let_next_start() {
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
  }

  // Warpgroup matrix products ----------------------------------------------------------------------------------------

  /// Descriptor of a tile at a shared address: 128-byte swizzle; `across` and `down` are the bytes from one group of 64
  /// 16-bit elements to the next along the contiguous direction (ignored where k is contiguous) and from one group of 8
  /// rows of 128 bytes to the next. Addresses add: (bytes >> 4) moves the tile. In a cluster the upper byte of an
  /// address is the block's rank, which a descriptor does not take.
  static __device__ __forceinline__ std::uint64_t tile_of(word address, int across, int down) {
    return static_cast<std::uint64_t>(address >> 4 & 0x3fff) | static_cast<std::uint64_t>(across >> 4) << 16 |
           static_cast<std::uint64_t>(down >> 4) << 32 | std::uint64_t{1} << 62;
  }
  template <gpu::mma_kind Kind, int N, int TransposeA, int TransposeB, class Sum>
  static __device__ __forceinline__ void multiply(Sum (&d)[N / 2], std::uint64_t a, std::uint64_t b, int accumulate) {
    warpgroup_multiply<Kind, N, TransposeA, TransposeB>(d, a, b, accumulate);
  }
  /// The same with A in registers.
  template <gpu::mma_kind Kind, int N, class Sum>
  static __device__ __forceinline__ void multiply(Sum (&d)[N / 2], const word (&a)[4], std::uint64_t b,
                                                  int accumulate) {
    warpgroup_multiply<Kind, N>(d, a, b, accumulate);
  }
  /// Bytes s of the eight of a and b, by the four lower hexadecimal digits of s.
  static __device__ __forceinline__ word bytes_of(word a, word b, word s) { return __byte_perm(a, b, s); }
  /// Before the first product that reads registers or shared memory written since the last one.
  static __device__ __forceinline__ void multiply_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
  static __device__ __forceinline__ void multiply_commit() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  }
  /// Waits until at most N committed groups of products are unfinished.
  template <int N>
  static __device__ __forceinline__ void multiply_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
  }
  /// Keeps the compiler from moving uses of the sums across this place.
  template <int N>
  static __device__ __forceinline__ void pin(float (&d)[N]) {
#pragma unroll
    for (int i = 0; i < N; ++i) asm volatile("" : "+f"(d[i])::"memory");
  }
  template <int N>
  static __device__ __forceinline__ void pin(std::int32_t (&d)[N]) {
#pragma unroll
    for (int i = 0; i < N; ++i) asm volatile("" : "+r"(d[i])::"memory");
  }
  /// A warp's d (16 x 8) += a (16 x 8) * b (8 x 8): a is rows g and g + 8 of columns t and t + 4, b rows t and t + 4 of
  /// column g, d rows g and g + 8 of columns 2 t and 2 t + 1, for g = lane / 4, t = lane % 4.
  static __device__ __forceinline__ void multiply_f64(double (&d)[4], const double (&a)[4], const double (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+d"(d[0]), "+d"(d[1]), "+d"(d[2]), "+d"(d[3])
        : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]));
  }
  /// The same with 16 columns of a and rows of b: those of two such products, one after the other.
  static __device__ __forceinline__ void multiply_f64(double (&d)[4], const double (&a)[8], const double (&b)[4]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7, %8, %9, %10, %11}, "
        "{%12, %13, %14, %15}, {%0, %1, %2, %3};"
        : "+d"(d[0]), "+d"(d[1]), "+d"(d[2]), "+d"(d[3])
        : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]), "d"(b[0]), "d"(b[1]),
          "d"(b[2]), "d"(b[3]));
  }
  /// Opaque: else the compiler keeps sums as integers between products, which then run one after another.
  static __device__ __forceinline__ word bits(float v) {
    word w;
    asm volatile("mov.b32 %0, %1;" : "=r"(w) : "f"(v));
    return w;
  }
  static __device__ __forceinline__ word bits(std::int32_t v) { return static_cast<word>(v); }
  /// Two values rounded to nearest and packed, the first in the lower half.
  template <gpu::mma_kind Kind>
  static __device__ __forceinline__ word pack(float low, float high) {
    word w;
    if constexpr (Kind == gpu::mma_kind::f16)
      asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(w) : "f"(high), "f"(low));
    else
      asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(w) : "f"(high), "f"(low));
    return w;
  }

 private:
  using encode_function = decltype(&cuTensorMapEncodeTiled);
  /// The driver's function, found through the run time so that programs need not link the driver's library.
  static encode_function encoder() {
    static const encode_function found = [] {
      void* f = nullptr;
      cudaDriverEntryPointQueryResult result;
      const auto e = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &f, 12000, cudaEnableDefault, &result);
      return e == cudaSuccess && result == cudaDriverEntryPointSuccess ? reinterpret_cast<encode_function>(f) : nullptr;
    }();
    return found;
  }
};

}  // namespace weft::cuda_dialect
