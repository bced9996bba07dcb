// zip(a, b, …): the tuple of references (a[i], b[i], …); a structure of arrays read and written as an array of
// structures.
//
// The reference is a weft::tuple that is assigned and swapped through, so that partitioning or sorting a zip moves all
// of its ranges together. zip(counting(0), it) is `indexed(it)`.
#pragma once

#include <weft/iterator/unwrap.hpp>
#include <weft/tuple.hpp>

namespace weft::inline v100 {

template <class... Its>
class zip_iterator
    : public iterator_facade<zip_iterator<Its...>, tuple<iter_value_t<Its>...>, tuple<iter_reference_t<Its>...>> {
  static_assert(sizeof...(Its) > 0, "zip_iterator needs at least one iterator");
  using indices = std::index_sequence_for<Its...>;

 public:
  using reference = tuple<iter_reference_t<Its>...>;

  zip_iterator() = default;
  WEFT_HOST_DEVICE constexpr explicit zip_iterator(tuple<Its...> bases) : bases_(static_cast<tuple<Its...>&&>(bases)) {}

  WEFT_HOST_DEVICE constexpr reference operator[](offset n) const { return at(n, indices{}); }
  WEFT_HOST_DEVICE constexpr zip_iterator& operator+=(offset n) {
    advance(n, indices{});
    return *this;
  }
  /// Of the first range: all of them move together.
  friend WEFT_HOST_DEVICE constexpr offset operator-(const zip_iterator& a, const zip_iterator& b) {
    return static_cast<offset>(detail::tuple_get<0>(a.bases_) - detail::tuple_get<0>(b.bases_));
  }
  WEFT_HOST_DEVICE constexpr const tuple<Its...>& bases() const { return bases_; }
  constexpr auto unwrapped() const { return unwrapped(indices{}); }

  // Host only: for the algorithms of std. References to move from, element by element.
  friend constexpr auto iter_move(const zip_iterator& it) { return it.moved(indices{}); }

 private:
  template <std::size_t... I>
  WEFT_HOST_DEVICE constexpr reference at(offset n, std::index_sequence<I...>) const {
    return reference(detail::tuple_get<I>(bases_)[n]...);
  }
  template <std::size_t... I>
  WEFT_HOST_DEVICE constexpr void advance(offset n, std::index_sequence<I...>) {
    (static_cast<void>(detail::tuple_get<I>(bases_) += n), ...);
  }
  template <std::size_t... I>
  constexpr auto unwrapped(std::index_sequence<I...>) const {
    return zip_iterator<unwrapped_t<Its>...>(tuple<unwrapped_t<Its>...>(weft::unwrap(detail::tuple_get<I>(bases_))...));
  }
  template <std::size_t... I>
  constexpr auto moved(std::index_sequence<I...>) const {
    return tuple<std::iter_rvalue_reference_t<Its>...>(std::ranges::iter_move(detail::tuple_get<I>(bases_))...);
  }

  tuple<Its...> bases_{};
};

template <class... Its>
WEFT_HOST_DEVICE constexpr zip_iterator<Its...> zip(Its... its) {
  return zip_iterator<Its...>(tuple<Its...>(static_cast<Its&&>(its)...));
}

}  // namespace weft
