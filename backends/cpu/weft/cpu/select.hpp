// select: kept elements to one output and, if asked, the others to a second, both in order. Predicates are evaluated
// once an element, in groups of 64 without branches (the loop vectorises when the predicate does), into a bit mask;
// elements of 4 and 8 bytes are then packed by the processor's compress instruction. One pass over memory: a block is
// packed into a buffer in the cache, waits for the number of elements kept before it, and is copied to its place; so
// `out` may be `in`.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/compress.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/cpu/stream_store.hpp>
#include <weft/cpu/transform.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

namespace detail {

template <class In, class Predicate>
struct flags_of {
  In in;
  Predicate predicate;
  static constexpr bool keeps_first = false;
  bool operator()(offset i) { return predicate(in[i]); }
};
template <class In, class Equal>
struct first_of_run {
  In in;
  Equal equal;
  static constexpr bool keeps_first =
      true;  // element 0 is kept unasked; asking in the loop would keep it from vectorising
  bool operator()(offset i) { return !equal(in[i - 1], in[i]); }
};
/// Which elements to keep, as a question about the index.
template <class In, class Predicate>
flags_of<In, Predicate> kept(In in, flag_if<Predicate> flag) {
  return {in, flag.predicate};
}
template <class In, class Stencil, class Predicate>
flags_of<Stencil, Predicate> kept(In, flag_stencil<Stencil, Predicate> flag) {
  return {flag.stencil, flag.predicate};
}
template <class In, class Equal>
first_of_run<In, Equal> kept(In in, flag_first<Equal> flag) {
  return {in, flag.equal};
}

inline constexpr offset mask_block = 4096;  // elements whose mask is on the stack at a time

/// byte[i] = flag(begin + i) for i in [0, n), then zeroes up to `padded`.
template <class Flag>
void make_bytes(offset begin, offset n, offset padded, unsigned char* byte, const Flag& flag) {
  wide([=]() __attribute__((always_inline)) {
    Flag test = flag;
    offset i = 0;
    if constexpr (Flag::keeps_first)
      if (begin == 0) byte[i++] = 1;
    for (; i < n; ++i) byte[i] = test(begin + i) ? 1 : 0;
    for (; i < padded; ++i) byte[i] = 0;
  });
}

/// mask bit i = flag(begin + i) for i in [0, n), n <= 4096; bits up to the next multiple of 64 are 0. Returns how many
/// are set.
template <class Flag>
offset make_mask(offset begin, offset n, std::uint64_t* mask, const Flag& flag) {
  alignas(64) unsigned char byte[mask_block];
  const offset words = ceil_div(n, 64);
  make_bytes(begin, n, words * 64, byte, flag);
  return bits_of_bytes(byte, words, mask);
}

/// How many of the `left` elements behind a group to fetch while it is packed. Worth it where the n of them come from
/// memory; what a cache holds would only be pushed out of a nearer one.
template <class T>
offset fetched_ahead(offset n, offset left) {
  return n * static_cast<offset>(sizeof(T)) >= streaming_bytes ? min(mask_block, left) : 0;
}

/// One thread. `in` is only read ahead of what has been written.
template <class In, class Out, class Rejected, class Flag>
offset select_serial(In in, offset n, Out out, Rejected rejected, const Flag& flag) {
  offset kept_count = 0;
  if (n <= 16) {  // too few for masks
    Flag test = flag;
    for (offset i = 0; i < n; ++i) {
      if ((Flag::keeps_first && i == 0) || test(i))
        out[kept_count++] = in[i];
      else if constexpr (!is_none<Rejected>)
        rejected[i - kept_count] = in[i];
    }
    return kept_count;
  }
  for (offset begin = 0; begin < n; begin += mask_block) {
    std::uint64_t mask[mask_block / 64];
    const offset size = min(mask_block, n - begin);
    const offset count = make_mask(begin, size, mask, flag);
    if constexpr (is_none<Rejected>)
      compress(in + begin, mask, size, out + kept_count, count, fetched_ahead<iter_value_t<In>>(n, n - begin - size));
    else
      compress_both(in + begin, mask, size, out + kept_count, count, rejected + (begin - kept_count),
                    fetched_ahead<iter_value_t<In>>(n, n - begin - size));
    kept_count += count;
  }
  return kept_count;
}

template <class T>
inline constexpr bool packs_raw = std::is_trivially_copyable_v<T>&& std::is_default_constructible_v<T>;

/// Appends the elements whose bit is set; the next `ahead` of `in` will be read soon.
template <class In, class T>
void append_packed(In in, const std::uint64_t* mask, offset n, appended<T>& to, offset count, offset ahead = 0) {
  if constexpr (packs_raw<T>) {
    compress(in, mask, n, to.data() + to.size(), count, ahead);
    to.grow(count);
  } else {
    visit_bits(in, mask, ceil_div(n, 64), [&](auto&& x) { to.push(x); });
  }
}

/// Appends those to one and the others to the other.
template <class In, class T>
void append_both(In in, std::uint64_t* mask, offset n, appended<T>& to, offset count, appended<T>& others,
                 offset ahead) {
  if constexpr (packs_raw<T>) {
    compress_both(in, mask, n, to.data() + to.size(), count, others.data() + others.size(), ahead);
    to.grow(count), others.grow(n - count);
  } else {
    for (offset i = 0; i < n; ++i) (mask[i / 64] >> i % 64 & 1 ? to : others).push(in[i]);
  }
}

/// True when both are the same pointer.
template <class In, class Out>
bool is_same_place(const In& in, const Out& out) {
  if constexpr (std::is_pointer_v<In> && std::is_pointer_v<Out>) {
    return static_cast<const void*>(in) == static_cast<const void*>(out);
  } else {
    return false;
  }
}

template <class T, class Out>
void deliver(appended<T>& from, Out out, bool streaming) {
  if constexpr (std::is_same_v<Out, T*> && std::is_trivially_copyable_v<T>) {
    if (from.size() == 0) return;
    const auto bytes = static_cast<std::size_t>(from.size()) * sizeof(T);
    if (streaming) {
      copy_streaming(out, from.data(), bytes);
      fence_streaming();
    } else {
      std::memcpy(static_cast<void*>(out), from.data(), bytes);
    }
  } else {
    for (offset i = 0; i < from.size(); ++i) out[i] = static_cast<T&&>(from.data()[i]);
  }
}

/// True where elements of `in` may be read while others are written to `out`: both pointers, and the ranges apart.
template <class In, class Out>
bool lie_apart(const In& in, offset n, const Out& out) {
  if constexpr (moves_bytes<In, Out>) {
    const auto a = reinterpret_cast<std::uintptr_t>(in), b = reinterpret_cast<std::uintptr_t>(out);
    return (a < b ? b - a : a - b) >= static_cast<std::size_t>(n) * sizeof(*out);
  } else {
    return false;
  }
}

/// One block packed straight to its place, once that is known: what is kept crosses the cache one time less.
template <class Plan, class In, class Out, class Flag>
void select_block_directly(chain& order, offset b, In in, offset n, Out out, const Flag& flag, offset& kept_count) {
  constexpr offset block = Plan::block, chunks = block / mask_block;
  std::uint64_t mask[block / 64];
  offset count[chunks], found = 0;
  const offset begin = b * block, size = min(block, n - begin);
  for (offset c = 0; c * mask_block < size; ++c) {
    const offset first = c * mask_block;
    count[c] = make_mask(begin + first, min(mask_block, size - first), mask + first / 64, flag);
    found += count[c];
  }
  if (!order.wait(b)) return;
  offset before = kept_count;
  kept_count += found;
  order.hand_on(b);
  for (offset c = 0; c * mask_block < size; ++c) {
    const offset first = c * mask_block;
    compress(in + begin + first, mask + first / 64, min(mask_block, size - first), out + before, count[c]);
    before += count[c];
  }
}

/// Several threads. Block b of the output may overlap the input of blocks up to b, all of which have been read by then.
template <class Scheduler, class Plan, class In, class Out, class Rejected, class Flag>
offset select_parallel(const Plan& plan, In in, offset n, Out out, Rejected rejected, const Flag& flag) {
  using T = iter_value_t<In>;
  constexpr offset block = Plan::block;
  constexpr int sides = Plan::sides;
  const bool streaming = n * static_cast<offset>(sizeof(T)) >= 2 * streaming_bytes;
  const bool direct = !streaming && lie_apart(in, n, out);
  offset kept_count = 0;
  chain order;
  order.run<Scheduler>(ceil_div(n, block), plan.tasks, [&](offset b, int task) {
    if constexpr (is_none<Rejected> && moves_bytes<In, Out>)
      if (direct) return select_block_directly<Plan>(order, b, in, n, out, flag, kept_count);
    T* const memory = plan.buffers + task * block * sides;
    appended<T> kept_here(memory), rejected_here(memory + (sides - 1) * block);
    const offset block_begin = b * block, block_end = min(n, block_begin + block);
    for (offset begin = block_begin; begin < block_end; begin += mask_block) {
      std::uint64_t mask[mask_block / 64];
      const offset size = min(mask_block, block_end - begin);
      const offset count = make_mask(begin, size, mask, flag);
      if constexpr (is_none<Rejected>)
        append_packed(in + begin, mask, size, kept_here, count, fetched_ahead<T>(n, block_end - begin - size));
      else
        append_both(in + begin, mask, size, kept_here, count, rejected_here,
                    fetched_ahead<T>(n, block_end - begin - size));
    }
    if (!order.wait(b)) return;
    const offset before = kept_count;
    kept_count += kept_here.size();
    order.hand_on(b);
    // In place with nothing removed so far the elements are where they belong, and a neighbour may be reading them.
    const bool there = before == block_begin && kept_here.size() == block_end - block_begin && is_same_place(in, out);
    if (!there) deliver(kept_here, out + before, streaming);
    if constexpr (!is_none<Rejected>) deliver(rejected_here, rejected + (block_begin - before), streaming);
  });
  return kept_count;
}

}  // namespace detail

