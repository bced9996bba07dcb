// How the oneTBB backend runs tasks: a team of as many members as the arena has threads, each of which takes shares of
// the tasks until none are left.
#pragma once

#include <weft/cpu/fork.hpp>
#include <weft/tbb/backend.hpp>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace weft::inline v100 {

namespace detail {
/// Counts the tasks of this library on the thread's stack.
struct inside_tbb_task {
  inside_tbb_task() noexcept { ++depth; }
  inside_tbb_task(const inside_tbb_task&) = delete;
  ~inside_tbb_task() { --depth; }
  static inline thread_local int depth = 0;
};
}  // namespace detail

template <class X>
int tbb_arena<X>::threads() {
  return cpu::threads_lost() ? 1 : ::tbb::this_task_arena::max_concurrency();
}

template <class X>
[[gnu::noinline]] void tbb_arena<X>::run(int tasks, const cpu::any_task f) {
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
            const detail::inside_tbb_task here;
            shares.work(::tbb::this_task_arena::current_thread_index(), [&](int task) { error.run([&] { f(task); }); });
          }
        },
        ::tbb::simple_partitioner());
  };
  // Only a nested call needs isolation, which makes it slower for others to join.
  if (detail::inside_tbb_task::depth > 0) {
    ::tbb::this_task_arena::isolate(start);
  } else {
    start();
  }
  error.rethrow();
}

}  // namespace weft
