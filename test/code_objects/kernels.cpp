// The kernels whose machine code is read by cmake/code_objects.py (AMD) and cmake/cuda_code.py (NVIDIA), which define
// the policy and its header: every verb on the types it is tuned for.
#include <weft/gpu/gemm_steps.hpp>
#include <weft/weft.hpp>

#include KERNELS_HEADER

namespace {

struct positive {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    return x > T(0);
  }
};
struct twice {
  template <class T>
  WEFT_HOST_DEVICE T operator()(const T& x) const {
    return x + x;
  }
};

}  // namespace

template <class T>
void verbs(T* a, T* b, T* c, weft::offset* count, weft::offset n) {
  const auto gpu = KERNELS_POLICY;
  weft::transform(gpu, a, a + n, b, twice{});
  weft::reduce_into(gpu, a, a + n, b, T(0), weft::plus{});
  weft::inclusive_scan(gpu, a, a + n, b, weft::plus{});
  weft::copy_if_into(gpu, a, a + n, b, count, positive{});
  weft::sort(gpu, a, a + n);
  weft::merge(gpu, a, a + n, b, b + n, c);
  weft::reduce_by_key_into(gpu, a, a + n, b, c, c + n, count);
}
template void verbs(std::uint32_t*, std::uint32_t*, std::uint32_t*, weft::offset*, weft::offset);
template void verbs(float*, float*, float*, weft::offset*, weft::offset);
template void verbs(std::uint64_t*, std::uint64_t*, std::uint64_t*, weft::offset*, weft::offset);

// Products by matrix instructions, of every kind that some architecture has.
template <class T, class C>
void product(const T* a, const T* b, C* c, weft::offset n) {
  weft::gpu::gemm_warps(KERNELS_POLICY, weft::row_major(a, n, n), weft::column_major(b, n, n), weft::row_major(c, n, n),
                        weft::gemm_options<weft::accumulator_t<T, T>>{});
}
template void product(const weft::float16*, const weft::float16*, float*, weft::offset);
template void product(const weft::bfloat16*, const weft::bfloat16*, weft::bfloat16*, weft::offset);
template void product(const weft::tf32*, const weft::tf32*, float*, weft::offset);
template void product(const std::int8_t*, const std::int8_t*, std::int32_t*, weft::offset);
template void product(const std::uint8_t*, const std::uint8_t*, std::int32_t*, weft::offset);
template void product(const float*, const float*, float*, weft::offset);
template void product(const double*, const double*, double*, weft::offset);

// The steps that have kernels of their own.
template <class T>
void steps(const T* a, const T* b, T* c, weft::offset n) {
  const auto by = [&](auto step) {
    weft::gemm(KERNELS_POLICY.with_provider(step), weft::row_major(a, n, n), weft::row_major(b, n, n),
               weft::row_major(c, n, n));
  };
  by(weft::gemm_steps::naive), by(weft::gemm_steps::shared_tiles), by(weft::gemm_steps::warp_matrix);
}
template void steps(const weft::bfloat16*, const weft::bfloat16*, weft::bfloat16*, weft::offset);
