// The run time and the pool on a real device, in plain C++ without any kernel: `runtime.cpp
// -DWEFT_TEST_POLICY=weft::cuda -DWEFT_TEST_HEADER="<weft/cuda.hpp>" -Itest/shim`, linked with cudart. With weft::hip
// and test/shim first in the include path the HIP backend's host half runs on an NVIDIA GPU; with HIP's own headers, on
// an AMD one. Native calls are written in HIP's names. Exits with the number of failed checks; ends with the cost of
// warm calls.
#include <hip/hip_runtime_api.h>

#include WEFT_TEST_HEADER
#include <weft/buffer.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/memory/debug.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/resources.hpp>
#include <weft/memory/result_slot.hpp>
#include <weft/stream.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "expect.hpp"

namespace {

constexpr auto policy = WEFT_TEST_POLICY;
using backend = decltype(policy)::backend;
weft::runtime& device() { return backend::runtime(); }

void native(hipError_t result, const char* what) {
  if (result != hipSuccess) std::printf("native error: %s\n", hipGetErrorString(result));
  expect(result == hipSuccess, what);
}

void nap(void* milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(reinterpret_cast<std::intptr_t>(milliseconds)));
}
/// Keeps the stream busy, as a long kernel would.
void hold(weft::stream_ref s, int milliseconds) {
  device().host_callback(s, nap, reinterpret_cast<void*>(static_cast<std::intptr_t>(milliseconds)));
}
bool all_are(weft::stream_ref s, const void* memory, std::size_t bytes, unsigned char value) {
  for (unsigned char c :
       weft::to_vector(policy.on(s), static_cast<const unsigned char*>(memory), static_cast<weft::offset>(bytes)))
    if (c != value) return false;
  return true;
}

// Both end after main, when the vendor's run time may be gone.
std::unique_ptr<weft::pool_resource> static_pool;
weft::buffer<int> static_buffer;

void ids() {
  std::set<std::uint64_t> seen{device().stream_id(policy.stream())};
  std::set<void*> handles;
  for (int i = 0; i < 200; ++i) {
    weft::stream s{policy};
    handles.insert(s.handle());
    expect(seen.insert(s.id()).second, "stream ids are never used twice");
  }
  std::uint64_t theirs = 0;
  std::thread([&] { theirs = device().stream_id(policy.stream()); }).join();
  expect(seen.insert(theirs).second, "each thread's default stream has its own id");
  std::printf("200 streams, one at a time, had %zu handles\n", handles.size());
}

void options() {
  int least = 0, greatest = 0;
  native(hipDeviceGetStreamPriorityRange(&least, &greatest), "priorities");
  const auto seen = [](const weft::stream& s) {
    int priority = 99;
    unsigned flags = 99;
    native(hipStreamGetPriority(static_cast<hipStream_t>(s.handle()), &priority), "priority");
    native(hipStreamGetFlags(static_cast<hipStream_t>(s.handle()), &flags), "flags");
    return std::pair(priority, flags);
  };
  expect(seen(weft::stream{policy}) == std::pair(0, unsigned{hipStreamNonBlocking}), "a stream without options");
  expect(seen(weft::stream{policy, {.priority = greatest}}).first == greatest, "the highest priority");
  expect(seen(weft::stream{policy, {.priority = -1000}}).first == greatest, "a priority beyond the highest");
  expect(seen(weft::stream{policy, {.non_blocking = false}}).second == unsigned{hipStreamDefault}, "a blocking one");
}

void reused_handles() {
  weft::pool_resource pool(device());
  constexpr std::size_t bytes = 1 << 20;
  for (int i = 0; i < 60; ++i) {
    void* memory = nullptr;
    {
      weft::stream old{policy};
      memory = pool.allocate(bytes, 16, old);
      hold(old, 3);
      device().fill_bytes(memory, 0xaa, bytes, old);
      pool.deallocate(memory, bytes, 16, old);
    }  // the stream ends with its work outstanding
    weft::stream young{policy};
    void* mine = pool.allocate(bytes, 16, young);
    device().fill_bytes(mine, static_cast<unsigned char>(i), bytes, young);
    if (i % 2) hold(young, 5);
    expect(all_are(young, mine, bytes, static_cast<unsigned char>(i)),
           "peer defect 1: an old stream wrote over a new one's block");
    pool.deallocate(mine, bytes, 16, young);
  }
}

