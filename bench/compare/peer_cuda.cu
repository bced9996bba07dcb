// Peers on an NVIDIA GPU: Thrust's CUDA system as its users call it, and CUB with its temporary storage kept between
// calls, waited for like the others.
#include "thrust_system.hpp"

#include <thrust/device_vector.h>
#include <thrust/system/cuda/execution_policy.h>
#include <cub/cub.cuh>

#include <stdexcept>

namespace compare {

inline void check(cudaError_t e) {
  if (e != cudaSuccess) throw std::runtime_error(cudaGetErrorString(e));
}

template <class T>
class device_array {
 public:
  explicit device_array(offset n) { check(cudaMalloc(&data_, static_cast<std::size_t>(n > 0 ? n : 1) * sizeof(T))); }
  device_array(device_array&& o) noexcept : data_(std::exchange(o.data_, nullptr)) {}
  ~device_array() { cudaFree(data_); }
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

struct device_system {
  template <class T>
  using vector = device_array<T>;
  template <class T>
  device_array<T> room(offset n) const {
    return device_array<T>(n);
  }
  template <class T>
  device_array<T> put(const std::vector<T>& v) const {
    device_array<T> d(static_cast<offset>(v.size()));
    check(cudaMemcpy(d.data(), v.data(), v.size() * sizeof(T), cudaMemcpyDefault));
    return d;
  }
  template <class T>
  std::vector<T> get(const T* p, offset n) const {
    std::vector<T> v(static_cast<std::size_t>(n));
    check(cudaMemcpy(v.data(), p, v.size() * sizeof(T), cudaMemcpyDefault));
    return v;
  }
  template <class T>
  void copy(const T* from, T* to, offset n) const {
    check(cudaMemcpy(to, from, static_cast<std::size_t>(n) * sizeof(T), cudaMemcpyDeviceToDevice));
    check(cudaDeviceSynchronize());
  }
};

struct cub_system : device_system {
  struct storage {
    void* data = nullptr;
    std::size_t bytes = 0;
    u64* result = nullptr;
    storage() { check(cudaMallocHost(&result, 64)); }
  };
  std::shared_ptr<storage> kept = std::make_shared<storage>();
  std::string name() const { return "cub"; }

  /// f(temporary, bytes): once to ask, once to run; storage grows and stays.
  template <class F>
  void run(F f) const {
    std::size_t bytes = 0;
    check(f(nullptr, bytes));
    if (bytes > kept->bytes) {
      cudaFree(kept->data);
      check(cudaMalloc(&kept->data, bytes));
      kept->bytes = bytes;
    }
    check(f(kept->data, bytes));
    check(cudaStreamSynchronize(nullptr));
  }
  template <class T>
  T* result() const {
    return reinterpret_cast<T*>(kept->result);
  }
  float reduce(const float* x, offset n) const {
    run([&](void* t, std::size_t& b) { return cub::DeviceReduce::Sum(t, b, x, result<float>(), n); });
    return *result<float>();
  }
  void inclusive_scan(const int* x, int* y, offset n) const {
    run([&](void* t, std::size_t& b) { return cub::DeviceScan::InclusiveSum(t, b, x, y, n); });
  }
  offset copy_if(const int* x, int* y, offset n) const {
    run([&](void* t, std::size_t& b) {
      return cub::DeviceSelect::If(t, b, x, y, result<offset>(), n, thrust_negative{});
    });
    return *result<offset>();
  }
  offset unique_copy(const int* x, int* y, offset n) const {
    run([&](void* t, std::size_t& b) { return cub::DeviceSelect::Unique(t, b, x, y, result<offset>(), n); });
    return *result<offset>();
  }
  offset reduce_by_key(const int* k, const int* v, offset n, int* ok, int* ov) const {
    run([&](void* t, std::size_t& b) {
      return cub::DeviceReduce::ReduceByKey(t, b, k, ok, v, ov, result<offset>(), thrust::plus<int>{}, n);
    });
    return *result<offset>();
  }
  void histogram(const u8* x, offset n, u32* counts) const {
    run([&](void* t, std::size_t& b) { return cub::DeviceHistogram::HistogramEven(t, b, x, counts, 257, 0, 256, n); });
  }
};

}  // namespace compare

void add_peers_cuda() {
  using namespace compare;
  using policy = decltype(thrust::cuda::par);
  add_all(thrust_system<device_system, policy>(thrust::cuda::par, "thrust::cuda"));
  add_all(cub_system{});
}
