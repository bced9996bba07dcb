// Balanced path (Green, Odeh and Birk, "Merge path", and its use for sets): cutting a set operation in equal parts. A
// set operation walks over two sorted ranges and pairs equal elements one by one: a step takes the lesser of the next
// two elements, or both where they are equal. `balanced_split` finds where the walk is after a given number of
// elements, to within the second of a pair, without walking: the merge path's place, moved within the run of equal
// elements around it. Both families cut by it, in memory and in shared memory.
#pragma once

#include <weft/device.hpp>

namespace weft::inline v100 {

/// A place in the walk: the first i elements of a and j of b have been taken.
template <class Index>
struct walk_place {
  Index i, j;
};

namespace detail {

/// The least index in [0, end] from which on no element of [index, end) is less than x; looks near `end` first.
template <class It, class Index, class T, class Less>
WEFT_HOST_DEVICE Index run_start(const It& it, Index end, const T& x, const Less& less) {
  Index high = end, step = 1;  // [high, end) are not less than x
  while (high >= step && !less(it[high - step], x)) {
    high -= step;
    step *= 2;
  }
  Index low = high < step ? 0 : high - step + 1;  // it[low - 1] is less than x
  while (low < high) {
    const Index middle = low + (high - low) / 2;
    if (less(it[middle], x))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// How many of the elements [begin, begin + most) that exist are equivalent to x; none of them is less.
template <class It, class Index, class T, class Less>
WEFT_HOST_DEVICE Index run_length(const It& it, Index begin, Index end, Index most, const T& x, const Less& less) {
  Index low = 0, high = end - begin < most ? end - begin : most;
  while (low < high) {
    const Index middle = low + (high - low) / 2;
    if (less(x, it[begin + middle]))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace detail

/// The first place of the walk at which at least `diagonal` elements have been taken: `diagonal`, or one more in the
/// middle of a pair. `merged` says how many of the first `diagonal` elements of the stable merge come from a.
template <class A, class B, class Index, class Less>
WEFT_HOST_DEVICE walk_place<Index> balanced_split(const A& a, Index a_n, const B& b, Index b_n, Index diagonal,
                                                  Index merged, const Less& less) {
  const Index i = merged, j = diagonal - merged;
  if (diagonal == a_n + b_n) return {a_n, b_n};
  // x is the next element of the merge; the walk has passed all that is less. Of its run, `taken` come before.
  const auto around = [&](const auto& x) {
    const Index a_start = detail::run_start(a, i, x, less), b_start = detail::run_start(b, j, x, less);
    const Index taken = i - a_start + (j - b_start), pairs = (taken + 1) / 2;
    if (taken == 0) return walk_place<Index>{i, j};
    // Pairs first, then what one side has more.
    const Index in_b = detail::run_length(b, b_start, b_n, pairs, x, less);
    if (in_b < pairs) return walk_place<Index>{a_start + (taken - in_b), b_start + in_b};
    const Index in_a = detail::run_length(a, a_start, a_n, pairs, x, less);
    if (in_a < pairs) return walk_place<Index>{a_start + in_a, b_start + (taken - in_a)};
    return walk_place<Index>{a_start + pairs, b_start + pairs};
  };
  const bool from_b = i == a_n || (j < b_n && less(b[j], a[i]));
  if (from_b) return around(b[j]);
  return around(a[i]);
}

}  // namespace weft
