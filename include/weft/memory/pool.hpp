// The pool allocator, put together at compile time from four policies, each of which a user may replace by a class of
// his own with the same members:
//
//   Source    where memory comes from, in large pieces        memory/sources.hpp   vendor_source, upstream_source, …
//   Caching   size classes, slabs, how much stays idle        memory/caching.hpp   size_classes, no_caching, …
//   Ordering  which idle block a stream may have, and when    memory/ordering.hpp  stream_ordered, immediate, …
//   Checking  what is verified on the way out and back        memory/checking.hpp  poisoned, verified, …
//
// pool_resource is what a policy without `.with()` uses: a caching, stream-ordered pool of the vendor's memory. A warm
// call costs one question to the vendor (does the stream record a graph?), one lock and two list moves, and never
// waits.
//
// While a stream records a graph its memory comes from the vendor's ordered allocator and so belongs to the graph;
// eager blocks freed during a recording are set aside for ever, because a replay may touch them again.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>
#include <weft/memory/caching.hpp>
#include <weft/memory/checking.hpp>
#include <weft/memory/ordering.hpp>
#include <weft/memory/sources.hpp>
#include <weft/profile.hpp>

#include <atomic>
#include <mutex>
#include <vector>

namespace weft::inline v100 {

struct pool_statistics {
  std::size_t used_bytes = 0;  ///< handed out, rounded to size classes
  std::size_t used_peak = 0;
  std::size_t held_bytes = 0;  ///< taken from the source: used, cached and set aside
  std::size_t held_peak = 0;
  std::size_t set_aside_bytes = 0;         ///< freed while a graph was recorded
  std::uint64_t vendor_allocations = 0;    ///< pieces taken from the source
  std::uint64_t warm_allocations = 0;      ///< served from the same stream's list
  std::uint64_t larger_reuses = 0;         ///< served by an idle block of a larger size
  std::uint64_t cross_stream_reuses = 0;   ///< taken over from another stream after it was done
  std::uint64_t cross_stream_waits = 0;    ///< taken over with a wait put into the taking stream
  std::uint64_t captured_allocations = 0;  ///< made while a graph was recorded
};

template <memory_source Source, class Caching = size_classes, class Ordering = stream_ordered,
          class Checking = poisoned>
class basic_pool final : public memory_resource, private detail::stream_observer {
 public:
  template <has_runtime P>
  explicit basic_pool(const P&, pool_options options = {})
      : basic_pool(P::backend::runtime(), P::backend::runtime().current_device(), memory_kind::device, options) {}
  explicit basic_pool(runtime& owner, int device = 0, memory_kind kind = memory_kind::device, pool_options options = {})
      : basic_pool(Source(owner, device, kind), Caching(options)) {}
  explicit basic_pool(Source source, Caching caching = {}, Checking checking = {})
      : source_(source), caching_(caching), checking_(checking), idle_(source_.owner(), source_.device()) {
    detail::stream_watch::instance().add(this);
  }
  basic_pool(const basic_pool&) = delete;
  basic_pool& operator=(const basic_pool&) = delete;
  /// Gives everything back; the work using it must be done (after the driver's end the calls fail silently).
  ~basic_pool() {
    detail::stream_watch::instance().remove(this);
    trim();
    idle_.sift_lost([this](int index, void* memory) {
      if (is_large(index)) give_back(memory, Caching::class_bytes(index));
      return is_large(index);
    });
    for (const slab& s : slabs_) give_back(s.memory, s.bytes);
  }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if ((detail::interest.load(std::memory_order_relaxed) & detail::tools_listen) != 0) [[unlikely]]
      return allocate_and_tell(bytes, alignment, stream);
    return hand_out(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t, stream_ref stream) noexcept override {
    if ((detail::interest.load(std::memory_order_relaxed) & detail::tools_listen) != 0) [[unlikely]]
      return deallocate_and_tell(memory, bytes, stream);
    take_back(memory, bytes, stream);
  }

