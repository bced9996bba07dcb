// A vendor with two devices, for gpu/runtime.hpp: the rules of CUDA and HIP about devices, kept strictly. Memory
// belongs to the device that was current when it was allocated, an event records streams of its own device, a graph
// runs where it was recorded, peers reach each other's memory where a test allows it. Work is done at once. It can be
// told to have little memory, to meet an error of a kernel at the next wait, and to have shut down, and it keeps
// account of which device it was asked about and of what options and hints reached it.
#pragma once

#include <weft/gpu/runtime.hpp>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

struct mock_vendor {
  static constexpr const char* name = "mock";
  enum class error {
    success,
    not_ready,
    out_of_memory,
    invalid_device,
    invalid_handle,
    illegal_address,
    not_supported,
    shutting_down
  };
  enum class capture_mode { thread, global, relaxed };
  static constexpr error success = error::success, not_ready = error::not_ready;
  static constexpr capture_mode relaxed_mode = capture_mode::relaxed;

  struct recording {
    int device;
    std::vector<std::function<error()>> work;
  };
  struct stream_state {
    int device;
    std::uint64_t id;
    recording* records = nullptr;
  };
  struct event_state {
    int device;
  };
  using stream = stream_state*;
  using event = event_state*;
  using graph = recording*;
  using graph_exec = recording*;

  struct block {
    std::size_t bytes;
    int device;
    weft::memory_kind kind;
  };
  struct world {
    std::recursive_mutex guard;
    static constexpr int devices = 2;
    std::size_t limit_bytes = ~std::size_t{0};  // of each device
    bool peers = false, shut_down = false;
    error fault = success;  // of a kernel, met at the next wait; the devices are lost then
    std::map<char*, block> blocks;
    std::map<std::tuple<std::uintptr_t, int, int>, stream_state> special;  // legacy and threads' own, of each device
    std::set<int> synchronized;                                            // devices
    bool migrates = false;                                                 // pages of managed memory
    std::vector<std::string> told;                                         // options and hints, in words
    std::uint64_t next_id = 1;
    std::atomic<int> calls{0};  // of everything that would reach the driver
  };
  static world& the() {
    static world* const it = new world;  // outlives static objects
    return *it;
  }
  static inline std::atomic<int> threads{0};
  static inline thread_local int current = 0, thread = ++threads;
  static inline thread_local error last = success;

  // Every call: errors stay for clear_error, as in the vendors' run times.
  static error done(error e) {
    ++the().calls;
    if (the().shut_down) e = error::shutting_down;
    return last = e;
  }
  static error tell(std::string words, error e = success) {
    std::lock_guard lock(the().guard);
    return the().told.push_back(std::move(words)), done(e);
  }
  static stream state_of(stream s) {
    std::lock_guard lock(the().guard);
    const auto bits = reinterpret_cast<std::uintptr_t>(s);
    if (bits > 2) return s;
    auto [at, made] = the().special.try_emplace({bits, current, bits == 2 ? thread : 0}, stream_state{current, 0});
    if (made) at->second.id = the().next_id++;
    return &at->second;
  }
  static const std::pair<char* const, block>* find(const void* memory) {
    std::lock_guard lock(the().guard);
    auto at = the().blocks.upper_bound(static_cast<char*>(const_cast<void*>(memory)));
    if (at == the().blocks.begin()) return nullptr;
    --at;
    return static_cast<const char*>(memory) < at->first + at->second.bytes ? &*at : nullptr;
  }
  static bool reaches(int device, const void* memory) {
    const auto* b = find(memory);
    return b == nullptr || b->second.kind != weft::memory_kind::device || b->second.device == device || the().peers;
  }
  /// Runs now, or at each replay.
  template <class Work>
  static error put(stream s, Work work) {
    std::lock_guard lock(the().guard);
    stream to = state_of(s);
    if (to->records != nullptr) return to->records->work.push_back(work), done(success);
    return done(work());
  }

