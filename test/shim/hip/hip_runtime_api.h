// Test only: HIP's host calls by CUDA's, for exactly the names that the HIP backend uses, so that its streams, pools
// and error paths can be built with nvcc (or g++ and cudart) and run on an NVIDIA GPU. It proves host logic, not AMD
// behaviour. Put test/shim first in the include path; no other header named <hip/…> may be seen.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#define hipError_t cudaError_t
#define hipSuccess cudaSuccess
#define hipErrorNotReady cudaErrorNotReady
#define hipErrorOutOfMemory cudaErrorMemoryAllocation
#define hipErrorIllegalAddress cudaErrorIllegalAddress
#define hipErrorLaunchTimeOut cudaErrorLaunchTimeout
#define hipErrorAssert cudaErrorAssert
#define hipErrorLaunchFailure cudaErrorLaunchFailure
#define hipErrorECCNotCorrectable cudaErrorECCUncorrectable
#define hipErrorStreamCaptureImplicit cudaErrorStreamCaptureImplicit
#define hipGetLastError cudaGetLastError
#define hipGetErrorName cudaGetErrorName
#define hipGetErrorString cudaGetErrorString

#define hipGetDeviceCount cudaGetDeviceCount
#define hipGetDevice cudaGetDevice
#define hipSetDevice cudaSetDevice
#define hipDeviceGetAttribute cudaDeviceGetAttribute
#define hipDeviceAttributePageableMemoryAccess cudaDevAttrPageableMemoryAccess
#define hipDeviceAttributeConcurrentManagedAccess cudaDevAttrConcurrentManagedAccess
#define hipDeviceGetStreamPriorityRange cudaDeviceGetStreamPriorityRange
#define hipDeviceSynchronize cudaDeviceSynchronize

#define hipStream_t cudaStream_t
#define hipStreamPerThread cudaStreamPerThread
#define hipStreamDefault cudaStreamDefault
#define hipStreamNonBlocking cudaStreamNonBlocking
#define hipStreamCreateWithPriority cudaStreamCreateWithPriority
#define hipStreamCreateWithFlags cudaStreamCreateWithFlags
#define hipStreamDestroy cudaStreamDestroy
#define hipStreamGetFlags cudaStreamGetFlags
#define hipStreamGetPriority cudaStreamGetPriority
#define hipStreamSynchronize cudaStreamSynchronize
#define hipStreamQuery cudaStreamQuery
#define hipStreamWaitEvent cudaStreamWaitEvent
#define hipStreamAddCallback cudaStreamAddCallback

#define hipStreamCaptureStatus cudaStreamCaptureStatus
#define hipStreamCaptureStatusNone cudaStreamCaptureStatusNone
#define hipStreamCaptureMode cudaStreamCaptureMode
#define hipStreamCaptureModeRelaxed cudaStreamCaptureModeRelaxed
#define hipStreamCaptureModeGlobal cudaStreamCaptureModeGlobal
#define hipStreamIsCapturing cudaStreamIsCapturing
#define hipStreamBeginCapture cudaStreamBeginCapture
#define hipThreadExchangeStreamCaptureMode cudaThreadExchangeStreamCaptureMode
#define hipStreamCaptureModeThreadLocal cudaStreamCaptureModeThreadLocal
#define hipStreamEndCapture cudaStreamEndCapture
#define hipGraph_t cudaGraph_t
#define hipGraphNode_t cudaGraphNode_t
#define hipGraphNodeType cudaGraphNodeType
#define hipGraphNodeTypeKernel cudaGraphNodeTypeKernel
#define hipGraphGetNodes cudaGraphGetNodes
#define hipGraphNodeGetType cudaGraphNodeGetType
#define hipGraphExecUpdateResult cudaGraphExecUpdateResult
#define hipGraphExec_t cudaGraphExec_t
#define hipGraphLaunch cudaGraphLaunch
#define hipGraphExecDestroy cudaGraphExecDestroy
#define hipGraphDestroy cudaGraphDestroy

