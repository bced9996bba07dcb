// weft::tuple: a tuple for both sides. std::tuple is not usable here: its functions are host-only under nvcc, it is
// never trivially copyable, and in C++20 a tuple of references cannot be assigned through when it is a temporary.
//
// A tuple is one base class per element, so `get` costs one overload resolution and no recursion. It is trivially
// copyable, and trivially default constructible (elements uninitialised), exactly when its elements are. A tuple of
// references is a proxy: assignment and swap write through, also on a const or temporary tuple; zip_iterator's
// reference is one. `auto [a, b] = t`, unqualified `get<I>(t)` and weft::get<I>(t) work on both sides; there is no
// std::get.
#pragma once

#include <weft/device.hpp>

#include <type_traits>
#include <utility>

namespace weft::inline v100 {

template <class... Ts>
class tuple;

namespace detail {

// Mark the constructors below, so that none of them can be taken for a copy.
struct from_values {};
struct from_tuple {};

template <std::size_t I, class T>
struct tuple_element_base {
  T value;
  tuple_element_base() = default;
  template <class U>
  WEFT_HOST_DEVICE constexpr tuple_element_base(from_values, U&& from) : value(static_cast<U&&>(from)) {}
};

template <std::size_t I, class T>
struct tuple_element_base<I, T&> {
  T& value;
  template <class U>
  WEFT_HOST_DEVICE constexpr tuple_element_base(from_values, U&& from) : value(static_cast<U&&>(from)) {}
  tuple_element_base(const tuple_element_base&) = default;
  WEFT_HOST_DEVICE constexpr tuple_element_base& operator=(const tuple_element_base& from) requires(
      std::is_assignable_v<T&, T&>) {
    value = from.value;
    return *this;
  }
};

// get<I> in terms of the bases: T is deduced from the one base that fits. Casts restore what reference collapsing says.
template <std::size_t I, class T>
WEFT_HOST_DEVICE constexpr T& tuple_get(tuple_element_base<I, T>& e) noexcept {
  return e.value;
}
template <std::size_t I, class T>
WEFT_HOST_DEVICE constexpr const T& tuple_get(const tuple_element_base<I, T>& e) noexcept {
  return e.value;
}
template <std::size_t I, class T>
WEFT_HOST_DEVICE constexpr T&& tuple_get(tuple_element_base<I, T>&& e) noexcept {
  return static_cast<T&&>(e.value);
}
template <std::size_t I, class T>
WEFT_HOST_DEVICE constexpr const T&& tuple_get(const tuple_element_base<I, T>&& e) noexcept {
  return static_cast<const T&&>(e.value);
}
template <std::size_t I, class T>
std::type_identity<T> tuple_type(const tuple_element_base<I, T>*);  // never defined

template <class Indices, class... Ts>
struct tuple_bases;
template <std::size_t... I, class... Ts>
struct tuple_bases<std::index_sequence<I...>, Ts...> : tuple_element_base<I, Ts>... {
  tuple_bases() = default;
  template <class... Us>
  WEFT_HOST_DEVICE constexpr tuple_bases(from_values, Us&&... from)
      : tuple_element_base<I, Ts>(from_values{}, static_cast<Us&&>(from))... {}
  template <class Tuple>
  WEFT_HOST_DEVICE constexpr tuple_bases(from_tuple, Tuple&& from)
      : tuple_element_base<I, Ts>(from_values{}, tuple_get<I>(static_cast<Tuple&&>(from)))... {}

  template <class Tuple>
  WEFT_HOST_DEVICE constexpr void assign(Tuple&& from) {
    ((tuple_get<I>(*this) = tuple_get<I>(static_cast<Tuple&&>(from))), ...);
  }
  template <class Tuple>
  WEFT_HOST_DEVICE constexpr void assign(Tuple&& from) const {
    ((tuple_get<I>(*this) = tuple_get<I>(static_cast<Tuple&&>(from))), ...);
  }
};

// Elementwise questions. Traits, not concepts: they are asked in device code too, where clang gets std concepts wrong.
template <class To, class From>
inline constexpr bool tuple_constructible = false;
template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
inline constexpr bool tuple_constructible<tuple<Ts...>, tuple<Us...>> = (std::is_constructible_v<Ts, Us> && ...);
template <class To, class From>
inline constexpr bool tuple_assignable = false;
template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
inline constexpr bool tuple_assignable<tuple<Ts...>, tuple<Us...>> = (std::is_assignable_v<Ts&, Us> && ...);
/// Refers to something else, so that to swap is to write through although const.
template <class... Ts>
inline constexpr bool tuple_is_proxy = sizeof...(Ts) > 0 &&
                                       (std::is_assignable_v<const Ts&, std::remove_cvref_t<Ts>> && ...);

}  // namespace detail

/// A fixed list of values or references; see the head of this file.
template <class... Ts>
class tuple : public detail::tuple_bases<std::index_sequence_for<Ts...>, Ts...> {
  using bases = detail::tuple_bases<std::index_sequence_for<Ts...>, Ts...>;
  template <class... Us>
  static constexpr bool takes = detail::tuple_constructible<tuple, tuple<Us...>>;

