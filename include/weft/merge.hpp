// Merges two sorted ranges into one. One pass over both; stable: among equals, those of the first range come first.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <utility>

namespace weft::inline v100 {

/// Merges [first1, last1) and [first2, last2), both sorted by `less`, to `out`, which must be apart from both; returns
/// the end of the output. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, class Out, orders<iter_value_t<A>> Less = less>
  requires writable_from<Out, A> && writable_from<Out, B> && relation_on<Less, iter_value_t<B>, iter_value_t<A>> Out
  merge(const P& policy, A first1, A last1, B first2, B last2, Out out, Less less = {}) {
    const auto n1 = static_cast<offset>(last1 - first1), n2 = static_cast<offset>(last2 - first2);
    const auto a = detail::checked(policy, "merge", first1, n1);
    const auto b = detail::checked(policy, "merge", first2, n2);
    const auto to = detail::checked(policy, "merge", out, n1 + n2);
    detail::check_apart(policy, "merge", a, n1, to, n1 + n2);
    detail::check_apart(policy, "merge", b, n2, to, n1 + n2);
    P::backend::merge(policy, a, none{}, n1, b, none{}, n2, to, none{}, less);
    weft::finish(policy);
    return out + (n1 + n2);
  }

/// Merges two sorted ranges of keys and moves the values beside them along; returns the ends of both outputs.
template <execution_policy P, random_access A, random_access B, random_access AValues, random_access BValues, class Out,
          class OutValues, orders<iter_value_t<A>> Less = less>
  requires writable_from<Out, A> && writable_from<Out, B> && writable_from<OutValues, AValues> &&
      writable_from<OutValues, BValues> && relation_on<Less, iter_value_t<B>, iter_value_t<A>>
          std::pair<Out, OutValues> merge_by_key(const P& policy, A first1, A last1, B first2, B last2, AValues values1,
                                                 BValues values2, Out out, OutValues out_values, Less less = {}) {
    const auto n1 = static_cast<offset>(last1 - first1), n2 = static_cast<offset>(last2 - first2);
    const auto a = detail::checked(policy, "merge_by_key", first1, n1);
    const auto b = detail::checked(policy, "merge_by_key", first2, n2);
    const auto av = detail::checked(policy, "merge_by_key", values1, n1);
    const auto bv = detail::checked(policy, "merge_by_key", values2, n2);
    const auto to = detail::checked(policy, "merge_by_key", out, n1 + n2);
    const auto to_values = detail::checked(policy, "merge_by_key", out_values, n1 + n2);
    P::backend::merge(policy, a, av, n1, b, bv, n2, to, to_values, less);
    weft::finish(policy);
    return {out + (n1 + n2), out_values + (n1 + n2)};
  }

}  // namespace weft
