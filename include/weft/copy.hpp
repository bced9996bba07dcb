// Moves elements without changing them: copy, gather, scatter, reverse, each perhaps only where a stencil says so. One
// pass, no temporary memory.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

namespace weft::inline v100 {

namespace detail {
template <class It>
struct swap_ends {
  It first;
  offset n;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    iter_value_t<It> front = first[i];
    iter_value_t<It> back = first[n - 1 - i];
    first[i] = back;
    first[n - 1 - i] = front;
  }
};
template <class Map, class Stencil, class In, class Out, class Predicate>
struct gather_where {
  Map map;
  Stencil stencil;
  In in;
  Out out;
  Predicate predicate;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    if (predicate(stencil[i])) out[i] = in[static_cast<offset>(map[i])];
  }
};
template <class In, class Map, class Stencil, class Out, class Predicate>
struct scatter_where {
  In in;
  Map map;
  Stencil stencil;
  Out out;
  Predicate predicate;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    if (predicate(stencil[i])) out[static_cast<offset>(map[i])] = in[i];
  }
};
}  // namespace detail

/// Copies the n elements from `first` to `out`, which must be apart from them or the same; returns the end of the
/// output. With a GPU policy both sides are device memory; buffers have the copies between host and device.
template <execution_policy P, random_access In, writable_from<In> Out>
Out copy_n(const P& policy, In first, offset n, Out out) {
  P::backend::transform(policy, detail::checked(policy, "copy", first, n), n, detail::checked(policy, "copy", out, n),
                        identity{});
  weft::finish(policy);
  return out + n;
}

/// Copies [first, last) to `out`. See copy_n.
template <execution_policy P, random_access In, writable_from<In> Out>
Out copy(const P& policy, In first, In last, Out out) {
  return weft::copy_n(policy, first, static_cast<offset>(last - first), out);
}

/// out[i] = input[map[i]] for every index in [map_first, map_last); returns the end of the output, which must be apart
/// from the input. Indices are not checked.
template <execution_policy P, random_access Map, random_access In, writable_from<In> Out>
  requires std::convertible_to<iter_value_t<Map>, offset> Out gather(const P& policy, Map map_first, Map map_last,
                                                                     In input, Out out) {
    const auto n = static_cast<offset>(map_last - map_first);
    const auto map = detail::checked(policy, "gather", map_first, n);
    const auto in = detail::checked(policy, "gather", input, n);
    P::backend::transform(policy, weft::permuted(in, map), n, detail::checked(policy, "gather", out, n), identity{});
    weft::finish(policy);
    return out + n;
  }

/// out[map[i]] = first[i] for every element of [first, last). Where two indices are equal, either element remains.
/// Indices are not checked; the output must be apart from the input.
template <execution_policy P, random_access In, random_access Map, writable_from<In> Out>
  requires std::convertible_to<iter_value_t<Map>, offset>
void scatter(const P& policy, In first, In last, Map map, Out out) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "scatter", first, n);
  const auto indices = detail::checked(policy, "scatter", map, n);
  const auto to = detail::checked(policy, "scatter", out, n);
  P::backend::transform(policy, in, n, weft::permuted(to, indices), identity{});
  weft::finish(policy);
}

/// out[i] = input[map[i]] where predicate(stencil[i]); the other elements of the output keep their value, and the other
/// indices are not looked at. Returns the end of the output, which must be apart from the input.
template <execution_policy P, random_access Map, random_access Stencil, random_access In, writable_from<In> Out,
          predicate_on<iter_value_t<Stencil>> Predicate>
  requires std::convertible_to<iter_value_t<Map>, offset> Out gather_if(const P& policy, Map map_first, Map map_last,
                                                                        Stencil stencil, In input, Out out,
                                                                        Predicate predicate) {
    const auto n = static_cast<offset>(map_last - map_first);
    auto map = detail::checked(policy, "gather_if", map_first, n);
    auto flags = detail::checked(policy, "gather_if", stencil, n);
    auto in = detail::checked(policy, "gather_if", input, n);
    auto to = detail::checked(policy, "gather_if", out, n);
    using function = detail::gather_where<decltype(map), decltype(flags), decltype(in), decltype(to), Predicate>;
    P::backend::for_each_index(policy, n, function{map, flags, in, to, predicate});
    weft::finish(policy);
    return out + n;
  }

/// out[map[i]] = first[i] where predicate(stencil[i]). As scatter otherwise.
template <execution_policy P, random_access In, random_access Map, random_access Stencil, writable_from<In> Out,
          predicate_on<iter_value_t<Stencil>> Predicate>
  requires std::convertible_to<iter_value_t<Map>, offset>
void scatter_if(const P& policy, In first, In last, Map map, Stencil stencil, Out out, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "scatter_if", first, n);
  auto indices = detail::checked(policy, "scatter_if", map, n);
  auto flags = detail::checked(policy, "scatter_if", stencil, n);
  auto to = detail::checked(policy, "scatter_if", out, n);
  using function = detail::scatter_where<decltype(in), decltype(indices), decltype(flags), decltype(to), Predicate>;
  P::backend::for_each_index(policy, n, function{in, indices, flags, to, predicate});
  weft::finish(policy);
}

/// Reverses [first, last) in place.
template <execution_policy P, random_access It>
  requires writable_from<It, It>
void reverse(const P& policy, It first, It last) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "reverse", first, n);
  P::backend::for_each_index(policy, n / 2, detail::swap_ends<decltype(in)>{in, n});
  weft::finish(policy);
}

/// Writes [first, last) backwards to `out`, which must be apart from it; returns the end of the output.
template <execution_policy P, random_access In, writable_from<In> Out>
Out reverse_copy(const P& policy, In first, In last, Out out) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "reverse_copy", first, n);
  const auto to = detail::checked(policy, "reverse_copy", out, n);
  detail::check_apart(policy, "reverse_copy", in, n, to, n);
  if (n > 0) P::backend::transform(policy, weft::reversed(in + n), n, to, identity{});
  weft::finish(policy);
  return out + n;
}

}  // namespace weft
