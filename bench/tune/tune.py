#!/usr/bin/env python3
"""Finds rows for the GPU tuning tables by measuring, and writes a selector for policy.tuned_by<...>().

Every candidate changes some fields of the table's row and is a program of its own (candidate.cpp), so that one that
does not compile or run is only left out. Building and running are separate steps: build where the compiler is, run
where the device is. A candidate's score is the geometric mean over the sizes of time of the table's row / its time.
"""
import argparse
import concurrent.futures
import itertools
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {"u8": "std::uint8_t", "u16": "std::uint16_t", "u32": "std::uint32_t", "u64": "std::uint64_t",
         "f32": "float", "f64": "double"}
SELECT = {"pipeline.threads": [128, 256, 512], "pipeline.thread_bytes": [64, 128], "pipeline.stages": [6, 7],
          "pipeline.residency": [1, 2], "pipeline.depth": [4]}
# case: (name of the row's type, fields to vary by default); a point of the product is a candidate
CASES = {
    "scan": ("scan_tuning", {"few.threads": [256, 512], "few.thread_bytes": [32, 64, 128]}),
    "copy_if": ("select_tuning", SELECT),
    "partition": ("select_tuning", SELECT),
    "unique": ("select_tuning", SELECT),
    "reduce_by_key": ("by_key_tuning", {"pipeline.threads": [384, 448, 512], "pipeline.thread_bytes": [104, 120],
                                        "pipeline.stages": [4, 5], "pipeline.depth": [2]}),
    "histogram": ("histogram_tuning", {"block_threads": [512, 1024], "thread_vectors": [1, 2, 4]}),
    "merge": ("merge_tuning", {"block_threads": [256, 512], "thread_bytes": [44, 60, 68, 76], "residency": [2, 4]}),
    "merge_sort": ("merge_tuning", {"block_threads": [256, 512], "thread_bytes": [44, 60, 68, 76],
                                    "sort_threads": [512, 1024]}),
    "radix_sort": ("radix_sort_tuning", {"small.block_threads": [256, 384], "small.thread_items": [4, 8, 12],
                                         "small.residency": [2, 4]}),
    "bucket_sort": ("bucket_sort_tuning", {"pass_items": [16, 20, 24], "local_items": [8, 12], "local_residency": [2, 3]}),
}


def assignments(case, vary):
    """The candidates of a case: lists of (field, value); the first changes nothing."""
    fields = vary or CASES[case][1]
    return [[]] + [list(zip(fields, values)) for values in itertools.product(*fields.values())]


def describe(change):
    return ", ".join(f"{field} = {value}" for field, value in change) or "the table's row"


def compiler(backend, arch):
    include = ["-I" + str(ROOT / p) for p in ("include", "backends/gpu", f"backends/{backend}")]
    common = ["-std=c++20", f"-DWEFT_TUNE_HEADER=<weft/{backend}.hpp>", f"-DWEFT_TUNE_POLICY=weft::{backend}", *include]
    if backend == "cuda":
        return ["nvcc", "-x", "cu", "-O3", "--extended-lambda", f"--generate-code=arch=compute_{arch},code=sm_{arch}",
                "-Xcompiler=-static-libstdc++,-static-libgcc", "-Xlinker=-s", *common]
    if backend == "hip":
        return ["clang++-19", "-x", "hip", "-O3", f"--offload-arch={arch}", *common, "-lamdhip64"]
    return ["g++", "-O2", "-pthread", *common]


def build(options, case, kind, number, change):
    """Compiles one candidate; returns its name and whether that went well."""
    name = f"{case}-{kind}-{number}"
    program = options.folder / name
    # Not parted by commas: nvcc takes what follows one for a macro of its own.
    statements = "; ".join(f"row.{field} = {value}" for field, value in change) or "static_cast<void>(0)"
    command = [*compiler(options.backend, options.arch), f"-DWEFT_TUNE_CASE={case}", f"-DWEFT_TUNE_TYPE={TYPES[kind]}",
               f"-DWEFT_TUNE_CHANGE={statements}", str(ROOT / "bench/tune/candidate.cpp"), "-o", str(program)]
    if shutil.which("ccache"):
        command.insert(0, "ccache")
    done = subprocess.run(command, capture_output=True, text=True)
    (options.folder / f"{name}.change").write_text(json.dumps(change))
    if done.returncode:
        (options.folder / f"{name}.log").write_text(done.stderr)
    return name, done.returncode == 0


