"""Slopes of curves: how much each quantity changes with parameters and doses, at each time.

On an engine that locks runs to the same steps a run and those with a parameter moved follow one
numerical map, whose differences carry no noise: one-sided ones of a tiny change are as exact as the
run itself. Other engines take central differences of runs apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray, Locking
from p53net.errors import P53NetError, SimulationError
from p53net.model.definition import Definition
from p53net.simulation.runs import Curves, Runner

LOCKED_CHANGE = 1e-7
"""By which share a parameter is moved in runs that take the same steps."""

FREE_CHANGE = 1e-3
"""The same, up and down, of runs apart."""


class Slopes(NamedTuple):
    """Curves of runs, and how they change."""

    values: FloatArray
    """Run, output, time; NaN for what failed."""
    slopes: FloatArray
    """Run, parameter, output, time: d value / d parameter, in units of `sizes`."""
    sizes: FloatArray
    """Run, parameter: the value of a parameter, or, of one that is 0, what it usually is, or 1. Of a
    drug 1: all its doses together."""
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
    runs = len(courses.at)
    usual = {name: _usual(runner.definition, parameters, name, runs) for name in moved}
    sizes = np.ones((runs, len(moved)))
    for column, name in enumerate(moved):
        if name not in runner.definition.drugs:
            sizes[:, column] = _size(usual[name], runner.definition.parameters[name].value)
    locks = runner.engine.capabilities.locks
    rows = _locked(len(moved), cast(Locking, runner.engine).lanes) if locks else _free(len(moved))
    which = np.repeat(np.arange(runs), len(rows))
    changed = {name: values[which] for name, values in parameters.items()}
    levels = courses.levels[which]
    for column, name in enumerate(moved):
        by = np.tile(np.where(rows.moved == column, rows.by, 0.0), runs)
        if name in courses.drugs:
            levels[:, :, courses.drugs.index(name)] *= 1.0 + by[:, None]
        elif name not in runner.definition.drugs:
            changed[name] = usual[name][which] + by * sizes[which, column]
    grid = times if times.ndim == 1 else times[which]
    given = replace(courses, at=courses.at[which], levels=levels)
    if locks:
        of = which * len(rows)
        found = runner.beside(grid, given, changed, outputs, of, feedback=feedback)
    else:
        found = runner.attempt(grid, given, changed, outputs, feedback=feedback)
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
    return _Rows(moved, np.where(moved < 0, 0.0, LOCKED_CHANGE), up, up - up % lanes)


def _free(count: int) -> _Rows:
    place = np.arange(count)
    moved = np.concatenate([[-1], place, place])
    by = FREE_CHANGE * np.concatenate([[0.0], np.ones(count), -np.ones(count)])
    return _Rows(moved, by, place + 1, place + 1 + count)


def _differences(found: Curves, rows: _Rows, sizes: FloatArray) -> Slopes:
    runs = len(sizes)
    values = found.values.reshape(runs, len(rows), *found.values.shape[1:])
    slopes = (values[:, rows.up] - values[:, rows.down]) / rows.span[:, None, None]
    errors = {i // len(rows): error for i, error in found.errors.items()}
    for i, why in found.given_up.items():
        errors.setdefault(i // len(rows), SimulationError(why))
    return Slopes(values[:, 0], slopes, sizes, errors)


def _usual(
    definition: Definition, parameters: Mapping[str, FloatArray], name: str, runs: int
) -> FloatArray:
    """Values of a parameter; of a drug nothing."""
    if name in definition.drugs:
        return np.empty(0)
    if name in parameters:
        return np.asarray(parameters[name])
    return np.full(runs, definition.parameters[name].value)


def _size(values: FloatArray, usual: float) -> FloatArray:
    return np.where(values != 0.0, values, usual if usual != 0.0 else 1.0)
