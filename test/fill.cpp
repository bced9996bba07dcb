// fill, generate, tabulate, sequence.
#include "harness.hpp"

#include <weft/fill.hpp>

namespace {

template <class T>
struct forty_two {
  WEFT_HOST_DEVICE T operator()() const { return T(42); }
};
struct square_of_index {
  WEFT_HOST_DEVICE i64 operator()(offset i) const { return i * i; }
};

template <class T>
void fills(const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    room<T> out(n);
    const T value = value_from<T>(0x123456789abcdef0u, 5);
    weft::fill(policy, out.begin(), out.end(), value);
    require_same(host_copy(out), std::vector<T>(static_cast<std::size_t>(n), value));
  }
}

}  // namespace

TEST_CASE("fill sets every element") {
  fills<u32>(sizes());
  fills<u8>(sizes());
  fills<i16>(few_sizes());
  fills<double>(few_sizes());
  fills<affine>(few_sizes());
  fills<tagged>(few_sizes());
}

TEST_CASE("fill of a part leaves its neighbours alone") {
  auto out = device_copy(std::vector<u8>(1000, 1));
  for (const offset shift : {1, 5, 17}) weft::fill(policy, out.begin() + shift, out.begin() + 999, u8{2});
  auto wanted = std::vector<u8>(1000, 2);
  wanted[0] = wanted[999] = 1;
  require_same(host_copy(out), wanted);
}

TEST_CASE("generate, tabulate and sequence") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    room<i64> out(n);
    std::vector<i64> wanted(static_cast<std::size_t>(n), 42);
    weft::generate(policy, out.begin(), out.end(), forty_two<i64>{});
    require_same(host_copy(out), wanted);
    weft::tabulate(policy, out.begin(), out.end(), square_of_index{});
    for (offset i = 0; i < n; ++i) wanted[static_cast<std::size_t>(i)] = i * i;
    require_same(host_copy(out), wanted);
    weft::sequence(policy, out.begin(), out.end());
    for (offset i = 0; i < n; ++i) wanted[static_cast<std::size_t>(i)] = i;
    require_same(host_copy(out), wanted);
    weft::sequence(policy, out.begin(), out.end(), 7, -3);
    for (offset i = 0; i < n; ++i) wanted[static_cast<std::size_t>(i)] = 7 - 3 * i;
    require_same(host_copy(out), wanted);
  }
  room<float> steps(1001);
  weft::sequence(policy, steps.begin(), steps.end(), 0.f, 0.25f);
  REQUIRE(host_copy(steps)[1000] == 250.f);
}

TEST_CASE("fill refuses bad arguments before anything runs") {
  i32* const none = null<i32>();
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  REQUIRE(contains(refusal([&] { weft::fill(policy, none, none + 2, 1); }), "fill: null pointer"));
  REQUIRE(contains(refusal([&] { weft::fill(policy, data.end(), data.begin(), 1); }), "fill: negative count"));
  require_same(host_copy(data), {1, 2, 3});
}

TEST_CASE("fill: any copyable type on CPU backends") {
  if constexpr (!gpu_family) {
    std::vector<std::string> out(5000);
    weft::fill(policy, out.begin(), out.end(), std::string("weft"));
    require_same(out, std::vector<std::string>(5000, "weft"));
  }
}
