// A block sorts a bucket of keys in shared memory. They are thrown into about as many bins as there are keys, evenly
// over the range they span (the place in a bin by a returning atomic, any order); then each key counts the lesser ones
// of its bin, most often none, and knows its place; with values, the equal ones that came before it as well.
// Floating-point keys may be spread by their values: of evenly spread numbers those of the greatest exponents would
// crowd few bins. Buckets whose keys do crowd few bins are sorted digit by digit instead, buckets that do not fit the
// block likewise, through memory.
#pragma once

#include <weft/gpu/radix_block.hpp>

namespace weft::inline v100::gpu {

/// Value is none, or moves along; then everything is stable. WideBins: a word for each bin, fewer instructions;
/// otherwise two bins share one.
template <int Threads, int Items, int BinBits, bool WideBins, class Bits, class Value>
struct bucket_sorter {
  static constexpr bool has_values = !is_none<Value>;
  using value_type = std::conditional_t<has_values, Value, char>;
  static constexpr int capacity = Threads * Items, bins = 1 << BinBits, bin_words = WideBins ? bins : bins / 2;
  static constexpr std::uint32_t crowd = 24, crowd_of_equals = 64;  // keys of a bin, at most, to be compared
  static_assert(capacity < 1 << 16);
  struct shared {
    struct binned {
      Bits keys[capacity];
      alignas(16) value_type values[has_values ? capacity : 1];      // as they came
      alignas(16) std::uint16_t arrival[has_values ? capacity : 1];  // where a key's value is
      alignas(16) std::uint32_t word[bin_words + 4];  // of bins: the number of keys, then where these begin
    };
    union {
      binned bin;
      digit_sort_shared<Threads, Items, Bits, Value> digits;
    };
    std::uint32_t next[radix_digits], place[radix_digits];
    Bits least[32], most[32];
    std::uint32_t totals[32];
  };

  /// How keys are thrown into bins: by their bits, evenly, or, floating-point keys alone, evenly by their values.
  enum class bins_by { bits, values };

  /// In place, m <= capacity keys; encoded ones unless `Raw`, decoded afterwards.
  /// `between` is called by all threads midway. Returns false, with nothing done, for keys that are better, or only
  /// stably, sorted by sort_digits.
  template <bool Raw, bins_by By, class Block, class Between>
  static WEFT_DEVICE bool sort(Block block, shared& s, const key_order<Bits>& order, Bits* keys, value_type* values,
                               int m, const Between& between) {
    const int t = static_cast<int>(block.thread());

    // The range of the keys. Whether both zeros are there: of keys alone only the stable sort keeps their order.
    Bits k[Items], least = static_cast<Bits>(~Bits{0}), most = 0;
#pragma unroll
    for (int i = 0; i < Items; ++i) k[i] = i * Threads + t < m ? keys[i * Threads + t] : Bits{0};
    if constexpr (has_values) {
#pragma unroll
      for (int i = 0; i < Items; ++i)
        if (i * Threads + t < m) s.bin.values[i * Threads + t] = values[i * Threads + t];
    }
    for (int i = t * 4; i < bin_words; i += Threads * 4) Block::template store_vector<16>(&s.bin.word[i], vec<16>{});
    std::uint32_t zeros = 0;
    m = compared_anew(block, m);
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      if (Raw) {
        k[i] = order.encode(k[i]);
        if (!has_values && order.bump != 0 && i * Threads + t < m)
          zeros |= (k[i] == order.zero) + 2 * (k[i] == static_cast<Bits>(order.zero + 1));
      }
      if (i * Threads + t < m) {
        least = digits(order, k[i]) < least ? digits(order, k[i]) : least;
        most = digits(order, k[i]) > most ? digits(order, k[i]) : most;
      }
    }
    if (!has_values && Raw && order.bump != 0) {
      const bool lower = block.sync_or(zeros & 1), upper = block.sync_or(zeros & 2);
      if (lower && upper) return false;
    }
    range_of(block, s, least, most);
    m = compared_anew(block, m);
    if (least == most) {  // and the values stay where they are
#pragma unroll
      for (int i = 0; i < Items; ++i)
        if (i * Threads + t < m) keys[i * Threads + t] = order.decode(k[i]);
      return true;
    }
    const int bits = Block::highest_bit(static_cast<Bits>(most - least)) + 1,
              shift = bits > BinBits ? bits - BinBits : 0;
    // A bin for each key that there may be: those of a bin are equal, hence, of keys alone, in order already.
    const bool exact = By == bins_by::bits && shift == 0;
    const value_bins by_value(order, least, most);
    if (By == bins_by::values && !by_value.possible) return false;
    auto bin_of = [&](Bits key) {
      if constexpr (By == bins_by::values)
        return by_value.bin(order, key);
      else
        return static_cast<std::uint32_t>(static_cast<Bits>(digits(order, key) - least) >> shift);
    };

