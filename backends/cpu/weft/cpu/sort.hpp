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

/// The plan of sort_elements. One of the sorts runs; where the first may find that it is not for these numbers, there
/// is room for the next.
template <class K, class E, class Less>
struct elements_plan {
  static constexpr bool by_bits = sorts_by_bits<K, Less>;
  static constexpr bool in_registers = by_bits && std::is_same_v<K, E> && vector_sortable<K>;
  static constexpr bool may_merge = !by_bits || sizeof(K) == 8;
  struct nothing {};

  template <class Scheduler>
  static elements_plan of(offset n) {
    elements_plan plan;
    if constexpr (in_registers) {
      plan.numbers = number_sort_plan<K>::template of<Scheduler>(n);
      if (std::is_integral_v<K> && sorts_in_registers()) return plan;
    }
    // Wide keys: fewer merges than digits, until the ranges leave the cache.
    plan.merges = !by_bits || (may_merge && n > 24 && n <= (std::is_same_v<K, E> ? 160 : 1 << 16));
    if (plan.merges) {
      plan.merge = merge_sort_plan<E>::template of<Scheduler>(n);
    } else if constexpr (by_bits) {
      plan.radix = radix_plan<E>::template of<Scheduler>(n);
    }
    return plan;
  }
  void divide(divider& from) {
    const std::size_t mark = from.used();
    if constexpr (in_registers) numbers.divide(from), from.back_to(mark);
    if (merges) return merge.divide(from);
    if constexpr (by_bits) radix.divide(from);
  }

  bool merges = false;
  [[no_unique_address]] std::conditional_t<in_registers, number_sort_plan<K>, nothing> numbers{};
  [[no_unique_address]] std::conditional_t<by_bits, radix_plan<E>, nothing> radix{};
  merge_sort_plan<E> merge{1, 0, nullptr};
};

/// Sorts elements that are keys or have a member `key`.
template <class Scheduler, class K, class E, class Less>
void sort_elements(const elements_plan<K, E, Less>& plan, E* data, offset n, const Less& less) {
  if constexpr (sorts_by_bits<K, Less>) {
    constexpr bool descending = std::is_same_v<Less, weft::greater>;
    if constexpr (elements_plan<K, E, Less>::in_registers) {
      if (sort_numbers<Scheduler, descending>(plan.numbers, data, n)) return;
    }
    using key = key_bits<K, descending>;
    if constexpr (elements_plan<K, E, Less>::may_merge) {
      if (plan.merges)
        return merge_sort<Scheduler>(plan.merge, data, n, [](const E& a, const E& b) { return key{}(a) < key{}(b); });
    }
    radix_sort<key, Scheduler>(plan.radix, data, n);
  } else if constexpr (std::is_same_v<K, E>) {
    merge_sort<Scheduler>(plan.merge, data, n, less);
  } else {
    merge_sort<Scheduler>(plan.merge, data, n, by_key<Less>{less});
  }
}

inline constexpr offset move_grain = 1 << 14;

template <class Values>
struct value_or_none {
  using type = iter_value_t<Values>;
};
template <>
struct value_or_none<none> {
  using type = none;
};

/// range[i] = the old range[source(i)], for objects of any type; `cells` is room for n of them.
template <class Scheduler, class T, class It, class Source>
void permute(typename objects<T>::cell* cells, It range, offset n, Source source) {
  objects<T> moved(cells, n);
  for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
    for (offset i = begin; i < end; ++i) moved.emplace(i, static_cast<T&&>(range[source(i)]));
  });
  for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
    for (offset i = begin; i < end; ++i) range[i] = static_cast<T&&>(moved[i]);
  });
}

// The ways to sort: a plan each, with what it does in run.
// ---------------------------------------------------------------

