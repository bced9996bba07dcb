// What the kernels of a bucket sort tell each other: the plan, its groups and maps, and where they lie in temporary
// memory. bucket_plan.hpp says how they come about.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/bucket_sample.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/radix_key.hpp>

namespace weft::inline v100::gpu {

inline constexpr int most_groups = 512;  // of a plan
inline constexpr int most_codes = 1024;  // buckets of a group
inline constexpr int most_split = 10;    // log2 of them

/// What is to be done with the keys.
enum class bucket_mode : std::uint32_t { nothing, buckets, digits };

struct bucket_plan {
  bucket_mode mode;
  std::uint32_t groups, buckets, tiles;
  std::uint32_t split;  // whether any bin is
  std::uint32_t even;   // not 0: the groups are as many upper bits of the bins, the bins are the buckets, without maps
  std::uint32_t rest;   // the bits of a key below its bin
  std::uint32_t equal;  // whether most keys, with values, have several equals: buckets are sorted by digits
  even_values values;   // bins by them, if used, not by bits; then the plan is even
};

/// Consecutive bins, all split alike. Of the sentinel behind the last one `begin`, `bin`, `rank`, `bucket` and `tile`
/// mean something.
struct bucket_group {
  std::uint32_t begin;   // the first key
  std::uint32_t bin;     // the first bin
  std::uint32_t rank;    // how many marks the table of buckets has before it
  std::uint32_t split;   // each mark stands for 2^split buckets
  std::uint32_t bucket;  // the first bucket
  std::uint32_t tile;    // the first tile of the second pass
};

/// A map from bins to numbers that grow by one at marked bins: a word for 16 bins has their marks below and the number
/// before them, less one, above, modulo 2^16. One load and a population count.
inline constexpr int mark_bins = 16;
template <class Block>
WEFT_DEVICE std::uint32_t marks_up_to(const std::uint32_t* table, std::uint32_t bin) {
  const std::uint32_t w = table[bin / mark_bins];
  return (w >> 16) + static_cast<std::uint32_t>(Block::popcount(w & (0xffffu >> (mark_bins - 1 - bin % mark_bins))));
}

/// Where everything lies in temporary memory.
struct bucket_memory {
  bucket_plan* plan;
  bucket_group* group;         // [most_groups + 1]
  std::uint32_t* group_marks;  // [bins / mark_bins], for plans that are not even
  std::uint32_t* bucket_marks;
  std::uint32_t* group_next;  // [most_groups], where the next keys of a group go
  std::uint32_t* group_done;  // [most_groups], tiles counted
  // [most_buckets], likewise; before that the sizes of the buckets of split bins, later a list of buckets
  std::uint32_t* bucket_next;
  std::uint32_t* bucket_begin;  // [most_buckets + 1]
  std::uint32_t most_buckets;
  int bins, bin_bits;  // how many bins
};

/// The bin of an encoded key: of more than its lowest bit, so both zeros of floating-point numbers have one bin.
/// `Shared`: keys may have upper bits above those of the bins, all the same.
template <bool Shared, class Bits>
WEFT_DEVICE std::uint32_t bin_of_key(Bits key, std::uint32_t rest, int bins) {
  const auto upper = static_cast<std::uint32_t>(key >> rest);
  return Shared ? upper & static_cast<std::uint32_t>(bins - 1) : upper;
}

/// The sum of the values of the threads before this one, and of all. A barrier before and one inside; `totals` has a
/// word a warp.
template <class Block>
WEFT_DEVICE std::uint32_t sum_of_threads_before(Block block, std::uint32_t value, std::uint32_t* totals,
                                                std::uint32_t& all) {
  auto warp = block.warp();
  const std::uint32_t inclusive = warp.inclusive_sum(value);
  block.sync();
  if (warp.lane() == Block::width - 1) totals[warp.index()] = inclusive;
  block.sync();
  std::uint32_t before = inclusive - value;
  all = 0;
  for (unsigned w = 0; w < block.threads() / Block::width; ++w) {
    if (w < warp.index()) before += totals[w];
    all += totals[w];
  }
  return before;
}

/// Words of the control block of a bucket sort, zero before and after; the bins' counts follow.
enum bucket_word : int {
  word_bins_counted,
  word_disorder,
  word_zeros,
  word_outside,
  word_tile_1,
  word_tile_2,
  word_bucket,
  word_rest,
  word_left,
  bucket_words = 32
};

}  // namespace weft::gpu
