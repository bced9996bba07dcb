// The host's side of the Hopper matrix product: what it takes, the tile for a problem, tensor maps, the launch.
#pragma once

#include <weft/gpu/gemm_sm90_kernel.hpp>

namespace weft::gpu {

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
  WEFT_DEVICE auto operator()(T value, offset row, offset column) const {
    return f(value, column, row);
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

/// Whether a and b are operands of one matrix instruction.
template <class TA, class TB>
inline constexpr bool gemm_sm90_types =
    mma_kind_of<TA> != mma_kind::none&& mma_kind_of<TA> == mma_kind_of<TB>&& dialect::hopper::present;

/// The product with a given tile shape. False, and nothing done, where the copy engine cannot take an operand.
template <class Shape, arch A, class P, class TA, class TB, class TC, class Options>
bool gemm_sm90_with(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options) {
  using kernel = gemm_sm90_kernel<dialect::hopper, Shape, mma_kind_of<TA>, TC, Options>;
  using words = typename kernel::words;
  kernel k{};
  k.a_along_k = a.column_stride == 1, k.b_along_k = b.row_stride == 1;
  if constexpr (sizeof(TA) != 2)
    if (!k.a_along_k || !k.b_along_k) return false;  // the instructions transpose 16-bit operands alone
  const auto encode = [](auto& map, const auto& m, bool along_k, int lines) {
    return along_k ? words::encode(map, m.data, m.rows, m.columns, m.row_stride, lines)
                   : words::encode(map, m.data, m.columns, m.rows, m.column_stride, kernel::depth);
  };
  if (!encode(k.a_map, a, k.a_along_k, Shape::m / Shape::cluster_n)) return false;
  if (!encode(k.b_map, transposed(b), k.b_along_k, Shape::n / Shape::cluster_m)) return false;

  using tail = typename kernel::tail_type;
  k.tail.c = c, k.tail.options = options;
  k.tail.paired = c.column_stride == 1 && c.row_stride % 2 == 0 && reinterpret_cast<std::uintptr_t>(c.data) % 4 == 0;
  if constexpr (tail::can_stage)
    k.tail.staged = c.column_stride == 1 && words::encode(k.tail.c_map, c.data, c.rows, c.columns, c.row_stride, 64);

  k.steps = static_cast<int>(ceil_div(a.columns, kernel::depth));
  if (Shape::split > 1 && (Shape::split - 1) * ceil_div(k.steps, Shape::split) >= k.steps) return false;
  k.tiles_m = static_cast<unsigned>(ceil_div(c.rows, Shape::m * Shape::cluster_m));
  k.tiles_n = static_cast<unsigned>(ceil_div(c.columns, Shape::n * Shape::cluster_n));
  constexpr int group_lines = 2048;  // rows of a group of tiles: with as many columns, about what is in flight
  k.group_rows = group_lines / (Shape::m * Shape::cluster_m);
  const offset clusters = static_cast<offset>(k.tiles_m) * k.tiles_n;
  const offset resident = device_of(policy).multiprocessors / Shape::cluster;
  launch<A>(policy, (Shape::split == 1 && resident < clusters ? resident : clusters) * Shape::cluster, k);
  return true;
}

/// C = epilogue(alpha * A * B + beta * C) on Hopper's tensor cores. False, and nothing done, where they do not serve:
/// other types, other hardware, code for plain sm_90, strides or addresses that the copy engine cannot take.
template <class P, class TA, class TB, class TC, class Options>
bool gemm_sm90(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options) {
  if constexpr (!gemm_sm90_types<TA, TB>) {
    return false;
  } else {
    if (!device_of(policy).hopper_code || a.columns == 0) return false;
    if ((a.column_stride != 1 && a.row_stride != 1) || (b.column_stride != 1 && b.row_stride != 1)) return false;
    return on_arch(policy, [&]<arch A>() {
      if constexpr (A == arch::sm_90) {
        auto run = [&](auto x, auto y, auto z, const auto& o) {
          return gemm_sm90_with<gemm_sm90_shape<128, 256, 4, 2>, A>(policy, x, y, z, o);
        };
        // The kernel's rows of C are contiguous; a C of contiguous columns is the transposed product.
        if (c.column_stride != 1 && c.row_stride == 1)
          return run(transposed(b), transposed(a), transposed(c), options_of<true>(options));
        return run(a, b, c, options_of<false>(options));
      } else {
        return false;
      }
    });
  }
}

}  // namespace weft::gpu
