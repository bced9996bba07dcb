# Defines weft::weft, the families weft::cpu and weft::gpu, and one target per backend; installs and exports them.

# weft_add_target(NAME BASE LIBRARIES...): an INTERFACE target weft::NAME whose headers are every .hpp below BASE,
# the include root. Each target has an export file of its own, so a consumer needs only what it asks for.
function(weft_add_target name base)
  add_library(weft_${name} INTERFACE)
  add_library(weft::${name} ALIAS weft_${name})
  set_target_properties(weft_${name} PROPERTIES EXPORT_NAME ${name})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${base}/*.hpp")
  target_sources(weft_${name} INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/${base}" FILES ${headers})
  target_link_libraries(weft_${name} INTERFACE ${ARGN})
  install(TARGETS weft_${name} EXPORT weft-${name}-targets FILE_SET HEADERS)
  install(EXPORT weft-${name}-targets NAMESPACE weft:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
endfunction()

weft_add_target(weft include Threads::Threads)
target_compile_features(weft_weft INTERFACE cxx_std_20)
# Same bits on every backend: a compiler that fuses a multiplication and an addition rounds once instead of twice.
target_compile_options(weft_weft INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-ffp-contract=off>)
find_package(Threads REQUIRED)

weft_add_target(cpu backends/cpu weft::weft)
# g++ pragmas in the CPU kernels: nvcc's front end hands them on to g++, but not without a remark.
target_compile_options(weft_cpu INTERFACE $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:--diag-suppress=1675>)
weft_add_target(gpu backends/gpu weft::weft)

set(weft_backends)
foreach(backend IN ITEMS seq openmp tbb simt cuda hip)
  if(NOT WEFT_BACKENDS STREQUAL "all" AND NOT backend IN_LIST WEFT_BACKENDS)
    continue()
  endif()
  weft_find_backend(${backend} missing)
  if(NOT missing)
    list(APPEND weft_backends ${backend})
  elseif(WEFT_BACKENDS STREQUAL "all")
    message(STATUS "weft: no ${backend} backend here: ${missing}")
  else()
    message(FATAL_ERROR "weft: WEFT_BACKENDS asks for ${backend}, but: ${missing}")
  endif()
endforeach()
foreach(backend IN LISTS weft_backends)
  if(backend MATCHES "^(simt|cuda|hip)$")
    weft_add_target(${backend} backends/${backend} weft::gpu)
  else()
    weft_add_target(${backend} backends/${backend} weft::cpu)
  endif()
  weft_complete_backend(${backend} weft_${backend})
endforeach()
include(cmake/weft-prebuilt.cmake)
list(JOIN weft_backends " " listed)
message(STATUS "weft ${PROJECT_VERSION}: backends ${listed}")

# Other libraries' matrix products behind weft::gemm. Nothing links them but a target that asks for them.
set(weft_providers)
foreach(provider IN ITEMS blas cublas hipblas)
  weft_find_backend(${provider} missing)
  if(provider STREQUAL "cublas" AND NOT "cuda" IN_LIST weft_backends)
    set(missing "no cuda backend")
  elseif(provider STREQUAL "hipblas" AND NOT "hip" IN_LIST weft_backends)
    set(missing "no hip backend")
  endif()
  if(missing)
    continue()
  endif()
  list(APPEND weft_providers ${provider})
  if(provider STREQUAL "blas")
    weft_add_target(blas backends/blas weft::weft)
  elseif(provider STREQUAL "cublas")
    weft_add_target(cublas backends/cublas weft::cuda)
  else()
    weft_add_target(hipblas backends/hipblas weft::hip)
  endif()
  weft_complete_backend(${provider} weft_${provider})
endforeach()
list(JOIN weft_providers " " listed)
message(STATUS "weft: gemm by ${listed}")

include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weft-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/weft-config-version.cmake ${CMAKE_CURRENT_LIST_DIR}/weft-config.cmake
              ${CMAKE_CURRENT_LIST_DIR}/weft-dependencies.cmake ${CMAKE_CURRENT_LIST_DIR}/weft-prebuilt.cmake
              ${CMAKE_CURRENT_LIST_DIR}/hip_bitcode.sh
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
