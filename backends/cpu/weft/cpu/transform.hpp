// transform: out[i] = f(in[i]). One pass; loops vectorise when f does.
#pragma once

#include <weft/cpu/scheduler.hpp>
#include <weft/policy.hpp>

namespace weft::cpu {

template <class Scheduler, class Policy, class In, class Out, class F>
void transform(const Policy&, In in, offset n, Out out, F f) {
  for_chunks_timed<Scheduler>(n, [&](offset begin, offset end) {
    wide([ begin, end, in, out, g = f ]() mutable __attribute__((always_inline)) {
      for (offset i = begin; i < end; ++i) out[i] = g(in[i]);
    });
  });
}

}  // namespace weft::cpu
