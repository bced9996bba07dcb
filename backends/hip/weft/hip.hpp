// The HIP backend: `weft::hip` as a policy. In a plain C++ file it serves for streams, events, buffers and memory; the
// algorithms need clang HIP.
#pragma once

#include <weft/any_policy.hpp>
#include <weft/hip/runtime.hpp>
#include <weft/hip/verbs.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100 {

struct hip_backend : hip_verbs {
  static constexpr const char* name = "hip";
  static constexpr bool is_device = true;
  static weft::runtime& runtime() noexcept { return hip_runtime(); }
};

inline constexpr policy<hip_backend> hip{};

namespace detail {
inline const registered_in<hip_backend, 5> hip_registered;
}

}  // namespace weft
