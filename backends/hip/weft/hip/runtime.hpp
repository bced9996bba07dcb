// HIP's spelling of the run time (gpu/runtime.hpp). Needs <hip/hip_runtime_api.h> and amdhip64, not a HIP compiler, and
// starts on a machine without a driver. Written for headers from HIP 5.2 to ROCm 7, hence the questions about members.
#pragma once

#include <weft/gpu/runtime.hpp>
#include <weft/hip/stream_ids.hpp>
#include <weft/memory/pool.hpp>

#include <hip/hip_runtime_api.h>

namespace weft::inline v100 {
namespace detail {

struct hip_vendor {
  static constexpr const char* name = "hip";
  using error = hipError_t;
  using stream = hipStream_t;
  using event = hipEvent_t;
  using capture_mode = hipStreamCaptureMode;
  using graph = hipGraph_t;
  using graph_exec = hipGraphExec_t;
  static constexpr error success = hipSuccess;
  static constexpr error not_ready = hipErrorNotReady;
  static constexpr capture_mode relaxed_mode = hipStreamCaptureModeRelaxed;

  // Errors
  static void clear_error() { static_cast<void>(hipGetLastError()); }
  static const char* error_name(error e) { return hipGetErrorName(e); }
  static const char* error_text(error e) { return hipGetErrorString(e); }
  static bool is_out_of_memory(error e) { return e == hipErrorOutOfMemory; }
  /// The context is lost: every later call of the process fails with the same error.
  static bool is_fatal(error e) {
    return e == hipErrorIllegalAddress || e == hipErrorLaunchTimeOut || e == hipErrorAssert ||
           e == hipErrorLaunchFailure || e == hipErrorECCNotCorrectable;
  }

  // Devices
  static error get_device_count(int* n) { return hipGetDeviceCount(n); }
  static error get_device(int* device) { return hipGetDevice(device); }
  static error set_device(int device) { return hipSetDevice(device); }
  static error pageable_access(bool* can, int device) {
    int value = 0;
    const error e = hipDeviceGetAttribute(&value, hipDeviceAttributePageableMemoryAccess, device);
    *can = value != 0;
    return e;
  }
  static error concurrent_managed(bool* can, int device) {
    int value = 0;
    const error e = hipDeviceGetAttribute(&value, hipDeviceAttributeConcurrentManagedAccess, device);
    *can = value != 0;
    return e;
  }
  static error device_name(std::string* name, int device) {
    char text[256] = "";
    const error e = hipDeviceGetName(text, sizeof text, device);
    *name = text;
    return e;
  }
  static error device_synchronize() { return hipDeviceSynchronize(); }

  // Streams
  static stream per_thread_stream() { return hipStreamPerThread; }
  static error stream_priority_range(int* least, int* greatest) {
    return hipDeviceGetStreamPriorityRange(least, greatest);
  }
  static error stream_create(stream* made, bool non_blocking, int priority) {
    return hipStreamCreateWithPriority(made, non_blocking ? hipStreamNonBlocking : hipStreamDefault, priority);
  }
  static void stream_made(stream s) { hip_stream_ids::instance().made(s); }
  static void stream_gone(stream s) noexcept { hip_stream_ids::instance().gone(s); }
  static error stream_destroy(stream s) { return hipStreamDestroy(s); }
  static error stream_synchronize(stream s) { return hipStreamSynchronize(s); }
  static error stream_query(stream s) { return hipStreamQuery(s); }
  static std::uint64_t stream_id(stream s, int device) {
    return hip_stream_ids::instance().of(s, per_thread_stream(), device);
  }
  static error is_capturing(stream s, bool* yes) {
    hipStreamCaptureStatus status = hipStreamCaptureStatusNone;
    const error e = hipStreamIsCapturing(s, &status);
    // The legacy stream cannot be asked while a stream that it waits for is recorded: then it must be left alone as
    // well.
    *yes = status != hipStreamCaptureStatusNone || e == hipErrorStreamCaptureImplicit;
    return e == hipErrorStreamCaptureImplicit ? success : e;
  }
  static error exchange_capture_mode(capture_mode* mode) { return hipThreadExchangeStreamCaptureMode(mode); }
  // By hipStreamAddCallback: the library of HIP 5.2 lacks the hipLaunchHostFunc that its header declares.
  static error launch_host_function(stream s, void (*call)(void*), void* argument) {
    auto* work = new host_work{call, argument};
    const error e = hipStreamAddCallback(s, &run_host_work, work, 0);
    if (e != success) delete work;
    return e;
  }
  struct host_work {
    void (*call)(void*);
    void* argument;
  };
  static void run_host_work(stream, error, void* work) {
    const host_work w = *static_cast<host_work*>(work);
    delete static_cast<host_work*>(work);
    w.call(w.argument);
  }

  // Events
  static error event_create(event* made, bool timing) {
    return hipEventCreateWithFlags(made, timing ? hipEventDefault : hipEventDisableTiming);
  }
  static error event_destroy(event e) { return hipEventDestroy(e); }
  static error event_record(event e, stream s) { return hipEventRecord(e, s); }
  static error event_synchronize(event e) { return hipEventSynchronize(e); }
  static error event_query(event e) { return hipEventQuery(e); }
  static error event_elapsed(float* ms, event from, event to) { return hipEventElapsedTime(ms, from, to); }
  static error stream_wait_event(stream s, event e) { return hipStreamWaitEvent(s, e, 0); }

