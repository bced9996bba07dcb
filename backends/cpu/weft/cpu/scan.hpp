// Prefix sums. One pass over memory: a block that fits the L2 cache is folded, waits for the sum of all before it, and
// is then scanned from the cache (chain in scheduler.hpp). One thread skips the fold. Sums of arithmetic types are
// scanned in registers. Other operators on arithmetic types run as four chains side by side, in four pieces of a
// kilobyte or so, whose beginnings are then added in a loop that vectorises; several threads do the same with blocks
// instead of folding them first. All else runs element by element.
//
// Floating-point results depend on the blocks, so they differ in the last bits between one and more threads, unless
// the policy says .require(same_bits) (cpu/scan_fixed.hpp).
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/scan_fixed.hpp>
#include <weft/cpu/scan_vector.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// Worth the second look at each element that running in four places costs.
template <class T, class Out, class Op>
inline constexpr bool scans_in_chains = std::is_arithmetic_v<T>&& std::is_same_v<Out, T*> && !sums_in_registers<T, Op>;

/// out[i] = op(carry, out[i]) for what an exclusive or inclusive scan of [begin, end) without a carry has written.
template <bool Inclusive, class T, class Op>
[[gnu::always_inline]] inline void add_carry(T* out, offset begin, offset end, T carry, const Op& op) {
  if constexpr (!Inclusive) out[begin] = carry;
  for (offset i = begin + (Inclusive ? 0 : 1); i < end; ++i) out[i] = static_cast<T>(op(carry, out[i]));
}

/// Scans [begin, end), not empty, in four chains at a time; returns the sum. Without a carry (has_carry false) an
/// exclusive scan leaves out[begin] open.
template <bool Inclusive, class T, class In, class Op>
T scan_in_chains(In in, offset begin, offset end, T* out, Op op_given, bool has_carry, T carry) {
  return wide([=]() __attribute__((always_inline)) {
    Op op = op_given;
    T sum = carry;
    bool known = has_carry;
    const auto step = [&](T & s, offset at) __attribute__((always_inline)) {
      const T x = static_cast<T>(in[at]);
      if constexpr (!Inclusive) out[at] = s;
      s = static_cast<T>(op(s, x));
      if constexpr (Inclusive) out[at] = s;
    };
    for (offset i = begin; i < end;) {
      const offset size = min(end - i, 1024), quarter = size / 4;
      if (quarter < 16) {
        offset at = i;
        if (!known) {
          sum = static_cast<T>(in[at]);
          if constexpr (Inclusive) out[at] = sum;
          known = true;
          ++at;
        }
        for (; at < i + size; ++at) step(sum, at);
      } else {
        const offset at[4] = {i, i + quarter, i + 2 * quarter, i + 3 * quarter};
        T a = static_cast<T>(in[at[0]]), b = static_cast<T>(in[at[1]]), c = static_cast<T>(in[at[2]]),
          d = static_cast<T>(in[at[3]]);
        if constexpr (Inclusive) out[at[0]] = a, out[at[1]] = b, out[at[2]] = c, out[at[3]] = d;
        for (offset j = 1; j < quarter; ++j) {
          step(a, at[0] + j);
          step(b, at[1] + j);
          step(c, at[2] + j);
          step(d, at[3] + j);
        }
        for (offset j = at[3] + quarter; j < i + size; ++j) step(d, j);
        if (known) {
          add_carry<Inclusive>(out, at[0], at[1], sum, op);
          a = static_cast<T>(op(sum, a));
        }
        add_carry<Inclusive>(out, at[1], at[2], a, op);
        b = static_cast<T>(op(a, b));
        add_carry<Inclusive>(out, at[2], at[3], b, op);
        c = static_cast<T>(op(b, c));
        add_carry<Inclusive>(out, at[3], i + size, c, op);
        sum = static_cast<T>(op(c, d));
        known = true;
      }
      i += size;
    }
    return sum;
  });
}

/// Scans [begin, end); `carry` is the sum of what came before (missing at the very start of a scan without init) and is
/// updated. Reads element i before it writes it.
template <bool Inclusive, class T, class In, class Out, class Op>
void scan_block(In in, offset begin, offset end, Out out, Op op, maybe<T>& carry) {
  if (begin == end) return;
  if constexpr (scans_in_chains<T, Out, Op>) {
    if (end - begin >= 64) {
      carry = scan_in_chains<Inclusive, T>(in, begin, end, out, op, carry.has_value(), carry ? *carry : T{});
      return;
    }
  }
  offset i = begin;
  T sum = carry ? T(static_cast<T&&>(*carry)) : T(in[i]);
  if (!carry) {
    if constexpr (Inclusive) out[i] = sum;
    ++i;
  }
  if constexpr (sums_in_registers<T, Op>)
    if (end - i >= 64) i = scan_in_registers<Inclusive>(in, i, end, out, sum);
  for (; i < end; ++i) {
    if constexpr (Inclusive) {
      sum = op(sum, static_cast<T>(in[i]));
      out[i] = sum;
    } else {
      T next = op(sum, static_cast<T>(in[i]));
      out[i] = sum;
      sum = static_cast<T&&>(next);
    }
  }
  carry.emplace(static_cast<T&&>(sum));
}

