// Merge path (Odeh, Green and others 2012): the first d elements of the stable merge of A and B are a prefix of A and a
// prefix of B, and how long they are is found by a binary search along the diagonal d. So any piece of the output can
// be made on its own. Here: the search by a warp in memory, the search by a thread in shared memory, and the merge of a
// thread's few elements.
#pragma once

#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// The highest power of two up to n.
WEFT_HOST_DEVICE constexpr int highest_power(int n) {
  int power = 1;
  while (power <= n / 2) power *= 2;
  return power;
}

/// Looks for how many of the first `diagonal` elements of the merge of a and b come from a; a whole warp together, W
/// candidates a step. A step is cut in two, so that other work fits between asking for elements and needing them. A
/// step leaves a W-th of the candidates: three do for 32 * W of them. Index is int or offset.
template <class Block, class T, class Index>
class split_search {
 public:
  /// Of a with na and b with nb elements, 0 <= diagonal <= na + nb.
  WEFT_DEVICE split_search(Index diagonal, Index na, Index nb)
      : diagonal_(diagonal), low_(diagonal > nb ? diagonal - nb : 0), high_(diagonal < na ? diagonal : na) {
    from_ = low_, until_ = high_;
  }
  /// The next step looks only at candidates within `reach` of a guess. If the guess is right, that saves a step, and
  /// what is read lies together; if not, it is a step too many.
  WEFT_DEVICE void aim(Index guess, Index reach) {
    if (guess - reach > low_ && guess - reach < high_) from_ = guess - reach;
    if (guess + reach < high_ && guess + reach > from_) until_ = guess + reach;
  }

  WEFT_DEVICE bool done() const { return low_ == high_; }
  WEFT_DEVICE Index result() const { return low_; }

  template <class A, class B>
  WEFT_DEVICE void ask(Block block, const A& a, const B& b) {
    if (low_ < high_) {
      const Index i = candidate(block.warp().lane());
      probe_[0] = static_cast<T>(a[i]);
      probe_[1] = static_cast<T>(b[diagonal_ - 1 - i]);
    }
  }
  template <class Less>
  WEFT_DEVICE void narrow(Block block, const Less& less) {
    const bool open = low_ < high_;
    const bool before = open && !less(probe_[1], probe_[0]);  // a[candidate] is among the first `diagonal`
    const auto hits = static_cast<unsigned>(Block::popcount(block.warp().ballot(before)));
    if (!open) return;
    // The candidates ascend with the lanes, and the first `hits` of them lie below the result.
    const Index low = hits > 0 ? candidate(hits - 1) + 1 : low_;
    const Index high = hits < Block::width ? candidate(hits) : high_;
    from_ = low_ = low, until_ = high_ = high;
  }

 private:
  WEFT_DEVICE Index candidate(unsigned lane) const {
    return from_ + static_cast<Index>((until_ - from_) * static_cast<offset>(lane) / static_cast<offset>(Block::width));
  }
  Index diagonal_, low_, high_;
  Index from_, until_;  // what the next step looks at
  items<T, 2> probe_;
};

