# ./weft test: one stage per compiler and sanitizer, each a CMake preset with a build folder of its own.

quick=0 stages= begin_within=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 ;;
    --no-install) may_install=0 ;;
    --stages) stages=${2:-}; shift ;;
    --begin-within) begin_within=${2:-}; shift ;;  # minutes; a stage that has not begun by then is left out, and said so
    *) fail "test: no option $1" ;;
  esac
  shift
done
[ -n "$stages" ] || { [ $quick = 1 ] && stages='cpu asan' || stages='cpu debug hip cuda tsan asan'; }
stages=${stages//,/ }

began=$(seconds)
need required build catch2
need optional tbb ccache format
for stage in $stages; do
  case $stage in
    hip) need optional hip hipcc ;;
    debug | asan | tsan) need optional clang ;;
  esac
done
say "ready after $(($(seconds) - began)) s"

results=() passed=0 failed=0 status=0

# A line for every fifth of a build.
progress() {
  awk -F'[][/]' '/^\[[0-9]+\/[0-9]+\]/ && int($2 * 5 / $3) > shown { shown = int($2 * 5 / $3); print "   built " $2 " of " $3; fflush() }'
}

# run_stage NAME PRESET LABELS TARGETS [CMAKE ARGUMENTS…]: configures, builds the targets (all of them that compile), runs
# the tests with one of the labels.
run_stage() {
  local name=$1 preset=$2 labels=$3 targets=$4 start compiled built=ok line bad total
  shift 4
  start=$(seconds)
  say "== $name"
  if ! configure "$preset" "$@"; then
    results+=("$name: configure FAILED") status=1
    return 0
  fi
  cmake --build "build/$preset" -j "$cores" --target $targets -- -k 0 2>&1 | tee "build/$preset.build.log" | progress || built=BAD
  if [ $built = BAD ]; then
    grep -E '^FAILED|error:|error #|undefined reference' "build/$preset.build.log" | head -20 || true
    status=1
  fi
  compiled=$(($(seconds) - start))
  say "   build $built, $compiled s"
  ctest --test-dir "build/$preset" -j "$cores" --output-on-failure -L "$labels" >"build/$preset.ctest.log" 2>&1 || status=1
  grep -E -A40 '\*\*\*(Failed|Not Run|Timeout|Exception)' "build/$preset.ctest.log" | head -150 || true
  line=$(grep '% tests passed' "build/$preset.ctest.log" || echo 'no tests were run')
  say "$line"
  bad=$(sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\1/p' <<<"$line")
  total=$(sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\2/p' <<<"$line")
  failed=$((failed + ${bad:-0})) passed=$((passed + ${total:-0} - ${bad:-0}))
  results+=("$(printf '%-5s built %-3s in %4d s, tested in %4d s: %s' "$name" $built $compiled \
    $(($(seconds) - start - compiled)) "$line")")
}

skip_stage() { say "== $1: $2"; results+=("$(printf '%-5s not run: %s' "$1" "$2")"); }

# Each program of the suite is built in the stage that makes most of it: seq, openmp and the plain loops differ from tbb by
# their schedulers and take half the time to compile without optimisation; the third-party backend goes to tsan.
stage_cpu() {
  local programs='core;tbb;simt'
  [[ " $stages " = *' debug '* ]] || programs+=';seq;openmp;reference'
  [[ " $stages " = *' tsan '* ]] || programs+=';jthread'
  if [ $quick = 1 ]; then
    run_stage cpu release 'core|seq|tbb|simt|usage|rules|refused' 'weft_test_core weft_test_seq weft_test_tbb weft_test_simt' \
      "-DWEFT_TEST_PROGRAMS=core;seq;tbb;simt"
  else
    run_stage cpu release . all "-DWEFT_TEST_PROGRAMS=$programs"
  fi
}
stage_debug() {
  run_stage debug debug 'seq|openmp|reference' 'weft_test_seq weft_test_openmp weft_test_reference weft_vendor' \
    "-DCMAKE_CXX_COMPILER=$(clang_or_gcc)" -DCMAKE_CXX_FLAGS_DEBUG=-O0 "-DWEFT_TEST_PROGRAMS=seq;openmp;reference"
}
stage_cuda() {
  have nvcc || [ -x /usr/local/cuda/bin/nvcc ] || { skip_stage cuda 'no nvcc here'; return; }
  local labels='cuda|usage|vendor' only=(-DWEFT_TEST_COMPILE_ONLY=OFF)
  if ! nvidia-smi -L >/dev/null 2>&1; then
    say 'cuda: no device here: the tests are compiled as far as PTX and linked, not run; the machine code of every verb'
    say '      on its main types is checked for Hopper'
    local flags='-O0 -DNDEBUG'  # -O0 is the host's half
    if "$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)" --help | grep -e --Ofast-compile >/dev/null; then
      flags+=' --Ofast-compile=max'  # two thirds of the time; nobody runs the kernels
    fi
    labels='cuda_code|usage|vendor' only=(-DWEFT_TEST_COMPILE_ONLY=ON "-DCMAKE_CUDA_FLAGS_RELEASE=$flags")
  fi
  run_stage cuda cuda "$labels" 'weft_test_cuda weft_vendor weft_examples_cuda' "${only[@]}"
}
stage_hip() {
  packages_for hip
  eval "$has" || { skip_stage hip 'clang 19 or the HIP packages are missing'; return; }
  local labels='hip|code_objects|headers|vendor' only=(-DWEFT_TEST_COMPILE_ONLY=OFF)
  if [ ! -e /dev/kfd ]; then
    say 'hip: no AMD device here: the tests are compiled and linked for gfx90a, not run on AMD hardware; the code'
    say '     objects are checked for four architectures'
    labels='code_objects|headers|vendor' only=(-DWEFT_TEST_COMPILE_ONLY=ON -DCMAKE_HIP_ARCHITECTURES=gfx90a)
  fi
  run_stage hip hip "$labels" 'weft_test_hip weft_vendor weft_examples_hip' "${only[@]}"
}
# Unoptimised code compiles twice as fast with clang as with g++, sanitized code two to seven times.
clang_or_gcc() { have clang++-19 && printf clang++-19 || printf g++; }
stage_asan() {
  local with=-DCMAKE_CXX_COMPILER=$(clang_or_gcc)
  if [ $quick = 1 ]; then
    run_stage asan asan 'core|simt|planted' 'weft_test_core weft_test_simt weft_planted' $with
  else
    run_stage asan asan 'core|simt|tbb|planted' 'weft_test_core weft_test_simt weft_test_tbb weft_planted' $with
  fi
}
stage_tsan() {
  run_stage tsan tsan 'core|simt|jthread|planted' 'weft_test_core weft_test_simt weft_test_jthread weft_planted' \
    "-DCMAKE_CXX_COMPILER=$(clang_or_gcc)"
}
for stage in $stages; do
  declare -F "stage_$stage" >/dev/null || fail "test: no stage $stage"
  if [ -n "$begin_within" ] && [ $(($(seconds) - began)) -gt $((begin_within * 60)) ]; then
    skip_stage "$stage" "not begun within $begin_within minutes"
    continue
  fi
  "stage_$stage"
done

say ""
say "summary, after $((($(seconds) - began + 30) / 60)) min on $cores cores:"
printf '  %s\n' "${results[@]}"
[ $((passed + failed)) -gt 0 ] || status=1
[ $status = 0 ] || say "FAILED (logs: build/*.log)"
total=$((passed + failed))
say "$((total ? passed * 100 / total : 0))% tests passed, $failed tests failed out of $total"
exit $status
