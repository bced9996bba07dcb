// Iterators that compute: they feed an algorithm without memory traffic and make one verb serve many algorithms.
// All are random access on both sides, compose in any order, and are trivially copyable when their parts are.
//
//   counting(i)  constant(v)  transformed(it, f)  zip(a, b, …)  indexed(it)  permuted(values, indices)  reversed(end)
//   strided(it, step)  discard()  transformed_output(it, f)          and  unwrap(it)  distance(first, last)
//   iter_value_t
#pragma once

#include <weft/iterator/constant.hpp>
#include <weft/iterator/counting.hpp>
#include <weft/iterator/discard.hpp>
#include <weft/iterator/permutation.hpp>
#include <weft/iterator/reverse.hpp>
#include <weft/iterator/strided.hpp>
#include <weft/iterator/transform.hpp>
#include <weft/iterator/unwrap.hpp>
#include <weft/iterator/zip.hpp>

namespace weft::inline v100 {

/// (0, it[0]), (1, it[1]), …: for algorithms that want the place of an element as well.
template <class It>
WEFT_HOST_DEVICE constexpr zip_iterator<counting_iterator<offset>, It> indexed(It it, offset first = 0) {
  return weft::zip(counting_iterator<offset>(first), static_cast<It&&>(it));
}

}  // namespace weft
