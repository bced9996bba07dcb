// The run time of every CPU backend and of the emulation: one device, ordinary memory, and streams that are immediate:
// work is done when the call that puts it in returns, so streams and events only carry identity and time.
//
// While a stream records a graph, work put into it becomes an entry of a list instead: copies, fills and host functions
// here, verbs in the cpu family, kernels in the emulation's launch. A replay runs the list. Another stream that waits
// for an event of a recording stream joins its recording, as on a device.
#pragma once

#include <weft/memory/pool.hpp>
#include <weft/memory/recorded_graph.hpp>
#include <weft/profile.hpp>
#include <weft/runtime.hpp>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace weft::inline v100 {
namespace detail {

struct host_graph;
struct host_stream {
  std::uint64_t id;
  host_graph* records = nullptr;
};
struct host_graph : recorded_graph {
  struct entry {
    virtual ~entry() = default;
    virtual void run(stream_ref) = 0;
    entry* next = nullptr;
    bool is_verb = false;
  };
  explicit host_graph(runtime& owner) : recorded_graph(owner, 0, memory_kind::host) {}

  template <class F>
  [[gnu::cold]] void add(bool is_verb, F f) {
    struct made final : entry {
      explicit made(F&& f) : call(static_cast<F&&>(f)) {}
      void run(stream_ref stream) override { call(stream); }
      F call;
    };
    fresh.put(new made(static_cast<F&&>(f)));
    fresh.last->is_verb = is_verb;
  }

  owned_list<entry> entries, fresh;   // what replays run, what is being recorded
  std::vector<host_stream*> streams;  // that record into it now, the first of them first
  bool complete = false;              // can be launched
};

/// The graph that the stream records into, or null. Streams of other run times record nothing here.
inline host_graph* host_recording(stream_ref stream) noexcept;

/// A template of nothing, so that a library may hold its code (weft/prebuilt/cpu_verbs.hpp).
template <class>
class basic_host_runtime final : public runtime {
 public:
  std::string_view name() const noexcept override { return "host"; }
  int device_count() const noexcept override { return 1; }
  int current_device() const override { return 0; }
  [[gnu::cold]] void set_device(int device) override { check(device == 0, "set_device", "the host has device 0 only"); }
  [[gnu::cold]] std::string device_name(int device) override { return device == 0 ? "host" : ""; }

  void* stream_create(int device, stream_options) override {
    check(device == 0, "stream_create", "the host has device 0 only");
    return new host_stream{next_id_.fetch_add(1, std::memory_order_relaxed)};
  }
  void stream_destroy(void* stream) noexcept override { delete static_cast<host_stream*>(stream); }
  void stream_synchronize(stream_ref s) override {
    check(!capturing(s), "stream synchronize", "a stream that records a graph cannot be waited for");
    const told tell(profile::kind::wait, "stream synchronize", s);
  }
  bool device_synchronize(int) override { return true; }
  bool stream_ready(stream_ref) override { return true; }
  // All default streams share one id: work there is done on return, so their memory may be shared too.
  std::uint64_t stream_id(stream_ref s) override { return s.handle ? static_cast<host_stream*>(s.handle)->id : 1; }
  bool capturing(stream_ref s) override { return measuring() || host_recording(s) != nullptr; }
  [[gnu::cold]] void host_callback(stream_ref s, void (*call)(void*), void* argument) override {
    if (measuring()) return;
    if (host_graph* graph = host_recording(s)) return graph->add(false, [=](stream_ref) { call(argument); });
    call(argument);
  }

  [[gnu::cold]] void* event_create(int, bool) override { return new event_state{}; }
  void event_destroy(void* event) noexcept override { delete static_cast<event_state*>(event); }
  void event_record(void* event, stream_ref s) override {
    auto& e = *static_cast<event_state*>(event);
    e.at = static_cast<double>(monotonic_ns()) * 1e-6;
    e.graph = host_recording(s);
  }
  void event_synchronize(void*) override {}
  bool event_ready(void*) override { return true; }
  double event_milliseconds(void* from, void* to) override {
    return static_cast<event_state*>(to)->at - static_cast<event_state*>(from)->at;
  }
  void stream_wait(stream_ref s, void* event) override {
    const auto& e = *static_cast<event_state*>(event);
    // Only the thread that records may pass its recording on, so its own innermost graph is the one to compare with.
    if (e.graph == nullptr || e.graph != recording_now || s.handle == nullptr) return;
    auto* joins = static_cast<host_stream*>(s.handle);
    if (joins->records != nullptr) return;
    e.graph->streams.push_back(joins);
    joins->records = e.graph;
  }

  void* allocate(memory_kind, std::size_t bytes, int) override {
    told tell(profile::kind::allocation, "operator new", {this, nullptr, 0}, nullptr, bytes);
    void* memory = ::operator new (bytes, std::align_val_t{256}, std::nothrow);
    if (memory == nullptr) refuse_memory("host memory", bytes, {this, nullptr, 0});
    tell.memory(memory);
    return memory;
  }
  void deallocate(memory_kind, void* memory, std::size_t bytes, int) noexcept override {
    const told tell(profile::kind::release, "operator delete", {this, nullptr, 0}, memory, bytes);
    ::operator delete (memory, std::align_val_t{256});
  }
  void* allocate_ordered(std::size_t bytes, stream_ref s) override {
    if (host_graph* graph = host_recording(s)) return graph->memory.allocate(bytes, s.handle);
    return allocate(memory_kind::host, bytes, 0);
  }
  void deallocate_ordered(void* memory, std::size_t bytes, stream_ref s) noexcept override {
    if (!graph_memory::freed(memory, s.handle)) deallocate(memory_kind::host, memory, bytes, 0);
  }

