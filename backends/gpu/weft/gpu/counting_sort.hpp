// Sort of one-byte keys alone: count how often each occurs, then write that many of each. One read and one write.
#pragma once

#include <weft/gpu/histogram.hpp>
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

}  // namespace weft::gpu
