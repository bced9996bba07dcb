// Prefix sums. One pass over memory: a block that fits the L2 cache is folded, waits for the sum of all before it, and
// is then scanned from the cache (chain in scheduler.hpp). One thread skips the fold. Sums of arithmetic types are
// scanned in registers. Other operators on numbers of four and eight bytes run as chains in the lanes of registers,
// from rows of a tile (scan_rows.hpp), and several threads scan blocks on their own instead of folding them first, and
// then add what came before. All else runs element by element.
//
// Floating-point results depend on the blocks, so they differ in the last bits between one and more threads, unless
// the policy says .require(same_bits) (cpu/scan_fixed.hpp).
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/pointers.hpp>
#include <weft/cpu/scan_fixed.hpp>
#include <weft/cpu/scan_rows.hpp>
#include <weft/cpu/scan_vector.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/cpu/stream_store.hpp>
#include <weft/cpu/transform.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// Scans [begin, end); `carry` is the sum of what came before (missing at the very start of a scan without init) and is
/// updated. Reads element i before it writes it. The caller will go on with `more` elements.
template <bool Inclusive, class T, class In, class Out, class Op>
void scan_block(In in, offset begin, offset end, Out out, Op op, maybe<T>& carry, [[maybe_unused]] offset more = 0) {
  if (begin == end) return;
  if constexpr (scans_in_rows<T, Out, Op>) {
    if (end - begin >= least_rows<T> && has_avx2()) {
      carry = scan_in_rows<Inclusive, T>(in, begin, end, out, op, carry.has_value(), carry ? *carry : T{}, more);
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
    if (end - i >= 32) {
      T so_far = sum;  // not the sum itself, which would have to stay in memory for the loop below
      i = scan_in_registers<Inclusive>(in, i, end, out, so_far);
      sum = so_far;
    }
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

/// What is too large for the caches is scanned in pieces that fit the L1 cache and leaves through streaming stores.
template <class T, class Out>
inline constexpr bool scans_past_cache = std::is_same_v<Out, T*>&& streams<T>;

template <bool Inclusive, class T, class In, class Op>
void scan_block_past_cache(In in, offset begin, offset end, T* out, Op op, maybe<T>& carry) {
  constexpr offset most = 8192 / static_cast<offset>(sizeof(T));
  alignas(64) T piece[most];
  for (offset i = begin; i < end; i += most) {
    const offset size = min(most, end - i);
    scan_block<Inclusive, T>(in + i, 0, size, static_cast<T*>(piece), op, carry, end - i - size);
    copy_streaming(out + i, piece, static_cast<std::size_t>(size) * sizeof(T));
  }
  fence_streaming();
}

/// True where writing past the cache pays; reading out's lines for a scan in place brings them anyway.
template <class T, class In, class Out>
bool goes_past_cache(const In& in, offset n, const Out& out) {
  if constexpr (scans_past_cache<T, Out>)
    return n * static_cast<offset>(sizeof(T)) >= streaming_bytes && has_avx2() && !reads_from(in, out);
  else
    return false;
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
  const bool past_cache = goes_past_cache<T>(in, n, out);
  chain order;
  order.run<Scheduler>(blocks, static_cast<int>(min(threads, blocks)), [&](offset b, int) {
    const offset begin = b * block, end = min(n, begin + block);
    if constexpr (scans_in_rows<T, Out, Op>) {
      if (has_avx2() && !past_cache) {
        const T total = scan_in_rows<Inclusive, T>(in, begin, end, out, op, false, T{});
        if (!order.wait(b)) return;
        const maybe<T> before = carry;
        carry = before ? static_cast<T>(op(*before, total)) : total;
        order.hand_on(b);
        if (before)
          wide([=]() __attribute__((always_inline)) {
            Op own = op;
            add_before<Inclusive>(out, begin, end, *before, own);
          });
        return;
      }
    }
    const T sum = fold_block<T>(in, begin, end, op);
    if (!order.wait(b)) return;
    maybe<T> before = carry;
    carry.emplace(carry ? T(op(*carry, sum)) : sum);
    order.hand_on(b);
    if constexpr (scans_past_cache<T, Out>)
      if (past_cache) return scan_block_past_cache<Inclusive, T>(in, begin, end, out, op, before);
    scan_block<Inclusive, T>(in, begin, end, out, op, before);
  });
}

template <bool Inclusive, class T, class Scheduler, class Policy, class In, class Out, class Op>
void scan_range(const Policy&, In in, offset n, Out out, Op op, maybe<T> carry) {
  const int threads = n <= 2 * scan_block_items<T> ? 1 : Scheduler::threads();
  if constexpr (scans_past_cache<T, Out>)
    if (threads <= 1 && goes_past_cache<T>(in, n, out))
      return scan_block_past_cache<Inclusive, T>(in, 0, n, out, op, carry);
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
