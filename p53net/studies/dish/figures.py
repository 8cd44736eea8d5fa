"""Figures of assays in a dish. Matplotlib is imported on use."""

import textwrap
from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from p53net.ensembles.banded import DEFINED, ENDS, is_banded, median
from p53net.figures import bands
from p53net.figures.style import COLOURS, NARROW, SMALL, WIDE, headline
from p53net.measures.dose_response import logistic
from p53net.studies.dish.levels_drawn import levels_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*"
_LINES = ("-", "--", ":", "-.")
_FINE = 300  # points of a fitted curve
_FLOOR = -4.0  # %, so that marks at 0 are whole
_FEW, _MOST = 0.5, 0.95  # of the draws: below, a median would mislead; above, nearly all have one


def viability_figure(result: xr.Dataset) -> "Figure":
    """One panel a drug: wells, the fitted curve and its IC50, a colour for each cell line."""
    if "beside" in result.dims:
        return levels_figure(result, "viability")
    figure, panels = _panels(len(result["drug"]))
    middle = median(result)
    for panel, drug in zip(panels, result["drug"].values, strict=True):
        for line, colour, marker in zip(
            result["cell_line"].values, cycle(COLOURS), cycle(_MARKERS), strict=False
        ):
            one = middle.sel(drug=drug, cell_line=line)
            ic50 = float(one["ic50"])
            said = _nanomolar_of(result.sel(drug=drug, cell_line=line), "ic50")
            label = f"{line}: IC50 {said}" if np.isfinite(ic50) else f"{line}: no IC50"
            wells = one["viability"].transpose("dose", "replicate").values
            doses = np.repeat(result["dose"].values, wells.shape[1])
            seen = result["viability"].sel(drug=drug, cell_line=line).isel(replicate=0)
            bands.shade(panel, seen, colour)
            panel.plot(doses, wells.ravel(), marker, ms=2.2, color=colour, alpha=0.55)
            if np.isfinite(ic50):
                fine = np.geomspace(doses[0], doses[-1], _FINE)
                shape = (float(one[name]) for name in ("top", "bottom", "ic50", "hill"))
                curve = logistic(fine, *shape)
                if is_banded(result):  # medians of what was fitted are no fit
                    fine, curve = doses[:: wells.shape[1]], wells[:, 0]
                panel.plot(fine, curve, color=colour, label=label)
                half = float(np.interp(np.log(ic50), np.log(fine), curve))
                panel.plot([ic50, ic50], [_FLOOR, half], color=colour, lw=0.7, ls=":")
            else:
                panel.plot([], [], marker, ms=2.2, color=colour, label=label)
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]")
        panel.set_title(str(drug), loc="left")
        top = 112.0 if is_banded(result) else max(103.0, float(middle["viability"].max()))
        panel.set_ylim(
            _FLOOR, top + 4 + 12 * len(result["cell_line"])
        )  # a place that nothing covers
        panel.legend(loc="upper right")
    panels[0].set_ylabel("viability [% of vehicle]")
    hours, noise = result.attrs["hours"], result.attrs["noise"]
    wells_said = f", noise {noise:.0%} a well" if noise else ""
    headline(figure, f"Viability after {hours:g} h{wells_said}. Dotted: IC50.{bands.note(result)}")
    if boundary := result.attrs.get("boundary"):
        wide = int(22 * figure.get_figwidth())  # letters that have room
        figure.supxlabel(textwrap.fill(boundary, wide), fontsize=SMALL)
    return figure


