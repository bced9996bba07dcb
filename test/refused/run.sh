#!/usr/bin/env bash
# run.sh COMPILER: each case of refused.cpp is refused with the text it names, within the first 25 lines of output.
set -uo pipefail
compiler=${1:-c++}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
flags=(-std=c++20 -fsyntax-only -Wno-unknown-pragmas "-I$root/include" "-I$root/backends/cpu" "-I$root/backends/seq")
status=0
said=$("$compiler" "${flags[@]}" -DCASE=0 "$here/refused.cpp" 2>&1) || { printf 'the right form is refused:\n%s\n' "$said"; exit 1; }
while IFS=: read -r number text; do
  if said=$("$compiler" "${flags[@]}" -DCASE="$number" "$here/refused.cpp" 2>&1); then
    echo "case $number compiles"; status=1
  elif ! grep -qF -- "$text" <<<"$(head -25 <<<"$said")"; then
    printf 'case %s does not say "%s":\n%s\n' "$number" "$text" "$(head -25 <<<"$said")"; status=1
  fi
done < <(sed -nE 's,.*// case ([0-9]+): (.*)$,\1:\2,p' "$here/refused.cpp")
[ $status = 0 ] && echo 'refused: all, with their reasons'
exit $status
