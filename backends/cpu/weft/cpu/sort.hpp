// sort: stable, keys alone or with values. Arithmetic keys under weft::less or weft::greater go to the radix sort, all
// else to the merge sort. Both move whole elements: keys alone, key and value side by side, or key and index where
// values are large or not trivially copyable; where the keys are not, indices are sorted and the objects moved once at
// the end.
//
// Floating-point keys: numbers by value, -0.0 and 0.0 equal, NaNs behind all numbers under less and greater alike.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/merge_sort.hpp>
#include <weft/cpu/number_sort.hpp>
#include <weft/cpu/radix.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

namespace detail {

template <class K, class Less>
inline constexpr bool sorts_by_bits = std::is_arithmetic_v<K> && sizeof(K) <= 8 &&
                                      (std::is_same_v<Less, weft::less> || std::is_same_v<Less, weft::greater>);

/// The key as an unsigned number whose order is the order asked for. Floating point: counted from the infinity that
/// comes first, so that NaNs wrap around to the end; the lower one of -0.0 and 0.0 counts as its neighbour. The same
/// numbers as gpu/radix_key.hpp's, so NaNs too come out alike everywhere.
template <class K, bool Descending>
constexpr unsigned_of<sizeof(K)> ordered_bits(K key) {
  using U = unsigned_of<sizeof(K)>;
  constexpr U top = static_cast<U>(U{1} << (sizeof(K) * 8 - 1));
  U bits;
  __builtin_memcpy(&bits, &key, sizeof(K));
  if constexpr (std::is_floating_point_v<K>) {
    constexpr K infinity = static_cast<K>(__builtin_huge_val());
    constexpr U largest = __builtin_bit_cast(U, infinity);  // of +inf, sign clear
    constexpr U origin = Descending ? static_cast<U>(largest ^ top) : static_cast<U>(~(largest ^ top));
    constexpr U zero = Descending ? static_cast<U>(origin - top) : static_cast<U>(top - 1 - origin);
    // All ones or none, by arithmetic: a branch on the sign would be taken at random.
    const U negative = static_cast<U>(U{0} - static_cast<U>(bits >> (sizeof(K) * 8 - 1)));
    bits = static_cast<U>(bits ^ (negative | top));
    bits = static_cast<U>(Descending ? origin - bits : bits - origin);
    return static_cast<U>(bits + (bits == zero ? 1 : 0));
  } else {
    if constexpr (std::is_signed_v<K>) bits = static_cast<U>(bits ^ top);
    return Descending ? static_cast<U>(~bits) : bits;
  }
}

template <class K, class V>
struct pair_element {
  K key;
  V value;
};

template <class K, bool Descending>
struct key_bits {
  static constexpr bool descending = Descending;
  auto operator()(const K& x) const { return ordered_bits<K, Descending>(x); }
  template <class V>
  auto operator()(const pair_element<K, V>& x) const {
    return ordered_bits<K, Descending>(x.key);
  }
};

template <class Less>
struct by_key {
  Less less;
  template <class E>
  bool operator()(const E& a, const E& b) const {
    return less(a.key, b.key);
  }
};

/// Sorts elements that are keys or have a member `key`.
template <class Scheduler, class Policy, class K, class E, class Less>
void sort_elements(const Policy& policy, E* data, offset n, const Less& less) {
  if constexpr (sorts_by_bits<K, Less>) {
    constexpr bool descending = std::is_same_v<Less, weft::greater>;
    if constexpr (std::is_same_v<K, E> && vector_sortable<K>) {
      if (sort_numbers<Scheduler, descending>(policy, data, n)) return;
    }
    using key = key_bits<K, descending>;
    // Wide keys: fewer merges than digits, until the ranges leave the cache.
    if (sizeof(K) == 8 && n > 24 && n <= (std::is_same_v<K, E> ? 160 : 1 << 16))
      merge_sort<Scheduler>(policy, data, n, [](const E& a, const E& b) { return key{}(a) < key{}(b); });
    else
      radix_sort<key, Scheduler>(policy, data, n);
  } else if constexpr (std::is_same_v<K, E>) {
    merge_sort<Scheduler>(policy, data, n, less);
  } else {
    merge_sort<Scheduler>(policy, data, n, by_key<Less>{less});
  }
}

inline constexpr offset move_grain = 1 << 14;

/// range[i] = the old range[source(i)], for objects of any type.
template <class Scheduler, class Policy, class It, class Source>
void permute(const Policy& policy, It range, offset n, Source source) {
  using T = iter_value_t<It>;
  objects<T> moved(policy, n);
  for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
    for (offset i = begin; i < end; ++i) moved.emplace(i, static_cast<T&&>(range[source(i)]));
  });
  for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
    for (offset i = begin; i < end; ++i) range[i] = static_cast<T&&>(moved[i]);
  });
}

