// What reductions by key know of consecutive elements (run_state in weft/fixed_order.hpp): how it is put together over
// lanes and tiles.
#pragma once

#include <weft/fixed_order.hpp>
#include <weft/gpu/lookback.hpp>

namespace weft::inline v100::gpu {

template <class V>
struct payload<run_state<V>> {
  static constexpr int words = 1 + payload<V>::words;
  static WEFT_DEVICE void pack(const run_state<V>& s, std::uint64_t* word) {
    payload<tile_count>::pack({s.heads}, word);
    payload<V>::pack(s.value, word + 1);
  }
  static WEFT_DEVICE run_state<V> unpack(const std::uint64_t* word) {
    return {payload<tile_count>::unpack(word).value, payload<V>::unpack(word + 1)};
  }
};
// Warp words take 64 bytes at most: the state of a large value goes in two parts.
template <class Block, class V>
WEFT_DEVICE run_state<V> lanes_down(Block block, const run_state<V>& s, unsigned d) {
  return {block.warp().shuffle_down(s.heads, d), block.warp().shuffle_down(s.value, d)};
}
template <class Block, class V>
WEFT_DEVICE run_state<V> of_lane(Block block, const run_state<V>& s, unsigned lane) {
  return {block.warp().shuffle(s.heads, lane), block.warp().shuffle(s.value, lane)};
}

/// Segmented inclusive scan over the lanes: a lane with `head` begins a segment, and its v counts from there.
template <class Block, class V, class Op>
WEFT_DEVICE V warp_segmented(Block block, V v, std::uint64_t heads, const Op& op, bool valid = true) {
  const auto warp = block.warp();
  const int lane = static_cast<int>(warp.lane());
  const std::uint64_t upto = heads & (warp.lanes_below() * 2 + 1);
  const int begin = upto ? block.highest_bit(upto) : 0;
#pragma unroll
  for (int d = 1; d < static_cast<int>(Block::width); d *= 2) {
    const V left = warp.shuffle_up(v, static_cast<unsigned>(d));
    if (valid && lane - d >= begin) v = static_cast<V>(op(left, v));
  }
  return v;
}

}  // namespace weft::gpu
