// What a tile is worth: a plan lists the ways in which the backend can compute a product, the default first, and can be
// told which. Prints the speed of each for six shapes, and how many bytes of temporary memory it takes; checks that all
// give one result. A number as argument multiplies every extent: 16 suits a GPU.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/gemm/plan.hpp>
#include WEFT_EXAMPLE_HEADER

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;
using weft::offset;

struct values {
  WEFT_HOST_DEVICE float operator()(offset i) const { return static_cast<float>(i * 2654435761 % 255 - 127) / 127; }
};
weft::buffer<float> made(offset n) {
  weft::buffer<float> x(policy, n);
  weft::tabulate(policy, x.begin(), x.end(), values{});
  return x;
}

template <class Plan>
double seconds(const Plan& plan, const float* a, const float* b, float* c) {
  plan.launch(a, b, c);  // not timed: the first call loads code and takes temporary memory
  double best = 1e9;
  for (int run = 0; run < 3; ++run) {
    const auto start = std::chrono::steady_clock::now();
    plan.launch(a, b, c);
    best = std::fmin(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

bool compare(offset m, offset n, offset k) {
  const auto a = made(m * k), b = made(k * n);
  weft::buffer<float> c(policy, m * n);
  weft::gemm_plan plan(policy, weft::row_major(a.data(), m, k), weft::row_major(b.data(), k, n),
                       weft::row_major(c.data(), m, n));
  std::printf("%td x %td x %td\n", m, n, k);
  std::vector<float> first;
  bool same = true;
  std::vector<weft::gemm_config> ways = plan.candidates();
  if (ways.back().kernel == "tiles" || ways.back().kernel == "panels") {
    ways.push_back(ways.front());
    ways.back().tile.split = 4;  // any number of parts of k will do
  }
  for (const weft::gemm_config& way : ways) {
    plan.use(way);
    const double took = seconds(plan, a.data(), b.data(), c.data());
    const double flops = 2. * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    std::printf("  %-7s %4d x %4d x %3d, %d stages, k in %2d: %9.3f ms %9.1f GFLOP/s %9zu bytes\n", way.kernel.data(),
                way.tile.rows, way.tile.columns, way.tile.depth, way.tile.stages, way.tile.split, 1e3 * took,
                1e-9 * flops / took, plan.workspace_bytes());
    const auto result = weft::to_vector(policy, c);
    if (first.empty()) first = result;
    for (std::size_t i = 0; i < result.size(); ++i)
      same &= std::abs(result[i] - first[i]) < 1e-5 * static_cast<double>(k);
  }
  return same;
}

int main(int count, char** arguments) {
  const offset scale = count > 1 ? std::atoi(arguments[1]) : 1;
  bool same = scale > 0;
  const offset shapes[][3] = {{64, 64, 64},  {128, 128, 32}, {33, 47, 129},
                              {8, 256, 128}, {256, 8, 128},  {16, 16, 1024}};
  for (const auto& s : shapes) same &= compare(scale * s[0], scale * s[1], scale * s[2]);
  if (!same) std::printf("WRONG\n");
  return same ? 0 : 1;
}
