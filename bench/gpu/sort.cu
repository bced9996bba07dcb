// Sorts of arithmetic keys against cub::DeviceRadixSort. Arguments: exponents of the sizes, names of types, "inputs".
#include "sort_case.hpp"

#include <weft/gpu/sort.hpp>

#include <cub/device/device_radix_sort.cuh>

template <class K, class V>
void sweep(const bench::sort_request& request, const char* type) {
  request.each(type, [&](bench::input in, std::int64_t n) {
    bench::sort_case<K, V>(
        "sort", type, in, n,
        [](const auto& policy, K* keys, auto* values, std::int64_t size) {
          if constexpr (std::is_same_v<V, weft::none>)
            weft::gpu::sort(policy, keys, weft::none{}, size, weft::less{});
          else
            weft::gpu::sort(policy, keys, values, size, weft::less{});
        },
        [](void* storage, std::size_t& bytes, const K* keys, K* sorted, auto* values, auto* moved, std::int64_t size,
           cudaStream_t stream) {
          if constexpr (std::is_same_v<V, weft::none>)
            cub::DeviceRadixSort::SortKeys(storage, bytes, keys, sorted, size, 0, int(8 * sizeof(K)), stream);
          else
            cub::DeviceRadixSort::SortPairs(storage, bytes, keys, sorted, values, moved, size, 0, int(8 * sizeof(K)),
                                            stream);
        });
  });
}

int main(int argc, char** argv) {
  const bench::sort_request request(argc, argv);
  bench::header();
  sweep<std::uint32_t, weft::none>(request, "u32");
  sweep<std::uint64_t, weft::none>(request, "u64");
  sweep<float, weft::none>(request, "f32");
  sweep<double, weft::none>(request, "f64");
  sweep<std::uint8_t, weft::none>(request, "u8");
  sweep<std::uint16_t, weft::none>(request, "u16");
  sweep<std::uint32_t, std::uint32_t>(request, "u32/u32");
  sweep<std::uint64_t, std::uint32_t>(request, "u64/u32");
}
