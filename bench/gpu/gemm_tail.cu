// bf16 products with bias and gelu fused, against cuBLASLt's fused epilogue (the fastest of what its heuristic names)
// and against cuBLAS followed by a pass of 16-byte accesses; the same run, random data. Errors of both against sums and
// erf in f64 (norms over sampled elements, relative); cuBLASLt's gelu is the one by tanh. Arguments: sizes as MxNxK,
// layouts (rows: all three in row order; inner: k contiguous in both operands).
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/gemm.hpp>
#include <weft/stream.hpp>

#include <cublasLt.h>
#include <cublas_v2.h>
#include <cmath>

using bench::device_array;
using bf16 = weft::bfloat16;

static void need(cublasStatus_t s, const char* what) {
  if (s == CUBLAS_STATUS_SUCCESS) return;
  std::fprintf(stderr, "%s: %s\n", what, cublasGetStatusString(s));
  std::exit(1);
}
#define NEED(call) need(call, #call)

struct make_item {
  std::uint64_t seed;
  float scale;
  __host__ __device__ bf16 operator()(std::int64_t i) const {
    return bf16(scale * static_cast<float>(static_cast<double>(bench::hash(seed + i) >> 11) * 0x1p-53 - 0.5));
  }
};

/// The separate pass: eight elements a thread, in place.
__global__ void bias_gelu_pass(bf16* c, const bf16* bias, std::int64_t elements, int columns) {
  struct alignas(16) eight {
    bf16 value[8];
  };
  const std::int64_t i = (blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x) * 8;
  if (i >= elements) return;
  eight x = *reinterpret_cast<const eight*>(c + i);
  const eight b = *reinterpret_cast<const eight*>(bias + i % columns);
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const float v = static_cast<float>(x.value[j]) + static_cast<float>(b.value[j]);
    x.value[j] = bf16(weft::gelu{}(v, 0, 0));
  }
  *reinterpret_cast<eight*>(c + i) = x;
}

/// Squared norms over the elements that blocks pick: of the error, of what is right.
__global__ void sample(weft::matrix<const bf16> a, weft::matrix<const bf16> b, const bf16* bias,
                       weft::matrix<const bf16> c, double* norms) {
  const std::uint64_t h = bench::hash(blockIdx.x);
  const std::int64_t i = h % c.rows, j = (h >> 32) % c.columns;
  __shared__ double part[256];
  double sum = 0;
  for (std::int64_t k = threadIdx.x; k < a.columns; k += 256)
    sum += static_cast<double>(static_cast<float>(a(i, k))) * static_cast<double>(static_cast<float>(b(k, j)));
  part[threadIdx.x] = sum;
  __syncthreads();
  for (int d = 128; d > 0; d /= 2) {
    if (threadIdx.x < d) part[threadIdx.x] += part[threadIdx.x + d];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    const double x = part[0] + static_cast<double>(static_cast<float>(bias[j]));
    const double right = 0.5 * x * erfc(-x / sqrt(2.)), e = static_cast<double>(static_cast<float>(c(i, j))) - right;
    atomicAdd(norms, e * e), atomicAdd(norms + 1, right * right);
  }
}

/// cuBLASLt's product with bias and gelu, C' = B' A' (row order is column order of the transposes).
class fused_peer {
 public:
  fused_peer(cublasLtHandle_t lt, bool inner, int m, int n, int k, const bf16* bias) : lt_(lt), workspace_(64 << 20) {
    NEED(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    const cublasOperation_t left = inner ? CUBLAS_OP_T : CUBLAS_OP_N, right = CUBLAS_OP_N;
    const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_GELU_BIAS;
    const cudaDataType type = CUDA_R_16BF;
    set(CUBLASLT_MATMUL_DESC_TRANSA, left), set(CUBLASLT_MATMUL_DESC_TRANSB, right);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue), set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type);
    NEED(cublasLtMatrixLayoutCreate(&b_, CUDA_R_16BF, inner ? k : n, inner ? n : k, inner ? k : n));
    NEED(cublasLtMatrixLayoutCreate(&a_, CUDA_R_16BF, k, m, k));
    NEED(cublasLtMatrixLayoutCreate(&c_, CUDA_R_16BF, n, m, n));
    cublasLtMatmulPreference_t preference;
    NEED(cublasLtMatmulPreferenceCreate(&preference));
    const std::size_t bytes = workspace_.n;
    NEED(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                              sizeof bytes));
    NEED(cublasLtMatmulAlgoGetHeuristic(lt_, operation_, b_, a_, c_, c_, preference, 8, found_, &count_));
    cublasLtMatmulPreferenceDestroy(preference);
  }
  ~fused_peer() {
    cublasLtMatrixLayoutDestroy(a_), cublasLtMatrixLayoutDestroy(b_), cublasLtMatrixLayoutDestroy(c_);
    cublasLtMatmulDescDestroy(operation_);
  }
  /// Takes the fastest of what was named.
  void choose(const bf16* a, const bf16* b, bf16* c, cudaStream_t s) {
    double least = 0;
    for (int i = 0, fastest = 0; i < count_; ++i) {
      chosen_ = i;
      const auto once = [&](int) { (*this)(a, b, c, s); };
      bench::batch_ms(
          s, 1, [] {}, once);
      const double ms = bench::batch_ms(
          s, 5, [] {}, once);
      if (i == 0 || ms < least) least = ms, fastest = i;
      if (i + 1 == count_) chosen_ = fastest;
    }
  }
  void operator()(const bf16* a, const bf16* b, bf16* c, cudaStream_t s) {
    const float one = 1, zero = 0;
    NEED(cublasLtMatmul(lt_, operation_, &one, b, b_, a, a_, &zero, c, c_, c, c_, &found_[chosen_].algo, workspace_.p,
                        workspace_.n, s));
  }

 private:
  template <class V>
  void set(cublasLtMatmulDescAttributes_t name, const V& value) {
    NEED(cublasLtMatmulDescSetAttribute(operation_, name, &value, sizeof value));
  }
  cublasLtHandle_t lt_;
  device_array<unsigned char> workspace_;
  cublasLtMatmulDesc_t operation_;
  cublasLtMatrixLayout_t a_, b_, c_;
  cublasLtMatmulHeuristicResult_t found_[8];
  int count_ = 0, chosen_ = 0;
};

