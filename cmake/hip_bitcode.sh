#!/usr/bin/env bash
# hip_bitcode.sh SOURCE OUT: makes OUT a complete folder of AMD device libraries.
#
# A device link reads oclc_isa_version_XXX.bc of its architecture, a module that holds a single constant:
# major * 1000 + minor * 100 + stepping, where the stepping is a hexadecimal digit (gfx90a: 9010, gfx942: 9402).
# Debian 12's folder ends at gfx1036. OUT links to what is in SOURCE and gets the missing modules assembled.
set -euo pipefail
source=$1 out=$2
assembler=$(command -v llvm-as-15 || command -v llvm-as-14 || command -v llvm-as-19 || command -v llvm-as) ||
  { echo "no llvm-as found (package llvm-15)"; exit 1; }

mkdir -p "$out"
ln -sf "$source"/*.bc "$out"/

# architecture and its number
while read -r arch number; do
  module=$out/oclc_isa_version_$arch.bc
  [ -e "$module" ] && continue
  "$assembler" -o "$module" - <<MODULE
target triple = "amdgcn-amd-amdhsa"
@__oclc_ISA_version = linkonce_odr protected local_unnamed_addr addrspace(4) constant i32 $number, align 4
MODULE
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
