// The checking resource: 256 guard bytes before and after each block, blocks filled with a pattern when they are handed
// out and again when they come back, and a report of what is wrong: a write outside, a block freed twice or with other
// sizes than it was taken with, a block never freed. A free waits for its stream to look at the guards (not while a
// graph is recorded), so this is for finding faults, not for speed. Works for memory that the host cannot touch.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace weft {

class debug_resource final : public memory_resource {
 public:
  static constexpr std::size_t guard_bytes = 256;
  static constexpr unsigned char guard_pattern = 0xfd, fresh_pattern = 0xcd, freed_pattern = 0xdd;

  /// Called with one line for each fault; the default prints it and ends the program.
  using report_function = void (*)(const char* text);
  explicit debug_resource(memory_resource& upstream, report_function report = &print_and_abort)
      : upstream_(upstream), report_(report) {}
  debug_resource(const debug_resource&) = delete;
  debug_resource& operator=(const debug_resource&) = delete;
  ~debug_resource() {
    for (const auto& [memory, b] : live_) tell("never freed", memory, b.bytes, b.number);
  }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes == 0) return nullptr;
    if (bytes > ~std::size_t{0} - 2 * guard_bytes) detail::refuse_memory(name(), bytes, stream, "no such size");
    auto* outer = static_cast<unsigned char*>(upstream_.allocate(bytes + 2 * guard_bytes, alignment, stream));
    unsigned char* memory = outer + guard_bytes;
    try {
      runtime& r = *stream.owner;
      r.fill_bytes(outer, guard_pattern, guard_bytes, stream);
      r.fill_bytes(memory, fresh_pattern, bytes, stream);
      r.fill_bytes(memory + bytes, guard_pattern, guard_bytes, stream);
      std::lock_guard lock(guard_);
      live_[memory] = {bytes, alignment, ++number_};
    } catch (...) {
      upstream_.deallocate(outer, bytes + 2 * guard_bytes, alignment, stream);
      throw;
    }
    return memory;
  }

  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    if (memory == nullptr) return;
    block found;
    {
      std::lock_guard lock(guard_);
      const auto at = live_.find(memory);
      if (at == live_.end()) return tell("freed twice or never handed out", memory, bytes, 0);
      found = at->second;
      live_.erase(at);
    }
    if (bytes != found.bytes || alignment != found.alignment)
      tell("freed with another size or alignment", memory, bytes, found.number);
    auto* outer = static_cast<unsigned char*>(memory) - guard_bytes;
    try {
      runtime& r = *stream.owner;
      if (!r.capturing(stream)) look(outer, found, stream);
      r.fill_bytes(outer, freed_pattern, found.bytes + 2 * guard_bytes, stream);
    } catch (...) {  // the driver is gone or the context lost: nothing can be looked at
    }
    upstream_.deallocate(outer, found.bytes + 2 * guard_bytes, found.alignment, stream);
  }

  memory_kind kind() const noexcept override { return upstream_.kind(); }
  std::string_view name() const noexcept override { return "debug"; }

  std::size_t live_blocks() const {
    std::lock_guard lock(guard_);
    return live_.size();
  }

 private:
  struct block {
    std::size_t bytes = 0, alignment = 0;
    std::uint64_t number = 0;  // the how-manieth allocation it was
  };

  static void print_and_abort(const char* text) {
    std::fprintf(stderr, "%s\n", text);
    std::abort();
  }

  void tell(const char* what, const void* memory, std::size_t bytes, std::uint64_t number) const noexcept {
    char text[256];
    std::snprintf(text, sizeof text, "weft debug resource: %s: %zu bytes at %p, allocation %llu", what, bytes, memory,
                  static_cast<unsigned long long>(number));
    report_(text);
  }

  void look(unsigned char* outer, const block& b, stream_ref stream) const {
    unsigned char seen[2 * guard_bytes];
    runtime& r = *stream.owner;
    r.copy(seen, outer, guard_bytes, stream);
    r.copy(seen + guard_bytes, outer + guard_bytes + b.bytes, guard_bytes, stream);
    r.stream_synchronize(stream);
    bool before = false, after = false;
    for (std::size_t i = 0; i < guard_bytes; ++i) before |= seen[i] != guard_pattern;
    for (std::size_t i = guard_bytes; i < 2 * guard_bytes; ++i) after |= seen[i] != guard_pattern;
    if (before) tell("written before its beginning", outer + guard_bytes, b.bytes, b.number);
    if (after) tell("written past its end", outer + guard_bytes, b.bytes, b.number);
  }

  memory_resource& upstream_;
  const report_function report_;
  mutable std::mutex guard_;
  std::unordered_map<void*, block> live_;
  std::uint64_t number_ = 0;
};

}  // namespace weft
