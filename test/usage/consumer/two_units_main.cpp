// Two translation units that include everything link together and agree.
#include <weft/simt.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <vector>

long other_sum(const std::vector<long>& x);

int main() {
  std::vector<long> x(5000);
  weft::sequence(weft::tbb, x.begin(), x.end(), 1L);
  const long here = weft::reduce(weft::simt, x.begin(), x.end(), 0L);
  return here == other_sum(x) && here == 5000L * 5001 / 2 ? 0 : 1;
}
