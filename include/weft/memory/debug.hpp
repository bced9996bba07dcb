// The checking resource: 256 guard bytes before and after each block, blocks filled with a pattern when they are handed
// out and again when they come back, and a report of what is wrong: a write outside, a block freed twice or with other
// sizes than it was taken with, a block never freed, and, because freed blocks are kept for a while
// (`quarantine_bytes`) before they go back, a write to a block after it was freed, by whatever stream; reads after the
// free see the pattern. Reports name the place of the policy that took the block. A free waits for its stream to look
// at the guards (not while a graph is recorded), so this is for finding faults, not for speed. Works for memory that
// the host cannot touch.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace weft::inline v100 {

class debug_resource final : public memory_resource {
 public:
  static constexpr std::size_t guard_bytes = 256;
  static constexpr unsigned char guard_pattern = 0xfd, fresh_pattern = 0xcd, freed_pattern = 0xdd;

  static constexpr std::size_t default_quarantine = std::size_t{64} << 20;

  /// Called with one line for each fault; the default prints it and ends the program.
  using report_function = void (*)(const char* text);
  explicit debug_resource(memory_resource& upstream, report_function report = &print_and_abort,
                          std::size_t quarantine_bytes = default_quarantine)
      : upstream_(upstream), report_(report), quarantine_bytes_(quarantine_bytes) {}
  debug_resource(const debug_resource&) = delete;
  debug_resource& operator=(const debug_resource&) = delete;
  /// Reports blocks never freed, and looks at those in quarantine for the last time.
  ~debug_resource() {
    check_freed();
    for (const auto& [memory, b] : live_) tell("never freed", memory, b);
  }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes == 0) return nullptr;
    if (bytes > ~std::size_t{0} - 2 * guard_bytes) detail::refuse_memory(name(), bytes, stream, "no such size");
    auto* outer = static_cast<unsigned char*>(allocate_upstream(bytes + 2 * guard_bytes, alignment, stream));
    unsigned char* memory = outer + guard_bytes;
    try {
      runtime& r = *stream.owner;
      r.fill_bytes(outer, guard_pattern, guard_bytes, stream);
      r.fill_bytes(memory, fresh_pattern, bytes, stream);
      r.fill_bytes(memory + bytes, guard_pattern, guard_bytes, stream);
      std::lock_guard lock(guard_);
      live_[memory] = {bytes, alignment, ++number_, memory_site::current()};
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
      if (at == live_.end())
        return tell("freed twice or never handed out", memory, {bytes, alignment, 0, memory_site::current()});
      found = at->second;
      live_.erase(at);
    }
    if (bytes != found.bytes || alignment != found.alignment)
      tell("freed with another size or alignment", memory, found);
    auto* outer = static_cast<unsigned char*>(memory) - guard_bytes;
    const std::size_t whole = found.bytes + 2 * guard_bytes;
    bool looked_at = false;
    try {
      runtime& r = *stream.owner;
      if (!r.capturing(stream)) {
        look(outer, found, stream);
        r.fill_bytes(outer, freed_pattern, whole, stream);
        r.stream_synchronize(stream);
        looked_at = true;
      }
    } catch (...) {  // the driver is gone or the context lost: nothing can be looked at
    }
    if (!looked_at || whole > quarantine_bytes_) return upstream_.deallocate(outer, whole, found.alignment, stream);
    try {
      std::lock_guard lock(guard_);
      freed_.push_back({outer, found, stream.owner, stream.device});
      freed_bytes_ += whole;
    } catch (...) { return upstream_.deallocate(outer, whole, found.alignment, stream); }
    release_freed(quarantine_bytes_);
  }

  /// Looks at all freed blocks that are still kept, and gives them back to the resource below. Waits.
  void check_freed() noexcept { release_freed(0); }

  memory_kind kind() const noexcept override { return upstream_.kind(); }
  bool exclusive() const noexcept override { return upstream_.exclusive(); }
  std::string_view name() const noexcept override { return "debug"; }

  std::size_t live_blocks() const {
    std::lock_guard lock(guard_);
    return live_.size();
  }

 private:
  struct block {
    std::size_t bytes = 0, alignment = 0;
    std::uint64_t number = 0;  // the how-manieth allocation it was
    std::source_location where{};
  };
  struct freed_block {
    unsigned char* outer;
    block was;
    runtime* owner;
    int device;
  };

  static void print_and_abort(const char* text) {
    std::fprintf(stderr, "%s\n", text);
    std::abort();
  }

  void tell(const char* what, const void* memory, const block& b) const noexcept {
    char text[512];
    const int length = std::snprintf(text, sizeof text, "weft debug resource: %s: %zu bytes at %p, allocation %llu",
                                     what, b.bytes, memory, static_cast<unsigned long long>(b.number));
    if (b.where.line() != 0 && length > 0 && static_cast<std::size_t>(length) < sizeof text)
      std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), " [policy made at %s:%u]",
                    b.where.file_name(), static_cast<unsigned>(b.where.line()));
    report_(text);
  }

  // What is kept must not make a program fail that would fit without.
  void* allocate_upstream(std::size_t bytes, std::size_t alignment, stream_ref stream) {
    try {
      return upstream_.allocate(bytes, alignment, stream);
    } catch (const out_of_memory&) {
      {
        std::lock_guard lock(guard_);
        if (freed_.empty()) throw;
      }
      check_freed();
      return upstream_.allocate(bytes, alignment, stream);
    }
  }

  // The oldest freed blocks go back until no more than `keep` bytes are kept. Read by the calling thread's default
  // stream: the block's own may have ended.
  void release_freed(std::size_t keep) noexcept {
    for (;;) {
      freed_block oldest;
      {
        std::lock_guard lock(guard_);
        if (freed_bytes_ <= keep || freed_.empty()) return;
        oldest = freed_.front();
        freed_.pop_front();
        freed_bytes_ -= oldest.was.bytes + 2 * guard_bytes;
      }
      const std::size_t whole = oldest.was.bytes + 2 * guard_bytes;
      stream_ref stream{oldest.owner, nullptr, oldest.device};
      try {
        stream = oldest.owner->default_stream();
        stream.device = oldest.device;
        unsigned char seen[4096];
        bool touched = false;
        for (std::size_t at = 0; at < whole && !touched; at += sizeof seen) {
          const std::size_t n = whole - at < sizeof seen ? whole - at : sizeof seen;
          oldest.owner->copy(seen, oldest.outer + at, n, stream);
          oldest.owner->stream_synchronize(stream);
          for (std::size_t i = 0; i < n; ++i) touched |= seen[i] != freed_pattern;
        }
        if (touched) tell("written after it was freed", oldest.outer + guard_bytes, oldest.was);
      } catch (...) {  // the driver is gone or the context lost
      }
      upstream_.deallocate(oldest.outer, whole, oldest.was.alignment, stream);
    }
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
    if (before) tell("written before its beginning", outer + guard_bytes, b);
    if (after) tell("written past its end", outer + guard_bytes, b);
  }

  memory_resource& upstream_;
  const report_function report_;
  const std::size_t quarantine_bytes_;
  mutable std::mutex guard_;
  std::unordered_map<void*, block> live_;
  std::deque<freed_block> freed_;  // the oldest first
  std::size_t freed_bytes_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace weft
