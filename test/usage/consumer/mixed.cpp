// Every CPU backend and one GPU dialect (here simt) in one translation unit and one program: the same bits from each.
#include <weft/openmp.hpp>
#include <weft/seq.hpp>
#include <weft/simt.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <cstdio>
#include <cstring>
#include <vector>

template <class Policy>
float sum(const Policy& policy, const std::vector<float>& x) {
  return weft::reduce(policy, x.begin(), x.end(), 0.f);
}

int main() {
  std::vector<float> x(100'003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.f / static_cast<float>(i + 1);
  const float sums[] = {sum(weft::seq, x), sum(weft::openmp, x), sum(weft::tbb, x), sum(weft::simt, x)};
  for (float s : sums) {
    std::printf("%a\n", static_cast<double>(s));
    if (std::memcmp(&s, sums, sizeof s) != 0) return 1;
  }
  return 0;
}
