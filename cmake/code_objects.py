#!/usr/bin/env python3
"""Reads the AMD machine code of the kernels and holds what can be known without an AMD GPU.

For every kernel and architecture: no scratch memory, no spilled registers, the expected width of a wavefront, a launch
bound, and shared memory within the limit; for the kernels that stream memory, 16-byte loads; for products by matrix
instructions, these, and 16-byte reads of shared memory. Prints one line a kernel.
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
# The matrix instruction of gemm_warps_kernel<..., mma_kind>; None: the architecture has none, nothing is compiled.
MFMA = {"f16": r"v_mfma_f32_16x16x16_?f16", "bf16": r"v_mfma_f32_16x16x16_?bf16_1k|v_mfma_f32_16x16x16_bf16",
        "tf32": r"v_mfma_f32_16x16x4_?f32", "s8": r"v_mfma_i32_16x16x16_?i8", "u8": None,
        "f32": r"v_mfma_f32_16x16x4_?f32", "f64": r"v_mfma_f64_16x16x4_?f64"}
MATRIX = {"gfx90a": MFMA, "gfx942": MFMA | {"tf32": r"v_mfma_f32_16x16x8_xf32", "s8": r"v_mfma_i32_16x16x32_i8"},
          "gfx1030": dict.fromkeys(MFMA),
          "gfx1100": dict.fromkeys(MFMA) | {"f16": r"v_wmma_f32_16x16x16_f16", "bf16": r"v_wmma_f32_16x16x16_bf16",
                                            "s8": r"v_wmma_i32_16x16x16_iu8", "u8": r"v_wmma_i32_16x16x16_iu8"}}
KINDS = ("none", "f16", "bf16", "tf32", "s8", "u8", "e4m3", "e5m2", "f32", "f64")  # enum mma_kind
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
            "-DKERNELS_POLICY=weft::hip", "-DKERNELS_HEADER=<weft/hip.hpp>", str(arguments.source), "-o", str(made)])
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
    name = output(["c++filt", mangled]).strip()
    inner = re.search(r"(\w+_kernel\w*)<", name)
    product = re.search(r"mma_kind\)(\d+)", name)
    kind = re.search(r"(unsigned int|unsigned long|float)", name)
    return f"{inner[1] if inner else name[:60]}<{KINDS[int(product[1])] if product else kind[1] if kind else ''}>"


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
    if kind := re.search(r"gemm_warp(?:s|_matrix)_kernel.*8mma_kindE(\d+)E", name):
        wanted = MATRIX[arch][KINDS[int(kind[1])]]
        products = sum(bool(wanted and re.fullmatch(f"({wanted})(_e64|_w32)?", m)) for m in mnemonics)
        others = sum(bool(re.match("v_mfma|v_wmma|v_smfmac", m)) for m in mnemonics) - products
        reads = sum(bool(re.match("ds_(read|load)_b128", m)) for m in mnemonics)
        if bool(wanted) != bool(products) or others:
            found.append(f"{products} {wanted}, {others} other matrix instructions")
        if wanted and not reads:
            found.append("no 16-byte read of shared memory")
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
