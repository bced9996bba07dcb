// counting(i): i, i + 1, i + 2, … without memory. With `transformed` it makes any function of the index a range.
#pragma once

#include <weft/iterator/facade.hpp>

namespace weft {

/// Distances are 64 bits for every I. Values wrap around where I ends, as unsigned arithmetic does.
template <class I>
class counting_iterator : public iterator_facade<counting_iterator<I>, I, I> {
  static_assert(std::is_integral_v<I> && !std::is_same_v<I, bool>, "counting_iterator counts in an integer type");

 public:
  counting_iterator() = default;
  WEFT_HOST_DEVICE constexpr explicit counting_iterator(I value) : value_(value) {}

  // Unsigned 64-bit arithmetic: exact for every I, and without overflow; compilers narrow it again.
  WEFT_HOST_DEVICE constexpr I operator[](offset n) const {
    return static_cast<I>(static_cast<std::uint64_t>(value_) + static_cast<std::uint64_t>(n));
  }
  WEFT_HOST_DEVICE constexpr counting_iterator& operator+=(offset n) {
    value_ = (*this)[n];
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const counting_iterator& a, const counting_iterator& b) {
    return static_cast<offset>(static_cast<std::uint64_t>(a.value_) - static_cast<std::uint64_t>(b.value_));
  }

 private:
  I value_{};
};

template <class I>
WEFT_HOST_DEVICE constexpr counting_iterator<I> counting(I first) {
  return counting_iterator<I>(first);
}

}  // namespace weft
