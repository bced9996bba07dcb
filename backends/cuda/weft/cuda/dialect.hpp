// CUDA's spelling of the dialect (gpu/dialect.hpp documents every word), and the one __global__ function of the
// library. Kernels have internal linkage: two objects built for different architectures never share one
// (NVIDIA/cub#545).
#pragma once

// A plain C++ compiler sees no dialect.
#if defined(__CUDACC__) && !defined(__HIP__)

#include <weft/cuda/copies.hpp>
#include <weft/cuda/hopper.hpp>
#include <weft/cuda/matrix_units.hpp>
#include <weft/cuda/runtime.hpp>
#include <weft/error.hpp>
#include <weft/gpu/architecture.hpp>

#include <atomic>
#include <cstring>
#include <source_location>

namespace weft::inline v100::cuda_dialect {

using gpu::arch;
using gpu::vec;

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
inline constexpr arch current_arch = arch::sm_90;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
inline constexpr arch current_arch = arch::sm_80;
#else
inline constexpr arch current_arch = arch::generic;
#endif
// Code for sm_90a may use the words of hopper.hpp; code for sm_90 may not.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
inline constexpr bool hopper_code = true;
#else
inline constexpr bool hopper_code = false;
#endif

/// Calls f<A>() for the tuning architecture that device code was compiled as; `a` comes from info().
template <class F>
decltype(auto) with_arch(arch a, F&& f) {
#if defined(__CUDA_ARCH_LIST__)
  constexpr int compiled[] = {__CUDA_ARCH_LIST__};
#else
  constexpr int compiled[] = {900};
#endif
  constexpr auto row = [](int cc) { return cc >= 900 ? arch::sm_90 : cc >= 800 ? arch::sm_80 : arch::generic; };
  constexpr auto any = [](const int* list, int n, auto of, arch wanted) {
    for (int i = 0; i < n; ++i)
      if (of(list[i]) == wanted) return true;
    return false;
  };
  constexpr int n = sizeof(compiled) / sizeof(int);
  if constexpr (any(compiled, n, row, arch::sm_90))
    if (a == arch::sm_90) return f.template operator()<arch::sm_90>();
  if constexpr (any(compiled, n, row, arch::sm_80))
    if (a == arch::sm_80) return f.template operator()<arch::sm_80>();
  if constexpr (any(compiled, n, row, arch::generic)) return f.template operator()<arch::generic>();
  return f.template operator()<row(compiled[n - 1])>();
}

/// f on each 32-bit word of a trivially copyable value.
template <class T, class F>
WEFT_DEVICE T by_words(const T& value, F f) {
  static_assert(sizeof(T) <= 64, "warp words take values of at most 64 bytes");
  constexpr int n = (sizeof(T) + 3) / 4;
  union bits {
    std::uint32_t word[n];
    T value;
    WEFT_DEVICE bits() : word{} {}
  } in, out;
  std::memcpy(in.word, &value, sizeof(T));
#pragma unroll
  for (int i = 0; i < n; ++i) out.word[i] = f(in.word[i]);
  return out.value;
}

struct warp {
  static constexpr unsigned width = 32;
  static WEFT_DEVICE unsigned lane() {
    unsigned l;
    asm("mov.u32 %0, %%laneid;" : "=r"(l));
    return l;
  }
  static WEFT_DEVICE unsigned index() { return threadIdx.x / 32; }
  static WEFT_DEVICE void sync() { __syncwarp(); }
  template <class T>
  static WEFT_DEVICE T shuffle(const T& v, unsigned l) {
    return by_words(v, [=](std::uint32_t w) { return __shfl_sync(~0u, w, static_cast<int>(l)); });
  }
  template <class T>
  static WEFT_DEVICE T shuffle_up(const T& v, unsigned d) {
    return by_words(v, [=](std::uint32_t w) { return __shfl_up_sync(~0u, w, d); });
  }
  template <class T>
  static WEFT_DEVICE T shuffle_down(const T& v, unsigned d) {
    return by_words(v, [=](std::uint32_t w) { return __shfl_down_sync(~0u, w, d); });
  }
  template <class T>
  static WEFT_DEVICE T shuffle_xor(const T& v, unsigned m) {
    return by_words(v, [=](std::uint32_t w) { return __shfl_xor_sync(~0u, w, static_cast<int>(m)); });
  }
  static WEFT_DEVICE std::uint32_t inclusive_sum(std::uint32_t v) {
    const unsigned me = lane();
#pragma unroll
    for (unsigned d = 1; d < width; d *= 2) {
      const std::uint32_t left = __shfl_up_sync(~0u, v, d);
      if (me >= d) v += left;
    }
    return v;
  }
  static WEFT_DEVICE std::uint32_t greatest(std::uint32_t v) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    return __reduce_max_sync(~0u, v);
#else
#pragma unroll
    for (unsigned d = 1; d < width; d *= 2) {
      const std::uint32_t other = shuffle_xor(v, d);
      v = other > v ? other : v;
    }
    return v;
#endif
  }
  static WEFT_DEVICE std::uint64_t ballot(bool p) { return __ballot_sync(~0u, p); }
  static WEFT_DEVICE bool any(bool p) { return __any_sync(~0u, p); }
  static WEFT_DEVICE bool all(bool p) { return __all_sync(~0u, p); }
  static WEFT_DEVICE std::uint64_t lanes_below() {
    unsigned m;
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(m));
    return m;
  }
  /// By one ballot a bit: match.any is microcoded and slower on every chip since Volta.
  static WEFT_DEVICE std::uint64_t match(std::uint32_t v, int bits) {
    unsigned same = ~0u;
#pragma unroll
    for (int b = 0; b < bits; ++b) {
      const bool mine = v >> b & 1;
      const unsigned set = __ballot_sync(~0u, mine);
      same &= mine ? set : ~set;
    }
    return same;
  }
};

