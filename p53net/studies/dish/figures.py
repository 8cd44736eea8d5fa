"""Figures of assays in a dish. Matplotlib is imported on use."""

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.figures.style import COLOURS
from p53net.measures.dose_response import logistic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*"
_LINES = ("-", "--", ":", "-.")
_FINE = 300  # points of a fitted curve


def viability_figure(result: xr.Dataset) -> "Figure":
    """One panel a drug: wells, the fitted curve and its IC50, a colour for each cell line."""
    figure, panels = _panels(len(result["drug"]))
    for panel, drug in zip(panels, result["drug"].values, strict=True):
        for line, colour, marker in zip(
            result["cell_line"].values, cycle(COLOURS), cycle(_MARKERS), strict=False
        ):
            one = result.sel(drug=drug, cell_line=line)
            ic50 = float(one["ic50"])
            label = f"{line}: IC50 {_nanomolar(ic50)}" if np.isfinite(ic50) else f"{line}: no IC50"
            wells = one["viability"].transpose("dose", "replicate").values
            doses = np.repeat(result["dose"].values, wells.shape[1])
            panel.plot(doses, wells.ravel(), marker, ms=3.5, color=colour, alpha=0.55)
            if np.isfinite(ic50):
                fine = np.geomspace(doses[0], doses[-1], _FINE)
                shape = (float(one[name]) for name in ("top", "bottom", "ic50", "hill"))
                panel.plot(fine, logistic(fine, *shape), color=colour, label=label)
                panel.axvline(ic50, color=colour, lw=0.7, ls=":")
            else:
                panel.plot([], [], marker, ms=3.5, color=colour, label=label)
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]", ylim=(-4, None))
        panel.set_title(str(drug), loc="left")
        panel.legend(fontsize=8)
    panels[0].set_ylabel("viability [% of vehicle]")
    hours, noise = result.attrs["hours"], result.attrs["noise"]
    wells_said = f", noise {noise:.0%} a well" if noise else ""
    figure.suptitle(f"Viability after {hours:g} h{wells_said}. Dotted: IC50.", fontsize=11)
    if boundary := result.attrs.get("boundary"):
        figure.supxlabel(boundary, fontsize=7)
    return figure


def degradation_figure(result: xr.Dataset) -> "Figure":
    """One panel a drug: MDM2 over dose, a colour for each time, the loop closed and opened."""
    figure, panels = _panels(len(result["drug"]), share=False)
    for panel, drug in zip(panels, result["drug"].values, strict=True):
        for hours, colour in zip(result["hours"].values, cycle(COLOURS), strict=False):
            for loop, style in zip(result["loop"].values, _LINES, strict=False):
                one = result.sel(drug=drug, hours=hours, loop=loop)
                dc50 = float(one["dc50"])
                found = f", DC50 {_nanomolar(dc50)}" if np.isfinite(dc50) else ""
                label = f"{hours:g} h, loop {'opened' if loop == 'open' else loop}{found}"
                panel.plot(result["dose"], one["MDM2"], style, color=colour, label=label)
                hook = float(one["hook"])
                if np.isfinite(hook):
                    low = float(one["MDM2"].sel(dose=hook))
                    panel.plot([hook], [low], "v", color=colour, ms=7, mfc="white")
        panel.axhline(100.0, color="#777777", lw=0.8)
        left = result["MDM2"].sel(drug=drug)
        ends = min(0.7 * float(left.min()), 50.0), 6.0 * max(float(left.max()), 100.0)  # a legend
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]", yscale="log", ylim=ends)
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_title(str(drug), loc="left")
        panel.legend(fontsize=8)
    panels[0].set_ylabel("total MDM2 [% of vehicle]")
    line = result.attrs["cell_line"]
    figure.suptitle(
        f"Degradation of MDM2 in the {line} line. Triangles: the hook begins.", fontsize=11
    )
    return figure


def caspase_figure(result: xr.Dataset) -> "Figure":
    """One panel a drug: caspase-3/7 of a live cell over dose, a colour for each time."""
    figure, panels = _panels(len(result["drug"]))
    for panel, drug in zip(panels, result["drug"].values, strict=True):
        for hours, colour, marker in zip(
            result["hours"].values, cycle(COLOURS), cycle(_MARKERS), strict=False
        ):
            curve = result["active"].sel(drug=drug, hours=hours)
            label = f"{hours:g} h"
            panel.plot(result["dose"], curve, marker + "-", ms=3.5, color=colour, label=label)
        panel.set(xscale="log", xlabel=f"{drug} in the medium [nM]", ylim=(0, None))
        panel.set_title(str(drug), loc="left")
        panel.legend(fontsize=8, title="exposure")
    panels[0].set_ylabel("active caspase-3/7 in a live cell [% of all]")
    figure.suptitle(f"Caspase-3/7 in the {result.attrs['cell_line']} line", fontsize=11)
    return figure


def _panels(count: int, *, share: bool = True) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * max(count, 1) + 0.6, 4.2), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False, sharey=share)[0])


def _nanomolar(value: float) -> str:
    return f"{value:.3g} nM" if value < 1000 else f"{value / 1000:.3g} µM"
