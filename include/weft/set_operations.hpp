// Set operations of two sorted ranges, as multisets with the meaning of std: of m elements of the first range and n of
// the second that are equivalent, the union has max(m, n), the intersection min(m, n), the difference max(m - n, 0),
// the symmetric difference |m - n|. Equal elements pair off one by one in order, the first range's stand for both, and
// the rest follow. One pass over both; stable; any strict weak order. The forms that return iterators wait for the
// count, the `_into` forms leave it where they are told and never wait with `.on(stream)`.
//
// Outputs need room for the result only, and must be apart from both inputs.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <utility>

namespace weft::inline v100 {

/// Two ranges in one order, and an output that takes elements of both.
template <class A, class B, class Out, class Less>
concept combines_sorted = random_access<A> && random_access<B> && writable_from<Out, A> && writable_from<Out, B> &&
    relation_on<Less, iter_value_t<A>, iter_value_t<B>> && relation_on<Less, iter_value_t<B>, iter_value_t<A>> &&
    orders<Less, iter_value_t<A>>;

namespace detail {

template <class P, class A, class B, class Out>
struct set_ranges {
  unwrapped_t<A> a;
  offset a_n;
  unwrapped_t<B> b;
  offset b_n;
  unwrapped_t<Out> out;

  set_ranges(const P& policy, std::string_view call, const A& first1, const A& last1, const B& first2, const B& last2,
             const Out& output, bool keeps_b)
      : a(weft::unwrap(first1)),
        a_n(static_cast<offset>(last1 - first1)),
        b(weft::unwrap(first2)),
        b_n(static_cast<offset>(last2 - first2)),
        out(weft::unwrap(output)) {
    check_range(policy, call, a, a_n);
    check_range(policy, call, b, b_n);
    const offset most = keeps_b ? a_n + b_n : a_n;
    check_range(policy, call, out, most);
    check_apart(policy, call, a, a_n, out, 1);
    check_apart(policy, call, b, b_n, out, 1);
  }
};

template <class Op, class P, class A, class B, class Out, class Count, class Less>
void set_operation(const P& policy, const set_ranges<P, A, B, Out>& r, Count count, const Less& less) {
  P::backend::set_operation_into(policy, r.a, none{}, r.a_n, r.b, none{}, r.b_n, r.out, none{}, count, less, Op{});
}
template <class Op, class P, class A, class B, class Out, class Less>
Out set_operation_end(const P& policy, std::string_view call, A first1, A last1, B first2, B last2, Out out,
                      const Less& less) {
  const set_ranges<P, A, B, Out> r(policy, call, first1, last1, first2, last2, out, Op::of_b);
  return out + P::backend::template returned<offset>(policy,
                                                     [&](offset* count) { set_operation<Op>(policy, r, count, less); });
}
template <class Op, class P, class A, class B, class Out, class Count, class Less>
void set_operation_count(const P& policy, std::string_view call, A first1, A last1, B first2, B last2, Out out,
                         Count count, const Less& less) {
  const set_ranges<P, A, B, Out> r(policy, call, first1, last1, first2, last2, out, Op::of_b);
  set_operation<Op>(policy, r, checked(policy, call, count, 1), less);
  weft::finish(policy);
}

// The same with values: `values2` is none{} where nothing of the second range alone is written.
template <class Op, class P, class A, class B, class AV, class BV, class Out, class OutV, class Less, class Put>
void set_operation_by_key(const P& policy, std::string_view call, A first1, A last1, B first2, B last2, AV values1,
                          BV values2, Out out, OutV out_values, const Less& less, const Put& put) {
  const set_ranges<P, A, B, Out> r(policy, call, first1, last1, first2, last2, out, Op::of_b);
  const auto av = checked(policy, call, values1, r.a_n);
  const auto to_values = checked(policy, call, out_values, Op::of_b ? r.a_n + r.b_n : r.a_n);
  if constexpr (Op::of_b) {
    const auto bv = checked(policy, call, values2, r.b_n);
    put([&](auto count) {
      P::backend::set_operation_into(policy, r.a, av, r.a_n, r.b, bv, r.b_n, r.out, to_values, count, less, Op{});
    });
  } else {
    put([&](auto count) {
      P::backend::set_operation_into(policy, r.a, av, r.a_n, r.b, none{}, r.b_n, r.out, to_values, count, less, Op{});
    });
  }
}
template <class Op, class P, class A, class B, class AV, class BV, class Out, class OutV, class Less>
std::pair<Out, OutV> set_by_key_ends(const P& policy, std::string_view call, A first1, A last1, B first2, B last2,
                                     AV values1, BV values2, Out out, OutV out_values, const Less& less) {
  offset n = 0;
  set_operation_by_key<Op>(policy, call, first1, last1, first2, last2, values1, values2, out, out_values, less,
                           [&](const auto& run) { n = P::backend::template returned<offset>(policy, run); });
  return {out + n, out_values + n};
}
template <class Op, class P, class A, class B, class AV, class BV, class Out, class OutV, class Count, class Less>
void set_by_key_count(const P& policy, std::string_view call, A first1, A last1, B first2, B last2, AV values1,
                      BV values2, Out out, OutV out_values, Count count, const Less& less) {
  const auto to = checked(policy, call, count, 1);
  set_operation_by_key<Op>(policy, call, first1, last1, first2, last2, values1, values2, out, out_values, less,
                           [&](const auto& run) { run(to); });
  weft::finish(policy);
}

template <class Out>
struct store_whether_none {
  Out out;
  const offset* count;
  WEFT_HOST_DEVICE void operator()(offset) const { out[0] = *count == 0; }
};

}  // namespace detail

// set_union ----------------------------------------------------------------------------------------------------------

/// What is in either range: all elements of the first, and of the second those that found no partner. In order of
/// `less`. Returns the end of the output. Waits.
template <execution_policy P, random_access A, random_access B, class Out, class Less = less>
  requires combines_sorted<A, B, Out, Less> Out set_union(const P& policy, A first1, A last1, B first2, B last2,
                                                          Out out, Less less = {}) {
    return detail::set_operation_end<set_union_t>(policy, "set_union", first1, last1, first2, last2, out, less);
  }

/// set_union; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, class Out, count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less>
void set_union_into(const P& policy, A first1, A last1, B first2, B last2, Out out, Count count, Less less = {}) {
  detail::set_operation_count<set_union_t>(policy, "set_union", first1, last1, first2, last2, out, count, less);
}

/// set_union of keys. The values beside the keys come along. Returns the ends of both outputs. Waits.
template <execution_policy P, random_access A, random_access B, random_access AValues, random_access BValues, class Out,
          class OutValues, class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues> && writable_from<OutValues, BValues>
      std::pair<Out, OutValues> set_union_by_key(const P& policy, A first1, A last1, B first2, B last2, AValues values1,
                                                 BValues values2, Out out, OutValues out_values, Less less = {}) {
    return detail::set_by_key_ends<set_union_t>(policy, "set_union_by_key", first1, last1, first2, last2, values1,
                                                values2, out, out_values, less);
  }

/// set_union_by_key; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, random_access AValues, random_access BValues, class Out,
          class OutValues, count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues> && writable_from<OutValues, BValues>
void set_union_by_key_into(const P& policy, A first1, A last1, B first2, B last2, AValues values1, BValues values2,
                           Out out, OutValues out_values, Count count, Less less = {}) {
  detail::set_by_key_count<set_union_t>(policy, "set_union_by_key", first1, last1, first2, last2, values1, values2, out,
                                        out_values, count, less);
}

// set_intersection ---------------------------------------------------------------------------------------------------

/// What is in both ranges: the elements of the first that found a partner in the second. Returns the end of the output.
/// Waits.
template <execution_policy P, random_access A, random_access B, class Out, class Less = less>
  requires combines_sorted<A, B, Out, Less> Out set_intersection(const P& policy, A first1, A last1, B first2, B last2,
                                                                 Out out, Less less = {}) {
    return detail::set_operation_end<set_intersection_t>(policy, "set_intersection", first1, last1, first2, last2, out,
                                                         less);
  }

/// set_intersection; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, class Out, count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less>
void set_intersection_into(const P& policy, A first1, A last1, B first2, B last2, Out out, Count count,
                           Less less = {}) {
  detail::set_operation_count<set_intersection_t>(policy, "set_intersection", first1, last1, first2, last2, out, count,
                                                  less);
}

/// set_intersection of keys. The values of the first range come along; the second needs none. Returns the ends of both
/// outputs. Waits.
template <execution_policy P, random_access A, random_access B, random_access AValues, class Out, class OutValues,
          class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues> std::pair<Out, OutValues>
  set_intersection_by_key(const P& policy, A first1, A last1, B first2, B last2, AValues values1, Out out,
                          OutValues out_values, Less less = {}) {
    return detail::set_by_key_ends<set_intersection_t>(policy, "set_intersection_by_key", first1, last1, first2, last2,
                                                       values1, none{}, out, out_values, less);
  }

/// set_intersection_by_key; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, random_access AValues, class Out, class OutValues,
          count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues>
void set_intersection_by_key_into(const P& policy, A first1, A last1, B first2, B last2, AValues values1, Out out,
                                  OutValues out_values, Count count, Less less = {}) {
  detail::set_by_key_count<set_intersection_t>(policy, "set_intersection_by_key", first1, last1, first2, last2, values1,
                                               none{}, out, out_values, count, less);
}

// set_difference -----------------------------------------------------------------------------------------------------

/// What is in the first range alone: its elements that found no partner in the second. Returns the end of the output.
/// Waits.
template <execution_policy P, random_access A, random_access B, class Out, class Less = less>
  requires combines_sorted<A, B, Out, Less> Out set_difference(const P& policy, A first1, A last1, B first2, B last2,
                                                               Out out, Less less = {}) {
    return detail::set_operation_end<set_difference_t>(policy, "set_difference", first1, last1, first2, last2, out,
                                                       less);
  }

/// set_difference; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, class Out, count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less>
void set_difference_into(const P& policy, A first1, A last1, B first2, B last2, Out out, Count count, Less less = {}) {
  detail::set_operation_count<set_difference_t>(policy, "set_difference", first1, last1, first2, last2, out, count,
                                                less);
}

/// set_difference of keys. The values of the first range come along; the second needs none. Returns the ends of both
/// outputs. Waits.
template <execution_policy P, random_access A, random_access B, random_access AValues, class Out, class OutValues,
          class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues> std::pair<Out, OutValues>
  set_difference_by_key(const P& policy, A first1, A last1, B first2, B last2, AValues values1, Out out,
                        OutValues out_values, Less less = {}) {
    return detail::set_by_key_ends<set_difference_t>(policy, "set_difference_by_key", first1, last1, first2, last2,
                                                     values1, none{}, out, out_values, less);
  }

/// set_difference_by_key; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, random_access AValues, class Out, class OutValues,
          count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues>
void set_difference_by_key_into(const P& policy, A first1, A last1, B first2, B last2, AValues values1, Out out,
                                OutValues out_values, Count count, Less less = {}) {
  detail::set_by_key_count<set_difference_t>(policy, "set_difference_by_key", first1, last1, first2, last2, values1,
                                             none{}, out, out_values, count, less);
}

// set_symmetric_difference -------------------------------------------------------------------------------------------

/// What is in one range alone: the elements of either that found no partner. Returns the end of the output. Waits.
template <execution_policy P, random_access A, random_access B, class Out, class Less = less>
  requires combines_sorted<A, B, Out, Less> Out set_symmetric_difference(const P& policy, A first1, A last1, B first2,
                                                                         B last2, Out out, Less less = {}) {
    return detail::set_operation_end<set_symmetric_difference_t>(policy, "set_symmetric_difference", first1, last1,
                                                                 first2, last2, out, less);
  }

/// set_symmetric_difference; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, class Out, count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less>
void set_symmetric_difference_into(const P& policy, A first1, A last1, B first2, B last2, Out out, Count count,
                                   Less less = {}) {
  detail::set_operation_count<set_symmetric_difference_t>(policy, "set_symmetric_difference", first1, last1, first2,
                                                          last2, out, count, less);
}

/// set_symmetric_difference of keys. The values beside the keys come along. Returns the ends of both outputs. Waits.
template <execution_policy P, random_access A, random_access B, random_access AValues, random_access BValues, class Out,
          class OutValues, class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues> && writable_from<OutValues, BValues>
      std::pair<Out, OutValues> set_symmetric_difference_by_key(const P& policy, A first1, A last1, B first2, B last2,
                                                                AValues values1, BValues values2, Out out,
                                                                OutValues out_values, Less less = {}) {
    return detail::set_by_key_ends<set_symmetric_difference_t>(policy, "set_symmetric_difference_by_key", first1, last1,
                                                               first2, last2, values1, values2, out, out_values, less);
  }

/// set_symmetric_difference_by_key; *count = how many elements were written. Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, random_access AValues, random_access BValues, class Out,
          class OutValues, count_pointer Count, class Less = less>
  requires combines_sorted<A, B, Out, Less> && writable_from<OutValues, AValues> && writable_from<OutValues, BValues>
void set_symmetric_difference_by_key_into(const P& policy, A first1, A last1, B first2, B last2, AValues values1,
                                          BValues values2, Out out, OutValues out_values, Count count, Less less = {}) {
  detail::set_by_key_count<set_symmetric_difference_t>(policy, "set_symmetric_difference_by_key", first1, last1, first2,
                                                       last2, values1, values2, out, out_values, count, less);
}

// includes -----------------------------------------------------------------------------------------------------------

/// True when every element of [first2, last2) pairs off with one of [first1, last1): the second range is a subset. One
/// pass over both, nothing is written. Waits.
template <execution_policy P, random_access A, random_access B, class Less = less>
  requires combines_sorted<A, B, discard_iterator, Less>
bool includes(const P& policy, A first1, A last1, B first2, B last2, Less less = {}) {
  const auto n1 = static_cast<offset>(last1 - first1), n2 = static_cast<offset>(last2 - first2);
  const auto a = detail::checked(policy, "includes", first1, n1);
  const auto b = detail::checked(policy, "includes", first2, n2);
  return P::backend::template returned<offset>(policy, [&](offset* count) {
           P::backend::set_operation_into(policy, b, none{}, n2, a, none{}, n1, none{}, none{}, count, less,
                                          set_difference_t{});
         }) == 0;
}

/// *out = includes(…). Never waits with `.on(stream)`.
template <execution_policy P, random_access A, random_access B, writable<bool> Out, class Less = less>
  requires combines_sorted<A, B, discard_iterator, Less>
void includes_into(const P& policy, A first1, A last1, B first2, B last2, Out out, Less less = {}) {
  const auto n1 = static_cast<offset>(last1 - first1), n2 = static_cast<offset>(last2 - first2);
  const auto a = detail::checked(policy, "includes", first1, n1);
  const auto b = detail::checked(policy, "includes", first2, n2);
  auto to = detail::checked(policy, "includes", out, 1);
  const temporary<offset> missing(policy, 1);
  P::backend::set_operation_into(policy, b, none{}, n2, a, none{}, n1, none{}, none{}, missing.data(), less,
                                 set_difference_t{});
  P::backend::for_each_index(policy, 1, detail::store_whether_none<decltype(to)>{to, missing.data()});
  weft::finish(policy);
}

}  // namespace weft
