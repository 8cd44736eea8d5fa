"""Figures of assays in a dish. Matplotlib is imported on use."""

import textwrap
from itertools import cycle
from typing import TYPE_CHECKING

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
                panel.axvline(ic50, color=colour, lw=0.5, ls=":")
            else:
                panel.plot([], [], marker, ms=2.2, color=colour, label=label)
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]", ylim=(-4, None))
        panel.set_title(str(drug), loc="left")
        top = 112.0 if is_banded(result) else max(103.0, float(middle["viability"].max()))
        panel.set_ylim(-4, top + 4 + 12 * len(result["cell_line"]))  # a place that nothing covers
        panel.legend(loc="upper right")
    panels[0].set_ylabel("viability [% of vehicle]")
    hours, noise = result.attrs["hours"], result.attrs["noise"]
    wells_said = f", noise {noise:.0%} a well" if noise else ""
    headline(figure, f"Viability after {hours:g} h{wells_said}. Dotted: IC50.{_note(result)}")
    if boundary := result.attrs.get("boundary"):
        wide = int(22 * figure.get_figwidth())  # letters that have room
        figure.supxlabel(textwrap.fill(boundary, wide), fontsize=SMALL)
    return figure


def degradation_figure(result: xr.Dataset) -> "Figure":
    """One panel a drug: MDM2 over dose, a colour for each time, the loop closed and opened."""
    if "beside" in result.dims:
        return levels_figure(result, "MDM2")
    figure, panels = _panels(len(result["drug"]), share=False)
    whole, result = result, median(result)
    for panel, drug in zip(panels, result["drug"].values, strict=True):
        for hours, colour in zip(result["hours"].values, cycle(COLOURS), strict=False):
            for loop, style in zip(result["loop"].values, _LINES, strict=False):
                one = result.sel(drug=drug, hours=hours, loop=loop)
                dc50 = float(one["dc50"])
                said = _nanomolar_of(whole.sel(drug=drug, hours=hours, loop=loop), "dc50")
                found = f", DC50 {said}" if np.isfinite(dc50) else ""
                label = f"{hours:g} h, loop {'opened' if loop == 'open' else loop}{found}"
                bands.shade(panel, whole["MDM2"].sel(drug=drug, hours=hours, loop=loop), colour)
                panel.plot(result["dose"], one["MDM2"], style, color=colour, label=label)
                hook = float(one["hook"])
                if np.isfinite(hook) and not is_banded(whole):
                    low = float(one["MDM2"].sel(dose=hook))
                    panel.plot([hook], [low], "v", color=colour, ms=4.3, mfc="white")
        panel.axhline(100.0, color="#777777", lw=0.5)
        left = whole["MDM2"].sel(drug=drug)
        ends = min(0.7 * float(left.min()), 50.0), 6.0 * max(float(left.max()), 100.0)  # a legend
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]", yscale="log", ylim=ends)
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_title(str(drug), loc="left")
        panel.legend()
    panels[0].set_ylabel("total MDM2 [% of vehicle]")
    line = result.attrs["cell_line"]
    headline(
        figure,
        f"Degradation of MDM2 in the {line} line. Triangles: the hook begins.{_note(whole)}",
    )
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
        panel.legend(title="exposure")
    panels[0].set_ylabel("active caspase-3/7 in a live cell [% of all]")
    headline(
        figure,
        f"Caspase-3/7 in the {result.attrs['cell_line']} line.{_note(result)}"
        f"{' Bands are of the last time.' if is_banded(result) else ''}",
    )
    return figure


def _panels(count: int, *, share: bool = True) -> "tuple[Figure, list[Axes]]":
    from p53net.figures.inline import Figure

    figure = Figure(figsize=(min(WIDE, NARROW * max(count, 1)), 2.7), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False, sharey=share)[0])


def _note(result: xr.Dataset) -> str:
    return f"\n{bands.NOTE}" if is_banded(result) else ""


def _nanomolar_of(result: xr.Dataset, name: str) -> str:
    """A dose; a median with what holds 95 % of the draws, and in how many of them there is one."""
    if not is_banded(result):
        return _nanomolar(float(result[name]))
    share = float(result[f"{name}{DEFINED}"])
    if share < _FEW:
        return f"in {100 * share:.2g} % of draws only"
    middle, low, high = (float(result[name].sel(quantile=one)) for one in (0.5, *ENDS))
    by, unit = (1.0, "nM") if middle < 1000 else (1000.0, "µM")
    where = "" if share > _MOST else f", in {100 * share:.2g} % of draws"
    return f"{middle / by:.3g} {unit} ({low / by:.3g} to {high / by:.3g}{where})"


def _nanomolar(value: float) -> str:
    return f"{value:.3g} nM" if value < 1000 else f"{value / 1000:.3g} µM"
