// Packing the elements whose mask bit is set. AVX-512 has an instruction for it (to a register: to memory it is slow on
// some processors); AVX2 looks up a permutation for every eight bits; elsewhere, and for other types, set bits are
// visited one after the other. Nothing is written behind the packed elements.
#pragma once

#include <weft/cpu/isa.hpp>
#include <weft/cpu/pointers.hpp>

#include <cstring>

namespace weft::inline v100::cpu {

namespace detail {

/// Writes the elements whose bit is set one after the other.
template <class In, class Put>
void visit_bits(In in, const std::uint64_t* mask, offset words, Put put) {
  for (offset w = 0; w < words; ++w)
    for (std::uint64_t bits = mask[w]; bits != 0; bits &= bits - 1) put(in[w * 64 + __builtin_ctzll(bits)]);
}

#if defined(__x86_64__)

template <int Size>
struct compress_step;
template <>
struct compress_step<4> {
  typedef int vector __attribute__((vector_size(64)));
  [[gnu::target("avx512f"), gnu::always_inline]] static void pack(vector& v, std::uint64_t bits) {
    v = static_cast<vector>(__builtin_ia32_compresssi512_mask(v, vector{}, static_cast<unsigned short>(bits)));
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static void store_first(unsigned char* to, const vector& v, int n) {
    __builtin_ia32_storedqusi512_mask(reinterpret_cast<int*>(to), v, static_cast<unsigned short>((1u << n) - 1));
  }
};
template <>
struct compress_step<8> {
  typedef long long vector __attribute__((vector_size(64)));
  [[gnu::target("avx512f"), gnu::always_inline]] static void pack(vector& v, std::uint64_t bits) {
    v = static_cast<vector>(__builtin_ia32_compressdi512_mask(v, vector{}, static_cast<unsigned char>(bits)));
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static void store_first(unsigned char* to, const vector& v, int n) {
    __builtin_ia32_storedqudi512_mask(reinterpret_cast<long long*>(to), v, static_cast<unsigned char>((1u << n) - 1));
  }
};

/// Stores the first `found` lanes of v behind the `kept` elements at `to`: a full vector while it ends inside `count`.
template <int Size>
[[gnu::target("avx512f"), gnu::always_inline]] inline void store_packed(const typename compress_step<Size>::vector& v,
                                                                        unsigned char* to, offset kept, int found,
                                                                        offset count) {
  if (kept + 64 / Size <= count)
    __builtin_memcpy(to + kept * Size, &v, 64);
  else
    compress_step<Size>::store_first(to + kept * Size, v, found);
}

/// `in` has n elements, of which `count` are kept and, when they are wanted, the others `rejected`.
template <int Size, bool Both>
[[gnu::noinline, gnu::target("avx512f,avx512bw,avx512vl,bmi,bmi2,popcnt")]] void compress_avx512(
    const unsigned char* in, const std::uint64_t* mask, offset n, unsigned char* out, offset count,
    unsigned char* rejected, offset ahead) {
  using vector = typename compress_step<Size>::vector;
  constexpr int lanes = 64 / Size;
  constexpr std::uint64_t all = (std::uint64_t{1} << lanes) - 1;
  const unsigned char* const soon = in + (ahead < n ? ahead : n) * Size;
  offset kept = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const std::uint64_t bits = mask[i / 64] >> (i % 64) & all;
    vector v, others;
    __builtin_memcpy(&v, in + i * Size, 64);
    __builtin_prefetch(soon + i * Size, 0, 2);
    const int found = __builtin_popcountll(bits);
    if constexpr (Both) {
      others = v;
      compress_step<Size>::pack(others, ~bits & all);
      store_packed<Size>(others, rejected, i - kept, lanes - found, n - count);
    }
    compress_step<Size>::pack(v, bits);
    store_packed<Size>(v, out, kept, found, count);
    kept += found;
  }
  for (; i < n; ++i)
    if (mask[i / 64] >> (i % 64) & 1)
      std::memcpy(out + kept++ * Size, in + i * Size, Size);
    else if constexpr (Both)
      std::memcpy(rejected + (i - kept) * Size, in + i * Size, Size);
}

/// For every eight bits, which of eight elements come first: a byte an index.
struct permutation_table {
  std::uint64_t row[256] = {};
  constexpr permutation_table() {
    for (int bits = 0; bits < 256; ++bits) {
      int at = 0;
      for (int lane = 0; lane < 8; ++lane)
        if (bits >> lane & 1) row[bits] |= static_cast<std::uint64_t>(lane) << (8 * at++);
    }
  }
};
inline constexpr permutation_table permutations;

template <int Size>
[[gnu::noinline, gnu::target("avx2,bmi,bmi2,popcnt")]] void compress_avx2(const unsigned char* in,
                                                                          const std::uint64_t* mask, offset n,
                                                                          unsigned char* out, offset count) {
  typedef int vector __attribute__((vector_size(32)));
  typedef unsigned char bytes __attribute__((vector_size(8)));
  constexpr int lanes = 32 / Size;
  offset kept = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    unsigned bits = static_cast<unsigned>(mask[i / 64] >> (i % 64)) & ((1u << lanes) - 1);
    const int found = __builtin_popcount(bits);
    if constexpr (Size == 8) bits = static_cast<unsigned>(__builtin_ia32_pdep_si(bits, 0x55)) * 3;  // two halves each
    bytes row;
    __builtin_memcpy(&row, &permutations.row[bits], 8);
    const vector order = __builtin_convertvector(row, vector);
    vector v;
    __builtin_memcpy(&v, in + i * Size, 32);
    v = static_cast<vector>(__builtin_ia32_permvarsi256(v, order));
    if (kept + lanes <= count) {
      __builtin_memcpy(out + kept * Size, &v, 32);
    } else if (found > 0) {
      std::memcpy(out + kept * Size, &v, static_cast<std::size_t>(found) * Size);
    }
    kept += found;
  }
  for (; i < n; ++i)
    if (mask[i / 64] >> (i % 64) & 1) std::memcpy(out + kept++ * Size, in + i * Size, Size);
}

#endif

}  // namespace detail

namespace detail {

#if defined(__x86_64__)
[[gnu::target("avx512f,avx512bw,popcnt")]] inline offset bits_of_bytes_avx512(const unsigned char* byte, offset words,
                                                                              std::uint64_t* mask) {
  typedef char vector __attribute__((vector_size(64)));
  offset count = 0;
  for (offset w = 0; w < words; ++w) {
    vector v;
    __builtin_memcpy(&v, byte + w * 64, 64);
    v = -v;  // 1 becomes a set sign bit
    mask[w] = static_cast<std::uint64_t>(__builtin_ia32_cvtb2mask512(v));
    count += __builtin_popcountll(mask[w]);
  }
  return count;
}
[[gnu::target("avx2,popcnt")]] inline offset bits_of_bytes_avx2(const unsigned char* byte, offset words,
                                                                std::uint64_t* mask) {
  typedef char vector __attribute__((vector_size(32)));
  offset count = 0;
  for (offset w = 0; w < words; ++w) {
    vector low, high;
    __builtin_memcpy(&low, byte + w * 64, 32);
    __builtin_memcpy(&high, byte + w * 64 + 32, 32);
    low = -low, high = -high;
    mask[w] = static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(low)) |
              static_cast<std::uint64_t>(static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(high))) << 32;
    count += __builtin_popcountll(mask[w]);
  }
  return count;
}
#endif

}  // namespace detail

