// Graphs: a sequence of calls, recorded once and replayed with one launch. What is recorded is what the calls would put
// into the stream: on GPUs a native graph (kernels, copies, fills), on CPU backends the list of the same calls.
// Temporary memory of the recorded calls belongs to the graph, so a replay allocates nothing.
//
//   weft::stream s{weft::cuda};
//   const auto gpu = weft::cuda.on(s);
//   weft::graph g = weft::capture(s, [&] {
//     weft::inclusive_scan(gpu, x.begin(), x.end(), y.begin());
//     weft::sort(gpu, y.begin(), y.end());
//   });
//   for (…) g.launch(s);            // reads and writes the memory of x and y, with whatever is in it then
//
// Every call that does not return a value can be recorded; calls that do are refused (their `_into` forms can).
#pragma once

#include <weft/error.hpp>
#include <weft/memory/recorded_graph.hpp>
#include <weft/stream.hpp>

#include <utility>

namespace weft::inline v100 {

struct capture_options {
  capture_mode mode = capture_mode::thread;
};

class graph;
template <class F>
graph capture(stream_ref stream, F&& f, capture_options options = {});

/// Owns a recorded graph. Move-only; a default-made or moved-from graph is empty and cannot be launched. One graph may
/// be launched many times; its replays run one after the other, because they share its memory.
class graph {
 public:
  graph() noexcept = default;
  graph(graph&& other) noexcept
      : owner_(other.owner_), handle_(std::exchange(other.handle_, nullptr)), device_(other.device_) {}
  graph& operator=(graph&& other) noexcept {
    graph taken(std::move(other));
    std::swap(owner_, taken.owner_);
    std::swap(handle_, taken.handle_);
    std::swap(device_, taken.device_);
    return *this;
  }
  /// Waits for replays only where temporary memory or host functions go with the graph.
  ~graph() {
    if (handle_ != nullptr) owner_->graph_destroy(handle_);
  }

  bool empty() const noexcept { return handle_ == nullptr; }

  /// Puts one replay into the stream, which need not be the recorded one but must be of the same device. Never waits on
  /// GPUs; on CPU backends the calls are done on return. Launch from one thread at a time.
  void launch(stream_ref stream) const {
    check_usable("graph launch", stream);
    owner_->graph_launch(handle_, stream);
  }
  /// Brings the graph to the device ahead of its first launch. Does nothing on CPU backends.
  void upload(stream_ref stream) const {
    check_usable("graph upload", stream);
    owner_->graph_upload(handle_, stream);
  }
  /// Records f() instead of what was recorded before, for later launches. Where only arguments have changed (pointers,
  /// sizes, values), the graph is changed in place, which is much cheaper than to make a new one. If f throws, the
  /// graph stays as it was.
  template <class F>
  void update(stream_ref stream, F&& f, capture_options options = {}) {
    check_usable("graph update", stream);
    record(stream, f, options);
  }
  /// How many nodes and kernels there are, and how much memory.
  graph_facts facts() const { return handle_ ? owner_->graph_about(handle_) : graph_facts{}; }

 private:
  template <class F>
  friend graph capture(stream_ref stream, F&& f, capture_options options);

  template <class F>
  void record(stream_ref stream, F&& f, capture_options options) {
    check(owner_->graph_begin(stream, options.mode, handle_), "capture", "this run time records no graphs");
    try {
      f();
    } catch (...) {
      try {
        owner_->graph_end(stream, false);
      } catch (...) {  // the first error says more
      }
      throw;
    }
    handle_ = owner_->graph_end(stream, true);
  }
  void check_usable(std::string_view call, stream_ref stream) const {
    check(handle_ != nullptr, call, "an empty graph");
    check(stream.owner == owner_, call, "a stream of another backend");
    check(stream.device == device_, call, "a stream of another device than the recorded one");
  }

  runtime* owner_ = nullptr;
  void* handle_ = nullptr;
  int device_ = 0;
};

/// Calls f() while `stream` records: what f puts into it (and into streams that wait for its events) becomes the graph
/// and does not run. The stream must not be a legacy default stream; f must not wait for it. What f allocates in the
/// order of the stream from a policy's default resource belongs to the graph. If f throws, nothing is left behind.
template <class F>
graph capture(stream_ref stream, F&& f, capture_options options) {
  graph made;
  made.owner_ = stream.owner;
  made.device_ = stream.device;
  made.record(stream, f, options);
  return made;
}

}  // namespace weft
