// run_lengths: the first element and the length of each run of equal elements. One pass: a block finds where runs begin
// (a mask, as in select) and packs their elements and places in the cache; in turn it learns how many runs came before
// and where the last of them began, and writes what it has: the length of a run is the distance to the next beginning.
#pragma once

#include <weft/cpu/select.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// 0, 1, 2, …: packed by a mask they are the places of its bits.
struct numbers_table {
  std::int32_t number[mask_block] = {};
  constexpr numbers_table() {
    for (int i = 0; i < mask_block; ++i) number[i] = i;
  }
};
inline constexpr numbers_table numbers;

template <class T>
struct run_heads {
  appended<T> values;
  appended<std::int32_t> places;  // from the beginning of the block
};

template <class T, class In, class Equal>
void find_run_heads(In in, offset begin, offset end, const Equal& equal, run_heads<T>& to) {
  for (offset first = begin; first < end; first += mask_block) {
    std::uint64_t mask[mask_block / 64];
    const offset size = min(mask_block, end - first);
    const offset heads = make_mask(first, size, mask, first_of_run<In, Equal>{in, equal});
    append_packed(in + first, mask, size, to.values, heads);
    std::int32_t* const places = to.places.data() + to.places.size();
    append_packed(static_cast<const std::int32_t*>(numbers.number), mask, size, to.places, heads);
    const auto shift = static_cast<std::int32_t>(first - begin);
    for (offset i = 0; shift > 0 && i < heads; ++i) places[i] += shift;
  }
}

}  // namespace detail

/// Each task packs the runs of a block; a few elements need no buffers.
template <class T>
struct run_lengths_plan {
  static constexpr offset block = 4 * detail::mask_block;

  template <class Scheduler>
  static run_lengths_plan of(offset n) {
    return {n <= (1 << 16) ? 1 : static_cast<int>(min(Scheduler::threads(), ceil_div(n, block))),
            n <= 64 ? 0 : min(n, block), nullptr, nullptr};
  }
  void divide(divider& from) {
    values = from.take<T>(tasks * room);
    places = from.take<std::int32_t>(tasks * room);
  }
  int tasks;
  offset room;
  T* values;
  std::int32_t* places;
};

template <class Scheduler, class Plan, class In, class Out, class Lengths, class Count, class Equal>
void run_lengths_into(const Plan& plan, In in, offset n, Out out, Lengths lengths, Count count, Equal equal) {
  using T = iter_value_t<In>;
  if (n <= 64) {  // too little for buffers
    offset run = 0;
    for (offset i = 0; i < n; ++run) {
      const offset first = i;
      for (++i; i < n && equal(in[i - 1], in[i]); ++i) {}
      out[run] = in[first];
      lengths[run] = i - first;
    }
    *count = run;
    return;
  }
  constexpr offset block = Plan::block;
  const offset blocks = ceil_div(n, block), room = plan.room;
  const int tasks = plan.tasks;
  offset runs = 0, last = 0;  // begun so far, and where the last of them began
  const auto find = [&](offset b, int task, auto&& then) {
    detail::run_heads<T> mine{appended<T>(plan.values + task * room),
                              appended<std::int32_t>(plan.places + task * room)};
    detail::find_run_heads(in, b * block, min(n, b * block + block), equal, mine);
    then(mine);
  };
  const auto take_over = [&](const detail::run_heads<T>& mine, offset begin) {
    if (const offset found = mine.places.size(); found > 0) {
      runs += found;
      last = begin + mine.places.data()[found - 1];
    }
  };
  const auto write = [&](detail::run_heads<T>& mine, offset begin, offset before, offset open) {
    const offset found = mine.places.size();
    if (found == 0) return;
    const std::int32_t* const place = mine.places.data();
    if (before > 0) lengths[before - 1] = begin + place[0] - open;
    for (offset i = 1; i < found; ++i) lengths[before + i - 1] = place[i] - place[i - 1];
    detail::deliver(mine.values, out + before, false);
  };
  if (tasks <= 1) {
    for (offset b = 0; b < blocks; ++b)
      find(b, 0, [&](auto& mine) {
        const offset before = runs, open = last;
        take_over(mine, b * block);
        write(mine, b * block, before, open);
      });
  } else {
    chain order;
    order.run<Scheduler>(blocks, tasks, [&](offset b, int task) {
      find(b, task, [&](auto& mine) {
        if (!order.wait(b)) return;
        const offset before = runs, open = last;
        take_over(mine, b * block);
        order.hand_on(b);
        write(mine, b * block, before, open);
      });
    });
  }
  lengths[runs - 1] = n - last;
  *count = runs;
}

}  // namespace weft::cpu
