// The run time of CUDA and HIP, written once over a traits class of vendor calls (cuda/runtime.hpp, hip/runtime.hpp),
// which are spelled alike but for a prefix. Plain C++: no kernel and no vendor compiler needed. On a machine without a
// driver device_count() is 0 and every other call throws (or, where marked noexcept, does nothing).
//
// Queries that CUDA forbids to all threads while one of them records a graph in global mode (allocation, event and
// stream queries) run with the calling thread's capture mode relaxed: they touch nothing that is being recorded.
//
// The vendors' run times do not work in a child forked after their first use: every call is refused there at once, and
// what the child inherited may be destroyed.
#pragma once

#include <weft/error.hpp>
#include <weft/memory/recorded_graph.hpp>
#include <weft/profile.hpp>
#include <weft/runtime.hpp>

#include <pthread.h>
#include <atomic>
#include <new>
#include <utility>

namespace weft::inline v100::gpu {

/// Throws weft::error with the vendor's name and text unless the call succeeded. The error state of the thread is
/// cleared, so nobody meets the same error again; one that has ended the device's context says at later calls where it
/// began. Inside an algorithm the text begins with its name, and the place is that of its policy.
template <class Vendor>
[[noreturn, gnu::noinline, gnu::cold]] void fail(typename Vendor::error failed, std::string_view step,
                                                 std::source_location where = {}) {
  static constinit std::atomic<const std::string*> first_fatal{nullptr};
  Vendor::clear_error();
  const auto algorithm = weft::detail::this_call;
  std::string call(algorithm.name);
  if (!call.empty()) call.append(": ");
  call.append(step);
  if (!algorithm.name.empty() && where.line() == 0) where = algorithm.where;
  const char* name = Vendor::error_name(failed);
  if (Vendor::is_out_of_memory(failed)) throw out_of_memory(call, name, Vendor::error_text(failed), where);
  std::string text = Vendor::error_text(failed);
  if (Vendor::is_fatal(failed)) {
    const std::string* met = first_fatal.load(std::memory_order_acquire);
    if (met == nullptr) {
      auto* copy = new const std::string(call);  // kept: any later call may need it
      if (!first_fatal.compare_exchange_strong(met, copy)) delete copy;
    }
    if (met != nullptr) text = "the device is lost to this process since an earlier error, met in " + *met;
  }
  throw error(call, name, text, where);
}

template <class Vendor>
void check(typename Vendor::error result, std::string_view call, const std::source_location& where = {}) {
  if (result != Vendor::success) [[unlikely]]
    fail<Vendor>(result, call, where);
}

template <class Vendor>
class vendor_runtime final : public runtime {
 public:
  using stream_t = typename Vendor::stream;
  using event_t = typename Vendor::event;

  std::string_view name() const noexcept override { return Vendor::name; }

  int device_count() const noexcept override {
    int n = count_.load(std::memory_order_relaxed);
    if (n >= 0) return n;
    if (!good(Vendor::get_device_count(&n))) n = 0;
    if (n > 0) {
      static const int watched = pthread_atfork(nullptr, nullptr, [] { forked_.store(true); });
      static_cast<void>(watched);
    }
    count_.store(n, std::memory_order_relaxed);
    return n;
  }
  int current_device() const override {
    check_process();
    int device = 0;
    const auto result = Vendor::get_device(&device);
    if (result != Vendor::success) [[unlikely]] {
      if (device_count() == 0)
        throw error(Vendor::name, Vendor::error_name(result), "no device, or no driver, on this machine");
      fail<Vendor>(result, "current device");
    }
    return device;
  }
  void set_device(int device) override {
    require_device(device);
    check<Vendor>(Vendor::set_device(device), "set device");
  }

