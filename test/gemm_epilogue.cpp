// Fused tails and prologues of gemm against their definitions in double, applied to products that are known exactly
// (small integers), on every backend.
#include "gemm_data.hpp"

#include <weft/functional.hpp>
#include <weft/transform.hpp>

namespace {

constexpr offset m = 37, n = 70, k = 19;

struct halve_odd_columns {
  template <class T>
  WEFT_HOST_DEVICE T operator()(T x, offset, offset column) const {
    return column % 2 ? x * T(0.5) : x;
  }
};
struct minus_row {
  const float* shift;
  WEFT_HOST_DEVICE float operator()(std::int8_t x, offset row, offset) const {
    return (static_cast<float>(x) - shift[row]) * 0.25f;
  }
};

/// Operands whose products are integers in floats, and everything a tail reads.
struct layer {
  stored<float> a{m, k, false, 0, 1}, b{k, n, true, 0, 2}, c{m, n, false, 1, 3}, extra{m, n, true, 2, 4};
  std::vector<float> by_row = weft_test::values<float>(m, 5), by_column = weft_test::values<float>(n, 6);
  layer() {
    for (auto* s : {&a, &b})
      for (std::size_t i = 0; i < s->values.size(); ++i)
        s->values[i] = static_cast<float>(static_cast<int>(random_bits(7, i) >> 40) % 3 - 1);
  }
};

/// Runs A * B * 0.5 with the tail that `make` builds from device pointers, against wanted(value, row, column) in
/// double.
template <class TC = float, class Make, class Wanted>
void check(const Make& make, const Wanted& wanted, double tolerance = 1e-6) {
  const layer l;
  const auto a = device_copy(l.a.values), b = device_copy(l.b.values);
  const auto extra = device_copy(l.extra.values);
  const auto rows = device_copy(l.by_row), columns = device_copy(l.by_column);
  auto c = device_room<TC>(m * n);
  const auto tail = make(rows.begin(), columns.begin(), l.extra.view(extra.begin()));
  for (const bool by_columns : {false, true}) {
    const auto C = by_columns ? weft::column_major(c.begin(), m, n) : weft::row_major(c.begin(), m, n);
    weft::gemm(policy, l.a.view(a.begin()), l.b.view(b.begin()), C,
               weft::gemm_options<float, std::remove_const_t<decltype(tail)>>{.alpha = 0.5f, .epilogue = tail});
    const auto got = host_copy(c);
    for (offset i = 0; i < m; ++i)
      for (offset j = 0; j < n; ++j) {
        const double value = 0.5 * static_cast<double>(row_times_column(l.a, l.b, i, j).value);
        const double right = wanted(value, i, j, l);
        const double mine = static_cast<double>(got[static_cast<std::size_t>(by_columns ? j * m + i : i * n + j)]);
        if (!(std::abs(mine - right) <= tolerance * (1 + std::abs(right))))
          FAIL("(" << i << ", " << j << ") is " << mine << ", not " << right);
      }
  }
}

double column_bias(const layer& l, offset j) { return l.by_column[static_cast<std::size_t>(j)]; }
double row_bias(const layer& l, offset i) { return l.by_row[static_cast<std::size_t>(i)]; }

}  // namespace

TEST_CASE("gemm with biases and scales") {
  check([](auto, auto columns, auto) { return weft::bias_by_column(columns); },
        [](double v, offset, offset j, const layer& l) { return v + column_bias(l, j); });
  check([](auto rows, auto columns, auto) { return weft::bias_by_row(rows) | weft::scale_by_column(columns); },
        [](double v, offset i, offset j, const layer& l) { return (v + row_bias(l, i)) * column_bias(l, j); });
  check([](auto rows, auto, auto) { return weft::scale_by_row(rows) | weft::scale_by{3}; },
        [](double v, offset i, offset, const layer& l) { return v * row_bias(l, i) * 3; });
}

TEST_CASE("gemm with activations") {
  check([](auto, auto columns, auto) { return weft::bias_relu(columns); },
        [](double v, offset, offset j, const layer& l) { return std::max(0., v + column_bias(l, j)); });
  check([](auto, auto columns, auto) { return weft::bias_gelu(columns); },
        [](double v, offset, offset j, const layer& l) {
          const double x = v + column_bias(l, j);
          return x * 0.5 * std::erfc(-x / std::sqrt(2.));
        });
  check([](auto, auto columns, auto) { return weft::bias_by_column(columns) | weft::silu{}; },
        [](double v, offset, offset j, const layer& l) {
          const double x = v + column_bias(l, j);
          return x / (1 + std::exp(-x));
        });
  check(
      [](auto, auto, auto) {
        return weft::leaky_relu{0.25f} | weft::clamped{-0.5f, 2.f};
      },
      [](double v, offset, offset, const layer&) { return std::clamp(v < 0 ? v / 4 : v, -0.5, 2.); });
}