  // Errors
  static void clear_error() { last = success; }
  static const char* error_name(error e) {
    constexpr const char* names[] = {"mockSuccess",      "mockErrorNotReady", "mockErrorMemoryAllocation",
                                     "mockErrorDevice",  "mockErrorHandle",   "mockErrorIllegalAddress",
                                     "mockErrorSupport", "mockErrorUnloading"};
    return names[static_cast<int>(e)];
  }
  static const char* error_text(error e) { return e == error::illegal_address ? "an illegal address" : "it failed"; }
  static bool is_out_of_memory(error e) { return e == error::out_of_memory; }
  static bool is_fatal(error e) { return e == error::illegal_address; }

  // Devices
  static error get_device_count(int* n) { return *n = world::devices, done(success); }
  static error get_device(int* device) { return *device = current, done(success); }
  static error set_device(int device) {
    if (device < 0 || device >= world::devices) return done(error::invalid_device);
    return current = device, done(success);
  }
  static error pageable_access(bool* can, int) { return *can = false, done(success); }
  static error concurrent_managed(bool* can, int) { return *can = the().migrates, done(success); }
  static error device_name(std::string* text, int device) {
    return *text = "mock " + std::to_string(device), done(success);
  }
  static error device_synchronize() {
    std::lock_guard lock(the().guard);
    return the().synchronized.insert(current), wait();
  }
  static error wait() {
    const error met = the().fault;
    if (met != success && !is_fatal(met)) the().fault = success;
    return done(met);
  }

  // Streams
  static stream per_thread_stream() { return reinterpret_cast<stream>(std::uintptr_t{2}); }
  static error stream_priority_range(int* least, int* greatest) { return *least = 0, *greatest = -5, done(success); }
  static error stream_create(stream* made, bool non_blocking, int priority) {
    std::lock_guard lock(the().guard);
    *made = new stream_state{current, the().next_id++};
    return tell((non_blocking ? "non-blocking stream, priority " : "blocking stream, priority ") +
                std::to_string(priority));
  }
  static void stream_made(stream) {}
  static void stream_gone(stream) noexcept {}
  static error stream_destroy(stream s) { return delete s, done(success); }
  static error stream_synchronize(stream s) {
    std::lock_guard lock(the().guard);
    return state_of(s)->records ? done(error::invalid_handle) : wait();
  }
  static error stream_query(stream) { return wait(); }
  static std::uint64_t stream_id(stream s, int) {
    std::lock_guard lock(the().guard);
    return state_of(s)->id;
  }
  static error is_capturing(stream s, bool* yes) {
    std::lock_guard lock(the().guard);
    return *yes = state_of(s)->records != nullptr, done(success);
  }
  static error exchange_capture_mode(capture_mode*) { return done(success); }
  static error launch_host_function(stream s, void (*call)(void*), void* argument) {
    return put(s, [=] { return call(argument), success; });
  }

  // Events
  static error event_create(event* made, bool timing) {
    return *made = new event_state{current}, tell(timing ? "event with timing" : "event");
  }
  static error event_destroy(event e) { return delete e, done(success); }
  static error event_record(event e, stream s) {
    std::lock_guard lock(the().guard);
    return done(state_of(s)->device == e->device ? success : error::invalid_handle);
  }
  static error event_synchronize(event) { return wait(); }
  static error event_query(event) { return wait(); }
  static error event_elapsed(float* ms, event, event) { return *ms = 1, done(success); }
  static error stream_wait_event(stream, event) { return done(success); }

