// Several devices, errors that come late, and forks, in the run time that CUDA and HIP share (gpu/runtime.hpp), over a
// vendor made up for the purpose (mock_vendor.hpp); the algorithms are those of simt.
#include <weft/any_policy.hpp>
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/graph.hpp>
#include <weft/memory/managed.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/resources.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/seq.hpp>
#include <weft/simt.hpp>
#include <weft/sort.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <string>
#include <thread>

#include "mock_vendor.hpp"

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

namespace {

/// The kernels of simt on the devices of the mock vendor.
struct two_devices : weft::gpu::family {
  static constexpr const char* name = "two";
  static constexpr bool is_device = true;
  static weft::runtime& runtime() noexcept { return mock_vendor_runtime; }
};
constexpr weft::policy<two_devices> two{};
const weft::register_backend<two_devices> two_registered;

weft::runtime& devices() { return mock_vendor_runtime; }
mock_vendor::world& world() { return mock_vendor::the(); }

/// Kernels see both devices meanwhile.
struct both {
  both() { weft::simt_options().devices = 2; }
  ~both() {
    weft::simt_options().devices = 1;
    mock_vendor::current = 0;
    world().peers = false;
  }
};

int device_of(const void* memory) {
  const auto* found = mock_vendor::find(memory);
  return found ? found->second.device : -1;
}

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const weft::error& e) { return e.what(); }
  return "nothing was thrown";
}
bool contains(const std::string& text, const std::string& part) {
  const bool yes = text.find(part) != std::string::npos;
  if (!yes) UNSCOPED_INFO(text);
  return yes;
}

/// What kernels are launched on, and whether that device is current then.
struct launches : weft::profile::tool {
  std::vector<int> on;
  int elsewhere = 0;
  void begin(const weft::profile::event& e) noexcept override {
    if (e.what != weft::profile::kind::kernel) return;
    on.push_back(e.stream.device);
    elsewhere += mock_vendor::current != e.stream.device;
  }
};

/// Sorts, scans and sums on the policy's device, and says whether all is right.
template <class P>
bool works(const P& policy, int n = 1500) {
  weft::buffer<int> x(policy, n), y(policy, n);
  weft::sequence(policy, x.begin(), x.end(), 0);
  weft::sort(policy, x.begin(), x.end(), weft::greater{});
  weft::inclusive_scan(policy, x.begin(), x.end(), y.begin());
  const int sum = weft::reduce(policy, x.begin(), x.end(), 0);
  return sum == n * (n - 1) / 2 && weft::to_vector(policy, y).back() == sum &&
         device_of(x.data()) == policy.stream().device;
}

}  // namespace

TEST_CASE("devices: streams, events, buffers and default resources are of the device they were made for") {
  const both seen;
  REQUIRE(weft::device_count(two) == 2);
  weft::stream first{two}, second{two, 1};
  REQUIRE(first.device() == 0);
  REQUIRE(second.device() == 1);
  REQUIRE(mock_vendor::current == 0);
  REQUIRE(&two.on(second).resource() == &weft::default_resource(devices(), 1));
  REQUIRE(&two.on(first).resource() != &two.on(second).resource());
  weft::buffer<int> a(two.on(first), 100), b(two.on(second), 100), c(two.on_device(1), 100);
  REQUIRE(device_of(a.data()) == 0);
  REQUIRE(device_of(b.data()) == 1);
  REQUIRE(device_of(c.data()) == 1);
  REQUIRE(c.stream().device == 1);
  REQUIRE(weft::stream(two.on_device(1)).device() == 1);
  REQUIRE(weft::stream(two.on(second)).device() == 1);
  REQUIRE(weft::event(two.on_device(1)).device() == 1);
  REQUIRE(weft::event(two.on(second)).device() == 1);
  REQUIRE(weft::event(two.on(first)).device() == 0);
  {
    const weft::device_guard guard(two, 1);
    REQUIRE(weft::stream(two).device() == 1);
    REQUIRE(weft::event(two).device() == 1);
    REQUIRE(two.stream().device == 1);
    REQUIRE(device_of(weft::buffer<int>(two, 10).data()) == 1);
    weft::device_resource direct{two};
    void* memory = direct.allocate(64, 16, two.stream());
    REQUIRE(device_of(memory) == 1);
    direct.deallocate(memory, 64, 16, two.stream());
    std::thread([] { REQUIRE(two.stream().device == 0); }).join();  // the guard is the thread's own
  }
  REQUIRE(mock_vendor::current == 0);
  REQUIRE(contains(error_of([] { weft::device_guard nowhere(two, 2); }), "device 2 is not there; 2 found"));
  REQUIRE(contains(error_of([] { weft::stream nowhere(two, -1); }), "device -1 is not there"));
  REQUIRE(contains(error_of([] { weft::buffer<int> nowhere(two.on_device(7), 1); }), "device 7 is not there"));
  REQUIRE(mock_vendor::current == 0);
}

