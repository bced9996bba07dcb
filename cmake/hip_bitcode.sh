#!/usr/bin/env bash
# hip_bitcode.sh SOURCE OUT: makes OUT a complete folder of AMD device libraries.
#
# A device link reads oclc_isa_version_XXX.bc of its architecture, a module that holds a single constant:
# major * 1000 + minor * 100 + stepping, where the stepping is a hexadecimal digit (gfx90a: 9010, gfx942: 9402).
# Debian 12's folder ends at gfx1036. OUT links to what is in SOURCE; the missing modules are the one of gfx1030 with
# another constant.
set -euo pipefail
source=$1 out=$2
for version in 15 16 14; do
  command -v "llvm-as-$version" >/dev/null && command -v "llvm-dis-$version" >/dev/null && break
  version=
done
[ -n "$version" ] || { echo "no llvm-as and llvm-dis found (package llvm-15)"; exit 1; }

mkdir -p "$out"
ln -sf "$source"/*.bc "$out"/
model=$("llvm-dis-$version" -o - "$source/oclc_isa_version_1030.bc")

while read -r arch number; do
  module=$out/oclc_isa_version_$arch.bc
  [ -e "$module" ] || sed "s/i32 10300/i32 $number/" <<<"$model" | "llvm-as-$version" -o "$module" -
done <<'LIST'
942 9402
1100 11000
1101 11001
1102 11002
1103 11003
1150 11500
1151 11501
1200 12000
1201 12001
LIST
