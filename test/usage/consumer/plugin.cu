// A plug-in with weft kernels in it: built twice, for two architectures, and loaded into one process. Peer defect 6.
#include <weft/cuda.hpp>
#include <weft/fill.hpp>
#include <weft/reduce.hpp>
#include <weft/sort.hpp>

#include <weft/buffer.hpp>

/// The sum of 0 … n - 1 by this plug-in's kernels; -1 where there is no device, -2 where it has no code for the device.
extern "C" __attribute__((visibility("default"))) long plugin_sum(int n) {
  if (weft::cuda_runtime().device_count() == 0) return -1;
  try {
    weft::buffer<long> x(weft::cuda, n);
    weft::sequence(weft::cuda, x.begin(), x.end(), 0L);
    weft::sort(weft::cuda, x.begin(), x.end(), weft::greater{});
    return weft::reduce(weft::cuda, x.begin(), x.end(), 0L);
  } catch (const weft::error&) { return -2; }
}
