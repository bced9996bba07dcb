// What the CPU benchmark measures: one row is a verb on a type, a distribution and a length; a contender is a function
// that does it on the same arguments. Every system (a backend of weft, a peer) is a struct with a static template a
// verb; add_system registers those that it has.
#pragma once

#include <cstdint>
#include <type_traits>

namespace bench {

using offset = std::int64_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

struct record {  // what a comparator sort moves
  u64 key;
  float x, y;
};
inline bool before(const record& a, const record& b) { return a.key < b.key; }

/// Inputs are never written; what works in place finds a copy of `in` (and `in2`) in `out` (and `out2`).
struct arguments {
  offset n, middle, bins;
  const void *in, *in2;
  void *out, *out2;
  mutable double value;  // a scalar result, or how many elements are left
};
template <class T>
const T* in(const arguments& a) {
  return static_cast<const T*>(a.in);
}
template <class T>
const T* in2(const arguments& a) {
  return static_cast<const T*>(a.in2);
}
template <class T>
T* out(const arguments& a) {
  return static_cast<T*>(a.out);
}
template <class T>
T* out2(const arguments& a) {
  return static_cast<T*>(a.out2);
}

using call = void (*)(const arguments&);
void add(const char* verb, const char* type, const char* backend, call f);

// The functions of the rows, the same for everyone.
template <class T>
struct line {
  T operator()(T x) const { return static_cast<T>(x * T(3) + T(1)); }
};
template <class T>
struct saxpy_of {
  T a;
  T operator()(T x, T y) const { return static_cast<T>(a * x + y); }
};
template <class T>
struct positive {
  bool operator()(T x) const { return x > T(0); }
};
template <class T>
struct larger {
  T operator()(T a, T b) const { return a < b ? b : a; }
};
/// 0 to 15: of an eighth of n runs, 8 a run would fill the output.
template <class T>
struct run_length_of {
  offset operator()(T x) const { return static_cast<offset>(static_cast<u32>(x) >> 8 & 15); }
};
/// Some fifty dependent operations: bound by arithmetic, not by memory.
template <class T>
struct heavy {
  T operator()(T x) const {
    T y = x * T(0.5);
    for (int i = 0; i < 24; ++i) y = y * T(0.75) + x * T(0.125);
    return y;
  }
};

#define BENCH_ROW(verb, type, name)                                               \
  if constexpr (requires(const arguments& a) { System::template verb<type>(a); }) \
  add(#verb, name, backend, [](const arguments& a) { System::template verb<type>(a); })
#define BENCH_PAIR(verb, first, second, name)                                              \
  if constexpr (requires(const arguments& a) { System::template verb<first, second>(a); }) \
  add(#verb, name, backend, [](const arguments& a) { System::template verb<first, second>(a); })

template <class System>
void add_system(const char* backend) {
  BENCH_ROW(fill, float, "f32");
  BENCH_ROW(copy, float, "f32");
  BENCH_ROW(read, float, "f32");
  BENCH_ROW(transform, float, "f32");
  BENCH_ROW(transform, double, "f64");
  BENCH_ROW(saxpy, float, "f32");
  BENCH_ROW(saxpy, double, "f64");
  BENCH_ROW(compute, float, "f32");
  BENCH_ROW(reduce, int, "i32");
  BENCH_ROW(reduce, float, "f32");
  BENCH_ROW(reduce, double, "f64");
  BENCH_ROW(dot, float, "f32");
  BENCH_ROW(dot, double, "f64");
  BENCH_ROW(min_element, int, "i32");
  BENCH_ROW(min_element, float, "f32");
  BENCH_ROW(minmax_element, float, "f32");
  BENCH_ROW(count_if, int, "i32");
  BENCH_ROW(inclusive_scan, int, "i32");
  BENCH_ROW(inclusive_scan, float, "f32");
  BENCH_ROW(inclusive_scan, double, "f64");
  BENCH_ROW(inclusive_scan_same_bits, float, "f32");
  BENCH_ROW(inclusive_scan_same_bits, double, "f64");
  BENCH_ROW(exclusive_scan, int, "i32");
  BENCH_ROW(scan_custom, int, "i32");
  BENCH_ROW(copy_if, int, "i32");
  BENCH_ROW(copy_if, double, "f64");
  BENCH_ROW(partition, int, "i32");
  BENCH_ROW(partition, double, "f64");
  BENCH_ROW(unique, int, "i32");
  BENCH_ROW(remove_if, int, "i32");
  BENCH_PAIR(unique_by_key, int, float, "i32-f32");
  BENCH_PAIR(reduce_by_key, int, float, "i32-f32");
  BENCH_PAIR(reduce_by_key_same_bits, int, float, "i32-f32");
  BENCH_ROW(run_length_encode, int, "i32");
  BENCH_ROW(run_length_decode, int, "i32");
  BENCH_ROW(sort, u32, "u32");
  BENCH_ROW(sort, int, "i32");
  BENCH_ROW(sort, float, "f32");
  BENCH_ROW(sort, u64, "u64");
  BENCH_ROW(sort, double, "f64");
  BENCH_ROW(stable_sort, u32, "u32");
  BENCH_ROW(stable_sort, u64, "u64");
  BENCH_PAIR(sort_by_key, u32, u32, "u32-u32");
  BENCH_PAIR(sort_by_key, u64, u64, "u64-u64");
  BENCH_ROW(sort_struct, record, "record");
  BENCH_ROW(histogram, u32, "u32");
  BENCH_ROW(merge, int, "i32");
  BENCH_ROW(set_union, int, "i32");
  BENCH_ROW(set_intersection, int, "i32");
  BENCH_ROW(set_difference, int, "i32");
  BENCH_ROW(gather, float, "f32");
  BENCH_ROW(scatter, float, "f32");
  BENCH_ROW(nested_reduce, float, "f32");
  BENCH_ROW(nested_sort, u32, "u32");
}

}  // namespace bench
