// Functions of neighbours. One pass, no temporary memory, not in place.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

namespace detail {
template <class It, class Op>
struct difference_at {
  It first;
  Op op;
  WEFT_HOST_DEVICE iter_value_t<It> operator()(offset i) const {
    if (i == 0) return first[0];
    return static_cast<iter_value_t<It>>(op(first[i], first[i - 1]));
  }
};
}  // namespace detail

/// out[0] = first[0] and out[i] = op(first[i], first[i - 1]); returns the end of the output, which must be apart from
/// the input. The inverse of an inclusive scan. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Out, folds<iter_value_t<In>> Op = minus>
Out adjacent_difference(const P& policy, In first, In last, Out out, Op op = {}) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "adjacent_difference", first, n);
  const auto to = detail::checked(policy, "adjacent_difference", out, n);
  detail::check_apart(policy, "adjacent_difference", in, n, to, n);
  P::backend::transform(policy, weft::counting(offset{0}), n, to, detail::difference_at<decltype(in), Op>{in, op});
  weft::finish(policy);
  return out + n;
}

}  // namespace weft