  void* stream_create(int device, stream_options options) override {
    const on_device guard(*this, device);
    int least = 0, greatest = 0;  // greatest is the lower number
    check<Vendor>(Vendor::stream_priority_range(&least, &greatest), "stream priorities");
    const int priority = options.priority < greatest ? greatest : (options.priority > least ? least : options.priority);
    stream_t made{};
    check<Vendor>(Vendor::stream_create(&made, options.non_blocking, priority), "stream create");
    Vendor::stream_made(made);
    return made;
  }
  void stream_destroy(void* stream) noexcept override {
    Vendor::stream_gone(static_cast<stream_t>(stream));
    good(Vendor::stream_destroy(static_cast<stream_t>(stream)));
  }
  void stream_synchronize(stream_ref s) override {
    const on_device guard = for_stream(s);
    const relaxed_capture relaxed;
    const weft::detail::told tell(profile::kind::wait, "stream synchronize", s);
    check<Vendor>(Vendor::stream_synchronize(native(s)), "stream synchronize");
  }
  bool device_synchronize(int device) override {
    const on_device guard(*this, device);
    const relaxed_capture relaxed;
    const weft::detail::told tell(profile::kind::wait, "device synchronize", {this, nullptr, device});
    check<Vendor>(Vendor::device_synchronize(), "device synchronize");
    return true;
  }
  bool stream_ready(stream_ref s) override {
    const on_device guard = for_stream(s);
    const relaxed_capture relaxed;
    return finished(Vendor::stream_query(native(s)), "stream query");
  }
  std::uint64_t stream_id(stream_ref s) override {
    const on_device guard = for_stream(s);
    return Vendor::stream_id(native(s), s.device);
  }
  bool capturing(stream_ref s) override {
    if (weft::detail::measuring()) return true;
    const on_device guard = for_stream(s);
    bool yes = false;
    return good(Vendor::is_capturing(native(s), &yes)) && yes;
  }
  void host_callback(stream_ref s, void (*call)(void*), void* argument) override {
    if (weft::detail::measuring()) return;
    const on_device guard = for_stream(s);
    check<Vendor>(Vendor::launch_host_function(native(s), call, argument), "host callback");
  }

  void* event_create(int device, bool timing) override {
    const on_device guard(*this, device);
    const relaxed_capture relaxed;
    event_t made{};
    check<Vendor>(Vendor::event_create(&made, timing), "event create");
    return made;
  }
  void event_destroy(void* event) noexcept override { good(Vendor::event_destroy(static_cast<event_t>(event))); }
  void event_record(void* event, stream_ref s) override {
    const on_device guard = for_stream(s);
    check<Vendor>(Vendor::event_record(static_cast<event_t>(event), native(s)), "event record");
  }
  void event_synchronize(void* event) override {
    check_process();
    const relaxed_capture relaxed;
    const weft::detail::told tell(profile::kind::wait, "event synchronize", {this, nullptr, 0});
    check<Vendor>(Vendor::event_synchronize(static_cast<event_t>(event)), "event synchronize");
  }
  bool event_ready(void* event) override {
    check_process();
    const relaxed_capture relaxed;
    return finished(Vendor::event_query(static_cast<event_t>(event)), "event query");
  }
  double event_milliseconds(void* from, void* to) override {
    float ms = 0;
    check<Vendor>(Vendor::event_elapsed(&ms, static_cast<event_t>(from), static_cast<event_t>(to)),
                  "event elapsed time");
    return static_cast<double>(ms);
  }
  void stream_wait(stream_ref s, void* event) override {
    const on_device guard = for_stream(s);
    check<Vendor>(Vendor::stream_wait_event(native(s), static_cast<event_t>(event)), "stream wait");
  }

