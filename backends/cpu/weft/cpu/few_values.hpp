// Sorting numbers of which there are few different ones: they are counted, in one pass, and written in order, in
// another. A sample tells whether that may be so; the values it found get a multiplier that sends each to a place of
// its own in a small table, so counting is a multiplication, a comparison and an increment. A number that is not in the
// table ends the attempt, before anything has been written.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/stream_store.hpp>

namespace weft::inline v100::cpu::detail {

/// Equal numbers must be of the same bits: no -0.0, no NaN.
template <class K>
class few_values {
  static_assert(sizeof(K) == 4 || sizeof(K) == 8);
  using bits = std::conditional_t<sizeof(K) == 4, std::uint32_t, std::uint64_t>;
  static constexpr int places = 256;

 public:
  static constexpr int most = 32;
  /// Fewer are sorted about as fast as they are counted.
  static constexpr offset least_n = sizeof(K) == 4 ? 16384 : 512;

  /// Looks at a sample. False: there are too many values.
  bool find(const K* data, offset n) noexcept {
    constexpr int group = 4, early = 32, few_of_early = 24;
    const int size = n < 8192 ? 128 : 512;
    unsigned char known[places] = {};  // 1 + the number of a value
    const auto range = static_cast<std::uint64_t>(min(n - group, 0xffffffff));
    std::uint64_t random = static_cast<std::uint64_t>(n) * 0x9e3779b97f4a7c15u;
    for (int s = 0; s < size; s += group) {
      if (s == early && count_ > few_of_early) return false;
      random = random * 6364136223846793005u + 1442695040888963407u;
      const offset at = static_cast<offset>((random >> 32) * range >> 32);
      for (int j = 0; j < group; ++j) {
        const K x = data[at + j];
        unsigned place = place_of(x);
        while (known[place] != 0 && !(values_[known[place] - 1] == x)) place = (place + 1) % places;
        if (known[place] != 0) continue;
        if (count_ == most) return false;
        values_[count_++] = x;
        known[place] = static_cast<unsigned char>(count_);
      }
    }
    return set_apart();
  }

  /// Sorts by counting; false: there are other values, and nothing has been written.
  template <class Scheduler, bool Descending>
  bool sort(K* data, offset n) {
    constexpr offset grain = 1 << 15;
    std::atomic<offset> total[most] = {};
    std::atomic<bool> complete{true};
    for_chunks<Scheduler>(n, grain, [&](offset begin, offset end) {
      std::uint32_t counts[4][places] = {};
      constexpr offset cut = offset{1} << 30;  // what the counters take
      for (; begin < end; begin += cut) {
        if (!count(data + begin, min(cut, end - begin), complete, counts)) return;
        for (int v = 0; v < count_; ++v) {
          const unsigned place = place_of(values_[v]);
          offset sum = 0;
          for (auto& copy : counts) sum += copy[place], copy[place] = 0;
          total[v].fetch_add(sum, std::memory_order_relaxed);
        }
      }
    });
    if (!complete.load(std::memory_order_relaxed)) return false;
    // The values in order, with the end of each.
    K value[most];
    offset ends[most];
    for (int v = 0; v < count_; ++v) {
      int at = v;
      for (; at > 0 && (Descending ? value[at - 1] < values_[v] : values_[v] < value[at - 1]); --at)
        value[at] = value[at - 1], ends[at] = ends[at - 1];
      value[at] = values_[v];
      ends[at] = total[v].load(std::memory_order_relaxed);
    }
    for (int v = 1; v < count_; ++v) ends[v] += ends[v - 1];
    const bool past_cache = n * static_cast<offset>(sizeof(K)) >= streaming_bytes;
    for_chunks<Scheduler>(n, grain, [&](offset begin, offset end) {
      for (int v = 0; begin < end; ++v) {
        const offset stop = min(end, ends[v]);
        if (begin < stop) fill(data + begin, stop - begin, value[v], past_cache);
        begin = max(begin, stop);
      }
      if (past_cache) fence_streaming();
    });
    return true;
  }

 private:
  unsigned place_of(K x) const noexcept {
    return static_cast<unsigned>(std::uint64_t{__builtin_bit_cast(bits, x)} * multiplier_ >> 56);
  }

  /// A multiplier that sends the values to different places; false if there is none among the first tries.
  bool set_apart() noexcept {
    for (int tries = 0; tries < 64; ++tries) {
      bool taken[places] = {}, apart = true;
      for (int v = 0; v < count_ && apart; ++v) {
        bool& place = taken[place_of(values_[v])];
        apart = !place;
        place = true;
      }
      if (apart) {
        for (bits& entry : table_) entry = __builtin_bit_cast(bits, values_[0]);
        for (int v = 0; v < count_; ++v) table_[place_of(values_[v])] = __builtin_bit_cast(bits, values_[v]);
        return true;
      }
      multiplier_ = multiplier_ * 6364136223846793005u + 1442695040888963406u;  // stays odd
    }
    return false;
  }

  /// Four counters a value, so that equal neighbours do not wait for each other.
  bool count(const K* data, offset n, std::atomic<bool>& complete, std::uint32_t (&counts)[4][places]) const noexcept {
    constexpr offset stretch = 4096;
    const std::uint64_t multiplier = multiplier_;
    for (offset i = 0; i < n;) {
      if (!complete.load(std::memory_order_relaxed)) return false;
      const offset end = min(n, i + stretch);
      bits strange = 0;
      const auto look = [&](offset at, std::uint32_t * copy) __attribute__((always_inline)) {
        const bits x = __builtin_bit_cast(bits, data[at]);
        const auto place = static_cast<std::size_t>(std::uint64_t{x} * multiplier >> 56);
        strange |= table_[place] ^ x;
        ++copy[place];
      };
      for (; i + 4 <= end; i += 4)
        look(i, counts[0]), look(i + 1, counts[1]), look(i + 2, counts[2]), look(i + 3, counts[3]);
      for (; i < end; ++i) look(i, counts[0]);
      if (strange != 0) {
        complete.store(false, std::memory_order_relaxed);
        return false;
      }
    }
    return true;
  }

  static void fill(K* to, offset n, K value, bool past_cache) noexcept {
    constexpr offset size = 4096 / static_cast<offset>(sizeof(K));
    if (past_cache && n >= size) {
      alignas(64) K pattern[size];
      for (K& x : pattern) x = value;
      for (; n >= size; n -= size, to += size) copy_streaming(to, pattern, 4096);
    }
    wide_for(
        n, [=]() __attribute__((always_inline)) {
          for (offset i = 0; i < n; ++i) to[i] = value;
        });
  }

  int count_ = 0;
  std::uint64_t multiplier_ = 0x9e3779b97f4a7c15u;
  K values_[most];
  bits table_[places];
};

}  // namespace weft::cpu::detail
