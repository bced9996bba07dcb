// Runs of equal neighbouring keys, each folded or scanned on its own. reduce_by_key and unique_by_key are verbs; the
// scans are one ordinary scan of (starts a run, value) pairs, whose operator lets a start cut off what came before.
// One pass each. Operators need to be associative only. Floating-point results may differ in rounding between backends,
// unless the policy says .require(weft::same_bits): then the order of operations is fixed (weft/fixed_order.hpp), and
// values may have 56 bytes at most on GPUs.
#pragma once

#include <weft/adaptors.hpp>
#include <weft/fixed_order.hpp>
#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <utility>

namespace weft::inline v100 {

namespace detail {

// equal(get<0>(a), get<0>(b)): keys and values travel as tuples, only keys are compared.
template <class Equal>
struct equal_keys {
  Equal equal;
  template <class A, class B>
  WEFT_HOST_DEVICE bool operator()(const A& a, const B& b) const {
    return equal(weft::get<0>(a), weft::get<0>(b));
  }
};

struct value_of_segment {
  template <class T>
  WEFT_HOST_DEVICE T operator()(const segmented<T>& s) const {
    return s.value;
  }
};
template <class Keys, class Values, class Equal, class T>
struct segment_element {
  Keys keys;
  Values values;
  Equal equal;
  WEFT_HOST_DEVICE segmented<T> operator()(offset i) const {
    return segmented<T>{i == 0 || !equal(keys[i - 1], keys[i]), static_cast<T>(values[i])};
  }
};
// The last element of a run stands for the start of the next one: what the exclusive scan shows there is `init`.
template <class Keys, class Values, class Equal, class T>
struct shifted_segment_element {
  Keys keys;
  Values values;
  Equal equal;
  T init;
  offset n;
  WEFT_HOST_DEVICE segmented<T> operator()(offset i) const {
    const bool ends = i + 1 < n && !equal(keys[i], keys[i + 1]);
    return ends ? segmented<T>{true, init} : segmented<T>{false, static_cast<T>(values[i])};
  }
};

// reduce_by_key in the fixed order: a scan of run states, of which the last of each run is written.
template <class Keys, class Values, class Equal, class V>
struct run_element {
  Keys keys;
  Values values;
  Equal equal;
  WEFT_HOST_DEVICE run_state<V> operator()(offset i) const {
    return run_state<V>{i == 0 || !equal(keys[i - 1], keys[i]) ? 1 : 0, static_cast<V>(values[i])};
  }
};
template <class Keys, class OutKeys, class OutValues, class Equal>
struct run_output {
  Keys keys;
  OutKeys out_keys;
  OutValues out_values;
  offset* count;
  offset n;
  Equal equal;
  offset first = 0;

