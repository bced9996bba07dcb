# ./weft compare: measures every backend of this machine and its peers in one run, prints the table, writes
# compare.json and compare.html. Sourced by the driver with its functions at hand.
quick=0 json=compare.json input= verbs= backends=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 ;;
    --input) input=${2:?--input FILE}; shift ;;
    --input=*) input=${1#*=} ;;
    --json) json=${2:?--json FILE}; shift ;;
    --json=*) json=${1#*=} ;;
    --verbs) verbs=${2:?--verbs LIST}; shift ;;
    --verbs=*) verbs=${1#*=} ;;
    --backends) backends=${2:?--backends LIST}; shift ;;
    --backends=*) backends=${1#*=} ;;
    *) fail "compare: no option $1 (./weft help lists them)" ;;
  esac
  shift
done
[ -z "$input" ] || [ -r "$input" ] || fail "compare: cannot read $input"

python=/usr/bin/python3
[ -x $python ] || python=python3
packages_for_plots() { $python -c 'import matplotlib' 2>/dev/null; }
if ! packages_for_plots && [ "$may_install" = 1 ]; then
  say "installing: python3-matplotlib (for the plots of compare.html)"
  apt_install python3-matplotlib || say "  could not; compare.html will have the table only"
fi

# Inputs of the two real programs: a text, and a graph of which Debian package depends on which.
work=build/compare
mkdir -p $work
if [ -z "$input" ]; then
  if [ ! -s $work/text.txt ]; then
    if ! have bible && [ "$may_install" = 1 ]; then
      say "installing: bible-kjv-text bible-kjv (a text to count the words of)"
      apt_install bible-kjv-text bible-kjv || true
    fi
    { have bible && bible -f gen1:1-rev22:21 >$work/text.txt 2>/dev/null; } || true
    [ -s $work/text.txt ] || cat /usr/share/common-licenses/* /usr/share/doc/*/copyright >$work/text.txt 2>/dev/null || true
  fi
  input=$work/text.txt
fi
if [ ! -s $work/graph.txt ]; then
  $python bench/compare/dependencies.py >$work/graph.txt 2>/dev/null || rm -f $work/graph.txt
fi
[ -s $work/graph.txt ] || say "components: no package lists on this machine (apt-get update brings them); left out"

say "building (build/compare; the first time takes some minutes)"
preset=release targets=compare_cpu device=0
if have nvidia-smi && nvidia-smi -L >/dev/null 2>&1; then
  if have nvcc || [ -x /usr/local/cuda/bin/nvcc ]; then device=1 preset=cuda targets="compare_cpu compare_cuda"
  else say "cuda: a device is here but no nvcc, so it is left out"; fi
else
  say "cuda: no device on this machine; ./weft test compiles that backend"
fi
if [ -e /dev/kfd ]; then say "hip: an AMD device is here; this build does not measure it yet"
else say "hip: no device on this machine; ./weft test compiles that backend"; fi
tree=build/compare/tree  # apart from what ./weft test builds
configure $preset -B $tree -DWEFT_BUILD_BENCH=ON -DWEFT_BUILD_TESTS=OFF -DWEFT_BUILD_EXAMPLES=OFF
steps=()  # of a matrix product, for a roofline
if [ $device = 1 ] && [[ -z $verbs || ,$verbs, = *,gemm,* ]] && [[ -z $backends || ,$backends, = *,cuda,* ]]; then
  steps=(--steps $work/gemm_steps.json)
fi
cmake --build $tree --target $targets ${steps:+bench_gpu_gemm_steps} >$work/build.log 2>&1 || { tail -40 $work/build.log; fail "compare: the build failed"; }

common="--text=$input"
[ -s $work/graph.txt ] && common="$common --graph=$work/graph.txt"
[ -z "$verbs" ] || common="$common --verbs=$verbs"
[ -z "$backends" ] || common="$common --backends=$backends"
if [ $quick = 1 ]; then
  common="$common --sizes=1024,65536,1048576 --gemm=256 --seconds=0.02"
else
  common="$common --sizes=1024,16384,65536,1048576,16777216 --gemm=64,256,512,1024 --seconds=0.1"
fi
parts=()
for target in $targets; do
  say "measuring with $target"
  parts+=("$work/$target.json")
  $tree/bench/compare/$target $common --benchmark_out=$work/$target.json --benchmark_out_format=json \
    2>$work/$target.err | $python -u bench/compare/progress.py
  [ -s $work/$target.json ] || { tail -5 $work/$target.err; fail "compare: $target failed"; }
done
if [ ${#steps[@]} != 0 ]; then
  say "measuring with bench_gpu_gemm_steps"
  $tree/bench/bench_gpu_gemm_steps $([ $quick = 1 ] && echo 2048) --json $work/gemm_steps.json
fi
$python bench/compare/report.py --json "$json" --html compare.html "${steps[@]}" "${parts[@]}"
