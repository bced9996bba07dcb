// The OpenMP backend: as many threads as OpenMP would use (OMP_NUM_THREADS, omp_set_num_threads). Inside a parallel
// region calls run on the calling thread, unless the program allows nested regions; so they do in a process forked from
// one that had threads (cpu/fork.hpp). How long idle threads spin after a region is the run time's choice, read when it
// starts: OMP_WAIT_POLICY=passive lets them sleep at once.
#pragma once

#ifndef _OPENMP
#error "weft/openmp.hpp needs OpenMP: compile with -fopenmp (CMake: weft::openmp)"
#endif

#include <weft/any_policy.hpp>
#include <weft/cpu/family.hpp>
#include <weft/cpu/fork.hpp>

#include <omp.h>

namespace weft::inline v100 {

struct openmp_scheduler {
  static int threads() {
    if (cpu::threads_lost()) return 1;
    return omp_get_active_level() < omp_get_max_active_levels() ? omp_get_max_threads() : 1;
  }
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
    cpu::first_exception error;
    cpu::shares shares(tasks, team);
#pragma omp parallel num_threads(team)
    shares.work(omp_get_thread_num(), [&](int task) { error.run([&] { f(task); }); });
    error.rethrow();
  }
};

struct openmp_backend : cpu::family<openmp_scheduler> {
  static constexpr const char* name = "openmp";
};
static_assert(backend<openmp_backend>);

inline constexpr policy<openmp_backend> openmp{};

namespace detail {
template <class F>
backend_type<openmp_backend> included(slot<1>, F*);
inline const registered_in<openmp_backend, 1> openmp_registered;
}  // namespace detail

}  // namespace weft
