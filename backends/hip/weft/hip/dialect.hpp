// HIP's spelling of the dialect (gpu/dialect.hpp documents every word). Written for clang 15 and newer and for headers
// as old as HIP 5.2: cross-lane words use the compiler's builtins, not the headers', whose masks and names have
// changed. Width comes from the instruction set compiled for; the host pass has none and must not ask (rocPRIM#542).
#pragma once

// A plain C++ compiler sees no dialect.
#if defined(__HIP__)

#include <weft/error.hpp>
#include <weft/gpu/architecture.hpp>
#include <weft/hip/matrix_units.hpp>
#include <weft/hip/runtime.hpp>

#include <hip/hip_runtime.h>

#include <atomic>
#include <cstring>
#include <source_location>

namespace weft::inline v100::hip_dialect {

using gpu::arch;
using gpu::vec;
using hopper = gpu::no_hopper;

#if defined(__gfx90a__)
inline constexpr arch current_arch = arch::gfx90a;
#elif defined(__gfx942__)
inline constexpr arch current_arch = arch::gfx942;
#elif defined(__GFX11__)
inline constexpr arch current_arch = arch::gfx1100;
#elif defined(__GFX10__)
inline constexpr arch current_arch = arch::gfx1030;
#else
inline constexpr arch current_arch = arch::generic;
#endif

#if defined(__HIP_DEVICE_COMPILE__) && !defined(__GFX8__) && !defined(__GFX9__)
#if !defined(__GFX10__) && !defined(__GFX11__) && !defined(__GFX12__)
#error "weft does not know this GPU's warp width"
#endif
inline constexpr unsigned warp_width = 32;
#else
inline constexpr unsigned warp_width = 64;
#endif

/// Calls f<A>() for the tuning architecture; HIP compiles every listed one, and the host has code for each.
template <class F>
decltype(auto) with_arch(arch a, F&& f) {
  if (a == arch::gfx90a) return f.template operator()<arch::gfx90a>();
  if (a == arch::gfx942) return f.template operator()<arch::gfx942>();
  if (a == arch::gfx1030) return f.template operator()<arch::gfx1030>();
  if (a == arch::gfx1100) return f.template operator()<arch::gfx1100>();
  return f.template operator()<arch::generic>();
}

/// f on each 32-bit word of a trivially copyable value.
template <class T, class F>
WEFT_DEVICE T by_words(const T& value, F f) {
  static_assert(sizeof(T) <= 64, "warp words take values of at most 64 bytes");
  constexpr int n = (sizeof(T) + 3) / 4;
  union bits {
    int word[n];
    T value;
    WEFT_DEVICE bits() : word{} {}
  } in, out;
  __builtin_memcpy(in.word, &value, sizeof(T));
#pragma unroll
  for (int i = 0; i < n; ++i) out.word[i] = f(in.word[i]);
  return out.value;
}

struct warp {
  static constexpr unsigned width = warp_width;
  static WEFT_DEVICE unsigned lane() {
    if constexpr (width == 32)
      return __builtin_amdgcn_mbcnt_lo(~0u, 0u);
    else
      return __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u));
  }
  static WEFT_DEVICE unsigned index() { return __builtin_amdgcn_workitem_id_x() / width; }
  static WEFT_DEVICE void sync() {
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront");
    __builtin_amdgcn_wave_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront");
  }
  static WEFT_DEVICE int from(int word, unsigned l) {
    return __builtin_amdgcn_ds_bpermute(static_cast<int>(l * 4), word);
  }
  template <class T>
  static WEFT_DEVICE T shuffle(const T& v, unsigned l) {
    return by_words(v, [=](int w) { return from(w, l % width); });
  }
  template <class T>
  static WEFT_DEVICE T shuffle_up(const T& v, unsigned d) {
    const unsigned me = lane(), l = me < d ? me : me - d;
    return by_words(v, [=](int w) { return from(w, l); });
  }
  template <class T>
  static WEFT_DEVICE T shuffle_down(const T& v, unsigned d) {
    const unsigned me = lane(), l = me + d < width ? me + d : me;
    return by_words(v, [=](int w) { return from(w, l); });
  }
  template <class T>
  static WEFT_DEVICE T shuffle_xor(const T& v, unsigned m) {
    const unsigned l = (lane() ^ m) % width;
    return by_words(v, [=](int w) { return from(w, l); });
  }
  /// What lane - Ctrl's distance holds, moved in the vector unit itself (data-parallel primitive); 0 where there is no
  /// such lane or the row is masked out.
  template <int Ctrl, int Rows>
  static WEFT_DEVICE std::uint32_t moved(std::uint32_t v) {
    return static_cast<std::uint32_t>(__builtin_amdgcn_update_dpp(0, static_cast<int>(v), Ctrl, Rows, 0xf, false));
  }
  /// Six additions with their operand moved on the way, where shuffles would go through the LDS crossbar with five
  /// instructions each. Rows are 16 lanes.
  static WEFT_DEVICE std::uint32_t inclusive_sum(std::uint32_t v) {
    v += moved<0x111, 0xf>(v);  // row_shr:1
    v += moved<0x112, 0xf>(v);
    v += moved<0x114, 0xf>(v);
    v += moved<0x118, 0xf>(v);
    if constexpr (width == 64) {
      v += moved<0x142, 0xa>(v);  // row_bcast:15 into rows 1 and 3
      v += moved<0x143, 0xc>(v);  // row_bcast:31 into rows 2 and 3
    } else {
#if defined(__GFX10__) || defined(__GFX11__) || defined(__GFX12__)
      const std::uint32_t other =
          __builtin_amdgcn_permlanex16(v, v, ~0u, ~0u, true, false);  // lane 15 of the other row
      if (lane() >= 16) v += other;
#endif
    }
    return v;
  }
  static WEFT_DEVICE std::uint32_t greatest(std::uint32_t v) {
#pragma unroll
    for (unsigned d = 1; d < width; d *= 2) {
      const std::uint32_t other = shuffle_xor(v, d);
      v = other > v ? other : v;
    }
    return v;
  }
  static WEFT_DEVICE std::uint64_t ballot(bool p) {
    if constexpr (width == 32)
      return __builtin_amdgcn_uicmp(static_cast<unsigned>(p), 0u, 33 /* not equal */) & 0xffffffffu;
    else
      return __builtin_amdgcn_uicmp(static_cast<unsigned>(p), 0u, 33);
  }
  static WEFT_DEVICE bool any(bool p) { return ballot(p) != 0; }
  static WEFT_DEVICE bool all(bool p) { return ballot(!p) == 0; }
  static WEFT_DEVICE std::uint64_t lanes_below() { return (std::uint64_t{1} << lane()) - 1; }
  static WEFT_DEVICE std::uint64_t match(std::uint32_t v, int bits) {
    std::uint64_t same = width == 32 ? 0xffffffffull : ~0ull;
#pragma unroll
    for (int b = 0; b < bits; ++b) {
      const bool mine = v >> b & 1;
      const std::uint64_t set = ballot(mine);
      same &= mine ? set : ~set;
    }
    return same;
  }
};

