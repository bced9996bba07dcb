// A file that takes its sorts, scans and sums from the library that weft_prebuilt(tbb) made.
#include <weft/prebuilt/tbb.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/sort.hpp>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

template <class T>
bool agrees(std::size_t n) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::vector<T> x(n);
  for (T& each : x) each = static_cast<T>(random() % 1000);
  std::vector<T> sums(n), expected(n), sorted = x, values = x, by_key = x;
  const T total = weft::reduce(weft::tbb, x.data(), x.data() + n, T{});
  weft::inclusive_scan(weft::tbb, x.data(), x.data() + n, sums.data());
  std::partial_sum(x.begin(), x.end(), expected.begin());
  bool good = sums == expected && total == (n ? expected.back() : T{});
  const std::vector<T>& constant = x;
  weft::exclusive_scan(weft::tbb, constant.data(), constant.data() + n, sums.data(), T{3});
  std::exclusive_scan(x.begin(), x.end(), expected.begin(), T{3});
  good = good && sums == expected;
  std::sort(x.begin(), x.end());
  weft::sort(weft::tbb, sorted.data(), sorted.data() + n);
  weft::sort_by_key(weft::tbb, by_key.data(), by_key.data() + n, values.data());
  return good && sorted == x && by_key == x && values == x;
}

int main() {
  for (const std::size_t n : {0, 1, 100, 100000})
    if (!agrees<int>(n) || !agrees<double>(n) || !agrees<unsigned>(n)) return 1;
  return 0;
}
