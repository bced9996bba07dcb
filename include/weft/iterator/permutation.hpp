// permuted(values, indices): values[indices[0]], values[indices[1]], … A gather when read, a scatter when written.
#pragma once

#include <weft/iterator/unwrap.hpp>

namespace weft::inline v100 {

/// Moves along the indices; the values are only looked up, and are the same for both iterators of a range.
template <class It, class Indices>
class permutation_iterator
    : public iterator_facade<permutation_iterator<It, Indices>, iter_value_t<It>, iter_reference_t<It>> {
 public:
  using reference = iter_reference_t<It>;

  permutation_iterator() = default;
  WEFT_HOST_DEVICE constexpr permutation_iterator(It base, Indices indices)
      : base_(static_cast<It&&>(base)), indices_(static_cast<Indices&&>(indices)) {}

  WEFT_HOST_DEVICE constexpr reference operator[](offset n) const { return base_[static_cast<offset>(indices_[n])]; }
  WEFT_HOST_DEVICE constexpr permutation_iterator& operator+=(offset n) {
    indices_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const permutation_iterator& a, const permutation_iterator& b) {
    return static_cast<offset>(a.indices_ - b.indices_);
  }
  WEFT_HOST_DEVICE constexpr const It& base() const { return base_; }
  WEFT_HOST_DEVICE constexpr const Indices& indices() const { return indices_; }
  constexpr auto unwrapped() const {
    return permutation_iterator<unwrapped_t<It>, unwrapped_t<Indices>>(weft::unwrap(base_), weft::unwrap(indices_));
  }

 private:
  It base_{};
  Indices indices_{};
};

template <class It, class Indices>
WEFT_HOST_DEVICE constexpr permutation_iterator<It, Indices> permuted(It values, Indices indices) {
  return permutation_iterator<It, Indices>(static_cast<It&&>(values), static_cast<Indices&&>(indices));
}

}  // namespace weft
