// Use before main and after it: calls from static constructors and destructors, buffers with static storage. Peer
// defect 20.
#include <weft/buffer.hpp>
#include <weft/seq.hpp>
#include <weft/weft.hpp>

#include <cstdlib>

struct early {
  weft::buffer<int> data{weft::seq, 1000};
  early() { weft::fill(weft::seq, data.data(), data.data() + 1000, 2); }
  ~early() {
    if (weft::reduce(weft::seq, data.data(), data.data() + 1000, 0) != 2000) std::_Exit(1);
  }
};
early before_main;

int main() {
  return weft::reduce(weft::seq, before_main.data.data(), before_main.data.data() + 1000, 0) == 2000 ? 0 : 1;
}