TEST_CASE("devices: algorithms run where their policy says, whichever device is current") {
  const both seen;
  weft::stream first{two}, second{two, 1};
  for (int current = 0; current < 2; ++current) {
    const weft::device_guard guard(two, current);
    launches heard;
    {
      const weft::profile::attachment listening(heard);
      REQUIRE(works(two.on(second)));
      REQUIRE(works(two.on_device(1)));
    }
    REQUIRE(heard.on.size() >= 6);
    REQUIRE(heard.elsewhere == 0);
    REQUIRE(heard.on == std::vector<int>(heard.on.size(), 1));
    REQUIRE(mock_vendor::current == current);
    REQUIRE(works(two.on(first)));
    REQUIRE(works(two));
    REQUIRE(mock_vendor::current == current);
  }
  std::vector<std::thread> threads;  // each with its own current device, default streams and state
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const both here;
      const weft::device_guard guard(two, t % 2);
      for (int i = 0; i < 3; ++i) right += works(two) + works(two.on_device(1 - t % 2));
    });
  for (auto& t : threads) t.join();
  REQUIRE(right == 24);
}

TEST_CASE("devices: memory goes between devices by copies; kernels are kept from another device's unless peers may") {
  const both seen;
  weft::stream first{two}, second{two, 1};
  const std::vector<int> values{1, 2, 3, 4};
  weft::buffer<int> here = weft::to_buffer(two.on(first), values);
  weft::buffer<int> there(two.on(second), 4);
  second.wait(first);
  weft::copy_values(two.on(second), here.data(), 4, there.data());
  REQUIRE(weft::to_vector(two.on(second), there) == values);
  REQUIRE(contains(error_of([&] { weft::reduce(two.on(second), here.begin(), here.end(), 0); }),
                   "reduce: memory of another device"));
  REQUIRE(contains(error_of([&] { weft::inclusive_scan(two.on(second), there.begin(), there.end(), here.begin()); }),
                   "memory of another device"));
  REQUIRE(contains(error_of([&] { weft::reduce(two.on(second), values.begin(), values.end(), 0); }),
                   "host memory given to a device policy"));
  world().peers = true;
  REQUIRE(weft::reduce(two.on(second), here.begin(), here.end(), 0) == 10);
}

TEST_CASE("devices: streams of the wrong device or backend are refused in words") {
  const both seen;
  weft::stream first{two}, second{two, 1}, host{weft::seq};
  weft::event passed{two}, host_passed{weft::seq};
  REQUIRE(contains(error_of([&] { passed.record(second); }), "the event and the stream are of different devices"));
  REQUIRE(contains(error_of([&] { passed.record(host); }), "event record: a stream of another backend"));
  REQUIRE(contains(error_of([&] { first.wait(host_passed); }), "stream wait: an event of another backend"));
  passed.record(first);
  second.wait(passed);  // waiting for another device is what events are for
  first.wait(second);

  weft::buffer<int> x(two.on(first), 100);
  weft::graph g = weft::capture(first, [&] { weft::fill(two.on(first), x.begin(), x.end(), 1); });
  REQUIRE(contains(error_of([&] { g.launch(second); }), "graph launch: a stream of another device"));
  REQUIRE(contains(error_of([&] { g.upload(second); }), "graph upload: a stream of another device"));
  REQUIRE(contains(error_of([&] { g.launch(host); }), "graph launch: a stream of another backend"));
  g.launch(first);

  REQUIRE(
      contains(error_of([&] { weft::sort(two.on(host), x.begin(), x.end()); }), "sort: a stream of another backend"));
  REQUIRE(contains(error_of([&] { weft::buffer<int>(two.on(host), 5); }), "buffer: a stream of another backend"));
  std::vector<int> y(10);
  REQUIRE(
      contains(error_of([&] { weft::sort(weft::seq.on(first), y.begin(), y.end()); }), "a stream of another backend"));
}

TEST_CASE("devices: a graph waits for its own device before its memory goes") {
  const both seen;
  weft::stream second{two, 1};
  weft::graph g = weft::capture(second, [&] {
    weft::buffer<int> t(two.on(second), 1000);
    REQUIRE(device_of(t.data()) == 1);
    devices().fill_bytes(t.data(), 1, 4000, second);
  });
  g.launch(second);
  world().synchronized.clear();
  g = {};
  REQUIRE(world().synchronized == std::set<int>{1});
}

