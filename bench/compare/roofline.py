"""The steps of the road to a fast matrix product (bench/gpu/gemm_steps.cu) as rooflines and a table, on a page of their own
or in that of `./weft compare`: roofline.py STEPS.json --html FILE.

A point is a step: how many operations it makes of a byte that its blocks load, as its tile says, and how many a second.
Above it are what the units can do, and what reading those bytes from the L2 cache, or all of them from memory, at the
measured rate would allow. Blocks of one multiprocessor may find what others loaded in its L1 cache: of naive, much."""
import argparse
import html
import io
import json

HEAD = ("type", "n", "step", "tile", "ms", "TFLOP/s", "of peak", "FLOP/byte", "x step before", "of cuBLAS")


def series(data):
    """{(type, n): rows in the order of the steps}"""
    made = {}
    for row in data["rows"]:
        made.setdefault((row["type"], row["n"]), []).append(row)
    return made


def lines(data):
    made = []
    for (kind, n), rows in series(data).items():
        before = None
        for r in rows:
            gain = f"{before / r['ms']:.2f}" if before else ""
            share = f"{100 * r['share of peak']:.1f} %" if r["share of peak"] else ""
            made.append((kind, str(n), r["step"], r["tile"], f"{r['ms']:.3f}", f"{r['TFLOP/s']:.2f}", share, f"{r['FLOP/byte']:.1f}",
                         gain, f"{r['cublas ms'] / r['ms']:.3f}"))
            before = r["ms"]
    return made


def pictures(data):
    """A roofline a type, as SVG; the largest extent. Empty where matplotlib is missing."""
    try:
        import matplotlib

        matplotlib.use("svg")
        import matplotlib.pyplot as plt
    except ImportError:
        return []
    roofs, groups, made = data["roofs"], series(data), []
    for kind in dict.fromkeys(kind for kind, _ in groups):
        n = max(n for k, n in groups if k == kind)
        rows = groups[kind, n]
        figure, axes = plt.subplots(figsize=(7.6, 4.8), layout="constrained")
        x = [0.25, 512]
        units = {"f32": roofs["f32 TFLOP/s"]}
        if kind != "f32":
            units[f"{kind} matrix"] = roofs[f"{kind} TFLOP/s"]
        top = max(units.values())
        for name in ("L2", "memory"):
            rate = roofs[f"{name} GB/s"] * 1e-3  # TB/s
            knee = top / rate
            axes.plot([x[0], knee], [x[0] * rate, top], color="black", linewidth=1, linestyle="-" if name == "L2" else ":")
            below = name == "memory"
            axes.text(4, 4 * rate * (0.7 if below else 1.15), f" {name} {rate:.1f} TB/s ", fontsize=7, ha="left" if below else "right")
        for name, peak in units.items():
            if peak:
                axes.axhline(peak, color="black", linewidth=1)
                axes.text(x[1], peak * 1.05, f"{name} units {peak:.0f}", fontsize=7, ha="right")
        best = rows[-1]["cublas TFLOP/s"]  # beside the fastest: next to slow ones it is faster
        axes.axhline(best, color="tab:gray", linestyle="--", linewidth=1)
        axes.text(x[0] * 1.1, best * 1.05, f"cuBLAS {best:.0f}", fontsize=7, color="tab:gray")
        axes.plot([r["FLOP/byte"] for r in rows], [r["TFLOP/s"] for r in rows], color="tab:blue", linewidth=0.6, marker="o", markersize=5)
        for i, r in enumerate(rows):
            axes.annotate(f"{i + 1} {r['step']}\n{r['TFLOP/s']:.3g}", (r["FLOP/byte"], r["TFLOP/s"]), textcoords="offset points",
                          xytext=(7, -11), fontsize=7, color="tab:blue")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlim(*x)
        axes.set_ylim(min(r["TFLOP/s"] for r in rows) / 3, top * 1.8)
        axes.set_xlabel("operations to a byte that blocks load (by the tile)")
        axes.set_ylabel("TFLOP/s")
        axes.grid(alpha=0.25)
        axes.set_title(f"steps of a product, {kind}, {n} x {n} x {n}", fontsize=10)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg")
        plt.close(figure)
        made.append(buffer.getvalue().split("?>", 1)[-1].split(".dtd\">", 1)[-1])
    return made


def section(data):
    """What stands on a page: where it was measured, the pictures, the table."""
    cell = html.escape
    figures = "".join(f"<figure>{p}</figure>" for p in pictures(data)) or "<p>Install python3-matplotlib for plots.</p>"
    body = "".join("<tr>" + "".join(f"<td>{cell(c)}</td>" for c in line) + "</tr>" for line in lines(data))
    return f"""<h2>The road to a fast matrix product</h2><p>{cell(data["device"])}, {data["multiprocessors"]} multiprocessors at
{data["ghz"]} GHz, CUDA {cell(data["cuda"])}, {cell(data["date"])}. The steps are configurations of weft::gemm
(weft/gpu/gemm_steps.hpp). The first three multiply by the f32 units whatever the type. Solid lines: the units at the highest clock,
reading the L2 cache; dotted: as if every byte came from memory; dashed: cuBLAS in the same run.</p>
{figures}<table><tr>{"".join(f"<th>{cell(h)}</th>" for h in HEAD)}</tr>{body}</table>"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--html", default="gemm_steps.html")
    parser.add_argument("file")
    options = parser.parse_args()
    with open(options.file) as f:
        data = json.load(f)
    if not data["rows"]:
        raise SystemExit("roofline: nothing was measured")
    with open(options.html, "w") as f:
        f.write(f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>weft: steps of a product</title>
<style>body{{font:14px sans-serif;margin:2em;max-width:1500px}}table{{border-collapse:collapse}}td,th{{padding:2px 10px;text-align:right}}
figure{{display:inline-block;margin:4px}}svg{{max-width:100%}}tr:nth-child(even){{background:#f4f4f4}}</style>
{section(data)}</html>
""")
    print(f"wrote {options.html}")


if __name__ == "__main__":
    main()