struct block {
  static constexpr gpu::arch arch = current_arch;
  static constexpr unsigned width = warp_width;

  static WEFT_DEVICE unsigned thread() { return threadIdx.x; }
  static WEFT_DEVICE unsigned threads() { return blockDim.x; }
  static WEFT_DEVICE unsigned index() { return blockIdx.x; }
  static WEFT_DEVICE unsigned blocks() { return gridDim.x; }
  static WEFT_DEVICE void sync() { __syncthreads(); }
  static WEFT_DEVICE unsigned sync_count(bool p) { return static_cast<unsigned>(__syncthreads_count(p)); }
  static WEFT_DEVICE bool sync_or(bool p) { return __syncthreads_or(p) != 0; }
  static WEFT_DEVICE hip_dialect::warp warp() { return {}; }

  template <class T>
  static WEFT_DEVICE T load_relaxed(const T* p) {
    return __hip_atomic_load(p, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T load_acquire(const T* p) {
    return __hip_atomic_load(p, __ATOMIC_ACQUIRE, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE void store_relaxed(T* p, std::type_identity_t<T> v) {
    __hip_atomic_store(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE void store_release(T* p, std::type_identity_t<T> v) {
    __hip_atomic_store(p, v, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T fetch_add(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_add(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T fetch_add_acq_rel(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_add(p, v, __ATOMIC_ACQ_REL, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T fetch_min(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_min(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T fetch_max(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_max(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T fetch_or(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_or(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T exchange(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_exchange(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
  }
  template <class T>
  static WEFT_DEVICE T compare_exchange(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> desired) {
    __hip_atomic_compare_exchange_strong(p, &expected, desired, __ATOMIC_RELAXED, __ATOMIC_RELAXED,
                                         __HIP_MEMORY_SCOPE_AGENT);
    return expected;
  }

  template <class T>
  static WEFT_DEVICE T shared_fetch_add(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_add(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_WORKGROUP);
  }
  template <class T>
  static WEFT_DEVICE void shared_add(T* p, std::type_identity_t<T> v) {
    shared_fetch_add(p, v);
  }
  template <class T>
  static WEFT_DEVICE T shared_fetch_or(T* p, std::type_identity_t<T> v) {
    return __hip_atomic_fetch_or(p, v, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_WORKGROUP);
  }

  static WEFT_DEVICE void fence() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent"); }
  static WEFT_DEVICE void backoff(unsigned n) {
    if (n < 8)
      __builtin_amdgcn_s_sleep(1);
    else
      __builtin_amdgcn_s_sleep(8);
  }

  // The compiler picks global_load_dwordx4 / b128 for these by itself.
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
    using words = unsigned __attribute__((ext_vector_type(N / 4)));
    const words w = __builtin_nontemporal_load(static_cast<const words*>(p));
    __builtin_memcpy(&v, &w, N);
    return v;
  }
  template <int N>
  static WEFT_DEVICE void store_stream(void* p, const vec<N>& v) {
    using words = unsigned __attribute__((ext_vector_type(N / 4)));
    words w;
    __builtin_memcpy(&w, &v, N);
    __builtin_nontemporal_store(w, static_cast<words*>(p));
  }

  static constexpr bool has_clusters = false;
  static constexpr bool has_bulk_copies = false;
  static WEFT_DEVICE std::uint32_t opaque(std::uint32_t w) {
    asm volatile("" : "+v"(w));
    return w;
  }
  static WEFT_DEVICE void part_schedule() { asm volatile("" ::: "memory"); }
  static WEFT_DEVICE std::uint32_t permute_bytes(std::uint32_t v, std::uint32_t from) {
    return __builtin_amdgcn_perm(0u, v,
                                 (from & 3) | (from >> 4 & 3) << 8 | (from >> 8 & 3) << 16 | (from >> 12 & 3) << 24);
  }
  static WEFT_DEVICE int popcount(std::uint64_t m) { return __builtin_popcountll(m); }
  static WEFT_DEVICE int lowest_bit(std::uint64_t m) { return __builtin_ctzll(m); }
  static WEFT_DEVICE int highest_bit(std::uint64_t m) { return 63 - __builtin_clzll(m); }
};

// The launch ----------------------------------------------------------------------------------------------------------

template <class K>
static __global__ void __launch_bounds__(K::template block_threads<current_arch>) run(const K kernel) {
  // Static, so the linker checks it against the architecture's 64 KiB and the code object states it.
  using storage = typename K::template shared<current_arch>;
  __shared__ __attribute__((aligned(128))) unsigned char bytes[sizeof(storage)];
  kernel(block{}, *reinterpret_cast<storage*>(bytes));
}

/// Facts of a device, read once. Throws when there is no such device.
inline const gpu::device_info& info(int device) {
  constexpr int most = 64;
  static gpu::device_info known[most];
  static std::atomic<bool> ready[most];
  if (device < 0 || device >= most) throw invalid_argument("device " + std::to_string(device) + " is not there");
  if (!ready[device].load(std::memory_order_acquire)) {
    hipDeviceProp_t p{};
    hip_check(hipGetDeviceProperties(&p, device), "hipGetDeviceProperties");
    const std::string_view name = p.gcnArchName;
    gpu::device_info d{};
    d.architecture = name.starts_with("gfx90a")   ? arch::gfx90a
                     : name.starts_with("gfx942") ? arch::gfx942
                     : name.starts_with("gfx103") ? arch::gfx1030
                     : name.starts_with("gfx11")  ? arch::gfx1100
                                                  : arch::generic;
    d.multiprocessors = p.multiProcessorCount;
    d.shared_per_block = static_cast<int>(p.sharedMemPerBlock);
    d.warp_width = p.warpSize;
    d.l2_bytes = p.l2CacheSize;
    known[device] = d;
    ready[device].store(true, std::memory_order_release);
  }
  return known[device];
}

/// How many blocks of the kernel the whole device holds at once.
template <arch A, class K>
int resident_blocks(int device) {
  static std::atomic<int> known[64];
  int blocks = known[device].load(std::memory_order_relaxed);
  if (blocks == 0) {
    hip_check(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, run<K>, K::template block_threads<A>, 0),
              "hipOccupancyMaxActiveBlocksPerMultiprocessor");
    blocks *= info(device).multiprocessors;
    known[device].store(blocks, std::memory_order_relaxed);
  }
  return blocks;
}

/// There are no clusters.
template <arch A, class Kernel>
int resident_clusters(int /*device*/) {
  return 0;
}

template <arch A, class K>
void launch(unsigned blocks, stream_ref stream, const K& kernel, const std::source_location& where) {
  run<K><<<dim3(blocks), dim3(K::template block_threads<A>), 0, static_cast<hipStream_t>(stream.handle)>>>(kernel);
  hip_check(hipGetLastError(), "kernel launch", where);
}

}  // namespace weft::hip_dialect

#endif
