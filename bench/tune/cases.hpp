// What tune measures: one struct a case, named as in tune.py. A case has the type of the table's row, makes its input,
// and `call` puts one call into the stream of a policy. `out` is what the call leaves, cleared before the first call.
// Sorts work on a fresh copy of their input: the copy is in their times.
#pragma once

#include <weft/buffer.hpp>
#include <weft/gpu/tuning_rows.hpp>
#include <weft/weft.hpp>

#include <cstdint>
#include <type_traits>

namespace tune {

using weft::offset;

/// Scrambles an index.
struct hash {
  WEFT_HOST_DEVICE std::uint64_t operator()(offset i) const {
    auto x = static_cast<std::uint64_t>(i) + 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
};
/// The value of an index: random, or the same for `run` neighbours.
template <class T>
struct value_of {
  offset run = 1;
  WEFT_HOST_DEVICE T operator()(offset i) const {
    const std::uint64_t h = hash{}(i / run);
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(static_cast<std::int64_t>(h) >> 33);
    else
      return static_cast<T>(h);
  }
};
/// The i-th of a sorted sequence: it grows by 0 to 3.
template <class T>
struct sorted_value {
  WEFT_HOST_DEVICE T operator()(offset i) const { return static_cast<T>(2 * i + static_cast<offset>(hash{}(i)&1)); }
};
template <class T>
struct is_even {
  WEFT_HOST_DEVICE bool operator()(T x) const { return static_cast<std::int64_t>(x) % 2 == 0; }
};
/// An order that no radix sort serves.
struct by_value {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& a, const T& b) const {
    return a < b;
  }
};
struct low_bits {
  std::uint64_t mask;
  template <class T>
  WEFT_HOST_DEVICE int operator()(T x) const {
    return static_cast<int>(static_cast<std::uint64_t>(x) & mask);
  }
};

/// Input, output and a count for the calls that have one.
template <class T>
struct arrays {
  weft::buffer<T> in, out;
  weft::buffer<offset> count;
  template <class P, class Value>
  arrays(const P& policy, offset n, offset out_size, Value value)
      : in(policy, n), out(policy, out_size), count(policy, 1) {
    weft::tabulate(policy, in.begin(), in.end(), value);
    weft::fill(policy, out.begin(), out.end(), T{});
  }
  const T* first() const { return in.data(); }
  const T* last() const { return in.data() + in.size(); }
};

template <class T>
struct scan : arrays<T> {
  using row_type = weft::gpu::scan_tuning;
  template <class P>
  scan(const P& policy, offset n) : arrays<T>(policy, n, n, value_of<T>{}) {}
  template <class P>
  void call(const P& on) {
    weft::inclusive_scan(on, this->first(), this->last(), this->out.begin());
  }
};

template <class T>
struct copy_if : arrays<T> {
  using row_type = weft::gpu::select_tuning;
  template <class P>
  copy_if(const P& policy, offset n) : arrays<T>(policy, n, n, value_of<T>{}) {}
  template <class P>
  void call(const P& on) {
    weft::copy_if_into(on, this->first(), this->last(), this->out.begin(), this->count.begin(), is_even<T>{});
  }
};
template <class T>
struct partition : arrays<T> {
  using row_type = weft::gpu::select_tuning;
  template <class P>
  partition(const P& policy, offset n) : arrays<T>(policy, n, 2 * n, value_of<T>{}) {}
  template <class P>
  void call(const P& on) {
    weft::partition_copy_into(on, this->first(), this->last(), this->out.begin(), this->out.begin() + this->in.size(),
                              this->count.begin(), is_even<T>{});
  }
};
template <class T>
struct unique : arrays<T> {
  using row_type = weft::gpu::select_tuning;
  template <class P>
  unique(const P& policy, offset n) : arrays<T>(policy, n, n, value_of<T>{8}) {}
  template <class P>
  void call(const P& on) {
    weft::unique_copy_into(on, this->first(), this->last(), this->out.begin(), this->count.begin());
  }
};

template <class T>
struct reduce_by_key : arrays<T> {
  using row_type = weft::gpu::by_key_tuning;
  template <class P>
  reduce_by_key(const P& policy, offset n) : arrays<T>(policy, n, 2 * n, value_of<T>{8}) {}
  template <class P>
  void call(const P& on) {
    weft::reduce_by_key_into(on, this->first(), this->last(), this->first(), this->out.begin(),
                             this->out.begin() + this->in.size(), this->count.begin());
  }
};

template <class T>
struct histogram : arrays<int> {
  using row_type = weft::gpu::histogram_tuning;
  weft::buffer<T> values;
  template <class P>
  histogram(const P& policy, offset n)
      : arrays<int>(policy, 0, sizeof(T) == 1 ? 256 : 4096, value_of<int>{}), values(policy, n) {
    weft::tabulate(policy, values.begin(), values.end(), value_of<T>{});
  }
  template <class P>
  void call(const P& on) {
    weft::histogram(on, values.begin(), values.end(), this->out.begin(), this->out.size(),
                    low_bits{static_cast<std::uint64_t>(this->out.size()) - 1});
  }
};

template <class T>
struct merge : arrays<T> {
  using row_type = weft::gpu::merge_tuning;
  template <class P>
  merge(const P& policy, offset n) : arrays<T>(policy, n, 2 * n, sorted_value<T>{}) {}
  template <class P>
  void call(const P& on) {
    weft::merge(on, this->first(), this->last(), this->first(), this->last(), this->out.begin());
  }
};

template <class T, class Row, class Less>
struct sorting : arrays<T> {
  using row_type = Row;
  template <class P>
  sorting(const P& policy, offset n) : arrays<T>(policy, n, n, value_of<T>{}) {}
  template <class P>
  void call(const P& on) {
    weft::copy(on, this->first(), this->last(), this->out.begin());
    weft::stable_sort(on, this->out.begin(), this->out.end(), Less{});
  }
};
template <class T>
using merge_sort = sorting<T, weft::gpu::merge_tuning, by_value>;
template <class T>
using radix_sort = sorting<T, weft::gpu::radix_sort_tuning, weft::less>;
template <class T>
using bucket_sort = sorting<T, weft::gpu::bucket_sort_tuning, weft::less>;

}  // namespace tune
