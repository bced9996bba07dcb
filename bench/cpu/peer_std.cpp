// Peers: the standard library, sequential ("std"; for what it does not have, the loop one would write) and parallel.
#include "standard.hpp"

#include <algorithm>
#include <execution>
#include <numeric>
#include <vector>

#define BENCH_FORWARD(name)                \
  template <class... A>                    \
  static auto name(A... a) {               \
    if constexpr (std::is_void_v<Policy>)  \
      return std::name(a...);              \
    else                                   \
      return std::name(the<Policy>, a...); \
  }

namespace bench {
namespace {

template <class Policy>
constexpr Policy the{};

template <class Policy>
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

struct sequential : standard_system<library<void>> {
  template <class K, class V>
  static void unique_by_key(const arguments& a) {
    K* const keys = out<K>(a);
    V* const values = out2<V>(a);
    offset kept = 0;
    for (offset i = 0; i < a.n; ++i)
      if (i == 0 || !(keys[i] == keys[kept - 1])) keys[kept] = keys[i], values[kept] = values[i], ++kept;
    a.value = static_cast<double>(kept);
  }
  template <class K, class V>
  static void reduce_by_key(const arguments& a) {
    offset run = 0;
    for (offset i = 0; i < a.n; ++run) {
      const K key = in<K>(a)[i];
      V sum = in2<V>(a)[i];
      for (++i; i < a.n && in<K>(a)[i] == key; ++i) sum += in2<V>(a)[i];
      out<K>(a)[run] = key;
      out2<V>(a)[run] = sum;
    }
    a.value = static_cast<double>(run);
  }
  template <class T>
  static void run_length_encode(const arguments& a) {
    offset run = 0;
    for (offset i = 0; i < a.n; ++run) {
      const offset first = i;
      for (++i; i < a.n && in<T>(a)[i] == in<T>(a)[first]; ++i) {}
      out<T>(a)[run] = in<T>(a)[first];
      out2<u32>(a)[run] = static_cast<u32>(i - first);
    }
    a.value = static_cast<double>(run);
  }
  template <class T>
  static void run_length_decode(const arguments& a) {
    T* to = out<T>(a);
    for (offset i = 0; i < a.n / 8; ++i) to = std::fill_n(to, run_length_of<T>{}(in2<T>(a)[i]), in<T>(a)[i]);
    a.value = static_cast<double>(to - out<T>(a));
  }
  template <class K, class V>
  static void sort_by_key(const arguments& a) {
    struct pair {
      K key;
      V value;
    };
    std::vector<pair> pairs(static_cast<std::size_t>(a.n));
    for (offset i = 0; i < a.n; ++i) pairs[static_cast<std::size_t>(i)] = {out<K>(a)[i], out2<V>(a)[i]};
    std::stable_sort(pairs.begin(), pairs.end(), [](const pair& x, const pair& y) { return x.key < y.key; });
    for (offset i = 0; i < a.n; ++i)
      out<K>(a)[i] = pairs[static_cast<std::size_t>(i)].key, out2<V>(a)[i] = pairs[static_cast<std::size_t>(i)].value;
  }
  template <class T>
  static void histogram(const arguments& a) {
    u32* const counts = out<u32>(a);
    std::fill(counts, counts + a.bins, 0u);
    for (offset i = 0; i < a.n; ++i) ++counts[in<T>(a)[i]];
  }
  template <class T>
  static void gather(const arguments& a) {
    for (offset i = 0; i < a.n; ++i) out<T>(a)[i] = in<T>(a)[in2<u32>(a)[i]];
  }
  template <class T>
  static void scatter(const arguments& a) {
    for (offset i = 0; i < a.n; ++i) out<T>(a)[in2<u32>(a)[i]] = in<T>(a)[i];
  }
  template <class T>
  static void nested_reduce(const arguments& a) {
    T sum = 0;
    for (offset i = 0; i < 8; ++i) sum += std::reduce(in<T>(a) + a.n * i / 8, in<T>(a) + a.n * (i + 1) / 8, T(0));
    a.value = static_cast<double>(sum);
  }
  template <class T>
  static void nested_sort(const arguments& a) {
    for (offset i = 0; i < 8; ++i) std::sort(out<T>(a) + a.n * i / 8, out<T>(a) + a.n * (i + 1) / 8);
  }
};

const bool added =
    (add_system<sequential>("std"), add_system<standard_system<library<std::execution::parallel_policy>>>("std_par"),
     add_system<standard_system<library<std::execution::parallel_unsequenced_policy>>>("std_unseq"), true);

}  // namespace
}  // namespace bench
