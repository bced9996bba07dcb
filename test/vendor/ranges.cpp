// Ranges of the vendors' profilers, without a profiler and without a device: this program is its own NVTX injection
// library (NVTX loads what NVTX_INJECTION64_PATH names), and ranges_roctx.cpp is a rocTX that writes down what it
// hears. Exits with the number of failed checks.
#include <weft/cuda/nvtx.hpp>
#include <weft/hip/roctx.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/seq.hpp>
#include <weft/sort.hpp>

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "expect.hpp"

namespace {

void some_calls() {
  std::vector<int> x{3, 1, 2}, y(3);
  weft::sort(weft::seq, x.begin(), x.end());
  weft::inclusive_scan(weft::seq, x.begin(), x.end(), y.begin());
  expect(weft::reduce(weft::seq, y.begin(), y.end(), 0) == 10, "the sum");
}

std::string heard_by(const char* library) {
  void* const handle = dlopen(library, RTLD_NOW);
  if (handle == nullptr) return std::string("no library: ") + dlerror();
  const auto heard = reinterpret_cast<const char* (*)()>(dlsym(handle, "heard"));
  return heard ? heard() : "no function heard()";
}

}  // namespace

int main(int arguments, char** argument) {
  if (arguments != 3) return 99;
  const std::string wanted = "+sort -+inclusive_scan -+reduce -";
  setenv("NVTX_INJECTION64_PATH", argument[1], 1);
  some_calls();  // is not told
  {
    weft::nvtx_ranges ranges;
    expect(ranges.attached(), "attached to NVTX");
    some_calls();
  }
  some_calls();
  const std::string nvtx = heard_by(argument[1]);
  std::printf("NVTX heard %s\n", nvtx.c_str());
  expect(nvtx == "weft: " + wanted, "what NVTX heard");

  {
    weft::roctx_ranges ranges;  // finds the library by its name, as on a machine with ROCm: see CMakeLists.txt
    expect(ranges.attached(), "attached to rocTX");
    some_calls();
  }
  const std::string roctx = heard_by(argument[2]);
  std::printf("rocTX heard %s\n", roctx.c_str());
  expect(roctx == wanted, "what rocTX heard");
  return failures;
}