  // Memory
  static const char* malloc_name(weft::memory_kind) { return "mockMalloc"; }
  static error take(void** memory, std::size_t bytes, weft::memory_kind kind) {
    std::lock_guard lock(the().guard);
    std::size_t held = 0;
    for (const auto& [at, b] : the().blocks) held += b.device == current ? b.bytes : 0;
    if (the().limit_bytes < held || bytes > the().limit_bytes - held) return done(error::out_of_memory);
    *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    the().blocks[static_cast<char*>(*memory)] = {bytes, current, kind};
    return done(success);
  }
  static error malloc_device(void** m, std::size_t bytes) { return take(m, bytes, weft::memory_kind::device); }
  static error malloc_pinned(void** m, std::size_t bytes) { return take(m, bytes, weft::memory_kind::pinned); }
  static error malloc_managed(void** m, std::size_t bytes) { return take(m, bytes, weft::memory_kind::managed); }
  static error malloc_ordered(void** m, std::size_t bytes, stream s) {
    const int before = std::exchange(current, state_of(s)->device);
    const error result = malloc_device(m, bytes);
    return current = before, result;
  }
  static error free_device(void* memory) {
    std::lock_guard lock(the().guard);
    if (the().shut_down || the().blocks.erase(static_cast<char*>(memory)) == 0) return done(error::invalid_handle);
    return std::free(memory), done(success);
  }
  static error free_pinned(void* memory) { return free_device(memory); }
  static error free_ordered(void* memory, stream) { return free_device(memory); }
  static error copy(void* to, const void* from, std::size_t bytes, stream s) {  // between any two devices
    return put(s, [=] { return std::memmove(to, from, bytes), success; });
  }
  static error fill(void* to, unsigned char value, std::size_t bytes, stream s) {
    const int device = state_of(s)->device;
    return put(s, [=] {
      if (!reaches(device, to)) return the().fault = error::illegal_address;
      return std::memset(to, value, bytes), success;
    });
  }
  static error copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t rows, stream s) {
    return put(s, [=] {
      for (std::size_t i = 0; i < rows; ++i)
        std::memcpy(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width);
      return success;
    });
  }
  static error prefetch(const void*, std::size_t bytes, int device, stream) {
    return tell("prefetch of " + std::to_string(bytes) + " bytes to " + std::to_string(device),
                the().migrates ? success : error::not_supported);
  }
  static error advise(const void*, std::size_t bytes, weft::memory_advice advice, int device) {
    return tell("advice " + std::to_string(static_cast<int>(advice)) + " about " + std::to_string(bytes) +
                    " bytes for " + std::to_string(device),
                the().migrates ? success : error::not_supported);
  }

  // Graphs
  static error begin_capture(stream s, weft::capture_mode) {
    std::lock_guard lock(the().guard);
    if (reinterpret_cast<std::uintptr_t>(s) < 2) return done(error::invalid_handle);
    return state_of(s)->records = new recording{state_of(s)->device, {}}, done(success);
  }
  static error end_capture(stream s, graph* made) {
    std::lock_guard lock(the().guard);
    return *made = std::exchange(state_of(s)->records, nullptr), done(success);
  }
  static error graph_destroy(graph g) { return delete g, done(success); }
  static error instantiate(graph_exec* made, graph from) { return *made = new recording(*from), done(success); }
  static error exec_destroy(graph_exec g) { return delete g, done(success); }
  static bool exec_update(graph_exec g, graph from) {  // as the vendors: only where the shape is the same
    const bool same = g->work.size() == from->work.size();
    if (same) g->work = from->work;
    return tell(same ? "graph update" : "graph update refused"), same;
  }
  static error graph_launch(graph_exec g, stream s) {
    if (state_of(s)->device != g->device) return done(error::invalid_handle);
    for (const auto& work : g->work)
      if (const error e = work(); e != success) return done(e);
    return done(success);
  }
  static error graph_upload(graph_exec, stream) { return tell("graph upload"); }
  static weft::graph_facts graph_about(graph g) { return {g->work.size(), 0, 0}; }

  struct pointer_facts {
    weft::memory_kind kind = weft::memory_kind::host;
    int device = -1;
    bool reachable = true;
  };
  static error pointer_query(pointer_facts* facts, const void* memory) {
    std::lock_guard lock(the().guard);
    if (const auto* b = find(memory)) *facts = {b->second.kind, b->second.device, reaches(current, memory)};
    return done(success);
  }
};

inline constinit weft::gpu::vendor_runtime<mock_vendor> mock_vendor_runtime{};
