// The road to a fast matrix product in seven steps: each can be chosen by name, each is correct, and a reader can see
// what it buys (bench/gpu/gemm_steps.cu measures them and draws the roofline).
//
//   weft::gemm(weft::cuda.with_provider(weft::gemm_steps::naive), A, B, C);
//   weft::gemm_plan(weft::cuda.with_provider(weft::gemm_steps::mma), A, B, C).config()    // "mma", and its tile
//   weft::gemm_steps::for_each([&](auto step) { … step.name … });
//
//   step                what it changes                                              its kernel
//   naive               a thread an element of C, operands from global memory        gemm_naive.hpp
//   shared_tiles        a block shares slices of A and B in shared memory            gemm_shared.hpp
//   register_blocks     a thread has 8 x 8 elements; the next slice is on its way    gemm_tiles.hpp
//   warp_matrix         multiply-adds by the matrix instructions of warps            gemm_warp_matrix.hpp
//   mma                 64 x 32 elements a warp, 16-byte loads, a slice ahead        gemm_warps_kernel.hpp
//   async_copies        copies past the registers, several ahead; 64 x 64 a warp     gemm_warps_kernel.hpp
//   warpgroup_matrix    instructions of four warps that read shared memory, fed by   gemm_sm90_kernel.hpp
//                       tensor copies of a warp of its own
//
// weft::gemm takes the best of them by itself; register_blocks, async_copies and warpgroup_matrix are the kernels it
// takes, told to be used, and mma is async_copies without these. The first three take every type, view, batch and
// option, on cuda, hip and simt alike, and add up the same bits. The others take one product of types that the device
// has instructions for (gpu/matrix_unit.hpp; warpgroup_matrix: Hopper) and any view, of which they copy what does not
// lie as they want it. What a step cannot do is refused with the reason, never done by another one.
#pragma once

#include <weft/gemm/provider.hpp>
#include <weft/gpu/gemm_naive.hpp>
#include <weft/gpu/gemm_plan.hpp>
#include <weft/gpu/gemm_shared.hpp>
#include <weft/gpu/gemm_warp_matrix.hpp>

namespace weft::inline v100::gpu {

struct family;

enum class gemm_step { naive, shared_tiles, register_blocks, warp_matrix, mma, async_copies, warpgroup_matrix };
inline constexpr const char* gemm_step_names[] = {"naive", "shared_tiles", "register_blocks", "warp_matrix",
                                                  "mma",   "async_copies", "warpgroup_matrix"};

/// Matrix instructions for the kernel of gemm_warps_kernel.hpp, with asynchronous copies or without.
template <class Units, bool Async>
struct gemm_step_units {
  static constexpr bool always = true;
  template <arch A, mma_kind Kind>
  using unit = typename Units::template unit<A, Kind>;
  template <arch A>
  static constexpr bool async_copies = Async&& Units::template async_copies<A>;
};
/// Slices that travel through registers are half as deep, and more warps share them. Tables of devices without
/// asynchronous copies have it so already.
template <class Selector>
struct gemm_step_without_async {
  constexpr gemm_warps_tuning operator()(gemm_warps_tuning row, arch a, int bytes) const {
    if constexpr (requires(Selector s) { s(row, a, bytes); }) row = Selector{}(row, a, bytes);
    row.large.steps = row.small.steps = 1, row.large.stages = row.small.stages = 2;
    row.large.warp_columns = row.small.warp_columns = 32;
    return row;
  }
};

/// A provider of weft::gemm (gemm/provider.hpp): one step. `Units`: the device's matrix instructions, or models of
/// some.
template <gemm_step Step, class Units = dialect::matrix_units>
struct gemm_step_provider {
  static constexpr gemm_step number = Step;
  static constexpr const char* name = gemm_step_names[static_cast<int>(Step)];
  static constexpr bool can_measure = true;
  template <class Backend>
  static constexpr bool serves = std::is_base_of_v<family, Backend>;

  template <class P, class TA, class TB, class TC, class Options>
  static const char* gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                          const Options& options, bool run) {
    if constexpr (Step <= gemm_step::register_blocks) {
      if (!run) return nullptr;
      const weft::detail::told tell(policy, "gemm");
      if constexpr (Step == gemm_step::naive)
        gemm_naive(policy, a, b, c, options);
      else if constexpr (Step == gemm_step::shared_tiles)
        gemm_shared(policy, a, b, c, options);
      else
        gemm_portable(policy, a, b, c, options);
      return nullptr;
    } else if constexpr (P::wants_same_bits) {
      return "require(same_bits): matrix instructions do not add one fused multiply-add after the other";
    } else if constexpr (!std::is_same_v<decltype(Options::prologue_a), no_prologue> ||
                         !std::is_same_v<decltype(Options::prologue_b), no_prologue>) {
      return "a prologue: matrix instructions take elements as they lie in memory";
    } else if constexpr (gemm_warps_kind<P, TA, TB, Options> == mma_kind::none) {
      return "no matrix instruction multiplies these types with such sums";
    } else {
      if (!is_one_product(a, b, c)) return "a batch";
      if (a.first.columns == 0) return "nothing to add up: A has no columns";
      if constexpr (Step == gemm_step::warpgroup_matrix) {
        if constexpr (!gemm_sm90_types<P, TA, TB, Options>) {
          return "no warpgroup instruction multiplies these types, or not on this kind of device";
        } else {
          if (!device_of(policy).hopper_code) return "warpgroup instructions need Hopper and code for sm_90a";
          if (!run) return nullptr;
          const weft::detail::told tell(policy, "gemm");
          return gemm_sm90(policy, a.first, b.first, c.first, options, nullptr, true) ? nullptr
                                                                                      : "no tensor copy takes these";
        }
      } else {
        return with_unit(policy, a.first, b.first, c.first, options, run);
      }
    }
  }

