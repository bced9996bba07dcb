// copy_if, partition and unique against cub::DeviceSelect and DevicePartition. Arguments: exponents of the sizes, names
// of the types and of the verbs (copy_if, partition, unique), "kept" for other shares than a half; all but the last by
// default.
#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/gpu/select.hpp>
#include <weft/stream.hpp>

#include <cub/device/device_partition.cuh>
#include <cub/device/device_select.cuh>
#include <set>

using bench::device_array;

/// Elements are 100 * hash + share: those whose share is below `percent` are kept.
struct below {
  int percent;
  template <class T>
  __host__ __device__ bool operator()(T x) const {
    return x % T(100) < T(percent);
  }
};
template <class T>
struct make_item {
  __host__ __device__ T operator()(std::int64_t i) const {
    const std::uint64_t h = bench::hash(i);
    return static_cast<T>(sizeof(T) == 1 ? h % 200 : h);
  }
};
template <class T>
struct make_run {
  int length;
  __host__ __device__ T operator()(std::int64_t i) const { return static_cast<T>(bench::hash(i / length)); }
};

static std::set<std::string> words;
static bool wanted(const char* w) { return words.empty() || words.count(w); }

template <class T, class F, class G>
void compare(const char* verb, const char* type, const char* input, std::int64_t n, const T* in, F ours, G theirs,
             bool both) {
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  device_array<T> out(n), rejected(n), peer_out(n);
  device_array<std::int64_t> count(2);
  BENCH_CHECK(cudaMemset(count.p, 0, 16));
  std::size_t bytes = 0;
  theirs(nullptr, bytes, in, peer_out.p, count.p + 1, native);
  device_array<char> storage(bytes);
  const auto policy = weft::cuda.on(stream.ref());
  BENCH_CHECK(cudaDeviceSynchronize());
  double a = 0, b = 0;
  bench::measure(
      native, a, b, [&] { ours(policy, in, out.p, rejected.p, count.p); },
      [&] { theirs(storage.p, bytes, in, peer_out.p, count.p + 1, native); });
  BENCH_CHECK(cudaDeviceSynchronize());
  std::int64_t found[2];
  BENCH_CHECK(cudaMemcpy(found, count.p, 16, cudaMemcpyDeviceToHost));
  unsigned long long wrong = found[0] != found[1];
  wrong += bench::differ(out.p, peer_out.p, found[1]);
  if (both) {  // CUB writes the rejected elements behind the selected ones, last first
    std::vector<T> x(n - found[0]), y(n - found[0]);
    BENCH_CHECK(cudaMemcpy(x.data(), rejected.p, x.size() * sizeof(T), cudaMemcpyDeviceToHost));
    BENCH_CHECK(cudaMemcpy(y.data(), peer_out.p + found[1], y.size() * sizeof(T), cudaMemcpyDeviceToHost));
    for (std::size_t i = 0; i < x.size(); ++i) wrong += x[i] != y[y.size() - 1 - i];
  }
  bench::row(verb, type, input, n, a, b, wrong);
}

template <class T>
void all(const char* type, std::int64_t n) {
  if (!wanted(type)) return;
  device_array<T> in(n);
  const bool shares = words.count("kept");
  const int percents[] = {50, 0, 1, 99, 100};
  for (int percent : percents) {
    if (percent != 50 && !shares) continue;
    bench::generate(in.p, n, make_item<T>{});
    const below keep{percent};
    const std::string input = std::to_string(percent) + "%";
    if (wanted("copy_if"))
      compare<T>(
          "copy_if", type, input.c_str(), n, in.p,
          [=](const auto& p, const T* i, T* o, T*, std::int64_t* c) {
            weft::gpu::select_into(p, i, n, o, weft::none{}, c, weft::flag_if<below>{keep});
          },
          [=](void* s, std::size_t& b, const T* i, T* o, std::int64_t* c, cudaStream_t st) {
            BENCH_CHECK(cub::DeviceSelect::If(s, b, i, o, c, n, keep, st));
          },
          false);
    if (wanted("partition"))
      compare<T>(
          "partition", type, input.c_str(), n, in.p,
          [=](const auto& p, const T* i, T* o, T* r, std::int64_t* c) {
            weft::gpu::select_into(p, i, n, o, r, c, weft::flag_if<below>{keep});
          },
          [=](void* s, std::size_t& b, const T* i, T* o, std::int64_t* c, cudaStream_t st) {
            BENCH_CHECK(cub::DevicePartition::If(s, b, i, o, c, n, keep, st));
          },
          true);
  }
  if constexpr (sizeof(T) == 4)
    if (wanted("unique"))
      for (int length : {8, 1, 1024, 1 << 30}) {
        if (length != 8 && !shares) continue;
        bench::generate(in.p, n, make_run<T>{length});
        compare<T>(
            "unique", type, std::to_string(length).c_str(), n, in.p,
            [=](const auto& p, const T* i, T* o, T*, std::int64_t* c) {
              weft::gpu::select_into(p, i, n, o, weft::none{}, c, weft::flag_first<weft::equal_to>{});
            },
            [=](void* s, std::size_t& b, const T* i, T* o, std::int64_t* c, cudaStream_t st) {
              BENCH_CHECK(cub::DeviceSelect::Unique(s, b, i, o, c, n, st));
            },
            false);
      }
}

int main(int argc, char** argv) {
  const auto sizes = bench::sizes(argc, argv, [&](const char* w) { words.insert(w); });
  // Naming only verbs means all types, and the other way round.
  const char* types[] = {"u32", "u64", "u8"};
  const char* verbs[] = {"copy_if", "partition", "unique"};
  auto any = [&](auto& list) {
    return std::any_of(std::begin(list), std::end(list), [](const char* w) { return words.count(w); });
  };
  if (!any(types)) words.insert(std::begin(types), std::end(types));
  if (!any(verbs)) words.insert(std::begin(verbs), std::end(verbs));
  bench::header();
  for (const std::int64_t n : sizes) {
    all<std::uint32_t>("u32", n);
    all<std::uint64_t>("u64", n);
    all<std::uint8_t>("u8", n);
  }
}
