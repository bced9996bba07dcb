// Temporary storage from memory of one's own, sized by asking the calls themselves, and the proof that nothing else is
// taken. Beside it a pool put together from other policies than the default's.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/memory/no_allocation.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/verified.hpp>
#include <weft/memory/workspace.hpp>
#include <weft/scan.hpp>
#include <weft/sort.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cstdio>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

struct shuffled {
  WEFT_HOST_DEVICE unsigned operator()(weft::offset i) const { return static_cast<unsigned>(i) * 2654435761u; }
};

int main() {
  const weft::offset n = 20000;
  weft::stream stream(policy);
  weft::buffer<unsigned> keys(policy.on(stream), n), sums(policy.on(stream), n);

  // The calls, as a function of the policy that they are made with.
  const auto calls = [&](auto on) {
    weft::tabulate(on, keys.begin(), keys.end(), shuffled{});
    weft::sort(on, keys.begin(), keys.end());
    weft::inclusive_scan(on, keys.begin(), keys.end(), sums.begin());
  };

  // Nothing runs here: the calls meet a resource that hands out addresses without memory.
  const std::size_t bytes = weft::workspace_bytes(policy.on(stream), calls);
  std::printf("the calls need %zu bytes of workspace\n", bytes);

  weft::buffer<std::byte> memory(policy.on(stream), static_cast<weft::offset>(bytes));
  weft::workspace space(memory.data(), bytes);
  std::uint64_t taken;
  {
    weft::no_allocation counting(weft::no_allocation::when::count);  // by default it would end the program
    for (int round = 0; round < 3; ++round) calls(policy.on(stream).with(space));
    stream.synchronize();
    taken = counting.seen();
  }
  std::printf("in the workspace, of which %zu bytes were used at once, memory was taken %llu times\n", space.peak(),
              static_cast<unsigned long long>(taken));

  // A pool for a hunt after a bug: blocks stay with their stream, and every range that is handed out is checked.
  weft::basic_pool<weft::vendor_source, weft::powers_of_two, weft::stream_bound, weft::verified> pool(policy);
  calls(policy.on(stream).with(pool));
  stream.synchronize();
  std::printf("from a pool: %llu pieces of the vendor's memory\n",
              static_cast<unsigned long long>(pool.statistics().vendor_allocations));
  return taken == 0 && space.peak() <= bytes && pool.statistics().used_bytes == 0 ? 0 : 1;
}
