// Radix sort of many tiles: stable, least significant digit first, 8 bits a pass, each pass one read and one write
// ("onesweep", Adinolfi and Merrill 2022), and all of it in one launch:
//
//   blocks draw tickets; the first ones count the digits of all passes at one go (and look whether the keys are sorted
//   already); whoever finishes last plans the passes, leaving out digits that all keys share; the other tickets are
//   tiles, pass after pass. A tile ranks its keys in shared memory, learns by decoupled look-back how many keys of each
//   digit lie before it, and writes runs. A ticket waits only for lower ones, so nothing depends on how many blocks run
//   at once. Nothing is cleared between passes by a launch of its own: each pass clears the look-back words of the
//   next.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/bucket_plan.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/radix_key.hpp>
#include <weft/gpu/radix_rank.hpp>
#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// The passes that are worth making, found out on the device.
struct radix_plan {
  int passes;    // the last one ends in the buffer of parity passes % 2
  int digit[8];  // which digit each pass sorts by

  /// After an odd number of passes, the keys are copied back.
  WEFT_DEVICE int phases() const { return passes + passes % 2; }
};

/// Words of the control block, zero before and after a call; the digit counts follow as 64-bit words.
enum radix_word : int {
  word_ticket,
  word_exits,
  word_counted,
  word_ready,
  word_unsorted,
  word_portion,
  word_done = 8,
  word_counts = 32
};

template <class Shape, class Bits, class Value>
struct radix_sort_kernel {
  static constexpr bool has_values = !is_none<Value>;
  static constexpr int digits = sizeof(Bits);
  static constexpr int control_words = word_counts + digits * radix_digits * 2;
  using value_type = std::conditional_t<has_values, Value, char>;

  template <arch A>
  static constexpr int block_threads = Shape::template tuning<A>().block_threads;
  template <arch A>
  static constexpr int block_residency = Shape::template tuning<A>().residency;
  template <arch A>
  static constexpr int thread_items = Shape::template tuning<A>().thread_items;
  template <arch A>
  static constexpr int tile_items = block_threads<A>* thread_items<A>;
  /// Of small tiles the next ticket is drawn when the block waits for nobody any more, and comes while keys are
  /// written. Large tiles would wait longer for those before them.
  template <arch A>
  static constexpr bool draws_early = thread_items<A> <= 8;
  /// Counters a digit and bin, used by lanes in turn: fewer collisions. Within the bytes the tuning gives.
  template <arch A>
  static constexpr int count_copies = [] {
    int copies = 1;
    while (copies < 32 && digits * radix_digits * 8 * copies <= Shape::template tuning<A>().count_bytes) copies *= 2;
    return copies;
  }();

  template <arch A>
  struct shared {
    union {
      rank_tables<block_threads<A>> tables;
      Bits keys[tile_items<A>];
      value_type values[has_values ? tile_items<A> : 1];
      std::uint32_t counts[digits * radix_digits * count_copies<A>];
    };
    offset place[radix_digits];  // where the tile's keys of a digit go, less where they lie in the tile
    std::uint64_t wide_totals[32];
    std::uint32_t totals[32];
    radix_plan plan;
    int phase;  // the task of the block, and its thread 0's accounts
    std::uint32_t ticket, tile, finished;
    bool planned, last;
    bool constant[digits];  // digits that all keys share
  };

  Bits* keys;  // [n], and where the result ends up
  Bits* other_keys;
  value_type* values;
  value_type* other_values;
  offset n;
  key_order<Bits> order;
  std::uint32_t* words;  // [2][tiles][256]: state in the upper 2 bits, a count below; passes take turns
  std::uint32_t* control;
  radix_plan* plan;
  offset* base;  // [digits][portions][256]: keys before the portion's first of each digit
  std::uint32_t tiles, chunks, portions, portion_tiles;
  offset chunk_items;
  bool wide;
  const bucket_plan* unless;  // not null: another sort's plan, which may leave nothing to do

