// Radix sort of some ten thousand keys by one cluster of blocks (Hopper): keys and values stay in registers and shared
// memory from the first pass to the last, so there is one launch, and no trip to global memory between two passes.
//
// Each block holds consecutive keys. In a pass it ranks them by a digit, tells all blocks how many it has of each, and
// once it knows all counts, sends every key to the block and place where it belongs, those of a digit one after the
// other. Counts and keys travel as stores counted by a barrier of the block that receives them, so blocks wait for what
// they need and never for each other: nobody sends keys to a block before it has sent its counts of the pass, hence has
// taken the keys of the pass before; and a block ends when all counts of the last pass, the last it is sent, are there.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/radix_key.hpp>
#include <weft/gpu/radix_rank.hpp>

#include <cstring>

namespace weft::inline v100::gpu {

/// A key and its value, if any, as they lie in shared memory and travel: 4, 8 or 16 bytes.
template <class Bits, class Value>
struct key_packet {
  static constexpr bool has_values = !is_none<Value>;
  using value_type = std::conditional_t<has_values, Value, char>;
  static constexpr int value_at = sizeof(value_type) <= sizeof(Bits) ? sizeof(Bits) : sizeof(value_type) <= 4 ? 4 : 8;
  static constexpr int filled = has_values ? value_at + sizeof(value_type) : sizeof(Bits);
  static constexpr int bytes = filled <= 4 ? 4 : filled <= 8 ? 8 : 16;

  alignas(bytes) std::uint32_t word[bytes / 4];

  WEFT_DEVICE void set_key(Bits key) {
#pragma unroll
    for (int i = 0; i < bytes / 4; ++i) word[i] = 0;
    std::memcpy(word, &key, sizeof key);
  }
  WEFT_DEVICE void set_value(const value_type& v) {
    std::memcpy(reinterpret_cast<unsigned char*>(word) + value_at, &v, sizeof v);
  }
  WEFT_DEVICE Bits key() const {
    Bits k;
    std::memcpy(&k, word, sizeof k);
    return k;
  }
  WEFT_DEVICE value_type value() const {
    union {
      value_type v;
      unsigned char none;
    } u{.none = 0};
    std::memcpy(&u.v, reinterpret_cast<const unsigned char*>(word) + value_at, sizeof u.v);
    return u.v;
  }
};

template <class Shape, class Bits, class Value>
struct radix_cluster_kernel {
  static constexpr bool has_values = !is_none<Value>;
  static constexpr int digits = sizeof(Bits);
  using packet = key_packet<Bits, Value>;
  using value_type = typename packet::value_type;

  template <arch A>
  static constexpr int cluster_blocks = 16;
  template <arch A>
  static constexpr int block_threads = Shape::template tuning<A>().block_threads;
  template <arch A>
  static constexpr int thread_items = Shape::template tuning<A>().thread_items;
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  template <arch A>
  static constexpr int capacity = cluster_blocks<A>* tile_items<A>;
  /// Whole rows of a warp, so that all blocks but the last have no rows to fill up.
  template <arch A>
  static constexpr int step = 64 * thread_items<A>;

  template <arch A>
  struct shared {
    union {
      rank_tables<block_threads<A>> tables;
      packet sorted[tile_items<A>];  // by the digit
    };
    packet came[tile_items<A>];                                            // for the next pass
    alignas(16) std::uint16_t counts[2][cluster_blocks<A>][radix_digits];  // of each block; passes take turns
    std::uint32_t place[radix_digits];  // where the tile's keys of a digit go, less where they lie in the tile
    std::uint32_t totals[32];
    std::uint64_t counted[2], arrived;
  };

  Bits* keys;
  value_type* values;
  std::uint32_t n, chunk, inverse;  // keys of a block, and 2^32 over them, rounded up
  key_order<Bits> order;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_clusters) sort(block, s);
  }

 private:
  template <class Block>
  WEFT_DEVICE void sort(Block block, shared<Block::arch>& s) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>, size = threads * items;
    static_assert(size < 1 << 16, "a count is 16 bits");
    constexpr int W = Block::width, all = cluster_blocks<Block::arch>;
    const int t = static_cast<int>(block.thread());
    const int mine = static_cast<int>(block.warp().index()) * (items * W) + static_cast<int>(block.warp().lane());
    const auto rank = static_cast<int>(block.cluster_rank());
    if (t == 0) {
      block.barrier_init(&s.counted[0], 1);
      block.barrier_init(&s.counted[1], 1);
      block.barrier_init(&s.arrived, 1);
    }
    block.cluster_arrive();

    const std::uint32_t start = static_cast<std::uint32_t>(rank) * chunk;
    const int held = start >= n ? 0 : static_cast<int>(n - start < chunk ? n - start : chunk);
    const unsigned used = static_cast<unsigned>((held + items * W - 1) / (items * W));  // warps with keys
    // What there is not, of the last warp with keys, are keys behind all others, and not counted.
    const int missing = t == radix_digits - 1 ? static_cast<int>(used) * (items * W) - held : 0;
    packet k[items];
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const bool there = mine + i * W < held;
      k[i].set_key(there ? order.encode(keys[start + mine + i * W]) : static_cast<Bits>(~Bits{0}));
      if constexpr (has_values)
        if (there) k[i].set_value(values[start + mine + i * W]);
    }
    block.cluster_wait();  // all barriers are there

    unsigned moves = 0;
