// Children of fork. Threads do not live on in the child, but pools that had them still count on them: a parallel region
// of libgomp waits there for ever. A scheduler whose threads outlive its calls answers threads() == 1 where
// threads_lost() is true; then its pool is not touched and every call runs on the calling thread.
#pragma once

#include <pthread.h>
#include <atomic>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace weft::inline v100::cpu {
namespace detail {

struct fork_watch {
  fork_watch() noexcept { pthread_atfork(before, nullptr, in_child); }
  static inline constinit std::atomic<bool> has_threads{true}, lost{false};

 private:
  static void before() {
#if __has_include(<sys/single_threaded.h>)
    has_threads.store(!__libc_single_threaded, std::memory_order_relaxed);  // not there yet, whoever would make them
#endif
  }
  static void in_child() {
    if (has_threads.load(std::memory_order_relaxed)) lost.store(true, std::memory_order_relaxed);
  }
};
inline const fork_watch watches_forks;

}  // namespace detail

/// True in a process forked from one that had more than one thread.
inline bool threads_lost() noexcept { return detail::fork_watch::lost.load(std::memory_order_relaxed); }

}  // namespace weft::cpu