/// The unsigned integer that the atomic instructions take for a T of 4 or 8 bytes.
template <class T>
using atomic_word = std::conditional_t<sizeof(T) == 8, unsigned long long, unsigned>;

struct block : block_copies {
  static constexpr gpu::arch arch = current_arch;
  static constexpr unsigned width = 32;
  static constexpr bool has_bulk_copies = current_arch == gpu::arch::sm_90, has_clusters = has_bulk_copies;
  static constexpr bool has_hopper = hopper_code;
  using hopper = cuda_dialect::hopper;

  static WEFT_DEVICE unsigned thread() { return threadIdx.x; }
  static WEFT_DEVICE unsigned threads() { return blockDim.x; }
  static WEFT_DEVICE unsigned index() { return blockIdx.x; }
  static WEFT_DEVICE unsigned blocks() { return gridDim.x; }
  static WEFT_DEVICE void sync() { __syncthreads(); }
  static WEFT_DEVICE unsigned sync_count(bool p) { return static_cast<unsigned>(__syncthreads_count(p)); }
  static WEFT_DEVICE bool sync_or(bool p) { return __syncthreads_or(p); }
  static WEFT_DEVICE cuda_dialect::warp warp() { return {}; }

  // Device scope. The compiler's __nv_atomic intrinsics would do; inline PTX keeps 12-series toolkits working.
  template <class T>
  static WEFT_DEVICE T load_relaxed(const T* p) {
    T v;
    if constexpr (sizeof(T) == 8)
      asm volatile("ld.relaxed.gpu.global.b64 %0, [%1];"
                   : "=l"(reinterpret_cast<unsigned long long&>(v))
                   : "l"(p)
                   : "memory");
    else
      asm volatile("ld.relaxed.gpu.global.b32 %0, [%1];" : "=r"(reinterpret_cast<unsigned&>(v)) : "l"(p) : "memory");
    return v;
  }
  template <class T>
  static WEFT_DEVICE T load_acquire(const T* p) {
    T v;
    if constexpr (sizeof(T) == 8)
      asm volatile("ld.acquire.gpu.global.b64 %0, [%1];"
                   : "=l"(reinterpret_cast<unsigned long long&>(v))
                   : "l"(p)
                   : "memory");
    else
      asm volatile("ld.acquire.gpu.global.b32 %0, [%1];" : "=r"(reinterpret_cast<unsigned&>(v)) : "l"(p) : "memory");
    return v;
  }
  template <class T>
  static WEFT_DEVICE void store_relaxed(T* p, std::type_identity_t<T> v) {
    if constexpr (sizeof(T) == 8)
      asm volatile("st.relaxed.gpu.global.b64 [%0], %1;" ::"l"(p), "l"(reinterpret_cast<unsigned long long&>(v))
                   : "memory");
    else
      asm volatile("st.relaxed.gpu.global.b32 [%0], %1;" ::"l"(p), "r"(reinterpret_cast<unsigned&>(v)) : "memory");
  }
  template <class T>
  static WEFT_DEVICE void store_release(T* p, std::type_identity_t<T> v) {
    if constexpr (sizeof(T) == 8)
      asm volatile("st.release.gpu.global.b64 [%0], %1;" ::"l"(p), "l"(reinterpret_cast<unsigned long long&>(v))
                   : "memory");
    else
      asm volatile("st.release.gpu.global.b32 [%0], %1;" ::"l"(p), "r"(reinterpret_cast<unsigned&>(v)) : "memory");
  }
  template <class T>
  static WEFT_DEVICE T fetch_add(T* p, std::type_identity_t<T> v) {
    return static_cast<T>(atomicAdd(reinterpret_cast<atomic_word<T>*>(p), static_cast<atomic_word<T>>(v)));
  }
  template <class T>
  static WEFT_DEVICE T fetch_add_acq_rel(T* p, std::type_identity_t<T> v) {
    __threadfence();
    const T old = fetch_add(p, v);
    __threadfence();
    return old;
  }
  template <class T>
  static WEFT_DEVICE T fetch_min(T* p, std::type_identity_t<T> v) {
    if constexpr (std::is_signed_v<T> && sizeof(T) == 8)
      return atomicMin(reinterpret_cast<long long*>(p), static_cast<long long>(v));
    else if constexpr (std::is_signed_v<T>)
      return atomicMin(reinterpret_cast<int*>(p), static_cast<int>(v));
    else
      return static_cast<T>(atomicMin(reinterpret_cast<atomic_word<T>*>(p), static_cast<atomic_word<T>>(v)));
  }
  template <class T>
  static WEFT_DEVICE T fetch_max(T* p, std::type_identity_t<T> v) {
    if constexpr (std::is_signed_v<T> && sizeof(T) == 8)
      return atomicMax(reinterpret_cast<long long*>(p), static_cast<long long>(v));
    else if constexpr (std::is_signed_v<T>)
      return atomicMax(reinterpret_cast<int*>(p), static_cast<int>(v));
    else
      return static_cast<T>(atomicMax(reinterpret_cast<atomic_word<T>*>(p), static_cast<atomic_word<T>>(v)));
  }
  template <class T>
  static WEFT_DEVICE T fetch_or(T* p, std::type_identity_t<T> v) {
    return static_cast<T>(atomicOr(reinterpret_cast<atomic_word<T>*>(p), static_cast<atomic_word<T>>(v)));
  }
  template <class T>
  static WEFT_DEVICE T exchange(T* p, std::type_identity_t<T> v) {
    return static_cast<T>(atomicExch(reinterpret_cast<atomic_word<T>*>(p), static_cast<atomic_word<T>>(v)));
  }
  template <class T>
  static WEFT_DEVICE T compare_exchange(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> desired) {
    using W = atomic_word<T>;
    return static_cast<T>(atomicCAS(reinterpret_cast<W*>(p), static_cast<W>(expected), static_cast<W>(desired)));
  }

