// The logging resource and its counterpart, replay: what a program asked for, when, where and by whom, as lines of a
// text file; and the same traffic once more, against any resource, to compare resources or find a fault again.
//
// A line is `allocate,<address>,<bytes>,<alignment>,<device>,<stream id>,<thread>,<nanoseconds>,<file>:<line>`; a free
// block's begins with `free`, and `refused` stands where the resource below threw. Stream ids are never reused, threads
// are numbered in the order in which they came, the time counts from the making of the resource, the place is that of
// the policy (weft::memory_site) and may be missing.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>
#include <weft/stream.hpp>

#include <atomic>
#include <cstdio>
#include <ctime>
#include <unordered_map>

namespace weft::inline v100 {
namespace detail {

inline std::uint64_t nanoseconds_now() noexcept {
  std::timespec now{};  // not <chrono>: compile time
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u + static_cast<std::uint64_t>(now.tv_nsec);
}
inline unsigned thread_number() noexcept {
  static constinit std::atomic<unsigned> threads{0};
  thread_local const unsigned mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace detail

/// Writes a line for each call and passes it on. The file stays the caller's.
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
    line("free", memory, bytes, alignment, stream);  // first: the next line may be the same block's new allocation
    upstream_.deallocate(memory, bytes, alignment, stream);
  }
  memory_kind kind() const noexcept override { return upstream_.kind(); }
  bool exclusive() const noexcept override { return upstream_.exclusive(); }
  std::string_view name() const noexcept override { return "logging"; }

 private:
  void line(const char* what, void* memory, std::size_t bytes, std::size_t alignment, stream_ref s) const noexcept {
    unsigned long long id = 0;
    try {
      if (s.owner != nullptr) id = s.owner->stream_id(s);
    } catch (...) {  // the driver is gone: a line without a stream is better than none
    }
    const std::source_location& where = memory_site::current();
    std::fprintf(out_, "%s,%p,%zu,%zu,%d,%llu,%u,%llu,%s:%u\n", what, memory, bytes, alignment, s.device, id,
                 detail::thread_number(), static_cast<unsigned long long>(detail::nanoseconds_now() - start_),
                 where.line() == 0 ? "" : where.file_name(), static_cast<unsigned>(where.line()));
  }
  memory_resource& upstream_;
  std::FILE* const out_;
  const std::uint64_t start_ = detail::nanoseconds_now();
};

struct replay_result {
  std::uint64_t allocations = 0, deallocations = 0;
  std::uint64_t refused = 0;      ///< the resource threw out_of_memory; the block's free is then skipped
  std::uint64_t not_freed = 0;    ///< still in use when the log ended; freed now
  std::uint64_t unreadable = 0;   ///< lines that are not a log's
  std::size_t bytes_peak = 0;     ///< the most in use at once
  std::uint64_t nanoseconds = 0;  ///< spent in the resource
};

/// Does what a log says once more, on one thread, with a stream of `owner` for each stream of the log. Reads from where
/// the file stands to its end.
inline replay_result replay(std::FILE* log, memory_resource& onto, runtime& owner, int device = 0) {
  struct block {
    void* memory;
    std::size_t bytes, alignment;
    stream* on;
  };
  std::unordered_map<std::uint64_t, block> live;  // by the log's address
  std::unordered_map<std::uint64_t, stream> streams;
  replay_result result;
  std::size_t in_use = 0;
  char text[2048];
  while (std::fgets(text, sizeof text, log) != nullptr) {
    char what[16];
    void* address = nullptr;
    std::size_t bytes = 0, alignment = 0;
    unsigned long long id = 0;
    if (std::sscanf(text, "%15[a-z],%p,%zu,%zu,%*d,%llu", what, &address, &bytes, &alignment, &id) != 5) {
      ++result.unreadable;
      continue;
    }
    const auto key = reinterpret_cast<std::uintptr_t>(address);
    stream& on = streams.try_emplace(id, owner, device).first->second;
    if (what[0] == 'a' && bytes != 0) {
      try {
        const std::uint64_t start = detail::nanoseconds_now();
        void* memory = onto.allocate(bytes, alignment, on);
        result.nanoseconds += detail::nanoseconds_now() - start;
        live[key] = {memory, bytes, alignment, &on};
        ++result.allocations;
        in_use += bytes;
        if (in_use > result.bytes_peak) result.bytes_peak = in_use;
      } catch (const out_of_memory&) { ++result.refused; }
    } else if (const auto at = live.find(key); what[0] == 'f' && at != live.end()) {
      const std::uint64_t start = detail::nanoseconds_now();
      onto.deallocate(at->second.memory, at->second.bytes, at->second.alignment, on);
      result.nanoseconds += detail::nanoseconds_now() - start;
      in_use -= at->second.bytes;
      ++result.deallocations;
      live.erase(at);
    }
  }
  for (const auto& [address, b] : live) {
    onto.deallocate(b.memory, b.bytes, b.alignment, *b.on);
    ++result.not_freed;
  }
  return result;
}

}  // namespace weft