/// The fold of [begin, end), not empty, in order. Four chains of dependent operations side by side.
template <class T, class In, class Op>
T fold_block(In in, offset begin, offset end, Op op) {
  if constexpr (sums_in_registers<T, Op>) return sum_in_registers<T>(in, begin, end);
  const offset quarter = (end - begin) / 4;
  if (quarter == 0) {
    T sum = static_cast<T>(in[begin]);
    for (offset i = begin + 1; i < end; ++i) sum = op(sum, static_cast<T>(in[i]));
    return sum;
  }
  const offset b = begin + quarter, c = b + quarter, d = c + quarter;
  T first = static_cast<T>(in[begin]), second = static_cast<T>(in[b]), third = static_cast<T>(in[c]),
    fourth = static_cast<T>(in[d]);
  for (offset i = 1; i < quarter; ++i) {
    first = op(first, static_cast<T>(in[begin + i]));
    second = op(second, static_cast<T>(in[b + i]));
    third = op(third, static_cast<T>(in[c + i]));
    fourth = op(fourth, static_cast<T>(in[d + i]));
  }
  for (offset i = d + quarter; i < end; ++i) fourth = op(fourth, static_cast<T>(in[i]));
  return op(op(first, second), op(third, fourth));
}

template <class T>
inline constexpr offset scan_block_items = max(1024, (1 << 18) / static_cast<offset>(sizeof(T)));

/// Several threads. Out of line, so that a small scan finds its arguments in registers.
template <bool Inclusive, class T, class Scheduler, class In, class Out, class Op>
[[gnu::noinline]] void scan_by_threads(int threads, In in, offset n, Out out, Op op, maybe<T> carry) {
  constexpr offset block = scan_block_items<T>;
  const offset blocks = ceil_div(n, block);
  chain order;
  order.run<Scheduler>(blocks, static_cast<int>(min(threads, blocks)), [&](offset b, int) {
    const offset begin = b * block, end = min(n, begin + block);
    if constexpr (scans_in_chains<T, Out, Op>) {
      const T total = scan_in_chains<Inclusive, T>(in, begin, end, out, op, false, T{});
      if (!order.wait(b)) return;
      const maybe<T> before = carry;
      carry = before ? static_cast<T>(op(*before, total)) : total;
      order.hand_on(b);
      if (before) wide([=]() __attribute__((always_inline)) { add_carry<Inclusive>(out, begin, end, *before, op); });
      return;
    }
    const T sum = fold_block<T>(in, begin, end, op);
    if (!order.wait(b)) return;
    maybe<T> before = carry;
    carry.emplace(carry ? T(op(*carry, sum)) : sum);
    order.hand_on(b);
    scan_block<Inclusive, T>(in, begin, end, out, op, before);
  });
}

template <bool Inclusive, class T, class Scheduler, class Policy, class In, class Out, class Op>
void scan_range(const Policy&, In in, offset n, Out out, Op op, maybe<T> carry) {
  const int threads = n <= 2 * scan_block_items<T> ? 1 : Scheduler::threads();
  if (threads <= 1)
    scan_block<Inclusive, T>(in, 0, n, out, op, carry);
  else
    scan_by_threads<Inclusive, T, Scheduler>(threads, in, n, out, op, static_cast<maybe<T>&&>(carry));
}

}  // namespace detail

template <class Scheduler, class Policy, class In, class Out, class Op, class Init, class Mode>
void scan(const Policy& policy, In in, offset n, Out out, Op op, Init init, Mode) {
  constexpr bool inclusive = std::is_same_v<Mode, inclusive_t>;
  static_assert(inclusive || !is_none<Init>, "an exclusive scan needs an initial value");
  if (n <= 0) return;
  using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  maybe<T> first;
  if constexpr (!is_none<Init>) first.emplace(init);
  if constexpr (Policy::wants_same_bits && !same_in_any_order<T>)
    detail::scan_in_fixed_order<inclusive, T, Scheduler>(in, n, out, op, first);
  else
    detail::scan_range<inclusive, T, Scheduler>(policy, in, n, out, op, first);
}

}  // namespace weft::cpu
