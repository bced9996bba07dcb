// Where the keys of a large sort go, found out by one look at all of them: buckets of a few thousand keys that follow
// each other in the order of keys, and groups of such buckets, so that two passes that write long runs bring every key
// into its bucket.
//
// The look counts the upper bits of the keys (a "bin" is one value of them; 65536 bins on an H100). Bins with few keys
// share a bucket; a bin with many is split by its next bits into 2^split buckets, and counted once more (they are the
// only buckets whose sizes are not known after the look). So floating-point keys, whose bins are very uneven, make as
// even buckets as integers. Bins that are much alike are the buckets, and keys go where their bits say, without maps. A
// bin too heavy for that, many equal keys, sends all keys to the stable sort instead, a sample that repeats itself even
// before the look. Integers whose sample shares its upper bits are counted by the bits below those, floats whose sample
// is evenly spread by their values; should the other keys be unlike the sample, the stable sort again.
#pragma once

#include <weft/gpu/bucket_memory.hpp>
#include <weft/gpu/packed_bins.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// Counts the bins; the last block makes the plan.
template <class Shape, class Bits>
struct bucket_count_kernel {
  template <arch A>
  static constexpr int block_threads = Shape::template tuning<A>().count_threads;
  template <arch A>
  static constexpr int bin_bits = Shape::template tuning<A>().bin_bits;
  template <arch A>
  static constexpr bool frugal = Shape::template tuning<A>().frugal;
  template <arch A>
  struct shared {
    std::uint32_t counts[(1 << bin_bits<A>) / 2];        // two of 16 bits each
    std::uint32_t group_marks[(1 << bin_bits<A>) / 32];  // a bit a bin
    std::uint32_t bucket_marks[(1 << bin_bits<A>) / 32];
    std::uint32_t sums[32], last_counts[32], groups[32], marks[32];  // of each warp's bins
    std::uint32_t upper[32];  // of the upper bytes of the keys, which bits are set and, above them, which are clear;
                              // of a sample, which bit is the highest that is not shared
    std::uint32_t totals[32];
    bool last;
  };

  const Bits* keys;
  offset n, chunk_items;
  key_order<Bits> order;
  std::uint32_t* control;
  bucket_memory memory;
  std::uint32_t bin_items;      // a bin with more keys is split
  std::uint32_t bucket_factor;  // bins whose beginnings times this, divided by 2^32, are equal share a bucket
  std::uint32_t group_shift;    // log2 of the keys of a group
  std::uint32_t tile_items;
  std::uint32_t most;    // codes that the passes tell apart
  std::uint32_t* words;  // look-back words of a stable first pass, to be cleared
  offset words_size;
  bool stable;  // equal keys may differ
  bool wide;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>;
    const int t = static_cast<int>(block.thread());
    constexpr bool samples = !frugal<Block::arch>;
    constexpr bool by_value = values_make_bins<Bits, frugal<Block::arch>>;
    key_sample<Bits> sample{0, static_cast<std::uint32_t>(8 * static_cast<int>(sizeof(Bits)) - memory.bin_bits), {}};
    if constexpr (!samples) {
      for (int i = t; i < (1 << bin_bits<Block::arch>) / 2; i += threads) s.counts[i] = 0;
    } else if (sample.template look<threads, (1 << bin_bits<Block::arch>) / 2, by_value>(block, s, keys, n, order,
                                                                                         memory.bin_bits)) {
      if (block.index() == 0 && t == 0) *memory.plan = {bucket_mode::digits, 0, 0, 0, 0, 0, 0, 0, {}};
      return;
    }
    for (offset i = offset{block.index()} * threads + t; i < words_size; i += offset{block.blocks()} * threads)
      words[i] = 0;
    block.sync();

    if (by_value && sample.values.used())
      count<by_value>(block, s, sample);
    else
      count<false>(block, s, sample);
    const packed_bins<bucket_words> bins{s.counts, control};
    // Opaque: whether a thread has counters is asked again, not kept since they were cleared.
    bins.flush(block, block.opaque(block.thread()), memory.bins);

