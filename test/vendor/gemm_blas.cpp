// weft::blas: the products it takes, in every order, against plain loops; what it declines, by name; graphs.
#include <weft/blas.hpp>
#include <weft/gemm/plan.hpp>
#include <weft/graph.hpp>

#include "../gemm_data.hpp"

namespace {

constexpr auto by_blas = policy.with_provider(weft::blas);

template <class T>
void check(offset m, offset n, offset k, int orders, offset pad, double alpha, double beta) {
  INFO("m = " << m << ", n = " << n << ", k = " << k << ", orders " << orders << ", pad " << pad);
  const stored<T> a(m, k, orders & 1, pad, 1), b(k, n, orders & 2, pad, 2), c(m, n, orders & 4, pad, 3);
  std::vector<T> got = c.values;
  weft::gemm(by_blas, a.view(a.values.data()), b.view(b.values.data()), c.view(got.data()),
             weft::gemm_options<T>{T(static_cast<float>(alpha)), T(static_cast<float>(beta))});
  std::vector<bool> inside(got.size());
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      const auto exact = row_times_column(a, b, i, j);
      using W = decltype(exact.value);
      const W wanted =
          W(static_cast<long double>(alpha)) * exact.value + W(static_cast<long double>(beta)) * wide(c.at(i, j));
      const std::size_t place = c.place(i, j);
      inside[place] = true;
      REQUIRE(static_cast<double>(std::abs(wide(got[place]) - wanted)) <= 1e-5 * (1 + exact.size));
    }
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!inside[i]) REQUIRE(std::memcmp(&got[i], &c.values[i], sizeof(T)) == 0);
}

}  // namespace

TEST_CASE("weft::blas in every combination of orders and types") {
  for (int orders = 0; orders < 8; ++orders) {
    check<float>(33, 17, 21, orders, 3, 1, 0);
    check<double>(20, 35, 18, orders, 1, -1.5, 0.5);
    check<weft::complex<float>>(9, 7, 11, orders, 2, 2, 1);
    check<weft::complex<double>>(9, 7, 11, orders, 0, 1, 0);
  }
  check<float>(1, 1, 1, 0, 0, 1, 0);
  check<float>(5, 6, 0, 0, 0, 1, 2);
}

TEST_CASE("weft::blas takes conjugated transposes, tf32 and batches") {
  using C = weft::complex<float>;
  const stored<C> a(6, 5, false, 0, 1), b(6, 7, false, 1, 2);
  std::vector<C> c(35);
  weft::gemm(by_blas, weft::transposed(weft::conjugated(a.view(a.values.data()))), b.view(b.values.data()),
             weft::row_major(c.data(), 5, 7));
  for (offset i = 0; i < 5; ++i)
    for (offset j = 0; j < 7; ++j) {
      wide_complex sum = 0;
      for (offset p = 0; p < 6; ++p) sum += std::conj(wide(a.at(p, i))) * wide(b.at(p, j));
      REQUIRE(std::abs(wide(c[static_cast<std::size_t>(i * 7 + j)]) - sum) < 1e-5L);
    }
  const std::vector<float> ones(3 * 20, 1.f);
  std::vector<float> out(3 * 16), pointers(16);
  const auto A = weft::strided_batch(weft::row_major(ones.data(), 4, 5), 3, 20);
  weft::gemm(by_blas, A, weft::row_major(ones.data(), 5, 4),
             weft::strided_batch(weft::row_major(out.data(), 4, 4), 3, 16));
  require_same(out, std::vector<float>(48, 5.f));
  const float* left[] = {ones.data()};
  float* to[] = {pointers.data()};
  weft::gemm(by_blas, weft::pointer_batch(left, weft::row_major(ones.data(), 4, 5), 1),
             weft::as_tf32(weft::row_major(ones.data(), 5, 4)),
             weft::pointer_batch(to, weft::row_major(pointers.data(), 4, 4), 1));
  require_same(pointers, std::vector<float>(16, 5.f));
}

TEST_CASE("weft::blas says what it declines, and a plan that it takes") {
  const std::vector<float> a(64, 1.f);
  std::vector<float> c(64);
  const std::vector<weft::float16> h(64, weft::float16(1.f));
  const auto A = weft::row_major(a.data(), 8, 8);
  const auto C = weft::row_major(c.data(), 8, 8);
  const auto H = weft::row_major(h.data(), 8, 8);
  CHECK(contains(refusal([&] { weft::gemm(by_blas, H, H, C); }), "blas declines: types other than"));
  CHECK(contains(refusal([&] { weft::gemm(by_blas, A, A, C, weft::gemm_options<float, weft::relu>{}); }),
                 "blas declines: an epilogue"));
  CHECK(contains(refusal([&] { weft::gemm(by_blas.require(weft::same_bits), A, A, C); }), "require(same_bits)"));
  const weft::matrix<const float> gaps{a.data(), 4, 4, 16, 2};
  CHECK(contains(refusal([&] { weft::gemm(by_blas, gaps, gaps, weft::row_major(c.data(), 4, 4)); }),
                 "no contiguous direction"));
  weft::gemm(policy.with_provider(weft::blas, weft::fall_back), H, H, C);
  require_same(c, std::vector<float>(64, 8.f));
  CHECK(weft::gemm_plan(by_blas, A, A, C).config().kernel == "blas");

  weft::stream stream{policy};
  std::vector<float> later(64, 1.f);
  const auto L = weft::row_major(static_cast<const float*>(later.data()), 8, 8);
  const weft::graph graph = weft::capture(stream, [&] { weft::gemm(by_blas.on(stream), L, A, C); });
  later.assign(64, 2.f);
  graph.launch(stream);
  stream.synchronize();
  require_same(c, std::vector<float>(64, 16.f));
}
