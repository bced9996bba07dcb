// Matrix products: the shape and order of the operands are views, and what is done to each element of the result on its
// way to memory is a functor. Prints the speed of a few shapes, doubled until a product takes long enough to time.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/gemm.hpp>
#include WEFT_EXAMPLE_HEADER

#include <chrono>
#include <cmath>
#include <cstdio>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;
using weft::offset;

struct values {
  WEFT_HOST_DEVICE float operator()(offset i) const { return static_cast<float>(i * 2654435761 % 255 - 127) / 127; }
};
/// The layer of a neural network: a bias for each column, then max(0, x).
struct bias_and_relu {
  const float* bias;
  WEFT_HOST_DEVICE float operator()(float x, offset, offset column) const {
    x += bias[column];
    return x > 0 ? x : 0;
  }
};

weft::buffer<float> made(offset n) {
  weft::buffer<float> x(policy, n);
  weft::tabulate(policy, x.begin(), x.end(), values{});
  return x;
}

/// C = relu(A * transposed(B) + bias), A m x k, B n x k. Prints the speed; returns whether some elements are right.
bool layer(offset m, offset n, offset k, double enough_seconds) {
  const auto a = made(m * k), b = made(n * k), bias = made(n);
  weft::buffer<float> c(policy, m * n);
  const weft::gemm_options<float, bias_and_relu> options{.epilogue = {bias.data()}};
  const auto product = [&] {
    weft::gemm(policy, weft::row_major(a.data(), m, k), weft::transposed(weft::row_major(b.data(), n, k)),
               weft::row_major(c.data(), m, n), options);
  };
  product();  // not timed: the first call loads code and takes temporary memory
  const auto start = std::chrono::steady_clock::now();
  product();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (took.count() < enough_seconds && k < 8192) return layer(2 * m, 2 * n, 2 * k, enough_seconds);

  const auto x = weft::to_vector(policy, a), y = weft::to_vector(policy, b), z = weft::to_vector(policy, bias);
  const auto result = weft::to_vector(policy, c);
  bool right = true;
  for (offset probe = 0; probe < 100; ++probe) {
    const offset i = probe * 7919 % m, j = probe * 104729 % n;
    double sum = 0;
    for (offset l = 0; l < k; ++l) sum += double{x[i * k + l]} * y[j * k + l];
    const double wanted = std::fmax(0, sum + z[j]);
    right &= std::abs(wanted - result[i * n + j]) < 1e-5 * static_cast<double>(k);
  }
  const double gflops = 2e-9 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / took.count();
  std::printf("%5td x %5td x %5td: %8.2f ms, %9.1f GFLOP/s%s\n", m, n, k, 1e3 * took.count(), gflops,
              right ? "" : "  WRONG");
  return right;
}

int main() {
  bool right = layer(64, 64, 64, 0.01);  // square
  right &= layer(256, 16, 64, 0.01);     // tall
  right &= layer(33, 47, 129, 0.01);     // nothing divides anything
  return right ? 0 : 1;
}
