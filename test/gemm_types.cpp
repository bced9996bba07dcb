// gemm over element types: sums in long double or wide integers tell what is right, within the rounding of the format
// that sums are kept in and of the one that is written; views that conjugate, batches, and what looks like an mdspan.
#include "gemm_data.hpp"

namespace {

/// Units in the last place of what T can hold near 1.
template <class T>
constexpr double unit = std::is_same_v<T, double>                  ? 0x1p-52
                        : std::is_same_v<T, weft::float16>         ? 0x1p-10
                        : std::is_same_v<T, weft::bfloat16>        ? 0x1p-7
                        : std::is_same_v<T, weft::float8_e4m3>     ? 0x1p-3
                        : std::is_same_v<T, weft::float8_e5m2>     ? 0x1p-2
                        : std::is_same_v<T, weft::complex<double>> ? 0x1p-52
                                                                   : 0x1p-23;

/// How exact sums of products of T are, relative to the magnitude of the terms, where they are less so than float's:
/// the tensor cores of Hopper keep about 13 bits of sums of 8-bit floats, over 128 k at a time.
template <class T>
constexpr double sum_unit = std::is_same_v<T, weft::float8_e4m3> || std::is_same_v<T, weft::float8_e5m2> ? 0x1p-12 : 0;

template <class TC, class W>
void require_near(const TC& got, const W& wanted, double size, offset k, double unit_of_sum = 0) {
  const double scale = size + static_cast<double>(std::abs(wanted));
  const double allowed = unit<TC> * static_cast<double>(std::abs(wanted)) + 0x1p-23 * static_cast<double>(k) * scale +
                         (sizeof(TC) == 1 ? 0x1p-9 : 0x1p-24) + unit_of_sum * size;
  const double error = static_cast<double>(std::abs(wide(got) - static_cast<decltype(wide(got))>(wanted)));
  if (!(error <= allowed)) FAIL("error " << error << " where " << allowed << " is allowed");
}

template <class TA, class TB, class TC>
void check(offset m, offset n, offset k, int orders, offset pad, offset skip = 0, double unit_of_sum = 0) {
  INFO("m = " << m << ", n = " << n << ", k = " << k << ", orders " << orders << ", pad " << pad);
  const stored<TA> a(m, k, orders & 1, pad, 11, skip);
  const stored<TB> b(k, n, orders & 2, pad, 12, skip);
  const stored<TC> c(m, n, orders & 4, pad, 13, skip);
  const auto da = device_copy(a.values);
  const auto db = device_copy(b.values);
  auto dc = device_copy(c.values);
  weft::gemm(policy, a.view(da.begin()), b.view(db.begin()), c.view(dc.begin()));
  const std::vector<TC> got = host_copy(dc);
  std::vector<TC> outside = got;
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      const auto exact = row_times_column(a, b, i, j);
      if constexpr (std::is_integral_v<TC>) {
        const i64 value = std::is_same_v<TC, i32> ? exact.value : std::clamp<i64>(exact.value, -128, 127);
        REQUIRE(i64{got[c.place(i, j)]} == value);
      } else {
        require_near(got[c.place(i, j)], exact.value, exact.size, k, unit_of_sum);
      }
      outside[c.place(i, j)] = c.at(i, j);
    }
  REQUIRE(std::memcmp(outside.data(), c.values.data(), outside.size() * sizeof(TC)) == 0);
}

template <class TA, class TB, class TC>
void check_orders() {
  for (int orders = 0; orders < 8; ++orders) {
    check<TA, TB, TC>(33, 17, 21, orders, 0);
    if (!emulated || orders % 3 == 0) check<TA, TB, TC>(70, 66, 40, orders, 3, orders % 2);
  }
  if (!emulated) check<TA, TB, TC>(129, 258, 300, 2, 0);
  // Rows (columns) of C begin on 16 bytes, but end within as many: nothing beyond may be written.
  if (!emulated)
    for (const int orders : {2, 6}) check<TA, TB, TC>(63, 63, 63, orders, 1, 0, sum_unit<TA>);
  // Lengths on 16 bytes: what Hopper's copy engine takes in every order, k contiguous or not, few rows and few columns.
  if (!emulated && sizeof(TA) == 1)
    for (int orders = 0; orders < 8; ++orders) {
      check<TA, TB, TC>(144, 272, 304, orders, 0, 0, sum_unit<TA>);
      check<TA, TB, TC>(16, 272, 592, orders, 0, 0, sum_unit<TA>);
      check<TA, TB, TC>(272, 16, 80, orders, 16, 0, sum_unit<TA>);
    }
}

}  // namespace

