// The programs that `./weft compare` runs: each written once against a `System`, a struct of plain functions on raw
// pointers, of which there is one per weft backend and one per peer. A system that lacks a function skips the program.
// Inputs come from a counter-based generator and are made once; every program checks its result against the sequential
// standard library (or an independent count) before it is timed, so a wrong answer has no time.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace compare {

using offset = std::int64_t;
using u8 = std::uint8_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

struct options {
  std::vector<offset> sizes;          // of generated arrays
  std::vector<offset> gemm_sizes;     // rows of square matrices
  std::vector<std::string> verbs;     // empty: all
  std::vector<std::string> backends;  // empty: all
  std::string text, graph;            // files for word_count and components; empty: skipped
  double min_time = 0.1;
};
options& chosen();

// Inputs and expected results; each made once and kept ---------------------------------------------------------------

/// Uniform: floats in [-0.5, 0.5), integers over their whole range.
template <class T>
const std::vector<T>& uniform(offset n, int seed);
const std::vector<int>& small_ints(offset n);  // in [0, 1000), so that sums fit
const std::vector<int>& runs_of_8(offset n);   // equal neighbours in runs of 8 on average
template <class T>
const std::vector<T>& sorted(offset n, int seed);  // uniform, ascending

struct text_input {
  std::vector<char> bytes;
  std::vector<u64> hashes;  // of the different words, ascending
  std::vector<u32> counts;  // how often each occurs
  offset words = 0;
};
const text_input& text();
struct graph_input {
  u32 vertices = 0;
  std::vector<u32> from, to;   // both directions of every edge, ascending by from
  std::vector<u32> component;  // least vertex that each is connected with
};
const graph_input& graph();

/// FNV-1a over the letters of a word, lower case; the same on host and device.
#if defined(__CUDACC__) || defined(__HIP__)
#define COMPARE_BOTH __host__ __device__
#else
#define COMPARE_BOTH
#endif
COMPARE_BOTH inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
COMPARE_BOTH inline u64 hash_word(const char* text, offset at, offset n) {
  u64 h = 0xcbf29ce484222325u;
  for (; at < n && is_letter(text[at]); ++at) h = (h ^ static_cast<u64>(text[at] | 32)) * 0x100000001b3u;
  return h;
}

// Registration -------------------------------------------------------------------------------------------------------

/// One row of the table: `bytes` is what must move at least, 0 where that says nothing. `once` runs and returns whether
/// the result is right; `prepare` restores what `call` destroys (may be empty) and is not timed.
struct program {
  std::string name;
  double items, bytes, flops = 0;
  std::function<bool()> once;
  std::function<void()> prepare;
  std::function<void()> call;
};
inline void measure(benchmark::State& state, const std::function<program()>& make) {
  const program p = make();
  if (!p.once()) {
    state.SkipWithError("wrong result");
    return;
  }
  using clock = std::chrono::steady_clock;
  for (auto _ : state) {
    if (p.prepare) {
      p.prepare();
      const auto start = clock::now();
      p.call();
      state.SetIterationTime(std::chrono::duration<double>(clock::now() - start).count());
    } else {
      // Sixteen calls a reading: the clock would be a good part of the smallest.
      const auto start = clock::now();
      for (int k = 0; k < 16; ++k) p.call();
      state.SetIterationTime(std::chrono::duration<double>(clock::now() - start).count() / 16);
    }
  }
  state.counters["items"] = p.items;
  state.counters["bytes"] = p.bytes;
  if (p.flops > 0) state.counters["flops"] = p.flops;
}

inline bool wanted(const std::vector<std::string>& list, const std::string& name) {
  if (list.empty()) return true;
  for (const std::string& l : list)
    if (l == name) return true;
  return false;
}

inline void add(const std::string& verb, const std::string& backend, const std::string& rest,
                std::function<program()> make) {
  if (!wanted(chosen().verbs, verb) || !wanted(chosen().backends, backend)) return;
  benchmark::RegisterBenchmark((verb + "/" + backend + "/" + rest).c_str(),
                               [make = std::move(make)](benchmark::State& state) { measure(state, make); })
      ->UseManualTime()
      ->MinTime(chosen().min_time)
      ->Unit(benchmark::kMicrosecond);
}

/// Bit-equal, or within a relative 1e-4 for sums of floats.
template <class T>
bool same(const std::vector<T>& got, const T* wanted, offset n) {
  return static_cast<offset>(got.size()) >= n &&
         std::memcmp(got.data(), wanted, static_cast<std::size_t>(n) * sizeof(T)) == 0;
}

}  // namespace compare
