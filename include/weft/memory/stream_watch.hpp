// Who is told when a stream ends. Native handles are reused by the vendors, so whoever caches memory or state per
// stream must hear of a stream's end while the stream still exists. weft::stream announces itself here; a pool may then
// record events on such a stream at any time in between. A thread's default stream ends with its thread and is
// announced too.
#pragma once

#include <weft/runtime.hpp>

#include <atomic>
#include <mutex>
#include <vector>

namespace weft::inline v100::detail {

/// Something that keeps memory or state per stream.
class stream_observer {
 public:
  /// The stream is about to end; it can still take events. Never throws.
  virtual void stream_ending(stream_ref, std::uint64_t id) noexcept = 0;

 protected:
  ~stream_observer() = default;
};

struct stream_watch {
  struct live_stream {
    runtime* owner;
    std::uint64_t id;
  };

  std::mutex observers_guard;  // taken before an observer's own lock
  std::vector<stream_observer*> observers;
  std::mutex live_guard;  // a leaf: nothing is locked while it is held
  std::vector<live_stream> live;
  // How many streams have begun and ended: what a thread remembers of a handle (identify below) holds while this stands
  // still.
  static inline constinit std::atomic<std::uint64_t> changes{1};

  // Made on first use and never destroyed, so that static objects may use it in any order.
  static stream_watch& instance() {
    static stream_watch* const it = new stream_watch;
    return *it;
  }

  void add(stream_observer* observer) {
    std::lock_guard lock(observers_guard);
    observers.push_back(observer);
  }
  /// For those who give memory back to a pool when they are told: they are told before the pools.
  void add_before_pools(stream_observer* observer) {
    std::lock_guard lock(observers_guard);
    observers.insert(observers.begin(), observer);
  }
  void remove(stream_observer* observer) noexcept {
    std::lock_guard lock(observers_guard);
    std::erase(observers, observer);
  }

  void began(stream_ref stream, std::uint64_t id) {
    std::lock_guard lock(live_guard);
    live.push_back({stream.owner, id});
    changes.fetch_add(1, std::memory_order_release);  // the handle may have been known as a foreign stream's
  }
  bool is_live(const runtime* owner, std::uint64_t id) noexcept {
    std::lock_guard lock(live_guard);
    for (const live_stream& s : live)
      if (s.owner == owner && s.id == id) return true;
    return false;
  }
  void ending(stream_ref stream, std::uint64_t id) noexcept {
    // Both locks to the end: who holds the first may rely on a live stream's handle.
    std::lock_guard all(observers_guard);
    for (stream_observer* observer : observers) observer->stream_ending(stream, id);
    std::lock_guard lock(live_guard);
    std::erase_if(live, [&](const live_stream& s) { return s.owner == stream.owner && s.id == id; });
    changes.fetch_add(1, std::memory_order_release);
  }
};

/// Announces the end of the calling thread's default stream when the thread ends. C++ destroys thread-local objects
/// before the vendor's run time ends the thread's stream, because the vendor's thread data were made first or by a
/// later hook.
class thread_streams {
 public:
  static void remember(stream_ref stream, std::uint64_t id) {
    if (!gone_) mine().streams_.push_back({stream, id});
  }

 private:
  struct entry {
    stream_ref stream;
    std::uint64_t id;
  };
  thread_streams() = default;
  ~thread_streams() {
    gone_ = true;
    for (const entry& e : streams_) stream_watch::instance().ending(e.stream, e.id);
  }
  static thread_streams& mine() {
    thread_local thread_streams it;
    return it;
  }

  std::vector<entry> streams_;
  inline static thread_local bool gone_ = false;  // static objects may still free memory after it
};

/// How the end of a stream becomes known.
enum class stream_kind : unsigned char {
  foreign,         ///< may end unannounced
  owned,           ///< a weft::stream: announces its end, may be asked at any time before
  thread_default,  ///< announced when its thread ends; only that thread can name it
};

struct stream_identity {
  std::uint64_t id = 0;
  stream_kind kind = stream_kind::foreign;
};

/// What the calling thread knows of a few streams, so that a warm call does not ask the vendor (30 ns each time).
struct known_stream {
  stream_ref stream;
  std::uint64_t changes = 0;
  stream_identity identity;
};
inline constexpr std::size_t known_count = 8;
inline constinit thread_local known_stream known_streams[known_count]{};

inline known_stream& known_slot(const stream_ref& stream) noexcept {
  const auto bits = reinterpret_cast<std::uintptr_t>(stream.handle);
  return known_streams[(bits >> 4 ^ bits >> 9) % known_count];
}

[[gnu::noinline, gnu::cold]] inline stream_identity identify_slowly(const stream_ref& stream) {
  const std::uint64_t changes = stream_watch::changes.load(std::memory_order_acquire);
  stream_identity found{stream.owner->stream_id(stream)};
  if (stream.handle == stream.owner->default_stream().handle)
    found.kind = stream_kind::thread_default;
  else if (stream_watch::instance().is_live(stream.owner, found.id))
    found.kind = stream_kind::owned;
  known_slot(stream) = {stream, changes, found};
  return found;
}

/// A stream's id and kind. Foreign streams are asked for their ids every time, because their handles are reused
/// unannounced.
[[gnu::always_inline]] inline stream_identity identify(const stream_ref& stream) {
  const known_stream& known = known_slot(stream);
  if (known.stream == stream && known.changes == stream_watch::changes.load(std::memory_order_acquire)) [[likely]] {
    if (known.identity.kind != stream_kind::foreign) [[likely]]
      return known.identity;
    if (stream.owner->stream_id(stream) == known.identity.id) return known.identity;
  }
  return identify_slowly(stream);
}

}  // namespace weft::detail
