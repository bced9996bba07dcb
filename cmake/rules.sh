#!/usr/bin/env bash
# Rules of the source that a grep can hold. Prints every place that breaks one; fails if there is any.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
status=0
headers=(include backends)

rule() {  # text, offending places
  [ -n "$2" ] || return 0
  printf '%s\n%s\n' "$1" "$(sed 's/^/  /' <<<"$2")"
  status=1
}
search() { grep -rnE --include='*.hpp' "$@" || true; }

rule 'Files are at most 500 lines:' \
  "$(find include backends test bench examples cmake weft -type f \( -name '*.[hc]pp' -o -name '*.cu' -o -name '*.py' -o -name '*.sh' \
     -o -name '*.cmake' -o -name weft \) -exec wc -l {} + | awk '$1 > 500 && $2 != "total" {print $2 ": " $1}')"

rule 'The only macros that leave a file are WEFT_HOST_DEVICE, WEFT_DEVICE and WEFT_VERSION:' \
  "$(search '^ *# *define ' "${headers[@]}" | grep -vE 'define WEFT_(HOST_DEVICE|DEVICE|VERSION)\b' |
     while IFS=: read -r file line text; do
       name=$(sed -E 's/^ *# *define +([A-Za-z0-9_]+).*/\1/' <<<"$text")
       grep -qE "^ *# *undef +$name\b" "$file" || echo "$file:$line: $name"
     done)"

rule 'Only the dialects, what offers their verbs, and device.hpp look at the vendor:' \
  "$(search '^ *# *(if|ifdef|ifndef|elif).*(__HIP|__CUDA|__NVCC__|__AMDGCN|__GFX)' "${headers[@]}" |
     grep -vE '(/dialect|/verbs|include/weft/device)\.hpp:')"

rule 'Headers that cost every user compile time are not included:' \
  "$(search '^ *# *include <(algorithm|functional|iostream|ranges|regex|execution|thrust/|cub/|rocprim/|hipcub/)' "${headers[@]}" |
     grep -v '^include/weft/senders/protocol.hpp:.*<execution>')"  # its subject, where the standard library has it

rule 'The width of a warp is asked of the block, never written down:' \
  "$(search '\bwarpSize\b|__AMDGCN_WAVEFRONT_SIZE|[(, ]0x[fF]{8}[uU]?[,)]' backends/gpu include)"

# Two versions in one process have no symbol in common (backends/README.md).
version=v$(sed -nE 's/.*define WEFT_VERSION ([0-9]+).*/\1/p' include/weft/device.hpp)
rule "Headers open the namespace of their version, namespace weft::inline $version { or weft::inline $version::x {:" \
  "$(search '^ *(inline )?namespace weft\b' "${headers[@]}" | grep -vE "namespace weft::inline $version(::[a-z_:]+)? \{")"

rule 'Headers do not open namespaces for their users:' "$(search '^using namespace' "${headers[@]}")"

rule 'Nothing is left for later:' \
  "$(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' include backends test bench examples --include='*.[hc]pp' --include='*.cu' || true)"

rule 'Each family of algorithms has a test of its stem:' \
  "$(for header in include/weft/*.hpp; do
       stem=$(basename "$header" .hpp)
       case $stem in weft | device | runtime | policy | backend | requirements | adaptors | host_runtime) continue ;; esac
       compgen -G "test/$stem*.cpp" >/dev/null || echo "$header"
     done)"

if command -v clang-format-14 >/dev/null; then
  rule 'Sources are formatted (./weft format):' \
    "$(find include backends test bench examples \( -name '*.[hc]pp' -o -name '*.cu' \) -print0 |
       xargs -0 -r clang-format-14 --dry-run 2>&1 | sed -nE 's/^([^:]+:[0-9]+):.*warning: code should be.*/\1/p' | sort -u | head -40)"
else
  echo 'not checked: format (clang-format-14 is not installed)'
fi
[ $status = 0 ] && echo 'rules: all kept'
exit $status
