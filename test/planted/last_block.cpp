// Planted, for ThreadSanitizer: the last block to arrive adds up what all blocks have left, but arrivals are counted
// with a relaxed addition, so it may read sums that are not there yet. Must print "WARNING: ThreadSanitizer: data
// race".
#include "planted.hpp"

namespace {

template <bool Repaired>
struct sum_kernel {
  template <planted::arch A>
  static constexpr int block_threads = 64;
  template <planted::arch A>
  struct shared {
    bool last;
  };
  unsigned* partial;
  unsigned* arrived;
  unsigned* total;
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    if (block.thread() == 0) {
      partial[block.index()] = block.index();
      const unsigned before = Repaired ? block.fetch_add_acq_rel(arrived, 1u) : block.fetch_add(arrived, 1u);
      s.last = before == block.blocks() - 1;
    }
    block.sync();
    if (!s.last || block.thread() != 0) return;
    unsigned sum = 0;
    for (unsigned b = 0; b < block.blocks(); ++b) sum += partial[b];
    *total = sum;
  }
};

}  // namespace

int main(int arguments, char** argument) {
  return planted::program(arguments, argument, [](bool repaired) {
    std::vector<unsigned> partial(9);
    unsigned arrived = 0, total = 0;
    if (repaired)
      planted::launch(9, sum_kernel<true>{partial.data(), &arrived, &total});
    else
      planted::launch(9, sum_kernel<false>{partial.data(), &arrived, &total});
  });
}
