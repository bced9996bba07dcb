// Planted, for ThreadSanitizer: a block publishes a value by a flag beside it, stored and loaded relaxed. Repaired with
// release and acquire in odd blocks and with fences in even ones. Must print "WARNING: ThreadSanitizer: data race".
#include "planted.hpp"

namespace {

template <bool Repaired>
struct chain_kernel {
  template <planted::arch A>
  static constexpr int block_threads = 64;
  template <planted::arch A>
  struct shared {
    unsigned tile;
  };
  unsigned* value;  // of each tile
  unsigned* flag;
  unsigned* ticket;
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    if (block.thread() == 0) s.tile = block.fetch_add(ticket, 1u);
    block.sync();
    const unsigned tile = s.tile;
    if (block.thread() != 0) return;
    unsigned before = 0;
    if (tile > 0) { before = tile % 2 ? wait_fenced(block, tile - 1) : wait_acquire(block, tile - 1); }
    value[tile] = before + tile;
    if (Repaired && tile % 2) {
      block.store_release(&flag[tile], 1u);
    } else {
      if (Repaired) block.fence();
      block.store_relaxed(&flag[tile], 1u);
    }
  }
  template <class Block>
  unsigned wait_acquire(Block block, unsigned tile) const {
    while ((Repaired ? block.load_acquire(&flag[tile]) : block.load_relaxed(&flag[tile])) == 0) block.backoff(0);
    return value[tile];
  }
  template <class Block>
  unsigned wait_fenced(Block block, unsigned tile) const {
    while (block.load_relaxed(&flag[tile]) == 0) block.backoff(0);
    if (Repaired) block.fence();
    return value[tile];
  }
};

}  // namespace

int main(int arguments, char** argument) {
  return planted::program(arguments, argument, [](bool repaired) {
    std::vector<unsigned> value(12), flag(12);
    unsigned ticket = 0;
    if (repaired)
      planted::launch(12, chain_kernel<true>{value.data(), flag.data(), &ticket});
    else
      planted::launch(12, chain_kernel<false>{value.data(), flag.data(), &ticket});
  });
}
