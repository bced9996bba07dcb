// Merge of two sorted halves against cub::DeviceMerge. Arguments: exponents of the sizes (of both together), types.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/gpu/merge.hpp>
#include <weft/stream.hpp>

#include <cub/device/device_merge.cuh>
#include <set>

using bench::device_array;

/// Sorted, with about uniform gaps: item i lies in [i, i + 1) of n parts of the range of T.
template <class T>
struct make_sorted {
  std::int64_t n;
  std::uint64_t seed;
  __host__ __device__ T operator()(std::int64_t i) const {
    const double at = (double(i) + double(bench::hash(seed + i) >> 11) * 0x1p-53) / double(n);
    return static_cast<T>(at * (sizeof(T) == 8 ? 0x1p63 : 0x1p31));
  }
};

template <class T>
void compare(const char* type, std::int64_t n, double share) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  const std::int64_t na = static_cast<std::int64_t>(double(n) * share), nb = n - na;
  device_array<T> a(na), b(nb), out(n), peer_out(n);
  bench::generate(a.p, na, make_sorted<T>{na, 1});
  bench::generate(b.p, nb, make_sorted<T>{nb, 99});
  std::size_t bytes = 0;
  auto theirs = [&](void* storage) {
    cub::DeviceMerge::MergeKeys(storage, bytes, a.p, na, b.p, nb, peer_out.p, weft::less{}, native);
  };
  theirs(nullptr);
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());

  double ms = 0, peer_ms = 0;
  bench::measure(
      native, ms, peer_ms,
      [&] {
        weft::gpu::merge(policy, static_cast<const T*>(a.p), weft::none{}, na, static_cast<const T*>(b.p), weft::none{},
                         nb, out.p, weft::none{}, weft::less{});
      },
      [&] { theirs(storage.p); });
  BENCH_CHECK(cudaDeviceSynchronize());
  bench::row("merge", type, share == 0.5 ? "halves" : "9 to 1", n, ms, peer_ms, bench::differ(out.p, peer_out.p, n));
}

int main(int argc, char** argv) {
  std::set<std::string> words;
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  auto wanted = [&](const char* w) { return words.empty() || words.count(w); };
  bench::header();
  for (const std::int64_t n : sizes)
    for (double share : {0.5, 0.9}) {
      if (wanted("u32")) compare<std::uint32_t>("u32", n, share);
      if (wanted("u64")) compare<std::uint64_t>("u64", n, share);
      if (wanted("f32")) compare<float>("f32", n, share);
    }
}
