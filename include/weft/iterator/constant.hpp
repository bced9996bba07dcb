// constant(v): v again and again, without memory.
#pragma once

#include <weft/iterator/facade.hpp>

namespace weft::inline v100 {

/// Reads give copies, so the element outlives the iterator.
template <class T>
class constant_iterator : public iterator_facade<constant_iterator<T>, T, T> {
 public:
  constant_iterator() = default;
  WEFT_HOST_DEVICE constexpr explicit constant_iterator(T value, offset index = 0)
      : value_(static_cast<T&&>(value)), index_(index) {}

  WEFT_HOST_DEVICE constexpr T operator[](offset) const { return value_; }
  WEFT_HOST_DEVICE constexpr constant_iterator& operator+=(offset n) {
    index_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const constant_iterator& a, const constant_iterator& b) {
    return a.index_ - b.index_;
  }
  WEFT_HOST_DEVICE constexpr const T& value() const { return value_; }

 private:
  T value_{};
  offset index_ = 0;
};

template <class T>
WEFT_HOST_DEVICE constexpr constant_iterator<T> constant(T value) {
  return constant_iterator<T>(static_cast<T&&>(value));
}

}  // namespace weft
