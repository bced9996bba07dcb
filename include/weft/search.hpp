// Binary searches for many needles at once: each needle looks for its place in one sorted range. O(log n) reads a
// needle; sorted needles are faster, as neighbours read the same lines. No temporary memory.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

namespace detail {

// The number of elements of [first, first + n) before the place of `needle`.
template <class It, class Less>
struct lower_bound_of {
  It first;
  offset n;
  Less less;
  template <class T>
  WEFT_HOST_DEVICE offset operator()(const T& needle) const {
    offset begin = 0;
    for (offset length = n; length > 0;) {
      const offset half = length / 2;
      const bool before = less(first[begin + half], needle);
      begin = before ? begin + half + 1 : begin;
      length = before ? length - half - 1 : half;
    }
    return begin;
  }
};
template <class It, class Less>
struct upper_bound_of {
  It first;
  offset n;
  Less less;
  template <class T>
  WEFT_HOST_DEVICE offset operator()(const T& needle) const {
    offset begin = 0;
    for (offset length = n; length > 0;) {
      const offset half = length / 2;
      const bool before = !less(needle, first[begin + half]);
      begin = before ? begin + half + 1 : begin;
      length = before ? length - half - 1 : half;
    }
    return begin;
  }
};
template <class It, class Less>
struct is_within {
  lower_bound_of<It, Less> place;
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& needle) const {
    const offset i = place(needle);
    return i < place.n && !place.less(needle, place.first[i]);
  }
};

template <template <class, class> class Search, class P, class It, class Needles, class Out, class Less>
Out search_each(const P& policy, std::string_view call, It first, It last, Needles needles_first, Needles needles_last,
                Out out, Less less) {
  const auto n = static_cast<offset>(last - first), m = static_cast<offset>(needles_last - needles_first);
  auto in = checked(policy, call, first, n);
  const auto needles = checked(policy, call, needles_first, m);
  P::backend::transform(policy, needles, m, checked(policy, call, out, m), Search<decltype(in), Less>{in, n, less});
  weft::finish(policy);
  return out + m;
}

}  // namespace detail

/// For each needle, writes the index of the first element of the sorted range [first, last) that is not less than it (n
/// if there is none); returns the end of the output. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access It, random_access Needles, writable<offset> Out,
          relation_on<iter_value_t<It>, iter_value_t<Needles>> Less = less>
Out lower_bound(const P& policy, It first, It last, Needles needles_first, Needles needles_last, Out out,
                Less less = {}) {
  return detail::search_each<detail::lower_bound_of>(policy, "lower_bound", first, last, needles_first, needles_last,
                                                     out, less);
}

/// For each needle, writes the index of the first element of the sorted range that is greater than it (n if none).
template <execution_policy P, random_access It, random_access Needles, writable<offset> Out,
          relation_on<iter_value_t<Needles>, iter_value_t<It>> Less = less>
Out upper_bound(const P& policy, It first, It last, Needles needles_first, Needles needles_last, Out out,
                Less less = {}) {
  return detail::search_each<detail::upper_bound_of>(policy, "upper_bound", first, last, needles_first, needles_last,
                                                     out, less);
}

/// For each needle, writes whether the sorted range [first, last) has an element equivalent to it.
template <execution_policy P, random_access It, random_access Needles, writable<bool> Out,
          relation_on<iter_value_t<It>, iter_value_t<Needles>> Less = less>
  requires relation_on<Less, iter_value_t<Needles>, iter_value_t<It>> Out binary_search(const P& policy, It first,
                                                                                        It last, Needles needles_first,
                                                                                        Needles needles_last, Out out,
                                                                                        Less less = {}) {
    return detail::search_each<detail::is_within>(policy, "binary_search", first, last, needles_first, needles_last,
                                                  out, less);
  }

}  // namespace weft
