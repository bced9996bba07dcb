// Graphs: what is recorded does not run, replays do the same calls on whatever the memory holds then, and every
// algorithm that returns no value can be recorded, in the strictest mode. The vendor is asked for nothing by a replay.
#include <weft/buffer.hpp>
#include <weft/graph.hpp>
#include <weft/profile.hpp>
#include <weft/weft.hpp>

#include <numeric>

#include "harness.hpp"

namespace {

constexpr weft::capture_options strict{weft::capture_mode::global};

/// Counts what the run time is asked for.
struct counting_tool : weft::profile::tool {
  std::atomic<int> kernels{0}, allocations{0}, copies{0}, fills{0}, waits{0}, graphs{0}, algorithms{0}, others{0};
  void end(const weft::profile::event& e) noexcept override {
    using weft::profile::kind;
    (e.what == kind::kernel       ? kernels
     : e.what == kind::allocation ? allocations
     : e.what == kind::copy       ? copies
     : e.what == kind::fill       ? fills
     : e.what == kind::wait       ? waits
     : e.what == kind::graph      ? graphs
     : e.what == kind::algorithm  ? algorithms
                                  : others) += 1;
  }
};

void add_one(void* number) { ++*static_cast<int*>(number); }

constexpr offset n = emulated ? 5000 : 70001;

}  // namespace

TEST_CASE("graph: recording runs nothing; each replay runs on what the memory holds then") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  room<u32> in(values<u32>(n, 1)), out(n);
  weft::graph g = weft::capture(
      s, [&] { weft::inclusive_scan(on, in.begin(), in.end(), out.begin()); }, strict);
  s.synchronize();
  const auto before = host_copy(out);
  REQUIRE(before[0] == 0xa5a5a5a5u);
  REQUIRE(g.facts().kernels >= 1);
  g.upload(s);
  for (u64 seed = 1; seed < 4; ++seed) {
    auto x = values<u32>(n, seed);
    weft::copy_values(policy, x.data(), n, in.data());
    g.launch(s);
    s.synchronize();
    std::partial_sum(x.begin(), x.end(), x.begin());
    require_same(host_copy(out), x);
  }
}

TEST_CASE("graph: replays go to any stream; the recorded one may be gone") {
  room<i32> in(values<i32>(n, 1)), out(1);
  weft::graph g;
  REQUIRE(g.empty());
  {
    weft::stream s{policy};
    const auto on = policy.on(s);
    g = weft::capture(
        s, [&] { weft::reduce_into(on, in.begin(), in.end(), out.begin(), 0, weft::maximum{}); }, strict);
  }
  weft::stream other{policy};
  g.launch(other);
  other.synchronize();
  const auto x = host_copy(in);
  REQUIRE(only(out) == *std::max_element(x.begin(), x.end()));
  weft::graph moved = std::move(g);
  REQUIRE(g.empty());
  REQUIRE_THROWS_AS(g.launch(other), weft::invalid_argument);
  moved.launch(other);
  other.synchronize();
}

TEST_CASE("graph: update records again, and a throwing recording changes nothing") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  room<i32> out(n);
  weft::graph g = weft::capture(
      s, [&] { weft::fill(on, out.begin(), out.end(), 1); }, strict);
  g.update(s, [&] { weft::fill(on, out.begin(), out.end(), 2); });
  g.launch(s);
  s.synchronize();
  REQUIRE(host_copy(out)[n - 1] == 2);
  REQUIRE_THROWS_AS(g.update(s,
                             [&] {
                               weft::fill(on, out.begin(), out.end(), 3);
                               weft::fill(on, null<i32>(), null<i32>() + 1, 3);
                             }),
                    weft::invalid_argument);
  g.launch(s);
  s.synchronize();
  REQUIRE(host_copy(out)[0] == 2);
  g.update(s, [&] {  // another shape
    weft::fill(on, out.begin(), out.end(), 4);
    weft::sequence(on, out.begin(), out.begin() + n / 2, 0);
    weft::sort(on, out.begin(), out.end(), weft::greater{});
  });
  g.launch(s);
  s.synchronize();
  REQUIRE(host_copy(out)[0] == n / 2 - 1);
}

TEST_CASE("graph: calls that return a value are refused while recording, and the stream works on") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  room<i32> x(values<i32>(100, 1));
  auto refused = [&](auto call) {
    const std::string text = refusal([&] { weft::capture(s, call, strict); });
    return contains(text, "cannot be recorded: use its _into form");
  };
  REQUIRE(refused([&] { weft::reduce(on, x.begin(), x.end(), 0); }));
  REQUIRE(refused([&] { weft::find(on, x.begin(), x.end(), 7); }));
  REQUIRE(refused([&] { weft::copy_if(on, x.begin(), x.end(), x.begin(), is_odd{}); }));
  REQUIRE_NOTHROW(weft::reduce(on, x.begin(), x.end(), 0, weft::maximum{}));  // a sum would overflow
}

