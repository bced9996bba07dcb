// What the memory gives in the same run ("limit"): reading with four streams a thread, copying and filling with
// streaming stores where the arrays exceed the caches. All threads.
#include "rows.hpp"

#include <emmintrin.h>
#include <omp.h>

#include <cstring>

namespace bench {
namespace {

/// f(begin, end) in bytes, multiples of 256, on every thread.
template <class F>
void on_all(offset bytes, F f) {
  if (bytes < 65536) return f(offset{0}, bytes);
#pragma omp parallel
  {
    const offset t = omp_get_thread_num(), k = omp_get_num_threads(), each = (bytes / k + 255) / 256 * 256;
    const offset begin = t * each < bytes ? t * each : bytes, end = begin + each < bytes ? begin + each : bytes;
    if (begin < end) f(begin, end);
  }
}

struct limit_system {
  template <class T>
  static void fill(const arguments& a) {
    const bool streaming = a.n >= 1 << 23;
    T* const to = out<T>(a);
    on_all(a.n * static_cast<offset>(sizeof(T)), [=](offset begin, offset end) {
      const __m128 three = _mm_set1_ps(3);
      auto* const bytes = reinterpret_cast<char*>(to);
      for (offset i = begin; i < end; i += 16)
        if (streaming)
          _mm_stream_ps(reinterpret_cast<float*>(bytes + i), three);
        else
          _mm_store_ps(reinterpret_cast<float*>(bytes + i), three);
      _mm_sfence();
    });
  }
  template <class T>
  static void copy(const arguments& a) {
    const bool streaming = a.n >= 1 << 23;
    const auto* const from = static_cast<const char*>(a.in);
    auto* const to = static_cast<char*>(a.out);
    on_all(a.n * static_cast<offset>(sizeof(T)), [=](offset begin, offset end) {
      if (!streaming) return void(std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin)));
      for (offset i = begin; i < end; i += 16)
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                         _mm_load_si128(reinterpret_cast<const __m128i*>(from + i)));
      _mm_sfence();
    });
  }
  template <class T>
  static void read(const arguments& a) {
    const auto* const from = static_cast<const char*>(a.in);
    on_all(a.n * static_cast<offset>(sizeof(T)), [=](offset begin, offset end) {
      __m128i s[4] = {};
      const offset quarter = (end - begin) / 4 / 64 * 64;
      for (offset i = 0; i < quarter; i += 64)
        for (int q = 0; q < 4; ++q)
          for (int k = 0; k < 64; k += 16)
            s[q] = _mm_add_epi32(s[q],
                                 _mm_load_si128(reinterpret_cast<const __m128i*>(from + begin + q * quarter + i + k)));
      asm volatile("" : : "x"(s[0]), "x"(s[1]), "x"(s[2]), "x"(s[3]));
    });
  }
};

const bool added = (add_system<limit_system>("limit"), true);

}  // namespace
}  // namespace bench
