"""Slopes of measures and curves at points, with respect to parameters and doses.

A measure is taken of the curves of a point, and of those curves moved a bit along their slopes, up
and down. So its slope is as exact as those of the curves, and where the two sides differ, as where
another peak becomes the highest, that is seen. One that looks for a dose is taken of points with
the parameter itself moved.
"""

from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import MeasureError, P53NetError, SimulationError
from p53net.measures.definition import Measure
from p53net.measures.kinds import SEARCHING
from p53net.measures.parsing import observables_of, value_of
from p53net.simulation.gradients import Slopes, slopes
from p53net.simulation.model import Model
from p53net.sweeps.plan import Plan
from p53net.sweeps.points import Points, one_at_a_time, values_of

STATUSES = {
    "ok": "the slope",
    "one-sided": "a kink: the slope towards more of the parameter, or the only one that there is",
    "flat": "0: the measure does not move here, though the curves that it is taken of do",
    "measure undefined": "no slope: the measure has no value here, or on neither side",
    "failed": "no slope: a run failed",
}
"""Of a slope."""

_SHARE = 1e-5  # of a parameter: how far curves are moved along their slopes
_KINK = 0.01  # of the larger slope: sides that differ by more are two
_NOISE = 2e-4  # of a measure: sides that differ by less are curved at most
_SEARCH_SHARE, _SEARCH_NOISE = 1e-3, 5e-3  # the same where it looks for a dose

Texts: TypeAlias = NDArray[np.object_]


class PointSlopes(NamedTuple):
    """Slopes at points, per unit of a parameter or of the highest dose of a drug."""

    values: FloatArray
    """Point, measure."""
    slopes: FloatArray
    """Point, measure, parameter."""
    statuses: Texts
    """The same."""
    reasons: Texts
    """Why not ok."""
    curves: FloatArray
    """Point, curve, time."""
    curve_slopes: FloatArray
    """Point, curve, parameter, time."""


class _Around(Points):
    """Points, each followed by itself with each parameter more, and then with each less."""

    def __init__(self, plan: Plan, model: Model, values: FloatArray, engine: str) -> None:
        super().__init__(plan, model, values, engine)
        self._own_grid = self._grid
        self._found = dict[bool, Slopes]()
        self.each = 1 + 2 * len(plan.moved)
        self._washouts = np.repeat(self._washouts, self.each)
        if self._grid.ndim > 1:
            self._grid = np.repeat(self._grid, self.each, axis=0)

    def slopes(self, feedback: bool) -> Slopes:
        """Of the points themselves."""
        if feedback not in self._found:
            self._found[feedback] = slopes(
                self._runner, self._own_grid, self._courses, self._parameters, self._plan.needed,
                self._plan.moved, feedback=feedback,
            )  # fmt: skip
        return self._found[feedback]

    def at_times(self, values: FloatArray) -> FloatArray:
        """Of what the points themselves have along their grid: point, any, time."""
        if self._own_grid.ndim == 1:
            return values
        places = np.array([np.searchsorted(row, self.times) for row in self._own_grid])
        return np.take_along_axis(
            values, places.reshape(len(places), *[1] * (values.ndim - 2), -1), -1
        )

    def _runs(self, feedback: bool) -> FloatArray:
        if feedback not in self._values:
            found = self.slopes(feedback)
            way, own = _SHARE * found.slopes, found.values[:, None]
            values = np.concatenate([own, own + way, own - way], axis=1)
            self._values[feedback] = values.reshape(-1, *values.shape[2:])
            for i, error in found.errors.items():
                self.errors |= dict.fromkeys(range(i * self.each, (i + 1) * self.each), error)
        return self._values[feedback]


