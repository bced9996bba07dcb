// A program without code for the device it meets (it is built for sm_80 alone): a readable error instead of a crash or
// of wrong results, and a backend chosen at run time is another one. Peer defect 16. Exits with the number of failed
// checks.
#include <weft/any_policy.hpp>
#include <weft/buffer.hpp>
#include <weft/cuda.hpp>
#include <weft/fill.hpp>
#include <weft/reduce.hpp>
#include <weft/seq.hpp>

#include <cstdio>
#include <string>
#include <vector>

int main() {
  int failures = 0;
  auto expect = [&](bool ok, const char* what) {
    if (!ok) ++failures, std::printf("FAILED: %s\n", what);
  };
  const auto where = weft::policy("cuda,seq", {.strict = false, .environment = false});
  std::printf("%s\n", where.report().c_str());
  const bool there = weft::device_count(weft::cuda) > 0;
  int major = 0;
  if (there) cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
  const long sum = weft::visit(where, [](const auto& on) {
    weft::buffer<long> x(on, 1000);
    weft::sequence(on, x.begin(), x.end(), 0L);
    return weft::reduce(on, x.begin(), x.end(), 0L);
  });
  expect(sum == 999 * 1000 / 2, "the sum");
  expect((where.name() == "cuda") == (major == 8), "who computed it");
  if (there && major != 8) {
    expect(where.report().find("cudaErrorNoKernelImageForDevice") != std::string::npos, "the reason");
    std::string text;
    try {
      weft::buffer<long> x(weft::cuda, 1000);
      weft::reduce(weft::cuda, x.begin(), x.end(), 0L);
    } catch (const weft::error& e) { text = e.what(); }
    std::printf("%s\n", text.c_str());
    expect(text.find("cudaErrorNoKernelImageForDevice") != std::string::npos, "the error");
  }
  std::printf("%d failed\n", failures);
  return failures;
}
