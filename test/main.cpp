// The test runner's main function, compiled once per program (version 3 of Catch2 brings its own).
#if __has_include(<catch2/catch.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

// Tests ask for more memory than there is: under AddressSanitizer too the answer is to be a null pointer.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }
