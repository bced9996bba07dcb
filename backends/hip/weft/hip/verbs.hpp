// The verbs of the GPU family where their compiler is; a plain C++ compiler sees a backend without verbs, which serves
// for streams and memory. Apart from the dialect, so that any header of gpu/, all of which are written in the dialect,
// can come first in a file.
#pragma once

#if defined(__HIP__)

#include <weft/gpu/family.hpp>

namespace weft {
using hip_verbs = gpu::family;
}

#else

namespace weft {
struct hip_verbs {};
}  // namespace weft

#endif
