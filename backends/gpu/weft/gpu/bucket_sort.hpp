// Sort of many keys, three reads and three writes of them after a first look: into groups, into buckets (keys alone
// bucket_pass.hpp, keys with values bucket_stable.hpp), each bucket in shared memory (bucket_local.hpp). A sort digit
// by digit needs as many passes as the keys have bytes. Keys too unevenly spread for buckets (bucket_plan.hpp) are left
// to it, which the device decides: all launches are made, and find nothing to do.
#pragma once

#include <weft/gpu/bucket_local.hpp>
#include <weft/gpu/bucket_pass.hpp>
#include <weft/gpu/bucket_stable.hpp>
#include <weft/gpu/state.hpp>

namespace weft::inline v100::gpu {

template <class Selector, int KeyBytes, int ValueBytes>
struct bucket_shape {
  template <arch A>
  static constexpr bucket_sort_tuning tuning() {
    return choose<Selector>(dialect::bucket_sort_rows, A, 10 * KeyBytes + ValueBytes);
  }
};

/// Parts of one piece of memory, each aligned.
struct memory_parts {
  std::size_t bytes = 0;
  std::size_t add(std::size_t size) {
    const std::size_t begin = bytes;
    bytes += (size + 255) / 256 * 256;
    return begin;
  }
};

/// by_digits(control, plan, other_keys, other_values): launches the sort that works only where the plan says so, with
/// `digit_words` words of control.
template <arch A, class Shape, class P, class Bits, class Value, class ByDigits>
void bucket_sort(const P& policy, Bits* keys, [[maybe_unused]] Value* values, offset n, const key_order<Bits>& order,
                 offset digit_words, const ByDigits& by_digits) {
  constexpr bool has_values = !is_none<Value>;
  using value_type = std::conditional_t<has_values, Value, char>;
  using count = bucket_count_kernel<Shape, Bits>;
  using pass_2 = bucket_pass_kernel<Shape, Bits, 2>;
  using recount = bucket_recount_kernel<Shape, Bits>;
  using local = bucket_local_kernel<Shape, Bits, Value>;
  using rest = bucket_rest_kernel<Shape, Bits, Value>;
  constexpr int capacity = local::template capacity<A>, tile = pass_2::template tile_items<A>;
  constexpr int most_codes_of_pass = [] {
    if constexpr (has_values)
      return bucket_stable_kernel<Shape, Bits, Value, 1>::template codes<A>;
    else
      return most_codes;
  }();
  const auto most_buckets = static_cast<std::uint32_t>(n / (capacity / 16) + most_groups);
  auto log2_of = [](offset x) {
    int l = 0;
    while (x >>= 1) ++l;
    return l;
  };
  // Bins of about 4096 keys if they are evenly spread.
  int bin_bits = log2_of((n - 1) / 4096) + 1;
  // Of doubles the sign and the exponent at the least: bins that hold several exponents cannot be split evenly.
  const bool doubles = sizeof(Bits) == 8 && order.bump != 0;
  const int fewest_bits = doubles ? 12 : 8;
  if (bin_bits < fewest_bits) bin_bits = fewest_bits;
  if (bin_bits > count::template bin_bits<A>) bin_bits = count::template bin_bits<A>;
  const int bins = 1 << bin_bits;
  const offset tiles = ceil_div(n, tile), tiles_2 = tiles + most_groups;

  memory_parts parts;
  const std::size_t plan_at = parts.add(sizeof(bucket_plan));
  const std::size_t group_at = parts.add((most_groups + 1) * sizeof(bucket_group));
  const std::size_t group_marks_at = parts.add(static_cast<std::size_t>(bins / mark_bins) * 4);
  const std::size_t bucket_marks_at = parts.add(static_cast<std::size_t>(bins / mark_bins) * 4);
  const std::size_t group_next_at = parts.add(most_groups * 4), group_done_at = parts.add(most_groups * 4);
  const std::size_t bucket_next_at = parts.add(std::size_t{most_buckets} * 4);
  const std::size_t bucket_begin_at = parts.add((std::size_t{most_buckets} + 1) * 4);
  const std::size_t other_at = parts.add(static_cast<std::size_t>(n) * sizeof(Bits));
  const std::size_t other_values_at = parts.add(has_values ? static_cast<std::size_t>(n) * sizeof(value_type) : 0);
  const offset words_1 = has_values ? tiles * most_codes_of_pass : 0,
               words_2 = has_values ? tiles_2 * most_codes_of_pass : 0;
  const std::size_t words_1_at = parts.add(static_cast<std::size_t>(words_1) * 4);
  const std::size_t words_2_at = parts.add(static_cast<std::size_t>(words_2) * 4);
  temporary<vec<16>> memory(policy, static_cast<offset>(parts.bytes / 16));
  arrival_counters slab(policy, bucket_words + bins + digit_words);
  std::uint32_t* const control = slab.data();
  auto* const at = reinterpret_cast<unsigned char*>(memory.data());
  auto words = [&](std::size_t where) { return reinterpret_cast<std::uint32_t*>(at + where); };
  auto* const other = reinterpret_cast<Bits*>(at + other_at);
  [[maybe_unused]] auto* const other_values = reinterpret_cast<value_type*>(at + other_values_at);
  const bucket_memory m{reinterpret_cast<bucket_plan*>(at + plan_at),
                        reinterpret_cast<bucket_group*>(at + group_at),
                        words(group_marks_at),
                        words(bucket_marks_at),
                        words(group_next_at),
                        words(group_done_at),
                        words(bucket_next_at),
                        words(bucket_begin_at),
                        most_buckets,
                        bins,
                        bin_bits};

  // Up to 256 groups of a power of two of keys, or as many as leave codes to spare. Buckets fill a block in part: bins
  // with more keys are split, those with less join others, evenly spread keys make neither.
  const int group_shift = log2_of((n - 1) / (most_codes_of_pass < 512 ? most_codes_of_pass / 2 : 256)) + 1;
  const offset even = n / bins + n / bins / 8 + 64;
  const offset bin_items = doubles || even >= capacity * 7 / 8 ? offset{capacity * 3 / 4}
                           : even < capacity / 2               ? capacity / 2
                                                               : even;
  offset bucket_items = capacity - bin_items;
  const offset fewest = (offset{1} << group_shift) / (most_codes_of_pass - most_codes_of_pass / 4);
  if (bucket_items < fewest) bucket_items = fewest;

  {
    constexpr offset step = offset{count::template block_threads<A>} * 16;
    const offset resident = resident_blocks<A, count>(policy);
    offset chunks = ceil_div(n, step) < resident ? ceil_div(n, step) : resident;
    const offset chunk_items = ceil_div(ceil_div(n, chunks), step) * step;
    chunks = ceil_div(n, chunk_items);
    count k{};
    k.keys = keys, k.n = n, k.chunk_items = chunk_items, k.order = order, k.control = control, k.memory = m;
    k.bin_items = static_cast<std::uint32_t>(bin_items), k.group_shift = static_cast<std::uint32_t>(group_shift);
    k.bucket_factor = static_cast<std::uint32_t>((offset{1} << 32) / bucket_items);
    k.tile_items = tile, k.most = most_codes_of_pass;
    k.words = words(words_1_at), k.words_size = words_1;
    k.stable = has_values, k.wide = vector_aligned(keys);
    launch<A>(policy, chunks, k);
  }
  auto start = [&](auto kernel, offset most) {
    const offset resident = resident_blocks<A, decltype(kernel)>(policy);
    launch<A>(policy, most < resident ? most : resident, kernel);
  };
  if constexpr (has_values) {
    using stable_1 = bucket_stable_kernel<Shape, Bits, Value, 1>;
    using stable_2 = bucket_stable_kernel<Shape, Bits, Value, 2>;
    start(stable_1{keys, other, values, other_values, n, order, m, control, words(words_1_at), words(words_2_at),
                   words_2},
          tiles);
    start(recount{other, order, m}, tiles_2);
    start(stable_2{other, keys, other_values, values, n, order, m, control, words(words_2_at), nullptr, 0}, tiles_2);
    start(local{keys, values, order, m, control}, most_buckets);
    start(rest{keys, other, values, other_values, order, m, control}, most_buckets);
    by_digits(control + bucket_words + bins, m.plan, other, other_values);
  } else {
    using pass_1 = bucket_pass_kernel<Shape, Bits, 1>;
    start(pass_1{keys, other, n, order, m}, tiles);
    start(recount{other, order, m}, tiles_2);
    start(pass_2{other, keys, n, order, m}, tiles_2);
    start(local{keys, nullptr, order, m, control}, most_buckets);
    start(rest{keys, other, nullptr, nullptr, order, m, control}, most_buckets);
    by_digits(control + bucket_words + bins, m.plan, other, static_cast<Value*>(nullptr));
  }
}

}  // namespace weft::gpu
