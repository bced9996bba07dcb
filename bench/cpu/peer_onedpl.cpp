// Peer: oneDPL over TBB, par_unseq, which vectorises more than std's.
#include "standard.hpp"

#include <oneapi/dpl/execution>

#include <oneapi/dpl/algorithm>
#include <oneapi/dpl/numeric>

#define BENCH_FORWARD(name)                                            \
  template <class... A>                                                \
  static auto name(A... a) {                                           \
    return oneapi::dpl::name(oneapi::dpl::execution::par_unseq, a...); \
  }

namespace bench {
namespace {

struct library {
  BENCH_FORWARD(fill)
  BENCH_FORWARD(copy)
  BENCH_FORWARD(transform)
  BENCH_FORWARD(reduce)
  BENCH_FORWARD(transform_reduce)
  BENCH_FORWARD(min_element)
  BENCH_FORWARD(minmax_element)
  BENCH_FORWARD(count_if)
  BENCH_FORWARD(inclusive_scan)
  BENCH_FORWARD(exclusive_scan)
  BENCH_FORWARD(copy_if)
  BENCH_FORWARD(partition)
  BENCH_FORWARD(unique)
  BENCH_FORWARD(remove_if)
  BENCH_FORWARD(sort)
  BENCH_FORWARD(stable_sort)
  BENCH_FORWARD(merge)
  BENCH_FORWARD(set_union)
  BENCH_FORWARD(set_intersection)
  BENCH_FORWARD(set_difference)
};

const bool added = (add_system<standard_system<library>>("onedpl"), true);

}  // namespace
}  // namespace bench
