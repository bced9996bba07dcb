// Writes values that depend on nothing but the index. One pass over the output, no input, no temporary memory.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

/// A function without arguments whose result can be stored in the range.
template <class F, class Out>
concept generates = requires(F f, const Out out, offset i) {
  out[i] = f();
};

/// A function of the index whose result can be stored in the range.
template <class F, class Out>
concept tabulates = requires(F f, const Out out, offset i) {
  out[i] = f(i);
};

namespace detail {
template <class F>
struct without_argument {
  F function;
  WEFT_HOST_DEVICE auto operator()(offset) const { return function(); }
};
template <class T>
struct arithmetic_sequence {
  T init, step;
  WEFT_HOST_DEVICE T operator()(offset i) const { return static_cast<T>(init + static_cast<T>(i) * step); }
};
}  // namespace detail

/// Sets every element of [first, last) to f(i), where i is its index, of type weft::offset.
template <execution_policy P, random_access Out, tabulates<Out> F>
void tabulate(const P& policy, Out first, Out last, F f) {
  const auto n = static_cast<offset>(last - first);
  P::backend::transform(policy, weft::counting(offset{0}), n, detail::checked(policy, "tabulate", first, n), f);
  weft::finish(policy);
}

/// Sets every element of [first, last) to `value`.
template <execution_policy P, random_access Out, class T = iter_value_t<Out>>
  requires writable<Out, T>
void fill(const P& policy, Out first, Out last, const T& value) {
  const auto n = static_cast<offset>(last - first);
  P::backend::transform(policy, weft::constant(value), n, detail::checked(policy, "fill", first, n), identity{});
  weft::finish(policy);
}

/// Sets every element of [first, last) to the result of a call f(). `f` is copied and called as const, concurrently: a
/// generator with a state of its own needs `tabulate` and the index.
template <execution_policy P, random_access Out, generates<Out> F>
void generate(const P& policy, Out first, Out last, F f) {
  const auto n = static_cast<offset>(last - first);
  P::backend::transform(policy, weft::counting(offset{0}), n, detail::checked(policy, "generate", first, n),
                        detail::without_argument<F>{f});
  weft::finish(policy);
}

/// Sets the elements of [first, last) to init, init + step, init + 2 * step, … The i-th is computed from i, so errors
/// of floating-point steps do not add up.
template <execution_policy P, random_access Out, class T = iter_value_t<Out>>
  requires writable<Out, T>
void sequence(const P& policy, Out first, Out last, T init = T(0), T step = T(1)) {
  weft::tabulate(policy, first, last, detail::arithmetic_sequence<T>{init, step});
}

}  // namespace weft