    std::uint32_t rank[Items];
    m = compared_anew(block, m);
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      rank[i] = 0;
      if (i * Threads + t < m) {
        const std::uint32_t bin = bin_of(k[i]), half = WideBins ? 0 : bin % 2 * 16;
        rank[i] = block.shared_fetch_add(&s.bin.word[WideBins ? bin : bin / 2], 1u << half) >> half & 0xffffu;
      }
    }
    block.sync();
    // Few keys may crowd more: as many comparisons.
    const std::uint32_t share = (static_cast<std::uint32_t>(m) + Threads - 1) / Threads;
    if (crowded(block, s, m, !exact ? crowd * Items / share : has_values ? crowd_of_equals : capacity)) return false;
    m = compared_anew(block, m);
#pragma unroll
    for (int i = 0; i < Items; ++i)
      if (i * Threads + t < m) {
        const std::uint32_t slot = begin_of(s, bin_of(k[i])) + rank[i];
        s.bin.keys[slot] = k[i];
        if constexpr (has_values) s.bin.arrival[slot] = static_cast<std::uint16_t>(i * Threads + t);
      }
    block.sync();
    between();
    if (!has_values && exact) {
      m = compared_anew(block, m);
#pragma unroll
      for (int i = 0; i < Items; ++i)
        if (i * Threads + t < m) keys[i * Threads + t] = order.decode(s.bin.keys[i * Threads + t]);
      return true;
    }

