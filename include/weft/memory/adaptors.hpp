// Resources over another resource: limit what may be used, count it, log it, abort on it. The checking one, with guard
// bytes and a leak report, is memory/debug.hpp. All of them are thread-safe when the resource below is, and must not
// outlive it.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace weft {

/// Refuses what would bring the bytes in use above a limit.
class limit_resource final : public memory_resource {
 public:
  limit_resource(memory_resource& upstream, std::size_t limit) : upstream_(upstream), limit_(limit) {}

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_ - used) detail::refuse_memory(name(), bytes, stream, "above the limit");
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    try {
      return upstream_.allocate(bytes, alignment, stream);
    } catch (...) {
      used_.fetch_sub(bytes, std::memory_order_relaxed);
      throw;
    }
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    upstream_.deallocate(memory, bytes, alignment, stream);
    used_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  std::string_view name() const noexcept override { return "limit"; }
  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  memory_resource& upstream_;
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

struct memory_statistics {
  std::uint64_t allocations = 0;
  std::uint64_t deallocations = 0;
  std::size_t bytes = 0;        ///< in use now
  std::size_t bytes_peak = 0;   ///< the most in use at once
  std::size_t bytes_total = 0;  ///< ever asked for
};

/// Counts what passes through.
class statistics_resource final : public memory_resource {
 public:
  explicit statistics_resource(memory_resource& upstream) : upstream_(upstream) {}

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    void* memory = upstream_.allocate(bytes, alignment, stream);
    allocations_.fetch_add(1, std::memory_order_relaxed);
    total_.fetch_add(bytes, std::memory_order_relaxed);
    const std::size_t now = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::size_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < now && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {}
    return memory;
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    upstream_.deallocate(memory, bytes, alignment, stream);
    deallocations_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  std::string_view name() const noexcept override { return "statistics"; }

  memory_statistics statistics() const noexcept {
    return {allocations_.load(std::memory_order_relaxed), deallocations_.load(std::memory_order_relaxed),
            bytes_.load(std::memory_order_relaxed), peak_.load(std::memory_order_relaxed),
            total_.load(std::memory_order_relaxed)};
  }

 private:
  memory_resource& upstream_;
  std::atomic<std::uint64_t> allocations_{0}, deallocations_{0};
  std::atomic<std::size_t> bytes_{0}, peak_{0}, total_{0};
};

/// Writes a line for each call: `allocate,<address>,<bytes>,<alignment>,<device>,<stream>`, `free,…` or `refused,…`.
class logging_resource final : public memory_resource {
 public:
  explicit logging_resource(memory_resource& upstream, std::FILE* out = stderr) : upstream_(upstream), out_(out) {}

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    try {
      void* memory = upstream_.allocate(bytes, alignment, stream);
      line("allocate", memory, bytes, alignment, stream);
      return memory;
    } catch (...) {
      line("refused", nullptr, bytes, alignment, stream);
      throw;
    }
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    line("free", memory, bytes, alignment, stream);
    upstream_.deallocate(memory, bytes, alignment, stream);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  std::string_view name() const noexcept override { return "logging"; }

 private:
  void line(const char* what, void* memory, std::size_t bytes, std::size_t alignment, stream_ref s) const noexcept {
    std::fprintf(out_, "%s,%p,%zu,%zu,%d,%p\n", what, memory, bytes, alignment, s.device, s.handle);
  }
  memory_resource& upstream_;
  std::FILE* const out_;
};

/// Ends the program at the first allocation while armed: for debuggers and for tests that prove a warm call takes no
/// memory.
class aborting_resource final : public memory_resource {
 public:
  explicit aborting_resource(memory_resource& upstream, bool armed = true) : upstream_(upstream), armed_(armed) {}
  void arm(bool on) noexcept { armed_.store(on, std::memory_order_relaxed); }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes != 0 && armed_.load(std::memory_order_relaxed)) {
      std::fprintf(stderr, "weft: %zu bytes asked of an aborting resource (device %d)\n", bytes, stream.device);
      std::abort();
    }
    return upstream_.allocate(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    upstream_.deallocate(memory, bytes, alignment, stream);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  std::string_view name() const noexcept override { return "aborting"; }

 private:
  memory_resource& upstream_;
  std::atomic<bool> armed_;
};

}  // namespace weft
