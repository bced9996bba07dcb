// expand: for each output element the run it lies in. The output is cut in equal parts; a part finds its first run by
// binary search and goes from run to run from there. Short runs of what lies in memory are written with as many stores
// as a run of 64 bytes takes, whatever their length, which spares a mispredicted branch each: the next run's stores
// replace what was too much.
#pragma once

#include <weft/cpu/scheduler.hpp>

namespace weft::inline v100::cpu {

namespace detail {
template <class Out, class Value>
inline constexpr bool writes_too_much = false;
template <class T, class Value>
inline constexpr bool writes_too_much<T*, Value> = std::is_arithmetic_v<T>&& std::is_convertible_v<Value, T> &&
                                                   (sizeof(T) == 4 || sizeof(T) == 8);
}  // namespace detail

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
    offset i = begin;
    if constexpr (detail::writes_too_much<Out, decltype(f(run))>) {
      using T = std::remove_pointer_t<Out>;
      constexpr offset group = 64 / static_cast<offset>(sizeof(T));
      for (; i + group <= end; ++run) {
        const T value = static_cast<T>(f(run));
        const offset stop = min(end, static_cast<offset>(ends[run]));
        for (int j = 0; j < group; ++j) out[i + j] = value;
        for (i += group; i < stop; ++i) out[i] = value;
        i = stop;
      }
    }
    for (; i < end; ++run) {
      const offset stop = min(end, static_cast<offset>(ends[run]));
      if (i == stop) continue;  // an empty run
      const auto value = f(run);
      for (; i < stop; ++i) out[i] = value;
    }
  });
}

}  // namespace weft::cpu
