// strided(it, step): every step-th element, e.g. a column of a row-major matrix.
#pragma once

#include <weft/iterator/unwrap.hpp>

namespace weft::inline v100 {

/// Holds the first element and an index, so the end may lie beyond the memory: no pointer past it is ever formed.
template <class It>
class strided_iterator : public iterator_facade<strided_iterator<It>, iter_value_t<It>, iter_reference_t<It>> {
 public:
  using reference = iter_reference_t<It>;

  strided_iterator() = default;
  WEFT_HOST_DEVICE constexpr strided_iterator(It base, offset step, offset index = 0)
      : base_(static_cast<It&&>(base)), step_(step), index_(index) {}

  WEFT_HOST_DEVICE constexpr reference operator[](offset n) const { return base_[(index_ + n) * step_]; }
  WEFT_HOST_DEVICE constexpr strided_iterator& operator+=(offset n) {
    index_ += n;
    return *this;
  }
  /// Of two iterators into one strided range.
  friend WEFT_HOST_DEVICE constexpr offset operator-(const strided_iterator& a, const strided_iterator& b) {
    return a.index_ - b.index_;
  }
  WEFT_HOST_DEVICE constexpr const It& base() const { return base_; }
  WEFT_HOST_DEVICE constexpr offset step() const { return step_; }
  WEFT_HOST_DEVICE constexpr offset index() const { return index_; }
  constexpr auto unwrapped() const { return strided_iterator<unwrapped_t<It>>(weft::unwrap(base_), step_, index_); }

 private:
  It base_{};
  offset step_ = 1;
  offset index_ = 0;
};

template <class It>
WEFT_HOST_DEVICE constexpr strided_iterator<It> strided(It it, offset step) {
  return strided_iterator<It>(static_cast<It&&>(it), step);
}

}  // namespace weft
