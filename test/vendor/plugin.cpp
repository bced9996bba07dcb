// A plug-in with the host half of a GPU backend in it: built for CUDA and for HIP, and loaded into one process by
// test/usage/consumer/plugin_host.cpp. One program cannot be compiled for both; plug-ins can live together.
#include WEFT_TEST_HEADER
#include <weft/buffer.hpp>
#include <weft/memory/pool.hpp>
#include <weft/stream.hpp>

#include <numeric>
#include <string>
#include <vector>

/// The sum of 0 … n - 1, which have been to the device and back; -1 where there is no device, if that is said in words.
extern "C" __attribute__((visibility("default"))) long plugin_sum(int n) {
  constexpr auto policy = WEFT_TEST_POLICY;
  using backend = decltype(policy)::backend;
  if (weft::device_count(policy) == 0) {
    try {
      weft::buffer<long> none(policy, n);
    } catch (const weft::error& e) { return std::string(e.what()).find(backend::name) != std::string::npos ? -1 : -3; }
    return -3;
  }
  try {
    std::vector<long> values(static_cast<std::size_t>(n));
    std::iota(values.begin(), values.end(), 0L);
    weft::stream s{policy};
    const auto on = policy.on(s);
    const auto there = weft::to_buffer(on, values);
    const auto back = weft::to_vector(on, weft::to_buffer(on, there));
    return std::accumulate(back.begin(), back.end(), 0L);
  } catch (const weft::error&) { return -3; }
}
