#!/usr/bin/env bash
# vectorised.sh COMPILER BACKEND…: a user's function that vectorises must vectorise inside weft, at -O2, for the AVX2 of
# the processor that it meets. Read from the object code: the copy made for AVX2 of each call of vectorised.cpp does its
# arithmetic on 32-byte registers.
set -euo pipefail
compiler=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
object=$(mktemp --suffix=.o)
trap 'rm -f "$object"' EXIT
status=0
for backend in "${@:2}"; do
  "$compiler" -std=c++20 -O2 -ffp-contract=off "-I$root/include" "-I$root/backends/cpu" "-I$root/backends/$backend" \
    "-DPOLICY=weft::$backend" "-DHEADER=<weft/$backend.hpp>" -c "$root/test/usage/vectorised.cpp" -o "$object"
  # A line a function: how many packed 32-byte multiplications, additions and comparisons, then its name.
  table=$(objdump -dC --no-show-raw-insn "$object" | awk '
    /^[0-9a-f]+ <.*>:$/ {name = $0}
    /v(mul|add|cmp[a-z_]*)ps.*%ymm/ {++count[name]}
    END {for (name in count) print count[name], name}')
  expect() {  # WHAT PATTERN LEAST
    local found
    found=$(awk -v pattern="run_(loop_)?avx2<.*$2" '$0 ~ pattern && $1 > most {most = $1} END {print most + 0}' <<<"$table")
    [ "$found" -ge "$3" ] || { echo "$backend, $1: $found packed operations, $3 expected"; status=1; }
  }
  expect 'transform' 'transform_loop.*polynomial' 4
  expect 'transform by a function with a loop' 'transform_loop.*smooth[^_]' 3
  expect 'transform of two ranges by one' 'transform_loop.*smooth_two' 2
  expect 'reduce' 'reduce_' 8
  expect 'the predicate of copy_if' 'make_bytes.*above' 2
  [ $status = 0 ] || echo "$table"
done
[ $status = 0 ] && echo "$compiler: vectorised"
exit $status