/// The same by one thread, in two ranges that lie in one array: A in [a, a_end), B in [b, b_end).
template <class T, class Less>
WEFT_DEVICE int split_at(const T* s, int a, int a_end, int b, int b_end, int diagonal, const Less& less) {
  const int na = a_end - a, nb = b_end - b;
  int low = diagonal > nb ? diagonal - nb : 0, high = diagonal < na ? diagonal : na;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (less(s[b + diagonal - 1 - middle], s[a + middle]))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/// The same where a or b has at most `Most` elements, by steps that are powers of two: half the instructions, and no
/// branches but around the longest steps, which most threads of a merge in fours need not make. A step is never longer
/// than what is left; where nothing is left, the last one is repeated.
template <int Most, class T, class Less>
WEFT_DEVICE int split_in_steps(const T* s, int a, int a_end, int b, int b_end, int diagonal, const Less& less) {
  const int na = a_end - a, nb = b_end - b;
  const int low = diagonal > nb ? diagonal - nb : 0, high = diagonal < na ? diagonal : na;
  const T *x = s + (a + high - 1), *y = s + (b + diagonal - high);
  int left = high - low;  // candidates
  if (left > 0)
#pragma unroll
    for (int step = highest_power(Most); step > 0; step /= 2) {
      if (step > highest_power(Most) / 8 && left < step) continue;
      const int rest = left - step > 0 ? left - step : 0;
      if (!less(y[rest], *(x - rest))) left = rest;
    }
  return high - left;
}

/// The same with as many steps as it takes: the first one is a power of two, and a or b has less than twice as many
/// elements.
template <class T, class Less>
WEFT_DEVICE int split_from_step(const T* s, int a, int a_end, int b, int b_end, int diagonal, int step,
                                const Less& less) {
  const int na = a_end - a, nb = b_end - b;
  const int low = diagonal > nb ? diagonal - nb : 0, high = diagonal < na ? diagonal : na;
  const T *x = s + (a + high - 1), *y = s + (b + diagonal - high);
  int left = high - low;
  if (left > 0)
#pragma unroll 1
    for (; step > 0; step /= 2) {
      const int rest = left - step > 0 ? left - step : 0;
      if (!less(y[rest], *(x - rest))) left = rest;
    }
  return high - left;
}

/// Nothing else moves along with an element of a merge.
struct nothing_along {
  template <class T>
  WEFT_DEVICE void operator()(int, const T*) const {}
};

/// Merges the next `Items` elements of [a, a_end) and [b, b_end) of the array into registers; where both have run out,
/// what is written is unspecified. s must be readable at a_end and b_end. along(i, p) hears where element i comes from.
template <int Items, class T, class Less, class Along = nothing_along>
WEFT_DEVICE void merge_items(const T* s, int a, int a_end, int b, int b_end, items<T, Items>& out, const Less& less,
                             const Along& along = {}) {
  items<T, 2> next;
  next[0] = s[a], next[1] = s[b];
#pragma unroll
  for (int i = 0; i < Items; ++i) {
    const bool take_b = a >= a_end || (b < b_end && less(next[1], next[0]));
    along(i, s + (take_b ? b : a));
    if (take_b) {
      out[i] = next[1];
      if (b < b_end) ++b;
    } else {
      out[i] = next[0];
      ++a;
    }
    const T following = s[take_b ? b : a];
    if (take_b)
      next[1] = following;
    else
      next[0] = following;
  }
}

/// The same with fewer tests: s must be readable for `Items` elements from a_end and from b_end on.
template <int Items, class T, class Less, class Along = nothing_along>
WEFT_DEVICE void merge_padded_items(const T* s, int a, int a_end, int b, int b_end, items<T, Items>& out,
                                    const Less& less, const Along& along = {}) {
  items<T, 2> next;
  next[0] = s[a], next[1] = s[b];
#pragma unroll
  for (int i = 0; i < Items; ++i) {
    const bool take_b = a >= a_end || (b < b_end && less(next[1], next[0]));
    out[i] = take_b ? next[1] : next[0];
    along(i, s + (take_b ? b : a));
    if (i + 1 < Items) {
      if (take_b)
        next[1] = s[++b];
      else
        next[0] = s[++a];
    }
  }
}

/// Compares key-value pairs by their keys.
template <class Less>
struct less_by_key {
  Less less;
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr bool operator()(const A& a, const B& b) const {
    return less(weft::get<0>(a), weft::get<0>(b));
  }
};

/// Elements a thread merges: about `bytes` bytes, an odd number (so that threads begin in different banks).
constexpr int merge_thread_items(int bytes, int element) {
  const int n = bytes / element;
  return n < 2 ? 1 : (n - 1) / 2 * 2 + 1;
}

}  // namespace weft::gpu
