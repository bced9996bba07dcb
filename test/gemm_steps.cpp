// The seven steps of the road to a fast product: each against exact sums, in every order of operands, odd sizes, padded
// rows, alpha, beta and an epilogue; what a step cannot do is refused. In the emulation the steps by matrix
// instructions run on models of them (matrix_models.hpp). CPU backends have no steps.
#include <weft/gemm/plan.hpp>
#include <weft/memory/workspace.hpp>

#include "gemm_data.hpp"

#if __has_include(<weft/gpu/gemm_steps.hpp>)

#include <weft/gpu/gemm_steps.hpp>

#if !defined(__CUDACC__) && !defined(__HIP__)
#include "matrix_models.hpp"
#endif

namespace {

namespace steps = weft::gemm_steps;
using weft::gpu::gemm_step;
using weft::gpu::gemm_step_provider;

/// f(step) for each; in the emulation those by matrix instructions have models of the ones of its warps' width.
template <class F>
void each_step(F f) {
#if !defined(__CUDACC__) && !defined(__HIP__)
  f(steps::naive), f(steps::shared_tiles), f(steps::register_blocks);
  if (weft::gpu::device_of(policy).warp_width == 32) {
    f(gemm_step_provider<gemm_step::warp_matrix, matrix_models::nvidia_units>{});
    f(gemm_step_provider<gemm_step::mma, matrix_models::nvidia_units>{});
    f(gemm_step_provider<gemm_step::async_copies, matrix_models::nvidia_units>{});
    f(gemm_step_provider<gemm_step::warp_matrix, matrix_models::wmma_units>{});
  } else {
    f(gemm_step_provider<gemm_step::warp_matrix, matrix_models::mfma_units<weft::gpu::arch::gfx90a>>{});
    f(gemm_step_provider<gemm_step::mma, matrix_models::mfma_units<weft::gpu::arch::gfx90a>>{});
  }
#else
  steps::for_each(f);
#endif
}
template <class F>
void each_portable_step(F f) {
  f(steps::naive), f(steps::shared_tiles), f(steps::register_blocks);
}
template <class F>
void each_matrix_step(F f) {
  f(steps::warp_matrix), f(steps::mma), f(steps::async_copies), f(steps::warpgroup_matrix);
}

/// Whether some device of the backend takes products of T by a step, so that a refusal must have to do with the device.
template <class T, class Step>
constexpr bool may_decline(Step) {
  return Step::number > gemm_step::warp_matrix || (Step::number == gemm_step::warp_matrix && sizeof(T) > 2);
}

/// What rounding to TC may change, relative.
template <class TC>
constexpr double rounding = std::is_same_v<TC, weft::bfloat16> ? 0x1p-8 : 0;

/// `Full`: with alpha, beta and an epilogue.
template <class T, class TC, bool Full, class Step>
void check(Step step, offset m, offset n, offset k, int orders, offset pad) {
  INFO(Step::name << ", m = " << m << ", n = " << n << ", k = " << k << ", orders " << orders << ", pad " << pad
                  << (Full ? ", alpha, beta, epilogue" : ""));
  const stored<T> a(m, k, orders & 1, pad, 1), b(k, n, orders & 2, pad, 2);
  const stored<TC> c(m, n, orders & 4, pad, 3);
  const stored<float> bias(n, 1, false, 0, 4);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  const auto dbias = device_copy(bias.values);
  auto dc = device_copy(c.values);
  using sum = weft::accumulator_t<T, T>;
  const auto A = a.view(da.begin());
  const auto B = b.view(db.begin());
  const auto C = c.view(dc.begin());
  const auto on = policy.with_provider(step);
  const auto tail = weft::bias_by_column(dbias.begin());
  const sum alpha(2), beta(3);
  const std::string why = refusal([&] {
    if constexpr (Full)
      weft::gemm(on, A, B, C, weft::gemm_options<sum, std::remove_const_t<decltype(tail)>>{alpha, beta, tail});
    else
      weft::gemm(on, A, B, C);
  });
  if (!why.empty()) {
    INFO(why);
    CHECK(contains(why, std::string("gemm: ") + Step::name + " declines: "));
    CHECK(may_decline<T>(step));
    require_same(host_copy(dc), c.values);  // nothing was done
    return;
  }
  const auto got = host_copy(dc);
  std::vector<bool> written(got.size());
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      const auto exact = row_times_column(a, b, i, j);
      const std::size_t at = c.place(i, j);
      auto wanted = static_cast<long double>(exact.value);
      double size = exact.size * 4 * static_cast<double>(k) * 0x1p-24;
      if constexpr (Full) {
        wanted = 2 * wanted + 3 * static_cast<long double>(wide(c.values[at])) +
                 static_cast<long double>(bias.values[static_cast<std::size_t>(j)]);
        size = 2 * size + 16 * 0x1p-24;
      }
      if (std::is_integral_v<TC>) wanted = std::nearbyint(wanted);
      size += rounding<TC> * std::abs(static_cast<double>(wanted));
      if (!(static_cast<double>(std::abs(static_cast<long double>(wide(got[at])) - wanted)) <= size))
        FAIL("(" << i << ", " << j << "): " << static_cast<double>(wide(got[at])) << " for "
                 << static_cast<double>(wanted));
      written[at] = true;
    }
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!written[i]) REQUIRE(std::memcmp(&got[i], &c.values[i], sizeof(TC)) == 0);  // between the rows
}

}  // namespace

