// The last step of a bucket sort: each bucket is sorted by a block in shared memory (bucket_sorter.hpp); what does not
// fit or crowds few bins is put on a list, and sorted afterwards: floats by their values if that serves, all else by
// digits.
#pragma once

#include <weft/gpu/bucket_plan.hpp>
#include <weft/gpu/bucket_sorter.hpp>

namespace weft::inline v100::gpu {

/// All buckets, by as many blocks as there are; each draws the next one while it sorts. What is too large or crowded
/// goes on a list.
template <class Shape, class Bits, class Value>
struct bucket_local_kernel {
  using value_type = std::conditional_t<is_none<Value>, char, Value>;
  template <arch A>
  static constexpr int block_threads = Shape::template tuning<A>().local_threads;
  template <arch A>
  static constexpr int block_residency = Shape::template tuning<A>().local_residency;
  template <arch A>
  using sorter =
      bucket_sorter<block_threads<A>, Shape::template tuning<A>().local_items, Shape::template tuning<A>().local_bits,
                    Shape::template tuning<A>().local_wide, Bits, Value>;
  template <arch A>
  static constexpr int capacity = sorter<A>::capacity;
  template <arch A>
  struct shared {
    typename sorter<A>::shared sort;
    std::uint32_t begin, end;
    bool more;
  };

  Bits* keys;
  value_type* values;
  key_order<Bits> order;
  bucket_memory memory;
  std::uint32_t* control;

  static WEFT_DEVICE value_type* values_at(value_type* v, std::uint32_t i) { return is_none<Value> ? v : v + i; }

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    using local = sorter<Block::arch>;
    const bucket_plan plan = *memory.plan;
    if (plan.mode != bucket_mode::buckets || plan.equal != 0) return;
    const bool first = block.thread() == 0;
    std::uint32_t bucket = 0, begin = 0, end = 0;
    auto draw = [&] {
      if (first) bucket = block.fetch_add(&control[word_bucket], 1u);
    };
    auto look = [&] {
      if (first && bucket < plan.buckets) begin = memory.bucket_begin[bucket], end = memory.bucket_begin[bucket + 1];
    };
    draw(), look();
    for (;;) {
      if (first) s.begin = begin, s.end = end, s.more = bucket < plan.buckets;
      block.sync();
      if (!s.more) break;
      const std::uint32_t from = s.begin, m = s.end - from, own = bucket;
      draw();
      bool looked = false, done = m <= 1;
      if (!done && m <= local::capacity)
        done = local::template sort<false, local::bins_by::bits>(block, s.sort, order, keys + from,
                                                                 values_at(values, from), static_cast<int>(m),
                                                                 [&] { look(), looked = true; });
      else if (m == 1 && first)
        keys[from] = order.decode(keys[from]);
      if (!looked) look();
      if (!done && first) memory.bucket_next[block.fetch_add(&control[word_rest], 1u)] = own;
      block.sync();
    }
  }
};

/// The buckets on the list, or all of them.
template <class Shape, class Bits, class Value>
struct bucket_rest_kernel {
  using local = bucket_local_kernel<Shape, Bits, Value>;
  template <arch A>
  static constexpr int block_threads = local::template block_threads<A>;
  template <arch A>
  static constexpr int block_residency = sizeof(Bits) == 4 && !is_none<Value> ? local::template block_residency<A>
                                                                              : 0;  // others spill
  template <arch A>
  static constexpr bool samples = !Shape::template tuning<A>().frugal;
  template <arch A>
  struct shared {
    typename local::template sorter<A>::shared sort;
    bool last;
  };

  Bits* keys;
  Bits* other_keys;
  typename local::value_type* values;
  typename local::value_type* other_values;
  key_order<Bits> order;
  bucket_memory memory;
  std::uint32_t* control;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    using sorter = typename local::template sorter<Block::arch>;
    if (memory.plan->mode != bucket_mode::buckets) return;
    const bool all = samples<Block::arch> && memory.plan->equal != 0;
    const std::uint32_t listed = all ? memory.plan->buckets : control[word_rest];
    for (std::uint32_t i = block.index(); i < listed; i += block.blocks()) {
      const std::uint32_t bucket = all ? i : memory.bucket_next[i], from = memory.bucket_begin[bucket],
                          m = memory.bucket_begin[bucket + 1] - from;
      if (m > sorter::capacity)
        sorter::sort_large(block, s.sort, order, keys + from, other_keys + from, local::values_at(values, from),
                           local::values_at(other_values, from), m);
      else if (!by_values(block, s, from, static_cast<int>(m)))
        sorter::sort_digits(block, s.sort, order, keys + from, local::values_at(values, from), static_cast<int>(m),
                            false);
      block.sync();
    }
    block.sync();
    if (block.thread() == 0) s.last = block.fetch_add_acq_rel(&control[word_left], 1u) == block.blocks() - 1;
    block.sync();
    if (s.last && block.thread() == 0)
      control[word_bucket] = control[word_rest] = control[word_left] = control[word_tile_1] = control[word_tile_2] = 0;
  }

  /// Floats around zero crowd the bins of the greatest exponents, not bins by their values.
  template <class Block>
  WEFT_DEVICE bool by_values(Block block, shared<Block::arch>& s, std::uint32_t from, int m) const {
    using sorter = typename local::template sorter<Block::arch>;
    if constexpr (samples<Block::arch>) {
      if (order.bump == 0 || memory.plan->equal != 0) return false;
      return sorter::template sort<false, sorter::bins_by::values>(block, s.sort, order, keys + from,
                                                                   local::values_at(values, from), m, [] {});
    }
    return false;
  }
};

/// One block sorts what fits into it.
template <class Shape, class Bits, class Value>
struct bucket_single_kernel {
  using local = bucket_local_kernel<Shape, Bits, Value>;
  template <arch A>
  static constexpr int block_threads = local::template block_threads<A>;
  template <arch A>
  static constexpr bool by_value = !Shape::template tuning<A>().frugal;  // floating-point keys
  template <arch A>
  using shared = typename local::template sorter<A>::shared;

  Bits* keys;
  typename local::value_type* values;
  int n;
  key_order<Bits> order;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    using sorter = typename local::template sorter<Block::arch>;
    if (by_value<Block::arch> && order.bump != 0) {
      if (sorter::template sort<true, sorter::bins_by::values>(block, s, order, keys, values, n, [] {})) return;
      block.sync();
    }
    if (!sorter::template sort<true, sorter::bins_by::bits>(block, s, order, keys, values, n, [] {}))
      sorter::sort_digits(block, s, order, keys, values, n, true);
  }
};

}  // namespace weft::gpu
