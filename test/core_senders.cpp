// Senders on a device whose every step is chosen: how often the host is called back, what a step waits for, and that a
// callback thread is not let call the vendor.
#include <weft/senders.hpp>
#include <weft/seq.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "mock_runtime.hpp"

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

namespace {

mock_runtime device(7);
struct mock_backend {
  static weft::runtime& runtime() noexcept { return device; }
};
constexpr weft::policy<mock_backend> mock{};

struct outcome {
  int sent = 0;
  std::string error;
  bool over = false;
};
struct tells {
  outcome* to;
  void set_value(int value) noexcept {
    to->sent = value;
    to->over = true;
  }
  void set_error(std::exception_ptr e) noexcept {
    to->over = true;
    try {
      std::rethrow_exception(e);
    } catch (const std::exception& known) { to->error = known.what(); }
  }
  void set_stopped() noexcept { to->over = true; }
};

/// Puts one operation into the policy's stream that notes `n`.
auto noting(std::vector<int>& order, int n) {
  return [&order, n](const auto& on, auto... before) {
    device.run(on.stream(), [&order, n] { order.push_back(n); });
    return (n + ... + before);
  };
}

}  // namespace

TEST_CASE("senders: steps of one stream are put in at once, and one callback ends them") {
  weft::stream s{mock};
  std::vector<int> order;
  outcome end;
  const auto on = mock.on(s);
  auto operation =
      (weft::enqueue(on, noting(order, 1)) | weft::enqueue(on, noting(order, 2)) | weft::enqueue(on, noting(order, 3)))
          .connect(tells{&end});
  operation.start();
  REQUIRE(device.pending() == 4);
  device.step(3);
  REQUIRE(order == std::vector<int>{1, 2, 3});
  REQUIRE_FALSE(end.over);
  device.step();
  REQUIRE(end.over);
  REQUIRE(end.sent == 6);
  REQUIRE(device.host_waits == 0);
}

TEST_CASE("senders: steps of two streams of one device follow behind an event, without the host") {
  weft::stream s{mock}, other{mock};
  for (int i = 0; i < 20; ++i) {
    std::vector<int> order;
    outcome end;
    auto operation = (weft::enqueue(mock.on(s), noting(order, 1)) | weft::enqueue(mock.on(other), noting(order, 2)))
                         .connect(tells{&end});
    operation.start();
    REQUIRE(device.pending() == 5);  // two operations, an event and its wait, one callback
    device.drain();
    REQUIRE(order == std::vector<int>{1, 2});
    REQUIRE(end.sent == 3);
  }
  REQUIRE(device.host_waits == 0);
}

TEST_CASE("senders: an error waits for what was put in before it") {
  weft::stream s{mock};
  const auto on = mock.on(s);
  const auto fails = [](const auto&, int) -> int { throw std::runtime_error("no more"); };
  std::vector<int> order;
  outcome end;
  auto operation =
      (weft::enqueue(on, noting(order, 1)) | weft::enqueue(on, fails) | weft::enqueue(on, noting(order, 3)))
          .connect(tells{&end});
  operation.start();
  REQUIRE_FALSE(end.over);
  device.drain();
  REQUIRE(order == std::vector<int>{1});
  REQUIRE(end.error == "no more");
}

TEST_CASE("senders: a step that may not follow is refused when the one before it is done") {
  weft::stream s{mock}, other{mock};
  std::vector<int> order;
  outcome end;
  device.capturing_handles.insert(other.handle());
  auto operation = (weft::enqueue(mock.on(s), noting(order, 1)) | weft::enqueue(mock.on(other), noting(order, 2)))
                       .connect(tells{&end});
  operation.start();
  REQUIRE_FALSE(end.over);
  device.drain();
  REQUIRE(end.error.find("enqueue: a stream that records a graph") == 0);
  REQUIRE(order == std::vector<int>{1});
  device.capturing_handles.clear();
}

TEST_CASE("senders: a callback thread of a vendor starts nothing there, and anything elsewhere") {
  weft::stream s{mock}, host{weft::seq};
  std::vector<int> order;
  outcome refused, end;
  const auto on = mock.on(s);
  auto inner = weft::enqueue(on, noting(order, 2)).connect(tells{&refused});
  auto outer = (weft::enqueue(on, noting(order, 1)) | weft::enqueue(weft::seq.on(host), [&](const auto&, int one) {
                  inner.start();  // would wait for the vendor's lock for ever
                  return one + 10;
                })).connect(tells{&end});
  outer.start();
  REQUIRE_FALSE(end.over);
  device.drain();
  REQUIRE(end.sent == 11);
  REQUIRE(refused.error.find("enqueue: started on a callback thread") == 0);
  REQUIRE(order == std::vector<int>{1});
  inner.start();
  device.drain();
  REQUIRE(refused.sent == 2);
}

TEST_CASE("senders: a device that has gone sends errors") {
  mock_runtime gone(1);
  const weft::stream_ref s = gone.ref(gone.stream_create(0, {}));
  outcome end;
  gone.shut_down = true;
  auto operation = weft::enqueue(mock.on(s), [](const auto&) { return 1; }).connect(tells{&end});
  operation.start();
  REQUIRE(end.error.find("mockErrorUnloading") != std::string::npos);
}