TEST_CASE("gemm with a residual and functors of one's own in a pipe") {
  check([](auto, auto, auto extra) { return weft::relu{} | weft::residual{extra} | halve_odd_columns{}; },
        [](double v, offset i, offset j, const layer& l) {
          const double x = std::max(0., v) + double{l.extra.at(i, j)};
          return j % 2 ? x / 2 : x;
        });
  check([](auto, auto columns, auto) { return halve_odd_columns{} | weft::bias_by_column(columns); },
        [](double v, offset, offset j, const layer& l) { return (j % 2 ? v / 2 : v) + column_bias(l, j); });
}

TEST_CASE("gemm quantises what it writes") {
  check<std::int8_t>(
      [](auto, auto, auto) { return weft::quantized<std::int8_t>(40.f, 3.f); },
      [](double v, offset, offset, const layer&) { return std::clamp(std::nearbyint(v * 40 + 3), -128., 127.); });
  check<weft::bfloat16>([](auto, auto, auto) { return weft::relu{}; },
                        [](double v, offset, offset, const layer&) { return std::max(v, 0.); }, 0x1p-8);
}

TEST_CASE("gemm of integers with a scale keeps sums exact and quantises in floats") {
  const stored<std::int8_t> a(m, k, false, 0, 1), b(k, n, true, 0, 2);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  const auto scales = device_copy(weft_test::values<float>(n, 3));
  auto dc = device_room<std::int8_t>(m * n);
  const auto tail = weft::scale_by_column(scales.begin()) | weft::quantized<std::int8_t>(1.f);
  weft::gemm(policy, a.view(da.begin()), b.view(db.begin()), weft::row_major(dc.begin(), m, n),
             weft::gemm_options<float, std::remove_const_t<decltype(tail)>>{.epilogue = tail});
  const auto got = host_copy(dc);
  const auto scale = host_copy(scales);
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      const float value = static_cast<float>(row_times_column(a, b, i, j).value) * scale[static_cast<std::size_t>(j)];
      REQUIRE(+got[static_cast<std::size_t>(i * n + j)] == std::clamp(std::nearbyint(value), -128.f, 127.f));
    }
}

TEST_CASE("gemm writes what it has before the activation to a second matrix") {
  const layer l;
  const auto a = device_copy(l.a.values), b = device_copy(l.b.values);
  auto c = device_room<float>(m * n);
  auto before = device_room<weft::float16>(m * n);
  const auto tail = weft::also_stored{weft::row_major(before.begin(), m, n)} | weft::relu{};
  weft::gemm(policy, l.a.view(a.begin()), l.b.view(b.begin()), weft::row_major(c.begin(), m, n),
             weft::gemm_options<float, std::remove_const_t<decltype(tail)>>{.epilogue = tail});
  const auto after = host_copy(c);
  const auto raw = host_copy(before);
  for (std::size_t i = 0; i < after.size(); ++i) REQUIRE(after[i] == std::max(0.f, static_cast<float>(raw[i])));
}

TEST_CASE("gemm dequantises what it reads") {
  const stored<std::int8_t> a(m, k, false, 1, 1);
  const layer l;
  const auto da = device_copy(a.values);
  const auto db = device_copy(l.b.values);
  const auto rows = device_copy(l.by_row);
  auto dc = device_room<float>(m * n);
  const auto run = [&](auto prologue) {
    using options = weft::gemm_options<float, weft::no_epilogue, decltype(prologue)>;
    weft::gemm(policy, a.view(da.begin()), l.b.view(db.begin()), weft::row_major(dc.begin(), m, n),
               options{.prologue_a = prologue});
    return host_copy(dc);
  };
  const auto all = run(weft::dequantized{0.5f, 2.f});
  const auto own = run(minus_row{rows.begin()});
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      double first = 0, second = 0;
      for (offset p = 0; p < k; ++p) {
        first += (a.at(i, p) - 2.) * 0.5 * double{l.b.at(p, j)};
        second += (a.at(i, p) - row_bias(l, i)) * 0.25 * double{l.b.at(p, j)};
      }
      REQUIRE(std::abs(double{all[static_cast<std::size_t>(i * n + j)]} - first) < 1e-4);
      REQUIRE(std::abs(double{own[static_cast<std::size_t>(i * n + j)]} - second) < 1e-4);
    }
}

namespace {
struct gelu_of {
  WEFT_HOST_DEVICE float operator()(float x) const { return weft::gelu{}(x, 0, 0); }
};
struct silu_of {
  WEFT_HOST_DEVICE float operator()(float x) const { return weft::silu{}(x, 0, 0); }
};
}  // namespace

