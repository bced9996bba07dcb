// Looks for the first place where something holds: find, equal, mismatch, all_of, is_sorted, search. One verb,
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

// first[i] before first[i - 1].
template <class It, class Less>
struct descended_at {
  It first;
  Less less;
  WEFT_HOST_DEVICE bool operator()(offset i) const { return i > 0 && less(first[i], first[i - 1]); }
};

// equal(first[i], first[i + 1])
template <class It, class Equal>
struct repeats_at {
  It first;
  Equal equal;
  WEFT_HOST_DEVICE bool operator()(offset i) const { return equal(first[i], first[i + 1]); }
};
// The m elements from first[i] on are those of the pattern.
template <class It, class Pattern, class Equal>
struct matches_at {
  It first;
  Pattern pattern;
  offset m;
  Equal equal;
  WEFT_HOST_DEVICE bool operator()(offset i) const {
    for (offset k = 0; k < m; ++k)
      if (!equal(first[i + k], pattern[k])) return false;
    return true;
  }
};
// The same, from the last place down.
template <class Matches>
struct matches_from_end {
  Matches matches;
  offset last;
  WEFT_HOST_DEVICE bool operator()(offset i) const { return matches(last - i); }
};
// needle is one of pattern[0, m).
template <class Pattern, class Equal>
struct is_one_of {
  Pattern pattern;
  offset m;
  Equal equal;
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    for (offset k = 0; k < m; ++k)
      if (equal(x, pattern[k])) return true;
    return false;
  }
};

// Where nothing was found among the places, the answer is the length of the range.
template <class Index>
struct absent_is {
  Index index;
  offset places, n;
  WEFT_HOST_DEVICE void operator()(offset) const {
    if (*index == places) *index = n;
  }
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
auto asked_at(const P& policy, std::string_view call, const It& first, offset n, const Predicate& predicate) {
  auto in = checked(policy, call, first, n);
  return holds_at<decltype(in), Predicate>{in, predicate};
}
template <class P, class A, class B, class Equal>
auto differs_at(const P& policy, std::string_view call, const A& a, const B& b, offset n, const Equal& equal) {
  auto in_a = checked(policy, call, a, n);
  auto in_b = checked(policy, call, b, n);
  return relates_at<decltype(in_a), decltype(in_b), not_fn_t<Equal>>{in_a, in_b, {equal}};
}
template <class P, class It, class Less>
auto descent_in(const P& policy, std::string_view call, const It& first, offset n, const Less& less) {
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

/// *index = the length of the longest sorted beginning of [first, last).
template <execution_policy P, random_access It, count_pointer Index, orders<iter_value_t<It>> Less = less>
void is_sorted_until_into(const P& policy, It first, It last, Index index, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "is_sorted", first, n);
  P::backend::find_first_into(policy, n, detail::checked(policy, "is_sorted", index, 1),
                              detail::descended_at<decltype(in), Less>{in, less});
  weft::finish(policy);
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

// neighbours and subsequences ----------------------------------------------------------------------------------------

/// The first element that is equal to the one behind it, else last. Waits.
template <execution_policy P, random_access It, relation_on<iter_value_t<It>> Equal = equal_to>
It adjacent_find(const P& policy, It first, It last, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "adjacent_find", first, n);
  if (n < 2) return last;
  const offset i = detail::first_index(policy, n - 1, detail::repeats_at<decltype(in), Equal>{in, equal});
  return i == n - 1 ? last : first + i;
}

/// *index = where [s_first, s_last) first occurs in [first, last) (0 for an empty one), else the length of the range.
/// O(n m) comparisons at worst; a place is left at its first difference.
template <execution_policy P, random_access It, random_access Pattern, count_pointer Index,
          relation_on<iter_value_t<It>, iter_value_t<Pattern>> Equal = equal_to>
void search_into(const P& policy, It first, It last, Pattern s_first, Pattern s_last, Index index, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first), m = static_cast<offset>(s_last - s_first);
  auto in = detail::checked(policy, "search", first, n);
  auto pattern = detail::checked(policy, "search", s_first, m);
  auto found = detail::checked(policy, "search", index, 1);
  const offset places = n < m ? 0 : n - m + 1;
  const detail::matches_at<decltype(in), decltype(pattern), Equal> matches{in, pattern, m, equal};
  P::backend::find_first_into(policy, places, found, matches);
  P::backend::for_each_index(policy, 1, detail::absent_is<decltype(found)>{found, places, n});
  weft::finish(policy);
}

/// Where [s_first, s_last) first occurs in [first, last), else last. Waits.
template <execution_policy P, random_access It, random_access Pattern,
          relation_on<iter_value_t<It>, iter_value_t<Pattern>> Equal = equal_to>
It search(const P& policy, It first, It last, Pattern s_first, Pattern s_last, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first), m = static_cast<offset>(s_last - s_first);
  auto in = detail::checked(policy, "search", first, n);
  auto pattern = detail::checked(policy, "search", s_first, m);
  if (n < m) return last;
  const detail::matches_at<decltype(in), decltype(pattern), Equal> matches{in, pattern, m, equal};
  const offset i = detail::first_index(policy, n - m + 1, matches);
  return i == n - m + 1 ? last : first + i;
}

/// Where `count` elements equal to `value` first follow each other, else last. Waits.
template <execution_policy P, random_access It, class T = iter_value_t<It>,
          relation_on<iter_value_t<It>, T> Equal = equal_to>
It search_n(const P& policy, It first, It last, offset count, const T& value, Equal equal = {}) {
  const auto pattern = weft::constant(value);
  return weft::search(policy, first, last, pattern, pattern + (count < 0 ? 0 : count), equal);
}

/// Where [s_first, s_last) last occurs in [first, last), else last (as std: also for an empty one). Waits.
template <execution_policy P, random_access It, random_access Pattern,
          relation_on<iter_value_t<It>, iter_value_t<Pattern>> Equal = equal_to>
It find_end(const P& policy, It first, It last, Pattern s_first, Pattern s_last, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first), m = static_cast<offset>(s_last - s_first);
  auto in = detail::checked(policy, "find_end", first, n);
  auto pattern = detail::checked(policy, "find_end", s_first, m);
  if (n < m || m == 0) return last;
  using matches = detail::matches_at<decltype(in), decltype(pattern), Equal>;
  const detail::matches_from_end<matches> from_end{{in, pattern, m, equal}, n - m};
  const offset i = detail::first_index(policy, n - m + 1, from_end);
  return i == n - m + 1 ? last : first + (n - m - i);
}

/// The first element of [first, last) that is equal to one of [s_first, s_last), else last. Waits.
template <execution_policy P, random_access It, random_access Pattern,
          relation_on<iter_value_t<It>, iter_value_t<Pattern>> Equal = equal_to>
It find_first_of(const P& policy, It first, It last, Pattern s_first, Pattern s_last, Equal equal = {}) {
  const auto m = static_cast<offset>(s_last - s_first);
  auto pattern = detail::checked(policy, "find_first_of", s_first, m);
  return weft::find_if(policy, first, last, detail::is_one_of<decltype(pattern), Equal>{pattern, m, equal});
}

}  // namespace weft