TEST_CASE("gemm steps: products of bfloat16 by every step") {
  using weft::bfloat16;
  each_step([](auto step) {
    for (int orders = 0; orders < 8; ++orders) {
      check<bfloat16, bfloat16, true>(step, 37, 43, 50, orders, orders % 3);
      check<bfloat16, float, false>(step, 64, 64, 64, orders, 0);
    }
    check<bfloat16, bfloat16, true>(step, 1, 1, 1, 0, 3);
    check<bfloat16, bfloat16, true>(step, 70, 130, 67, 6, 1);
    check<bfloat16, float, false>(step, 65, 66, 40, 2, 8);
    if (!emulated) {
      check<bfloat16, bfloat16, true>(step, 300, 520, 1000, 0, 8);
      check<bfloat16, bfloat16, true>(step, 1500, 1500, 40, 4, 0);  // large tiles
      check<bfloat16, float, false>(step, 515, 259, 777, 3, 1);
    }
  });
}

TEST_CASE("gemm steps: other types") {
  each_portable_step([](auto step) {
    for (int orders = 0; orders < 8; ++orders) {
      check<float, float, false>(step, 35, 67, 45, orders, orders % 2);
      check<float, float, true>(step, 33, 32, 31, orders, orders % 2);
    }
    check<float, float, false>(step, 1, 300, 9, 0, 0);
    check<float, float, true>(step, 129, 2, 33, 4, 2);
    check<double, double, false>(step, 20, 31, 40, 1, 1);
    check<std::int8_t, i32, false>(step, 33, 40, 70, 2, 0);
  });
#if defined(__CUDACC__) || defined(__HIP__)
  each_matrix_step([](auto step) { check<weft::tf32, float, true>(step, 70, 40, 37, 2, 0); });
#endif
}

TEST_CASE("gemm steps: the first three take batches, prologues and an empty k, and add up the same bits") {
  const offset m = 40, n = 37, k = 51, count = 3;
  const stored<float> a(m * count, k, false, 0, 1), b(k, n, true, 0, 2);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  auto dc = device_room<float>(m * n * count), expected = device_room<float>(m * n * count);
  const auto A = weft::strided_batch(weft::row_major(da.begin(), m, k), count, m * k);
  const auto to = [&](float* p) { return weft::strided_batch(weft::row_major(p, m, n), count, m * n); };
  const auto B = b.view(db.begin());
  weft::gemm(policy.require(weft::same_bits), A, B, to(expected.begin()));
  each_portable_step([&](auto step) {
    INFO(step.name);
    dc = device_room<float>(m * n * count);
    weft::gemm(policy.with_provider(step).require(weft::same_bits), A, B, to(dc.begin()));
    require_same(host_copy(dc), host_copy(expected));
    using options = weft::gemm_options<float, weft::no_epilogue, weft::relu>;
    weft::gemm(policy.with_provider(step), A, B, to(dc.begin()), options{});
    std::vector<float> plain = a.values;
    for (float& x : plain) x = x > 0 ? x : 0;
    const auto positive = device_copy(plain);
    weft::gemm(policy.with_provider(step), weft::strided_batch(weft::row_major(positive.begin(), m, k), count, m * k),
               B, to(expected.begin()));
    require_same(host_copy(dc), host_copy(expected));
    weft::gemm(policy.require(weft::same_bits), A, B, to(expected.begin()));
    auto empty = device_room<float>(m * n);
    weft::gemm(policy.with_provider(step), weft::row_major(da.begin(), m, 0), weft::row_major(db.begin(), 0, n),
               weft::row_major(empty.begin(), m, n));
    require_same(host_copy(empty), std::vector<float>(static_cast<std::size_t>(m * n), 0.f));
  });
}

