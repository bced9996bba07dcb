// Streams and events as owners: `weft::stream s{weft::cuda};` makes an ordered queue on the backend's current device
// and ends it with the scope. Wherever a stream is used a weft::stream_ref is taken, so streams made elsewhere work as
// well (weft::borrow). On CPU backends a stream is an ordered queue whose work is done as soon as it is put in.
#pragma once

#include <weft/error.hpp>
#include <weft/memory/recorded_graph.hpp>
#include <weft/memory/stream_watch.hpp>

#include <concepts>
#include <utility>

namespace weft::inline v100 {

/// A stream made by someone else, for `.on()`; not owned. `native` is a cudaStream_t or hipStream_t. Memory freed on
/// such a stream costs an event each time, because the stream may end unannounced; `stream::adopt` avoids that.
template <execution_policy P>
stream_ref borrow(const P&, void* native, int device) {
  return {&P::backend::runtime(), native, device};
}
template <execution_policy P>
stream_ref borrow(const P& policy, void* native) {
  return borrow(policy, native, P::backend::runtime().current_device());
}

/// The calling thread's own default stream, which a policy without `.on()` uses and waits for:
/// `policy.on(weft::thread_stream(policy))` is the same stream without the wait. On CPU backends all threads share one.
template <execution_policy P>
stream_ref thread_stream(const P&) {
  return P::backend::runtime().default_stream();
}
/// The legacy default stream (handle 0) of the current device, for work to be ordered with code that names no stream.
template <execution_policy P>
stream_ref legacy_stream(const P& policy) {
  return borrow(policy, nullptr);
}

/// A policy chosen at run time (weft/any_policy.hpp): streams, events, buffers and guards take it as well.
template <class P>
concept run_time_policy = !execution_policy<P> && requires(const P& p) {
  p.run_time().stream_create(p.device(), {});
};

// Devices ------------------------------------------------------------------------------------------------------------

/// How many devices the backend has: 0 where there is no driver; 1 on CPU backends.
template <execution_policy P>
int device_count(const P&) {
  return P::backend::runtime().device_count();
}

/// Makes a device current for the calling thread until the end of the scope: policies without a stream, and streams,
/// events and buffers made there, are on it. Throws weft::invalid_argument where there is no such device.
class device_guard {
 public:
  template <execution_policy P>
  device_guard(const P&, int device) : device_guard(P::backend::runtime(), device) {}
  /// The device of a policy chosen at run time.
  explicit device_guard(const run_time_policy auto& chosen) : device_guard(chosen.run_time(), chosen.device()) {}
  device_guard(runtime& owner, int device) : owner_(owner), before_(owner.current_device()) {
    if (device != before_) owner_.set_device(device);
  }
  device_guard(const device_guard&) = delete;
  device_guard& operator=(const device_guard&) = delete;
  ~device_guard() {
    try {
      if (owner_.current_device() != before_) owner_.set_device(before_);
    } catch (...) {  // the driver has gone
    }
  }

 private:
  runtime& owner_;
  int before_;
};

class event;

/// Owns a stream. Move-only; a moved-from stream has no handle and may only be assigned to or destroyed.
class stream {
 public:
  /// On the backend's current device.
  /// On the policy's device: that of its stream, the one it names, or the current one.
  template <execution_policy P>
  explicit stream(const P& policy, stream_options options = {})
      : stream(P::backend::runtime(), policy.stream().device, options) {}
  template <execution_policy P>
  stream(const P&, int device, stream_options options = {}) : stream(P::backend::runtime(), device, options) {}
  /// On the device of a policy chosen at run time.
  template <run_time_policy P>
  explicit stream(const P& policy, stream_options options = {}) : stream(policy.run_time(), policy.device(), options) {}
  stream(runtime& owner, int device, stream_options options = {})
      : stream(stream_ref{&owner, owner.stream_create(device, options), device}) {}

  /// Takes over a native stream: it is destroyed with the result.
  template <execution_policy P>
  static stream adopt(const P& policy, void* native) {
    return stream(borrow(policy, native));
  }
  static stream adopt(stream_ref native) { return stream(native); }

  stream(stream&& other) noexcept : ref_(std::exchange(other.ref_, {})), id_(other.id_) {}
  stream& operator=(stream&& other) noexcept {
    stream taken(std::move(other));
    std::swap(ref_, taken.ref_);
    std::swap(id_, taken.id_);
    return *this;
  }
  /// Does not wait: work put in before still runs.
  ~stream() {
    if (ref_.owner == nullptr) return;
    detail::stream_watch::instance().ending(ref_, id_);
    ref_.owner->stream_destroy(ref_.handle);
  }

  operator stream_ref() const noexcept { return ref_; }
  stream_ref ref() const noexcept { return ref_; }
  void* handle() const noexcept { return ref_.handle; }
  int device() const noexcept { return ref_.device; }
  std::uint64_t id() const noexcept { return id_; }  ///< never reused within the process, unlike handle()

