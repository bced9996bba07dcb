// Small function objects that several algorithms build their compositions from. Named structs, so that no compiler flag
// is asked of the user and profiles stay readable.
#pragma once

#include <weft/tuple.hpp>

namespace weft::inline v100 {

/// f(tuple) = f(get<0>(tuple), get<1>(tuple)): a function of two arguments over a zip of two ranges.
template <class F>
struct unpacked {
  F function;
  template <class Pair>
  WEFT_HOST_DEVICE constexpr decltype(auto) operator()(const Pair& pair) const {
    return function(weft::get<0>(pair), weft::get<1>(pair));
  }
};

/// predicate(first[i]): a question about an element as a question about its index.
template <class It, class Predicate>
struct holds_at {
  It first;
  Predicate predicate;
  WEFT_HOST_DEVICE constexpr bool operator()(offset i) const { return predicate(first[i]); }
};

/// relation(a[i], b[i]) as a question about the index.
template <class A, class B, class Relation>
struct relates_at {
  A a;
  B b;
  Relation relation;
  WEFT_HOST_DEVICE constexpr bool operator()(offset i) const { return relation(a[i], b[i]); }
};

}  // namespace weft
