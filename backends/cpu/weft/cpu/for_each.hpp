// for_each_index: f(i) for every index. One pass over whatever f touches; loops vectorise when f does.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100::cpu {

template <class Scheduler, class Policy, class F>
void for_each_index(const Policy&, offset n, F f) {
  for_chunks_timed<Scheduler>(n, [&f](offset begin, offset end) {
    wide_for(
        end - begin, [=]() __attribute__((always_inline)) {
          F g = f;  // its own copy, which it may change
          for (offset i = begin; i < end; ++i) g(i);
        });
  });
}

}  // namespace weft::cpu
