// The CPU backends beside the standard library: every verb x {seq, openmp, tbb, std, std_par} x sizes x types, in one
// run, so that ratios can be taken. Names are verb/backend/type/n. Sorts copy their input first, inside the timed part,
// on every backend alike (row copy/…  says what that costs).
//
//   bench_cpu --benchmark_filter='scan/.*/i32/1048576'
#include <benchmark/benchmark.h>

#include <weft/openmp.hpp>
#include <weft/seq.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <execution>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace {

using weft::offset;

/// What the standard library's algorithms are called with.
struct standard {};
struct standard_parallel {};

template <class T>
std::vector<T> random_values(offset n, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (auto& x : values) x = static_cast<T>(static_cast<std::int64_t>(random()) >> (sizeof(T) == 4 ? 33 : 1));
  return values;
}

/// Registers one row; Work{n} owns the data, work(where) does the call for a policy or a standard tag.
template <class Work, class Where>
void add_row(const char* verb, const char* backend, const char* type, offset n, Where where) {
  const std::string name = std::string(verb) + "/" + backend + "/" + type + "/" + std::to_string(n);
  benchmark::RegisterBenchmark(name.c_str(),
                               [n, where](benchmark::State& state) {
                                 Work work(n);
                                 for (auto _ : state) {
                                   work(where);
                                   benchmark::ClobberMemory();
                                 }
                                 state.SetItemsProcessed(state.iterations() * n);
                               })
      ->UseRealTime()
      ->MinTime(0.1);
}

template <class Work>
void add(const char* verb, const char* type) {
  for (const offset n : {offset{64}, offset{1} << 10, offset{1} << 16, offset{1} << 20, offset{1} << 24}) {
    add_row<Work>(verb, "std", type, n, standard{});
    if constexpr (requires(Work & work) { work(standard_parallel{}); })
      add_row<Work>(verb, "std_par", type, n, standard_parallel{});
    add_row<Work>(verb, "seq", type, n, weft::seq);
    add_row<Work>(verb, "openmp", type, n, weft::openmp);
    add_row<Work>(verb, "tbb", type, n, weft::tbb);
  }
}

/// in and out of n elements, the common case.
template <class T>
struct ranges {
  explicit ranges(offset n) : in(random_values<T>(n)), out(in.size()) {}
  std::vector<T> in, out;
};

template <class T>
struct reduce : ranges<T> {
  using ranges<T>::ranges;
  void operator()(standard) { benchmark::DoNotOptimize(std::reduce(this->in.begin(), this->in.end())); }
  void operator()(standard_parallel) {
    benchmark::DoNotOptimize(std::reduce(std::execution::par, this->in.begin(), this->in.end()));
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    benchmark::DoNotOptimize(weft::reduce(p, this->in.begin(), this->in.end()));
  }
};

template <class T>
struct min_element : ranges<T> {
  using ranges<T>::ranges;
  void operator()(standard) { benchmark::DoNotOptimize(std::min_element(this->in.begin(), this->in.end())); }
  void operator()(standard_parallel) {
    benchmark::DoNotOptimize(std::min_element(std::execution::par, this->in.begin(), this->in.end()));
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    benchmark::DoNotOptimize(weft::min_element(p, this->in.begin(), this->in.end()));
  }
};

template <class T>
struct scan : ranges<T> {
  using ranges<T>::ranges;
  void operator()(standard) { std::inclusive_scan(this->in.begin(), this->in.end(), this->out.begin()); }
  void operator()(standard_parallel) {
    std::inclusive_scan(std::execution::par, this->in.begin(), this->in.end(), this->out.begin());
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::inclusive_scan(p, this->in.begin(), this->in.end(), this->out.begin());
  }
};

template <class T>
struct transform : ranges<T> {
  using ranges<T>::ranges;
  static T function(T x) { return static_cast<T>(x * T(3) + T(1)); }
  static constexpr auto f = [](T x) { return function(x); };
  void operator()(standard) { std::transform(this->in.begin(), this->in.end(), this->out.begin(), f); }
  void operator()(standard_parallel) {
    std::transform(std::execution::par, this->in.begin(), this->in.end(), this->out.begin(), f);
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::transform(p, this->in.begin(), this->in.end(), this->out.begin(), f);
  }
};

template <class T>
struct copy_if : ranges<T> {
  using ranges<T>::ranges;
  static constexpr auto keep = [](T x) { return x > T(0); };
  void operator()(standard) { std::copy_if(this->in.begin(), this->in.end(), this->out.begin(), keep); }
  void operator()(standard_parallel) {
    std::copy_if(std::execution::par, this->in.begin(), this->in.end(), this->out.begin(), keep);
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::copy_if(p, this->in.begin(), this->in.end(), this->out.begin(), keep);
  }
};

template <class T>
struct unique_copy : ranges<T> {
  explicit unique_copy(offset n) : ranges<T>(n) {
    for (auto& x : this->in) x = x > T(0) ? T(1) : T(0);
  }
  void operator()(standard) { std::unique_copy(this->in.begin(), this->in.end(), this->out.begin()); }
  void operator()(standard_parallel) {
    std::unique_copy(std::execution::par, this->in.begin(), this->in.end(), this->out.begin());
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::unique_copy(p, this->in.begin(), this->in.end(), this->out.begin());
  }
};

