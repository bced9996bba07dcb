// Sorts keys, alone or with values. Always stable. Arithmetic keys under weft::less or weft::greater are sorted by
// their digits (O(n) passes over memory), everything else by merging (O(n log n) comparisons); n elements of temporary
// memory.
//
// Floating-point keys under weft::less and weft::greater: numbers by value, where -0.0 equals 0.0 (they keep their
// order of arrival and their signs), and NaNs behind all numbers, in either direction. NaNs among themselves come in an
// unspecified order. With an own comparison, NaNs must be ordered by it or absent.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

/// Sorts [first, last) by `less`, stably: equal elements stay in order. Elements of zip iterators move together.
/// Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
  requires writable_from<It, It>
void sort(const P& policy, It first, It last, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  P::backend::sort(policy, detail::checked(policy, "sort", first, n), none{}, n, less);
  weft::finish(policy);
}

/// The same as sort, which is stable.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
  requires writable_from<It, It>
void stable_sort(const P& policy, It first, It last, Less less = {}) { weft::sort(policy, first, last, less); }

/// Sorts the keys [first, last) by `less`, stably, and moves the values from `values` with their keys.
template <execution_policy P, random_access Keys, random_access Values, orders<iter_value_t<Keys>> Less = less>
  requires writable_from<Keys, Keys> && writable_from<Values, Values>
void sort_by_key(const P& policy, Keys first, Keys last, Values values, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto keys = detail::checked(policy, "sort_by_key", first, n);
  P::backend::sort(policy, keys, detail::checked(policy, "sort_by_key", values, n), n, less);
  weft::finish(policy);
}

/// The same as sort_by_key, which is stable.
template <execution_policy P, random_access Keys, random_access Values, orders<iter_value_t<Keys>> Less = less>
  requires writable_from<Keys, Keys> && writable_from<Values, Values>
void stable_sort_by_key(const P& policy, Keys first, Keys last, Values values, Less less = {}) {
  weft::sort_by_key(policy, first, last, values, less);
}

}  // namespace weft
