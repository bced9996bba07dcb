// Decoupled look-back (Merrill and Garland, 2016): every tile publishes its aggregate, then its inclusive prefix, and
// finds its own prefix by reading the states of the tiles before it, a warp's width at a time.
//
// A state is one or more 64-bit words, each {tag : 16, payload : 48}, and each complete in itself: the tag holds the
// number of the call (15 bits) and whether the payload belongs to a prefix or an aggregate. So no fence is needed, a
// value of any size is whole when all of its words carry the same tag, and words of earlier calls read as "not there
// yet": nothing is cleared between calls. The words live in memory kept for each thread and stream (gpu/state.hpp),
// cleared once in 32,767 calls; a graph under capture gets words of its own and clears them at each replay.
//
// Tiles are numbered by tickets, drawn from a counter that is never reset (the host knows how many were drawn before):
// whoever waits for a tile knows that its block is running.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/block.hpp>
#include <weft/gpu/state.hpp>

#include <cstring>

namespace weft::inline v100::gpu {

/// How a value is cut into payloads of at most 48 bits. Specialise for types that pack better than their bytes.
template <class T>
struct payload {
  static constexpr int words = sizeof(T) <= 6 ? 1 : (sizeof(T) + 3) / 4;

  static WEFT_DEVICE void pack(const T& value, std::uint64_t* word) {
    bits b;
    std::memcpy(b.half, &value, sizeof(T));
    if constexpr (words == 1) {
      word[0] = b.half[0];
      if constexpr (sizeof(T) > 4) word[0] |= static_cast<std::uint64_t>(b.half[1]) << 32;
    } else {
#pragma unroll
      for (int i = 0; i < words; ++i) word[i] = b.half[i];
    }
  }
  static WEFT_DEVICE T unpack(const std::uint64_t* word) {
    bits b;
    if constexpr (words == 1) {
      b.half[0] = static_cast<std::uint32_t>(word[0]);
      if constexpr (sizeof(T) > 4) b.half[1] = static_cast<std::uint32_t>(word[0] >> 32) & 0xffffu;
    } else {
#pragma unroll
      for (int i = 0; i < words; ++i) b.half[i] = static_cast<std::uint32_t>(word[i]);
    }
    return b.value;
  }

 private:
  static constexpr int halves = (sizeof(T) + 3) / 4;
  union bits {
    std::uint32_t half[halves];
    T value;
    WEFT_DEVICE bits() : half{} {}
  };
};

/// How many elements: never more than 2^48, so one word holds it. A type of its own, since a value of type offset that
/// is being scanned may need all of its bits.
struct tile_count {
  offset value;
  friend WEFT_DEVICE tile_count operator+(tile_count a, tile_count b) { return {a.value + b.value}; }
};
template <>
struct payload<tile_count> {
  static constexpr int words = 1;
  static WEFT_DEVICE void pack(tile_count count, std::uint64_t* word) {
    word[0] = static_cast<std::uint64_t>(count.value);
  }
  static WEFT_DEVICE tile_count unpack(const std::uint64_t* word) {
    return {static_cast<offset>(word[0] & ((std::uint64_t{1} << 48) - 1))};
  }
};

/// The kernel's view of the states of one call. Without words (one tile) there is nothing to draw or to publish.
struct lookback {
  std::uint64_t* states = nullptr;   // [tiles][words of the value]
  std::uint32_t* tickets = nullptr;  // the counter
  std::uint32_t first_ticket = 0;    // what it shows when this call starts
  std::uint32_t epoch = 0;           // 1 … 32767

  /// The next tile, by one thread.
  template <class Block>
  WEFT_DEVICE unsigned draw(Block block) const {
    return block.fetch_add(tickets, 1u) - first_ticket;
  }
  /// The next tile, for the whole block; `slot` is shared memory of the block. Passes one barrier.
  template <class Block>
  WEFT_DEVICE unsigned draw(Block block, std::uint32_t& slot) const {
    if (tickets == nullptr) return 0;
    if (block.thread() == 0) slot = block.fetch_add(tickets, 1u) - first_ticket;
    block.sync();
    return slot;
  }

