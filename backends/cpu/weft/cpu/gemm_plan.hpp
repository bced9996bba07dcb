// What weft::gemm_plan asks of the cpu family: one kernel, the panels of gemm.hpp, with k whole or split. A split
// product is a batch of products of a part of k each, so that all threads have work where C has few blocks, whose sums
// are then added in ascending order of k.
#pragma once

#include <weft/cpu/gemm.hpp>
#include <weft/gemm/tuning.hpp>

#include <vector>

namespace weft::inline v100::cpu {

namespace gemm_detail {

/// How k is cut: into parts of `depth`, whole cache lines of it, the last one shorter.
struct parts {
  offset count, depth;
};
constexpr parts parts_of(offset k, int split) {
  const offset depth = split > 1 ? round_up(ceil_div(k, split), 16) : k;
  return depth >= k ? parts{1, k} : parts{ceil_div(k, depth), depth};
}

/// A prologue of an operand whose rows or columns before `rows`, `columns` are another part's.
template <class Prologue>
struct part_prologue {
  Prologue f;
  offset rows, columns;
  template <class T>
  auto operator()(const T& element, offset row, offset column) const {
    return f(element, row + rows, column + columns);
  }
};
template <class Prologue>
auto prologue_of_part(const Prologue& f, offset rows, offset columns) {
  if constexpr (std::is_same_v<Prologue, no_prologue>)
    return f;
  else
    return part_prologue<Prologue>{f, rows, columns};
}

/// Adds the parts of element i of all matrices and finishes it.
template <class S, class TC, class Options>
struct fold {
  const S* sums;
  offset count, each, all;  // parts; sums of a matrix, of all matrices
  batch<TC> c;
  Options options;
  void operator()(offset i) const {
    S sum = sums[i];
    for (offset part = 1; part < count; ++part) sum = weft::detail::added(sum, sums[part * all + i]);
    const matrix<TC> to = c[i / each];
    const offset row = i % each / to.columns, column = i % each % to.columns;
    TC* const at = &to(row, column);
    *at = weft::detail::finished(options, sum, at, row, column);
  }
};

/// f(x, y, z, options) for products of parts of k whose sums go to z = sums[part]: one call for all whole parts, as a
/// batch, where their operands are evenly spaced and no prologue has to know its part; else one for each.
template <class TA, class TB, class TC, class Options, class S, class F>
void each_part(const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options, parts cut, S* sums,
               const F& f) {
  constexpr bool plain = std::is_same_v<decltype(Options::prologue_a), no_prologue> &&
                         std::is_same_v<decltype(Options::prologue_b), no_prologue>;
  const offset k = a.first.columns, m = c.first.rows, n = c.first.columns, all = m * n * c.count;
  const auto compute = [&](offset part, offset count, offset depth) {
    batch<TA> x = a;
    batch<TB> y = b;
    x.first.columns = y.first.rows = depth;
    const offset x_step = cut.depth * a.first.column_stride, y_step = cut.depth * b.first.row_stride;
    x.first.data += part * x_step, y.first.data += part * y_step;
    batch<S> z{{sums + part * all, m, n, n, 1}, c.count, m * n, nullptr};
    if (count > 1) x.count = y.count = z.count = count, x.stride = x_step, y.stride = y_step, z.stride = all;
    const auto pa = prologue_of_part(options.prologue_a, 0, part * cut.depth);
    const auto pb = prologue_of_part(options.prologue_b, part * cut.depth, 0);
    using part_options =
        gemm_options<S, no_epilogue, std::remove_const_t<decltype(pa)>, std::remove_const_t<decltype(pb)>, type_tag<S>>;
    f(x, y, z, part_options{S(1), S(0), {}, pa, pb, {}});
  };
  const offset whole = k / cut.depth, rest = k % cut.depth;
  if (plain && c.count == 1)
    compute(0, whole, cut.depth);
  else
    for (offset part = 0; part < whole; ++part) compute(part, 1, cut.depth);
  if (rest > 0) compute(whole, 1, rest);
}

}  // namespace gemm_detail

/// Every way to compute the product, the first what weft::gemm does.
template <class Scheduler, class P, class TA, class TB, class TC, class Options>
std::vector<gemm_config> gemm_configs(const P&, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                                      const Options& options) {
  const gemm_plan usual = gemm_plan::of<Scheduler>(a, b, c, options);
  const bool swapped = c.first.row_stride < c.first.column_stride;
  const int rows = static_cast<int>(usual.cut.rows), columns = static_cast<int>(usual.cut.columns);
  gemm_config one{"panels", {swapped ? columns : rows, swapped ? rows : columns, gemm_detail::slab}};
  std::vector<gemm_config> list{one};
  const auto add = [&](gemm_tile tile) {
    one.tile = tile;
    for (const gemm_config& other : list)
      if (other == one) return;
    list.push_back(one);
  };
  // Blocks of half and of a quarter: more tasks, and panels that are closer.
  add({rows / 2 + 1, columns, gemm_detail::slab});
  add({rows, columns / 2 + 1, gemm_detail::slab});
  add({rows / 2 + 1, columns / 2 + 1, gemm_detail::slab});
  if (!P::wants_same_bits && a.first.columns >= 4096) {
    gemm_tile tile = list.front().tile;
    tile.split = Scheduler::threads() > 1 ? Scheduler::threads() : 2;
    add(tile);
  }
  return list;
}

/// Bytes of temporary memory of a product.
template <class Scheduler, class TA, class TB, class TC, class Options>
std::size_t gemm_workspace(const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
                           const gemm_tile& tile) {
  using S = accumulator_t<TA, TB, Options>;
  const auto bytes = [](gemm_plan plan) {
    divider measured;
    plan.divide(measured);
    return measured.bytes();
  };
  const gemm_detail::parts cut = gemm_detail::parts_of(a.first.columns, tile.split);
  if (cut.count == 1) return bytes(gemm_plan::of<Scheduler>(a, b, c, options, &tile));
  std::size_t most = 0;
  gemm_detail::each_part(a, b, c, options, cut, static_cast<S*>(nullptr), [&](const auto&... product) {
    const std::size_t of_part = bytes(gemm_plan::of<Scheduler>(product..., &tile));
    most = of_part > most ? of_part : most;
  });
  return static_cast<std::size_t>(cut.count * c.first.rows * c.first.columns * c.count) * sizeof(S) + most;
}

/// The product with one tile, k split or whole. Backend's verbs compute and add the parts, so it is recorded where they
/// are. False, and nothing done, for a split of operands by pointers: where their parts lie is not known before.
template <class Backend, class P, class TA, class TB, class TC, class Options>
bool gemm_by(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options,
             const gemm_tile& tile) {
  using S = accumulator_t<TA, TB, Options>;
  const gemm_detail::parts cut = gemm_detail::parts_of(a.first.columns, tile.split);
  if (cut.count == 1) {
    Backend::gemm(policy, a, b, c, options, &tile);
    return true;
  }
  if (a.pointers != nullptr || b.pointers != nullptr) return false;
  const offset each = c.first.rows * c.first.columns, all = each * c.count;
  const temporary<S> sums(policy, cut.count * all);
  gemm_detail::each_part(a, b, c, options, cut, sums.data(),
                         [&](const auto&... product) { Backend::gemm(policy, product..., &tile); });
  Backend::for_each_index(policy, all,
                          gemm_detail::fold<S, TC, Options>{sums.data(), cut.count, each, all, c, options});
  return true;
}

}  // namespace weft::cpu
