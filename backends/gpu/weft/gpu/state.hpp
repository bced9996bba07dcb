// Device memory that outlives a call: words that are zero whenever no kernel of their stream is using them. Kernels
// that count arrivals put the zeros back, so a warm call needs no memset and no allocation. One slab per thread, device
// and stream (told apart by an id that is never reused, unlike handles), grown and never shrunk. While a stream is
// being captured a slab would be shared by replays on any stream, so there the words are allocated and cleared inside
// the graph; likewise where all memory is to come from the policy's resource (a workspace).
#pragma once

#include <weft/memory/pool.hpp>
#include <weft/memory/stream_table.hpp>
#include <weft/policy.hpp>

#include <optional>

namespace weft::inline v100::gpu {

/// How many launches of this thread have thrown: their kernels may have stopped midway (in the emulation, when a
/// functor throws) and left any words, so slabs from before are cleared once more.
inline unsigned& failed_launches() {
  thread_local unsigned n = 0;
  return n;
}

class state_slab {
 public:
  state_slab(runtime& owner, stream_ref stream, std::uint64_t) : owner_(&owner), device_(stream.device) {}
  state_slab(const state_slab&) = delete;
  state_slab& operator=(const state_slab&) = delete;

  /// The stream or the thread ends: the words go back in the stream's order.
  void give_back(stream_ref stream) noexcept { pool().deallocate(data_, bytes_, alignment, stream); }

  /// At least `bytes` bytes; zero-filled in stream order when they are new (then also epoch and ticket start over).
  void* reserve(std::size_t bytes, stream_ref stream) {
    if (bytes > bytes_) {
      std::size_t grown = bytes_ < 32768 ? 65536 : bytes_ * 2;
      if (grown < bytes) grown = bytes;
      void* larger = pool().allocate(grown, alignment, stream);
      pool().deallocate(data_, bytes_, alignment, stream);  // kernels of this stream may still use it: same order
      data_ = larger;
      bytes_ = grown;
      clear(stream);
    } else if (failures_ != failed_launches()) {
      clear(stream);
    }
    return data_;
  }
  void clear(stream_ref stream) {
    owner_->fill_bytes(data_, 0, bytes_, stream);
    epoch = 0, ticket = 0;
    failures_ = failed_launches();
  }

 private:
  static constexpr std::size_t alignment = 256;
  memory_resource& pool() const { return default_resource(*owner_, device_); }

  runtime* owner_;
  int device_;
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
  unsigned failures_ = 0;

 public:
  std::uint32_t epoch = 0;   // for state words that carry one: the number of calls so far
  std::uint32_t ticket = 0;  // for ticket counters that are never reset: the tickets drawn so far
};

template <class Tag>
struct tagged_slab : state_slab {
  using state_slab::state_slab;
};

/// The calling thread's slab of a stream, for one purpose (`Tag`).
template <class Tag>
state_slab& slab_of(runtime& owner, stream_ref stream) {
  return weft::detail::stream_state<tagged_slab<Tag>>(owner, stream);
}

/// A call with this policy brings its own words, cleared each time, rather than those kept for the stream.
template <class P>
bool takes_own_words(const P& policy) {
  return policy.has_exclusive_resource() || P::backend::runtime().capturing(policy.stream());
}

struct counters_tag {};

/// `n` 32-bit counters, zero when the kernel starts; the kernel must leave them zero.
class arrival_counters {
 public:
  template <class P>
  arrival_counters(const P& policy, offset n) {
    if (n <= 0) return;
    runtime& owner = P::backend::runtime();
    const stream_ref stream = policy.stream();
    const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(std::uint32_t);
    if (takes_own_words(policy)) {
      own_.emplace(policy, n);
      words_ = own_->data();
      owner.fill_bytes(words_, 0, bytes, stream);
    } else {
      words_ = static_cast<std::uint32_t*>(slab_of<counters_tag>(owner, stream).reserve(bytes, stream));
    }
  }
  std::uint32_t* data() const { return words_; }

 private:
  std::optional<temporary<std::uint32_t>> own_;
  std::uint32_t* words_ = nullptr;
};

}  // namespace weft::gpu