/// Keys that are not trivially copyable: sorts their indices.
template <class Scheduler, class Index, class Policy, class Keys, class Values, class Less>
void sort_indices(const Policy& policy, Keys keys, Values values, offset n, const Less& less) {
  temporary<Index> indices(policy, n);
  Index* const index = indices.data();
  for_chunks<Scheduler>(n, move_grain, [=](offset begin, offset end) {
    for (offset i = begin; i < end; ++i) index[i] = static_cast<Index>(i);
  });
  merge_sort<Scheduler>(policy, index, n, [&](Index a, Index b) {
    return less(keys[static_cast<offset>(a)], keys[static_cast<offset>(b)]);
  });
  const auto source = [=](offset i) { return static_cast<offset>(index[i]); };
  permute<Scheduler>(policy, keys, n, source);
  if constexpr (!is_none<Values>) permute<Scheduler>(policy, values, n, source);
}

/// Trivially copyable keys with something of type V beside each.
template <class Scheduler, class V, class Policy, class Keys, class Less, class Pack, class Unpack>
void sort_packed(const Policy& policy, Keys keys, offset n, const Less& less, Pack pack, Unpack unpack) {
  using K = iter_value_t<Keys>;
  using E = pair_element<K, V>;
  const auto run = [&](E* element) {
    for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
      for (offset i = begin; i < end; ++i) ::new (static_cast<void*>(element + i)) E{K(keys[i]), pack(i)};
    });
    sort_elements<Scheduler, Policy, K>(policy, element, n, less);
    for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
      for (offset i = begin; i < end; ++i) keys[i] = element[i].key;
    });
    unpack(element);
  };
  if (n <= 64 && sizeof(E) <= 64) {
    stack_array<E, 64> elements;
    run(elements.data());
  } else {
    temporary<E> elements(policy, n);
    run(elements.data());
  }
}

template <class Scheduler, class Index, class Policy, class Keys, class Values, class Less>
void sort_with_index(const Policy& policy, Keys keys, Values values, offset n, const Less& less) {
  sort_packed<Scheduler, Index>(
      policy, keys, n, less, [](offset i) { return static_cast<Index>(i); },
      [&](const auto* element) {
        permute<Scheduler>(policy, values, n, [=](offset i) { return static_cast<offset>(element[i].value); });
      });
}

}  // namespace detail

template <class Scheduler, class Policy, class Keys, class Values, class Less>
void sort(const Policy& policy, Keys keys, Values values, offset n, Less less) {
  using K = iter_value_t<Keys>;
  constexpr offset narrow = offset{1} << 31;
  if (n < 2) return;
  if constexpr (!std::is_trivially_copyable_v<K>) {
    if (n < narrow) {
      detail::sort_indices<Scheduler, std::uint32_t>(policy, keys, values, n, less);
    } else {
      detail::sort_indices<Scheduler, std::uint64_t>(policy, keys, values, n, less);
    }
  } else if constexpr (is_none<Values>) {
    if constexpr (std::is_pointer_v<Keys>) {
      detail::sort_elements<Scheduler, Policy, K>(policy, keys, n, less);
    } else {
      temporary<K> copy(policy, n);
      K* const data = copy.data();
      for_chunks<Scheduler>(n, detail::move_grain, [=](offset begin, offset end) {
        for (offset i = begin; i < end; ++i) ::new (static_cast<void*>(data + i)) K(keys[i]);
      });
      detail::sort_elements<Scheduler, Policy, K>(policy, data, n, less);
      for_chunks<Scheduler>(n, detail::move_grain, [=](offset begin, offset end) {
        for (offset i = begin; i < end; ++i) keys[i] = data[i];
      });
    }
  } else {
    using V = iter_value_t<Values>;
    if constexpr (std::is_trivially_copyable_v<V> && sizeof(V) <= 16) {
      detail::sort_packed<Scheduler, V>(
          policy, keys, n, less, [&](offset i) { return V(values[i]); },
          [&](const auto* element) {
            for_chunks<Scheduler>(n, detail::move_grain, [&](offset begin, offset end) {
              for (offset i = begin; i < end; ++i) values[i] = element[i].value;
            });
          });
    } else if (n < narrow) {
      detail::sort_with_index<Scheduler, std::uint32_t>(policy, keys, values, n, less);
    } else {
      detail::sort_with_index<Scheduler, std::uint64_t>(policy, keys, values, n, less);
    }
  }
}

}  // namespace weft::cpu
