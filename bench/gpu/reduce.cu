// Sums and minima against cub::DeviceReduce, and the fixed shape against its specification on the CPU. Arguments:
// exponents of the sizes, names of the types; all by default.
#include "common.hpp"

#include "../../test/fixed_shape.hpp"

#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/stream.hpp>

#include <cub/device/device_reduce.cuh>
#include <set>

using bench::device_array;

template <class E>
struct make_item {
  __host__ __device__ E operator()(std::int64_t i) const {
    const std::uint64_t bits = bench::hash(i);
    if constexpr (std::is_floating_point_v<E>)
      return static_cast<E>(static_cast<double>(bits >> 11) * 0x1p-53 - 0.5);
    else
      return static_cast<E>(bits);
  }
};

template <class E, class T>
void compare(const char* type, std::int64_t n) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  device_array<E> in(n);
  device_array<T> out(1), peer_out(1);
  bench::generate(in.p, n, make_item<E>{});
  std::size_t bytes = 0;
  cub::DeviceReduce::Reduce(nullptr, bytes, in.p, peer_out.p, n, cuda::std::plus<T>{}, T(0));
  device_array<char> storage(bytes);
  BENCH_CHECK(cudaDeviceSynchronize());

  double ours = 0, theirs = 0;
  bench::measure(
      native, ours, theirs,
      [&] { weft::gpu::reduce_into(policy, static_cast<const E*>(in.p), n, out.p, T(0), weft::plus{}); },
      [&] { cub::DeviceReduce::Reduce(storage.p, bytes, in.p, peer_out.p, n, cuda::std::plus<T>{}, T(0), native); });
  BENCH_CHECK(cudaDeviceSynchronize());

  unsigned long long wrong = 0;
  if (n <= (1 << 24)) {
    std::vector<T> values(n);
    for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<T>(make_item<E>{}(i));
    const T want = fixed_shape::reduce(values, T(0), weft::plus{});
    T got;
    BENCH_CHECK(cudaMemcpy(&got, out.p, sizeof(T), cudaMemcpyDeviceToHost));
    wrong = std::memcmp(&got, &want, sizeof(T)) != 0;  // bit for bit
  }
  bench::row("reduce", type, "sum", n, ours, theirs, wrong);
}

int main(int argc, char** argv) {
  std::set<std::string> words;
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  auto wanted = [&](const char* w) { return words.empty() || words.count(w); };
  bench::header();
  for (const std::int64_t n : sizes) {
    if (wanted("f32")) compare<float, float>("f32", n);
    if (wanted("u32")) compare<std::uint32_t, std::uint32_t>("u32", n);
    if (wanted("f64")) compare<double, double>("f64", n);
    if (wanted("u64")) compare<std::uint64_t, std::uint64_t>("u64", n);
    if (wanted("u8")) compare<std::uint8_t, std::uint32_t>("u8", n);
  }
}
