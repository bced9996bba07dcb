// Test only: the declarations of hipBLAS 2 that weft/hipblas.hpp uses, so that it is compiled where hipBLAS is not
// installed (Debian 12 has none). Links with nothing.
#pragma once

#include <hip/hip_runtime_api.h>

#include <cstdint>

#include <hip/library_types.h>

#if HIP_VERSION_MAJOR < 6  // these came later; their values do not matter here
inline constexpr hipDataType HIP_R_8I = static_cast<hipDataType>(3), HIP_R_32I = static_cast<hipDataType>(7),
                             HIP_R_16BF = static_cast<hipDataType>(7);
#endif

typedef void* hipblasHandle_t;
enum hipblasStatus_t { HIPBLAS_STATUS_SUCCESS = 0, HIPBLAS_STATUS_NOT_SUPPORTED = 7 };
enum hipblasOperation_t { HIPBLAS_OP_N = 111, HIPBLAS_OP_T = 112, HIPBLAS_OP_C = 113 };
enum hipblasGemmAlgo_t { HIPBLAS_GEMM_DEFAULT = 160 };
enum hipblasComputeType_t { HIPBLAS_COMPUTE_32F = 2, HIPBLAS_COMPUTE_64F = 7, HIPBLAS_COMPUTE_32I = 9 };

extern "C" {
hipblasStatus_t hipblasCreate(hipblasHandle_t* handle);
hipblasStatus_t hipblasDestroy(hipblasHandle_t handle);
hipblasStatus_t hipblasSetStream(hipblasHandle_t handle, hipStream_t stream);
const char* hipblasStatusToString(hipblasStatus_t status);
hipblasStatus_t hipblasGemmEx(hipblasHandle_t handle, hipblasOperation_t trans_a, hipblasOperation_t trans_b, int m,
                              int n, int k, const void* alpha, const void* a, hipDataType a_type, int lda,
                              const void* b, hipDataType b_type, int ldb, const void* beta, void* c, hipDataType c_type,
                              int ldc, hipblasComputeType_t compute, hipblasGemmAlgo_t algorithm);
hipblasStatus_t hipblasGemmBatchedEx(hipblasHandle_t handle, hipblasOperation_t trans_a, hipblasOperation_t trans_b,
                                     int m, int n, int k, const void* alpha, const void* a[], hipDataType a_type,
                                     int lda, const void* b[], hipDataType b_type, int ldb, const void* beta, void* c[],
                                     hipDataType c_type, int ldc, int count, hipblasComputeType_t compute,
                                     hipblasGemmAlgo_t algorithm);
hipblasStatus_t hipblasGemmStridedBatchedEx(hipblasHandle_t handle, hipblasOperation_t trans_a,
                                            hipblasOperation_t trans_b, int m, int n, int k, const void* alpha,
                                            const void* a, hipDataType a_type, int lda, long long a_stride,
                                            const void* b, hipDataType b_type, int ldb, long long b_stride,
                                            const void* beta, void* c, hipDataType c_type, int ldc, long long c_stride,
                                            int count, hipblasComputeType_t compute, hipblasGemmAlgo_t algorithm);
}
