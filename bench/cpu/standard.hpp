// The algorithms of the standard library's interface, for the library itself and for oneDPL: Base::with(f) calls f with
// the execution policy, or without one.
#pragma once

#include "rows.hpp"

namespace bench {

template <class Lib>
struct standard_system {
  template <class T>
  static void fill(const arguments& a) {
    Lib::fill(out<T>(a), out<T>(a) + a.n, T(3));
  }
  template <class T>
  static void copy(const arguments& a) {
    Lib::copy(in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void transform(const arguments& a) {
    Lib::transform(in<T>(a), in<T>(a) + a.n, out<T>(a), line<T>{});
  }
  template <class T>
  static void saxpy(const arguments& a) {
    Lib::transform(in<T>(a), in<T>(a) + a.n, in2<T>(a), out<T>(a), saxpy_of<T>{T(2)});
  }
  template <class T>
  static void compute(const arguments& a) {
    Lib::transform(in<T>(a), in<T>(a) + a.n, out<T>(a), heavy<T>{});
  }
  template <class T>
  static void reduce(const arguments& a) {
    a.value = static_cast<double>(Lib::reduce(in<T>(a), in<T>(a) + a.n, T(0)));
  }
  template <class T>
  static void dot(const arguments& a) {
    a.value = static_cast<double>(Lib::transform_reduce(in<T>(a), in<T>(a) + a.n, in2<T>(a), T(0)));
  }
  template <class T>
  static void min_element(const arguments& a) {
    a.value = static_cast<double>(Lib::min_element(in<T>(a), in<T>(a) + a.n) - in<T>(a));
  }
  template <class T>
  static void minmax_element(const arguments& a) {
    const auto found = Lib::minmax_element(in<T>(a), in<T>(a) + a.n);
    a.value = static_cast<double>(*found.first - *found.second);
  }
  template <class T>
  static void count_if(const arguments& a) {
    a.value = static_cast<double>(Lib::count_if(in<T>(a), in<T>(a) + a.n, positive<T>{}));
  }
  template <class T>
  static void inclusive_scan(const arguments& a) {
    Lib::inclusive_scan(in<T>(a), in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void exclusive_scan(const arguments& a) {
    Lib::exclusive_scan(in<T>(a), in<T>(a) + a.n, out<T>(a), T(1));
  }
  template <class T>
  static void scan_custom(const arguments& a) {
    Lib::inclusive_scan(in<T>(a), in<T>(a) + a.n, out<T>(a), larger<T>{});
  }
  template <class T>
  static void copy_if(const arguments& a) {
    a.value = static_cast<double>(Lib::copy_if(in<T>(a), in<T>(a) + a.n, out<T>(a), positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void partition(const arguments& a) {
    a.value = static_cast<double>(Lib::partition(out<T>(a), out<T>(a) + a.n, positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void unique(const arguments& a) {
    a.value = static_cast<double>(Lib::unique(out<T>(a), out<T>(a) + a.n) - out<T>(a));
  }
  template <class T>
  static void remove_if(const arguments& a) {
    a.value = static_cast<double>(Lib::remove_if(out<T>(a), out<T>(a) + a.n, positive<T>{}) - out<T>(a));
  }
  template <class T>
  static void sort(const arguments& a) {
    Lib::sort(out<T>(a), out<T>(a) + a.n);
  }
  template <class T>
  static void stable_sort(const arguments& a) {
    Lib::stable_sort(out<T>(a), out<T>(a) + a.n);
  }
  template <class T>
  static void sort_struct(const arguments& a) {
    Lib::sort(out<T>(a), out<T>(a) + a.n, [](const T& x, const T& y) { return before(x, y); });
  }
  template <class T>
  static void merge(const arguments& a) {
    Lib::merge(in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a));
  }
  template <class T>
  static void set_union(const arguments& a) {
    a.value = static_cast<double>(
        Lib::set_union(in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) - out<T>(a));
  }
  template <class T>
  static void set_intersection(const arguments& a) {
    a.value = static_cast<double>(
        Lib::set_intersection(in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) -
        out<T>(a));
  }
  template <class T>
  static void set_difference(const arguments& a) {
    a.value = static_cast<double>(
        Lib::set_difference(in<T>(a), in<T>(a) + a.middle, in<T>(a) + a.middle, in<T>(a) + a.n, out<T>(a)) - out<T>(a));
  }
};

}  // namespace bench
