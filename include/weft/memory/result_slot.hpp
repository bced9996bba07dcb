// Result slots: a few pinned bytes of each thread into which a kernel writes what a call returns, so that a returning
// call is one launch and one wait, without a copy. One block a thread and run time; threads that end hand theirs on.
#pragma once

#include <weft/runtime.hpp>

#include <mutex>
#include <utility>
#include <vector>

namespace weft::inline v100 {
namespace detail {

struct slot_block {
  runtime* owner;
  int device;
  void* memory;
  std::size_t bytes;
};

// Blocks of threads that ended. Never destroyed: pinned memory is given back with the process.
struct slot_store {
  std::mutex guard;
  std::vector<slot_block> idle;
  static slot_store& instance() {
    static slot_store* const it = new slot_store;
    return *it;
  }
};

struct thread_slots {
  std::vector<slot_block> blocks;
  ~thread_slots() {
    slot_store& store = slot_store::instance();
    std::lock_guard lock(store.guard);
    try {
      store.idle.insert(store.idle.end(), blocks.begin(), blocks.end());
    } catch (...) {  // a few bytes stay unused
    }
  }
};

[[gnu::noinline, gnu::cold]] inline void* new_slot(thread_slots& mine, runtime& owner, int device, std::size_t bytes) {
  mine.blocks.reserve(mine.blocks.size() + 1);
  slot_store& store = slot_store::instance();
  {
    std::lock_guard lock(store.guard);
    for (slot_block& block : store.idle)
      if (block.owner == &owner && block.device == device && block.bytes >= bytes) {
        mine.blocks.push_back(std::exchange(block, store.idle.back()));
        store.idle.pop_back();
        return mine.blocks.back().memory;
      }
  }
  const std::size_t size = bytes < 4096 ? 4096 : bytes;
  mine.blocks.push_back({&owner, device, owner.allocate(memory_kind::pinned, size, device), size});
  return mine.blocks.back().memory;
}

}  // namespace detail

/// At least `bytes` bytes of page-locked memory that the device can write, aligned to 256, of the calling thread; valid
/// until the thread's next call. What the device writes there is visible after the stream was waited for.
inline void* result_slot(runtime& owner, int device, std::size_t bytes) {
  thread_local detail::thread_slots mine;
  for (const detail::slot_block& block : mine.blocks)
    if (block.owner == &owner && block.device == device && block.bytes >= bytes) return block.memory;
  return detail::new_slot(mine, owner, device, bytes);
}

}  // namespace weft
