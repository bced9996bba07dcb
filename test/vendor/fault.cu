// An error that ends the device's context: reported at the call that met it, named by later calls, and no destructor
// minds. A program of its own, because the process loses the device. Exits with the number of failed checks.
#include <weft/buffer.hpp>
#include <weft/cuda/runtime.hpp>
#include <weft/policy.hpp>
#include <weft/stream.hpp>

#include <cstdio>
#include <string>

struct host_half {
  static constexpr const char* name = "cuda";
  static constexpr bool is_device = true;
  static weft::runtime& runtime() { return weft::cuda_runtime(); }
};

namespace {

constexpr weft::policy<host_half> policy{};

__global__ void write_nowhere(int* nowhere) { *nowhere = 1; }

int failures = 0;
template <class Call>
void expect(const char* part, Call call) {
  std::string text = "nothing was thrown";
  try {
    call();
  } catch (const weft::error& e) { text = e.what(); }
  std::printf("%s\n", text.c_str());
  failures += text.find(part) == std::string::npos;
}

weft::buffer<int> outlives_main;

}  // namespace

int main() {
  if (weft::cuda_runtime().device_count() == 0) return 0;
  outlives_main = weft::buffer<int>(policy, 1000);
  weft::stream s{policy};
  weft::event e{policy};
  weft::buffer<int> b(policy.on(s), 1 << 20);
  write_nowhere<<<1, 1, 0, static_cast<cudaStream_t>(s.handle())>>>(nullptr);
  weft::cuda_check(cudaGetLastError(), "launch");
  expect("stream synchronize: cudaErrorIllegalAddress: an illegal memory access", [&] { s.synchronize(); });
  expect("lost to this process since an earlier error, met in stream synchronize", [&] { e.record(s); });
  expect("lost to this process", [&] { weft::buffer<int>(policy, 1 << 22); });
  std::printf("%d failed\n", failures);
  return failures;
}
