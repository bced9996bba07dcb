# weft_test_program(NAME FILES … LIBRARIES … [POLICY p HEADER h] [READY_SOON]): the program weft_test_NAME. READY_SOON: by
# g++ at -Og, which takes a third less time than -O1 and costs the run a fifth; for code that another program has at -O1.
function(weft_test_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "READY_SOON" "POLICY;HEADER" "FILES;LIBRARIES")
  if(NOT TARGET weft_test_main)
    add_library(weft_test_main OBJECT main.cpp)
    target_compile_features(weft_test_main PRIVATE cxx_std_20)
    if(TARGET Catch2::Catch2WithMain AND Catch2_VERSION VERSION_GREATER_EQUAL 3)
      target_link_libraries(weft_test_main PUBLIC Catch2::Catch2WithMain)
    else()
      target_link_libraries(weft_test_main PUBLIC Catch2::Catch2)
    endif()
  endif()
  set(target weft_test_${name})
  add_executable(${target} ${arg_FILES})
  target_link_libraries(${target} PRIVATE weft_test_main weft::weft ${arg_LIBRARIES})
  if(arg_POLICY)
    target_compile_definitions(${target} PRIVATE WEFT_TEST_POLICY=${arg_POLICY} WEFT_TEST_HEADER=<${arg_HEADER}>)
  endif()
  target_compile_definitions(${target} PRIVATE $<$<CONFIG:Debug>:WEFT_TEST_SLOW_BUILD>)
  weft_strict(${target})
  if(arg_READY_SOON)
    target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<CONFIG:Release>>:-Og>)
  endif()
  if(arg_POLICY STREQUAL "weft::hip" AND WEFT_TEST_COMPILE_ONLY)  # nobody runs it; code_objects.py reads optimised kernels
    target_compile_options(${target} PRIVATE -O0)
  endif()
  foreach(file IN ITEMS capture.cpp core_table.cpp)  # every algorithm: minutes of optimising what runs once
    if(file IN_LIST arg_FILES AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS -O0 SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
  if(arg_POLICY AND NOT arg_POLICY STREQUAL "weft::hip")  # `-x hip` and precompiled headers do not go together
    target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/test/harness.hpp)
  endif()
endfunction()

# weft_add_tests(NAME PREFIX p FILES … LABELS … [STEMS …] [NOT_STEMS …] [ENVIRONMENT …] [LARGE]): one ctest entry
# PREFIX/STEM per file, which runs that file's cases of weft_test_NAME: the ordinary ones, or those tagged [.large]. The
# slow ones are begun first, or the last of them would have the machine to itself.
set(slow_stems scan fixed_order set_operations segmented sort by_key select run_length gemm_types capture core_table simt_backend)
function(weft_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LARGE" "PREFIX" "FILES;LABELS;STEMS;NOT_STEMS;ENVIRONMENT")
  foreach(file IN LISTS arg_FILES)
    cmake_path(GET file STEM LAST_ONLY stem)
    if((arg_STEMS AND NOT stem IN_LIST arg_STEMS) OR stem IN_LIST arg_NOT_STEMS)
      continue()
    endif()
    set(tagged "~[large]")  # a file's name as a tag would pick hidden cases too
    if(arg_LARGE)
      set(tagged "[large]")
    endif()
    add_test(NAME ${arg_PREFIX}/${stem} COMMAND weft_test_${name} -\# "[#${stem}]${tagged}")
    set_tests_properties(${arg_PREFIX}/${stem} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 600
                         ENVIRONMENT "${arg_ENVIRONMENT}" FAIL_REGULAR_EXPRESSION "No tests ran")
    if(stem IN_LIST slow_stems)
      set_tests_properties(${arg_PREFIX}/${stem} PROPERTIES COST 10)
    endif()
  endforeach()
endfunction()

# weft_cuda_sources(RESULT FILES…): a .cu file for each, which includes it after the two macros.
function(weft_cuda_sources result)
  set(made)
  foreach(file IN LISTS ARGN)
    cmake_path(GET file STEM LAST_ONLY stem)
    set(wrapper ${CMAKE_CURRENT_BINARY_DIR}/cuda/${stem}.cu)
    file(CONFIGURE OUTPUT ${wrapper} @ONLY CONTENT [[
#define WEFT_TEST_POLICY weft::cuda
#define WEFT_TEST_HEADER <weft/cuda.hpp>
#include "@CMAKE_CURRENT_SOURCE_DIR@/@file@"
]])
    list(APPEND made ${wrapper})
  endforeach()
  set(${result} ${made} PARENT_SCOPE)
endfunction()
