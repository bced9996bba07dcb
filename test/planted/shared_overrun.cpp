// Planted, for AddressSanitizer: the last thread writes one element behind the block's shared memory. Must print
// "ERROR: AddressSanitizer: heap-buffer-overflow".
#include "planted.hpp"

namespace {

template <bool Repaired>
struct shift_kernel {
  template <planted::arch A>
  static constexpr int block_threads = 128;
  template <planted::arch A>
  struct shared {
    unsigned cell[Repaired ? 129 : 128];
  };
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    unsigned* cells = s.cell;
    cells[block.thread() + 1] = block.thread();
  }
};

}  // namespace

int main(int arguments, char** argument) {
  return planted::program(arguments, argument, [](bool repaired) {
    if (repaired)
      planted::launch(6, shift_kernel<true>{});
    else
      planted::launch(6, shift_kernel<false>{});
  });
}
