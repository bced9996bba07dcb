// Histogram in one launch while the bins fit the shared memory of a block: each block counts its part of the input in
// several copies of the bins, one for each few lanes and interleaved over the banks, so that neither equal bins (skew)
// nor random ones make lanes wait; then it adds its counts to the result, which the first block has zeroed meanwhile.
// More bins are counted in global memory, after a launch that zeroes them. Equal bins of a warp are joined where there
// are few copies.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/lookback.hpp>

namespace weft::inline v100::gpu {

/// The bin as an unsigned number; what is out of range stays out of range.
template <class B>
WEFT_DEVICE auto unsigned_bin(B bin) {
  if constexpr (sizeof(B) == 8)
    return static_cast<std::uint64_t>(bin);
  else if constexpr (std::is_integral_v<B> || std::is_enum_v<B>)
    return static_cast<std::uint32_t>(bin);
  else
    return static_cast<std::uint64_t>(static_cast<offset>(bin));
}

/// Adds 1 to add(bin) for each lane; lanes that agree with the first are added up first. Called by whole warps.
template <class Block, class Bin, class Add>
WEFT_DEVICE void add_joined(Block block, Bin bin, bool counts, const Add& add) {
  const auto warp = block.warp();
  const Bin first = warp.shuffle(bin, 0);
  const std::uint64_t same = warp.ballot(counts && bin == first);
  const bool joined = bin == first;
  if (counts && !joined) add(bin, 1u);
  if (warp.lane() == 0 && same) add(first, static_cast<std::uint32_t>(block.popcount(same)));
}

template <bool Large, class In, class Counts, class BinOf, class Selector>
struct histogram_kernel {
  using T = iter_value_t<In>;
  template <arch A>
  static constexpr histogram_tuning tuning = choose<Selector>(dialect::histogram_rows, A, size_class(sizeof(T)));
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  template <arch A>
  static constexpr int counters = Large ? tuning<A>.large_counters : tuning<A>.counters;
  template <arch A>
  using shape = tile_shape<block_threads<A>, run_items(sizeof(T)), tuning<A>.thread_vectors>;

  template <arch A>
  struct shared {
    std::uint32_t count[counters<A> + 32];  // [bins][copies], and a row for what is out of range
    std::uint32_t ticket;
  };

  In in;
  offset n;
  Counts counts;
  int bins, copies;  // copies is a power of two, 32 at most; 0: count in global memory
  lookback order;    // its tickets say which block zeroes the result, its first state that this is done
  bool wide;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    using C = std::remove_reference_t<decltype(counts[0])>;
    const int thread = static_cast<int>(block.thread()), threads = static_cast<int>(block.threads());
    const unsigned lane = block.warp().lane();
    if constexpr (Large)
      if (copies == 0) {
        count_all<true>(block, [&](auto bin, std::uint32_t by) { block.fetch_add(&counts[bin], static_cast<C>(by)); });
        return;
      }

    // The first block zeroes the result.
    const unsigned ticket = order.draw(block, s.ticket);
    for (int i = thread; i < (bins + 1) * copies; i += threads) s.count[i] = 0;
    if (ticket == 0 && block.blocks() > 1)
      for (int i = thread; i < bins; i += threads) counts[i] = 0;
    block.sync();
    if (ticket == 0 && block.blocks() > 1 && thread == 0)
      block.store_release(order.states, static_cast<std::uint64_t>(order.epoch));

    // Count in shared memory.
    std::uint32_t* mine = s.count + (lane & static_cast<unsigned>(copies - 1));
    const auto add = [&](auto bin, std::uint32_t by) {
      block.shared_add(mine + static_cast<unsigned>(bin) * static_cast<unsigned>(copies), by);
    };
    if (Large && copies < 8)
      count_all<Large>(block, add);
    else
      count_all<false>(block, add);
    if (ticket != 0 && thread == 0)
      for (unsigned tries = 0; block.load_acquire(order.states) != order.epoch; ++tries) block.backoff(tries);
    block.sync();