    // Masks of 64 lanes fill the scalar registers if several comparisons are made at once.
    [[maybe_unused]] constexpr int together = Block::width == 64 ? 1 : 4;
#pragma unroll 4
    for (int i = 0; i < Items; ++i) {
      const auto at = static_cast<std::uint32_t>(i * Threads + t);
      if (at >= static_cast<std::uint32_t>(m)) break;
      const Bits key = s.bin.keys[at], d = digits(order, key);
      const std::uint32_t arrived = has_values ? s.bin.arrival[at] : at;
      const std::uint32_t bin = bin_of(key), begin = begin_of(s, bin), end = begin_of(s, bin + 1);
      std::uint32_t place = begin;
      if (end - begin > 1)
#pragma unroll together
        for (std::uint32_t j = begin; j < end; ++j) {
          const Bits other = digits(order, s.bin.keys[j]);
          place += other < d || (other == d && (has_values ? s.bin.arrival[j] : j) < arrived);
        }
      keys[place] = order.decode(key);
      if constexpr (has_values) values[place] = s.bin.values[arrived];
    }
    return true;
  }

  /// Any m > capacity encoded keys, by one block, digit by digit and stably, between here and there.
  template <class Block>
  static WEFT_DEVICE void sort_large(Block block, shared& s, const key_order<Bits>& order, Bits* keys, Bits* other_keys,
                                     value_type* values, value_type* other_values, offset m) {
    constexpr int W = Block::width;
    const int t = static_cast<int>(block.thread());
    const int mine = static_cast<int>(block.warp().index()) * (Items * W) + static_cast<int>(block.warp().lane());
    Bits *from = keys, *to = other_keys;
    value_type *from_values = values, *to_values = other_values;
    Bits least = static_cast<Bits>(~Bits{0}), most = 0;
    for (offset i = t; i < m; i += Threads) {
      const Bits d = order.digits(keys[i]);
      least = d < least ? d : least;
      most = d > most ? d : most;
    }
    range_of(block, s, least, most);
    block.sync();
#pragma unroll 1
    for (int shift = 0; shift < 8 * static_cast<int>(sizeof(Bits)) && least >> shift != most >> shift;
         shift += radix_bits) {
      auto digit = [&](Bits k) { return static_cast<std::uint32_t>(order.digits(k) >> shift) & (radix_digits - 1); };
      if (t < radix_digits) s.next[t] = 0;
      block.sync();
      for (offset i = t; i < m; i += Threads) block.shared_add(&s.next[digit(from[i])], 1u);
      block.sync();
      const std::uint32_t count = t < radix_digits ? s.next[t] : 0;
      const bool constant = block.sync_or(count == static_cast<std::uint32_t>(m));
      if (constant) continue;
      const std::uint32_t before = sum_before(block, count, s.totals);
      if (t < radix_digits) s.next[t] = before;
      for (offset start = 0; start < m; start += capacity) {
        const int held = m - start < capacity ? static_cast<int>(m - start) : capacity;
        Bits k[Items];
        std::uint32_t pos[Items];
#pragma unroll
        for (int i = 0; i < Items; ++i)
          k[i] = mine + i * W < held ? from[start + mine + i * W] : static_cast<Bits>(~Bits{0});
        block.sync();
        std::uint32_t in_tile = 0;
        const std::uint32_t lesser = rank_tile<Threads, Items, false, false>(
            block, s.digits.tables, s.totals, [&](int i) { return digit(k[i]); }, false, Threads / W, pos,
            [&](std::uint32_t c) { in_tile = c; });
        if (t < radix_digits) {
          s.place[t] = s.next[t] - lesser;
          s.next[t] += in_tile;
        }
        block.sync();
        const int still = compared_anew(block, held);
#pragma unroll
        for (int i = 0; i < Items; ++i) {
          const std::uint32_t place = pos[i] + s.place[digit(k[i])];
          if (mine + i * W < still) {
            to[place] = k[i];
            if constexpr (has_values) to_values[place] = from_values[start + mine + i * W];
          }
        }
        block.sync();
      }
      Bits* const swap = from;
      from = to, to = swap;
      value_type* const swap_values = from_values;
      from_values = to_values, to_values = swap_values;
    }
    for (offset i = t; i < m; i += Threads) {
      keys[i] = order.decode(from[i]);
      if constexpr (has_values) values[i] = from_values[i];
    }
    block.sync();
  }

  /// What `sort` does, digit by digit.
  template <class Block>
  static WEFT_DEVICE void sort_digits(Block block, shared& s, const key_order<Bits>& order, Bits* keys,
                                      value_type* values, int m, bool raw) {
    constexpr int W = Block::width;
    const int mine = static_cast<int>(block.warp().index()) * (Items * W) + static_cast<int>(block.warp().lane());
    block.sync();
    Bits k[Items];
    value_type v[has_values ? Items : 1];
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      const bool there = mine + i * W < m;
      k[i] = there ? keys[mine + i * W] : static_cast<Bits>(~Bits{0});
      if (raw && there) k[i] = order.encode(k[i]);
      if constexpr (has_values) v[i] = there ? values[mine + i * W] : value_type{};
    }
    sort_by_digits<Threads, Items, Value>(block, s.digits, order, compared_anew(block, m), k, v);
    m = compared_anew(block, m);
