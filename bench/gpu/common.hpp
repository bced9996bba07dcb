// What the GPU benchmarks share: device buffers, inputs made on the device, event timing in batches of back-to-back
// calls, and the table: one row a case with weft's time, the peer's time in the same run, their ratio and the wrong
// elements (which must be 0). Times are medians; storage is ready for both sides; weft and peer alternate.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

inline void check(cudaError_t e, const char* what) {
  if (e == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(e));
  std::exit(1);
}
#define BENCH_CHECK(call) ::bench::check(call, #call)

template <class T>
struct device_array {
  T* p = nullptr;
  std::size_t n = 0;
  device_array() = default;
  explicit device_array(std::size_t size) : n(size) { BENCH_CHECK(cudaMalloc(&p, (n ? n : 1) * sizeof(T))); }
  device_array(device_array&& o) noexcept : p(o.p), n(o.n) { o.p = nullptr; }
  device_array& operator=(device_array&& o) noexcept {
    std::swap(p, o.p), std::swap(n, o.n);
    return *this;
  }
  ~device_array() { cudaFree(p); }
  T* data() const { return p; }
};

__host__ __device__ inline std::uint64_t hash(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

template <class T, class F>
__global__ void generate_kernel(T* out, std::int64_t n, F f) {
  for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < n;
       i += std::int64_t{gridDim.x} * blockDim.x)
    out[i] = f(i);
}
template <class T, class F>
void generate(T* out, std::int64_t n, F f, cudaStream_t s = nullptr) {
  generate_kernel<<<1056, 256, 0, s>>>(out, n, f);
}

template <class T>
__global__ void differ_kernel(const T* a, const T* b, std::int64_t n, unsigned long long* count) {
  unsigned long long mine = 0;
  const char* x = reinterpret_cast<const char*>(a);
  const char* y = reinterpret_cast<const char*>(b);
  for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < n;
       i += std::int64_t{gridDim.x} * blockDim.x)
    for (int k = 0; k < int(sizeof(T)); ++k)
      if (x[i * sizeof(T) + k] != y[i * sizeof(T) + k]) {
        ++mine;
        break;
      }
  if (mine) atomicAdd(count, mine);
}
/// How many elements of a and b differ.
template <class T>
unsigned long long differ(const T* a, const T* b, std::int64_t n) {
  device_array<unsigned long long> count(1);
  BENCH_CHECK(cudaMemset(count.p, 0, 8));
  differ_kernel<<<1056, 256>>>(a, b, n, count.p);
  unsigned long long h = 0;
  BENCH_CHECK(cudaMemcpy(&h, count.p, 8, cudaMemcpyDeviceToHost));
  return h;
}

struct timer {
  cudaEvent_t from, to;
  timer() { BENCH_CHECK(cudaEventCreate(&from)), BENCH_CHECK(cudaEventCreate(&to)); }
  ~timer() { cudaEventDestroy(from), cudaEventDestroy(to); }
};

inline double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

/// Milliseconds a call of f(0 … calls - 1), put back to back into the stream; `prepare` runs before each batch,
/// untimed.
template <class Prepare, class F>
double batch_ms(cudaStream_t s, int calls, Prepare prepare, F f) {
  timer t;
  prepare();
  BENCH_CHECK(cudaEventRecord(t.from, s));
  for (int i = 0; i < calls; ++i) f(i);
  BENCH_CHECK(cudaEventRecord(t.to, s));
  BENCH_CHECK(cudaEventSynchronize(t.to));
  float ms = 0;
  BENCH_CHECK(cudaEventElapsedTime(&ms, t.from, t.to));
  return ms / calls;
}

/// Median milliseconds of a call of weft and of the peer, measured in turns after a warm-up.
template <class F, class G>
void measure(cudaStream_t s, double& weft_ms, double& peer_ms, F weft, G peer) {
  auto nothing = [] {};
  auto ours = [&](int) { weft(); };
  auto theirs = [&](int) { peer(); };
  batch_ms(s, 2, nothing, ours), batch_ms(s, 2, nothing, theirs);
  auto calls_for = [](double ms) { return ms > 1 ? 2 : ms < 0.01 ? 200 : static_cast<int>(2 / ms) + 1; };
  const int a = calls_for(batch_ms(s, 3, nothing, ours)), b = calls_for(batch_ms(s, 3, nothing, theirs));
  std::vector<double> x, y;
  for (int i = 0; i < 11; ++i) x.push_back(batch_ms(s, a, nothing, ours)), y.push_back(batch_ms(s, b, nothing, theirs));
  weft_ms = median(x), peer_ms = median(y);
}

/// The sizes named by the arguments as powers of two ("10 20 28"), or the usual ones; other words are left to `word`.
template <class F>
std::vector<std::int64_t> sizes(int argc, char** argv, F word) {
  std::vector<std::int64_t> n;
  for (int i = 1; i < argc; ++i)
    if (const int e = std::atoi(argv[i]); e > 0)
      n.push_back(std::int64_t{1} << e);
    else
      word(argv[i]);
  if (n.empty())
    for (int e : {10, 16, 20, 24, 28}) n.push_back(std::int64_t{1} << e);
  return n;
}

inline void header() {
  std::printf("%-10s %-8s %-10s %12s %11s %11s %7s %6s %9s\n", "verb", "type", "input", "n", "weft ms", "peer ms",
              "ratio", "wrong", "Gitem/s");
}
inline void row(const std::string& verb, const std::string& type, const std::string& input, std::int64_t n, double weft,
                double peer, unsigned long long wrong) {
  std::printf("%-10s %-8s %-10s %12lld %11.5f %11.5f %7.2f %6llu %9.2f\n", verb.c_str(), type.c_str(), input.c_str(),
              static_cast<long long>(n), weft, peer, peer / weft, wrong, double(n) / weft * 1e-6);
  std::fflush(stdout);
}

}  // namespace bench
