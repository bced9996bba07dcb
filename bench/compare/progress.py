"""Reads Google Benchmark's console lines and keeps one line of progress on a terminal, or a dot each elsewhere."""
import sys

terminal = sys.stdout.isatty()
done = 0
for line in sys.stdin:
    if "/" not in line:
        continue
    done += 1
    if terminal:
        print(f"\r  {done:4d}  {line.split()[0][:90]:<90}", end="", flush=True)
    elif done % 25 == 0:
        print(f"  {done} measured, now {line.split()[0]}", flush=True)
print(f"\r  {done} rows measured" + " " * 90 if terminal else f"  {done} rows measured")
