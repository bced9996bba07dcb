// gemm: against a plain triple loop in double precision (integers: exactly), for shapes around the tiles, every
// combination of orders, leading dimensions, alpha and beta, and a fused epilogue.
#include "gemm_data.hpp"

namespace {

struct leaky_plus_place {
  template <class T>
  WEFT_HOST_DEVICE T operator()(T value, offset row, offset column) const {
    return (value > T(0) ? value : value * T(0.5)) + static_cast<T>(row - column);
  }
};

template <class T, class TC, class Epilogue = weft::no_epilogue>
void check(offset m, offset n, offset k, int orders, offset pad, double alpha, double beta, Epilogue epilogue = {}) {
  INFO("m = " << m << ", n = " << n << ", k = " << k << ", orders " << orders << ", pad " << pad << ", alpha " << alpha
              << ", beta " << beta);
  const stored<T> a(m, k, orders & 1, pad, 1), b(k, n, orders & 2, pad, 2);
  const stored<TC> c(m, n, orders & 4, pad, 3);
  using S = weft::accumulator_t<T, T>;
  std::vector<TC> wanted = c.values;
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      double sum = 0;
      for (offset p = 0; p < k; ++p) sum += static_cast<double>(a.at(i, p)) * static_cast<double>(b.at(p, j));
      const S value = static_cast<S>(alpha * sum + (beta != 0 ? beta * static_cast<double>(c.at(i, j)) : 0));
      wanted[static_cast<std::size_t>(c.by_columns ? j * c.leading + i : i * c.leading + j)] =
          static_cast<TC>(epilogue(value, i, j));
    }
  const auto da = device_copy(a.values), db = device_copy(b.values);
  auto dc = device_copy(c.values);
  weft::gemm(policy, a.view(da.begin()), b.view(db.begin()), c.view(dc.begin()),
             weft::gemm_options<S, Epilogue>{static_cast<S>(alpha), static_cast<S>(beta), epilogue});
  if constexpr (std::is_integral_v<T>)
    require_same(host_copy(dc), wanted);  // also: nothing between rows was touched
  else
    require_close(host_copy(dc), wanted, std::numeric_limits<T>::epsilon() * 4 * static_cast<double>(k + 1));
}

}  // namespace

TEST_CASE("gemm for shapes around the tiles") {
  const std::vector<offset> edges =
      emulated ? std::vector<offset>{1, 7, 65} : std::vector<offset>{1, 2, 7, 31, 64, 65, 129, 340};
  for (const offset m : edges)
    for (const offset n : edges)
      for (const offset k : {offset{1}, offset{9}, offset{64}}) check<float, float>(m, n, k, 0, 0, 1, 0);
  check<double, double>(130, 67, 33, 0, 0, 1, 0);
  if (!emulated) check<float, float>(351, 517, 600, 0, 0, 1, 0);
}

TEST_CASE("gemm in every combination of orders, with leading dimensions, alpha and beta") {
  for (int orders = 0; orders < 8; ++orders) {
    check<float, float>(33, 17, 21, orders, 3, 1, 0);
    check<double, double>(20, 35, 18, orders, 1, -1.5, 0.5);
    check<std::int8_t, i32>(19, 70, 40, orders, 2, 2, 3);
  }
}

TEST_CASE("gemm of large operands on no boundary, which GPUs copy first") {
  constexpr bool copied = gpu_family && !emulated;  // others have no such path, and take long over 2^30 products
  const offset m = copied ? 1031 : 70, n = copied ? 1033 : 67, k = copied ? 1027 : 75;
  for (int orders = 0; orders < 4; ++orders) {
    INFO("orders " << orders);
    const stored<float> a(m, k, orders & 1, 2, 1, 1), b(k, n, orders & 2, 4, 2, 3), c(m, n, false, 3, 3, 1);
    const auto da = device_copy(a.values), db = device_copy(b.values);
    auto dc = device_copy(c.values);
    weft::gemm(policy, a.view(da.begin()), b.view(db.begin()), c.view(dc.begin()),
               weft::gemm_options<float>{-1.5f, 0.5f});
    const auto got = host_copy(dc);
    std::vector<float> some, wanted;  // the corners, what lies about the borders of tiles, and others
    for (offset i = 0; i < m; i += i >= m - 2 ? 1 : std::min(offset{61}, m - 2 - i))
      for (offset j = 0; j < n; j += j >= n - 2 ? 1 : std::min(offset{53}, n - 2 - j)) {
        const double sum = static_cast<double>(row_times_column(a, b, i, j).value);
        wanted.push_back(static_cast<float>(-1.5 * sum + 0.5 * static_cast<double>(c.at(i, j))));
        some.push_back(got[c.place(i, j)]);
      }
    require_close(some, wanted, std::numeric_limits<float>::epsilon() * 4 * static_cast<double>(k + 1));
    auto outside = got;
    for (offset i = 0; i < m; ++i)
      for (offset j = 0; j < n; ++j) outside[c.place(i, j)] = c.at(i, j);
    require_same(outside, c.values);  // nothing between rows was touched
  }
}

TEST_CASE("gemm with an epilogue that knows its place") {
  check<float, float>(40, 30, 20, 0, 1, 0.25, 0, leaky_plus_place{});
  check<double, double>(70, 66, 10, 5, 0, 1, 1, leaky_plus_place{});
}

TEST_CASE("gemm with nothing to add up writes beta C") {
  check<float, float>(5, 6, 0, 0, 0, 1, 2);
  check<float, float>(5, 6, 0, 0, 0, 1, 0);
}