#pragma unroll 1
    for (int pass = 0; pass < digits; ++pass) {
      const int shift = pass * radix_bits, turn = pass % 2;
      const bool last = pass == digits - 1;
      auto digit_of = [&](const packet& p) {
        return static_cast<std::uint32_t>(order.digits(p.key()) >> shift) & (radix_digits - 1);
      };
      // No pass before, and equal means same bits.
      const bool any_order = (static_cast<Bits>(pass != 0 || held % (items * W) != 0) | order.bump) == 0;
      std::uint32_t pos[items];
      const std::uint32_t lesser = rank_tile<threads, items, !has_values, true>(
          block, s.tables, s.totals, [&](int i) { return digit_of(k[i]); }, any_order, used, pos,
          [&](std::uint32_t count) {
            tell(block, s.counts[turn][rank], count - static_cast<std::uint32_t>(missing), &s.counted[turn]);
          });
      if (t == 0) block.barrier_expect(&s.counted[turn], sizeof(s.counts[0]));
      block.sync();
#pragma unroll
      for (int i = 0; i < items; ++i)
        if (block.warp().index() < used) s.sorted[pos[i]] = k[i];

      // Where each digit's keys go.
      std::uint32_t before = 0, total = 0;
      if (t < radix_digits) {
        block.barrier_wait(&s.counted[turn], static_cast<unsigned>(pass / 2));
#pragma unroll
        for (int from = 0; from < all; ++from) {
          const std::uint32_t count = s.counts[turn][from][t];
          if (from < rank) before += count;
          total += count;
        }
      }
      const std::uint32_t start_of_digit = sum_before(block, total, s.totals);
      if (t < radix_digits) s.place[t] = start_of_digit + before - lesser;
      const bool constant = block.sync_or(total == n);
      if (constant && !last) continue;
#pragma unroll
      for (int i = 0; i < items; ++i) {
        const int at = i * threads + t;
        if (at < held) {
          const packet p = s.sorted[at];
          const std::uint32_t to = s.place[digit_of(p)] + static_cast<std::uint32_t>(at);
          if (last) {
            keys[to] = order.decode(p.key());
            if constexpr (has_values) values[to] = p.value();
          } else {
            const auto there = static_cast<std::uint32_t>(static_cast<std::uint64_t>(to) * inverse >> 32);
            block.store_across(&s.came[to - there * chunk], there, p, &s.arrived);
          }
        }
      }
      if (last) break;

      if (t == 0) block.barrier_expect(&s.arrived, static_cast<unsigned>(held * packet::bytes));
      block.barrier_wait(&s.arrived, moves++);
#pragma unroll
      for (int i = 0; i < items; ++i)
        if (mine + i * W < held) k[i] = s.came[mine + i * W];
      block.sync();  // nobody reads `sorted` any more
    }
  }

  /// By the first threads, one a digit: puts the block's row of counts into all blocks, eight counts a store.
  template <class Block>
  WEFT_DEVICE void tell(Block block, std::uint16_t* row, std::uint32_t count, std::uint64_t* barrier) const {
    constexpr unsigned pieces = Block::width / 8, step = Block::width / pieces;
    const auto warp = block.warp();
    const unsigned piece = warp.lane() % pieces;
    vec<16> eight;
#pragma unroll
    for (unsigned j = 0; j < 4; ++j) {
      const std::uint32_t low = warp.shuffle(count, piece * 8 + j * 2),
                          high = warp.shuffle(count, piece * 8 + j * 2 + 1);
      eight.word[j] = low | high << 16;
    }
#pragma unroll
    for (unsigned to = 0; to < cluster_blocks<Block::arch>; to += step)
      block.store_across(reinterpret_cast<vec<16>*>(row + (warp.index() * pieces + piece) * 8),
                         to + warp.lane() / pieces, eight, barrier);
  }
};

}  // namespace weft::gpu
