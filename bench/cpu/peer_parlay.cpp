// Peer: parlaylib's integer sort, the fastest parallel sort measured beside the special-purpose ones.
#include "rows.hpp"

#include <parlay/primitives.h>
#include <parlay/slice.h>

namespace bench {
namespace {

struct parlay_system {
  template <class T>
    requires std::is_unsigned_v<T>
  static void sort(const arguments& a) {
    parlay::integer_sort_inplace(parlay::make_slice(out<T>(a), out<T>(a) + a.n), [](T x) { return x; });
  }
  template <class T>
  static void reduce(const arguments& a) {
    a.value = static_cast<double>(parlay::reduce(parlay::make_slice(in<T>(a), in<T>(a) + a.n)));
  }
};

const bool added = (add_system<parlay_system>("parlay"), true);

}  // namespace
}  // namespace bench
