// Owners with static storage that end after the driver has: pools, buffers, streams, events, graphs and result slots of
// the run time that CUDA and HIP share, over the made-up vendor of test/mock_vendor.hpp, which shuts down at the end of
// main. The program must exit with 0. With the argument "fork" a child that inherited them all exits as programs do.
// Peer defect 3.
#include "../mock_vendor.hpp"

#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/graph.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/resources.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/simt.hpp>
#include <weft/sort.hpp>
#include <weft/stream.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <thread>

namespace {

struct mock_backend : weft::gpu::family {
  static constexpr const char* name = "mock";
  static constexpr bool is_device = true;
  static weft::runtime& runtime() noexcept { return mock_vendor_runtime; }
};
constexpr weft::policy<mock_backend> mock{};

std::unique_ptr<weft::pool_resource> pool;
std::unique_ptr<weft::device_resource> direct;
weft::buffer<int> pooled, plain, of_stream, of_thread, of_graph;
std::unique_ptr<weft::stream> stream;
std::unique_ptr<weft::event> event;
weft::graph graph;

struct ends_last {
  ~ends_last() {
    // Even now: an error in words.
    try {
      weft::buffer<char> late(mock, 100 << 20);
      _exit(2);
    } catch (const weft::error&) {}
  }
} late;

}  // namespace

int main(int arguments, char** argument) {
  const bool forks = arguments > 1 && std::strcmp(argument[1], "fork") == 0;
  pool = std::make_unique<weft::pool_resource>(mock);
  direct = std::make_unique<weft::device_resource>(mock);
  stream = std::make_unique<weft::stream>(mock);
  event = std::make_unique<weft::event>(mock);
  const auto on = mock.on(*stream);
  pooled = weft::buffer<int>(mock.with(*pool), 1000);
  plain = weft::buffer<int>(mock.with(*direct), 1000);
  of_stream = weft::buffer<int>(on, 1000);
  std::thread([] { of_thread = weft::buffer<int>(mock, 1000); }).join();
  graph = weft::capture(*stream, [&] {
    weft::buffer<int> t(on, 1000);
    mock_vendor_runtime.fill_bytes(t.data(), 1, 4000, *stream);
    of_graph = std::move(t);
  });
  weft::fill(on, of_stream.begin(), of_stream.end(), 2);
  weft::sort(on, of_stream.begin(), of_stream.end());
  weft::inclusive_scan(on, of_stream.begin(), of_stream.end(), pooled.begin());
  if (weft::reduce(on, of_stream.begin(), of_stream.end(), 0) != 2000) return 3;
  event->record(*stream);
  if (forks) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      return 0;
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) return 4;
  }
  mock_vendor::the().shut_down = true;
  return 0;
}
