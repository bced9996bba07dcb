// What an allocation and its deallocation cost the host on a CUDA stream: the caching pool (in the order of a stream of
// weft's own and of one made by cudaStreamCreate), cudaMallocAsync with a pool that keeps everything, cudaMalloc, and
// RMM's pool where CMake finds RMM. Nanoseconds, medians over rounds in turns; sixteen sizes take turns and a block
// lives until eight others have been made. "busy" keeps a kernel running on the stream meanwhile; "allocate" is one
// half of a pair alone, eight at a time.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/memory/pool.hpp>
#include <weft/stream.hpp>

#include <chrono>
#include <functional>
#ifdef WEFT_BENCH_RMM
#if __has_include(<rmm/mr/pool_memory_resource.hpp>)
#include <rmm/mr/cuda_memory_resource.hpp>
#include <rmm/mr/pool_memory_resource.hpp>
#else  // until 25.10
#include <rmm/mr/device/cuda_memory_resource.hpp>
#include <rmm/mr/device/pool_memory_resource.hpp>
#endif
#endif

namespace {

__global__ void spin(long long cycles) {
  const long long start = clock64();
  while (clock64() - start < cycles) {}
}

struct contestant {
  std::string name;
  cudaStream_t stream;
  std::function<void*(std::size_t)> allocate;
  std::function<void(void*, std::size_t)> deallocate;
  std::vector<double> idle{}, busy{}, allocate_only{};
};

std::size_t next_size(std::size_t& state) {
  state = (state + 7919) % 65536;
  return 256 + state / 4096 * 4096;
}

double pair_ns(const contestant& c, int pairs, bool is_busy) {
  if (is_busy) spin<<<1, 1, 0, c.stream>>>(20'000'000);
  void* memory[8] = {};
  std::size_t sizes[8] = {}, bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < pairs; ++i) {
    const int at = i % 8;
    if (memory[at] != nullptr) c.deallocate(memory[at], sizes[at]);
    sizes[at] = next_size(bytes);
    memory[at] = c.allocate(sizes[at]);
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  for (int at = 0; at < 8; ++at)
    if (memory[at] != nullptr) c.deallocate(memory[at], sizes[at]);
  BENCH_CHECK(cudaStreamSynchronize(c.stream));
  return spent.count() / pairs;
}

double allocate_ns(const contestant& c, int count) {
  void* memory[8];
  std::size_t sizes[8], bytes = 0;
  std::chrono::duration<double, std::nano> spent{};
  for (int i = 0; i < count / 8; ++i) {
    for (std::size_t& n : sizes) n = next_size(bytes);
    const auto start = std::chrono::steady_clock::now();
    for (int at = 0; at < 8; ++at) memory[at] = c.allocate(sizes[at]);
    spent += std::chrono::steady_clock::now() - start;
    for (int at = 0; at < 8; ++at) c.deallocate(memory[at], sizes[at]);
  }
  return spent.count() / (count / 8 * 8);
}

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

}  // namespace

int main() {
  weft::runtime& cuda = weft::cuda_backend::runtime();
  weft::pool_resource pool(weft::cuda);
  weft::stream own(weft::cuda);
  cudaStream_t made{};
  BENCH_CHECK(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
  const weft::stream_ref borrowed{&cuda, made, own.device()};

  cudaMemPool_t vendor_pool{};
  BENCH_CHECK(cudaDeviceGetDefaultMemPool(&vendor_pool, own.device()));
  unsigned long long keep = ~0ull;
  BENCH_CHECK(cudaMemPoolSetAttribute(vendor_pool, cudaMemPoolAttrReleaseThreshold, &keep));

  std::vector<contestant> all;
  const auto from_pool = [&](const char* name, weft::stream_ref s) {
    all.push_back({name, static_cast<cudaStream_t>(s.handle),
                   [&pool, s](std::size_t n) { return pool.allocate(n, 256, s); },
                   [&pool, s](void* p, std::size_t n) { pool.deallocate(p, n, 256, s); }});
  };
  from_pool("weft pool, own stream", own);
  from_pool("weft pool, borrowed stream", borrowed);
  all.push_back({"cudaMallocAsync", made,
                 [made](std::size_t n) {
                   void* p = nullptr;
                   BENCH_CHECK(cudaMallocAsync(&p, n, made));
                   return p;
                 },
                 [made](void* p, std::size_t) { BENCH_CHECK(cudaFreeAsync(p, made)); }});
  all.push_back({"cudaMalloc", made,
                 [](std::size_t n) {
                   void* p = nullptr;
                   BENCH_CHECK(cudaMalloc(&p, n));
                   return p;
                 },
                 [](void* p, std::size_t) { BENCH_CHECK(cudaFree(p)); }});
#ifdef WEFT_BENCH_RMM
  rmm::mr::cuda_memory_resource upstream;
  rmm::mr::pool_memory_resource<rmm::mr::cuda_memory_resource> rmm_pool(&upstream, std::size_t{64} << 20);
  // RMM has turned its arguments around over the years.
  all.push_back({"RMM pool", made,
                 [&rmm_pool, made](std::size_t n) {
                   return [&](auto& from) -> void* {
                     if constexpr (requires { from.allocate_async(n, rmm::cuda_stream_view(made)); })
                       return from.allocate_async(n, rmm::cuda_stream_view(made));
                     else
                       return from.allocate(rmm::cuda_stream_view(made), n);
                   }(rmm_pool);
                 },
                 [&rmm_pool, made](void* p, std::size_t n) {
                   [&](auto& to) {
                     if constexpr (requires { to.deallocate_async(p, n, rmm::cuda_stream_view(made)); })
                       to.deallocate_async(p, n, rmm::cuda_stream_view(made));
                     else
                       to.deallocate(rmm::cuda_stream_view(made), p, n);
                   }(rmm_pool);
                 }});
#endif

  for (int round = 0; round < 7; ++round)
    for (contestant& c : all) {
      const int pairs = c.name == "cudaMalloc" ? 200 : 20000;
      const double idle = pair_ns(c, pairs, false), busy = pair_ns(c, pairs, true), alone = allocate_ns(c, pairs);
      if (round == 0) continue;  // warms up
      c.idle.push_back(idle), c.busy.push_back(busy), c.allocate_only.push_back(alone);
    }
  std::printf("%-28s %12s %12s %12s   ns on the host\n", "", "pair, idle", "pair, busy", "allocate");
  for (const contestant& c : all)
    std::printf("%-28s %12.0f %12.0f %12.0f\n", c.name.c_str(), median(c.idle), median(c.busy),
                median(c.allocate_only));
  BENCH_CHECK(cudaStreamDestroy(made));
}
