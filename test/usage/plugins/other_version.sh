#!/usr/bin/env bash
# other_version.sh SOURCE OUT VERSION: the headers as another version would have them: its own number and namespace, and
# classes of other sizes, so that whoever takes a function or an object of the other version's breaks.
set -euo pipefail
source=$1 out=$2 version=$3
rm -rf "$out"
mkdir -p "$out"
(cd "$source" && find include backends -name '*.hpp' -print0 | xargs -0 cp --parents -t "$out")
find "$out" -name '*.hpp' -print0 | xargs -0 sed -i -E "s/namespace weft::inline v[0-9]+/namespace weft::inline v$version/"
sed -i -E "s/(define WEFT_VERSION) [0-9]+/\1 $version/" "$out/include/weft/device.hpp"
sed -i -E 's/^(  virtual std::string_view name\(\) const noexcept = 0;.*)$/  virtual int added() const { return 7; }\n\1/' \
  "$out/include/weft/runtime.hpp"
sed -i -E 's/^(struct stream_watch \{)$/\1\n  long added[100] = {};/' "$out/include/weft/memory/stream_watch.hpp"
for changed in runtime.hpp memory/stream_watch.hpp; do
  cmp -s "$source/include/weft/$changed" "$out/include/weft/$changed" || continue
  echo "$changed: nothing to change any more" >&2
  exit 1
done
touch "$out/made"
