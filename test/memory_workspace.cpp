// Workspaces: what is measured suffices and no less does, errors say what was missing and leave everything valid, and
// no_allocation hears of pools and vendors. That every algorithm keeps to its workspace is tested in capture.cpp.
#include <weft/buffer.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/memory/any_resource.hpp>
#include <weft/memory/no_allocation.hpp>
#include <weft/memory/resources.hpp>
#include <weft/memory/workspace.hpp>
#include <weft/reduce.hpp>
#include <weft/sort.hpp>

#include <numeric>
#include <string>

#include "harness.hpp"

namespace {

constexpr offset n = emulated ? 9001 : 200001;
struct by_low_bits {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return (a & 0xfff) > (b & 0xfff); }
};
constexpr auto counting = weft::no_allocation::when::count;

}  // namespace

TEST_CASE("workspace: what is measured is what a call needs, and a call with less says so and changes nothing") {
  weft::stream s{policy};
  const auto x = values<u32>(n, 1);
  room<u32> keys(x);
  const auto sort = [&](auto on) { weft::stable_sort(on, keys.begin(), keys.end(), by_low_bits{}); };
  const std::size_t bytes = weft::workspace_bytes(policy, sort);
  REQUIRE(bytes >= sizeof(u32) * n);
  REQUIRE(weft::workspace_bytes(policy.on(s), sort) == bytes);
  require_same(host_copy(keys), x);  // nothing has run
  weft::buffer<char> memory(policy, static_cast<offset>(bytes));
  {
    weft::workspace little(memory.data(), bytes / 2);
    std::string text;
    try {
      sort(policy.on(s).with(little));
    } catch (const weft::out_of_memory& e) { text = e.what(); }
    REQUIRE(contains(text, "workspace: out of memory: "));
    REQUIRE(contains(text, "the workspace has " + std::to_string(little.capacity()) + " bytes, of which 0 are in use"));
    REQUIRE(contains(text, "asked for by "));
    REQUIRE(contains(text, "sort"));
    REQUIRE(contains(text, "memory_workspace.cpp:"));
    REQUIRE(little.used() == 0);
    s.synchronize();
    require_same(host_copy(keys), x);
  }
  weft::workspace enough(memory.data(), bytes);
  for (int round = 0; round < 3; ++round) sort(policy.on(s).with(enough));
  s.synchronize();
  REQUIRE(enough.peak() + 256 == bytes);
  auto sorted = x;
  std::stable_sort(sorted.begin(), sorted.end(), by_low_bits{});
  require_same(host_copy(keys), sorted);
}

TEST_CASE("workspace: memory at any address; places are reused in order, and one stream is served at a time") {
  weft::stream a{policy}, b{policy};
  weft::buffer<char> memory(policy, 10000);
  for (offset skew : {0, 1, 16, 255}) {
    weft::workspace space(memory.data() + skew, 4096);
    REQUIRE(space.capacity() >= 4096 - 255);
    void* first = space.allocate(1000, 256, a);
    void* second = space.allocate(1000, 16, a);
    REQUIRE(reinterpret_cast<std::uintptr_t>(first) % 256 == 0);
    REQUIRE(static_cast<char*>(second) - static_cast<char*>(first) == 1024);
    REQUIRE_THROWS_AS(space.allocate(2049, 16, a), weft::out_of_memory);
    space.deallocate(first, 1000, 256, a);
    REQUIRE(space.used() == 2048);  // the second lies behind it
    space.deallocate(second, 1000, 16, a);
    REQUIRE(space.used() == 0);
    REQUIRE(space.allocate(0, 16, a) == nullptr);
    REQUIRE(space.allocate(2049, 16, a) == first);
    REQUIRE_THROWS_AS(space.reset(), weft::invalid_argument);
    space.deallocate(first, 2049, 16, a);
    REQUIRE_THROWS_AS(space.allocate(1, 16, b), weft::invalid_argument);
    space.reset();
    REQUIRE(space.allocate(1, 16, b) == first);
    space.deallocate(first, 1, 16, b);
  }
  REQUIRE_THROWS_AS(weft::workspace(nullptr, 1), weft::invalid_argument);
  weft::workspace none(nullptr, 0);
  REQUIRE_THROWS_AS(none.allocate(1, 1, a), weft::out_of_memory);
}

TEST_CASE("workspace: buffers and copies in the measured calls count, and nothing runs") {
  weft::stream s{policy};
  room<u32> x(values<u32>(1000, 1)), sum(1);
  const auto before = only(sum);
  const auto calls = [&](auto on) {
    weft::buffer<u32> copied(on, 1000);
    weft::copy_values(on, x.data(), 1000, copied.data());
    weft::reduce_into(on, copied.begin(), copied.end(), sum.begin(), 0u);
  };
  const std::size_t bytes = weft::workspace_bytes(policy, calls);
  REQUIRE(bytes >= 4000);
  REQUIRE(only(sum) == before);
  weft::buffer<char> memory(policy, static_cast<offset>(bytes));
  weft::workspace space(memory.data(), bytes);
  calls(policy.on(s).with(space));
  s.synchronize();
  const auto all = host_copy(x);
  REQUIRE(only(sum) == std::accumulate(all.begin(), all.end(), 0u));
  REQUIRE(weft::workspace_bytes(policy, [](auto) {}) == 0);
}

TEST_CASE("workspace: calls that return a value are sized by their _into form") {
  room<u32> x(values<u32>(n, 1)), sum(1);
  const std::string text =
      refusal([&] { weft::workspace_bytes(policy, [&](auto on) { weft::reduce(on, x.begin(), x.end(), 0u); }); });
  REQUIRE(contains(text, "cannot be measured: its _into form needs the same workspace"));
  const std::size_t bytes = weft::workspace_bytes(
      policy, [&](auto on) { weft::reduce_into(on, x.begin(), x.end(), sum.begin(), 0u, weft::maximum{}); });
  weft::reduce(policy, x.begin(), x.end(), 0u, weft::maximum{});  // where the result comes to is made once
  weft::buffer<char> memory(policy, static_cast<offset>(bytes));
  weft::workspace space(memory.data(), bytes);
  weft::no_allocation strict(counting);
  const u32 most = weft::reduce(policy.with(space), x.begin(), x.end(), 0u, weft::maximum{});
  REQUIRE(strict.seen() == 0);
  const auto all = host_copy(x);
  REQUIRE(most == *std::max_element(all.begin(), all.end()));
}

TEST_CASE("workspace: an adaptor over a workspace is as exclusive as it") {
  weft::buffer<char> memory(policy, 4096);
  weft::workspace space(memory.data(), 4096);
  weft::statistics_resource counted(space);
  REQUIRE(policy.with(counted).has_exclusive_resource());
  REQUIRE(policy.with(space).has_exclusive_resource());
  REQUIRE(weft::any_resource::borrowed(counted).exclusive());
  REQUIRE_FALSE(policy.with(policy.resource()).has_exclusive_resource());
  REQUIRE_FALSE(policy.has_exclusive_resource());
}

TEST_CASE("no_allocation: hears of pools, warm or not, and of the vendor's allocators") {
  weft::stream s{policy};
  { const weft::temporary<int> warm(policy.on(s), 1000); }
  weft::no_allocation counts(counting);
  { const weft::temporary<int> from_pool(policy.on(s), 1000); }
  REQUIRE(counts.seen() == 1);
  weft::device_resource vendor{policy};
  void* memory = vendor.allocate(100, 16, s);
  REQUIRE(counts.seen() == 2);
  vendor.deallocate(memory, 100, 16, s);
  REQUIRE(counts.seen() == 2);
}
