// The lock of a pool: a mutex of one word, for sections of a few dozen instructions. While nobody else wants it, taking
// and releasing it are one atomic instruction each, in line (8 instructions together, 55 by std::mutex); who has to
// wait tries for a moment and then sleeps.
#pragma once

#include <atomic>

namespace weft::inline v100::detail {

class quick_mutex {
 public:
  quick_mutex() = default;
  quick_mutex(const quick_mutex&) = delete;
  quick_mutex& operator=(const quick_mutex&) = delete;

  void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      wait();
  }
  bool try_lock() noexcept {
    int is = unlocked;
    return state_.compare_exchange_strong(is, locked, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (state_.exchange(unlocked, std::memory_order_release) == awaited) [[unlikely]]
      wake();
  }

 private:
  enum : int { unlocked, locked, awaited };

  [[gnu::noinline, gnu::cold]] void wait() noexcept {
    for (int i = 0; i < 100; ++i)
      if (state_.load(std::memory_order_relaxed) == unlocked && try_lock()) return;
    // Whoever has slept takes the lock as awaited: others may still sleep, and are woken one by one.
    while (state_.exchange(awaited, std::memory_order_acquire) != unlocked)
      state_.wait(awaited, std::memory_order_relaxed);
  }
  [[gnu::noinline, gnu::cold]] void wake() noexcept { state_.notify_one(); }

  std::atomic<int> state_{unlocked};
};

}  // namespace weft::detail
