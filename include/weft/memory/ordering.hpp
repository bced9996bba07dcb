// Ordering, one of the four policies of a pool (memory/pool.hpp): which idle block a stream may have, and when.
//
//   stream_ordered  the default. A block that a stream freed is its own again at once, in the same order of work. It
//                   changes streams only when the freeing stream is known to be done with it: its event has passed, the
//                   stream is idle, or (memory being short) the new stream is made to wait for the event.
//   stream_bound    as above, but a block stays with its stream while that lives: no event is ever asked for on behalf
//   of
//                   another stream.
//   immediate       a freed block is anybody's at once. For memory used by the host, or by one stream only; cannot tell
//                   that a graph is recorded.
//   one_thread<O>   O without a lock.
//
// Streams are told apart by ids, never by handles, which vendors reuse. For streams that weft owns and for
// thread-default streams no event is recorded until one is needed or they end. Foreign ones may vanish unannounced, so
// what they free must be behind an event before others may have it: one for each large block, one for every few small
// ones. Until then the small ones are the stream's own; should it vanish, trim() finds that they are free.
#pragma once

#include <weft/memory/block_list.hpp>
#include <weft/memory/quick_mutex.hpp>
#include <weft/memory/stream_watch.hpp>
#include <weft/profile.hpp>

#include <vector>

namespace weft::inline v100 {
namespace detail {

/// The idle blocks of a pool by stream. Every function is called under the pool's lock, `identify` without it.
template <int Classes, bool Shares>
class stream_lists {
 public:
  using block_list = detail::block_list<Classes>;

  stream_lists(runtime& owner, int device) : owner_(owner), device_(device) {}
  stream_lists(const stream_lists&) = delete;
  stream_lists& operator=(const stream_lists&) = delete;
  [[gnu::cold]] ~stream_lists() {
    for (pool_event* event : events_) owner_.event_destroy(event->native), delete event;
    for (stream_blocks* stream : streams_) delete stream;
    for (stream_blocks* stream : foreign_) delete stream;
  }

  static stream_identity identify(stream_ref stream) { return detail::identify(stream); }

  /// Room for the node of one block more: before a block is made, so that putting it back never needs memory.
  void reserve_one() { nodes_.reserve_one(); }
  void block_made() noexcept { nodes_.block_made(); }
  void block_gone() noexcept { nodes_.block_gone(); }

  /// A block that this stream freed: its order is enough.
  [[gnu::always_inline]] void* take(int index, const stream_ref& stream, stream_identity who) {
    if (who.kind == stream_kind::foreign) [[unlikely]]
      return take_foreign(index, who);
    return blocks_of(stream, who).free.take(index, nodes_);
  }
  /// A block of another stream that is known to be done with it.
  [[gnu::cold]] void* take_done(int index, stream_identity who) {
    for (auto* node = shared_.first(index, nodes_); node != nullptr; node = nodes_.next(node))
      if (passed(*node->event)) return take_shared(index, node);
    if constexpr (Shares)
      for (stream_blocks* other : streams_)
        if (other->id != who.id && other->kind == stream_kind::owned && other->free.first(index, nodes_) != nullptr &&
            !owner_.capturing(other->stream) && owner_.stream_ready(other->stream))
          return other->free.take(index, nodes_);
    return nullptr;
  }
  /// A block whose last user may still run: the taking stream waits on the device, the host does not.
  [[gnu::cold]] void* take_waiting(int index, stream_ref stream) {
    if (auto* node = shared_.first(index, nodes_)) {
      owner_.stream_wait(stream, node->event->native);
      return take_shared(index, node);
    }
    if constexpr (Shares)
      for (stream_blocks* other : streams_)
        if (other->kind == stream_kind::owned && other->free.first(index, nodes_) != nullptr &&
            !owner_.capturing(other->stream)) {
          pool_event* event = record(other->stream, other->id);
          spare_events_.push_back(event);  // a wait already put into a stream outlives the event's next use
          owner_.stream_wait(stream, event->native);
          return other->free.take(index, nodes_);
        }
    return nullptr;
  }

  /// `small`: not worth an event of its own.
  [[gnu::always_inline]] void put(int index, void* memory, const stream_ref& stream, stream_identity who, bool small) {
    if (who.kind == stream_kind::foreign) [[unlikely]]
      return put_foreign(index, memory, stream, who, small);
    blocks_of(stream, who).free.put(index, memory, nullptr, nodes_);
  }
  /// Never to be handed out again.
  void set_aside(int index, void* memory) noexcept { lost_.put(index, memory, nullptr, nodes_); }
  /// True when the vendor may have a block back that this stream freed just now.
  bool is_done(stream_ref stream) { return owner_.stream_ready(stream); }

  /// Covers what the stream freed by one event, so that anyone may have it once the event has passed.
  [[gnu::cold]] void stream_ended(stream_ref stream, std::uint64_t id) noexcept {
    if (stream_blocks* known_as_foreign = foreign_blocks_of(id)) cover(*known_as_foreign, stream);
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i]->id != id) continue;
      cover(*streams_[i], stream);
      hints_[id % hints] = nullptr;
      delete streams_[i];
      streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }

