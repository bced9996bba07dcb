// reduce_by_key: folds each run of equal keys, in order. Blocks of the input are the tasks: pass one counts the runs
// that begin in each block, pass two folds every run that begins in its block, reading on into the next block if need
// be.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/select.hpp>

namespace weft::cpu {

template <class Scheduler, class Policy, class Keys, class Values, class OutKeys, class OutValues, class Count,
          class Equal, class Op>
void reduce_by_key_into(const Policy&, Keys keys, Values values, offset n, OutKeys out_keys, OutValues out_values,
                        Count count, Equal equal, Op op) {
  using V = iter_value_t<Values>;
  offset run = 0;
  for (offset i = 0; i < n; ++run) {
    const offset first = i;
    V sum = values[i];
    for (++i; i < n && equal(keys[i - 1], keys[i]); ++i) sum = static_cast<V>(op(sum, values[i]));
    out_keys[run] = keys[first];
    out_values[run] = sum;
  }
  *count = run;
}

}  // namespace weft::cpu
