// counting(i): i, i + 1, i + 2, … without memory. With `transformed` it makes any function of the index a range.
#pragma once

#include <weft/iterator/facade.hpp>

namespace weft::inline v100 {

/// Keeps 64 bits for every I, so that the end of a range may lie beyond the last value of I, and distances are exact.
/// Elements beyond it wrap around.
template <class I>
class counting_iterator : public iterator_facade<counting_iterator<I>, I, I> {
  static_assert(std::is_integral_v<I> && !std::is_same_v<I, bool>, "counting_iterator counts in an integer type");

 public:
  counting_iterator() = default;
  WEFT_HOST_DEVICE constexpr explicit counting_iterator(I value) : at_(static_cast<std::uint64_t>(value)) {}

  WEFT_HOST_DEVICE constexpr I operator[](offset n) const {
    return static_cast<I>(at_ + static_cast<std::uint64_t>(n));  // compilers narrow the sum to the width of I again
  }
  WEFT_HOST_DEVICE constexpr counting_iterator& operator+=(offset n) {
    at_ += static_cast<std::uint64_t>(n);
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const counting_iterator& a, const counting_iterator& b) {
    return static_cast<offset>(a.at_ - b.at_);
  }

 private:
  std::uint64_t at_ = 0;  // sign-extended, modulo 2^64
};

template <class I>
WEFT_HOST_DEVICE constexpr counting_iterator<I> counting(I first) {
  return counting_iterator<I>(first);
}

}  // namespace weft
