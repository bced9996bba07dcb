// A planted program holds a kernel with one mistake that only a sanitizer sees, and the same kernel without it. It runs
// the mistake, or with the argument "repaired" the other, at both warp widths, under every schedule and several seeds.
//
//   PROGRAM            must print what its first comment says (and exit with the sanitizer's status)
//   PROGRAM repaired   must print "silent" and nothing of a sanitizer, and exit with 0
//
// Build with -std=c++20 -O1 -g, -fsanitize=thread or -fsanitize=address as the program says, by g++ and by clang.
#pragma once

#include <weft/gpu/dialect.hpp>

#include <cstdio>
#include <cstring>
#include <vector>

namespace planted {

using weft::gpu::arch;

/// Calls run(repaired) once for each setting of the machine.
template <class Run>
int program(int arguments, char** argument, Run run) {
  const bool repaired = arguments > 1 && std::strcmp(argument[1], "repaired") == 0;
  using enum weft::simt_schedule;
  for (const int warp : {32, 64})
    for (const weft::simt_schedule schedule : {fifo, reverse, random, starve})
      for (const std::uint64_t seed : {1, 2}) {
        weft::simt_config config;
        config.warp = warp;
        config.schedule = schedule;
        config.seed = seed;
        config.resident = 4;
        config.shuffle_blocks = seed != 1;
        weft::simt_options() = config;
        run(repaired);
      }
  std::puts("silent");
  return 0;
}

template <class Kernel>
void launch(unsigned blocks, const Kernel& kernel) {
  weft::dialect::launch<arch::generic>(blocks, {}, kernel);
}

}  // namespace planted
