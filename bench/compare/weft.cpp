// One weft backend, compiled once for each: COMPARE_POLICY and COMPARE_HEADER say which, COMPARE_ADD is the name of the
// function that main calls.
#include COMPARE_HEADER

#include "weft_system.hpp"

void COMPARE_ADD() { compare::add_all(compare::weft_system<decltype(COMPARE_POLICY)>{COMPARE_POLICY}); }
