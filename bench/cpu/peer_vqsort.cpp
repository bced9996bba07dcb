// Peer: Highway's vqsort, one thread; the specialised sort to stand beside.
#include "rows.hpp"

#include <hwy/contrib/sort/vqsort.h>

namespace bench {
namespace {

struct vqsort_system {
  template <class T>
  static void sort(const arguments& a) {
    using bits = std::conditional_t<std::is_same_v<T, u64>, std::uint64_t, T>;
    hwy::VQSort(reinterpret_cast<bits*>(out<T>(a)), static_cast<std::size_t>(a.n), hwy::SortAscending());
  }
};

const bool added = (add_system<vqsort_system>("vqsort"), true);

}  // namespace
}  // namespace bench
