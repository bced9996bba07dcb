// no_allocation: a scope in which nobody takes memory. It listens to everything the library is asked for: what pools
// hand out, warm or not, and what the vendors and the operating system give, whatever resource asked them.
//
//   weft::workspace space(pointer, bytes);
//   weft::no_allocation strict;                        // ends the program, with a message, where memory is taken
//   weft::sort(weft::cuda.on(stream).with(space), …);
#pragma once

#include <weft/profile.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace weft::inline v100 {

/// While it lives, memory taken by any thread ends the program, or is counted. Not told of: host memory that a
/// backend's run time or the standard library takes for its own book-keeping.
class no_allocation final : private profile::tool {
 public:
  enum class when { abort, count };

  explicit no_allocation(when taken = when::abort) noexcept : taken_(taken), attached_(profile::attach(*this)) {
    if (!attached_) stop("weft: no_allocation cannot listen: too many tools are attached\n");
  }
  no_allocation(const no_allocation&) = delete;
  no_allocation& operator=(const no_allocation&) = delete;
  ~no_allocation() { profile::detach(*this); }

  /// How often memory was taken so far.
  std::uint64_t seen() const noexcept { return seen_.load(std::memory_order_relaxed); }

 private:
  void begin(const profile::event& e) noexcept override {
    if (e.what != profile::kind::allocation && e.what != profile::kind::pool_allocation) return;
    seen_.fetch_add(1, std::memory_order_relaxed);
    if (taken_ == when::count) return;
    const detail::current_call& call = detail::this_call;
    std::fprintf(
        stderr, "weft: %zu bytes taken (%.*s, device %d) where none may be, by %.*s with a policy made at %s:%u\n",
        e.bytes, static_cast<int>(e.name.size()), e.name.data(), e.stream.device, static_cast<int>(call.name.size()),
        call.name.data(), call.where.file_name(), static_cast<unsigned>(call.where.line()));
    std::abort();
  }
  [[noreturn]] static void stop(const char* text) noexcept {
    std::fputs(text, stderr);
    std::abort();
  }

  const when taken_;
  std::atomic<std::uint64_t> seen_{0};
  const bool attached_;
};

}  // namespace weft
