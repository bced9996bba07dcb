// A plain C++ file that uses streams and buffers of the CUDA backend, and starts where there is no driver: then the
// device count is 0, a request for device memory is an error in words, and the CPU backends work on. Peer defect 17.
#include <weft/buffer.hpp>
#include <weft/cuda.hpp>
#include <weft/seq.hpp>
#include <weft/stream.hpp>
#include <weft/weft.hpp>

#include <cstdio>
#include <string>
#include <vector>

int main() {
  const std::vector<int> x{1, 2, 3};
  if (weft::reduce(weft::seq, x.begin(), x.end(), 0) != 6) return 1;
  if (weft::cuda_runtime().device_count() == 0) {
    try {
      weft::buffer<int> buffer(weft::cuda, 3);
    } catch (const weft::error& e) {
      std::printf("%s\n", e.what());
      return std::string(e.what()).find("cuda") == std::string::npos ? 1 : 0;
    }
    return 1;
  }
  weft::stream stream(weft::cuda);
  const auto gpu = weft::cuda.on(stream);
  const weft::buffer<int> there = weft::to_buffer(gpu, x);
  return weft::to_vector(gpu, there) == x ? 0 : 1;
}
