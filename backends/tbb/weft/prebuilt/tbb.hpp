// <weft/tbb.hpp> for files that are to compile fast: sort, scan and reduce of 32- and 64-bit numbers (the sums, not
// other operations), the memory pools and all that needs oneTBB's headers are compiled once, in the library
// weft::tbb_prebuilt, which CMake's weft_prebuilt(tbb) makes with the flags of the project that calls it. Everything
// else works as ever. The same calls without this header, in other files of a program, do the same.
//
// Nothing is lost by inlining: what the library holds is the loops and launches, not the functions a user gives.
// WEFT_PREBUILT is `extern template` for users and `template` in the library, so one list serves both.
#pragma once

#include <weft/tbb/backend.hpp>

#ifndef WEFT_PREBUILT  // the library defines it as `template`
#define WEFT_PREBUILT extern template
#endif
#define WEFT_PREBUILT_POLICY policy<tbb_backend>
#define WEFT_PREBUILT_SCHEDULER tbb_scheduler
namespace weft::inline v100 {
WEFT_PREBUILT struct tbb_arena<>;
#include <weft/prebuilt/cpu_verbs.hpp>
#include <weft/prebuilt/memory.hpp>
}  // namespace weft

#undef WEFT_PREBUILT
#undef WEFT_PREBUILT_POLICY
#undef WEFT_PREBUILT_SCHEDULER