def degradation_figure(result: xr.Dataset) -> "Figure":
    """A column a drug: MDM2 over dose, a colour for each time, above with the loop closed, below
    with it opened."""
    if "beside" in result.dims:
        return levels_figure(result, "MDM2")
    loops = [str(one) for one in result["loop"].values]
    figure, panels = _panels(len(result["drug"]), len(loops), share="col")
    whole, result = result, median(result)
    places = ((loop, drug) for loop in loops for drug in result["drug"].values)
    for panel, (loop, drug) in zip(panels, places, strict=True):
        for hours, colour, style in zip(
            result["hours"].values, cycle(COLOURS), cycle(_LINES), strict=False
        ):
            one = result.sel(drug=drug, hours=hours, loop=loop)
            said = _nanomolar_of(whole.sel(drug=drug, hours=hours, loop=loop), "dc50")
            label = f"{hours:g} h" + (f": DC50 {said}" if np.isfinite(float(one["dc50"])) else "")
            bands.shade(panel, whole["MDM2"].sel(drug=drug, hours=hours, loop=loop), colour)
            panel.plot(result["dose"], one["MDM2"], style, color=colour, label=label)
            hook = float(one["hook"])
            if np.isfinite(hook) and not is_banded(whole):
                low = float(one["MDM2"].sel(dose=hook))
                panel.plot([hook], [low], "v", color=colour, ms=4.3, mfc="white")
        panel.axhline(100.0, color="#777777", lw=0.5)
        panel.set(xscale="log", yscale="log")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_title(f"{drug}, loop {'opened' if loop == 'open' else loop}", loc="left")
        panel.set_xlabel(f"{drug} in the medium [nM]")
        panel.legend(loc="upper left")
    count = len(result["drug"])
    for panel, drug in zip(panels, result["drug"].values, strict=False):  # and those below it
        left = whole["MDM2"].sel(drug=drug)
        low, high = min(0.7 * float(left.min()), 50.0), 1.2 * max(float(left.max()), 100.0)
        panel.set_ylim(low, high * (high / low) ** (0.12 * len(result["hours"])))  # a legend
    for panel in panels[::count]:
        panel.set_ylabel("total MDM2 [% of vehicle]")
    line = result.attrs["cell_line"]
    hook_said = "" if is_banded(whole) else " Triangles: the hook begins."
    headline(figure, f"Degradation of MDM2 in the {line} line.{hook_said}{bands.note(whole)}")
    return figure


def caspase_figure(result: xr.Dataset) -> "Figure":
    """One panel a drug: caspase-3/7 of a live cell over dose, a colour for each time."""
    if "beside" in result.dims:
        return levels_figure(result, "active")
    figure, panels = _panels(len(result["drug"]))
    broad = np.linspace(0.8, 2.0, len(result["hours"]))  # where curves coincide, each still shows
    for panel, drug in zip(panels, result["drug"].values, strict=True):
        for hours, colour, marker, width in zip(
            result["hours"].values, cycle(COLOURS), cycle(_MARKERS), broad, strict=False
        ):
            whole = result["active"].sel(drug=drug, hours=hours)
            if hours == result["hours"].values[-1]:  # those of all times would cover each other
                bands.shade(panel, whole, colour)
            curve = bands.middle(whole)
            label = f"{hours:g} h"
            panel.plot(result["dose"], curve, marker + "-", ms=1.4 + 1.2 * width, lw=width,
                       color=colour, label=label, zorder=4.0 - width / 10.0)  # fmt: skip
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]", ylim=(0, None))
        panel.set_title(str(drug), loc="left")
    panels[0].set_ylabel("active caspase-3/7, live cell [% of all]")
    figure.set_figheight(3.0)
    named = panels[0].get_legend_handles_labels()  # the same in all panels, and bands fill them
    figure.legend(*named, loc="outside lower center", ncols=min(len(named[1]), 8), title="exposure")
    headline(
        figure,
        f"Caspase-3/7 in the {result.attrs['cell_line']} line."
        f"{bands.note(result, last=f' at {hours:g} h')}",
    )
    return figure


def _panels(
    count: int, rows: int = 1, *, share: Literal["all", "col"] = "all"
) -> "tuple[Figure, list[Axes]]":
    """Panels row by row, of which all or those above each other have one axis of values."""
    from p53net.figures.inline import Figure

    size = min(WIDE, NARROW * max(count, 1)), 2.7 + 1.9 * (rows - 1)
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(figure.subplots(rows, count, squeeze=False, sharey=share).ravel())


def _nanomolar_of(result: xr.Dataset, name: str) -> str:
    """A dose; a median with what holds 95 % of the draws, and in how many of them there is one."""
    if not is_banded(result):
        return _nanomolar(float(result[name]))
    share = float(result[f"{name}{DEFINED}"])
    if share < _FEW:
        return f"in {100 * share:.2g} % of draws only"
    middle, low, high = (float(result[name].sel(quantile=one)) for one in (0.5, *ENDS))
    by, unit = _unit(middle)
    where = "" if share > _MOST else f", in {100 * share:.2g} % of draws"
    return f"{middle / by:.3g} {unit} ({low / by:.3g} to {high / by:.3g}{where})"


def _nanomolar(value: float) -> str:
    by, unit = _unit(value)
    return f"{value / by:.3g} {unit}"


def _unit(nanomolar: float) -> tuple[float, str]:
    """What it is divided by to be read without many zeros, and the unit that it has then."""
    if nanomolar < 0.1:
        return 0.001, "pM"
    return (1.0, "nM") if nanomolar < 1000 else (1000.0, "µM")
