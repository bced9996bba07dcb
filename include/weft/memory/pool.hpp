// The caching pool: blocks go back to a free list of (stream, size class) and are handed out again in the same order of
// work, so a warm call costs one lock and two list moves, and never waits. Between streams a block changes hands only
// when the freeing stream is known to be done with it: its event has passed, the stream is idle, or (memory being
// short) the new stream is made to wait for the event. Small blocks are cut from slabs; large ones come one by one from
// the vendor.
//
// Streams are told apart by ids, never by handles, which vendors reuse. Three kinds of stream (stream_kind below)
// differ in when an event is recorded: for streams that weft owns and for thread-default streams nothing is recorded
// until it is needed or they end; for foreign ones, which may vanish unannounced, at each deallocate.
//
// While a stream records a graph its memory comes from the vendor's ordered allocator and so belongs to the graph;
// eager blocks freed during a recording are set aside for ever, because a replay may touch them again.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>
#include <weft/memory/block_list.hpp>
#include <weft/memory/poison.hpp>
#include <weft/memory/size_class.hpp>
#include <weft/memory/stream_watch.hpp>

#include <atomic>
#include <mutex>
#include <vector>

namespace weft {

struct pool_options {
  std::size_t keep_bytes = ~std::size_t{0};   ///< large blocks idle beyond this go back to the vendor when freed
  std::size_t limit_bytes = ~std::size_t{0};  ///< never hold more than this from the vendor
  std::size_t slab_bytes = std::size_t{4}
                           << 20;  ///< small blocks (up to an eighth of it) are cut from slabs of this size
};

struct pool_statistics {
  std::size_t used_bytes = 0;  ///< handed out, rounded to size classes
  std::size_t used_peak = 0;
  std::size_t held_bytes = 0;       ///< taken from the vendor: used, cached and set aside
  std::size_t set_aside_bytes = 0;  ///< freed while a graph was recorded
  std::uint64_t vendor_allocations = 0;
  std::uint64_t warm_allocations = 0;      ///< served from the same stream's list
  std::uint64_t cross_stream_reuses = 0;   ///< taken over from another stream after it was done
  std::uint64_t cross_stream_waits = 0;    ///< taken over with a wait put into the taking stream
  std::uint64_t captured_allocations = 0;  ///< made while a graph was recorded
};

class pool_resource final : public memory_resource, private detail::stream_observer {
 public:
  template <class Policy>
    requires requires { Policy::backend::runtime(); }
  explicit pool_resource(const Policy&, pool_options options = {})
      : pool_resource(Policy::backend::runtime(), Policy::backend::runtime().current_device(), memory_kind::device,
                      options) {}
  explicit pool_resource(runtime& owner, int device = 0, memory_kind kind = memory_kind::device,
                         pool_options options = {})
      : owner_(owner), device_(device), kind_(kind), options_(options) {
    detail::stream_watch::instance().add(this);
  }
  pool_resource(const pool_resource&) = delete;
  pool_resource& operator=(const pool_resource&) = delete;
  /// Gives everything back; the work using it must be done (after the driver's end the calls fail silently).
  ~pool_resource() {
    detail::stream_watch::instance().remove(this);
    trim();
    drain(lost_);
    for (const vendor_block& slab : slabs_) give_back(slab.memory, slab.bytes);
    for (detail::pool_event* event : events_) owner_.event_destroy(event->native), delete event;
    for (detail::stream_blocks* stream : streams_) delete stream;
  }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes == 0) return nullptr;
    check(alignment <= detail::size_class::granule, "pool allocate", "alignment above 256");
    if (bytes > detail::size_class::largest) detail::refuse_memory(name(), bytes, stream, "no such size");
    const int index = detail::size_class::of(bytes);
    if (owner_.capturing(stream)) [[unlikely]]
      return allocate_captured(bytes, index, stream);
    const std::uint64_t id = owner_.stream_id(stream);