TEST_CASE("graph: copies, host functions and other streams take part") {
  weft::stream a{policy}, b{policy};
  const auto on_a = policy.on(a), on_b = policy.on(b);
  room<i32> x(n), y(n), z(n);
  int calls = 0, closures = 0;
  weft::event fork{policy}, join{policy};
  weft::graph g = weft::capture(
      a,
      [&] {
        weft::fill(on_a, x.begin(), x.end(), 3);
        fork.record(a);
        b.wait(fork);
        weft::copy_values(on_b, x.data(), n, y.data());
        weft::fill(on_a, z.begin(), z.end(), 4);
        join.record(b);
        a.wait(join);
        weft::transform(on_a, y.begin(), y.end(), z.begin(), z.begin(), weft::plus{});
        a.then(add_one, &calls);
        a.then([&closures, p = std::make_shared<int>(1)] { closures += *p; });
      },
      strict);
  REQUIRE(calls == 0);
  for (int i = 1; i < 4; ++i) {
    g.launch(a);
    a.synchronize();
    REQUIRE(calls == i);
    REQUIRE(closures == i);
  }
  require_same(host_copy(z), std::vector<i32>(static_cast<std::size_t>(n), 7));
  weft::fill(on_b, y.begin(), y.end(), 9);  // b records no longer
  b.synchronize();
  REQUIRE(host_copy(y)[0] == 9);
}

TEST_CASE("graph: memory allocated in a recording belongs to the graph, and a buffer may outlive both") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  room<i32> out(n);
  weft::buffer<i32> kept;
  {
    weft::graph g = weft::capture(
        s,
        [&] {
          for (int i = 0; i < 3; ++i) {  // one block, three times, and once more for what is kept
            weft::buffer<i32> t(on, n);
            weft::fill(on, t.begin(), t.end(), i);
            weft::copy(on, t.begin(), t.end(), out.begin());
          }
          kept = weft::buffer<i32>(on, n);
          weft::copy(on, out.begin(), out.end(), kept.begin());
        },
        strict);
    REQUIRE(g.facts().memory_bytes >= sizeof(i32) * n);
    REQUIRE(g.facts().memory_bytes < 2 * sizeof(i32) * n);
    for (int i = 0; i < 3; ++i) {
      g.launch(s);
      weft::buffer<i32> eager(on, n);  // must not be given the graph's memory
      weft::fill(on, eager.begin(), eager.end(), 77);
    }
    s.synchronize();
  }
  REQUIRE(weft::to_vector(policy, kept)[n - 1] == 2);
  kept = {};
}

TEST_CASE("graph: ten algorithms are one launch and no allocation, wait or kernel launch by the host") {
  weft::stream s{policy};
  const auto on = policy.on(s);
  room<u32> in(values<u32>(n, 5)), a(n), b(n), sum(1);
  room<offset> count(1);
  auto pipeline = [&] {
    weft::transform(on, in.begin(), in.end(), a.begin(), weft::square{});
    weft::inclusive_scan(on, a.begin(), a.end(), b.begin());
    weft::reverse(on, b.begin(), b.end());
    weft::sort(on, b.begin(), b.end());
    weft::adjacent_difference(on, b.begin(), b.end(), a.begin());
    weft::copy_if_into(on, a.begin(), a.end(), b.begin(), count.begin(), is_odd{});
    weft::fill(on, a.begin(), a.begin() + 10, 5u);
    weft::exclusive_scan(on, a.begin(), a.end(), b.begin(), 7u);
    weft::merge(on, a.begin(), a.begin(), b.begin(), b.end(), a.begin());
    weft::reduce_into(on, b.begin(), b.end(), sum.begin(), 0u);
  };
  pipeline();
  s.synchronize();
  const auto sum_eager = only(sum);
  const auto count_eager = only(count);
  weft::graph g = weft::capture(s, pipeline, strict);
  weft::fill(policy, sum.begin(), sum.end(), 0u);
  g.launch(s);
  s.synchronize();
  counting_tool seen;
  {
    weft::profile::attachment listening(seen);
    g.launch(s);
    if constexpr (backend::is_device) {
      REQUIRE(seen.graphs == 1);
      REQUIRE(seen.kernels + seen.copies + seen.fills + seen.algorithms == 0);
      REQUIRE(seen.waits == 0);
    } else {
      REQUIRE(seen.graphs == 1);
    }
    if (gpu_family) REQUIRE(seen.allocations == 0);
  }
  s.synchronize();
  REQUIRE(only(sum) == sum_eager);
  REQUIRE(only(count) == count_eager);
  REQUIRE(g.facts().kernels >= 10);
}
