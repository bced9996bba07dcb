// The cpu family: every verb over one scheduler. A backend derives from family<its scheduler> and adds a name; the
// verbs are described in weft/backend.hpp, the scheduler's contract in weft/cpu/scheduler.hpp. Work is done when a verb
// returns, unless its stream records a graph: then the verb becomes an entry of it (host_runtime.hpp). Temporary memory
// is taken when a verb is called, never by a replay: each verb's plan says how much (weft/cpu/storage.hpp).
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/by_key.hpp>
#include <weft/cpu/expand.hpp>
#include <weft/cpu/find.hpp>
#include <weft/cpu/for_each.hpp>
#include <weft/cpu/gemm_grouped.hpp>
#include <weft/cpu/gemm_plan.hpp>
#include <weft/cpu/gemm_reduced.hpp>
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
class family {
  /// Runs f(policy, plan) now, or puts it on the list that the policy's stream records, with the plan's memory in hand
  /// either way. Memory of a recorded call is given back in the order of the recording, as on a device: the default
  /// resource then keeps it for the graph.
  template <class P, class Plan, class F>
  [[gnu::always_inline]] static void call(const P& policy, const char* name, Plan plan, const F& f) {
    if (weft::detail::measuring()) [[unlikely]] {
      const planned_memory measured(policy, plan);
      return;
    }
    if (weft::detail::host_graph* graph = weft::detail::recording_of(policy)) [[unlikely]]
      return record(*graph, policy, name, plan, f);
    const weft::detail::told tell(policy, name);
    const planned_memory memory(policy, plan);
    f(policy, plan);
  }
  template <class P, class Plan, class F>
  [[gnu::noinline, gnu::cold]] static void record(weft::detail::host_graph& graph, const P& policy, const char* name,
                                                  Plan plan, const F& f) {
    const planned_memory memory(policy, plan);
    graph.add(true, [policy, name, plan, f](stream_ref replay) {
      const P there = policy.at(replay);
      const weft::detail::told tell(there, name);
      f(there, plan);
    });
  }

 public:
  static constexpr bool is_device = false;
  static constexpr bool is_immediate = true;  // a call without a stream has nothing to wait for
  static constexpr bool can_measure = true;   // weft::workspace_bytes
  static weft::runtime& runtime() { return host_runtime(); }

  template <class P, class F>
  static void for_each_index(const P& policy, offset n, F f) {
    family::call(policy, "for_each_index", no_memory{},
                 [=](const P& p, no_memory) { cpu::for_each_index<Scheduler>(p, n, f); });
  }
  template <class P, class In, class Out, class F>
  static void transform(const P& policy, In in, offset n, Out out, F f) {
    family::call(policy, "transform", no_memory{},
                 [=](const P& p, no_memory) { cpu::transform<Scheduler>(p, in, n, out, f); });
  }
  template <class P, class In, class Out, class Init, class Op>
  static void reduce_into(const P& policy, In in, offset n, Out out, Init init, Op op) {
    using T = typename std::conditional_t<is_none<Init>, std::type_identity<iter_value_t<In>>,
                                          std::type_identity<Init>>::type;
    family::call(policy, "reduce", reduce_plan<T, Op>(n),
                 [=](const P&, const auto& plan) { cpu::reduce_into<Scheduler>(plan, in, n, out, init, op); });
  }
  template <class P, class In, class Out, class Op, class Init, class Mode>
  static void scan(const P& policy, In in, offset n, Out out, Op op, Init init, Mode mode) {
    family::call(policy, "scan", no_memory{},
                 [=](const P& p, no_memory) { cpu::scan<Scheduler>(p, in, n, out, op, init, mode); });
  }
  template <class P, class In, class Out, class Rejected, class Count, class Flag>
  static void select_into(const P& policy, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
    family::call(
        policy, "select", select_plan<iter_value_t<In>, Rejected>::template of<Scheduler>(n),
        [=](const P&, const auto& plan) { cpu::select_into<Scheduler>(plan, in, n, out, rejected, count, flag); });
  }
  template <class P, class Keys, class Values, class Less>
  static void sort(const P& policy, Keys keys, Values values, offset n, Less less) {
    cpu::plan_sort<Scheduler, Keys, Values, Less>(n, [&](const auto& way) {
      family::call(policy, "sort", way,
                   [=](const P&, const auto& plan) { plan.template run<Scheduler>(keys, values, n, less); });
    });
  }
  template <class P, class AKeys, class AValues, class BKeys, class BValues, class OutKeys, class OutValues, class Less>
  static void merge(const P& policy, AKeys a, AValues a_values, offset a_n, BKeys b, BValues b_values, offset b_n,
                    OutKeys out, OutValues out_values, Less less) {
    family::call(policy, "merge", no_memory{}, [=](const P& p, no_memory) {
      cpu::merge<Scheduler>(p, a, a_values, a_n, b, b_values, b_n, out, out_values, less);
    });
  }
  template <class P, class AKeys, class AValues, class BKeys, class BValues, class OutKeys, class OutValues,
            class Count, class Less, class Op>
  static void set_operation_into(const P& policy, AKeys a, AValues a_values, offset a_n, BKeys b, BValues b_values,
                                 offset b_n, OutKeys out, OutValues out_values, Count count, Less less, Op op) {
    family::call(policy, "set_operation",
                 set_operation_plan<AKeys, BKeys, OutKeys, OutValues>::template of<Scheduler>(a_n + b_n),
                 [=](const P&, const auto& plan) {
                   cpu::set_operation_into<Scheduler>(plan, a, a_values, a_n, b, b_values, b_n, out, out_values, count,
                                                      less, op);
                 });
  }
  template <class P, class Count, class Predicate>
  static void find_first_into(const P& policy, offset n, Count count, Predicate predicate) {
    family::call(policy, "find_first", no_memory{},
                 [=](const P& p, no_memory) { cpu::find_first_into<Scheduler>(p, n, count, predicate); });
  }
  template <class P, class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op>
  static void reduce_by_key_into(const P& policy, Keys keys, Values values, offset n, OutKeys out_keys,
                                 OutValues out_values, Count count, Equal equal, Op op) {
    family::call(policy, "reduce_by_key",
                 by_key_plan<iter_value_t<Keys>, iter_value_t<Values>>::template of<Scheduler>(n),
                 [=](const P& p, const auto& plan) {
                   cpu::reduce_by_key_into<Scheduler>(p, plan, keys, values, n, out_keys, out_values, count, equal, op);
                 });
  }
  template <class P, class In, class Out, class Lengths, class Count, class Equal>
  static void run_lengths_into(const P& policy, In in, offset n, Out out, Lengths lengths, Count count, Equal equal) {
    family::call(
        policy, "run_lengths", run_lengths_plan<iter_value_t<In>>::template of<Scheduler>(n),
        [=](const P&, const auto& plan) { cpu::run_lengths_into<Scheduler>(plan, in, n, out, lengths, count, equal); });
  }
  template <class P, class Ends, class Out, class F>
  static void expand(const P& policy, Ends ends, offset m, offset n, Out out, F f) {
    family::call(policy, "expand", no_memory{},
                 [=](const P&, no_memory) { cpu::expand<Scheduler>(ends, m, n, out, f); });
  }
  template <class P, class In, class Counts, class BinOf>
  static void histogram(const P& policy, In in, offset n, Counts counts, offset bins, BinOf bin_of) {
    family::call(policy, "histogram", histogram_plan<iter_value_t<Counts>>::template of<Scheduler>(n, bins),
                 [=](const P&, const auto& plan) { cpu::histogram<Scheduler>(plan, in, n, counts, bins, bin_of); });
  }

