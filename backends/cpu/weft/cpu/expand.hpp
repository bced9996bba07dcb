// expand: for each output element the run it lies in. The output is cut in equal parts; a part finds its first run by
// binary search and goes from run to run from there, filling each by a loop that vectorises.
#pragma once

#include <weft/cpu/scheduler.hpp>

namespace weft::inline v100::cpu {

template <class Scheduler, class Ends, class Out, class F>
void expand(Ends ends, offset m, offset n, Out out, F f) {
  if (m <= 0) return;
  n = min(n, static_cast<offset>(ends[m - 1]));
  for_chunks<Scheduler>(n, 1 << 14, [&](offset begin, offset end) {
    offset run = 0;
    for (offset left = m; left > 0;) {  // the first run that ends behind `begin`
      const offset half = left / 2;
      const bool before = static_cast<offset>(ends[run + half]) <= begin;
      run = before ? run + half + 1 : run;
      left = before ? left - half - 1 : half;
    }
    for (offset i = begin; i < end; ++run) {
      const offset stop = min(end, static_cast<offset>(ends[run]));
      if (i == stop) continue;  // an empty run
      const auto value = f(run);
      for (; i < stop; ++i) out[i] = value;
    }
  });
}

}  // namespace weft::cpu
