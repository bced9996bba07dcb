// What a sample of the keys, one a thread, says about all of them before a bucket sort counts them: whether many are
// equal, which upper bits all are likely to share, and whether floats are evenly spread over a range of values, so that
// bins of equal width hold as many each, which bins of the upper bits never do. Guesses for speed only: the counts
// tell.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/dialect.hpp>
#include <weft/gpu/radix_key.hpp>

namespace weft::inline v100::gpu {

/// Bins of equal width for floats: one multiplication and addition, which keeps an order, puts the bin into the low
/// bits of a number of 2^23 and more.
struct even_values {
  float scale = 0, origin = 0;  // no scale: not used; negative for a descending order

  static constexpr float units = 8388608;
  WEFT_DEVICE bool used() const { return scale != 0; }
  /// Of a key's bits as they came; keys beyond the range are in the outermost bins.
  WEFT_DEVICE std::uint32_t bin(std::uint32_t raw, int bins) const {
    union {
      std::uint32_t bits;
      float number;
    } u{raw};
    const float x = __builtin_fmaf(u.number, scale, origin), top = units + static_cast<float>(bins - 1);
    const float below = x < top ? x : top;  // what is not a number, too, is behind all others
    u.number = below > units ? below : units;
    return u.bits & 0x7fffffu;
  }
};

/// Keys that may be floats. Wider ones make registers spill, and gain less.
template <class Bits, bool Frugal>
inline constexpr bool values_make_bins = !Frugal && sizeof(Bits) == sizeof(float);

template <class Bits>
struct key_sample {
  Bits bits;           // those of some key
  std::uint32_t rest;  // the bits of a key below its bin: those above the bin are likely to be the same in all keys
  even_values values;

  /// By a block, every one with the same answer: false, or true for many equal keys, whose buckets would be of one key,
  /// and uneven. `s` has words `counts`, which are zero afterwards, and upper, sums, groups, totals of 32.
  template <int Threads, int Counts, bool ByValue, class Block, class Shared>
  WEFT_DEVICE bool look(Block block, Shared& s, const Bits* keys, offset n, const key_order<Bits>& order,
                        int bin_bits) {
    constexpr int words = Counts < 4096 ? Counts : 4096, warps = Threads / Block::width;
    auto sample_of = [&](unsigned t) {
      const std::uint64_t h = (t + 1) * std::uint64_t{0x9e3779b97f4a7c15};
      return keys[static_cast<offset>((h >> 32) * static_cast<std::uint64_t>(n) >> 32)];
    };
    const unsigned t = block.thread();
    const Bits sample = sample_of(t), own = order.digits(order.encode(sample));
    bits = order.digits(order.encode(sample_of(0)));
    auto warp = block.warp();
    const Bits other = static_cast<Bits>(own ^ bits);
    const std::uint32_t highest =
        warp.greatest(other != 0 ? static_cast<std::uint32_t>(Block::highest_bit(other)) : 0u);
    if (warp.lane() == 0) s.upper[warp.index()] = highest;
    if constexpr (ByValue) {
      const std::uint32_t most = warp.greatest(own), least = warp.greatest(~own);
      if (warp.lane() == 0) s.sums[warp.index()] = most, s.groups[warp.index()] = least;
      if (t < 32) s.totals[t] = 0;
    }
    for (int i = static_cast<int>(t); i < Counts; i += Threads) s.counts[i] = 0;
    block.sync();
    const std::uint32_t top = warp.greatest(warp.lane() < warps ? s.upper[warp.lane()] : 0u);
    const std::uint64_t h = (sample ^ std::uint64_t{sample} >> 29) * std::uint64_t{0xbf58476d1ce4e5b9};
    const auto bit = static_cast<std::uint32_t>(h >> 40) % (words * 32);
    const bool seen_before = block.shared_fetch_or(&s.counts[bit / 32], 1u << bit % 32) >> bit % 32 & 1;
    const unsigned again = block.sync_count(seen_before), upper_half = block.sync_count((own >> top & 1) != 0);
    for (int i = static_cast<int>(t); i < words; i += Threads) s.counts[i] = 0;
    // Only evenly spread ones: others are likely to have a few keys beyond.
    if (order.bump == 0 && upper_half > Threads / 4 && upper_half < Threads - Threads / 4)
      rest = top >= static_cast<std::uint32_t>(bin_bits) ? top + 1 - static_cast<std::uint32_t>(bin_bits) : 0;
    if constexpr (ByValue)
      if (order.bump != 0) {
        const bool there = warp.lane() < warps;
        spread<Threads>(block, s, order, own, warp.greatest(there ? s.sums[warp.lane()] : 0u),
                        ~warp.greatest(there ? s.groups[warp.lane()] : 0u), bin_bits);
      }
    return again > Threads / 16;
  }

 private:
  /// Sets `values` for a sample of floats that is evenly spread, and whose numbers are not all short (integers, say,
  /// would be few in each bin, and not as many).
  template <int Threads, class Block, class Shared>
  WEFT_DEVICE void spread(Block block, Shared& s, const key_order<Bits>& order, Bits own, Bits most, Bits least,
                          int bin_bits) {
    constexpr int parts = 16, share = Threads / parts;
    const float low = order.template value<float>(least), range = order.template value<float>(most) - low;
    // What is not a number fails every comparison. Numbers far from zero would have too few bits of the range.
    const bool finite = range > 1e-30f && range < 1e30f && low < range * 512 && low > range * -512;
    const int part = finite ? static_cast<int>((order.template value<float>(own) - low) * (parts / range)) : 0;
    const unsigned t = block.thread();
    const unsigned in_short = block.sync_count((order.decode(own) & 63) == 0);
    if (finite) block.shared_add(&s.totals[part < parts ? part : parts - 1], 1u);
    block.sync();
    const bool uneven = t < parts && (s.totals[t] < share / 2 || s.totals[t] > share + share / 2);
    if (block.sync_or(uneven) || !finite || in_short > Threads / 8) return;
    // Room on both sides for what no sample has seen.
    const float scale = static_cast<float>(1 << bin_bits) / (range + range / 32);
    values.scale = order.reversed ? -scale : scale;
    values.origin = even_values::units - (low - range / 64) * scale;
  }
};

}  // namespace weft::gpu