  struct place {
    const run_output* out;
    offset i;
    template <class V>
    WEFT_HOST_DEVICE void operator=(const run_state<V>& s) const {
      const offset run = s.heads - 1;
      if (i == 0 || !out->equal(out->keys[i - 1], out->keys[i])) out->out_keys[run] = out->keys[i];
      if (i + 1 == out->n) *out->count = s.heads;
      if (i + 1 == out->n || !out->equal(out->keys[i], out->keys[i + 1])) out->out_values[run] = s.value;
    }
  };
  WEFT_HOST_DEVICE place operator[](offset i) const { return {this, first + i}; }
  WEFT_HOST_DEVICE run_output operator+(offset i) const {
    run_output moved = *this;
    moved.first += i;
    return moved;
  }
};
struct no_runs {
  offset* count;
  WEFT_HOST_DEVICE void operator()(offset) const { *count = 0; }
};

template <class P, class Keys, class Values, class OutKeys, class OutValues, class Equal, class Op>
void sum_runs(const P& policy, Keys keys, Values values, offset n, OutKeys out_keys, OutValues out_values,
              offset* count, Equal equal, Op op) {
  using V = iter_value_t<Values>;
  if constexpr (!P::wants_same_bits || same_in_any_order<V>) {
    P::backend::reduce_by_key_into(policy, keys, values, n, out_keys, out_values, count, equal, op);
  } else if (n == 0) {
    P::backend::for_each_index(policy, 1, no_runs{count});
  } else {
    P::backend::scan(
        policy, weft::transformed(weft::counting(offset{0}), run_element<Keys, Values, Equal, V>{keys, values, equal}),
        n, run_output<Keys, OutKeys, OutValues, Equal>{keys, out_keys, out_values, count, n, equal}, join_runs<Op>{op},
        none{}, inclusive_t{});
  }
}

}  // namespace detail

/// Folds the values of each run of equal neighbouring keys with op, in order; writes the first key and the fold of each
/// run; *count = number of runs. Outputs must be apart from the inputs. Never waits with `.on(stream)`.
template <execution_policy P, random_access Keys, random_access Values, writable_from<Keys> OutKeys,
          writable_from<Values> OutValues, count_pointer Count, relation_on<iter_value_t<Keys>> Equal = equal_to,
          folds<iter_value_t<Values>> Op = plus>
void reduce_by_key_into(const P& policy, Keys first, Keys last, Values values, OutKeys out_keys, OutValues out_values,
                        Count count, Equal equal = {}, Op op = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto keys = detail::checked(policy, "reduce_by_key", first, n);
  const auto in = detail::checked(policy, "reduce_by_key", values, n);
  const auto to_keys = detail::checked(policy, "reduce_by_key", out_keys, n);
  const auto to = detail::checked(policy, "reduce_by_key", out_values, n);
  const auto runs = detail::checked(policy, "reduce_by_key", count, 1);
  detail::sum_runs(policy, keys, in, n, to_keys, to, runs, equal, op);
  weft::finish(policy);
}

/// Folds the values of each run of equal neighbouring keys with op, in order; writes the first key and the fold of each
/// run; returns the ends of both outputs, which must be apart from the inputs. Waits.
template <execution_policy P, random_access Keys, random_access Values, writable_from<Keys> OutKeys,
          writable_from<Values> OutValues, relation_on<iter_value_t<Keys>> Equal = equal_to,
          folds<iter_value_t<Values>> Op = plus>
std::pair<OutKeys, OutValues> reduce_by_key(const P& policy, Keys first, Keys last, Values values, OutKeys out_keys,
                                            OutValues out_values, Equal equal = {}, Op op = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto keys = detail::checked(policy, "reduce_by_key", first, n);
  const auto in = detail::checked(policy, "reduce_by_key", values, n);
  const auto to_keys = detail::checked(policy, "reduce_by_key", out_keys, n);
  const auto to = detail::checked(policy, "reduce_by_key", out_values, n);
  const offset runs = P::backend::template returned<offset>(
      policy, [&](offset* count) { detail::sum_runs(policy, keys, in, n, to_keys, to, count, equal, op); });
  return {out_keys + runs, out_values + runs};
}

/// Keeps the first key and value of each run of equal neighbouring keys, in place and in order; *count = number of
/// runs.
template <execution_policy P, random_access Keys, random_access Values, count_pointer Count,
          relation_on<iter_value_t<Keys>> Equal = equal_to>
  requires writable_from<Keys, Keys> && writable_from<Values, Values>
void unique_by_key_into(const P& policy, Keys first, Keys last, Values values, Count count, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto keys = detail::checked(policy, "unique_by_key", first, n);
  const auto both = weft::zip(keys, detail::checked(policy, "unique_by_key", values, n));
  P::backend::select_into(policy, both, n, both, none{}, detail::checked(policy, "unique_by_key", count, 1),
                          flag_first<detail::equal_keys<Equal>>{{equal}});
  weft::finish(policy);
}

/// Copies the first key and value of each run of equal neighbouring keys, in order; returns the ends of both outputs.
/// Waits.
template <execution_policy P, random_access Keys, random_access Values, writable_from<Keys> OutKeys,
          writable_from<Values> OutValues, relation_on<iter_value_t<Keys>> Equal = equal_to>
std::pair<OutKeys, OutValues> unique_by_key_copy(const P& policy, Keys first, Keys last, Values values,
                                                 OutKeys out_keys, OutValues out_values, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto keys = detail::checked(policy, "unique_by_key", first, n);
  const auto in = weft::zip(keys, detail::checked(policy, "unique_by_key", values, n));
  const auto to_keys = detail::checked(policy, "unique_by_key", out_keys, n);
  const auto out = weft::zip(to_keys, detail::checked(policy, "unique_by_key", out_values, n));
  const offset runs = P::backend::template returned<offset>(policy, [&](offset* count) {
    P::backend::select_into(policy, in, n, out, none{}, count, flag_first<detail::equal_keys<Equal>>{{equal}});
  });
  return {out_keys + runs, out_values + runs};
}

/// Keeps the first key and value of each run of equal neighbouring keys, in place and in order; returns the ends.
/// Waits.
template <execution_policy P, random_access Keys, random_access Values,
          relation_on<iter_value_t<Keys>> Equal = equal_to>
  requires writable_from<Keys, Keys> && writable_from<Values, Values> std::pair<Keys, Values> unique_by_key(
      const P& policy, Keys first, Keys last, Values values, Equal equal = {}) {
    return weft::unique_by_key_copy(policy, first, last, values, first, values, equal);
  }

/// The inclusive scan of the values, starting anew with each run of equal neighbouring keys; returns the end of the
/// output, which may be `values` but not the keys. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access Keys, random_access Values, writable_from<Values> Out,
          relation_on<iter_value_t<Keys>> Equal = equal_to, folds<iter_value_t<Values>> Op = plus>
Out inclusive_scan_by_key(const P& policy, Keys first, Keys last, Values values, Out out, Equal equal = {},
                          Op op = {}) {
  const auto n = static_cast<offset>(last - first);
  auto keys = detail::checked(policy, "inclusive_scan_by_key", first, n);
  auto in = detail::checked(policy, "inclusive_scan_by_key", values, n);
  const auto to = detail::checked(policy, "inclusive_scan_by_key", out, n);
  using element = detail::segment_element<decltype(keys), decltype(in), Equal, iter_value_t<Values>>;
  P::backend::scan(policy, weft::transformed(weft::counting(offset{0}), element{keys, in, equal}), n,
                   weft::transformed_output(to, detail::value_of_segment{}), detail::fold_within_segment<Op>{op},
                   none{}, inclusive_t{});
  weft::finish(policy);
  return out + n;
}

/// The exclusive scan of the values, starting anew from `init` with each run of equal neighbouring keys; returns the
/// end of the output, which may be `values` but not the keys.
template <execution_policy P, random_access Keys, random_access Values, class Out, class T = iter_value_t<Values>,
          relation_on<iter_value_t<Keys>> Equal = equal_to, folds<T> Op = plus>
  requires std::convertible_to<iter_value_t<Values>, T> && writable<Out, T> Out exclusive_scan_by_key(
      const P& policy, Keys first, Keys last, Values values, Out out, T init = T(), Equal equal = {}, Op op = {}) {
    const auto n = static_cast<offset>(last - first);
    auto keys = detail::checked(policy, "exclusive_scan_by_key", first, n);
    auto in = detail::checked(policy, "exclusive_scan_by_key", values, n);
    const auto to = detail::checked(policy, "exclusive_scan_by_key", out, n);
    using element = detail::shifted_segment_element<decltype(keys), decltype(in), Equal, T>;
    P::backend::scan(policy, weft::transformed(weft::counting(offset{0}), element{keys, in, equal, init, n}), n,
                     weft::transformed_output(to, detail::value_of_segment{}), detail::fold_within_segment<Op>{op},
                     detail::segmented<T>{false, init}, exclusive_t{});
    weft::finish(policy);
    return out + n;
  }

}  // namespace weft
