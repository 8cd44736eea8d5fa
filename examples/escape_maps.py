"""Maps of feedback escape: dose against loss of p53, and against residual activity, for two drugs.

`python examples/escape_maps.py --size 31 --out docs` takes about a minute on two cores. Above: the
share of the response that the feedback costs, over dose and over the loss of p53 without MDM2, the
most influential unknown. Below: active p53, over dose and over what drug-bound MDM2 still does to
p53.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import p53net as pn
from p53net.figures.style import STYLE, WIDE, headline, save

HOURS = 24.0
DOSES = {"milademetan": (10.0, 1e4), "KT-253": (0.1, 100.0)}  # nM
LOSSES = (0.05, 1.0)  # 1/h
RESIDUAL = 0.1  # of the activity of free MDM2


def maps(drug: str, size: int) -> tuple[xr.Dataset, xr.Dataset]:
    """The two sweeps of one drug."""
    model, dose = pn.load(drug), np.geomspace(*DOSES[drug], size)
    times = np.linspace(0.0, HOURS, 97)
    losses = {drug: dose, "k_deg_p53": np.geomspace(*LOSSES, size)}
    residuals = {drug: dose, "residual": np.linspace(0.0, RESIDUAL, size)}
    return (
        pn.sweep(model, losses, times=times, measures=["escape_index"]),
        pn.sweep(model, residuals, times=times, measures=["fold:p53_active"]),
    )


def drawn(found: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> Figure:
    """One column for each drug, one colour scale for each row."""
    figure = Figure(figsize=(WIDE, 4.8), layout="constrained")
    panels = figure.subplots(2, len(found))
    active = f"active p53 at {HOURS:g} h,\ntimes untreated [1]"
    rows = (
        ("escape_index", "log", "loss of p53 without MDM2 [1/h]", "escape index [1]"),
        ("p53_active_fold", "linear", "activity of drug-bound MDM2,\nof free MDM2 [1]", active),
    )
    for row, (name, scale, across, label) in enumerate(rows):
        values = [pair[row][name] for pair in found.values()]
        low = min(float(value.min()) for value in values)
        high = max(float(value.max()) for value in values)
        for panel, drug, value in zip(panels[row], found, values, strict=True):
            other = next(str(axis) for axis in value.dims if axis != drug)
            mesh = panel.pcolormesh(
                value[drug], value[other], value.transpose(other, drug), cmap="viridis", vmin=low,
                vmax=high,
            )  # fmt: skip
            panel.set(xscale="log", yscale=scale, xlabel=f"{drug} in the medium [nM]")
            panel.grid(visible=False)
            panel.set_title(f"({'abcd'[2 * row + list(found).index(drug)]}) {drug}")
        panels[row][0].set_ylabel(across)
        figure.colorbar(mesh, ax=panels[row], label=label)
    headline(
        figure,
        "What the feedback costs depends on the loss of p53 without MDM2 (above); residual "
        "activity of drug-bound MDM2 lowers the response (below). "
        f"Constant exposure for {HOURS:g} h, generic cell.",
    )
    return figure


def main() -> None:
    """Run the four sweeps and save the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=31, help="values of each axis")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
    chosen = parser.parse_args()
    found = {drug: maps(drug, chosen.size) for drug in DOSES}
    with mpl.rc_context(STYLE):
        save(drawn(found), chosen.out / "escape_maps.png")


if __name__ == "__main__":
    main()