void hand_over() {
  constexpr std::size_t bytes = 1 << 20;
  weft::pool_resource pool(device(), 0, weft::memory_kind::device, {.limit_bytes = 2 * bytes});
  weft::stream a{policy}, b{policy};
  void* first = pool.allocate(bytes, 16, a);
  hold(a, 30);
  device().fill_bytes(first, 1, bytes, a);
  pool.deallocate(first, bytes, 16, a);
  void* second = pool.allocate(bytes, 16, b);
  expect(second != first, "peer defect 2: a block in use was handed to another stream");
  void* third = pool.allocate(bytes, 16, b);  // the limit is reached: waits on the device for a
  expect(third == first, "with memory short the block is taken over");
  expect(!a.ready(), "nobody waited on the host");
  device().fill_bytes(third, 2, bytes, b);
  expect(all_are(b, third, bytes, 2), "the taker's writing comes last");
  expect(pool.statistics().cross_stream_waits == 1, "one device-side wait");
  pool.deallocate(second, bytes, 16, b);
  pool.deallocate(third, bytes, 16, b);
  bool threw = false;
  try {
    pool.allocate(4 * bytes, 16, b);
  } catch (const weft::out_of_memory& e) {
    threw = true;
    std::printf("as expected: %s\n", e.what());
  }
  expect(threw, "above the limit");
}

void capture() {
  constexpr weft::offset n = 1 << 18;
  weft::stream s{policy}, other{policy};
  const auto p = policy.on(s);
  weft::buffer<char> out(p, n);
  { weft::temporary<char> warm(p, n); }
  s.synchronize();
  const auto stream = static_cast<hipStream_t>(s.handle());
  native(hipStreamBeginCapture(stream, hipStreamCaptureModeGlobal), "begin capture");
  expect(device().capturing(s), "the stream says that it is being captured");
  expect(!device().capturing(other), "the other is not");
  {
    weft::temporary<char> t(p, n);
    device().fill_bytes(t.data(), 5, n, s);
    device().copy(out.data(), t.data(), n, s);
    // Eager work beside it, cold: vendor allocations and event queries must not spoil the capture.
    weft::buffer<char> beside(policy.on(other), 7 * n);
    weft::buffer<char> more(policy.on(other), 11 * n);
  }
  weft::default_resource(device(), 0);
  static_cast<weft::pool_resource&>(weft::default_resource(device(), 0)).trim();
  hipGraph_t graph{};
  native(hipStreamEndCapture(stream, &graph), "end capture");
  hipGraphExec_t exec{};
  native(hipGraphInstantiate(&exec, graph, nullptr, nullptr, 0), "instantiate");
  for (int round = 0; round < 20; ++round) {
    device().fill_bytes(out.data(), 0, n, s);
    native(hipGraphLaunch(exec, stream), "launch");
    {  // eager temporaries of the same size while the graph runs
      weft::temporary<char> t(policy.on(other), n), u(p, n);
      device().fill_bytes(t.data(), 9, n, other);
      device().fill_bytes(u.data(), 9, n, s);
    }
    expect(all_are(s, out.data(), n, 5), "peer defect 4: a replay and eager work share memory");
  }
  native(hipGraphExecDestroy(exec), "destroy");
  native(hipGraphDestroy(graph), "destroy");
}

void pointers() {
  for (auto kind : {weft::memory_kind::device, weft::memory_kind::pinned, weft::memory_kind::managed}) {
    void* memory = device().allocate(kind, 4096, 0);
    expect(device().kind_of(memory) == kind, "kind_of");
    expect(device().accessible(static_cast<char*>(memory) + 100, 0), "accessible");
    device().deallocate(kind, memory, 4096, 0);
  }
  weft::ordered_resource vendor(policy);
  weft::buffer<int> ordered(policy.with(vendor), 10);
  expect(device().kind_of(ordered.data()) == weft::memory_kind::device, "kind_of ordered memory");
  std::vector<int> heap(10);
  expect(device().kind_of(heap.data()) == weft::memory_kind::host, "kind_of heap");
  expect(device().kind_of(nullptr) == weft::memory_kind::unknown, "kind_of null");
  std::printf("the device %s ordinary host memory\n", device().accessible(heap.data(), 0) ? "reads" : "does not read");
  auto* slot = static_cast<unsigned char*>(weft::result_slot(device(), 0, 64));
  device().fill_bytes(slot, 77, 64, policy.stream());
  policy.stream().synchronize();
  expect(slot[63] == 77, "the device writes result slots");
}

void errors() {
  auto message = [](auto call) {
    try {
      call();
    } catch (const weft::error& e) { return std::string(e.what()); }
    return std::string("nothing was thrown");
  };
  std::printf("as expected: %s\n", message([] { weft::buffer<char>(policy, weft::offset{1} << 45); }).c_str());
  std::printf("as expected: %s\n", message([] { device().set_device(99); }).c_str());
  std::printf("as expected: %s\n",
              message([] { device().fill_bytes(reinterpret_cast<void*>(64), 0, 64, policy.stream()); }).c_str());
  expect(hipGetLastError() == hipSuccess, "an error is reported once");
  weft::buffer<char> works(policy, 100);
  device().fill_bytes(works.data(), 0, 100, works.stream());
  weft::finish(policy);
}

