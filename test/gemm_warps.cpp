// Products by the matrix instructions of warps against exact sums: in the emulation by models of each vendor's
// instructions (matrix_models.hpp), on GPUs by their own. Other backends have none.
#include "gemm_data.hpp"

#if __has_include(<weft/gpu/gemm_warps.hpp>)

#include <weft/gpu/gemm_warps.hpp>

#if !defined(__CUDACC__) && !defined(__HIP__)
#include "matrix_models.hpp"
#endif

namespace {

/// Whether the policy's device has the instruction for T, and not better.
template <class Units, class T>
bool has_unit() {
#if !defined(__CUDACC__) && !defined(__HIP__)
  return static_cast<int>(Units::width) == weft::gpu::device_of(policy).warp_width;
#else
  return !weft::gpu::device_of(policy).hopper_code && weft::gpu::on_arch(policy, [&]<weft::gpu::arch A>() {
    return Units::template unit<A, weft::gpu::matrix_kind_of<T>>::present;
  });
#endif
}

/// Numbers whose products sum up exactly in float: small ones, so that any order gives the same.
template <class T>
void make_small(stored<T>& m) {
  for (std::size_t i = 0; i < m.values.size(); ++i) {
    const int x = static_cast<int>(random_bits(99 + m.values.size(), i) >> 40) % 13 - 6;
    if constexpr (std::is_integral_v<T>)
      m.values[i] = static_cast<T>(x);  // -1 is 255 where there are no signs
    else
      m.values[i] = T(static_cast<float>(x));
  }
}
template <>
void make_small(stored<weft::tf32>& m) {
  for (std::size_t i = 0; i < m.values.size(); ++i)
    m.values[i] = weft::tf32(static_cast<float>(static_cast<int>(random_bits(98, i) >> 40) % 13 - 6));
}

template <class T>
double number(const T& x) {
  return static_cast<double>(static_cast<weft::arithmetic_t<T>>(x));
}

enum class tail { plain, full };

template <class Units, class T, class TC>
void check(offset m, offset n, offset k, int orders, offset pad, tail what, int ways_from = 0) {
  if (!has_unit<Units, T>()) return;
  INFO("m = " << m << ", n = " << n << ", k = " << k << ", orders " << orders << ", pad " << pad);
  stored<T> a(m, k, orders & 1, pad, 11), b(k, n, orders & 2, pad, 12);
  make_small(a), make_small(b);
  const stored<TC> c(m, n, orders & 4, orders & 1 ? 5 : 0, 13);
  const stored<float> bias(n, 1, false, 0, 14);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  const auto dbias = device_copy(bias.values);
  const auto A = a.view(da.begin());
  const auto B = b.view(db.begin());
  using sum = weft::accumulator_t<T, T>;
  const auto verify = [&](const std::vector<TC>& got, bool full) {
    std::vector<TC> wanted = c.values;
    std::vector<double> exact(static_cast<std::size_t>(n));
    for (offset i = 0; i < m; ++i) {
      std::fill(exact.begin(), exact.end(), 0);
      for (offset p = 0; p < k; ++p) {
        const double x = number(a.at(i, p));
        for (offset j = 0; j < n; ++j) exact[static_cast<std::size_t>(j)] += x * number(b.at(p, j));
      }
      for (offset j = 0; j < n; ++j) {
        auto value = static_cast<sum>(exact[static_cast<std::size_t>(j)]);
        if (full) {
          const auto options = weft::gemm_options<sum>{.alpha = sum(2), .beta = sum(3)};
          value = weft::detail::tail_value(options, value, &c.at(i, j), i, j);
          const auto biased = weft::bias_by_column(bias.values.data())(value, i, j);
          wanted[c.place(i, j)] = weft::converted<TC>(biased);
        } else {
          wanted[c.place(i, j)] = weft::converted<TC>(value);
        }
      }
    }
    require_same(got, wanted);
  };
  const auto run = [&](const auto& options, const weft::gemm_config* told) {
    auto dc = device_copy(c.values);
    const auto C = c.view(dc.begin());
    const bool done = weft::gpu::gemm_warps<Units>(
        policy, weft::matrix<const T>{A.data, m, k, A.row_stride, A.column_stride},
        weft::matrix<const T>{B.data, k, n, B.row_stride, B.column_stride}, C, options, told);
    policy.stream().synchronize();
    REQUIRE(done);
    return host_copy(dc);
  };
  if (what == tail::plain) {
    const weft::gemm_options<sum> options{};
    verify(run(options, nullptr), false);
    int number = 0;
    weft::gpu::on_arch(policy, [&]<weft::gpu::arch Arch>() {
      weft::gpu::gemm_warps_ways<Arch, std::remove_cvref_t<decltype(policy)>, T>(
          policy, k, c.view(static_cast<TC*>(nullptr)), [&](const weft::gemm_config& way, bool) {
            if (number++ >= ways_from && ways_from > 0) verify(run(options, &way), false);
          });
    });
    if (ways_from > 0) REQUIRE(number > 1);
  } else {
    const auto epilogue = weft::bias_by_column(dbias.begin());
    verify(run(
               weft::gemm_options<sum, std::remove_const_t<decltype(epilogue)>>{
                   .alpha = sum(2), .beta = sum(3), .epilogue = epilogue},
               nullptr),
           true);
  }
}

/// Operands along k, whole and ragged tiles, k that ends within a piece of 16 bytes.
template <class Units, class T, class TC>
void check_shapes() {
  constexpr offset whole = 16 / static_cast<offset>(sizeof(T));
  check<Units, T, TC>(64, 64, 8 * whole, 2, 0, tail::plain);
  check<Units, T, TC>(1, 1, 1, 2, whole - 1, tail::plain);
  check<Units, T, TC>(70, 37, 9 * whole + 1, 2, whole - 1, tail::plain);
  check<Units, T, TC>(37, 130, 11 * whole - 1, 6, 1, tail::full);
  check<Units, T, TC>(65, 66, 4 * whole, 2, whole, tail::full);
}

template <class Units>
void check_floats() {
  check_shapes<Units, weft::bfloat16, weft::bfloat16>();
  check_shapes<Units, weft::float16, float>();
  check<Units, weft::float16, float>(40, 24, 1024, 2, 0, tail::plain, 1);  // every way: k in parts
}

}  // namespace