def slopes_at(plan: Plan, model: Model, values: FloatArray, engine: str) -> PointSlopes:
    """Slopes at points with these values of the axes. What a point gives depends on it alone."""
    points = _Around(plan, model, values, engine)
    points.run()
    looking = [one.own is None and one.kind in SEARCHING for one in plan.measures]
    taken = [
        _searched(one, plan, model, values, engine) if looks else _taken(one, points)
        for one, looks in zip(plan.measures, looking, strict=True)
    ]
    around = np.array([one for one, _ in taken]).reshape(len(taken), len(values), points.each)
    why = np.array([said for _, said in taken], dtype=object).reshape(around.shape)
    found = points.slopes(plan.feedback)
    noise = np.where(looking, _SEARCH_NOISE, _NOISE)[:, None, None]
    slope, statuses, reasons = _sides(around, why, noise)
    for number, one in enumerate(plan.measures):
        read = [plan.needed.index(name) for name in observables_of(one, plan.definition)]
        moving = (found.slopes[:, :, read] != 0.0).any(axis=(2, 3))
        statuses[number][moving & (slope[number] == 0.0) & (statuses[number] == "ok")] = "flat"
    reasons[:, np.isnan(found.sizes)] = "the dose is 0, so nothing of it can be more or less"
    for i, error in points.errors.items():
        statuses[:, i // points.each], reasons[:, i // points.each] = "failed", str(error)
    places = [plan.needed.index(name) for name in plan.curves]
    units = [plan.doses[n].per_unit if n in plan.doses else 1.0 for n in plan.moved]
    sizes = found.sizes / units
    curve_slopes = points.at_times(found.slopes[:, :, places]).swapaxes(1, 2)
    result = PointSlopes(
        around[:, :, 0].T,
        slope.swapaxes(0, 1) / sizes[:, None],
        statuses.swapaxes(0, 1),
        reasons.swapaxes(0, 1),
        points.at_times(found.values[:, places]),
        curve_slopes / sizes[:, None, :, None],
    )
    return _completed(result, points, plan, model, values, engine)


def _completed(
    result: PointSlopes, points: _Around, plan: Plan, model: Model, values: FloatArray, engine: str
) -> PointSlopes:
    """The same, with what the engine gave up done by its helper."""
    helper = model.runner(engine).helper
    gone = {i // points.each: e for i, e in points.errors.items() if isinstance(e, SimulationError)}
    if helper is None or not gone:
        return result
    lost = np.array(sorted(gone))
    with one_at_a_time:
        again = slopes_at(plan, model, values[lost], helper.name)
    for whole, part in zip(result, again, strict=True):
        whole[lost] = part
    for i, error in gone.items():
        said = f"by {helper.name}, for {engine} gave up: {error}"
        result.reasons[i] = [[f"{said}; {why}".removesuffix("; ") for why in row]
                             for row in result.reasons[i]]  # fmt: skip
    return result


def _taken(one: Measure, points: Points) -> tuple[FloatArray, list[str]]:
    """A measure of points, and why it has no value."""
    found, why = values_of([one], points)[:, 0], [""] * len(points)
    for i in map(int, np.flatnonzero(~np.isfinite(found))):
        try:
            with one_at_a_time:  # a user's function, which threads may not share
                found[i] = value_of(one, points.point(i))
        except MeasureError as error:
            found[i], why[i] = np.nan, str(error)
        except P53NetError as error:
            found[i], points.errors[i] = np.nan, error
        except Exception as error:  # whatever a user's function raises
            found[i], why[i] = np.nan, f"{type(error).__name__}: {error}"
    return found, why


def _searched(
    one: Measure, plan: Plan, model: Model, values: FloatArray, engine: str
) -> tuple[FloatArray, list[str]]:
    """The same of a measure that looks for a dose, of points with a parameter moved. The doses that
    are given do not matter to it."""
    known = {n: row.value for n, row in plan.definition.parameters.items()} | dict(plan.parameters)
    moved = plan.moved
    others = [name for name in moved if name not in plan.axes and name not in plan.drugs]
    axes = (*plan.axes, *others)
    held = {name: value for name, value in plan.parameters.items() if name not in axes}
    own = np.hstack([values, np.tile([known[name] for name in others], (len(values), 1))])
    table = np.repeat(own[:, None], 1 + 2 * len(plan.moved), axis=1)
    for i, name in enumerate(moved, start=1):
        if name not in plan.drugs:
            table[:, i, axes.index(name)] *= 1.0 + _SEARCH_SHARE
            table[:, i + len(moved), axes.index(name)] *= 1.0 - _SEARCH_SHARE
    wide = replace(plan, axes=axes, parameters=held)
    points = Points(wide, model, table.reshape(-1, len(axes)), engine)
    found, why = _taken(one, points)
    why = [said or str(points.errors.get(i, "")) for i, said in enumerate(why)]
    around = found.reshape(table.shape[:2])
    around = around[:, :1] + (around - around[:, :1]) * (_SHARE / _SEARCH_SHARE)
    return around.ravel(), why


def _sides(around: FloatArray, why: Texts, noise: FloatArray) -> tuple[FloatArray, Texts, Texts]:
    """Slopes, per share of a parameter, of measures of points (measure, point, own + up + down),
    with a status and a reason for each: measure, point, parameter."""
    count = (around.shape[-1] - 1) // 2
    own, no_value = around[:, :, :1], why[:, :, :1]
    up = (around[:, :, 1 : 1 + count] - own) / _SHARE
    down = (own - around[:, :, 1 + count :]) / _SHARE
    apart = np.abs(up - down)
    kink = apart > np.maximum(_KINK * np.maximum(np.abs(up), np.abs(down)), noise * np.abs(own))
    slope = np.where(kink, up, (up + down) / 2.0)
    slope = np.where(np.isnan(up), down, np.where(np.isnan(down), up, slope))
    statuses = np.full(slope.shape, "ok", dtype=object)
    statuses[kink | (np.isnan(up) ^ np.isnan(down))] = "one-sided"
    statuses[np.isnan(slope)] = "measure undefined"
    reasons: Texts = np.where(no_value != "", no_value, why[:, :, 1 : 1 + count])
    reasons[~np.isnan(slope)] = ""
    reasons[statuses == "one-sided"] = STATUSES["one-sided"]
    return slope, statuses, reasons