#pragma unroll
    for (int i = 0; i < Items; ++i)
      if (mine + i * W < m) {
        keys[mine + i * W] = order.decode(k[i]);
        if constexpr (has_values) values[mine + i * W] = v[i];
      }
  }

 private:
  /// Of keys alone, all bits: there are no two that differ and count as equal.
  static WEFT_DEVICE Bits digits(const key_order<Bits>& order, Bits k) { return has_values ? order.digits(k) : k; }

  /// Bins of floating-point keys by their values: subtraction and multiplication, rounded, keep an order.
  struct value_bins {
    using number = std::conditional_t<sizeof(Bits) == 8, double, float>;
    number least, scale;
    bool possible;
    WEFT_DEVICE value_bins(const key_order<Bits>& order, Bits low, Bits high)
        : least(order.template value<number>(low)),
          scale(static_cast<number>(bins - 1) / (order.template value<number>(high) - least)) {
      possible = order.bump != 0 && scale > 0 && scale < static_cast<number>(1e30);  // not of NaN and infinity
    }
    WEFT_DEVICE std::uint32_t bin(const key_order<Bits>& order, Bits key) const {
      return static_cast<std::uint32_t>((order.template value<number>(key) - least) * scale);
    }
  };

  template <class Block>
  static WEFT_DEVICE void range_of(Block block, shared& s, Bits& least, Bits& most) {
    auto warp = block.warp();
    auto reduce = [&] {
      least = static_cast<Bits>(~greatest(block, static_cast<Bits>(~least)));
      most = greatest(block, most);
    };
    reduce();
    if (warp.lane() == 0) s.least[warp.index()] = least, s.most[warp.index()] = most;
    block.sync();
    const unsigned w = warp.lane() < Threads / Block::width ? warp.lane() : 0;
    least = s.least[w], most = s.most[w];
    reduce();
  }
  template <class Block>
  static WEFT_DEVICE Bits greatest(Block block, Bits v) {
    auto warp = block.warp();
    if constexpr (sizeof(Bits) <= 4) {
      return static_cast<Bits>(warp.greatest(v));
    } else {
      const std::uint32_t high = warp.greatest(static_cast<std::uint32_t>(v >> 32));
      const std::uint32_t low =
          warp.greatest(static_cast<std::uint32_t>(v >> 32) == high ? static_cast<std::uint32_t>(v) : 0);
      return Bits{high} << 32 | low;
    }
  }
  static WEFT_DEVICE std::uint32_t begin_of(const shared& s, std::uint32_t bin) {
    return WideBins ? s.bin.word[bin] : s.bin.word[bin / 2] >> bin % 2 * 16 & 0xffffu;
  }

  /// Turns the bins' counts into their beginnings; whether one has more than `most` keys. Done when it returns.
  template <class Block>
  static WEFT_DEVICE bool crowded(Block block, shared& s, int m, std::uint32_t most) {
    constexpr int W = Block::width, each = bin_words / Threads, rows = each / 4;
    static_assert(each % 4 == 0, "whole vectors of bins a thread");
    auto warp = block.warp();
    std::uint32_t* const mine = s.bin.word + warp.index() * W * each + warp.lane() * 4;  // and each W * 4 words
    std::uint32_t in_row[rows], largest = 0;
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const vec<16> v = Block::template load_vector<16>(mine + r * W * 4);
      in_row[r] = 0;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const std::uint32_t low = WideBins ? v.word[i] : v.word[i] & 0xffffu, high = (v.word[i] - low) >> 16;
        largest = low > largest ? low : largest;
        largest = high > largest ? high : largest;
        in_row[r] += low + high;
      }
    }
    // Two rows at a time: no sum is longer than 16 bits.
    std::uint32_t before[rows], sum = 0;
#pragma unroll
    for (int r = 0; r < rows; r += 2) {
      const std::uint32_t both = in_row[r] | (r + 1 < rows ? in_row[r + 1] << 16 : 0);
      const std::uint32_t upto = warp.inclusive_sum(both), all = warp.shuffle(upto, W - 1);
      before[r] = sum + ((upto - both) & 0xffffu);
      sum += all & 0xffffu;
      if (r + 1 < rows) before[r + 1] = sum + ((upto - both) >> 16), sum += all >> 16;
    }
    if (warp.lane() == 0) s.totals[warp.index()] = sum;
    const bool crowds = block.sync_or(largest > most);
    std::uint32_t earlier = 0;
    for (unsigned w = 0; w < Threads / Block::width; ++w)
      if (w < warp.index()) earlier += s.totals[w];
        // The counts are read again: the keys fill the registers.
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      vec<16> v = Block::template load_vector<16>(mine + r * W * 4);
      std::uint32_t at = earlier + before[r];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const std::uint32_t low = WideBins ? v.word[i] : v.word[i] & 0xffffu, high = (v.word[i] - low) >> 16;
        v.word[i] = WideBins ? at : at | (at + low) << 16;
        at += low + high;
      }
      Block::template store_vector<16>(mine + r * W * 4, v);
    }
    if (block.thread() == 0) s.bin.word[bin_words] = static_cast<std::uint32_t>(m);
    block.sync();
    return crowds;
  }
};

}  // namespace weft::gpu
