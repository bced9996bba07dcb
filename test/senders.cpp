// Senders: values and errors come in the order of the stream, steps follow one another without the host, and a start
// waits for nothing. core_senders.cpp has what takes a device whose every step is chosen.
#include <weft/any_policy.hpp>
#include <weft/fill.hpp>
#include <weft/graph.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/senders.hpp>
#include <weft/sort.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "harness.hpp"

using namespace weft_test;

namespace {

const weft::register_backend<backend> tested_registered;  // no more than a repetition for the library's own

struct wait_counter final : weft::profile::tool {
  std::atomic<int> waits{0};
  void end(const weft::profile::event& e) noexcept override { waits += e.what == weft::profile::kind::wait; }
};

/// What two operations have in common that are waited for together.
struct joint {
  std::mutex guard;
  std::condition_variable changed;
  int left = 2;
  int sum = 0;
  bool failed = false;
  void arrive(int value) noexcept {
    const std::lock_guard lock(guard);
    sum += value;
    if (--left == 0) changed.notify_one();
  }
  void wait() {
    std::unique_lock lock(guard);
    changed.wait(lock, [&] { return left == 0; });
  }
};
struct joins {
  joint* all;
  void set_value(int value) noexcept { all->arrive(value); }
  void set_value() noexcept { all->arrive(0); }
  void set_error(std::exception_ptr) noexcept {
    all->failed = true;
    all->arrive(0);
  }
  void set_stopped() noexcept { all->arrive(-1); }
};
struct stopped_token {
  bool stop_requested() const noexcept { return true; }
};
struct stopped_environment {
  stopped_token query(weft::detail::stop_token_query) const noexcept { return {}; }
};
struct stops : joins {
  stopped_environment get_env() const noexcept { return {}; }
};

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const std::exception& e) { return e.what(); }
  return "no error";
}

}  // namespace

TEST_CASE("senders: a step is done when it completes, and sends what its calls return") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  const std::vector<u32> host = values<u32>(5000, 1);
  room<u32> x(host);
  std::vector<u32> back(host.size()), expected = host;
  const auto sent = weft::sync_wait(weft::enqueue(on, [&](const auto& on_stream) {
    weft::sort(on_stream, x.begin(), x.end());
    on_stream.stream().owner->copy(back.data(), x.begin(), back.size() * sizeof(u32), on_stream.stream());
    return 17;
  }));
  REQUIRE(s.ready());
  REQUIRE(sent.has_value());
  REQUIRE(std::get<0>(*sent) == 17);
  std::sort(expected.begin(), expected.end());
  REQUIRE(back == expected);
}

TEST_CASE("senders: a buffer is delivered, and belongs to whoever waits") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  auto made = weft::sync_wait(weft::enqueue(on,
                                            [](const auto& on_stream) {
                                              weft::buffer<u32> x(on_stream, 1000);
                                              weft::fill(on_stream, x.begin(), x.end(), 3u);
                                              return x;
                                            }) |
                              weft::enqueue(on, [](const auto& on_stream, weft::buffer<u32> x) {
                                weft::inclusive_scan(on_stream, x.begin(), x.end(), x.begin());
                                return x;
                              }));
  const std::vector<u32> x = weft::to_vector(on, std::get<0>(*made));
  REQUIRE(x.front() == 3);
  REQUIRE(x.back() == 3000);
}

TEST_CASE("senders: steps of two streams follow one another") {
  weft::stream s{policy}, other{policy};
  room<u32> x(4096), sum(1);
  const auto total = [&](const auto& on_stream) { weft::reduce_into(on_stream, x.begin(), x.end(), sum.begin(), 0u); };
  const auto filled = [&](const auto& on_stream) { weft::fill(on_stream, x.begin(), x.end(), 2u); };
  const auto doubled = [&](const auto& on_stream) {
    weft::inclusive_scan(on_stream, sum.begin(), sum.end(), sum.begin(), weft::plus{});
  };
  REQUIRE(weft::sync_wait(weft::enqueue(policy.on(s), filled) | weft::enqueue(policy.on(other), total) |
                          weft::enqueue(policy.on(s), doubled)));
  REQUIRE(sum.host() == std::vector<u32>{8192});
}

