// Stable merge sort of trivially copyable elements by any order: sorting networks for four, then merges from both ends
// without branches on the data; every thread sorts a part, and each round of merges is cut in equal parts for all
// threads. Reads and writes each element log2(n / 4) times, all but the last few in the cache; memory: one more array.
// Ascending and strictly descending input is found in one pass.
#pragma once

#include <weft/cpu/merge_path.hpp>
#include <weft/cpu/storage.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// Four elements by a stable network of five comparisons; `to` may not be `from`.
template <class T, class Less>
void sort_four(const T* from, T* to, const Less& less) {
  const bool c1 = less(from[1], from[0]), c2 = less(from[3], from[2]);
  const T *a = from + c1, *b = from + !c1, *c = from + 2 + c2, *d = from + 2 + !c2;  // a <= b, c <= d
  const bool c3 = less(*c, *a), c4 = less(*d, *b);
  const T* const least = c3 ? c : a;
  const T* const most = c4 ? b : d;
  const T* const left = c3 ? a : (c4 ? c : b);  // the two in the middle, in their order of arrival
  const T* const right = c4 ? d : (c3 ? b : c);
  const bool c5 = less(*right, *left);
  const T first = *least, second = *(c5 ? right : left), third = *(c5 ? left : right), last = *most;
  to[0] = first, to[1] = second, to[2] = third, to[3] = last;
}

template <class T, class Less>
void insertion_sort(T* a, offset n, const Less& less) {
  for (offset i = 1; i < n; ++i) {
    const T x = a[i];
    offset j = i;
    for (; j > 0 && less(x, a[j - 1]); --j) a[j] = a[j - 1];
    a[j] = x;
  }
}

/// Sorts `data`; the result goes to `data` or, if `swapped`, to `scratch`. Both have n elements; `scratch` is
/// overwritten.
template <class T, class Less>
void merge_sort_serial(T* data, T* scratch, offset n, bool swapped, const Less& less) {
  T* const to = swapped ? scratch : data;
  T* const from = swapped ? data : scratch;
  if (n <= 4) {
    if (n == 4) {
      T copy[1][4];
      __builtin_memcpy(static_cast<void*>(copy), data, 4 * sizeof(T));
      sort_four(copy[0], to, less);
      return;
    }
    if (swapped && n > 0) __builtin_memcpy(static_cast<void*>(to), data, static_cast<std::size_t>(n) * sizeof(T));
    insertion_sort(to, n, less);
    return;
  }
  const offset half = n >= 8 ? n / 8 * 4 : n / 2;  // whole fours as long as possible
  merge_sort_serial(data, scratch, half, !swapped, less);
  merge_sort_serial(data + half, scratch + half, n - half, !swapped, less);
  if (!less(from[half], from[half - 1])) {
    __builtin_memcpy(static_cast<void*>(to), from, static_cast<std::size_t>(n) * sizeof(T));
  } else {
    merge_into<T>(from, half, from + half, n - half, to, less);
  }
}

/// 1: ascending, -1: strictly descending, 0: neither.
template <class T, class Less>
int direction(const T* data, offset n, const Less& less) {
  offset i = 1;
  if (n >= 2 && less(data[1], data[0])) {
    while (i < n && less(data[i], data[i - 1])) ++i;
    return i == n ? -1 : 0;
  }
  while (i < n && !less(data[i], data[i - 1])) ++i;
  return i >= n ? 1 : 0;
}

}  // namespace detail

template <class T>
struct merge_sort_plan {
  static constexpr offset grain = 4096;

  template <class Scheduler>
  static merge_sort_plan of(offset n) {
    return {n <= 2 * grain ? 1 : Scheduler::threads(), n < 2 || (n <= 64 && sizeof(T) <= 64) ? 0 : n, nullptr};
  }
  void divide(divider& from) { scratch = from.take<T>(size); }
  int threads;
  offset size;
  T* scratch;
};

/// Sorts `data` stably. Calls `less` on elements; if it throws, `data` holds elements of the input, in some state.
template <class Scheduler, class T, class Less>
void merge_sort(const merge_sort_plan<T>& plan, T* data, offset n, const Less& less) {
  static_assert(std::is_trivially_copyable_v<T>);
  constexpr offset grain = merge_sort_plan<T>::grain;
  if (n < 2) return;
  if (const int found = detail::direction(data, n, less); found != 0) {
    if (found < 0)
      for (offset i = 0, j = n - 1; i < j; ++i, --j) {
        const T x = data[i];
        data[i] = data[j];
        data[j] = x;
      }
    return;
  }
  if (n <= 64 && sizeof(T) <= 64) {
    stack_array<T, 64> few;
    return detail::merge_sort_serial(data, few.data(), n, false, less);
  }
  T* const scratch = plan.scratch;
  const int threads = plan.threads;
  if (threads <= 1) return detail::merge_sort_serial(data, scratch, n, false, less);

  // Runs: a power of two of them, so that every round merges pairs; as many rounds go back and forth as merge.
  int runs = 1, rounds = 0;
  while (runs < 2 * threads && n / (2 * runs) >= grain) runs *= 2, ++rounds;
  const offset run = ceil_div(n, runs);
  const bool swapped = rounds % 2 != 0;
  Scheduler::run(runs, [&](int r) {
    const offset begin = min(n, r * run), end = min(n, begin + run);
    detail::merge_sort_serial(data + begin, scratch + begin, end - begin, swapped, less);
  });
  T* from = swapped ? scratch : data;
  T* to = swapped ? data : scratch;
  for (offset width = run; width < n; width *= 2) {
    const offset part = max(grain, ceil_div(ceil_div(n, 4 * threads), 64) * 64);
    Scheduler::run(static_cast<int>(ceil_div(n, part)), [&](int p) {
      // Outputs [begin, end) may touch several pairs of runs.
      for (offset begin = p * part, end = min(n, begin + part); begin < end;) {
        const offset first = begin / (2 * width) * (2 * width);
        const offset middle = min(n, first + width), last = min(n, first + 2 * width);
        const T *a = from + first, *b = from + middle;
        const offset from_d = begin - first, to_d = min(end, last) - first;
        const offset a_from = merge_split(a, middle - first, b, last - middle, from_d, less);
        const offset a_to = merge_split(a, middle - first, b, last - middle, to_d, less);
        merge_into<T>(a + a_from, a_to - a_from, b + (from_d - a_from), (to_d - a_to) - (from_d - a_from), to + begin,
                      less);
        begin = first + to_d;
      }
    });
    T* const turned = from;
    from = to;
    to = turned;
  }
}

}  // namespace weft::cpu
