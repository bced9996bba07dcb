// A device that is a list of queues: work put into a stream runs when a seeded schedule picks it, one operation at a
// time, so a test sees every order that a real device may choose. Native handles are reused at once, as the vendors do;
// ids are not. It keeps account of what it was asked for (waits of the host above all) and can be told to misbehave: to
// have no memory left, to have shut down, and, as planted faults, to reuse ids and to call every event passed.
#pragma once

#include <weft/error.hpp>
#include <weft/runtime.hpp>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <vector>

class mock_runtime final : public weft::runtime {
 public:
  using stream_ref = weft::stream_ref;

  explicit mock_runtime(unsigned seed = 1) : random_(seed) {}
  ~mock_runtime() {
    for (auto& [memory, bytes] : vendor_blocks) std::free(memory);
  }

  // What tests set and read.
  std::size_t memory_limit = ~std::size_t{0};
  bool shut_down = false;  // every call fails, as after the driver's end
  bool fault_ids_are_handles = false;
  bool fault_events_always_passed = false;
  std::atomic<int> host_waits{0}, device_waits{0}, vendor_allocations{0}, events_recorded{0};
  int freed_in_use = 0;                        // vendor blocks given back while queued work still names them
  std::map<void*, std::size_t> vendor_blocks;  // outstanding
  std::set<void*> capturing_handles;
  std::map<void*, std::size_t> graph_blocks;  // from allocate_ordered

  /// Queues an operation; `memory` is what it touches.
  void run(stream_ref s, std::function<void()> work, const void* memory = nullptr) {
    std::lock_guard lock(guard_);
    queue_of(s).work.push_back({std::move(work), memory, nullptr, nullptr});
  }
  /// Runs up to n operations of any streams, in random order among streams.
  void step(int n = 1) {
    std::lock_guard lock(guard_);
    while (n-- > 0 && step_locked()) {}
  }
  void drain() {
    std::lock_guard lock(guard_);
    while (step_locked()) {}
  }
  std::size_t pending() const {
    std::size_t n = 0;
    for (auto& q : queues_) n += q->work.size();
    return n;
  }
  stream_ref ref(void* handle) { return {this, handle, 0}; }

  std::string_view name() const noexcept override { return "mock"; }
  int device_count() const noexcept override { return 1; }
  int current_device() const override { return 0; }
  void set_device(int) override {}

  void* stream_create(int, weft::stream_options) override {
    std::lock_guard lock(guard_);
    if (free_handles_.empty()) free_handles_.push_back(reinterpret_cast<void*>(0x1000 + 16 * ++handles_made_));
    void* handle = free_handles_.back();
    free_handles_.pop_back();
    by_handle_[handle] = new_queue();
    return handle;
  }
  void stream_destroy(void* handle) noexcept override {  // what is queued still runs
    std::lock_guard lock(guard_);
    by_handle_.erase(handle);
    free_handles_.push_back(handle);
  }
  void stream_synchronize(stream_ref s) override {
    std::lock_guard lock(guard_);
    alive();
    ++host_waits;
    if (s.handle == nullptr) {  // the legacy stream waits for the default streams of all threads
      for (auto& q : queues_)
        if (q->thread_default) finish(*q);
    }
    finish(queue_of(s));
  }
  bool device_synchronize(int) override {
    std::lock_guard lock(guard_);
    alive();
    ++host_waits;
    for (auto& q : queues_) finish(*q);
    return true;
  }
  bool stream_ready(stream_ref s) override {
    std::lock_guard lock(guard_);
    alive();
    return queue_of(s).work.empty();
  }
  std::uint64_t stream_id(stream_ref s) override {
    std::lock_guard lock(guard_);
    alive();
    return fault_ids_are_handles ? reinterpret_cast<std::uint64_t>(s.handle) : queue_of(s).id;
  }
  bool capturing(stream_ref s) override {
    std::lock_guard lock(guard_);
    alive();
    return capturing_handles.count(s.handle) != 0;
  }
  void host_callback(stream_ref s, void (*call)(void*), void* argument) override {
    run(s, [=] { call(argument); });
  }

  void* event_create(int, bool) override {
    std::lock_guard lock(guard_);
    alive();
    events_.push_back(std::make_unique<event_state>());
    return events_.back().get();
  }
  void event_destroy(void* event) noexcept override {
    std::erase_if(events_, [&](auto& e) { return e.get() == event; });
  }
  void event_record(void* event, stream_ref s) override {
    std::lock_guard lock(guard_);
    alive();
    ++events_recorded;
    auto* e = static_cast<event_state*>(event);
    e->passed = std::make_shared<bool>(false);
    queue_of(s).work.push_back({nullptr, nullptr, e->passed, nullptr});
  }
  void event_synchronize(void* event) override {
    std::lock_guard lock(guard_);
    alive();
    ++host_waits;
    auto* e = static_cast<event_state*>(event);
    while (!*e->passed && step_locked()) {}
  }
  bool event_ready(void* event) override {
    std::lock_guard lock(guard_);
    alive();
    auto* e = static_cast<event_state*>(event);
    return fault_events_always_passed || *e->passed;
  }
  double event_milliseconds(void*, void*) override { return 1; }
  void stream_wait(stream_ref s, void* event) override {
    std::lock_guard lock(guard_);
    alive();
    ++device_waits;
    queue_of(s).work.push_back({nullptr, nullptr, nullptr, static_cast<event_state*>(event)->passed});
  }

