"""Slopes of curves: how much each quantity changes with parameters and doses, at each time.

On an engine that locks runs to the same steps a run and those with a parameter moved follow one
numerical map, whose differences carry no noise: one-sided ones of a tiny change are as exact as the
run itself. Other engines take central differences of runs apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import NamedTuple, TypedDict, cast

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray, Locking
from p53net.errors import P53NetError, SimulationError
from p53net.simulation.inputs import Doses
from p53net.simulation.runs import Curves, Runner

_LOCKED_CHANGE = 5e-7
"""By which share a parameter is moved in runs that take the same steps: less would show rounding,
more the curvature."""

_FREE_CHANGE = 1e-3
"""The same, up and down, of runs apart."""


_OF_MEASURES = "p53net.sweeps.gradients"


class Options(TypedDict, total=False):
    """How `Model.gradient` runs a model."""

    times: ArrayLike
    """Hours, by default 145 from 0 to 72."""
    doses: Mapping[str, Doses] | None
    at: Mapping[str, float] | None
    observables: Sequence[str] | None
    feedback: bool
    scaled: bool
    engine: str


def of_measures() -> Callable[..., xr.Dataset]:
    """What gives a model's slopes of measures. They are above this room, which knows them by name
    only, as it does engines."""
    return cast(Callable[..., xr.Dataset], import_module(_OF_MEASURES).gradient)


class Slopes(NamedTuple):
    """Curves of runs, and how they change."""

    values: FloatArray
    """Run, output, time; NaN for what failed."""
    slopes: FloatArray
    """Run, parameter, output, time: d value / d parameter, in units of `sizes`."""
    sizes: FloatArray
    """Run, parameter: its value, or, where that is 0, what it usually is, or 1. Of a drug its
    highest dose, in a dish [nM], in a body [nmol]; NaN, as the slope, where that is 0."""
    errors: dict[int, P53NetError]
    """Why a run, or one beside it, failed."""


def slopes(
    runner: Runner,
    times: FloatArray,
    courses: Courses,
    parameters: Mapping[str, FloatArray],
    outputs: Sequence[str],
    moved: Sequence[str],
    *,
    feedback: bool = True,
) -> Slopes:
    """Curves of many runs, and their slopes with respect to parameters and doses of drugs.

    Arguments are as those of `Runner.run`. What a run gives depends on its own row alone.
    """
    runs, known = len(courses.at), runner.definition.parameters
    usual = {
        name: np.broadcast_to(parameters.get(name, known[name].value), runs)
        for name in moved
        if name in known
    }
    each = [_size(usual[n], known[n].value) if n in usual else _highest(courses, n) for n in moved]
    sizes = np.column_stack(each)
    locks = runner.engine.capabilities.locks
    rows = _locked(len(moved), cast(Locking, runner.engine).lanes) if locks else _free(len(moved))
    which = np.repeat(np.arange(runs), len(rows))
    changed = {name: values[which] for name, values in parameters.items()}
    given = courses.of(which)
    for column, name in enumerate(moved):
        by = np.tile(np.where(rows.moved == column, rows.by, 0.0), runs)
        if name in usual:
            changed[name] = usual[name][which] + by * sizes[which, column]
        else:
            given = given.scaled(name, 1.0 + by)
    grid = times if times.ndim == 1 else times[which]
    if locks:
        of = which * len(rows)
        found = runner.beside(grid, given, changed, outputs, of, feedback=feedback)
    else:  # differences of runs apart have all their noise
        found = runner.tight.attempt(grid, given, changed, outputs, feedback=feedback)
    return _differences(found, rows, sizes)


@dataclass(frozen=True)
class _Rows:
    """What is run for the slopes of one run; the first row is that run."""

    moved: NDArray[np.intp]
    """Of each row, which parameter is moved; -1 for none."""
    by: FloatArray
    """By which share."""
    up: NDArray[np.intp]
    """Of each parameter, the row in which it is more."""
    down: NDArray[np.intp]
    """And that which is compared with it."""

    def __len__(self) -> int:
        return len(self.moved)

    @cached_property
    def span(self) -> FloatArray:
        """Of each parameter, by which share the two differ."""
        return np.asarray(self.by[self.up] - self.by[self.down])


def _locked(count: int, lanes: int) -> _Rows:
    """Vectors that begin with the run itself."""
    place = np.arange(count)
    up = place + place // (lanes - 1) + 1
    moved = np.full(max(-(-count // (lanes - 1)), 1) * lanes, -1)
    moved[up] = place
    return _Rows(moved, np.where(moved < 0, 0.0, _LOCKED_CHANGE), up, up - up % lanes)


def _free(count: int) -> _Rows:
    place = np.arange(count)
    moved = np.concatenate([[-1], place, place])
    by = _FREE_CHANGE * np.concatenate([[0.0], np.ones(count), -np.ones(count)])
    return _Rows(moved, by, place + 1, place + 1 + count)


def _differences(found: Curves, rows: _Rows, sizes: FloatArray) -> Slopes:
    runs = len(sizes)
    values = found.values.reshape(runs, len(rows), *found.values.shape[1:])
    slopes = (values[:, rows.up] - values[:, rows.down]) / rows.span[:, None, None]
    slopes[np.isnan(sizes)] = np.nan
    errors = {i // len(rows): error for i, error in found.errors.items()}
    for i, why in found.given_up.items():
        errors.setdefault(i // len(rows), SimulationError(why))
    return Slopes(values[:, 0], slopes, sizes, errors)


def _size(values: FloatArray, usual: float) -> FloatArray:
    """By what a parameter is moved, for a share of 1."""
    return np.where(values != 0.0, values, usual if usual != 0.0 else 1.0)


def _highest(courses: Courses, drug: str) -> FloatArray:
    """Of the doses of a drug, in each run."""
    column = np.nan_to_num(courses.levels[:, :, courses.drugs.index(drug)])
    highest = column.max(axis=1)
    if drug in courses.infusions:
        highest = np.maximum(highest, courses.infusions[drug].amounts.max(axis=1))
    return np.where(highest > 0.0, highest, np.nan)
