// The test runner's main function, compiled once per program (version 3 of Catch2 brings its own).
#if __has_include(<catch2/catch.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
