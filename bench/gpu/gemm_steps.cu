// The seven steps of the road to a fast matrix product (weft/gpu/gemm_steps.hpp) against cuBLAS in the same run: rate,
// share of the peak, ratio, and what a block asks of memory. f32 has the first three, of its multiply-adds; bf16 (sums
// in f32) all seven, of which the first three multiply on the units of f32, too. All operands are in row order.
// Arguments: types (f32 bf16), extents (4096 8192), --json FILE, --once (each product once, for a profiler).
// FLOP/byte is what the tile says: a block that computes m x n elements loads m + n to 2 m n operations at each step of
// k, blocks of a cluster together. The roofs are measured here (reading memory and the L2 cache) or what the units can
// do at the highest clock.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/gemm/plan.hpp>
#include <weft/gpu/gemm_steps.hpp>
#include <weft/stream.hpp>

#include <cublas_v2.h>
#include <cmath>
#include <ctime>

using bench::device_array;

struct f32 {
  using value = float;
  static constexpr const char* name = "f32";
  static constexpr cudaDataType type = CUDA_R_32F;
  static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F_PEDANTIC;
};
struct bf16 {
  using value = weft::bfloat16;
  static constexpr const char* name = "bf16";
  static constexpr cudaDataType type = CUDA_R_16BF;
  static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
};

template <class T>
struct make_item {
  std::uint64_t seed;
  __host__ __device__ T operator()(std::int64_t i) const {
    return T(static_cast<float>(static_cast<double>(bench::hash(seed + i) >> 11) * 0x1p-53 - 0.5));
  }
};

/// Squared norms: of the difference to what the peer has, of that.
template <class T>
__global__ void norms_kernel(const T* x, const T* y, std::int64_t n, double* norms) {
  double apart = 0, size = 0;
  for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < n;
       i += std::int64_t{gridDim.x} * blockDim.x) {
    const double a = static_cast<float>(x[i]), b = static_cast<float>(y[i]);
    apart += (a - b) * (a - b), size += b * b;
  }
  atomicAdd(norms, apart), atomicAdd(norms + 1, size);
}

/// Reads n vectors `times` times, by the L2 cache.
__global__ void read_kernel(const uint4* p, std::int64_t n, int times, unsigned* out) {
  unsigned x = 0;
  for (int t = 0; t < times; ++t)
#pragma unroll 8
    for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < n;
         i += std::int64_t{gridDim.x} * blockDim.x) {
      const uint4 v = __ldcg(p + i);
      x ^= v.x ^ v.y ^ v.z ^ v.w;
    }
  if (x == 0x12345678u) *out = x;
}
double read_rate(std::int64_t bytes, int times, int processors) {  // GB/s
  device_array<uint4> memory(bytes / 16);
  device_array<unsigned> out(1);
  BENCH_CHECK(cudaMemset(memory.p, 1, bytes));
  double best = 1e9;
  for (int i = 0; i < 7; ++i)
    best = std::fmin(best, bench::batch_ms(
                               nullptr, 1, [] {},
                               [&](int) { read_kernel<<<processors * 4, 512>>>(memory.p, bytes / 16, times, out.p); }));
  return static_cast<double>(bytes) * times / best * 1e-6;
}

struct machine {
  std::string device;
  int processors, runtime;
  double ghz, memory, l2, f32, bf16;  // GB/s; TFLOP/s
};
machine this_machine() {
  cudaDeviceProp of{};
  BENCH_CHECK(cudaGetDeviceProperties(&of, 0));
  machine m{of.name, of.multiProcessorCount, 0, 0, 0, 0, 0, 0};
  int khz = 0;
  BENCH_CHECK(cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, 0));
  BENCH_CHECK(cudaRuntimeGetVersion(&m.runtime));
  m.ghz = khz * 1e-6;
  // Operations a cycle and multiprocessor, dense; others are not known here.
  const int version = of.major * 10 + of.minor, fma = version == 80 ? 128 : 256;
  const int tensor = version == 90 ? 4096 : version == 80 ? 2048 : 0;
  m.f32 = m.processors * fma * m.ghz * 1e-3, m.bf16 = m.processors * tensor * m.ghz * 1e-3;
  m.memory = read_rate(std::int64_t{1} << 31, 1, m.processors);
  m.l2 = read_rate(std::int64_t{12} << 20, 64, m.processors);
  return m;
}

