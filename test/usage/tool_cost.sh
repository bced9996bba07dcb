#!/usr/bin/env bash
# tool_cost.sh COMPILER: while no tool is attached a call pays for one load and two branches that are not taken, calls
# nothing, and touches no atomic read-modify-write: read from the object code. And profilers' ranges are in nobody's
# program unless their header is: no word of NVTX or rocTX in the object.
set -euo pipefail
compiler=${1:-c++}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
object=$(mktemp --suffix=.o)
trap 'rm -f "$object"' EXIT
"$compiler" -std=c++20 -O2 "-I$root/include" "-I$root/backends/cpu" "-I$root/backends/seq" \
  -c "$root/test/usage/tool_cost.cpp" -o "$object"
# From the entry to the first return, falling through conditional jumps: the path without tools.
path=$(objdump -d --no-show-raw-insn "$object" | awk '/<told>:/ {on = 1; next} on {print} /^$|\tret/ {on = 0}')
count() { grep -cE "$1" <<<"$path" || true; }
calls=$(count $'\tcall') jumps=$(count $'\tj[a-z]+') loads=$(count '0x0\(%rip\),%e') all=$(wc -l <<<"$path")
locked=$(count $'\tlock|xchg') status=0
expect() { [ "$2" -le "$3" ] || { echo "$1: $2, at most $3 expected"; status=1; }; }
expect 'calls (the work itself is one)' "$calls" 1
expect 'branches' "$jumps" 2
expect 'loads' "$loads" 1
expect 'atomic operations' "$locked" 0
expect 'instructions' "$all" 18
if strings -a "$object" | grep -iE 'nvtx|roctx'; then status=1; fi
[ $status = 0 ] && echo "$compiler: $all instructions, $jumps branches" || echo "$path"
exit $status