  void* allocate(memory_kind kind, std::size_t bytes, int device) override {
    void* memory = nullptr;
    if (kind == memory_kind::host) {
      weft::detail::told tell(profile::kind::allocation, "operator new", {this, nullptr, device}, nullptr, bytes);
      memory = ::operator new (bytes, std::align_val_t{256}, std::nothrow);
      if (memory == nullptr) detail::refuse_memory("host memory", bytes, {this, nullptr, device});
      tell.memory(memory);
      return memory;
    }
    const on_device guard(*this, device);
    const relaxed_capture relaxed;
    weft::detail::told tell(profile::kind::allocation, Vendor::malloc_name(kind), {this, nullptr, device}, nullptr,
                            bytes);
    const auto result = kind == memory_kind::pinned    ? Vendor::malloc_pinned(&memory, bytes)
                        : kind == memory_kind::managed ? Vendor::malloc_managed(&memory, bytes)
                                                       : Vendor::malloc_device(&memory, bytes);
    if (Vendor::is_out_of_memory(result)) {
      Vendor::clear_error();
      detail::refuse_memory(Vendor::malloc_name(kind), bytes, {this, nullptr, device}, Vendor::error_name(result));
    }
    check<Vendor>(result, Vendor::malloc_name(kind));
    tell.memory(memory);
    return memory;
  }
  void deallocate(memory_kind kind, void* memory, std::size_t bytes, int device) noexcept override {
    if (kind == memory_kind::host) {
      const weft::detail::told tell(profile::kind::release, "operator delete", {this, nullptr, device}, memory, bytes);
      return ::operator delete (memory, std::align_val_t{256});
    }
    const relaxed_capture relaxed;
    const weft::detail::told tell(profile::kind::release, "free", {this, nullptr, device}, memory, bytes);
    good(kind == memory_kind::pinned ? Vendor::free_pinned(memory) : Vendor::free_device(memory));
  }
  void* allocate_ordered(std::size_t bytes, stream_ref s) override {
    const on_device guard = for_stream(s);
    void* memory = nullptr;
    if (graph* const recorded = recording(s)) return recorded->memory.allocate(bytes, s.handle);
    weft::detail::told tell(profile::kind::allocation, "ordered allocation", s, nullptr, bytes);
    const auto result = Vendor::malloc_ordered(&memory, bytes, native(s));
    if (Vendor::is_out_of_memory(result)) {
      Vendor::clear_error();
      detail::refuse_memory("ordered allocation", bytes, s, Vendor::error_name(result));
    }
    check<Vendor>(result, "ordered allocation");
    tell.memory(memory);
    return memory;
  }
  void deallocate_ordered(void* memory, std::size_t bytes, stream_ref s) noexcept override {
    if (weft::detail::graph_memory::freed(memory, s.handle)) return;
    try {
      const weft::detail::told tell(profile::kind::release, "ordered free", s, memory, bytes);
      const on_device guard = for_stream(s);
      good(Vendor::free_ordered(memory, native(s)));
    } catch (...) {  // no device any more: nothing to give back
    }
  }

  void copy(void* to, const void* from, std::size_t bytes, stream_ref s) override {
    if (bytes == 0 || weft::detail::measuring()) return;
    const on_device guard = for_stream(s);
    const weft::detail::told tell(profile::kind::copy, "copy", s, to, bytes);
    check<Vendor>(Vendor::copy(to, from, bytes, native(s)), "copy");
  }
  void fill_bytes(void* to, unsigned char value, std::size_t bytes, stream_ref s) override {
    if (bytes == 0 || weft::detail::measuring()) return;
    const on_device guard = for_stream(s);
    const weft::detail::told tell(profile::kind::fill, "fill bytes", s, to, bytes);
    check<Vendor>(Vendor::fill(to, value, bytes, native(s)), "fill bytes");
  }

  void copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                 std::size_t rows, stream_ref s) override {
    if (width == 0 || rows == 0 || weft::detail::measuring()) return;
    const on_device guard = for_stream(s);
    const weft::detail::told tell(profile::kind::copy, "copy rows", s, to, width * rows);
    check<Vendor>(Vendor::copy_rows(to, to_pitch, from, from_pitch, width, rows, native(s)), "copy rows");
  }
  void prefetch(const void* memory, std::size_t bytes, int device, stream_ref s) override {
    if (bytes == 0 || weft::detail::measuring() || !migrates(device < 0 ? s.device : device)) return;
    const on_device guard = for_stream(s);
    const weft::detail::told tell(profile::kind::copy, "prefetch", s, memory, bytes);
    check<Vendor>(Vendor::prefetch(memory, bytes, device, native(s)), "prefetch");
  }
  void advise(const void* memory, std::size_t bytes, memory_advice advice, int device) override {
    if (bytes == 0 || !migrates(device < 0 ? current_device() : device)) return;
    const relaxed_capture relaxed;
    check<Vendor>(Vendor::advise(memory, bytes, advice, device), "memory advice");
  }

