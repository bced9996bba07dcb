// Function objects: the operators algorithms are called with, the same on both sides. Stateless, so they cost nothing
// to pass to a kernel; templates, so one object serves every type and mixed types. Backends recognise them by type (a
// sort by `less` may be a radix sort, a `plus` may use a hardware reduction); a lambda that does the same is only
// slower.
//
// Binary operators take const references and return values. Comparisons use `<` and `==` only. Those that algorithms
// default to name their result, so that a constraint can say that a type has no `+`, `*`, `<` or `==`.
#pragma once

#include <weft/device.hpp>

#include <type_traits>

namespace weft::inline v100 {

// Arithmetic --------------------------------------------------------------------------------------------------------

struct plus {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const -> decltype(a + b) {
    return a + b;
  }
};
struct minus {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const -> decltype(a - b) {
    return a - b;
  }
};
/// a * b, rounded before anything is done with it: never fused with a following addition into one operation of other
/// rounding, so that inner products have the same bits on every backend (see `product` in device.hpp).
struct multiplies {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const -> decltype(a * b) {
    if constexpr (std::is_same_v<A, B> && (std::is_same_v<A, float> || std::is_same_v<A, double>)) {
      return product(a, b);
    } else {
      return a * b;
    }
  }
};
struct divides {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return a / b;
  }
};
struct modulus {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return a % b;
  }
};
struct negate {
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& x) const {
    return -x;
  }
};
struct square {
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& x) const {
    return multiplies{}(x, x);
  }
};
/// |x|; -0.0 becomes +0.0, NaN stays NaN. The least signed integer has none, as in std::abs.
struct absolute {
  template <class T>
  WEFT_HOST_DEVICE constexpr T operator()(const T& x) const {
    if constexpr (std::is_unsigned_v<T>) {
      return x;
    } else {
      return static_cast<T>(x < T(0) ? -x : x + T(0));  // -0.0 + 0.0 is +0.0; all else is unchanged
    }
  }
};

// Order -------------------------------------------------------------------------------------------------------------

/// The lesser operand, the first among equals.
struct minimum {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return b < a ? b : a;
  }
};
/// The greater operand, the first among equals (std::max).
struct maximum {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return a < b ? b : a;
  }
};
struct less {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const -> decltype(static_cast<bool>(a < b)) {
    return a < b;
  }
};
struct greater {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const -> decltype(static_cast<bool>(b < a)) {
    return b < a;
  }
};
struct less_equal {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr bool operator()(const A& a, const B& b) const {
    return a <= b;
  }
};
struct greater_equal {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr bool operator()(const A& a, const B& b) const {
    return a >= b;
  }
};
struct equal_to {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const -> decltype(static_cast<bool>(a == b)) {
    return a == b;
  }
};
struct not_equal_to {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr bool operator()(const A& a, const B& b) const {
    return !(a == b);
  }
};

// Logic and bits ----------------------------------------------------------------------------------------------------

struct logical_and {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr bool operator()(const A& a, const B& b) const {
    return a && b;
  }
};
struct logical_or {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr bool operator()(const A& a, const B& b) const {
    return a || b;
  }
};
struct logical_not {
  template <class T>
  WEFT_HOST_DEVICE constexpr bool operator()(const T& x) const {
    return !x;
  }
};
struct bit_and {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return a & b;
  }
};
struct bit_or {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return a | b;
  }
};
struct bit_xor {
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return a ^ b;
  }
};
struct bit_not {
  template <class T>
  WEFT_HOST_DEVICE constexpr auto operator()(const T& x) const {
    return ~x;
  }
};

/// Its argument: an lvalue as a reference, a temporary by value (std::identity would return a reference to it).
struct identity {
  template <class T>
  WEFT_HOST_DEVICE constexpr T operator()(T&& x) const {
    return static_cast<T&&>(x);
  }
};

// Functions of functions: each holds copies, and is as trivially copyable as what it holds ---------------------------

template <class F>
struct not_fn_t {
  F function;
  template <class... Ts>
  WEFT_HOST_DEVICE constexpr bool operator()(Ts&&... x) const {
    return !function(static_cast<Ts&&>(x)...);
  }
};
/// a, b -> op(b, a), as swapped(op)
template <class Op>
struct swapped {
  Op op;
  WEFT_HOST_DEVICE constexpr explicit swapped(Op op_) : op(static_cast<Op&&>(op_)) {}
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr decltype(auto) operator()(A&& a, B&& b) const {
    return op(static_cast<B&&>(b), static_cast<A&&>(a));
  }
};
template <class Op, class T>
struct bind_first_t {
  Op op;
  T value;
  template <class B>
  WEFT_HOST_DEVICE constexpr decltype(auto) operator()(B&& b) const {
    return op(value, static_cast<B&&>(b));
  }
};
template <class Op, class T>
struct bind_second_t {
  Op op;
  T value;
  template <class A>
  WEFT_HOST_DEVICE constexpr decltype(auto) operator()(A&& a) const {
    return op(static_cast<A&&>(a), value);
  }
};
template <class Outer, class Inner>
struct compose_t {
  Outer outer;
  Inner inner;
  template <class... Ts>
  WEFT_HOST_DEVICE constexpr decltype(auto) operator()(Ts&&... x) const {
    return outer(inner(static_cast<Ts&&>(x)...));
  }
};

/// x... -> !f(x...)
template <class F>
WEFT_HOST_DEVICE constexpr not_fn_t<F> not_fn(F f) {
  return {static_cast<F&&>(f)};
}
/// b -> op(value, b)
template <class Op, class T>
WEFT_HOST_DEVICE constexpr bind_first_t<Op, T> bind_first(Op op, T value) {
  return {static_cast<Op&&>(op), static_cast<T&&>(value)};
}
/// a -> op(a, value)
template <class Op, class T>
WEFT_HOST_DEVICE constexpr bind_second_t<Op, T> bind_second(Op op, T value) {
  return {static_cast<Op&&>(op), static_cast<T&&>(value)};
}
/// x... -> outer(inner(x...)). `outer` must not return a reference into a temporary that `inner` made.
template <class Outer, class Inner>
WEFT_HOST_DEVICE constexpr compose_t<Outer, Inner> compose(Outer outer, Inner inner) {
  return {static_cast<Outer&&>(outer), static_cast<Inner&&>(inner)};
}

}  // namespace weft
