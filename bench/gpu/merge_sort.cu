// Sorts by a comparison against cub::DeviceMergeSort. Arguments: exponents of the sizes, names of types, "inputs".
#include "sort_case.hpp"

#include <weft/gpu/sort.hpp>

#include <cub/device/device_merge_sort.cuh>

struct any_less {  // not weft::less, which would be sorted by digits
  template <class T>
  __host__ __device__ bool operator()(const T& a, const T& b) const {
    return a < b;
  }
};

template <class K, class V>
void sweep(const bench::sort_request& request, const char* type) {
  request.each(type, [&](bench::input in, std::int64_t n) {
    bench::sort_case<K, V>(
        "merge_sort", type, in, n,
        [](const auto& policy, K* keys, auto* values, std::int64_t size) {
          if constexpr (std::is_same_v<V, weft::none>)
            weft::gpu::sort(policy, keys, weft::none{}, size, any_less{});
          else
            weft::gpu::sort(policy, keys, values, size, any_less{});
        },
        [](void* storage, std::size_t& bytes, const K* keys, K* sorted, [[maybe_unused]] auto* values,
           [[maybe_unused]] auto* moved, std::int64_t size, cudaStream_t stream) {
          if constexpr (std::is_same_v<V, weft::none>) {
            cub::DeviceMergeSort::StableSortKeysCopy(storage, bytes, keys, sorted, size, any_less{}, stream);
          } else {
            if (storage) {  // there is no copying form for pairs; the copies are timed, a pass of about fourteen
              cudaMemcpyAsync(sorted, keys, size * sizeof(K), cudaMemcpyDeviceToDevice, stream);
              cudaMemcpyAsync(moved, values, size * sizeof(V), cudaMemcpyDeviceToDevice, stream);
            }
            cub::DeviceMergeSort::StableSortPairs(storage, bytes, sorted, moved, size, any_less{}, stream);
          }
        });
  });
}

int main(int argc, char** argv) {
  const bench::sort_request request(argc, argv);
  bench::header();
  sweep<std::uint32_t, weft::none>(request, "u32");
  sweep<std::uint64_t, weft::none>(request, "u64");
  sweep<std::uint32_t, std::uint32_t>(request, "u32/u32");
}
