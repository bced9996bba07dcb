// The host's side of products by the matrix instructions of warps (gemm_warps_kernel.hpp): what they take, the tile and
// the parts of k for a problem, the launches. Where k is split, the parts are added in ascending order by a second
// launch.
#pragma once

#include <weft/gpu/gemm_pack.hpp>
#include <weft/gpu/gemm_sm90.hpp>
#include <weft/gpu/gemm_tiles.hpp>
#include <weft/gpu/gemm_warps_kernel.hpp>

namespace weft::inline v100::gpu {

/// The operand type of a product's instructions: none where prologues, other sums or the same bits are asked for. What
/// the instructions add up is not one fused multiply-add after the other.
template <class P, class TA, class TB, class Options>
inline constexpr mma_kind gemm_warps_kind = [] {
  constexpr mma_kind kind = matrix_kind_of<TA>;
  if constexpr (!P::wants_same_bits && kind != mma_kind::none && kind == matrix_kind_of<TB> &&
                std::is_same_v<decltype(Options::prologue_a), no_prologue> &&
                std::is_same_v<decltype(Options::prologue_b), no_prologue> &&
                std::is_same_v<accumulator_t<TA, TB, Options>, matrix_sum<kind>>)
    return kind;
  else
    return mma_kind::none;
}();

/// What lies as 16-byte copies and vectors want it.
struct gemm_warps_words {
  template <class T>
  static bool takes(const T* data, offset stride) {
    return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && stride * static_cast<offset>(sizeof(T)) % 16 == 0;
  }
};

/// Which operands are copied first: what does not lie so, and lines that are contiguous where the instruction cannot
/// take those. Small products are then not worth it.
template <class Unit, bool Always = false, class TA, class TB, class TC>
gemm_copies gemm_warps_copies_of(const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c) {
  const auto wants = [](const auto* data, offset line_stride, offset k_stride) {
    return !gemm_engine_takes<gemm_warps_words>(data, line_stride, k_stride) || (k_stride != 1 && !Unit::transposes);
  };
  const bool copy_a = wants(a.data, a.row_stride, a.column_stride),
             copy_b = wants(b.data, b.column_stride, b.row_stride);
  const bool serves = a.columns > 0 && a.columns * static_cast<offset>(sizeof(TA)) < offset{1} << 30 &&
                      (Always || (!copy_a && !copy_b) || c.rows * c.columns * a.columns >= offset{1} << 26);
  return gemm_copies_of(a, b, copy_a, copy_b, serves);
}

/// The product with one tile; with small ones k may be split into `split` parts.
template <class Units, bool Large, arch A, class P, class T, class TC, class Options>
void gemm_warps_with(const P& policy, const matrix<const T>& a, const matrix<const T>& b, const matrix<TC>& c,
                     const Options& options, int split) {
  constexpr mma_kind kind = matrix_kind_of<T>;
  using sum_type = matrix_sum<kind>;
  const auto run = [&]<class To, class Tail>(const matrix<To>& to, const Tail& tail, const gemm_split& cut,
                                             offset part_size) {
    using kernel = gemm_warps_kernel<Units, typename P::tuning, Large, T, kind, To, Tail>;
    using shape = typename kernel::template shape<A>;
    const auto operand = [](const auto& lines) {  // lines by k
      const bool along = lines.column_stride == 1;
      return gemm_warps_operand{reinterpret_cast<const char*>(lines.data), lines.rows, lines.columns,
                                (along ? lines.row_stride : lines.column_stride) * static_cast<offset>(sizeof(T)),
                                along};
    };
    const auto tiles_m = static_cast<unsigned>(ceil_div(to.rows, shape::m));
    const auto tiles_n = static_cast<unsigned>(ceil_div(to.columns, shape::n));
    kernel k{operand(a), operand(transposed(b)), to,        tail,     false, tiles_m,
             tiles_n,    1024u / shape::m,       cut.depth, part_size};
    k.wide = to.column_stride == 1 && gemm_warps_words::takes(to.data, to.row_stride) &&
             part_size * static_cast<offset>(sizeof(To)) % 16 == 0;
    launch<A>(policy, static_cast<offset>(tiles_m) * tiles_n * cut.count, k);
  };
  if constexpr (!Large) {
    using shape = typename gemm_warps_kernel<Units, typename P::tuning, Large, T, kind, TC, Options>::template shape<A>;
    const gemm_split cut = gemm_split_of(a.columns, shape::depth, split);
    if (cut.count > 1) {
      const gemm_parts parts{c.rows * c.columns, c.rows * c.columns, false};
      const temporary<sum_type> sums(policy, cut.count * parts.part);
      run(matrix<sum_type>{sums.data(), c.rows, c.columns, c.columns, 1},
          gemm_sm90_options<sum_type, no_epilogue>{sum_type(1), sum_type(0), {}}, cut, parts.part);
      return gemm_fold<A>(policy, sums.data(), cut.count, parts, weft::detail::as_batch(c), options);
    }
  }
  run(c, options, gemm_split{1, a.columns}, 0);
}

/// What a way is called in a plan.
template <class T>
constexpr gemm_config gemm_warps_config(const gemm_warps_tile& tile, bool exchanged, int split) {
  return {"warps",
          {exchanged ? tile.columns : tile.rows, exchanged ? tile.rows : tile.columns,
           tile.steps * 64 / static_cast<int>(sizeof(T)), exchanged ? tile.warp_columns : tile.warp_rows,
           exchanged ? tile.warp_rows : tile.warp_columns, tile.stages, split}};
}

/// Whether C is stored as the transposed product.
template <class TC>
bool gemm_warps_exchanges(const matrix<TC>& c) {
  return c.column_stride != 1 && c.row_stride == 1;
}

/// f(config, large) for the ways to compute a product, the one to take first: large tiles where C has one for every
/// multiprocessor; else small ones, k split until every multiprocessor has two.
template <arch A, class P, class T, class TC, class F>
void gemm_warps_ways(const P& policy, offset depth, const matrix<TC>& c, F f) {
  constexpr gemm_warps_tuning tuning = choose<typename P::tuning>(dialect::gemm_warps_rows, A, sizeof(T));
  const bool exchanged = gemm_warps_exchanges(c);
  const offset rows = exchanged ? c.columns : c.rows, columns = exchanged ? c.rows : c.columns;
  const offset processors = device_of(policy).multiprocessors;
  const auto tiles = [&](const gemm_warps_tile& t) { return ceil_div(rows, t.rows) * ceil_div(columns, t.columns); };
  const bool large = tiles(tuning.large) >= processors;
  if (large) f(gemm_warps_config<T>(tuning.large, exchanged, 1), true);
  int split = 1;
  while (!large && split < 16 && tiles(tuning.small) * 2 * split <= 2 * processors &&
         depth * static_cast<offset>(sizeof(T)) >= offset{64} * 16 * split * tuning.small.steps)
    split *= 2;
  for (int s = split; s >= 1; s /= 2) f(gemm_warps_config<T>(tuning.small, exchanged, s), false);
  if (!large) f(gemm_warps_config<T>(tuning.large, exchanged, 1), true);
}

/// C = epilogue(alpha * A * B + beta * C) by the matrix instructions of warps, by the way that is `told`, or the one
/// that is likely the fastest. Operands that do not lie as they want them are copied first, where the product is worth
/// it. False, and nothing done, where they do not serve: other types, other hardware, small products of operands that
/// want a copy, no way that is `told`.
template <class Units = dialect::matrix_units, class P, class TA, class TB, class TC, class Options>
bool gemm_warps(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c, const Options& options,
                const gemm_config* told = nullptr) {
  if constexpr (constexpr mma_kind kind = gemm_warps_kind<P, TA, TB, Options>; kind == mma_kind::none) {
    return false;
  } else {
    if (!gemm_warps_always<Units> && device_of(policy).hopper_code) return false;
    return on_arch(policy, [&]<arch A>() {
      using unit = typename Units::template unit<A, kind>;
      if constexpr (unit::present) {
        using value = std::remove_const_t<TA>;
        const gemm_copies copies = gemm_warps_copies_of<unit, gemm_warps_always<Units>>(a, b, c);
        if (!copies.serves) return false;
        bool found = false, large = false;
        int split = 1;
        gemm_warps_ways<A, P, value>(policy, a.columns, c, [&](const gemm_config& way, bool is_large) {
          if (found || (told != nullptr && *told != way)) return;
          found = true, large = is_large, split = way.tile.split;
        });
        if (!found) return false;
        return gemm_with_copies<A, value>(policy, a, b, copies, [&](auto left, auto right) {
          const auto with = [&](auto x, auto y, auto to, const auto& tail) {
            if (large)
              gemm_warps_with<Units, true, A, P, value>(policy, x, y, to, tail, split);
            else
              gemm_warps_with<Units, false, A, P, value>(policy, x, y, to, tail, split);
          };
          if (gemm_warps_exchanges(c))
            with(transposed(right), transposed(left), transposed(c), options_of<true>(options));
          else
            with(left, right, c, options_of<false>(options));
          return true;
        });
      } else {
        return false;
      }
    });
  }
}

}  // namespace weft::gpu
