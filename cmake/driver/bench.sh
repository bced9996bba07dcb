# ./weft bench NAME: builds and runs one benchmark of bench/. `gpu/gemm_steps --html FILE` draws its rooflines, too.
arguments=()
for argument in "$@"; do
  [ "$argument" = --no-install ] && may_install=0 || arguments+=("$argument")
done
set -- "${arguments[@]}"
if [ $# = 0 ] || [ "$1" = --list ]; then
  say "compile-time"
  say "gpu (all of gpu/*, results kept)"
  for source in bench/*.cpp bench/*.cu bench/gpu/*.cu; do
    [ -e "$source" ] && source=${source#bench/} && say "${source%.*}"
  done
  exit 0
fi
name=$1
shift
need required build
need optional tbb benchmark ccache
if [ "$name" = gpu ]; then  # every GPU verb beside CUB, Thrust or cuBLAS in one run; arguments are exponents of sizes
  nvidia-smi -L >/dev/null 2>&1 || fail 'bench gpu: no NVIDIA device on this machine'
  configure cuda -B build/bench-cuda -DWEFT_BUILD_BENCH=ON -DWEFT_BUILD_TESTS=OFF -DWEFT_BUILD_EXAMPLES=OFF
  cmake --build build/bench-cuda --target bench_gpu
  results=bench/results/gpu-$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1 | tr ' ' '-')-$(date +%F).txt
  { nvidia-smi --query-gpu=name,driver_version --format=csv,noheader; nvcc --version | tail -1; git describe --always --dirty; } >"$results"
  for program in build/bench-cuda/bench/bench_gpu_*; do
    [ -x "$program" ] || continue
    say "== ${program##*/}"
    if [[ $program = *_gemm* ]]; then "$program"; else "$program" "$@"; fi
  done | tee -a "$results"
  say "kept in $results"
  exit 0
fi
if [ "$name" = compile-time ]; then exec python3 bench/compile_time/measure.py "$@"; fi
preset=release folder=build/bench
[ -e "bench/$name.cu" ] && preset=cuda folder=build/bench-cuda
configure $preset -B $folder -DWEFT_BUILD_BENCH=ON -DWEFT_BUILD_TESTS=OFF -DWEFT_BUILD_EXAMPLES=OFF
cmake --build $folder --target "bench_${name//\//_}"
program=$folder/bench/bench_${name//\//_}
if [ "$name" = gpu/gemm_steps ]; then
  arguments=() page=
  while [ $# -gt 0 ]; do
    case $1 in
      --html) page=${2:?--html FILE}; shift ;;
      --html=*) page=${1#*=} ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  if [ -n "$page" ]; then
    "$program" "${arguments[@]}" --json "${page%.html}.json"
    python=/usr/bin/python3
    [ -x $python ] || python=python3
    $python -c 'import matplotlib' 2>/dev/null || [ "$may_install" = 0 ] || apt_install python3-matplotlib ||
      say "no python3-matplotlib: the page will have the table only"
    exec $python bench/compare/roofline.py "${page%.html}.json" --html "$page"
  fi
  set -- "${arguments[@]}"
fi
exec "$program" "$@"
