// Peers: Thrust's two parallel systems for CPUs, by their explicit policies.
#include "host_system.hpp"
#include "thrust_system.hpp"

#include <thrust/system/omp/execution_policy.h>
#include <thrust/system/tbb/execution_policy.h>

namespace compare {
template <class P>
void add_thrust(P policy, const char* label) {
  add_all(thrust_system<host_system, P>(policy, label));
}
}  // namespace compare

void add_thrust_cpu() {
  compare::add_thrust(thrust::tbb::par, "thrust::tbb");
  compare::add_thrust(thrust::omp::par, "thrust::omp");
}