TEST_CASE("devices: a policy chosen at run time names its device") {
  const both seen;
  const auto where = weft::policy("two:1,seq", {.strict = true, .environment = false});
  REQUIRE(where.device() == 1);
  REQUIRE(contains(where.report(), "chosen, device 1: mock 1"));
  REQUIRE(weft::stream(where).device() == 1);
  REQUIRE(weft::visit(
              where, [](const auto& on) { return on.stream().device; }, two) == 1);
  const auto fell = weft::policy("two:2,seq", {.strict = false, .environment = false});
  REQUIRE(contains(fell.report(), "two:2: device 2 is not there; 2 found"));
}

TEST_CASE("devices: options of streams and events, and hints, reach the vendor as they were meant") {
  const both seen;
  auto& told = world().told;
  using words = std::vector<std::string>;
  told.clear();
  {
    weft::stream usual{two}, urgent{two, 1, {.priority = -3}}, most{two, {.priority = -1000}};
    weft::stream least{two, {.non_blocking = false, .priority = 1000}};  // clamped, as the one before
    weft::event plain{two}, timed{two, {.timing = true}};
  }
  REQUIRE(told == words{"non-blocking stream, priority 0", "non-blocking stream, priority -3",
                        "non-blocking stream, priority -5", "blocking stream, priority 0", "event",
                        "event with timing"});

  weft::stream s{two, 1};
  weft::managed_resource managed{two};
  weft::buffer<int> x(two.on(s).with(managed), 25);
  const auto hints = [&] {
    told.clear();
    weft::prefetch(two.on(s), x.data(), 25);
    weft::prefetch_to_host(two.on(s), x.data(), 25);
    weft::advise(two.on(s), x.data(), 25, weft::memory_advice::accessed_by);
    weft::advise(two.on(s), x.data(), 25, weft::memory_advice::preferred_location, weft::host_memory);
    return told;
  };
  REQUIRE(hints().empty());  // pages do not move here: nothing is asked, and nothing is an error
  world().migrates = true;
  REQUIRE(hints() == words{"prefetch of 100 bytes to 1", "prefetch of 100 bytes to -1",
                           "advice 4 about 100 bytes for 1", "advice 2 about 100 bytes for -1"});
  world().migrates = false;

  weft::buffer<int> y(two.on(s), 25);
  const auto fill = [&](int bytes) {
    return [&, bytes] { devices().fill_bytes(y.data(), 7, static_cast<std::size_t>(bytes), s); };
  };
  told.clear();
  weft::graph g = weft::capture(s, fill(10));
  g.upload(s);
  g.update(s, fill(20));
  g.update(s, [&] { fill(30)(), fill(40)(); });
  REQUIRE(told == words{"graph upload", "graph update", "graph update refused"});  // made anew, then
  g.launch(s);
  REQUIRE(weft::to_vector(two.on(s), y)[9] == 0x07070707);
}

TEST_CASE("devices: streams made elsewhere are borrowed or adopted; the threads' own and the legacy one are named") {
  const both seen;
  mock_vendor::stream made{};
  REQUIRE(mock_vendor::stream_create(&made, true, 0) == mock_vendor::success);
  REQUIRE(works(two.on(weft::borrow(two, made))));
  {
    const weft::stream owned = weft::stream::adopt(two, made);
    REQUIRE(works(two.on(owned)));
  }  // destroyed with it: under AddressSanitizer a leak or a second end would show
  const weft::stream_ref mine = weft::thread_stream(two), legacy = weft::legacy_stream(two);
  REQUIRE(mine == two.stream());
  REQUIRE(legacy.handle == nullptr);
  REQUIRE(works(two.on(mine)));
  REQUIRE(works(two.on(legacy)));
  const std::uint64_t id = devices().stream_id(mine);
  REQUIRE(devices().stream_id(legacy) != id);
  std::thread([&] {
    REQUIRE(devices().stream_id(weft::thread_stream(two)) != id);
    REQUIRE(devices().stream_id(weft::legacy_stream(two)) == devices().stream_id(legacy));
  }).join();
}

