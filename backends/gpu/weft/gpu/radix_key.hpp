// How a radix sort sees a key: as an unsigned number whose order is the order wanted. The mapping is one to one and
// made of run-time numbers, so one kernel serves all key types of a size, ascending and descending.
//
// Floating point: numbers by value; -0.0 and +0.0 count as equal (they keep their order of arrival and their signs);
// NaNs come behind all numbers, ascending and descending alike, ordered among themselves by their bits.
#pragma once

#include <weft/device.hpp>
#include <weft/functional.hpp>

#include <cstring>
#include <type_traits>

namespace weft::inline v100::gpu {

/// The unsigned integer of `Bytes` bytes.
template <int Bytes>
using bits_of_size = std::conditional_t<
    Bytes == 1, std::uint8_t,
    std::conditional_t<Bytes == 2, std::uint16_t, std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>>;

/// Keys that have digits: arithmetic types of at most 8 bytes.
template <class T>
inline constexpr bool has_digits = std::is_arithmetic_v<T> && sizeof(T) <= 8;

template <class Bits>
struct key_order {
  Bits flip;      // exclusive-or of every key; has all bits the other way round for a descending order
  Bits negative;  // and of keys with the sign set
  Bits origin;    // what becomes 0
  Bits zero;      // the number that counts as its successor: the lower one of -0.0 and +0.0
  Bits bump;      // 1 where `zero` means anything
  bool reversed;

  static WEFT_HOST_DEVICE Bits spread_sign(Bits x) {
    using S = std::make_signed_t<Bits>;
    return static_cast<Bits>(static_cast<S>(x) >> (8 * sizeof(Bits) - 1));
  }
  WEFT_HOST_DEVICE Bits encode(Bits x) const {
    return static_cast<Bits>((x ^ flip ^ (spread_sign(x) & negative)) - origin);
  }
  WEFT_HOST_DEVICE Bits decode(Bits k) const {
    const Bits y = static_cast<Bits>(static_cast<Bits>(k + origin) ^ flip);
    return static_cast<Bits>(y ^ (spread_sign(y) & negative));
  }
  /// What an encoded floating-point key stands for; of a descending order, the opposite.
  template <class T>
  WEFT_HOST_DEVICE T value(Bits k) const {
    static_assert(sizeof(T) == sizeof(Bits), "a number of the key's size");
    union {
      Bits bits;
      T number;
    } u{decode(k)};
    return reversed ? -u.number : u.number;
  }
  /// origin - x where it was x - origin: complements of both are subtracted.
  void reverse() { flip = static_cast<Bits>(~flip), origin = static_cast<Bits>(~origin); }
  /// What the digits of an encoded key are taken from.
  WEFT_HOST_DEVICE Bits digits(Bits k) const { return static_cast<Bits>(k + (k == zero ? bump : Bits{0})); }
};

/// The order of keys of type T under weft::less (or weft::greater).
template <class T>
key_order<bits_of_size<sizeof(T)>> make_key_order(bool descending) {
  using Bits = bits_of_size<sizeof(T)>;
  const Bits sign = static_cast<Bits>(Bits{1} << (8 * sizeof(T) - 1)), all = static_cast<Bits>(~Bits{0});
  key_order<Bits> order{0, 0, 0, 0, 0, descending};
  if constexpr (std::is_floating_point_v<T>) {
    order.flip = sign;
    order.negative = static_cast<Bits>(all ^ sign);
    auto code = [&](T x) {
      Bits b;
      std::memcpy(&b, &x, sizeof b);
      return order.encode(b);
    };
    const T infinity = static_cast<T>(__builtin_huge_val()), zero = 0;
    order.origin = code(descending ? infinity : -infinity);
    if (descending) order.reverse();
    order.zero = code(descending ? zero : -zero);
    order.bump = 1;
  } else {
    order.flip = std::is_signed_v<T> ? sign : Bits{0};
    if (descending) order.origin = all, order.reverse();
  }
  return order;
}

}  // namespace weft::gpu
