# weft_strict(TARGET): how tests and examples are compiled: every warning is an error, and in Release at -O1, which takes
# half the time of -O3 to compile; the loops that matter ask for -O3 by themselves. The two warnings that are left out are
# wrong about std::string, std::optional and std::function in g++ 12 (gcc.gnu.org/PR105651, PR105562); libstdc++'s own
# stable_sort uses what it deprecates, which clang tells of when it compiles HIP; and clang tells of loops that it does not
# unroll under a sanitizer.
function(weft_strict target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Werror;$<$<CONFIG:Release>:-O1>>"
    "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict;-Wno-maybe-uninitialized>"
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-deprecated-declarations>
    $<$<AND:$<COMPILE_LANG_AND_ID:CXX,Clang>,$<CONFIG:Debug>>:-Wno-pass-failed>
    "$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;-Xcompiler=-Wall,-Wextra,-Wno-restrict,-Wno-maybe-uninitialized;-Werror=all-warnings>")
endfunction()
