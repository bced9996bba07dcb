# What the commands of ./weft share: telling, installing, configuring, building.

cores=$(nproc)
# One compiler cache serves every clone: paths below the clone are taken as relative to it.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
may_install=1

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "./weft: $*" >&2; exit 1; }
any() { local path; for path in "$@"; do [ -e "$path" ] && return 0; done; return 1; }
have() { command -v "$1" >/dev/null 2>&1; }
have_header() {  # any of the headers
  local header
  for header in "$@"; do
    if [ -e "/usr/include/$header" ] || [ -e "/usr/local/include/$header" ]; then return 0; fi
  done
  return 1
}
seconds() { date +%s; }
launchers() { have ccache && printf '%s ' -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache; true; }

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# packages for what each word stands for; one line per word: word, how to see that it is here, Debian packages
packages_for() {
  case $1 in
    build) has='have g++ && have cmake && have ninja && have python3'; names='g++ cmake ninja-build python3' ;;
    catch2) has='have_header catch2/catch.hpp catch2/catch_all.hpp'; names=catch2 ;;
    tbb) has='have_header tbb/tbb.h'; names=libtbb-dev ;;
    benchmark) has='have_header benchmark/benchmark.h'; names=libbenchmark-dev ;;
    ccache) has='have ccache'; names=ccache ;;
    format) has='have clang-format-14'; names=clang-format-14 ;;
    clang) has='have clang++-19 && any /usr/lib/llvm-19/lib/clang/19/lib/linux && any /usr/lib/llvm-19/lib/libomp.so'
      names='clang-19 libclang-rt-19-dev libomp-19-dev' ;;
    hip) has='have clang++-19 && have ld.lld-19 && have llvm-as-15 && have llvm-readelf-19 &&
        [ -x /usr/lib/llvm-19/bin/clang-offload-bundler ] && [ -e /usr/include/hip/hip_runtime.h ] && any /usr/lib/*/amdgcn/bitcode/ockl.bc'
      names='clang-19 clang-tools-19 lld-19 llvm-19 llvm-15 libamdhip64-dev rocm-device-libs' ;;
    hipcc) has='have hipcc'; names='hipcc' ;;
    *) fail "packages_for: no word $1" ;;
  esac
}

apt_ready=0
apt_install() {  # packages…
  local sudo=
  have apt-get || { say "  this machine has no apt-get; please install: $*"; return 1; }
  if [ "$(id -u)" != 0 ]; then
    have sudo || { say "  neither root nor sudo; please install: $*"; return 1; }
    sudo=sudo
  fi
  if [ $apt_ready = 0 ]; then
    $sudo apt-get update -qq >build/apt.log 2>&1 || say "  apt-get update complained (build/apt.log); going on"
    apt_ready=1
  fi
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>build/apt.log 2>&1
}

# need required|optional WORD…: installs what is missing, says what. A required word that stays missing ends the command,
# an optional one gives a plain line.
need() {
  local kind=$1 word missing
  shift
  mkdir -p build
  for word in "$@"; do
    packages_for "$word"
    if eval "$has"; then continue; fi
    missing=$(for name in $names; do installed "$name" || printf ' %s' "$name"; done)
    missing=${missing# }
    if [ $may_install = 0 ]; then
      say "not installed (--no-install): $missing"
    else
      say "installing: $missing"
      apt_install $missing || say "  could not install $missing (build/apt.log says why)"
    fi
    if ! eval "$has"; then
      [ "$kind" = optional ] || fail "needs $missing"
      say "  going on without: $missing"
    fi
  done
}

# configure PRESET ARGUMENTS…: says what weft found, or everything when it fails. The folder is build/PRESET unless the
# arguments say -B.
configure() {
  local preset=$1
  shift
  cmake --preset "$preset" $(launchers) "$@" >"build/$preset.configure.log" 2>&1 ||
    { cat "build/$preset.configure.log"; return 1; }
  grep '^-- weft' "build/$preset.configure.log" | sed 's/^-- /  /' || true
}
