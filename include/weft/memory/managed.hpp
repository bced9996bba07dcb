// Hints for managed memory (managed_resource, memory/resources.hpp): where it will be used next, and how. On CPU
// backends, and on devices that cannot move pages while both sides use them, they do nothing.
#pragma once

#include <weft/buffer.hpp>
#include <weft/memory/resources.hpp>

namespace weft::inline v100 {

/// Moves the n values to the policy's device, in its stream's order, before work that is put in next needs them.
template <execution_policy P, class T>
void prefetch(const P& policy, const T* first, offset n) {
  require(n >= 0, policy, "prefetch", "negative count");
  const stream_ref stream = policy.stream();
  stream.owner->prefetch(first, static_cast<std::size_t>(n) * sizeof(T), stream.device, stream);
}
/// Moves them to the host's memory. The host may read them without faults once the stream has got there.
template <execution_policy P, class T>
void prefetch_to_host(const P& policy, const T* first, offset n) {
  require(n >= 0, policy, "prefetch_to_host", "negative count");
  const stream_ref stream = policy.stream();
  stream.owner->prefetch(first, static_cast<std::size_t>(n) * sizeof(T), host_memory, stream);
}

/// Tells how the n values will be used, by the policy's device or, with `device`, by another or by host_memory.
template <execution_policy P, class T>
void advise(const P& policy, const T* first, offset n, memory_advice advice) {
  advise(policy, first, n, advice, policy.stream().device);
}
template <execution_policy P, class T>
void advise(const P& policy, const T* first, offset n, memory_advice advice, int device) {
  require(n >= 0, policy, "advise", "negative count");
  P::backend::runtime().advise(first, static_cast<std::size_t>(n) * sizeof(T), advice, device);
}

}  // namespace weft
