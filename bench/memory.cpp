// What temporary storage costs on the host: the caching pool, in the order of a stream of weft's own, of one it knows
// nothing of, and of the default stream, beside malloc, std::pmr's thread-safe pool and oneTBB's scalable allocator. In
// the rows "pair" memory is not touched, sixteen sizes take turns and a block lives until eight others have been made;
// the rows "scratch" touch every page, as a scratch array is. The pool is not for small things on CPUs (malloc is as
// fast); it is there so that large scratch arrays do not pay for fresh pages.
#include <weft/host_runtime.hpp>
#include <weft/memory/pool.hpp>
#include <weft/stream.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory_resource>
#if __has_include(<oneapi/tbb/scalable_allocator.h>) && defined(WEFT_BENCH_TBB_MALLOC)
#include <oneapi/tbb/scalable_allocator.h>
#endif

namespace {

/// The contestants: made once for each thread of a row, over what the threads share.
struct pool_default {
  void* allocate(std::size_t bytes) { return resource.allocate(bytes, 16, stream); }
  void deallocate(void* memory, std::size_t bytes) { resource.deallocate(memory, bytes, 16, stream); }
  weft::memory_resource& resource = weft::default_resource(weft::host_runtime(), 0);
  weft::stream_ref stream = weft::host_runtime().default_stream();
};
struct pool_owned : pool_default {
  pool_owned() { stream = own; }
  weft::stream own{weft::host_runtime(), 0};
};
struct pool_borrowed : pool_default {
  pool_borrowed() { stream.handle = weft::host_runtime().stream_create(0, {}); }
  ~pool_borrowed() { weft::host_runtime().stream_destroy(stream.handle); }
};
struct by_malloc {
  void* allocate(std::size_t bytes) { return std::malloc(bytes); }
  void deallocate(void* memory, std::size_t) { std::free(memory); }
};
struct by_pmr {
  void* allocate(std::size_t bytes) { return shared().allocate(bytes, 16); }
  void deallocate(void* memory, std::size_t bytes) { shared().deallocate(memory, bytes, 16); }
  static std::pmr::memory_resource& shared() {
    static std::pmr::synchronized_pool_resource pool;
    return pool;
  }
};
#if __has_include(<oneapi/tbb/scalable_allocator.h>) && defined(WEFT_BENCH_TBB_MALLOC)
struct by_tbb {
  void* allocate(std::size_t bytes) { return scalable_malloc(bytes); }
  void deallocate(void* memory, std::size_t) { scalable_free(memory); }
};
#endif

template <class Allocator>
void pair(benchmark::State& state) {
  Allocator a;
  struct held {
    void* memory = nullptr;
    std::size_t bytes = 0;
  } ring[8];
  std::size_t bytes = 0, at = 0;
  for (auto _ : state) {
    bytes = (bytes + 7919) % 65536;
    held& h = ring[at++ % 8];
    if (h.memory != nullptr) a.deallocate(h.memory, h.bytes);
    void* const made = a.allocate(256 + bytes / 4096 * 4096);
    benchmark::DoNotOptimize(made);  // a constant: for what may change, g++ 12 loses the value (google/benchmark#1340)
    h = {made, 256 + bytes / 4096 * 4096};
  }
  for (held& h : ring)
    if (h.memory != nullptr) a.deallocate(h.memory, h.bytes);
}

template <class Allocator>
void scratch(benchmark::State& state) {
  Allocator a;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* memory = a.allocate(bytes);
    for (std::size_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(memory)[i] = 1;
    a.deallocate(memory, bytes);
  }
}

template <class Allocator>
void rows(const std::string& name) {
  benchmark::RegisterBenchmark(("memory/pair/" + name).c_str(), pair<Allocator>)->ThreadRange(1, 2);
  benchmark::RegisterBenchmark(("memory/scratch/" + name).c_str(), scratch<Allocator>)
      ->RangeMultiplier(256)
      ->Range(4096, 256 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  rows<pool_owned>("weft pool, own stream");
  rows<pool_borrowed>("weft pool, borrowed stream");
  rows<pool_default>("weft pool, default stream");
  rows<by_malloc>("malloc");
  rows<by_pmr>("std::pmr synchronized pool");
#if __has_include(<oneapi/tbb/scalable_allocator.h>) && defined(WEFT_BENCH_TBB_MALLOC)
  rows<by_tbb>("tbb scalable");
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
