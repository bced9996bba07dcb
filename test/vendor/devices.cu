// Several real devices, as far as the machine has them (test/core_devices.cpp holds the rules on a mock of two): work,
// memory, events and graphs on the device they were made for, whichever is current; order across devices; copies
// between them; other devices' memory refused until peers may; the same bits on each. Two devices are used at once by
// threads of their own. Exits with the number of failed checks; with one device there is nothing to check.
#include <weft/buffer.hpp>
#include <weft/copy.hpp>
#include <weft/cuda.hpp>
#include <weft/fill.hpp>
#include <weft/graph.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/sort.hpp>
#include <weft/stream.hpp>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "expect.hpp"

namespace {

template <class Call>
void expect_error(const char* part, Call call) {
  std::string text = "nothing was thrown";
  try {
    call();
  } catch (const weft::error& e) { text = e.what(); }
  const bool told = text.find(part) != std::string::npos;
  if (!told) std::printf("wanted \"%s\", was told \"%s\"\n", part, text.c_str());
  expect(told, "an error in words");
}
void native(cudaError_t e) { expect(e == cudaSuccess, cudaGetErrorString(e)); }
int current() {
  int device = -1;
  native(cudaGetDevice(&device));
  return device;
}
int device_of(const void* memory) {
  cudaPointerAttributes facts{};
  native(cudaPointerGetAttributes(&facts, memory));
  return facts.device;
}

/// A function's values, so that every device has the same.
struct wave {
  WEFT_HOST_DEVICE float operator()(weft::offset i) const {
    return static_cast<float>(static_cast<int>(i * 2654435761u % 20011) - 10000) * 0x1p-7f;
  }
};

struct results {
  float sum;
  std::vector<float> sorted, scanned;
  friend bool operator==(const results&, const results&) = default;
};
template <class P>
results work(const P& policy, weft::offset n) {
  weft::buffer<float> x(policy, n), y(policy, n);
  weft::tabulate(policy, x.begin(), x.end(), wave{});
  const float sum = weft::reduce(policy, x.begin(), x.end(), 0.f);
  weft::inclusive_scan(policy.require(weft::same_bits), x.begin(), x.end(), y.begin());
  weft::sort(policy, x.begin(), x.end());
  expect(device_of(x.data()) == policy.stream().device, "a buffer is on its policy's device");
  return {sum, weft::to_vector(policy, x), weft::to_vector(policy, y)};
}

void everywhere(int devices) {
  constexpr weft::offset n = 300007;
  const results first = work(weft::cuda.on_device(0), n);
  for (int d = 0; d < devices; ++d)
    for (int now = 0; now < devices; ++now) {
      const weft::device_guard guard(weft::cuda, now);
      const weft::stream s{weft::cuda, d};
      expect(s.device() == d, "a stream is of the device it was asked for");
      expect(work(weft::cuda.on(s), n) == first, "the same bits on every device, on a stream");
      expect(work(weft::cuda.on_device(d), n) == first, "the same bits on every device");
      expect(current() == now, "the caller's current device stays");
    }
  expect(current() == 0, "a guard puts the device back");
  std::vector<std::thread> threads;
  for (int t = 0; t < 2 * devices; ++t)
    threads.emplace_back([&, t] {
      const weft::device_guard guard(weft::cuda, t % devices);
      for (int i = 0; i < 20; ++i)
        expect(work(i % 2 ? weft::cuda.on_device(t % devices) : weft::cuda.on_device((t + 1) % devices), n) == first,
               "threads on devices of their own");
    });
  for (auto& t : threads) t.join();
}

void across() {
  constexpr weft::offset n = 1 << 24;
  weft::stream first{weft::cuda, 0}, second{weft::cuda, 1};
  const auto here = weft::cuda.on(first), there = weft::cuda.on(second);
  weft::buffer<int> a(here, n), b(there, n);
  for (int round = 1; round <= 20; ++round) {  // each hand-over waits for the other device, and nobody on the host
    weft::fill(here, a.begin(), a.end(), round);
    second.wait(first);
    weft::copy_values(there, a.data(), n, b.data());
    first.wait(second);
    weft::fill(here, a.begin(), a.end(), -1);
    const int sum = weft::reduce(there, b.begin(), b.end(), 0, weft::minimum{});
    expect(sum == 0, "minimum with init 0");
    expect(weft::reduce(there, b.begin(), b.end(), 1000, weft::minimum{}) == round, "copies see what came before");
    expect(weft::reduce(there, b.begin(), b.end(), 0, weft::maximum{}) == round, "and nothing later");
  }
  expect_error("memory of another device", [&] { weft::reduce(there, a.begin(), a.end(), 0); });
  expect_error("memory of another device", [&] { weft::sort(here, b.begin(), b.end()); });

  weft::event begin{there}, passed{here};
  expect_error("different devices", [&] { passed.record(second); });
  begin.record(second);
  weft::fill(there, b.begin(), b.end(), 3);
  passed.record(first);
  second.wait(passed);
  second.synchronize();
  expect(passed.ready(), "an event of the other device was waited for");

  weft::graph g = weft::capture(second, [&] {
    weft::fill(there, b.begin(), b.end(), 1);
    weft::inclusive_scan(there, b.begin(), b.end(), b.begin());
  });
  expect_error("a stream of another device", [&] { g.launch(first); });
  expect(current() == 0, "recording leaves the device");
  g.launch(second);
  expect(weft::reduce(there, b.begin(), b.end(), 0, weft::maximum{}) == static_cast<int>(n), "a graph on device 1");

  int may = 0;
  native(cudaDeviceCanAccessPeer(&may, 0, 1));
  std::printf("device 0 %s reach device 1's memory\n", may ? "can" : "cannot");
  if (!may) return;
  native(cudaDeviceEnablePeerAccess(1, 0));
  weft::event written{there};
  written.record(second);
  first.wait(written);
  expect(weft::reduce(here, b.begin(), b.end(), 0, weft::maximum{}) == static_cast<int>(n), "memory of a peer");
}

}  // namespace

int main() {
  const int devices = weft::device_count(weft::cuda);
  std::printf("%d device(s)\n", devices);
  if (devices < 2) return 0;
  everywhere(devices);
  across();
  std::printf("%d failed\n", failures.load());
  return failures;
}