  /// By one thread: the value of `tile` alone, or (is_prefix) of all tiles up to and including it.
  template <class Block, class T>
  WEFT_DEVICE void publish(Block block, unsigned tile, const T& value, bool is_prefix) const {
    if (states == nullptr) return;
    constexpr int words = payload<T>::words;
    std::uint64_t word[words];
    payload<T>::pack(value, word);
    const std::uint64_t tag = static_cast<std::uint64_t>(epoch * 2 + (is_prefix ? 1 : 0)) << 48;
    std::uint64_t* state = states + static_cast<offset>(tile) * words;
#pragma unroll
    for (int i = 0; i < words; ++i) block.store_relaxed(state + i, tag | word[i]);
  }

  /// By one whole warp: the fold of all tiles before `tile` (which is not 0), in order; valid in every lane. Waits for
  /// tiles that have not published yet.
  template <class T, class Block, class Op>
  WEFT_DEVICE T prefix(Block block, unsigned tile, const Op& op) const {
    constexpr int words = payload<T>::words;
    const auto warp = block.warp();
    const offset lane = warp.lane();
    std::uint64_t word[words] = {};
    T result = payload<T>::unpack(word);  // a value only to have one
    for (offset newest = static_cast<offset>(tile) - 1;; newest -= Block::width) {
      // Read a state a lane, until those down to the newest prefix are there. Lanes beyond tile 0 are never reached.
      const offset mine = newest - lane;
      const std::uint64_t* state = states + (mine < 0 ? 0 : mine) * words;
      std::uint64_t prefixes;
      unsigned last;
      for (unsigned tries = 0;; ++tries) {
        unsigned kind = 0;
#pragma unroll
        for (int i = 0; i < words; ++i) word[i] = block.load_relaxed(state + i);
        kind = static_cast<unsigned>(word[0] >> 48) - epoch * 2;  // 0: aggregate, 1: prefix, else: not this call's
#pragma unroll
        for (int i = 1; i < words; ++i)
          if ((word[i] ^ word[0]) >> 48) kind = 2;
        prefixes = warp.ballot(kind == 1 && mine >= 0);
        last = prefixes ? static_cast<unsigned>(block.lowest_bit(prefixes)) : Block::width - 1;
        if (warp.all(kind < 2 || lane > last)) break;
        block.backoff(tries);
      }

      // Fold the window and put it before what was found nearer.
      const T window = of_lane(block, warp_fold_back(block, payload<T>::unpack(word), last, op), 0);
      result = newest == static_cast<offset>(tile) - 1 ? window : static_cast<T>(op(window, result));
      if (prefixes) return result;
    }
  }
};

/// Prefixes for a block that takes many tiles in rising order: one warp folds the aggregates of all tiles itself, so
/// nobody waits for a prefix that somebody else must find first. The order of operations is always the same: units of
/// 64 tiles fold in a tree of neighbours, and the units from the left.
template <class T>
struct lookahead {
  static constexpr int words = payload<T>::words, unit = 64;
  static constexpr int batch = words <= 2 ? 4 : words <= 4 ? 2 : 1;  // units that are read at a time

  items<T, 1> value;  // the fold of the tiles before `next`, where there is one
  bool any = false;   // is there?
  offset next = 0;    // a multiple of `unit`

  /// Starts with an initial value, or with none{}.
  template <class Init>
  explicit WEFT_DEVICE lookahead(const Init& init) {
    if constexpr (is_none<Init>) {
      const std::uint64_t zero[words] = {};
      value[0] = payload<T>::unpack(zero);  // a value only to have one
    } else {
      value[0] = init;
      any = true;
    }
  }
  /// By a whole warp: the fold of all tiles before `tile`; valid in every lane. Exists if `found` is set.
  template <class Block, class Op>
  WEFT_DEVICE T before(Block block, const lookback& states, unsigned tile, const Op& op, bool& found) {
    for (;;) {
      const offset left = tile - next;
      const int count = left < batch * unit ? static_cast<int>(left) : batch * unit;
      if (count == 0) break;
      items<T, batch> fold;
      fold_units(block, states, count, op, fold);
      const int whole = count / unit;
#pragma unroll
      for (int u = 0; u < batch; ++u)
        if (u < whole) {
          value[0] = any ? static_cast<T>(op(value[0], fold[u])) : fold[u];
          any = true;
        }
      next += whole * unit;
      if (whole == batch) continue;
      if (count % unit == 0) break;
      found = true;
      T last = fold[0];
#pragma unroll
      for (int u = 1; u < batch; ++u)
        if (u == whole) last = fold[u];
      return any ? static_cast<T>(op(value[0], last)) : last;
    }
    found = any;
    return value[0];
  }

