"""Figures of what the models predict beside what was observed, and of the fits behind them."""

from collections.abc import Mapping
from textwrap import fill, wrap
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.figures import names
from p53net.figures.style import COLOURS, SMALL, WIDE, headline
from p53net.model.definition import shown_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_USES = {
    "predict": ("predicted", COLOURS[2], "o"),
    "set": ("set by hand or built in", COLOURS[4], "^"),
    "input": ("taken as input", COLOURS[5], "D"),
    "fit": ("fitted to", COLOURS[0], "s"),
}
"""What a row is to the models: words, colour where it is inside, marker."""
_OUTSIDE, _NOT_COMPARED = COLOURS[1], "#777777"
_STATEMENTS = ("qualitative", "increase", "regression")  # in place of a unit: it holds or not
_REACH = 4.0  # half-intervals to each side that the forest plot shows
_LEVEL = 3.841  # chi-squared, 95 %
_OF_A_PANEL = 26  # letters of its title
_WIDE = 3.0  # a profile over more than this factor is drawn over a logarithm


def validate_figure(result: xr.Dataset) -> "Figure":
    """A forest plot: each prediction in its observation's interval, which is drawn from -1 to 1.

    Rows without two ends stand below: statements, and numbers of which one end is known. What is
    not modelled is left out.
    """
    from matplotlib.lines import Line2D

    from p53net.figures.inline import Figure

    named = names.of_ledger(result)
    result = result.sel(observation=result["verdict"] != "not modelled")
    placed = result["place"].notnull()
    forest, rest = result.where(placed, drop=True), result.where(~placed, drop=True)
    sizes = [forest.sizes["observation"], rest.sizes["observation"]]
    figure = Figure(figsize=(WIDE, 0.135 * sum(sizes) + 1.8), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=sizes)
    above.axvspan(-1.0, 1.0, color="#e8eef4", lw=0)
    for height, name in _rows(above, forest, named):
        one = forest.sel(observation=name)
        place = float(one["place"])
        colour, marker = _look(one)
        shown = float(np.clip(place, -_REACH, _REACH))
        above.plot(shown, height, marker, color=colour, ms=3.7)
        if shown != place:
            side = 1 if place > 0 else -1
            above.annotate("", (shown + 0.35 * side, height), (shown + 0.05 * side, height),
                           arrowprops={"arrowstyle": "->", "color": colour})  # fmt: skip
    above.set_xlim(-_REACH - 0.5, _REACH + 0.5)
    above.set_xticks([-1, 0, 1], ["low", "middle", "high"])
    above.set_xlabel(
        "prediction, in the observation's interval (arrow: further out); counts of "
        "trials\nare judged by what trials with the predicted rate count"
    )
    answers = {"inside": 0.0, "outside": 1.0, "not compared": 2.0, "not predicted": 2.0}
    for height, name in _rows(below, rest, named):
        one = rest.sel(observation=name)
        colour, marker = _look(one)
        x = answers[str(one["verdict"].values)]
        below.plot(x, height, marker, color=colour, ms=3.7)
        below.text(x + 0.06, height, _numbers(one), fontsize=SMALL, va="center")
    below.set_xlim(-0.4, 2.6)
    below.set_xticks(range(3), ["holds", "does not hold", "not compared"])
    below.set_xlabel("statements, and numbers of which one end is known")
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="", label=words)
        for words, colour, marker in _USES.values()
    ]
    handles += [
        Line2D([], [], color=colour, marker="s", ls="", label=words)
        for words, colour in (("outside", _OUTSIDE), ("without an interval", _NOT_COMPARED))
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    counts = "\n".join(wrap(result.attrs["counts"].capitalize(), 110))
    headline(figure, f"Predictions beside observations\n{counts}")
    return figure


def calibrate_figure(result: xr.Dataset) -> "Figure":
    """The profile of each fitted parameter: least chi-squared with it fixed."""
    from p53net.figures.inline import Figure

    fitted = [str(name) for name in result["parameter"].values]
    columns = 4
    rows = -(-len(fitted) // columns)
    figure = Figure(figsize=(WIDE, 1.4 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, fitted, strict=False):
        one = result.sel(parameter=name).dropna("point")
        rise = (one["chi_squared"] - float(one["chi_squared"].min())).values
        value = one["value"].values
        panel.plot(value, rise, "o-", ms=1.9, color=COLOURS[0])
        panel.axvline(float(one["estimate"]), color=COLOURS[1], lw=0.6)
        panel.axhline(_LEVEL, color="#777777", lw=0.5, ls=":")
        panel.set_ylim(0, 3 * _LEVEL)
        _zoom(panel, value, rise)
        panel.set_title(fill(names.of_parameter(name), _OF_A_PANEL))
        panel.set_xlabel(f"[{shown_unit(str(one['unit'].item()))}]")
    for first in panels[::columns]:
        first.set_ylabel("rise of χ² [1]")
    for panel in panels[len(fitted) :]:
        panel.set_axis_off()
    headline(
        figure,
        "How well the evidence tells each fitted parameter: the least rise of χ² with it held. "
        "Line: estimate. Dotted: its 95 %.",
    )
    return figure


def _zoom(panel: "Axes", value: FloatArray, rise: FloatArray) -> None:
    """Show a profile as far as it is below the top, over a logarithm where that is far."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    low = np.flatnonzero(rise < 3 * _LEVEL)
    first, last = max(low[0] - 1, 0), min(low[-1] + 1, len(value) - 1)
    room = (value[last] / value[first]) ** 0.04  # an estimate can stand at an end
    panel.set_xlim(value[first] / room, value[last] * room)
    if value[last] > _WIDE * value[first]:
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
    else:
        panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.tick_params(axis="x", labelsize=SMALL)


def _rows(panel: "Axes", result: xr.Dataset, named: Mapping[str, str]) -> list[tuple[int, str]]:
    """The height of each observation's row, from the top; labels the axis with them."""
    ids = [str(name) for name in result["observation"].values]
    heights = list(range(len(ids)))[::-1]
    panel.set_yticks(heights, [named[name] for name in ids], fontsize=SMALL)
    panel.set_ylim(-0.8, len(ids) - 0.2)
    return list(zip(heights, ids, strict=True))


def _numbers(one: xr.Dataset) -> str:
    """A prediction in words beside the end that is known; nothing of a statement."""
    low, high, value = (float(one[name]) for name in ("low", "high", "predicted"))
    unit = str(one["unit"].values)
    ends = (
        f", {low:g} or more" if np.isfinite(low) else f", at most {high:g}"
    ) if np.isfinite(low) != np.isfinite(high) else ""  # fmt: skip
    numbered = np.isfinite(value) and unit not in _STATEMENTS
    return f"{value:.3g}{'' if unit == '1' else ' ' + unit}{ends}" if numbered else ""


def _look(one: xr.Dataset) -> tuple[str, str]:
    """Colour and marker of a row."""
    _, colour, marker = _USES[str(one["use"].values)]
    verdict = str(one["verdict"].values)
    if verdict in ("outside", "not predicted"):
        return _OUTSIDE, marker
    return (_NOT_COMPARED if verdict == "not compared" else colour), marker
