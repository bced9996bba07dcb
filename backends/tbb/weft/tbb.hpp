// The oneTBB backend: as many threads as the current task arena has (tbb::global_control and tbb::task_arena apply).
// Nested calls share the arena's threads. A thread that waits inside a nested call takes only that call's tasks
// (isolation), so a chain of blocks cannot wait for itself. In a process forked from one that had threads, calls run on
// the calling thread (cpu/fork.hpp).
#pragma once

#include <weft/any_policy.hpp>
#include <weft/cpu/family.hpp>
#include <weft/cpu/fork.hpp>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace weft::inline v100 {

struct tbb_scheduler {
  static int threads() { return cpu::threads_lost() ? 1 : ::tbb::this_task_arena::max_concurrency(); }
  template <class F>
  static void run(int tasks, const F& f) {
    run_any(tasks, cpu::any_task(f));
  }

 private:
  [[gnu::noinline]] static void run_any(int tasks, const cpu::any_task f) {
    const int team = tasks < threads() ? tasks : threads();
    if (team <= 1) {
      for (int task = 0; task < tasks; ++task) f(task);
      return;
    }
    cpu::shares shares(tasks, team);
    cpu::first_exception error;
    const auto start = [&] {
      ::tbb::parallel_for(
          ::tbb::blocked_range<int>(0, team, 1),
          [&](const ::tbb::blocked_range<int>& members) {
            for (int member = members.begin(); member < members.end(); ++member) {
              const inside here;
              shares.work(::tbb::this_task_arena::current_thread_index(),
                          [&](int task) { error.run([&] { f(task); }); });
            }
          },
          ::tbb::simple_partitioner());
    };
    // Only a nested call needs isolation, which makes it slower for others to join.
    if (inside::depth > 0) {
      ::tbb::this_task_arena::isolate(start);
    } else {
      start();
    }
    error.rethrow();
  }

  /// Counts the tasks of this library on the thread's stack.
  struct inside {
    inside() noexcept { ++depth; }
    inside(const inside&) = delete;
    ~inside() { --depth; }
    static inline thread_local int depth = 0;
  };
};

struct tbb_backend : cpu::family<tbb_scheduler> {
  static constexpr const char* name = "tbb";
};
static_assert(backend<tbb_backend>);

inline constexpr policy<tbb_backend> tbb{};

namespace detail {
template <class F>
backend_type<tbb_backend> included(slot<2>, F*);
inline const registered_in<tbb_backend, 2> tbb_registered;
}  // namespace detail

}  // namespace weft
