"""The figure of questions about trials: the Pareto front with its band, and the answers."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.figures.style import COLOURS, SMALL, WIDE, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*X"
_GREY = "#999999"
_ROOM = 1.4  # of the upper quartile of the front: how far up it is shown
_FRONT, _ROW = 2.6, 0.18  # inches: height of the front, and of each statement


def front_figure(result: xr.Dataset) -> "Figure":
    """Effect against toxicity of every regimen, the front of draws as a band, and how plausible
    each statement is."""
    from p53net.figures.inline import Figure

    lower = _ROW * result.sizes["question"] + 0.5
    figure = Figure(figsize=(WIDE, _FRONT + lower), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(_FRONT, lower))
    # Statements would narrow the front in axes that share a layout.
    upper, under = (figure.add_subfigure(grid[i]).subplots() for i in (0, 1))
    _draw_front(upper, result)
    _draw_questions(under, result)
    about = result.attrs
    upper.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    headline(
        figure,
        f"{about['drug']}, {about['tumour']} tumour, {about['days']:g} days: "
        f"{about['population']} virtual patients, the same in {about['draws']} draws of "
        f"{len(about['structures'].split(', '))} structures",
    )
    return figure


def _draw_front(panel: "Axes", result: xr.Dataset) -> None:
    at, front = result["at"].values, result["front"]
    highest = float(np.nanmax(front.values))
    # A tumour that is gone counts by how fast others grow: the widest band would set the axis.
    top = min(1.08 * highest, _ROOM * float(np.nanmax(front.sel(quantile=0.75))))
    cut = f", up to {highest:.0f} %" if top < highest else ""
    for low, high, alpha, label in ((0.025, 0.975, 0.15, f"95 % of draws{cut}"),
                                    (0.25, 0.75, 0.25, "50 %")):  # fmt: skip
        ends = front.sel(quantile=low), front.sel(quantile=high)
        panel.fill_between(at, *ends, color=COLOURS[0], alpha=alpha, lw=0, step="post",
                           label=f"front, {label}")  # fmt: skip
    middle, error = front.sel(quantile=0.5).values, result["front_error"].values
    panel.step(at, middle, where="post", color=COLOURS[0], lw=1.1, label="front, median")
    for sign in (-2.0, 2.0):
        panel.step(at, middle + sign * error, where="post", color=COLOURS[0], lw=0.5, ls="--",
                   label="± 2 Monte-Carlo errors" if sign > 0 else None)  # fmt: skip
    toxicity = result.attrs["toxicity"]
    rate = result["rate"].sel(toxicity=toxicity)
    panel.plot(rate.sel(quantile=0.5), result["tgi"].sel(quantile=0.5), ".", color=_GREY, ms=2.5,
               label="each regimen, median", zorder=2)  # fmt: skip
    asked = result["regimen"].values[result["asked"].values == 1]
    for i, name in enumerate(asked[: len(_MARKERS)]):
        x, y = rate.sel(regimen=name), result["tgi"].sel(regimen=name)
        middle_x, middle_y = float(x.sel(quantile=0.5)), float(y.sel(quantile=0.5))
        panel.errorbar(
            middle_x, middle_y, xerr=_arms(x, 0.25, 0.75), yerr=_arms(y, 0.25, 0.75),
            fmt=_MARKERS[i], color=COLOURS[(i + 1) % len(COLOURS)], ms=4.3, capsize=2, lw=0.6,
            label=f"{name} (bars: 50 %)", zorder=3,
        )  # fmt: skip
    panel.set(
        xlabel=f"{toxicity} of grade {result.attrs['grade']} or more [% of patients]",
        ylabel="tumour growth inhibition, median patient [%]",
        xlim=(0.0, 100.0),
    )
    panel.set_ylim(0.0, top)
    panel.set_title("(a) effect against toxicity")


def _arms(band: xr.DataArray, low: float, high: float) -> list[list[float]]:
    middle = float(band.sel(quantile=0.5))
    return [[middle - float(band.sel(quantile=low))], [float(band.sel(quantile=high)) - middle]]


def _draw_questions(panel: "Axes", result: xr.Dataset) -> None:
    places = np.arange(result.sizes["question"])[::-1]
    share, error = result["probability"].values, result["probability_error"].values
    panel.barh(places, 100.0 * share, xerr=200.0 * error, color=COLOURS[0], alpha=0.6, height=0.6,
               error_kw={"lw": 1, "capsize": 2})  # fmt: skip
    said = [
        f"{text} ({holds} of {of})"
        for text, holds, of in zip(
            result["question"].values, result["holds_in"].values, result["of"].values, strict=True
        )
    ]
    panel.set_yticks(places, said, fontsize=SMALL)
    panel.axvline(50.0, color=_GREY, lw=0.5, ls=":")
    panel.set(xlabel="share of draws [%] (bars: ± 2 Monte-Carlo errors)", xlim=(0.0, 100.0))
    panel.grid(visible=False, axis="y")
    panel.set_title(
        "(b) how plausible each statement is (and in how many structures it holds)", loc="right"
    )