  /// Waits for all work that used idle blocks, but for streams that record a graph.
  [[gnu::cold]] void settle() noexcept {
    // The legacy default stream comes after all blocking streams of the device, thread-default ones among them.
    const bool threads_done = synchronize({&owner_, nullptr, device_});
    for (stream_blocks* s : streams_)
      s->settled = s->kind == stream_kind::thread_default ? threads_done : synchronize(s->stream);
    for (int index = 0; index < Classes; ++index)
      for (auto* node = shared_.first(index, nodes_); node != nullptr; node = nodes_.next(node))
        if (!node->event->passed)
          node->event->passed = attempt([&] { return owner_.event_synchronize(node->event->native), true; });
    settle_foreign();
  }
  /// gone(index, memory) for every settled block; those for which it answers true leave the lists.
  template <class F>
  void sift(const F& gone) noexcept {
    for (stream_blocks* s : streams_)
      if (s->settled) sift(s->free, gone);
    sift(shared_, gone);
  }
  /// The same for what was set aside: when the pool ends.
  template <class F>
  void sift_lost(const F& gone) noexcept {
    sift(lost_, gone);
  }

 private:
  /// What one stream freed and may take again without any waiting.
  struct stream_blocks {
    stream_ref stream;
    std::uint64_t id;
    stream_kind kind;
    bool settled = false;
    block_list free{};
  };
  static constexpr std::size_t hints = 64;
  static constexpr std::int64_t most_uncovered =
      16;                                          // small blocks that a foreign stream has freed and no event covers
  static constexpr std::size_t most_foreign = 16;  // streams that may have such blocks

  [[gnu::noinline]] void* take_foreign(int index, stream_identity who) {
    if (stream_blocks* mine = foreign_blocks_of(who.id))
      if (void* memory = mine->free.take(index, nodes_)) return memory;
    for (auto* node = shared_.first(index, nodes_); node != nullptr; node = nodes_.next(node))
      if (node->event->stream == who.id) return take_shared(index, node);
    return nullptr;
  }
  [[gnu::noinline]] void put_foreign(int index, void* memory, stream_ref stream, stream_identity who, bool small) {
    stream_blocks* const mine = small ? foreign_blocks_for(stream, who) : nullptr;
    if (mine == nullptr) return shared_.put(index, memory, record(stream, who.id), nodes_);
    mine->free.put(index, memory, nullptr, nodes_);
    if (mine->free.size() >= most_uncovered) cover(*mine, stream);
  }

  /// Of a foreign stream, or null.
  stream_blocks* foreign_blocks_of(std::uint64_t id) noexcept {
    for (stream_blocks* known : foreign_)
      if (known->id == id) return known;
    return nullptr;
  }
  /// The same, made if there is room: streams may have vanished, so there is an end to how many are remembered.
  [[gnu::cold]] stream_blocks* foreign_blocks_for(stream_ref stream, stream_identity who) {
    if (stream_blocks* known = foreign_blocks_of(who.id)) return known;
    if (foreign_.size() < most_foreign) {
      foreign_.reserve(most_foreign);
      foreign_.push_back(new stream_blocks{stream, who.id, who.kind});
      return foreign_.back();
    }
    for (stream_blocks* known : foreign_)
      if (known->free.empty()) {
        known->stream = stream, known->id = who.id;
        return known;
      }
    return nullptr;
  }
  /// Waits for the whole device where blocks of foreign streams are not behind events: the streams may not be asked.
  /// Not while anybody records a graph, whose stream that would spoil.
  [[gnu::cold]] void settle_foreign() noexcept {
    if ((interest.load(std::memory_order_relaxed) & graphs_record) != 0) return;
    for (stream_blocks* known : foreign_) {
      if (known->free.empty()) continue;
      const bool done = attempt([&] {
        if (!owner_.device_synchronize(device_)) return false;
        pool_event* const event = spare_event();
        spare_events_.pop_back();
        event->stream = known->id;
        event->passed = true;
        known->free.move_all(shared_, nodes_, event);
        return true;
      });
      if (!done) return;
    }
  }

  stream_blocks& blocks_of(const stream_ref& stream, stream_identity who) {
    // The stream that was worked on last, of those that share a hint, so that a warm call does not search.
    stream_blocks* const seen = hints_[who.id % hints];
    if (seen != nullptr && seen->id == who.id) [[likely]]
      return *seen;
    return search_blocks_of(stream, who);
  }
  [[gnu::noinline]] stream_blocks& search_blocks_of(const stream_ref& stream, stream_identity who) {
    stream_blocks*& seen = hints_[who.id % hints];
    for (stream_blocks* known : streams_)
      if (known->id == who.id) return *(seen = known);
    streams_.reserve(streams_.size() + 1);
    if (who.kind == stream_kind::thread_default) thread_streams::remember(stream, who.id);
    streams_.push_back(new stream_blocks{stream, who.id, who.kind});
    return *(seen = streams_.back());
  }