  memory_kind kind() const noexcept override { return source_.kind(); }
  std::string_view name() const noexcept override { return "weft pool"; }
  int device() const noexcept { return source_.device(); }

  pool_statistics statistics() const {
    std::lock_guard lock(guard_);
    return statistics_;
  }

  /// Gives idle large blocks and slabs of which nothing is in use back to the source. Waits for the work that used
  /// them.
  void trim() noexcept {
    std::lock_guard lock(guard_);
    trim_locked();
  }

 private:
  void* hand_out(std::size_t bytes, std::size_t alignment, const stream_ref& stream) {
    if (bytes - 1 >= Caching::largest || alignment > Caching::alignment) [[unlikely]]
      return hand_out_nothing(bytes, alignment, stream);
    const int index = Caching::class_of(bytes);
    if constexpr (Ordering::asks_for_capture)
      if (source_.owner().capturing(stream)) [[unlikely]]
        return allocate_captured(bytes, index, stream);
    const detail::stream_identity who = idle_blocks::identify(stream);

    std::lock_guard lock(guard_);
    void* memory = idle_.take(index, stream, who);
    if (memory == nullptr) [[unlikely]]
      return allocate_cold(bytes, index, stream, who);
    ++statistics_.warm_allocations;
    const std::size_t capacity = Caching::class_bytes(index);
    if (!caching_.is_small(capacity)) idle_large_ -= capacity;
    return handed_out(memory, bytes, capacity);
  }
  void* handed_out(void* memory, std::size_t bytes, std::size_t capacity) {
    checking_.handed_out(memory, bytes, capacity, host_kind_);
    statistics_.used_bytes += capacity;
    if (statistics_.used_bytes > statistics_.used_peak) statistics_.used_peak = statistics_.used_bytes;
    return memory;
  }
  [[gnu::noinline, gnu::cold]] void* hand_out_nothing(std::size_t bytes, std::size_t alignment, stream_ref stream) {
    if (bytes == 0) return nullptr;
    if (alignment > Caching::alignment)
      detail::refuse("pool allocate", "alignment above " + std::to_string(Caching::alignment));
    detail::refuse_memory(name(), bytes, stream, "no such size");
  }

  void take_back(void* memory, std::size_t bytes, const stream_ref& stream) noexcept {
    if (memory == nullptr) return;
    try {
      if constexpr (Ordering::asks_for_capture)
        if (source_.owner().capturing(stream)) [[unlikely]]
          return take_back_captured(memory, bytes, stream);
      const detail::stream_identity who = idle_blocks::identify(stream);
      std::lock_guard lock(guard_);
      int index = Caching::class_of(bytes);
      if (unusual_ != 0) [[unlikely]]
        if (index = class_of_unusual(memory, bytes, stream); index < 0) return;
      const std::size_t capacity = Caching::class_bytes(index);
      came_back(memory, bytes, capacity);
      const bool small = caching_.is_small(capacity);
      if (!small) {
        if (!caching_.keeps(capacity, idle_large_) && idle_.is_done(stream)) {
          idle_.block_gone();
          return give_back(memory, capacity);
        }
        idle_large_ += capacity;
      }
      idle_.put(index, memory, stream, who, small);
    } catch (...) {
      // The stream cannot be asked: the driver is gone or the context is lost. The block is no longer safe to hand out.
    }
  }
  void came_back(void* memory, std::size_t bytes, std::size_t capacity) noexcept {
    statistics_.used_bytes -= capacity;
    checking_.came_back(memory, bytes, capacity, host_kind_);
  }
  [[gnu::noinline, gnu::cold]] void take_back_captured(void* memory, std::size_t bytes, stream_ref stream) {
    std::lock_guard lock(guard_);
    const int index = class_of_unusual(memory, bytes, stream);
    if (index < 0) return;
    const std::size_t capacity = Caching::class_bytes(index);
    came_back(memory, bytes, capacity);
    statistics_.set_aside_bytes += capacity;
    idle_.set_aside(index, memory);
  }
  // The class of a block that may be of a larger one than its size tells; -1 for a graph's own memory, which has gone
  // back to it.
  [[gnu::noinline, gnu::cold]] int class_of_unusual(void* memory, std::size_t bytes, stream_ref stream) {
    if (!captured_.empty() && std::erase(captured_, memory) != 0) {
      --unusual_;
      source_.owner().deallocate_ordered(memory, bytes, stream);
      return -1;
    }
    const std::size_t at = larger_from(memory);
    if (at == larger_.size() || larger_[at].memory != memory) return Caching::class_of(bytes);
    const int index = larger_[at].index;
    larger_.erase(larger_.begin() + static_cast<std::ptrdiff_t>(at));
    --unusual_;
    return index;
  }

