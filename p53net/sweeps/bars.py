"""Error bars of measures: what they are of runs at two tolerances, and tighter runs for the points
whose bars are too wide.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.measures.definition import Measure
from p53net.measures.kinds import KINDS
from p53net.measures.parsing import is_array_measure, observables_of
from p53net.simulation.accuracy import FLOOR, Pair, bar_of
from p53net.sweeps.plan import Plan
from p53net.sweeps.points import Points, values_of

_SIDES = ((1.0, 1.0), (-1.0, 1.0))
"""Signs of the moves of curves with the loop closed and opened."""


class Bars(NamedTuple):
    """Of all points."""

    errors: FloatArray
    """Point; measures in their units, then curves, the largest along each relative to the value.
    NaN where there is none."""
    wide: dict[int, str]
    """Points that could not be run more tightly though a bar was too wide, and which bar."""
    reruns: NDArray[np.intp]
    """How often each point was run again."""


def refine(plan: Plan, points: Points, found: FloatArray, accuracy: float) -> Bars:
    """Bars of the measures `found` (point, measure) of points that have run. Points with a bar too
    wide are run again, and what is found of them is replaced."""
    columns = [*plan.columns, *plan.curves]
    curved = np.array([i for i, one in enumerate(plan.measures) if not _own_error(one)], dtype=int)
    # Of what is no measure of curves, the error is known beforehand.
    bars = np.full((len(found), len(columns)), np.nan)
    scales = np.ones_like(bars)
    for i, one in enumerate(plan.measures):
        if error := _own_error(one):
            bars[:, i], scales[:, i] = error, np.abs(found[:, i])
    rows, moving = points.sound, np.append(curved, np.arange(found.shape[1], len(columns)))
    while len(rows) and len(moving):
        for i in curved:
            one = plan.measures[i]
            scales[rows, i] = _scale(one, points, rows, found[rows, i], plan)
        chosen = [plan.measures[i] for i in curved]
        bars[np.ix_(rows, curved)] = _relative(
            points, rows, chosen, found[np.ix_(rows, curved)], scales[np.ix_(rows, curved)],
            bar_of(plan.definition),
        )  # fmt: skip
        bars[rows, found.shape[1] :] = points.curve_errors(rows, plan.curves)
        rows = points.tighten(rows[(bars[np.ix_(rows, moving)] > accuracy).any(axis=1)])
        if len(rows):
            found[np.ix_(rows, curved)] = values_of(chosen, points.seen(rows, _returned))
    bars[:, : found.shape[1]][~np.isfinite(found)] = np.nan  # no value, no bar
    wide = {
        int(i): f"the error bar of {columns[k]} is {bars[i, k]:.1g}, not {accuracy:g}"
        for i, k in reversed(np.argwhere(bars > accuracy).tolist())
    }
    return Bars(bars * scales, wide, points.reruns)


def _own_error(one: Measure) -> float:
    return 0.0 if one.own is not None else KINDS[one.kind].error


def _relative(
    points: Points,
    rows: NDArray[np.intp],
    measures: list[Measure],
    found: FloatArray,
    scales: FloatArray,
    bar: float,
) -> FloatArray:
    """Bars of measures of curves, in the scale of each."""
    apart = np.abs(values_of(measures, points.seen(rows, _looser)) - found)
    arrays = [k for k, one in enumerate(measures) if is_array_measure(one)]
    chosen = [measures[k] for k in arrays]
    for signs in _SIDES[: 1 + points.compares]:
        moved = values_of(chosen, points.seen(rows, partial(_moved, signs)))
        apart[:, arrays] = np.fmax(apart[:, arrays], np.abs(moved - found[:, arrays]))
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(apart > 0.0, bar * apart / scales, 0.0 * apart)
    # No value by looser runs: as wide as can be.
    return np.where(np.isnan(relative) & np.isfinite(found), np.inf, relative)


def _scale(
    one: Measure, points: Points, rows: NDArray[np.intp], values: FloatArray, plan: Plan
) -> FloatArray:
    """What the accuracy of a measure is relative to."""
    scale = "value" if one.own is not None else KINDS[one.kind].scale
    if scale == "one":
        return np.ones(len(values))
    if scale == "peak":
        (name,) = observables_of(one, plan.definition)
        peak = np.abs(points.seen(rows, _returned).curve(name)).max(axis=-1)
        return np.asarray(np.fmax(np.abs(values), FLOOR * peak))
    return np.abs(values)


def _returned(pair: Pair, _closed: bool) -> FloatArray:
    return pair.curves.values


def _looser(pair: Pair, _closed: bool) -> FloatArray:
    return pair.looser


def _moved(signs: tuple[float, float], pair: Pair, closed: bool) -> FloatArray:
    """Curves moved by what they are apart nearby: where two curves cross, their difference says
    nothing of their errors."""
    apart = np.abs(pair.curves.values - pair.looser)
    for step in (1, 2):  # the largest within three rows
        near = apart.copy()
        np.fmax(near[..., step:], apart[..., :-step], out=near[..., step:])
        np.fmax(near[..., :-step], apart[..., step:], out=near[..., :-step])
        apart = near
    return pair.curves.values + signs[0 if closed else 1] * apart
