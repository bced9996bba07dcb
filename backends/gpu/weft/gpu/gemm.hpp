// Matrix product on GPUs: which kernel takes it. gemm_tiles.hpp takes every type and view; Hopper has kernels of its
// own for tensor cores (gemm_sm90.hpp) and for f64 and f32 (gemm_ring.hpp), sm_80 and AMD one for the matrix
// instructions of a warp (gemm_warps.hpp).
#pragma once

#include <weft/gpu/gemm_ring.hpp>
#include <weft/gpu/gemm_sm90.hpp>
#include <weft/gpu/gemm_tiles.hpp>
#include <weft/gpu/gemm_warps.hpp>

namespace weft::inline v100::gpu {

/// One product at known places: what the kernels for matrix instructions take.
template <class TA, class TB, class TC>
bool is_one_product(const batch<TA>& a, const batch<TB>& b, const batch<TC>& c) {
  return c.count == 1 && a.pointers == nullptr && b.pointers == nullptr && c.pointers == nullptr;
}

template <class P, class TA, class TB, class TC, class Options>
void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c, const Options& options) {
  if (is_one_product(a, b, c))
    if (gemm_sm90(policy, a.first, b.first, c.first, options) ||
        gemm_ring(policy, a.first, b.first, c.first, options) || gemm_warps(policy, a.first, b.first, c.first, options))
      return;
  gemm_portable(policy, a, b, c, options);
}

}  // namespace weft::gpu
