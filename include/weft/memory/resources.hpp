// The plain resources, one for each place that memory can be in. `ordered_resource` is the vendor's stream-ordered
// allocator; the others are the vendor's synchronous ones, so they wait for the stream before they free (no vendor's
// free is relied on to wait) and belong under a pool or around long-lived buffers, not into a loop.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

#include <mutex>
#include <vector>

namespace weft::inline v100 {
namespace detail {

/// The vendor's synchronous allocator for one kind of memory. Cannot be used while a stream records a graph; what is
/// freed then is kept until the resource ends, because a replay may touch it.
template <memory_kind Kind>
class direct_resource final : public memory_resource {
 public:
  explicit direct_resource(runtime& owner, int device = 0) : owner_(owner), device_(device) {}
  template <has_runtime P>
  explicit direct_resource(const P&) : direct_resource(P::backend::runtime(), P::backend::runtime().current_device()) {}
  direct_resource(const direct_resource&) = delete;
  direct_resource& operator=(const direct_resource&) = delete;
  ~direct_resource() {
    for (const kept& k : kept_) owner_.deallocate(Kind, k.memory, k.bytes, device_);
  }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    check(alignment <= 256, "allocate", "alignment above 256");
    if (bytes == 0) return nullptr;
    try {
      return owner_.allocate(Kind, bytes, device_);
    } catch (const out_of_memory& vendor) { detail::refuse_memory(name(), bytes, stream, vendor.what()); }
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t, stream_ref stream) noexcept override {
    if (memory == nullptr) return;
    try {
      if (owner_.capturing(stream)) {
        std::lock_guard lock(guard_);
        kept_.push_back({memory, bytes});
        return;
      }
      owner_.stream_synchronize(stream);
    } catch (...) {  // driver gone or context lost: nothing runs any more
    }
    owner_.deallocate(Kind, memory, bytes, device_);
  }
  memory_kind kind() const noexcept override { return Kind; }
  std::string_view name() const noexcept override {
    switch (Kind) {
      case memory_kind::device:
        return "device memory";
      case memory_kind::pinned:
        return "pinned memory";
      case memory_kind::managed:
        return "managed memory";
      default:
        return "host memory";
    }
  }

 private:
  struct kept {
    void* memory;
    std::size_t bytes;
  };
  runtime& owner_;
  const int device_;
  std::mutex guard_;
  std::vector<kept> kept_;
};

}  // namespace detail

using device_resource = detail::direct_resource<memory_kind::device>;
using pinned_resource = detail::direct_resource<memory_kind::pinned>;
using managed_resource = detail::direct_resource<memory_kind::managed>;  // hints: memory/managed.hpp

/// The vendor's stream-ordered allocator (cudaMallocAsync, hipMallocAsync) with the device's current pool and its
/// settings. May be used while a stream records a graph: the memory then belongs to the graph.
class ordered_resource final : public memory_resource {
 public:
  explicit ordered_resource(runtime& owner) : owner_(owner) {}
  template <has_runtime P>
  explicit ordered_resource(const P&) : ordered_resource(P::backend::runtime()) {}

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    check(alignment <= 256, "allocate", "alignment above 256");
    if (bytes == 0) return nullptr;
    try {
      return owner_.allocate_ordered(bytes, stream);
    } catch (const out_of_memory& vendor) { detail::refuse_memory(name(), bytes, stream, vendor.what()); }
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t, stream_ref stream) noexcept override {
    if (memory != nullptr) owner_.deallocate_ordered(memory, bytes, stream);
  }
  memory_kind kind() const noexcept override { return memory_kind::device; }
  std::string_view name() const noexcept override { return "ordered device memory"; }

 private:
  runtime& owner_;
};

/// Has no memory: every allocation throws weft::out_of_memory. Given to a policy it proves that a call allocates
/// nothing.
class no_memory_resource final : public memory_resource {
 public:
  void* allocate(std::size_t bytes, std::size_t, stream_ref stream) override {
    if (bytes == 0) return nullptr;
    detail::refuse_memory(name(), bytes, stream, "this resource never has any");
  }
  void deallocate(void*, std::size_t, std::size_t, stream_ref) noexcept override {}
  memory_kind kind() const noexcept override { return memory_kind::unknown; }
  std::string_view name() const noexcept override { return "no memory"; }
};

}  // namespace weft
