// transform: out[i] = f(in[i]). One pass; loops vectorise when f does. Output that is larger than the cache and that
// the call does not also read is written past it: results are collected in the L1 cache and leave through streaming
// stores, which spares reading the lines they replace (a third of the traffic of a copy, half of a fill's).
#pragma once

#include <weft/cpu/pointers.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/stream_store.hpp>
#include <weft/functional.hpp>
#include <weft/iterator/constant.hpp>
#include <weft/iterator/counting.hpp>
#include <weft/iterator/permutation.hpp>
#include <weft/iterator/zip.hpp>
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

/// Numbers that are moved from or to wherever an index says: so few cost less than finding out what they cost.
inline constexpr offset few_moves = 2048;
template <class It>
inline constexpr bool numbers_by_index = false;
template <class T, class I>
inline constexpr bool numbers_by_index<permutation_iterator<T*, I*>> = std::is_arithmetic_v<T>;
template <class In, class Out, class F>
inline constexpr bool moves_by_index = std::is_same_v<F, identity> && (numbers_by_index<In> || numbers_by_index<Out>);

/// Numbers as they lie in memory, one or several beside each other.
template <class In>
inline constexpr bool plain_numbers = false;
template <class T>
inline constexpr bool plain_numbers<T*> = std::is_arithmetic_v<T>;
template <class... Its>
inline constexpr bool plain_numbers<zip_iterator<Its...>> = (plain_numbers<Its> && ...);

template <class In>
inline constexpr bool counting_from = false;
template <class T>
inline constexpr bool counting_from<counting_iterator<T>> = true;

/// A function of plain numbers that knows nothing but its own bits, too few for a pointer or (may_point) none: what it
/// has cost it will cost again.
template <class In, class F>
inline constexpr bool costs_the_same = plain_numbers<In>&& std::is_trivially_copyable_v<F> &&
                                       (sizeof(F) == 8 || sizeof(F) == 4 || sizeof(F) <= 2);

/// True of eight bytes that may be an address, through which a function may find more to do another time. Numbers with
/// a fraction or an exponent of their own are none: the upper bits of addresses are all alike.
template <class F>
[[gnu::always_inline]] inline bool may_point(const F& f) noexcept {
  if constexpr (sizeof(F) == 8) {
    std::int64_t bits;
    __builtin_memcpy(&bits, &f, 8);  // cudafe++ 13.0 ends in an internal error over a bit_cast here
    return bits >> 47 == 0 || bits >> 47 == -1;
  } else {
    return false;
  }
}

/// Those bits, or of eight bytes what seldom is the same of two; zero of a class without members, or with one such
/// member.
template <class F>
[[gnu::always_inline]] inline std::uint32_t state_of(const F& f) noexcept {
  if constexpr (sizeof(F) == 8) {
    return static_cast<std::uint32_t>(__builtin_bit_cast(std::uint64_t, f) * 0x9e3779b97f4a7c15u >> 32);
  } else if constexpr (sizeof(F) == 4) {
    return __builtin_bit_cast(std::uint32_t, f);
  } else if constexpr (sizeof(F) == 2) {
    return __builtin_bit_cast(std::uint16_t, f);
  } else if constexpr (std::has_unique_object_representations_v<F>) {
    return __builtin_bit_cast(std::uint8_t, f);
  } else {
    return 0;
  }
}

/// What has been learned of such transforms: those by the function with the bits of the upper half were cheap for as
/// many elements as the lower half says. They run inline from then on, without a look at the clock.
template <class Scheduler, class In, class Out, class F>
inline constinit std::atomic<std::uint64_t> cheap_so_far{0};

/// True of a call that is done inline, whatever the scheduler.
template <class Scheduler, class In, class Out, class F>
[[gnu::always_inline]] inline bool stays_inline(offset n, const F& f) {
  if constexpr (only_moves<In, F>) {
    return n <= (1 << 18) / static_cast<offset>(sizeof(iter_value_t<In>));
  } else if constexpr (is_sequential<Scheduler>) {
    return n <= 1 << 14;  // beyond, whether to write past the cache is asked
  } else if constexpr (costs_the_same<In, F>) {
    const std::uint64_t known = cheap_so_far<Scheduler, In, Out, F>.load(std::memory_order_relaxed);
    return n <= 1 || (n <= static_cast<offset>(known & 0xffffffffu) && known >> 32 == state_of(f) && !may_point(f));
  } else if constexpr (moves_by_index<In, Out, F>) {
    return n <= few_moves;
  } else {
    return n <= 1;
  }
}

