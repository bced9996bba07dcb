// select: kept elements to one output and, if asked, the others to a second, both in order. Predicates are evaluated
// once an element, in groups of 64 without branches (the loop vectorises when the predicate does), into a bit mask;
// elements of 4 and 8 bytes are then packed by the processor's compress instruction. One pass over memory: a block is
// packed into a buffer in the cache, waits for the number of elements kept before it, and is copied to its place; so
// `out` may be `in`.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/iterator.hpp>

namespace weft::cpu {

namespace detail {

template <class In, class Predicate>
struct flags_of {
  In in;
  Predicate predicate;
  bool operator()(offset i) { return predicate(in[i]); }
};
template <class In, class Equal>
struct first_of_run {
  In in;
  Equal equal;
  bool operator()(offset i) { return i == 0 || !equal(in[i - 1], in[i]); }
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

/// mask bit i = flag(begin + i) for i in [0, n), n <= 4096; bits up to the next multiple of 64 are 0. Returns how many
/// are set.
template <class Flag>
offset make_mask(offset begin, offset n, std::uint64_t* mask, const Flag& flag) {
  return wide([ =, test = flag ]() mutable __attribute__((always_inline)) {
    offset count = 0;
    const offset words = ceil_div(n, 64);
    for (offset w = 0; w < words; ++w) {
      unsigned char byte[64];
      const offset first = begin + w * 64;
      if (n - w * 64 >= 64) {
        for (int j = 0; j < 64; ++j) byte[j] = test(first + j) ? 1 : 0;
      } else {
        for (int j = 0; j < 64; ++j) byte[j] = 0;
        for (int j = 0; j < n - w * 64; ++j) byte[j] = test(first + j) ? 1 : 0;
      }
      std::uint64_t bits = 0;
      for (int j = 0; j < 8; ++j) {
        std::uint64_t eight;
        __builtin_memcpy(&eight, byte + 8 * j, 8);
        bits |= (eight * 0x0102040810204080u >> 56) << (8 * j);  // bit 0 of each byte, gathered
      }
      mask[w] = bits;
      count += __builtin_popcountll(bits);
    }
    return count;
  });
}

/// Writes the elements whose bit is set one after the other; returns the end.
template <class In, class Out>
Out pack_bits(In in, const std::uint64_t* mask, offset words, Out out) {
  for (offset w = 0; w < words; ++w)
    for (std::uint64_t bits = mask[w]; bits != 0; bits &= bits - 1, ++out) *out = in[w * 64 + __builtin_ctzll(bits)];
  return out;
}

inline void invert(std::uint64_t* mask, offset n) {
  const offset words = ceil_div(n, 64);
  for (offset w = 0; w < words; ++w) mask[w] = ~mask[w];
  if (n % 64 != 0) mask[words - 1] &= (std::uint64_t{1} << n % 64) - 1;
}

/// One thread. `in` is only read ahead of what has been written.
template <class In, class Out, class Rejected, class Flag>
offset select_serial(In in, offset n, Out out, Rejected rejected, Flag flag) {
  offset kept_count = 0;
  for (offset begin = 0; begin < n; begin += mask_block) {
    std::uint64_t mask[mask_block / 64];
    const offset size = min(mask_block, n - begin);
    const offset count = make_mask(begin, size, mask, flag);
    if constexpr (!is_none<Rejected>) {
      invert(mask, size);
      pack_bits(in + begin, mask, ceil_div(size, 64), rejected + (begin - kept_count));
      invert(mask, size);
    }
    pack_bits(in + begin, mask, ceil_div(size, 64), out + kept_count);
    kept_count += count;
  }
  return kept_count;
}

}  // namespace detail

template <class Scheduler, class Policy, class In, class Out, class Rejected, class Count, class Flag>
void select_into(const Policy& policy, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
  (void)policy;
  *count = detail::select_serial(in, n, out, rejected, detail::kept(in, flag));
}

}  // namespace weft::cpu