struct row {
  std::string type, step, tile;
  int n;
  double ms, peer_ms, rate, peer_rate, share, intensity, error;
};

/// Medians, in turns; what takes long, less often.
template <class F, class G>
void measure(cudaStream_t s, row& r, F ours, G theirs) {
  const auto nothing = [] {};
  const auto one = [&](int) { ours(); };
  const auto other = [&](int) { theirs(); };
  if (bench::batch_ms(s, 1, nothing, one) < 50) return bench::measure(s, r.ms, r.peer_ms, ours, theirs);
  std::vector<double> x, y;
  bench::batch_ms(s, 2, nothing, other);
  for (int i = 0; i < 5; ++i)
    x.push_back(bench::batch_ms(s, 1, nothing, one)), y.push_back(bench::batch_ms(s, 2, nothing, other));
  r.ms = bench::median(x), r.peer_ms = bench::median(y);
}

template <class Kind>
void steps_of(cublasHandle_t blas, const machine& on, int n, bool once, std::vector<row>& rows) {
  using T = typename Kind::value;
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  cublasSetStream(blas, native);
  const std::int64_t size = std::int64_t{n} * n;
  device_array<T> a(size), b(size), c(size), peer(size);
  bench::generate(a.p, size, make_item<T>{1});
  bench::generate(b.p, size, make_item<T>{1ull << 40});
  BENCH_CHECK(cudaDeviceSynchronize());
  const auto A = weft::row_major(static_cast<const T*>(a.p), n, n),
             B = weft::row_major(static_cast<const T*>(b.p), n, n);
  const auto C = weft::row_major(c.p, n, n);
  const float one = 1, zero = 0;
  const auto theirs = [&] {  // row order is column order of the transposes: C' = B' A'
    cublasGemmEx(blas, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, b.p, Kind::type, n, a.p, Kind::type, n, &zero, peer.p,
                 Kind::type, n, Kind::compute, CUBLAS_GEMM_DEFAULT);
  };
  weft::gemm_steps::for_each([&](auto step) {
    if constexpr (std::is_same_v<T, float> && step.number > weft::gpu::gemm_step::register_blocks)
      return;
    else {
      const auto policy = weft::cuda.on(stream.ref()).with_provider(step);
      try {
        weft::gemm_plan plan(policy, A, B, C);
        const auto ours = [&] { plan.launch(A, B, C); };
        if (once) {
          ours();
          BENCH_CHECK(cudaDeviceSynchronize());
          return;
        }
        const weft::gemm_config way = plan.config();
        const weft::gemm_tile& t = way.tile;
        row r{Kind::name, step.name, std::to_string(t.rows) + "x" + std::to_string(t.columns), n, 0, 0, 0, 0, 0, 0, 0};
        if (way.cluster > 1) r.tile += "*" + std::to_string(way.cluster);
        measure(native, r, ours, theirs);
        const double operations = 2. * n * n * n, peak = std::is_same_v<T, float> ? on.f32 : on.bf16;
        r.rate = operations / r.ms * 1e-9, r.peer_rate = operations / r.peer_ms * 1e-9;
        r.share = peak > 0 ? r.rate / peak : 0;
        const double down = t.rows * way.cluster, across = t.columns;
        r.intensity = 2 * down * across / ((down + across) * sizeof(T));
        device_array<double> norms(2);
        BENCH_CHECK(cudaMemset(norms.p, 0, 16));
        norms_kernel<<<1056, 256>>>(c.p, peer.p, size, norms.p);
        double h[2];
        BENCH_CHECK(cudaMemcpy(h, norms.p, 16, cudaMemcpyDeviceToHost));
        r.error = std::sqrt(h[0] / h[1]);
        std::printf("%-5s %-17s %6d %-10s %10.4f %10.4f %7.3f %9.2f %6.1f %% %9.2f  %.1e\n", Kind::name, step.name, n,
                    r.tile.c_str(), r.ms, r.peer_ms, r.peer_ms / r.ms, r.rate, 100 * r.share, r.intensity, r.error);
        std::fflush(stdout);
        rows.push_back(r);
      } catch (const weft::invalid_argument& refused) {
        std::printf("%-5s %-17s %6d %s\n", Kind::name, step.name, n, refused.what());
      }
    }
  });
}