  // On shared memory the same instructions resolve to the shared ones: the address space is known after inlining.
  template <class T>
  static WEFT_DEVICE T shared_fetch_add(T* p, std::type_identity_t<T> v) {
    return fetch_add(p, v);
  }
  template <class T>
  static WEFT_DEVICE void shared_add(T* p, std::type_identity_t<T> v) {
    fetch_add(p, v);
  }
  template <class T>
  static WEFT_DEVICE T shared_fetch_or(T* p, std::type_identity_t<T> v) {
    return fetch_or(p, v);
  }

  static WEFT_DEVICE void fence() { __threadfence(); }
  static WEFT_DEVICE void backoff(unsigned n) { __nanosleep(n < 8 ? 20 : 100); }

  template <int N>
  static WEFT_DEVICE vec<N> load_vector(const void* p) {
    return *static_cast<const vec<N>*>(p);
  }
  template <int N>
  static WEFT_DEVICE void store_vector(void* p, const vec<N>& v) {
    *static_cast<vec<N>*>(p) = v;
  }
  template <int N>
  static WEFT_DEVICE vec<N> load_stream(const void* p) {
    vec<N> v;
    if constexpr (N == 16) {
      const uint4 x = __ldcs(static_cast<const uint4*>(p));
      v.word[0] = x.x, v.word[1] = x.y, v.word[2] = x.z, v.word[3] = x.w;
    } else if constexpr (N == 8) {
      const uint2 x = __ldcs(static_cast<const uint2*>(p));
      v.word[0] = x.x, v.word[1] = x.y;
    } else {
      v.word[0] = __ldcs(static_cast<const unsigned*>(p));
    }
    return v;
  }
  template <int N>
  static WEFT_DEVICE void store_stream(void* p, const vec<N>& v) {
    if constexpr (N == 16)
      __stcs(static_cast<uint4*>(p), make_uint4(v.word[0], v.word[1], v.word[2], v.word[3]));
    else if constexpr (N == 8)
      __stcs(static_cast<uint2*>(p), make_uint2(v.word[0], v.word[1]));
    else
      __stcs(static_cast<unsigned*>(p), v.word[0]);
  }