  void cover(stream_blocks& from, stream_ref stream) noexcept {
    if (from.free.empty()) return;
    try {
      pool_event* event = record(stream, from.id);
      from.free.move_all(shared_, nodes_, event);
    } catch (...) {
      from.free.move_all(lost_, nodes_, nullptr);  // no event, no proof that the work is done
    }
  }

  /// The last of the spare events, of which there is one afterwards.
  [[gnu::cold]] pool_event* spare_event() {
    if (spare_events_.empty()) {
      events_.reserve(events_.size() + 1);
      spare_events_.reserve(events_.size() + 1);
      events_.push_back(new pool_event(owner_.event_create(device_, false)));
      spare_events_.push_back(events_.back());
    }
    return spare_events_.back();
  }
  pool_event* record(stream_ref stream, std::uint64_t id) {
    pool_event* event = spare_event();
    owner_.event_record(event->native, stream);
    spare_events_.pop_back();
    event->stream = id;
    event->passed = false;
    return event;
  }
  bool passed(pool_event& event) {
    if (!event.passed) event.passed = owner_.event_ready(event.native);
    return event.passed;
  }
  void release(pool_event* event) noexcept {
    if (--event->blocks == 0) spare_events_.push_back(event);  // reserved in record()
  }
  void* take_shared(int index, block_node* node) noexcept {
    release(node->event);
    return shared_.take(index, node, nodes_);
  }

  // False when nothing is known: the stream records a graph (waiting would spoil it) or the driver fails.
  [[gnu::cold]] bool synchronize(stream_ref stream) noexcept {
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

  template <class F>
  [[gnu::cold]] void sift(block_list& list, const F& gone) noexcept {
    for (int index = 0; index < Classes; ++index)
      for (block_node *node = list.first(index, nodes_), *next; node != nullptr; node = next) {
        next = nodes_.next(node);
        if (node->event != nullptr && !node->event->passed) continue;
        if (!gone(index, node->memory)) continue;
        if (node->event != nullptr) release(node->event);
        list.take(index, node, nodes_);
      }
  }

  runtime& owner_;
  const int device_;
  std::vector<stream_blocks*> streams_;
  std::vector<stream_blocks*> foreign_;  // what they freed and no event covers
  stream_blocks* hints_[hints]{};
  node_store nodes_;
  block_list shared_;  // each block behind an event
  block_list lost_;
  std::vector<pool_event*> events_, spare_events_;
};

/// One list for everybody.
template <int Classes>
class one_list {
 public:
  one_list(runtime&, int) noexcept {}
  static stream_identity identify(stream_ref) noexcept { return {}; }
  void reserve_one() { nodes_.reserve_one(); }
  void block_made() noexcept { nodes_.block_made(); }
  void block_gone() noexcept { nodes_.block_gone(); }
  void* take(int index, stream_ref, stream_identity) noexcept { return free_.take(index, nodes_); }
  void* take_done(int, stream_identity) noexcept { return nullptr; }
  void* take_waiting(int, stream_ref) noexcept { return nullptr; }
  void put(int index, void* memory, stream_ref, stream_identity, bool) noexcept {
    free_.put(index, memory, nullptr, nodes_);
  }
  void set_aside(int, void*) noexcept {}
  bool is_done(stream_ref stream) { return stream.ready(); }
  void stream_ended(stream_ref, std::uint64_t) noexcept {}
  void settle() noexcept {}
  template <class F>
  void sift(const F& gone) noexcept {
    for (int index = 0; index < Classes; ++index)
      for (block_node *node = free_.first(index, nodes_), *next; node != nullptr; node = next) {
        next = nodes_.next(node);
        if (gone(index, node->memory)) free_.take(index, node, nodes_);
      }
  }
  template <class F>
  void sift_lost(const F&) noexcept {}

 private:
  node_store nodes_;
  block_list<Classes> free_;
};

struct no_mutex {
  void lock() noexcept {}
  void unlock() noexcept {}
};

}  // namespace detail

/// What an ordering says: its lock, whether a stream is asked if it records a graph, and how idle blocks are kept.
struct stream_ordered {
  using mutex = detail::quick_mutex;
  static constexpr bool asks_for_capture = true;
  template <int Classes>
  using idle_blocks = detail::stream_lists<Classes, true>;
};
struct stream_bound {
  using mutex = detail::quick_mutex;
  static constexpr bool asks_for_capture = true;
  template <int Classes>
  using idle_blocks = detail::stream_lists<Classes, false>;
};
struct immediate {
  using mutex = detail::quick_mutex;
  static constexpr bool asks_for_capture = false;
  template <int Classes>
  using idle_blocks = detail::one_list<Classes>;
};
template <class Ordering>
struct one_thread : Ordering {
  using mutex = detail::no_mutex;
};

}  // namespace weft
