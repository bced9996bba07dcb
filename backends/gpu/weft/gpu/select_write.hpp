// Writing what has been compacted in shared memory as one consecutive range.
#pragma once

#include <weft/gpu/tile.hpp>

namespace weft::inline v100::gpu {

/// put(0) … put(count - 1) by `step` threads, of which this is number `thread`; get(i) four at a time before they are
/// put, for they take a while.
template <class T, class Get, class Put>
WEFT_DEVICE void move_all(int thread, int count, int step, const Get& get, const Put& put) {
  int i = thread;
  for (; i + 3 * step < count; i += 4 * step) {
    items<T, 4> v;
#pragma unroll
    for (int k = 0; k < 4; ++k) v[k] = get(i + k * step);
#pragma unroll
    for (int k = 0; k < 4; ++k) put(i + k * step, v[k]);
  }
  for (; i < count; i += step) put(i, get(i));
}

/// out[at + i] = from[first + i] for i < count, `from` being shared memory aligned to 4 bytes at least. By `step`
/// threads, of which this is number `thread`; they are lined up with the destination's memory.
template <class Block, class Out, class T>
WEFT_DEVICE void write_compacted(Block block, const Out& out, offset at, int count, const T* from, int first,
                                 int thread, int step) {
  if constexpr (std::is_same_v<Out, T*> && sizeof(T) < 4 && 4 % sizeof(T) == 0) {
    // Words of four bytes, put together from two words of shared memory; the edges element by element.
    constexpr int each = 4 / sizeof(T);
    const int skew = static_cast<int>(reinterpret_cast<std::uintptr_t>(out + at) % 4 / sizeof(T));
    const int ahead = skew == 0 ? 0 : each - skew < count ? each - skew : count;
    const int words = (count - ahead) / each, behind = ahead + words * each;
    if (thread < ahead) out[at + thread] = from[first + thread];
    if (behind + thread < count) out[at + behind + thread] = from[first + behind + thread];
    const int byte = (first + ahead) * static_cast<int>(sizeof(T)), shift = byte % 4 * 8, next = shift > 0 ? 1 : 0;
    const auto* source = reinterpret_cast<const std::uint32_t*>(from) + byte / 4;
    T* const to = out + at + ahead;
    move_all<std::uint32_t>(
        thread, words, step,
        [&](int i) { return static_cast<std::uint32_t>((std::uint64_t{source[i + next]} << 32 | source[i]) >> shift); },
        [&](int i, std::uint32_t word) { block.template store_vector<4>(to + i * each, vec<4>{{word}}); });
  } else {
    int begin = thread;
    if constexpr (std::is_pointer_v<Out>) {
      begin -= static_cast<int>(reinterpret_cast<std::uintptr_t>(out + at) / sizeof(*out) % 32);
      if (begin < 0) begin += step;
    }
    move_all<T>(
        begin, count, step, [&](int i) { return from[first + i]; }, [&](int i, const T& v) { out[at + i] = v; });
  }
}
template <class Block, class Out, class T>
WEFT_DEVICE void write_compacted(Block block, const Out& out, offset at, int count, const T* from, int first) {
  write_compacted(block, out, at, count, from, first, static_cast<int>(block.thread()),
                  static_cast<int>(block.threads()));
}

}  // namespace weft::gpu
