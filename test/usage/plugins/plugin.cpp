// A plug-in with weft inside. It is built several times (CMakeLists.txt): for other processors, with hidden and with
// default visibility, and from the headers of another version; host.cpp loads the results into one process. Peer
// defects 6 and, for what is loaded and unloaded late, 20.
#include "plugin.hpp"

#include <weft/buffer.hpp>
#include <weft/memory/pool.hpp>
#include <weft/profile.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/seq.hpp>
#include <weft/sort.hpp>
#include <weft/stream.hpp>
#ifdef PLUGIN_WITH_TBB
#include <weft/tbb.hpp>
#endif

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

namespace {

struct counter : weft::profile::tool {
  std::atomic<long> ended{0};
  void end(const weft::profile::event&) noexcept override { ++ended; }
} counts;

template <class Policy>
bool works(const Policy& policy, long n, const float* x) {
  weft::stream s{policy};
  const auto on = policy.on(s);
  weft::buffer<float> sorted(on, n), sums(on, n);
  std::copy(x, x + n, sorted.data());
  weft::sort(on, sorted.begin(), sorted.end());
  weft::inclusive_scan(on, sorted.begin(), sorted.end(), sums.begin());
  s.synchronize();
  if (!std::is_sorted(sorted.data(), sorted.data() + n)) return false;
  // Each length asks the pool for another size, and two are alive at a time.
  weft::pool_resource own(policy);
  for (long bytes = 1; bytes < 1 << 20; bytes *= 3) {
    weft::buffer<char> a(on.with(own), bytes), b(on, bytes);
    std::memset(a.data(), 1, static_cast<std::size_t>(bytes));
    std::memset(b.data(), 2, static_cast<std::size_t>(bytes));
    if (a.data()[bytes - 1] != 1) return false;
  }
  try {
    weft::buffer<int> refused(on, -1);
    return false;
  } catch (const weft::invalid_argument&) {}  // thrown and caught here, whoever else has a class of that name
  return true;
}

long version() { return WEFT_VERSION; }

bool run(long n, const float* x, float* sum) {
  bool ok = works(weft::seq, n, x);
  *sum = weft::reduce(weft::seq, x, x + n, 0.f);
#ifdef PLUGIN_WITH_TBB
  ok = works(weft::tbb, n, x) && ok;
  const float parallel = weft::reduce(weft::tbb, x, x + n, 0.f);
  ok = std::memcmp(sum, &parallel, sizeof parallel) == 0 && ok;
#endif
  return ok;
}

const void* singleton(int which) {
  switch (which) {
    case 0:
      return &weft::host_runtime();
    case 1:
      return &weft::detail::stream_watch::instance();
    case 2:
      return &weft::default_resource(weft::host_runtime(), 0);
    default:
      return nullptr;
  }
}

void listen(bool on) { on ? static_cast<void>(weft::profile::attach(counts)) : weft::profile::detach(counts); }
long heard() { return counts.ended; }

// Destroyed when the plug-in is unloaded, or at the end of the process.
weft::buffer<int> outlives{weft::seq, 1000};
weft::stream stream_outlives{weft::seq};

constexpr plugin_functions functions{version, run, singleton, listen, heard};

}  // namespace

extern "C" __attribute__((visibility("default"))) const plugin_functions* plugin() { return &functions; }
