// Ten algorithms on 2^14 elements, one after the other: called one by one, replayed as a recorded graph, and the same
// ten by Thrust (par_nosync, which waits only where a value is returned). Microseconds of the caller's clock from an
// idle stream to a done one, medians in turns; "queued" is what the caller pays before the wait. Results are compared.
// Arguments: exponents of the sizes; 14 by default.
#include "common.hpp"

#include <weft/adjacent.hpp>
#include <weft/copy.hpp>
#include <weft/cuda.hpp>
#include <weft/fill.hpp>
#include <weft/graph.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/select.hpp>
#include <weft/stream.hpp>
#include <weft/transform.hpp>

#include <thrust/adjacent_difference.h>
#include <thrust/copy.h>
#include <thrust/device_ptr.h>
#include <thrust/execution_policy.h>
#include <thrust/fill.h>
#include <thrust/reduce.h>
#include <thrust/reverse.h>
#include <thrust/scan.h>
#include <thrust/transform.h>

#include <chrono>
#include <functional>

using bench::device_array;
using u32 = std::uint32_t;

namespace {

struct square {
  __host__ __device__ u32 operator()(u32 x) const { return x * x; }
};
struct halve {
  __host__ __device__ u32 operator()(u32 x) const { return x >> 1; }
};
struct is_even {
  __host__ __device__ bool operator()(u32 x) const { return (x & 1) == 0; }
};
struct make_key {
  __host__ __device__ u32 operator()(std::int64_t i) const { return static_cast<u32>(bench::hash(i)); }
};

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct arrays {
  explicit arrays(std::int64_t n) : a(n), b(n), sums(2), count(1) {}
  device_array<u32> a, b, sums;
  device_array<std::int64_t> count;
};

template <class P>
void by_weft(const P& on, const u32* in, std::int64_t n, arrays& m) {
  u32 *a = m.a.p, *b = m.b.p;
  weft::transform(on, in, in + n, a, square{});
  weft::inclusive_scan(on, a, a + n, b);
  weft::transform(on, b, b + n, a, halve{});
  weft::reduce_into(on, a, a + n, m.sums.p, 0u);
  weft::adjacent_difference(on, a, a + n, b);
  weft::exclusive_scan(on, b, b + n, a, 7u);
  weft::fill(on, b, b + n, 1u);
  weft::copy_if_into(on, a, a + n, b, m.count.p, is_even{});
  weft::reverse(on, b, b + n);
  weft::reduce_into(on, b, b + n, m.sums.p + 1, 0u);
}

template <class P>
void by_thrust(const P& on, const u32* in, std::int64_t n, arrays& m, u32* sums) {
  const thrust::device_ptr<const u32> x(in);
  const thrust::device_ptr<u32> a(m.a.p), b(m.b.p);
  thrust::transform(on, x, x + n, a, square{});
  thrust::inclusive_scan(on, a, a + n, b);
  thrust::transform(on, b, b + n, a, halve{});
  sums[0] = thrust::reduce(on, a, a + n, 0u);
  thrust::adjacent_difference(on, a, a + n, b);
  thrust::exclusive_scan(on, b, b + n, a, 7u);
  thrust::fill(on, b, b + n, 1u);
  thrust::copy_if(on, a, a + n, b, is_even{});
  thrust::reverse(on, b, b + n);
  sums[1] = thrust::reduce(on, b, b + n, 0u);
}

void compare(std::int64_t n) {
  weft::stream stream{weft::cuda};
  const auto s = static_cast<cudaStream_t>(stream.handle());
  const auto gpu = weft::cuda.on(stream);
  const auto peer = thrust::cuda::par_nosync.on(s);
  device_array<u32> in(n);
  arrays ours(n), replayed(n), theirs(n);
  bench::generate(in.p, n, make_key{}, s);
  u32 peer_sums[2] = {};

  by_weft(gpu, in.p, n, ours);
  const double start = now_us();
  const weft::graph graph = weft::capture(stream, [&] { by_weft(gpu, in.p, n, replayed); });
  graph.upload(stream);
  BENCH_CHECK(cudaStreamSynchronize(s));
  const double recording = now_us() - start;

  struct way {
    const char* name;
    std::function<void()> call;
    std::vector<double> queued, whole;
  } ways[] = {{"weft, ten calls", [&] { by_weft(gpu, in.p, n, ours); }, {}, {}},
              {"weft, one graph", [&] { graph.launch(stream); }, {}, {}},
              {"thrust, ten calls", [&] { by_thrust(peer, in.p, n, theirs, peer_sums); }, {}, {}}};
  for (int i = -5; i < 300; ++i)
    for (way& w : ways) {
      BENCH_CHECK(cudaStreamSynchronize(s));
      const double from = now_us();
      w.call();
      const double returned = now_us();
      BENCH_CHECK(cudaStreamSynchronize(s));
      const double done = now_us();
      if (i >= 0) w.queued.push_back(returned - from), w.whole.push_back(done - from);
    }
  unsigned long long wrong = bench::differ(ours.b.p, theirs.b.p, n) + bench::differ(replayed.b.p, theirs.b.p, n);
  for (const arrays* m : {&ours, &replayed}) {
    u32 got[2];
    BENCH_CHECK(cudaMemcpy(got, m->sums.p, sizeof got, cudaMemcpyDeviceToHost));
    wrong += (got[0] != peer_sums[0]) + (got[1] != peer_sums[1]);
  }
  const double slowest = bench::median(ways[2].whole);
  for (way& w : ways)
    std::printf("%-20s %9lld %10.2f %10.2f %12.2f %6llu\n", w.name, static_cast<long long>(n), bench::median(w.queued),
                bench::median(w.whole), slowest / bench::median(w.whole), wrong);
  const weft::graph_facts facts = graph.facts();
  std::printf("  the graph: %zu kernels, %zu other nodes, %zu bytes; recorded in %.0f µs\n", facts.kernels,
              facts.nodes - facts.kernels, facts.memory_bytes, recording);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::int64_t{1} << std::atoi(argv[i]));
  if (sizes.empty()) sizes = {1 << 14};
  std::printf("%-20s %9s %10s %10s %12s %6s\n", "ten algorithms, µs", "n", "queued", "whole", "of thrust's", "wrong");
  for (const std::int64_t n : sizes) compare(n);
}
