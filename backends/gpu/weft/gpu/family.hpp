// The verbs of the GPU family, one file each, gathered into the base class that cuda, hip and simt share. Tools hear of
// each verb here (weft/profile.hpp).
#pragma once

#include <weft/backend.hpp>
#include <weft/error.hpp>
#include <weft/gpu/by_key.hpp>
#include <weft/gpu/expand.hpp>
#include <weft/gpu/find.hpp>
#include <weft/gpu/for_each.hpp>
#include <weft/gpu/gemm_grouped.hpp>
#include <weft/gpu/gemm_plan.hpp>
#include <weft/gpu/gemm_reduced.hpp>
#include <weft/gpu/histogram.hpp>
#include <weft/gpu/merge.hpp>
#include <weft/gpu/reduce.hpp>
#include <weft/gpu/run_lengths.hpp>
#include <weft/gpu/scan.hpp>
#include <weft/gpu/select.hpp>
#include <weft/gpu/set_operation.hpp>
#include <weft/gpu/sort.hpp>
#include <weft/memory/result_slot.hpp>

namespace weft::inline v100::gpu {

struct family {
  static constexpr bool can_measure = true;  // weft::workspace_bytes

  /// Throws where the program has no code for the device, or there is no device.
  static void probe(int device) { static_cast<void>(dialect::info(device)); }

  template <class P, class F>
  static void for_each_index(const P& p, offset n, F f) {
    const weft::detail::told tell(p, "for_each_index");
    gpu::for_each_index(p, n, f);
  }
  template <class P, class In, class Out, class F>
  static void transform(const P& p, In in, offset n, Out out, F f) {
    const weft::detail::told tell(p, "transform");
    gpu::transform(p, in, n, out, f);
  }
  template <class P, class In, class Out, class Init, class Op>
  static void reduce_into(const P& p, In in, offset n, Out out, Init init, Op op) {
    const weft::detail::told tell(p, "reduce");
    gpu::reduce_into(p, in, n, out, init, op);
  }
  template <class P, class In, class Out, class Op, class Init, class Kind>
  static void scan(const P& p, In in, offset n, Out out, Op op, Init init, Kind kind) {
    const weft::detail::told tell(p, "scan");
    gpu::scan(p, in, n, out, op, init, kind);
  }
  template <class P, class In, class Out, class Rejected, class Count, class Flag>
  static void select_into(const P& p, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
    const weft::detail::told tell(p, "select");
    gpu::select_into(p, in, n, out, rejected, count, flag);
  }
  template <class P, class Keys, class Values, class Less>
  static void sort(const P& p, Keys keys, Values values, offset n, Less less) {
    const weft::detail::told tell(p, "sort");
    gpu::sort(p, keys, values, n, less);
  }
  template <class P, class A, class AV, class B, class BV, class Out, class OutV, class Less>
  static void merge(const P& p, A a, AV av, offset na, B b, BV bv, offset nb, Out out, OutV out_values, Less less) {
    const weft::detail::told tell(p, "merge");
    gpu::merge(p, a, av, na, b, bv, nb, out, out_values, less);
  }
  template <class P, class A, class AV, class B, class BV, class Out, class OutV, class Count, class Less, class Op>
  static void set_operation_into(const P& p, A a, AV av, offset na, B b, BV bv, offset nb, Out out, OutV out_values,
                                 Count count, Less less, Op op) {
    const weft::detail::told tell(p, "set_operation");
    gpu::set_operation_into(p, a, av, na, b, bv, nb, out, out_values, count, less, op);
  }
  template <class P, class Out, class Predicate>
  static void find_first_into(const P& p, offset n, Out out, Predicate predicate) {
    const weft::detail::told tell(p, "find_first");
    gpu::find_first_into(p, n, out, predicate);
  }
  template <class P, class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op>
  static void reduce_by_key_into(const P& p, Keys keys, Values values, offset n, OutKeys out_keys, OutValues out_values,
                                 Count count, Equal equal, Op op) {
    const weft::detail::told tell(p, "reduce_by_key");
    gpu::reduce_by_key_into(p, keys, values, n, out_keys, out_values, count, equal, op);
  }
  template <class P, class In, class Out, class Lengths, class Count, class Equal>
  static void run_lengths_into(const P& p, In in, offset n, Out out, Lengths lengths, Count count, Equal equal) {
    const weft::detail::told tell(p, "run_lengths");
    gpu::run_lengths_into(p, in, n, out, lengths, count, equal);
  }
  template <class P, class Ends, class Out, class F>
  static void expand(const P& p, Ends ends, offset m, offset n, Out out, F f) {
    const weft::detail::told tell(p, "expand");
    gpu::expand(p, ends, m, n, out, f);
  }
  template <class P, class In, class Counts, class BinOf>
  static void histogram(const P& p, In in, offset n, Counts counts, int bins, BinOf bin_of) {
    const weft::detail::told tell(p, "histogram");
    gpu::histogram(p, in, n, counts, bins, bin_of);
  }

  template <class P, class TA, class TB, class TC, class Options>
  static void gemm(const P& p, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
    const weft::detail::told tell(p, "gemm");
    gpu::gemm(p, a, b, c, options);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static void gemm_reduced(const P& p, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c,
                           const Options& options) {
    const weft::detail::told tell(p, "gemm");
    gpu::gemm_reduced(p, a, b, c, options);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static void gemm_grouped(const P& p, std::span<const gemm_member<TA, TB, TC>> members, const Options& options) {
    const weft::detail::told tell(p, "gemm_grouped");
    gpu::gemm_grouped(p, members, options);
  }
  // What weft::gemm_plan asks: gemm_plan.hpp.
  template <class P, class TA, class TB, class TC, class Options>
  static auto gemm_configs(const P& p, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& o) {
    return gpu::gemm_configs(p, a, b, c, o);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static std::size_t gemm_workspace(const P& p, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                                    const Options& options, const gemm_config& config) {
    return gpu::gemm_workspace(p, a, b, c, options, config);
  }
  template <class P, class TA, class TB, class TC, class Options>
  static bool gemm_by(const P& p, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
                      const gemm_config& config) {
    const weft::detail::told tell(p, "gemm");
    return gpu::gemm_by(p, a, b, c, options, config);
  }

  /// The kernel writes its result through a pinned, device-mapped slot: one launch and one wait, no copy.
  template <class T, class P, class F>
  static T returned(const P& p, F f) {
    static_assert(std::is_trivially_copyable_v<T>, "a GPU returns trivially copyable values");
    weft::detail::check_not_recording(p);
    const stream_ref stream = p.stream();
    T* slot = static_cast<T*>(result_slot(P::backend::runtime(), stream.device, sizeof(T)));
    f(slot);
    stream.synchronize();
    weft::detail::this_call.name = {};
    return *slot;
  }
};

}  // namespace weft::gpu