static void compare(cublasHandle_t blas, cublasLtHandle_t lt, bool inner, int m, int n, int k) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  NEED(cublasSetStream(blas, native));
  const std::int64_t size = std::int64_t{m} * n;
  device_array<bf16> a(std::int64_t{m} * k), b(std::int64_t{n} * k), c(size), peer_c(size), bias(n);
  const float scale = 12 / std::sqrt(static_cast<float>(k));  // sums about as large as 1
  bench::generate(a.p, a.n, make_item{1, 1});
  bench::generate(b.p, b.n, make_item{1ull << 40, scale});
  bench::generate(bias.p, bias.n, make_item{1ull << 41, 1});
  BENCH_CHECK(cudaDeviceSynchronize());
  const auto left = weft::row_major(static_cast<const bf16*>(a.p), m, k);
  const auto right = inner ? weft::column_major(static_cast<const bf16*>(b.p), k, n)
                           : weft::row_major(static_cast<const bf16*>(b.p), k, n);
  const auto tail = weft::bias_gelu(static_cast<const bf16*>(bias.p));
  const weft::gemm_options<float, std::remove_const_t<decltype(tail)>> options{.epilogue = tail};
  const auto ours = [&] { weft::gemm(policy, left, right, weft::row_major(c.p, m, n), options); };
  const float one = 1, zero = 0;
  fused_peer fused(lt, inner, m, n, k, bias.p);
  fused.choose(a.p, b.p, peer_c.p, native);
  const auto two_passes = [&] {
    NEED(cublasGemmEx(blas, inner ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_OP_N, n, m, k, &one, b.p, CUDA_R_16BF,
                      inner ? k : n, a.p, CUDA_R_16BF, k, &zero, peer_c.p, CUDA_R_16BF, n, CUBLAS_COMPUTE_32F,
                      CUBLAS_GEMM_DEFAULT));
    const std::int64_t vectors = size / 8;
    bias_gelu_pass<<<static_cast<unsigned>((vectors + 255) / 256), 256, 0, native>>>(peer_c.p, bias.p, size, n);
  };
  const auto error = [&](const bf16* x) {
    device_array<double> norms(2);
    BENCH_CHECK(cudaMemset(norms.p, 0, 16));
    sample<<<4096, 256>>>(left, right, bias.p, weft::row_major(x, m, n), norms.p);
    double h[2];
    BENCH_CHECK(cudaMemcpy(h, norms.p, 16, cudaMemcpyDeviceToHost));
    return std::sqrt(h[0] / h[1]);
  };
  const std::string shape = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  const auto row = [&](const char* name, const auto& peer) {
    double x = 0, y = 0;
    bench::measure(native, x, y, ours, peer);
    std::printf("%-12s %-6s %-16s %11.5f %11.5f %7.3f %9.1f  %.2e %.2e\n", name, inner ? "inner" : "rows",
                shape.c_str(), x, y, y / x, 2.0 * m * n * k / x * 1e-9, error(c.p), error(peer_c.p));
    std::fflush(stdout);
  };
  row("fused", [&] { fused(a.p, b.p, peer_c.p, native); });
  row("two passes", two_passes);
}

int main(int argc, char** argv) {
  struct extents {
    int m, n, k;
  };
  std::vector<extents> shapes;
  std::vector<bool> layouts;
  for (int i = 1; i < argc; ++i) {
    extents e{};
    if (std::sscanf(argv[i], "%dx%dx%d", &e.m, &e.n, &e.k) == 3 && e.n % 8 == 0)
      shapes.push_back(e);
    else
      layouts.push_back(argv[i][0] == 'i');
  }
  if (layouts.empty()) layouts = {true, false};
  if (shapes.empty()) shapes = {{8192, 8192, 8192}, {4096, 4096, 4096}, {2048, 2048, 2048}, {512, 4096, 1024}};
  cublasHandle_t blas;
  cublasLtHandle_t lt;
  NEED(cublasCreate(&blas));
  NEED(cublasLtCreate(&lt));
  std::printf("%-12s %-6s %-16s %11s %11s %7s %9s  %s\n", "peer", "order", "shape", "weft ms", "peer ms", "ratio",
              "TFLOP/s", "errors");
  for (const bool inner : layouts)
    for (const auto& s : shapes) compare(blas, lt, inner, s.m, s.n, s.k);
  cublasLtDestroy(lt);
  cublasDestroy(blas);
}
