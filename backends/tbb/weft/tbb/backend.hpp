// The oneTBB backend without oneTBB: its policy, and a scheduler whose two calls into an arena are declared here and
// defined in weft/tbb/arena.hpp. <weft/tbb.hpp> includes both; <weft/prebuilt/tbb.hpp> this one alone, because oneTBB's
// headers take longer to compile than a small program of this library's calls.
#pragma once

#include <weft/any_policy.hpp>
#include <weft/cpu/family.hpp>

namespace weft::inline v100 {

/// A template, so that a file may leave its definitions to others.
template <class = void>
struct tbb_arena {
  /// Threads that a call from here may use.
  static int threads();
  /// f(t) for every t in [0, tasks), as the scheduler of the cpu family promises.
  static void run(int tasks, cpu::any_task f);
};

struct tbb_scheduler {
  static int threads() { return tbb_arena<>::threads(); }
  template <class F>
  static void run(int tasks, const F& f) {
    tbb_arena<>::run(tasks, cpu::any_task(f));
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
