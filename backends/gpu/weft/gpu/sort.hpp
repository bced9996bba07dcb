// sort: stable, keys alone or with values. Arithmetic keys behind raw pointers under weft::less or weft::greater are
// sorted by their digits (radix_sort.hpp; short keys alone by counting), everything else by merging
// (merge_sort.hpp). Values that are large or lie behind other iterators stay where they are while their indices are
// sorted, and move once.
#pragma once

#include <weft/gpu/for_each.hpp>
#include <weft/gpu/merge_sort.hpp>
#include <weft/gpu/radix_sort.hpp>

namespace weft::inline v100::gpu {

template <class Keys, class Less>
inline constexpr bool sorts_by_digits = std::is_pointer_v<Keys>&& has_digits<iter_value_t<Keys>> &&
                                        (std::is_same_v<Less, weft::less> || std::is_same_v<Less, weft::greater>);

/// Values that a radix sort moves in every pass.
template <class Values>
inline constexpr bool moves_with_digits =
    std::is_pointer_v<Values>&& std::is_trivially_copyable_v<iter_value_t<Values>> && sizeof(iter_value_t<Values>) <= 8;
template <class Keys, class Values>
inline constexpr bool moves_with_merges = sizeof(iter_value_t<Keys>) + sizeof(iter_value_t<Values>) <= 32;

/// One type for all values of a size, so that one kernel serves them.
template <class T>
using value_bits = std::conditional_t<(sizeof(T) & (sizeof(T) - 1)) == 0 && sizeof(T) <= 8 && alignof(T) == sizeof(T),
                                      bits_of_size<sizeof(T)>, T>;

/// Keys alone.
template <class P, class Keys, class Less>
void sort_alone(const P& policy, Keys keys, offset n, Less less) {
  if constexpr (sorts_by_digits<Keys, Less>) {
    using K = iter_value_t<Keys>;
    using bits = bits_of_size<sizeof(K)>;
    const auto order = make_key_order<K>(std::is_same_v<Less, weft::greater>);
    radix_sort_bits<P, bits, none>(policy, reinterpret_cast<bits*>(keys), nullptr, n, order);
  } else {
    merge_sort(policy, keys, n, less);
  }
}

/// Keys with small values that move with them in every pass.
template <class P, class Keys, class Values, class Less>
void sort_moving(const P& policy, Keys keys, Values values, offset n, Less less) {
  if constexpr (sorts_by_digits<Keys, Less>) {
    using K = iter_value_t<Keys>;
    using bits = bits_of_size<sizeof(K)>;
    using word = value_bits<iter_value_t<Values>>;
    radix_sort_bits<P, bits, word>(policy, reinterpret_cast<bits*>(keys), reinterpret_cast<word*>(values), n,
                                   make_key_order<K>(std::is_same_v<Less, weft::greater>));
  } else {
    merge_sort(policy, weft::zip(keys, values), n, less_by_key<Less>{less});
  }
}

template <class Index>
struct index_values {
  Index* index;
  WEFT_DEVICE void operator()(offset i) const { index[i] = static_cast<Index>(i); }
};
template <class Index, class Values, class T>
struct gather_values {
  const Index* index;
  Values values;
  T* to;
  WEFT_DEVICE void operator()(offset i) const { to[i] = static_cast<T>(values[static_cast<offset>(index[i])]); }
};
template <class T, class Values>
struct put_values {
  const T* from;
  Values values;
  WEFT_DEVICE void operator()(offset i) const { values[i] = from[i]; }
};

/// Sorts (key, index), then moves each value once.
template <class Index, class P, class Keys, class Values, class Less>
void sort_by_index(const P& policy, Keys keys, Values values, offset n, Less less) {
  using T = iter_value_t<Values>;
  static_assert(std::is_trivially_copyable_v<T>, "a GPU sorts trivially copyable values");
  temporary<Index> index(policy, n);
  for_each_index(policy, n, index_values<Index>{index.data()});
  sort_moving(policy, keys, index.data(), n, less);
  temporary<T> moved(policy, n);
  for_each_index(policy, n, gather_values<Index, Values, T>{index.data(), values, moved.data()});
  for_each_index(policy, n, put_values<T, Values>{moved.data(), values});
}

/// Sorts keys[0, n) by `less`, stably, and values, unless none{}, along with them.
template <class P, class Keys, class Values, class Less>
void sort(const P& policy, Keys keys, Values values, offset n, Less less) {
  if (n < 2) return;
  if constexpr (is_none<Values>)
    sort_alone(policy, keys, n, less);
  else if constexpr (sorts_by_digits<Keys, Less> ? moves_with_digits<Values> : moves_with_merges<Keys, Values>)
    sort_moving(policy, keys, values, n, less);
  else if (n <= offset{0xffffffff})
    sort_by_index<std::uint32_t>(policy, keys, values, n, less);
  else
    sort_by_index<std::uint64_t>(policy, keys, values, n, less);
}

}  // namespace weft::gpu
