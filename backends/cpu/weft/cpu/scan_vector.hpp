// Prefix sums of arithmetic types in vector registers: log2(lanes) shifted additions inside a vector, one addition from
// vector to vector, so the chain of dependent operations is one addition for 8 (4-byte) or 4 (8-byte) elements.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/functional.hpp>

#include <utility>

namespace weft::inline v100::cpu::detail {

template <class T, class Op>
inline constexpr bool sums_in_registers = std::is_arithmetic_v<T> &&
                                          (sizeof(T) == 4 || sizeof(T) == 8) && std::is_same_v<Op, weft::plus>;

/// What lanes are computed in: unsigned for integers, so that wrapping around is defined.
template <class T>
using lane_of = std::conditional_t<std::is_floating_point_v<T>, T,
                                   std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;

template <class Lane>
struct vector_of {
  typedef Lane type __attribute__((vector_size(32)));
};

/// The neutral element of addition: -0.0 keeps the sign of zeros.
template <class Lane>
inline constexpr Lane neutral = std::is_floating_point_v<Lane> ? static_cast<Lane>(-0.0) : Lane{0};

/// v shifted up by K lanes, neutral elements from below.
template <int K, class V, int... I>
[[gnu::always_inline]] inline void shift_up(V& v, const V& zero, std::integer_sequence<int, I...>) {
  constexpr int lanes = sizeof...(I);
#if defined(__clang__)
  v = __builtin_shufflevector(zero, v, (I < K ? I : lanes + I - K)...);
#else  // nvcc does not hand the expansion above on to g++
  constexpr decltype(zero == v) from = {(I < K ? I : lanes + I - K)...};
  v = __builtin_shuffle(zero, v, from);
#endif
}
template <int K, class V, class Sequence>
[[gnu::always_inline]] inline void add_shifted(V& v, const V& zero, Sequence sequence) {
  if constexpr (K < static_cast<int>(Sequence::size())) {
    V shifted = v;
    shift_up<K>(shifted, zero, sequence);
    v += shifted;
    add_shifted<2 * K>(v, zero, sequence);
  }
}
template <class V, int... I>
[[gnu::always_inline]] inline void broadcast_last(V& v, std::integer_sequence<int, I...>) {
#if defined(__clang__)
  v = __builtin_shufflevector(v, v, ((void)I, static_cast<int>(sizeof...(I)) - 1)...);
#else
  constexpr decltype(v == v) last = {((void)I, static_cast<int>(sizeof...(I)) - 1)...};
  v = __builtin_shuffle(v, last);
#endif
}

/// out[i] = carry + in[begin] + … for [begin, end) in whole groups of four vectors; returns where it stopped and
/// updates the carry. Reads before it writes.
template <bool Inclusive, class T, class In, class Out>
offset scan_in_registers(In in, offset begin, offset end, Out out, T& carry_value) {
  return wide([ in, begin, end, out, &carry_value ]() __attribute__((always_inline)) {
    using lane = lane_of<T>;
    using vector = typename vector_of<lane>::type;
    constexpr int lanes = 32 / sizeof(T), unroll = 4;
    constexpr auto sequence = std::make_integer_sequence<int, lanes>{};
    const vector zero = neutral<lane> - vector{};  // the other way round, -0.0 would become 0.0
    vector carry = zero + static_cast<lane>(carry_value);
    offset i = begin;
    for (; i + lanes * unroll <= end; i += lanes * unroll) {
      for (int u = 0; u < unroll; ++u) {
        const offset at = i + u * lanes;
        vector v;
        if constexpr (std::is_same_v<In, T*> || std::is_same_v<In, const T*>) {
          __builtin_memcpy(&v, in + at, 32);
        } else {
          lane group[lanes];
          for (int j = 0; j < lanes; ++j) group[j] = static_cast<lane>(static_cast<T>(in[at + j]));
          __builtin_memcpy(&v, group, 32);
        }
        add_shifted<1>(v, zero, sequence);
        vector total = v;
        broadcast_last(total, sequence);
        if constexpr (!Inclusive) shift_up<1>(v, zero, sequence);
        v += carry;
        carry += total;
        if constexpr (std::is_same_v<Out, T*>) {
          __builtin_memcpy(out + at, &v, 32);
        } else {
          for (int j = 0; j < lanes; ++j) out[at + j] = static_cast<T>(v[j]);
        }
      }
    }
    carry_value = static_cast<T>(carry[0]);
    return i;
  });
}

/// The sum of [begin, end), in some order.
template <class T, class In>
T sum_in_registers(In in, offset begin, offset end) {
  return wide([=]() __attribute__((always_inline)) {
    using lane = lane_of<T>;
    constexpr int columns = 32;
    lane sum[columns];
    for (int c = 0; c < columns; ++c) sum[c] = neutral<lane>;
    offset i = begin;
    for (; i + columns <= end; i += columns)
      for (int c = 0; c < columns; ++c) sum[c] += static_cast<lane>(static_cast<T>(in[i + c]));
    for (; i < end; ++i) sum[0] += static_cast<lane>(static_cast<T>(in[i]));
    for (int half = columns / 2; half > 0; half /= 2)
      for (int c = 0; c < half; ++c) sum[c] += sum[c + half];
    return static_cast<T>(sum[0]);
  });
}

}  // namespace weft::cpu::detail
