// CUDA's spelling of the run time (gpu/runtime.hpp). Needs <cuda_runtime_api.h> and the cudart library, not nvcc, and
// starts on a machine without a driver.
#pragma once

#include <weft/gpu/runtime.hpp>
#include <weft/memory/pool.hpp>

#include <cuda_runtime_api.h>

namespace weft::inline v100 {
namespace detail {

struct cuda_vendor {
  static constexpr const char* name = "cuda";
  using error = cudaError_t;
  using stream = cudaStream_t;
  using event = cudaEvent_t;
  using capture_mode = cudaStreamCaptureMode;
  using graph = cudaGraph_t;
  using graph_exec = cudaGraphExec_t;
  static constexpr error success = cudaSuccess;
  static constexpr error not_ready = cudaErrorNotReady;
  static constexpr capture_mode relaxed_mode = cudaStreamCaptureModeRelaxed;

  // What every warm call asks goes to the driver itself, at less than half the run time's price (H100, driver 580: a
  // stream's id 34 ns instead of 81, the current device 19 for 46, a pointer 84 for 136). Where the driver says no
  // (there is none, or no context in this thread yet), the run time is asked as usual.
  template <class Function>
  static Function driver_call(const char* name, unsigned version) {
    void* call = nullptr;
    cudaDriverEntryPointQueryResult found{};
    if (cudaGetDriverEntryPointByVersion(name, &call, version, cudaEnableDefault, &found) == success &&
        found == cudaDriverEntryPointSuccess)
      return reinterpret_cast<Function>(call);
    clear_error();
    return nullptr;
  }

  // Errors
  static void clear_error() { static_cast<void>(cudaGetLastError()); }
  static const char* error_name(error e) { return cudaGetErrorName(e); }
  static const char* error_text(error e) { return cudaGetErrorString(e); }
  static bool is_out_of_memory(error e) { return e == cudaErrorMemoryAllocation; }
  /// The context is lost: every later call of the process fails with the same error.
  static bool is_fatal(error e) {
    return e == cudaErrorIllegalAddress || e == cudaErrorLaunchTimeout || e == cudaErrorAssert ||
           e == cudaErrorHardwareStackError || e == cudaErrorIllegalInstruction || e == cudaErrorMisalignedAddress ||
           e == cudaErrorInvalidAddressSpace || e == cudaErrorInvalidPc || e == cudaErrorLaunchFailure ||
           e == cudaErrorECCUncorrectable;
  }

  // Devices
  static error get_device_count(int* n) { return cudaGetDeviceCount(n); }
  static error get_device(int* device) {
    static const auto ask = driver_call<int (*)(int*)>("cuCtxGetDevice", 2000);
    if (ask != nullptr && ask(device) == 0) [[likely]]
      return success;
    return cudaGetDevice(device);
  }
  static error set_device(int device) { return cudaSetDevice(device); }
  static error pageable_access(bool* can, int device) {
    int value = 0;
    const error e = cudaDeviceGetAttribute(&value, cudaDevAttrPageableMemoryAccess, device);
    *can = value != 0;
    return e;
  }
  static error concurrent_managed(bool* can, int device) {
    int value = 0;
    const error e = cudaDeviceGetAttribute(&value, cudaDevAttrConcurrentManagedAccess, device);
    *can = value != 0;
    return e;
  }
  static error device_name(std::string* name, int device) {
    cudaDeviceProp facts{};
    const error e = cudaGetDeviceProperties(&facts, device);
    *name = facts.name;
    return e;
  }
  static error device_synchronize() { return cudaDeviceSynchronize(); }

