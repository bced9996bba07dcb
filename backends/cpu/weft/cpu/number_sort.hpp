// Sorting plain numbers on processors with 512-bit registers, in place. One thread: vector_sort. Several: they split
// the range together, each partitioning a chunk of its own by a common pivot, after which what lies on the wrong side
// is swapped across; when there are a few ranges for every thread, each is sorted by one. Splitting costs what the
// first levels of a quicksort cost anyway, and the swaps. No memory but the plan. Sorted and reversed input is found
// first, then what has few different values (few_values.hpp).
#pragma once

#include <weft/cpu/few_values.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/cpu/vector_sort.hpp>

namespace weft::inline v100::cpu {

namespace detail {

template <std::size_t Bytes>
using unsigned_of = std::conditional_t<
    Bytes == 1, std::uint8_t,
    std::conditional_t<Bytes == 2, std::uint16_t, std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>>;

/// What a look at plain numbers tells.
struct number_survey {
  bool sorted, reversed;
  bool plain;  // no NaN and no -0.0, which a sort that is not stable would show
};
/// Looks at [begin, end) of n numbers and the one before it, as far as needed. Numbers that begin with equal ones and
/// then fall do not count as reversed: so one comparison an element is enough.
template <bool Descending, class K>
number_survey survey_numbers(const K* data, offset begin, offset end, offset n) {
  number_survey seen = wide([=]() __attribute__((always_inline)) {
    using flag = unsigned_of<sizeof(K)>;
    number_survey way{true, true, true};
    const offset first = max(begin, 1);
    for (offset i = first; i < end && (way.sorted || way.reversed); i += 1024) {
      const offset stop = min(end, i + 1024);
      if (way.sorted) {
        flag falls = 0;  // NaNs count as falling, so sorted numbers have none
        for (offset j = i; j < stop; ++j)
          falls = static_cast<flag>(falls |
                                    static_cast<flag>(!(Descending ? data[j - 1] >= data[j] : data[j - 1] <= data[j])));
        if (falls == 0) continue;
        way.sorted = false;
        way.reversed = i == first;
      }
      flag rises = 0;
      for (offset j = i; j < stop; ++j)
        rises = static_cast<flag>(rises |
                                  static_cast<flag>(!(Descending ? data[j - 1] <= data[j] : data[j - 1] >= data[j])));
      way.reversed &= rises == 0;
    }
    if (way.sorted && end - first > 0) way.reversed = false;
    return way;
  });
  // Zeros of both signs that are sorted may stay as they are.
  if constexpr (std::is_floating_point_v<K>)
    seen.plain = (seen.sorted && end - begin == n) || vector_plain(data + begin, end - begin);
  return seen;
}

}  // namespace detail

/// What several threads note of the ranges they split.
template <class K>
struct number_sort_plan {
  static constexpr offset grain = 1 << 15, piece = 1 << 14;
  static constexpr int most_ranges = 512;
  struct range {
    offset begin, end;
    K pivot;
    bool equal;  // those equal to the pivot go to the front
    bool splits;
    int first_chunk, chunks;
  };
  struct chunk {
    offset begin, middle, end;
    int of;
  };
  struct swap {
    offset a, b, n;
  };

  template <class Scheduler>
  static number_sort_plan of(offset n) {
    number_sort_plan plan;
    plan.size = n;
    plan.threads = n <= grain || !sorts_in_registers() ? 1 : Scheduler::threads();
    return plan;
  }
  void divide(divider& from) {
    if (threads <= 1) return;
    ranges = from.take<range>(2 * most_ranges);
    chunks = from.take<chunk>(most_ranges + 2 * threads);
    swaps = from.take<swap>(4 * (most_ranges + 2 * threads) + size / piece);
  }

  offset size = 0;
  int threads = 1;
  range* ranges = nullptr;  // two tables, taking turns
  chunk* chunks = nullptr;
  swap* swaps = nullptr;
};

namespace detail {

/// The state of a parallel quicksort: ranges still to be split or sorted, the chunks of one round, and its swaps.
template <class Scheduler, bool Descending, class K>
class splitter {
  using plan_type = number_sort_plan<K>;
  using range = typename plan_type::range;
  using chunk = typename plan_type::chunk;
  using swap = typename plan_type::swap;
  static constexpr offset least_chunk = 1 << 13, piece = plan_type::piece;
  static constexpr int most_ranges = plan_type::most_ranges;

 public:
  splitter(const plan_type& plan, K* data, offset n)
      : data_(data),
        threads_(plan.threads),
        wanted_(static_cast<int>(min(4 * plan.threads, most_ranges / 2))),
        ranges_(plan.ranges),
        chunks_(plan.chunks),
        swaps_(plan.swaps) {
    ranges()[0] = {0, n, K{}, false, true, 0, 0};
  }

  void sort() {
    while (count_ < wanted_ && plan_round()) {
      Scheduler::run(chunk_count_, [this](int c) {
        chunk& part = chunks_[c];
        const range& of = ranges()[part.of];
        part.middle =
            part.begin +
            (of.equal ? vector_partition<Descending, true>(data_ + part.begin, part.end - part.begin, of.pivot)
                      : vector_partition<Descending, false>(data_ + part.begin, part.end - part.begin, of.pivot));
      });
      plan_swaps();
      if (swap_count_ > 0)
        Scheduler::run(swap_count_, [this](int s) {
          const swap& both = swaps_[s];
          K *a = data_ + both.a, *b = data_ + both.b;
          for (offset i = 0; i < both.n; ++i) {
            const K x = a[i];
            a[i] = b[i];
            b[i] = x;
          }
        });
    }
    Scheduler::run(count_, [this](int r) {
      const range& of = ranges()[r];
      vector_sort<Descending>(data_ + of.begin, of.end - of.begin);
    });
  }

