// Children of fork use every CPU backend: right results and no hang, whatever the parent had running before. A child of
// a process without threads has all processors; of one with threads, the calling one. Exits with the number of failed
// checks.
//
//   fork before    the parent has used nothing
//   fork after     the parent has used every backend, and another thread of it is waiting
#include "jthread_backend.hpp"

#include <weft/openmp.hpp>
#include <weft/seq.hpp>
#include <weft/simt.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace {

template <class Policy>
bool works(const Policy& policy, int n) {
  weft::stream s{policy};
  const auto on = policy.on(s);
  std::vector<int> x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int>(i * 7919 % x.size());
  weft::buffer<int> sums(on, n);
  weft::sort(on, x.begin(), x.end());
  weft::inclusive_scan(on, x.begin(), x.end(), sums.begin());
  const int sum = weft::reduce(on, x.begin(), x.end(), 0, weft::maximum{});
  const bool ok = std::is_sorted(x.begin(), x.end()) && sum == x.back();
  if (!ok) std::printf("FAILED: %s\n", Policy::backend::name);
  return ok;
}
int failures() {
  return !works(weft::seq, 500'000) + !works(weft::openmp, 500'000) + !works(weft::tbb, 500'000) +
         !works(third_party::jthread, 500'000) + !works(weft::simt, 3000);
}

/// The number of checks that fail in a child, which ends at once or as programs do, with the destructors of statics.
int child(bool ends_at_once, bool may_have_threads) {
  std::fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(100);  // a hang ends the child
    int failed = failures();
    if (!may_have_threads && weft::openmp_scheduler::threads() != 1) ++failed;
    if (may_have_threads && weft::cpu::threads_lost()) ++failed;
    if (ends_at_once) _exit(failed);
    std::exit(failed);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) std::printf("FAILED: the child ended with status %d\n", status);
  return status != 0;
}

}  // namespace

int main(int, char** argument) {
  setenv("OMP_NUM_THREADS", "4", 0);
  int failed = 0;
  if (std::strcmp(argument[1], "before") == 0) {
    failed += child(true, true) + child(false, true);
    return failed + failures();
  }
  failed += failures();
  std::mutex guard;
  std::condition_variable changed;
  bool done = false;
  std::thread waits([&] {
    std::unique_lock lock(guard);
    changed.wait(lock, [&] { return done; });
  });
  failed += child(true, false) + child(false, false);
  {
    const std::scoped_lock lock(guard);
    done = true;
  }
  changed.notify_all();
  waits.join();
  return failed + failures();  // the parent goes on
}
