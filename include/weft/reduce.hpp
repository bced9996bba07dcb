// Folds a range into one value: sums, counts, inner products, extreme elements. One verb, `reduce_into`, whose order of
// operations (the fixed shape, test/fixed_shape.hpp) depends on the length and the size of the accumulator only: the
// result has the same bits on every backend, device and number of threads. Fused forms are that verb over an iterator.
// One pass over the input; temporary memory: a value for every 4,096 elements.
//
// Operators must be associative and commutative (rounding aside) unless wrapped in weft::ordered{op}.
#pragma once

#include <weft/adaptors.hpp>
#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <utility>

namespace weft::inline v100 {

namespace detail {

template <class Predicate>
struct indicator {
  using is_indicator = void;  // so that a backend may count in narrow lanes
  Predicate predicate;
  template <class T>
  WEFT_HOST_DEVICE offset operator()(const T& x) const {
    return predicate(x) ? 1 : 0;
  }
};

// Extreme elements. The accumulator is the index of the best element so far together with its value, so that no value
// is read twice; where that would pass the 64 bytes every verb promises, it is the index alone.
template <class T>
struct indexed {
  T value;
  offset index;
};
template <class T>
struct make_indexed {
  template <class Pair>
  WEFT_HOST_DEVICE indexed<T> operator()(const Pair& pair) const {
    return indexed<T>{static_cast<T>(weft::get<0>(pair)), static_cast<offset>(weft::get<1>(pair))};
  }
};
template <class Less>
struct least_indexed {
  Less less;
  template <class T>
  WEFT_HOST_DEVICE indexed<T> operator()(const indexed<T>& a, const indexed<T>& b) const {
    const bool take_b = b.index < a.index ? !less(a.value, b.value) : less(b.value, a.value);
    return take_b ? b : a;
  }
};
template <class It, class Less>
struct least_at {
  It first;
  Less less;
  WEFT_HOST_DEVICE offset operator()(offset a, offset b) const {
    return (b < a ? !less(first[a], first[b]) : less(first[b], first[a])) ? b : a;
  }
};
// Two folds side by side, for minmax: the same element enters both.
template <class T>
struct twofold {
  T low, high;
};
template <class T, class Make>
struct make_twofold {
  Make make;
  template <class X>
  WEFT_HOST_DEVICE twofold<T> operator()(const X& x) const {
    const T value = make(x);
    return twofold<T>{value, value};
  }
};
template <class Low, class High>
struct fold_both {
  Low low;
  High high;
  template <class T>
  WEFT_HOST_DEVICE twofold<T> operator()(const twofold<T>& a, const twofold<T>& b) const {
    return twofold<T>{low(a.low, b.low), high(a.high, b.high)};
  }
};

struct index_of {
  WEFT_HOST_DEVICE offset operator()(offset i) const { return i; }
  template <class T>
  WEFT_HOST_DEVICE offset operator()(const indexed<T>& x) const {
    return x.index;
  }
};
struct index_pair {
  template <class T>
  WEFT_HOST_DEVICE weft::tuple<offset, offset> operator()(const twofold<T>& x) const {
    return weft::tuple<offset, offset>{index_of{}(x.low), index_of{}(x.high)};
  }
};

struct two_indices {
  offset at[2];
};

struct write_zero {  // the answer for an empty range, written in stream order
  offset* out;
  WEFT_HOST_DEVICE void operator()(offset i) const { out[i] = 0; }
};

// *index = where the least element is, 0 if there is none.
template <class P, class It, class Less>
void least_index_into(const P& policy, It in, offset n, offset* index, Less less) {
  using value = iter_value_t<It>;
  if (n == 0) {
    P::backend::for_each_index(policy, 1, write_zero{index});
    return;
  }
  if constexpr (requires { P::backend::min_index_into(policy, in, n, index, less); })
    if (P::backend::min_index_into(policy, in, n, index, less)) return;
  if constexpr (sizeof(indexed<value>) <= 64) {
    P::backend::reduce_into(policy, weft::transformed(weft::zip(in, weft::counting(offset{0})), make_indexed<value>{}),
                            n, weft::transformed_output(index, index_of{}), none{}, least_indexed<Less>{less});
  } else {
    P::backend::reduce_into(policy, weft::counting(offset{0}), n, index, none{}, least_at<It, Less>{in, less});
  }
}

// index[0] = where the least element is, index[1] = where the greatest is, 0 if there is none.
template <class P, class It, class Less>
void extreme_indices_into(const P& policy, It in, offset n, offset* index, Less less) {
  using value = iter_value_t<It>;
  const auto out = weft::transformed_output(weft::zip(index, index + 1), index_pair{});
  using greater = swapped<Less>;
  if (n == 0) {
    P::backend::for_each_index(policy, 2, write_zero{index});
    return;
  }
  if constexpr (requires { P::backend::min_index_into(policy, in, n, index, less); })
    if (P::backend::min_index_into(policy, in, n, index, less) &&
        P::backend::min_index_into(policy, in, n, index + 1, greater(less)))
      return;
  if constexpr (sizeof(twofold<indexed<value>>) <= 64) {
    using make = make_twofold<indexed<value>, make_indexed<value>>;
    using op = fold_both<least_indexed<Less>, least_indexed<greater>>;
    P::backend::reduce_into(policy, weft::transformed(weft::zip(in, weft::counting(offset{0})), make{}), n, out, none{},
                            op{{less}, {greater(less)}});
  } else {
    using make = make_twofold<offset, index_of>;
    using op = fold_both<least_at<It, Less>, least_at<It, greater>>;
    P::backend::reduce_into(policy, weft::transformed(weft::counting(offset{0}), make{}), n, out, none{},
                            op{{in, less}, {in, greater(less)}});
  }
}

}  // namespace detail

// Sums ---------------------------------------------------------------------------------------------------------------

/// *out = op(init, the fold of [first, last)); *out = init for an empty range. All operations have the type T of
/// `init`, as in std::reduce. Stream-ordered with `.on(stream)`: never waits.
template <execution_policy P, random_access It, class Out, class T = iter_value_t<It>, class Op = plus>
  requires std::convertible_to<iter_value_t<It>, T> && folds<Op, T> && writable<Out, T>
void reduce_into(const P& policy, It first, It last, Out out, T init = T(), Op op = {}) {
  const auto n = static_cast<offset>(last - first);
  P::backend::reduce_into(policy, detail::checked(policy, "reduce", first, n), n,
                          detail::checked(policy, "reduce", out, 1), init, op);
  weft::finish(policy);
}

/// op(init, the fold of [first, last)); init for an empty range. Waits for the result, with `.on(stream)` too.
template <execution_policy P, random_access It, class T = iter_value_t<It>, class Op = plus>
  requires std::convertible_to<iter_value_t<It>, T> && folds<Op, T> T reduce(const P& policy, It first, It last,
                                                                             T init = T(), Op op = {}) {
    const auto n = static_cast<offset>(last - first);
    const auto in = detail::checked(policy, "reduce", first, n);
    return P::backend::template returned<T>(policy,
                                            [&](T* slot) { P::backend::reduce_into(policy, in, n, slot, init, op); });
  }

/// *out = op(init, the fold of f(x) over [first, last)), with f applied as the elements are read.
template <execution_policy P, random_access It, class Out, class T, class Op, unary_function<iter_value_t<It>> F>
  requires folds<Op, T> && writable<Out, T>
void transform_reduce_into(const P& policy, It first, It last, Out out, T init, Op op, F f) {
  const auto n = static_cast<offset>(last - first);
  P::backend::reduce_into(policy, weft::transformed(detail::checked(policy, "transform_reduce", first, n), f), n,
                          detail::checked(policy, "transform_reduce", out, 1), init, op);
  weft::finish(policy);
}

/// op(init, the fold of f(x) over [first, last)). Waits.
template <execution_policy P, random_access It, class T, class Op, unary_function<iter_value_t<It>> F>
  requires folds<Op, T> T transform_reduce(const P& policy, It first, It last, T init, Op op, F f) {
    const auto n = static_cast<offset>(last - first);
    const auto in = weft::transformed(detail::checked(policy, "transform_reduce", first, n), f);
    return P::backend::template returned<T>(policy,
                                            [&](T* slot) { P::backend::reduce_into(policy, in, n, slot, init, op); });
  }

/// *out = add(init, the fold of multiply(a, b) over the pairs of [first1, last1) and the range from `first2`).
template <execution_policy P, random_access A, random_access B, class Out, class T, class Add = plus,
          binary_function<iter_value_t<A>, iter_value_t<B>> Multiply = multiplies>
  requires folds<Add, T> && writable<Out, T>
void inner_product_into(const P& policy, A first1, A last1, B first2, Out out, T init, Add add = {},
                        Multiply multiply = {}) {
  const auto n = static_cast<offset>(last1 - first1);
  const auto a = detail::checked(policy, "inner_product", first1, n);
  const auto b = detail::checked(policy, "inner_product", first2, n);
  P::backend::reduce_into(policy, weft::transformed(weft::zip(a, b), unpacked<Multiply>{multiply}), n,
                          detail::checked(policy, "inner_product", out, 1), init, add);
  weft::finish(policy);
}

/// add(init, the fold of multiply(a, b) over the pairs of two ranges of the same length). Waits.
template <execution_policy P, random_access A, random_access B, class T, class Add = plus,
          binary_function<iter_value_t<A>, iter_value_t<B>> Multiply = multiplies>
  requires folds<Add, T> T inner_product(const P& policy, A first1, A last1, B first2, T init, Add add = {},
                                         Multiply multiply = {}) {
    const auto n = static_cast<offset>(last1 - first1);
    const auto a = detail::checked(policy, "inner_product", first1, n);
    const auto b = detail::checked(policy, "inner_product", first2, n);
    const auto in = weft::transformed(weft::zip(a, b), unpacked<Multiply>{multiply});
    return P::backend::template returned<T>(policy,
                                            [&](T* slot) { P::backend::reduce_into(policy, in, n, slot, init, add); });
  }

// Counting -----------------------------------------------------------------------------------------------------------

/// *count = how many elements of [first, last) have predicate(x). Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Count, predicate_on<iter_value_t<It>> Predicate>
void count_if_into(const P& policy, It first, It last, Count count, Predicate predicate) {
  weft::transform_reduce_into(policy, first, last, count, offset{0}, plus{}, detail::indicator<Predicate>{predicate});
}

/// How many elements of [first, last) have predicate(x). Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
offset count_if(const P& policy, It first, It last, Predicate predicate) {
  return weft::transform_reduce(policy, first, last, offset{0}, plus{}, detail::indicator<Predicate>{predicate});
}

/// *count = how many elements of [first, last) equal `value`. Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Count, class T = iter_value_t<It>>
  requires relation_on<equal_to, iter_value_t<It>, T>
void count_into(const P& policy, It first, It last, Count count, const T& value) {
  weft::count_if_into(policy, first, last, count, weft::bind_second(equal_to{}, value));
}

/// How many elements of [first, last) equal `value`. Waits.
template <execution_policy P, random_access It, class T = iter_value_t<It>>
  requires relation_on<equal_to, iter_value_t<It>, T> offset count(const P& policy, It first, It last, const T& value) {
    return weft::count_if(policy, first, last, weft::bind_second(equal_to{}, value));
  }

// Extreme elements ---------------------------------------------------------------------------------------------------
// Among equals the first is found. Where a NaN is among the elements, `less` is no order and which element is found is
// unspecified, though it is the same one on every backend.

/// *index = where the least element of [first, last) is, 0 for an empty range. Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Index, orders<iter_value_t<It>> Less = less>
void min_element_into(const P& policy, It first, It last, Index index, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  detail::least_index_into(policy, detail::checked(policy, "min_element", first, n), n,
                           detail::checked(policy, "min_element", index, 1), less);
  weft::finish(policy);
}

/// *index = where the greatest element of [first, last) is, 0 for an empty range. Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Index, orders<iter_value_t<It>> Less = less>
void max_element_into(const P& policy, It first, It last, Index index, Less less = {}) {
  weft::min_element_into(policy, first, last, index, swapped<Less>(less));
}

/// indices[0] = where the least, indices[1] = where the greatest element is; both the first among equals
/// (std::minmax_element takes the last of the greatest). 0 for an empty range. Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Index, orders<iter_value_t<It>> Less = less>
void minmax_element_into(const P& policy, It first, It last, Index indices, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  detail::extreme_indices_into(policy, detail::checked(policy, "minmax_element", first, n), n,
                               detail::checked(policy, "minmax_element", indices, 2), less);
  weft::finish(policy);
}

/// The first of the least elements of [first, last); last for an empty range. Waits.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
It min_element(const P& policy, It first, It last, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "min_element", first, n);
  if (n == 0) return last;
  return first + P::backend::template returned<offset>(
                     policy, [&](offset* slot) { detail::least_index_into(policy, in, n, slot, less); });
}

/// The first of the greatest elements of [first, last); last for an empty range. Waits.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
It max_element(const P& policy, It first, It last, Less less = {}) {
  return weft::min_element(policy, first, last, swapped<Less>(less));
}

/// The first of the least and the first of the greatest elements of [first, last), in one pass; {last, last} for an
/// empty range. Waits.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
std::pair<It, It> minmax_element(const P& policy, It first, It last, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "minmax_element", first, n);
  if (n == 0) return {last, last};
  const auto found = P::backend::template returned<detail::two_indices>(
      policy, [&](detail::two_indices* slot) { detail::extreme_indices_into(policy, in, n, slot->at, less); });
  return {first + found.at[0], first + found.at[1]};
}

}  // namespace weft
