// The verbs in plain loops: what each of them means, in as few words as it can be said. One thread, no tiles, no
// thought of speed. The whole suite runs on it too (policy weft_test::reference), so it also shows what a backend has
// to bring.
#pragma once

#include "fixed_scan.hpp"

#include <weft/host_runtime.hpp>
#include <weft/iterator.hpp>
#include <weft/weft.hpp>

#include <vector>

namespace weft_test {

using weft::is_none;
using weft::iter_value_t;
using weft::offset;

struct reference_backend {
  static constexpr const char* name = "reference";
  static constexpr bool is_device = false;
  static weft::runtime& runtime() { return weft::host_runtime(); }

  template <class P, class F>
  static void for_each_index(const P&, offset n, F f) {
    for (offset i = 0; i < n; ++i) f(i);
  }

  template <class P, class In, class Out, class F>
  static void transform(const P&, In in, offset n, Out out, F f) {
    for (offset i = 0; i < n; ++i) out[i] = f(in[i]);
  }

  // The fixed shape as a recursion: see test/fixed_shape.hpp, which says the same in other words.
  template <class T, class Op>
  static T folded(std::vector<T> level, Op op) {
    constexpr std::size_t chunk = 4096;
    while (level.size() > 1) {
      std::vector<T> next;
      for (std::size_t begin = 0; begin < level.size(); begin += chunk) {
        const std::size_t n = level.size() - begin < chunk ? level.size() - begin : chunk;
        next.push_back(chunk_total(level.data() + begin, n, op));
      }
      level = next;
    }
    return level[0];
  }
  template <class T, class Op>
  static T chunk_total(T* x, std::size_t n, Op op) {
    if constexpr (weft::is_ordered<Op>) {
      for (std::size_t lane = 0; lane < n; lane += 16)
        for (std::size_t i = 1; i < 16 && lane + i < n; ++i) x[lane] = op(x[lane], x[lane + i]);
      for (std::size_t stride = 16; stride < 4096; stride *= 2)
        for (std::size_t i = 0; i + stride < n; i += 2 * stride) x[i] = op(x[i], x[i + stride]);
    } else {
      constexpr std::size_t slots = sizeof(T) > 8 ? 1 : sizeof(T) > 4 ? 2 : sizeof(T) > 2 ? 4 : sizeof(T) > 1 ? 8 : 16;
      constexpr std::size_t columns = 256 * slots;
      for (std::size_t i = columns; i < n; ++i) x[i % columns] = op(x[i % columns], x[i]);
      const std::size_t live = n < columns ? n : columns;
      const auto fold = [&](std::size_t distance) {
        for (std::size_t c = 0; c + distance < live; ++c)
          if ((c & distance) == 0) x[c] = op(x[c], x[c + distance]);
      };
      for (std::size_t lanes : {128, 64, 32}) fold(lanes * slots);
      for (std::size_t slot = slots / 2; slot > 0; slot /= 2) fold(slot);
      for (std::size_t lanes : {16, 8, 4, 2, 1}) fold(lanes * slots);
    }
    return x[0];
  }
  template <class P, class In, class Out, class Init, class Op>
  static void reduce_into(const P&, In in, offset n, Out out, Init init, Op op) {
    using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
    std::vector<T> level;
    for (offset i = 0; i < n; ++i) level.push_back(static_cast<T>(in[i]));
    if constexpr (is_none<Init>) {
      out[0] = folded(level, op);
    } else {
      out[0] = n == 0 ? init : static_cast<T>(op(init, folded(level, op)));
    }
  }

  template <class P, class In, class Out, class Op, class Init, class Kind>
  static void scan(const P&, In in, offset n, Out out, Op op, Init init, Kind) {
    using T = std::conditional_t<is_none<Init>, iter_value_t<In>, Init>;
    if (n == 0) return;
    if constexpr (P::wants_same_bits && !weft::same_in_any_order<T>) {
      std::vector<T> x;
      for (offset i = 0; i < n; ++i) x.push_back(static_cast<T>(in[i]));
      std::optional<T> before;
      if constexpr (!is_none<Init>) before = init;
      const auto scanned =
          fixed_scan::scan(x, before, op, std::is_same_v<Kind, weft::inclusive_t>, weft::scan_shape<T>::bytes);
      for (offset i = 0; i < n; ++i) out[i] = scanned[static_cast<std::size_t>(i)];
    } else if constexpr (std::is_same_v<Kind, weft::exclusive_t>) {
      T sum = init;
      for (offset i = 0; i < n; ++i) {
        const T next = op(sum, static_cast<T>(in[i]));
        out[i] = sum;
        sum = next;
      }
    } else {
      T sum = static_cast<T>(in[0]);
      if constexpr (!is_none<Init>) sum = op(init, sum);
      out[0] = sum;
      for (offset i = 1; i < n; ++i) out[i] = sum = op(sum, static_cast<T>(in[i]));
    }
  }

  template <class In, class Predicate>
  static bool keeps(In in, offset i, const weft::flag_if<Predicate>& flag) {
    return flag.predicate(in[i]);
  }
  template <class In, class Stencil, class Predicate>
  static bool keeps(In, offset i, const weft::flag_stencil<Stencil, Predicate>& flag) {
    return flag.predicate(flag.stencil[i]);
  }
  template <class In, class Equal>
  static bool keeps(In in, offset i, const weft::flag_first<Equal>& flag) {
    return i == 0 || !flag.equal(in[i - 1], in[i]);
  }
  template <class P, class In, class Out, class Rejected, class Count, class Flag>
  static void select_into(const P&, In in, offset n, Out out, Rejected rejected, Count count, Flag flag) {
    std::vector<char> kept;  // asked before anything is written, as out may be in
    for (offset i = 0; i < n; ++i) kept.push_back(keeps(in, i, flag));
    offset accepted = 0, others = 0;
    for (offset i = 0; i < n; ++i) {
      if (kept[i])
        out[accepted++] = in[i];
      else if constexpr (!is_none<Rejected>)
        rejected[others++] = in[i];
    }
    *count = accepted;
  }

