// Products against cuBLAS in the same run, random data: rate, ratio, and the error of both against sums in f64 (norms
// over sampled elements, relative). e4m3 against cuBLASLt, which alone has it, for k contiguous in both operands alone,
// by the first way that it names, sums in full and (fast) in fewer bits. Arguments: types (bf16 f16 tf32 i8 e4m3 f32
// f64), sizes as MxNxK, layouts (rows: all three in row order; inner: k contiguous in both operands); without any, the
// usual list.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/gemm.hpp>
#include <weft/stream.hpp>

#include <cublasLt.h>
#include <cublas_v2.h>
#include <cmath>
#include <optional>

using bench::device_array;

template <class T_, class C_, class Scalar_, cudaDataType Type, cudaDataType CType, cublasComputeType_t Compute>
struct kind_of {
  using value = T_;
  using result = C_;
  using scalar = Scalar_;
  static constexpr cudaDataType type = Type, c_type = CType;
  static constexpr cublasComputeType_t compute = Compute;
};
struct bf16 : kind_of<weft::bfloat16, weft::bfloat16, float, CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F> {
  static constexpr const char* name = "bf16";
};
struct f16 : kind_of<weft::float16, weft::float16, float, CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_32F> {
  static constexpr const char* name = "f16";
};
struct tf32 : kind_of<weft::tf32, float, float, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32> {
  static constexpr const char* name = "tf32";
};
struct i8 : kind_of<std::int8_t, std::int32_t, std::int32_t, CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I> {
  static constexpr const char* name = "i8";
};
struct f32 : kind_of<float, float, float, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_PEDANTIC> {
  static constexpr const char* name = "f32";
};
struct f64 : kind_of<double, double, double, CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F> {
  static constexpr const char* name = "f64";
};

struct e4m3 : kind_of<weft::float8_e4m3, weft::bfloat16, float, CUDA_R_8F_E4M3, CUDA_R_16BF, CUBLAS_COMPUTE_32F> {
  static constexpr const char* name = "e4m3";
};

/// cuBLASLt's product of float8, C' = B' A' (row order is column order of the transposes).
class float8_peer {
 public:
  float8_peer(int m, int n, int k, bool fast) : workspace_(64 << 20) {
    const cublasOperation_t turned = CUBLAS_OP_T;
    const std::int8_t is_fast = fast;
    good(cublasLtCreate(&lt_)), good(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    good(cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned));
    good(cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &is_fast, sizeof is_fast));
    good(cublasLtMatrixLayoutCreate(&b_, e4m3::type, k, n, k)),
        good(cublasLtMatrixLayoutCreate(&a_, e4m3::type, k, m, k));
    good(cublasLtMatrixLayoutCreate(&c_, e4m3::c_type, n, m, n));
    cublasLtMatmulPreference_t preference;
    good(cublasLtMatmulPreferenceCreate(&preference));
    const std::size_t bytes = workspace_.n;
    good(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                              sizeof bytes));
    int count = 0;
    good(cublasLtMatmulAlgoGetHeuristic(lt_, operation_, b_, a_, c_, c_, preference, 1, &found_, &count));
    if (count == 0) can_ = false;
    cublasLtMatmulPreferenceDestroy(preference);
  }
  float8_peer(const float8_peer&) = delete;
  float8_peer& operator=(const float8_peer&) = delete;
  ~float8_peer() {
    cublasLtMatrixLayoutDestroy(a_), cublasLtMatrixLayoutDestroy(b_), cublasLtMatrixLayoutDestroy(c_);
    cublasLtMatmulDescDestroy(operation_), cublasLtDestroy(lt_);
  }
  bool operator()(const void* a, const void* b, void* c, cudaStream_t stream) {
    const float one = 1, zero = 0;
    if (can_)
      good(cublasLtMatmul(lt_, operation_, &one, b, b_, a, a_, &zero, c, c_, c, c_, &found_.algo, workspace_.p,
                          workspace_.n, stream));
    return can_;
  }

 private:
  void good(cublasStatus_t status) { can_ = can_ && status == CUBLAS_STATUS_SUCCESS; }

  bool can_ = true;
  device_array<unsigned char> workspace_;
  cublasLtHandle_t lt_ = nullptr;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  cublasLtMatmulHeuristicResult_t found_{};
};

template <class T>
struct make_item {
  std::uint64_t seed;
  __host__ __device__ T operator()(std::int64_t i) const {
    const double x = static_cast<double>(bench::hash(seed + i) >> 11) * 0x1p-53 - 0.5;
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(x * 255);
    else
      return T(x);
  }
};
template <>
__host__ __device__ inline weft::tf32 make_item<weft::tf32>::operator()(std::int64_t i) const {
  return weft::tf32(make_item<float>{seed}(i));
}

/// Squared norms over the elements that blocks pick: of the error, of the sums in f64.
template <class T, class C>
__global__ void sample(weft::matrix<const T> a, weft::matrix<const T> b, weft::matrix<const C> c, double* norms) {
  const std::uint64_t h = bench::hash(blockIdx.x);
  const std::int64_t i = blockIdx.x < 8 && blockIdx.x % 2 ? c.rows - 1 : std::int64_t(h % c.rows);
  const std::int64_t j = blockIdx.x < 8 && blockIdx.x / 2 % 2 ? c.columns - 1 : std::int64_t((h >> 32) % c.columns);
  __shared__ double part[256];
  double sum = 0;
  for (std::int64_t k = threadIdx.x; k < a.columns; k += 256)
    sum += static_cast<double>(static_cast<weft::arithmetic_t<T>>(a(i, k))) *
           static_cast<double>(static_cast<weft::arithmetic_t<T>>(b(k, j)));
  part[threadIdx.x] = sum;
  __syncthreads();
  for (int d = 128; d > 0; d /= 2) {
    if (threadIdx.x < d) part[threadIdx.x] += part[threadIdx.x + d];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    const double e = static_cast<double>(static_cast<weft::arithmetic_t<C>>(c(i, j))) - part[0];
    atomicAdd(norms, e * e), atomicAdd(norms + 1, part[0] * part[0]);
  }
}

