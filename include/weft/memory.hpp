// Memory resources: where temporary storage and buffers come from, in the manner of std::pmr, but ordered by a stream.
// `allocate` hands out memory that may be used by work put into `stream` from now on; `deallocate` takes it back once
// the work put into `stream` so far is done. Neither waits. memory/… holds the concrete resources.
#pragma once

#include <weft/runtime.hpp>

#include <source_location>

namespace weft::inline v100 {
namespace detail {

// Where the policy was made on whose behalf the calling thread asks for memory: for the adaptors that log and check.
inline constinit thread_local std::source_location memory_site{};

}  // namespace detail

/// While it lives, memory that this thread asks for is logged and checked as asked for here. Algorithms and buffers say
/// so themselves, with the place of their policy.
class [[nodiscard]] memory_site {
 public:
  explicit memory_site(std::source_location where = std::source_location::current()) noexcept
      : before_(detail::memory_site) {
    detail::memory_site = where;
  }
  memory_site(const memory_site&) = delete;
  memory_site& operator=(const memory_site&) = delete;
  ~memory_site() { detail::memory_site = before_; }
  /// The calling thread's; line() is 0 where none is known.
  static const std::source_location& current() noexcept { return detail::memory_site; }

 private:
  std::source_location before_;
};

/// Base of every resource. Thread-safe unless a resource says otherwise; must outlive what was allocated from it.
class memory_resource {
 public:
  /// At least `bytes` bytes aligned to at least `alignment` (a power of two, 256 at most). Throws weft::out_of_memory
  /// with size, resource and stream; then nothing has changed. 0 bytes give nullptr.
  virtual void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) = 0;
  virtual void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept = 0;
  virtual memory_kind kind() const noexcept = 0;
  virtual std::string_view name() const noexcept = 0;
  /// True: calls take all their temporary memory from here, also the few words that GPU backends otherwise keep for a
  /// stream from call to call (then they are cleared each time). Adaptors answer what the resource below does.
  virtual bool exclusive() const noexcept { return false; }

 protected:
  ~memory_resource() = default;
};

/// A policy, in the constructors of resources: they are made for its backend's current device.
template <class P>
concept has_runtime = requires {
  P::backend::runtime();
};

/// The caching, stream-ordered pool of a device: what a policy without `.with()` uses. Lives as long as the process.
inline memory_resource& default_resource(runtime&, int device);  // memory/pool.hpp

/// Scoped, typed, uninitialised temporary storage of an algorithm.
template <class T>
class temporary {
 public:
  template <class Policy>
  temporary(const Policy& policy, offset n) : resource_(policy.resource()), stream_(policy.stream()), n_(n) {
    const memory_site here(policy.where());
    data_ = static_cast<T*>(resource_.allocate(bytes(), alignment, stream_));
  }
  temporary(const temporary&) = delete;
  temporary& operator=(const temporary&) = delete;
  ~temporary() { resource_.deallocate(data_, bytes(), alignment, stream_); }

  T* data() const noexcept { return data_; }
  offset size() const noexcept { return n_; }

 private:
  static constexpr std::size_t alignment = alignof(T) < 16 ? 16 : alignof(T);
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(n_) * sizeof(T); }
  memory_resource& resource_;
  stream_ref stream_;
  offset n_;
  T* data_;
};

}  // namespace weft
