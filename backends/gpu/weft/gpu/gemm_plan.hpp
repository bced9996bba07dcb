// What weft::gemm_plan asks of the GPU family: the ways to compute a product, best guess first; the temporary memory of
// one; the product by one. Beside what weft::gemm uses it compiles a few more tiles, from one element a thread, so that
// a reader can see what each step buys, to one for few rows.
#pragma once

#include <weft/gpu/gemm.hpp>

#include <vector>

namespace weft::inline v100::gpu {

/// A tile of the portable kernel: the selector's large or small one.
template <class Selector, bool Large>
struct gemm_choice {
  template <arch A, class Sum>
  static constexpr gemm_tile tile() {
    constexpr gemm_tuning tuning = choose<Selector>(dialect::gemm_rows, A, sizeof(Sum));
    return Large ? tuning.large : tuning.small;
  }
  template <arch A, class P, class TA, class TB, class TC, class Options>
  static void run(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
                  int split) {
    gemm_by_tiles<Selector, Large, !P::wants_same_bits, A>(policy, a, b, c, options, split);
  }
};
/// The table's (or the caller's), then others.
template <class Selector>
using gemm_choices =
    type_list<gemm_choice<Selector, true>, gemm_choice<Selector, false>,
              gemm_choice<gemm_tiles<16, 64, 16, 2, 4>, true>, gemm_choice<gemm_tiles<64, 64, 8, 4, 4, 1>, true>,
              gemm_choice<gemm_tiles<16, 16, 16, 1, 1, 1>, true>>;

template <class F, class... Choices>
void for_each_choice(type_list<Choices...>, F f) {
  (f(Choices{}), ...);
}

/// A way into its place in a list by what each takes.
inline void add_by_cycles(std::vector<gemm_config>& list, std::vector<offset>& cycles, gemm_config one, offset takes) {
  std::ptrdiff_t at = 0;
  while (at < std::ssize(cycles) && cycles[static_cast<std::size_t>(at)] <= takes) ++at;
  cycles.insert(cycles.begin() + at, takes);
  list.insert(list.begin() + at, one);
}

/// The tensor cores' shapes for a product, the fastest first as gemm_sm90_cycles has it. `always`: of small products of
/// operands that want a copy, too.
template <class P, class TA, class TB, class TC, class Options>
void gemm_sm90_list(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c,
                    const Options& options, std::vector<gemm_config>& list, bool always = false) {
  if constexpr (gemm_sm90_types<P, TA, TB, Options>) {
    const gemm_copies copies = gemm_sm90_copies_of(a, b, c, options);
    if (!device_of(policy).hopper_code || a.columns == 0 || !(copies.serves || always)) return;
    matrix<TA> x = a;
    matrix<TB> y = b;
    if (copies.a) x.column_stride = 1;
    if (copies.b) y.row_stride = 1;
    gemm_sm90_oriented(
        x, y, c, options, [&]<bool Exchanged, class... Shapes>(auto left, auto, auto to, auto, type_list<Shapes...>) {
          constexpr int bytes = sizeof(TA);
          const offset steps = ceil_div(a.columns * bytes, 128), processors = device_of(policy).multiprocessors;
          std::vector<offset> cycles;
          const auto add = [&](gemm_config one, offset takes) {
            if (takes >= offset{1} << 60) return;  // it cannot
            add_by_cycles(list, cycles, one, takes);
          };
          (add(gemm_sm90_config<Shapes, Exchanged>(128 / bytes),
               gemm_sm90_cycles<Shapes>(to.rows, to.columns, steps, processors, gemm_sm90_rows_of_copy(left))),
           ...);
          return true;
        });
  }
}

/// The ring's ways, the fastest first as gemm_ring_cycles has it.
template <class P, class TA, class TB, class TC, class Options>
void gemm_ring_list(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, const Options&,
                    std::vector<gemm_config>& list) {
  if constexpr (gemm_ring_types<P, TA, TB, Options>) {
    if (!gemm_ring_serves(policy, a, b)) return;
    std::vector<offset> cycles;
    gemm_ring_after(gemm_ring_copies_of(a, b, c), a, b, [&](const auto& x, const auto& y) {
      gemm_ring_ways<!P::wants_same_bits, std::remove_const_t<TA>>(
          x, y, c, device_of(policy).multiprocessors,
          [&]<class Choice>(Choice, bool exchanged, int split, const gemm_ring_schedule& schedule) {
            add_by_cycles(list, cycles, gemm_ring_config<typename Choice::core>(exchanged, split), schedule.cycles);
          });
    });
  }
}

/// The ways by matrix instructions of warps, the one to take first.
template <class P, class TA, class TB, class TC, class Options>
void gemm_warps_list(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, const Options&,
                     std::vector<gemm_config>& list) {
  if constexpr (constexpr mma_kind kind = gemm_warps_kind<P, TA, TB, Options>; kind != mma_kind::none) {
    if (device_of(policy).hopper_code) return;
    on_arch(policy, [&]<arch A>() {
      using unit = typename dialect::matrix_units::template unit<A, kind>;
      if constexpr (unit::present)
        if (gemm_warps_copies_of<unit>(a, b, c).serves)
          gemm_warps_ways<A, P, std::remove_const_t<TA>>(policy, a.columns, c,
                                                         [&](const gemm_config& way, bool) { list.push_back(way); });
    });
  }
}

/// Every way to compute the product; the first is what weft::gemm takes.
template <class P, class TA, class TB, class TC, class Options>
std::vector<gemm_config> gemm_configs(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                                      const Options& options) {
  using sum = accumulator_t<TA, TB, Options>;
  std::vector<gemm_config> list;
  if (is_one_product(a, b, c)) {
    gemm_sm90_list(policy, a.first, b.first, c.first, options, list);
    gemm_ring_list(policy, a.first, b.first, c.first, options, list);
    gemm_warps_list(policy, a.first, b.first, c.first, options, list);
  }
  on_arch(policy, [&]<arch A>() {
    using choices = gemm_choices<typename P::tuning>;
    constexpr gemm_tile large = gemm_choice<typename P::tuning, true>::template tile<A, sum>();
    constexpr gemm_tile small = gemm_choice<typename P::tuning, false>::template tile<A, sum>();
    const std::size_t first = list.size();
    const auto add = [&](gemm_tile tile) {
      const gemm_config one{"tiles", tile};
      for (const gemm_config& other : list)
        if (other == one) return;
      list.push_back(one);
    };
    add(gemm_takes_large(policy, c, large) ? large : small);
    for_each_choice(choices{}, [&](auto choice) { add(decltype(choice)::template tile<A, sum>()); });
    // Few tiles and a long k: the same with k split, until every multiprocessor has a block.
    if (!P::wants_same_bits)
      for (int split = 2; split <= 16; split *= 2) {
        gemm_tile tile = list[first].tile;
        const offset tiles = ceil_div(c.first.rows, tile.rows) * ceil_div(c.first.columns, tile.columns) * c.count;
        if (tiles * split > 2 * device_of(policy).multiprocessors || a.first.columns < offset{8} * split * tile.depth)
          break;
        tile.split = split;
        add(tile);
      }
  });
  return list;
}

/// Bytes of temporary memory of a product.
template <class P, class TA, class TB, class TC, class Options>
std::size_t gemm_workspace(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                           const Options& options, const gemm_config& config) {
  if constexpr (gemm_sm90_types<P, TA, TB, Options>)
    if (config.kernel == "tensor")
      return static_cast<std::size_t>(gemm_sm90_copies_of(a.first, b.first, c.first, options).elements) * sizeof(TA);
  std::size_t bytes = 0;
  if constexpr (gemm_ring_types<P, TA, TB, Options>)
    if (config.kernel == "ring") {
      const gemm_copies copies = gemm_ring_copies_of(a.first, b.first, c.first);
      offset elements = copies.elements;
      gemm_ring_after(copies, a.first, b.first, [&](const auto& x, const auto& y) {
        gemm_ring_ways<!P::wants_same_bits, std::remove_const_t<TA>>(
            x, y, c.first, device_of(policy).multiprocessors,
            [&]<class Choice>(Choice, bool exchanged, int split, const gemm_ring_schedule& schedule) {
              using core = typename Choice::core;
              if (config != gemm_ring_config<core>(exchanged, split)) return;
              elements += schedule.workers * static_cast<offset>(core::m * core::n);
              if (takes_own_words(policy)) bytes = static_cast<std::size_t>(schedule.workers) * sizeof(std::uint32_t);
            });
      });
      bytes += static_cast<std::size_t>(elements) * sizeof(TA);
    }
  if constexpr (constexpr mma_kind kind = gemm_warps_kind<P, TA, TB, Options>; kind != mma_kind::none)
    if (config.kernel == "warps")
      on_arch(policy, [&]<arch A>() {
        using unit = typename dialect::matrix_units::template unit<A, kind>;
        bytes = static_cast<std::size_t>(gemm_warps_copies_of<unit>(a.first, b.first, c.first).elements) * sizeof(TA);
      });
  const gemm_split cut = gemm_split_of(a.first.columns, config.tile.depth, config.tile.split);
  if (cut.count > 1)
    bytes += static_cast<std::size_t>(c.first.rows * c.first.columns * c.count * cut.count) *
             sizeof(accumulator_t<TA, TB, Options>);
  return bytes;
}

/// The product by one configuration. False, and nothing done, where it turns out not to serve.
template <class P, class TA, class TB, class TC, class Options>
bool gemm_by(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
             const gemm_config& config) {
  if (config.kernel == "tensor") return gemm_sm90(policy, a.first, b.first, c.first, options, &config);
  if (config.kernel == "ring") return gemm_ring(policy, a.first, b.first, c.first, options, &config);
  if (config.kernel == "warps") return gemm_warps(policy, a.first, b.first, c.first, options, &config);
  bool done = false;
  on_arch(policy, [&]<arch A>() {
    for_each_choice(gemm_choices<typename P::tuning>{}, [&](auto choice) {
      gemm_tile tile = decltype(choice)::template tile<A, accumulator_t<TA, TB, Options>>();
      tile.split = config.tile.split;
      if (done || tile != config.tile) return;
      decltype(choice)::template run<A>(policy, a, b, c, options, tile.split);
      done = true;
    });
  });
  return done;
}

}  // namespace weft::gpu
