"""The figure of work against precision, of numbers that are kept.

`python -m benchmarks.sweep` measures, and keeps its points in `work_precision.csv`. `python -m
benchmarks.work_precision` from the repository root draws docs/work_precision.png again in seconds:
of the table at equal error that stands in docs/benchmarks.md, or of such points, `--points FILE`.
"""

import argparse
import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from p53net.figures.style import COLOURS, NARROW, STYLE, headline, save

_MARKERS = "osD^vPX*"
COLUMNS = ["engine", "largest error", "runs per second"]
PAGE, FIGURE = Path("docs/benchmarks.md"), Path("docs/work_precision.png")


def points_of(page: str) -> pd.DataFrame:
    """Rows of `COLUMNS` in the table at equal largest error of a page: where a peer does not reach
    an error, there is none."""
    below = page.partition("of a core at equal largest error")[2]
    head, _, rest = below.partition("| engine | ")[2].partition("\n")
    errors = [float(cell) for cell in head.strip("| ").split(" | ")]
    found = []
    for line in rest.splitlines()[1:]:
        if not line.startswith("| "):
            break
        engine, *cells = line.strip("| ").split(" | ")
        rates = [re.sub(r" \(.*\)", "", cell) for cell in cells]  # without how many times as many
        found += [(engine, error, float(rate))
                  for error, rate in zip(errors, rates, strict=True) if rate != "-"]  # fmt: skip
    return pd.DataFrame(found, columns=COLUMNS)


@mpl.rc_context(STYLE)
def diagram(points: pd.DataFrame) -> Figure:
    """Time of a run over the largest error, a line for each engine in the order of the rows."""
    figure = Figure(figsize=(NARROW, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for (engine, mine), colour, marker in zip(
        points.groupby("engine", sort=False), COLOURS, _MARKERS, strict=False
    ):
        times = 1e3 / mine["runs per second"]
        label = str(engine).replace("`", "")
        axes.plot(mine["largest error"], times, marker=marker, color=colour, label=label)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("largest error of all runs [1, of the read-out's peak]")
    axes.set_ylabel("time of a 72 h run on a core [ms]")
    axes.invert_xaxis()
    figure.legend(loc="outside lower center", ncols=2, columnspacing=0.8, handletextpad=0.5)
    headline(figure, "Time against precision: down and to the right is better")
    return figure


def main() -> None:
    """Draw it again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=Path, metavar="FILE", help="default the page's table")
    parser.add_argument("--out", type=Path, default=FIGURE, metavar="FILE")
    options = parser.parse_args()
    points = (
        points_of(PAGE.read_text(encoding="utf-8"))
        if options.points is None
        else pd.read_csv(options.points)
    )
    print(save(diagram(points), options.out))


if __name__ == "__main__":
    main()