  // Streams
  static stream per_thread_stream() { return cudaStreamPerThread; }
  static error stream_priority_range(int* least, int* greatest) {
    return cudaDeviceGetStreamPriorityRange(least, greatest);
  }
  static error stream_create(stream* made, bool non_blocking, int priority) {
    return cudaStreamCreateWithPriority(made, non_blocking ? cudaStreamNonBlocking : cudaStreamDefault, priority);
  }
  static void stream_made(stream) {}
  static void stream_gone(stream) noexcept {}
  static error stream_destroy(stream s) { return cudaStreamDestroy(s); }
  static error stream_synchronize(stream s) { return cudaStreamSynchronize(s); }
  static error stream_query(stream s) { return cudaStreamQuery(s); }
  static std::uint64_t stream_id(stream s, int) {
    static const auto ask = driver_call<int (*)(stream, unsigned long long*)>("cuStreamGetId", 12000);
    unsigned long long id = 0;
    if (ask == nullptr || ask(s, &id) != 0) [[unlikely]]
      gpu::check<cuda_vendor>(cudaStreamGetId(s, &id), "cudaStreamGetId");
    return id;
  }
  static error is_capturing(stream s, bool* yes) {
    static const auto ask = driver_call<int (*)(stream, cudaStreamCaptureStatus*)>("cuStreamIsCapturing", 10000);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    if (ask != nullptr && ask(s, &status) == 0) [[likely]]
      return *yes = status != cudaStreamCaptureStatusNone, success;
    const error e = cudaStreamIsCapturing(s, &status);
    // The legacy stream cannot be asked while a stream that it waits for is recorded: then it must be left alone as
    // well.
    *yes = status != cudaStreamCaptureStatusNone || e == cudaErrorStreamCaptureImplicit;
    return e == cudaErrorStreamCaptureImplicit ? success : e;
  }
  static error exchange_capture_mode(capture_mode* mode) {
    static const auto exchange = driver_call<int (*)(capture_mode*)>("cuThreadExchangeStreamCaptureMode", 10010);
    if (exchange != nullptr && exchange(mode) == 0) [[likely]]
      return success;
    return cudaThreadExchangeStreamCaptureMode(mode);
  }
  static error launch_host_function(stream s, void (*call)(void*), void* argument) {
    return cudaLaunchHostFunc(s, call, argument);
  }

  // Events
  static error event_create(event* made, bool timing) {
    return cudaEventCreateWithFlags(made, timing ? cudaEventDefault : cudaEventDisableTiming);
  }
  static error event_destroy(event e) { return cudaEventDestroy(e); }
  static error event_record(event e, stream s) { return cudaEventRecord(e, s); }
  static error event_synchronize(event e) { return cudaEventSynchronize(e); }
  static error event_query(event e) { return cudaEventQuery(e); }
  static error event_elapsed(float* ms, event from, event to) { return cudaEventElapsedTime(ms, from, to); }
  static error stream_wait_event(stream s, event e) { return cudaStreamWaitEvent(s, e, 0); }

  // Memory
  static const char* malloc_name(memory_kind kind) {
    return kind == memory_kind::pinned    ? "cudaHostAlloc"
           : kind == memory_kind::managed ? "cudaMallocManaged"
                                          : "cudaMalloc";
  }
  static error malloc_device(void** memory, std::size_t bytes) { return cudaMalloc(memory, bytes); }
  static error malloc_pinned(void** memory, std::size_t bytes) {
    return cudaHostAlloc(memory, bytes, cudaHostAllocPortable | cudaHostAllocMapped);
  }
  static error malloc_managed(void** memory, std::size_t bytes) {
    return cudaMallocManaged(memory, bytes, cudaMemAttachGlobal);
  }
  static error free_device(void* memory) { return cudaFree(memory); }
  static error free_pinned(void* memory) { return cudaFreeHost(memory); }
  static error malloc_ordered(void** memory, std::size_t bytes, stream s) { return cudaMallocAsync(memory, bytes, s); }
  static error free_ordered(void* memory, stream s) { return cudaFreeAsync(memory, s); }
  static error copy(void* to, const void* from, std::size_t bytes, stream s) {
    return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, s);
  }
  static error fill(void* to, unsigned char value, std::size_t bytes, stream s) {
    return cudaMemsetAsync(to, value, bytes, s);
  }