/// Keys alone, in an array.
template <class K, class Less>
struct sort_in_place {
  template <class Scheduler>
  static sort_in_place of(offset n) {
    return {elements_plan<K, K, Less>::template of<Scheduler>(n)};
  }
  void divide(divider& from) { elements.divide(from); }
  template <class Scheduler, class Keys>
  void run(Keys keys, none, offset n, const Less& less) const {
    sort_elements<Scheduler>(elements, keys, n, less);
  }
  elements_plan<K, K, Less> elements;
};

/// Keys alone, behind an iterator: copied to an array and back.
template <class K, class Less>
struct sort_copied {
  template <class Scheduler>
  static sort_copied of(offset n) {
    return {elements_plan<K, K, Less>::template of<Scheduler>(n), n, nullptr};
  }
  void divide(divider& from) {
    copy = from.take<K>(size);
    elements.divide(from);
  }
  template <class Scheduler, class Keys>
  void run(Keys keys, none, offset n, const Less& less) const {
    K* const data = copy;
    for_chunks<Scheduler>(n, move_grain, [=](offset begin, offset end) {
      for (offset i = begin; i < end; ++i) ::new (static_cast<void*>(data + i)) K(keys[i]);
    });
    sort_elements<Scheduler>(elements, data, n, less);
    for_chunks<Scheduler>(n, move_grain, [=](offset begin, offset end) {
      for (offset i = begin; i < end; ++i) keys[i] = data[i];
    });
  }
  elements_plan<K, K, Less> elements;
  offset size;
  K* copy;
};

/// Trivially copyable keys with something of type V beside each.
template <class K, class V, class Less>
struct packed_plan {
  using E = pair_element<K, V>;

  template <class Scheduler>
  static packed_plan of(offset n) {
    return {elements_plan<K, E, Less>::template of<Scheduler>(n), n <= 64 && sizeof(E) <= 64 ? 0 : n, nullptr};
  }
  void divide(divider& from) {
    pairs = from.take<E>(size);
    elements.divide(from);
  }
  /// pack(i) goes beside key i; unpack(elements) sees them sorted.
  template <class Scheduler, class Keys, class Pack, class Unpack>
  void sort(Keys keys, offset n, const Less& less, Pack pack, Unpack unpack) const {
    const auto run = [&](E* element) {
      for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
        for (offset i = begin; i < end; ++i) ::new (static_cast<void*>(element + i)) E{K(keys[i]), pack(i)};
      });
      sort_elements<Scheduler>(elements, element, n, less);
      for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
        for (offset i = begin; i < end; ++i) keys[i] = element[i].key;
      });
      unpack(element);
    };
    if (n <= 64 && sizeof(E) <= 64) {
      stack_array<E, 64> few;
      run(few.data());
    } else {
      run(pairs);
    }
  }
  elements_plan<K, E, Less> elements;
  offset size;
  E* pairs;
};

/// Key and value side by side.
template <class K, class V, class Less>
struct sort_pairs : packed_plan<K, V, Less> {
  template <class Scheduler>
  static sort_pairs of(offset n) {
    return {packed_plan<K, V, Less>::template of<Scheduler>(n)};
  }
  template <class Scheduler, class Keys, class Values>
  void run(Keys keys, Values values, offset n, const Less& less) const {
    this->template sort<Scheduler>(
        keys, n, less, [&](offset i) { return V(values[i]); },
        [&](const auto* element) {
          for_chunks<Scheduler>(n, move_grain, [&](offset begin, offset end) {
            for (offset i = begin; i < end; ++i) values[i] = element[i].value;
          });
        });
  }
};

