// The CUDA backend: `weft::cuda` as a policy. In a plain C++ file it serves for streams, events, buffers and memory;
// the algorithms need nvcc or clang CUDA.
#pragma once

#include <weft/any_policy.hpp>
#include <weft/cuda/runtime.hpp>
#include <weft/cuda/verbs.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100 {

struct cuda_backend : cuda_verbs {
  static constexpr const char* name = "cuda";
  static constexpr bool is_device = true;
  static weft::runtime& runtime() noexcept { return cuda_runtime(); }
};

inline constexpr policy<cuda_backend> cuda{};

namespace detail {
inline const registered_in<cuda_backend, 4> cuda_registered;
}

}  // namespace weft
