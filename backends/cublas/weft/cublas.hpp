// The provider weft::cublas: gemm of the cuda backend by cuBLAS. It takes float, tf32, double, float16 and bfloat16 (C
// of the same type or float), complex<float> and complex<double>, int8 (C int32), with alpha and beta, batches by
// stride and by pointers; it declines epilogues, prologues, other types, and require(same_bits). The first product of a
// thread on a device makes a handle, which cannot be done while a stream is captured. Plain C++ will do: no nvcc.
#pragma once

#include <weft/cuda.hpp>
#include <weft/gpu/blas_provider.hpp>

#include <cublas_v2.h>

#include <vector>

namespace weft::inline v100 {

struct cublas_words {
  static constexpr const char* name = "cublas";
  template <class Backend>
  static constexpr bool serves = std::is_base_of_v<cuda_backend, Backend>;
  static constexpr cublasOperation_t none = CUBLAS_OP_N, transpose = CUBLAS_OP_T, adjoint = CUBLAS_OP_C;

  template <class T, class TC, class Sum>
  static constexpr bool taken = gpu::blas_takes<T, TC, Sum>;

  template <class T>
  static constexpr cudaDataType type = std::is_same_v<T, double>            ? CUDA_R_64F
                                       : std::is_same_v<T, float16>         ? CUDA_R_16F
                                       : std::is_same_v<T, bfloat16>        ? CUDA_R_16BF
                                       : std::is_same_v<T, std::int8_t>     ? CUDA_R_8I
                                       : std::is_same_v<T, std::int32_t>    ? CUDA_R_32I
                                       : std::is_same_v<T, complex<float>>  ? CUDA_C_32F
                                       : std::is_same_v<T, complex<double>> ? CUDA_C_64F
                                                                            : CUDA_R_32F;
  template <class T, class Sum>
  static constexpr cublasComputeType_t compute =
      std::is_same_v<T, tf32>                                               ? CUBLAS_COMPUTE_32F_FAST_TF32
      : std::is_same_v<Sum, double> || std::is_same_v<Sum, complex<double>> ? CUBLAS_COMPUTE_64F
      : std::is_same_v<Sum, std::int32_t>                                   ? CUBLAS_COMPUTE_32I
                                                                            : CUBLAS_COMPUTE_32F;

  static void check(cublasStatus_t status, const char* call) {
    if (status != CUBLAS_STATUS_SUCCESS) throw error(call, cublasGetStatusName(status), cublasGetStatusString(status));
  }

  static cublasHandle_t handle_for(stream_ref stream) {
    struct handles {
      std::vector<cublasHandle_t> of_device;
      ~handles() {
        for (const cublasHandle_t one : of_device)
          if (one != nullptr) cublasDestroy(one);
      }
    };
    static thread_local handles made;
    const auto device = static_cast<std::size_t>(stream.device);
    if (made.of_device.size() <= device) made.of_device.resize(device + 1);
    cublasHandle_t& one = made.of_device[device];
    if (one == nullptr) check(cublasCreate(&one), "cublasCreate");
    check(cublasSetStream(one, static_cast<cudaStream_t>(stream.handle)), "cublasSetStream");
    return one;
  }

  template <class T, class TC, class Sum, class TX, class TY>
  static bool run(cublasHandle_t handle, const gpu::blas_call<cublasOperation_t>& p, const gpu::blas_data<TX>& x,
                  const gpu::blas_data<TY>& y, const gpu::blas_data<TC>& c) {
    const auto array = [](auto pointers) { return reinterpret_cast<const void* const*>(pointers); };
    cublasStatus_t status;
    if (c.pointers != nullptr)
      status = cublasGemmBatchedEx(handle, p.x_is, p.y_is, p.m, p.n, p.k, p.alpha, array(x.pointers), type<T>,
                                   p.x_leading, array(y.pointers), type<T>, p.y_leading, p.beta,
                                   const_cast<void* const*>(array(c.pointers)), type<TC>, p.c_leading, p.count,
                                   compute<T, Sum>, CUBLAS_GEMM_DEFAULT);
    else if (p.count == 1)
      status =
          cublasGemmEx(handle, p.x_is, p.y_is, p.m, p.n, p.k, p.alpha, x.first, type<T>, p.x_leading, y.first, type<T>,
                       p.y_leading, p.beta, c.first, type<TC>, p.c_leading, compute<T, Sum>, CUBLAS_GEMM_DEFAULT);
    else
      status = cublasGemmStridedBatchedEx(handle, p.x_is, p.y_is, p.m, p.n, p.k, p.alpha, x.first, type<T>, p.x_leading,
                                          x.stride, y.first, type<T>, p.y_leading, y.stride, p.beta, c.first, type<TC>,
                                          p.c_leading, c.stride, p.count, compute<T, Sum>, CUBLAS_GEMM_DEFAULT);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return false;
    check(status, "cuBLAS gemm");
    return true;
  }
};

/// weft::cuda.with_provider(weft::cublas)
inline constexpr gpu::blas_provider<cublas_words> cublas{};

}  // namespace weft
