// The run-time half of a backend: queues, events and memory, behind one small virtual interface so that stream, event,
// buffer and the memory resources are ordinary classes, usable from a plain C++ file and linkable across compilers.
// A call costs one indirect jump; no algorithm's inner loop goes through here.
#pragma once

#include <weft/device.hpp>

#include <string>
#include <string_view>

namespace weft::inline v100 {

/// Where a block of memory lives and who may touch it.
enum class memory_kind : unsigned char {
  device,   ///< fast for the device; the host must not dereference it (on CPU backends: ordinary host memory)
  pinned,   ///< page-locked host memory, readable by the device
  managed,  ///< one address for both sides, moved on demand
  host,     ///< ordinary host memory
  unknown,  ///< not a pointer this runtime knows
};

/// What managed memory may be told about its use.
enum class memory_advice : unsigned char {
  read_mostly,         ///< each side may keep a copy of its own
  no_read_mostly,      ///< takes that back
  preferred_location,  ///< pages stay on this device (or host) when they can
  no_preferred_location,
  accessed_by,  ///< mapped for this device at all times, wherever the pages are
  no_accessed_by,
};
/// For advice and prefetching: the host's memory instead of a device's.
inline constexpr int host_memory = -1;

class runtime;

/// A view of a stream: which runtime, which device, which native handle (cudaStream_t, hipStream_t, nullptr on CPUs).
/// Does not own. Valid as long as the stream it was taken from.
struct stream_ref {
  runtime* owner = nullptr;
  void* handle = nullptr;
  int device = 0;

  friend bool operator==(const stream_ref&, const stream_ref&) = default;
  void synchronize() const;  ///< Waits until everything put into the stream so far is done.
  bool ready() const;        ///< True when nothing is outstanding; never waits.
};

struct stream_options {
  bool non_blocking = true;  ///< does not wait for the device's legacy default stream
  int priority = 0;          ///< lower numbers run first, as the vendors have it; clamped to the device's range
};

/// Who is kept from calls that would spoil a recording (allocating from the vendor, waiting for the device).
enum class capture_mode : unsigned char {
  thread,   ///< the recording thread only
  global,   ///< every thread of the process
  relaxed,  ///< nobody
};

/// What a recorded graph consists of.
struct graph_facts {
  std::size_t nodes = 0;         ///< everything: kernels, copies, fills, host calls; on CPU backends recorded calls
  std::size_t kernels = 0;       ///< kernels; on CPU backends verbs
  std::size_t memory_bytes = 0;  ///< temporary memory that belongs to the graph
};

/// One object per backend, with static storage and no dynamic initialisation. Every function throws weft::error with
/// the vendor's error name unless it is marked noexcept. `ordered` work is queued on the stream given and not waited
/// for.
class runtime {
 public:
  virtual std::string_view name() const noexcept = 0;  ///< "cuda", "hip", "simt", "host"
  virtual int device_count() const noexcept = 0;       ///< 0 where there is no driver or no device
  virtual int current_device() const = 0;
  virtual void set_device(int device) = 0;

  virtual void* stream_create(int device, stream_options) = 0;
  virtual void stream_destroy(void* stream) noexcept = 0;
  virtual void stream_synchronize(stream_ref) = 0;
  virtual bool stream_ready(stream_ref) = 0;
  virtual std::uint64_t stream_id(stream_ref) = 0;  ///< never reused within a process, unlike handles
  /// Waits for all streams of the device, those of others too; false where the run time cannot.
  virtual bool device_synchronize(int /*device*/) { return false; }
  virtual bool capturing(stream_ref) = 0;  ///< true while the stream records a graph
  virtual void host_callback(stream_ref, void (*)(void*), void* argument) = 0;

  virtual void* event_create(int device, bool timing) = 0;
  virtual void event_destroy(void* event) noexcept = 0;
  virtual void event_record(void* event, stream_ref) = 0;
  virtual void event_synchronize(void* event) = 0;
  virtual bool event_ready(void* event) = 0;
  virtual double event_milliseconds(void* from, void* to) = 0;
  virtual void stream_wait(stream_ref, void* event) = 0;

  /// The vendor's own allocator, not stream-ordered; may synchronise the device. Resources are built on it.
  virtual void* allocate(memory_kind, std::size_t bytes, int device) = 0;
  virtual void deallocate(memory_kind, void*, std::size_t bytes, int device) noexcept = 0;
  /// The vendor's stream-ordered allocator (device memory only).
  virtual void* allocate_ordered(std::size_t bytes, stream_ref) = 0;
  virtual void deallocate_ordered(void*, std::size_t bytes, stream_ref) noexcept = 0;

  virtual void copy(void* to, const void* from, std::size_t bytes, stream_ref) = 0;  ///< ordered; either side anywhere
  virtual void fill_bytes(void* to, unsigned char value, std::size_t bytes, stream_ref) = 0;  ///< ordered
  /// Ordered; `rows` runs of `width` bytes, consecutive ones a pitch apart on either side.
  virtual void copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t rows, stream_ref s) {
    for (std::size_t i = 0; i < rows; ++i)
      copy(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width, s);
  }
  /// Ordered; moves managed memory to a device or to host_memory before it is used there. A hint: runtimes without
  /// managed memory, and devices that cannot, do nothing.
  virtual void prefetch(const void*, std::size_t /*bytes*/, int /*device*/, stream_ref) {}
  /// A hint about managed memory, likewise. Not ordered.
  virtual void advise(const void*, std::size_t /*bytes*/, memory_advice, int /*device*/) {}
  virtual memory_kind kind_of(const void*) noexcept = 0;
  /// True when kernels of the device may dereference the pointer; always true on CPU backends.
  virtual bool accessible(const void*, int device) noexcept = 0;

  /// The stream a policy without `.on()` uses: per thread, ordered, waited for at the end of each call.
  virtual stream_ref default_stream() = 0;
  /// The same of a device that need not be current; throws where there is no such device.
  virtual stream_ref default_stream_of(int device) {
    stream_ref stream = default_stream();
    stream.device = device;
    return stream;
  }

  /// The device's name in its vendor's words; empty for a device that is not there.
  virtual std::string device_name(int) { return {}; }

  /// Graphs (weft/graph.hpp). `graph_begin` makes the stream record into `again`, or into a new graph; false where the
  /// run time cannot. `graph_end` ends that and gives the graph, ready to launch, or drops what was recorded.
  virtual bool graph_begin(stream_ref, capture_mode, void* /*again*/) { return false; }
  virtual void* graph_end(stream_ref, bool /*keep*/) { return nullptr; }
  virtual void graph_launch(void*, stream_ref) {}
  virtual void graph_upload(void*, stream_ref) {}
  virtual graph_facts graph_about(void*) { return {}; }
  virtual void graph_destroy(void*) noexcept {}

 protected:
  ~runtime() = default;
};

inline void stream_ref::synchronize() const { owner->stream_synchronize(*this); }
inline bool stream_ref::ready() const { return owner->stream_ready(*this); }

}  // namespace weft
