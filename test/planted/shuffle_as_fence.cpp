// Planted, for ThreadSanitizer: lane 0 writes shared memory, the warp shuffles, the other lanes read. A shuffle brings
// lanes together but orders no memory; warp().sync() does. Must print "WARNING: ThreadSanitizer: data race".
#include "planted.hpp"

namespace {

template <bool Repaired>
struct broadcast_kernel {
  template <planted::arch A>
  static constexpr int block_threads = 128;
  template <planted::arch A>
  struct shared {
    unsigned of_warp[4];
  };
  unsigned* out;
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    const auto warp = block.warp();
    if (warp.lane() == 0) s.of_warp[warp.index()] = block.index() + 7;
    const unsigned first = warp.shuffle(block.thread(), 0);
    if (Repaired) warp.sync();
    out[block.index() * 128 + block.thread()] = first + s.of_warp[warp.index()];
  }
};

}  // namespace

int main(int arguments, char** argument) {
  return planted::program(arguments, argument, [](bool repaired) {
    std::vector<unsigned> out(6 * 128);
    if (repaired)
      planted::launch(6, broadcast_kernel<true>{out.data()});
    else
      planted::launch(6, broadcast_kernel<false>{out.data()});
  });
}
