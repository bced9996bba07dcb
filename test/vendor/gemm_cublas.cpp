// weft::cublas from plain C++: its products are plain loops' where there is a device; without one it says so.
#include <weft/buffer.hpp>
#include <weft/cublas.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

constexpr auto by_cublas = weft::cuda.with_provider(weft::cublas);
using weft::offset;

/// A (m x k) by rows or columns, B (k x n) by rows, C by rows or columns: small integers, so exact.
template <class T, class TC>
bool product(offset m, offset n, offset k, bool a_by_columns, bool c_by_columns) {
  std::vector<T> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n));
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = T(static_cast<float>(static_cast<int>(i * 7 % 5) - 2));
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = T(static_cast<float>(static_cast<int>(i * 3 % 7) - 3));
  const auto da = weft::to_buffer(by_cublas, a), db = weft::to_buffer(by_cublas, b);
  weft::buffer<TC> dc(by_cublas, m * n);
  const auto A = a_by_columns ? weft::column_major(da.data(), m, k) : weft::row_major(da.data(), m, k);
  const auto C = c_by_columns ? weft::column_major(dc.data(), m, n) : weft::row_major(dc.data(), m, n);
  weft::gemm(by_cublas, A, weft::row_major(db.data(), k, n), C);
  const auto c = weft::to_vector(by_cublas, dc);
  for (offset i = 0; i < m; ++i)
    for (offset j = 0; j < n; ++j) {
      float sum = 0;
      for (offset p = 0; p < k; ++p)
        sum += static_cast<float>(a[static_cast<std::size_t>(a_by_columns ? p * m + i : i * k + p)]) *
               static_cast<float>(b[static_cast<std::size_t>(p * n + j)]);
      if (static_cast<float>(c[static_cast<std::size_t>(c_by_columns ? j * m + i : i * n + j)]) != sum) return false;
    }
  return true;
}

}  // namespace

int main() {
  if (weft::cuda_backend::runtime().device_count() == 0) {
    std::printf("no device\n");
    return 0;
  }
  bool right = true;
  for (const bool a : {false, true})
    for (const bool c : {false, true}) {
      right &= product<float, float>(33, 20, 17, a, c) && product<double, double>(8, 9, 10, a, c);
      right &= product<weft::bfloat16, float>(32, 64, 16, a, c) && product<weft::float16, float>(32, 64, 16, a, c);
    }
  std::printf(right ? "right\n" : "WRONG\n");
  return right ? 0 : 1;
}
