#!/usr/bin/env bash
# run.sh COMPILER: tunes two cases on the emulation and compiles a use of the selector that comes out. A field that the
# row does not have and a row that no kernel takes are left out, not fatal.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$root/bench/tune/tune.py" scan merge --backend simt --sizes 700,3000 --vary block_threads=64,100 \
  --folder "$work" --output "$work/tuned.hpp" --least-gain -99 --jobs 2 | tee "$work/out"
grep -q 'scan-u32-2: does not compile' "$work/out"  # 100 threads are no whole warps
grep -q 'scan_tuning, 4 bytes: ' "$work/out"
cat >"$work/use.cpp" <<'CPP'
#include <weft/simt.hpp>
#include <weft/weft.hpp>

#include "tuned.hpp"

#include <vector>

int main() {
  std::vector<unsigned> x(5000, 1);
  weft::inclusive_scan(weft::simt.tuned_by<tuned>(), x.begin(), x.end(), x.begin());
  return x.back() == 5000 ? 0 : 1;
}
CPP
"$1" -std=c++20 -O1 -Wall -Wextra -Werror -Wno-unknown-pragmas -pthread -I"$root"/include -I"$root"/backends/{gpu,simt} -I"$work" "$work/use.cpp" -o "$work/use"
"$work/use"