TEST_CASE("gemm of float16, bfloat16 and mixtures") {
  check_orders<weft::float16, weft::float16, float>();
  check_orders<weft::bfloat16, weft::bfloat16, weft::bfloat16>();
  check<weft::float16, weft::float16, weft::float16>(40, 50, 60, 0, 0);
  check<float, weft::bfloat16, float>(40, 50, 60, 5, 1);
}

TEST_CASE("gemm of 8-bit floats") {
  check_orders<weft::float8_e4m3, weft::float8_e4m3, weft::bfloat16>();
  check<weft::float8_e5m2, weft::float8_e4m3, float>(40, 50, 60, 2, 0);
  check<weft::float8_e4m3, weft::float8_e4m3, weft::float8_e4m3>(20, 30, 40, 1, 1);
}

TEST_CASE("gemm of 8-bit integers is exact, and saturates where C is narrow") {
  check_orders<std::int8_t, std::int8_t, i32>();
  check<std::uint8_t, std::int8_t, i32>(40, 50, 60, 2, 1);
  check<std::int8_t, std::int8_t, std::int8_t>(40, 50, 300, 2, 1);
  check<std::int8_t, std::int8_t, float>(40, 50, 60, 0, 0);
  // The largest sums that 32 bits hold nearly full.
  const std::vector<std::int8_t> least(3000, -128);
  const auto a = device_copy(least);
  auto c = device_room<i32>(9);
  weft::gemm(policy, weft::row_major(a.begin(), 3, 1000), weft::column_major(a.begin(), 1000, 3),
             weft::row_major(c.begin(), 3, 3));
  require_same(host_copy(c), std::vector<i32>(9, 16384000));
}

TEST_CASE("gemm of complex numbers, conjugated views too") {
  using cf = weft::complex<float>;
  using cd = weft::complex<double>;
  check_orders<cf, cf, cf>();
  check<cd, cd, cd>(20, 30, 40, 3, 1);
  check<cd, double, cd>(20, 30, 40, 3, 1);

  const stored<cf> a(20, 30, false, 2, 5), b(20, 25, false, 0, 6);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  auto dc = device_room<cf>(30 * 25);
  weft::gemm(policy, weft::conjugated(weft::transposed(a.view(da.begin()))), b.view(db.begin()),
             weft::row_major(dc.begin(), 30, 25));  // C = A^H B
  const auto got = host_copy(dc);
  for (offset i = 0; i < 30; ++i)
    for (offset j = 0; j < 25; ++j) {
      wide_complex sum = 0;
      for (offset p = 0; p < 20; ++p) sum += std::conj(wide(a.at(p, i))) * wide(b.at(p, j));
      require_near(got[static_cast<std::size_t>(i * 25 + j)], sum, 20, 20);
    }
  static_assert(
      std::is_same_v<decltype(weft::conjugated(weft::conjugated(a.view(da.begin())))), weft::matrix<const cf>>);
  static_assert(std::is_same_v<decltype(weft::conjugated(weft::matrix<float>{})), weft::matrix<float>>);
}

TEST_CASE("gemm takes std::complex by its bits") {
  std::vector<std::complex<double>> z{{1, 2}, {3, 4}};
  static_assert(std::is_same_v<decltype(weft::row_major(z.data(), 1, 2)), weft::matrix<weft::complex<double>>>);
  const auto dz = device_copy(z);
  auto dc = device_room<std::complex<double>>(1);
  weft::gemm(policy, weft::row_major(dz.begin(), 1, 2), weft::column_major(dz.begin(), 2, 1),
             weft::row_major(dc.begin(), 1, 1));
  REQUIRE(only(dc) == std::complex<double>(1, 2) * std::complex<double>(1, 2) +
                          std::complex<double>(3, 4) * std::complex<double>(3, 4));
}

