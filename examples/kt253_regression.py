"""How long one dose of KT-253 keeps RS4;11 tumours below their start, over what is not known of it.

`python examples/kt253_regression.py --size 15 --out docs` takes about ten seconds. KT-253's
pharmacokinetics are assumed, so half-life and exposure (area under the plasma curve) are varied
tenfold to both sides; the line of 14 days shows where lasting regression fails.
"""

import argparse
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

import p53net as pn
from p53net.figures.style import NARROW, SMALL, STYLE, headline, save
from p53net.studies.body.xenografts import days_below

WIDTH = 10.0  # to each side of the assumed value
LASTING = 14.0  # days
DAYS = 63.0
DOSE = pn.regimen(1.0, "mg/kg", "once")
VARIED = ("CL_degrader", "V_central_degrader", "Q_degrader", "V_peripheral_degrader")


def regression(size: int) -> xr.Dataset:
    """Days below the start, over multiples of half-life and of exposure."""
    model = pn.load("KT-253", system="tumour", host="mouse", cell_line="RS4;11")
    usual = {name: model.definition.parameters[name].value for name in VARIED}
    factors = np.geomspace(1 / WIDTH, WIDTH, size)
    exposure, half_life = (axis.ravel() for axis in np.meshgrid(factors, factors, indexing="ij"))
    table = pd.DataFrame(
        {
            "CL_degrader": usual["CL_degrader"] / exposure,
            "Q_degrader": usual["Q_degrader"] / exposure,
            "V_central_degrader": usual["V_central_degrader"] * half_life / exposure,
            "V_peripheral_degrader": usual["V_peripheral_degrader"] * half_life / exposure,
        }
    )
    times = np.linspace(0.0, DAYS * 24.0, int(DAYS * 24) + 1)
    lasting = pn.measures.own("days", partial(days_below), ["tumour_volume"], unit="d")
    found = pn.sweep(
        model, table, times=times, doses={"KT-253": DOSE}, measures=[lasting], engine="batch",
        workers=0,
    )  # fmt: skip
    terminal = pn.pk("KT-253", DOSE, host="mouse")["half_life"].item()
    return xr.Dataset(
        {"days": (("exposure", "half_life"), found["days"].values.reshape(size, size))},
        coords={"exposure": factors, "half_life": factors},
        attrs={"terminal_half_life": terminal, "status": str(set(found["status"].values))},
    )


def drawn(result: xr.Dataset) -> Figure:
    """A heat map with the line of `LASTING` days; grey where the run ended before growth."""
    figure = Figure(figsize=(NARROW, 3.2), layout="constrained")
    panel = figure.subplots()
    days = result["days"].transpose("exposure", "half_life")
    across = result["half_life"], result["exposure"]
    mesh = panel.pcolormesh(*across, days.where(days < DAYS - 1.5), cmap="viridis", vmin=0)
    panel.set_facecolor("#d9d9d9")
    panel.text(0.97, 0.95, f"still below\nwhen the run\nended ({DAYS:g} d)", ha="right", va="top",
               transform=panel.transAxes)  # fmt: skip
    levels = [7.0, LASTING, 21.0, 28.0]
    lines = panel.contour(
        *across, days, levels=levels, colors="white", linewidths=[0.6, 1.6, 0.6, 0.6]
    )
    places = [(3.0, 0.21), (3.0, 0.31), (3.0, 0.41), (3.0, 0.53)]  # where lines are level
    panel.clabel(lines, fmt="%g d", fontsize=SMALL, colors="white", manual=places)
    panel.plot(1.0, 1.0, "o", mfc="none", mec="white", ms=4.5)
    panel.annotate("assumed", (1.0, 1.0), (4, 7), textcoords="offset points", color="white",
                   ha="left", va="center")  # fmt: skip
    panel.grid(visible=False)
    panel.set(xscale="log", yscale="log")
    panel.set_xlabel(
        f"half-life, multiples of the assumed {result.attrs['terminal_half_life']:.1f} h [1]"
    )
    panel.set_ylabel("area under the curve, multiples of the assumed [1]")
    figure.colorbar(mesh, ax=panel, label="time below the start [d]")
    headline(
        figure, "How long RS4;11 tumours stay below their start after one dose of KT-253, 1 mg/kg"
    )
    return figure


def main() -> None:
    """Run the sweep, print where regression fails and save the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=15, help="values of each axis")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
    chosen = parser.parse_args()
    result = regression(chosen.size)
    with mpl.rc_context(STYLE):
        save(drawn(result), chosen.out / "kt253_regression.png")
    result["days"].to_series().reset_index().to_csv(
        chosen.out / "kt253_regression.csv", index=False
    )


if __name__ == "__main__":
    main()
