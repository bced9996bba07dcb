// Planted, for ThreadSanitizer: threads read their neighbour's cell of shared memory without a barrier after it was
// written. Must print "WARNING: ThreadSanitizer: data race".
#include "planted.hpp"

namespace {

template <bool Repaired>
struct rotate_kernel {
  template <planted::arch A>
  static constexpr int block_threads = 128;
  template <planted::arch A>
  struct shared {
    unsigned cell[128];
  };
  unsigned* out;
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    const unsigned t = block.thread();
    s.cell[t] = t;
    if (Repaired) block.sync();
    out[block.index() * 128 + t] = s.cell[(t + 1) % 128];
  }
};

}  // namespace

int main(int arguments, char** argument) {
  return planted::program(arguments, argument, [](bool repaired) {
    std::vector<unsigned> out(6 * 128);
    if (repaired)
      planted::launch(6, rotate_kernel<true>{out.data()});
    else
      planted::launch(6, rotate_kernel<false>{out.data()});
  });
}