/// Several threads pack into buffers of their own.
template <class T, class Rejected>
struct select_plan {
  static constexpr offset block =
      max(detail::mask_block, (1 << 17) / static_cast<offset>(sizeof(T)) / detail::mask_block * detail::mask_block);
  static constexpr int sides = is_none<Rejected> ? 1 : 2;

  template <class Scheduler>
  static select_plan of(offset n) {
    const int threads = n <= (1 << 16) ? 1 : Scheduler::threads();
    return {threads <= 1 ? 1 : static_cast<int>(min(threads, ceil_div(n, block))), nullptr};
  }
  void divide(divider& from) {
    if (tasks > 1) buffers = from.take<T>(tasks * block * sides);
  }
  int tasks;
  T* buffers;
};

template <class Scheduler, class Plan, class In, class Out, class Rejected, class Count, class Flag>
void select_into(const Plan& plan, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
  const auto keep = detail::kept(in, flag);
  *count = plan.tasks <= 1 ? detail::select_serial(in, n, out, rejected, keep)
                           : detail::select_parallel<Scheduler>(plan, in, n, out, rejected, keep);
}

/// partition in place: the others wait in memory of the plan until all is read, those of a block at the block's own
/// place there; so only the elements that are kept have to learn how many came before them.
template <class T>
struct partition_plan {
  using select_type = select_plan<T, T*>;
  static constexpr offset block = select_type::block;

