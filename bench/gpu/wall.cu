// What a whole call costs the caller's clock, warmed up, on a stream that is idle when it starts: weft against the same
// Thrust call. Thrust's calls wait at their end, so each of weft's that does not is waited for as well; the column
// "queued" is what its caller pays with `.on(stream)` before going on. Medians of many calls, in turns; results are
// compared. The table ends with what is under every call: an empty kernel and a wait. Arguments: exponents of the
// sizes; 10 16 20 by default.
#include "common.hpp"

#include <weft/buffer.hpp>
#include <weft/cuda.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/select.hpp>
#include <weft/sort.hpp>
#include <weft/stream.hpp>

#include <thrust/copy.h>
#include <thrust/device_ptr.h>
#include <thrust/execution_policy.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>

#include <chrono>

using bench::device_array;
using u32 = std::uint32_t;

namespace {

struct is_even {
  __host__ __device__ bool operator()(u32 x) const { return (x & 1) == 0; }
};
struct make_key {
  __host__ __device__ u32 operator()(std::int64_t i) const { return static_cast<u32>(bench::hash(i)); }
};
__global__ void nothing() {}

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct times {
  double queued, whole;
};

/// Medians of what f costs until it returns, and until the stream is done (the same where f waits by itself).
template <class Prepare, class F>
times call(cudaStream_t s, int rounds, bool waits, Prepare prepare, F f) {
  std::vector<double> queued, whole;
  for (int i = -3; i < rounds; ++i) {
    prepare();
    BENCH_CHECK(cudaStreamSynchronize(s));
    const double start = now_us();
    f();
    const double returned = now_us();
    if (!waits) BENCH_CHECK(cudaStreamSynchronize(s));
    const double done = now_us();
    if (i >= 0) queued.push_back(returned - start), whole.push_back(done - start);
  }
  return {bench::median(queued), bench::median(whole)};
}

template <class Prepare, class F, class G>
void row(const char* name, std::int64_t n, cudaStream_t s, bool waits, Prepare prepare, F weft_call, G peer_call,
         unsigned long long wrong_now, const std::vector<std::pair<const u32*, const u32*>>& outputs) {
  std::vector<double> queued, ours, theirs;
  for (int turn = 0; turn < 5; ++turn) {
    const times w = call(s, 60, waits, prepare, weft_call), p = call(s, 60, true, prepare, peer_call);
    queued.push_back(w.queued), ours.push_back(w.whole), theirs.push_back(p.whole);
  }
  prepare(), weft_call();
  BENCH_CHECK(cudaStreamSynchronize(s));
  for (const auto& [a, b] : outputs) wrong_now += bench::differ(a, b, n);
  const double w = bench::median(ours), p = bench::median(theirs);
  std::printf("%-22s %9lld %10.2f %10.2f %10.2f %7.2f %6llu\n", name, static_cast<long long>(n), bench::median(queued),
              w, p, p / w, wrong_now);
  std::fflush(stdout);
}

void compare(std::int64_t n) {
  weft::stream stream{weft::cuda};
  const auto s = static_cast<cudaStream_t>(stream.handle());
  const auto gpu = weft::cuda.on(stream);
  const auto peer = thrust::cuda::par.on(s);
  device_array<u32> in(n), out(n), peer_out(n), result(1);
  device_array<std::int64_t> count(1);
  bench::generate(in.p, n, make_key{}, s);
  u32 *x = in.p, *y = out.p, *z = peer_out.p;
  const thrust::device_ptr<u32> px(x), pz(z);
  auto none = [] {};
  auto clear = [&] {
    BENCH_CHECK(cudaMemsetAsync(y, 0, n * sizeof(u32), s));
    BENCH_CHECK(cudaMemsetAsync(z, 0, n * sizeof(u32), s));
  };
  BENCH_CHECK(cudaDeviceSynchronize());

  u32 a = 0, b = 0;
  auto sum = [&] { a = weft::reduce(gpu, x, x + n, 0u); };
  auto peer_sum = [&] { b = thrust::reduce(peer, px, px + n, 0u); };
  sum(), peer_sum();
  row("reduce", n, s, true, none, sum, peer_sum, a != b, {});
  row("reduce_into", n, s, false, none, [&] { weft::reduce_into(gpu, x, x + n, result.p, 0u); }, peer_sum, 0, {});

  thrust::inclusive_scan(peer, px, px + n, pz);
  row(
      "inclusive_scan", n, s, false, none, [&] { weft::inclusive_scan(gpu, x, x + n, y); },
      [&] { thrust::inclusive_scan(peer, px, px + n, pz); }, 0, {{y, z}});

  clear();
  std::int64_t kept = 0, peer_kept = 0;
  auto keep = [&] { kept = weft::copy_if(gpu, x, x + n, y, is_even{}) - y; };
  auto peer_keep = [&] { peer_kept = thrust::copy_if(peer, px, px + n, pz, is_even{}) - pz; };
  keep(), peer_keep();
  row("copy_if", n, s, true, none, keep, peer_keep, kept != peer_kept, {{y, z}});
  row("copy_if_into", n, s, false, none, [&] { weft::copy_if_into(gpu, x, x + n, y, count.p, is_even{}); }, peer_keep,
      0, {{y, z}});

  auto unsorted = [&] {
    BENCH_CHECK(cudaMemcpyAsync(y, x, n * sizeof(u32), cudaMemcpyDeviceToDevice, s));
    BENCH_CHECK(cudaMemcpyAsync(z, x, n * sizeof(u32), cudaMemcpyDeviceToDevice, s));
  };
  unsorted(), thrust::sort(peer, pz, pz + n);
  const device_array<u32> sorted(n);
  BENCH_CHECK(cudaMemcpy(sorted.p, z, n * sizeof(u32), cudaMemcpyDeviceToDevice));
  row(
      "sort", n, s, false, unsorted, [&] { weft::sort(gpu, y, y + n); }, [&] { thrust::sort(peer, pz, pz + n); }, 0,
      {{y, sorted.p}});
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::int64_t{1} << std::atoi(argv[i]));
  if (sizes.empty()) sizes = {1 << 10, 1 << 16, 1 << 20};
  std::printf("%-22s %9s %10s %10s %10s %7s %6s\n", "whole call, µs", "n", "queued", "weft", "thrust", "ratio",
              "wrong");
  for (const std::int64_t n : sizes) compare(n);
  weft::stream stream{weft::cuda};
  const auto s = static_cast<cudaStream_t>(stream.handle());
  auto none = [] {};
  const times t = call(s, 500, false, none, [&] { nothing<<<1, 32, 0, s>>>(); });
  std::printf("%-22s %9d %10.2f %10.2f\n", "an empty kernel", 0, t.queued, t.whole);

  // What a call asks of the run time besides its launch.
  weft::runtime& runtime = weft::cuda_runtime();
  const auto gpu = weft::cuda.on(stream);
  weft::buffer<u32> memory(gpu, 1024);
  auto cost = [&](const char* what, auto f) {
    constexpr int rounds = 100000;
    double start = 0;
    for (int i = -1000; i < rounds; ++i) {
      if (i == 0) start = now_us();
      f();
    }
    std::printf("%-32s %8.1f ns\n", what, (now_us() - start) * 1000 / rounds);
  };
  const weft::stream_ref own = stream;
  cost("cudaGetDevice", [] {
    int d;
    cudaGetDevice(&d);
  });
  cost("policy.stream(), default", [] { (void)weft::cuda.stream(); });
  cost("policy.resource()", [&] { (void)gpu.resource(); });
  cost("stream_id", [&] { (void)runtime.stream_id(own); });
  cost("capturing", [&] { (void)runtime.capturing(own); });
  cost("accessible", [&] { (void)runtime.accessible(memory.data(), 0); });
  cost("temporary of 4096 bytes", [&] { weft::temporary<char> t(gpu, 4096); });
}