template <class Kind>
void compare(cublasHandle_t blas, bool inner, int m, int n, int k, bool fast = false) {
  using T = typename Kind::value;
  using C = typename Kind::result;
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  cublasSetStream(blas, native);
  const std::int64_t size = std::int64_t{m} * n;
  device_array<T> a(std::int64_t{m} * k), b(std::int64_t{n} * k);
  device_array<C> c(size), peer_c(size);
  bench::generate(a.p, a.n, make_item<T>{1});
  bench::generate(b.p, b.n, make_item<T>{1ull << 40});
  BENCH_CHECK(cudaDeviceSynchronize());
  const auto left = weft::row_major(static_cast<const T*>(a.p), m, k);
  const auto right =
      inner ? weft::column_major(static_cast<const T*>(b.p), k, n) : weft::row_major(static_cast<const T*>(b.p), k, n);
  const typename Kind::scalar one = 1, zero = 0;
  double ours = 0, theirs = 0;
  bool peer_can = true;
  constexpr bool by_lt = std::is_same_v<Kind, e4m3>;
  std::optional<float8_peer> lt;
  if (by_lt && inner) lt.emplace(m, n, k, fast);
  bench::measure(
      native, ours, theirs, [&] { weft::gemm(policy, left, right, weft::row_major(c.p, m, n)); },
      [&] {  // row order is column order of the transposes: C' = B' A'
        if (by_lt) return void(peer_can = inner && (*lt)(a.p, b.p, peer_c.p, native));
        peer_can = cublasGemmEx(blas, inner ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_OP_N, n, m, k, &one, b.p, Kind::type,
                                inner ? k : n, a.p, Kind::type, k, &zero, peer_c.p, Kind::c_type, n, Kind::compute,
                                CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS;
      });
  auto error = [&](const C* x) {
    device_array<double> norms(2);
    BENCH_CHECK(cudaMemset(norms.p, 0, 16));
    sample<<<4096, 256>>>(left, right, weft::row_major(x, m, n), norms.p);
    double h[2];
    BENCH_CHECK(cudaMemcpy(h, norms.p, 16, cudaMemcpyDeviceToHost));
    return std::sqrt(h[0] / h[1]);
  };
  const double e = error(c.p), peer_e = peer_can ? error(peer_c.p) : NAN;
  const std::string shape = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  std::printf("%-5s %-6s %-16s %11.5f %11.5f %7.3f %9.1f  %.2e %.2e\n", fast ? "fast" : Kind::name,
              inner ? "inner" : "rows", shape.c_str(), ours, peer_can ? theirs : NAN, peer_can ? theirs / ours : NAN,
              2.0 * m * n * k / ours * 1e-9, e, peer_e);
  std::fflush(stdout);
}

int main(int argc, char** argv) {
  struct extents {
    int m, n, k;
  };
  std::vector<std::string> types;
  std::vector<extents> shapes;
  std::vector<bool> layouts;
  for (int i = 1; i < argc; ++i) {
    extents e{};
    if (std::sscanf(argv[i], "%dx%dx%d", &e.m, &e.n, &e.k) == 3)
      shapes.push_back(e);
    else if (!std::strcmp(argv[i], "rows") || !std::strcmp(argv[i], "inner"))
      layouts.push_back(argv[i][0] == 'i');
    else
      types.push_back(argv[i]);
  }
  if (types.empty()) types = {"bf16", "f16", "tf32", "i8", "e4m3", "f32", "f64"};
  if (layouts.empty()) layouts = {true, false};
  if (shapes.empty())
    shapes = {{512, 512, 512},    {1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 4096},
              {8192, 8192, 8192}, {16, 4096, 4096},   {128, 4096, 4096},  {4096, 4096, 256},
              {8192, 128, 8192},  {4097, 1023, 777},  {8191, 8191, 8191}};
  cublasHandle_t blas;
  if (cublasCreate(&blas) != CUBLAS_STATUS_SUCCESS) return 1;
  std::printf("%-5s %-6s %-16s %11s %11s %7s %9s  %s\n", "type", "order", "shape", "weft ms", "cublas ms", "ratio",
              "TFLOP/s", "errors");
  for (const auto& t : types)
    for (const bool inner : layouts)
      for (const auto& s : shapes) {
        if (t == "bf16") compare<bf16>(blas, inner, s.m, s.n, s.k);
        if (t == "f16") compare<f16>(blas, inner, s.m, s.n, s.k);
        if (t == "tf32") compare<tf32>(blas, inner, s.m, s.n, s.k);
        if (t == "i8") compare<i8>(blas, inner, s.m, s.n, s.k);
        if (t == "e4m3") compare<e4m3>(blas, inner, s.m, s.n, s.k);
        if (t == "e4m3" && inner) compare<e4m3>(blas, inner, s.m, s.n, s.k, true);
        if (t == "f32") compare<f32>(blas, inner, s.m, s.n, s.k);
        if (t == "f64") compare<f64>(blas, inner, s.m, s.n, s.k);
      }
  cublasDestroy(blas);
}
