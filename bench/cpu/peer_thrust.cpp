// Peers: Thrust's two parallel systems for CPUs, by their explicit policies.
#include "rows.hpp"

#include <thrust/copy.h>
#include <thrust/count.h>
#include <thrust/extrema.h>
#include <thrust/fill.h>
#include <thrust/gather.h>
#include <thrust/inner_product.h>
#include <thrust/merge.h>
#include <thrust/partition.h>
#include <thrust/reduce.h>
#include <thrust/remove.h>
#include <thrust/scan.h>
#include <thrust/scatter.h>
#include <thrust/set_operations.h>
#include <thrust/sort.h>
#include <thrust/system/omp/execution_policy.h>
#include <thrust/system/tbb/execution_policy.h>
#include <thrust/transform.h>
#include <thrust/unique.h>

namespace bench {
namespace {

template <const auto& par>
struct thrust_system {
  template <class T>
  static void fill(const arguments& a) {
    thrust::fill(par, out<T>(a), out<T>(a) + a.n, T(3));
  }
  template <class T>
  static void copy(const arguments& a) {
    thrust::copy(par, in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void transform(const arguments& a) {
    thrust::transform(par, in<T>(a), in<T>(a) + a.n, out<T>(a), line<T>{});
  }
  template <class T>
  static void saxpy(const arguments& a) {
    thrust::transform(par, in<T>(a), in<T>(a) + a.n, in2<T>(a), out<T>(a), saxpy_of<T>{T(2)});
  }
  template <class T>
  static void compute(const arguments& a) {
    thrust::transform(par, in<T>(a), in<T>(a) + a.n, out<T>(a), heavy<T>{});
  }
  template <class T>
  static void reduce(const arguments& a) {
    a.value = static_cast<double>(thrust::reduce(par, in<T>(a), in<T>(a) + a.n, T(0)));
  }
  template <class T>
  static void dot(const arguments& a) {
    a.value = static_cast<double>(thrust::inner_product(par, in<T>(a), in<T>(a) + a.n, in2<T>(a), T(0)));
  }
  template <class T>
  static void min_element(const arguments& a) {
    a.value = static_cast<double>(thrust::min_element(par, in<T>(a), in<T>(a) + a.n) - in<T>(a));
  }
  template <class T>
  static void minmax_element(const arguments& a) {
    const auto found = thrust::minmax_element(par, in<T>(a), in<T>(a) + a.n);
    a.value = static_cast<double>(*found.first - *found.second);
  }
  template <class T>
  static void count_if(const arguments& a) {
    a.value = static_cast<double>(thrust::count_if(par, in<T>(a), in<T>(a) + a.n, positive<T>{}));
  }
  template <class T>
  static void inclusive_scan(const arguments& a) {
    thrust::inclusive_scan(par, in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void exclusive_scan(const arguments& a) {
    thrust::exclusive_scan(par, in<T>(a), in<T>(a) + a.n, out<T>(a), T(1));
  }
  template <class T>
  static void scan_custom(const arguments& a) {
    thrust::inclusive_scan(par, in<T>(a), in<T>(a) + a.n, out<T>(a), larger<T>{});
  }
  template <class T>
  static void copy_if(const arguments& a) {
    a.value = static_cast<double>(thrust::copy_if(par, in<T>(a), in<T>(a) + a.n, out<T>(a), positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void partition(const arguments& a) {
    a.value = static_cast<double>(thrust::partition(par, out<T>(a), out<T>(a) + a.n, positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void unique(const arguments& a) {
    a.value = static_cast<double>(thrust::unique(par, out<T>(a), out<T>(a) + a.n) - out<T>(a));
  }
  template <class T>
  static void remove_if(const arguments& a) {
    a.value = static_cast<double>(thrust::remove_if(par, out<T>(a), out<T>(a) + a.n, positive<T>{}) - out<T>(a));
  }
  template <class K, class V>
  static void unique_by_key(const arguments& a) {
    a.value = static_cast<double>(thrust::unique_by_key(par, out<K>(a), out<K>(a) + a.n, out2<V>(a)).first - out<K>(a));
  }
  template <class K, class V>
  static void reduce_by_key(const arguments& a) {
    a.value = static_cast<double>(
        thrust::reduce_by_key(par, in<K>(a), in<K>(a) + a.n, in2<V>(a), out<K>(a), out2<V>(a)).first - out<K>(a));
  }
  template <class T>
  static void sort(const arguments& a) {
    thrust::sort(par, out<T>(a), out<T>(a) + a.n);
  }
  template <class T>
  static void stable_sort(const arguments& a) {
    thrust::stable_sort(par, out<T>(a), out<T>(a) + a.n);
  }
  template <class K, class V>
  static void sort_by_key(const arguments& a) {
    thrust::stable_sort_by_key(par, out<K>(a), out<K>(a) + a.n, out2<V>(a));
  }
  template <class T>
  static void sort_struct(const arguments& a) {
    thrust::sort(par, out<T>(a), out<T>(a) + a.n, [](const T& x, const T& y) { return before(x, y); });
  }
  template <class T>
  static void merge(const arguments& a) {
    thrust::merge(par, in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void set_union(const arguments& a) {
    a.value = static_cast<double>(
        thrust::set_union(par, in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) -
        out<T>(a));
  }
  template <class T>
  static void gather(const arguments& a) {
    thrust::gather(par, in2<u32>(a), in2<u32>(a) + a.n, in<T>(a), out<T>(a));
  }
  template <class T>
  static void scatter(const arguments& a) {
    thrust::scatter(par, in<T>(a), in<T>(a) + a.n, in2<u32>(a), out<T>(a));
  }
};

const bool added = (add_system<thrust_system<thrust::tbb::par>>("thrust_tbb"),
                    add_system<thrust_system<thrust::omp::par>>("thrust_omp"), true);

}  // namespace
}  // namespace bench
