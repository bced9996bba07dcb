// An error that ends the device's context: reported once, by the call that met it, with that call's name and the place
// of its policy; named by later calls; and no destructor minds. A program of its own, because the process loses the
// device: "fault own" by a kernel of the user's, "fault algorithm" inside a call that waits, "fault later" met by the
// call after the one that failed. Exits with the number of failed checks.
#include <weft/buffer.hpp>
#include <weft/cuda.hpp>
#include <weft/for_each.hpp>
#include <weft/graph.hpp>
#include <weft/reduce.hpp>
#include <weft/stream.hpp>

#include <cstdio>
#include <string>

namespace {

__global__ void write_nowhere(int* nowhere) { *nowhere = 1; }

struct traps {
  __device__ void operator()(int& x) const {
    x = 1;
    __trap();
  }
};

int failures = 0;
template <class Call>
void expect(std::initializer_list<std::string> parts, Call call) {
  std::string text = "nothing was thrown";
  try {
    call();
  } catch (const weft::error& e) { text = e.what(); }
  std::printf("%s\n", text.c_str());
  for (const std::string& part : parts) failures += text.find(part) == std::string::npos;
}
void expect_lost() {
  expect({"lost to this process since an earlier error, met in"}, [] { weft::buffer<int>(weft::cuda, 1 << 22); });
}

weft::buffer<int> outlives_main;
weft::graph graph_outlives_main;

}  // namespace

int main(int arguments, char** argument) {
  const std::string way = arguments > 1 ? argument[1] : "own";
  if (weft::cuda_runtime().device_count() == 0) return 0;
  outlives_main = weft::buffer<int>(weft::cuda, 1000);
  weft::stream s{weft::cuda};
  const unsigned line = std::source_location::current().line() + 1;
  const auto on = weft::cuda.on(s);
  const std::string place = "[policy made at " __FILE__ ":" + std::to_string(line) + "]";
  weft::event e{weft::cuda};
  weft::buffer<int> b(on, 1 << 20);
  weft::buffer<int> sum(on, 1);
  graph_outlives_main = weft::capture(s, [&] { weft::reduce_into(on, b.begin(), b.end(), sum.begin(), 0); });
  weft::reduce_into(on, b.begin(), b.end(), sum.begin(), 0);  // so that everything is loaded
  weft::for_each(on, b.begin(), b.begin(), traps{});
  s.synchronize();
  if (way == "own") {
    write_nowhere<<<1, 1, 0, static_cast<cudaStream_t>(s.handle())>>>(nullptr);
    weft::cuda_check(cudaGetLastError(), "launch");
    expect({"stream synchronize: cudaErrorIllegalAddress: an illegal memory access"}, [&] { s.synchronize(); });
    expect({"lost to this process since an earlier error, met in stream synchronize"}, [&] { e.record(s); });
  } else if (way == "algorithm") {
    const auto waits = weft::cuda.with(weft::default_resource(weft::cuda_runtime(), 0));
    expect({"for_each: stream synchronize: cudaErrorLaunchFailure: ", "[policy made at " __FILE__ ":"},
           [&] { weft::for_each(waits, b.begin(), b.begin() + 10, traps{}); });
  } else {
    weft::for_each(on, b.begin(), b.begin() + 10, traps{});  // queued; nothing is known yet
    expect({"reduce: ", "cudaErrorLaunchFailure: ", place}, [&] { weft::reduce(on, b.begin(), b.end(), 0); });
    expect({"lost to this process since an earlier error, met in reduce: "}, [&] { s.synchronize(); });
  }
  expect_lost();
  std::printf("%d failed\n", failures);
  return failures;
}