template <class T>
struct copy : ranges<T> {
  using ranges<T>::ranges;
  void operator()(standard) { std::copy(this->in.begin(), this->in.end(), this->out.begin()); }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::copy(p, this->in.begin(), this->in.end(), this->out.begin());
  }
};

template <class T>
struct fill : ranges<T> {
  using ranges<T>::ranges;
  void operator()(standard) { std::fill(this->out.begin(), this->out.end(), T(3)); }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::fill(p, this->out.begin(), this->out.end(), T(3));
  }
};

template <class T>
struct sort : ranges<T> {
  using ranges<T>::ranges;
  void operator()(standard) {
    std::copy(this->in.begin(), this->in.end(), this->out.begin());
    std::sort(this->out.begin(), this->out.end());
  }
  void operator()(standard_parallel) {
    std::copy(this->in.begin(), this->in.end(), this->out.begin());
    std::sort(std::execution::par, this->out.begin(), this->out.end());
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    std::copy(this->in.begin(), this->in.end(), this->out.begin());
    weft::sort(p, this->out.begin(), this->out.end());
  }
};

template <class T>
struct stable_sort : ranges<T> {
  using ranges<T>::ranges;
  static constexpr auto order = [](T a, T b) { return a < b; };  // not recognised, so the merge sort runs
  void operator()(standard) {
    std::copy(this->in.begin(), this->in.end(), this->out.begin());
    std::stable_sort(this->out.begin(), this->out.end(), order);
  }
  void operator()(standard_parallel) {
    std::copy(this->in.begin(), this->in.end(), this->out.begin());
    std::stable_sort(std::execution::par, this->out.begin(), this->out.end(), order);
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    std::copy(this->in.begin(), this->in.end(), this->out.begin());
    weft::stable_sort(p, this->out.begin(), this->out.end(), order);
  }
};

template <class T>
struct merge : ranges<T> {
  explicit merge(offset n) : ranges<T>(n) {
    middle = n / 2;
    std::sort(this->in.begin(), this->in.begin() + middle);
    std::sort(this->in.begin() + middle, this->in.end());
  }
  offset middle;
  void operator()(standard) {
    const auto half = this->in.begin() + middle;
    std::merge(this->in.begin(), half, half, this->in.end(), this->out.begin());
  }
  void operator()(standard_parallel) {
    const auto half = this->in.begin() + middle;
    std::merge(std::execution::par, this->in.begin(), half, half, this->in.end(), this->out.begin());
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    const auto half = this->in.begin() + middle;
    weft::merge(p, this->in.begin(), half, half, this->in.end(), this->out.begin());
  }
};

struct histogram : ranges<std::uint32_t> {
  using ranges<std::uint32_t>::ranges;
  std::vector<std::uint32_t> counts = std::vector<std::uint32_t>(256);
  static constexpr auto bin = [](std::uint32_t x) { return static_cast<int>(x & 255); };
  void operator()(standard) {
    std::fill(counts.begin(), counts.end(), 0u);
    for (const auto x : in) ++counts[static_cast<std::size_t>(bin(x))];
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::histogram(p, in.begin(), in.end(), counts.begin(), 256, bin);
  }
};

/// Runs of 1 to 15 equal keys, 8 on average.
struct reduce_by_key : ranges<float> {
  explicit reduce_by_key(offset n) : ranges<float>(n) {
    std::mt19937 random(7);
    for (int key = 0; static_cast<offset>(keys.size()) < n; ++key) keys.insert(keys.end(), 1 + random() % 15, key);
    keys.resize(static_cast<std::size_t>(n));
    out_keys.resize(keys.size());
  }
  std::vector<int> keys, out_keys;
  void operator()(standard) {
    std::size_t run = 0;
    for (std::size_t i = 0; i < keys.size(); ++run) {
      float sum = in[i];
      const int key = keys[i];
      for (++i; i < keys.size() && keys[i] == key; ++i) sum += in[i];
      out_keys[run] = key;
      out[run] = sum;
    }
  }
  template <weft::execution_policy P>
  void operator()(P p) {
    weft::reduce_by_key(p, keys.begin(), keys.end(), in.begin(), out_keys.begin(), out.begin());
  }
};

const bool registered = [] {
  add<reduce<float>>("reduce", "f32");
  add<reduce<double>>("reduce", "f64");
  add<reduce<int>>("reduce", "i32");
  add<min_element<float>>("min_element", "f32");
  add<min_element<int>>("min_element", "i32");
  add<copy<float>>("copy", "f32");
  add<fill<float>>("fill", "f32");
  add<transform<float>>("transform", "f32");
  add<scan<int>>("inclusive_scan", "i32");
  add<scan<double>>("inclusive_scan", "f64");
  add<copy_if<int>>("copy_if", "i32");
  add<copy_if<double>>("copy_if", "f64");
  add<unique_copy<int>>("unique_copy", "i32");
  add<sort<std::uint32_t>>("sort", "u32");
  add<sort<std::uint64_t>>("sort", "u64");
  add<sort<float>>("sort", "f32");
  add<stable_sort<std::uint32_t>>("stable_sort", "u32");
  add<merge<int>>("merge", "i32");
  add<histogram>("histogram256", "u32");
  add<reduce_by_key>("reduce_by_key", "i32-f32");
  return true;
}();

}  // namespace
