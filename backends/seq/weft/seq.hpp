// The sequential backend: every verb on the calling thread, with the cpu family's vector loops.
#pragma once

#include <weft/any_policy.hpp>
#include <weft/cpu/family.hpp>

namespace weft::inline v100 {

struct seq_scheduler {
  static constexpr int threads() { return 1; }
  template <class F>
  static void run(int tasks, const F& f) {
    for (int task = 0; task < tasks; ++task) f(task);
  }
};

struct seq_backend : cpu::family<seq_scheduler> {
  static constexpr const char* name = "seq";
};
static_assert(backend<seq_backend>);

inline constexpr policy<seq_backend> seq{};

namespace detail {
template <class F>
backend_type<seq_backend> included(slot<0>, F*);
inline const registered_in<seq_backend, 0> seq_registered;
}  // namespace detail

}  // namespace weft
