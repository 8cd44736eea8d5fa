"""The figure of a fit: data over curves with their bands, and residuals below."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.figures.names import of_parameter
from p53net.figures.style import COLOURS, NARROW, SMALL, WIDE, headline
from p53net.fitting.points import Point, dose_like

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from p53net.fitting.result import Fit
    from p53net.fitting.target import Target

_FINE = 80  # points of a curve
_DRAWS = 200  # of a band
_FEW = 3  # doses from which they are the axis
_MARKERS = "osD^vP*"
_MOST_PANELS = 12


@dataclass
class _Series:
    """Data of one colour."""

    label: str
    rows: list[int]
    by_dose: bool


def fit_figure(fit: "Fit") -> "Figure":
    """A panel for each assay of a drug in a place. Raises InputError for a PEtab problem."""
    from p53net.figures.inline import Figure

    if fit.target is None or fit.best is None:
        raise InputError("only fits of a table have a figure; of a PEtab problem see `predicted`")
    target = fit.target
    panels = _panels(target.points)
    if len(panels) > _MOST_PANELS:
        raise InputError(
            f"the data have {len(panels)} assays in different places, more than a figure holds; "
            "take the numbers of `predicted`"
        )
    figure = Figure(figsize=(min(WIDE, max(2.4 * len(panels), NARROW)), 3.1), layout="constrained")
    axes = figure.subplots(2, len(panels), squeeze=False, height_ratios=(3, 1), sharex="col")
    draws = None
    if fit.sampled is not None:
        z = fit.sampled.z.reshape(-1, len(target.unknowns))
        draws = target.unknowns.drawn(z[np.linspace(0, len(z) - 1, _DRAWS).astype(int)])
    residuals = fit.predicted["residual"].to_numpy()
    for (title, several), above, below in zip(panels.items(), axes[0], axes[1], strict=True):
        for one, colour, marker in zip(several, cycle(COLOURS), cycle(_MARKERS), strict=False):
            _draw(target, fit.best, draws, one, (above, below), colour, marker, residuals)
        first = target.points[several[0].rows[0]]
        above.set_title(title, loc="left")
        above.set_ylabel(f"{first.assay} [{first.unit}]")
        wide = target.noise[first.assay].kind != "normal" and _spans(target, several)
        above.set(yscale="log") if wide else above.set_ylim(bottom=min(0.0, above.get_ylim()[0]))
        if several[0].by_dose:
            below.set(xscale="log", xlabel=f"{' + '.join(first.setting.drugs)} [nM]")
        else:
            below.set_xlabel("time [h]")
        for level in (-1.959964, 1.959964):
            below.axhline(level, color="#999999", lw=0.5, ls=":")
        below.axhline(0.0, color="#999999", lw=0.5)
        reach = max(3.0, float(np.nanmax(np.abs(residuals[[r for s in several for r in s.rows]]))))
        below.set_ylim(-1.15 * reach, 1.15 * reach)
        if len(several) > 1 or several[0].label:
            above.legend(fontsize=SMALL)
    axes[1][0].set_ylabel("residual")
    headline(figure, _headline(fit))
    return figure


def _headline(fit: "Fit") -> str:
    lost = [of_parameter(str(name)) for name in fit.parameters.index[~fit.parameters["identified"]]]
    band = "; bands: 95 % of the draws" if fit.sampled is not None else ""
    open_ = f"; not identified: {', '.join(lost)}" if lost else ""
    return f"{len(fit.predicted)} rows, {len(fit.parameters)} parameters{band}{open_}"


def _panels(points: Sequence[Point]) -> dict[str, list[_Series]]:
    """Data by assay and place, and in these by what else they differ in."""
    panels: dict[str, list[int]] = {}
    for i, point in enumerate(points):
        if point.blank:
            continue
        place = point.setting.line or point.setting.host
        drugs = " + ".join(point.setting.drugs)
        panels.setdefault(f"{point.assay}: {drugs}, {place}", []).append(i)
    found = {}
    for title, rows in panels.items():
        own = [points[i] for i in rows]
        doses = {(point.time, point.exposure): set[float]() for point in own}
        for point in own:
            if point.dose > 0:
                doses[point.time, point.exposure].add(point.dose)
        by_dose = max(map(len, doses.values())) >= _FEW
        series: dict[str, list[int]] = {}
        for i in rows:
            point = points[i]
            if by_dose and point.dose == 0:
                continue
            label = f"{point.time:g} h" if by_dose else point.setting.label
            if by_dose and np.isfinite(point.exposure):
                label += f", {point.exposure:g} h of drug"
            label += f", {point.plate}" if point.plate else ""
            series.setdefault(label, []).append(i)
        found[title] = [_Series(label, some, by_dose) for label, some in series.items()]
    return {title: several for title, several in found.items() if several}


def _draw(
    target: "Target", best: FloatArray, draws: FloatArray | None, series: _Series,
    panels: "tuple[Axes, Axes]", colour: str, marker: str, residuals: FloatArray,
) -> None:  # fmt: skip
    above, below = panels
    own = [target.points[i] for i in series.rows]
    x = np.array([point.dose if series.by_dose else point.time for point in own])
    fine, points = _fine(own, x, series.by_dose)
    first = series.rows[0]
    if draws is not None:
        low, high = np.nanquantile(target.like(points, first, draws), (0.025, 0.975), axis=0)
        above.fill_between(fine, low, high, color=colour, alpha=0.16, lw=0)
    above.plot(fine, target.like(points, first, best[None])[0], color=colour)
    values = np.array([point.value for point in own])
    under = np.array([point.below for point in own])
    above.plot(x[~under], values[~under], marker, ms=2.2, color=colour, alpha=0.7,
               label=series.label)  # fmt: skip
    if under.any():  # the limit, with an arrow that points to where they are
        above.plot(x[under], values[under], marker=11, ls="", ms=3.1, color=colour, alpha=0.7)
    below.plot(x, residuals[series.rows], marker, ms=1.9, color=colour, alpha=0.7)


def _fine(own: Sequence[Point], x: FloatArray, by_dose: bool) -> tuple[FloatArray, list[Point]]:
    """Where the curve is drawn, and points there."""
    like = own[0]
    if by_dose:
        fine = np.geomspace(x.min(), x.max(), _FINE)
        return fine, [replace(like, setting=dose_like(like.setting, float(dose)), dose=float(dose))
                      for dose in fine]  # fmt: skip
    fine = np.linspace(0.0, x.max(), _FINE) if x.max() > 0 else np.array([0.0, 1e-3])
    return fine, [replace(like, time=float(time)) for time in fine]


def _spans(target: "Target", several: Sequence[_Series]) -> bool:
    """Whether values span decades, so that they are drawn as logarithms."""
    values = np.array([target.points[i].value for one in several for i in one.rows])
    return bool(values.min() > 0 and values.max() / values.min() > 30.0)
