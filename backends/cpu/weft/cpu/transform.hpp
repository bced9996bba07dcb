// transform: out[i] = f(in[i]). One pass; loops vectorise when f does. Output that is larger than the cache and that
// the call does not also read is written past it: results are collected in the L1 cache and leave through streaming
// stores, which spares reading the lines they replace (a third of the traffic of a copy, half of a fill's).
#pragma once

#include <weft/cpu/pointers.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/stream_store.hpp>
#include <weft/functional.hpp>
#include <weft/iterator/constant.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100::cpu {

namespace detail {

template <class T>
inline constexpr bool streams = std::is_trivially_copyable_v<T>&& std::is_trivially_default_constructible_v<T> &&
                                (sizeof(T) & (sizeof(T) - 1)) == 0 && sizeof(T) <= 64;

/// A transform that is a plain copy of bytes.
template <class In, class Out, class F>
inline constexpr bool copies = std::is_same_v<F, identity>&& moves_bytes<In, Out>;

/// Elements that cost what moving them costs: no clock is needed to see when more threads pay.
template <class In, class F>
inline constexpr bool only_moves = false;
template <class T>
inline constexpr bool only_moves<T*, identity> = std::is_arithmetic_v<T>;
template <class T>
inline constexpr bool only_moves<constant_iterator<T>, identity> = std::is_arithmetic_v<T>;

template <bool OnlyMoves, class Scheduler, class F>
[[gnu::always_inline]] inline void for_elements(offset n, offset bytes, F&& f) {
  if constexpr (OnlyMoves)
    for_chunks<Scheduler>(n, (1 << 18) / bytes, f);
  else
    for_chunks_timed<Scheduler>(n, f);
}

#if defined(__x86_64__)
/// out[begin, end), four cache lines at a time: computed in registers or the L1 cache, then streamed. The inner loop
/// has a constant length, so it vectorises at every optimisation level.
template <class In, class T, class F>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2")]] void transform_streaming(In in, offset begin, offset end, T* out, F f) {
  typedef long long quads __attribute__((vector_size(32)));
  constexpr offset group = 256 / static_cast<offset>(sizeof(T));
  offset i = begin;
  for (; i < end && reinterpret_cast<std::uintptr_t>(out + i) % 64 != 0; ++i) out[i] = static_cast<T>(f(in[i]));
  for (; i + group <= end; i += group) {
    alignas(32) T buffer[group];
    for (int j = 0; j < group; ++j) buffer[j] = static_cast<T>(f(in[i + j]));
    auto* const to = reinterpret_cast<unsigned char*>(out + i);
    for (int part = 0; part < 8; ++part) {
      quads v;
      __builtin_memcpy(&v, reinterpret_cast<const unsigned char*>(buffer) + part * 32, 32);
      store_past_cache(to + part * 32, v);
    }
  }
  for (; i < end; ++i) out[i] = static_cast<T>(f(in[i]));
  fence_streaming();
}
#endif

}  // namespace detail

template <class Scheduler, class Policy, class In, class Out, class F>
void transform(const Policy&, In in, offset n, Out out, F f) {
  constexpr bool only_moves = detail::only_moves<In, F>;
  constexpr offset bytes = sizeof(iter_value_t<In>);
  if constexpr (std::is_pointer_v<Out>) {
    using T = std::remove_pointer_t<Out>;
#if defined(__x86_64__)
    if constexpr (detail::streams<T>) {
      if (n * static_cast<offset>(sizeof(T)) >= streaming_bytes && has_avx2() && !reads_from(in, out) &&
          reinterpret_cast<std::uintptr_t>(out) % sizeof(T) == 0)
        return detail::for_elements<only_moves, Scheduler>(
            n, bytes, [&](offset begin, offset end) { detail::transform_streaming(in, begin, end, out, f); });
    }
#endif
  }
  detail::for_elements<only_moves, Scheduler>(n, bytes, [&](offset begin, offset end) {
    if constexpr (detail::copies<In, Out, F>)
      return void(std::memmove(static_cast<void*>(out + begin), in + begin,
                               static_cast<std::size_t>(end - begin) * sizeof(*out)));
    wide_for(
        end - begin, [=]() __attribute__((always_inline)) {
          F g = f;  // its own copy, which it may change
          for (offset i = begin; i < end; ++i) out[i] = g(in[i]);
        });
  });
}

}  // namespace weft::cpu
