// Sort of keys of one or two bytes alone: count how often each occurs, then write that many of each. One read and one
// write.
#pragma once

#include <weft/gpu/histogram.hpp>
#include <weft/gpu/packed_bins.hpp>
#include <weft/gpu/radix_key.hpp>
#include <weft/gpu/radix_rank.hpp>

namespace weft::inline v100::gpu {

/// The place of a key in its order.
struct byte_order_bin {
  key_order<std::uint8_t> order;
  WEFT_HOST_DEVICE int operator()(std::uint8_t key) const { return order.encode(key); }
};

struct counted_fill_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  static constexpr int run = 16, runs = 4;  // bytes of a store, stores of a thread
  template <arch A>
  static constexpr offset tile_items = offset{block_threads<A>} * run* runs;
  template <arch A>
  struct shared {
    std::uint64_t begin[radix_digits + 1];  // where the keys of each bin begin
    std::uint64_t totals[32];
  };

  std::uint8_t* keys;
  offset n;
  const std::uint64_t* counts;
  key_order<std::uint8_t> order;
  bool wide;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>;
    static_assert(threads == radix_digits, "a thread a bin");
    const unsigned t = block.thread();
    s.begin[t] = sum_before(block, counts[t], s.totals);
    if (t == 0) s.begin[radix_digits] = static_cast<std::uint64_t>(n);
    block.sync();

    const offset tile = static_cast<offset>(block.index()) * tile_items<Block::arch>;
    for (int r = 0; r < runs; ++r) {
      const offset i = tile + (r * threads + static_cast<int>(t)) * run;
      if (i >= n) return;
      unsigned bin = 0;  // the last one that begins at or before i, hence not empty
      for (unsigned step = radix_digits / 2; step > 0; step /= 2)
        if (s.begin[bin + step] <= static_cast<std::uint64_t>(i)) bin += step;

      std::uint8_t key[run];
      const std::uint8_t first = order.decode(static_cast<std::uint8_t>(bin));
      const int left = n - i < run ? static_cast<int>(n - i) : run;
      if (s.begin[bin + 1] >= static_cast<std::uint64_t>(i + left)) {
#pragma unroll
        for (int k = 0; k < run; ++k) key[k] = first;
      } else {
#pragma unroll
        for (int k = 0; k < run; ++k) {
          while (k < left && s.begin[bin + 1] <= static_cast<std::uint64_t>(i + k)) ++bin;
          key[k] = order.decode(static_cast<std::uint8_t>(bin));
        }
      }
      if (left == run) {
        store_run<run, Block>(keys, i, wide, key);
      } else {
#pragma unroll
        for (int k = 0; k < run; ++k)
          if (k < left) keys[i + k] = key[k];
      }
    }
  }
};

template <class P>
void counting_sort(const P& policy, std::uint8_t* keys, offset n, const key_order<std::uint8_t>& order) {
  temporary<std::uint64_t> counts(policy, radix_digits);
  histogram(policy, static_cast<const std::uint8_t*>(keys), n, counts.data(), radix_digits, byte_order_bin{order});
  on_arch(policy, [&]<arch A>() {
    launch<A>(policy, ceil_div(n, counted_fill_kernel::tile_items<A>),
              counted_fill_kernel{keys, n, counts.data(), order, vector_aligned(keys)});
  });
}

// Two bytes -----------------------------------------------------------------------------------------------------------

inline constexpr int pair_bins = 1 << 16;

/// Counts; the last block turns the counts into where the keys of each bin begin, and leaves zeros. Where a block's
/// memory does not hold all bins, several blocks count the same keys, each some of the bins.
template <class Selector>
struct pair_count_kernel {
  template <arch A>
  static constexpr int block_threads = 1024;
  template <arch A>
  static constexpr int windows = choose<Selector>(dialect::radix_sort_rows, A, 20).counted_windows;
  template <arch A>
  static constexpr int window_bins = pair_bins / windows<A>;
  template <arch A>
  struct shared {
    std::uint32_t pair[window_bins<A> / 2];
    std::uint32_t totals[32];
    bool last;
  };
  static constexpr int run = 8, rounds = 2;  // keys of a load, loads at a time
  static constexpr offset step = offset{1024} * run * rounds;

