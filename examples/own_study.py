"""A study of one's own: how high p53 rises under a ladder of doses. It is a command too:

p53net run examples/own_study.py ladder KT-253 --hours 24
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import p53net as pn
from p53net.figures.style import NARROW, headline


def draw(result: xr.Dataset) -> Figure:
    """The highest p53 over the dose."""
    figure = Figure(figsize=(NARROW, 2.4), layout="constrained")
    panel = figure.subplots()
    panel.plot(result["dose"], result["highest"], "o-")
    panel.set(xscale="log", xlabel="drug in the medium [nM]", ylabel="highest active p53 [nM]")
    headline(figure, "How high p53 rises with the dose")
    return figure


@pn.study(figure=draw)
def ladder(drug: str, cell_line: str = "generic", hours: float = 24.0) -> xr.Dataset:
    """Highest active p53 within some hours of constant doses, three in each decade."""
    model, doses = pn.load(drug, cell_line=cell_line), np.geomspace(0.1, 1e4, 16)
    times, highest = np.linspace(0.0, hours, 97), pn.measures.peak("p53_active")
    found = pn.sweep(model, {drug: doses}, measures=[highest], times=times)
    about = {"units": "nM", "long_name": "highest active p53"}
    return xr.Dataset(
        {"highest": ("dose", found["peak_p53_active"].values, about)},
        coords={"dose": ("dose", doses, {"units": "nM", "long_name": f"{drug} in the medium"})},
    )