/// Key and index side by side; then the values, of type V, are moved once.
template <class K, class V, class Index, class Less>
struct sort_with_index {
  template <class Scheduler>
  static sort_with_index of(offset n) {
    return {packed_plan<K, Index, Less>::template of<Scheduler>(n), n, nullptr};
  }
  void divide(divider& from) {
    packed.divide(from);
    moved = from.take<typename objects<V>::cell>(size);
  }
  template <class Scheduler, class Keys, class Values>
  void run(Keys keys, Values values, offset n, const Less& less) const {
    packed.template sort<Scheduler>(
        keys, n, less, [](offset i) { return static_cast<Index>(i); },
        [&](const auto* element) {
          permute<Scheduler, V>(moved, values, n, [=](offset i) { return static_cast<offset>(element[i].value); });
        });
  }
  packed_plan<K, Index, Less> packed;
  offset size;
  typename objects<V>::cell* moved;
};

/// Keys that are not trivially copyable: their indices are sorted, then keys and values (V, or none) moved once.
template <class K, class V, class Index, class Less>
struct sort_indices {
  using key_cell = typename objects<K>::cell;
  using value_cell = typename objects<std::conditional_t<is_none<V>, K, V>>::cell;

  template <class Scheduler>
  static sort_indices of(offset n) {
    return {merge_sort_plan<Index>::template of<Scheduler>(n), n, nullptr, nullptr, nullptr};
  }
  void divide(divider& from) {
    index = from.take<Index>(size);
    const std::size_t mark = from.used();  // the rest is used one after the other
    merge.divide(from), from.back_to(mark);
    moved_keys = from.take<key_cell>(size), from.back_to(mark);
    if constexpr (!is_none<V>) moved_values = from.take<value_cell>(size);
  }
  template <class Scheduler, class Keys, class Values>
  void run(Keys keys, Values values, offset n, const Less& less) const {
    Index* const order = index;
    for_chunks<Scheduler>(n, move_grain, [=](offset begin, offset end) {
      for (offset i = begin; i < end; ++i) order[i] = static_cast<Index>(i);
    });
    merge_sort<Scheduler>(merge, order, n, [&](Index a, Index b) {
      return less(keys[static_cast<offset>(a)], keys[static_cast<offset>(b)]);
    });
    const auto source = [=](offset i) { return static_cast<offset>(order[i]); };
    permute<Scheduler, K>(moved_keys, keys, n, source);
    if constexpr (!is_none<V>) permute<Scheduler, V>(moved_values, values, n, source);
  }
  merge_sort_plan<Index> merge;
  offset size;
  Index* index;
  key_cell* moved_keys;
  value_cell* moved_values;
};

}  // namespace detail

/// f(the plan of the way to sort n keys, which has a function `run`).
template <class Scheduler, class Keys, class Values, class Less, class F>
void plan_sort(offset n, const F& f) {
  using K = iter_value_t<Keys>;
  const bool narrow = n < offset{1} << 31;
  const auto with = [&]<class Plan>(std::type_identity<Plan>) { f(Plan::template of<Scheduler>(n)); };
  const auto with_narrowest = [&]<class Narrow, class Wide>(std::type_identity<Narrow> a, std::type_identity<Wide> b) {
    narrow ? with(a) : with(b);
  };
  if constexpr (!std::is_trivially_copyable_v<K>) {
    using V = typename detail::value_or_none<Values>::type;
    with_narrowest(std::type_identity<detail::sort_indices<K, V, std::uint32_t, Less>>{},
                   std::type_identity<detail::sort_indices<K, V, std::uint64_t, Less>>{});
  } else if constexpr (is_none<Values>) {
    if constexpr (std::is_pointer_v<Keys>)
      with(std::type_identity<detail::sort_in_place<K, Less>>{});
    else
      with(std::type_identity<detail::sort_copied<K, Less>>{});
  } else {
    using V = iter_value_t<Values>;
    if constexpr (std::is_trivially_copyable_v<V> && sizeof(V) <= 16)
      with(std::type_identity<detail::sort_pairs<K, V, Less>>{});
    else
      with_narrowest(std::type_identity<detail::sort_with_index<K, V, std::uint32_t, Less>>{},
                     std::type_identity<detail::sort_with_index<K, V, std::uint64_t, Less>>{});
  }
}

}  // namespace weft::cpu
