"""The figure of two drugs together: isoboles, the checkerboard, and its excess over Loewe."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.ensembles.banded import is_banded, median
from p53net.figures import bands
from p53net.figures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^v"
_LEAST_EXCESS = 5.0  # % points, that the colours of a flat map span
_MOST_WRITTEN = 12  # doses, of a map with numbers in its fields


def synergy_figure(result: xr.Dataset) -> "Figure":
    """Isoboles over the line of drugs that do not interact, effects, and the excess over Loewe."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.5, 5.0), layout="constrained")
    isoboles, effects, excess = figure.subplots(1, 3)
    middle = median(result)
    _isoboles(isoboles, result)
    _map(effects, middle, 100.0 * middle["effect"], "cividis", (0.0, 100.0))
    effects.set_title("live cells lost [% of vehicle]", loc="left")
    values = 100.0 * middle["loewe_excess"]
    most = max(float(abs(values).max()), _LEAST_EXCESS)
    _map(excess, middle, values, "PuOr", (-most, most))
    excess.set_title("excess over Loewe [% points]; above 0: synergy", loc="left")
    attrs = result.attrs
    when = "both from the start"
    if "switch" in attrs:
        when = f"{attrs['other']} until {attrs['switch']:g} h, then {attrs['drug']}"
    note = f"\n{bands.NOTE}" if is_banded(result) else ""
    figure.suptitle(
        f"{attrs['drug']} and {attrs['other']} in the {attrs['cell_line']} line, read at "
        f"{attrs['hours']:g} h; {when}{note}",
        fontsize=11,
    )
    return figure


def _isoboles(panel: "Axes", result: xr.Dataset) -> None:
    """Doses of both over those that have the same effect alone."""
    drug, other = result.attrs["drug"], result.attrs["other"]
    shares = result["share"].values
    panel.plot([0, 1], [1, 0], color="#555555", lw=1.2, ls="--", label="no interaction")
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
        panel.plot(shares, shown, marker=marker, ms=4.5, color=colour, label=label)
    panel.set(
        xlabel=f"{other}, of its dose alone [1]",
        ylabel=f"{drug}, of its dose alone [1]",
        xlim=(0, 1.02),
        ylim=(0, 1.4 * float(np.nanmax([1.0, *bands.middle(above).values.ravel()]))),  # a legend
    )
    panel.set_title("isoboles: below the line less is needed", loc="left")
    panel.legend(fontsize=8, loc="upper right")


def _map(
    panel: "Axes", result: xr.Dataset, values: xr.DataArray, colours: str, ends: tuple[float, float]
) -> None:
    """A checkerboard, a field for each well, with numbers where there is room."""
    shown = values.transpose("other_dose", "dose").values
    mesh = panel.pcolormesh(shown, cmap=colours, vmin=ends[0], vmax=ends[1])
    for axis, name in ((panel.xaxis, "dose"), (panel.yaxis, "other_dose")):
        doses = result[name].values
        axis.set_ticks(np.arange(len(doses)) + 0.5, [_short(dose) for dose in doses], fontsize=7)
    panel.tick_params(axis="x", rotation=45)
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
                       va="center", fontsize=6.5,
                       color="white" if dark else "black")  # fmt: skip
    assert panel.figure is not None  # noqa: S101 - it is drawn on one
    panel.figure.colorbar(mesh, ax=panel, shrink=0.85)


def _short(dose: float) -> str:
    return f"{dose:.3g}" if dose < 1000 else f"{dose:.0f}"
