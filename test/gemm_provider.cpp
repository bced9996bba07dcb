// Providers of gemm: what one declines is refused with its reason or computed by weft's own kernels, as the policy
// says; what it takes is its own; a plan tells which. The provider here takes float products of square matrices and
// writes 7.
#include <weft/fill.hpp>
#include <weft/gemm/plan.hpp>
#include <weft/gemm/provider.hpp>
#include <weft/memory/workspace.hpp>

#include "gemm_data.hpp"

namespace {

struct seven_provider {
  static constexpr const char* name = "seven";
  inline static int runs = 0;
  template <class Backend>
  static constexpr bool serves = true;
  template <class P, class TA, class TB, class TC, class Options>
  static const char* gemm(const P& on, const weft::batch<TA>& a, const weft::batch<TB>&, const weft::batch<TC>& c,
                          const Options&, bool run) {
    if constexpr (!std::is_same_v<TC, float>) {
      return "not of floats";
    } else {
      if (a.first.rows != a.first.columns) return "not square";
      runs += run;
      if (run) weft::fill(on, c.first.data, c.first.data + c.first.rows * c.first.columns, 7.f);
      return nullptr;
    }
  }
};
inline constexpr seven_provider seven{};

}  // namespace

TEST_CASE("gemm by a provider, and by weft's own kernels where it declines and may") {
  const auto a = device_copy(std::vector<float>(100, 1.f));
  auto c = device_room<float>(16);
  auto d = device_room<double>(16);
  using weft::row_major;
  const auto B = row_major(a.begin(), 4, 4);
  weft::gemm(policy.with_provider(seven), row_major(a.begin(), 4, 4), B, row_major(c.begin(), 4, 4));
  require_same(host_copy(c), std::vector<float>(16, 7.f));

  const auto tall = row_major(a.begin(), 4, 5), wide = row_major(a.begin(), 5, 4);
  CHECK(contains(refusal([&] { weft::gemm(policy.with_provider(seven), tall, wide, row_major(c.begin(), 4, 4)); }),
                 "gemm: seven declines: not square"));
  CHECK(contains(refusal([&] { weft::gemm(policy.with_provider(seven), B, B, row_major(d.begin(), 4, 4)); }),
                 "not of floats"));
  require_same(host_copy(c), std::vector<float>(16, 7.f));
  weft::gemm(policy.with_provider(seven, weft::fall_back), tall, wide, row_major(c.begin(), 4, 4));
  require_same(host_copy(c), std::vector<float>(16, 5.f));
  weft::gemm(policy.with_provider(seven, weft::fall_back), B, B, row_major(d.begin(), 4, 4));
  require_same(host_copy(d), std::vector<double>(16, 4.));
}

TEST_CASE("a gemm_plan tells whether a provider takes the product, and goes on without it when told") {
  const auto a = device_copy(std::vector<float>(100, 1.f));
  auto c = device_room<float>(16);
  using weft::row_major;
  const auto B = row_major(a.begin(), 4, 4), tall = row_major(a.begin(), 4, 5), wide = row_major(a.begin(), 5, 4);
  const auto C = row_major(c.begin(), 4, 4);
  weft::gemm_plan plan(policy.with_provider(seven), B, B, C);
  CHECK(plan.config().kernel == "seven");
  CHECK(plan.workspace_bytes() == 0);
  plan.launch(B, B, C);
  require_same(host_copy(c), std::vector<float>(16, 7.f));
  plan.use(plan.candidates().at(1));
  plan.launch(B, B, C);
  require_same(host_copy(c), std::vector<float>(16, 4.f));

  weft::gemm_plan own(policy.with_provider(seven, weft::fall_back), tall, wide, C);
  CHECK(own.config() == weft::gemm_plan(policy, tall, wide, C).config());
  CHECK(contains(refusal([&] { weft::gemm_plan(policy.with_provider(seven), tall, wide, C); }), "not square"));
}

TEST_CASE("a provider does not run while a workspace is measured") {
  const auto a = device_copy(std::vector<float>(16, 1.f));
  auto c = device_room<float>(16);
  const auto A = weft::row_major(a.begin(), 4, 4);
  const int before = seven_provider::runs;
  REQUIRE(weft::workspace_bytes(policy.with_provider(seven), [&](auto on) {
            weft::gemm(on, A, A, weft::row_major(c.begin(), 4, 4));
            const weft::gemm_plan plan(on, A, A, weft::row_major(c.begin(), 4, 4));
            plan.launch(A, A, weft::row_major(c.begin(), 4, 4));
          }) == 0);
  REQUIRE(seven_provider::runs == before);
}
