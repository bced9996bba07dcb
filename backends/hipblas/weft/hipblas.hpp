// The provider weft::hipblas: gemm of the hip backend by hipBLAS 2 or later. As weft::cublas (cublas.hpp), but for
// tf32, which it declines. Not run on hardware so far.
#pragma once

#include <weft/gpu/blas_provider.hpp>
#include <weft/hip.hpp>

#include <hipblas/hipblas.h>

#include <vector>

namespace weft::inline v100 {

struct hipblas_words {
  static constexpr const char* name = "hipblas";
  template <class Backend>
  static constexpr bool serves = std::is_base_of_v<hip_backend, Backend>;
  static constexpr hipblasOperation_t none = HIPBLAS_OP_N, transpose = HIPBLAS_OP_T, adjoint = HIPBLAS_OP_C;

  template <class T, class TC, class Sum>
  static constexpr bool taken = !std::is_same_v<T, tf32> && gpu::blas_takes<T, TC, Sum>;

  template <class T>
  static constexpr hipDataType type = std::is_same_v<T, double>            ? HIP_R_64F
                                      : std::is_same_v<T, float16>         ? HIP_R_16F
                                      : std::is_same_v<T, bfloat16>        ? HIP_R_16BF
                                      : std::is_same_v<T, std::int8_t>     ? HIP_R_8I
                                      : std::is_same_v<T, std::int32_t>    ? HIP_R_32I
                                      : std::is_same_v<T, complex<float>>  ? HIP_C_32F
                                      : std::is_same_v<T, complex<double>> ? HIP_C_64F
                                                                           : HIP_R_32F;
  template <class Sum>
  static constexpr hipblasComputeType_t compute =
      std::is_same_v<Sum, double> || std::is_same_v<Sum, complex<double>> ? HIPBLAS_COMPUTE_64F
      : std::is_same_v<Sum, std::int32_t>                                 ? HIPBLAS_COMPUTE_32I
                                                                          : HIPBLAS_COMPUTE_32F;

  static void check(hipblasStatus_t status, const char* call) {
    if (status != HIPBLAS_STATUS_SUCCESS) throw error(call, hipblasStatusToString(status), {});
  }

  static hipblasHandle_t handle_for(stream_ref stream) {
    struct handles {
      std::vector<hipblasHandle_t> of_device;
      ~handles() {
        for (const hipblasHandle_t one : of_device)
          if (one != nullptr) static_cast<void>(hipblasDestroy(one));
      }
    };
    static thread_local handles made;
    const auto device = static_cast<std::size_t>(stream.device);
    if (made.of_device.size() <= device) made.of_device.resize(device + 1);
    hipblasHandle_t& one = made.of_device[device];
    if (one == nullptr) check(hipblasCreate(&one), "hipblasCreate");
    check(hipblasSetStream(one, static_cast<hipStream_t>(stream.handle)), "hipblasSetStream");
    return one;
  }

  template <class T, class TC, class Sum, class TX, class TY>
  static bool run(hipblasHandle_t handle, const gpu::blas_call<hipblasOperation_t>& p, const gpu::blas_data<TX>& x,
                  const gpu::blas_data<TY>& y, const gpu::blas_data<TC>& c) {
    const auto array = [](auto pointers) {
      return const_cast<const void**>(reinterpret_cast<const void* const*>(pointers));
    };
    hipblasStatus_t status;
    if (c.pointers != nullptr)
      status =
          hipblasGemmBatchedEx(handle, p.x_is, p.y_is, p.m, p.n, p.k, p.alpha, array(x.pointers), type<T>, p.x_leading,
                               array(y.pointers), type<T>, p.y_leading, p.beta, const_cast<void**>(array(c.pointers)),
                               type<TC>, p.c_leading, p.count, compute<Sum>, HIPBLAS_GEMM_DEFAULT);
    else if (p.count == 1)
      status =
          hipblasGemmEx(handle, p.x_is, p.y_is, p.m, p.n, p.k, p.alpha, x.first, type<T>, p.x_leading, y.first, type<T>,
                        p.y_leading, p.beta, c.first, type<TC>, p.c_leading, compute<Sum>, HIPBLAS_GEMM_DEFAULT);
    else
      status =
          hipblasGemmStridedBatchedEx(handle, p.x_is, p.y_is, p.m, p.n, p.k, p.alpha, x.first, type<T>, p.x_leading,
                                      x.stride, y.first, type<T>, p.y_leading, y.stride, p.beta, c.first, type<TC>,
                                      p.c_leading, c.stride, p.count, compute<Sum>, HIPBLAS_GEMM_DEFAULT);
    if (status == HIPBLAS_STATUS_NOT_SUPPORTED) return false;
    check(status, "hipBLAS gemm");
    return true;
  }
};

/// weft::hip.with_provider(weft::hipblas)
inline constexpr gpu::blas_provider<hipblas_words> hipblas{};

}  // namespace weft
