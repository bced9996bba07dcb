#!/usr/bin/env python3
"""Compiles and runs the C++ blocks of Markdown pages, so that what a reader copies works.

A ```cpp block that has a main() is compiled as it stands; any other is a fragment and becomes the body of one: its
#include lines move to the top, after those of the page's hidden preamble, and `template`, `struct`, `class` and
function definitions that end at column 0 stay where they are before main. The words after ```cpp choose:
  ```cpp            compiled with the CPU backends and run
  ```cpp compile    compiled, not run
  ```cpp skip       not a program (a declaration to read)
A comment `<!-- preamble … -->` holds C++ that the fragments after it may use and a reader need not see.
A block that names weft::cuda is compiled with nvcc where there is one and run where there is a device; weft::hip alike
with clang++-19.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BACKENDS = ["cpu", "gpu", "seq", "openmp", "tbb", "simt"]
DEFAULT_INCLUDES = "#include <weft/weft.hpp>\n#include <weft/seq.hpp>\n#include <vector>\n"


def blocks(text):
    """(line, words, code, preamble) of every cpp block of a page."""
    preamble = ""
    pattern = re.compile(r"<!--\s*preamble\s*\n(?P<pre>.*?)-->|^```cpp(?P<words>[^\n]*)\n(?P<code>.*?)^```", re.S | re.M)
    for match in pattern.finditer(text):
        if match["pre"] is not None:
            preamble = match["pre"]
        else:
            yield text.count("\n", 0, match.start()) + 1, match["words"].split(), match["code"], preamble


def program(code, preamble):
    if re.search(r"\bint main\s*\(", code):
        return code
    includes, outer, inner, definition = [], [], [], False
    for line in code.splitlines():
        if line.startswith("#include"):
            includes.append(line)
            continue
        if not definition and re.match(r"(template\b|struct\b|class\b|namespace\b|inline\b|[\w:<>,&* ]+\([^;=]*\)\s*\{\s*$)", line):
            definition = not re.search(r"[;}]\s*(//.*)?$", line) or line.startswith("template")
            outer.append(line)
            continue
        if definition:
            outer.append(line)
            definition = not re.match(r"\};?", line)
            continue
        inner.append("  " + line)
    return "\n".join([preamble and "" or DEFAULT_INCLUDES, *includes, preamble, *outer, "int main() {", *inner, "}\n"])


def compiler_for(code, arguments):
    """(command, may run, why not) for a program."""
    code = re.sub(r"//.*", "", code)
    roots = [f"-I{ROOT / 'include'}"] + [f"-I{ROOT / 'backends' / name}" for name in BACKENDS]
    common = ["-std=c++20", "-O1"]
    if re.search(r"weft[/:]+cuda", code):
        nvcc = shutil.which("nvcc") or ("/usr/local/cuda/bin/nvcc" if pathlib.Path("/usr/local/cuda/bin/nvcc").exists() else None)
        command = nvcc and [nvcc, *common, "-x", "cu", "-arch=sm_90", "--extended-lambda", "-Xcompiler=-fopenmp", *roots,
                            f"-I{ROOT / 'backends/cuda'}"]
        return command, pathlib.Path("/dev/nvidiactl").exists(), "no nvcc"
    if re.search(r"weft[/:]+hip", code):
        clang = shutil.which("clang++-19")
        command = clang and [clang, *common, "-x", "hip", "--cuda-host-only", *roots, f"-I{ROOT / 'backends/hip'}", "-c"]
        return command, False, "no clang++-19"
    return [arguments.compiler, *common, "-Wall", "-Wno-unknown-pragmas", "-fopenmp", *roots], True, ""


def check(page, line, words, code, preamble, arguments, folder):
    """One of 'run', 'compiled', 'skipped …', 'FAILED …'."""
    if "skip" in words:
        return "skipped"
    source = folder / f"block_{line}.cpp"
    text = program(code, preamble)
    source.write_text(text)
    command, runs, why = compiler_for(text, arguments)
    if not command:
        return f"skipped: {why}"
    output = folder / f"block_{line}"
    libraries = [] if "-c" in command else ["-ltbb"]
    made = subprocess.run([*command, str(source), "-o", str(output), *libraries], capture_output=True, text=True)
    if made.returncode:
        return f"FAILED to compile:\n{text}\n{made.stderr[:3000]}"
    if not runs or "compile" in words:
        return "compiled"
    ran = subprocess.run([str(output)], capture_output=True, text=True, timeout=120)
    return "run" if ran.returncode == 0 else f"FAILED with {ran.returncode}:\n{text}\n{ran.stdout[-500:]}{ran.stderr[-500:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--compiler", default="g++")
    arguments = parser.parse_args()
    failures = 0
    for page in arguments.pages:
        if not page.exists():
            print(f"{page.name}: FAILED: there is no such page")
            failures += 1
            continue
        with tempfile.TemporaryDirectory() as folder:
            for line, words, code, preamble in blocks(page.read_text()):
                outcome = check(page, line, words, code, preamble, arguments, pathlib.Path(folder))
                failures += outcome.startswith("FAILED")
                print(f"{page.name}:{line}: {outcome}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
