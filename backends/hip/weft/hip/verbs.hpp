// The verbs of the GPU family where their compiler is; a plain C++ compiler sees a backend without verbs, which serves
// for streams and memory. Apart from the dialect, so that any header of gpu/, all of which are written in the dialect,
// can come first in a file.
#pragma once

#if defined(__HIP__)

#include <weft/any_policy.hpp>
#include <weft/gpu/family.hpp>

namespace weft::inline v100 {
using hip_verbs = gpu::family;
struct hip_backend;
namespace detail {  // weft::visit counts the backend in
template <class F>
backend_type<hip_backend> included(slot<5>, F*);
}
}  // namespace weft

#else

namespace weft::inline v100 {
struct hip_verbs {};
}  // namespace weft

#endif