TEST_CASE("gemm does not read C where beta is zero") {
  const std::vector<float> a(64, 1.f), nan(64, std::numeric_limits<float>::quiet_NaN());
  const auto da = device_copy(a), db = device_copy(a);
  auto dc = device_copy(nan);
  weft::gemm(policy, weft::row_major(da.begin(), 8, 8), weft::row_major(db.begin(), 8, 8),
             weft::row_major(dc.begin(), 8, 8));
  require_same(host_copy(dc), std::vector<float>(64, 8.f));
}

TEST_CASE("gemm refuses what does not fit, and touches nothing") {
  const std::vector<float> values(100, 2.f);
  const auto a = device_copy(values), b = device_copy(values);
  auto c = device_copy(values);
  const auto call = [&](weft::matrix<const float> x, weft::matrix<const float> y, weft::matrix<float> z) {
    return refusal([&] { weft::gemm(policy, x, y, z); });
  };
  const float *pa = a.begin(), *pb = b.begin();
  float* pc = c.begin();
  using weft::row_major;
  CHECK(contains(call(row_major(pa, 4, 5), row_major(pb, 6, 4), row_major(pc, 4, 4)), "A is 4 x 5, B 6 x 4, C 4 x 4"));
  CHECK(contains(call(row_major(pa, -1, 5), row_major(pb, 5, 4), row_major(pc, 4, 4)), "gemm: A: negative extent"));
  CHECK(contains(call(row_major(pa, 4, 5, 4), row_major(pb, 5, 4), row_major(pc, 4, 4)), "gemm: A: leading dimension"));
  CHECK(
      contains(call(row_major(pa, 4, 5), row_major(null<const float>(), 5, 4), row_major(pc, 4, 4)), "gemm: B: null"));
  CHECK(contains(call(row_major(pa, 4, 5), row_major(pb, 5, 4), row_major(const_cast<float*>(pa), 4, 4)),
                 "C overlaps A"));
  // Each operand, each kind of mistake.
  const auto A = row_major(pa, 4, 5), B = row_major(pb, 5, 4);
  const auto C = row_major(pc, 4, 4);
  const std::string mismatch = "shapes do not match";
  CHECK(contains(call(A, row_major(pb, 5, 3), C), mismatch));
  CHECK(contains(call(A, B, row_major(pc, 3, 4)), mismatch));
  CHECK(contains(call(weft::transposed(A), B, C), mismatch));
  CHECK(contains(call(row_major(null<const float>(), 4, 5), B, C), "gemm: A: null"));
  CHECK(contains(call(A, B, row_major(null<float>(), 4, 4)), "gemm: C: null"));
  CHECK(contains(call(row_major(pa, 4, -5), B, C), "gemm: A: negative extent"));
  CHECK(contains(call(A, row_major(pb, 5, -4), C), "gemm: B: negative extent"));
  CHECK(contains(call(A, B, row_major(pc, -4, 4)), "gemm: C: negative extent"));
  CHECK(contains(call(A, row_major(pb, 5, 4, 3), C), "gemm: B: leading dimension"));
  CHECK(contains(call(A, weft::column_major(pb, 5, 4, 4), C), "gemm: B: leading dimension"));
  CHECK(contains(call(A, B, row_major(pc, 4, 4, 0)), "gemm: C: leading dimension"));
  CHECK(contains(call(A, {pb, 5, 4, 4, -1}, C), "gemm: B: leading dimension"));
  CHECK(contains(call(A, B, row_major(const_cast<float*>(pb) + 10, 4, 4)), "C overlaps B"));
  // Beside one another in one range of memory is no overlap: columns 0 … 3 are read, 4 … 7 written.
  weft::gemm(policy, row_major(pc, 4, 4, 8), row_major(pc + 40, 4, 4), row_major(pc + 4, 4, 4, 8));
  auto changed = values;
  for (const std::size_t row : {0u, 1u, 2u, 3u})
    for (const std::size_t column : {4u, 5u, 6u, 7u}) changed[8 * row + column] = 16.f;
  require_same(host_copy(c), changed);
  CHECK(
      contains(call(row_major(static_cast<const float*>(pc), 4, 5, 8), B, row_major(pc + 4, 4, 4, 8)), "C overlaps A"));
}

TEST_CASE("gemm of data on any element's address") {
  // Every remainder of 16 bytes, for each operand alone: no vector access serves all of them.
  const stored<float> a(20, 24, false, 0, 1), b(24, 28, false, 0, 2);
  std::vector<float> memory_a(a.values.size() + 3), memory_b(b.values.size() + 3);
  std::vector<float> wanted;
  for (offset i = 0; i < 20; ++i)
    for (offset j = 0; j < 28; ++j) wanted.push_back(static_cast<float>(row_times_column(a, b, i, j).value));
  for (const std::size_t shift : {0u, 1u, 2u, 3u}) {
    std::copy(a.values.begin(), a.values.end(), memory_a.begin() + static_cast<offset>(shift));
    std::copy(b.values.begin(), b.values.end(), memory_b.begin() + static_cast<offset>(shift));
    const auto da = device_copy(memory_a), db = device_copy(memory_b);
    for (const std::size_t c_shift : {0u, 1u, 3u}) {
      auto dc = device_room<float>(20 * 28 + static_cast<offset>(c_shift));
      weft::gemm(policy, a.view(da.begin() + shift), b.view(db.begin() + shift),
                 weft::row_major(dc.begin() + c_shift, 20, 28));
      auto got = host_copy(dc);
      got.erase(got.begin(), got.begin() + static_cast<offset>(c_shift));
      require_close(got, wanted, 24 * 4 * 0x1p-23);
    }
  }
}
