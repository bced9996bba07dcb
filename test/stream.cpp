// Streams and events: owners that order work, know when it is done and never share an id.
#include <weft/buffer.hpp>
#include <weft/stream.hpp>

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "harness.hpp"

using weft_test::policy;

namespace {

void set_flag(void* flag) { *static_cast<volatile int*>(flag) = 1; }
void append(void* list) { static_cast<std::vector<int>*>(list)->push_back(1); }
void append_two(void* list) { static_cast<std::vector<int>*>(list)->push_back(2); }

}  // namespace

TEST_CASE("stream: work is done in order, and is done after synchronize") {
  weft::stream s{policy};
  std::vector<int> order;
  s.then(append, &order);
  s.then(append_two, &order);
  s.then(append, &order);
  s.synchronize();
  REQUIRE(order == std::vector<int>{1, 2, 1});
  REQUIRE(s.ready());
}

TEST_CASE("stream: converts to its view, moves, and is adopted and released") {
  weft::stream s{policy, weft::stream_options{.priority = -1000}};
  const weft::stream_ref view = s;
  REQUIRE(view == s.ref());
  REQUIRE(view.owner == &weft_test::backend::runtime());
  REQUIRE(policy.on(s).stream() == view);
  REQUIRE(policy.on(s).has_stream());
  REQUIRE_FALSE(policy.has_stream());
  weft::stream moved = std::move(s);
  REQUIRE(moved.ref() == view);
  weft::stream other{policy};
  const auto id = moved.id();
  other = std::move(moved);
  REQUIRE(other.ref() == view);
  REQUIRE(other.id() == id);

  void* native = other.release();
  REQUIRE(native == view.handle);
  weft::stream again = weft::stream::adopt(policy, native);
  REQUIRE(again.id() == id);
  REQUIRE(weft::borrow(policy, native) == view);
  again.synchronize();
}

TEST_CASE("stream: ids are never used twice, whatever the vendor does with handles") {
  std::set<std::uint64_t> ids{weft_test::backend::runtime().stream_id(policy.stream())};
  for (int i = 0; i < 100; ++i) {
    weft::stream s{policy};
    REQUIRE(ids.insert(s.id()).second);
    REQUIRE(weft_test::backend::runtime().stream_id(s) == s.id());
  }
}

TEST_CASE("event: a stream waits for another's point") {
  weft::stream a{policy}, b{policy};
  volatile int flag = 0;
  std::vector<int> order;
  weft::event passed{policy};
  passed.synchronize();  // nothing recorded: at once
  a.then(set_flag, const_cast<int*>(&flag));
  a.then(append, &order);
  passed.record(a);
  b.wait(passed);
  b.then(append_two, &order);
  b.synchronize();
  REQUIRE(flag == 1);
  REQUIRE(order == std::vector<int>{1, 2});
  REQUIRE(passed.ready());
  a.then(append, &order);
  b.wait(a);
  b.then(append_two, &order);
  b.synchronize();
  REQUIRE(order == std::vector<int>{1, 2, 1, 2});
}

TEST_CASE("event: time between two points") {
  weft::stream s{policy};
  weft::event from{policy, {.timing = true}}, to{policy, {.timing = true}}, without{policy};
  from.record(s);
  weft::buffer<char> memory(policy.on(s), 1 << 20);
  s.ref().owner->fill_bytes(memory.data(), 1, 1 << 20, s);
  to.record(s);
  to.synchronize();
  const double ms = milliseconds(from, to);
  REQUIRE(ms > 0);
  REQUIRE(ms < 10000);
  REQUIRE_THROWS_AS(milliseconds(from, without), weft::invalid_argument);
  weft::event moved = std::move(to);
  REQUIRE(moved.ready());
}

TEST_CASE("stream: the default stream is waited for and belongs to the thread") {
  const weft::stream_ref s = policy.stream();
  std::vector<int> order;
  s.owner->host_callback(s, append, &order);
  weft::finish(policy);
  REQUIRE(order.size() == 1);
  REQUIRE(s.ready());
}

TEST_CASE("stream: the thread's own and the legacy stream are taken like any other") {
  weft::runtime& runtime = weft_test::backend::runtime();
  const weft::stream_ref mine = weft::thread_stream(policy), legacy = weft::legacy_stream(policy);
  REQUIRE(mine == policy.stream());
  REQUIRE(legacy.handle == nullptr);
  std::vector<int> order;
  for (const weft::stream_ref s : {mine, legacy}) {
    const auto on = policy.on(s);
    REQUIRE(on.has_stream());
    weft::buffer<char> memory(on, 100);
    runtime.fill_bytes(memory.data(), 3, 100, s);
    runtime.host_callback(s, append, &order);
    s.synchronize();
    REQUIRE(weft::to_vector(on, memory) == std::vector<char>(100, 3));
  }
  REQUIRE(order.size() == 2);
  // Work of a stream that does not block comes after nothing but its own; of one that does, after the legacy stream's.
  weft::stream blocking{policy, {.non_blocking = false}};
  runtime.host_callback(legacy, append, &order);
  blocking.then(append_two, &order);
  blocking.synchronize();
  REQUIRE(order == std::vector<int>{1, 1, 1, 2});
  std::uint64_t theirs = 0;
  std::thread([&] { theirs = runtime.stream_id(weft::thread_stream(policy)); }).join();
  const bool one_for_all = runtime.name() == "host";  // whose default streams have done their work on return
  REQUIRE((theirs == runtime.stream_id(mine)) == one_for_all);
}

TEST_CASE("stream: a function object is called once, in order, and goes with what it holds") {
  weft::stream s{policy};
  std::vector<int> order;
  const auto held = std::make_shared<int>(7);
  s.then([&order, held] { order.push_back(*held); });
  s.then(append, &order);
  s.synchronize();
  REQUIRE(order == std::vector<int>{7, 1});
  REQUIRE(held.use_count() == 1);
}
