#!/usr/bin/env python3
"""Compiles CUDA kernels as users would and holds what ptxas tells of their machine code without an NVIDIA GPU.

For every kernel: at most a few spilled registers (some shapes were measured to be faster with them than with fewer blocks
on a multiprocessor), and static shared memory within the limit; for Hopper's matrix products, no warp-group instructions
that ptxas had to run one after another. Prints one line a kernel.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from code_objects import ROOT, short

SPILLS = 96  # bytes a thread
SHARED = 48 * 1024


def report_of(arguments, folder):
    """What nvcc prints for the source."""
    roots = [f"-I{ROOT / 'include'}"] + [f"-I{ROOT / 'backends' / name}" for name in ("gpu", "cuda")]
    command = [arguments.compiler, "-x", "cu", "-std=c++20", "-O3", "-DNDEBUG", f"-arch={arguments.arch}", "-cubin",
               "--extended-lambda", "-Xptxas=-v", "-DKERNELS_POLICY=weft::cuda", "-DKERNELS_HEADER=<weft/cuda.hpp>", *roots,
               str(arguments.source), "-o", str(pathlib.Path(folder) / "kernels.cubin")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(" ".join(command) + "\n" + done.stderr[:4000])
    return done.stdout + done.stderr


def kernels_of(report):
    """name → (registers, static shared memory, bytes of spill stores)."""
    found, name, spilled = {}, None, 0
    for line in report.splitlines():
        if entry := re.search(r"Compiling entry function '(\S+)'", line):
            name, spilled = entry[1], 0
        elif spills := re.search(r"(\d+) bytes spill stores", line):
            spilled = int(spills[1])
        elif used := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            found[name] = (int(used[1]), int(shared[1]) if shared else 0, spilled)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--compiler", default="nvcc")
    parser.add_argument("--arch", default="sm_90a")
    arguments = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        report = report_of(arguments, folder)
    for line in report.splitlines():
        if "C7510" in line or "C7514" in line or "serialization" in line:
            failures += 1
            print(line)
    kernels = kernels_of(report)
    for symbol, (registers, shared, spilled) in sorted(kernels.items()):
        problems = ([f"{spilled} bytes of spilled registers"] if spilled > SPILLS else []) + (
            [f"{shared} bytes of static shared memory"] if shared > SHARED else [])
        failures += bool(problems)
        print(f"{short(symbol):52} registers {registers:3} shared {shared:6} spills {spilled:3}  "
              f"{'; '.join(problems) or 'ok'}")
    print(f"{failures} of {len(kernels)} kernels break a rule")
    return 1 if failures or not kernels else 0


if __name__ == "__main__":
    sys.exit(main())
