// A backend by someone else: everything a CPU backend needs, in one header outside the library, written from
// backends/README.md. A pool of std::jthread serves one call at a time; a call from inside a task runs where it is, and
// so does every call in a forked child, which has no workers.
#pragma once

#include <weft/cpu/family.hpp>
#include <weft/cpu/fork.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace third_party {

class jthread_pool {
 public:
  static jthread_pool& instance() {
    static const owner it;
    return *it.pool;
  }
  int threads() const { return inside || weft::cpu::threads_lost() ? 1 : static_cast<int>(workers_.size()) + 1; }

  /// work(context, t) for every t in [0, tasks), on the caller and on the workers.
  void run(int tasks, void (*work)(void*, int), void* context) {
    const std::scoped_lock one_call_at_a_time(calls_);
    {
      const std::scoped_lock lock(mutex_);
      work_ = work, context_ = context, tasks_ = tasks, busy_ = static_cast<int>(workers_.size());
      next_ = 0;
      ++generation_;
    }
    begun_.notify_all();
    drain();
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return busy_ == 0; });
  }

 private:
  jthread_pool() {
    // At least three workers, so that a machine with one core shows the same faults as a large one.
    const unsigned cores = std::thread::hardware_concurrency();
    for (unsigned i = 0; i < (cores > 4 ? cores - 1 : 3); ++i)
      workers_.emplace_back([this](std::stop_token stop) { serve(stop); });
  }

  // A forked child has nobody to join, and condition variables that are waited for.
  struct owner {
    jthread_pool* const pool = new jthread_pool;
    ~owner() {
      if (!weft::cpu::threads_lost()) delete pool;
    }
  };

  void serve(std::stop_token stop) {
    for (long seen = 0;;) {
      {
        std::unique_lock lock(mutex_);
        if (!begun_.wait(lock, stop, [&] { return generation_ != seen; })) return;
        seen = generation_;
      }
      drain();
      const std::scoped_lock lock(mutex_);
      if (--busy_ == 0) ended_.notify_one();
    }
  }

  // Tasks are drawn in order: one that waits for an earlier task waits for a running one.
  void drain() {
    inside = true;
    for (int task = next_++; task < tasks_; task = next_++) work_(context_, task);
    inside = false;
  }

  static inline thread_local bool inside = false;
  std::mutex calls_, mutex_;
  std::condition_variable_any begun_;
  std::condition_variable ended_;
  void (*work_)(void*, int) = nullptr;
  void* context_ = nullptr;
  int tasks_ = 0, busy_ = 0;
  long generation_ = 0;
  std::atomic<int> next_ = 0;
  std::vector<std::jthread> workers_;  // last, so that it ends first
};

struct jthread_scheduler {
  static int threads() { return jthread_pool::instance().threads(); }

  template <class F>
  static void run(int tasks, const F& f) {
    if (threads() == 1) {
      for (int task = 0; task < tasks; ++task) f(task);
      return;
    }
    struct call {
      const F& f;
      weft::cpu::first_exception error;
    } each{f, {}};
    jthread_pool::instance().run(
        tasks,
        [](void* context, int task) {
          call& c = *static_cast<call*>(context);
          c.error.run([&] { c.f(task); });
        },
        &each);
    each.error.rethrow();
  }
};

struct jthread_backend : weft::cpu::family<jthread_scheduler> {
  static constexpr const char* name = "jthread";
};
static_assert(weft::backend<jthread_backend>);

inline constexpr weft::policy<jthread_backend> jthread{};

}  // namespace third_party
