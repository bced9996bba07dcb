// Every CPU backend beside CUDA in one translation unit; the same bits where there is a device.
#include <weft/cuda.hpp>
#include <weft/openmp.hpp>
#include <weft/seq.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <cstdio>
#include <cstring>
#include <vector>

int main() {
  std::vector<float> x(100'003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.f / static_cast<float>(i + 1);
  std::vector<float> sums{weft::reduce(weft::seq, x.begin(), x.end(), 0.f),
                          weft::reduce(weft::openmp, x.begin(), x.end(), 0.f),
                          weft::reduce(weft::tbb, x.begin(), x.end(), 0.f)};
  if (weft::cuda_runtime().device_count() > 0) {
    const auto there = weft::to_buffer(weft::cuda, x);
    sums.push_back(weft::reduce(weft::cuda, there.begin(), there.end(), 0.f));
  }
  for (const float& s : sums) {
    std::printf("%a\n", static_cast<double>(s));
    if (std::memcmp(&s, sums.data(), sizeof s) != 0) return 1;
  }
  return 0;
}
