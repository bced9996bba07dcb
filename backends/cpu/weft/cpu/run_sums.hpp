// Sums of runs in AVX-512 registers: a scan of each register that stops at the heads of runs, log2(lanes) additions
// under masks; the last lane of every run is packed and stored. From register to register goes one addition.
#pragma once

#include <weft/cpu/compress.hpp>
#include <weft/cpu/scan_vector.hpp>

namespace weft::inline v100::cpu::detail {

inline constexpr offset run_sums_slack = 16;

#if defined(__x86_64__)

template <class Lane>
struct run_lanes {
  typedef Lane type __attribute__((vector_size(64)));
};
template <class V>
struct run_register {
  static constexpr int lanes = 64 / static_cast<int>(sizeof(V));
  static constexpr auto sequence = std::make_integer_sequence<int, lanes>{};
  using vector = typename run_lanes<lane_of<V>>::type;
  using packer = compress_step<sizeof(V)>;
  using packed = typename packer::vector;

  /// a in the lanes whose bit is set, else b.
  [[gnu::target("avx512f,avx512bw,avx512vl"), gnu::always_inline]] static vector choose(std::uint32_t bits,
                                                                                        const vector& a,
                                                                                        const vector& b) {
#if defined(__clang__)
    if constexpr (sizeof(V) == 4)
      return (vector)__builtin_ia32_selectd_512(static_cast<unsigned short>(bits), (packed)a, (packed)b);
    else
      return (vector)__builtin_ia32_selectq_512(static_cast<unsigned char>(bits), (packed)a, (packed)b);
#else
    if constexpr (sizeof(V) == 4)
      return (vector)__builtin_ia32_blendmd_512_mask((packed)b, (packed)a, static_cast<unsigned short>(bits));
    else
      return (vector)__builtin_ia32_blendmq_512_mask((packed)b, (packed)a, static_cast<unsigned char>(bits));
#endif
  }
  /// Adds to each lane those before it in its run; bit i of `joined`: lanes i - K … i belong together.
  template <int K>
  [[gnu::target("avx512f,avx512bw,avx512vl"), gnu::always_inline]] static void scan(vector& v, std::uint32_t joined,
                                                                                    const vector& zero) {
    if constexpr (K < lanes) {
      vector more = v;
      shift_up<K>(more, zero, sequence);
      v = choose(joined, v + more, v);
      scan<2 * K>(v, joined & joined << K, zero);
    }
  }
};

/// The sums of the segments of in[0, n) that begin at 0 and where a bit of `heads` is set, one behind the other at
/// `out`, where run_sums_slack more elements may be overwritten; the first begins with `carry`. Bits behind n are 0, up
/// to a multiple of 64.
template <class Values, class V>
[[gnu::noinline, gnu::target("avx512f,avx512bw,avx512vl,bmi,bmi2,popcnt")]] void sum_runs_in_registers(
    Values in, const std::uint64_t* heads, offset n, V carry, V* out) {
  using r = run_register<V>;
  using vector = typename r::vector;
  constexpr std::uint64_t all = (std::uint64_t{1} << r::lanes) - 1;
  lane_of<V> fill[r::lanes];  // nvcc 13.0 dies of a number added to a register of this size
  vector zero, open;
  for (lane_of<V>& x : fill) x = neutral<lane_of<V>>;
  __builtin_memcpy(&zero, fill, 64);
  for (lane_of<V>& x : fill) x = static_cast<lane_of<V>>(carry);
  __builtin_memcpy(&open, fill, 64);
  const offset words = (n + 63) / 64;
  for (offset w = 0; w < words; ++w) {
    const std::uint64_t word = heads[w];
    // A lane is the last of its run when the next element is a head.
    const std::uint64_t last = word >> 1 | (w + 1 < words ? heads[w + 1] << 63 : 0);
    for (int part = 0; part < 64; part += r::lanes) {
      const offset i = w * 64 + part;
      if (i >= n) break;
      vector v;
      if (i + r::lanes <= n && std::is_pointer_v<Values>) {
        if constexpr (std::is_pointer_v<Values>) __builtin_memcpy(&v, in + i, 64);
      } else {
        v = zero;
        for (offset j = 0; j < min(offset{r::lanes}, n - i); ++j)
          v[j] = static_cast<lane_of<V>>(static_cast<V>(in[i + j]));
      }
      const auto bits = static_cast<std::uint32_t>(word >> part & all);
      r::template scan<1>(v, ~bits, zero);
      v = r::choose((bits & (0 - bits)) - 1, v + open, v);  // lanes before the first head
      open = v;
      broadcast_last(open, r::sequence);
      const std::uint64_t ends = last >> part & all;
      auto packed = (typename r::packed)v;
      r::packer::pack(packed, ends);
      __builtin_memcpy(out, &packed, 64);
      out += __builtin_popcountll(ends);
    }
  }
  *out = static_cast<V>(open[0]);
}

#else  // has_avx512() is false

template <class Values, class V>
void sum_runs_in_registers(Values, const std::uint64_t*, offset, V, V*) {}

#endif

}  // namespace weft::cpu::detail