  [[gnu::noinline, gnu::cold]] void* allocate_and_tell(std::size_t bytes, std::size_t alignment, stream_ref stream) {
    if (bytes == 0) return nullptr;
    detail::told tell(profile::kind::pool_allocation, "pool allocation",
                      {&source_.owner(), stream.handle, stream.device}, nullptr, bytes);
    void* memory = hand_out(bytes, alignment, stream);
    tell.memory(memory);
    return memory;
  }
  [[gnu::noinline, gnu::cold]] void deallocate_and_tell(void* memory, std::size_t bytes, stream_ref stream) noexcept {
    if (memory == nullptr) return;
    const detail::told tell(profile::kind::pool_release, "pool release",
                            {&source_.owner(), stream.handle, stream.device}, memory, bytes);
    take_back(memory, bytes, stream);
  }

  using idle_blocks = typename Ordering::template idle_blocks<Caching::classes>;
  struct slab {
    std::byte* memory;
    std::size_t bytes;
    std::size_t cut = 0;   // handed out at least once, from the front
    std::size_t idle = 0;  // while trimming: of these, how many came back
  };

  struct larger_block {
    void* memory;
    int index;
  };

  bool is_large(int index) const noexcept { return !caching_.is_small(Caching::class_bytes(index)); }

  // The cold path, in the order of what it costs the device -----------------------------------------------------------

  [[gnu::noinline, gnu::cold]] void* allocate_cold(std::size_t bytes, int index, stream_ref stream,
                                                   detail::stream_identity who) {
    void* memory = find_cold(bytes, index, stream, who);
    return handed_out(memory, bytes, Caching::class_bytes(index));
  }
  // `index` becomes the class of the block that is found.
  void* find_cold(std::size_t bytes, int& index, stream_ref stream, detail::stream_identity who) {
    if (void* memory = idle_.take_done(index, who)) return took(memory, index, statistics_.cross_stream_reuses);
    if (is_large(index))
      if (void* memory = take_larger(index, 2 * Caching::class_bytes(index), stream, who)) return memory;
    if (void* memory = allocate_new(index)) return memory;
    if (void* memory = idle_.take_waiting(index, stream)) return took(memory, index, statistics_.cross_stream_waits);
    if (void* memory = take_larger(index, Caching::largest, stream, who)) return memory;
    trim_locked();
    if (void* memory = allocate_new(index)) return memory;
    detail::refuse_memory(name(), bytes, stream, "after giving idle blocks back");
  }

  // An idle block of at most so many bytes that is too large, rather than another from the source. That it is no block
  // of the size asked for is remembered until it comes back.
  [[gnu::cold]] void* take_larger(int& index, std::size_t most_bytes, stream_ref stream, detail::stream_identity who) {
    for (int larger = index + 1; larger < Caching::classes && Caching::class_bytes(larger) <= most_bytes; ++larger) {
      void* memory = idle_.take(larger, stream, who);
      if (memory == nullptr) memory = idle_.take_done(larger, who);
      if (memory == nullptr) continue;
      try {
        larger_.insert(larger_.begin() + static_cast<std::ptrdiff_t>(larger_from(memory)), {memory, larger}),
            ++unusual_;
      } catch (...) {
        idle_.put(larger, memory, stream, who, !is_large(larger));
        throw;
      }
      index = larger;
      return took(memory, larger, statistics_.larger_reuses);
    }
    return nullptr;
  }

