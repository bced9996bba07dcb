// A function of one's own, written once and timed on several backends in one program.
#include <weft/openmp.hpp>
#include <weft/reduce.hpp>
#include <weft/seq.hpp>
#include <weft/tbb.hpp>
#ifdef __CUDACC__
#include <weft/cuda.hpp>
#endif

#include <chrono>
#include <cstdio>

struct collatz_steps {  // How many steps of n / 2 or 3 n + 1 lead from n to 1?
  WEFT_HOST_DEVICE int operator()(std::int64_t n) const {
    int steps = 0;
    for (; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
  }
};

template <class Policy>
int most_steps_below_a_million(const Policy& policy) {
  const auto first = weft::counting(std::int64_t{1});
  const auto run = [&] {
    return weft::transform_reduce(policy, first, first + 999'999, 0, weft::maximum{}, collatz_steps{});
  };
  run();  // not timed: the first call starts threads or loads code
  const auto start = std::chrono::steady_clock::now();
  const int most = run();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::printf("%-7s %9.3f ms\n", Policy::backend::name, took.count());
  return most;
}

int main() {
  bool right = most_steps_below_a_million(weft::seq) == 524;
  right &= most_steps_below_a_million(weft::openmp) == 524;
  right &= most_steps_below_a_million(weft::tbb) == 524;
#ifdef __CUDACC__
  right &= most_steps_below_a_million(weft::cuda) == 524;
#endif
  return right ? 0 : 1;
}