  template <class P, class TA, class TB, class TC, class Options>
  static void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
                   const gemm_tile* tile = nullptr) {
    family::call(policy, "gemm", gemm_plan::of<Scheduler>(a, b, c, options, tile),
                 [=](const P&, const gemm_plan& plan) { cpu::gemm<Scheduler>(plan, a, b, c, options); });
  }
  template <class P, class TA, class TB, class TC, class Options>
  static void gemm_reduced(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c,
                           const Options& options) {
    cpu::gemm_reduced<family>(policy, a, b, c, options);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static void gemm_grouped(const P& policy, std::span<const gemm_member<TA, TB, TC>> members, const Options& options) {
    const std::vector<gemm_member<TA, TB, TC>> list(members.begin(), members.end());
    family::call(policy, "gemm_grouped", gemm_group_plan::of<Scheduler>(members, options),
                 [=](const P&, const gemm_group_plan& plan) { cpu::gemm_grouped<Scheduler>(plan, list, options); });
  }
  // What weft::gemm_plan asks: gemm_plan.hpp.
  template <class P, class TA, class TB, class TC, class Options>
  static auto gemm_configs(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                           const Options& options) {
    return cpu::gemm_configs<Scheduler>(policy, a, b, c, options);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static std::size_t gemm_workspace(const P&, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                                    const Options& options, const gemm_config& config) {
    return cpu::gemm_workspace<Scheduler>(a, b, c, options, config.tile);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static bool gemm_by(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                      const Options& options, const gemm_config& config) {
    return cpu::gemm_by<family>(policy, a, b, c, options, config.tile);
  }

  /// A faster way to one answer, not a verb: *index = where the least of n > 0 arithmetic elements is. False: not this
  /// way (a NaN among them), nothing is written.
  template <class P, class In, class Less>
    requires std::is_arithmetic_v<iter_value_t<In>>
  static bool min_index_into(const P& policy, In in, offset n, offset* index, Less less) {
    if (weft::detail::measuring() || weft::detail::recording_of(policy) != nullptr) return false;
    const weft::detail::told tell(policy, "min_index");
    return cpu::min_index_into<Scheduler>(policy, in, n, index, less);
  }

  /// Another: the elements with predicate(x) to the front of in[0, n), *count of them, and the others behind them.
  template <class P, class T, class Count, class Predicate>
    requires std::is_trivially_copyable_v<T>
  static void partition_into(const P& policy, T* in, offset n, Count count, Predicate predicate) {
    family::call(policy, "partition", partition_plan<T>::template of<Scheduler>(n), [=](const P& p, const auto& plan) {
      cpu::partition_into<Scheduler>(p, plan, in, n, count, predicate);
    });
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
