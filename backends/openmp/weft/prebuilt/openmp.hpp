// <weft/openmp.hpp> with what weft::openmp_prebuilt holds: <weft/prebuilt/tbb.hpp> explains it.
#pragma once

#include <weft/openmp.hpp>

#ifndef WEFT_PREBUILT  // the library defines it as `template`
#define WEFT_PREBUILT extern template
#endif
#define WEFT_PREBUILT_POLICY policy<openmp_backend>
#define WEFT_PREBUILT_SCHEDULER openmp_scheduler
namespace weft::inline v100 {
#include <weft/prebuilt/cpu_verbs.hpp>
#include <weft/prebuilt/memory.hpp>
}  // namespace weft

#undef WEFT_PREBUILT
#undef WEFT_PREBUILT_POLICY
#undef WEFT_PREBUILT_SCHEDULER
