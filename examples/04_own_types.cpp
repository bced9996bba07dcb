// Own structs as elements and own functors as operators. Elements need to be trivially copyable on GPUs; operators of
// scans need to be associative, those of reductions commutative as well (weft::ordered{op} lifts that).
#include <weft/buffer.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/sort.hpp>
#include <weft/transform.hpp>
#include WEFT_EXAMPLE_HEADER

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

struct particle {
  float x, y, mass;
};

struct box {
  float left, bottom, right, top;
};
struct to_box {
  WEFT_HOST_DEVICE box operator()(const particle& p) const { return {p.x, p.y, p.x, p.y}; }
};
struct join {
  WEFT_HOST_DEVICE box operator()(const box& a, const box& b) const {
    constexpr weft::minimum low{};
    constexpr weft::maximum high{};
    return {low(a.left, b.left), low(a.bottom, b.bottom), high(a.right, b.right), high(a.top, b.top)};
  }
};

// Heaviest first, then from left to right: a comparison of our own, so this is a merge sort.
struct heavier {
  WEFT_HOST_DEVICE bool operator()(const particle& a, const particle& b) const {
    return a.mass != b.mass ? a.mass > b.mass : a.x < b.x;
  }
};

// x -> scale * x + shift. One after the other is such a step again, and that is associative: so the balances of a
// savings account, each of which needs the one before, are a scan.
struct step {
  double scale, shift;
};
struct then {
  WEFT_HOST_DEVICE step operator()(const step& first, const step& second) const {
    return {second.scale * first.scale, second.scale * first.shift + second.shift};
  }
};

int main() {
  std::vector<particle> host(20000);
  for (std::size_t i = 0; i < host.size(); ++i) {
    const float t = static_cast<float>(i);
    host[i] = {t * std::cos(t), t * std::sin(t), static_cast<float>(i * 7919 % 10)};
  }
  auto particles = weft::to_buffer(policy, host);
  const box all = weft::transform_reduce(policy, particles.begin(), particles.end(), box{1e9f, 1e9f, -1e9f, -1e9f},
                                         join{}, to_box{});
  weft::sort(policy, particles.begin(), particles.end(), heavier{});
  std::printf("%zu particles in [%.0f, %.0f] x [%.0f, %.0f]\n", host.size(), all.left, all.right, all.bottom, all.top);

  const std::vector<particle> sorted = weft::to_vector(policy, particles);
  bool right = std::is_sorted(sorted.begin(), sorted.end(), heavier{});
  for (const particle& p : host) right &= p.x >= all.left && p.x <= all.right && p.y >= all.bottom && p.y <= all.top;

  std::vector<step> months(360, step{1 + 0.03 / 12, 100});  // 3 % a year, 100 a month, 30 years
  months[0] = {0, 1000};                                    // begins with 1000
  auto account = weft::to_buffer(policy, months);
  weft::inclusive_scan(policy, account.begin(), account.end(), account.begin(), then{});
  double balance = 0;
  for (const step& s : months) balance = s.scale * balance + s.shift;
  const double scanned = weft::to_vector(policy, account).back().shift;
  std::printf("after 30 years: %.2f\n", scanned);
  return right && std::abs(scanned - balance) < 1e-6 * balance ? 0 : 1;
}
