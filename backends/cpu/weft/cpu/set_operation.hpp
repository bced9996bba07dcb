// Set operations of two sorted ranges. The walk over both is cut in equal parts by balanced path
// (weft/set_operations/balanced_path.hpp). A block is walked in two places at once, without branches on the data, into
// a buffer in the cache; in turn it learns how many elements came before it and is copied to its place. One pass over
// memory.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/merge.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/set_operations/balanced_path.hpp>

#include <cstring>

namespace weft::inline v100::cpu {

namespace detail {

/// The walk after at least `diagonal` elements.
template <class A, class B, class Less>
walk_place<offset> set_split(A a, offset a_n, B b, offset b_n, offset diagonal, const Less& less) {
  return balanced_split(a, a_n, b, b_n, diagonal, merge_split(a, a_n, b, b_n, diagonal, less), less);
}

/// A part of the walk: from a place to an end, and where its output goes. Kept elements themselves (pointers to one
/// trivially copyable type).
template <class T>
struct value_walk {
  const T *a, *b, *a_end, *b_end;
  T* to;

  value_walk(const T* from_a, const T* from_b, walk_place<offset> begin, walk_place<offset> end, T* out)
      : a(from_a + begin.i), b(from_b + begin.j), a_end(from_a + end.i), b_end(from_b + end.j), to(out) {}
  offset left() const { return min(a_end - a, b_end - b); }

  /// One step where both have elements left. Writes at `to` whether or not the element is kept.
  template <class Op, class Less>
  [[gnu::always_inline]] void step(const Less& less) {
    const bool a_first = less(*a, *b), b_first = less(*b, *a);
    const T* const from = Op::of_b ? choose(b_first, a, b) : a;
    __builtin_memcpy(static_cast<void*>(to), from, sizeof(T));
    to = advance_if(kept<Op>(a_first, b_first), to);
    a = advance_if(!b_first, a);
    b = advance_if(!a_first, b);
  }
  /// The rest, of which one range has run out.
  template <class Op>
  void rest() {
    if constexpr (Op::of_a) append(a, a_end);
    if constexpr (Op::of_b) append(b, b_end);
  }
  template <class Op>
  static bool kept(bool a_first, bool b_first) {
    if constexpr (Op::of_a && Op::of_b && Op::of_both) {
      return true;
    } else if constexpr (Op::of_both) {
      return !(a_first | b_first);
    } else if constexpr (Op::of_b) {
      return a_first | b_first;
    } else {
      return a_first;
    }
  }

 private:
  void append(const T* first, const T* last) {
    if (first == last) return;
    std::memcpy(static_cast<void*>(to), first, static_cast<std::size_t>(last - first) * sizeof(T));
    to += last - first;
  }
};

/// The same for any iterators and types: what is noted is where kept elements are, those of b as ~index.
template <class A, class B>
struct place_walk {
  A first_a;
  B first_b;
  offset a, b, a_end, b_end;
  offset* to;

  place_walk(A from_a, B from_b, walk_place<offset> begin, walk_place<offset> end, offset* out)
      : first_a(from_a), first_b(from_b), a(begin.i), b(begin.j), a_end(end.i), b_end(end.j), to(out) {}
  offset left() const { return min(a_end - a, b_end - b); }

  template <class Op, class Less>
  [[gnu::always_inline]] void step(const Less& less) {
    const bool a_first = less(first_a[a], first_b[b]), b_first = less(first_b[b], first_a[a]);
    *to = Op::of_b ? choose(b_first, a, ~b) : a;
    to += value_walk<char>::template kept<Op>(a_first, b_first);
    a += !b_first;
    b += !a_first;
  }
  template <class Op>
  void rest() {
    if constexpr (Op::of_a)
      for (; a < a_end; ++a) *to++ = a;
    if constexpr (Op::of_b)
      for (; b < b_end; ++b) *to++ = ~b;
  }
};

/// Two walks to their ends, side by side: two chains of dependent loads instead of one.
template <class Op, class Walk, class Less>
void walk_both(Walk& x, Walk& y, const Less& less) {
  for (offset k = min(x.left(), y.left()); k > 0; k = min(x.left(), y.left())) {
    Walk u = x, v = y;
    for (offset step = 0; step < k; ++step) {
      u.template step<Op>(less);
      v.template step<Op>(less);
    }
    x = u, y = v;
  }
  for (Walk* walk : {&x, &y}) {
    Walk w = *walk;
    for (offset k = w.left(); k > 0; k = w.left())
      for (offset step = 0; step < k; ++step) w.template step<Op>(less);
    w.template rest<Op>();
    *walk = w;
  }
}

/// What a walk over these ranges notes, and moving that to the outputs.
template <class A, class B, class Out, class OutValues>
struct set_buffer {
  using entry = offset;
  using walk = place_walk<A, B>;
};
template <class A, class B, class Out>
  requires merges_pointers<A, B, Out>
struct set_buffer<A, B, Out, none> {
  using entry = std::remove_pointer_t<Out>;
  using walk = value_walk<entry>;
};

}  // namespace detail

/// Two walks of each task note what they find.
template <class A, class B, class Out, class OutValues>
struct set_operation_plan {
  using buffer = detail::set_buffer<A, B, Out, OutValues>;
  using entry = typename buffer::entry;
  // Elements a walk of one task takes at a time. A walk writes one entry ahead of what it keeps.
  static constexpr offset block = max(1024, (1 << 16) / static_cast<offset>(sizeof(entry)));

