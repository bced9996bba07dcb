// The host's side of f64 and f32 products on Hopper (gemm_ring_kernel.hpp): the tile and the parts of k for a problem,
// tensor maps, the launches. f32 sums run over k in ascending order, one fused multiply-add at a time; where k is
// split, the parts are added in ascending order by a second launch.
#pragma once

#include <weft/gpu/gemm_ring_kernel.hpp>
#include <weft/gpu/gemm_tiles.hpp>
#include <weft/gpu/state.hpp>

namespace weft::inline v100::gpu {

/// Whether a product of these types is one of the ring's; f64 sums are not one fused multiply-add after the other.
template <class P, class TA, class TB, class Options>
inline constexpr bool gemm_ring_types = [] {
  using value = std::remove_const_t<TA>;
  constexpr bool is_f64 = std::is_same_v<value, double>, is_f32 = std::is_same_v<value, float>;
  if constexpr (dialect::hopper::present && (is_f32 || (is_f64 && !P::wants_same_bits)) &&
                std::is_same_v<value, std::remove_const_t<TB>>)
    return std::is_same_v<decltype(Options::prologue_a), no_prologue> &&
           std::is_same_v<decltype(Options::prologue_b), no_prologue> &&
           std::is_same_v<accumulator_t<TA, TB, Options>, value>;
  else
    return false;
}();

/// Cycles of a multiprocessor, fitted to measurements of every way on an H200: of a stage when it holds as many blocks
/// as it can, per block; of a stage at the least, alone; of a tile beside its stages.
struct gemm_ring_cost {
  offset stage, alone, tile;
};
/// A core and what it costs.
template <class Core, int Stage, int Alone, int Tile>
struct gemm_ring_choice {
  using core = Core;
  static constexpr gemm_ring_cost cost{Stage, Alone, Tile};
};
/// Large tiles, small ones, and few columns.
template <class T>
using gemm_ring_choices =
    std::conditional_t<sizeof(T) == 8,
                       type_list<gemm_ring_choice<gemm_core_f64<128, 128, 2, 4, 6, 1>, 1940, 2250, 6420>,
                                 gemm_ring_choice<gemm_core_f64<64, 64, 2, 2, 6, 2>, 624, 884, 1300>,
                                 gemm_ring_choice<gemm_core_f64<128, 16, 4, 1, 4, 3>, 669, 917, 522>>,
                       type_list<gemm_ring_choice<gemm_core_f32<128, 256, 4, 2, 4, 1>, 9590, 10360, 17600>,
                                 gemm_ring_choice<gemm_core_f32<64, 128, 2, 2, 4, 2>, 2669, 3783, 4871>,
                                 gemm_ring_choice<gemm_core_f32<128, 16, 4, 1, 4, 3>, 782, 2000, 3263>>>;

/// Which operands are copied first. f64 takes all views as they are: the producer's threads keep up. Those of f32 take
/// issue slots from the multiplying warps, a quarter of the time, so that large products are worth a copy: of what the
/// copy engine cannot take, and of B where k is contiguous in neither.
template <class TA, class TB, class TC, class Words = dialect::hopper>
gemm_copies gemm_ring_copies_of(const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c) {
  const bool large = sizeof(TA) == 4 && c.rows * c.columns * a.columns >= offset{1} << 30;
  const bool copy_a = large && !gemm_engine_takes<Words>(a.data, a.row_stride, a.column_stride);
  const bool across = !copy_a && a.column_stride != 1 && b.row_stride != 1;
  const bool copy_b = large && (across || !gemm_engine_takes<Words>(b.data, b.column_stride, b.row_stride));
  return gemm_copies_of(a, b, copy_a, copy_b, true);
}

/// f(a, b) with operands as they lie after the copies.
template <class TA, class TB, class F>
void gemm_ring_after(const gemm_copies& copies, matrix<TA> a, matrix<TB> b, F f) {
  if (copies.a) a.row_stride = copies.pitch, a.column_stride = 1;
  if (copies.b) b.row_stride = 1, b.column_stride = copies.pitch;
  f(a, b);
}

/// The transposed product is computed where that puts few rows across the tile, or k contiguous in B rather than in A
/// alone.
template <class Core, class TA, class TB, class TC>
bool gemm_ring_exchanges(const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c) {
  if (Core::m != Core::n && Core::n < 64) return c.rows < c.columns;
  return a.column_stride == 1 && b.row_stride != 1;
}

/// What a way is called in a plan.
template <class Core>
constexpr gemm_config gemm_ring_config(bool exchanged, int split) {
  return {"ring",
          {exchanged ? Core::n : Core::m, exchanged ? Core::m : Core::n, Core::depth, 0, 0, Core::stages, split}};
}

/// How a product is computed, and in about how many cycles: tiles (parts of them) that blocks take whole; blocks that
/// share the steps of the others, if any.
struct gemm_ring_schedule {
  offset cycles, whole;
  int workers;
};
/// Full rounds of blocks and a last one, each as long as its fullest multiprocessor takes; where k is split, the parts'
/// sums, written and read. The last round is shared where that is worth writing and reading sums.
template <class Choice>
gemm_ring_schedule gemm_ring_schedule_of(offset rows, offset columns, offset steps, int split, bool may_share,
                                         offset processors) {
  using core = typename Choice::core;
  constexpr gemm_ring_cost cost = Choice::cost;
  constexpr offset tile_bytes = core::m * core::n * static_cast<offset>(sizeof(typename core::value));
  const offset pieces = ceil_div(rows, core::m) * ceil_div(columns, core::n) * split;
  const offset blocks = core::resident * processors, full = pieces / blocks, rest = pieces % blocks;
  const auto stage = [&](offset on_each) {
    return on_each * cost.stage > cost.alone ? on_each * cost.stage : cost.alone;
  };
  const offset of_part = ceil_div(steps, split);
  const offset fold = split == 1 ? 0
                                 : 7000 + split * rows * columns * static_cast<offset>(sizeof(typename core::value)) /
                                              (22 * processors);
  const offset rounds = full * (of_part * stage(core::resident) + cost.tile) + fold;
  if (rest == 0) return {rounds, pieces, 0};
  const offset last = of_part * stage(ceil_div(rest, processors)) + cost.tile;
  const offset workers = blocks / rest * rest == rest ? blocks : blocks / rest * rest;
  const offset share = ceil_div(rest * steps, workers), on_each = ceil_div(workers, processors);
  const offset shared =
      share * stage(on_each) + cost.tile + 5000 + (1 + ceil_div(workers, rest)) * on_each * tile_bytes / 48;
  if (may_share && core::may_share && split == 1 && share >= 4 && shared < last &&
      rest * steps * workers < offset{1} << 32)
    return {rounds + shared, pieces - rest, static_cast<int>(workers)};
  return {rounds + last, pieces, 0};
}

/// f(choice, exchanged, split, schedule) for each way to compute a product.
template <bool MaySplit, class T, class TA, class TB, class TC, class F>
void gemm_ring_ways(const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, offset processors, F f) {
  const auto each = [&]<class Choice>(Choice choice) {
    using core = typename Choice::core;
    const bool exchanged = gemm_ring_exchanges<core>(a, b, c);
    const offset rows = exchanged ? c.columns : c.rows, columns = exchanged ? c.rows : c.columns;
    const offset steps = ceil_div(a.columns, core::depth);
    for (const int split : {1, 2, 3, 4, 6, 8, 12, 16}) {
      if (split > 1 && (!MaySplit || steps < 2 * split ||
                        ceil_div(rows, core::m) * ceil_div(columns, core::n) * split > 2 * core::resident * processors))
        break;
      f(choice, exchanged, split, gemm_ring_schedule_of<Choice>(rows, columns, steps, split, MaySplit, processors));
    }
  };
  [&]<class... Choices>(type_list<Choices...>) { (each(Choices{}), ...); }(gemm_ring_choices<T>{});
}

/// The product with one core.
template <class Core, arch A, class P, class TA, class TB, class TC, class Options>
void gemm_ring_with(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options, int split,
                    const gemm_ring_schedule& schedule) {
  using kernel = gemm_ring_kernel<dialect::hopper, Core, TC, Options>;
  using words = typename kernel::words;
  using value = typename kernel::value;
  kernel k{};
  const auto describe = [](auto& to, const auto& lines, int box_lines, bool may_lie_across) {  // lines by k
    to.data = lines.data, to.line_stride = lines.row_stride, to.k_stride = lines.column_stride;
    to.lines = static_cast<int>(lines.rows), to.depth = static_cast<int>(lines.columns);
    if (lines.column_stride == 1 && words::template encode<Core::k_bytes>(to.map, lines.data, lines.rows, lines.columns,
                                                                          lines.row_stride, box_lines))
      to.way = gemm_way::along;
    else if (may_lie_across && lines.row_stride == 1 &&
             words::encode(to.map, lines.data, lines.columns, lines.rows, lines.column_stride, kernel::depth))
      to.way = gemm_way::across;
    else
      to.way = gemm_way::threads;
  };
  describe(k.a, a, Core::m, true);
  describe(k.b, transposed(b), Core::n, kernel::across_b && k.a.way == gemm_way::across);
  k.c = c, k.options = options;
  k.steps = static_cast<int>(ceil_div(a.columns, kernel::depth));
  const gemm_split cut = gemm_split_of(a.columns, kernel::depth, split);
  k.parts = static_cast<unsigned>(cut.count);
  k.steps_of_part = cut.count == 1 ? k.steps : static_cast<int>(cut.depth / kernel::depth);
  k.tiles_m = static_cast<unsigned>(ceil_div(c.rows, Core::m));
  k.tiles_n = static_cast<unsigned>(ceil_div(c.columns, Core::n));
  k.group_rows = 2048 / Core::m;
  const gemm_parts parts{c.rows * c.columns, c.rows * c.columns, c.row_stride < c.column_stride};
  k.part_size = parts.part, k.sums_by_columns = parts.by_columns;
  const offset pieces = static_cast<offset>(k.tiles_m) * k.tiles_n * cut.count;
  const offset resident = device_of(policy).multiprocessors * Core::resident;
  k.workers = static_cast<unsigned>(schedule.workers);
  k.whole = static_cast<unsigned>(schedule.workers != 0 ? schedule.whole : pieces);
  // Blocks then end their tiles at different times, so that the stores of some run beside the products of others; where
  // the operands are larger than the L2 cache, they had better read the same of them together.
  k.early = 2 * (c.rows + c.columns) * a.columns * static_cast<offset>(sizeof(value)) <= device_of(policy).l2_bytes;
  const offset blocks = k.whole == 0 ? schedule.workers : pieces < resident ? pieces : resident;
  const temporary<value> shares(policy, schedule.workers * static_cast<offset>(Core::m * Core::n));
  const arrival_counters ready(policy, schedule.workers);
  k.shares = shares.data(), k.ready = ready.data();
  if (cut.count == 1) return launch<A>(policy, blocks, k);
  const temporary<value> sums(policy, cut.count * parts.part);
  k.sums = sums.data();
  launch<A>(policy, blocks, k);
  gemm_fold<A>(policy, k.sums, cut.count, parts, weft::detail::as_batch(c), options);
}

/// Whether the device has its instructions and extents are what the kernel counts in.
template <class P, class TA, class TB>
bool gemm_ring_serves(const P& policy, const matrix<TA>& a, const matrix<TB>& b) {
  constexpr offset most = offset{1} << 30;
  return device_of(policy).hopper_code && a.columns != 0 && a.rows < most && a.columns < most && b.columns < most;
}

/// The product by the way that is `told`, or by the one that is about the fastest. False where none is the told one.
template <arch A, class P, class T, class TC, class Options>
bool gemm_ring_fastest(const P& policy, const matrix<const T>& a, const matrix<const T>& b, const matrix<TC>& c,
                       const Options& options, const gemm_config* told) {
  constexpr bool may_split = !P::wants_same_bits;
  gemm_config best{};
  gemm_ring_schedule schedule{-1, 0, 0};
  gemm_ring_ways<may_split, T>(
      a, b, c, device_of(policy).multiprocessors,
      [&]<class Choice>(Choice, bool exchanged, int split, const gemm_ring_schedule& one) {
        const gemm_config config = gemm_ring_config<typename Choice::core>(exchanged, split);
        if (told != nullptr ? *told != config : schedule.cycles >= 0 && one.cycles >= schedule.cycles) return;
        schedule = one, best = config;
      });
  bool done = false;
  const auto try_one = [&]<class Choice>(Choice) {
    using core = typename Choice::core;
    const bool exchanged = gemm_ring_exchanges<core>(a, b, c);
    const int split = best.tile.split;
    if (done || best != gemm_ring_config<core>(exchanged, split)) return;
    done = true;
    if (exchanged)
      gemm_ring_with<core, A>(policy, transposed(b), transposed(a), transposed(c), options_of<true>(options), split,
                              schedule);
    else
      gemm_ring_with<core, A>(policy, a, b, c, options_of<false>(options), split, schedule);
  };
  [&]<class... Choices>(type_list<Choices...>) { (try_one(Choices{}), ...); }(gemm_ring_choices<T>{});
  return done;
}

/// f64 products on the f64 tensor cores, f32 products by fused multiply-add, of any view. By the way that is `told`, or
/// by the one that is about the fastest. False, and nothing done, where they do not serve: other types, other hardware,
/// code for plain sm_90, no way that is `told`.
template <class P, class TA, class TB, class TC, class Options>
bool gemm_ring(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, const Options& options,
               const gemm_config* told = nullptr) {
  if constexpr (!gemm_ring_types<P, TA, TB, Options>) {
    return false;
  } else {
    using value = std::remove_const_t<TA>;
    if (!gemm_ring_serves(policy, a, b)) return false;
    return on_arch(policy, [&]<arch A>() {
      if constexpr (A == arch::sm_90)
        return gemm_with_copies<A, value>(policy, a, b, gemm_ring_copies_of(a, b, c), [&](auto left, auto right) {
          return gemm_ring_fastest<A>(policy, left, right, c, options, told);
        });
      else
        return false;
    });
  }
}

}  // namespace weft::gpu
