// What the cpu family needs of a scheduler, and the few ways its verbs cut work. A scheduler is a class with
//
//   static int threads();    // how many tasks may run at once if started here; 1 inside its own tasks if it does not
//                            // nest
//   template <class F> static void run(int tasks, const F& f);   // f(t) for every t in [0, tasks), in any order, on
//   any
//                            // threads; returns when all are done; the first exception of f arrives at the caller once
//                            // (class first_exception helps)
//
// Every task index must be started; a task may wait for a task that was started earlier, never for a later one. A
// thread that waits inside a task (a nested call) must not start other tasks of the same run. All else is here: sizes,
// grain, when to stay inline. Small calls never reach the scheduler.
#pragma once

#include <weft/cpu/isa.hpp>

#include <sched.h>
#include <atomic>
#include <exception>

namespace weft::inline v100::cpu {

inline constexpr offset min(offset a, offset b) { return a < b ? a : b; }
inline constexpr offset max(offset a, offset b) { return a < b ? b : a; }
inline constexpr offset ceil_div(offset a, offset b) { return (a + b - 1) / b; }

/// Keeps the first exception of many tasks for the caller; after it the remaining tasks are skipped.
class first_exception {
 public:
  template <class F>
  void run(F&& f) noexcept {
    if (raised_.load(std::memory_order_relaxed)) return;
    try {
      f();
    } catch (...) {
      if (!raised_.exchange(true)) error_ = std::current_exception();
    }
  }
  /// Call after all tasks have ended.
  void rethrow() {
    if (error_) std::rethrow_exception(std::move(error_));
  }

 private:
  std::atomic<bool> raised_{false};
  std::exception_ptr error_;
};

/// A task function of any type. A scheduler that passes it on in this form is compiled once, not for every verb and
/// type; a task is large, so the call through a pointer costs nothing.
class any_task {
 public:
  template <class F>
  explicit any_task(const F& f) noexcept
      : function_(&f), call_([](const void* function, int task) { (*static_cast<const F*>(function))(task); }) {}
  void operator()(int task) const { call_(function_, task); }

