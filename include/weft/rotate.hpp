// Moves a range as a whole: rotate, shift, exchange with another. In place and without temporary memory for elements.
#pragma once

#include <weft/copy.hpp>
#include <weft/select.hpp>

namespace weft::inline v100 {

namespace detail {

// Reverses [0, middle) and [middle, n), one pair an index.
template <class It>
struct swap_ends_of_both {
  swap_ends<It> left, right;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    if (i < left.n / 2)
      left(i);
    else
      right(i - left.n / 2);
  }
};
template <class A, class B>
struct swap_at {
  A a;
  B b;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    iter_value_t<A> x = a[i];
    iter_value_t<B> y = b[i];
    a[i] = y;
    b[i] = x;
  }
};

// Drops the first k of n elements in place: a selection by index, which may write to its own input.
template <class P, class It>
void drop_first(const P& policy, It in, offset n, offset k) {
  const temporary<offset> count(policy, 1);
  using keep = bind_second_t<greater_equal, offset>;
  const auto indices = weft::counting(offset{0});
  P::backend::select_into(policy, in, n, in, none{}, count.data(),
                          flag_stencil<std::remove_const_t<decltype(indices)>, keep>{indices, {greater_equal{}, k}});
}

}  // namespace detail

/// Moves [middle, last) in front of [first, middle), in place; returns where the old first element is now. Two passes.
/// Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access It>
  requires writable_from<It, It> It rotate(const P& policy, It first, It middle, It last) {
    const auto n = static_cast<offset>(last - first), k = static_cast<offset>(middle - first);
    weft::require(0 <= k && k <= n, policy, "rotate", "middle lies outside the range");
    auto in = detail::checked(policy, "rotate", first, n);
    using swap = detail::swap_ends<decltype(in)>;
    if (k > 0 && k < n) {
      const detail::swap_ends_of_both<decltype(in)> both{{in, k}, {in + k, n - k}};
      P::backend::for_each_index(policy, k / 2 + (n - k) / 2, both);
      P::backend::for_each_index(policy, n / 2, swap{in, n});
    }
    weft::finish(policy);
    return first + (n - k);
  }

/// Writes [middle, last), then [first, middle), to `out`, which must be apart from the input; returns its end.
template <execution_policy P, random_access In, writable_from<In> Out>
Out rotate_copy(const P& policy, In first, In middle, In last, Out out) {
  const auto n = static_cast<offset>(last - first), k = static_cast<offset>(middle - first);
  weft::require(0 <= k && k <= n, policy, "rotate_copy", "middle lies outside the range");
  const auto in = detail::checked(policy, "rotate_copy", first, n);
  const auto to = detail::checked(policy, "rotate_copy", out, n);
  detail::check_apart(policy, "rotate_copy", in, n, to, n);
  P::backend::transform(policy, in + k, n - k, to, identity{});
  P::backend::transform(policy, in, k, to + (n - k), identity{});
  weft::finish(policy);
  return out + n;
}

/// Moves each element k >= 0 places towards the front, in place; the first k are lost, and the last k are left in a
/// valid but unspecified state. Returns the end of what was moved (first if nothing is left). One pass.
template <execution_policy P, random_access It>
  requires writable_from<It, It> It shift_left(const P& policy, It first, It last, offset k) {
    const auto n = static_cast<offset>(last - first);
    const auto in = detail::checked(policy, "shift_left", first, n);
    weft::require(k >= 0, policy, "shift_left", "a shift by less than nothing");
    if (k > 0 && k < n) detail::drop_first(policy, in, n, k);
    weft::finish(policy);
    return k < n ? last - k : first;
  }

/// Moves each element k >= 0 places towards the end, in place; the last k are lost, and the first k are left in a valid
/// but unspecified state. Returns the beginning of what was moved (last if nothing is left). One pass.
template <execution_policy P, random_access It>
  requires writable_from<It, It> It shift_right(const P& policy, It first, It last, offset k) {
    const auto n = static_cast<offset>(last - first);
    const auto in = detail::checked(policy, "shift_right", first, n);
    weft::require(k >= 0, policy, "shift_right", "a shift by less than nothing");
    if (k > 0 && k < n) detail::drop_first(policy, weft::reversed(in + n), n, k);
    weft::finish(policy);
    return k < n ? first + k : last;
  }

/// Exchanges the elements of [first1, last1) and of the range of the same length from `first2`, which must be apart;
/// returns the end of the second.
template <execution_policy P, random_access A, random_access B>
  requires writable_from<A, B> && writable_from<B, A> B swap_ranges(const P& policy, A first1, A last1, B first2) {
    const auto n = static_cast<offset>(last1 - first1);
    auto a = detail::checked(policy, "swap_ranges", first1, n);
    auto b = detail::checked(policy, "swap_ranges", first2, n);
    detail::check_apart(policy, "swap_ranges", a, n, b, n);
    P::backend::for_each_index(policy, n, detail::swap_at<decltype(a), decltype(b)>{a, b});
    weft::finish(policy);
    return first2 + n;
  }

}  // namespace weft
