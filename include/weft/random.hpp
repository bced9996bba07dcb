// Random numbers by counter: the i-th number of a seed is computed from i alone (Philox4x32-10: Salmon, Moraes, Dror
// and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011), so every element of a range can be drawn on its own,
// in any order, on any backend, with the same result. The distributions are functions of the index: for `tabulate`, for
// `transformed(counting(0), …)` without memory, or called one by one.
//
//   weft::tabulate(policy, x.begin(), x.end(), weft::uniform_real<float>{seed});            // in [0, 1)
//   weft::shuffle(policy, cards.begin(), cards.end(), seed);
//
// Numbers, integers and reals in a range are the same bits everywhere; normal ones follow the backend's logarithm and
// cosine. Shuffling is a bijection of indices in a few words of state (Mitchell, Stokes, Frank and Holmes, "Bandwidth-
// optimal random shuffling for GPUs", 2022), walked until it meets an index of the range: one gather, nothing is
// sorted.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>
#include <weft/select.hpp>

#include <cmath>

namespace weft::inline v100 {

/// Four words: a counter, or the random numbers of one.
struct philox_block {
  std::uint32_t word[4];
};

/// Philox4x32 with ten rounds: the random words of a counter and a key. A bijection of counters for each key.
WEFT_HOST_DEVICE constexpr philox_block philox4x32(philox_block counter, std::uint32_t key0, std::uint32_t key1) {
  std::uint32_t a = counter.word[0], b = counter.word[1], c = counter.word[2], d = counter.word[3];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t x = std::uint64_t{0xd2511f53u} * a, y = std::uint64_t{0xcd9e8d57u} * c;
    a = static_cast<std::uint32_t>(y >> 32) ^ b ^ key0;
    c = static_cast<std::uint32_t>(x >> 32) ^ d ^ key1;
    b = static_cast<std::uint32_t>(y);
    d = static_cast<std::uint32_t>(x);
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  return {{a, b, c, d}};
}

namespace detail {

template <class T>
inline constexpr T greatest = static_cast<T>(~std::uint64_t{0} >> (64 - 8 * sizeof(T) + std::is_signed_v<T>));

/// The words of index i of a seed, and further ones where a draw was refused.
WEFT_HOST_DEVICE constexpr philox_block words_of(std::uint64_t seed, offset i, std::uint32_t attempt = 0) {
  const auto at = static_cast<std::uint64_t>(i);
  return philox4x32({{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32), attempt, 0}},
                    static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}
WEFT_HOST_DEVICE constexpr std::uint64_t two_words(std::uint32_t low, std::uint32_t high) {
  return std::uint64_t{high} << 32 | low;
}
/// The upper 64 bits of a product of 64-bit numbers; the lower ones are a * b.
WEFT_HOST_DEVICE constexpr std::uint64_t upper_product(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t low = 0xffffffffu;
  const std::uint64_t middle = (a >> 32) * (b & low) + ((a & low) * (b & low) >> 32);
  return (a >> 32) * (b >> 32) + (middle >> 32) + (((a & low) * (b >> 32) + (middle & low)) >> 32);
}

/// A bijection of [0, n), another one for each seed: a Feistel network on the least power of two that is at least n
/// (and 16), applied until the result lies below n: less than twice on average for n > 8.
struct shuffled_index {
  std::uint64_t seed;
  offset n;
  int left, right;  // bits of the halves: right is left or left + 1

  static constexpr shuffled_index of(std::uint64_t seed, offset n) {
    int bits = 4;
    while ((offset{1} << bits) < n) ++bits;
    // Seeds that differ little start far apart.
    const philox_block start = words_of(seed, 0);
    return {two_words(start.word[0], start.word[1]), n, bits / 2, bits - bits / 2};
  }
  WEFT_HOST_DEVICE constexpr offset operator()(offset i) const {
    do { i = once(static_cast<std::uint64_t>(i)); } while (i >= n);
    return i;
  }

 private:
  WEFT_HOST_DEVICE constexpr offset once(std::uint64_t i) const {
    const std::uint32_t left_mask = (1u << left) - 1, right_mask = (1u << right) - 1;
    std::uint32_t a = static_cast<std::uint32_t>(i >> right), b = static_cast<std::uint32_t>(i) & right_mask;
    std::uint64_t state = seed;
    for (int round = 0; round < 24; ++round) {
      state = state * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
      const auto key = static_cast<std::uint32_t>(state >> 32);
      // The multiplier is odd, so the lower bits of the product keep all of a; its upper ones stir b.
      const std::uint64_t product = 0xd2b74407b1ce6e93u * a;
      const std::uint32_t next = (static_cast<std::uint32_t>(product >> 32) ^ key ^ b) & left_mask;
      b = (static_cast<std::uint32_t>(product) << (right - left) | b >> left) & right_mask;
      a = next;
    }
    return static_cast<offset>(std::uint64_t{a} << right | b);
  }
};

}  // namespace detail

/// An engine for the distributions of std: a std::uniform_random_bit_generator over Philox4x32-10, the numbers of
/// std::philox4x32 of C++26. `discard` takes no time.
class philox4x32_engine {
 public:
  using result_type = std::uint32_t;
  static constexpr result_type default_seed = 20111115;

