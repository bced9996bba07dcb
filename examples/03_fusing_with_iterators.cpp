// Iterators that compute what they yield: several steps become one pass, without intermediate arrays. Each call below
// reads its inputs once and writes its outputs once.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/select.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cmath>
#include <cstdio>
#include <vector>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

struct relative_error {
  template <class Pair>
  WEFT_HOST_DEVICE float operator()(const Pair& pair) const {
    const auto [wanted, got] = pair;
    return (got > wanted ? got - wanted : wanted - got) / wanted;
  }
};
struct above {
  float bound;
  WEFT_HOST_DEVICE bool operator()(float x) const { return x > bound; }
};
struct rounded_to {
  float unit;
  WEFT_HOST_DEVICE int operator()(float x) const { return static_cast<int>(x / unit + 0.5f); }
};

int main() {
  const weft::offset n = 30000;
  std::vector<float> host_wanted(n), host_got(n);
  for (weft::offset i = 0; i < n; ++i) {
    host_wanted[i] = 1 + static_cast<float>(i % 100);
    host_got[i] = host_wanted[i] * (i % 1000 == 7 ? 1.25f : 1);
  }
  host_got[12345] *= 2;
  const weft::buffer<float> wanted = weft::to_buffer(policy, host_wanted), got = weft::to_buffer(policy, host_got);

  // The errors are never stored: they are computed from both arrays where an algorithm reads them.
  const auto errors = weft::transformed(weft::zip(wanted.begin(), got.begin()), relative_error{});
  const double sum = weft::reduce(policy, errors, errors + n, 0.0);
  const weft::offset worst = weft::max_element(policy, errors, errors + n) - errors;
  std::printf("mean error %.4f %%, the worst at %td\n", 100 * sum / static_cast<double>(n), worst);

  // Where are they? The places come from a counting iterator, the question is asked of the errors.
  const auto places = weft::counting(weft::offset{0});
  weft::buffer<weft::offset> bad(policy, n);
  const weft::offset bads = weft::copy_if(policy, places, places + n, errors, bad.begin(), above{0.1f}) - bad.begin();

  // The values at those places, summed through the list of places; and every tenth value.
  const auto bad_values = weft::permuted(got.begin(), bad.begin());
  const float bad_sum = weft::reduce(policy, bad_values, bad_values + bads);
  const auto tenth = weft::strided(wanted.begin(), 10);
  const float tenth_sum = weft::reduce(policy, tenth, tenth + n / 10);
  std::printf("%td of %td are off by more than a tenth; their sum is %.2f\n", bads, n, bad_sum);

  // An output can compute too: prefix sums of the errors, rounded to whole percents as they are written.
  weft::buffer<int> percents(policy, n);
  weft::inclusive_scan(policy, errors, errors + n, weft::transformed_output(percents.begin(), rounded_to{0.01f}));
  const int last = weft::to_vector(policy, percents).back();

  const bool right = worst == 12345 && bads == 31 && last == static_cast<int>(100 * sum + 0.5) &&
                     std::abs(sum - (30 * 0.25 + 1)) < 1e-3 && tenth_sum == 46 * 3000 && bad_sum > 0;
  return right ? 0 : 1;
}
