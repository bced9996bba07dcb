// Where the least element is, for arithmetic elements: a vector minimum of each block of 4,096, then a search inside
// the first block that has the least. Reads the input once, and one block twice. The answer is the one the fold of
// (value, index) pairs would give; where a NaN is met there is no answer, and the caller takes that fold.
#pragma once

#include <weft/cpu/find.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

namespace detail {

template <class T>
struct block_minimum {
  T value;
  bool ordered;  // no NaN seen
};

/// The least of [begin, end), not empty.
template <class T, class In, class Less>
block_minimum<T> minimum_of(In in, offset begin, offset end, const Less& less) {
  return wide([=]() __attribute__((always_inline)) {
    constexpr int columns = 128 / static_cast<int>(sizeof(T));
    using flag =
        std::conditional_t<sizeof(T) == 8, std::int64_t, std::conditional_t<sizeof(T) == 4, std::int32_t, char>>;
    T least[columns];
    flag unordered[columns];
    const T start = in[begin];
    for (int c = 0; c < columns; ++c) least[c] = start, unordered[c] = 0;
    offset i = begin;
    for (; i + columns <= end; i += columns)
      for (int c = 0; c < columns; ++c) {
        const T x = in[i + c];
        least[c] = less(x, least[c]) ? x : least[c];
        unordered[c] = static_cast<flag>(unordered[c] | (x != x));
      }
    for (; i < end; ++i) {
      const T x = in[i];
      least[0] = less(x, least[0]) ? x : least[0];
      unordered[0] = static_cast<flag>(unordered[0] | (x != x));
    }
    for (int c = 1; c < columns; ++c) {
      least[0] = less(least[c], least[0]) ? least[c] : least[0];
      unordered[0] = static_cast<flag>(unordered[0] | unordered[c]);
    }
    return block_minimum<T>{least[0], unordered[0] == 0};
  });
}

}  // namespace detail

/// *index = where the first of the least of n > 0 elements is; false, and nothing written, if one of them is a NaN.
template <class Scheduler, class Policy, class In, class Less>
bool min_index_into(const Policy& policy, In in, offset n, offset* index, Less less) {
  using T = iter_value_t<In>;
  constexpr offset block = 4096;
  const auto search = [&](offset begin, offset end, T least) {
    *index = detail::find_in(begin, end, [=](offset i) { return !less(least, static_cast<T>(in[i])); });
    return true;
  };
  if (n <= 64) {
    offset at = 0;
    T least = in[0];
    bool ordered = least == least;
    for (offset i = 1; i < n; ++i) {
      const T x = in[i];
      ordered &= x == x;
      if (less(x, least)) least = x, at = i;
    }
    if (ordered) *index = at;
    return ordered;
  }
  if (n <= block) {
    const auto found = detail::minimum_of<T>(in, 0, n, less);
    return found.ordered && search(0, n, found.value);
  }
  const offset blocks = ceil_div(n, block);
  temporary<detail::block_minimum<T>> minima(policy, blocks);
  for_chunks<Scheduler>(blocks, 16, [&](offset begin, offset end) {
    for (offset b = begin; b < end; ++b)
      minima.data()[b] = detail::minimum_of<T>(in, b * block, min(n, b * block + block), less);
  });
  offset best = 0;
  for (offset b = 0; b < blocks; ++b) {
    if (!minima.data()[b].ordered) return false;
    if (less(minima.data()[b].value, minima.data()[best].value)) best = b;
  }
  return search(best * block, min(n, best * block + block), minima.data()[best].value);
}

}  // namespace weft::cpu
