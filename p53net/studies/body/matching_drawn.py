"""The figure of doses that are equal. Matplotlib is imported on use."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.ensembles.banded import ENDS, median
from p53net.figures import bands
from p53net.figures.style import COLOURS, NARROW, WIDE, headline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_IN_A_ROW = 3


def match_figure(result: xr.Dataset) -> "Figure":
    """Each measure over the dose of one drug, the value under the other's regimen, and where they
    meet."""
    from p53net.figures.inline import Figure

    count = result.sizes["measure"]
    columns = min(count, _IN_A_ROW)
    rows = -(-count // columns)
    figure = Figure(figsize=(min(WIDE, NARROW * columns), 2.3 * rows + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, columns, squeeze=False).ravel())
    middle = median(result)
    unit, about = result["candidate"].attrs["units"], result.attrs
    name = "dose" if "dose" in result else "interval"
    mine = f"{about['drug']}, {about['schedule']}" if name == "dose" else about["drug"]
    theirs = f"{about['other']}, {about['target']}"
    for i, panel in enumerate(panels):
        if i >= count:
            panel.set_axis_off()
            continue
        one, typical = result.isel(measure=i), middle.isel(measure=i)
        bands.shade(panel, one["response"], COLOURS[0])
        panel.plot(result["candidate"], typical["response"], color=COLOURS[0], label=mine)
        panel.axhline(float(typical["target"]), color=COLOURS[1], ls="--", label=theirs)
        dose = float(typical[name])
        if np.isfinite(dose):
            said = f"equal at {dose:.3g} {unit} of {about['drug']}"
            if name == "interval":
                said = f"equal with {about['drug']} every {dose:.3g} {unit}"
            if "quantile" in one[name].dims:
                low, high = (float(one[name].sel(quantile=end)) for end in ENDS)
                panel.axvspan(low, high, color=COLOURS[0], alpha=0.12, lw=0)
                said += f" ({low:.3g} to {high:.3g})"
            panel.axvline(dose, color=COLOURS[0], lw=0.5, ls=":")
            panel.set_title(said)
        else:
            panel.set_title("not reached in this range")
        measured = str(one["meaning"].values)
        scale = "log" if name == "dose" else "linear"
        panel.set(xscale=scale, xlabel=f"{result['candidate'].attrs['long_name']} [{unit}]")
        panel.set_ylabel(f"{measured} [{one['unit'].values}]")
    panels[0].legend()
    headline(figure, f"What of {mine} equals {theirs}")
    return figure