def measure(options, program):
    """{size: microseconds} of a candidate, or a reason."""
    try:
        done = subprocess.run([str(program), *(str(n) for n in options.sizes)], capture_output=True, text=True,
                              timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return "takes too long"
    if done.returncode:
        return f"ends with {done.returncode}: {done.stderr.strip().splitlines()[-1:] or ''}"
    times = {}
    for line in done.stdout.splitlines():
        size, time, verdict = line.split()
        if verdict != "ok":
            return f"wrong at n = {size}"
        times[int(size)] = float(time)
    return times


def run(options, case, kind):
    """Measures the candidates that were built and prints a table; returns {change: score}."""
    rows = []
    for described in sorted(options.folder.glob(f"{case}-{kind}-*.change"), key=lambda p: int(p.stem.split("-")[-1])):
        program = described.with_suffix("")
        if program.exists():
            rows.append((json.loads(described.read_text()), measure(options, program)))
    plain = next((times for change, times in rows if not change), "not built")
    if isinstance(plain, str):
        sys.exit(f"tune: the table's row of {case} {kind}: {plain}")
    print(f"\n{case} {kind}: score and time in us at n = {', '.join(map(str, options.sizes))}")
    scores = {}
    for change, times in rows:
        if isinstance(times, str):
            print(f"  {describe(change)}: {times}")
            continue
        score = math.prod(plain[n] / times[n] for n in options.sizes) ** (1 / len(options.sizes))
        scores[describe(change)] = (score, change)
        print(f"  {score:6.3f}  {'  '.join(f'{times[n]:10.2f}' for n in options.sizes)}  {describe(change)}", flush=True)
    return scores


def best(measured):
    """The change with the highest product of scores over the cases that share a row, and its geometric mean."""
    shared = set.intersection(*(set(scores) for scores in measured))
    means = {name: math.prod(scores[name][0] for scores in measured) ** (1 / len(measured)) for name in shared}
    name = max(means, key=means.get)
    return means[name], measured[0][name][1]


def selector(winners, name):
    """The header's text: one operator() a type of row, one `if` a size of value."""
    text = [f"// Written by `./weft tune`. Use: policy.tuned_by<{name}>().", "#pragma once", "",
            "#include <weft/gpu/tuning_rows.hpp>", "", f"struct {name} {{"]
    if not winners:
        text.append("  // no row was better than the table's")
    for row_type in dict.fromkeys(row for row, _, _ in winners):
        text.append(f"  constexpr weft::gpu::{row_type} operator()(weft::gpu::{row_type} row, weft::gpu::arch, int bytes) "
                    "const {")
        for row, size, change in winners:
            if row == row_type:
                changes = ", ".join(f"row.{field} = {value}" for field, value in change)
                text.append(f"    if (bytes == {size}) {changes};")
        text += ["    return row;", "  }"]
    return "\n".join([*text, "};", ""])


def bytes_of(case, kind):
    """How the table of a case is keyed (gpu/tuning_rows.hpp)."""
    size = {"u8": 1, "u16": 2, "u32": 4, "f32": 4, "u64": 8, "f64": 8}[kind]
    return {"reduce_by_key": 2 * size, "radix_sort": 10 * size, "bucket_sort": 10 * size}.get(case, size)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./weft tune", description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="+", metavar="CASE", choices=CASES, help=", ".join(CASES))
    parser.add_argument("--types", default="u32", help="comma list of " + ", ".join(TYPES))
    parser.add_argument("--sizes", default="65536,1048576,16777216", help="comma list of element counts")
    parser.add_argument("--vary", action="append", default=[], metavar="FIELD=A,B,...",
                        help="a field of the row and its values, in place of the default ones; may be repeated")
    parser.add_argument("--backend", default="cuda", choices=["cuda", "hip", "simt"])
    parser.add_argument("--arch", default="90a", help="CUDA: 80, 90a, ...; HIP: gfx90a, ...")
    parser.add_argument("--folder", default="build/tune", type=pathlib.Path, help="where the candidates are built")
    parser.add_argument("--step", default="both", choices=["build", "run", "both"])
    parser.add_argument("--output", default="tuned.hpp", type=pathlib.Path)
    parser.add_argument("--name", default="tuned", help="of the selector in the output")
    parser.add_argument("--least-gain", default=1.0, type=float, help="percent a row must win to be taken")
    parser.add_argument("--timeout", default=60, type=float, help="seconds for one candidate")
    parser.add_argument("--jobs", default=os.cpu_count(), type=int)
    options = parser.parse_args(arguments)
    options.sizes = [int(n) for n in options.sizes.split(",")]
    options.types = options.types.split(",")
    for kind in options.types:
        if kind not in TYPES:
            parser.error(f"no type {kind}: {', '.join(TYPES)}")
    options.vary = {field: values.split(",") for field, values in (v.split("=", 1) for v in options.vary)}
    return options


def main(arguments):
    options = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    pairs = [(case, kind) for case in options.cases for kind in options.types]
    if options.step != "run":
        for case, kind in pairs:
            for old in options.folder.glob(f"{case}-{kind}-*"):
                old.unlink()
        jobs = [(case, kind, i, change) for case, kind in pairs
                for i, change in enumerate(assignments(case, options.vary))]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for i, (name, built) in enumerate(pool.map(lambda job: build(options, *job), jobs), 1):
                print(f"[{i}/{len(jobs)}] {name}" + ("" if built else f": does not compile ({options.folder / name}.log)"),
                      flush=True)
    if options.step != "build":
        rows = {}  # the cases that share a row of a table are judged together
        for case, kind in pairs:
            rows.setdefault((CASES[case][0], bytes_of(case, kind)), []).append(run(options, case, kind))
        winners = []
        for (row_type, size), measured in rows.items():
            score, change = best(measured)
            print(f"\n{row_type}, {size} bytes: {score:.3f} with {describe(change)}")
            if change and score > 1 + options.least_gain / 100:
                winners.append((row_type, size, change))
        options.output.write_text(selector(winners, options.name))
        print(f"\n{len(winners)} better rows: {options.output}")


if __name__ == "__main__":
    main(sys.argv[1:])