namespace {
void check_tf32(offset m, offset n, offset k, int orders, offset pad = 0) {
  INFO("m = " << m << ", n = " << n << ", k = " << k << ", orders " << orders << ", pad " << pad);
  const stored<float> a(m, k, orders & 1, pad, 1), b(k, n, orders & 2, pad, 2), c(m, n, orders & 4, pad, 3);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  auto dc = device_copy(c.values);
  weft::gemm(policy, weft::as_tf32(a.view(da.begin())), weft::as_tf32(b.view(db.begin())), c.view(dc.begin()),
             weft::gemm_options<float>{.alpha = 2, .beta = 1});
  const auto got = host_copy(dc);
  std::vector<float> outside = got;
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      const auto exact = row_times_column(a, b, i, j);
      const double error = static_cast<double>(got[c.place(i, j)] - (2 * exact.value + c.at(i, j)));
      REQUIRE(std::abs(error) <= 0x1p-8 * exact.size + 0x1p-22);
      outside[c.place(i, j)] = c.at(i, j);
    }
  REQUIRE(std::memcmp(outside.data(), c.values.data(), outside.size() * sizeof(float)) == 0);
}
}  // namespace

TEST_CASE("gemm of floats as tf32 keeps at least 10 bits") {
  for (int orders = 0; orders < 8; ++orders) {
    check_tf32(65, 70, 40, orders);
    // Lengths on 16 bytes: what Hopper's copy engine takes in every order.
    check_tf32(16, 68, 72, orders, 4);
    if (emulated) continue;
    check_tf32(132, 260, 300, orders);
    check_tf32(260, 132, 36, orders, 4);
    check_tf32(8, 300, 500, orders);
    check_tf32(300, 12, 500, orders);
    check_tf32(260, 500, 700, orders, 1);
  }
}

TEST_CASE("gemm keeps sums in the type it is told to") {
  // 2^24 + 1 + … + 1: in float every 1 is lost, in double none.
  std::vector<float> x(101, 1.f);
  x[0] = 0x1p24f;
  const auto a = device_copy(x), b = device_copy(std::vector<float>(101, 1.f));
  auto c = device_room<double>(1);
  const auto product = [&](const auto& on, auto options) {
    weft::gemm(on, weft::row_major(a.begin(), 1, 101), weft::row_major(b.begin(), 101, 1),
               weft::row_major(c.begin(), 1, 1), options);
    return only(c);
  };
  CHECK(product(policy.require(weft::same_bits), weft::gemm_options<float>{}) == 0x1p24);  // k is not split
  using in_double = weft::type_tag<double>;
  CHECK(product(policy,
                weft::gemm_options<double, weft::no_epilogue, weft::no_prologue, weft::no_prologue, in_double>{}) ==
        0x1p24 + 100);
}

TEST_CASE("gemm with require(same_bits) has the bits of one fused multiply-add after the other") {
  const stored<float> a(65, 600, false, 3, 1), b(600, 70, true, 0, 2);
  const stored<double> x(20, 300, true, 0, 3), y(300, 33, false, 1, 4);
  const auto test = [](const auto& l, const auto& r) {
    using T = std::remove_cvref_t<decltype(l.at(0, 0))>;
    const auto dl = device_copy(l.values), dr = device_copy(r.values);
    auto dc = device_room<T>(l.rows * r.columns);
    weft::gemm(policy.require(weft::same_bits), l.view(dl.begin()), r.view(dr.begin()),
               weft::row_major(dc.begin(), l.rows, r.columns));
    std::vector<T> wanted;
    for (offset i = 0; i < l.rows; ++i)
      for (offset j = 0; j < r.columns; ++j) {
        T sum = 0;
        for (offset p = 0; p < l.columns; ++p) sum = std::fma(l.at(i, p), r.at(p, j), sum);
        wanted.push_back(sum);
      }
    require_same(host_copy(dc), wanted);
  };
  test(a, b);
  test(x, y);
}

