// Radix sort of trivially copyable elements by an unsigned key of at most 64 bits: stable. Large input is first split
// by its highest varying bits into buckets that fit the cache (reading and writing memory once, through one cache line
// of buffer a bucket), and each bucket is then sorted from the lowest digit up, eight bits at a time, inside the cache;
// digits in which all keys agree are skipped. Buckets are
// the tasks of the threads; a bucket too large for that is
// split again by all threads. Sorted and reversed input is found on the way. Memory: one more array.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// What one look over the keys tells.
struct key_survey {
  std::uint64_t varying = 0;  // bits in which some key differs from the first
  bool ascending = true, descending = true;
  void merge(const key_survey& other) {
    varying |= other.varying;
    ascending &= other.ascending;
    descending &= other.descending;
  }
};

template <class E>
inline constexpr offset radix_cached = (1 << 19) /
                                       static_cast<offset>(sizeof(E));  // elements that fit L2 with their copy

/// In so many parts the threads look at the keys and split them.
inline int radix_parts(offset n, int threads) {
  return n <= 1 << 14 || threads <= 1 ? 1 : static_cast<int>(min(threads * 2, ceil_div(n, 1 << 14)));
}

}  // namespace detail

/// The second array, and what each part of the threads finds and counts.
template <class E>
struct radix_plan {
  template <class Scheduler>
  static radix_plan of(offset n) {
    radix_plan plan;
    plan.size = n <= 24 ? 0 : n;
    plan.threads = n <= 1 << 14 ? 1 : Scheduler::threads();
    return plan;
  }
  void divide(divider& from) {
    other = from.take<E>(size);
    if (size <= detail::radix_cached<E> / 8) return;
    const int parts = detail::radix_parts(size, threads);
    next = from.take<offset>(parts * 256);
    if (parts > 1) surveys = from.take<detail::key_survey>(parts);
  }

  offset size = 0;
  int threads = 1;
  E* other = nullptr;
  offset* next = nullptr;
  detail::key_survey* surveys = nullptr;
};

namespace detail {

/// Sorting as a set of functions over one kind of element: Key{}(element) is its unsigned key.
template <class Scheduler, class E, class Key>
struct radix_sorter {
  using key_type = decltype(Key{}(std::declval<const E&>()));
  static constexpr int key_bits = static_cast<int>(sizeof(key_type) * 8);
  static constexpr offset cached = radix_cached<E>;
  static constexpr int line = sizeof(E) >= 64 || 64 % sizeof(E) != 0 ? 1 : static_cast<int>(64 / sizeof(E));

  static int digit(const E& x, int shift, unsigned mask) {
    return static_cast<int>(static_cast<unsigned>(Key{}(x) >> shift) & mask);
  }

  /// Looks at [begin, end) and the element before it.
  static key_survey survey(const E* data, offset begin, offset end) {
    return wide([=]() __attribute__((always_inline)) {
      key_survey result;
      const key_type first = Key{}(data[0]);
      key_type varying = 0;
      constexpr offset step = 1024;
      for (offset i = begin; i < end; i += step) {
        const offset stop = min(end, i + step);
        for (offset j = i; j < stop; ++j) varying = static_cast<key_type>(varying | (Key{}(data[j]) ^ first));
        if (result.ascending || result.descending) {
          key_type falls = 0, rises = 0;  // of the keys' own width, so that the loop vectorises
          for (offset j = max(i, 1); j < stop; ++j) {
            const key_type before = Key{}(data[j - 1]), here = Key{}(data[j]);
            falls = static_cast<key_type>(falls | static_cast<key_type>(before > here));
            rises = static_cast<key_type>(rises | static_cast<key_type>(before <= here));
          }
          result.ascending &= falls == 0;
          result.descending &= rises == 0;
        }
      }
      result.varying = varying;
      return result;
    });
  }

  static void insertion(const E* from, E* to, offset n) {
    for (offset i = 0; i < n; ++i) {
      const E x = from[i];
      const key_type key = Key{}(x);
      offset j = i;
      for (; j > 0 && key < Key{}(to[j - 1]); --j) to[j] = to[j - 1];
      to[j] = x;
    }
  }

