// One case of a sort benchmark: inputs of many shapes, sorted in place by weft and out of place by a peer. A batch is
// back-to-back calls on different copies, so that nobody sorts what is sorted already; filling them is not timed.
#pragma once

#include "common.hpp"

#include <weft/cuda.hpp>
#include <weft/stream.hpp>

#include <set>

namespace bench {

enum class input { uniform, constant, few, sorted, reversed, zipf, low24 };
inline constexpr const char* input_names[] = {"uniform", "constant", "few", "sorted", "reversed", "zipf", "low24"};

template <class K>
struct make_key {
  input in;
  std::int64_t n;
  std::uint64_t seed;
  __host__ __device__ K operator()(std::int64_t i) const {
    const std::uint64_t h = hash(seed + static_cast<std::uint64_t>(i));
    constexpr bool floating = std::is_floating_point_v<K>, wide = floating || sizeof(K) == 8;
    switch (in) {
      case input::constant:
        return K(42);
      case input::few: {
        const std::uint64_t v = hash(h % 16 + 99);
        return floating ? K(double(v >> 11) * 0x1p-53 - 0.5) : K(v);
      }
      case input::sorted:
        return wide ? K(i) : K(double(i) / double(n) * 4294967295.0);
      case input::reversed:
        return wide ? K(n - i) : K(double(n - i) / double(n) * 4294967295.0);
      case input::zipf:
        return K(std::uint64_t(1.0 / ((double(h >> 11) + 1) * 0x1p-53)));
      case input::low24:
        return K(h & 0xffffff);
      default:
        return floating ? K(double(h >> 11) * 0x1p-53 - 0.5) : K(h);
    }
  }
};
struct make_index {
  __host__ __device__ std::uint64_t operator()(std::int64_t i) const { return static_cast<std::uint64_t>(i); }
};

/// ours(policy, keys, values, n) sorts in place; theirs(storage, bytes, keys, sorted, values, moved, n, stream) is a
/// call of CUB. V = weft::none: keys alone.
template <class K, class V, class Ours, class Theirs>
void sort_case(const char* verb, const char* type, input in, std::int64_t n, Ours ours, Theirs theirs) {
  constexpr bool pairs = !std::is_same_v<V, weft::none>;
  using value = std::conditional_t<pairs, V, char>;
  weft::stream stream{weft::cuda};
  const auto native = static_cast<cudaStream_t>(stream.ref().handle);
  const auto policy = weft::cuda.on(stream.ref());
  const int copies = n <= (1 << 20) ? 16 : n <= (1 << 24) ? 4 : 1;
  const std::size_t nv = pairs ? static_cast<std::size_t>(n) : 1;

  std::vector<device_array<K>> keys, source;
  std::vector<device_array<value>> values, source_values;
  for (int c = 0; c < copies; ++c) {
    keys.emplace_back(n), source.emplace_back(n), values.emplace_back(nv), source_values.emplace_back(nv);
    generate(source[c].p, n, make_key<K>{in, n, std::uint64_t(c) << 40});
    if (pairs) generate(source_values[c].p, n, make_index{});
  }
  BENCH_CHECK(cudaDeviceSynchronize());
  auto refill = [&] {
    for (int c = 0; c < copies; ++c) {
      BENCH_CHECK(cudaMemcpyAsync(keys[c].p, source[c].p, n * sizeof(K), cudaMemcpyDeviceToDevice, native));
      if (pairs)
        BENCH_CHECK(
            cudaMemcpyAsync(values[c].p, source_values[c].p, n * sizeof(value), cudaMemcpyDeviceToDevice, native));
    }
  };
  device_array<K> sorted(n);
  device_array<value> moved(nv);
  std::size_t bytes = 0;
  theirs(nullptr, bytes, source[0].p, sorted.p, source_values[0].p, moved.p, n, native);
  device_array<char> storage(bytes);
  auto call_ours = [&](int c) { ours(policy, keys[c].p, values[c].p, n); };
  auto call_theirs = [&](int c) {
    theirs(storage.p, bytes, source[c].p, sorted.p, source_values[c].p, moved.p, n, native);
  };

  refill(), call_ours(0), call_theirs(0);
  BENCH_CHECK(cudaStreamSynchronize(native));
  unsigned long long wrong = differ(keys[0].p, sorted.p, n);
  if (pairs) wrong += differ(values[0].p, moved.p, n);
  std::vector<double> a, b;
  for (int r = 0; r < 7; ++r) {
    a.push_back(batch_ms(native, copies, refill, call_ours));
    b.push_back(batch_ms(
        native, copies, [] {}, call_theirs));
  }
  row(verb, type, input_names[int(in)], n, median(a), median(b), wrong);
}

/// What the arguments ask for: sizes; "inputs" for every shape of input (from 2^24 on); types, all by default.
struct sort_request {
  std::vector<std::int64_t> sizes;
  std::set<std::string> words;
  bool inputs = false;
  sort_request(int argc, char** argv) {
    sizes = bench::sizes(argc, argv, [&](const char* w) {
      if (std::string(w) == "inputs")
        inputs = true;
      else
        words.insert(w);
    });
  }
  template <class F>
  void each(const char* type, F f) const {
    if (!words.empty() && !words.count(type)) return;
    for (const std::int64_t n : sizes) f(input::uniform, n);
    if (!inputs) return;
    for (const std::int64_t n : sizes)
      if (n >= (1 << 24))
        for (int in = 1; in < 7; ++in) f(static_cast<input>(in), n);
  }
};

}  // namespace bench
