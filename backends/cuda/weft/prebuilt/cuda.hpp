// <weft/cuda.hpp> for files that are to compile fast: sort, scan and reduce of 32- and 64-bit numbers (the sums, not
// other operations), and the memory pools, are compiled once, in the library weft::cuda_prebuilt, which CMake's
// weft_prebuilt(cuda) makes with the flags of the project that calls it. Everything else works as ever. The same calls
// without this header, in other files of a program, do the same.
//
// Nothing is lost by inlining: what the library holds is the kernels and their launches, not the functions a user
// gives. WEFT_PREBUILT is `extern template` for users and `template` in the library, so one list serves both.
#pragma once

#include <weft/cuda.hpp>

#ifndef WEFT_PREBUILT  // the library defines it as `template`
#define WEFT_PREBUILT extern template
#endif
#define WEFT_PREBUILT_POLICY policy<cuda_backend>

namespace weft::inline v100 {
#include <weft/prebuilt/gpu/verbs.hpp>
#include <weft/prebuilt/memory.hpp>
}  // namespace weft

#undef WEFT_PREBUILT
#undef WEFT_PREBUILT_POLICY
