"""The figure of the ledger in several structures."""

from textwrap import wrap
from typing import TYPE_CHECKING

import xarray as xr

from p53net.evidence.matrix import said
from p53net.figures import names
from p53net.figures.style import COLOURS, SMALL, WIDE, headline

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

_LETTERS = 130  # of a line below
_OPEN = 0.35  # of a colour, for what was seen by a choice
_LOOK = {"inside": COLOURS[0], "outside": COLOURS[1], "not predicted": COLOURS[1]}


def matrix_figure(result: xr.Dataset) -> "Figure":
    """Observations over structures: blue met, orange missed and by how much; pale what some choice
    saw, so that it is no prediction."""
    from p53net.figures.inline import Figure

    named = names.of_ledger(result)
    shown = (result["verdict"].isin(list(_LOOK))).any("structure")
    result = result.sel(observation=shown)
    rows, columns = result.sizes["observation"], result.sizes["structure"]
    figure = Figure(figsize=(WIDE, 1.3 + 0.125 * rows), layout="constrained")
    axes = figure.subplots()
    for y, name in enumerate(result["observation"].values):
        for x, structure in enumerate(result["structure"].values):
            one = result.sel(observation=name, structure=structure)
            colour = _LOOK.get(one["verdict"].item())
            if colour is None:
                continue
            alpha = 1.0 if one["use"].item() == "predict" else _OPEN
            axes.add_patch(_square(x, y, colour, alpha))
            if one["verdict"].item() != "inside":
                axes.text(x, y, _by(one), ha="center", va="center",
                          fontsize=SMALL)  # fmt: skip
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xticks(range(columns), [str(one) for one in result["structure"].values], rotation=35,
                    ha="left", rotation_mode="anchor")  # fmt: skip
    axes.xaxis.tick_top()
    axes.set_yticks(range(rows), [named[str(name)] for name in result["observation"].values],
                    fontsize=SMALL)  # fmt: skip
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    missed = result["verdict"].isin(["outside", "not predicted"])
    counts = zip(result["structure"].values, missed.sum("observation").values, strict=True)
    said_below = ("misses: " + ", ".join(f"{name} {int(number)}" for name, number in counts),
                  "blue: met; orange: missed, by a factor of the nearer end, or by points;",
                  "pale: no prediction, some choice saw it; blank: not modelled there")  # fmt: skip
    below = [line for one in said_below for line in wrap(one, _LETTERS)]
    figure.supxlabel("\n".join(below), fontsize=SMALL)
    headline(
        figure, "Which published numbers each structure meets, and by how far it misses the others"
    )
    return figure


def _by(one: xr.Dataset) -> str:
    """By what factor, or by how many points, a row is missed."""
    beyond = float(one["beyond"])
    if not said(one).startswith("x "):
        by = said(one).removeprefix("missed").replace(" points", "")
        return "<1" if by in ("+0", "-0") else by
    times = "\N{MULTIPLICATION SIGN}"
    digits = 1 if beyond < 0.1 else 3 if f"{beyond:.2g}" == "1" or beyond >= 100 else 2
    return f"{times}{beyond:.{digits}g}"


def _square(x: int, y: int, colour: str, alpha: float) -> "Rectangle":
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, color=colour, alpha=alpha, lw=0)
