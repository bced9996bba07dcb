// Prefix sums: out[i] = the fold of the elements up to i. One verb and one pass: every element is read once and written
// once. Operators need to be associative only (string-like monoids work); no identity is asked for, none assumed.
// Integer results are the same everywhere. Floating-point results may differ in rounding between backends and devices,
// unless the policy says .require(weft::same_bits): then the order of operations is fixed (weft/fixed_order.hpp).
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

namespace detail {
template <class T, class It>
using scan_value = std::conditional_t<is_none<T>, iter_value_t<It>, T>;
}  // namespace detail

/// out[i] = op(init, first[0], …, first[i]), without init where none is given; returns the end of the output. `out` may
/// be `first`. Operations have the type of `init`, else of the elements. Temporary memory: a few words for every tile.
/// Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access In, class Out, class Op = plus, class T = none>
  requires folds<Op, detail::scan_value<T, In>> && writable<Out, detail::scan_value<T, In>> Out
  inclusive_scan(const P& policy, In first, In last, Out out, Op op = {}, T init = {}) {
    const auto n = static_cast<offset>(last - first);
    P::backend::scan(policy, detail::checked(policy, "inclusive_scan", first, n), n,
                     detail::checked(policy, "inclusive_scan", out, n), op, init, inclusive_t{});
    weft::finish(policy);
    return out + n;
  }

/// out[i] = op(init, first[0], …, first[i - 1]), so out[0] = init; returns the end of the output. `out` may be `first`.
template <execution_policy P, random_access In, class Out, class T = iter_value_t<In>, class Op = plus>
  requires std::convertible_to<iter_value_t<In>, T> && folds<Op, T> && writable<Out, T> Out
  exclusive_scan(const P& policy, In first, In last, Out out, T init = T(), Op op = {}) {
    const auto n = static_cast<offset>(last - first);
    P::backend::scan(policy, detail::checked(policy, "exclusive_scan", first, n), n,
                     detail::checked(policy, "exclusive_scan", out, n), op, init, exclusive_t{});
    weft::finish(policy);
    return out + n;
  }

/// The inclusive scan of f(x), with f applied as the elements are read.
template <execution_policy P, random_access In, class Out, class Op, unary_function<iter_value_t<In>> F, class T = none>
Out transform_inclusive_scan(const P& policy, In first, In last, Out out, Op op, F f, T init = {}) {
  const auto n = static_cast<offset>(last - first);
  P::backend::scan(policy, weft::transformed(detail::checked(policy, "transform_inclusive_scan", first, n), f), n,
                   detail::checked(policy, "transform_inclusive_scan", out, n), op, init, inclusive_t{});
  weft::finish(policy);
  return out + n;
}

/// The exclusive scan of f(x), with f applied as the elements are read.
template <execution_policy P, random_access In, class Out, class T, class Op, unary_function<iter_value_t<In>> F>
  requires folds<Op, T> && writable<Out, T> Out transform_exclusive_scan(const P& policy, In first, In last, Out out,
                                                                         T init, Op op, F f) {
    const auto n = static_cast<offset>(last - first);
    P::backend::scan(policy, weft::transformed(detail::checked(policy, "transform_exclusive_scan", first, n), f), n,
                     detail::checked(policy, "transform_exclusive_scan", out, n), op, init, exclusive_t{});
    weft::finish(policy);
    return out + n;
  }

}  // namespace weft
