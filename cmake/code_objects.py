#!/usr/bin/env python3
"""Reads the AMD machine code of the kernels and holds what can be known without an AMD GPU.

For every kernel and architecture: no scratch memory, no spilled registers, the expected width of a wavefront, a launch
bound, and shared memory within the limit; for the kernels that stream memory, 16-byte loads. Prints one line a kernel.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
LDS_LIMIT = 65536
WAVE = {"gfx9": 64, "gfx1": 32}
STREAMING = re.compile(r"transform|reduce_kernel|reduce_chunks|scan_kernel")  # must move 16 bytes a load for 4-byte values
FIELDS = ("vgpr_count", "agpr_count", "sgpr_count", "vgpr_spill_count", "sgpr_spill_count", "private_segment_fixed_size",
          "group_segment_fixed_size", "wavefront_size", "max_flat_workgroup_size")


def tool(name):
    return f"/usr/lib/llvm-19/bin/{name}"


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(" ".join(map(str, command)) + "\n" + done.stderr[:4000])
    return done.stdout


def compile_for(arch, arguments, folder):
    made = pathlib.Path(folder) / f"{arch}.co"
    roots = [f"-I{ROOT / 'include'}"] + [f"-I{ROOT / 'backends' / name}" for name in ("gpu", "hip")]
    output([arguments.compiler, "-x", "hip", f"--offload-arch={arch}", "--offload-device-only", "--no-gpu-bundle-output",
            "--rocm-path=/usr", f"--rocm-device-lib-path={arguments.bitcode}", "-std=c++20", "-O3", *roots,
            str(arguments.source), "-o", str(made)])
    return made


def kernels_of(code_object):
    """name → its metadata, from the notes of the ELF file."""
    found, current = {}, {}
    for line in output([tool("llvm-readelf"), "--notes", code_object]).splitlines():
        if re.match(r"\s+- \.(agpr_count|args):", line):
            current = {}
        field = re.match(r"\s+-? ?\.(\w+):\s+(\S+)", line)
        if not field:
            continue
        if field[1] in FIELDS:
            current[field[1]] = int(field[2])
        elif field[1] == "symbol":
            current["symbol"] = field[2].strip("'")
        if field[1] == "wavefront_size":
            found[current["symbol"].removesuffix(".kd")] = current
    return found


def instructions_of(code_object):
    """name → list of mnemonics."""
    found, name = {}, None
    for line in output([tool("llvm-objdump"), "-d", "--no-show-raw-insn", code_object]).splitlines():
        start = re.match(r"[0-9a-f]+ <(.+)>:", line)
        if start:
            name = start[1]
            found[name] = []
        elif name and line.startswith("\t"):
            found[name].append(line.split()[0])
    return found


def short(mangled):
    name = output([tool("llvm-cxxfilt"), mangled]).strip()
    inner = re.search(r"(\w+_kernel\w*)<", name)
    kind = re.search(r"(unsigned int|unsigned long|float)", name)
    return f"{inner[1] if inner else name[:60]}<{kind[1] if kind else ''}>"


def problems_of(arch, name, data, mnemonics):
    found = []
    if data["private_segment_fixed_size"]:
        found.append(f"{data['private_segment_fixed_size']} bytes of scratch")
    if data["vgpr_spill_count"] or data["sgpr_spill_count"]:
        found.append(f"{data['vgpr_spill_count']} + {data['sgpr_spill_count']} spilled registers")
    if data["wavefront_size"] != WAVE[arch[:4]]:
        found.append(f"wavefront of {data['wavefront_size']}")
    if data["group_segment_fixed_size"] > LDS_LIMIT:
        found.append(f"{data['group_segment_fixed_size']} bytes of LDS")
    if STREAMING.search(name) and re.search(r"<(unsigned int|float)", name):
        wide = sum(bool(re.match(r"(global|buffer|flat)_load_(dwordx4|b128)", m)) for m in mnemonics)
        if wide == 0:
            found.append("no 16-byte load")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=pathlib.Path, default=ROOT / "test/code_objects/kernels.cpp")
    parser.add_argument("--bitcode", required=True, help="the device libraries (hip_bitcode.sh)")
    parser.add_argument("--compiler", default="clang++-19")
    parser.add_argument("--archs", nargs="+", default=["gfx90a", "gfx942", "gfx1030", "gfx1100"])
    arguments = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda arch: compile_for(arch, arguments, folder), arguments.archs))
        for arch, code_object in zip(arguments.archs, made):
            instructions = instructions_of(code_object)
            for symbol, data in sorted(kernels_of(code_object).items()):
                name = short(symbol)
                problems = problems_of(arch, name, data, instructions.get(symbol, []))
                failures += bool(problems)
                print(f"{arch:8} {name:52} vgpr {data['vgpr_count']:3} sgpr {data['sgpr_count']:3} "
                      f"LDS {data['group_segment_fixed_size']:6} block {data['max_flat_workgroup_size']:4} "
                      f"{len(instructions.get(symbol, [])):6} instructions  {'; '.join(problems) or 'ok'}")
    print(f"{failures} kernels break a rule")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