TEST_CASE("devices: out of memory says how much of what, and leaves everything as it was") {
  const both seen;
  weft::stream second{two, 1};
  const auto on = two.on(second);
  weft::pool_resource pool(devices(), 1);
  weft::buffer<int> x = weft::to_buffer(on.with(pool), std::vector<int>{5, 6, 7});
  const std::size_t held = pool.statistics().held_bytes;
  world().limit_bytes = 1 << 20;
  const std::string text = error_of([&] { weft::buffer<char> more(on.with(pool), 64 << 20); });
  REQUIRE(contains(text, "out of memory"));
  REQUIRE(contains(text, std::to_string(64 << 20)));
  REQUIRE(contains(text, "device 1 of mock"));
  REQUIRE(mock_vendor::last == mock_vendor::success);  // nobody meets it again
  // An algorithm that gets no temporary memory has touched nothing.
  weft::pool_resource none(devices(), 1, weft::memory_kind::device, {.limit_bytes = 1});
  std::vector<int> many(200'000);
  std::iota(many.rbegin(), many.rend(), 0);
  world().limit_bytes = ~std::size_t{0};
  weft::buffer<int> big = weft::to_buffer(on, many);
  REQUIRE_THROWS_AS(weft::sort(on.with(none), big.begin(), big.end()), weft::out_of_memory);
  REQUIRE(weft::to_vector(on, big) == many);
  REQUIRE(pool.statistics().held_bytes == held);
  REQUIRE(weft::to_vector(on, x) == std::vector<int>{5, 6, 7});
  REQUIRE(works(on));
}

TEST_CASE("devices: an error of a kernel is reported once, by the call that met it, with its policy's place") {
  const both seen;
  weft::stream s{two};
  const auto line = std::source_location::current().line() + 1;
  const auto on = two.on(s);
  weft::buffer<int> x = weft::to_buffer(on, std::vector<int>{1, 2, 3});
  world().fault = mock_vendor::error::not_supported;  // one that passes
  const std::string text = error_of([&] { weft::reduce(on, x.begin(), x.end(), 0); });
  REQUIRE(contains(text, "reduce: stream synchronize: mockErrorSupport: it failed [policy made at "));
  REQUIRE(contains(text, "core_devices.cpp:" + std::to_string(line)));
  REQUIRE(mock_vendor::last == mock_vendor::success);
  REQUIRE(weft::reduce(on, x.begin(), x.end(), 0) == 6);
  REQUIRE_NOTHROW(s.synchronize());
  // One that ends the context: later calls say where it was met first.
  world().fault = mock_vendor::error::illegal_address;
  REQUIRE(
      contains(error_of([&] { s.synchronize(); }), "stream synchronize: mockErrorIllegalAddress: an illegal address"));
  REQUIRE(contains(error_of([&] { weft::reduce(on, x.begin(), x.end(), 0); }),
                   "the device is lost to this process since an earlier error, met in stream synchronize"));
  world().fault = mock_vendor::success;
}

namespace {

/// What the child has to say, of a process forked here.
template <class Child>
std::string in_child(const Child& child) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    const std::string said = child();
    const bool written = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  char text[512];
  for (ssize_t n; (n = read(ends[0], text, sizeof text)) > 0;) said.append(text, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return status == 0 ? said : "the child ended with status " + std::to_string(status);
}

}  // namespace

TEST_CASE("devices: a child forked after the device was used is refused everything, before the vendor is asked") {
  const both seen;
  weft::stream s{two};
  weft::event e{two};
  weft::buffer<int> x = weft::to_buffer(two.on(s), std::vector<int>{1, 2, 3});
  weft::graph g = weft::capture(s, [&] { weft::fill(two.on(s), x.begin(), x.end(), 1); });
  REQUIRE(works(two.on(s)));
  const std::string said = in_child([&]() -> std::string {
    const int calls = world().calls;
    std::string wrong;
    auto refused = [&](const char* what, auto call) {
      if (error_of(call).find("forked from one that had used the device") == std::string::npos)
        wrong += std::string(what) + ": " + error_of(call) + "\n";
    };
    refused("reduce", [&] { weft::reduce(two.on(s), x.begin(), x.end(), 0); });
    refused("sort", [&] { weft::sort(two, x.begin(), x.end()); });
    refused("on_device", [&] { weft::buffer<int>(two.on_device(1), 100); });
    refused("stream", [&] { weft::stream another{two}; });
    refused("event", [&] { weft::event another{two}; });
    refused("synchronize", [&] { s.synchronize(); });
    refused("query", [&] { s.ready(); });
    refused("record", [&] { e.record(s); });
    refused("event wait", [&] { e.synchronize(); });
    refused("copy", [&] { weft::to_vector(two.on(s), x); });
    refused("allocate", [&] { weft::buffer<char>(two.on(s), 5 << 20); });
    refused("launch", [&] { g.launch(s); });
    if (world().calls != calls) wrong += "the vendor was asked " + std::to_string(world().calls - calls) + " times\n";
    { const weft::stream ends = std::move(s); }
    { const weft::buffer<int> ends = std::move(x); }
    g = {};
    const auto where = weft::policy("two,seq", {.strict = false, .environment = false});
    if (where.name() != "seq" || where.report().find("forked from one") == std::string::npos) wrong += where.report();
    const std::vector<int> y{1, 2, 3};
    if (weft::reduce(weft::seq, y.begin(), y.end(), 0) != 6) wrong += "seq does not work";
    return wrong.empty() ? "all refused" : wrong;
  });
  REQUIRE(said == "all refused");
  REQUIRE(works(two.on(s)));  // the parent does not notice
}
