// Asynchronous copies of one GPU thread of the emulation: made when they are waited for, not before, so that a kernel
// that reads too early reads garbage.
#pragma once

#include <cstddef>
#include <cstring>
#include <vector>

namespace weft::inline v100::simt_dialect {

class pending_copies {
 public:
  void forget() { list_.clear(), group_ = 0; }
  void begin(void* to, const void* from, int inside) { list_.push_back({to, from, inside, group_}); }
  void commit() { ++group_; }
  bool due(unsigned groups) const { return !list_.empty() && group_ - list_.front().group > groups; }
  /// The oldest one.
  auto take() {
    const copy oldest = list_.front();
    list_.erase(list_.begin());
    return oldest;
  }

 private:
  struct copy {
    void* to;
    const void* from;
    int inside;
    unsigned group;
    void make() const {
      std::memcpy(to, from, static_cast<std::size_t>(inside));
      std::memset(static_cast<char*>(to) + inside, 0, static_cast<std::size_t>(16 - inside));
    }
  };
  std::vector<copy> list_;
  unsigned group_ = 0;
};

}  // namespace weft::inline v100::simt_dialect