  // Memory
  static const char* malloc_name(memory_kind kind) {
    return kind == memory_kind::pinned    ? "hipHostMalloc"
           : kind == memory_kind::managed ? "hipMallocManaged"
                                          : "hipMalloc";
  }
  static error malloc_device(void** memory, std::size_t bytes) { return hipMalloc(memory, bytes); }
  static error malloc_pinned(void** memory, std::size_t bytes) {
    return hipHostMalloc(memory, bytes, hipHostMallocPortable | hipHostMallocMapped);
  }
  static error malloc_managed(void** memory, std::size_t bytes) {
    return hipMallocManaged(memory, bytes, hipMemAttachGlobal);
  }
  static error free_device(void* memory) { return hipFree(memory); }
  static error free_pinned(void* memory) { return hipHostFree(memory); }
  static error malloc_ordered(void** memory, std::size_t bytes, stream s) { return hipMallocAsync(memory, bytes, s); }
  static error free_ordered(void* memory, stream s) { return hipFreeAsync(memory, s); }
  static error copy(void* to, const void* from, std::size_t bytes, stream s) {
    return hipMemcpyAsync(to, from, bytes, hipMemcpyDefault, s);
  }
  static error fill(void* to, unsigned char value, std::size_t bytes, stream s) {
    return hipMemsetAsync(to, value, bytes, s);
  }

  static error copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t rows, stream s) {
    return hipMemcpy2DAsync(to, to_pitch, from, from_pitch, width, rows, hipMemcpyDefault, s);
  }
  static error prefetch(const void* memory, std::size_t bytes, int device, stream s) {
    return hipMemPrefetchAsync(memory, bytes, device < 0 ? hipCpuDeviceId : device, s);
  }
  static error advise(const void* memory, std::size_t bytes, memory_advice advice, int device) {
    constexpr hipMemoryAdvise words[] = {hipMemAdviseSetReadMostly,        hipMemAdviseUnsetReadMostly,
                                         hipMemAdviseSetPreferredLocation, hipMemAdviseUnsetPreferredLocation,
                                         hipMemAdviseSetAccessedBy,        hipMemAdviseUnsetAccessedBy};
    return hipMemAdvise(memory, bytes, words[static_cast<int>(advice)], device < 0 ? hipCpuDeviceId : device);
  }

  // Graphs
  static error begin_capture(stream s, weft::capture_mode mode) {
    return hipStreamBeginCapture(s, mode == weft::capture_mode::global   ? hipStreamCaptureModeGlobal
                                    : mode == weft::capture_mode::thread ? hipStreamCaptureModeThreadLocal
                                                                         : hipStreamCaptureModeRelaxed);
  }
  static error end_capture(stream s, graph* made) { return hipStreamEndCapture(s, made); }
  static error graph_destroy(graph g) { return hipGraphDestroy(g); }
  static error instantiate(graph_exec* made, graph from) {
    return hipGraphInstantiate(made, from, nullptr, nullptr, 0);
  }
  static error exec_destroy(graph_exec g) { return hipGraphExecDestroy(g); }
  static bool exec_update(graph_exec g, graph from) {
    hipGraphNode_t node{};
    hipGraphExecUpdateResult ignored{};
    return hipGraphExecUpdate(g, from, &node, &ignored) == success;
  }
  static error graph_launch(graph_exec g, stream s) { return hipGraphLaunch(g, s); }
  static error graph_upload(graph_exec, stream) { return success; }  // HIP 5.2 has none: the first launch uploads
  static graph_facts graph_about(graph g) {
    graph_facts facts;
    hipGraphNode_t nodes[256];
    std::size_t n = 0;
    if (hipGraphGetNodes(g, nullptr, &n) != success) return facts;
    facts.nodes = n;
    if (n > 256) return facts;
    if (hipGraphGetNodes(g, nodes, &n) != success) return facts;
    for (std::size_t i = 0; i < n; ++i) {
      hipGraphNodeType type{};
      if (hipGraphNodeGetType(nodes[i], &type) == success) facts.kernels += type == hipGraphNodeTypeKernel;
    }
    return facts;
  }

  struct pointer_facts {
    memory_kind kind = memory_kind::unknown;
    int device = -1;
    bool reachable = false;  // from the current device
  };
  static error pointer_query(pointer_facts* facts, const void* memory) {
    hipPointerAttribute_t a{};
    const error e = hipPointerGetAttributes(&a, memory);
    facts->device = a.device;
    facts->reachable = a.devicePointer != nullptr;
    facts->kind = e == success ? kind_from(a) : memory_kind::host;
    return e;
  }
  // ROCm 6 renamed memoryType to type and reports ordinary memory as unregistered where older ones fail.
  template <class Attributes>
  static memory_kind kind_from(const Attributes& a) {
    const auto type = [&] {
      if constexpr (requires { a.memoryType; })
        return a.memoryType;
      else
        return a.type;
    }();
    if (a.isManaged) return memory_kind::managed;
    if (type == hipMemoryTypeDevice) return memory_kind::device;
    return type == hipMemoryTypeHost && a.devicePointer != nullptr ? memory_kind::pinned : memory_kind::host;
  }
};

// Constant-initialised and without a destructor: usable before main and after it.
inline constinit gpu::vendor_runtime<hip_vendor> hip_runtime_object{};

}  // namespace detail

using hip_runtime_type = gpu::vendor_runtime<detail::hip_vendor>;
inline runtime& hip_runtime() noexcept { return detail::hip_runtime_object; }

/// Throws weft::error with HIP's name and text unless the call succeeded.
inline void hip_check(hipError_t result, std::string_view call, const std::source_location& where = {}) {
  gpu::check<detail::hip_vendor>(result, call, where);
}

}  // namespace weft