template <class Scheduler, class In, class Out, class F, class Chunk>
[[gnu::always_inline]] inline void for_elements(offset n, const F& f, const Chunk& chunk) {
  if constexpr (only_moves<In, F>) {
    for_chunks<Scheduler>(n, (1 << 18) / static_cast<offset>(sizeof(iter_value_t<In>)), chunk);
  } else if constexpr (costs_the_same<In, F> && !is_sequential<Scheduler>) {
    for_chunks_timed<Scheduler>(n, chunk, [&] {
      if (may_point(f)) return;
      auto& known = cheap_so_far<Scheduler, In, Out, F>;
      const std::uint64_t now = std::uint64_t{state_of(f)} << 32 | static_cast<std::uint64_t>(n);
      const std::uint64_t before = known.load(std::memory_order_relaxed);
      if (before >> 32 != now >> 32 || before < now) known.store(now, std::memory_order_relaxed);
    });
  } else {
    for_chunks_timed<Scheduler>(n, chunk);
  }
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

/// Elements may be visited in any order (weft/transform.hpp), and f keeps nothing from one call for the next: no store
/// of the loop is read by another iteration. For one thread only where f has no room for a pointer through which it
/// might.
template <class Scheduler, class In, class Out, class F>
inline constexpr bool any_order_of =
    std::is_pointer_v<Out> &&
    (plain_numbers<In> || counting_from<In>)&&std::is_trivially_copyable_v<F>&& std::is_invocable_v<
        const F&, decltype(std::declval<const In&>()[offset{0}])> &&
    (!is_sequential<Scheduler> || std::is_empty_v<F> || sizeof(F) <= 4);

/// out[i] = f(in[i]) for i in [begin, end), by a copy of f of its own, which f may change.
template <bool AnyOrder, class In, class Out, class F>
struct transform_loop {
  [[gnu::always_inline]] static void run(In in, offset begin, offset end, Out out, F f) {
    if constexpr (AnyOrder) {
      const F& g = f;
#if !defined(__clang__)  // which has no such pragma, and unrolls a loop inside f
#pragma GCC ivdep        // or g++ would not vectorise this loop where f has another inside
#endif
      for (offset i = begin; i < end; ++i) out[i] = g(in[i]);
    } else {
      for (offset i = begin; i < end; ++i) out[i] = f(in[i]);
    }
  }
};

template <bool AnyOrder, class In, class Out, class F>
[[gnu::always_inline]] inline void transform_chunk(const In& in, offset begin, offset end, Out out, const F& f) {
  if constexpr (copies<In, Out, F>) {
    std::memmove(static_cast<void*>(out + begin), in + begin, static_cast<std::size_t>(end - begin) * sizeof(*out));
  } else {
    wide_loop<transform_loop<AnyOrder, In, Out, F>>(end - begin, in, begin, end, out, f);
  }
}

/// All but the smallest calls. Out of line, so that those find their arguments in registers.
template <class Scheduler, class In, class Out, class F>
[[gnu::noinline]] void transform_many(In in, offset n, Out out, F f) {
  if constexpr (std::is_pointer_v<Out>) {
#if defined(__x86_64__)
    using T = std::remove_pointer_t<Out>;
    if constexpr (streams<T>) {
      if (n * static_cast<offset>(sizeof(T)) >= streaming_bytes && has_avx2() && !reads_from(in, out) &&
          reinterpret_cast<std::uintptr_t>(out) % sizeof(T) == 0)
        return for_elements<Scheduler, In, Out>(
            n, f, [&](offset begin, offset end) { transform_streaming(in, begin, end, out, f); });
    }
#endif
  }
  for_elements<Scheduler, In, Out>(n, f, [&](offset begin, offset end) {
    transform_chunk<any_order_of<Scheduler, In, Out, F>>(in, begin, end, out, f);
  });
}

}  // namespace detail

template <class Scheduler, class Policy, class In, class Out, class F>
[[gnu::always_inline]] inline void transform(const Policy&, In in, offset n, Out out, F f) {
  if (n <= 0) return;
  if (detail::stays_inline<Scheduler, In, Out>(n, f))
    detail::transform_chunk<detail::any_order_of<Scheduler, In, Out, F>>(in, 0, n, out, f);
  else
    detail::transform_many<Scheduler>(in, n, out, f);
}

}  // namespace weft::cpu