    // Add up the copies, each lane starting at another so that they use different banks.
    for (int b = thread; b < bins; b += threads) {
      std::uint32_t sum = 0;
      for (int c = 0; c < copies; ++c)
        sum += s.count[b * copies +
                       static_cast<int>((static_cast<unsigned>(c) + lane) & static_cast<unsigned>(copies - 1))];
      if (block.blocks() == 1)
        counts[b] = static_cast<C>(sum);
      else if (sum)
        block.fetch_add(&counts[b], static_cast<C>(sum));
    }
  }

  /// add(bin, how many) for the elements of this block's tiles. This loop is bound by instructions: an element costs
  /// its extraction, a comparison, an address and the addition; what holds for the whole call is decided outside.
  template <bool Join, class Block, class Add>
  WEFT_DEVICE void count_all(Block block, const Add& add) const {
    using tile_shape = shape<Block::arch>;
    constexpr int rows = tile_shape::rows, run = tile_shape::run;
    constexpr offset tile_items = tile_shape::items;
    offset start = block.index() * tile_items;
    for (; start + tile_items <= n; start += block.blocks() * tile_items) {
      held_run<T, run> held[rows];
      load_rows<tile_shape>(block, in, start, wide, held);
#pragma unroll
      for (int r = 0; r < rows; ++r) {
        const items<T, run> x = held[r].take(block);
#pragma unroll
        for (int k = 0; k < run; ++k) count_one<Join>(block, true, x[k], add);
      }
    }
    // What is left of the input, less than a tile, falls to one block.
    if (start < n)
      for (offset row = start; row < n; row += block.threads()) {
        const offset i = row + block.thread();
        count_one<Join>(block, i < n, static_cast<T>(in[i < n ? i : n - 1]), add);
      }
  }

  template <bool Join, class Block, class Add>
  WEFT_DEVICE void count_one(Block block, bool exists, const T& x, const Add& add) const {
    const auto bin = unsigned_bin(bin_of(x));
    const auto end = static_cast<decltype(unsigned_bin(bin_of(x)))>(bins);
    if constexpr (Join)  // few copies: equal bins are joined first
      add_joined(block, bin, exists && bin < end, add);
    else  // no branch: what is out of range has a row of its own
      add(exists && bin < end ? bin : end, 1u);
  }

  BinOf bin_of;
};

/// counts[b] = 0 for all bins.
template <class Counts>
struct zero_counts_kernel {
  template <arch A>
  static constexpr int block_threads = 256;
  template <arch A>
  struct shared {};
  Counts counts;
  int bins;
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    const offset i = static_cast<offset>(block.index()) * block.threads() + block.thread();
    if (i < bins) counts[i] = 0;
  }
};

template <class P, class In, class Counts, class BinOf>
void histogram(const P& policy, In in, offset n, Counts counts, int bins, BinOf bin_of) {
  using small = histogram_kernel<false, In, Counts, BinOf, typename P::tuning>;
  using large = histogram_kernel<true, In, Counts, BinOf, typename P::tuning>;
  if (bins == 0) return;
  on_arch(policy, [&]<arch A>() {
    auto count = [&]<class Kernel>(std::type_identity<Kernel>) {
      int copies = bins <= Kernel::template counters<A> ? 1 : 0;
      while (copies > 0 && copies < 32 && bins * copies * 2 <= Kernel::template counters<A>) copies *= 2;
      if (copies == 0) launch<A>(policy, ceil_div(bins, 256), zero_counts_kernel<Counts>{counts, bins});
      offset blocks = n == 0 ? 1 : ceil_div(n, Kernel::template shape<A>::items);
      if (const offset most = resident_blocks<A, Kernel>(policy); blocks > most) blocks = most;
      lookback_states order(policy, copies > 0 ? blocks : 0, 1);
      launch<A>(policy, blocks, Kernel{in, n, counts, bins, copies, order.view(), vector_aligned(in), bin_of});
      order.launched(blocks);
    };
    if (bins * offset{8} <= small::template counters<A>)
      count(std::type_identity<small>{});
    else
      count(std::type_identity<large>{});
  });
}

}  // namespace weft::gpu
