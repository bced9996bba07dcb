// Loops that use the vector instructions of the processor they run on, without any compiler flag: `wide(body)` runs the
// body in a copy of the code compiled for AVX2 where the processor has it. User functors that the compiler inlines are
// part of the copy, so what vectorises in a plain loop vectorises here, with wider registers. The copy has no fused
// multiply-add: results must not depend on the processor. Costs one predictable branch and one call.
#pragma once

#include <weft/device.hpp>

#include <type_traits>
#include <utility>

namespace weft::inline v100::cpu {

#if defined(__x86_64__)
inline bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"); }
/// The 32- and 64-bit compress instructions and 512-bit registers.
inline bool has_avx512() noexcept { return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"); }
#else
inline constexpr bool has_avx2() noexcept { return false; }
inline constexpr bool has_avx512() noexcept { return false; }
#endif

namespace detail {

// g++ vectorises loops of unknown length only at -O3; clang does at -O2 and has no such attribute. The body comes by
// reference: a copy on the stack, made in larger pieces than the body was written in, would wait for the cache.
#if defined(__x86_64__) && defined(__clang__)
template <class Body>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]] auto run_avx2(const Body& given) {
  Body body = given;
  return body();
}
#elif defined(__x86_64__)
template <class Body>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2,lzcnt,popcnt"), gnu::optimize("O3")]] auto run_avx2(const Body& given) {
  Body body = given;
  return body();
}
#endif

}  // namespace detail

/// body(), compiled for the widest registers the processor has. The body must hold what it needs by value (a lambda
/// with [=]): references would be reloaded in every iteration. The body and what it calls of this library must be
/// always_inline, or the copies share one compiled for neither.
template <class Body>
[[gnu::always_inline]] inline auto wide(Body body) {
#if defined(__x86_64__)
  if (has_avx2()) return detail::run_avx2(body);
#endif
  return body();
}

/// The same for a loop of n steps: a short one is not worth the call.
template <class Body>
[[gnu::always_inline]] inline auto wide_for(offset n, Body body) {
  if (n < 32) return body();
  return wide(std::move(body));
}

namespace detail {
/// How an argument travels: in registers where it fits into two, or else where it lies (a copy on the stack, made in
/// larger pieces than it was written in, would wait for the cache).
template <class T>
using passed = std::conditional_t<std::is_trivially_copyable_v<T> && sizeof(T) <= 16, T, const T&>;

#if defined(__x86_64__) && defined(__clang__)
template <class Loop, class... Args>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]] auto run_loop_avx2(Args... args) {
  return Loop::run(args...);
}
#elif defined(__x86_64__)
template <class Loop, class... Args>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2,lzcnt,popcnt"), gnu::optimize("O3")]] auto run_loop_avx2(Args... args) {
  return Loop::run(args...);
}
#endif
}  // namespace detail

/// wide_for of a loop without a closure: Loop::run(args...), an always_inline function that takes its arguments by
/// value. What a short call saves is the way of its arguments through memory.
template <class Loop, class... Args>
[[gnu::always_inline]] inline auto wide_loop(offset n, const Args&... args) {
#if defined(__x86_64__)
  if (n >= 32 && has_avx2()) return detail::run_loop_avx2<Loop, detail::passed<Args>...>(args...);
#endif
  return Loop::run(args...);
}

/// A processor hint inside a waiting loop.
inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// A clock for deciding whether work is worth sharing: about one nanosecond to 0.3 a tick, not converted.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return 0;
#endif
}

}  // namespace weft::cpu
