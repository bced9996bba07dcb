"""Turns Google Benchmark files of `./weft compare` into one table, one JSON file and one page with plots.

Names are verb/backend/type/n[/distribution]. Shares are of the memory limit measured in the same run at the same size
(reading for verbs that write almost nothing, copying for the others). Speed-ups compare medians of the same row."""
import argparse
import html
import io
import json
import math

import roofline

WEFT = ["seq", "openmp", "tbb", "cuda", "hip", "simt"]
READERS = {"reduce", "min_element", "histogram"}


def load(files):
    merged = None
    for name in files:
        with open(name) as f:
            data = json.load(f)
        if merged is None:
            merged = data
        else:
            merged["benchmarks"] += data["benchmarks"]
    return merged


def rows_of(data):
    """{(verb, type, n, distribution): {backend: row}}, and the limits {(kind, n): bytes per second}."""
    rows, limits = {}, {}
    for b in data["benchmarks"]:
        if b.get("run_type") == "aggregate":
            continue
        parts = b["name"].replace("/manual_time", "").split("/")
        parts = [p for p in parts if not p.startswith("min_time:")]
        if b.get("error_occurred"):
            if parts[0] != "limit":
                rows.setdefault((parts[0], parts[2], int(parts[3]), "/".join(parts[4:])), {})[parts[1]] = None
            continue
        seconds = b["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[b["time_unit"]]
        if parts[0] == "limit":
            key = (parts[2], int(parts[3]))
            limits[key] = max(limits.get(key, 0), b["bytes"] / seconds)
            continue
        key = (parts[0], parts[2], int(parts[3]), "/".join(parts[4:]))
        rows.setdefault(key, {})[parts[1]] = dict(seconds=seconds, **{k: b.get(k, 0) for k in ("bytes", "items", "flops")})
    return rows, limits


def time_text(seconds):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(rows, limits):
    lines = []
    for key in sorted(rows, key=lambda k: (k[0], k[1], k[3], k[2])):
        verb, kind, n, how = key
        cells = rows[key]
        good = {b: r for b, r in cells.items() if r}
        peers = {b: r["seconds"] for b, r in good.items() if b not in WEFT}
        best = min(peers, key=peers.get) if peers else ""
        order = sorted(cells, key=lambda b: (WEFT.index(b) if b in WEFT else 99, b))
        for backend in order:
            row = cells[backend]
            size = f"2^{int(math.log2(n))}" if n & (n - 1) == 0 else str(n)
            name = "/".join(x for x in (kind, size, how) if x)
            if row is None:
                lines.append((verb, name, backend, "wrong result", "", "", "", "", ""))
                continue
            s = row["seconds"]
            if row["flops"] and not row["bytes"]:
                rate = f"{row['flops'] / s * 1e-9:.1f} GFLOP/s"
            else:
                rate = f"{row['items'] / s * 1e-6:.0f} M/s" if row["items"] else ""
            limit = limits.get(("read" if verb in READERS else "copy", n))
            share = f"{row['bytes'] / s / limit * 100:.0f} %" if row["bytes"] and limit and backend != "cuda" else ""
            seq = f"{good['seq']['seconds'] / s:.2f}" if "seq" in good else ""
            peer = f"{peers[best] / s:.2f}" if best and backend in WEFT else ""
            lines.append((verb, name, backend, time_text(s), rate, share, seq, peer, best if backend in WEFT else ""))
    return lines


HEAD = ("verb", "type/n", "backend", "time", "throughput", "of limit", "x seq", "x best peer", "best peer")


def print_table(lines):
    width = [max(len(HEAD[i]), *(len(l[i]) for l in lines)) for i in range(len(HEAD))]
    last = None
    for line in [HEAD] + lines:
        if last is not None and line[:2] != last:
            if line[0] != last[0]:
                print()
        text = [c.ljust(w) if i < 3 or i == 8 else c.rjust(w) for i, (c, w) in enumerate(zip(line, width))]
        print("  ".join(text).rstrip())
        last = line[:2]


def plots(rows):
    """One picture a verb: time per item against n, a line a backend. Empty where matplotlib is missing."""
    try:
        import matplotlib

        matplotlib.use("svg")
        import matplotlib.pyplot as plt
    except ImportError:
        return []
    groups = {}
    for (verb, kind, n, how), cells in rows.items():
        for backend, row in cells.items():
            if row:
                groups.setdefault((verb, kind, how), {}).setdefault(backend, []).append((n, row))
    made = []
    for key in sorted(groups):
        verb, kind, how = key
        figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
        single = all(len(points) == 1 for points in groups[key].values())
        for backend in sorted(groups[key], key=lambda b: (b not in WEFT, b)):
            points = sorted(groups[key][backend])
            speed = [(n, (r["flops"] if r["flops"] and not r["bytes"] else r["items"]) / r["seconds"] * 1e-9) for n, r in points]
            if single:
                axes.barh(backend, speed[0][1], color="tab:blue" if backend in WEFT else "tab:gray")
            else:
                axes.plot(*zip(*speed), marker="o", markersize=3, label=backend, linestyle="-" if backend in WEFT else "--")
        unit = "GFLOP/s" if verb == "gemm" else "billion items a second"
        if single:
            axes.set_xlabel(unit)
        else:
            axes.set_xscale("log", base=2)
            axes.set_ylabel(unit)
            axes.set_xlabel("rows" if verb == "gemm" else "n")
            axes.legend(fontsize=7)
            axes.grid(alpha=0.3)
        axes.set_title(" ".join(x for x in (verb, kind, how) if x), fontsize=10)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg")
        plt.close(figure)
        made.append(buffer.getvalue().split("?>", 1)[-1].split(".dtd\">", 1)[-1])
    return made


def page(data, lines, pictures, steps):
    context = data["context"]
    cell = html.escape
    body = []
    for line in lines:
        shade = ' class="peer"' if line[2] not in WEFT else ""
        body.append(f"<tr{shade}>" + "".join(f"<td>{cell(c)}</td>" for c in line) + "</tr>")
    figures = "".join(f"<figure>{p}</figure>" for p in pictures) or "<p>Install python3-matplotlib for plots.</p>"
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>weft compare</title>
<style>body{{font:14px sans-serif;margin:2em;max-width:1500px}}table{{border-collapse:collapse}}td,th{{padding:2px 10px;text-align:right}}
td:nth-child(-n+3),th:nth-child(-n+3),td:last-child{{text-align:left}}tr:nth-child(even){{background:#f4f4f4}}.peer{{color:#777}}
figure{{display:inline-block;margin:4px}}svg{{max-width:100%}}</style>
<h1>weft compare</h1><p>{cell(context.get("date", ""))}, {cell(context.get("host_name", ""))}, {context.get("num_cpus")} CPUs at
{context.get("mhz_per_cpu")} MHz. Solid lines and blue bars are weft, dashed and grey its peers. HIP: compiled, not run on AMD hardware.</p>
<h2>Throughput, higher is better</h2>{figures}
{roofline.section(steps) if steps else ""}
<h2>Every row</h2><table><tr>{"".join(f"<th>{cell(h)}</th>" for h in HEAD)}</tr>{"".join(body)}</table></html>
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="compare.json")
    parser.add_argument("--html", default="compare.html")
    parser.add_argument("--steps", help="what bench/gpu/gemm_steps.cu wrote")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    steps = None
    if options.steps:
        with open(options.steps) as f:
            steps = json.load(f)
    data = load(options.files)
    rows, limits = rows_of(data)
    lines = table(rows, limits)
    if not lines:
        raise SystemExit("compare: nothing was measured (do --verbs and --backends name something?)")
    print_table(lines)
    with open(options.json, "w") as f:
        json.dump(data, f, indent=1)
    with open(options.html, "w") as f:
        f.write(page(data, lines, plots(rows), steps))
    print(f"\nwrote {options.json} and {options.html}")
    if any(line[3] == "wrong result" for line in lines):
        raise SystemExit("compare: at least one result was wrong")


main()
