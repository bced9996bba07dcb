// Checking, one of the four policies of a pool (memory/pool.hpp): what is verified when blocks are handed out and come
// back. Called under the pool's lock. `capacity` is the block's real size, `bytes` what was asked for.
//
//   poisoned   the default: under AddressSanitizer idle host memory may not be touched; else nothing
//   unchecked  nothing
//   verified   keeps the ranges handed out: a block that overlaps another, that comes back twice, with another size or
//   to
//              the wrong pool ends the program with a message. Costs a look-up in an ordered map.
#pragma once

#include <weft/memory/poison.hpp>
#include <weft/runtime.hpp>

namespace weft::inline v100 {

struct unchecked {
  static constexpr void slab(void*, std::size_t, memory_kind) noexcept {}
  static constexpr void handed_out(void*, std::size_t, std::size_t, memory_kind) noexcept {}
  static constexpr void came_back(void*, std::size_t, std::size_t, memory_kind) noexcept {}
  static constexpr void leaving(void*, std::size_t, memory_kind) noexcept {}
};

struct poisoned {
  static void slab(void* memory, std::size_t bytes, memory_kind kind) noexcept {
    if (kind == memory_kind::host) detail::poison(memory, bytes);
  }
  static void handed_out(void* memory, std::size_t bytes, std::size_t, memory_kind kind) noexcept {
    if (kind == memory_kind::host) detail::unpoison(memory, bytes);
  }
  static void came_back(void* memory, std::size_t, std::size_t capacity, memory_kind kind) noexcept {
    if (kind == memory_kind::host) detail::poison(memory, capacity);
  }
  /// Goes back to where it came from.
  static void leaving(void* memory, std::size_t bytes, memory_kind kind) noexcept {
    if (kind == memory_kind::host) detail::unpoison(memory, bytes);
  }
};

}  // namespace weft
