// The memory limits that shares are taken of, measured in the same run with all threads: reading (four streams a
// thread), copying and filling (streaming stores where the arrays exceed the caches). The best of plain and streaming
// counts.
#include "workloads.hpp"

#include <emmintrin.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace compare {
namespace {

struct aligned {
  explicit aligned(offset bytes) : data(static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(bytes)))) {
#pragma omp parallel for
    for (offset i = 0; i < bytes; i += 4096) data[i] = 1;
  }
  aligned(const aligned&) = delete;
  ~aligned() { std::free(data); }
  char* data;
};

/// f(begin, end) in bytes, multiples of 256, on every thread.
template <class F>
void on_all(offset bytes, F f) {
  if (bytes < 65536) return f(offset{0}, bytes);
#pragma omp parallel
  {
    const offset t = omp_get_thread_num(), k = omp_get_num_threads(), each = (bytes / k + 255) / 256 * 256;
    const offset begin = std::min(bytes, t * each), end = std::min(bytes, begin + each);
    if (begin < end) f(begin, end);
  }
}

program limit(const std::string& kind, bool streaming, offset bytes) {
  auto a = std::make_shared<aligned>(bytes), b = std::make_shared<aligned>(bytes);
  program p;
  p.items = double(bytes);
  p.bytes = double(bytes);
  p.once = [] { return true; };
  if (kind == "read")
    p.call = [=] {
      on_all(bytes, [=](offset begin, offset end) {
        __m128i s[4] = {};
        const offset quarter = (end - begin) / 4 / 64 * 64;
        for (offset i = 0; i < quarter; i += 64)
          for (int q = 0; q < 4; ++q)
            for (int k = 0; k < 64; k += 16)
              s[q] = _mm_add_epi32(
                  s[q], _mm_load_si128(reinterpret_cast<const __m128i*>(a->data + begin + q * quarter + i + k)));
        benchmark::DoNotOptimize(s);
      });
    };
  else
    p.call = [=] {
      const bool fill = kind == "fill";
      on_all(bytes, [=](offset begin, offset end) {
        if (!streaming) {
          if (fill)
            std::memset(b->data + begin, 7, static_cast<std::size_t>(end - begin));
          else
            std::memcpy(b->data + begin, a->data + begin, static_cast<std::size_t>(end - begin));
          return;
        }
        const __m128i seven = _mm_set1_epi8(7);
        for (offset i = begin; i < end; i += 16)
          _mm_stream_si128(reinterpret_cast<__m128i*>(b->data + i),
                           fill ? seven : _mm_load_si128(reinterpret_cast<const __m128i*>(a->data + i)));
        _mm_sfence();
      });
    };
  if (kind == "copy") p.bytes *= 2;
  return p;
}

}  // namespace

void add_limits() {
  for (const offset n : chosen().sizes)
    for (const char* kind : {"read", "copy", "fill"}) {
      const offset bytes = std::max<offset>(4096, n * 4);
      const std::string rest = std::string(kind) + "/" + std::to_string(n);
      benchmark::RegisterBenchmark(
          ("limit/plain/" + rest).c_str(),
          [=](benchmark::State& state) { measure(state, [=] { return limit(kind, false, bytes); }); })
          ->UseManualTime()
          ->MinTime(chosen().min_time)
          ->Unit(benchmark::kMicrosecond);
      if (std::string_view(kind) != "read" && n >= 1 << 20)
        benchmark::RegisterBenchmark(
            ("limit/streaming/" + rest).c_str(),
            [=](benchmark::State& state) { measure(state, [=] { return limit(kind, true, bytes); }); })
            ->UseManualTime()
            ->MinTime(chosen().min_time)
            ->Unit(benchmark::kMicrosecond);
    }
}

}  // namespace compare

void add_limits() { compare::add_limits(); }