  template <class P, class TA, class TB, class TC, class Options>
  static std::size_t workspace(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                               const Options& options) {
    return gemm_workspace(policy, a, b, c, options, config(policy, a, b, c, options));
  }

  /// What a block does; its kernel's name is the library's own.
  template <class P, class TA, class TB, class TC, class Options>
  static gemm_config config(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                            const Options& options) {
    gemm_config found{"", {0, 0, 0}};
    if constexpr (Step == gemm_step::naive) {
      const bool by_columns = c.first.row_stride < c.first.column_stride;
      constexpr int threads = gemm_naive_kernel<TA, TB, TC, Options>::threads;
      found.tile = {by_columns ? threads : 1, by_columns ? 1 : threads, 1, 1, 1, 0};
    } else if constexpr (Step == gemm_step::shared_tiles) {
      constexpr int side = gemm_shared_kernel<TA, TB, TC, Options>::side;
      found.tile = {side, side, side, 1, 1, 1};
    } else if constexpr (Step == gemm_step::warp_matrix) {
      if constexpr (gemm_warps_kind<P, TA, TB, Options> != mma_kind::none) {
        using kernel = gemm_warp_matrix_kernel<Units, std::remove_const_t<TA>, matrix_kind_of<TA>, TC, Options>;
        found.tile = {kernel::side, kernel::side, kernel::depth, kernel::warp_side, kernel::warp_side, 1};
      }
    } else {
      on_arch(policy, [&]<arch A>() {
        if constexpr (Step == gemm_step::register_blocks) {
          constexpr gemm_tuning tuning =
              choose<typename P::tuning>(dialect::gemm_rows, A, sizeof(accumulator_t<TA, TB, Options>));
          found.tile = gemm_takes_large(policy, c, tuning.large) ? tuning.large : tuning.small;
        } else if constexpr (Step == gemm_step::warpgroup_matrix) {
          std::vector<gemm_config> list;
          gemm_sm90_list(policy, a.first, b.first, c.first, options, list, true);
          found = list.empty() ? gemm_config{"tensor", {0, 0, 0}} : list.front();
        } else if constexpr (gemm_warps_kind<P, TA, TB, Options> != mma_kind::none) {
          const auto on = policy.template tuned_by<selector<P>>();
          bool first = true;
          gemm_warps_ways<A, std::remove_const_t<decltype(on)>, std::remove_const_t<TA>>(
              on, a.first.columns, c.first, [&](const gemm_config& way, bool) {
                if (first) found = way;
                first = false;
              });
        }
      });
    }
    return found;
  }

 private:
  using units = gemm_step_units<Units, Step == gemm_step::async_copies>;
  template <class P>
  using selector = std::conditional_t<Step == gemm_step::mma && Units::template async_copies<arch::generic>,
                                      gemm_step_without_async<typename P::tuning>, typename P::tuning>;

  /// The steps by the matrix instructions of warps.
  template <class P, class TA, class TB, class TC, class Options>
  static const char* with_unit(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c,
                               const Options& options, bool run) {
    using value = std::remove_const_t<TA>;
    return on_arch(policy, [&]<arch A>() -> const char* {
      using unit = typename Units::template unit<A, matrix_kind_of<TA>>;
      if constexpr (!unit::present) {
        return "warps of this device have no matrix instruction for these types";
      } else if constexpr (Step == gemm_step::async_copies && !units::template async_copies<A>) {
        return "this device has no asynchronous copies to shared memory";
      } else {
        if (static_cast<int>(unit::width) != device_of(policy).warp_width)
          return "these instructions have another warp";
        if (!run) return nullptr;
        const weft::detail::told tell(policy, "gemm");
        if constexpr (Step == gemm_step::warp_matrix) {
          gemm_warp_matrix<Units, A, value>(
              policy, matrix<const value>{a.data, a.rows, a.columns, a.row_stride, a.column_stride},
              matrix<const value>{b.data, b.rows, b.columns, b.row_stride, b.column_stride}, c, options);
          return nullptr;
        } else {
          return gemm_warps<units>(policy.template tuned_by<selector<P>>(), a, b, c, options)
                     ? nullptr
                     : "rows of 2^30 bytes and more";
        }
      }
    });
  }
};

}  // namespace weft::gpu

namespace weft::inline v100::gemm_steps {

inline constexpr gpu::gemm_step_provider<gpu::gemm_step::naive> naive{};
inline constexpr gpu::gemm_step_provider<gpu::gemm_step::shared_tiles> shared_tiles{};
inline constexpr gpu::gemm_step_provider<gpu::gemm_step::register_blocks> register_blocks{};
inline constexpr gpu::gemm_step_provider<gpu::gemm_step::warp_matrix> warp_matrix{};
inline constexpr gpu::gemm_step_provider<gpu::gemm_step::mma> mma{};
inline constexpr gpu::gemm_step_provider<gpu::gemm_step::async_copies> async_copies{};
inline constexpr gpu::gemm_step_provider<gpu::gemm_step::warpgroup_matrix> warpgroup_matrix{};

/// f(step) in the order of the road.
template <class F>
void for_each(F f) {
  f(naive), f(shared_tiles), f(register_blocks), f(warp_matrix), f(mma), f(async_copies), f(warpgroup_matrix);
}

}  // namespace weft::gemm_steps