void children() {
  weft::stream s{policy};
  const weft::buffer<char> inherited(policy.on(s), 1000);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    int refused = 0;
    auto refuses = [&](auto call) {
      try {
        call();
      } catch (const weft::error& e) {
        refused += std::string(e.what()).find("forked from one that had used the device") != std::string::npos;
      }
    };
    refuses([] { weft::buffer<char>(policy, 1 << 24); });
    refuses([&] { device().fill_bytes(const_cast<char*>(inherited.data()), 0, 1000, s); });
    refuses([&] { s.synchronize(); });
    _exit(3 - refused);
  }
  int status = -1;
  waitpid(child, &status, 0);
  expect(status == 0, "a forked child is refused, and does not hang");
}

void many_threads() {
  weft::pool_resource pool(device());
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      std::unique_ptr<weft::stream> own;
      for (int i = 0; i < 400; ++i) {
        if (t % 2 && i % 20 == 0) own = std::make_unique<weft::stream>(policy);
        const weft::stream_ref s = own ? own->ref() : policy.stream();
        const std::size_t bytes = 1 + random() % (random() % 4 ? 5000 : 3000000);
        void* memory = pool.allocate(bytes, 16, s);
        device().fill_bytes(memory, static_cast<unsigned char>(t), bytes, s);
        if (i % 8 == 0) expect(all_are(s, memory, bytes, static_cast<unsigned char>(t)), "threads keep apart");
        pool.deallocate(memory, bytes, 16, s);
      }
    });
  for (auto& t : threads) t.join();
  device().stream_synchronize({&device(), nullptr, 0});
  const auto seen = pool.statistics();
  expect(seen.used_bytes == 0, "all blocks came back");
  std::printf(
      "8 threads: %llu vendor allocations, %llu warm, %llu taken over, %.1f MiB held\n",
      static_cast<unsigned long long>(seen.vendor_allocations), static_cast<unsigned long long>(seen.warm_allocations),
      static_cast<unsigned long long>(seen.cross_stream_reuses), static_cast<double>(seen.held_bytes) / (1 << 20));
}

template <class F>
void cost(const char* what, int rounds, F f) {
  for (int i = 0; i < rounds / 10 + 1; ++i) f();
  policy.stream().synchronize();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) f();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  std::printf("%8.0f ns  %s\n", took.count() / rounds, what);
  policy.stream().synchronize();
}

void costs() {
  weft::memory_resource& pool = policy.resource();
  weft::ordered_resource ordered(policy);
  weft::stream own{policy};
  hipStream_t raw{};
  native(hipStreamCreateWithFlags(&raw, hipStreamNonBlocking), "stream");
  const weft::stream_ref foreign = weft::borrow(policy, raw), mine = policy.stream();
  auto pair = [](weft::memory_resource& r, std::size_t bytes, weft::stream_ref s) {
    return [&r, bytes, s] { r.deallocate(r.allocate(bytes, 16, s), bytes, 16, s); };
  };
  for (std::size_t bytes : {std::size_t{4096}, std::size_t{64} << 20}) {
    std::printf("allocate and free %zu bytes\n", bytes);
    cost("pool, default stream", 100000, pair(pool, bytes, mine));
    cost("pool, weft::stream", 100000, pair(pool, bytes, own));
    cost("pool, borrowed stream", 20000, pair(pool, bytes, foreign));
    cost("vendor's ordered allocator", 5000, pair(ordered, bytes, own));
    cost("vendor's allocator", 50, [&] {
      device().deallocate(weft::memory_kind::device, device().allocate(weft::memory_kind::device, bytes, 0), bytes, 0);
    });
  }
  weft::buffer<int> b(policy, 100);
  cost("policy.stream()", 100000, [&] { static_cast<void>(policy.stream()); });
  cost("policy.resource()", 100000, [&] { static_cast<void>(policy.resource()); });
  cost("stream_id, default stream", 100000, [&] { device().stream_id(mine); });
  cost("stream_id, weft::stream", 100000, [&] { device().stream_id(own); });
  cost("capturing, weft::stream", 100000, [&] { device().capturing(own); });
  cost("accessible", 100000, [&] { device().accessible(b.data(), 0); });
  cost("result_slot", 100000, [&] { weft::result_slot(device(), 0, 8); });
  native(hipStreamSynchronize(raw), "synchronize");
  native(hipStreamDestroy(raw), "destroy");
}

}  // namespace

int main() {
  std::printf("%s: %d device(s)\n", backend::name, device().device_count());
  if (device().device_count() == 0) {
    try {
      weft::buffer<int> b(policy, 10);
      expect(false, "an error without a device");
    } catch (const weft::error& e) { std::printf("as expected: %s\n", e.what()); }
    return failures;
  }
  ids();
  options();
  reused_handles();
  hand_over();
  capture();
  pointers();
  errors();
  children();
  many_threads();
  static_pool = std::make_unique<weft::pool_resource>(device());
  static_buffer = weft::to_buffer(policy, std::vector<int>(1000, 3));
  void* kept = static_pool->allocate(1 << 22, 16, policy.stream());
  static_pool->deallocate(kept, 1 << 22, 16, policy.stream());
  costs();
  std::printf("%d failed\n", failures.load());
  return failures;
}
