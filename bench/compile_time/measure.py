#!/usr/bin/env python3
"""CPU seconds to compile one small file with weft and with its peers, and writes bench/results/compile_time.json.

Each file sorts, scans and reduces one type, or as much of that as its comment says; the figure is the median of the
repetitions of user + system time of the compiler and its children. Nothing is cached. "prebuilt": what the file calls is
in a library that the project compiles once (README, "Compile time").
"""
import argparse
import json
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

EMPTY = "int main() {}\n"
WEFT_CUDA = """#include <weft/cuda.hpp>
#include <weft/reduce.hpp>
#include <weft/scan.hpp>
#include <weft/sort.hpp>
float run(float* x, int n) {
  weft::sort(weft::cuda, x, x + n);
  weft::inclusive_scan(weft::cuda, x, x + n, x);
  return weft::reduce(weft::cuda, x, x + n, 0.f);
}
"""
WEFT_CUDA_ALL = """#include <weft/weft.hpp>
#include <weft/cuda.hpp>
"""
THRUST = """#include <thrust/device_ptr.h>
#include <thrust/reduce.h>
#include <thrust/sort.h>
float run(float* x, int n) {
  thrust::device_ptr<float> first(x);
  thrust::sort(first, first + n);
  return thrust::reduce(first, first + n, 0.f);
}
"""
WEFT_TBB = WEFT_CUDA.replace("cuda", "tbb")
WEFT_TBB_ALL = WEFT_CUDA_ALL.replace("cuda", "tbb")
WEFT_CUDA_PREBUILT = WEFT_CUDA.replace("weft/cuda", "weft/prebuilt/cuda")
WEFT_TBB_PREBUILT = WEFT_TBB.replace("weft/tbb", "weft/prebuilt/tbb")
STD_PAR = """#include <algorithm>
#include <execution>
#include <numeric>
float run(float* x, int n) {
  std::sort(std::execution::par, x, x + n);
  return std::reduce(std::execution::par, x, x + n, 0.f);
}
"""


def cpu_seconds(command):
    """User + system time of a command and its children, or None when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stderr[:1500])
        return None
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "bench/results/compile_time.json")
    arguments = parser.parse_args()
    include = [f"-I{ROOT / 'include'}"] + [f"-I{ROOT / 'backends' / b}" for b in ("cpu", "gpu", "cuda", "tbb")]
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    programs = [("g++", "empty", EMPTY), ("g++", "weft tbb: sort + scan + reduce", WEFT_TBB),
                ("g++", "weft tbb, prebuilt: sort + scan + reduce", WEFT_TBB_PREBUILT),
                ("g++", "weft tbb: every header, no call", WEFT_TBB_ALL), ("g++", "std par: sort + reduce", STD_PAR)]
    if nvcc:
        programs += [("nvcc sm_90", "empty", EMPTY), ("nvcc sm_90", "weft cuda: sort + scan + reduce", WEFT_CUDA),
                     ("nvcc sm_90", "weft cuda, prebuilt: sort + scan + reduce", WEFT_CUDA_PREBUILT),
                     ("nvcc sm_90", "weft cuda: every header, no call", WEFT_CUDA_ALL),
                     ("nvcc sm_90", "Thrust: sort + reduce", THRUST)]
    else:
        print("nvcc: not found, its rows are left out")

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for compiler, name, text in programs:
            suffix = ".cpp" if compiler == "g++" else ".cu"
            source = pathlib.Path(folder) / f"file{suffix}"
            source.write_text(text)
            command = ["g++"] if compiler == "g++" else [nvcc, "-arch=sm_90"]
            command += ["-std=c++20", "-O2", *include, "-c", str(source), "-o", str(source) + ".o"]
            times = [cpu_seconds(command) for _ in range(arguments.repetitions)]
            if None in times:
                print(f"{compiler:11} {name:42} does not compile")
                continue
            rows.append({"compiler": compiler, "file": name, "cpu_seconds": round(statistics.median(times), 2),
                         "all": [round(t, 2) for t in times]})
            print(f"{compiler:11} {name:42} {statistics.median(times):6.2f} s", flush=True)
    versions = {"g++": subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()}
    if nvcc:
        versions["nvcc"] = subprocess.run([nvcc, "--version"], capture_output=True, text=True).stdout.split("release ")[-1].split(",")[0]
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({"machine": platform.machine(), "compilers": versions, "files": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
