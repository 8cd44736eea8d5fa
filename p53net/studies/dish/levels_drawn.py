"""Figures of assays beside several levels of another drug. Matplotlib is imported on use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.figures import bands
from p53net.figures.style import NARROW, WIDE, headline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*X"
_MOST_NAMED = 8  # levels with a place in the legend of their own


def levels_figure(result: xr.Dataset, name: str) -> "Figure":
    """One panel a drug, line and time: a quantity over dose, darker with more of the other drug.
    Dotted: the other drug alone."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from p53net.figures.inline import Figure

    panels = list(_panels(result, name))
    figure = Figure(figsize=(min(WIDE, NARROW * len(panels)), 2.8), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    levels = result["beside"].values
    shades = colormaps["viridis_r"](np.linspace(0.1, 0.95, len(levels)))
    other = result.attrs["beside"]
    for axis, (title, where) in zip(axes, panels, strict=True):
        for i, (level, shade) in enumerate(zip(levels, shades, strict=True)):
            colour = to_hex(shade)
            whole = result[name].sel({**where, "beside": level})
            if "replicate" in whole.dims:
                whole = whole.mean("replicate")
            bands.shade(axis, whole, colour)
            said = level if isinstance(level, str) else f"{level:g} nM"
            named = len(levels) <= _MOST_NAMED or i in (0, len(levels) - 1)
            axis.plot(result["dose"], bands.middle(whole), color=colour, ms=2.5,
                      marker=_MARKERS[i % len(_MARKERS)],
                      label=said if named else None)  # fmt: skip
            spare = {key: value for key, value in where.items()
                     if key in result["beside_alone"].dims}  # fmt: skip
            alone = bands.middle(result["beside_alone"].sel({**spare, "beside": level}))
            axis.axhline(float(alone), color=colour, lw=0.5, ls=":")
        axis.set(xscale="log", xlabel=f"{where['drug']} in the medium [nM]")
        axis.set_title(title, loc="left")
    about = result[name].attrs
    axes[0].set_ylabel(f"{about['long_name']} [{about['units']}]")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4),
                  title=f"{other} beside it")  # fmt: skip
    note = bands.note(result)
    start = result.attrs.get("start")
    begun = f", the drug from {start:g} h on" if start else ""
    headline(figure, f"Beside {other}{begun}. Dotted: {other} alone.{note}")
    return figure


def _panels(result: xr.Dataset, name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """What stands above each panel, and where its curves are: the last time, the loop closed."""
    fixed: dict[str, object] = {}
    said = []
    dims = result[name].dims
    if "loop" in dims:
        fixed["loop"] = "closed"
    if "hours" in dims:
        fixed["hours"] = float(result["hours"].values[-1])
    said.append(f"{fixed.get('hours', result.attrs.get('hours')):g} h")
    for drug in result["drug"].values:
        for line in result["cell_line"].values if "cell_line" in dims else [None]:
            where = {**fixed, "drug": drug, **({} if line is None else {"cell_line": line})}
            words = [str(drug), line or result.attrs.get("cell_line", ""), *said]
            yield ", ".join(filter(None, words)), where
