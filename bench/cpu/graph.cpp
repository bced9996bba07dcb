// Ten algorithms on 2^14 elements, one after the other, on CPU backends: called one by one, replayed as a recorded
// graph, and the same ten by the standard library. Microseconds, medians in turns; results are compared. Argument: the
// exponent of the size. bench/gpu/graph.cu is the same pipeline on a GPU, beside Thrust.
#include <weft/graph.hpp>
#include <weft/openmp.hpp>
#include <weft/seq.hpp>
#include <weft/tbb.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

namespace {

using u32 = std::uint32_t;

struct square {
  u32 operator()(u32 x) const { return x * x; }
};
struct halve {
  u32 operator()(u32 x) const { return x >> 1; }
};
struct is_even {
  bool operator()(u32 x) const { return (x & 1) == 0; }
};

struct arrays {
  explicit arrays(std::size_t n) : a(n), b(n), sums(2), count(1) {}
  std::vector<u32> a, b, sums;
  std::vector<weft::offset> count;
};

template <class P>
void by_weft(const P& on, const std::vector<u32>& in, arrays& m) {
  const auto n = static_cast<weft::offset>(in.size());
  u32 *const a = m.a.data(), *const b = m.b.data();
  weft::transform(on, in.data(), in.data() + n, a, square{});
  weft::inclusive_scan(on, a, a + n, b);
  weft::transform(on, b, b + n, a, halve{});
  weft::reduce_into(on, a, a + n, m.sums.data(), 0u);
  weft::adjacent_difference(on, a, a + n, b);
  weft::exclusive_scan(on, b, b + n, a, 7u);
  weft::fill(on, b, b + n, 1u);
  weft::copy_if_into(on, a, a + n, b, m.count.data(), is_even{});
  weft::reverse(on, b, b + n);
  weft::reduce_into(on, b, b + n, m.sums.data() + 1, 0u);
}

void by_std(const std::vector<u32>& in, arrays& m) {
  auto &a = m.a, &b = m.b;
  std::transform(in.begin(), in.end(), a.begin(), square{});
  std::inclusive_scan(a.begin(), a.end(), b.begin());
  std::transform(b.begin(), b.end(), a.begin(), halve{});
  m.sums[0] = std::reduce(a.begin(), a.end(), 0u);
  std::adjacent_difference(a.begin(), a.end(), b.begin());
  std::exclusive_scan(b.begin(), b.end(), a.begin(), 7u);
  std::fill(b.begin(), b.end(), 1u);
  m.count[0] = std::copy_if(a.begin(), a.end(), b.begin(), is_even{}) - b.begin();
  std::reverse(b.begin(), b.end());
  m.sums[1] = std::reduce(b.begin(), b.end(), 0u);
}

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double median(std::vector<double>& times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

template <class P>
int compare(const P& policy, const std::vector<u32>& in) {
  weft::stream s{policy};
  const auto on = policy.on(s);
  arrays eager(in.size()), replayed(in.size()), expected(in.size());
  const weft::graph g = weft::capture(s, [&] { by_weft(on, in, replayed); });
  const std::function<void()> ways[] = {[&] { by_weft(on, in, eager); }, [&] { g.launch(s); },
                                        [&] { by_std(in, expected); }};
  std::vector<double> times[3];
  for (int round = 0; round < 400; ++round)
    for (int way = 0; way < 3; ++way) {
      const double start = now_us();
      ways[way]();
      times[way].push_back(now_us() - start);
    }
  const bool same = eager.b == expected.b && replayed.b == expected.b && eager.sums == expected.sums &&
                    replayed.sums == expected.sums && replayed.count == expected.count && eager.a == expected.a;
  std::printf("%-8s %8.1f eager %8.1f replayed %8.1f std%s\n", P::backend::name, median(times[0]), median(times[1]),
              median(times[2]), same ? "" : "   WRONG");
  return same ? 0 : 1;
}

}  // namespace

int main(int arguments, char** argument) {
  const int exponent = arguments > 1 ? std::atoi(argument[1]) : 14;
  std::vector<u32> in(std::size_t{1} << exponent);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<u32>(i * 2654435761u >> 7);
  std::printf("ten calls on 2^%d elements, microseconds\n", exponent);
  return compare(weft::seq, in) + compare(weft::openmp, in) + compare(weft::tbb, in);
}