  // Index of the first block handed out for less than its class that does not lie below this address.
  std::size_t larger_from(const void* memory) const noexcept {
    std::size_t first = 0, last = larger_.size();
    while (first < last) {
      const std::size_t middle = (first + last) / 2;
      if (larger_[middle].memory < memory)
        first = middle + 1;
      else
        last = middle;
    }
    return first;
  }

  void* took(void* memory, int index, std::uint64_t& counter) noexcept {
    ++counter;
    if (is_large(index)) idle_large_ -= Caching::class_bytes(index);
    return memory;
  }

  // nullptr when the source or the limit says no.
  [[gnu::cold]] void* allocate_new(int index) {
    idle_.reserve_one();
    const std::size_t bytes = Caching::class_bytes(index);
    if (is_large(index)) {
      void* memory = take_from_source(bytes);
      if (memory != nullptr) idle_.block_made();
      return memory;
    }
    slab* from = current_ < slabs_.size() ? &slabs_[current_] : nullptr;
    if (from == nullptr || from->bytes - from->cut < bytes) {
      slabs_.reserve(slabs_.size() + 1);
      std::size_t size = caching_.slab_bytes();
      void* made = take_from_source(size);
      if (made == nullptr) made = take_from_source(size = bytes);  // memory is short
      if (made == nullptr) return nullptr;
      checking_.slab(made, size, host_kind_);
      current_ = slab_above(made);  // sorted by address; what was left of the old slab, an eighth at most, is lost
      from = &*slabs_.insert(slabs_.begin() + static_cast<std::ptrdiff_t>(current_),
                             slab{static_cast<std::byte*>(made), size});
    }
    void* memory = from->memory + from->cut;
    from->cut += bytes;
    idle_.block_made();
    return memory;
  }

  // Index of the first slab that lies above this address.
  std::size_t slab_above(const void* memory) const noexcept {
    std::size_t first = 0, last = slabs_.size();
    while (first < last) {
      const std::size_t middle = (first + last) / 2;
      if (slabs_[middle].memory <= memory)
        first = middle + 1;
      else
        last = middle;
    }
    return first;
  }

  [[gnu::cold]] void* take_from_source(std::size_t bytes) {
    if (bytes > caching_.limit_bytes() - statistics_.held_bytes) return nullptr;
    void* memory;
    try {
      memory = source_.take(bytes);
    } catch (const out_of_memory&) { return nullptr; }
    statistics_.held_bytes += bytes;
    if (statistics_.held_bytes > statistics_.held_peak) statistics_.held_peak = statistics_.held_bytes;
    ++statistics_.vendor_allocations;
    return memory;
  }

  [[gnu::cold]] void give_back(void* memory, std::size_t bytes) noexcept {
    checking_.leaving(memory, bytes, host_kind_);
    source_.give_back(memory, bytes);
    statistics_.held_bytes -= bytes;
  }

  [[gnu::cold]] void trim_locked() noexcept {
    idle_.settle();
    for (slab& s : slabs_) s.idle = 0;
    idle_.sift([this](int index, void* memory) {
      const std::size_t bytes = Caching::class_bytes(index);
      if (!is_large(index)) {
        slabs_[slab_above(memory) - 1].idle += bytes;
        return false;
      }
      give_back(memory, bytes);
      idle_.block_gone();
      idle_large_ -= bytes;
      return true;
    });
    idle_.sift([this](int index, void* memory) {  // second: blocks of slabs that are wholly idle
      if (is_large(index)) return false;
      const slab& s = slabs_[slab_above(memory) - 1];
      if (s.idle != s.cut) return false;
      idle_.block_gone();
      return true;
    });
    const auto wholly_idle = [](const slab& s) { return s.idle == s.cut; };
    for (const slab& s : slabs_)
      if (wholly_idle(s)) give_back(s.memory, s.bytes);
    const std::byte* current = current_ < slabs_.size() ? slabs_[current_].memory : nullptr;
    std::erase_if(slabs_, wholly_idle);
    for (current_ = 0; current_ < slabs_.size() && slabs_[current_].memory != current;) ++current_;
  }

