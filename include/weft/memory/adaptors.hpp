// Resources over another resource: limit what may be used, count it, fall back to a second one, lock it, abort on it.
// memory/logging.hpp logs and replays, memory/debug.hpp checks. All of them are thread-safe when the resource below is,
// and must not outlive it.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <unordered_set>

namespace weft::inline v100 {

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
  bool exclusive() const noexcept override { return upstream_.exclusive(); }
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
  bool exclusive() const noexcept override { return upstream_.exclusive(); }
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

/// Asks `second` where `first` has no memory left, and gives each block back to where it came from. While nothing of
/// the second's is in use it costs one atomic load.
class fallback_resource final : public memory_resource {
 public:
  fallback_resource(memory_resource& first, memory_resource& second) : first_(first), second_(second) {}

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    try {
      return first_.allocate(bytes, alignment, stream);
    } catch (const out_of_memory&) {}
    std::lock_guard lock(guard_);
    blocks_.reserve(blocks_.size() + 1);
    void* memory = second_.allocate(bytes, alignment, stream);
    blocks_.insert(memory);
    count_.store(blocks_.size(), std::memory_order_relaxed);
    return memory;
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    // The load may be relaxed: whoever frees a block was handed it in an orderly way after it was counted.
    if (count_.load(std::memory_order_relaxed) != 0) {
      std::lock_guard lock(guard_);
      if (blocks_.erase(memory) != 0) {
        count_.store(blocks_.size(), std::memory_order_relaxed);
        return second_.deallocate(memory, bytes, alignment, stream);
      }
    }
    first_.deallocate(memory, bytes, alignment, stream);
  }
  /// What the first says; blocks of the second's may be of another kind.
  memory_kind kind() const noexcept override { return first_.kind(); }
  bool exclusive() const noexcept override { return first_.exclusive(); }
  std::string_view name() const noexcept override { return "fallback"; }
  /// Blocks of the second's in use.
  std::size_t fallen_back() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  memory_resource& first_;
  memory_resource& second_;
  std::mutex guard_;
  std::unordered_set<void*> blocks_;  // the second's
  std::atomic<std::size_t> count_{0};
};

/// One call at a time: for resources that are not thread-safe themselves.
class thread_safe_resource final : public memory_resource {
 public:
  explicit thread_safe_resource(memory_resource& upstream) : upstream_(upstream) {}

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    std::lock_guard lock(guard_);
    return upstream_.allocate(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    std::lock_guard lock(guard_);
    upstream_.deallocate(memory, bytes, alignment, stream);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  bool exclusive() const noexcept override { return upstream_.exclusive(); }
  std::string_view name() const noexcept override { return "thread-safe"; }

 private:
  memory_resource& upstream_;
  std::mutex guard_;
};

/// Ends the program at the first allocation while armed: for debuggers and for tests that prove a warm call takes no
/// memory.
class aborting_resource final : public memory_resource {
 public:
  explicit aborting_resource(memory_resource& upstream, bool armed = true) : upstream_(upstream), armed_(armed) {}
  void arm(bool on) noexcept { armed_.store(on, std::memory_order_relaxed); }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes != 0 && armed_.load(std::memory_order_relaxed)) {
      const std::source_location& where = memory_site::current();
      std::fprintf(stderr, "weft: %zu bytes asked of an aborting resource (device %d) by a policy made at %s:%u\n",
                   bytes, stream.device, where.file_name(), static_cast<unsigned>(where.line()));
      std::abort();
    }
    return upstream_.allocate(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    upstream_.deallocate(memory, bytes, alignment, stream);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  bool exclusive() const noexcept override { return upstream_.exclusive(); }
  std::string_view name() const noexcept override { return "aborting"; }

 private:
  memory_resource& upstream_;
  std::atomic<bool> armed_;
};

}  // namespace weft
