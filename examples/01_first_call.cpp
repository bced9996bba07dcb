// A first program: values go to the backend's memory, some algorithms run on them, the answer comes back.
// The build compiles it once for each backend; a program of your own would include <weft/cuda.hpp> or <weft/tbb.hpp>
// and say weft::cuda or weft::tbb.
#include <weft/weft.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cmath>
#include <cstdio>
#include <vector>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

int main() {
  std::vector<float> heights(50001);
  for (std::size_t i = 0; i < heights.size(); ++i)
    heights[i] = 170 + 15 * std::sin(static_cast<float>(i * i % 6283) / 1000);  // centimetres

  weft::buffer<float> x = weft::to_buffer(policy, heights);
  const auto n = static_cast<double>(x.size());

  // A buffer is a range of the backend's memory, so algorithms take it as those of std take a vector.
  const double mean = weft::reduce(policy, x.begin(), x.end(), 0.0) / n;
  const double variance =
      weft::transform_reduce(policy, x.begin(), x.end(), 0.0, weft::plus{},
                             [mean] WEFT_HOST_DEVICE(float height) { return (height - mean) * (height - mean); }) /
      n;
  const weft::offset tall =
      weft::count_if(policy, x.begin(), x.end(), [] WEFT_HOST_DEVICE(float height) { return height > 180; });

  weft::sort(policy, x.begin(), x.end());
  const float median = weft::to_vector(policy, x)[heights.size() / 2];

  std::printf("mean %.2f cm, deviation %.2f cm, median %.2f cm, %td of %zu above 180 cm\n", mean, std::sqrt(variance),
              median, tall, heights.size());

  weft::offset below = 0, above = 0, expected_tall = 0;
  for (float height : heights) {
    below += height < median;
    above += height > median;
    expected_tall += height > 180;
  }
  const auto half = static_cast<weft::offset>(heights.size() / 2);
  return below <= half && above <= half && tall == expected_tall && variance > 0 ? 0 : 1;
}