    block.sync();
    if (t == 0) s.last = block.fetch_add_acq_rel(&control[word_bins_counted], 1u) == block.blocks() - 1;
    block.sync();
    if (s.last) make_plan(block, s, sample.rest, sample.values);
  }

  /// Counts this block's keys, and tells all blocks whether they are in order and what else makes a difference.
  template <bool ByValue, class Block>
  WEFT_DEVICE void count(Block block, shared<Block::arch>& s, const key_sample<Bits>& sample) const {
    constexpr int threads = block_threads<Block::arch>;
    // More keys at once fill the scalar registers where these hold masks of lanes.
    constexpr int run = 16 / sizeof(Bits), rounds = sizeof(Bits) == 2 || frugal<Block::arch> ? 2 : 4;
    static_assert(threads * run * rounds * 2 <= 1 << 15, "no counter of 16 bits overflows in two rounds");
    constexpr bool samples = !frugal<Block::arch>;
    const int t = static_cast<int>(block.thread());
    const packed_bins<bucket_words> bins{s.counts, control};
    const offset begin = block.index() * chunk_items, end = n - begin < chunk_items ? n : begin + chunk_items;
    constexpr offset step = offset{threads} * run * rounds;
    bool look = true, loaded = false, odd = false;  // whether the keys may be sorted, as far as this warp has seen
    std::uint32_t zeros = 0;                        // of a floating-point type, which of them are there
    Bits differ = 0;                                // where bits are not those of some key
    const std::uint32_t rest = sample.rest;
    auto bin_of = [&](Bits k) {
      if constexpr (ByValue)
        return sample.values.bin(k, memory.bins);
      else
        return bin_of_key<samples>(k, rest, memory.bins);
    };
    auto note = [&](Bits k) {
      constexpr Bits sign = Bits{1} << (8 * sizeof(Bits) - 1);
      if (ByValue || order.bump != 0)
        zeros |= (k == (ByValue ? Bits{0} : order.zero) ? 1u : 0u) |
                 (k == (ByValue ? sign : static_cast<Bits>(order.zero + 1)) ? 2u : 0u);
      if constexpr (samples && !ByValue) differ |= static_cast<Bits>(k ^ sample.bits);
    };
    Bits next[rounds][run];
    auto load = [&](offset at) {
#pragma unroll
      for (int r = 0; r < rounds; ++r) load_run<run, Block>(keys, at + (r * threads + t) * run, wide, next[r]);
    };
    for (offset at = begin; at < end; at += step, odd = !odd) {
      if (!look && at + step <= end) {  // the next keys are under way while these are counted
        if (!loaded) load(at);
        Bits k[rounds][run];
#pragma unroll
        for (int r = 0; r < rounds; ++r)
#pragma unroll
          for (int j = 0; j < run; ++j) k[r][j] = next[r][j];
        loaded = at + 2 * step <= end;
        if (loaded) load(at + step);
#pragma unroll
        for (int r = 0; r < rounds; ++r) {
#pragma unroll
          for (int j = 0; j < run; ++j) {
            if (!ByValue) k[r][j] = order.encode(k[r][j]);
            note(k[r][j]);
          }
          if (packed_bins<>::popular(block, bin_of(k[r][0]))) {
#pragma unroll
            for (int j = 0; j < run; ++j) bins.add_joined(block, true, bin_of(k[r][j]));
          } else {
            bins.template add_each<run>(block, [&](int j) { return bin_of(k[r][j]); });
          }
        }
      } else {
        for (int r = 0; r < rounds; ++r) {
          bool disorder = false;
          const offset i = at + (r * threads + t) * run;
          Bits before{};
          for (int j = 0; j <= run; ++j) {
            const bool there = i + j < end;
            const Bits k = i + j < n ? order.encode(keys[i + j]) : static_cast<Bits>(~Bits{0});
            disorder |= j > 0 && i + j < n && i + j - 1 < end && order.digits(k) < order.digits(before);
            before = k;
            if (j == run) break;
            const Bits counted = ByValue && there ? keys[i + j] : k;
            if (there) note(counted);
            bins.add_joined(block, there, bin_of(counted));
          }
          if (block.warp().any(disorder)) look = false;
        }
      }
      if (odd) block.sync();  // no counter overflows before its thread has made room
    }
    block.sync();
    if (!look && block.warp().lane() == 0) block.fetch_or(&control[word_disorder], 1u);
    if (zeros != 0) block.fetch_or(&control[word_zeros], zeros);
    if (samples && rest + memory.bin_bits < 8 * sizeof(Bits) && differ >> (rest + memory.bin_bits) != 0)
      block.fetch_or(&control[word_outside], 1u);
  }

  /// How often a bin of that many keys is halved.
  template <class Block>
  WEFT_DEVICE std::uint32_t split_of(std::uint32_t count) const {
    return count <= bin_items ? 0 : static_cast<std::uint32_t>(1 + Block::highest_bit((count - 1) / bin_items));
  }
  /// The bins of a warp, a row of one bin a lane at a time: f(row, bin, keys of the bin, keys before it).
  template <class Block, class F>
  WEFT_DEVICE void each_row(Block block, const shared<Block::arch>& s, std::uint32_t begin, const F& f) const {
    constexpr int W = Block::width;
    auto warp = block.warp();
    const int rows = warp_rows<Block>();
    for (int row = static_cast<int>(warp.index()) * rows; row < (static_cast<int>(warp.index()) + 1) * rows; ++row) {
      const int bin = row * W + static_cast<int>(warp.lane());
      std::uint32_t c = 0;
      if (bin < memory.bins) {
        c = s.counts[bin / 2] >> bin % 2 * 16 & 0xffffu;
        if (c == 0xffffu) c = control[bucket_words + bin];
      }
      const std::uint32_t upto = warp.inclusive_sum(c);
      f(row, bin, c, begin + upto - c);
      begin += warp.shuffle(upto, Block::width - 1);
    }
  }
  template <class Block>
  WEFT_DEVICE int warp_rows() const {
    constexpr int threads = block_threads<Block::arch>;
    return (memory.bins + threads - 1) / threads;
  }
  /// What bins that lie side by side have in common if they share a bucket; those of a group, but for 18 bits of it.
  template <class Block>
  WEFT_DEVICE std::uint32_t share_of(std::uint32_t begin, std::uint32_t count) const {
    const std::uint32_t split = split_of<Block>(count);
    return begin >> group_shift << 22 |
           (static_cast<std::uint32_t>(std::uint64_t{begin} * bucket_factor >> 32) & 0x3ffffu) << 4 |
           (split < 14 ? split + 1 : 15);
  }

  template <class Block>
  WEFT_DEVICE void make_plan(Block block, shared<Block::arch>& s, std::uint32_t rest, const even_values& values) const {
    constexpr int threads = block_threads<Block::arch>, W = Block::width;
    const unsigned t = block.thread();
    auto warp = block.warp();
    const bucket_memory m = memory;
    std::uint32_t* const counts = control + bucket_words;
    // The counts, as far as they fit 16 bits; larger ones stay where they are for a while.
    std::uint32_t sum = 0, last_count = 0, upper = 0, differ = 0;
    const int rows = warp_rows<Block>();
    auto bin_at = [&](int i) {
      return (static_cast<int>(warp.index()) * rows + i) * W + static_cast<int>(warp.lane());
    };
    auto load = [&](int i) { return i < rows && bin_at(i) < memory.bins ? counts[bin_at(i)] : 0; };
    std::uint32_t next = load(0);
    for (int i = 0; i < rows; ++i) {
      const int bin = bin_at(i);
      const std::uint32_t c = next;
      next = load(i + 1);
      if (bin < memory.bins && c < 0xffffu) counts[bin] = 0;
      const std::uint32_t kept = c < 0xffffu ? c : 0xffffu, other = warp.shuffle_xor(kept, 1);
      if (bin < memory.bins && bin % 2 == 0) s.counts[bin / 2] = kept | other << 16;
      sum += c;
      if (bin < memory.bins && (c > bin_items || (c < bin_items / 16 && !values.used()))) differ = 1;
      if constexpr (frugal<Block::arch>) {
        const std::uint32_t byte = static_cast<std::uint32_t>(bin) >> (m.bin_bits - 8) & 0xffu;
        if (c != 0) upper |= byte | (byte ^ 0xffu) << 8;
      }
      const std::uint64_t filled = warp.ballot(c != 0);
      if (filled != 0) last_count = warp.shuffle(c, static_cast<unsigned>(Block::highest_bit(filled)));
    }
#pragma unroll
    for (unsigned d = 1; d < Block::width; d *= 2) sum += warp.shuffle_xor(sum, d), upper |= warp.shuffle_xor(upper, d);
    if (warp.lane() == 0)
      s.sums[warp.index()] = sum, s.last_counts[warp.index()] = last_count, s.upper[warp.index()] = upper;
    // Bins that are much alike need no maps: their upper bits say where keys go.
    // Opaque: it would take a scalar register all through the plan.
    std::uint32_t even = 0;
    if constexpr (!frugal<Block::arch>)
      even = block.opaque(block.sync_or(differ != 0 || most < 64) ? 0 : most < 256 ? 6 : 8);
    else
      block.sync();
    std::uint32_t begin = 0, share = 0;  // keys before this warp's bins; of the last bin with keys before them
    for (unsigned w = 0; w < warp.index(); ++w) {
      begin += s.sums[w];
      if (s.last_counts[w] != 0) share = share_of<Block>(begin - s.last_counts[w], s.last_counts[w]);
    }

    bool too_many = false, fits = true;
    std::uint32_t group = 0, mark = 0, all_groups = 0, all_marks = 0, first_group = 0, first_mark = 0;
    if (even != 0) {  // every bin is a bucket, of known size
      const int each = m.bins >> even;
      each_row(block, s, begin, [&](int, int bin, std::uint32_t, std::uint32_t at) {
        if (bin >= m.bins) return;
        m.bucket_begin[bin] = m.bucket_next[bin] = at;
        if (bin % each == 0)
          m.group[bin / each] = {at, static_cast<std::uint32_t>(bin), static_cast<std::uint32_t>(bin), 0, 0, 0};
      });
      all_groups = 1u << even, all_marks = static_cast<std::uint32_t>(m.bins);
    } else {
      // The marks of groups and buckets.
      std::uint32_t groups = 0, marks = 0;
      each_row(block, s, begin, [&](int row, int, std::uint32_t c, std::uint32_t at) {
        const std::uint32_t own = share_of<Block>(at, c);
        const std::uint64_t filled = warp.ballot(c != 0), earlier = filled & warp.lanes_below();
        const std::uint32_t left =
            warp.shuffle(own, earlier != 0 ? static_cast<unsigned>(Block::highest_bit(earlier)) : 0);
        const std::uint32_t before = earlier != 0 ? left : share;
        const bool group = c != 0 && (before == 0 || before >> 22 != own >> 22 || ((before ^ own) & 15) != 0);
        const std::uint64_t group_bits = warp.ballot(group);
        const std::uint64_t bucket_bits = warp.ballot(c != 0 && (group || before != own || (own & 15) > 1));
        too_many = too_many || (own & 15) - 1 > most_split || (own & 15) > rest + 1;
        groups += static_cast<std::uint32_t>(Block::popcount(group_bits));
        marks += static_cast<std::uint32_t>(Block::popcount(bucket_bits));
        if (filled != 0) share = warp.shuffle(own, static_cast<unsigned>(Block::highest_bit(filled)));
        if (warp.lane() < Block::width / 32 && (row * W) / 32 + static_cast<int>(warp.lane()) < memory.bins / 32) {
          s.group_marks[(row * W) / 32 + warp.lane()] = static_cast<std::uint32_t>(group_bits >> 32 * warp.lane());
          s.bucket_marks[(row * W) / 32 + warp.lane()] = static_cast<std::uint32_t>(bucket_bits >> 32 * warp.lane());
        }
      });
      if (warp.lane() == 0) s.groups[warp.index()] = groups, s.marks[warp.index()] = marks;
      block.sync();
      for (unsigned w = 0; w < threads / Block::width; ++w) {
        if (w < warp.index()) group += s.groups[w], mark += s.marks[w];
        all_groups += s.groups[w], all_marks += s.marks[w];
      }
      first_group = group, first_mark = mark;

      // The maps, and the groups.
      fits = all_groups <= most_groups && all_groups <= threads && all_groups <= most;
      each_row(block, s, begin, [&](int, int bin, std::uint32_t c, std::uint32_t at) {
        const bool in = bin < memory.bins;
        const std::uint32_t group_word = in ? s.group_marks[bin / 32] : 0,
                            mark_word = in ? s.bucket_marks[bin / 32] : 0;
        const std::uint64_t group_bits = warp.ballot(group_word >> bin % 32 & 1),
                            mark_bits = warp.ballot(mark_word >> bin % 32 & 1), below = warp.lanes_below();
        const std::uint32_t my_group = group + static_cast<std::uint32_t>(Block::popcount(group_bits & below)),
                            my_mark = mark + static_cast<std::uint32_t>(Block::popcount(mark_bits & below));
        if (in && bin % mark_bins == 0) {
          m.group_marks[bin / mark_bins] = (my_group - 1) << 16 | (group_word >> bin % 32 & 0xffffu);
          m.bucket_marks[bin / mark_bins] = (my_mark - 1) << 16 | (mark_word >> bin % 32 & 0xffffu);
        }
        if (fits && (group_word >> bin % 32 & 1))
          m.group[my_group] = {at, static_cast<std::uint32_t>(bin), my_mark, split_of<Block>(c), 0, 0};
        group += static_cast<std::uint32_t>(Block::popcount(group_bits));
        mark += static_cast<std::uint32_t>(Block::popcount(mark_bits));
      });
    }
    if (t == 0 && fits)
      m.group[all_groups] = {static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(m.bins), all_marks, 0, 0, 0};
    block.sync();
    const bool mine = fits && t < all_groups;
    std::uint32_t codes = 0, tiles = 0, all_codes, all_tiles;
    bucket_group g{};
    if (mine) {
      g = m.group[t];
      codes = (m.group[t + 1].rank - g.rank) << g.split;
      tiles = (m.group[t + 1].begin - g.begin + tile_items - 1) / tile_items;
    }
    const std::uint32_t bucket = sum_of_threads_before(block, codes, s.totals, all_codes);
    const std::uint32_t tile = sum_of_threads_before(block, tiles, s.totals, all_tiles);
    const bool fails =
        block.sync_or(too_many || !fits || codes > most || all_codes > m.most_buckets || (values.used() && even == 0));
    const bool any_split = block.sync_or(mine && g.split > 0);
    if (mine && !fails) {
      m.group[t].bucket = bucket, m.group[t].tile = tile;
      m.group_next[t] = g.begin;
      m.group_done[t] = 0;
    }
    if (t == 0) {
      const std::uint32_t zeros = block.load_relaxed(&control[word_zeros]);
      const bool sorted = block.load_relaxed(&control[word_disorder]) == 0;
      for (unsigned w = 1; w < threads / Block::width; ++w) upper |= s.upper[w];
      // Pairs with one upper byte and many of each key: the sort by digits makes three passes, bins would be crowded.
      const bool few_digits =
          frugal<Block::arch> && stable && sizeof(Bits) == 4 && (upper & upper >> 8) == 0 && n >> 26 != 0;
      // Long keys alone that share bits only if they need no maps (bucket_pass_kernel::masks).
      const bool outside =
          block.load_relaxed(&control[word_outside]) != 0 ||
          (sizeof(Bits) == 8 && !stable && even == 0 && rest + static_cast<std::uint32_t>(m.bin_bits) < 64);
      const bool equal = !frugal<Block::arch> && stable && rest + m.bin_bits < 32 && n >> (rest + m.bin_bits) >= 4;
      *m.plan = {sorted                                                      ? bucket_mode::nothing
                 : fails || few_digits || outside || (zeros == 3 && !stable) ? bucket_mode::digits
                                                                             : bucket_mode::buckets,
                 all_groups,
                 all_codes,
                 all_tiles,
                 any_split,
                 even,
                 rest,
                 equal,
                 values};
      if (!fails) {
        m.group[all_groups].bucket = all_codes, m.group[all_groups].tile = all_tiles;
        m.bucket_begin[all_codes] = static_cast<std::uint32_t>(n);
      }
      control[word_bins_counted] = control[word_disorder] = control[word_zeros] = control[word_outside] = 0;
    }
    block.sync();

    // The buckets: known where bins are whole, to be counted where they are split.
    if (even != 0) return;
    group = first_group, mark = first_mark;
    each_row(block, s, begin, [&](int, int bin, std::uint32_t c, std::uint32_t at) {
      const bool in = bin < memory.bins;
      const bool begins_group = in && (s.group_marks[bin / 32] >> bin % 32 & 1),
                 begins_bucket = in && (s.bucket_marks[bin / 32] >> bin % 32 & 1);
      const std::uint64_t group_bits = warp.ballot(begins_group), mark_bits = warp.ballot(begins_bucket);
      if (!fails && begins_bucket) {
        const std::uint64_t below = warp.lanes_below();
        const bucket_group own =
            m.group[group + static_cast<std::uint32_t>(Block::popcount(group_bits & below)) + begins_group - 1];
        const std::uint32_t first =
            own.bucket +
            ((mark + static_cast<std::uint32_t>(Block::popcount(mark_bits & below)) - own.rank) << own.split);
        if (own.split == 0)
          m.bucket_begin[first] = m.bucket_next[first] = at;
        else
          for (std::uint32_t b = 0; b < 1u << own.split; ++b) m.bucket_next[first + b] = 0;
      }
      group += static_cast<std::uint32_t>(Block::popcount(group_bits));
      mark += static_cast<std::uint32_t>(Block::popcount(mark_bits));
      if (c >= 0xffffu) counts[bin] = 0;
    });
  }
};

}  // namespace weft::gpu