 private:
  /// fold[u] = the fold of unit u of tiles [next, next + count), as far as they reach; count > 0.
  template <class Block, class Op>
  WEFT_DEVICE void fold_units(Block block, const lookback& states, int count, const Op& op,
                              items<T, batch>& fold) const {
    constexpr int width = Block::width, each = unit / width, rows = batch * each;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    const std::uint64_t* const from = states.states + (next + lane) * words;
    std::uint64_t word[rows][words] = {};
    // Only what is missing is read again: all blocks want the same few lines.
    for (unsigned tries = 0;; ++tries) {
      bool there = true;
#pragma unroll
      for (int r = 0; r < rows; ++r) {
        const bool have = r * width + lane >= count;
#pragma unroll
        for (int i = 0; i < words; ++i) {
          if (!have && word[r][i] >> 48 != states.epoch * 2)
            word[r][i] = block.load_relaxed(from + r * width * words + i);
        }
      }
#pragma unroll
      for (int r = 0; r < rows; ++r)
#pragma unroll
        for (int i = 0; i < words; ++i) there &= r * width + lane >= count || word[r][i] >> 48 == states.epoch * 2;
      if (warp.all(there)) break;
      block.backoff(tries);
    }
    // Neighbours fold at distances 1, 2, 4, … 32.
    items<T, rows> v;
#pragma unroll
    for (int r = 0; r < rows; ++r) v[r] = payload<T>::unpack(word[r]);
#pragma unroll
    for (int d = 1; d < width; d *= 2)
#pragma unroll
      for (int r = 0; r < rows; ++r) {
        const T right = warp.shuffle_down(v[r], d);
        if (r * width + lane + d < count) v[r] = static_cast<T>(op(v[r], right));
      }
#pragma unroll
    for (int u = 0; u < batch; ++u) {
      T sum = v[u * each];
      if (each == 2 && u * unit + width < count) sum = static_cast<T>(op(sum, v[u * each + each - 1]));
      fold[u] = warp.shuffle(sum, 0);
    }
  }
};

struct lookback_tag {};

/// The host's side: reserves the states of one call. Call `launched` with the number of tickets the kernel draws, once
/// it has been put into the stream.
class lookback_states {
 public:
  /// `tiles` states of `words` words each; none for a single tile.
  template <class P>
  lookback_states(const P& policy, offset tiles, int words) {
    if (tiles <= 1) return;
    constexpr offset header = 16;  // words before the states: the ticket counter has a cache line to itself
    const offset n = header + tiles * words;
    const auto bytes = static_cast<std::size_t>(n) * sizeof(std::uint64_t);
    runtime& owner = P::backend::runtime();
    const stream_ref stream = policy.stream();
    std::uint64_t* memory;
    if (takes_own_words(policy)) {
      own_.emplace(policy, n);
      memory = own_->data();
      owner.fill_bytes(memory, 0, bytes, stream);
      view_.epoch = 1;
    } else {
      slab_ = &slab_of<lookback_tag>(owner, stream);
      memory = static_cast<std::uint64_t*>(slab_->reserve(bytes, stream));
      if (slab_->epoch == 32767) slab_->clear(stream);
      view_.epoch = ++slab_->epoch;
      view_.first_ticket = slab_->ticket;
    }
    view_.tickets = reinterpret_cast<std::uint32_t*>(memory);
    view_.states = memory + header;
  }
  const lookback& view() const { return view_; }
  void launched(offset tickets) {
    if (slab_) slab_->ticket += static_cast<std::uint32_t>(tickets);
  }

 private:
  std::optional<temporary<std::uint64_t>> own_;
  state_slab* slab_ = nullptr;
  lookback view_;
};

}  // namespace weft::gpu
