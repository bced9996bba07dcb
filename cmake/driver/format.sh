# ./weft format: one formatter version, so that no two machines disagree.
arguments=(-i)
case ${1:-} in
  --check) arguments=(--dry-run --Werror) ;;
  --hook)
    printf '#!/bin/sh\nexec ./weft format --check\n' >.git/hooks/pre-commit && chmod +x .git/hooks/pre-commit
    say "every commit now runs ./weft format --check"
    exit 0 ;;
  '') ;;
  *) fail "format: no option $1" ;;
esac
have clang-format-14 || fail "needs clang-format-14 (Debian package clang-format-14)"
git ls-files '*.hpp' '*.cpp' '*.cu' | xargs -r clang-format-14 "${arguments[@]}" && say "format: ok"
