// Set operations of two sorted halves that share half of their elements, against Thrust, whose calls allocate and wait:
// so does weft's, the pool being warm. Arguments: exponents of the sizes (of both together), names of the operations.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/set_operations.hpp>
#include <weft/stream.hpp>

#include <thrust/device_ptr.h>
#include <thrust/set_operations.h>
#include <thrust/system/cuda/execution_policy.h>
#include <set>

using bench::device_array;
using u32 = std::uint32_t;

/// Sorted; every second element is the same for all seeds, the others lie between them.
struct make_shared {
  std::uint64_t seed;
  __host__ __device__ u32 operator()(std::int64_t i) const {
    return static_cast<u32>(8 * i + (i % 2 ? static_cast<std::int64_t>(1 + bench::hash(seed + i) % 7) : 0));
  }
};

template <class Ours, class Theirs>
void compare(const char* verb, std::int64_t n, Ours ours, Theirs theirs) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  const std::int64_t half = n / 2;
  device_array<u32> a(half), b(half), out(n), peer_out(n);
  bench::generate(a.p, half, make_shared{1});
  bench::generate(b.p, half, make_shared{99});
  BENCH_CHECK(cudaDeviceSynchronize());
  const u32 *x = a.p, *y = b.p;
  std::int64_t kept = 0, peer_kept = 0;
  double ms = 0, peer_ms = 0;
  bench::measure(
      native, ms, peer_ms, [&] { kept = ours(policy, x, x + half, y, y + half, out.p) - out.p; },
      [&] { peer_kept = theirs(thrust::cuda::par.on(native), x, x + half, y, y + half, peer_out.p) - peer_out.p; });
  BENCH_CHECK(cudaDeviceSynchronize());
  bench::row(verb, "u32", "half", n, ms, peer_ms, (kept != peer_kept) + bench::differ(out.p, peer_out.p, kept));
}

int main(int argc, char** argv) {
  std::set<std::string> words;
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  auto wanted = [&](const char* w) { return words.empty() || words.count(w); };
  bench::header();
  for (const std::int64_t n : sizes) {
    if (wanted("union"))
      compare(
          "union", n, [](auto... x) { return weft::set_union(x...); },
          [](auto... x) { return thrust::set_union(x...); });
    if (wanted("intersection"))
      compare(
          "intersect", n, [](auto... x) { return weft::set_intersection(x...); },
          [](auto... x) { return thrust::set_intersection(x...); });
    if (wanted("difference"))
      compare(
          "difference", n, [](auto... x) { return weft::set_difference(x...); },
          [](auto... x) { return thrust::set_difference(x...); });
  }
}
