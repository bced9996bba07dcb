// The oneTBB backend: as many threads as the current task arena has (tbb::global_control and tbb::task_arena apply).
// Nested calls share the arena's threads. A thread that waits inside a nested call takes only that call's tasks
// (isolation), so a chain of blocks cannot wait for itself. In a process forked from one that had threads, calls run on
// the calling thread (cpu/fork.hpp).
#pragma once

#include <weft/tbb/arena.hpp>
#include <weft/tbb/backend.hpp>
