// What every header needs to compile under g++, clang, nvcc and clang HIP alike: the three macros of the library and
// the integer type of sizes. This file and the dialects are the only places that look at the vendor's compiler.
#pragma once

#include <cstddef>
#include <cstdint>

#define WEFT_VERSION 100  // major * 10000 + minor * 100 + patch

#if defined(__CUDACC__) || defined(__HIP__)
#define WEFT_HOST_DEVICE __host__ __device__
#define WEFT_DEVICE __device__
#else
#define WEFT_HOST_DEVICE
#define WEFT_DEVICE
#endif

namespace weft {

/// Every size, count and index at the interface: 64 bits and signed, on every backend.
using offset = std::int64_t;

}  // namespace weft
