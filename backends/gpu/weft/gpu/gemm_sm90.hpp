// The host's side of the Hopper matrix product: what it takes, the tile for a problem, tensor maps, the launch.
#pragma once

#include <weft/gpu/gemm_pack.hpp>
#include <weft/gpu/gemm_sm90_kernel.hpp>

namespace weft::inline v100::gpu {

/// What the kernels need of a caller's options.
template <class Scalar, class Epilogue>
struct gemm_sm90_options {
  Scalar alpha, beta;
  Epilogue epilogue;
};
/// An epilogue of the transposed product.
template <class Epilogue>
struct exchanged_epilogue {
  Epilogue f;
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(T value, offset row, offset column) const {
    return f(value, column, row);
  }
  WEFT_HOST_DEVICE constexpr auto read_ahead(offset row,
                                             offset column) const requires weft::detail::reads_ahead<Epilogue> {
    return f.read_ahead(column, row);
  }
  template <class T, class Read>
  WEFT_HOST_DEVICE constexpr auto operator()(T value, offset row, offset column, const Read& read) const {
    return f(value, column, row, read);
  }
};
template <bool Exchanged, class Options>
auto options_of(const Options& o) {
  using scalar = decltype(Options::alpha);
  using epilogue = decltype(Options::epilogue);
  if constexpr (Exchanged && !std::is_same_v<epilogue, no_epilogue>)
    return gemm_sm90_options<scalar, exchanged_epilogue<epilogue>>{o.alpha, o.beta, {o.epilogue}};
  else
    return gemm_sm90_options<scalar, epilogue>{o.alpha, o.beta, o.epilogue};
}

/// Whether a product of these types goes to the tensor cores: operands of one matrix instruction, taken as they are,
/// summed as the hardware sums. What it adds up is not one fused multiply-add after the other.
template <class P, class TA, class TB, class Options>
inline constexpr bool gemm_sm90_types = [] {
  if constexpr (dialect::hopper::present && !P::wants_same_bits && mma_kind_of<TA> != mma_kind::none &&
                mma_kind_of<TA> == mma_kind_of<TB>)
    return std::is_same_v<decltype(Options::prologue_a), no_prologue> &&
           std::is_same_v<decltype(Options::prologue_b), no_prologue> &&
           std::is_same_v<accumulator_t<TA, TB, Options>, mma_sum<mma_kind_of<TA>>>;
  else
    return false;
}();

/// Rows of A that one copy brings at least: 128 bytes of them where k is not contiguous.
template <class TA>
int gemm_sm90_rows_of_copy(const matrix<TA>& a) {
  return a.column_stride == 1 ? 1 : 128 / static_cast<int>(sizeof(TA));
}

/// The product with a given tile shape. False, and nothing done, where the copy engine cannot take an operand.
template <class Shape, arch A, class P, class TA, class TB, class TC, class Options>
bool gemm_sm90_with(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options) {
  using kernel = gemm_sm90_kernel<dialect::hopper, Shape, mma_kind_of<TA>, TC, Options>;
  using words = typename kernel::words;
  kernel k{};
  k.a_along_k = a.column_stride == 1, k.b_along_k = b.row_stride == 1;
  if (!k.a_along_k && (Shape::m < gemm_sm90_rows_of_copy(a) || !Shape::may_cross)) return false;
  if (sizeof(TA) != 2 && !k.b_along_k) return false;
  const auto encode = [](auto& map, const auto& m, bool along_k, int lines) {
    return along_k ? words::encode(map, m.data, m.rows, m.columns, m.row_stride, lines)
                   : words::encode(map, m.data, m.columns, m.rows, m.column_stride, kernel::depth);
  };
  if (!encode(k.a_map, a, k.a_along_k, Shape::m / Shape::cluster_n)) return false;
  if (!encode(k.b_map, transposed(b), k.b_along_k, Shape::n / Shape::cluster_m)) return false;

  using tail = typename kernel::tail_type;
  k.tail.c = c, k.tail.options = options;
  k.tail.across = sizeof(TA) != 2 && !k.a_along_k;
  k.tail.down = k.tail.across && c.column_stride != 1 && c.row_stride == 1;
  k.tail.paired = (k.tail.down || c.column_stride == 1) && (k.tail.down ? c.column_stride : c.row_stride) % 2 == 0 &&
                  reinterpret_cast<std::uintptr_t>(c.data) % (2 * sizeof(TC)) == 0;
  k.tail.rows_contiguous = c.column_stride == 1;
  if constexpr (tail::can_stage) {
    const auto to = k.tail.down ? transposed(c) : c;
    // The engine writes 16 bytes at a time, beyond the end of a row too, where there may be somebody else's.
    const int lines = k.tail.together() ? 64 : 16;
    k.tail.stored = to.column_stride == 1 && to.columns * static_cast<offset>(sizeof(TC)) % 16 == 0 &&
                    words::encode(k.tail.c_map, to.data, to.rows, to.columns, to.row_stride, lines);
  }

  k.steps = static_cast<int>(ceil_div(a.columns, kernel::depth));
  if (Shape::split > 1 && (Shape::split - 1) * ceil_div(k.steps, Shape::split) >= k.steps) return false;
  k.tiles_m = static_cast<unsigned>(ceil_div(c.rows, Shape::m * Shape::cluster_m));
  k.tiles_n = static_cast<unsigned>(ceil_div(c.columns, Shape::n * Shape::cluster_n));
  constexpr int group_lines = 2048;  // rows of a group of tiles: with as many columns, about what is in flight
  k.group_rows = group_lines / (Shape::m * Shape::cluster_m);
  // An operand that no two blocks share comes from memory: they would all ask for the same k, a power of two apart.
  const offset streamed = k.tiles_n == 1 ? a.rows : k.tiles_m == 1 ? b.columns : 0;
  k.staggered = streamed * a.columns * static_cast<offset>(sizeof(TA)) > device_of(policy).l2_bytes;
  const offset clusters = static_cast<offset>(k.tiles_m) * k.tiles_n;
  const offset resident = device_of(policy).multiprocessors * Shape::resident / Shape::cluster;
  launch<A>(policy, (Shape::split == 1 && resident < clusters ? resident : clusters) * Shape::cluster, k);
  return true;
}

template <class...>
struct type_list {};

/// About how many cycles a product takes with a tile shape: rounds of blocks, times what a block waits for longest, the
/// products or the copies (48 bytes a cycle and multiprocessor from the L2 cache, as measured on an H100); beside the
/// products, copies cost power. Rows that a copy finds outside the matrix take it 7 cycles more (H200). Then rounding
/// and storing the tile, starting clusters, folding split sums. 2^60: it cannot, for fewer slices of k than parts, or a
/// tile of fewer rows than a copy of A brings.
template <class Shape>
offset gemm_sm90_cycles(offset rows, offset columns, offset steps, offset multiprocessors, int rows_of_copy) {
  if ((Shape::split - 1) * ceil_div(steps, Shape::split) >= steps || Shape::m < rows_of_copy ||
      (rows_of_copy > 1 && !Shape::may_cross))
    return offset{1} << 60;
  const offset blocks =
      ceil_div(rows, Shape::m * Shape::cluster_m) * ceil_div(columns, Shape::n * Shape::cluster_n) * Shape::cluster;
  constexpr offset products = Shape::m * Shape::n / 32;
  constexpr offset copies = (Shape::m / Shape::cluster_n + Shape::n / Shape::cluster_m) * 128 / 48;
  const offset outside = rows < Shape::m ? Shape::m - rows : 0;
  const offset step = (products > copies ? products : copies) + copies / 16 + 7 * outside;
  constexpr offset tail = 500 + Shape::m * Shape::n / 13 + (Shape::split > 1 ? 4500 : 0);
  return ceil_div(blocks, multiprocessors) * (ceil_div(steps, Shape::split) * step + tail) +
         (Shape::cluster_m * Shape::cluster_n > 1 ? 3000 : 0);
}

/// What a shape is called in a plan; `Exchanged`: it computes the transposed product.
template <class Shape, bool Exchanged>
constexpr gemm_config gemm_sm90_config(int depth) {
  return {"tensor",
          {Exchanged ? Shape::n : Shape::m, Exchanged ? Shape::m : Shape::n, depth, 0, 0, Shape::stages, Shape::split},
          Shape::cluster_m * Shape::cluster_n};
}

/// The product with the first of the shapes that is about the fastest, or with the one that is `told`.
template <bool Exchanged, arch A, class P, class TA, class TB, class TC, class Options, class... Shapes>
bool gemm_sm90_fastest(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options,
                       type_list<Shapes...>, const gemm_config* told) {
  const offset steps = ceil_div(a.columns * static_cast<offset>(sizeof(TA)), 128);
  const offset cycles[] = {gemm_sm90_cycles<Shapes>(c.rows, c.columns, steps, device_of(policy).multiprocessors,
                                                    gemm_sm90_rows_of_copy(a))...};
  constexpr gemm_config configs[] = {gemm_sm90_config<Shapes, Exchanged>(128 / static_cast<int>(sizeof(TA)))...};
  int best = told == nullptr || *told == configs[0] ? 0 : -1;
  for (int i = 1; i < static_cast<int>(sizeof...(Shapes)); ++i)
    if (told == nullptr ? cycles[i] < cycles[best] : *told == configs[i]) best = i;
  bool done = false;
  int i = 0;
  ((best == i++ ? static_cast<void>(done = gemm_sm90_with<Shapes, A>(policy, a, b, c, options)) : void()), ...);
  return done;
}

template <class T>
using gemm_sm90_thin =
    std::conditional_t<sizeof(T) == 1, gemm_sm90_shape<128, 16, 4, 1, 1, 4, 2>, gemm_sm90_shape<64, 16, 6, 1, 1, 2, 2>>;
/// Large tiles, alone and sharing columns; square ones for a few hundred rows (bf16 384 x 4096 x 4096 on an H200: 24 us
/// where the others take 29 and more); small ones for few of them, for very few of them half of k each (64 and 128 x
/// 4096 x 4096: 10.0 and 12.1 us where the others take 12 and 14.7); few columns, with long rows and not.
template <class T>
using gemm_sm90_shapes = std::conditional_t<
    mma_kind_of<T> == mma_kind::e4m3 || mma_kind_of<T> == mma_kind::e5m2,
    type_list<gemm_sm90_shape<128, 128, 6, 2>, gemm_sm90_shape<128, 64, 8>, gemm_sm90_thin<T>>,
    type_list<gemm_sm90_shape<128, 256, 4>, gemm_sm90_shape<128, 256, 4, 2>, gemm_sm90_shape<128, 128, 6>,
              gemm_sm90_shape<128, 64, 8>, gemm_sm90_shape<64, 128, 8, 2>, gemm_sm90_shape<128, 64, 6, 1, 1, 2>,
              gemm_sm90_shape<64, 64, 8, 1, 1, 2>, gemm_sm90_thin<T>>>;

inline bool gemm_sm90_few_rows(offset rows, offset columns) { return rows <= 32 && columns > 32; }

/// Whether the transposed product is computed. One of few rows is: 64 rows are the least that an instruction takes, of
/// columns 8 will do. Then it is A that may have its lines contiguous, not k, in types of which the instructions
/// transpose nothing: of two such operands the larger. Else it is C that is to have contiguous rows.
template <class TA, class TB, class TC>
bool gemm_sm90_exchanges(const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c) {
  if (gemm_sm90_few_rows(c.rows, c.columns)) return true;
  if constexpr (sizeof(TA) != 2) {
    const bool a_along = a.column_stride == 1, b_along = b.row_stride == 1;
    if (gemm_sm90_few_rows(c.columns, c.rows)) return false;
    if (!a_along || !b_along) return a_along || (!b_along && c.rows < c.columns);
  }
  return c.column_stride != 1 && c.row_stride == 1;
}
/// Calls f<Exchanged>(a, b, c, options, shapes) with the product as the kernel computes it.
template <class TA, class TB, class TC, class Options, class F>
bool gemm_sm90_oriented(matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options, F f) {
  if (!gemm_sm90_exchanges(a, b, c))
    return f.template operator()<false>(a, b, c, options_of<false>(options), gemm_sm90_shapes<std::remove_cv_t<TA>>{});
  const auto turned = [&](auto shapes) {
    return f.template operator()<true>(transposed(b), transposed(a), transposed(c), options_of<true>(options), shapes);
  };
  if (gemm_sm90_few_rows(c.rows, c.columns))
    return turned(type_list<gemm_sm90_thin<std::remove_cv_t<TA>>, gemm_sm90_shape<128, 64, 8>>{});
  return turned(gemm_sm90_shapes<std::remove_cv_t<TA>>{});
}

/// The copies for a product on the tensor cores: of what the copy engine cannot take; of what is B to the kernel where
/// k is not contiguous in it and the instructions do not transpose it.
template <class TA, class TB, class TC, class Options>
gemm_copies gemm_sm90_copies_of(matrix<TA> a, matrix<TB> b, const matrix<TC>& c, const Options&) {
  using words =
      typename gemm_sm90_kernel<dialect::hopper, gemm_sm90_shape<64, 64, 4>, mma_kind_of<TA>, TC, Options>::words;
  bool copy_a = !gemm_engine_takes<words>(a.data, a.row_stride, a.column_stride);
  bool copy_b = !gemm_engine_takes<words>(b.data, b.column_stride, b.row_stride);
  if constexpr (sizeof(TA) != 2) {
    if (copy_a) a.column_stride = 1;
    if (copy_b) b.row_stride = 1;
    if (gemm_sm90_exchanges(a, b, c))
      copy_a = copy_a || a.column_stride != 1;
    else
      copy_b = copy_b || b.row_stride != 1;
  }
  return gemm_copies_of(a, b, copy_a, copy_b,
                        (!copy_a && !copy_b) || c.rows * c.columns * a.columns >= offset{1} << 26);
}

/// C = epilogue(alpha * A * B + beta * C) on Hopper's tensor cores. Operands that the copy engine cannot take are
/// copied first, where the product is worth it. False, and nothing done, where they do not serve: other types, other
/// hardware, code for plain sm_90, small products of operands that want a copy (but `always`), no shape that is `told`.
template <class P, class TA, class TB, class TC, class Options>
bool gemm_sm90(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options,
               const gemm_config* told = nullptr, bool always = false) {
  if constexpr (!gemm_sm90_types<P, TA, TB, Options>) {
    return false;
  } else {
    if (!device_of(policy).hopper_code || a.columns == 0) return false;
    return on_arch(policy, [&]<arch A>() {
      if constexpr (A == arch::sm_90) {
        using value = std::remove_const_t<TA>;
        const auto product = [&](matrix<const value> x, matrix<const value> y) {
          return gemm_sm90_oriented(x, y, c, options,
                                    [&]<bool Exchanged>(auto l, auto r, auto to, auto tail, auto list) {
                                      return gemm_sm90_fastest<Exchanged, A>(policy, l, r, to, tail, list, told);
                                    });
        };
        const gemm_copies copies = gemm_sm90_copies_of(a, b, c, options);
        return (copies.serves || always) && gemm_with_copies<A, value>(policy, a, b, copies, product);
      } else {
        return false;
      }
    });
  }
}

}  // namespace weft::gpu
