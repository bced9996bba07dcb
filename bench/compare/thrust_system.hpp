// Thrust as a peer, on any of its systems: the policy says which.
#pragma once

#include "programs.hpp"

#include <thrust/copy.h>
#include <thrust/extrema.h>
#include <thrust/functional.h>
#include <thrust/merge.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/transform.h>
#include <thrust/unique.h>

namespace compare {

struct thrust_saxpy {
  float a;
  COMPARE_BOTH float operator()(float x, float y) const { return a * x + y; }
};
struct thrust_negative {
  COMPARE_BOTH bool operator()(int x) const { return x < 0; }
};

template <class Base, class P>
struct thrust_system : Base {
  P policy;
  std::string label;
  thrust_system(P p, std::string l) : policy(p), label(std::move(l)) {}
  std::string name() const { return label; }

  void saxpy(float a, const float* x, const float* y, float* z, offset n) const {
    thrust::transform(policy, x, x + n, y, z, thrust_saxpy{a});
  }
  float reduce(const float* x, offset n) const { return thrust::reduce(policy, x, x + n, 0.f); }
  offset min_element(const float* x, offset n) const { return thrust::min_element(policy, x, x + n) - x; }
  void inclusive_scan(const int* x, int* y, offset n) const { thrust::inclusive_scan(policy, x, x + n, y); }
  offset copy_if(const int* x, int* y, offset n) const {
    return thrust::copy_if(policy, x, x + n, y, thrust_negative{}) - y;
  }
  offset unique_copy(const int* x, int* y, offset n) const { return thrust::unique_copy(policy, x, x + n, y) - y; }
  offset reduce_by_key(const int* k, const int* v, offset n, int* ok, int* ov) const {
    return thrust::reduce_by_key(policy, k, k + n, v, ok, ov).first - ok;
  }
  template <class T>
  void sort(T* x, offset n) const {
    thrust::sort(policy, x, x + n);
  }
  void sort_by_key(u32* k, u32* v, offset n) const { thrust::sort_by_key(policy, k, k + n, v); }
  void merge(const int* a, offset na, const int* b, offset nb, int* c) const {
    thrust::merge(policy, a, a + na, b, b + nb, c);
  }
};

}  // namespace compare
