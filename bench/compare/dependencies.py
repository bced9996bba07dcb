"""Prints the graph "package depends on package" of this machine's apt lists, one edge of vertex numbers a line."""
import re
import subprocess
import sys

text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
number: dict[str, int] = {}
edges = []
package = ""
for line in text.splitlines():
    if line.startswith("Package: "):
        package = line[9:].strip()
    elif line.startswith(("Depends: ", "Pre-Depends: ", "Recommends: ")):
        for name in re.findall(r"[a-z0-9][a-z0-9+.-]+(?=[^)]*(?:\(|,|\||$))", line.split(": ", 1)[1]):
            edges.append((package, name))
real = {a for a, _ in edges}
lines = []
for a, b in edges:
    if b in real:
        lines.append(f"{number.setdefault(a, len(number))} {number.setdefault(b, len(number))}")
if not lines:
    sys.exit("no packages")
print("\n".join(lines))
