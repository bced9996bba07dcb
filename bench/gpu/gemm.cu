// f32 and f64 products against cuBLAS on the ordinary arithmetic units. Arguments: rows of square matrices.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/gemm.hpp>
#include <weft/stream.hpp>

#include <cublas_v2.h>
#include <cmath>

using bench::device_array;

template <class T>
struct make_item {
  std::uint64_t seed;
  __host__ __device__ T operator()(std::int64_t i) const {
    return static_cast<T>(static_cast<double>(bench::hash(seed + i) >> 11) * 0x1p-53 - 0.5);
  }
};

template <class T>
void compare(cublasHandle_t blas, const char* type, int n) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  cublasSetStream(blas, native);
  const std::int64_t size = std::int64_t{n} * n;
  device_array<T> a(size), b(size), c(size), peer_c(size);
  bench::generate(a.p, size, make_item<T>{1});
  bench::generate(b.p, size, make_item<T>{1ull << 40});
  BENCH_CHECK(cudaDeviceSynchronize());
  const T one = 1, zero = 0;
  double ours = 0, theirs = 0;
  bench::measure(
      native, ours, theirs,
      [&] {
        weft::gemm(policy, weft::row_major(static_cast<const T*>(a.p), n, n),
                   weft::row_major(static_cast<const T*>(b.p), n, n), weft::row_major(c.p, n, n));
      },
      [&] {  // row order is column order of the transposes: C' = B' A'
        if constexpr (sizeof(T) == 4)
          cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, b.p, n, a.p, n, &zero, peer_c.p, n);
        else
          cublasDgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, b.p, n, a.p, n, &zero, peer_c.p, n);
      });
  BENCH_CHECK(cudaDeviceSynchronize());
  std::vector<T> x(size), y(size);
  BENCH_CHECK(cudaMemcpy(x.data(), c.p, size * sizeof(T), cudaMemcpyDeviceToHost));
  BENCH_CHECK(cudaMemcpy(y.data(), peer_c.p, size * sizeof(T), cudaMemcpyDeviceToHost));
  unsigned long long wrong = 0;
  for (std::int64_t i = 0; i < size; ++i) wrong += std::abs(x[i] - y[i]) > 1e-3 * std::sqrt(double(n));
  bench::row("gemm", type, (std::to_string(n) + " cubed").c_str(), size, ours, theirs, wrong);
}

int main(int argc, char** argv) {
  std::vector<int> rows;
  for (int i = 1; i < argc; ++i) rows.push_back(std::atoi(argv[i]));
  if (rows.empty()) rows = {128, 512, 1024, 2048, 4096, 8192};
  cublasHandle_t blas;
  if (cublasCreate(&blas) != CUBLAS_STATUS_SUCCESS) return 1;
  cublasSetMathMode(blas, CUBLAS_PEDANTIC_MATH);
  bench::header();
  for (const int n : rows) {
    compare<float>(blas, "f32", n);
    if (n <= 4096) compare<double>(blas, "f64", n);
  }
  cublasDestroy(blas);
}