  template <class Scheduler>
  static partition_plan of(offset n) {
    return {select_type::template of<Scheduler>(n), n, nullptr, nullptr};
  }
  void divide(divider& from) {
    select.divide(from);
    rejected = from.take<T>(n);
    if (select.tasks > 1) kept_before = from.take<offset>(ceil_div(n, block) + 1);
  }
  select_type select;
  offset n;
  T* rejected;
  offset* kept_before;  // each block
};

namespace detail {

template <class Scheduler, class T, class Flag>
offset partition_parallel(const partition_plan<T>& plan, T* in, offset n, const Flag& flag) {
  constexpr offset block = partition_plan<T>::block;
  const offset blocks = ceil_div(n, block);
  const bool streaming = n * static_cast<offset>(sizeof(T)) >= 2 * streaming_bytes;
  offset kept_count = 0;
  chain order;
  order.run<Scheduler>(blocks, plan.select.tasks, [&](offset b, int task) {
    T* const memory = plan.select.buffers + task * block * 2;
    const offset block_begin = b * block, block_end = min(n, block_begin + block);
    T* const others_place = plan.rejected + block_begin;
    appended<T> kept_here(memory), others(streaming ? memory + block : others_place);
    for (offset begin = block_begin; begin < block_end; begin += mask_block) {
      std::uint64_t mask[mask_block / 64];
      const offset size = min(mask_block, block_end - begin);
      const offset count = make_mask(begin, size, mask, flag);
      append_both(in + begin, mask, size, kept_here, count, others, fetched_ahead<T>(n, block_end - begin - size));
    }
    if (!order.wait(b)) return;
    const offset before = kept_count;
    kept_count += kept_here.size();
    plan.kept_before[b] = before;
    order.hand_on(b);
    const bool there = before == block_begin && kept_here.size() == block_end - block_begin;
    if (!there) deliver(kept_here, in + before, streaming);
    if (streaming) deliver(others, others_place, true);
  });
  plan.kept_before[blocks] = kept_count;
  Scheduler::run(static_cast<int>(blocks), [&](int b) {
    const offset begin = b * block, before = plan.kept_before[b];
    appended<T> others(plan.rejected + begin);
    others.grow(min(block, n - begin) - (plan.kept_before[b + 1] - before));
    deliver(others, in + kept_count + (begin - before), streaming);
  });
  return kept_count;
}

}  // namespace detail

template <class Scheduler, class P, class T, class Count, class Predicate>
void partition_into(const P& policy, const partition_plan<T>& plan, T* in, offset n, Count count, Predicate predicate) {
  const auto keep = detail::kept(in, flag_if<Predicate>{predicate});
  if (plan.select.tasks > 1) {
    *count = detail::partition_parallel<Scheduler>(plan, in, n, keep);
    return;
  }
  const offset kept = detail::select_serial(in, n, in, plan.rejected, keep);
  cpu::transform<Scheduler>(policy, plan.rejected, n - kept, in + kept, identity{});
  *count = kept;
}

}  // namespace weft::cpu
