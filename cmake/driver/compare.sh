# ./weft compare: hands over to bench/compare, once what it needs is here.
arguments=()
for argument in "$@"; do
  [ "$argument" = --no-install ] && may_install=0 || arguments+=("$argument")
done
need required build
need optional tbb benchmark ccache
[ -e bench/compare/run.sh ] || fail "compare: bench/compare is missing"
source bench/compare/run.sh "${arguments[@]}"
