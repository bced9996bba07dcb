// Looks for the first place where something holds: find, equal, mismatch, all_of, is_sorted. One verb,
// `find_first_into`, which stops early: about as much is read as lies before the place found. No result depends on the
// order of visits. The forms that return a value wait for it; the `_into` forms never wait with `.on(stream)`.
#pragma once

#include <weft/adaptors.hpp>
#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <utility>

namespace weft::inline v100 {

namespace detail {

// The least index in [0, n) with predicate(i), else n. Waits.
template <class P, class Predicate>
offset first_index(const P& policy, offset n, const Predicate& predicate) {
  return P::backend::template returned<offset>(
      policy, [&](offset* slot) { P::backend::find_first_into(policy, n, slot, predicate); });
}

// first[i + 1] before first[i]: a sorted range ends behind i.
template <class It, class Less>
struct descends_at {
  It first;
  Less less;
  WEFT_HOST_DEVICE bool operator()(offset i) const { return less(first[i + 1], first[i]); }
};

template <class Out>
struct store_whether_absent {
  Out out;
  const offset* found;
  offset n;
  bool answer;
  WEFT_HOST_DEVICE void operator()(offset) const { out[0] = (*found == n) == answer; }
};

// *out = answer if no index in [0, n) has predicate(i), else !answer.
template <class P, class Out, class Predicate>
void store_absence(const P& policy, offset n, Out out, bool answer, const Predicate& predicate) {
  const temporary<offset> found(policy, 1);
  P::backend::find_first_into(policy, n, found.data(), predicate);
  P::backend::for_each_index(policy, 1, store_whether_absent<Out>{out, found.data(), n, answer});
  weft::finish(policy);
}

template <class P, class It, class Predicate>
auto asked_at(const P& policy, const char* call, const It& first, offset n, const Predicate& predicate) {
  auto in = checked(policy, call, first, n);
  return holds_at<decltype(in), Predicate>{in, predicate};
}
template <class P, class A, class B, class Equal>
auto differs_at(const P& policy, const char* call, const A& a, const B& b, offset n, const Equal& equal) {
  auto in_a = checked(policy, call, a, n);
  auto in_b = checked(policy, call, b, n);
  return relates_at<decltype(in_a), decltype(in_b), not_fn_t<Equal>>{in_a, in_b, {equal}};
}
template <class P, class It, class Less>
auto descent_in(const P& policy, const char* call, const It& first, offset n, const Less& less) {
  auto in = checked(policy, call, first, n);
  return descends_at<decltype(in), Less>{in, less};
}

}  // namespace detail

// find ---------------------------------------------------------------------------------------------------------------

/// *index = where the first element with predicate(x) is, else the length of the range.
template <execution_policy P, random_access It, count_pointer Index, predicate_on<iter_value_t<It>> Predicate>
void find_if_into(const P& policy, It first, It last, Index index, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  P::backend::find_first_into(policy, n, detail::checked(policy, "find_if", index, 1),
                              detail::asked_at(policy, "find_if", first, n, predicate));
  weft::finish(policy);
}

/// The first element with predicate(x), else last. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
It find_if(const P& policy, It first, It last, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  return first + detail::first_index(policy, n, detail::asked_at(policy, "find_if", first, n, predicate));
}

/// The first element without predicate(x), else last. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
It find_if_not(const P& policy, It first, It last, Predicate predicate) {
  return weft::find_if(policy, first, last, not_fn_t<Predicate>{predicate});
}

/// *index = where the first element equal to `value` is, else the length of the range.
template <execution_policy P, random_access It, count_pointer Index, class T = iter_value_t<It>>
  requires relation_on<equal_to, iter_value_t<It>, T>
void find_into(const P& policy, It first, It last, Index index, const T& value) {
  weft::find_if_into(policy, first, last, index, weft::bind_second(equal_to{}, value));
}

/// The first element equal to `value`, else last. Waits.
template <execution_policy P, random_access It, class T = iter_value_t<It>>
  requires relation_on<equal_to, iter_value_t<It>, T> It find(const P& policy, It first, It last, const T& value) {
    return weft::find_if(policy, first, last, weft::bind_second(equal_to{}, value));
  }

// all, any, none -----------------------------------------------------------------------------------------------------

/// True when predicate(x) holds for every element; true for an empty range. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
bool all_of(const P& policy, It first, It last, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  return detail::first_index(policy, n, detail::asked_at(policy, "all_of", first, n, not_fn_t<Predicate>{predicate})) ==
         n;
}

/// True when predicate(x) holds for some element. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
bool any_of(const P& policy, It first, It last, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  return detail::first_index(policy, n, detail::asked_at(policy, "any_of", first, n, predicate)) != n;
}

/// True when predicate(x) holds for no element. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
bool none_of(const P& policy, It first, It last, Predicate predicate) {
  return !weft::any_of(policy, first, last, predicate);
}

/// *out = all_of(…).
template <execution_policy P, random_access It, writable<bool> Out, predicate_on<iter_value_t<It>> Predicate>
void all_of_into(const P& policy, It first, It last, Out out, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  const auto fails = detail::asked_at(policy, "all_of", first, n, not_fn_t<Predicate>{predicate});
  detail::store_absence(policy, n, detail::checked(policy, "all_of", out, 1), true, fails);
}

/// *out = any_of(…).
template <execution_policy P, random_access It, writable<bool> Out, predicate_on<iter_value_t<It>> Predicate>
void any_of_into(const P& policy, It first, It last, Out out, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  const auto holds = detail::asked_at(policy, "any_of", first, n, predicate);
  detail::store_absence(policy, n, detail::checked(policy, "any_of", out, 1), false, holds);
}

/// *out = none_of(…).
template <execution_policy P, random_access It, writable<bool> Out, predicate_on<iter_value_t<It>> Predicate>
void none_of_into(const P& policy, It first, It last, Out out, Predicate predicate) {
  weft::all_of_into(policy, first, last, out, not_fn_t<Predicate>{predicate});
}

// mismatch, equal ----------------------------------------------------------------------------------------------------

/// *index = the first place where the ranges differ, else their length.
template <execution_policy P, random_access A, random_access B, count_pointer Index,
          relation_on<iter_value_t<A>, iter_value_t<B>> Equal = equal_to>
void mismatch_into(const P& policy, A first1, A last1, B first2, Index index, Equal equal = {}) {
  const auto n = static_cast<offset>(last1 - first1);
  P::backend::find_first_into(policy, n, detail::checked(policy, "mismatch", index, 1),
                              detail::differs_at(policy, "mismatch", first1, first2, n, equal));
  weft::finish(policy);
}

/// The first place where [first1, last1) and the range of the same length from `first2` differ, in both. Waits.
template <execution_policy P, random_access A, random_access B,
          relation_on<iter_value_t<A>, iter_value_t<B>> Equal = equal_to>
std::pair<A, B> mismatch(const P& policy, A first1, A last1, B first2, Equal equal = {}) {
  const auto n = static_cast<offset>(last1 - first1);
  const offset i = detail::first_index(policy, n, detail::differs_at(policy, "mismatch", first1, first2, n, equal));
  return {first1 + i, first2 + i};
}

/// True when the two ranges are equal, element by element. Waits.
template <execution_policy P, random_access A, random_access B,
          relation_on<iter_value_t<A>, iter_value_t<B>> Equal = equal_to>
bool equal(const P& policy, A first1, A last1, B first2, Equal equal = {}) {
  const auto n = static_cast<offset>(last1 - first1);
  return detail::first_index(policy, n, detail::differs_at(policy, "equal", first1, first2, n, equal)) == n;
}

/// *out = equal(…).
template <execution_policy P, random_access A, random_access B, writable<bool> Out,
          relation_on<iter_value_t<A>, iter_value_t<B>> Equal = equal_to>
void equal_into(const P& policy, A first1, A last1, B first2, Out out, Equal equal = {}) {
  const auto n = static_cast<offset>(last1 - first1);
  const auto differs = detail::differs_at(policy, "equal", first1, first2, n, equal);
  detail::store_absence(policy, n, detail::checked(policy, "equal", out, 1), true, differs);
}

// is_sorted ----------------------------------------------------------------------------------------------------------

/// The end of the longest sorted beginning of [first, last). Waits.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
It is_sorted_until(const P& policy, It first, It last, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto descends = detail::descent_in(policy, "is_sorted", first, n, less);
  if (n < 2) return last;
  return first + (1 + detail::first_index(policy, n - 1, descends));
}

/// True when no element is less than the one before it. Waits.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
bool is_sorted(const P& policy, It first, It last, Less less = {}) {
  return weft::is_sorted_until(policy, first, last, less) == last;
}

/// *out = is_sorted(…).
template <execution_policy P, random_access It, writable<bool> Out, orders<iter_value_t<It>> Less = less>
void is_sorted_into(const P& policy, It first, It last, Out out, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto descends = detail::descent_in(policy, "is_sorted", first, n, less);
  detail::store_absence(policy, n < 2 ? 0 : n - 1, detail::checked(policy, "is_sorted", out, 1), true, descends);
}

}  // namespace weft
