// The cpu family: every verb over one scheduler. A backend derives from family<its scheduler> and adds a name; the
// verbs are described in weft/backend.hpp, the scheduler's contract in weft/cpu/scheduler.hpp. Work is done when a verb
// returns, unless its stream records a graph: then the verb becomes an entry of it (host_runtime.hpp).
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/by_key.hpp>
#include <weft/cpu/expand.hpp>
#include <weft/cpu/find.hpp>
#include <weft/cpu/for_each.hpp>
#include <weft/cpu/gemm.hpp>
#include <weft/cpu/histogram.hpp>
#include <weft/cpu/merge.hpp>
#include <weft/cpu/min_index.hpp>
#include <weft/cpu/reduce.hpp>
#include <weft/cpu/run_lengths.hpp>
#include <weft/cpu/scan.hpp>
#include <weft/cpu/select.hpp>
#include <weft/cpu/set_operation.hpp>
#include <weft/cpu/sort.hpp>
#include <weft/cpu/transform.hpp>
#include <weft/host_runtime.hpp>

namespace weft::inline v100::cpu {

template <class Scheduler>
struct family {
  static constexpr bool is_device = false;
  static weft::runtime& runtime() { return host_runtime(); }

  template <class P, class F>
  static void for_each_index(const P& policy, offset n, F f) {
    if (weft::detail::recorded(policy, [&] { return [=](const P& p) { family::for_each_index(p, n, f); }; })) return;
    const weft::detail::told tell(policy, "for_each_index");
    cpu::for_each_index<Scheduler>(policy, n, f);
  }
  template <class P, class In, class Out, class F>
  static void transform(const P& policy, In in, offset n, Out out, F f) {
    if (weft::detail::recorded(policy, [&] { return [=](const P& p) { family::transform(p, in, n, out, f); }; }))
      return;
    const weft::detail::told tell(policy, "transform");
    cpu::transform<Scheduler>(policy, in, n, out, f);
  }
  template <class P, class In, class Out, class Init, class Op>
  static void reduce_into(const P& policy, In in, offset n, Out out, Init init, Op op) {
    if (weft::detail::recorded(policy,
                               [&] { return [=](const P& p) { family::reduce_into(p, in, n, out, init, op); }; }))
      return;
    const weft::detail::told tell(policy, "reduce");
    cpu::reduce_into<Scheduler>(policy, in, n, out, init, op);
  }
  template <class P, class In, class Out, class Op, class Init, class Mode>
  static void scan(const P& policy, In in, offset n, Out out, Op op, Init init, Mode mode) {
    if (weft::detail::recorded(policy,
                               [&] { return [=](const P& p) { family::scan(p, in, n, out, op, init, mode); }; }))
      return;
    const weft::detail::told tell(policy, "scan");
    cpu::scan<Scheduler>(policy, in, n, out, op, init, mode);
  }
  template <class P, class In, class Out, class Rejected, class Count, class Flag>
  static void select_into(const P& policy, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
    if (weft::detail::recorded(
            policy, [&] { return [=](const P& p) { family::select_into(p, in, n, out, rejected, count, flag); }; }))
      return;
    const weft::detail::told tell(policy, "select");
    cpu::select_into<Scheduler>(policy, in, n, out, rejected, count, flag);
  }
  template <class P, class Keys, class Values, class Less>
  static void sort(const P& policy, Keys keys, Values values, offset n, Less less) {
    if (weft::detail::recorded(policy, [&] { return [=](const P& p) { family::sort(p, keys, values, n, less); }; }))
      return;
    const weft::detail::told tell(policy, "sort");
    cpu::sort<Scheduler>(policy, keys, values, n, less);
  }
  template <class P, class AKeys, class AValues, class BKeys, class BValues, class OutKeys, class OutValues, class Less>
  static void merge(const P& policy, AKeys a, AValues a_values, offset a_n, BKeys b, BValues b_values, offset b_n,
                    OutKeys out, OutValues out_values, Less less) {
    if (weft::detail::recorded(policy, [&] {
          return [=](const P& p) { family::merge(p, a, a_values, a_n, b, b_values, b_n, out, out_values, less); };
        }))
      return;
    const weft::detail::told tell(policy, "merge");
    cpu::merge<Scheduler>(policy, a, a_values, a_n, b, b_values, b_n, out, out_values, less);
  }
  template <class P, class AKeys, class AValues, class BKeys, class BValues, class OutKeys, class OutValues,
            class Count, class Less, class Op>
  static void set_operation_into(const P& policy, AKeys a, AValues a_values, offset a_n, BKeys b, BValues b_values,
                                 offset b_n, OutKeys out, OutValues out_values, Count count, Less less, Op op) {
    if (weft::detail::recorded(policy, [&] {
          return [=](const P& p) {
            family::set_operation_into(p, a, a_values, a_n, b, b_values, b_n, out, out_values, count, less, op);
          };
        }))
      return;
    const weft::detail::told tell(policy, "set_operation");
    cpu::set_operation_into<Scheduler>(policy, a, a_values, a_n, b, b_values, b_n, out, out_values, count, less, op);
  }
  template <class P, class Count, class Predicate>
  static void find_first_into(const P& policy, offset n, Count count, Predicate predicate) {
    if (weft::detail::recorded(policy,
                               [&] { return [=](const P& p) { family::find_first_into(p, n, count, predicate); }; }))
      return;
    const weft::detail::told tell(policy, "find_first");
    cpu::find_first_into<Scheduler>(policy, n, count, predicate);
  }
  template <class P, class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op>
  static void reduce_by_key_into(const P& policy, Keys keys, Values values, offset n, OutKeys out_keys,
                                 OutValues out_values, Count count, Equal equal, Op op) {
    if (weft::detail::recorded(policy, [&] {
          return [=](const P& p) {
            family::reduce_by_key_into(p, keys, values, n, out_keys, out_values, count, equal, op);
          };
        }))
      return;
    const weft::detail::told tell(policy, "reduce_by_key");
    cpu::reduce_by_key_into<Scheduler>(policy, keys, values, n, out_keys, out_values, count, equal, op);
  }
  template <class P, class In, class Out, class Lengths, class Count, class Equal>
  static void run_lengths_into(const P& policy, In in, offset n, Out out, Lengths lengths, Count count, Equal equal) {
    if (weft::detail::recorded(policy, [&] {
          return [=](const P& p) { family::run_lengths_into(p, in, n, out, lengths, count, equal); };
        }))
      return;
    const weft::detail::told tell(policy, "run_lengths");
    cpu::run_lengths_into<Scheduler>(policy, in, n, out, lengths, count, equal);
  }
  template <class P, class Ends, class Out, class F>
  static void expand(const P& policy, Ends ends, offset m, offset n, Out out, F f) {
    if (weft::detail::recorded(policy, [&] { return [=](const P& p) { family::expand(p, ends, m, n, out, f); }; }))
      return;
    const weft::detail::told tell(policy, "expand");
    cpu::expand<Scheduler>(ends, m, n, out, f);
  }
  template <class P, class In, class Counts, class BinOf>
  static void histogram(const P& policy, In in, offset n, Counts counts, offset bins, BinOf bin_of) {
    if (weft::detail::recorded(policy,
                               [&] { return [=](const P& p) { family::histogram(p, in, n, counts, bins, bin_of); }; }))
      return;
    const weft::detail::told tell(policy, "histogram");
    cpu::histogram<Scheduler>(policy, in, n, counts, bins, bin_of);
  }

