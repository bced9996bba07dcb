// What the public algorithms ask of their arguments: named concepts, so that a wrong call is refused at the call the
// user wrote with the name of what is missing, and the run-time check that stands at the head of every algorithm.
// Host interface only: kernels are unconstrained.
#pragma once

#include <weft/backend.hpp>
#include <weft/error.hpp>
#include <weft/iterator.hpp>

#include <concepts>
#include <type_traits>

namespace weft::inline v100 {

/// An input range: elements at any index, and `last - first` says how many.
template <class It>
concept random_access = requires(const It it, offset n) {
  it[n];
  it + n;
  { it - it } -> std::convertible_to<offset>;
};

/// An output that takes values of type V at any index.
template <class Out, class V>
concept writable = requires(const Out out, const V& value, offset n) {
  out[n] = value;
  out + n;
};

/// An output that takes the elements of the range It.
template <class Out, class It>
concept writable_from = writable<Out, iter_value_t<It>>;

// Functions are not asked as const: what nvcc shows the host of a __device__ lambda has no const call operator.

/// A function of one argument of type T. Its result is not looked at here: the host pass of a CUDA compiler cannot know
/// what a device lambda returns.
template <class F, class T>
concept unary_function = requires(F f, const T& value) {
  f(value);
};

/// A function of two arguments.
template <class F, class A, class B>
concept binary_function = requires(F f, const A& a, const B& b) {
  f(a, b);
};

/// A question about one value.
template <class F, class T>
concept predicate_on = requires(F f, const T& value) {
  { f(value) } -> std::convertible_to<bool>;
};

/// A question about two values: an order (strict weak, `less`) or an equality.
template <class F, class A, class B = A>
concept relation_on = requires(F f, const A& a, const B& b) {
  { f(a, b) } -> std::convertible_to<bool>;
};

/// A strict weak order of values of type T. Only that it can be called is checked; that it is an order is promised.
template <class Less, class T>
concept orders = relation_on<Less, T, T>;

/// An operator that folds two values of type T into one. Only that it can be called is checked; that it is associative
/// is promised.
template <class Op, class T>
concept folds = requires(Op op, const T& a, const T& b) {
  { op(a, b) } -> std::convertible_to<T>;
};

/// A pointer to weft::offset (or an iterator that unwraps to one) into which a count or an index is written.
template <class Count>
concept count_pointer = std::same_as<decltype(weft::unwrap(std::declval<const Count&>())), offset*>;

namespace detail {

/// The iterator as verbs want it (raw where it is contiguous), after the checks that cost nothing: n >= 0, no null with
/// n > 0, no host pointer for a device. Throws weft::invalid_argument; nothing has run then.
template <class P, class It>
[[gnu::always_inline]] inline auto checked(const P& policy, std::string_view call, const It& it, offset n) {
  auto raw = weft::unwrap(it);
  check_range(policy, call, raw, n);
  return raw;
}

/// Refuses raw ranges that overlap, for the algorithms that read what they would already have overwritten. Ranges of
/// other iterators are not looked into.
template <class P, class A, class B>
[[gnu::always_inline]] inline void check_apart(const P& policy, std::string_view call, const A& a, offset a_n,
                                               const B& b, offset b_n) {
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    const auto a_begin = reinterpret_cast<std::uintptr_t>(a), a_end = reinterpret_cast<std::uintptr_t>(a + a_n);
    const auto b_begin = reinterpret_cast<std::uintptr_t>(b), b_end = reinterpret_cast<std::uintptr_t>(b + b_n);
    require(a_n == 0 || b_n == 0 || a_end <= b_begin || b_end <= a_begin, policy, call,
            "input and output overlap, and this algorithm cannot work in place");
  }
}

}  // namespace detail
}  // namespace weft