TEST_CASE("gemm steps: a plan names the step, and a workspace of the size it tells suffices") {
  const offset m = 70, n = 75, k = 77;
  const stored<weft::bfloat16> a(m, k, false, 0, 1), b(k, n, false, 0, 2);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  const auto A = a.view(da.begin());
  const auto B = b.view(db.begin());
  steps::for_each([&](auto step) {
    INFO(step.name);
    auto dc = device_room<float>(m * n), again = device_room<float>(m * n);
    const auto on = policy.with_provider(step);
    const std::string why = refusal([&] {
      weft::gemm_plan plan(on, A, B, weft::row_major(dc.begin(), m, n));
      CHECK(plan.config().kernel == step.name);
      CHECK(plan.config().tile.rows > 0);
      plan.launch(A, B, weft::row_major(dc.begin(), m, n));
      const auto call = [&](auto p) { weft::gemm(p, A, B, weft::row_major(again.begin(), m, n)); };
      const std::size_t bytes = weft::workspace_bytes(on, call);
      CHECK(bytes >= plan.workspace_bytes());
      CHECK((bytes > 0) == (plan.workspace_bytes() > 0));
      auto memory = device_room<u8>(static_cast<offset>(bytes) + 1);
      weft::workspace space(memory.data(), bytes);
      call(on.with(space));
    });
    if (why.empty())
      require_same(host_copy(again), host_copy(dc));
    else
      CHECK(contains(why, " declines: "));
  });
}

TEST_CASE("gemm steps: what a step cannot do is refused, or left to weft's own choice where that is allowed") {
  const offset m = 16;
  const std::vector<float> ones(256, 1.f);
  const auto da = device_copy(ones);
  auto dc = device_room<float>(256), d2 = device_room<float>(512);
  const auto A = weft::row_major(da.begin(), m, m);
  const auto C = weft::row_major(dc.begin(), m, m);
  const auto twice = weft::strided_batch(weft::row_major(d2.begin(), m, m), 2, m * m);
  const auto half = device_copy(std::vector<weft::bfloat16>(256, weft::bfloat16(1.f)));
  const auto H = weft::row_major(half.begin(), m, m);
  each_matrix_step([&](auto step) {
    INFO(step.name);
    const auto on = policy.with_provider(step);
    const auto why = [&](auto call) { return refusal(call); };
    CHECK(contains(why([&] { weft::gemm(on.require(weft::same_bits), H, H, C); }), "declines: require(same_bits)"));
    CHECK(contains(why([&] { weft::gemm(on, H, H, twice); }), "declines: a batch"));
    using relu_first = weft::gemm_options<float, weft::no_epilogue, weft::relu>;
    CHECK(contains(why([&] { weft::gemm(on, H, H, C, relu_first{}); }), "declines: a prologue"));
    CHECK(contains(why([&] { weft::gemm(on, A, H, C); }), "declines: no matrix instruction multiplies these types"));
    CHECK(contains(why([&] { weft::gemm_plan(on, H, H, twice); }), "declines: a batch"));
    auto sixteen = device_room<float>(256);
    weft::gemm(policy.with_provider(step, weft::fall_back), A, A, weft::row_major(sixteen.begin(), m, m));
    require_same(host_copy(sixteen), std::vector<float>(256, 16.f));
  });
#if !defined(__CUDACC__) && !defined(__HIP__)
  CHECK(contains(refusal([&] { weft::gemm(policy.with_provider(steps::mma), H, H, C); }),
                 "warps of this device have no matrix instruction"));
#endif
}

#else
TEST_CASE("CPU backends have no steps of a product") { SUCCEED(); }
#endif