  WEFT_DEVICE static std::uint32_t digit_of(Bits k, int shift) {
    return static_cast<std::uint32_t>(k >> shift) & (radix_digits - 1);
  }
  WEFT_DEVICE std::uint64_t* counts() const { return reinterpret_cast<std::uint64_t*>(control + word_counts); }
  WEFT_DEVICE std::uint32_t* row(int parity, std::uint32_t tile) const {
    return words + (static_cast<offset>(parity) * tiles + tile) * radix_digits;
  }

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if (unless != nullptr && unless->mode != bucket_mode::digits) return;
    const bool first = block.thread() == 0;
    if (first) s.phase = counting, s.finished = 0, s.planned = false;
    auto draw = [&] {
      if (block.thread() == 0) s.ticket = block.fetch_add(&control[word_ticket], 1u);
    };
    constexpr bool early = draws_early<Block::arch>;
    if (early) draw();
    for (;;) {
      if (first) next_task(block, s);
      block.sync();
      const int phase = s.phase;
      if (phase == counting) {
        count_chunk(block, s, s.tile);
        if (early) draw();
      } else if (phase < s.plan.passes) {
        scatter_tile(block, s, phase, s.tile, [&] {
          if (early) draw();
        });
      } else if (phase < s.plan.phases()) {
        if (early) draw();
        copy_tile(block, s.tile);
      } else {
        break;
      }
      block.sync();
    }
    leave(block, s);
  }

  static constexpr int counting = -1;  // the phase before the passes

  /// The counter of a phase. The index is opaque, or control + word_done is one more scalar kept all through the
  /// kernel.
  template <class Block>
  WEFT_DEVICE std::uint32_t* tiles_done(Block block, int phase) const {
    return control + block.opaque(static_cast<std::uint32_t>(word_done + phase));
  }

  /// By one thread: waits until the task of a ticket may be done. Its tiles of a phase are signed off all at once, when
  /// it has a ticket of another phase: it has not waited for anything since it finished them.
  template <class Block>
  WEFT_DEVICE void next_task(Block block, shared<Block::arch>& s) const {
    if (s.phase != counting) ++s.finished;
    const std::uint32_t ticket = draws_early<Block::arch> ? s.ticket : block.fetch_add(&control[word_ticket], 1u);
    s.tile = ticket;
    if (ticket < chunks) return;
    if (!s.planned) {
      for (unsigned spin = 0; !block.load_acquire(&control[word_ready]); ++spin) block.backoff(spin);
      s.plan = *plan;
      s.planned = true;
    }
    const int phase = static_cast<int>((ticket - chunks) / tiles);
    s.tile = (ticket - chunks) % tiles;
    if (phase == s.phase) return;
    if (s.finished > 0) block.fetch_add_acq_rel(tiles_done(block, s.phase), s.finished);
    if (phase > 0 && phase < s.plan.phases())
      for (unsigned spin = 0; block.load_acquire(tiles_done(block, phase - 1)) != tiles; ++spin) block.backoff(spin);
    s.phase = phase;
    s.finished = 0;
  }

  // Counting ----------------------------------------------------------------------------------------------------------

  template <class Block>
  WEFT_DEVICE void count_chunk(Block block, shared<Block::arch>& s, std::uint32_t chunk) const {
    constexpr int threads = block_threads<Block::arch>, run = 16 / sizeof(Bits), runs = 2;
    constexpr int copies = count_copies<Block::arch>;
    const int t = static_cast<int>(block.thread());
    for (int i = t; i < digits * radix_digits * copies; i += threads) s.counts[i] = 0;
    block.sync();
    std::uint32_t* const mine = s.counts + t % copies;

    const offset begin = chunk * chunk_items, end = n - begin < chunk_items ? n : begin + chunk_items;
    bool look = true, unsorted = false;
    for (offset at = begin; at < end; at += threads * run * runs) {
      bool disorder = false;
#pragma unroll
      for (int r = 0; r < runs; ++r) {
        const offset i = at + (r * threads + t) * run;
        Bits k[run + 1];
        if (i + run <= end) {
          load_run<run, Block>(keys, i, wide, k);
          if (look && i + run < n) k[run] = keys[i + run];
        } else {
          for (int j = 0; j <= run; ++j)
            if (i + j < n) k[j] = keys[i + j];
        }
#pragma unroll
        for (int j = 0; j < run; ++j) {
          k[j] = order.digits(order.encode(k[j]));
          if (i + j < end)
#pragma unroll
            for (int d = 0; d < digits; ++d)
              block.shared_add(&mine[(d * radix_digits + digit_of(k[j], 8 * d)) * copies], 1u);
        }
        if (look) {
          k[run] = order.digits(order.encode(k[run]));
#pragma unroll
          for (int j = 0; j < run; ++j) disorder |= i + j < end && i + j + 1 < n && k[j + 1] < k[j];
        }
      }
      if (look && block.warp().any(disorder)) look = false, unsorted = true;
    }
    if (unsorted && block.warp().lane() == 0) block.fetch_or(&control[word_unsorted], 1u);
    block.sync();
    for (int i = t; i < digits * radix_digits; i += threads) {
      std::uint32_t sum = 0;
#pragma unroll 4
      for (int c = 0; c < copies; ++c) sum += s.counts[i * copies + (c + t) % copies];  // neighbours in different banks
      if (sum) block.fetch_add(&counts()[i], sum);
    }

    // The look-back words of the first pass, shared out among the chunks.
    const std::uint32_t from = static_cast<std::uint32_t>(static_cast<std::uint64_t>(tiles) * chunk / chunks);
    const std::uint32_t to = static_cast<std::uint32_t>(static_cast<std::uint64_t>(tiles) * (chunk + 1) / chunks);
    for (std::uint32_t* w = row(0, from) + t; w < row(0, to); w += threads) *w = 0;

    block.sync();
    if (t == 0) s.last = block.fetch_add_acq_rel(&control[word_counted], 1u) == chunks - 1;
    block.sync();
    if (s.last) make_plan(block, s);
  }

  template <class Block>
  WEFT_DEVICE void make_plan(Block block, shared<Block::arch>& s) const {
    const unsigned t = block.thread();
    if (t == 0) s.plan.passes = 0;
    const bool unsorted = block.load_relaxed(&control[word_unsorted]) != 0;
#pragma unroll 1
    for (int d = 0; d < digits; ++d) {
      const std::uint64_t mine = t < radix_digits ? block.load_relaxed(&counts()[d * radix_digits + t]) : 0;
      const bool constant = block.sync_or(mine == static_cast<std::uint64_t>(n));
      const std::uint64_t before = sum_before(block, mine, s.wide_totals);
      if (t < radix_digits) base[static_cast<offset>(d) * portions * radix_digits + t] = static_cast<offset>(before);
      if (t == 0 && unsorted && !constant) s.plan.digit[s.plan.passes++] = d;
    }
    if (t == 0) *plan = s.plan;
    block.sync();
    if (t == 0) block.store_release(&control[word_ready], 1u);
    block.sync();
  }

  // A pass ------------------------------------------------------------------------------------------------------------

  /// `draw` is called by all threads when the tile waits for nobody any more.
  template <class Block, class Draw>
  WEFT_DEVICE void scatter_tile(Block block, shared<Block::arch>& s, int pass, std::uint32_t tile,
                                const Draw& draw) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>, size = threads * items;
    constexpr int W = Block::width;
    const int t = static_cast<int>(block.thread());
    const int mine = static_cast<int>(block.warp().index()) * (items * W) + static_cast<int>(block.warp().lane());
    const int shift = s.plan.digit[pass] * radix_bits;
    const bool odd = pass % 2 != 0;
    const offset start = static_cast<offset>(tile) * size;
    const int held = n - start < size ? static_cast<int>(n - start) : size;

    Bits k[items];
    load_keys<items, W>((odd ? other_keys : keys) + start + mine, held - mine, held == size, pass == 0, k);
    if (t < radix_digits) row(1 - pass % 2, tile)[t] = 0;  // for the next pass; the pass before is done with it

    // Rank; each digit's count is made known as soon as it is there.
    const std::uint32_t portion_first = tile / portion_tiles * portion_tiles;
    // Opaque: the comparison would be made once, and kept all through the kernel.
    const int missing = block.opaque(block.thread()) == radix_digits - 1 ? size - held : 0;
    std::uint32_t count = 0, pos[items];
    // No pass before, and equal means same bits. One comparison: of its parts some would be kept all through the
    // kernel.
    const bool any_order = (static_cast<Bits>(pass != 0 || held != size) | order.bump) == 0;
    const std::uint32_t lesser = rank_tile<threads, items, !has_values, false>(
        block, s.tables, s.totals, [&](int i) { return digit_of(order.digits(k[i]), shift); }, any_order, threads / W,
        pos,
        [&](std::uint32_t c) {
          count = c - missing;
          block.store_relaxed(&row(pass % 2, tile)[t], (tile == portion_first ? whole_count : own_count) | count);
        });
    block.sync();

    // Into shared memory in the order of digits; meanwhile, where each digit's run goes.