 public:
  tuple() = default;

  /// One argument per element. Converts implicitly, also to narrower arithmetic types, as std::tuple does.
  template <class... Us>
    requires(sizeof...(Us) == sizeof...(Ts) && sizeof...(Us) > 0 && takes<Us...> &&
             !(sizeof...(Us) == 1 && (std::is_same_v<std::remove_cvref_t<Us>, tuple> && ...)))
  WEFT_HOST_DEVICE constexpr tuple(Us&&... values) : bases(detail::from_values{}, static_cast<Us&&>(values)...) {}

  /// From a tuple of other types: values from references and the reverse.
  template <class... Us>
    requires(!std::is_same_v<tuple, tuple<Us...>> && takes<const Us&...>)
  WEFT_HOST_DEVICE constexpr tuple(const tuple<Us...>& from) : bases(detail::from_tuple{}, from) {}
  template <class... Us>
    requires(!std::is_same_v<tuple, tuple<Us...>> && takes<Us&...>)
  WEFT_HOST_DEVICE constexpr tuple(tuple<Us...>& from) : bases(detail::from_tuple{}, from) {}
  template <class... Us>
    requires(!std::is_same_v<tuple, tuple<Us...>> && takes<Us...>)
  WEFT_HOST_DEVICE constexpr tuple(tuple<Us...>&& from)
      : bases(detail::from_tuple{}, static_cast<tuple<Us...>&&>(from)) {}

  tuple(const tuple&) = default;
  tuple(tuple&&) = default;
  tuple& operator=(const tuple&) = default;  // through references; deleted for a tuple with const elements
  tuple& operator=(tuple&&) = default;