  void* allocate(weft::memory_kind, std::size_t bytes, int) override {
    std::lock_guard lock(guard_);
    alive();
    std::size_t held = 0;
    for (auto& [memory, size] : vendor_blocks) held += size;
    if (bytes > memory_limit - held) weft::detail::refuse_memory("mock memory", bytes, {this, nullptr, 0});
    ++vendor_allocations;
    void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    vendor_blocks[memory] = bytes;
    return memory;
  }
  void deallocate(weft::memory_kind, void* memory, std::size_t bytes, int) noexcept override {
    std::lock_guard lock(guard_);
    if (shut_down) return;
    auto* first = static_cast<char*>(memory);
    for (auto& q : queues_)
      for (auto& w : q->work)
        if (w.memory >= first && w.memory < first + bytes) ++freed_in_use;
    vendor_blocks.erase(memory);
    std::free(memory);
  }
  void* allocate_ordered(std::size_t bytes, stream_ref) override {
    void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    std::lock_guard lock(guard_);
    graph_blocks[memory] = bytes;
    return memory;
  }
  void deallocate_ordered(void* memory, std::size_t, stream_ref s) noexcept override {
    {
      std::lock_guard lock(guard_);
      if (graph_blocks.erase(memory) == 0) std::abort();
    }
    run(s, [memory] { std::free(memory); });
  }

  void copy(void* to, const void* from, std::size_t bytes, stream_ref s) override {
    run(
        s, [=] { std::memcpy(to, from, bytes); }, to);
  }
  void fill_bytes(void* to, unsigned char value, std::size_t bytes, stream_ref s) override {
    run(
        s, [=] { std::memset(to, value, bytes); }, to);
  }
  weft::memory_kind kind_of(const void*) noexcept override { return weft::memory_kind::device; }
  bool accessible(const void*, int) noexcept override { return true; }
  stream_ref default_stream() override { return {this, thread_default_handle(), 0}; }

 private:
  struct event_state {
    std::shared_ptr<bool> passed = std::make_shared<bool>(true);  // of the newest record; waits keep the one they saw
  };
  struct operation {
    std::function<void()> work;
    const void* memory;
    std::shared_ptr<bool> records, waits_for;
  };
  struct queue {
    std::uint64_t id;
    bool thread_default = false;
    std::deque<operation> work;
  };

  static void* thread_default_handle() { return reinterpret_cast<void*>(2); }
  void alive() const {
    if (shut_down) throw weft::error("mock", "mockErrorUnloading", "driver shutting down");
  }
  std::shared_ptr<queue> new_queue() {
    std::erase_if(queues_, [](auto& q) { return q.use_count() == 1 && q->work.empty(); });
    queues_.push_back(std::make_shared<queue>());
    queues_.back()->id = next_id_++;
    return queues_.back();
  }
  queue& queue_of(stream_ref s) {
    if (s.handle != thread_default_handle()) {
      auto& q = by_handle_[s.handle];
      if (!q) q = new_queue();
      return *q;
    }
    thread_local std::map<std::uint64_t, std::shared_ptr<queue>> mine;  // by run time
    auto& q = mine[serial_];
    if (!q) {
      q = new_queue();
      q->thread_default = true;
    }
    return *q;
  }
  bool runnable(const queue& q) const {
    return !q.work.empty() && (!q.work.front().waits_for || *q.work.front().waits_for);
  }
  bool step_locked() {
    std::vector<queue*> ready;
    for (auto& q : queues_)
      if (runnable(*q)) ready.push_back(q.get());
    if (ready.empty()) return false;
    step_queue(*ready[random_() % ready.size()]);
    return true;
  }
  static void step_queue(queue& q) {
    operation w = std::move(q.work.front());
    q.work.pop_front();
    if (w.work) w.work();
    if (w.records) *w.records = true;
  }
  void finish(queue& q) {
    while (!q.work.empty() && step_locked()) {}
    if (!q.work.empty()) std::abort();  // streams wait for each other
  }

  inline static std::atomic<std::uint64_t> serials_{0};
  const std::uint64_t serial_ = ++serials_;
  std::mutex guard_;
  std::mt19937 random_;
  std::uint64_t next_id_ = 1;
  std::uintptr_t handles_made_ = 0;
  std::vector<std::shared_ptr<queue>> queues_;
  std::map<void*, std::shared_ptr<queue>> by_handle_;
  std::vector<void*> free_handles_;
  std::vector<std::unique_ptr<event_state>> events_;
};
