// weft's senders among those of stdexec: joined, transformed, moved to a pool of threads and back, stopped, failed.
#include <exec/static_thread_pool.hpp>
#include <stdexec/execution.hpp>

#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/senders.hpp>
#include <weft/seq.hpp>
#include <weft/tbb.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void require(bool ok, int line) {
  if (ok) return;
  std::fprintf(stderr, "stdexec.cpp:%d: not so\n", line);
  std::exit(1);
}

}  // namespace

int main() {
  weft::stream s{weft::seq}, other{weft::tbb};
  const auto one = weft::seq.on(s);
  const auto two = weft::tbb.on(other);
  static_assert(stdexec::scheduler<weft::stream_scheduler>);
  static_assert(stdexec::sender<decltype(weft::scheduler_of(s).schedule())>);

  std::vector<int> x(1000, 1), y(1000, 2);
  const auto total = [](std::vector<int>& of) {
    return [&of](const auto& on) {
      weft::inclusive_scan(on, of.begin(), of.end(), of.begin());
      return of.back();
    };
  };
  // Joined, and transformed.
  auto both = stdexec::when_all(weft::enqueue(one, total(x)), weft::enqueue(two, total(y))) |
              stdexec::then([](int a, int b) { return a + b; });
  require(std::get<0>(*stdexec::sync_wait(std::move(both))) == 3000, __LINE__);

  // After a sender of theirs, before one of theirs, twice in between; values and buffers go through.
  auto chain = stdexec::just(5) |
               weft::enqueue(one,
                             [](const auto& on, int value) {
                               weft::buffer<int> made(on, 100);
                               weft::fill(on, made.begin(), made.end(), value);
                               return made;
                             }) |
               weft::enqueue(one,
                             [](const auto& on, weft::buffer<int> made) {
                               weft::inclusive_scan(on, made.begin(), made.end(), made.begin());
                               return made;
                             }) |
               stdexec::then([](weft::buffer<int> made) { return made.begin()[99]; });
  require(std::get<0>(*stdexec::sync_wait(std::move(chain))) == 500, __LINE__);

  // Started on our scheduler; continued on a pool of threads; from there back into the stream.
  exec::static_thread_pool pool(1);
  require(std::get<0>(*stdexec::sync_wait(stdexec::starts_on(weft::scheduler_of(s), stdexec::just(3)))) == 3, __LINE__);
  std::thread::id ran{};
  auto moved = weft::enqueue(one, total(x)) | stdexec::continues_on(pool.get_scheduler()) |
               stdexec::then([&](int value) { return ran = std::this_thread::get_id(), value; }) |
               weft::enqueue(two, [&](const auto& on, int value) { return total(y)(on), value; }) |
               stdexec::continues_on(weft::scheduler_of(s));
  require(std::get<0>(*stdexec::sync_wait(std::move(moved))) == 500500, __LINE__);
  require(ran != std::thread::id{} && ran != std::this_thread::get_id(), __LINE__);

  // Inside one of theirs, and as a copy.
  const auto again = weft::enqueue(one, [](const auto&) { return 7; });
  auto let = again | stdexec::let_value(
                         [&](int value) { return weft::enqueue(two, [value](const auto&) { return value + 1; }); });
  require(std::get<0>(*stdexec::sync_wait(std::move(let))) == 8, __LINE__);
  require(std::get<0>(*stdexec::sync_wait(again)) == 7, __LINE__);

  // Errors come as exceptions, and can be recovered from; the failure of one stops the other before its start.
  const auto fails = [](const auto&) -> int { throw std::runtime_error("no more"); };
  int called = 0;
  const auto counted = [&](const auto&) { return ++called; };
  std::string text;
  try {
    stdexec::sync_wait(stdexec::when_all(weft::enqueue(one, fails), weft::enqueue(two, counted)));
  } catch (const std::runtime_error& e) { text = e.what(); }
  require(text == "no more", __LINE__);
  require(called == 0, __LINE__);
  auto recovered = weft::enqueue(one, fails) | stdexec::upon_error([](std::exception_ptr) { return 4; });
  require(std::get<0>(*stdexec::sync_wait(std::move(recovered))) == 4, __LINE__);

  // weft's own wait takes their senders as well.
  require(
      std::get<0>(*weft::sync_wait(stdexec::just(1) | weft::enqueue(one, [](const auto&, int v) { return v; }))) == 1,
      __LINE__);
  std::puts("weft's senders and stdexec's: agreed");
}
