// What every run time keeps for a recorded graph: the temporary memory of the calls in it, which lives as long as the
// graph, and host functions it calls. While a thread records, ordered allocations of the recording stream come from
// here: a replay then allocates nothing, and nobody else can be given the memory between replays. A block freed in the
// recording is handed out again in it, to the same stream, because a replay runs in that order too.
#pragma once

#include <weft/runtime.hpp>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace weft::inline v100::detail {

class graph_memory {
 public:
  graph_memory(runtime& owner, int device, memory_kind kind) noexcept : owner_(owner), device_(device), kind_(kind) {}
  graph_memory(const graph_memory&) = delete;
  graph_memory& operator=(const graph_memory&) = delete;
  /// All replays are done. What a buffer still holds is left to it.
  [[gnu::cold]] ~graph_memory() {
    registry& all = registry::instance();
    std::lock_guard lock(all.guard);
    for (const block& b : blocks_)
      if (!b.held) give_back(b), all.blocks.fetch_sub(1);
    std::erase(all.graphs, this);
    for (const block& b : blocks_)
      if (b.held) all.orphans.push_back({b, &owner_, device_, kind_});  // reserved in allocate
  }

  /// In the order of the recording stream.
  [[gnu::cold]] void* allocate(std::size_t bytes, void* stream) {
    registry& all = registry::instance();
    std::lock_guard lock(all.guard);
    block* best = nullptr;
    for (block& b : blocks_)
      if (!b.held && b.bytes >= bytes && (b.stream == stream || b.stream == nullptr) &&
          (best == nullptr || b.bytes < best->bytes))
        best = &b;
    if (best == nullptr) {
      if (blocks_.empty()) all.graphs.push_back(this);
      blocks_.reserve(blocks_.size() + 1);
      all.orphans.reserve(all.orphans.size() + static_cast<std::size_t>(all.blocks.load()) + 1);
      blocks_.push_back({owner_.allocate(kind_, bytes, device_), bytes, stream, true});
      all.blocks.fetch_add(1);
      return blocks_.back().memory;
    }
    best->held = true;
    best->stream = stream;
    return best->memory;
  }
  /// A new recording begins: what nobody holds may be handed out to any stream.
  [[gnu::cold]] void start_over() noexcept {
    std::lock_guard lock(registry::instance().guard);
    for (block& b : blocks_)
      if (!b.held) b.stream = nullptr;
  }
  std::size_t bytes() const noexcept {
    std::size_t all = 0;
    for (const block& b : blocks_) all += b.bytes;
    return all;
  }

  /// True when the memory is a graph's; then its holder has let go of it, in the order of `stream`.
  static bool freed(void* memory, void* stream) noexcept {
    registry& all = registry::instance();
    if (all.blocks.load(std::memory_order_relaxed) == 0) return false;
    std::lock_guard lock(all.guard);
    for (graph_memory* graph : all.graphs)
      for (block& b : graph->blocks_)
        if (b.memory == memory) return b.held = false, b.stream = stream, true;
    for (auto at = all.orphans.begin(); at != all.orphans.end(); ++at)
      if (at->what.memory == memory) {
        at->owner->deallocate(at->kind, memory, at->what.bytes, at->device);
        all.orphans.erase(at);
        all.blocks.fetch_sub(1);
        return true;
      }
    return false;
  }

 private:
  struct block {
    void* memory;
    std::size_t bytes;
    void* stream;
    bool held;
  };
  struct orphan {
    block what;
    runtime* owner;
    int device;
    memory_kind kind;
  };
  struct registry {
    std::mutex guard;
    std::vector<graph_memory*> graphs;
    std::vector<orphan> orphans;
    std::atomic<int> blocks{0};
    static registry& instance() {  // never destroyed: buffers with static storage may free after main
      static registry* const it = new registry;
      return *it;
    }
  };
  void give_back(const block& b) noexcept { owner_.deallocate(kind_, b.memory, b.bytes, device_); }

  runtime& owner_;
  const int device_;
  const memory_kind kind_;
  std::vector<block> blocks_;
};

/// Nodes, each with a pointer `next`, owned in the order in which they were put in.
template <class Node>
struct owned_list {
  owned_list() = default;
  owned_list(const owned_list&) = delete;
  owned_list& operator=(const owned_list&) = delete;
  ~owned_list() { clear(); }
  bool empty() const noexcept { return first == nullptr; }
  void put(Node* made) noexcept {
    (last ? last->next : first) = made;
    last = made;
  }
  void clear() noexcept {
    while (first != nullptr) delete std::exchange(first, first->next);
    last = nullptr;
  }
  void swap(owned_list& other) noexcept {
    std::swap(first, other.first);
    std::swap(last, other.last);
  }
  Node *first = nullptr, *last = nullptr;
};

/// A host function that belongs to a graph.
struct kept_function {
  virtual ~kept_function() = default;
  kept_function* next = nullptr;
};

/// Base of the run times' graphs.
struct recorded_graph {
  recorded_graph(runtime& owner, int device, memory_kind kind) noexcept : memory(owner, device, kind) {}
  graph_memory memory;
  owned_list<kept_function> kept;   // that replays call
  recorded_graph* outer = nullptr;  // what the thread recorded before
};
/// What the calling thread records now, the innermost one.
inline constinit thread_local recorded_graph* recording_now = nullptr;

}  // namespace weft::detail
