// The oneTBB backend: as many threads as the current task arena has (tbb::global_control and tbb::task_arena apply).
// Nested calls share the arena's threads. A thread that waits inside a call takes only that call's tasks (isolation),
// so a chain of blocks cannot wait for itself.
#pragma once

#include <weft/any_policy.hpp>
#include <weft/cpu/family.hpp>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace weft {

struct tbb_scheduler {
  static int threads() { return ::tbb::this_task_arena::max_concurrency(); }
  template <class F>
  static void run(int tasks, const F& f) {
    if (tasks == 1) return f(0);
    ::tbb::this_task_arena::isolate([&] {
      ::tbb::parallel_for(
          ::tbb::blocked_range<int>(0, tasks, 1),
          [&](const ::tbb::blocked_range<int>& range) {
            for (int task = range.begin(); task < range.end(); ++task) f(task);
          },
          ::tbb::simple_partitioner());
    });
  }
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
