// The first k elements of an order, and ranges sorted in part. top_k of arithmetic keys under weft::less or
// weft::greater finds the k-th key digit by digit from histograms, which only reads the input (once for 8-bit keys,
// three times for 32 bits, six for 64), selects what lies before it and sorts k elements; other types and orders are
// sorted in a copy.
//
// Keys are ordered as weft::sort orders them: -0.0 equals 0.0, NaNs come last under less and greater alike.
#pragma once

#include <weft/select.hpp>
#include <weft/sort.hpp>

#include <type_traits>

namespace weft::inline v100 {

namespace detail {

/// An arithmetic key as an unsigned number in the order of less, or of greater.
template <class T, bool Descending>
struct ordered_number {
  using bits = std::conditional_t<sizeof(T) == 1, std::uint8_t,
                                  std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                                     std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;
  static constexpr int width = 8 * sizeof(T);
  static constexpr bits sign = static_cast<bits>(bits{1} << (width - 1)), all = static_cast<bits>(~bits{0});

  WEFT_HOST_DEVICE bits operator()(T x) const {
    bits b{};
    if constexpr (std::is_floating_point_v<T>) {
      if (x != x) return all;
      if (x == 0) x = 0;  // not -0.0
      b = __builtin_bit_cast(bits, x);
      b = static_cast<bits>(b & sign ? ~b : b | sign);
    } else {
      b = static_cast<bits>(static_cast<bits>(x) ^ (std::is_signed_v<T> ? sign : bits{0}));
    }
    return static_cast<bits>(Descending ? ~b : b);
  }
};

/// What is known of the k-th key after some digits: these, and how many keys have lesser ones.
struct key_prefix {
  std::uint64_t digits;
  offset below;
};

struct digit_place {
  int shift, bits;  // of the digit
};
/// The digits of a number of `width` bits, from the highest: of eight bits for small numbers, else eleven.
constexpr digit_place digit_of(int width, int pass) {
  const int size = width <= 16 ? 8 : 11, above = pass * size;
  const int bits = width - above < size ? width - above : size;
  return {width - above - bits, bits};
}

/// The digit of elements that share the digits known so far, else -1.
template <class Key>
struct next_digit {
  Key key;
  const key_prefix* known;
  digit_place place;
  template <class T>
  WEFT_HOST_DEVICE int operator()(const T& x) const {
    const std::uint64_t u = key(x), down = u >> place.shift;
    const std::uint64_t above = down >> place.bits;  // at most 53 bits are left of a shift by 11
    return above == known->digits ? static_cast<int>(down & ((1u << place.bits) - 1)) : -1;
  }
};
struct start_prefix {
  key_prefix* known;
  WEFT_HOST_DEVICE void operator()(offset) const { *known = {0, 0}; }
};
/// For each digit: if the k-th key has it, writes what is known then.
struct take_digit {
  const std::uint64_t* up_to;  // how many have this digit or a lesser one
  const key_prefix* known;
  key_prefix* next;
  offset k;
  int bits;
  WEFT_HOST_DEVICE void operator()(offset digit) const {
    const offset before = digit > 0 ? static_cast<offset>(up_to[digit - 1]) : 0;
    const offset rank = k - 1 - known->below;
    if (before <= rank && rank < static_cast<offset>(up_to[digit]))
      *next = {known->digits << bits | static_cast<std::uint64_t>(digit), known->below + before};
  }
};

template <class Key>
struct before_kth {
  Key key;
  const key_prefix* kth;
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    return key(x) < kth->digits;
  }
};
template <class Key>
struct equals_kth {
  Key key;
  const key_prefix* kth;
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    return key(x) == kth->digits;
  }
};

/// Room for what equals the k-th key: behind all before it, and no more than k in all.
template <class Out>
struct bounded_reference {
  Out at;
  bool inside;
  template <class T>
  WEFT_HOST_DEVICE const bounded_reference& operator=(T&& value) const {
    if (inside) *at = static_cast<T&&>(value);
    return *this;
  }
};
template <class Out>
class behind_lesser : public iterator_facade<behind_lesser<Out>, bounded_reference<Out>, bounded_reference<Out>> {
 public:
  behind_lesser() = default;
  WEFT_HOST_DEVICE behind_lesser(Out out, const key_prefix* kth, offset k) : out_(out), kth_(kth), k_(k) {}
  WEFT_HOST_DEVICE bounded_reference<Out> operator[](offset n) const {
    const offset at = kth_->below + at_ + n;
    return {out_ + at, at < k_};
  }
  WEFT_HOST_DEVICE behind_lesser& operator+=(offset n) {
    at_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE offset operator-(const behind_lesser& a, const behind_lesser& b) { return a.at_ - b.at_; }

 private:
  Out out_{};
  const key_prefix* kth_ = nullptr;
  offset k_ = 0, at_ = 0;
};

template <class T, class Less>
inline constexpr bool has_ordered_number = std::is_arithmetic_v<T> && sizeof(T) <= 8 &&
                                           (std::is_same_v<Less, less> || std::is_same_v<Less, greater>);

template <class Key>
struct number_of_first {
  Key key;
  template <class Pair>
  WEFT_HOST_DEVICE auto operator()(const Pair& pair) const {
    return key(weft::get<0>(pair));
  }
};

/// The first k > 0 of n elements in the order of their numbers, to out, in their order of arrival.
template <int Width, class P, class In, class Out, class Key>
void select_first(const P& policy, In in, offset n, offset k, Out out, Key key) {
  constexpr int size = Width <= 16 ? 8 : 11, passes = (Width + size - 1) / size;
  const temporary<key_prefix> known(policy, passes + 1);
  const temporary<std::uint64_t> counts(policy, offset{1} << size);
  const temporary<offset> count(policy, 1);
  P::backend::for_each_index(policy, 1, start_prefix{known.data()});
  for (int pass = 0; pass < passes; ++pass) {
    const digit_place place = digit_of(Width, pass);
    const int bins = 1 << place.bits;
    P::backend::histogram(policy, in, n, counts.data(), bins, next_digit<Key>{key, known.data() + pass, place});
    P::backend::scan(policy, counts.data(), bins, counts.data(), plus{}, none{}, inclusive_t{});
    P::backend::for_each_index(policy, bins,
                               take_digit{counts.data(), known.data() + pass, known.data() + pass + 1, k, place.bits});
  }
  const key_prefix* const kth = known.data() + passes;
  P::backend::select_into(policy, in, n, out, none{}, count.data(), flag_if<before_kth<Key>>{{key, kth}});
  P::backend::select_into(policy, in, n, behind_lesser<Out>(out, kth, k), none{}, count.data(),
                          flag_if<equals_kth<Key>>{{key, kth}});
}

}  // namespace detail