  template <class P, class Keys, class Values, class Less>
  static void sort(const P&, Keys keys, Values values, offset n, Less less) {
    using T = iter_value_t<Keys>;
    const auto before = [&](const T& a, const T& b) {
      if constexpr (std::is_floating_point_v<T> &&
                    (std::is_same_v<Less, weft::less> || std::is_same_v<Less, weft::greater>))
        return a != a ? false : b != b ? true : less(a, b);  // NaNs last
      else
        return less(a, b);
    };
    if (n < 2) return;
    const offset half = n / 2;
    sort(0, keys, values, half, less);
    if constexpr (is_none<Values>) {
      sort(0, keys + half, values, n - half, less);
      const std::vector<T> a(keys, keys + half), b(keys + half, keys + n);
      merge(0, a.begin(), values, half, b.begin(), values, n - half, keys, values, before);
    } else {
      sort(0, keys + half, values + half, n - half, less);
      const std::vector<T> a(keys, keys + half), b(keys + half, keys + n);
      const std::vector<iter_value_t<Values>> av(values, values + half), bv(values + half, values + n);
      merge(0, a.begin(), av.begin(), half, b.begin(), bv.begin(), n - half, keys, values, before);
    }
  }

  template <class P, class A, class AV, class B, class BV, class Out, class OutV, class Less>
  static void merge(const P&, A a, AV av, offset na, B b, BV bv, offset nb, Out out, OutV out_values, Less less) {
    for (offset i = 0, j = 0; i + j < na + nb;) {
      const bool from_b = i == na || (j < nb && less(b[j], a[i]));
      if constexpr (!is_none<OutV>) {
        if (from_b)
          out_values[i + j] = bv[j];
        else
          out_values[i + j] = av[i];
      }
      if (from_b) {
        out[i + j] = b[j];
        ++j;
      } else {
        out[i + j] = a[i];
        ++i;
      }
    }
  }

  template <class P, class A, class AV, class B, class BV, class Out, class OutV, class Count, class Less, class Op>
  static void set_operation_into(const P&, A a, AV av, offset na, B b, BV bv, offset nb, Out out, OutV out_values,
                                 Count count, Less less, Op) {
    offset kept = 0;
    const auto put = [&](auto keys, auto values, offset i) {
      if constexpr (!is_none<Out>) out[kept] = keys[i];
      if constexpr (!is_none<OutV>) {  // nested for clang, which would look into a condition that half depends on
                                       // `values`
        if constexpr (!is_none<decltype(values)>) out_values[kept] = values[i];
      }
      ++kept;
    };
    for (offset i = 0, j = 0; i < na || j < nb;) {
      const bool a_first = j == nb || (i < na && less(a[i], b[j]));
      const bool b_first = i == na || (j < nb && less(b[j], a[i]));
      if (a_first ? Op::of_a : !b_first && Op::of_both) put(a, av, i);
      if (b_first && Op::of_b) put(b, bv, j);
      i += !b_first;
      j += !a_first;
    }
    *count = kept;
  }

  template <class P, class Count, class Predicate>
  static void find_first_into(const P&, offset n, Count count, Predicate predicate) {
    offset i = 0;
    while (i < n && !predicate(i)) ++i;
    *count = i;
  }

  template <class P, class Keys, class Values, class OutKeys, class OutValues, class Count, class Equal, class Op>
  static void reduce_by_key_into(const P&, Keys keys, Values values, offset n, OutKeys out_keys, OutValues out_values,
                                 Count count, Equal equal, Op op) {
    offset runs = 0;
    for (offset i = 0; i < n;) {
      out_keys[runs] = keys[i];
      iter_value_t<Values> sum = values[i];
      for (++i; i < n && equal(keys[i - 1], keys[i]); ++i) sum = op(sum, iter_value_t<Values>(values[i]));
      out_values[runs++] = sum;
    }
    *count = runs;
  }

  template <class P, class In, class Out, class Lengths, class Count, class Equal>
  static void run_lengths_into(const P&, In in, offset n, Out out, Lengths lengths, Count count, Equal equal) {
    offset runs = 0;
    for (offset i = 0; i < n; ++runs) {
      const offset first = i;
      for (++i; i < n && equal(in[i - 1], in[i]); ++i) {}
      out[runs] = in[first];
      lengths[runs] = i - first;
    }
    *count = runs;
  }

  template <class P, class Ends, class Out, class F>
  static void expand(const P&, Ends ends, offset m, offset n, Out out, F f) {
    offset i = 0;
    for (offset r = 0; r < m; ++r)
      for (; i < n && i < static_cast<offset>(ends[r]); ++i) out[i] = f(r);
  }

  template <class P, class In, class Counts, class BinOf>
  static void histogram(const P&, In in, offset n, Counts counts, int bins, BinOf bin_of) {
    for (int b = 0; b < bins; ++b) counts[b] = 0;
    for (offset i = 0; i < n; ++i) {
      const int bin = bin_of(in[i]);
      if (bin >= 0 && bin < bins) counts[bin] += 1;
    }
  }

  template <class T, class P, class F>
  static T returned(const P&, F f) {
    std::vector<T> slot(1);
    f(slot.data());
    return slot[0];
  }
};
static_assert(weft::backend<reference_backend>);

inline constexpr weft::policy<reference_backend> reference{};

}  // namespace weft_test
