// Tells AddressSanitizer, when it is there, which cached host memory must not be touched, so that a use after free is
// found although the block never went back to malloc. Weak references: without the sanitizer nothing is called.
#pragma once

#include <cstddef>

extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void*, std::size_t);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void*, std::size_t);
}

namespace weft::inline v100::detail {

inline void poison(const void* memory, std::size_t bytes) noexcept {
  if (__asan_poison_memory_region) __asan_poison_memory_region(memory, bytes);
}
inline void unpoison(const void* memory, std::size_t bytes) noexcept {
  if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(memory, bytes);
}

}  // namespace weft::detail