  WEFT_HOST_DEVICE constexpr explicit philox4x32_engine(std::uint64_t seed = default_seed) : seed_(seed) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xffffffffu; }
  WEFT_HOST_DEVICE constexpr result_type operator()() {
    if (at_ % 4 == 0) block_ = detail::words_of(seed_, static_cast<offset>(at_ / 4));
    return block_.word[at_++ % 4];
  }
  WEFT_HOST_DEVICE constexpr void discard(unsigned long long n) {
    at_ += n;
    if (at_ % 4 != 0) block_ = detail::words_of(seed_, static_cast<offset>(at_ / 4));
  }
  friend constexpr bool operator==(const philox4x32_engine& a, const philox4x32_engine& b) {
    return a.seed_ == b.seed_ && a.at_ == b.at_;
  }

 private:
  std::uint64_t seed_, at_ = 0;  // numbers drawn so far
  philox_block block_{};
};

// Distributions: functions of the index ------------------------------------------------------------------------------

/// Integers of [low, high], both included, all equally likely.
template <class T = int>
  requires std::is_integral_v<T>
struct uniform_int {
  std::uint64_t seed;
  T low = 0, high = detail::greatest<T>;

  WEFT_HOST_DEVICE constexpr T operator()(offset i) const {
    const std::uint64_t kinds = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    for (std::uint32_t attempt = 0;; ++attempt) {
      const philox_block b = detail::words_of(seed, i, attempt);
      const std::uint64_t x = detail::two_words(b.word[0], b.word[1]);
      if (kinds == 0) return static_cast<T>(x);
      // The upper half of x * kinds is a kind; refused are as many lower halves as some kinds have more than others.
      if (x * kinds >= (0 - kinds) % kinds)
        return static_cast<T>(static_cast<std::uint64_t>(low) + detail::upper_product(x, kinds));
    }
  }
};

/// Reals of [low, high): multiples of 2^-24 (float) or 2^-53 (double) of the width.
template <class T = float>
  requires(std::is_same_v<T, float> || std::is_same_v<T, double>)
struct uniform_real {
  std::uint64_t seed;
  T low = 0, high = 1;

  WEFT_HOST_DEVICE constexpr T operator()(offset i) const {
    const philox_block b = detail::words_of(seed, i);
    T share{};
    if constexpr (sizeof(T) == 4)
      share = static_cast<T>(b.word[0] >> 8) * 0x1p-24f;
    else
      share = static_cast<T>(detail::two_words(b.word[0], b.word[1]) >> 11) * 0x1p-53;
    const T x = low + weft::product(share, high - low);
    return x < high ? x : low;  // rounded up to the end
  }
};

/// Normally distributed reals, by Box and Muller.
template <class T = float>
  requires(std::is_same_v<T, float> || std::is_same_v<T, double>)
struct normal {
  std::uint64_t seed;
  T mean = 0, deviation = 1;

  WEFT_HOST_DEVICE T operator()(offset i) const {
    const philox_block b = detail::words_of(seed, i);
    if constexpr (sizeof(T) == 4) {
      const float radius = std::sqrt(-2.f * std::log((static_cast<float>(b.word[0] >> 8) + 1.f) * 0x1p-24f));
      const float angle = static_cast<float>(b.word[1] >> 8) * (6.283185307179586f * 0x1p-24f);
      return mean + weft::product(deviation, radius * std::cos(angle));
    } else {
      const double first = static_cast<double>((detail::two_words(b.word[0], b.word[1]) >> 11) + 1) * 0x1p-53;
      const double angle =
          static_cast<double>(detail::two_words(b.word[2], b.word[3]) >> 11) * (6.283185307179586 * 0x1p-53);
      return mean + weft::product(deviation, std::sqrt(-2. * std::log(first)) * std::cos(angle));
    }
  }
};

// Shuffling ----------------------------------------------------------------------------------------------------------

/// Writes the first `count` elements of a random order of [first, last) to `out`: a sample without repetition, each
/// element as likely as any other. The output must be apart from the input; returns its end. One gather, no temporary
/// memory. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Out>
Out sample(const P& policy, In first, In last, Out out, offset count, std::uint64_t seed) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "sample", first, n);
  const auto to = detail::checked(policy, "sample", out, count);
  weft::require(count <= n, policy, "sample", "more elements asked for than there are");
  detail::check_apart(policy, "sample", in, n, to, count);
  const auto order = weft::transformed(weft::counting(offset{0}), detail::shuffled_index::of(seed, n));
  P::backend::transform(policy, weft::permuted(in, order), count, to, identity{});
  weft::finish(policy);
  return out + count;
}

/// Writes [first, last) in a random order to `out`, which must be apart from it; returns the end of the output. The
/// same seed and length give the same order on every backend.
template <execution_policy P, random_access In, writable_from<In> Out>
Out shuffle_copy(const P& policy, In first, In last, Out out, std::uint64_t seed) {
  return weft::sample(policy, first, last, out, static_cast<offset>(last - first), seed);
}

/// Brings [first, last) into a random order, the one of shuffle_copy. Temporary memory for n elements.
template <execution_policy P, random_access It>
  requires writable_from<It, It>
void shuffle(const P& policy, It first, It last, std::uint64_t seed) {
  const auto n = static_cast<offset>(last - first);
  auto in = detail::checked(policy, "shuffle", first, n);
  const detail::assignable_temporary<P, decltype(in)> before(policy, in, n);
  P::backend::transform(policy, in, n, before.data(), identity{});
  const auto order = weft::transformed(weft::counting(offset{0}), detail::shuffled_index::of(seed, n));
  P::backend::transform(policy, weft::permuted(before.data(), order), n, in, identity{});
  weft::finish(policy);
}

}  // namespace weft