TEST_CASE("gemm of batches: by stride, by pointers, with one matrix for all") {
  const offset count = 5, m = 33, n = 20, k = 17;
  const stored<float> a(m * count, k, false, 0, 1), b(k * count, n, false, 0, 2), one(k, n, false, 0, 3);
  const auto da = device_copy(a.values), db = device_copy(b.values), d1 = device_copy(one.values);
  auto dc = device_room<float>(m * n * count);
  const auto verify = [&](const auto& right) {
    const auto got = host_copy(dc);
    for (offset t = 0; t < count; ++t)
      for (offset i = 0; i < m; ++i)
        for (offset j = 0; j < n; ++j) {
          double sum = 0;
          for (offset p = 0; p < k; ++p) sum += double{a.at(t * m + i, p)} * double{right(t, p, j)};
          REQUIRE(std::abs(sum - double{got[static_cast<std::size_t>((t * m + i) * n + j)]}) < 1e-5);
        }
  };
  const auto A = weft::row_major(da.begin(), m, k);
  const auto C = weft::strided_batch(weft::row_major(dc.begin(), m, n), count, m * n);
  weft::gemm(policy, weft::strided_batch(A, count, m * k),
             weft::strided_batch(weft::row_major(db.begin(), k, n), count, k * n), C);
  verify([&](offset t, offset p, offset j) { return b.at(t * k + p, j); });
  weft::gemm(policy, weft::strided_batch(A, count, m * k), weft::row_major(d1.begin(), k, n), C);
  verify([&](offset, offset p, offset j) { return one.at(p, j); });

  std::vector<const float*> left, right;
  std::vector<float*> out;
  for (offset t = 0; t < count; ++t) {
    left.push_back(da.begin() + t * m * k);
    right.push_back(db.begin() + (count - 1 - t) * k * n);
    out.push_back(dc.begin() + t * m * n);
  }
  const auto dl = device_copy(left), dr = device_copy(right);
  const auto dout = device_copy(out);
  weft::gemm(policy, weft::pointer_batch(dl.begin(), A, count),
             weft::pointer_batch(dr.begin(), weft::row_major(d1.begin(), k, n), count),
             weft::pointer_batch(dout.begin(), weft::row_major(dc.begin(), m, n), count));
  verify([&](offset t, offset p, offset j) { return b.at((count - 1 - t) * k + p, j); });

  CHECK(contains(
      refusal([&] { weft::gemm(policy, weft::strided_batch(A, 4, m * k), weft::row_major(d1.begin(), k, n), C); }),
      "gemm: A: a batch of 4 where C has 5"));
  CHECK(contains(refusal([&] {
                   weft::gemm(policy, A, weft::row_major(d1.begin(), k, n),
                              weft::strided_batch(weft::row_major(dc.begin(), m, n), count, m * n - 1));
                 }),
                 "the matrices of the batch overlap one another"));
  weft::gemm(policy, weft::strided_batch(A, 0, 1), weft::row_major(d1.begin(), k, n),
             weft::strided_batch(weft::row_major(dc.begin(), m, n), 0, m * n));  // nothing to do
}

namespace {
/// Has the members of std::mdspan<T, dextents<index, 2>, layout_stride> that gemm asks for.
template <class T>
struct span_2d {
  T* data;
  std::size_t extents[2], strides[2];
  static constexpr std::size_t rank() { return 2; }
  T* data_handle() const { return data; }
  std::size_t extent(std::size_t r) const { return extents[r]; }
  std::size_t stride(std::size_t r) const { return strides[r]; }
};
}  // namespace

TEST_CASE("gemm takes what has the shape of std::mdspan, and spans of memory") {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const auto a = device_copy(values);
  auto c = device_room<float>(4);
  weft::gemm(policy, span_2d<const float>{a.begin(), {2, 3}, {3, 1}}, span_2d<const float>{a.begin(), {3, 2}, {1, 3}},
             span_2d<float>{c.begin(), {2, 2}, {2, 1}});
  require_same(host_copy(c), {14.f, 32.f, 32.f, 77.f});
  std::vector<float> host(6);
  CHECK(weft::row_major(host, 2, 3).data == host.data());
  CHECK(contains(refusal([&] { (void)weft::row_major(host, 3, 2, 3); }), "reaches beyond the memory"));
  CHECK(contains(refusal([&] { (void)weft::column_major(host, 3, 3); }), "reaches beyond the memory"));
}
