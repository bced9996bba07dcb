// Who listens to what the library does: a tool is told when each algorithm, kernel launch, vendor allocation, copy and
// wait begins and ends. <weft/trace.hpp> writes a file for Perfetto, <weft/cuda/nvtx.hpp> and <weft/hip/roctx.hpp> make
// ranges for the vendors' profilers; all three are tools like anyone's own. Nothing needs recompiling, and while no
// tool is attached a call pays for one load and one branch never taken.
//
//   struct counter : weft::profile::tool {
//     void end(const weft::profile::event& e) noexcept override { … }
//   } mine;
//   weft::profile::attachment listening{mine};   // until the end of the scope
#pragma once

#include <weft/runtime.hpp>

#include <atomic>
#include <ctime>
#include <mutex>
#include <new>
#include <source_location>

namespace weft::inline v100 {
namespace profile {

enum class kind : unsigned char {
  algorithm,        ///< a verb on behalf of the algorithm `name`; an algorithm made of several verbs tells of each
  kernel,           ///< one launch of a GPU kernel by the algorithm `name` (the launch, not the kernel's run)
  allocation,       ///< memory taken from the vendor or the operating system; `bytes`, and at the end `memory`
  release,          ///< memory given back there
  copy,             ///< `bytes` copied
  fill,             ///< `bytes` filled
  wait,             ///< the host waits for a stream or an event
  graph,            ///< a recorded graph is launched
  pool_allocation,  ///< memory handed out by a pool, be it new (then an allocation is told of as well) or used before
  pool_release,     ///< memory taken back by a pool
};
constexpr const char* name_of(kind k) {
  constexpr const char* names[] = {"algorithm", "kernel", "allocation", "release",         "copy",
                                   "fill",      "wait",   "graph",      "pool allocation", "pool release"};
  return names[static_cast<int>(k)];
}

struct event {
  kind what = kind::algorithm;
  std::string_view name;     ///< the algorithm as it was called ("inclusive_scan"), or what the run time does
  std::string_view verb;     ///< which of the backend's verbs does it ("scan"); empty for other kinds
  std::string_view backend;  ///< "cuda", "tbb", …; the run time's name where no algorithm is involved
  stream_ref stream;
  const void* memory = nullptr;
  std::size_t bytes = 0;
  std::source_location where;  ///< where the policy was made; line() is 0 when that is not known
  std::uint64_t begun = 0;     ///< nanoseconds of the monotonic clock
  std::uint64_t ended = 0;     ///< at the end
};

/// Base of every tool. The functions run on the calling thread inside the call they tell of, from any thread, several
/// at once; the event and its texts last for that call only. What they themselves do with weft is not told to any tool.
class tool {
 public:
  virtual void begin(const event&) noexcept {}
  virtual void end(const event&) noexcept {}

