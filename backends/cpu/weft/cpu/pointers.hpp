// The raw pointers inside an iterator: transformed and zipped ranges read memory too, and a verb may want to know
// which.
#pragma once

#include <weft/iterator.hpp>

#include <type_traits>
#include <utility>

namespace weft::inline v100::cpu {

/// True when In points to elements of the trivially copyable type that Out points to: bytes may be moved.
template <class In, class Out>
inline constexpr bool moves_bytes = std::is_pointer_v<In>&& std::is_pointer_v<Out>&&
    std::is_same_v<std::remove_const_t<std::remove_pointer_t<In>>, std::remove_pointer_t<Out>>&&
        std::is_trivially_copyable_v<std::remove_pointer_t<Out>>;

/// visit(p) for each pointer p from which `in` reads, as far as it can be known.
template <class In, class Visit>
[[gnu::always_inline]] inline void for_each_pointer(const In& in, const Visit& visit) {
  if constexpr (std::is_pointer_v<In>) {
    visit(in);
  } else if constexpr (requires { in.bases(); }) {
    using tuple_type = std::remove_cvref_t<decltype(in.bases())>;
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
      (for_each_pointer(weft::get<I>(in.bases()), visit), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<tuple_type>>{});
  } else if constexpr (requires { in.base(); }) {
    for_each_pointer(in.base(), visit);
  }
}

/// True when `in` is known to read from `place`.
template <class In>
bool reads_from(const In& in, const void* place) {
  bool found = false;
  for_each_pointer(in, [&](const auto* p) { found |= static_cast<const void*>(p) == place; });
  return found;
}

}  // namespace weft::cpu
