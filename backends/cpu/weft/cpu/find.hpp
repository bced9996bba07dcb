// find_first: the least index that satisfies a predicate. Blocks are drawn in order and nobody starts a block behind a
// hit, so little more than the prefix up to the hit is read. Predicates run over 64 elements at a time without
// branches.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// The least i in [begin, end) with predicate(i), else end.
template <class Predicate>
offset find_in(offset begin, offset end, const Predicate& predicate) {
  return wide([=]() __attribute__((always_inline)) {
    Predicate test = predicate;
    offset i = begin;
    // Looks at whole groups first: an OR over 64 results vectorises where an early exit does not.
    for (; i < end && i < begin + 16; ++i)
      if (test(i)) return i;
    for (; i + 64 <= end; i += 64) {
      unsigned hit = 0;
      for (int j = 0; j < 64; ++j) hit |= test(i + j) ? 1u : 0u;
      if (hit) break;
    }
    for (; i < end; ++i)
      if (test(i)) return i;
    return end;
  });
}

}  // namespace detail

template <class Scheduler, class Policy, class Count, class Predicate>
void find_first_into(const Policy&, offset n, Count count, Predicate predicate) {
  constexpr offset block = 1 << 14;
  const int threads = n <= 2 * block ? 1 : Scheduler::threads();
  if (threads <= 1) {
    *count = detail::find_in(0, n, predicate);
    return;
  }
  // A hit in the first block needs no other thread.
  const offset early = detail::find_in(0, block, predicate);
  if (early < block) {
    *count = early;
    return;
  }
  std::atomic<offset> best{n};
  std::atomic<offset> next{block};
  Scheduler::run(threads, [&](int) {
    for (;;) {
      const offset begin = next.fetch_add(block, std::memory_order_relaxed);
      if (begin >= best.load(std::memory_order_relaxed)) return;  // best <= n ends the loop at the end of the range too
      const offset end = min(n, begin + block);
      const offset found = detail::find_in(begin, end, predicate);
      if (found == end) continue;
      offset seen = best.load(std::memory_order_relaxed);
      while (found < seen && !best.compare_exchange_weak(seen, found, std::memory_order_relaxed)) {}
      return;
    }
  });
  *count = best.load();
}

}  // namespace weft::cpu