  memory_kind kind_of(const void* memory) noexcept override {
    if (memory == nullptr || device_count() == 0) return memory_kind::unknown;
    typename Vendor::pointer_facts facts;
    return good(Vendor::pointer_query(&facts, memory)) ? facts.kind : memory_kind::host;
  }
  bool accessible(const void* memory, int device) noexcept override {
    if (memory == nullptr || device < 0 || device >= device_count()) return false;
    if (forked_.load(std::memory_order_relaxed)) return true;  // who launches is told what is wrong
    typename Vendor::pointer_facts facts;
    if (!good(Vendor::pointer_query(&facts, memory))) facts.kind = memory_kind::host;  // HIP: an error for plain memory
    switch (facts.kind) {
      case memory_kind::device:
        return facts.device == device || peer_enabled(memory, device);
      case memory_kind::pinned:
      case memory_kind::managed:
        return true;
      default:
        return pageable(device);
    }
  }

  stream_ref default_stream() override { return {this, Vendor::per_thread_stream(), current_device()}; }
  stream_ref default_stream_of(int device) override {
    check_process();
    require_device(device);
    return {this, Vendor::per_thread_stream(), device};
  }

  std::string device_name(int device) override {
    std::string name;
    if (device >= 0 && device < device_count()) check<Vendor>(Vendor::device_name(&name, device), "device name");
    return name;
  }

  bool graph_begin(stream_ref s, capture_mode mode, void* again) override {
    const on_device guard = for_stream(s);
    auto* const into = again ? static_cast<graph*>(again) : new graph(*this, s.device);
    into->memory.start_over();
    const auto result = Vendor::begin_capture(native(s), mode);
    if (result != Vendor::success) {
      if (!again) delete into;
      fail<Vendor>(result, "capture");
    }
    into->outer = std::exchange(weft::detail::recording_now, into);
    weft::detail::take_interest(weft::detail::graphs_record, 1);
    return true;
  }
  void* graph_end(stream_ref s, bool keep) override {
    auto* const into = static_cast<graph*>(weft::detail::recording_now);
    weft::detail::recording_now = into->outer;
    weft::detail::take_interest(weft::detail::graphs_record, -1);
    const on_device guard = for_stream(s);
    typename Vendor::graph made{};
    auto result = Vendor::end_capture(native(s), &made);
    if (result == Vendor::success && keep) {
      into->facts = Vendor::graph_about(made);
      result = into->renew(made);
    }
    if (made != nullptr) good(Vendor::graph_destroy(made));
    if (result == Vendor::success && keep) return into;
    const bool is_new = into->exec == nullptr;
    if (is_new) delete into;
    Vendor::clear_error();
    if (keep) fail<Vendor>(result, "capture");
    return is_new ? nullptr : into;
  }
  void graph_launch(void* handle, stream_ref s) override {
    const on_device guard = for_stream(s);
    const weft::detail::told tell(profile::kind::graph, "graph launch", s);
    check<Vendor>(Vendor::graph_launch(static_cast<graph*>(handle)->exec, native(s)), "graph launch");
  }
  void graph_upload(void* handle, stream_ref s) override {
    const on_device guard = for_stream(s);
    check<Vendor>(Vendor::graph_upload(static_cast<graph*>(handle)->exec, native(s)), "graph upload");
  }
  graph_facts graph_about(void* handle) override {
    const auto& g = *static_cast<graph*>(handle);
    return {g.facts.nodes, g.facts.kernels, g.memory.bytes()};
  }
  // Replays may still run in memory that goes with the graph.
  void graph_destroy(void* handle) noexcept override {
    auto* const g = static_cast<graph*>(handle);
    const relaxed_capture relaxed;
    try {
      const on_device guard(*this, g->device);
      if (g->memory.bytes() != 0 || !g->kept.empty()) good(Vendor::device_synchronize());
    } catch (...) {  // the driver has gone
    }
    delete g;
  }

 private:
  struct graph : weft::detail::recorded_graph {
    graph(runtime& owner, int at) : recorded_graph(owner, at, memory_kind::device), device(at) {}
    ~graph() {
      if (exec != nullptr) good(Vendor::exec_destroy(exec));
    }
    // By an update in place where only arguments have changed, which costs a tenth.
    typename Vendor::error renew(typename Vendor::graph made) {
      if (exec != nullptr) {
        if (Vendor::exec_update(exec, made)) return Vendor::success;
        Vendor::clear_error();
      }
      typename Vendor::graph_exec young{};
      const auto result = Vendor::instantiate(&young, made);
      if (result != Vendor::success) return result;
      if (exec != nullptr) good(Vendor::exec_destroy(exec));
      exec = young;
      return result;
    }
    typename Vendor::graph_exec exec{};
    graph_facts facts;
    const int device;
  };
  // The graph that this thread records from the stream; null for anyone else's recording.
  graph* recording(stream_ref s) {
    if (!(weft::detail::interest.load(std::memory_order_relaxed) & weft::detail::graphs_record)) [[likely]]
      return nullptr;
    return weft::detail::recording_now != nullptr && capturing(s) ? static_cast<graph*>(weft::detail::recording_now)
                                                                  : nullptr;
  }

