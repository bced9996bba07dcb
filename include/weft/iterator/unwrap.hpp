// unwrap(it): the iterator as kernels and vector loops want it. Whatever walks over contiguous memory becomes a raw
// pointer, also inside the iterators of the library (a zip of vectors becomes a zip of pointers); everything else stays
// as it is. Nothing is dereferenced, so null and past-the-end iterators are welcome.
#pragma once

#include <weft/iterator/facade.hpp>

namespace weft::inline v100 {

template <class It>
class reverse_iterator;  // defined in reverse.hpp

namespace detail {

template <class It>
inline constexpr bool is_std_reverse = false;
template <class It>
inline constexpr bool is_std_reverse<std::reverse_iterator<It>> = true;

// Thrust's device pointers and the iterators of its vectors, recognised without including Thrust: a pointer names its
// raw pointer; for an iterator, argument-dependent lookup finds Thrust's own question where its headers are in. (A
// nested `it.base().get()` would not do: Thrust's transform and reverse iterators have it as well.)
template <class It>
concept thrust_pointer = requires(const It& it) {
  { it.get() } -> std::same_as<typename It::raw_pointer>;
};
template <class It>
concept thrust_contiguous = std::is_class_v<It> && requires(const It& it) {
  requires std::is_pointer_v<decltype(try_unwrap_contiguous_iterator(it))>;
};

}  // namespace detail

template <class T>
WEFT_HOST_DEVICE constexpr T* unwrap(T* pointer) {
  return pointer;
}

template <class It>
constexpr auto unwrap(const It& it) {
  if constexpr (requires { it.unwrapped(); }) {
    return it.unwrapped();
  } else if constexpr (detail::is_std_reverse<It>) {
    return reverse_iterator<decltype(weft::unwrap(it.base()))>(weft::unwrap(it.base()));
  } else if constexpr (detail::thrust_pointer<It>) {
    return it.get();
  } else if constexpr (detail::thrust_contiguous<It>) {
    return try_unwrap_contiguous_iterator(it);
  } else if constexpr (std::contiguous_iterator<It>) {
    return std::to_address(it);
  } else {
    return it;
  }
}

/// What unwrap makes of an iterator type.
template <class It>
using unwrapped_t = decltype(weft::unwrap(std::declval<const It&>()));

}  // namespace weft
