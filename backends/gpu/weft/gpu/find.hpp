// The least index for which a predicate holds, in one launch. Warps take chunks in rising order, all blocks side by
// side, and stop as soon as a better index is known than any they could still find; so about as much is looked at as
// the answer needs, plus what was under way.
#pragma once

#include <weft/backend.hpp>
#include <weft/gpu/block.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/state.hpp>

namespace weft::inline v100::gpu {

template <class Out, class Predicate, class Selector>
struct find_kernel {
  template <arch A>
  static constexpr find_tuning tuning = choose<Selector>(dialect::find_rows, A, 0);
  template <arch A>
  static constexpr int block_threads = tuning<A>.block_threads;
  template <arch A>
  struct shared {};
  static constexpr std::uint64_t low = (std::uint64_t{1} << 48) - 1;

  Out out;
  offset n;
  Predicate predicate;
  std::uint64_t* best;     // {epoch : 16, low - index : 48}: the largest is the best, and older calls are smaller
  std::uint32_t* arrived;  // blocks that are done, counted on from call to call
  std::uint32_t arrived_before;
  std::uint32_t epoch;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    constexpr int each = tuning<Block::arch>.thread_items, width = Block::width, chunk = each * width;
    constexpr int warps = block_threads<Block::arch> / width;
    const auto warp = block.warp();
    const int lane = static_cast<int>(warp.lane());
    const std::uint64_t tag = static_cast<std::uint64_t>(epoch) << 48;

    offset start = (static_cast<offset>(block.index()) * warps + warp.index()) * chunk;
    for (; start < n; start += static_cast<offset>(block.blocks()) * warps * chunk) {
      const std::uint64_t known = warp.shuffle(block.load_relaxed(best), 0);
      if (known >= (tag | (low - static_cast<std::uint64_t>(start)))) break;

      // Ask all of the chunk before looking at an answer, so that the loads behind the predicate are under way
      // together.
      std::uint32_t hits = 0;
      if (start + chunk <= n) {
#pragma unroll
        for (int k = 0; k < each; ++k)
          hits |= static_cast<std::uint32_t>(static_cast<bool>(predicate(start + k * width + lane))) << k;
      } else {
        for (int k = 0; k < each; ++k)
          if (start + k * width + lane < n)
            hits |= static_cast<std::uint32_t>(static_cast<bool>(predicate(start + k * width + lane))) << k;
      }
      if (!warp.any(hits != 0)) continue;
      for (int k = 0; k < each; ++k) {
        const std::uint64_t row = warp.ballot(hits >> k & 1);
        if (row == 0) continue;
        const offset found = start + k * width + block.lowest_bit(row);
        if (lane == 0) block.fetch_max(best, tag | (low - static_cast<std::uint64_t>(found)));
        break;
      }
      break;  // whatever this warp could find later is worse
    }

    // The last block to arrive writes the answer.
    block.sync();
    if (block.thread() == 0 && block.fetch_add_acq_rel(arrived, 1u) - arrived_before == block.blocks() - 1) {
      const std::uint64_t known = block.load_relaxed(best);
      *out = known >> 48 == epoch ? static_cast<offset>(low - (known & low)) : n;
    }
  }
};

struct find_tag {};

template <class P, class Out, class Predicate>
void find_first_into(const P& policy, offset n, Out out, Predicate predicate) {
  using kernel = find_kernel<Out, Predicate, typename P::tuning>;
  on_arch(policy, [&]<arch A>() {
    constexpr offset block_items = kernel::template block_threads<A> * kernel::template tuning<A>.thread_items;
    static_assert(kernel::template tuning<A>.thread_items <= 32, "one bit an element");
    offset blocks = n == 0 ? 1 : ceil_div(n, block_items);
    if (const offset most = resident_blocks<A, kernel>(policy); blocks > most) blocks = most;

    runtime& owner = P::backend::runtime();
    const stream_ref stream = policy.stream();
    constexpr std::size_t bytes = 2 * sizeof(std::uint64_t);
    if (takes_own_words(policy)) {
      temporary<std::uint64_t> words(policy, 2);
      owner.fill_bytes(words.data(), 0, bytes, stream);
      launch<A>(policy, blocks,
                kernel{out, n, predicate, words.data(), reinterpret_cast<std::uint32_t*>(words.data() + 1), 0, 1});
      return;
    }
    state_slab& slab = slab_of<find_tag>(owner, stream);
    auto* words = static_cast<std::uint64_t*>(slab.reserve(bytes, stream));
    if (slab.epoch == 65535) slab.clear(stream);
    ++slab.epoch;
    launch<A>(policy, blocks,
              kernel{out, n, predicate, words, reinterpret_cast<std::uint32_t*>(words + 1), slab.ticket, slab.epoch});
    slab.ticket += static_cast<std::uint32_t>(blocks);
  });
}

}  // namespace weft::gpu
