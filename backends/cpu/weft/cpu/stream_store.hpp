// Copying past the cache: streaming stores, which do not read the lines they overwrite. Worth it where an output is
// larger than the cache; a third to a half of the traffic of a copy or a fill is saved.
#pragma once

#include <weft/cpu/scheduler.hpp>

#include <cstring>

namespace weft::inline v100::cpu {

/// Outputs of at least this many bytes do not stay in the cache anyway.
inline constexpr offset streaming_bytes = offset{24} << 20;

namespace detail {
#if defined(__x86_64__)
/// One streaming store of 32 aligned bytes.
template <class Vector>
[[gnu::target("avx2"), gnu::always_inline]] inline void store_past_cache(unsigned char* to, const Vector& v) {
#if defined(__clang__)
  __builtin_nontemporal_store(v, reinterpret_cast<Vector*>(to));
#else
  __builtin_ia32_movntdq256(reinterpret_cast<Vector*>(to), v);
#endif
}

[[gnu::target("avx2")]] inline void copy_streaming_avx2(unsigned char* to, const unsigned char* from,
                                                        std::size_t bytes) {
  typedef long long quads __attribute__((vector_size(32)));
  const std::size_t head = (32 - reinterpret_cast<std::uintptr_t>(to) % 32) % 32;
  std::memcpy(to, from, head);
  to += head, from += head, bytes -= head;
  for (; bytes >= 128; bytes -= 128, to += 128, from += 128) {
    quads a, b, c, d;
    __builtin_memcpy(&a, from, 32);
    __builtin_memcpy(&b, from + 32, 32);
    __builtin_memcpy(&c, from + 64, 32);
    __builtin_memcpy(&d, from + 96, 32);
    store_past_cache(to, a);
    store_past_cache(to + 32, b);
    store_past_cache(to + 64, c);
    store_past_cache(to + 96, d);
  }
  std::memcpy(to, from, bytes);
}
#endif
}  // namespace detail

/// memcpy with streaming stores. The stores are ordered only by fence_streaming, called once by the thread that made
/// them.
inline void copy_streaming(void* to, const void* from, std::size_t bytes) {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  if (bytes >= 256 && has_avx2())
    return detail::copy_streaming_avx2(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes);
#endif
  std::memcpy(to, from, bytes);
}
inline void fence_streaming() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace weft::cpu