  template <class P, class TA, class TB, class TC, class Options>
  static void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                   const Options& options) {
    if (weft::detail::recorded(policy, [&] { return [=](const P& p) { family::gemm(p, a, b, c, options); }; })) return;
    const weft::detail::told tell(policy, "gemm");
    cpu::gemm<Scheduler>(policy, a, b, c, options);
  }

  /// A faster way to one answer, not a verb: *index = where the least of n > 0 arithmetic elements is. False: not this
  /// way (a NaN among them), nothing is written.
  template <class P, class In, class Less>
    requires std::is_arithmetic_v<iter_value_t<In>>
  static bool min_index_into(const P& policy, In in, offset n, offset* index, Less less) {
    if (policy.has_stream() && weft::detail::host_recording(policy.stream())) return false;
    const weft::detail::told tell(policy, "min_index");
    return cpu::min_index_into<Scheduler>(policy, in, n, index, less);
  }

  /// f(slot) assigns one T to *slot: a T* where T can be default-constructed, else a cpu::slot<T>.
  template <class T, class P, class F>
  static T returned(const P& policy, F f) {
    weft::detail::check_not_recording(policy);
    if constexpr (std::is_default_constructible_v<T>) {
      T value{};
      f(&value);
      weft::detail::this_call.name = {};
      return value;
    } else {
      maybe<T> value;
      f(slot<T>(value));
      weft::detail::this_call.name = {};
      return static_cast<T&&>(*value);
    }
  }
};

}  // namespace weft::cpu