  static WEFT_DEVICE std::uint32_t opaque(std::uint32_t w) {
    asm volatile("" : "+r"(w));
    return w;
  }
  static WEFT_DEVICE void part_schedule() {}  // ptxas keeps within the registers of the launch bounds
  static WEFT_DEVICE std::uint32_t permute_bytes(std::uint32_t v, std::uint32_t from) {
    std::uint32_t r;
    asm("prmt.b32 %0, %1, 0, %2;" : "=r"(r) : "r"(v), "r"(from));
    return r;
  }
  static WEFT_DEVICE int popcount(std::uint64_t m) { return __popcll(m); }
  static WEFT_DEVICE int lowest_bit(std::uint64_t m) { return __ffsll(static_cast<long long>(m)) - 1; }
  static WEFT_DEVICE int highest_bit(std::uint64_t m) { return 63 - __clzll(static_cast<long long>(m)); }
};

// The launch ----------------------------------------------------------------------------------------------------------
// The kernel is another one in every object, so what is known of it (its attributes, the blocks that fit) is too: all
// that names `run` or `probe` has internal linkage. Otherwise the linker keeps one object's function that sets an
// attribute and another's that launches.

/// nvcc 13 does not substitute a member variable template inside an attribute; a member of a class it does.
template <class K, arch A>
struct geometry {
  static constexpr int threads = K::template block_threads<A>;
  /// Kernels that hide latency by several blocks on a multiprocessor say how many (`block_residency<A>`): a bound on
  /// registers. 0 is no bound. HIP's second launch bound means something else, so this is CUDA's alone.
  static constexpr int residency = [] {
    if constexpr (requires { K::template block_residency<A>; })
      return K::template block_residency<A>;
    else
      return 0;
  }();
};

template <class K>
static __global__ void __launch_bounds__(geometry<K, current_arch>::threads, geometry<K, current_arch>::residency)
    run(const __grid_constant__ K kernel) {
  extern __shared__ __align__(1024) unsigned char shared_bytes[];
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  // Lets the next kernel of the stream be set up while this one runs; it does the same, and so waits here until all
  // before it has finished and its writes are visible. A kernel that `starts_early` does both itself.
  if constexpr (!requires { K::starts_early; }) {
    asm volatile("griddepcontrol.launch_dependents;");
    asm volatile("griddepcontrol.wait;" ::: "memory");
  }
#endif
  kernel(block{}, *reinterpret_cast<typename K::template shared<current_arch>*>(shared_bytes));
}

/// Its attributes tell the host what code the program has for a device: the version, and, by the bound on threads,
/// whether it may use Hopper's words.
static __global__ void __launch_bounds__(hopper_code ? 512 : 256) probe() {}

/// Facts of a device, read once. Throws when there is no such device or the program has no code for it.
static inline const gpu::device_info& info(int device) {
  constexpr int most = 64;
  static gpu::device_info known[most];
  static std::atomic<bool> ready[most];
  if (device < 0 || device >= most) throw invalid_argument("device " + std::to_string(device) + " is not there");
  if (!ready[device].load(std::memory_order_acquire)) {
    auto get = [&](cudaDeviceAttr what) {
      int v = 0;
      cuda_check(cudaDeviceGetAttribute(&v, what, device), "cudaDeviceGetAttribute");
      return v;
    };
    cudaFuncAttributes code{};
    cuda_check(cudaFuncGetAttributes(&code, probe), "loading the program's kernels");
    gpu::device_info d{};
    d.architecture = code.ptxVersion >= 90 ? arch::sm_90 : code.ptxVersion >= 80 ? arch::sm_80 : arch::generic;
    d.hopper_code = code.maxThreadsPerBlock == 512;
    d.multiprocessors = get(cudaDevAttrMultiProcessorCount);
    d.shared_per_block = get(cudaDevAttrMaxSharedMemoryPerBlockOptin);
    d.warp_width = 32;
    d.l2_bytes = get(cudaDevAttrL2CacheSize);
    known[device] = d;
    ready[device].store(true, std::memory_order_release);
  }
  return known[device];
}

