// State that a thread keeps for each stream it works on (counters that stay zero between calls, look-back words): made
// at first use, found by the stream's id, and given back in the stream's order when the stream or the thread ends, so
// programs that make streams in a loop do not grow. A warm look-up costs one uncontended lock.
#pragma once

#include <weft/memory/stream_watch.hpp>

#include <mutex>
#include <vector>

namespace weft::inline v100::detail {

/// `State` is made from (runtime&, stream_ref, id) and has `void give_back(stream_ref) noexcept`, after which it is
/// destroyed: it must free in that stream's order (pool memory: deallocate(…, stream)) and must not wait.
template <class State>
class stream_table final : private stream_observer {
 public:
  stream_table() { stream_watch::instance().add_before_pools(this); }
  stream_table(const stream_table&) = delete;
  stream_table& operator=(const stream_table&) = delete;
  ~stream_table() {
    stream_watch& watch = stream_watch::instance();
    std::lock_guard streams_stay(watch.observers_guard);
    std::erase(watch.observers, static_cast<stream_observer*>(this));
    for (entry* e : entries_) {
      // A foreign stream may be gone already: its state waits for another thread that works on the same stream.
      if (e->is_default || watch.is_live(e->stream.owner, e->id))
        e->state.give_back(e->stream), delete e;
      else
        leave(e);
    }
  }

  /// Stays where it is until its stream or the thread ends. For the thread that owns the table.
  State& of(runtime& owner, stream_ref stream) {
    const stream_identity who = identify(stream);
    const std::uint64_t id = who.id;
    std::lock_guard lock(guard_);
    for (entry* e : entries_)
      if (e->id == id && e->stream.owner == &owner) return e->state;
    entries_.reserve(entries_.size() + 1);
    entry* found = take_left(owner, id);
    if (found == nullptr) {
      const bool is_default = who.kind == stream_kind::thread_default;
      if (is_default) thread_streams::remember(stream, id);
      found = new entry{stream, id, is_default, State(owner, stream, id)};
    }
    entries_.push_back(found);
    return found->state;
  }

 private:
  struct entry {
    stream_ref stream;
    std::uint64_t id;
    bool is_default;
    State state;
  };
  struct left_behind {
    std::mutex guard;
    std::vector<entry*> entries;
  };
  static left_behind& left() {  // never destroyed
    static left_behind* const it = new left_behind;
    return *it;
  }

  void stream_ending(stream_ref stream, std::uint64_t id) noexcept override {
    std::lock_guard lock(guard_);
    for (auto at = entries_.begin(); at != entries_.end(); ++at)
      if ((*at)->id == id && (*at)->stream.owner == stream.owner) {
        (*at)->state.give_back(stream);
        delete *at;
        entries_.erase(at);
        return;
      }
  }

  static void leave(entry* e) noexcept {
    std::lock_guard lock(left().guard);
    try {
      left().entries.push_back(e);
    } catch (...) {  // a few bytes stay unused
    }
  }
  static entry* take_left(runtime& owner, std::uint64_t id) noexcept {
    std::lock_guard lock(left().guard);
    auto& all = left().entries;
    for (auto at = all.begin(); at != all.end(); ++at)
      if ((*at)->id == id && (*at)->stream.owner == &owner) {
        entry* found = *at;
        all.erase(at);
        return found;
      }
    return nullptr;
  }

  std::mutex guard_;
  std::vector<entry*> entries_;
};

/// The calling thread's state of a stream, one table for each State type.
template <class State>
State& stream_state(runtime& owner, stream_ref stream) {
  thread_local stream_table<State> table;
  return table.of(owner, stream);
}

}  // namespace weft::detail