TEST_CASE("gelu and silu are within a few units in the last place, tails too") {
  // The argument of e^(-x^2 / 2) is rounded to a float, which costs half a unit times its size.
  const auto near = [](double got, double wanted, double x, double argument) {
    if (!(std::abs(got - wanted) <= (6e-7 + 0x1p-23 * argument) * std::abs(wanted)))
      FAIL("at " << x << ": " << got << ", " << wanted);
  };
  std::vector<float> places;
  for (float x = -12; x < 12; x += 0.00371f) places.push_back(x);
  // Here, and where the policy runs, which may have instructions for it.
  const auto x = device_copy(places);
  auto g = device_room<float>(std::ssize(places)), s = device_room<float>(std::ssize(places));
  weft::transform(policy, x.begin(), x.end(), g.begin(), gelu_of{});
  weft::transform(policy, x.begin(), x.end(), s.begin(), silu_of{});
  const std::vector<float> there_g = host_copy(g), there_s = host_copy(s);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double v{places[i]}, half_square = v * v / 2;
    const double gelu = v * 0.5 * std::erfc(-v / std::sqrt(2.)), silu = v / (1 + std::exp(-v));
    near(double{weft::gelu{}(places[i], 0, 0)}, gelu, v, half_square), near(double{there_g[i]}, gelu, v, half_square);
    near(double{weft::silu{}(places[i], 0, 0)}, silu, v, std::abs(v)), near(double{there_s[i]}, silu, v, std::abs(v));
  }
  SUCCEED();
  CHECK(weft::gelu{}(30.f, 0, 0) == 30.f);
  CHECK(std::abs(weft::gelu{}(-30.f, 0, 0)) < 1e-30f);
  CHECK(std::isnan(weft::gelu{}(std::nanf(""), 0, 0)));
  CHECK(std::isnan(weft::silu{}(std::nanf(""), 0, 0)));
}

namespace {
struct larger {
  template <class T>
  WEFT_HOST_DEVICE T operator()(T a, T b) const {
    return b > a ? b : a;
  }
};
/// Row sums in double and column maxima of relu(A B / 2 + bias), whatever the orders: products are integers in floats.
void check_reductions(offset rows, offset columns, offset depth, bool by_columns) {
  INFO(rows << " x " << columns << " x " << depth << (by_columns ? ", C by columns" : ""));
  const stored<std::int8_t> a(rows, depth, false, 1, 1), b(depth, columns, true, 0, 2);
  const auto bias = weft_test::values<float>(columns, 3);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  const auto dbias = device_copy(bias);
  auto dc = device_room<float>(rows * columns);
  auto sums = device_room<double>(rows);
  auto most = device_room<float>(columns);
  const auto C =
      by_columns ? weft::column_major(dc.begin(), rows, columns) : weft::row_major(dc.begin(), rows, columns);
  const auto tail = weft::bias_by_column(dbias.begin()) | weft::relu{} |
                    weft::reduced_by_row(sums.begin(), weft::plus{}) | weft::reduced_by_column(most.begin(), larger{});
  const weft::gemm_options<float, std::remove_const_t<decltype(tail)>> options{.alpha = 0.5f, .epilogue = tail};
  weft::gemm(policy, a.view(da.begin()), b.view(db.begin()), C, options);
  const auto c = host_copy(dc);
  const auto first = host_copy(sums);
  const auto maxima = host_copy(most);
  for (offset i = 0; i < rows; ++i) {
    double sum = 0;
    for (offset j = 0; j < columns; ++j) {
      const float wanted = std::max(
          0.f, static_cast<float>(row_times_column(a, b, i, j).value) * 0.5f + bias[static_cast<std::size_t>(j)]);
      REQUIRE(c[static_cast<std::size_t>(by_columns ? j * rows + i : i * columns + j)] == wanted);
      sum += wanted;
    }
    REQUIRE(std::abs(first[static_cast<std::size_t>(i)] - sum) <= 1e-12 * sum);
  }
  for (offset j = 0; j < columns; ++j) {
    float wanted = 0;
    for (offset i = 0; i < rows; ++i)
      wanted = std::max(wanted, c[static_cast<std::size_t>(by_columns ? j * rows + i : i * columns + j)]);
    REQUIRE(maxima[static_cast<std::size_t>(j)] == wanted);
  }
  weft::gemm(policy, a.view(da.begin()), b.view(db.begin()), C, options);
  require_same(host_copy(sums), first);
}
}  // namespace

TEST_CASE("gemm reduces rows and columns of its result on the way") {
  for (const bool by_columns : {false, true}) {
    check_reductions(1, 1, 1, by_columns);
    check_reductions(37, 70, 19, by_columns);
    check_reductions(130, 33, emulated ? 20 : 600, by_columns);
    if (!emulated) check_reductions(700, 1100, 9, by_columns);
  }
  const auto a = device_copy(std::vector<float>(64, 1.f));
  auto c = device_room<float>(64);
  const auto view = weft::row_major(a.begin(), 4, 4);
  const auto tail = weft::reduced_by_row(null<float>(), weft::plus{});
  const weft::gemm_options<float, std::remove_const_t<decltype(tail)>> options{.epilogue = tail};
  CHECK(contains(refusal([&] { weft::gemm(policy, view, view, weft::row_major(c.begin(), 4, 4), options); }),
                 "gemm: reduction: null"));
  CHECK(contains(refusal([&] {
                   weft::gemm(policy, view, view, weft::strided_batch(weft::row_major(c.begin(), 4, 4), 2, 16),
                              options);
                 }),
                 "a batch with a reduction"));
}
