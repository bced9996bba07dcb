// reversed(end): the range that ends at `end`, from its last element backwards. reversed(last) … reversed(first).
#pragma once

#include <weft/iterator/unwrap.hpp>

namespace weft::inline v100 {

/// As std::reverse_iterator: base() is one past the element this refers to.
template <class It>
class reverse_iterator : public iterator_facade<reverse_iterator<It>, iter_value_t<It>, iter_reference_t<It>> {
 public:
  using reference = iter_reference_t<It>;

  reverse_iterator() = default;
  WEFT_HOST_DEVICE constexpr explicit reverse_iterator(It base) : base_(static_cast<It&&>(base)) {}

  WEFT_HOST_DEVICE constexpr reference operator[](offset n) const { return base_[-1 - n]; }
  WEFT_HOST_DEVICE constexpr reverse_iterator& operator+=(offset n) {
    base_ += -n;
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const reverse_iterator& a, const reverse_iterator& b) {
    return static_cast<offset>(b.base_ - a.base_);
  }
  WEFT_HOST_DEVICE constexpr const It& base() const { return base_; }
  WEFT_HOST_DEVICE constexpr offset step() const { return -1; }
  constexpr auto unwrapped() const { return reverse_iterator<unwrapped_t<It>>(weft::unwrap(base_)); }

 private:
  It base_{};
};

template <class It>
WEFT_HOST_DEVICE constexpr reverse_iterator<It> reversed(It end) {
  return reverse_iterator<It>(static_cast<It&&>(end));
}

}  // namespace weft
