// The smallest user: one header, the sequential policy.
#include <weft/seq.hpp>
#include <weft/weft.hpp>

#include <vector>

int main() {
  std::vector<int> x{3, 1, 2};
  weft::sort(weft::seq, x.begin(), x.end());
  return weft::reduce(weft::seq, x.begin(), x.end(), 0) == 6 && x[0] == 1 ? 0 : 1;
}