  // Memory of the graph's own; kinds that the vendor cannot order get a block that nobody else has used.
  [[gnu::noinline, gnu::cold]] void* allocate_captured(std::size_t bytes, int index, stream_ref stream) {
    std::lock_guard lock(guard_);
    if (source_.kind() != memory_kind::device) {
      void* memory = allocate_new(index);
      if (memory == nullptr) detail::refuse_memory(name(), bytes, stream, "while recording a graph");
      ++statistics_.captured_allocations;
      return handed_out(memory, bytes, Caching::class_bytes(index));
    }
    captured_.reserve(captured_.size() + 1);
    void* memory = source_.owner().allocate_ordered(bytes, stream);
    ++statistics_.captured_allocations;
    captured_.push_back(memory);
    ++unusual_;
    return memory;
  }

  [[gnu::cold]] void stream_ending(stream_ref stream, std::uint64_t id) noexcept override {
    if (stream.owner != &source_.owner()) return;
    std::lock_guard lock(guard_);
    idle_.stream_ended(stream, id);
  }

  Source source_;
  Caching caching_;
  [[no_unique_address]] Checking checking_;
  // What the host may touch is host memory to the checks, whatever the resource calls it.
  const memory_kind host_kind_ = source_.owner().name() == "host" ? memory_kind::host : source_.kind();

  mutable typename Ordering::mutex guard_;
  pool_statistics statistics_;
  idle_blocks idle_;
  std::vector<slab> slabs_;  // by address
  std::size_t current_ = 0;  // the slab that small blocks are cut from
  std::size_t idle_large_ = 0;
  std::size_t unusual_ = 0;           // how many of these two: none, mostly
  std::vector<larger_block> larger_;  // handed out for less than their class, by address
  std::vector<void*> captured_;       // handed out while a graph was recorded, not freed yet
};

/// The default pool: a policy's resource unless `.with()` names another.
using pool_resource = basic_pool<vendor_source>;

namespace detail {

// The default pools, one for each device that was used: a list that only grows and is never destroyed, so that buffers
// in static storage may outlive main.
struct pool_entry {
  pool_entry(runtime& r, int d, memory_kind kind, pool_options options)
      : owner(r), device(d), pool(r, d, kind, options) {}
  runtime& owner;
  int device;
  pool_resource pool;
  pool_entry* next = nullptr;
};
inline constinit std::atomic<pool_entry*> default_pools{nullptr};
inline constinit std::mutex default_pools_guard{};

inline memory_resource* find_pool(const runtime& owner, int device) noexcept {
  for (pool_entry* p = default_pools.load(std::memory_order_acquire); p != nullptr; p = p->next)
    if (&p->owner == &owner && p->device == device) return &p->pool;
  return nullptr;
}

[[gnu::noinline, gnu::cold]] inline memory_resource& make_pool(runtime& owner, int device) {
  std::lock_guard lock(default_pools_guard);
  if (memory_resource* found = find_pool(owner, device)) return *found;
  pool_options options;
  if (owner.name() == "host") options.keep_bytes = std::size_t{1} << 30;  // the program shares this memory with others
  auto* made = new pool_entry(owner, device, memory_kind::device, options);
  made->next = default_pools.load(std::memory_order_relaxed);
  default_pools.store(made, std::memory_order_release);
  return made->pool;
}

}  // namespace detail

inline memory_resource& default_resource(runtime& owner, int device) {
  if (memory_resource* found = detail::find_pool(owner, device)) [[likely]]
    return *found;
  return detail::make_pool(owner, device);
}

}  // namespace weft
