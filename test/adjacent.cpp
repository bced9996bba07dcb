// adjacent_difference.
#include "harness.hpp"

#include <weft/adjacent.hpp>

#include <numeric>

namespace {

struct second_minus_twice_first {
  WEFT_HOST_DEVICE i64 operator()(i64 current, i64 before) const { return current - 2 * before; }
};

template <class T, class Op>
void differences(const std::vector<offset>& lengths, Op op) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, 1);
    std::vector<T> wanted(x.size());
    std::adjacent_difference(x.begin(), x.end(), wanted.begin(), op);
    const auto in = device_copy(x);
    room<T> out(n);
    REQUIRE(weft::adjacent_difference(policy, in.begin(), in.end(), out.begin(), op) == out.end());
    require_same(host_copy(out), wanted);
  }
}

}  // namespace

TEST_CASE("adjacent_difference") {
  differences<u32>(sizes(), weft::minus{});
  differences<u8>(few_sizes(), weft::minus{});
  differences<double>(few_sizes(), weft::plus{});
  differences<i64>(few_sizes(), second_minus_twice_first{});
}

TEST_CASE("adjacent_difference refuses bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  const auto b = data.begin(), e = data.end();
  REQUIRE(
      contains(refusal([&] { weft::adjacent_difference(policy, null<i32>(), null<i32>() + 1, b); }), "null pointer"));
  REQUIRE(contains(refusal([&] { weft::adjacent_difference(policy, e, b, b); }), "negative count"));
  REQUIRE(contains(refusal([&] { weft::adjacent_difference(policy, b, e, b); }), "input and output overlap"));
  require_same(host_copy(data), {1, 2, 3});
}