  const std::uint16_t* keys;
  offset n, chunk_items;
  key_order<std::uint16_t> order;
  std::uint32_t* counts;  // [pair_bins] and how many blocks have counted, zero before and after
  std::uint32_t* begin;   // [pair_bins + 1]
  bool wide;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>;
    static_assert(threads * run * rounds * 2 <= 1 << 15, "no counter of 16 bits overflows in two rounds");
    const int t = static_cast<int>(block.thread());
    constexpr int W = windows<Block::arch>, own = window_bins<Block::arch>;
    for (int i = t; i < own / 2; i += threads) s.pair[i] = 0;
    block.sync();

    const std::uint32_t window = block.index() % W;
    const packed_bins<> bins{s.pair, counts + window * own};
    auto add_joined = [&](bool there, std::uint32_t bin) {
      bins.add_joined(block, there && (W == 1 || bin / own == window), bin % own);
    };
    const offset first = block.index() / W * chunk_items, end = n - first < chunk_items ? n : first + chunk_items;
    bool odd = false;
    for (offset at = first; at < end; at += step, odd = !odd) {
      std::uint16_t k[rounds][run];
      if (at + step <= end) {
#pragma unroll
        for (int r = 0; r < rounds; ++r) load_run<run, Block>(keys, at + (r * threads + t) * run, wide, k[r]);
#pragma unroll
        for (int r = 0; r < rounds; ++r) {
          if (packed_bins<>::popular(block, order.encode(k[r][0]))) {
#pragma unroll
            for (int j = 0; j < run; ++j) add_joined(true, order.encode(k[r][j]));
          } else {
#pragma unroll
            for (int j = 0; j < run; ++j) {
              const std::uint32_t bin = order.encode(k[r][j]);
              if (W == 1 || bin / own == window) bins.add(block, bin % own, 1);
            }
          }
        }
      } else {
        for (offset i = at; i < end; i += threads)
          add_joined(i + t < end, i + t < end ? order.encode(keys[i + t]) : 0u);
      }
      if (odd) block.sync();  // no counter overflows before its thread has made room
    }
    block.sync();
    bins.flush(block, block.thread(), own);
    block.sync();
    if (t == 0) s.last = block.fetch_add_acq_rel(&counts[pair_bins], 1u) == block.blocks() - 1;
    block.sync();
    if (s.last) find_begins(block, s);
  }

  /// By one block, a part of the bins a warp.
  template <class Block>
  WEFT_DEVICE void find_begins(Block block, shared<Block::arch>& s) const {
    constexpr int W = Block::width, warps = block_threads<Block::arch> / W, part = pair_bins / warps;
    auto warp = block.warp();
    const int from = static_cast<int>(warp.index()) * part + static_cast<int>(warp.lane());
    std::uint32_t sum = 0;
#pragma unroll 8
    for (int i = 0; i < part; i += W) sum += counts[from + i];
    sum = warp.inclusive_sum(sum);
    if (static_cast<int>(warp.lane()) == W - 1) s.totals[warp.index()] = sum;
    block.sync();
    std::uint32_t before = 0;
    for (unsigned w = 0; w < warp.index(); ++w) before += s.totals[w];
#pragma unroll 4
    for (int i = 0; i < part; i += W) {
      const std::uint32_t c = counts[from + i], upto = warp.inclusive_sum(c);
      begin[from + i] = before + upto - c;
      counts[from + i] = 0;
      before += warp.shuffle(upto, W - 1);
    }
    if (block.thread() == 0) begin[pair_bins] = static_cast<std::uint32_t>(n), counts[pair_bins] = 0;
  }
};