 protected:
  ~tool() = default;
};

}  // namespace profile

namespace detail {

/// Why a call may have to leave the straight path: zero, or who is interested.
inline constexpr unsigned tools_listen = 1, graphs_record = 2;
inline constinit std::atomic<unsigned> interest{0};
inline constinit std::mutex interest_guard{};
inline constinit int interested[3]{};  // how many, for each reason

inline void take_interest(unsigned reason, int change) noexcept {
  std::lock_guard lock(interest_guard);
  if ((interested[reason] += change) == 0)
    interest.fetch_and(~reason);
  else
    interest.fetch_or(reason);
}

inline constinit thread_local int measurements = 0;
inline bool measuring() noexcept {
  return (interest.load(std::memory_order_relaxed) & graphs_record) != 0 && measurements != 0;
}
/// While one lives, the calling thread only measures what memory its calls ask for (weft::workspace_bytes): run times
/// say that every stream records and put no work into any, verbs take their memory and return.
class measurement {
 public:
  measurement() noexcept {
    take_interest(graphs_record, 1);
    ++measurements;
  }
  measurement(const measurement&) = delete;
  measurement& operator=(const measurement&) = delete;
  ~measurement() {
    --measurements;
    take_interest(graphs_record, -1);
  }
};

/// What the calling thread is doing for its user: set where an algorithm checks its ranges, cleared at its end.
struct current_call {
  std::string_view name;
  std::source_location where;
};
inline constinit thread_local current_call this_call{};

inline constexpr int most_tools = 8;
struct tool_slot {
  std::atomic<profile::tool*> tool{nullptr};
  std::atomic<unsigned> inside{0};  // how many calls are in the tool now
};
inline constinit tool_slot tool_slots[most_tools]{};
inline constinit thread_local bool inside_tool = false;

inline std::uint64_t monotonic_ns() noexcept {
  std::timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u + static_cast<std::uint64_t>(now.tv_nsec);
}

template <class Tell>
[[gnu::noinline, gnu::cold]] void tell_tools(const Tell& tell) noexcept {
  if (inside_tool) return;
  inside_tool = true;
  for (tool_slot& slot : tool_slots) {
    if (slot.tool.load(std::memory_order_relaxed) == nullptr) continue;
    slot.inside.fetch_add(1);  // before the tool is read: whoever detaches it waits for us, or we do not see it
    if (profile::tool* tool = slot.tool.load()) tell(*tool);
    slot.inside.fetch_sub(1);
  }
  inside_tool = false;
}

/// One event from here to the end of the scope, told if a tool listens when it begins.
class told {
 public:
  /// A verb of the policy's backend (kind::algorithm) or a launch (kind::kernel).
  template <class P>
    requires requires { P::backend::name; }
  told(const P& policy, std::string_view verb, profile::kind what = profile::kind::algorithm) {
    if (interest.load(std::memory_order_relaxed) & tools_listen) [[unlikely]]
      begin({what, this_call.name.empty() ? verb : this_call.name, verb, P::backend::name, policy.stream(), nullptr, 0,
             policy.where()});
  }
  /// Something the run time does.
  told(profile::kind what, std::string_view name, stream_ref stream, const void* memory = nullptr,
       std::size_t bytes = 0) {
    if (interest.load(std::memory_order_relaxed) & tools_listen) [[unlikely]]
      begin({what, name, {}, stream.owner->name(), stream, memory, bytes, this_call.where});
  }
  told(const told&) = delete;
  told& operator=(const told&) = delete;
  ~told() {
    if (telling_) [[unlikely]]
      end();
  }
  /// What was allocated, known only now.
  void memory(const void* memory) {
    if (telling_) [[unlikely]]
      event().memory = memory;
  }

 private:
  profile::event& event() { return *std::launder(reinterpret_cast<profile::event*>(bytes_)); }
  [[gnu::noinline, gnu::cold]] void begin(const profile::event& begins) {
    if (inside_tool) return;
    telling_ = true;
    auto* e = ::new (static_cast<void*>(bytes_)) profile::event(begins);
    e->begun = monotonic_ns();
    tell_tools([&](profile::tool& tool) { tool.begin(*e); });
  }
  [[gnu::noinline, gnu::cold]] void end() {
    event().ended = monotonic_ns();
    tell_tools([&](profile::tool& tool) { tool.end(event()); });
  }

  bool telling_ = false;
  alignas(profile::event) unsigned char bytes_[sizeof(profile::event)];
};

}  // namespace detail

namespace profile {

/// From now on the tool is told of everything; false when eight are attached already. An event that began before is not
/// told.
inline bool attach(tool& listener) noexcept {
  for (detail::tool_slot& slot : detail::tool_slots) {
    tool* free = nullptr;
    if (!slot.tool.compare_exchange_strong(free, &listener)) continue;
    detail::take_interest(detail::tools_listen, 1);
    return true;
  }
  return false;
}
/// Afterwards the tool is told of nothing and may be destroyed: waits for calls that are inside it (so a tool must not
/// detach itself from one of its own functions). An event it has seen begin may thus have no end.
inline void detach(tool& listener) noexcept {
  for (detail::tool_slot& slot : detail::tool_slots) {
    tool* mine = &listener;
    if (!slot.tool.compare_exchange_strong(mine, nullptr)) continue;
    detail::take_interest(detail::tools_listen, -1);
    while (slot.inside.load() != 0) {}
    return;
  }
}

/// Attaches a tool for a scope.
class attachment {
 public:
  explicit attachment(tool& listener) noexcept : listener_(listener), attached_(attach(listener)) {}
  attachment(const attachment&) = delete;
  attachment& operator=(const attachment&) = delete;
  ~attachment() {
    if (attached_) detach(listener_);
  }
  bool attached() const noexcept { return attached_; }

 private:
  tool& listener_;
  bool attached_;
};

}  // namespace profile
}  // namespace weft
