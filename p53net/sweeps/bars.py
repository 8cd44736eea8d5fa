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


def refine(
    plan: Plan,
    points: Points,
    found: FloatArray,
    accuracy: float,
    rows: NDArray[np.intp],
    which: NDArray[np.intp],
) -> Bars:
    """Bars of some measures, by number, of some points that have run, of which `found` (point,
    measure) is known. Points with a bar too wide are run again, and what is found of them is
    replaced."""
    columns, start = [*plan.measured, *plan.curves], found.shape[1]
    exact = [i for i in which if _own_error(plan.measures[i])]  # their error is known beforehand
    curved = np.setdiff1d(which, exact)
    chosen, moving = [plan.measures[i] for i in curved], [*curved, *range(start, len(columns))]
    bars = np.full((len(found), len(columns)), np.nan)
    scales = np.ones_like(bars)
    for i in exact:
        bars[rows, i], scales[rows, i] = _own_error(plan.measures[i]), np.abs(found[rows, i])
    waiting = rows if moving else rows[:0]
    while len(waiting):
        place = np.ix_(waiting, curved)
        for i in curved:
            scales[waiting, i] = _scale(plan, points, i, waiting, found[waiting, i])
        near = _apart(points, waiting, chosen, found[place])
        bars[place] = _relative(bar_of(plan.definition) * near, scales[place], found[place])
        bars[waiting, start:] = points.curve_errors(waiting, plan.curves)
        wide = (bars[np.ix_(waiting, moving)] > accuracy).any(axis=1)
        waiting = points.tighten(waiting[wide])
        if len(waiting):
            found[np.ix_(waiting, curved)] = values_of(chosen, points.seen(waiting, _returned))
    bars[:, :start][~np.isfinite(found)] = np.nan  # no value, no bar
    said = {
        int(i): f"the error bar of {columns[k]} is {bars[i, k]:.1g}, not {accuracy:g}"
        for i, k in reversed(np.argwhere(bars > accuracy).tolist())
    }
    return Bars(bars * scales, said, points.reruns)


def _own_error(one: Measure) -> float:
    return 0.0 if one.own is not None else KINDS[one.kind].error


def _apart(
    points: Points, rows: NDArray[np.intp], measures: list[Measure], found: FloatArray
) -> FloatArray:
    """How far measures are from those of looser runs, or of curves that are as far apart as these
    runs are nearby."""
    with np.errstate(invalid="ignore"):  # a measure may be infinite
        apart = np.abs(values_of(measures, points.seen(rows, _looser)) - found)
    arrays = [k for k, one in enumerate(measures) if is_array_measure(one)]
    chosen = [measures[k] for k in arrays]
    for signs in _SIDES[: 1 + points.compares]:
        moved = values_of(chosen, points.seen(rows, partial(_moved, signs)))
        with np.errstate(invalid="ignore"):
            apart[:, arrays] = np.fmax(apart[:, arrays], np.abs(moved - found[:, arrays]))
    return apart


def _relative(apart: FloatArray, scales: FloatArray, found: FloatArray) -> FloatArray:
    """Bars in the scale of each measure; where looser runs give no value, as wide as can be."""
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(apart > 0.0, apart / scales, 0.0 * apart)
    return np.where(np.isnan(relative) & np.isfinite(found), np.inf, relative)


def _scale(
    plan: Plan, points: Points, measure: int, rows: NDArray[np.intp], values: FloatArray
) -> FloatArray:
    """What the accuracy of a measure is relative to."""
    one = plan.measures[measure]
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