  // Makes a device current for a scope; costs one query when it already is.
  class on_device {
   public:
    on_device() = default;
    on_device(const vendor_runtime& owner, int device) {
      const int now = owner.current_device();
      if (now == device) return;
      owner.require_device(device);
      check<Vendor>(Vendor::set_device(device), "set device");
      before_ = now;
    }
    on_device(const on_device&) = delete;
    on_device& operator=(const on_device&) = delete;
    ~on_device() {
      if (before_ >= 0) good(Vendor::set_device(before_));
    }

   private:
    int before_ = -1;
  };
  // Only the vendor's special handles mean another stream on each device; a real one knows its own.
  on_device for_stream(stream_ref s) const {
    check_process();
    if (reinterpret_cast<std::uintptr_t>(s.handle) > 2) return {};
    return {*this, s.device};
  }

  class relaxed_capture {
   public:
    relaxed_capture() noexcept { good(Vendor::exchange_capture_mode(&mode_)); }
    relaxed_capture(const relaxed_capture&) = delete;
    relaxed_capture& operator=(const relaxed_capture&) = delete;
    ~relaxed_capture() { good(Vendor::exchange_capture_mode(&mode_)); }

   private:
    typename Vendor::capture_mode mode_ = Vendor::relaxed_mode;
  };

  static stream_t native(stream_ref s) noexcept { return static_cast<stream_t>(s.handle); }

  // For destructors and queries: an error of ours is cleared, not thrown.
  static bool good(typename Vendor::error result) noexcept {
    if (result == Vendor::success) return true;
    Vendor::clear_error();
    return false;
  }
  static bool finished(typename Vendor::error result, const char* call) {
    if (result == Vendor::success) return true;
    if (result != Vendor::not_ready) fail<Vendor>(result, call);
    Vendor::clear_error();
    return false;
  }

  static void check_process() {
    if (!forked_.load(std::memory_order_relaxed)) [[likely]]
      return;
    throw error(Vendor::name, {},
                "this process was forked from one that had used the device, and cannot use it (fork before the first "
                "use, or start another program)",
                weft::detail::this_call.where);
  }
  void require_device(int device) const {
    if (device < 0 || device >= device_count()) [[unlikely]] {
      std::string text = "device " + std::to_string(device) + " is not there; " + std::to_string(device_count());
      detail::refuse(Vendor::name, text + " found");
    }
  }

  // Whether pages of managed memory move while the device and the host both use it; without, hints are errors.
  bool migrates(int device) const {
    require_device(device);
    bool can = false;
    return good(Vendor::concurrent_managed(&can, device)) && can;
  }

  static constexpr int most_devices = 64;
  enum : signed char { unasked, yes, no };

  bool pageable(int device) noexcept {
    if (device >= most_devices) return false;
    signed char known = pageable_[device].load(std::memory_order_relaxed);
    if (known == unasked) {
      bool can = false;
      known = good(Vendor::pageable_access(&can, device)) && can ? yes : no;
      pageable_[device].store(known, std::memory_order_relaxed);
    }
    return known == yes;
  }
  // The vendor gives an address for the current device, or none when it may not reach the memory.
  bool peer_enabled(const void* memory, int device) noexcept {
    try {
      const on_device guard(*this, device);
      typename Vendor::pointer_facts facts;
      return good(Vendor::pointer_query(&facts, memory)) && facts.reachable;
    } catch (...) { return false; }
  }

  static inline constinit std::atomic<bool> forked_{false};
  mutable std::atomic<int> count_{-1};
  std::atomic<signed char> pageable_[most_devices]{};
};

}  // namespace weft::gpu