  static error copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t rows, stream s) {
    return cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, width, rows, cudaMemcpyDefault, s);
  }
  static cudaMemLocation place(int device) {
    cudaMemLocation at{};
    at.type = device < 0 ? cudaMemLocationTypeHost : cudaMemLocationTypeDevice;
    at.id = device < 0 ? 0 : device;
    return at;
  }
  static error prefetch(const void* memory, std::size_t bytes, int device, stream s) {
    return cudaMemPrefetchAsync(memory, bytes, place(device), 0, s);
  }
  static error advise(const void* memory, std::size_t bytes, memory_advice advice, int device) {
    constexpr cudaMemoryAdvise words[] = {cudaMemAdviseSetReadMostly,        cudaMemAdviseUnsetReadMostly,
                                          cudaMemAdviseSetPreferredLocation, cudaMemAdviseUnsetPreferredLocation,
                                          cudaMemAdviseSetAccessedBy,        cudaMemAdviseUnsetAccessedBy};
    return cudaMemAdvise(memory, bytes, words[static_cast<int>(advice)], place(device));
  }

  // Graphs
  static error begin_capture(stream s, weft::capture_mode mode) {
    return cudaStreamBeginCapture(s, mode == weft::capture_mode::global   ? cudaStreamCaptureModeGlobal
                                     : mode == weft::capture_mode::thread ? cudaStreamCaptureModeThreadLocal
                                                                          : cudaStreamCaptureModeRelaxed);
  }
  static error end_capture(stream s, graph* made) { return cudaStreamEndCapture(s, made); }
  static error graph_destroy(graph g) { return cudaGraphDestroy(g); }
  static error instantiate(graph_exec* made, graph from) { return cudaGraphInstantiate(made, from, 0); }
  static error exec_destroy(graph_exec g) { return cudaGraphExecDestroy(g); }
  static bool exec_update(graph_exec g, graph from) {
    cudaGraphExecUpdateResultInfo ignored{};
    return cudaGraphExecUpdate(g, from, &ignored) == success;
  }
  static error graph_launch(graph_exec g, stream s) { return cudaGraphLaunch(g, s); }
  static error graph_upload(graph_exec g, stream s) { return cudaGraphUpload(g, s); }
  static graph_facts graph_about(graph g) {
    graph_facts facts;
    cudaGraphNode_t nodes[256];
    std::size_t n = 0;
    if (cudaGraphGetNodes(g, nullptr, &n) != success) return facts;
    facts.nodes = n;
    if (n > 256) return facts;
    if (cudaGraphGetNodes(g, nodes, &n) != success) return facts;
    for (std::size_t i = 0; i < n; ++i) {
      cudaGraphNodeType type{};
      if (cudaGraphNodeGetType(nodes[i], &type) == success) facts.kernels += type == cudaGraphNodeTypeKernel;
    }
    return facts;
  }

  struct pointer_facts {
    memory_kind kind = memory_kind::unknown;
    int device = -1;
    bool reachable = false;  // from the current device
  };
  static error pointer_query(pointer_facts* facts, const void* memory) {
    static const auto ask =
        driver_call<int (*)(unsigned, int*, void**, std::uintptr_t)>("cuPointerGetAttributes", 7000);
    unsigned type = 0;  // 0: nothing of CUDA's, 1: pinned, 2: device
    int device = -1, managed = 0;
    void* reachable = nullptr;
    int questions[] = {2, 9, 8, 3};  // CU_POINTER_ATTRIBUTE_… MEMORY_TYPE, DEVICE_ORDINAL, IS_MANAGED, DEVICE_POINTER
    void* answers[] = {&type, &device, &managed, &reachable};
    if (ask != nullptr && ask(4, questions, answers, reinterpret_cast<std::uintptr_t>(memory)) == 0) [[likely]] {
      facts->device = device;
      facts->reachable = reachable != nullptr;
      facts->kind = managed     ? memory_kind::managed
                    : type == 2 ? memory_kind::device
                    : type == 1 ? memory_kind::pinned
                                : memory_kind::host;
      return success;
    }
    cudaPointerAttributes a{};
    const error e = cudaPointerGetAttributes(&a, memory);
    facts->device = a.device;
    facts->reachable = a.devicePointer != nullptr;
    facts->kind = a.type == cudaMemoryTypeDevice    ? memory_kind::device
                  : a.type == cudaMemoryTypeManaged ? memory_kind::managed
                  : a.type == cudaMemoryTypeHost    ? memory_kind::pinned
                                                    : memory_kind::host;
    return e;
  }
};

// Constant-initialised and without a destructor: usable before main and after it.
inline constinit gpu::vendor_runtime<cuda_vendor> cuda_runtime_object{};

}  // namespace detail

using cuda_runtime_type = gpu::vendor_runtime<detail::cuda_vendor>;
inline runtime& cuda_runtime() noexcept { return detail::cuda_runtime_object; }

/// Throws weft::error with CUDA's name and text unless the call succeeded.
inline void cuda_check(cudaError_t result, std::string_view call, const std::source_location& where = {}) {
  gpu::check<detail::cuda_vendor>(result, call, where);
}

}  // namespace weft
