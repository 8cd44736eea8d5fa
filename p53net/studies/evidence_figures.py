"""Figures of what the models predict beside what was observed, and of the fits behind them."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.figures import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VERDICTS = {
    "calibrated, inside": (COLOURS[0], "s"),
    "predicted, inside": (COLOURS[2], "o"),
    "shown": ("#888888", "D"),
    "input": ("#bbbbbb", "|"),
    "outside": (COLOURS[1], "X"),
}
_REACH = 4.0  # half-intervals to each side that the forest plot shows
_LEVEL = 3.841  # chi-squared, 95 %


def validate_figure(result: xr.Dataset) -> "Figure":
    """A forest plot: each prediction in its observation's interval, which is drawn from -1 to 1."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    numbered = result.where(result["place"].notnull(), drop=True)
    ids = [str(name) for name in numbered["observation"].values]
    figure = Figure(figsize=(9.5, 0.215 * len(ids) + 1.6), layout="constrained")
    panel = figure.subplots()
    panel.axvspan(-1.0, 1.0, color="#e8eef4", lw=0)
    heights = np.arange(len(ids))[::-1]
    for height, name in zip(heights, ids, strict=True):
        one = numbered.sel(observation=name)
        place = float(one["place"])
        colour, marker = _VERDICTS[_kind(str(one["use"].values), str(one["verdict"].values))]
        shown = float(np.clip(place, -_REACH, _REACH))
        panel.plot(shown, height, marker, color=colour, ms=6)
        if shown != place:
            side = 1 if place > 0 else -1
            panel.annotate("", (shown + 0.35 * side, height), (shown + 0.05 * side, height),
                           arrowprops={"arrowstyle": "->", "color": colour})  # fmt: skip
    panel.set_yticks(heights, ids, fontsize=7.5)
    panel.set_ylim(-0.8, len(ids) - 0.2)
    panel.set_xlim(-_REACH - 0.5, _REACH + 0.5)
    panel.set_xticks([-1, 0, 1], ["low", "middle", "high"])
    panel.set_xlabel("prediction, in the observation's interval (arrow: further out)")
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="", label=name)
        for name, (colour, marker) in _VERDICTS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8)
    counts = result.attrs["counts"]
    figure.suptitle(f"Predictions beside observations: {counts}", fontsize=10)
    return figure


def calibrate_figure(result: xr.Dataset) -> "Figure":
    """The profile of each fitted parameter: least chi-squared with it fixed."""
    from matplotlib.figure import Figure

    names = [str(name) for name in result["parameter"].values]
    columns = 4
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.3 * columns, 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        one = result.sel(parameter=name)
        rise = one["chi_squared"] - float(one["chi_squared"].min())
        panel.plot(one["value"], rise, "o-", ms=3, color=COLOURS[0])
        panel.axvline(float(one["estimate"]), color=COLOURS[1], lw=0.9)
        panel.axhline(_LEVEL, color="#777777", lw=0.8, ls=":")
        panel.set(xscale="log", ylim=(0, 3 * _LEVEL))
        panel.set_title(name.replace(": ", "\n"), fontsize=8, loc="left")
        panel.set_xlabel(f"[{one['unit'].item()}]", fontsize=8)
        panel.set_ylabel("rise of χ² [1]", fontsize=8)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    figure.suptitle(
        "Profiles of the fitted parameters. Line: estimate; dotted: 95 % for one parameter.",
        fontsize=11,
    )
    return figure


def _kind(use: str, verdict: str) -> str:
    if use in ("show", "input"):
        return {"show": "shown", "input": "input"}[use]
    if verdict == "outside":
        return "outside"
    return "calibrated, inside" if use == "fit" else "predicted, inside"