/// Writes the keys.
struct pair_fill_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  static constexpr int run = 8, runs = 8;  // keys of a store, stores of a thread
  template <arch A>
  static constexpr offset tile_items = offset{block_threads<A>} * run* runs;
  template <arch A>
  struct shared {
    std::uint32_t bin[2];  // of the tile's first and last key
  };

  std::uint16_t* keys;
  offset n;
  key_order<std::uint16_t> order;
  const std::uint32_t* begin;
  bool wide;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>;
    const int t = static_cast<int>(block.thread());
    const offset tile = static_cast<offset>(block.index()) * tile_items<Block::arch>;
    const offset end = n - tile < tile_items<Block::arch> ? n : tile + tile_items<Block::arch>;
    if (block.warp().index() < 2) {
      const std::uint32_t bin = bin_by_warp(block, block.warp().index() == 0 ? tile : end - 1);
      if (block.warp().lane() == 0) s.bin[block.warp().index()] = bin;
    }
    block.sync();
    const std::uint32_t first = s.bin[0], last = s.bin[1];
#pragma unroll 2
    for (int r = 0; r < runs; ++r) {
      const offset i = tile + (r * threads + t) * run;
      if (i >= n) return;
      const int left = n - i < run ? static_cast<int>(n - i) : run;
      std::uint32_t bin = bin_of(i, first, last);
      std::uint16_t key[run];
      offset next = begin[bin + 1];
#pragma unroll
      for (int k = 0; k < run; ++k) {
        if (k < left && next <= i + k) {
          bin = bin_of(i + k, bin + 1, last);
          next = begin[bin + 1];
        }
        key[k] = order.decode(static_cast<std::uint16_t>(bin));
      }
      if (left == run) {
        store_run<run, Block>(keys, i, wide, key);
      } else {
#pragma unroll
        for (int k = 0; k < run; ++k)
          if (k < left) keys[i + k] = key[k];
      }
    }
  }

  /// The bin of the key at place i, from `low` to `high`: the last one that begins at or before i, hence not empty.
  WEFT_DEVICE std::uint32_t bin_of(offset i, std::uint32_t low, std::uint32_t high) const {
    while (low < high) {
      const std::uint32_t middle = (low + high + 1) / 2;
      if (static_cast<offset>(begin[middle]) <= i)
        low = middle;
      else
        high = middle - 1;
    }
    return low;
  }
  /// The same among all bins, by a warp.
  template <class Block>
  WEFT_DEVICE std::uint32_t bin_by_warp(Block block, offset i) const {
    std::uint32_t low = 0;
#pragma unroll
    for (std::uint32_t part = pair_bins / 32; part > 0; part /= 32) {
      const bool at = static_cast<offset>(begin[low + (block.warp().lane() & 31) * part]) <= i;
      const std::uint64_t before = block.warp().ballot(at) & 0xffffffffu;
      low += static_cast<std::uint32_t>(Block::highest_bit(before)) * part;
    }
    return bin_of(i, low, low + 1);
  }
};

/// n < 2^32.
template <class P>
void counting_sort(const P& policy, std::uint16_t* keys, offset n, const key_order<std::uint16_t>& order) {
  arrival_counters counts(policy, pair_bins + 1);
  temporary<std::uint32_t> begin(policy, pair_bins + 1);
  on_arch(policy, [&]<arch A>() {
    using count = pair_count_kernel<typename P::tuning>;
    constexpr offset least = 4 * count::step;  // for each block: it has all bins to add up in the end
    offset chunks = ceil_div(n, least);
    constexpr int windows = count::template windows<A>;
    const offset most = resident_blocks<A, count>(policy) / windows;
    if (chunks > most) chunks = most < 1 ? 1 : most;
    const offset chunk_items = ceil_div(ceil_div(n, chunks), count::step) * count::step;
    launch<A>(policy, ceil_div(n, chunk_items) * windows,
              count{keys, n, chunk_items, order, counts.data(), begin.data(), vector_aligned(keys)});
    launch<A>(policy, ceil_div(n, pair_fill_kernel::tile_items<A>),
              pair_fill_kernel{keys, n, order, begin.data(), vector_aligned(keys)});
  });
}

}  // namespace weft::gpu