 private:
  range* ranges() { return ranges_ + turn_ * most_ranges; }

  /// Pivots and chunks; false if there is nothing worth splitting.
  bool plan_round() {
    offset total = 0;
    for (int r = 0; r < count_; ++r) {
      range& of = ranges()[r];
      of.splits = of.splits && of.end - of.begin >= 2 * least_chunk;
      if (of.splits) total += of.end - of.begin;
    }
    if (total == 0) return false;
    const offset size = max(least_chunk, ceil_div(total, 2 * threads_));
    chunk_count_ = 0;
    for (int r = 0; r < count_; ++r) {
      range& of = ranges()[r];
      of.first_chunk = chunk_count_;
      of.chunks = 0;
      if (!of.splits) continue;
      K least;
      of.pivot = vector_median<Descending>(data_ + of.begin, of.end - of.begin, &least);
      of.equal = least == of.pivot;
      const offset n = of.end - of.begin;
      of.chunks = static_cast<int>(max(1, n / size));
      for (int c = 0; c < of.chunks; ++c)
        chunks_[chunk_count_++] = {of.begin + n * c / of.chunks, 0, of.begin + n * (c + 1) / of.chunks, r};
    }
    return true;
  }

  /// What lies on the wrong side of each range's new border, in pairs; and the new ranges.
  void plan_swaps() {
    swap_count_ = 0;
    range* const next = ranges_ + (1 - turn_) * most_ranges;
    int next_count = 0;
    for (int r = 0; r < count_; ++r) {
      const range& of = ranges()[r];
      if (!of.splits) {
        next[next_count++] = of;
        continue;
      }
      const chunk* const first = chunks_ + of.first_chunk;
      offset border = of.begin;
      for (int c = 0; c < of.chunks; ++c) border += first[c].middle - first[c].begin;
      // Back elements before the border, in the chunks from the front; front elements behind it, likewise.
      int a = 0, b = 0;
      offset a_done = 0, b_done = 0;
      for (;;) {
        while (a < of.chunks && first[a].middle + a_done >= min(first[a].end, border)) ++a, a_done = 0;
        while (b < of.chunks && max(first[b].begin, border) + b_done >= first[b].middle) ++b, b_done = 0;
        if (a == of.chunks || b == of.chunks) break;
        const offset from = first[a].middle + a_done, to = max(first[b].begin, border) + b_done;
        const offset n = min(piece, min(min(first[a].end, border) - from, first[b].middle - to));
        swaps_[swap_count_++] = {from, to, n};
        a_done += n;
        b_done += n;
      }
      if (border == of.begin || border == of.end) {  // nothing but the pivot, most likely
        next[next_count++] = {of.begin, of.end, K{}, false, false, 0, 0};
      } else {
        next[next_count++] = {of.begin, border, K{}, false, true, 0, 0};
        next[next_count++] = {border, of.end, K{}, false, true, 0, 0};
      }
    }
    turn_ = 1 - turn_;
    count_ = next_count;
  }

  K* const data_;
  const int threads_, wanted_;
  int count_ = 1, turn_ = 0, chunk_count_ = 0, swap_count_ = 0;
  range* const ranges_;  // two tables, taking turns
  chunk* const chunks_;
  swap* const swaps_;
};

/// Sorts numbers by counting where a few values are all there is. Out of line, as is its state.
template <class Scheduler, bool Descending, class K>
[[gnu::noinline]] bool sort_few_values(K* data, offset n) {
  if constexpr (sizeof(K) == 4 || sizeof(K) == 8) {
    if (n < few_values<K>::least_n) return false;
    few_values<K> values;
    return values.find(data, n) && values.template sort<Scheduler, Descending>(data, n);
  } else {
    return false;
  }
}

/// Sorts numbers by vector_sort; false: they are not to be sorted so.
template <class Scheduler, bool Descending, class K>
bool sort_numbers(const number_sort_plan<K>& plan, K* data, offset n) {
  if (!sorts_in_registers()) return false;
  if constexpr (!std::is_floating_point_v<K>) {
    if (n <= 64) return vector_sort<Descending>(data, n), true;
  }
  constexpr offset grain = number_sort_plan<K>::grain;
  std::atomic<bool> sorted{true}, reversed{true}, plain{true};
  for_chunks<Scheduler>(n, grain, [&](offset begin, offset end) {
    const number_survey seen = survey_numbers<Descending>(data, begin, end, n);
    if (!seen.sorted) sorted.store(false, std::memory_order_relaxed);
    if (!seen.reversed) reversed.store(false, std::memory_order_relaxed);
    if (!seen.plain) plain.store(false, std::memory_order_relaxed);
  });
  if (!plain.load(std::memory_order_relaxed)) return false;
  if (sorted.load(std::memory_order_relaxed)) return true;
  if (reversed.load(std::memory_order_relaxed)) {
    for_chunks<Scheduler>(n / 2, grain, [=](offset begin, offset end) {
      for (offset i = begin; i < end; ++i) {
        const K x = data[i];
        data[i] = data[n - 1 - i];
        data[n - 1 - i] = x;
      }
    });
  } else if (sort_few_values<Scheduler, Descending>(data, n)) {
    return true;
  } else if (plan.threads <= 1) {
    vector_sort<Descending>(data, n);
  } else {
    splitter<Scheduler, Descending, K>(plan, data, n).sort();
  }
  return true;
}

}  // namespace detail

}  // namespace weft::cpu
