# ./weft bench NAME: builds and runs one benchmark of bench/.
arguments=()
for argument in "$@"; do
  [ "$argument" = --no-install ] && may_install=0 || arguments+=("$argument")
done
set -- "${arguments[@]}"
if [ $# = 0 ] || [ "$1" = --list ]; then
  say "compile-time"
  for source in bench/*.cpp bench/*.cu bench/gpu/*.cu; do
    [ -e "$source" ] && source=${source#bench/} && say "${source%.*}"
  done
  exit 0
fi
name=$1
shift
need required build
need optional tbb benchmark ccache
if [ "$name" = compile-time ]; then exec python3 bench/compile_time/measure.py "$@"; fi
preset=release folder=build/bench
[ -e "bench/$name.cu" ] && preset=cuda folder=build/bench-cuda
configure $preset -B $folder -DWEFT_BUILD_BENCH=ON -DWEFT_BUILD_TESTS=OFF -DWEFT_BUILD_EXAMPLES=OFF
cmake --build $folder --target "bench_${name//\//_}"
exec "$folder/bench/bench_${name//\//_}" "$@"
