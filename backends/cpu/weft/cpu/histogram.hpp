// histogram: each task counts into a copy of its own, and the copies are added at the end; one pass, bins counters a
// task. One copy a task is enough: on processors that forward a store to the next load at once (measured on Zen 5)
// several copies, taken in turn, cost 1.5 to 2 times as much, for equal neighbours too.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

template <class T>
struct histogram_plan {
  template <class Scheduler>
  static histogram_plan of(offset n, offset bins) {
    const offset grain = max(1 << 15, 4 * bins);
    const int threads = n <= grain ? 1 : Scheduler::threads();
    return {threads <= 1 ? 1 : static_cast<int>(min(threads, ceil_div(n, grain))), bins, nullptr};
  }
  void divide(divider& from) {
    if (tasks > 1) copies = from.take<T>(bins * tasks);
  }
  int tasks;
  offset bins;
  T* copies;
};

template <class Scheduler, class Plan, class In, class Counts, class BinOf>
void histogram(const Plan& plan, In in, offset n, Counts counts, offset bins, BinOf bin_of) {
  using T = iter_value_t<Counts>;
  const auto count = [&](offset begin, offset end, auto into) {
    const auto limit = static_cast<std::uint64_t>(bins);
    const auto add = [&](std::uint64_t bin) __attribute__((always_inline)) {
      into[static_cast<offset>(bin)] = into[static_cast<offset>(bin)] + T(1);
    };
    const auto bin_at = [&](offset i) __attribute__((always_inline)) {
      return static_cast<std::uint64_t>(static_cast<offset>(bin_of(in[i])));
    };
    offset i = begin;
    for (; i + 4 <= end; i += 4) {  // one branch for four elements where all have a bin
      const std::uint64_t a = bin_at(i), b = bin_at(i + 1), c = bin_at(i + 2), d = bin_at(i + 3);
      if ((a < limit) & (b < limit) & (c < limit) & (d < limit)) [[likely]] {
        add(a), add(b), add(c), add(d);
      } else {
        for (const std::uint64_t bin : {a, b, c, d})
          if (bin < limit) add(bin);
      }
    }
    for (; i < end; ++i)
      if (const std::uint64_t bin = bin_at(i); bin < limit) add(bin);
  };
  for (offset b = 0; b < bins; ++b) counts[b] = T(0);
  const int tasks = plan.tasks;
  if (tasks <= 1) return count(0, n, counts);
  const offset part = ceil_div(n, tasks);
  Scheduler::run(tasks, [&](int task) {
    T* const own = plan.copies + task * bins;
    for (offset b = 0; b < bins; ++b) own[b] = T(0);
    count(min(n, task * part), min(n, (task + 1) * part), own);
  });
  for_chunks<Scheduler>(bins, 1 << 13, [&](offset begin, offset end) {
    for (int task = 0; task < tasks; ++task) {
      const T* const own = plan.copies + task * bins;
      for (offset b = begin; b < end; ++b) counts[b] = counts[b] + own[b];
    }
  });
}

}  // namespace weft::cpu
