// The checks of programs that are tests by themselves: main returns how many have failed.
#pragma once

#include <atomic>
#include <cstdio>

inline std::atomic<int> failures{0};
inline void expect(bool ok, const char* what) {
  if (ok) return;
  ++failures;
  std::printf("FAILED: %s\n", what);
}
