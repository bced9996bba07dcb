// Calls as senders: each enqueue is a step that a program starts and is told of, rather than waits for. Two chains run
// on streams of their own, and the host is free until the last of them is done. With stdexec, included first, the same
// senders go into stdexec::when_all, then, continues_on …; here a receiver is written by hand to show what happens.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/reduce.hpp>
#include <weft/senders.hpp>
#include WEFT_EXAMPLE_HEADER

#include <atomic>
#include <cstdio>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

struct counts_down {  // on GPUs called by a thread of the vendor's: it may not call weft, only tell others
  std::atomic<int>* left;
  void set_value() noexcept {
    if (left->fetch_sub(1) == 1) left->notify_one();
  }
  void set_error(std::exception_ptr) noexcept { set_value(); }
  void set_stopped() noexcept { set_value(); }
};

int main() {
  const weft::offset n = 100000;
  weft::stream left(policy), right(policy);
  weft::buffer<unsigned> x(policy.on(left), n), y(policy.on(right), n);
  weft::buffer<unsigned> of_x(policy.on(left), 1), of_y(policy.on(right), 1);

  // The first step fills, the second sums up; between them nobody waits, and one callback ends both.
  const auto filled = [](weft::buffer<unsigned>& to, unsigned value) {
    return [&to, value](const auto& on) { weft::fill(on, to.begin(), to.end(), value); };
  };
  const auto summed = [](weft::buffer<unsigned>& from, weft::buffer<unsigned>& sum) {
    return [&from, &sum](const auto& on) { weft::reduce_into(on, from.begin(), from.end(), sum.begin(), 0u); };
  };
  auto first = weft::enqueue(policy.on(left), filled(x, 2)) | weft::enqueue(policy.on(left), summed(x, of_x));
  auto second = weft::enqueue(policy.on(right), filled(y, 3)) | weft::enqueue(policy.on(right), summed(y, of_y));

  std::atomic<int> running{2};
  auto one = std::move(first).connect(counts_down{&running});  // operation states: they outlive completion
  auto two = std::move(second).connect(counts_down{&running});
  one.start();
  two.start();
  for (int now; (now = running.load()) != 0;) running.wait(now);
  const unsigned twos = weft::to_vector(policy.on(left), of_x)[0];
  const unsigned threes = weft::to_vector(policy.on(right), of_y)[0];
  std::printf("%u and %u\n", twos, threes);

  // A chain alone, whose values go from step to step and to whoever waits.
  const auto made = weft::sync_wait(weft::enqueue(policy.on(left), [](const auto&) { return 1; }) |
                                    weft::enqueue(policy.on(right), [](const auto&, int i) { return i + 1; }));
  return twos == 2 * n && threes == 3 * n && std::get<0>(*made) == 2 ? 0 : 1;
}