  /// Inside the cache, one thread: sorts by bits [0, bits), from the lowest digit. The result is in `to`, which is one
  /// of the two arrays; the other is overwritten.
  static void sort_cached(E* data, E* other, offset n, int bits, const E* to) {
    if (n <= 24) {
      E* const target = data == to ? data : other;
      if (target == data) {
        for (offset i = 1; i < n; ++i) {
          const E x = data[i];
          offset j = i;
          for (; j > 0 && Key{}(x) < Key{}(data[j - 1]); --j) data[j] = data[j - 1];
          data[j] = x;
        }
      } else {
        insertion(data, other, n);
      }
      return;
    }
    constexpr int digits = (key_bits + 7) / 8;
    const int used = (bits + 7) / 8;
    std::uint32_t count[digits][256] = {};
    for (offset i = 0; i < n; ++i) {
      key_type key = Key{}(data[i]);
      for (int d = 0; d < digits; ++d) {
        if (d < used) ++count[d][static_cast<unsigned>(key) & 255];
        if constexpr (digits > 1) key = static_cast<key_type>(key >> 8);
      }
    }
    E *from = data, *into = other;
    const key_type any = Key{}(data[0]);
    for (int d = 0; d < used; ++d) {
      if (count[d][static_cast<unsigned>(any >> (8 * d)) & 255] == static_cast<std::uint32_t>(n)) continue;
      std::uint32_t sum = 0;
      for (int b = 0; b < 256; ++b) {
        const std::uint32_t c = count[d][b];
        count[d][b] = sum;
        sum += c;
      }
      for (offset i = 0; i < n; ++i) {
        const E x = from[i];
        into[count[d][digit(x, 8 * d, 255)]++] = x;
      }
      E* const turned = from;
      from = into;
      into = turned;
    }
    if (from != to) __builtin_memcpy(static_cast<void*>(into), from, static_cast<std::size_t>(n) * sizeof(E));
  }

  /// Scatters [begin, end) to `to`, bucket b from position next[b] on. Whole cache lines are collected first.
  static void scatter(const E* from, offset begin, offset end, E* to, int shift, unsigned mask, offset* next) {
    if constexpr (line == 1) {
      for (offset i = begin; i < end; ++i) to[next[digit(from[i], shift, mask)]++] = from[i];
    } else {
      alignas(64) unsigned char bytes[256 * line * sizeof(E)];
      E* const buffer = reinterpret_cast<E*>(bytes);
      offset start[256];  // where this call's part of the bucket begins
      const offset skew = static_cast<offset>(reinterpret_cast<std::uintptr_t>(to) / sizeof(E)) &
                          (line - 1);  // lines of memory, not of `to`
      for (unsigned b = 0; b <= mask; ++b) start[b] = next[b];
      for (offset i = begin; i < end; ++i) {
        const E x = from[i];
        const int b = digit(x, shift, mask);
        const offset at = next[b]++;
        const offset place = (at + skew) & (line - 1);
        __builtin_memcpy(static_cast<void*>(buffer + b * line + place), &x, sizeof(E));
        if (place == line - 1) {
          const offset first = at - (line - 1);
          if (first >= start[b]) {
            __builtin_memcpy(static_cast<void*>(to + first), buffer + b * line, 64);
          } else {
            for (offset j = start[b]; j <= at; ++j) to[j] = buffer[b * line + ((j + skew) & (line - 1))];
          }
        }
      }
      for (unsigned b = 0; b <= mask; ++b) {
        offset first = next[b] - ((next[b] + skew) & (line - 1));
        if (first < start[b]) first = start[b];
        for (offset j = first; j < next[b]; ++j)
          to[j] = buffer[static_cast<offset>(b) * line + ((j + skew) & (line - 1))];
      }
    }
  }