/// mask bit i = byte[i], each 0 or 1, for 64 * words of them. Returns how many are set.
inline offset bits_of_bytes(const unsigned char* byte, offset words, std::uint64_t* mask) {
#if defined(__x86_64__)
  if (has_avx512()) return detail::bits_of_bytes_avx512(byte, words, mask);
  if (has_avx2()) return detail::bits_of_bytes_avx2(byte, words, mask);
#endif
  offset count = 0;
  for (offset w = 0; w < words; ++w) {
    std::uint64_t bits = 0;
    for (int j = 0; j < 64; ++j) bits |= static_cast<std::uint64_t>(byte[w * 64 + j]) << j;
    mask[w] = bits;
    count += __builtin_popcountll(bits);
  }
  return count;
}

/// True when elements of In are packed into Out by vector instructions, where the processor has them.
template <class In, class Out>
inline constexpr bool packs_in_registers = moves_bytes<In, Out> &&
                                           (sizeof(iter_value_t<In>) == 4 || sizeof(iter_value_t<In>) == 8);

/// Packs the elements of in[0, n) whose bit is set, `count` of them, to `out`, which may be or lie before `in`. Bits
/// behind n are 0. The next `ahead` elements behind n are fetched on the way.
template <class In, class Out>
void compress(In in, const std::uint64_t* mask, offset n, Out out, offset count, [[maybe_unused]] offset ahead = 0) {
#if defined(__x86_64__)
  if constexpr (packs_in_registers<In, Out>) {
    constexpr int size = sizeof(*in);
    const auto* const from = reinterpret_cast<const unsigned char*>(in);
    auto* const to = reinterpret_cast<unsigned char*>(out);
    if (has_avx512()) return detail::compress_avx512<size, false>(from, mask, n, to, count, nullptr, ahead);
    if (has_avx2()) return detail::compress_avx2<size>(from, mask, n, to, count);
  }
#endif
  (void)count;
  offset kept = 0;
  detail::visit_bits(in, mask, (n + 63) / 64, [&](auto&& x) {
    out[kept] = x;
    ++kept;
  });
}

/// The same, and the elements whose bit is not set to `rejected`, which overlaps neither. Afterwards the mask is
/// spent.
template <class In, class Out, class Rejected>
void compress_both(In in, std::uint64_t* mask, offset n, Out out, offset count, Rejected rejected,
                   [[maybe_unused]] offset ahead = 0) {
#if defined(__x86_64__)
  if constexpr (packs_in_registers<In, Out> && packs_in_registers<In, Rejected>) {
    if (has_avx512())
      return detail::compress_avx512<sizeof(*in), true>(reinterpret_cast<const unsigned char*>(in), mask, n,
                                                        reinterpret_cast<unsigned char*>(out), count,
                                                        reinterpret_cast<unsigned char*>(rejected), ahead);
  }
#endif
  const auto invert = [=] {
    for (offset w = 0; w < (n + 63) / 64; ++w) mask[w] = ~mask[w];
    if (n % 64 != 0) mask[n / 64] &= (std::uint64_t{1} << n % 64) - 1;
  };
  invert();
  compress(in, mask, n, rejected, n - count);  // first, because `out` may be `in`
  invert();
  compress(in, mask, n, out, count);
}

}  // namespace weft::cpu