#define hipEvent_t cudaEvent_t
#define hipEventDefault cudaEventDefault
#define hipEventDisableTiming cudaEventDisableTiming
#define hipEventCreateWithFlags cudaEventCreateWithFlags
#define hipEventDestroy cudaEventDestroy
#define hipEventRecord cudaEventRecord
#define hipEventSynchronize cudaEventSynchronize
#define hipEventQuery cudaEventQuery
#define hipEventElapsedTime cudaEventElapsedTime

#define hipHostMallocPortable cudaHostAllocPortable
#define hipHostMallocMapped cudaHostAllocMapped
#define hipMemAttachGlobal cudaMemAttachGlobal
#define hipMalloc cudaMalloc
#define hipFree cudaFree
#define hipHostMalloc cudaHostAlloc
#define hipHostFree cudaFreeHost
#define hipMallocManaged cudaMallocManaged
#define hipMallocAsync cudaMallocAsync
#define hipFreeAsync cudaFreeAsync
#define hipMemcpyAsync cudaMemcpyAsync
#define hipMemcpyDefault cudaMemcpyDefault
#define hipMemsetAsync cudaMemsetAsync

#define hipMemcpy2DAsync cudaMemcpy2DAsync
#define hipCpuDeviceId cudaCpuDeviceId
#define hipMemoryAdvise cudaMemoryAdvise
#define hipMemAdviseSetReadMostly cudaMemAdviseSetReadMostly
#define hipMemAdviseUnsetReadMostly cudaMemAdviseUnsetReadMostly
#define hipMemAdviseSetPreferredLocation cudaMemAdviseSetPreferredLocation
#define hipMemAdviseUnsetPreferredLocation cudaMemAdviseUnsetPreferredLocation
#define hipMemAdviseSetAccessedBy cudaMemAdviseSetAccessedBy
#define hipMemAdviseUnsetAccessedBy cudaMemAdviseUnsetAccessedBy

#define hipMemoryTypeHost cudaMemoryTypeHost
#define hipMemoryTypeDevice cudaMemoryTypeDevice

/// HIP's form, which keeps a flag beside the type.
struct hipPointerAttribute_t {
  cudaMemoryType type;
  int device;
  void* devicePointer;
  void* hostPointer;
  int isManaged;
};
inline cudaError_t hipPointerGetAttributes(hipPointerAttribute_t* out, const void* memory) {
  cudaPointerAttributes a{};
  const cudaError_t e = cudaPointerGetAttributes(&a, memory);
  *out = {a.type, a.device, a.devicePointer, a.hostPointer, a.type == cudaMemoryTypeManaged};
  return e;
}

inline cudaError_t hipDeviceGetName(char* name, int length, int device) {
  cudaDeviceProp facts{};
  const cudaError_t e = cudaGetDeviceProperties(&facts, device);
  for (int i = 0; i < length; ++i) name[i] = facts.name[i];
  return e;
}
inline cudaError_t hipGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph, cudaGraphNode_t*,
                                      cudaGraphExecUpdateResult*) {
  cudaGraphExecUpdateResultInfo ignored{};
  return cudaGraphExecUpdate(exec, graph, &ignored);
}
/// HIP's form has room for a log.
inline cudaError_t hipGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, void*, char*, std::size_t) {
  return cudaGraphInstantiate(exec, graph, 0);
}

/// HIP's forms name a device by its number.
inline cudaMemLocation hip_shim_place(int device) {
  cudaMemLocation at{};
  at.type = device == cudaCpuDeviceId ? cudaMemLocationTypeHost : cudaMemLocationTypeDevice;
  at.id = device == cudaCpuDeviceId ? 0 : device;
  return at;
}
inline cudaError_t hipMemPrefetchAsync(const void* memory, std::size_t bytes, int device, cudaStream_t s) {
  return cudaMemPrefetchAsync(memory, bytes, hip_shim_place(device), 0, s);
}
inline cudaError_t hipMemAdvise(const void* memory, std::size_t bytes, cudaMemoryAdvise advice, int device) {
  return cudaMemAdvise(memory, bytes, advice, hip_shim_place(device));
}
