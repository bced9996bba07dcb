// Checking that keeps the ranges handed out (see memory/checking.hpp): a block that overlaps another, that comes back
// twice, with another size or to the wrong pool ends the program with a message. Costs a look-up in an ordered map.
#pragma once

#include <weft/memory/checking.hpp>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>

namespace weft::inline v100 {

class verified : public poisoned {
 public:
  void handed_out(void* memory, std::size_t bytes, std::size_t capacity, memory_kind kind) {
    auto* first = static_cast<const std::byte*>(memory);
    const auto after = live_.lower_bound(first);
    if (after != live_.end() && after->first < first + capacity) stop("overlaps a later block", memory, bytes);
    if (after != live_.begin())
      if (const auto before = std::prev(after); before->first + before->second.capacity > first)
        stop("overlaps an earlier block", memory, bytes);
    live_.emplace_hint(after, first, block{bytes, capacity});
    poisoned::handed_out(memory, bytes, capacity, kind);
  }
  void came_back(void* memory, std::size_t bytes, std::size_t capacity, memory_kind kind) noexcept {
    const auto at = live_.find(static_cast<const std::byte*>(memory));
    if (at == live_.end()) stop("was not handed out here, or has come back already", memory, bytes);
    if (at->second.bytes != bytes) stop("comes back with another size", memory, bytes);
    live_.erase(at);
    poisoned::came_back(memory, bytes, capacity, kind);
  }
  std::size_t live_blocks() const noexcept { return live_.size(); }

 private:
  struct block {
    std::size_t bytes, capacity;
  };
  [[noreturn, gnu::cold]] static void stop(const char* what, const void* memory, std::size_t bytes) noexcept {
    std::fprintf(stderr, "weft pool: the block of %zu bytes at %p %s\n", bytes, memory, what);
    std::abort();
  }
  std::map<const std::byte*, block> live_;
};

}  // namespace weft