void write_json(const char* file, const machine& on, const std::vector<row>& rows) {
  std::FILE* const to = std::fopen(file, "w");
  if (to == nullptr) bench::check(cudaErrorInvalidValue, file);
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%d", std::localtime(&now));
  std::fprintf(
      to,
      "{\n \"device\": \"%s\", \"date\": \"%s\", \"cuda\": \"%d.%d\", \"multiprocessors\": %d, \"ghz\": %.3f,\n"
      " \"roofs\": {\"memory GB/s\": %.0f, \"L2 GB/s\": %.0f, \"f32 TFLOP/s\": %.1f, \"bf16 TFLOP/s\": %.1f},\n"
      " \"rows\": [",
      on.device.c_str(), date, on.runtime / 1000, on.runtime % 1000 / 10, on.processors, on.ghz, on.memory, on.l2,
      on.f32, on.bf16);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const row& r = rows[i];
    std::fprintf(to,
                 "%s\n  {\"type\": \"%s\", \"step\": \"%s\", \"n\": %d, \"tile\": \"%s\", \"ms\": %.5f, \"cublas ms\": "
                 "%.5f, \"TFLOP/s\": %.3f, \"cublas TFLOP/s\": %.3f, \"share of peak\": %.4f, \"FLOP/byte\": %.3f, "
                 "\"error\": %.2e}",
                 i ? "," : "", r.type.c_str(), r.step.c_str(), r.n, r.tile.c_str(), r.ms, r.peer_ms, r.rate,
                 r.peer_rate, r.share, r.intensity, r.error);
  }
  std::fprintf(to, "\n ]\n}\n");
  std::fclose(to);
}

int main(int argc, char** argv) {
  std::vector<int> extents;
  std::vector<std::string> types;
  const char* json = nullptr;
  bool once = false;
  for (int i = 1; i < argc; ++i)
    if (const int n = std::atoi(argv[i]); n > 0)
      extents.push_back(n);
    else if (!std::strcmp(argv[i], "--json") && i + 1 < argc)
      json = argv[++i];
    else if (!std::strcmp(argv[i], "--once"))
      once = true;
    else
      types.push_back(argv[i]);
  if (types.empty()) types = {"f32", "bf16"};
  if (extents.empty()) extents = {4096, 8192};
  cublasHandle_t blas;
  if (cublasCreate(&blas) != CUBLAS_STATUS_SUCCESS) return 1;
  const machine on = once ? machine{} : this_machine();
  if (!once) {
    std::printf("%s, %d multiprocessors at %.3f GHz: f32 %.1f, bf16 %.1f TFLOP/s; memory %.0f, L2 %.0f GB/s read\n",
                on.device.c_str(), on.processors, on.ghz, on.f32, on.bf16, on.memory, on.l2);
    std::printf("%-5s %-17s %6s %-10s %10s %10s %7s %9s %8s %9s  %s\n", "type", "step", "n", "tile", "weft ms",
                "cublas ms", "ratio", "TFLOP/s", "of peak", "FLOP/byte", "apart");
  }
  std::vector<row> rows;
  for (const auto& type : types)
    for (const int n : extents) {
      if (type == "f32") steps_of<f32>(blas, on, n, once, rows);
      if (type == "bf16") steps_of<bf16>(blas, on, n, once, rows);
    }
  if (json != nullptr) write_json(json, on, rows);
  cublasDestroy(blas);
}