  template <class... Us>
    requires(detail::tuple_assignable<tuple, tuple<const Us&...>>)
  WEFT_HOST_DEVICE constexpr tuple& operator=(const tuple<Us...>& from) {
    this->assign(from);
    return *this;
  }
  template <class... Us>
    requires(detail::tuple_assignable<tuple, tuple<Us...>>)
  WEFT_HOST_DEVICE constexpr tuple& operator=(tuple<Us...>&& from) {
    this->assign(static_cast<tuple<Us...>&&>(from));
    return *this;
  }
  /// Writing through a const tuple of references, as std::indirectly_writable asks for.
  template <class... Us>
    requires(detail::tuple_assignable<tuple<const Ts...>, tuple<const Us&...>>)
  WEFT_HOST_DEVICE constexpr const tuple& operator=(const tuple<Us...>& from) const {
    this->assign(from);
    return *this;
  }
  template <class... Us>
    requires(detail::tuple_assignable<tuple<const Ts...>, tuple<Us...>>)
  WEFT_HOST_DEVICE constexpr const tuple& operator=(tuple<Us...>&& from) const {
    this->assign(static_cast<tuple<Us...>&&>(from));
    return *this;
  }
};

template <class... Ts>
tuple(Ts...) -> tuple<Ts...>;  // host code only: clang takes deduction guides for host functions; use make_tuple

template <class Tuple>
inline constexpr bool is_tuple = false;
template <class... Ts>
inline constexpr bool is_tuple<tuple<Ts...>> = true;

template <std::size_t I, class... Ts>
WEFT_HOST_DEVICE constexpr decltype(auto) get(tuple<Ts...>& t) noexcept {
  return detail::tuple_get<I>(t);
}
template <std::size_t I, class... Ts>
WEFT_HOST_DEVICE constexpr decltype(auto) get(const tuple<Ts...>& t) noexcept {
  return detail::tuple_get<I>(t);
}
template <std::size_t I, class... Ts>
WEFT_HOST_DEVICE constexpr decltype(auto) get(tuple<Ts...>&& t) noexcept {
  return detail::tuple_get<I>(static_cast<tuple<Ts...>&&>(t));
}
template <std::size_t I, class... Ts>
WEFT_HOST_DEVICE constexpr decltype(auto) get(const tuple<Ts...>&& t) noexcept {
  return detail::tuple_get<I>(static_cast<const tuple<Ts...>&&>(t));
}

template <class... Ts>
WEFT_HOST_DEVICE constexpr tuple<std::decay_t<Ts>...> make_tuple(Ts&&... values) {
  return tuple<std::decay_t<Ts>...>(static_cast<Ts&&>(values)...);
}
/// A tuple of references to its arguments: `tie(a, b) = t` assigns both.
template <class... Ts>
WEFT_HOST_DEVICE constexpr tuple<Ts&...> tie(Ts&... variables) noexcept {
  return tuple<Ts&...>(variables...);
}
template <class... Ts>
WEFT_HOST_DEVICE constexpr tuple<Ts&&...> forward_as_tuple(Ts&&... values) noexcept {
  return tuple<Ts&&...>(static_cast<Ts&&>(values)...);
}

namespace detail {

template <class F, class Tuple, std::size_t... I>
WEFT_HOST_DEVICE constexpr decltype(auto) apply(F&& f, Tuple&& t, std::index_sequence<I...>) {
  return static_cast<F&&>(f)(tuple_get<I>(static_cast<Tuple&&>(t))...);
}
template <class T, class U, std::size_t... I>
WEFT_HOST_DEVICE constexpr bool tuple_equal(const T& a, const U& b, std::index_sequence<I...>) {
  return ((tuple_get<I>(a) == tuple_get<I>(b)) && ...);
}
// Lexicographic: stops at the first element that decides.
template <class T, class U, std::size_t... I>
WEFT_HOST_DEVICE constexpr bool tuple_less(const T& a, const U& b, std::index_sequence<I...>) {
  bool less = false;
  static_cast<void>((((less = tuple_get<I>(a) < tuple_get<I>(b)) || tuple_get<I>(b) < tuple_get<I>(a)) || ...));
  return less;
}
template <class T>
WEFT_HOST_DEVICE constexpr void swap_through(T& a, T& b) {
  if constexpr (is_tuple<std::remove_const_t<T>>) {
    swap(a, b);
  } else {
    T kept(static_cast<T&&>(a));
    a = static_cast<T&&>(b);
    b = static_cast<T&&>(kept);
  }
}
template <class T, std::size_t... I>
WEFT_HOST_DEVICE constexpr void tuple_swap(T& a, T& b, std::index_sequence<I...>) {
  (swap_through(tuple_get<I>(a), tuple_get<I>(b)), ...);
}

}  // namespace detail

/// f(get<0>(t), get<1>(t), …)
template <class F, class Tuple>
  requires(is_tuple<std::remove_cvref_t<Tuple>>)
WEFT_HOST_DEVICE constexpr decltype(auto) apply(F&& f, Tuple&& t) {
  return detail::apply(static_cast<F&&>(f), static_cast<Tuple&&>(t),
                       std::make_index_sequence<std::tuple_size<std::remove_cvref_t<Tuple>>::value>{});
}

template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
WEFT_HOST_DEVICE constexpr bool operator==(const tuple<Ts...>& a, const tuple<Us...>& b) {
  return detail::tuple_equal(a, b, std::index_sequence_for<Ts...>{});
}
template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
WEFT_HOST_DEVICE constexpr bool operator<(const tuple<Ts...>& a, const tuple<Us...>& b) {
  return detail::tuple_less(a, b, std::index_sequence_for<Ts...>{});
}
template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
WEFT_HOST_DEVICE constexpr bool operator>(const tuple<Ts...>& a, const tuple<Us...>& b) { return b < a; }
template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
WEFT_HOST_DEVICE constexpr bool operator<=(const tuple<Ts...>& a, const tuple<Us...>& b) { return !(b < a); }
template <class... Ts, class... Us>
  requires(sizeof...(Ts) == sizeof...(Us))
WEFT_HOST_DEVICE constexpr bool operator>=(const tuple<Ts...>& a, const tuple<Us...>& b) { return !(a < b); }

/// Exchanges what two proxies refer to. (std::swap does for tuples of values.)
template <class... Ts>
  requires(detail::tuple_is_proxy<Ts...>)
WEFT_HOST_DEVICE constexpr void swap(const tuple<Ts...>& a, const tuple<Ts...>& b) {
  detail::tuple_swap(a, b, std::index_sequence_for<Ts...>{});
}
template <class... Ts>
  requires(detail::tuple_is_proxy<Ts...>)
WEFT_HOST_DEVICE constexpr void swap(tuple<Ts...>& a, tuple<Ts...>& b) {
  detail::tuple_swap(a, b, std::index_sequence_for<Ts...>{});
}

}  // namespace weft

template <class... Ts>
struct std::tuple_size<weft::tuple<Ts...>> : std::integral_constant<std::size_t, sizeof...(Ts)> {};
template <std::size_t I, class... Ts>
struct std::tuple_element<I, weft::tuple<Ts...>> {
  using type = typename decltype(weft::detail::tuple_type<I>(static_cast<weft::tuple<Ts...>*>(nullptr)))::type;
};
// What iterators whose reference is a proxy need in order to be readable: the common reference, element by element.
template <class... Ts, class... Us, template <class> class TQualifiers, template <class> class UQualifiers>
  requires(sizeof...(Ts) == sizeof...(Us) &&
           requires { typename weft::tuple<std::common_reference_t<TQualifiers<Ts>, UQualifiers<Us>>...>; })
struct std::basic_common_reference<weft::tuple<Ts...>, weft::tuple<Us...>, TQualifiers, UQualifiers> {
  using type = weft::tuple<std::common_reference_t<TQualifiers<Ts>, UQualifiers<Us>>...>;
};
