// Calls a function on every element, or on every index, in no particular order. One verb, no temporary memory.
#pragma once

#include <weft/requirements.hpp>

namespace weft::inline v100 {

/// A function that may be called on the elements of a range, and change them.
template <class F, class It>
concept element_action = requires(F f, const It it, offset i) {
  f(it[i]);
};

namespace detail {
template <class It, class F>
struct act_on_element {
  It first;
  F function;
  WEFT_HOST_DEVICE void operator()(offset i) const { function(first[i]); }
};
}  // namespace detail

/// Calls f(first[i]) for the n elements from `first`, in any order and concurrently; returns first + n. `f` is copied
/// and called as const; what it returns is ignored. No temporary memory. Returns when done, or at once with
/// `.on(stream)`.
template <execution_policy P, random_access It, element_action<It> F>
It for_each_n(const P& policy, It first, offset n, F f) {
  const auto in = detail::checked(policy, "for_each", first, n);
  P::backend::for_each_index(policy, n, detail::act_on_element<std::remove_const_t<decltype(in)>, F>{in, f});
  weft::finish(policy);
  return first + n;
}

/// Calls f(x) for every element x of [first, last), in any order and concurrently. See for_each_n.
template <execution_policy P, random_access It, element_action<It> F>
void for_each(const P& policy, It first, It last, F f) {
  weft::for_each_n(policy, first, static_cast<offset>(last - first), f);
}

}  // namespace weft