#pragma unroll
    for (int i = 0; i < items; ++i) s.keys[pos[i]] = k[i];
    find_places(block, s, pass, tile, count, lesser);
    draw();

    // Out, in runs of equal digits.
    if constexpr (has_values) {
      value_type v[items];
      const value_type* from = (odd ? other_values : values) + start + mine;
#pragma unroll
      for (int i = 0; i < items; ++i) v[i] = mine + i * W < held ? from[i * W] : value_type{};
      std::uint32_t digit[(items + 3) / 4] = {};
      write_keys(block, s, pass, held, [&](int i, std::uint32_t d) { digit[i / 4] |= d << i % 4 * 8; });
      block.sync();
#pragma unroll
      for (int i = 0; i < items; ++i) s.values[pos[i]] = v[i];
      block.sync();
      value_type* to = odd ? values : other_values;
#pragma unroll
      for (int i = 0; i < items; ++i) {
        const int at = i * threads + t;
        if (at < held) to[s.place[digit[i / 4] >> i % 4 * 8 & (radix_digits - 1)] + at] = s.values[at];
      }
    } else {
      write_keys(block, s, pass, held, [](int, std::uint32_t) {});
    }
  }

  /// Rows of keys from `from` on; the first `left` places from there exist. What is missing of the last tile becomes
  /// keys that end up behind all others.
  template <int Items, int W>
  WEFT_DEVICE void load_keys(const Bits* from, int left, bool whole, bool raw, Bits* k) const {
    if (whole) {
#pragma unroll
      for (int i = 0; i < Items; ++i) k[i] = from[i * W];
    } else {
#pragma unroll
      for (int i = 0; i < Items; ++i) k[i] = i * W < left ? from[i * W] : Bits{0};
    }
    if (raw) {
#pragma unroll
      for (int i = 0; i < Items; ++i) k[i] = order.encode(k[i]);
    }
    if (!whole) {
#pragma unroll
      for (int i = 0; i < Items; ++i)
        if (i * W >= left) k[i] = static_cast<Bits>(~Bits{0});
    }
  }

  /// s.place for all digits, valid on return; thread d knows the tile's keys of digit d and those of lesser digits.
  template <class Block>
  WEFT_DEVICE void find_places(Block block, shared<Block::arch>& s, int pass, std::uint32_t tile, std::uint32_t count,
                               std::uint32_t lesser) const {
    const unsigned t = block.thread();
    const std::uint32_t portion = tile / portion_tiles, first = portion * portion_tiles;
    const bool ends_portion = tile == first + portion_tiles - 1;
    if (portion > 0) wait_for_portion(block, pass, portion);
    if (t < radix_digits) {
      offset* start = base + (static_cast<offset>(s.plan.digit[pass]) * portions + portion) * radix_digits + t;
      const offset start_of_digit = *start;
      const std::uint32_t before = look_back(block, &row(pass % 2, tile)[t], radix_digits, tile - first, count);
      s.place[t] = start_of_digit + before - lesser;
      if (ends_portion && portion + 1 < portions) start[radix_digits] = start_of_digit + before + count;
    }
    block.sync();
    if (ends_portion && t == 0)
      block.store_release(&control[word_portion], static_cast<std::uint32_t>(pass) * portions + portion + 1);
  }

  /// The tile's keys from shared memory to their places; note(i, digit) for the i-th of this thread.
  template <class Block, class Note>
  WEFT_DEVICE void write_keys(Block block, shared<Block::arch>& s, int pass, int held, const Note& note) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>;
    const int t = static_cast<int>(block.thread()), shift = s.plan.digit[pass] * radix_bits;
    const bool last = pass == s.plan.passes - 1;
    Bits* to = pass % 2 != 0 ? keys : other_keys;
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const int at = i * threads + t;
      const Bits key = s.keys[at];
      const std::uint32_t d = digit_of(order.digits(key), shift);
      note(i, d);
      if (at < held) to[s.place[d] + at] = last ? order.decode(key) : key;
    }
  }

  template <class Block>
  WEFT_DEVICE void wait_for_portion(Block block, int pass, std::uint32_t portion) const {
    if (block.thread() == 0)
      for (unsigned spin = 0;
           block.load_acquire(&control[word_portion]) < static_cast<std::uint32_t>(pass) * portions + portion; ++spin)
        block.backoff(spin);
    block.sync();
  }

  /// After an odd number of passes: back to where the keys came from.
  template <class Block>
  WEFT_DEVICE void copy_tile(Block block, std::uint32_t tile) const {
    constexpr int threads = block_threads<Block::arch>, items = thread_items<Block::arch>;
    const offset start = static_cast<offset>(tile) * (threads * items) + block.thread(), left = n - start;
    // One address a thread and constants: constants added to the arrays would be scalars, kept all through the kernel.
    Bits* const to = keys + start;
    const Bits* const from = other_keys + start;
#pragma unroll
    for (int i = 0; i < items; ++i)
      if (i * threads < left) to[i * threads] = from[i * threads];
    if constexpr (has_values) {
      value_type* const values_to = values + start;
      const value_type* const values_from = other_values + start;
#pragma unroll
      for (int i = 0; i < items; ++i)
        if (i * threads < left) values_to[i * threads] = values_from[i * threads];
    }
  }

  /// The last block to leave puts the zeros back.
  template <class Block>
  WEFT_DEVICE void leave(Block block, shared<Block::arch>& s) const {
    block.sync();
    if (block.thread() == 0) s.last = block.fetch_add_acq_rel(&control[word_exits], 1u) == block.blocks() - 1;
    block.sync();
    if (s.last)
      for (int i = static_cast<int>(block.thread()); i < control_words; i += block_threads<Block::arch>) control[i] = 0;
  }
};

}  // namespace weft::gpu
