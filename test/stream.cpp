// Streams and events: owners that order work, know when it is done and never share an id.
#include <weft/buffer.hpp>
#include <weft/stream.hpp>

#include <set>
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
