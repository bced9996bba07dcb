#include <weft/simt.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <vector>

long other_sum(const std::vector<long>& x) {
  const long one = weft::reduce(weft::tbb, x.begin(), x.end(), 0L);
  return weft::reduce(weft::simt, x.begin(), x.end(), 0L) == one ? one : -1;
}
