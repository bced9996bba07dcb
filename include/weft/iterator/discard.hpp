// discard(): an output that nothing is written to, for results that nobody wants.
#pragma once

#include <weft/iterator/facade.hpp>

namespace weft::inline v100 {

/// What *discard() is: takes a value of any type and forgets it.
struct discarded {
  template <class T>
  WEFT_HOST_DEVICE constexpr const discarded& operator=(const T&) const {
    return *this;
  }
};

class discard_iterator : public iterator_facade<discard_iterator, discarded, discarded> {
 public:
  discard_iterator() = default;
  WEFT_HOST_DEVICE constexpr explicit discard_iterator(offset index) : index_(index) {}

  WEFT_HOST_DEVICE constexpr discarded operator[](offset) const { return {}; }
  WEFT_HOST_DEVICE constexpr discard_iterator& operator+=(offset n) {
    index_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const discard_iterator& a, const discard_iterator& b) {
    return a.index_ - b.index_;
  }

 private:
  offset index_ = 0;
};

WEFT_HOST_DEVICE constexpr discard_iterator discard() { return discard_iterator(); }

}  // namespace weft
