// Peer: Highway's vqsort, one thread; the specialised sort to stand beside.
#include "rows.hpp"

#include <hwy/contrib/sort/vqsort.h>

namespace bench {
namespace {

struct vqsort_system {
  template <class T>
  static void sort(const arguments& a) {
    using number = std::conditional_t<std::is_same_v<T, u64>, std::uint64_t, T>;
    static const hwy::Sorter sorter;  // in every version; the free function is newer than Debian 12's
    sorter(reinterpret_cast<number*>(out<T>(a)), static_cast<std::size_t>(a.n), hwy::SortAscending());
  }
};

const bool added = (add_system<vqsort_system>("vqsort"), true);

}  // namespace
}  // namespace bench
