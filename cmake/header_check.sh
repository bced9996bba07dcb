#!/usr/bin/env bash
# header_check.sh KIND COMPILER ALONE: all headers compile in one file, in the order of their names and backwards, twice
# each; those whose names match the regular expression ALONE also as the first thing of a file of their own.
# KIND host: a plain C++ compiler; cuda: nvcc; hip: clang with -x hip. Prints each header that does not.
# Only the dialects, and what offers their verbs, read differently for different compilers (cmake/rules.sh), so what one
# compiler has found to stand alone the others need not be asked again.
set -uo pipefail
kind=$1 compiler=$2 alone=$3
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

roots=(include backends/cpu backends/gpu backends/seq backends/openmp backends/tbb backends/simt)
flags=(-std=c++20)
skip='^$' apart='^$'
finds() { echo "#include <$2>" | "$1" -fopenmp -E -x c++ - >/dev/null 2>&1; }  # COMPILER HEADER
case $kind in
  host)
    flags+=(-Wall -Wextra -Werror -Wno-unknown-pragmas -fopenmp -fsyntax-only)
    roots+=(backends/cuda backends/hip backends/blas backends/cublas backends/hipblas)
    apart='weft/(prebuilt/)?(cuda|cublas|hip|hipblas)[/.]'  # what CUDA and HIP define does not go into one file
    alone="$alone|$apart"
    for include in /usr/local/cuda/include ${CUDA_PATH:+"$CUDA_PATH/include"}; do
      [ -d "$include" ] && flags+=(-isystem "$include")
    done
    ls "$include"/cuda_runtime.h >/dev/null 2>&1 || skip='weft/(prebuilt/)?cu(da|blas)([./])'  # no toolkit: its headers cannot be read
    [ -e /usr/include/hip/hip_runtime.h ] || skip="$skip|weft/hip([./])"
    skip="$skip|weft/cuda/(copies|hopper|wgmma)[.]|weft/(cuda|hip)/matrix_units[.]"  # parts of dialects, for device code alone
    flags+=(-isystem test/shim/hipblas)  # the few declarations that weft/hipblas.hpp uses
    [ -e /usr/include/hip/hip_runtime.h ] || skip="$skip|weft/hipblas[.]"
    finds "$compiler" cblas.h || skip="$skip|weft/blas[.]"
    finds "$compiler" omp.h || skip="$skip|weft/(prebuilt/)?openmp[.]"  # clang: libomp-dev
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

check() {  # NAME HEADERS…
  local name=$1 file
  file=$scratch/$(tr / _ <<<"$name").cpp
  shift
  printf '#include <%s>\n' "$@" "$@" >"$file"
  $command "$file" >"$file.log" 2>&1 || { echo "not self-contained: $name"; head -12 "$file.log"; return 1; }
}
export -f check
export scratch command="$compiler ${flags[*]}"

for folder in "${roots[@]}"; do (cd "$folder" && find . -name '*.hpp' -printf '%P\n'); done |
  sort | grep -vE "$skip|weft/(cuda|hip|simt)/dialect.hpp" >"$scratch/list"  # a dialect is chosen by gpu/dialect.hpp
grep -E "$alone" "$scratch/list" >"$scratch/alone"
echo "$kind, $compiler: $(wc -l <"$scratch/list") headers, $(wc -l <"$scratch/alone") of them alone too"
{
  echo together $(grep -vE "$apart" "$scratch/list")
  echo backwards $(tac "$scratch/list" | grep -vE "$apart")
  sed 's/.*/& &/' "$scratch/alone"
} | xargs -P "$(nproc)" -L 1 bash -c 'check "$@"' check
