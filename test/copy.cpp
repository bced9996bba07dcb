// copy, gather, scatter, reverse.
#include "harness.hpp"

#include <weft/copy.hpp>

#include <numeric>

namespace {

/// 0 … n - 1 in random order.
std::vector<i32> shuffled(offset n, u64 seed) {
  std::vector<i32> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_bits(seed, i) % i]);
  return order;
}

template <class T>
void moves(const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, 1);
    const auto map = shuffled(n, 2);
    const auto in = device_copy(x);
    const auto places = device_copy(map);
    room<T> out(n);
    REQUIRE(weft::copy(policy, in.begin(), in.end(), out.begin()) == out.end());
    require_same(host_copy(out), x);

    auto gathered = x, scattered = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      gathered[i] = x[static_cast<std::size_t>(map[i])];
      scattered[static_cast<std::size_t>(map[i])] = x[i];
    }
    weft::gather(policy, places.begin(), places.end(), in.begin(), out.begin());
    require_same(host_copy(out), gathered);
    weft::scatter(policy, in.begin(), in.end(), places.begin(), out.begin());
    require_same(host_copy(out), scattered);

    const std::vector<T> backwards(x.rbegin(), x.rend());
    weft::reverse_copy(policy, in.begin(), in.end(), out.begin());
    require_same(host_copy(out), backwards);
    weft::copy(policy, in.begin(), in.end(), out.begin());
    weft::reverse(policy, out.begin(), out.end());
    require_same(host_copy(out), backwards);
  }
}

}  // namespace

TEST_CASE("copy, gather, scatter and reverse move every element") {
  moves<u32>(sizes());
  moves<u8>(few_sizes());
  moves<double>(few_sizes());
  moves<affine>(few_sizes());
  moves<tagged>(few_sizes());
}

TEST_CASE("copy_n copies bits: NaN and -0.0 stay what they are") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{0.f, -0.f, nan, -nan, std::numeric_limits<float>::infinity()};
  const auto in = device_copy(x);
  room<float> out(5);
  weft::copy_n(policy, in.begin(), 5, out.begin());
  require_same(host_copy(out), x);
}

TEST_CASE("gather_if and scatter_if leave alone what the stencil does not name") {
  for (const offset n : sizes()) {
    INFO("n = " << n);
    const auto x = values<i64>(n, 5);
    const auto stencil = values<u32>(n, 6);
    auto map = shuffled(n, 7);
    std::vector<i64> gathered(x.size(), 9), scattered(x.size(), 9);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto to = static_cast<std::size_t>(map[i]);
      if (stencil[i] % 2 == 0) {
        map[i] = -1000000000;  // never used
        continue;
      }
      gathered[i] = x[to];
      scattered[to] = x[i];
    }
    const auto in = device_copy(x);
    const auto places = device_copy(map);
    const auto flags = device_copy(stencil);
    auto out = device_copy(std::vector<i64>(x.size(), 9));
    REQUIRE(weft::gather_if(policy, places.begin(), places.end(), flags.begin(), in.begin(), out.begin(), is_odd{}) ==
            out.end());
    require_same(host_copy(out), gathered);
    auto out2 = device_copy(std::vector<i64>(x.size(), 9));
    weft::scatter_if(policy, in.begin(), in.end(), places.begin(), flags.begin(), out2.begin(), is_odd{});
    require_same(host_copy(out2), scattered);
  }
}

TEST_CASE("reverse of a zip moves its ranges together") {
  const auto x = values<i32>(333, 3);
  const auto y = values<u8>(333, 4);
  auto a = device_copy(x);
  auto b = device_copy(y);
  const auto zipped = weft::zip(a.begin(), b.begin());
  weft::reverse(policy, zipped, zipped + 333);
  require_same(host_copy(a), std::vector<i32>(x.rbegin(), x.rend()));
  require_same(host_copy(b), std::vector<u8>(y.rbegin(), y.rend()));
}

TEST_CASE("copies refuse bad arguments before anything runs") {
  const i32* const none = null<const i32>();
  auto data = device_copy(std::vector<i32>{1, 2, 3, 4});
  REQUIRE(contains(refusal([&] { weft::copy(policy, none, none + 2, data.begin()); }), "copy: null pointer"));
  REQUIRE(contains(refusal([&] { weft::copy_n(policy, data.begin(), -1, data.begin()); }), "copy: negative count"));
  REQUIRE(
      contains(refusal([&] { weft::gather(policy, data.begin(), data.end(), none, data.begin()); }), "gather: null"));
  REQUIRE(contains(refusal([&] { weft::reverse_copy(policy, data.begin(), data.begin() + 3, data.begin() + 1); }),
                   "reverse_copy: input and output overlap"));
  require_same(host_copy(data), {1, 2, 3, 4});
}