  void copy(void* to, const void* from, std::size_t bytes, stream_ref s) override {
    if (bytes == 0 || measuring()) return;
    if (host_graph* graph = host_recording(s))
      return graph->add(false, [=, this](stream_ref replay) { copy(to, from, bytes, replay); });
    const told tell(profile::kind::copy, "copy", s, to, bytes);
    std::memmove(to, from, bytes);
  }
  void fill_bytes(void* to, unsigned char value, std::size_t bytes, stream_ref s) override {
    if (bytes == 0 || measuring()) return;
    if (host_graph* graph = host_recording(s))
      return graph->add(false, [=, this](stream_ref replay) { fill_bytes(to, value, bytes, replay); });
    const told tell(profile::kind::fill, "fill bytes", s, to, bytes);
    std::memset(to, value, bytes);
  }
  [[gnu::cold]] void copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                               std::size_t width, std::size_t rows, stream_ref s) override {
    if (width == 0 || rows == 0) return;
    if (host_graph* graph = host_recording(s))
      return graph->add(
          false, [=, this](stream_ref replay) { copy_rows(to, to_pitch, from, from_pitch, width, rows, replay); });
    const told tell(profile::kind::copy, "copy rows", s, to, width * rows);
    for (std::size_t i = 0; i < rows; ++i)
      std::memmove(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width);
  }
  memory_kind kind_of(const void*) noexcept override { return memory_kind::host; }
  bool accessible(const void*, int) noexcept override { return true; }
  stream_ref default_stream() override { return {this, nullptr, 0}; }
  stream_ref default_stream_of(int device) override {
    check(device == 0, "default stream", "the host has device 0 only");
    return {this, nullptr, 0};
  }

  [[gnu::cold]] bool graph_begin(stream_ref s, capture_mode, void* again) override {
    check(s.handle != nullptr, "capture", "a default stream cannot record: make a weft::stream");
    check(!capturing(s), "capture", "the stream records already");
    auto* graph = again ? static_cast<host_graph*>(again) : new host_graph(*this);
    graph->streams.assign(1, static_cast<host_stream*>(s.handle));
    graph->streams[0]->records = graph;
    graph->memory.start_over();
    graph->outer = std::exchange(recording_now, graph);
    take_interest(graphs_record, 1);
    return true;
  }
  [[gnu::cold]] void* graph_end(stream_ref s, bool keep) override {
    host_graph* graph = host_recording(s);
    take_interest(graphs_record, -1);
    recording_now = graph->outer;
    for (host_stream* stream : graph->streams) stream->records = nullptr;
    if (keep) graph->entries.swap(graph->fresh), graph->complete = true;
    graph->fresh.clear();
    if (graph->complete) return graph;
    delete graph;  // its first recording has failed
    return nullptr;
  }
  [[gnu::cold]] void graph_launch(void* graph, stream_ref s) override {
    check(!capturing(s), "graph launch", "a graph within a graph is not supported on CPU backends");
    const told tell(profile::kind::graph, "graph launch", s);
    for (auto* entry = static_cast<host_graph*>(graph)->entries.first; entry != nullptr; entry = entry->next)
      entry->run(s);
  }
  [[gnu::cold]] graph_facts graph_about(void* graph) override {
    const auto& g = *static_cast<host_graph*>(graph);
    graph_facts facts{0, 0, g.memory.bytes()};
    for (const auto* entry = g.entries.first; entry != nullptr; entry = entry->next)
      ++facts.nodes, facts.kernels += entry->is_verb;
    return facts;
  }
  void graph_destroy(void* graph) noexcept override { delete static_cast<host_graph*>(graph); }

 private:
  struct event_state {
    double at = 0;  // milliseconds
    host_graph* graph = nullptr;
  };
  std::atomic<std::uint64_t> next_id_{2};
};

using host_runtime_type = basic_host_runtime<void>;
// Constant-initialised and without a destructor: usable before main and after it.
inline constinit host_runtime_type host_runtime_object{};

inline host_graph* host_recording(stream_ref stream) noexcept {
  if (!(interest.load(std::memory_order_relaxed) & graphs_record)) [[likely]]
    return nullptr;
  return stream.owner == &host_runtime_object && stream.handle ? static_cast<host_stream*>(stream.handle)->records
                                                               : nullptr;
}

/// What a verb of a CPU backend asks first: the graph that the policy's stream records, or null.
template <class P>
[[gnu::always_inline]] inline host_graph* recording_of(const P& policy) {
  if (!(interest.load(std::memory_order_relaxed) & graphs_record)) [[likely]]
    return nullptr;
  return policy.has_stream() ? host_recording(policy.stream()) : nullptr;
}
}  // namespace detail

/// The run time of seq, openmp, tbb and simt.
inline runtime& host_runtime() noexcept { return detail::host_runtime_object; }

}  // namespace weft
