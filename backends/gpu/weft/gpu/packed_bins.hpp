// Counters of a block in shared memory, 16 bits each, so that 65536 of them fit; what they cannot hold moves on to
// counters in global memory.
#pragma once

#include <weft/gpu/dialect.hpp>

namespace weft::inline v100::gpu {

/// A barrier is due each time the threads together have counted 2^15 keys.
template <int Offset = 0>
struct packed_bins {
  std::uint32_t* pair;     // shared, two bins a word
  std::uint32_t* control;  // the counters of all blocks, from the word `Offset` on: one pointer less

  template <class Block>
  WEFT_DEVICE void add(Block block, std::uint32_t bin, std::uint32_t many) const {
    const std::uint32_t half = bin % 2 * 16;
    const std::uint32_t old = block.shared_fetch_add(&pair[bin / 2], many << half) >> half & 0xffffu;
    if (old < 0x8000u && old + many >= 0x8000u) make_room(block, bin);  // one thread meets this
  }
  /// N bins, one key each: no addition waits for the one before.
  template <int N, class Block, class BinOf>
  WEFT_DEVICE void add_each(Block block, const BinOf& bin_of) const {
    if constexpr (Block::width == 64) {  // masks of 64 lanes for several keys at once fill the scalar registers
#pragma unroll
      for (int j = 0; j < N; ++j) add(block, bin_of(j), 1);
    } else {
      std::uint32_t old[N];
#pragma unroll
      for (int j = 0; j < N; ++j) {
        const std::uint32_t bin = bin_of(j), half = bin * 16;  // of a rotation modulo 32
        old[j] = rotate(block.shared_fetch_add(&pair[bin / 2], rotate(1, half)), half) & 0xffffu;
      }
      bool full = false;
#pragma unroll
      for (int j = 0; j < N; ++j) full = full | (old[j] == 0x7fffu);
      if (!full) return;
#pragma unroll
      for (int j = 0; j < N; ++j)
        if (old[j] == 0x7fffu) make_room(block, bin_of(j));
    }
  }
  /// By 0 or 16 bits.
  static WEFT_DEVICE std::uint32_t rotate(std::uint32_t x, std::uint32_t by) {
    return x << (by & 31) | x >> (-by & 31);
  }
  template <class Block>
  WEFT_DEVICE void make_room(Block block, std::uint32_t bin) const {
    block.fetch_add(&control[Offset + bin], 0x8000u);
    block.shared_add(&pair[bin / 2], ~(0x8000u << bin % 2 * 16) + 1);
  }
  /// Many lanes with the same bin count together: they would queue for its counter.
  template <class Block>
  WEFT_DEVICE void add_joined(Block block, bool there, std::uint32_t bin) const {
    auto warp = block.warp();
    const std::uint32_t popular = warp.shuffle(bin, 0);
    const std::uint64_t same = warp.ballot(there && bin == popular);
    const auto many = static_cast<std::uint32_t>(Block::popcount(same));
    std::uint32_t add_now = there ? 1 : 0;
    if (many > 3 && bin == popular) add_now = warp.lane() == 0 ? many : 0;
    if (add_now == 0) return;
    add(block, bin, add_now);
  }
  /// Whether a row of bins is so uneven that it should be joined.
  template <class Block>
  static WEFT_DEVICE bool popular(Block block, std::uint32_t bin) {
    return Block::popcount(block.warp().ballot(bin == block.warp().shuffle(bin, Block::width / 2))) > 6;
  }
  /// All that is left, after a barrier; `thread` is the calling thread's index.
  template <class Block>
  WEFT_DEVICE void flush(Block block, std::uint32_t thread, int bins) const {
    for (int i = static_cast<int>(thread); i < bins / 2; i += static_cast<int>(block.threads())) {
      const std::uint32_t c = pair[i];
      if (c & 0xffffu) block.fetch_add(&control[Offset + 2 * i], c & 0xffffu);
      if (c >> 16) block.fetch_add(&control[Offset + 2 * i + 1], c >> 16);
    }
  }
};

}  // namespace weft::gpu