TEST_CASE("senders: a start waits for nothing, and two streams are waited for together") {
  weft::stream s{policy}, other{policy};
  room<u32> x(10000), y(10000);
  joint all;
  wait_counter heard;
  {
    const auto work = [](room<u32>& to) {
      return [&to](const auto& on_stream) {
        weft::fill(on_stream, to.begin(), to.end(), 1u);
        weft::inclusive_scan(on_stream, to.begin(), to.end(), to.begin());
        return 21;
      };
    };
    auto first = weft::enqueue(policy.on(s), work(x)).connect(joins{&all});
    auto second = weft::enqueue(policy.on(other), work(y)).connect(joins{&all});
    {
      const weft::profile::attachment listening(heard);
      first.start();
      second.start();
    }
    all.wait();
  }
  REQUIRE(heard.waits == 0);
  REQUIRE_FALSE(all.failed);
  REQUIRE(all.sum == 42);
  REQUIRE(x.host().back() == 10000);
  REQUIRE(y.host().back() == 10000);
}

TEST_CASE("senders: what calls throw is sent, past the steps that follow") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  room<u32> x(100);
  int reached = 0;
  const std::string text = error_of([&] {
    weft::sync_wait(weft::enqueue(on,
                                  [&](const auto& on_stream) {
                                    weft::fill(on_stream, x.begin(), x.end(), 9u);
                                    weft::fill(on_stream, x.begin(), x.begin() - 1, 8u);
                                  }) |
                    weft::enqueue(on, [&](const auto&) { ++reached; }));
  });
  REQUIRE(text.find("fill: negative count") == 0);
  REQUIRE(reached == 0);
  REQUIRE(s.ready());  // the error comes when what was put in before is done
  REQUIRE(x.host() == std::vector<u32>(100, 9));
}

TEST_CASE("senders: a request to stop before the start is heeded") {
  weft::stream s{policy};
  joint all;
  all.left = 1;
  int called = 0;
  auto operation = weft::enqueue(policy.on(s), [&](const auto&) { ++called; }).connect(stops{{&all}});
  operation.start();
  all.wait();
  REQUIRE(called == 0);
  REQUIRE(all.sum == -1);
}

TEST_CASE("senders: refused are policies without a stream, and streams that record") {
  const auto nothing = [](const auto&) {};
  REQUIRE(error_of([&] { weft::enqueue(policy, nothing); }).find("enqueue: a policy without a stream") == 0);
  weft::stream s{policy};
  std::string text;
  weft::capture(s, [&] { text = error_of([&] { weft::sync_wait(weft::enqueue(policy.on(s), nothing)); }); });
  REQUIRE(text.find("enqueue: a stream that records a graph completes nothing") == 0);
  weft::capture(s, [&] { text = error_of([&] { weft::sync_wait(weft::scheduler_of(s).schedule()); }); });
  REQUIRE(text.find("enqueue: a stream that records") == 0);
}

TEST_CASE("senders: a policy chosen at run time is taken too") {
  const weft::any_policy chosen(backend_name, {.environment = false});
  weft::stream s{chosen};
  room<u32> x(100);
  const auto calls = [&](const weft::any_policy& on_stream) {
    weft::visit(
        on_stream, [&](const auto& on) { weft::fill(on, x.begin(), x.end(), 6u); }, policy);
    return on_stream.name();
  };
  const auto sent = weft::sync_wait(weft::enqueue(chosen.on(s), calls));
  REQUIRE(std::get<0>(*sent) == backend_name);
  REQUIRE(x.host() == std::vector<u32>(100, 6));
}

TEST_CASE("senders: a scheduler completes in the order of its stream, and is known by it") {
  weft::stream s{policy}, other{policy};
  const weft::stream_scheduler here = weft::scheduler_of(s);
  REQUIRE(here == weft::scheduler_of(policy.on(s)));
  REQUIRE(here == weft::scheduler_of(s.ref()));
  REQUIRE_FALSE(here == weft::scheduler_of(other));
  using query = weft::senders::get_completion_scheduler_t<weft::senders::set_value_t>;
  REQUIRE(here.schedule().get_env().query(query{}) == here);
  room<u32> x(1000);
  weft::fill(policy.on(s), x.begin(), x.end(), 4u);
  REQUIRE(weft::sync_wait(here.schedule()));
  REQUIRE(s.ready());
  const auto added = [&](const auto& on_stream) {
    weft::inclusive_scan(on_stream, x.begin(), x.end(), x.begin());
    return 5;
  };
  REQUIRE(std::get<0>(*weft::sync_wait(here.schedule() | weft::enqueue(policy.on(s), added))) == 5);
  REQUIRE(x.host().back() == 4000);
}