  void synchronize() const { ref_.synchronize(); }
  bool ready() const { return ref_.ready(); }
  /// Work put in from now on starts when the event, of any device of the backend, has happened. The host does not wait.
  void wait(const event& e) const;
  /// Work put in from now on starts when everything put into `other` so far is done.
  void wait(stream_ref other) const;
  /// Calls f(argument) on a thread of the vendor's once everything put in so far is done; f must not call the vendor.
  void then(void (*f)(void*), void* argument) const { ref_.owner->host_callback(ref_, f, argument); }
  /// The same for a function object, which is kept until it has run; in a recording it belongs to the graph and runs at
  /// each replay. It must not throw.
  template <std::invocable F>
  void then(F f) const {
    if (!ref_.owner->capturing(ref_)) {
      owner_of<F> once{new F(std::move(f))};
      ref_.owner->host_callback(ref_, &call_once<F>, once.f);
      once.f = nullptr;
      return;
    }
    check(detail::recording_now != nullptr, "stream then", "only weft::capture can keep a function object");
    auto* const kept = new kept_call<F>(std::move(f));
    detail::recording_now->kept.put(kept);
    ref_.owner->host_callback(ref_, &call<F>, &kept->f);
  }

  /// Gives the handle up without destroying the stream.
  void* release() noexcept {
    detail::stream_watch::instance().ending(ref_, id_);
    return std::exchange(ref_, {}).handle;
  }

 private:
  template <class F>
  struct owner_of {
    ~owner_of() { delete f; }
    F* f;
  };
  template <class F>
  struct kept_call final : detail::kept_function {
    explicit kept_call(F&& function) : f(std::move(function)) {}
    F f;
  };
  template <class F>
  static void call(void* f) {
    (*static_cast<F*>(f))();
  }
  template <class F>
  static void call_once(void* f) {
    const owner_of<F> once{static_cast<F*>(f)};
    (*once.f)();
  }

  explicit stream(stream_ref made) : ref_(made) {
    try {
      id_ = ref_.owner->stream_id(ref_);
      detail::stream_watch::instance().began(ref_, id_);
    } catch (...) {
      ref_.owner->stream_destroy(ref_.handle);
      throw;
    }
  }

  stream_ref ref_;
  std::uint64_t id_ = 0;
};

struct event_options {
  bool timing = false;  ///< needed by weft::milliseconds; makes recording dearer
};

/// Owns an event: a point in a stream's work. Move-only.
class event {
 public:
  /// On the policy's device, as for streams.
  template <execution_policy P>
  explicit event(const P& policy, event_options options = {})
      : event(P::backend::runtime(), policy.stream().device, options) {}
  template <run_time_policy P>
  explicit event(const P& policy, event_options options = {}) : event(policy.run_time(), policy.device(), options) {}
  event(runtime& owner, int device, event_options options = {})
      : owner_(&owner), handle_(owner.event_create(device, options.timing)), device_(device), timing_(options.timing) {}
  event(event&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)),
        handle_(other.handle_),
        device_(other.device_),
        timing_(other.timing_) {}
  event& operator=(event&& other) noexcept {
    event taken(std::move(other));
    std::swap(owner_, taken.owner_);
    std::swap(handle_, taken.handle_);
    std::swap(device_, taken.device_);
    std::swap(timing_, taken.timing_);
    return *this;
  }
  ~event() {
    if (owner_) owner_->event_destroy(handle_);
  }

  void* handle() const noexcept { return handle_; }
  int device() const noexcept { return device_; }

  /// Moves the event to after everything put into the stream so far. The stream must be of the event's device.
  void record(stream_ref stream) {
    check(stream.owner == owner_, "event record", "a stream of another backend");
    check(stream.device == device_, "event record", "the event and the stream are of different devices");
    owner_->event_record(handle_, stream);
  }
  /// Waits on the host until the recorded point is passed; at once when nothing was recorded.
  void synchronize() const { owner_->event_synchronize(handle_); }
  bool ready() const { return owner_->event_ready(handle_); }

  /// Milliseconds between two recorded points, both of them passed.
  friend double milliseconds(const event& from, const event& to) {
    check(from.timing_ && to.timing_, "milliseconds", "an event was made without {.timing = true}");
    check(from.owner_ == to.owner_ && from.device_ == to.device_, "milliseconds", "events of different devices");
    return from.owner_->event_milliseconds(from.handle_, to.handle_);
  }

 private:
  runtime* owner_;
  void* handle_;
  int device_;
  bool timing_;

  friend class stream;
};

inline void stream::wait(const event& e) const {
  check(e.owner_ == ref_.owner, "stream wait", "an event of another backend");
  ref_.owner->stream_wait(ref_, e.handle_);
}
inline void stream::wait(stream_ref other) const {
  if (other == ref_) return;
  event passed(*other.owner, other.device);
  passed.record(other);
  wait(passed);
}

}  // namespace weft
