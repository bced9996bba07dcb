// rotate, shift_left, shift_right, swap_ranges, against std.
#include "harness.hpp"

#include <weft/rotate.hpp>

namespace {

template <class T>
void rotates(const std::vector<offset>& lengths) {
  for (const offset n : lengths)
    for (const offset k : {offset{0}, offset{1}, n / 3, n - 1, n}) {
      if (k < 0 || k > n) continue;
      INFO("n = " << n << ", k = " << k << ", " << sizeof(T) << " bytes");
      const auto x = values<T>(n, 1);
      auto wanted = x;
      std::rotate(wanted.begin(), wanted.begin() + k, wanted.end());
      auto data = device_copy(x);
      const auto in = device_copy(x);
      auto out = device_room<T>(n);
      REQUIRE(weft::rotate(policy, data.begin(), data.begin() + k, data.end()) - data.begin() == n - k);
      require_same(host_copy(data), wanted);
      REQUIRE(weft::rotate_copy(policy, in.begin(), in.begin() + k, in.end(), out.begin()) == out.end());
      require_same(host_copy(out), wanted);

      auto left = device_copy(x), right = device_copy(x);
      REQUIRE(weft::shift_left(policy, left.begin(), left.end(), k) - left.begin() == n - k);
      REQUIRE(weft::shift_right(policy, right.begin(), right.end(), k) - right.begin() == k);
      auto moved = host_copy(left);
      moved.resize(static_cast<std::size_t>(n - k));
      require_same(moved, std::vector<T>(x.begin() + k, x.end()));
      moved = host_copy(right);
      moved.erase(moved.begin(), moved.begin() + k);
      require_same(moved, std::vector<T>(x.begin(), x.end() - k));
    }
}

}  // namespace

TEST_CASE("rotate and shift move every element") {
  rotates<u32>(sizes());
  rotates<u8>(few_sizes());
  rotates<double>(few_sizes());
  rotates<affine>(few_sizes());
  if constexpr (!gpu_family) rotates<std::string>({0, 1, 100, 70001});
}

TEST_CASE("shift by the whole length and more moves nothing") {
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  REQUIRE(weft::shift_left(policy, data.begin(), data.end(), 5) == data.begin());
  REQUIRE(weft::shift_right(policy, data.begin(), data.end(), 3) == data.end());
  require_same(host_copy(data), {1, 2, 3});
}

TEST_CASE("swap_ranges exchanges elements") {
  for (const offset n : few_sizes()) {
    const auto x = values<i64>(n, 2), y = values<i64>(n, 3);
    auto a = device_copy(x), b = device_copy(y);
    REQUIRE(weft::swap_ranges(policy, a.begin(), a.end(), b.begin()) == b.end());
    require_same(host_copy(a), y);
    require_same(host_copy(b), x);
  }
}

TEST_CASE("rotate, shift and swap_ranges refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3, 4});
  const auto begin = data.begin(), end = data.end();
  REQUIRE(contains(refusal([&] { weft::rotate(policy, begin, end, begin + 1); }), "rotate: middle lies outside"));
  REQUIRE(contains(refusal([&] { weft::shift_left(policy, begin, end, -1); }), "shift_left"));
  REQUIRE(contains(refusal([&] { weft::swap_ranges(policy, begin, begin + 2, begin + 1); }), "swap_ranges"));
  require_same(host_copy(data), {1, 2, 3, 4});
}
