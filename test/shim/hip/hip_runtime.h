// Test only: see hip_runtime_api.h beside it.
#pragma once

#include <hip/hip_runtime_api.h>
