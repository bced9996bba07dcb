// merge: two sorted ranges into one, a before b among equals, keys alone or with values. The output is cut in equal
// parts by binary search along the merge path, one part a task; each part is merged from both ends without branches on
// the data. One pass, no temporary memory.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/merge_path.hpp>

namespace weft::inline v100::cpu {

namespace detail {
/// Arrays of one trivially copyable type.
template <class A, class B, class Out>
inline constexpr bool merges_pointers = false;
template <class A, class B, class T>
  requires std::is_same_v<std::remove_const_t<A>, T> && std::is_same_v<std::remove_const_t<B>, T>
inline constexpr bool merges_pointers<A*, B*, T*> = std::is_trivially_copyable_v<T>;
}  // namespace detail

template <class Scheduler, class Policy, class AKeys, class AValues, class BKeys, class BValues, class OutKeys,
          class OutValues, class Less>
void merge(const Policy&, AKeys a, AValues a_values, offset a_n, BKeys b, BValues b_values, offset b_n, OutKeys out,
           OutValues out_values, Less less) {
  const bool apart = a_n == 0 || b_n == 0 || !less(b[0], a[a_n - 1]);  // nothing to interleave
  for_chunks<Scheduler>(a_n + b_n, 1 << 13, [&](offset begin, offset end) {
    const offset n = a_n + b_n;
    if (apart) {
      offset o = begin;
      for (; o < min(end, a_n); ++o) {
        out[o] = a[o];
        if constexpr (!is_none<OutValues>) out_values[o] = a_values[o];
      }
      for (; o < end; ++o) {
        out[o] = b[o - a_n];
        if constexpr (!is_none<OutValues>) out_values[o] = b_values[o - a_n];
      }
      return;
    }
    const offset i = begin == 0 ? 0 : merge_split(a, a_n, b, b_n, begin, less);
    const offset i_end = end == n ? a_n : merge_split(a, a_n, b, b_n, end, less);
    const offset j = begin - i, j_end = end - i_end;
    if constexpr (detail::merges_pointers<AKeys, BKeys, OutKeys> && is_none<OutValues>) {
      merge_into(static_cast<const std::remove_pointer_t<OutKeys>*>(a) + i, i_end - i, b + j, j_end - j, out + begin,
                 less);
      return;
    }
    merge_each(a + i, i_end - i, b + j, j_end - j, less, [&](offset o, bool from_b, offset at) {
      if constexpr (std::is_pointer_v<AKeys> && std::is_same_v<AKeys, BKeys>) {
        out[begin + o] = choose(from_b, a + i, b + j)[at];
      } else if (from_b) {
        out[begin + o] = b[j + at];
      } else {
        out[begin + o] = a[i + at];
      }
      if constexpr (!is_none<OutValues>) {
        if constexpr (std::is_pointer_v<AValues> && std::is_same_v<AValues, BValues>) {
          out_values[begin + o] = choose(from_b, a_values + i, b_values + j)[at];
        } else if (from_b) {
          out_values[begin + o] = b_values[j + at];
        } else {
          out_values[begin + o] = a_values[i + at];
        }
      }
    });
  });
}

}  // namespace weft::cpu
