// Sources, one of the four policies of a pool (memory/pool.hpp): where its memory comes from, in large pieces and
// rarely.
//
//   vendor_source    cudaMalloc, hipMalloc, pinned, managed or host memory of a run time: the default
//   upstream_source  another memory resource
//   page_source      the operating system's pages, huge ones if wanted (memory/host.hpp)
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

namespace weft::inline v100 {

template <class S>
concept memory_source = requires(S& s, const S& c, std::size_t bytes, void* memory) {
  { s.take(bytes) } -> std::same_as<void*>;  // throws weft::out_of_memory; aligned to 256
  { s.give_back(memory, bytes) }
  noexcept;  // whatever used it is done
  { c.owner() } -> std::same_as<runtime&>;
  { c.device() } -> std::same_as<int>;
  { c.kind() } -> std::same_as<memory_kind>;
};

/// The synchronous allocator of a run time.
class vendor_source {
 public:
  explicit vendor_source(runtime& owner, int device = 0, memory_kind kind = memory_kind::device) noexcept
      : owner_(&owner), device_(device), kind_(kind) {}
  void* take(std::size_t bytes) { return owner_->allocate(kind_, bytes, device_); }
  void give_back(void* memory, std::size_t bytes) noexcept { owner_->deallocate(kind_, memory, bytes, device_); }
  runtime& owner() const noexcept { return *owner_; }
  int device() const noexcept { return device_; }
  memory_kind kind() const noexcept { return kind_; }

 private:
  runtime* owner_;
  int device_;
  memory_kind kind_;
};

/// Another resource, asked in the order of one stream of its own run time, which must outlive the pool. Waits for that
/// stream whenever it takes a piece, since the pool hands it on to others.
class upstream_source {
 public:
  upstream_source(memory_resource& upstream, stream_ref stream) noexcept : upstream_(&upstream), stream_(stream) {}
  void* take(std::size_t bytes) {
    void* memory = upstream_->allocate(bytes, 256, stream_);
    try {
      stream_.synchronize();
    } catch (...) {
      upstream_->deallocate(memory, bytes, 256, stream_);
      throw;
    }
    return memory;
  }
  void give_back(void* memory, std::size_t bytes) noexcept { upstream_->deallocate(memory, bytes, 256, stream_); }
  runtime& owner() const noexcept { return *stream_.owner; }
  int device() const noexcept { return stream_.device; }
  memory_kind kind() const noexcept { return upstream_->kind(); }

 private:
  memory_resource* upstream_;
  stream_ref stream_;
};

static_assert(memory_source<vendor_source> && memory_source<upstream_source>);

}  // namespace weft