  /// Sorts `data`; the result is in `to`, which is one of the two arrays.
  static void sort(const radix_plan<E>& plan, E* data, E* other, offset n, E* to) {
    const auto deliver = [&](E* from) {
      if (from == to) return;
      for_chunks<Scheduler>(n, 1 << 16, [=](offset begin, offset end) {
        __builtin_memcpy(static_cast<void*>(to + begin), from + begin,
                         static_cast<std::size_t>(end - begin) * sizeof(E));
      });
    };
    if (n <= 1) return deliver(data);

    // Look: which bits vary, is it sorted already?
    const int threads = n <= 1 << 14 ? 1 : plan.threads;
    const int parts = radix_parts(n, threads);
    const offset part = ceil_div(n, parts);
    key_survey seen;
    if (parts == 1) {
      seen = survey(data, 0, n);
    } else {
      key_survey* const surveys = plan.surveys;
      Scheduler::run(parts, [&](int p) {
        ::new (static_cast<void*>(surveys + p)) key_survey(survey(data, min(n, p * part), min(n, (p + 1) * part)));
      });
      for (int p = 0; p < parts; ++p) seen.merge(surveys[p]);
    }
    if (seen.ascending) return deliver(data);
    if (seen.descending) {  // strictly, so reversing is stable
      for (offset i = 0, j = n - 1; i < j; ++i, --j) {
        const E x = data[i];
        data[i] = data[j];
        data[j] = x;
      }
      return deliver(data);
    }
    const int bits = 64 - __builtin_clzll(seen.varying);
    if (n <= cached / 8 || (n <= cached && threads <= 1)) return sort_cached(data, other, n, bits, to);

    // Split by the highest eight varying bits.
    const int shift = bits > 8 ? bits - 8 : 0;
    const unsigned mask = 255;
    offset* const next = plan.next;  // free again when the buckets are split further
    Scheduler::run(parts, [&](int p) {
      offset* const count = next + p * 256;
      for (int b = 0; b < 256; ++b) count[b] = 0;
      for (offset i = min(n, p * part), end = min(n, i + part); i < end; ++i) ++count[digit(data[i], shift, mask)];
    });
    offset bucket[257];
    offset sum = 0;
    for (int b = 0; b < 256; ++b) {
      bucket[b] = sum;
      for (int p = 0; p < parts; ++p) {
        const offset c = next[p * 256 + b];
        next[p * 256 + b] = sum;
        sum += c;
      }
    }
    bucket[256] = n;
    Scheduler::run(parts, [&](int p) {
      const offset begin = min(n, p * part);
      scatter(data, begin, min(n, begin + part), other, shift, mask, next + p * 256);
    });
    if (shift == 0) return deliver(other);

    // Buckets of ordinary size are tasks; larger ones are split by all threads.
    const offset large = max(cached, n / max(1, threads));
    E* const back = data;  // `other` now holds the buckets
    for (int b = 0; b < 256; ++b) {
      const offset begin = bucket[b], size = bucket[b + 1] - begin;
      if (size > large) sort(plan, other + begin, back + begin, size, (to == data ? data : other) + begin);
    }
    Scheduler::run(256, [&](int b) {
      const offset begin = bucket[b], size = bucket[b + 1] - begin;
      if (size > 0 && size <= large)
        sort_cached(other + begin, back + begin, size, shift, (to == data ? data : other) + begin);
    });
  }
};

}  // namespace detail

/// Sorts `data` by Key, stably.
template <class Key, class Scheduler, class E>
void radix_sort(const radix_plan<E>& plan, E* data, offset n) {
  static_assert(std::is_trivially_copyable_v<E>);
  if (n < 2) return;
  if (n <= 24) {
    for (offset i = 1; i < n; ++i) {
      const E x = data[i];
      offset j = i;
      for (; j > 0 && Key{}(x) < Key{}(data[j - 1]); --j) data[j] = data[j - 1];
      data[j] = x;
    }
    return;
  }
  detail::radix_sorter<Scheduler, E, Key>::sort(plan, data, plan.other, n, data);
}

}  // namespace weft::cpu
