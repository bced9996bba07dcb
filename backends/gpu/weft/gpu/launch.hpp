// The only place that launches. A kernel is a function object: its members are its arguments; it names its block size
// and shared memory for each architecture, and its body is `operator()(Block, shared<Block::arch>&) const`:
//
//   struct fill_kernel {
//     template <arch A> static constexpr int block_threads = 256;
//     template <arch A> struct shared {};
//     int* out; offset n;
//     template <class Block> WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const { … }
//   };
//   gpu::on_arch(policy, [&]<arch A>() { gpu::launch<A>(policy, blocks, fill_kernel{out, n}); });
#pragma once

#include <weft/gpu/dialect.hpp>
#include <weft/gpu/state.hpp>
#include <weft/gpu/tuning.hpp>
#include <weft/policy.hpp>

namespace weft::inline v100::gpu {

/// Makes the stream's device current where it is not.
class on_device_of {
 public:
  explicit on_device_of(stream_ref stream) : owner_(*stream.owner), before_(owner_.current_device()) {
    if (before_ == stream.device) [[likely]]
      before_ = -1;
    else
      owner_.set_device(stream.device);
  }
  on_device_of(const on_device_of&) = delete;
  on_device_of& operator=(const on_device_of&) = delete;
  ~on_device_of() {
    if (before_ < 0) [[likely]]
      return;
    try {
      owner_.set_device(before_);
    } catch (...) {  // the driver has gone
    }
  }

 private:
  runtime& owner_;
  int before_;
};

/// Calls f.template operator()<A>() with the architecture whose code runs on the policy's device, which is current
/// meanwhile.
template <class Policy, class F>
decltype(auto) on_arch(const Policy& policy, F&& f) {
  const on_device_of guard(policy.stream());
  return dialect::with_arch(dialect::info(policy.stream().device).architecture, f);
}

/// Facts of the policy's device.
template <class Policy>
const device_info& device_of(const Policy& policy) {
  return dialect::info(policy.stream().device);
}

/// Puts `blocks` blocks of the kernel into the policy's stream. 0 blocks do nothing. Throws weft::error where it fails.
template <arch A, class Policy, class Kernel>
void launch(const Policy& policy, offset blocks, const Kernel& kernel) {
  static_assert(Kernel::template block_threads<A> % 64 == 0, "blocks are whole warps at either width");
  if (blocks <= 0 || weft::detail::measuring()) return;
  const weft::detail::told tell(policy, "launch", profile::kind::kernel);
  try {
    dialect::launch<A>(static_cast<unsigned>(blocks), policy.stream(), kernel, policy.where());
  } catch (...) {
    ++failed_launches();
    throw;
  }
}

/// How many blocks of the kernel the policy's device holds at once: the grid of a persistent kernel.
template <arch A, class Kernel, class Policy>
offset resident_blocks(const Policy& policy) {
  return dialect::resident_blocks<A, Kernel>(policy.stream().device);
}

/// How many clusters of the kernel it holds at once: `cluster_blocks<A>` blocks each, which see each other's shared
/// memory. 0 where there are none; then it may not be launched.
template <arch A, class Kernel, class Policy>
offset resident_clusters(const Policy& policy) {
  return dialect::resident_clusters<A, Kernel>(policy.stream().device);
}

constexpr offset ceil_div(offset a, offset b) { return (a + b - 1) / b; }

}  // namespace weft::gpu
