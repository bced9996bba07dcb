// Prefix sums. One pass over memory: a block that fits the L2 cache is folded, waits for the sum of all before it, and
// is then scanned from the cache (chain in scheduler.hpp). One thread skips the fold. Sums of arithmetic types are
// scanned in registers; other operators run element by element.
//
// Floating-point results depend on the blocks, so they differ in the last bits between one and more threads.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/scan_vector.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>

namespace weft::cpu {

namespace detail {

/// Scans [begin, end); `carry` is the sum of what came before (missing at the very start of a scan without init) and is
/// updated. Reads element i before it writes it.
template <bool Inclusive, class T, class In, class Out, class Op>
void scan_block(In in, offset begin, offset end, Out out, Op op, maybe<T>& carry) {
  if (begin == end) return;
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

template <bool Inclusive, class T, class Scheduler, class Policy, class In, class Out, class Op>
void scan_range(const Policy&, In in, offset n, Out out, Op op, maybe<T> carry) {
  constexpr offset block = max(1024, (1 << 18) / static_cast<offset>(sizeof(T)));
  const int threads = n <= 2 * block ? 1 : Scheduler::threads();
  if (threads <= 1) {
    scan_block<Inclusive, T>(in, 0, n, out, op, carry);
    return;
  }
  const offset blocks = ceil_div(n, block);
  chain order;
  order.run<Scheduler>(blocks, static_cast<int>(min(threads, blocks)), [&](offset b, int) {
    const offset begin = b * block, end = min(n, begin + block);
    const T sum = fold_block<T>(in, begin, end, op);
    if (!order.wait(b)) return;
    maybe<T> before = carry;
    carry.emplace(carry ? T(op(*carry, sum)) : sum);
    order.hand_on(b);
    scan_block<Inclusive, T>(in, begin, end, out, op, before);
  });
}

}  // namespace detail

template <class Scheduler, class Policy, class In, class Out, class Op, class Init, class Mode>
void scan(const Policy& policy, In in, offset n, Out out, Op op, Init init, Mode) {
  constexpr bool inclusive = std::is_same_v<Mode, inclusive_t>;
  static_assert(inclusive || !is_none<Init>, "an exclusive scan needs an initial value");
  if (n <= 0) return;
  using accumulator = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
  static_assert(!Policy::wants_same_bits || std::is_integral_v<accumulator>,
                "weft: scan cannot keep same_bits for this type yet; drop .require(same_bits) or scan integers");
  if constexpr (is_none<Init>) {
    using T = iter_value_t<In>;
    detail::scan_range<inclusive, T, Scheduler>(policy, in, n, out, op, maybe<T>{});
  } else {
    detail::scan_range<inclusive, Init, Scheduler>(policy, in, n, out, op, maybe<Init>{init});
  }
}

}  // namespace weft::cpu
