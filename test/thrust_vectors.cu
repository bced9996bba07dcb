// Thrust's vectors and pointers are taken by weft's algorithms as the raw pointers they are; what Thrust computes on
// the way (transform, reverse, permutation) is never mistaken for memory. weft itself includes nothing of Thrust.
#include <weft/cuda.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>
#include <weft/reduce.hpp>

#include <thrust/device_vector.h>
#include <thrust/host_vector.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/permutation_iterator.h>
#include <thrust/iterator/reverse_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/sequence.h>
#include <thrust/universal_vector.h>

#include <cstdio>

struct increment {
  WEFT_HOST_DEVICE int operator()(int x) const { return x + 1; }
};

using ints = thrust::device_vector<int>;
template <class It, class Expected>
constexpr bool unwraps_to = std::is_same_v<weft::unwrapped_t<It>, Expected>;
template <class It>
constexpr bool stays = unwraps_to<It, It>;

static_assert(unwraps_to<ints::iterator, int*> && unwraps_to<ints::const_iterator, const int*>);
static_assert(unwraps_to<ints::pointer, int*> && unwraps_to<thrust::device_ptr<const float>, const float*>);
static_assert(unwraps_to<thrust::host_vector<int>::iterator, int*>);
static_assert(unwraps_to<thrust::universal_vector<int>::iterator, int*>);
static_assert(
    unwraps_to<weft::zip_iterator<ints::iterator, thrust::device_ptr<float>>, weft::zip_iterator<int*, float*>>);
static_assert(stays<thrust::transform_iterator<increment, ints::iterator>> && stays<thrust::counting_iterator<int>>);
static_assert(stays<thrust::reverse_iterator<ints::iterator>> &&
              stays<thrust::reverse_iterator<thrust::device_ptr<int>>>);
static_assert(stays<thrust::permutation_iterator<ints::iterator, ints::iterator>>);

int main() {
  if (weft::unwrap(ints::iterator{}) != nullptr || weft::unwrap(thrust::device_ptr<int>{}) != nullptr) return 1;
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("no CUDA device: types only");
    return 0;
  }
  ints v(1000);
  thrust::sequence(v.begin(), v.end());
  const int sum = weft::reduce(weft::cuda, v.begin(), v.end(), 0, weft::plus{});
  const int odd =
      weft::reduce(weft::cuda, weft::strided(v.begin() + 1, 2), weft::strided(v.begin() + 1, 2) + 500, 0, weft::plus{});
  std::printf("sum %d, of the odd ones %d\n", sum, odd);
  return sum == 499500 && odd == 250000 ? 0 : 1;
}
