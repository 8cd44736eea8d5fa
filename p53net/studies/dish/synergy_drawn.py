"""The figure of two drugs together: isoboles, the checkerboard, and its excess over Loewe."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.ensembles.banded import median
from p53net.figures import bands
from p53net.figures.style import COLOURS, SMALL, WIDE, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^v"
_LEAST_EXCESS = 5.0  # % points, that the colours of a flat map span
_MOST_WRITTEN = 12  # doses, of a map with numbers in its fields


def synergy_figure(result: xr.Dataset) -> "Figure":
    """Isoboles over the line of drugs that do not interact, effects, and the excess over Loewe."""
    from p53net.figures.inline import Figure

    figure = Figure(figsize=(WIDE, 3.3), layout="constrained")
    isoboles, effects, excess = figure.subplots(1, 3, width_ratios=[0.8, 1, 1])
    middle = median(result)
    _isoboles(isoboles, result)
    _map(effects, middle, 100.0 * middle["effect"], "cividis", (0.0, 100.0))
    effects.set_title("(b) live cells lost [% of vehicle]")
    values = 100.0 * middle["loewe_excess"]
    most = max(float(abs(values).max()), _LEAST_EXCESS)
    _map(excess, middle, values, "PuOr", (-most, most))
    excess.set_title("(c) excess over Loewe [% points]\nabove 0: synergy")
    figure.legend(*isoboles.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    attrs = result.attrs
    when = "both from the start"
    if "switch" in attrs:
        when = f"{attrs['other']} until {attrs['switch']:g} h, then {attrs['drug']}"
    note = bands.note(result)
    headline(
        figure,
        f"{attrs['drug']} and {attrs['other']} in the {attrs['cell_line']} line, read at "
        f"{attrs['hours']:g} h; {when}{note}",
    )
    return figure


def _isoboles(panel: "Axes", result: xr.Dataset) -> None:
    """Doses of both over those that have the same effect alone."""
    drug, other = result.attrs["drug"], result.attrs["other"]
    shares = result["share"].values
    panel.plot([0, 1], [1, 0], color="#555555", lw=0.7, ls="--", label="no interaction")
    above = result["interaction_index"] - result["share"]
    for i, level in enumerate(result["level"].values):
        colour, marker = COLOURS[i % len(COLOURS)], _MARKERS[i % len(_MARKERS)]
        curve = above.sel(level=level)
        alone = median(result).sel(level=level)
        said = f"{level:g} %: alone {float(alone['dose_alone']):.3g} nM {drug}"
        said += f", {float(alone['other_alone']):.3g} nM {other}"
        bands.shade(panel, curve, colour)
        shown = bands.middle(curve)
        label = said if np.isfinite(shown.values).any() else f"{level:g} %: not reached by each"
        panel.plot(shares, shown, marker=marker, ms=2.8, color=colour, label=label)
    panel.set(
        xlabel=f"{other}, of its dose alone [1]",
        ylabel=f"{drug}, of its dose alone [1]",
        xlim=(0, 1.02),
        ylim=(0, 1.05 * float(np.nanmax([1.0, *bands.middle(above).values.ravel()]))),
    )
    panel.set_title("(a) isoboles: below the line\nless is needed")


def _map(
    panel: "Axes", result: xr.Dataset, values: xr.DataArray, colours: str, ends: tuple[float, float]
) -> None:
    """A checkerboard, a field for each well, with numbers where there is room."""
    shown = values.transpose("other_dose", "dose").values
    mesh = panel.pcolormesh(shown, cmap=colours, vmin=ends[0], vmax=ends[1])
    for axis, name in ((panel.xaxis, "dose"), (panel.yaxis, "other_dose")):
        doses = result[name].values
        axis.set_ticks(
            np.arange(len(doses)) + 0.5, [_short(dose) for dose in doses], fontsize=SMALL
        )
    panel.tick_params(axis="x", rotation=90)
    panel.set_xlabel(f"{result.attrs['drug']} [nM]")
    panel.set_ylabel(f"{result.attrs['other']} [nM]")
    panel.grid(False)
    if max(shown.shape) <= _MOST_WRITTEN:
        for row, column in np.ndindex(shown.shape):
            value = shown[row, column]
            red, green, blue, _ = mesh.to_rgba(value)
            dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
            text = f"{value:.0f}" if np.isfinite(value) else ""
            panel.text(column + 0.5, row + 0.5, "0" if text == "-0" else text, ha="center",
                       va="center", fontsize=SMALL,
                       color="white" if dark else "black")  # fmt: skip
    assert panel.figure is not None  # noqa: S101 - it is drawn on one
    panel.figure.colorbar(mesh, ax=panel, location="bottom", aspect=30)


def _short(dose: float) -> str:
    return f"{dose:.3g}" if dose < 1000 else f"{dose:.0f}"
