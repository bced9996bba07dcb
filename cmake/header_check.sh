#!/usr/bin/env bash
# header_check.sh KIND COMPILER: every header compiles as the first thing of a file, and a second time.
# KIND host: a plain C++ compiler; cuda: nvcc; hip: clang with -x hip. Prints each header that does not.
set -uo pipefail
kind=$1
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

roots=(include backends/cpu backends/gpu backends/seq backends/openmp backends/tbb backends/simt)
flags=(-std=c++20)
skip='^$'
finds() { echo "#include <$2>" | "$1" -fopenmp -E -x c++ - >/dev/null 2>&1; }  # COMPILER HEADER
case $kind in
  host)
    flags+=(-Wall -Wextra -Werror -Wno-unknown-pragmas -fopenmp -fsyntax-only)
    roots+=(backends/cuda backends/hip backends/blas backends/cublas backends/hipblas)
    for include in /usr/local/cuda/include ${CUDA_PATH:+"$CUDA_PATH/include"}; do
      [ -d "$include" ] && flags+=(-isystem "$include")
    done
    ls "$include"/cuda_runtime.h >/dev/null 2>&1 || skip='weft/cu(da|blas)([./])'  # no toolkit: its headers cannot be read
    [ -e /usr/include/hip/hip_runtime.h ] || skip="$skip|weft/hip([./])"
    skip="$skip|weft/cuda/(hopper|wgmma)[.]"  # parts of the dialect, for nvcc's device code alone
    flags+=(-isystem test/shim/hipblas)  # the few declarations that weft/hipblas.hpp uses
    [ -e /usr/include/hip/hip_runtime.h ] || skip="$skip|weft/hipblas[.]"
    finds "$1" cblas.h || skip="$skip|weft/blas[.]"
    finds "$1" omp.h || skip="$skip|weft/openmp[.]"  # clang: libomp-dev
    flags+=(-D__HIP_PLATFORM_AMD__=1)
    ;;
  cuda)
    roots=(include backends/gpu backends/cuda)
    flags+=(-x cu -arch=sm_90 -Xcompiler -Wall,-Wextra,-Wno-unknown-pragmas -Werror all-warnings -c -o /dev/null) ;;
  hip)
    roots=(include backends/gpu backends/hip)
    flags+=(-x hip -nogpulib -Wall -Wextra -Werror -fsyntax-only) ;;
esac
for folder in "${roots[@]}"; do flags+=("-I$folder"); done

check() {
  local header=$1 file
  file=$scratch/$(tr / _ <<<"$header").cpp
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$file"
  shift
  "$@" "$file" >"$file.log" 2>&1 || { echo "not self-contained: $header"; head -12 "$file.log"; return 1; }
}
export -f check
export scratch

for folder in "${roots[@]}"; do (cd "$folder" && find . -name '*.hpp' -printf '%P\n'); done |
  sort | grep -vE "$skip|weft/(cuda|hip|simt)/dialect.hpp" >"$scratch/list"  # a dialect is chosen by gpu/dialect.hpp
echo "$kind, $1: $(wc -l <"$scratch/list") headers"
xargs -P "$(nproc)" -I{} bash -c 'check {} "$@"' check "$@" "${flags[@]}" <"$scratch/list"
