// The backend simt: the GPU kernels themselves, run on the CPU with a fibre for each GPU thread. For tests of kernels
// (warp width 32 or 64, schedules, sanitizers; see simt/options.hpp) and for users who write kernels without a GPU; for
// speed on a CPU take weft::tbb or weft::openmp. It is the GPU dialect of its translation unit, and its pointers are
// ordinary memory.
#pragma once

#include <weft/any_policy.hpp>
#include <weft/gpu/dialect.hpp>
#include <weft/gpu/family.hpp>
#include <weft/host_runtime.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100 {

struct simt_backend : gpu::family {
  static constexpr const char* name = "simt";
  static constexpr bool is_device = false;  // kernels may dereference any pointer of the host
  static weft::runtime& runtime() noexcept { return host_runtime(); }
};

inline constexpr policy<simt_backend> simt{};

static_assert(backend<simt_backend>);

namespace detail {
template <class F>
backend_type<simt_backend> included(slot<3>, F*);
inline const registered_in<simt_backend, 3> simt_registered;
}  // namespace detail

}  // namespace weft
