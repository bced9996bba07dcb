// What all iterators of the library share: a derived class gives operator[], operator+= and the difference of two, and
// gets the rest of std::random_access_iterator from here. No virtual calls, no state, nothing left after inlining.
//
// iterator_category is random access even where the reference is a value or a proxy: C++17 algorithms then pick their
// logarithmic forms, and none of those in use takes the address of an element.
#pragma once

#include <weft/device.hpp>

#include <span>  // the lightest standard header with the iterator concepts: a fifth of the cost of <iterator>
#include <type_traits>
#include <utility>

namespace weft::inline v100 {

namespace detail {

// Through class templates: clang resolves declval there, but not inside device functions. Empty for what is no
// iterator, so that a constraint fails and not the compilation.
template <class It>
struct iterator_types {};
template <class It>
  requires requires(It& it) {
    *it;
    typename std::iter_value_t<It>;
  }
struct iterator_types<It> {
  using value = std::iter_value_t<It>;
  using reference = decltype(*std::declval<It&>());
};
template <class T>
  requires(std::is_object_v<T>)
struct iterator_types<T*> {
  using value = std::remove_cv_t<T>;
  using reference = T&;
};

template <class Reference>
struct arrow {
  using pointer = void;
};
template <class T>
struct arrow<T&> {
  using pointer = T*;
};

}  // namespace detail

/// The type of a copy of an element, without const.
template <class It>
using iter_value_t = typename detail::iterator_types<std::remove_cvref_t<It>>::value;
/// The type of *it.
template <class It>
using iter_reference_t = typename detail::iterator_types<std::remove_cvref_t<It>>::reference;

/// last - first, as the size the verbs take. Call it qualified: the unqualified name also finds std::distance.
template <class It>
WEFT_HOST_DEVICE constexpr offset distance(const It& first, const It& last) {
  return static_cast<offset>(last - first);
}

template <class Derived, class Value, class Reference>
class iterator_facade {
 public:
  using value_type = Value;
  using reference = Reference;
  using difference_type = offset;
  using pointer = typename detail::arrow<Reference>::pointer;
  using iterator_category = std::random_access_iterator_tag;
  using iterator_concept = std::random_access_iterator_tag;

  WEFT_HOST_DEVICE constexpr Reference operator*() const { return self()[0]; }
  WEFT_HOST_DEVICE constexpr pointer operator->() const requires(std::is_lvalue_reference_v<Reference>) {
    return __builtin_addressof(self()[0]);
  }

  WEFT_HOST_DEVICE constexpr Derived& operator++() { return self() += 1; }
  WEFT_HOST_DEVICE constexpr Derived& operator--() { return self() += -1; }
  WEFT_HOST_DEVICE constexpr Derived operator++(int) {
    Derived before = self();
    self() += 1;
    return before;
  }
  WEFT_HOST_DEVICE constexpr Derived operator--(int) {
    Derived before = self();
    self() += -1;
    return before;
  }
  WEFT_HOST_DEVICE constexpr Derived& operator-=(offset n) { return self() += -n; }
  WEFT_HOST_DEVICE constexpr Derived operator+(offset n) const {
    Derived moved = self();
    moved += n;
    return moved;
  }
  WEFT_HOST_DEVICE constexpr Derived operator-(offset n) const {
    Derived moved = self();
    moved += -n;
    return moved;
  }
  // `auto`: named, nvcc 13 looks at the type at once and warns where it is not literal (#2391).
  friend WEFT_HOST_DEVICE constexpr auto operator+(offset n, const Derived& it) { return it + n; }

  friend WEFT_HOST_DEVICE constexpr bool operator==(const Derived& a, const Derived& b) { return a - b == 0; }
  friend WEFT_HOST_DEVICE constexpr bool operator!=(const Derived& a, const Derived& b) { return a - b != 0; }
  friend WEFT_HOST_DEVICE constexpr bool operator<(const Derived& a, const Derived& b) { return a - b < 0; }
  friend WEFT_HOST_DEVICE constexpr bool operator>(const Derived& a, const Derived& b) { return a - b > 0; }
  friend WEFT_HOST_DEVICE constexpr bool operator<=(const Derived& a, const Derived& b) { return a - b <= 0; }
  friend WEFT_HOST_DEVICE constexpr bool operator>=(const Derived& a, const Derived& b) { return a - b >= 0; }

 private:
  friend Derived;
  iterator_facade() = default;
  WEFT_HOST_DEVICE constexpr Derived& self() { return static_cast<Derived&>(*this); }
  WEFT_HOST_DEVICE constexpr const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace weft