/// Lets a kernel use more than 48 KiB of shared memory, once for each device.
template <arch A, class K>
static void allow_shared(int device) {
  static_assert(A != arch::sm_90 || sizeof(typename K::template shared<A>) <= gpu::most_shared_bytes,
                "the kernel's shared memory is more than a block can have");
  if constexpr (sizeof(typename K::template shared<A>) > 48 * 1024) {
    static std::atomic<std::uint64_t> done{0};
    if (done.load(std::memory_order_relaxed) >> device & 1) return;
    cuda_check(cudaFuncSetAttribute(run<K>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(sizeof(typename K::template shared<A>))),
               "cudaFuncSetAttribute");
    done.fetch_or(std::uint64_t{1} << device, std::memory_order_relaxed);
  }
}

/// How many blocks of the kernel the whole device holds at once.
template <arch A, class K>
static int resident_blocks(int device) {
  static std::atomic<int> known[64];
  int blocks = known[device].load(std::memory_order_relaxed);
  if (blocks == 0) {
    allow_shared<A, K>(device);
    cuda_check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, run<K>, K::template block_threads<A>,
                                                             sizeof(typename K::template shared<A>)),
               "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
    blocks *= info(device).multiprocessors;
    known[device].store(blocks, std::memory_order_relaxed);
  }
  return blocks;
}

/// How many clusters of the kernel the whole device holds at once; 0 where it has none of this size.
template <arch A, class K>
static int resident_clusters(int device) {
  static std::atomic<int> known[64];  // and one
  int clusters = known[device].load(std::memory_order_relaxed) - 1;
  if (clusters < 0) {
    allow_shared<A, K>(device);
    cudaLaunchAttribute size{};
    size.id = cudaLaunchAttributeClusterDimension;
    size.val.clusterDim = {K::template cluster_blocks<A>, 1, 1};
    cudaLaunchConfig_t config{};
    config.gridDim = K::template cluster_blocks<A>;
    config.blockDim = K::template block_threads<A>;
    config.dynamicSmemBytes = sizeof(typename K::template shared<A>);
    config.attrs = &size;
    config.numAttrs = 1;
    clusters = 0;
    if (cudaFuncSetAttribute(run<K>, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) != cudaSuccess ||
        cudaOccupancyMaxActiveClusters(&clusters, run<K>, &config) != cudaSuccess)
      clusters = 0, cudaGetLastError();
    known[device].store(clusters + 1, std::memory_order_relaxed);
  }
  return clusters;
}

template <arch A, class K>
static void launch(unsigned blocks, stream_ref stream, const K& kernel, const std::source_location& where) {
  allow_shared<A, K>(stream.device);
  // Not by <<<…>>>, whose result is the thread's last error, perhaps somebody else's.
  cudaLaunchAttribute attributes[2]{};
  unsigned n = 0;
  if (A == arch::sm_90) {  // may be set up while the kernel before it ends; see run()
    attributes[n].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[n++].val.programmaticStreamSerializationAllowed = 1;
  }
  if constexpr (requires { K::template cluster_blocks<A>; }) {
    attributes[n].id = cudaLaunchAttributeClusterDimension;
    attributes[n++].val.clusterDim = {K::template cluster_blocks<A>, 1, 1};
  }
  cudaLaunchConfig_t config{};
  config.gridDim = blocks;
  config.blockDim = K::template block_threads<A>;
  config.dynamicSmemBytes = sizeof(typename K::template shared<A>);
  config.stream = static_cast<cudaStream_t>(stream.handle);
  config.attrs = attributes;
  config.numAttrs = n;
  cuda_check(cudaLaunchKernelEx(&config, run<K>, kernel), "kernel launch", where);
}

}  // namespace weft::cuda_dialect

#endif
