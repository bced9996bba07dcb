// Ids of HIP streams that are never used twice. HIP has no such query, so they are counted here: a stream gets its id
// when weft makes it or first sees it, and loses it when weft destroys it. A stream that weft did not make and that is
// destroyed behind its back leaves its id to the next one with the same handle; on AMD's run time that is safe as far
// as memory goes, because hipStreamDestroy there ends the queue only after its last command, and weft::stream::adopt
// avoids it altogether.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace weft::inline v100::detail {

class hip_stream_ids {
 public:
  static hip_stream_ids& instance() {  // never destroyed: static objects use it in any order
    static hip_stream_ids* const it = new hip_stream_ids;
    return *it;
  }

  void made(void* handle) {
    std::lock_guard lock(guard_);
    forget(handle);
    known_.push_back({handle, next_++});
    changes_.fetch_add(1, std::memory_order_release);
  }
  void gone(void* handle) noexcept {
    std::lock_guard lock(guard_);
    forget(handle);
    changes_.fetch_add(1, std::memory_order_release);
  }

  std::uint64_t of(void* handle, void* per_thread, int device) {
    if (handle == per_thread) return of_thread(device);
    if (reinterpret_cast<std::uintptr_t>(handle) <= 2) return 1 + static_cast<std::uint64_t>(device);  // legacy
    thread_local last_seen last;
    const std::uint64_t now = changes_.load(std::memory_order_acquire);
    if (last.handle == handle && last.changes == now) return last.id;
    last = {handle, look_up(handle), now};
    return last.id;
  }

 private:
  struct entry {
    void* handle;
    std::uint64_t id;
  };
  struct last_seen {
    void* handle = nullptr;
    std::uint64_t id = 0, changes = 0;
  };
  static constexpr int most_devices = 64;

  // Each thread has a default stream of its own on each device.
  std::uint64_t of_thread(int device) {
    thread_local std::uint64_t ids[most_devices] = {};
    std::uint64_t& id = ids[device % most_devices];
    if (id == 0) {
      std::lock_guard lock(guard_);
      id = next_++;
    }
    return id;
  }
  std::uint64_t look_up(void* handle) {
    std::lock_guard lock(guard_);
    for (const entry& e : known_)
      if (e.handle == handle) return e.id;
    known_.push_back({handle, next_++});
    return known_.back().id;
  }
  void forget(void* handle) noexcept {
    std::erase_if(known_, [&](const entry& e) { return e.handle == handle; });
  }

  std::mutex guard_;
  std::vector<entry> known_;
  std::uint64_t next_ = 1 + most_devices;
  std::atomic<std::uint64_t> changes_{1};
};

}  // namespace weft::detail
