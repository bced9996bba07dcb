// The backend simt as users meet it: the options change no result, functors may throw, and a call that failed leaves
// nothing behind in the words that kernels keep between calls.
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/select.hpp>
#include <weft/simt.hpp>
#include <weft/sort.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int n = 10007;

std::vector<int> numbers() {
  std::vector<int> made(n);
  for (int i = 0; i < n; ++i) made[static_cast<std::size_t>(i)] = static_cast<int>(i * 2654435761u >> 8) % 5003;
  return made;
}

struct at_least {
  int bound, forbidden;
  bool operator()(int x) const {
    if (x == forbidden) throw std::runtime_error("forbidden");
    return x >= bound;
  }
};
struct less_but {
  int forbidden;
  bool operator()(int a, int b) const {
    if (a == forbidden || b == forbidden) throw std::runtime_error("forbidden");
    return a < b;
  }
};
struct plus_but {
  int forbidden;
  int operator()(int a, int b) const {
    if (a == forbidden || b == forbidden) throw std::runtime_error("forbidden");
    return a + b;
  }
};
constexpr int nothing = -1;

/// The results of a few calls, all in one row.
std::vector<int> results(int forbidden) {
  const std::vector<int> in = numbers();
  std::vector<int> all(1 + 3 * n, 0), sorted = in;
  all[0] = weft::reduce(weft::simt, in.data(), in.data() + n, 0, plus_but{forbidden});
  weft::inclusive_scan(weft::simt, in.data(), in.data() + n, all.data() + 1, plus_but{forbidden});
  weft::copy_if(weft::simt, in.data(), in.data() + n, all.data() + 1 + n, at_least{2000, forbidden});
  weft::sort(weft::simt, sorted.data(), sorted.data() + n, less_but{forbidden});
  std::copy(sorted.begin(), sorted.end(), all.begin() + 1 + 2 * n);
  return all;
}

std::vector<int> oracle() {
  const std::vector<int> in = numbers();
  std::vector<int> all(1 + 3 * n, 0);
  all[0] = std::accumulate(in.begin(), in.end(), 0);
  std::partial_sum(in.begin(), in.end(), all.begin() + 1);
  std::copy_if(in.begin(), in.end(), all.begin() + 1 + n, [](int x) { return x >= 2000; });
  std::copy(in.begin(), in.end(), all.begin() + 1 + 2 * n);
  std::sort(all.begin() + 1 + 2 * n, all.end());
  return all;
}

struct restored_options {
  weft::simt_config saved = weft::simt_options();
  ~restored_options() { weft::simt_options() = saved; }
};

TEST_CASE("results do not depend on the options of the emulation") {
  restored_options _;
  const std::vector<int> wanted = oracle();
  std::vector<float> values(70001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.f / static_cast<float>(i * 7 % 1009 + 1);
  float first_sum = 0;
  for (const char* text : {"warp=32", "warp=64", "schedule=reverse", "warp=64,schedule=random,seed=3,shuffle=1",
                           "schedule=starve,resident=2,shuffle=1", "resident=1", "resident=9,multiprocessors=2",
                           "schedule=random,seed=11,resident=3"}) {
    CAPTURE(text);
    weft::simt_options() = weft::simt_config::parse(text);
    CHECK(results(nothing) == wanted);
    const float sum = weft::reduce(weft::simt, values.data(), values.data() + values.size(), 0.f);
    if (first_sum == 0) first_sum = sum;
    CHECK(std::memcmp(&sum, &first_sum, sizeof sum) == 0);
  }
}

TEST_CASE("a functor that throws ends the call, and the next call is right") {
  restored_options _;
  const std::vector<int> in = numbers(), wanted = oracle();
  for (const char* text : {"warp=32", "warp=64,schedule=random,seed=3,shuffle=1", "schedule=starve"}) {
    weft::simt_options() = weft::simt_config::parse(text);
    for (const int place : {0, 77, 5000, n - 1}) {
      CAPTURE(text, place);
      const int forbidden = in[static_cast<std::size_t>(place)];
      std::vector<int> out(n);
      const int *first = in.data(), *last = first + n;
      CHECK_THROWS_WITH(weft::reduce(weft::simt, first, last, 0, plus_but{forbidden}), "forbidden");
      CHECK_THROWS_WITH(weft::inclusive_scan(weft::simt, first, last, out.data(), plus_but{forbidden}), "forbidden");
      CHECK_THROWS_WITH(weft::copy_if(weft::simt, first, last, out.data(), at_least{2000, forbidden}), "forbidden");
      out = in;
      CHECK_THROWS_WITH(weft::sort(weft::simt, out.data(), out.data() + n, less_but{forbidden}), "forbidden");
      CHECK(results(nothing) == wanted);
    }
  }
}

/// All wait for a signal of two arrivals, of which some come.
struct waits_for_signal {
  template <weft::gpu::arch A>
  static constexpr int block_threads = 64;
  template <weft::gpu::arch A>
  struct shared {
    std::uint64_t signal;
  };
  unsigned arrivals;
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    if (block.thread() == 0) block.barrier_init(&s.signal, 2);
    block.sync();
    if (block.thread() < arrivals) block.barrier_arrive(&s.signal);
    block.barrier_wait(&s.signal, 0);
  }
};

TEST_CASE("a signal in shared memory that is never given is a deadlock, named by where it is waited for") {
  const auto fault_after = [](unsigned arrivals) -> std::string {
    try {
      weft::dialect::launch<weft::gpu::arch::generic>(3, {}, waits_for_signal{arrivals});
    } catch (const weft::simt_fault& fault) { return fault.what(); }
    return {};
  };
  CHECK(fault_after(2) == "");
  const std::string fault = fault_after(1);
  CHECK(fault.find("deadlock") != std::string::npos);
  CHECK(fault.find("192 at barrier_wait (") != std::string::npos);  // all threads of three blocks
}

}  // namespace