 private:
  const void* function_;
  void (*call_)(const void*, int);
};

/// True of a scheduler known to run one task at a time.
template <class Scheduler>
inline constexpr bool is_sequential = requires {
  requires std::bool_constant<Scheduler::threads() == 1>::value;
};

namespace detail {

inline constexpr int worth_it = 40'000;  // ticks: some ten microseconds of work are worth the help of other threads

/// f(begin, end) over [first, n) in chunks of this size, as parallel tasks.
template <class Scheduler, class F>
[[gnu::noinline]] void run_chunks(offset first, offset n, offset chunk, const F& f) {
  Scheduler::run(static_cast<int>(ceil_div(n - first, chunk)), [&](int task) {
    const offset begin = first + task * chunk;
    f(begin, min(n, begin + chunk));
  });
}

/// for_chunks_timed after its first look at the clock: [0, done) took `spent` ticks since `start`.
template <class Scheduler, class F>
[[gnu::noinline]] void go_on_timed(offset n, offset done, std::uint64_t start, std::uint64_t spent, const F& f) {
  constexpr std::uint64_t telling = 4'000;  // less than this says little: the first elements are cold
  for (;;) {
    const double each = static_cast<double>(spent) / static_cast<double>(done) + 1e-9;
    const double rest = each * static_cast<double>(n - done);
    if (rest < worth_it) return f(done, n);
    if (spent >= telling || rest >= 8 * worth_it) {
      const int threads = Scheduler::threads();
      if (threads <= 1) return f(done, n);
      // A piece takes at least a quarter of what makes it worth starting, and there are at least 8 a thread if
      // possible.
      const offset least = static_cast<offset>(worth_it / 4.0 / each) + 1;
      const offset left = n - done;
      offset chunk = max(min(least, ceil_div(left, threads)), ceil_div(left, offset{threads} * 8));
      if (chunk > 64) chunk = ceil_div(chunk, 64) * 64;
      return run_chunks<Scheduler>(done, n, chunk, f);
    }
    const offset end = min(n, done * 5);
    f(done, end);
    done = end;
    if (done == n) return;
    spent = ticks() - start;
  }
}

}  // namespace detail

/// f(begin, end) over [0, n), in pieces of at least `grain` elements; inline when one piece is all there is.
template <class Scheduler, class F>
void for_chunks(offset n, offset grain, F&& f) {
  if constexpr (is_sequential<Scheduler>) {
    if (n > 0) f(offset{0}, n);
  } else {
    if (n <= 0) return;
    const int threads = n <= grain ? 1 : Scheduler::threads();
    if (threads <= 1) return f(offset{0}, n);
    const offset tasks = min(ceil_div(n, grain), offset{threads} * 4);
    const offset chunk = ceil_div(ceil_div(n, tasks), 64) * 64;  // whole cache lines for every element size
    detail::run_chunks<Scheduler>(0, n, chunk, f);
  }
}

/// As for_chunks, for work of unknown cost: starts inline on a sixteenth, or on a few thousand elements, and goes on in
/// parallel once these show that the rest is worth it, be it 16 elements of a millisecond or a million of a nanosecond.
/// A small call costs two looks at the clock. Calls `cheap` where all of a small call has taken no more than a tick an
/// element.
template <class Scheduler, class F, class Cheap = std::nullptr_t>
void for_chunks_timed(offset n, F&& f, [[maybe_unused]] const Cheap& cheap = nullptr) {
  if constexpr (is_sequential<Scheduler>) {
    if (n > 0) f(offset{0}, n);
  } else {
    if (n <= 1) {
      if (n == 1) f(offset{0}, n);
      return;
    }
    const std::uint64_t start = ticks();
    const offset step = n < 32 ? 1 : min(n / 16, 4096);
    f(offset{0}, step);
    const std::uint64_t spent = ticks() - start;
    if (n <= 1 << 16 &&
        spent * static_cast<std::uint64_t>(n - step) < detail::worth_it * static_cast<std::uint64_t>(step)) {
      f(step, n);
      if constexpr (!std::is_null_pointer_v<Cheap>) {
        constexpr offset most = 1 << 14, clock = 150;  // looking at the clock takes some ticks, too
        if (n <= most && ticks() - start <= static_cast<std::uint64_t>(clock + n)) cheap();
      }
      return;
    }
    detail::go_on_timed<Scheduler>(n, step, start, spent, f);
  }
}

/// How a scheduler's threads share tasks: each of `team` members starts with a share of its own, the same in every
/// call, so that calls in a row find their data in the caches they left them in, and then helps with the others'.
class shares {
 public:
  static constexpr int most = 64;  // members
  shares(int tasks, int team) noexcept : tasks_(tasks), team_(team < most ? team : most) {
    for (int s = 0; s < team_; ++s) next_[s].value.store(begin(s), std::memory_order_relaxed);
  }
  /// f(task) for the member's share, then for what others have left.
  template <class F>
  void work(int member, const F& f) {
    member %= team_;
    for (int k = 0; k < team_; ++k) {
      const int share = member + k < team_ ? member + k : member + k - team_;
      std::atomic<int>& next = next_[share].value;
      const int end = begin(share + 1);
      while (next.load(std::memory_order_relaxed) < end) {
        const int task = next.fetch_add(1, std::memory_order_relaxed);
        if (task < end) f(task);
      }
    }
  }

 private:
  int begin(int share) const noexcept { return static_cast<int>(offset{tasks_} * share / team_); }
  struct alignas(64) counter {
    std::atomic<int> value;
  };
  int tasks_, team_;
  counter next_[most];
};

/// Blocks that are worked on in parallel but hand something on in order: a task draws a block, does what needs no
/// predecessor, waits for its turn, takes over and hands on, and finishes alone. One pass over memory for scan and
/// select. Blocks are drawn in order, so a waiting task waits only for running ones. No allocation.
class chain {
 public:
  /// The next block nobody has drawn.
  offset draw() noexcept { return next_.fetch_add(1, std::memory_order_relaxed); }
  /// Waits until all blocks before `block` have been handed on. False: one of them failed, give up.
  bool wait(offset block) const noexcept {
    for (int spins = 0;; ++spins) {
      const offset turn = turn_.load(std::memory_order_acquire);
      if (turn == block) return true;
      if (turn == failed) return false;
      if (spins < 256) {
        pause();
      } else {
        sched_yield();  // more threads than cores: the one we wait for needs this core
      }
    }
  }
  /// After wait: lets the next block take over.
  void hand_on(offset block) noexcept {
    offset expected = block;
    turn_.compare_exchange_strong(expected, block + 1, std::memory_order_release, std::memory_order_relaxed);
  }
  /// Lets every waiting task give up.
  void fail() noexcept { turn_.store(failed, std::memory_order_release); }

  /// f(block, task) for blocks in [0, blocks) drawn in order by `tasks` tasks; an exception makes the others give up.
  template <class Scheduler, class F>
  void run(offset blocks, int tasks, F&& f) {
    Scheduler::run(tasks, [&](int task) {
      try {
        for (offset block = draw(); block < blocks; block = draw()) f(block, task);
      } catch (...) {
        fail();
        throw;
      }
    });
  }

 private:
  static constexpr offset failed = -1;
  alignas(64) std::atomic<offset> next_{0};
  alignas(64) std::atomic<offset> turn_{0};
};

}  // namespace weft::cpu
