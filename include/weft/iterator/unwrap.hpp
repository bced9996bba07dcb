// unwrap(it): the iterator as kernels and vector loops want it. Whatever walks over contiguous memory becomes a raw
// pointer, also inside the iterators of the library (a zip of vectors becomes a zip of pointers); everything else stays
// as it is. Nothing is dereferenced, so null and past-the-end iterators are welcome.
#pragma once

#include <weft/iterator/facade.hpp>

namespace weft {

namespace detail {

// Thrust's device pointers and the iterators of its vectors, recognised without including Thrust: argument-dependent
// lookup finds its own conversions where its headers are in. (`it.base().get()` alone would also fit its
// transform_iterator.)
template <class It>
concept thrust_pointer = requires(const It& it) {
  { raw_pointer_cast(it) } -> std::same_as<typename It::element_type*>;
  requires std::is_class_v<It>;
};
template <class It>
concept thrust_contiguous = requires(const It& it) {
  requires std::is_class_v<It>;
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
  } else if constexpr (detail::thrust_contiguous<It>) {
    return try_unwrap_contiguous_iterator(it);
  } else if constexpr (detail::thrust_pointer<It>) {
    return raw_pointer_cast(it);
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
