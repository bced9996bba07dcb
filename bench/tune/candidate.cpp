// One candidate of a tuning table's row, timed: the program that tune.py compiles once for each. The macros say what:
//   WEFT_TUNE_HEADER, WEFT_TUNE_POLICY   the backend
//   WEFT_TUNE_CASE, WEFT_TUNE_TYPE       a case of cases.hpp and the type of its elements
//   WEFT_TUNE_CHANGE                     statements that change `row`; none: the table's row as it is
// Arguments: sizes. Prints for each "size, median microseconds, ok or wrong", results being compared with those of the
// table's row in the same program.
#include WEFT_TUNE_HEADER
#include <weft/buffer.hpp>
#include <weft/stream.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cases.hpp"

namespace {

using tune::offset;
using the_case = tune::WEFT_TUNE_CASE<WEFT_TUNE_TYPE>;

struct candidate {
  constexpr the_case::row_type operator()(the_case::row_type row, weft::gpu::arch, int) const {
    WEFT_TUNE_CHANGE;
    return row;
  }
};

/// Median of the time of one call among `rounds` batches of back-to-back calls, in microseconds.
template <class P>
double median_time(const P& policy, const weft::stream& stream, the_case& work, int rounds) {
  const auto batch = [&](int calls) {
    weft::event begin(policy, {.timing = true}), end(policy, {.timing = true});
    begin.record(stream.ref());
    for (int i = 0; i < calls; ++i) work.call(policy);
    end.record(stream.ref());
    stream.synchronize();
    return 1e3 * milliseconds(begin, end) / calls;
  };
  const double once = (batch(1), batch(1));
  const int calls = static_cast<int>(std::clamp(2000.0 / std::max(once, 1.0), 1.0, 50.0));
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) times.push_back(batch(calls));
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}

}  // namespace

int main(int argc, char** argv) {
  const auto policy = WEFT_TUNE_POLICY;
  for (int i = 1; i < argc; ++i) {
    const offset n = std::atoll(argv[i]);
    weft::stream stream{policy};
    const auto plain = policy.on(stream);
    the_case work(policy, n);
    work.call(plain);
    stream.synchronize();
    decltype(work.out) expected(policy, work.out.size());
    weft::copy(policy, work.out.begin(), work.out.end(), expected.begin());
    weft::fill(policy, work.out.begin(), work.out.end(), 0);
    const auto tuned = plain.tuned_by<candidate>();
    work.call(tuned);
    stream.synchronize();
    const bool right = weft::equal(policy, work.out.begin(), work.out.end(), expected.begin());
    std::printf("%lld %.3f %s\n", static_cast<long long>(n), median_time(tuned, stream, work, 9),
                right ? "ok" : "wrong");
    std::fflush(stdout);
  }
}