/// Writes the first `k` elements in the order of `less` (by default the largest, largest first), sorted and stable, to
/// `out`, which must be apart from the input; returns its end. All elements where there are no more than k. The number
/// is known, so it never waits with `.on(stream)`. Temporary memory: a few kilobytes, or n elements where a copy is
/// sorted.
template <execution_policy P, random_access In, writable_from<In> Out, orders<iter_value_t<In>> Less = greater>
  requires random_access<Out> && std::same_as<iter_value_t<In>, iter_value_t<Out>> Out top_k(const P& policy, In first,
                                                                                             In last, offset k, Out out,
                                                                                             Less less = {}) {
    using T = iter_value_t<In>;
    const auto n = static_cast<offset>(last - first);
    weft::require(k >= 0, policy, "top_k", "a negative number of elements");
    k = k < n ? k : n;
    const auto in = detail::checked(policy, "top_k", first, n);
    const auto to = detail::checked(policy, "top_k", out, k);
    detail::check_apart(policy, "top_k", in, n, to, k);
    if (k > 0) {
      if constexpr (detail::has_ordered_number<T, Less>) {
        using key = detail::ordered_number<T, std::is_same_v<Less, greater>>;
        detail::select_first<key::width>(policy, in, n, k, to, key{});
        P::backend::sort(policy, to, none{}, k, less);
      } else {
        const detail::assignable_temporary<P, std::remove_const_t<decltype(in)>> all(policy, in, n);
        P::backend::transform(policy, in, n, all.data(), identity{});
        P::backend::sort(policy, all.data(), none{}, n, less);
        P::backend::transform(policy, all.data(), k, to, identity{});
      }
    }
    weft::finish(policy);
    return out + k;
  }

/// top_k of keys, which moves the values beside them along (the positions, with weft::counting); returns the ends of
/// both outputs.
template <execution_policy P, random_access Keys, random_access Values, writable_from<Keys> OutKeys,
          writable_from<Values> OutValues, orders<iter_value_t<Keys>> Less = greater>
  requires detail::has_ordered_number<iter_value_t<Keys>, Less> std::pair<OutKeys, OutValues> top_k_by_key(
      const P& policy, Keys first, Keys last, Values values, offset k, OutKeys out_keys, OutValues out_values,
      Less less = {}) {
    const auto n = static_cast<offset>(last - first);
    weft::require(k >= 0, policy, "top_k_by_key", "a negative number of elements");
    k = k < n ? k : n;
    const auto keys = detail::checked(policy, "top_k_by_key", first, n);
    const auto in_values = detail::checked(policy, "top_k_by_key", values, n);
    const auto to = detail::checked(policy, "top_k_by_key", out_keys, k);
    const auto to_values = detail::checked(policy, "top_k_by_key", out_values, k);
    detail::check_apart(policy, "top_k_by_key", keys, n, to, k);
    using key = detail::ordered_number<iter_value_t<Keys>, std::is_same_v<Less, greater>>;
    if (k > 0) {
      detail::select_first<key::width>(policy, weft::zip(keys, in_values), n, k, weft::zip(to, to_values),
                                       detail::number_of_first<key>{});
      P::backend::sort(policy, to, to_values, k, less);
    }
    weft::finish(policy);
    return {out_keys + k, out_values + k};
  }

/// Sorts [first, last) so far that [first, middle) are its first elements in order. Sorts all: see top_k for few of
/// many.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
  requires writable_from<It, It>
void partial_sort(const P& policy, It first, It middle, It last, Less less = {}) {
  weft::require(first <= middle && middle <= last, policy, "partial_sort", "middle lies outside the range");
  weft::sort(policy, first, last, less);
}

/// Brings the element that sorting would bring there to `nth`, none greater before it and none less behind it. Sorts
/// all: top_k finds a k-th element in fewer passes where it need not stand in the range.
template <execution_policy P, random_access It, orders<iter_value_t<It>> Less = less>
  requires writable_from<It, It>
void nth_element(const P& policy, It first, It nth, It last, Less less = {}) {
  weft::require(first <= nth && nth <= last, policy, "nth_element", "nth lies outside the range");
  weft::sort(policy, first, last, less);
}

}  // namespace weft