    std::lock_guard lock(guard_);
    detail::stream_blocks* mine = blocks_of(stream, id);
    void* memory = mine ? mine->free.take(index, nodes_) : take_own_foreign(index, id);
    if (memory != nullptr) {
      ++statistics_.warm_allocations;
      if (is_large(index)) idle_large_ -= detail::size_class::bytes(index);
    } else {
      memory = allocate_cold(bytes, index, stream, id);
    }
    statistics_.used_bytes += detail::size_class::bytes(index);
    if (statistics_.used_bytes > statistics_.used_peak) statistics_.used_peak = statistics_.used_bytes;
    if (host_memory_) detail::unpoison(memory, bytes);
    return memory;
  }

  void deallocate(void* memory, std::size_t bytes, std::size_t, stream_ref stream) noexcept override {
    if (memory == nullptr) return;
    try {
      const bool capturing = owner_.capturing(stream);
      const std::uint64_t id = capturing ? 0 : owner_.stream_id(stream);
      std::lock_guard lock(guard_);
      if (!captured_.empty() && std::erase(captured_, memory) != 0)
        return owner_.deallocate_ordered(memory, bytes, stream);
      const int index = detail::size_class::of(bytes);
      statistics_.used_bytes -= detail::size_class::bytes(index);
      if (capturing)
        set_aside(memory, index);
      else
        put_back(memory, index, stream, id);
    } catch (...) {
      // The stream cannot be asked: the driver is gone or the context is lost. The block is no longer safe to hand out.
    }
  }

  memory_kind kind() const noexcept override { return kind_; }
  std::string_view name() const noexcept override { return "weft pool"; }
  int device() const noexcept { return device_; }

  pool_statistics statistics() const {
    std::lock_guard lock(guard_);
    return statistics_;
  }

  /// Gives all idle large blocks back to the vendor. Waits for the work that used them.
  void trim() noexcept {
    std::lock_guard lock(guard_);
    trim_locked();
  }

 private:
  struct vendor_block {
    void* memory;
    std::size_t bytes;
  };
  // Where a stream was found last, so that a warm call does not search. Checked before it is believed.
  struct hint {
    std::size_t at = 0;
    std::uint64_t foreign = ~std::uint64_t{0};
  };
  static constexpr std::size_t hints = 64;

  bool is_large(int index) const noexcept { return detail::size_class::bytes(index) > options_.slab_bytes / 8; }

  // Streams -----------------------------------------------------------------------------------------------------------

  // nullptr for a foreign stream, of which nothing may be remembered beyond events.
  detail::stream_blocks* blocks_of(stream_ref stream, std::uint64_t id) {
    hint& seen = hints_[id % hints];
    if (seen.at < streams_.size() && streams_[seen.at]->id == id) return streams_[seen.at];
    if (seen.foreign == id) return nullptr;
    for (std::size_t i = 0; i < streams_.size(); ++i)
      if (streams_[i]->id == id) return streams_[seen.at = i];
    detail::stream_kind kind;
    if (stream.handle == owner_.default_stream().handle) {
      kind = detail::stream_kind::thread_default;
    } else if (detail::stream_watch::instance().is_live(&owner_, id)) {
      kind = detail::stream_kind::owned;
    } else {
      seen.foreign = id;
      return nullptr;
    }
    streams_.reserve(streams_.size() + 1);
    if (kind == detail::stream_kind::thread_default) detail::thread_streams::remember(stream, id);
    streams_.push_back(new detail::stream_blocks(stream, id, kind));
    seen.at = streams_.size() - 1;
    return streams_.back();
  }

  // Covers what the stream freed by one event, so that anyone may have it once the event has passed.
  void stream_ending(stream_ref stream, std::uint64_t id) noexcept override {
    if (stream.owner != &owner_) return;
    std::lock_guard lock(guard_);
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i]->id != id) continue;
      cover(*streams_[i], stream);
      delete streams_[i];
      streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }

  // Moves all of a stream's blocks to the shared list, behind an event recorded now.
  void cover(detail::stream_blocks& from, stream_ref stream) noexcept {
    if (from.free.empty()) return;
    try {
      detail::pool_event* event = record(stream, from.id);
      from.free.move_all(shared_, nodes_, event);
    } catch (...) {
      from.free.move_all(lost_, nodes_, nullptr);  // no event, no proof that the work is done
    }
  }

  detail::pool_event* record(stream_ref stream, std::uint64_t id) {
    if (spare_events_.empty()) {
      events_.reserve(events_.size() + 1);
      spare_events_.reserve(events_.size() + 1);
      events_.push_back(new detail::pool_event(owner_.event_create(device_, false)));
      spare_events_.push_back(events_.back());
    }
    detail::pool_event* event = spare_events_.back();
    owner_.event_record(event->native, stream);
    spare_events_.pop_back();
    event->stream = id;
    event->passed = false;
    return event;
  }

  bool passed(detail::pool_event& event) {
    if (!event.passed) event.passed = owner_.event_ready(event.native);
    return event.passed;
  }

  void release(detail::pool_event* event) noexcept {
    if (--event->blocks == 0) spare_events_.push_back(event);  // reserved in record()
  }

  // The cold path, in the order of what it costs the device -----------------------------------------------------------

  void* allocate_cold(std::size_t bytes, int index, stream_ref stream, std::uint64_t id) {
    if (void* memory = take_done(index, id)) return took(memory, index, statistics_.cross_stream_reuses);
    if (void* memory = allocate_new(index)) return memory;
    if (void* memory = take_waiting(index, stream)) return took(memory, index, statistics_.cross_stream_waits);
    trim_locked();
    if (void* memory = allocate_new(index)) return memory;
    detail::refuse_memory(name(), bytes, stream, "after giving idle blocks back");
  }

  void* took(void* memory, int index, std::uint64_t& counter) noexcept {
    ++counter;
    if (is_large(index)) idle_large_ -= detail::size_class::bytes(index);
    return memory;
  }

  // A block that the same foreign stream freed: its order is enough.
  void* take_own_foreign(int index, std::uint64_t id) noexcept {
    for (auto* node = shared_.first(index, nodes_); node != nullptr; node = nodes_.next(node))
      if (node->event->stream == id) return take_shared(index, node);
    return nullptr;
  }

  void* take_shared(int index, detail::block_node* node) noexcept {
    release(node->event);
    return shared_.take(index, node, nodes_);
  }

  // A block whose last user is known to be done.
  void* take_done(int index, std::uint64_t id) {
    for (auto* node = shared_.first(index, nodes_); node != nullptr; node = nodes_.next(node))
      if (passed(*node->event)) return take_shared(index, node);
    for (detail::stream_blocks* other : streams_)
      if (other->id != id && other->kind == detail::stream_kind::owned && other->free.first(index, nodes_) != nullptr &&
          !owner_.capturing(other->stream) && owner_.stream_ready(other->stream))
        return other->free.take(index, nodes_);
    return nullptr;
  }

  // A block whose last user may still run: the taking stream waits on the device, the host does not.
  void* take_waiting(int index, stream_ref stream) {
    if (auto* node = shared_.first(index, nodes_)) {
      owner_.stream_wait(stream, node->event->native);
      return take_shared(index, node);
    }
    for (detail::stream_blocks* other : streams_)
      if (other->kind == detail::stream_kind::owned && other->free.first(index, nodes_) != nullptr &&
          !owner_.capturing(other->stream)) {
        detail::pool_event* event = record(other->stream, other->id);
        spare_events_.push_back(event);  // a wait already put into a stream outlives the event's next use
        owner_.stream_wait(stream, event->native);
        return other->free.take(index, nodes_);
      }
    return nullptr;
  }

  // nullptr when the vendor or the limit says no.
  void* allocate_new(int index) {
    nodes_.reserve_one();
    const std::size_t bytes = detail::size_class::bytes(index);
    if (is_large(index)) {
      void* memory = take_from_vendor(bytes);
      if (memory != nullptr) nodes_.block_made();
      return memory;
    }
    slabs_.reserve(slabs_.size() + 1);
    if (slab_left_ < bytes) {
      std::size_t size = options_.slab_bytes;
      void* slab = take_from_vendor(size);
      if (slab == nullptr) slab = take_from_vendor(size = bytes);  // memory is short
      if (slab == nullptr) return nullptr;
      slabs_.push_back({slab, size});  // what was left of the old slab, an eighth at most, is lost
      slab_next_ = static_cast<std::byte*>(slab);
      slab_left_ = size;
      if (host_memory_) detail::poison(slab, size);
    }
    void* memory = slab_next_;
    slab_next_ += bytes;
    slab_left_ -= bytes;
    nodes_.block_made();
    return memory;
  }

  void* take_from_vendor(std::size_t bytes) {
    if (bytes > options_.limit_bytes - statistics_.held_bytes) return nullptr;
    void* memory;
    try {
      memory = owner_.allocate(kind_, bytes, device_);
    } catch (const out_of_memory&) { return nullptr; }
    statistics_.held_bytes += bytes;
    ++statistics_.vendor_allocations;
    return memory;
  }

  void give_back(void* memory, std::size_t bytes) noexcept {
    if (host_memory_) detail::unpoison(memory, bytes);
    owner_.deallocate(kind_, memory, bytes, device_);
    statistics_.held_bytes -= bytes;
  }

  // Freed blocks ------------------------------------------------------------------------------------------------------

  void put_back(void* memory, int index, stream_ref stream, std::uint64_t id) {
    const std::size_t bytes = detail::size_class::bytes(index);
    if (is_large(index)) {
      if (idle_large_ + bytes > options_.keep_bytes && owner_.stream_ready(stream)) {
        nodes_.block_gone();
        return give_back(memory, bytes);
      }
      idle_large_ += bytes;
    }
    if (host_memory_) detail::poison(memory, bytes);
    if (detail::stream_blocks* mine = blocks_of(stream, id))
      mine->free.put(index, memory, nullptr, nodes_);
    else
      shared_.put(index, memory, record(stream, id), nodes_);
  }

  void set_aside(void* memory, int index) noexcept {
    statistics_.set_aside_bytes += detail::size_class::bytes(index);
    lost_.put(index, memory, nullptr, nodes_);
  }

  void trim_locked() noexcept {
    // The legacy default stream comes after all blocking streams of the device, thread-default ones among them.
    const bool threads_done = synchronize({&owner_, nullptr, device_});
    for (detail::stream_blocks* stream : streams_) {
      const bool is_thread = stream->kind == detail::stream_kind::thread_default;
      if (is_thread ? threads_done : synchronize(stream->stream)) drain(stream->free);
    }
    for (int index = 0; index < detail::size_class::count; ++index)
      for (auto* node = shared_.first(index, nodes_); node != nullptr; node = nodes_.next(node))
        if (!node->event->passed)
          node->event->passed = attempt([&] { return owner_.event_synchronize(node->event->native), true; });
    drain(shared_);
  }

  // False when nothing is known: the stream records a graph (waiting would spoil it) or the driver fails.
  bool synchronize(stream_ref stream) noexcept {
    return attempt([&] {
      const bool recording = owner_.capturing(stream);
      if (!recording) owner_.stream_synchronize(stream);
      return !recording;
    });
  }

  template <class Call>
  static bool attempt(const Call& call) noexcept {
    try {
      return call();
    } catch (...) { return false; }
  }

  // Gives the idle large blocks of a list back to the vendor: all but those behind an event that has not passed.
  void drain(detail::block_list& list) noexcept {
    for (int index = 0; index < detail::size_class::count; ++index) {
      if (!is_large(index)) continue;
      for (detail::block_node *node = list.first(index, nodes_), *next; node != nullptr; node = next) {
        next = nodes_.next(node);
        if (node->event != nullptr && !node->event->passed) continue;
        if (node->event != nullptr) release(node->event);
        give_back(list.take(index, node, nodes_), detail::size_class::bytes(index));
        nodes_.block_gone();
        if (&list != &lost_) idle_large_ -= detail::size_class::bytes(index);
      }
    }
  }

  // Memory of the graph's own; kinds that the vendor cannot order get a block that nobody else has used.
  void* allocate_captured(std::size_t bytes, int index, stream_ref stream) {
    std::lock_guard lock(guard_);
    if (kind_ != memory_kind::device) {
      void* memory = allocate_new(index);
      if (memory == nullptr) detail::refuse_memory(name(), bytes, stream, "while recording a graph");
      statistics_.used_bytes += detail::size_class::bytes(index);
      ++statistics_.captured_allocations;
      return memory;
    }
    captured_.reserve(captured_.size() + 1);
    void* memory = owner_.allocate_ordered(bytes, stream);
    ++statistics_.captured_allocations;
    captured_.push_back(memory);
    return memory;
  }

  runtime& owner_;
  const int device_;
  const memory_kind kind_;
  const pool_options options_;
  const bool host_memory_ = kind_ == memory_kind::host || owner_.name() == "host";

  mutable std::mutex guard_;
  pool_statistics statistics_;
  std::vector<detail::stream_blocks*> streams_;
  hint hints_[hints];
  detail::node_store nodes_;   // as many as blocks were ever made, so that deallocate never needs memory
  detail::block_list shared_;  // each block behind an event
  detail::block_list lost_;    // never handed out again
  std::vector<detail::pool_event*> events_, spare_events_;
  std::vector<vendor_block> slabs_;
  std::byte* slab_next_ = nullptr;
  std::size_t slab_left_ = 0;
  std::size_t idle_large_ = 0;
  std::vector<void*> captured_;  // handed out while a graph was recorded, not freed yet
};

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
