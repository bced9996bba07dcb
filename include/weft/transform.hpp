// Element-wise maps: out[i] = f(in[i]) and its forms with two inputs or a condition. One pass, no temporary memory.
// Two inputs are one zip, so a backend that looks inside it loads both with its widest instructions.
#pragma once

#include <weft/adaptors.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

namespace detail {
template <class In, class Stencil, class Out, class F, class Predicate>
struct transform_where {
  In in;
  Stencil stencil;
  Out out;
  F function;
  Predicate predicate;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    if (predicate(stencil[i])) out[i] = function(in[i]);
  }
};
}  // namespace detail

/// Writes f(x) for every x of [first, last) to `out`; returns the end of the output. `out` may be `first`. Elements are
/// visited in any order and concurrently. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access In, class Out, unary_function<iter_value_t<In>> F>
Out transform(const P& policy, In first, In last, Out out, F f) {
  const auto n = static_cast<offset>(last - first);
  P::backend::transform(policy, detail::checked(policy, "transform", first, n), n,
                        detail::checked(policy, "transform", out, n), f);
  weft::finish(policy);
  return out + n;
}

/// Writes f(a, b) for the pairs of [first1, last1) and the range of the same length from `first2`; returns the end of
/// the output, which may be either input.
template <execution_policy P, random_access A, random_access B, class Out,
          binary_function<iter_value_t<A>, iter_value_t<B>> F>
Out transform(const P& policy, A first1, A last1, B first2, Out out, F f) {
  const auto n = static_cast<offset>(last1 - first1);
  const auto in =
      weft::zip(detail::checked(policy, "transform", first1, n), detail::checked(policy, "transform", first2, n));
  P::backend::transform(policy, in, n, detail::checked(policy, "transform", out, n), unpacked<F>{f});
  weft::finish(policy);
  return out + n;
}

/// out[i] = f(first[i]) where predicate(stencil[i]); the other elements of the output keep their value. Returns the end
/// of the output, which may be either input.
template <execution_policy P, random_access In, random_access Stencil, class Out, unary_function<iter_value_t<In>> F,
          predicate_on<iter_value_t<Stencil>> Predicate>
Out transform_if(const P& policy, In first, In last, Stencil stencil, Out out, F f, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "transform_if", first, n);
  auto flags = detail::checked(policy, "transform_if", stencil, n);
  auto to = detail::checked(policy, "transform_if", out, n);
  P::backend::for_each_index(
      policy, n,
      detail::transform_where<decltype(in), decltype(flags), decltype(to), F, Predicate>{in, flags, to, f, predicate});
  weft::finish(policy);
  return out + n;
}

/// out[i] = f(first[i]) where predicate(first[i]); the other elements of the output keep their value.
template <execution_policy P, random_access In, class Out, unary_function<iter_value_t<In>> F,
          predicate_on<iter_value_t<In>> Predicate>
Out transform_if(const P& policy, In first, In last, Out out, F f, Predicate predicate) {
  return weft::transform_if(policy, first, last, first, out, f, predicate);
}

}  // namespace weft
