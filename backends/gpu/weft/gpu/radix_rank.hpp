// Stable ranking of a tile by one 8-bit digit: where in the tile each key goes. The heart of every radix sort here.
//
// Each warp ranks its rows of keys in a table of its own, one entry a digit: {which lanes of this row hold the digit,
// how many earlier rows held}. A lane sets its bit in the mask, reads the entry back, and the lowest lane with the
// digit moves the entry on: three accesses of shared memory a row, against eight ballots (measured 1.5 times faster on
// an H100 for random digits). Where a row holds one digit many times its lanes would queue for the mask, so a warp that
// meets such a row counts that digit apart in the next ones, by a vote, and ranks the other keys as ever.
#pragma once

#include <weft/gpu/dialect.hpp>

namespace weft::inline v100::gpu {

inline constexpr int radix_bits = 8;
inline constexpr int radix_digits = 1 << radix_bits;

template <int Width>
struct rank_entry;
template <>
struct alignas(8) rank_entry<32> {
  std::uint32_t mask, count;
};
template <>
struct alignas(16) rank_entry<64> {
  std::uint64_t mask;
  std::uint32_t count, unused;
};

/// What a block needs of shared memory to rank: 8 bytes a digit for each 32 threads, at either width.
template <int Threads, int Digits = radix_digits>
struct rank_tables {
  static constexpr int bytes = Threads / 32 * Digits * 8;
  alignas(16) unsigned char table[bytes];
  template <class Block>
  WEFT_DEVICE rank_entry<Block::width>* of_warp(unsigned w) {
    return reinterpret_cast<rank_entry<Block::width>*>(table) + w * Digits;
  }
};

inline constexpr std::uint32_t no_digit = ~0u;

/// The digit that so many lanes of a row hold that a table of masks would be slow, if one of two lanes is among them. A
/// guess; it decides the speed only.
template <class Block>
WEFT_DEVICE std::uint32_t crowding_digit(Block block, std::uint32_t d) {
  constexpr int crowded = 7;
  auto warp = block.warp();
  const std::uint32_t a = warp.shuffle(d, 0), b = warp.shuffle(d, Block::width / 2);
  const int with_a = Block::popcount(warp.ballot(d == a)), with_b = Block::popcount(warp.ballot(d == b));
  return with_a >= crowded && with_a >= with_b ? a : with_b >= crowded ? b : no_digit;
}

/// Ranks the keys of a row that take part: the number of keys of the warp before this one that hold digit d.
template <class Block>
WEFT_DEVICE std::uint32_t rank_row(Block block, rank_entry<Block::width>* table, std::uint32_t d, bool takes_part) {
  using mask = decltype(rank_entry<Block::width>::mask);
  auto warp = block.warp();
  rank_entry<Block::width> e{};
  if (takes_part) block.shared_fetch_or(&table[d].mask, mask{1} << warp.lane());
  warp.sync();
  if (takes_part) e = table[d];
  warp.sync();
  const std::uint32_t before = e.count;
  const mask earlier = e.mask & static_cast<mask>(warp.lanes_below());
  if (takes_part && earlier == 0) {
    e.count += static_cast<std::uint32_t>(Block::popcount(e.mask));
    e.mask = 0;
    table[d] = e;
  }
  warp.sync();
  return before + static_cast<std::uint32_t>(Block::popcount(earlier));
}

/// Ranks this warp's rows; the lower half of rank[i] becomes the number of keys of the warp before (row i, this lane)
/// with the same digit, the upper half the digit (one register for both); the counts of `table` become the number of
/// keys a digit. The table must be zero. `Arrival` allows, where `any_order` says so, any order among the equal digits
/// of a row: three times faster.
template <int Rows, bool Arrival, class Block, class DigitOf>
WEFT_DEVICE void rank_rows(Block block, rank_entry<Block::width>* table, const DigitOf& digit_of, bool any_order,
                           std::uint32_t* rank) {
  constexpr int group = 8;  // rows between two looks at how even the digits are
  auto warp = block.warp();
#pragma unroll
  for (int first = 0; first < Rows; first += group) {
    auto rows = [&](auto rank_of) {
#pragma unroll
      for (int i = first; i < first + group && i < Rows; ++i) {
        const std::uint32_t d = digit_of(i);
        rank[i] = rank_of(d) + (d << 16);
      }
    };
    // With 64 lanes the masks of so many rows would fill the scalar registers.
    const std::uint32_t common = Block::width == 64 ? no_digit : crowding_digit(block, digit_of(first));
    if (common != no_digit) {
      std::uint32_t count = table[common].count;
      rows([&](std::uint32_t d) {
        const std::uint64_t same = warp.ballot(d == common);
        const int many = Block::popcount(same);
        std::uint32_t own = 0;
        if (many != static_cast<int>(Block::width)) own = rank_row(block, table, d, d != common);
        if (d == common) own = count + static_cast<std::uint32_t>(Block::popcount(same & warp.lanes_below()));
        count += static_cast<std::uint32_t>(many);
        return own;
      });
      warp.sync();  // all have read it
      if (warp.lane() == 0) table[common].count = count;
      warp.sync();
    } else if (Arrival && any_order) {
      rows([&](std::uint32_t d) { return block.shared_fetch_add(&table[d].count, 1u); });
    } else {
      rows([&](std::uint32_t d) { return rank_row(block, table, d, true); });
    }
    if constexpr (Arrival) warp.sync();
  }
}

/// The exclusive sum over the first `Digits` threads of `value`, in thread order. Uses `totals`, one word a warp, free
/// again after the next barrier; one barrier inside.
template <int Digits = radix_digits, class T, class Block>
WEFT_DEVICE T sum_before(Block block, T value, T* totals) {
  auto warp = block.warp();
  T inclusive = value;
#pragma unroll
  for (unsigned d = 1; d < Block::width; d *= 2) {
    const T other = warp.shuffle_up(inclusive, d);
    if (warp.lane() >= d) inclusive += other;
  }
  if (warp.lane() == Block::width - 1) totals[warp.index()] = inclusive;
  block.sync();
  T before = 0;
  for (unsigned w = 0; w < Digits / Block::width; ++w)
    if (w < warp.index()) before += totals[w];
  return before + inclusive - value;
}

/// Stable ranks of a whole tile, keys in warp-striped order (key i of a thread is row i of its warp). On return pos[i]
/// is key i's place in the tile; thread d < Digits has the number of keys with digit d and of keys with lesser digits.
/// `seen` is called by thread d with the number as soon as it is known. After the next barrier the tables may be
/// reused. Only the first `used` warps have keys worth ranking (all of
/// them unless `Partial`); the others' stay where they are.
template <int Threads, int Items, bool Arrival, bool Partial, int Digits = radix_digits, class Block, class DigitOf,
          class Seen>
WEFT_DEVICE std::uint32_t rank_tile(Block block, rank_tables<Threads, Digits>& tables, std::uint32_t* totals,
                                    const DigitOf& digit_of, bool any_order, unsigned used, std::uint32_t* pos,
                                    const Seen& seen) {
  static_assert(Threads >= Digits && Threads * Items <= 1 << 16, "a thread for each digit, half a word for a rank");
  const unsigned t = block.thread(), w = block.warp().index();
  auto* mine = tables.template of_warp<Block>(w);

  const bool ranks = !Partial || w < used;
  if (ranks) {
    vec<16> zero{};
    auto* to = reinterpret_cast<unsigned char*>(mine);
    constexpr int bytes = Digits * static_cast<int>(sizeof(*mine));
#pragma unroll
    for (int b = 0; b < bytes; b += 16 * static_cast<int>(Block::width))
      Block::template store_vector<16>(to + b + 16 * block.warp().lane(), zero);
    block.warp().sync();
    rank_rows<Items, Arrival>(block, mine, digit_of, any_order, pos);
  }
  block.sync();

  std::uint32_t count = 0;
  if (t < Digits) {
#pragma unroll 8
    for (unsigned v = 0; v < used; ++v) count += tables.template of_warp<Block>(v)[t].count;
    seen(count);
  }
  const std::uint32_t lesser = sum_before<Digits>(block, count, totals);
  if (t < Digits) {
    std::uint32_t next = lesser;
#pragma unroll 8
    for (unsigned v = 0; v < used; ++v) {
      auto& e = tables.template of_warp<Block>(v)[t];
      const std::uint32_t c = e.count;
      e.count = next;
      next += c;
    }
  }
  block.sync();
#pragma unroll
  for (int i = 0; i < Items; ++i)
    pos[i] = ranks ? (pos[i] & 0xffffu) + mine[pos[i] >> 16].count
                   : (w * Items + static_cast<unsigned>(i)) * Block::width + block.warp().lane();
  return lesser;
}

// Decoupled look-back, a chain for each digit: a word a tile, its state in the upper 2 bits, a count below.
inline constexpr std::uint32_t own_count = 1u << 30, whole_count = 2u << 30, count_mask = own_count - 1;

/// How many keys of a digit the tiles of the chain before this one hold: `word` is this tile's, the one of the tile
/// before lies `stride` before it, and so on, `earlier` of them. Makes known the sum with this tile's own. Reads
/// several predecessors at a time: each read is a trip to the second-level cache.
template <class Block>
WEFT_DEVICE std::uint32_t look_back(Block block, std::uint32_t* word, offset stride, std::uint32_t earlier,
                                    std::uint32_t count) {
  constexpr int window = 4;
  if (earlier == 0) return 0;  // already made known as the whole
  std::uint32_t before = 0, done = 0;
  unsigned spin = 0;
  while (done < earlier) {
    std::uint32_t seen[window];
#pragma unroll
    for (int j = 0; j < window; ++j)
      seen[j] = earlier - done > static_cast<std::uint32_t>(j) ? block.load_relaxed(word - (done + 1 + j) * stride) : 0;
    bool open = true;
#pragma unroll
    for (int j = 0; j < window; ++j) {
      open = open && seen[j] != 0;
      if (open) {
        before += seen[j] & count_mask;
        ++done;
        if (seen[j] & whole_count) done = earlier, open = false;
      }
    }
    if (!open && done < earlier) block.backoff(spin++);
  }
  block.store_relaxed(word, whole_count | (before + count));
  return before;
}

}  // namespace weft::gpu