#if !defined(__CUDACC__) && !defined(__HIP__)
using matrix_models::mfma_units;
using matrix_models::nvidia_units;
using matrix_models::wmma_units;
using weft::gpu::arch;

TEST_CASE("matrix instructions of sm_80: 16-bit floats, in any order of memory") {
  check_floats<nvidia_units>();
  for (int orders = 0; orders < 8; ++orders)
    if (orders % 4 != 2) {
      check<nvidia_units, weft::bfloat16, float>(72, 64, 40, orders, 0, tail::plain);
      check<nvidia_units, weft::float16, weft::float16>(37 + 3, 75 + 5, 72, orders, 8, tail::full);
    }
}
TEST_CASE("matrix instructions of sm_80: tf32, 8-bit integers, f64") {
  check_shapes<nvidia_units, weft::tf32, float>();
  check_shapes<nvidia_units, std::int8_t, std::int32_t>();
  check_shapes<nvidia_units, double, double>();
  check<nvidia_units, std::uint8_t, std::int32_t>(70, 40, 80, 2, 0, tail::plain);
}
TEST_CASE("matrix instructions of gfx90a") {
  using units = mfma_units<arch::gfx90a>;
  check_floats<units>();
  check_shapes<units, float, float>();
  check_shapes<units, double, double>();
  check_shapes<units, std::int8_t, std::int32_t>();
  check_shapes<units, weft::tf32, float>();
}
TEST_CASE("matrix instructions of gfx942") {
  using units = mfma_units<arch::gfx942>;
  check_floats<units>();
  check_shapes<units, std::int8_t, std::int32_t>();
  check_shapes<units, weft::tf32, float>();
}
TEST_CASE("matrix instructions of gfx11") {
  check_floats<wmma_units>();
  check_shapes<wmma_units, std::int8_t, std::int32_t>();
  check<wmma_units, std::uint8_t, std::int32_t>(70, 40, 80, 2, 0, tail::plain);
}
#else
TEST_CASE("matrix instructions of warps") {
  using units = weft::dialect::matrix_units;
  check_floats<units>();
  check_shapes<units, weft::tf32, float>();
  check_shapes<units, std::int8_t, std::int32_t>();
  check_shapes<units, double, double>();
  for (int orders = 0; orders < 8; ++orders) {
    check<units, weft::bfloat16, float>(136, 264, 264, orders, 8, tail::plain);
    check<units, weft::float16, weft::float16>(264, 136, 72, orders, 0, tail::full);
  }
  // Operands that are copied first: such products must be large.
  check<units, weft::float16, weft::float16>(403, 421, 401, 0, 1, tail::full);
  check<units, std::int8_t, float>(403, 421, 401, 5, 3, tail::plain);
  check<units, double, double>(403, 421, 401, 3, 0, tail::full);
  check<units, weft::tf32, float>(403, 421, 401, 4, 1, tail::full);
}
#endif

#else
TEST_CASE("a CPU backend has no matrix instructions of warps") { SUCCEED(); }
#endif
