// What temporary storage costs on the host: the caching pool against malloc, both touched like a scratch array is. The
// pool is not for small things on CPUs (malloc is as fast); it is there so that large scratch arrays do not pay for
// fresh pages.
#include <weft/buffer.hpp>
#include <weft/host_runtime.hpp>
#include <weft/memory/pool.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace {

weft::stream_ref here() { return weft::host_runtime().default_stream(); }

void touch(void* memory, std::int64_t bytes) {
  for (std::int64_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(memory)[i] = 1;
}

void pool(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  weft::memory_resource& resource = weft::default_resource(weft::host_runtime(), 0);
  for (auto _ : state) {
    void* memory = resource.allocate(bytes, 16, here());
    touch(memory, state.range(0));
    resource.deallocate(memory, bytes, 16, here());
  }
}

void malloc_free(benchmark::State& state) {
  for (auto _ : state) {
    void* memory = std::malloc(static_cast<std::size_t>(state.range(0)));
    touch(memory, state.range(0));
    std::free(memory);
  }
}

// Sixteen sizes in turn: the free lists are not always the same one.
void pool_mixed(benchmark::State& state) {
  weft::memory_resource& resource = weft::default_resource(weft::host_runtime(), 0);
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 256 + (bytes + 7919) % 65536;
    void* memory = resource.allocate(bytes, 16, here());
    benchmark::DoNotOptimize(memory);
    resource.deallocate(memory, bytes, 16, here());
  }
}

}  // namespace

BENCHMARK(pool)->Name("memory/host/pool")->RangeMultiplier(32)->Range(256, 256 << 20)->ThreadRange(1, 2);
BENCHMARK(malloc_free)->Name("memory/host/malloc")->RangeMultiplier(32)->Range(256, 256 << 20)->ThreadRange(1, 2);
BENCHMARK(pool_mixed)->Name("memory/host/pool_mixed");
BENCHMARK_MAIN();