  template <class Scheduler>
  static set_operation_plan of(offset n) {
    return {n <= (1 << 14) ? 1 : static_cast<int>(min(Scheduler::threads(), ceil_div(n, block))), min(n, block) / 2 + 3,
            nullptr};
  }
  void divide(divider& from) { memory = from.take<entry>(max(1, tasks) * 2 * room); }
  int tasks;
  offset room;
  entry* memory;
};

template <class Scheduler, class Plan, class A, class AValues, class B, class BValues, class Out, class OutValues,
          class Count, class Less, class Op>
void set_operation_into(const Plan& plan, A a, [[maybe_unused]] AValues a_values, offset a_n, B b,
                        [[maybe_unused]] BValues b_values, offset b_n, [[maybe_unused]] Out out,
                        [[maybe_unused]] OutValues out_values, Count count, Less less, Op) {
  using entry = typename Plan::entry;
  using walk = typename Plan::buffer::walk;
  constexpr offset block = Plan::block;
  const offset n = a_n + b_n, room = plan.room;
  const offset blocks = ceil_div(n, block);
  const int tasks = plan.tasks;
  offset kept = 0;

  const auto deliver = [&](const entry* from, offset size, offset at) {
    if constexpr (std::is_same_v<walk, detail::place_walk<A, B>>) {
      for (offset k = 0; k < size; ++k) {
        const offset place = from[k];
        if constexpr (Op::of_b)
          if (place < 0) {
            if constexpr (!is_none<Out>) out[at + k] = b[~place];
            if constexpr (!is_none<OutValues>) out_values[at + k] = b_values[~place];
            continue;
          }
        if constexpr (!is_none<Out>) out[at + k] = a[place];
        if constexpr (!is_none<OutValues>) out_values[at + k] = a_values[place];
      }
    } else if (size > 0) {
      std::memcpy(static_cast<void*>(out + at), from, static_cast<std::size_t>(size) * sizeof(entry));
    }
  };
  const auto work = [&](offset block_index, int task, auto&& in_turn) {
    const offset begin = block_index * block, end = min(n, begin + block);
    const auto from = detail::set_split(a, a_n, b, b_n, begin, less),
               until = detail::set_split(a, a_n, b, b_n, end, less);
    const auto middle = detail::set_split(a, a_n, b, b_n, begin + (end - begin) / 2, less);
    entry* const first = plan.memory + task * 2 * room;
    entry* const second = first + room;
    walk x(a, b, from, middle, first), y(a, b, middle, until, second);
    detail::walk_both<Op>(x, y, less);
    const offset in_first = x.to - first, in_second = y.to - second;
    const offset before = in_turn(in_first + in_second);
    if (before < 0) return;
    deliver(first, in_first, before);
    deliver(second, in_second, before + in_first);
  };
  if (tasks <= 1) {
    for (offset k = 0; k < blocks; ++k)
      work(k, 0, [&](offset found) {
        kept += found;
        return kept - found;
      });
  } else {
    chain order;
    order.run<Scheduler>(blocks, tasks, [&](offset k, int task) {
      work(k, task, [&](offset found) {
        if (!order.wait(k)) return offset{-1};
        const offset before = kept;
        kept += found;
        order.hand_on(k);
        return before;
      });
    });
  }
  *count = kept;
}

}  // namespace weft::cpu
