// Products by warp-group matrix instructions, as cmake/cuda_code.py reads them: ptxas must let these instructions
// overlap.
#include <weft/weft.hpp>

#include KERNELS_HEADER

template <class T, class C, class Tail>
void product(const T* a, const T* b, C* c, weft::offset n, const Tail& tail) {
  weft::gemm(KERNELS_POLICY, weft::row_major(a, n, n), weft::column_major(b, n, n), weft::row_major(c, n, n),
             weft::gemm_options<float, Tail>{.epilogue = tail});
}

void products(const weft::bfloat16* a, const weft::bfloat16* b, weft::bfloat16* c, const weft::tf32* x,
              const weft::tf32* y, float* z, const float* bias, weft::offset n) {
  product(a, b, c, n, weft::bias_gelu(bias));
  product(x, y, z, n, weft::no_epilogue{});
}
