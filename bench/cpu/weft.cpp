// One backend of weft: BENCH_POLICY and BENCH_HEADER say which.
#include "rows.hpp"

#include BENCH_HEADER
#include <weft/weft.hpp>

namespace bench {
namespace {

constexpr auto here = BENCH_POLICY;

struct weft_system {
  template <class T>
  static void fill(const arguments& a) {
    weft::fill(here, out<T>(a), out<T>(a) + a.n, T(3));
  }
  template <class T>
  static void copy(const arguments& a) {
    weft::copy(here, in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void transform(const arguments& a) {
    weft::transform(here, in<T>(a), in<T>(a) + a.n, out<T>(a), line<T>{});
  }
  template <class T>
  static void saxpy(const arguments& a) {
    weft::transform(here, in<T>(a), in<T>(a) + a.n, in2<T>(a), out<T>(a), saxpy_of<T>{T(2)});
  }
  template <class T>
  static void compute(const arguments& a) {
    weft::transform(here, in<T>(a), in<T>(a) + a.n, out<T>(a), heavy<T>{});
  }
  template <class T>
  static void reduce(const arguments& a) {
    a.value = static_cast<double>(weft::reduce(here, in<T>(a), in<T>(a) + a.n, T(0)));
  }
  template <class T>
  static void dot(const arguments& a) {
    a.value = static_cast<double>(weft::inner_product(here, in<T>(a), in<T>(a) + a.n, in2<T>(a), T(0)));
  }
  template <class T>
  static void min_element(const arguments& a) {
    a.value = static_cast<double>(weft::min_element(here, in<T>(a), in<T>(a) + a.n) - in<T>(a));
  }
  template <class T>
  static void minmax_element(const arguments& a) {
    const auto found = weft::minmax_element(here, in<T>(a), in<T>(a) + a.n);
    a.value = static_cast<double>(*found.first - *found.second);
  }
  template <class T>
  static void count_if(const arguments& a) {
    a.value = static_cast<double>(weft::count_if(here, in<T>(a), in<T>(a) + a.n, positive<T>{}));
  }
  template <class T>
  static void inclusive_scan(const arguments& a) {
    weft::inclusive_scan(here, in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void inclusive_scan_same_bits(const arguments& a) {
    weft::inclusive_scan(here.require(weft::same_bits), in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void exclusive_scan(const arguments& a) {
    weft::exclusive_scan(here, in<T>(a), in<T>(a) + a.n, out<T>(a), T(1));
  }
  template <class T>
  static void scan_custom(const arguments& a) {
    weft::inclusive_scan(here, in<T>(a), in<T>(a) + a.n, out<T>(a), larger<T>{});
  }
  template <class T>
  static void copy_if(const arguments& a) {
    a.value = static_cast<double>(weft::copy_if(here, in<T>(a), in<T>(a) + a.n, out<T>(a), positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void partition(const arguments& a) {
    a.value = static_cast<double>(weft::partition(here, out<T>(a), out<T>(a) + a.n, positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void unique(const arguments& a) {
    a.value = static_cast<double>(weft::unique(here, out<T>(a), out<T>(a) + a.n) - out<T>(a));
  }
  template <class T>
  static void remove_if(const arguments& a) {
    a.value = static_cast<double>(weft::remove_if(here, out<T>(a), out<T>(a) + a.n, positive<T>{}) - out<T>(a));
  }
  template <class K, class V>
  static void unique_by_key(const arguments& a) {
    a.value = static_cast<double>(weft::unique_by_key(here, out<K>(a), out<K>(a) + a.n, out2<V>(a)).first - out<K>(a));
  }
  template <class K, class V>
  static void reduce_by_key(const arguments& a) {
    const auto ends = weft::reduce_by_key(here, in<K>(a), in<K>(a) + a.n, in2<V>(a), out<K>(a), out2<V>(a));
    a.value = static_cast<double>(ends.first - out<K>(a));
  }
  template <class K, class V>
  static void reduce_by_key_same_bits(const arguments& a) {
    const auto ends =
        weft::reduce_by_key(here.require(weft::same_bits), in<K>(a), in<K>(a) + a.n, in2<V>(a), out<K>(a), out2<V>(a));
    a.value = static_cast<double>(ends.first - out<K>(a));
  }
  template <class T>
  static void run_length_encode(const arguments& a) {
    const auto ends = weft::run_length_encode(here, in<T>(a), in<T>(a) + a.n, out<T>(a), out2<u32>(a));
    a.value = static_cast<double>(ends.first - out<T>(a));
  }
  /// An eighth of the elements in runs of 0 to 15.
  template <class T>
  static void run_length_decode(const arguments& a) {
    const auto end = weft::run_length_decode(here, in<T>(a), in<T>(a) + a.n / 8,
                                             weft::transformed(in2<T>(a), run_length_of<T>{}), out<T>(a));
    a.value = static_cast<double>(end - out<T>(a));
  }
  template <class T>
  static void sort(const arguments& a) {
    weft::sort(here, out<T>(a), out<T>(a) + a.n);
  }
  template <class T>
  static void stable_sort(const arguments& a) {
    weft::stable_sort(here, out<T>(a), out<T>(a) + a.n);
  }
  template <class K, class V>
  static void sort_by_key(const arguments& a) {
    weft::sort_by_key(here, out<K>(a), out<K>(a) + a.n, out2<V>(a));
  }
  template <class T>
  static void sort_struct(const arguments& a) {
    weft::sort(here, out<T>(a), out<T>(a) + a.n, [](const T& x, const T& y) { return before(x, y); });
  }
  template <class T>
  static void histogram(const arguments& a) {
    weft::histogram(here, in<T>(a), in<T>(a) + a.n, out<u32>(a), static_cast<int>(a.bins),
                    [](T x) { return static_cast<offset>(x); });
  }
  template <class T>
  static void merge(const arguments& a) {
    weft::merge(here, in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void set_union(const arguments& a) {
    a.value = static_cast<double>(
        weft::set_union(here, in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) -
        out<T>(a));
  }
  template <class T>
  static void set_intersection(const arguments& a) {
    a.value = static_cast<double>(
        weft::set_intersection(here, in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) -
        out<T>(a));
  }
  template <class T>
  static void set_difference(const arguments& a) {
    a.value = static_cast<double>(
        weft::set_difference(here, in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) -
        out<T>(a));
  }
  template <class T>
  static void gather(const arguments& a) {
    weft::gather(here, in2<u32>(a), in2<u32>(a) + a.n, in<T>(a), out<T>(a));
  }
  template <class T>
  static void scatter(const arguments& a) {
    weft::scatter(here, in<T>(a), in<T>(a) + a.n, in2<u32>(a), out<T>(a));
  }
  /// Eight calls side by side, each on an eighth.
  template <class T>
  static void nested_reduce(const arguments& a) {
    T array[8];
    T* const sums = array;
    weft::for_each_n(here, weft::counting(offset{0}), 8, [&a, s = sums](offset i) {
      s[i] = weft::reduce(here, in<T>(a) + a.n * i / 8, in<T>(a) + a.n * (i + 1) / 8, T(0));
    });
    T sum = 0;
    for (const T s : array) sum += s;
    a.value = static_cast<double>(sum);
  }
  template <class T>
  static void nested_sort(const arguments& a) {
    weft::for_each_n(here, weft::counting(offset{0}), 8,
                     [&a](offset i) { weft::sort(here, out<T>(a) + a.n * i / 8, out<T>(a) + a.n * (i + 1) / 8); });
  }
};

const bool added = (add_system<weft_system>(decltype(here)::backend::name), true);

}  // namespace
}  // namespace bench
