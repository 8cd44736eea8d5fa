"""Runs of a problem: all experiments of all vectors are rows of one call of an engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import DosingEvents, FloatArray, Locking, Problem, Runs, Tolerances
from p53net.errors import P53NetError, SimulationError, SteadyStateError
from p53net.model.arrays import Arrays
from p53net.model.expressions import Evaluation, Expressions
from p53net.petab.experiments import Experiment, Settings
from p53net.simulation import choice
from p53net.simulation.model import Model

REST_TIME = 1e8
"""Units of time after which a model is at rest, or has no rest."""

_BEFORE = REST_TIME / 100.0
_CHANGE = 1e-6  # that a state at rest may still make between the two, relative
_SMALL = 1e-9  # of the largest state: others count as this
_MANY = 10**6  # runs for which an engine is chosen


@dataclass(frozen=True)
class Curves:
    """What runs gave: (run, output, time) of each experiment, NaN for what failed."""

    values: tuple[FloatArray, ...]
    errors: Mapping[tuple[int, int], P53NetError]
    """Experiment and run to why it failed."""


class _Start(NamedTuple):
    """Where the runs of one experiment begin."""

    states: FloatArray
    parameters: dict[str, FloatArray]


class Simulator:
    """One model under the experiments of a problem."""

    def __init__(
        self,
        model: Model,
        known: Expressions,
        columns: Mapping[str, int],
        experiments: Sequence[Experiment],
        grids: Sequence[FloatArray],
        outputs: tuple[str, ...],
    ) -> None:
        """`columns` are the problem's parameters."""
        self._model, self._known, self._columns = model, known, columns
        self._experiments, self._outputs = tuple(experiments), outputs
        self._grids = [_finite(grid) for grid in grids]
        name, self.engine_label = choice.chosen(model, choice.AUTO, _MANY)
        self._runner = model.runner(name)
        self._engine = self._runner.engine
        self._states = {state: i for i, state in enumerate(self._engine.states)}
        self._own = [name for name in columns if name in model.definition.parameters]

    @property
    def lanes(self) -> int:
        """Runs that can take the same steps; 0 where the engine has none."""
        locks = self._engine.capabilities.locks
        return cast(Locking, self._engine).lanes if locks else 0

    def curves(
        self,
        values: Sequence[FloatArray],
        *,
        locked: bool = False,
        tolerances: Tolerances | None = None,
    ) -> Curves:
        """All experiments; of each, as many runs as `values` has rows for it (run, column).

        `locked` runs have `lanes` rows one after the other that differ little.
        """
        begun = [
            self._start(experiment.periods[0].settings, own)
            for experiment, own in zip(self._experiments, values, strict=True)
        ]
        how = _How(locked, tolerances)
        errors = self._rested(begun, values, how)
        sizes = [len(own) for own in values]
        problem = self._problem(begun, values, tolerances)
        found = self._integrate(problem, how)
        ends = np.cumsum([0, *sizes])
        parts = []
        for e, grid in enumerate(self._grids):
            own = found.values[ends[e] : ends[e + 1], :, : len(grid)]
            lost = np.empty(0, dtype=np.intp)
            if grid[-1] == REST_TIME:
                lost, own = _unsettled(own), np.delete(own, -2, axis=2)
            for i in range(sizes[e]):
                if (error := found.errors.get(int(ends[e]) + i)) is not None:
                    errors.setdefault((e, i), error)
            for i in lost:
                errors.setdefault((e, int(i)), _restless(self._experiments[e].name))
            own[[i for at, i in errors if at == e]] = np.nan
            parts.append(own)
        return Curves(tuple(parts), errors)

    def _problem(
        self,
        begun: Sequence[_Start],
        values: Sequence[FloatArray],
        tolerances: Tolerances | None,
    ) -> Problem:
        width = max(len(grid) for grid in self._grids)
        times = [
            np.tile(np.pad(grid, (0, width - len(grid)), mode="edge"), (len(own), 1))
            for grid, own in zip(self._grids, values, strict=True)
        ]
        return Problem(
            _stacked(begun, self._model),
            np.vstack([one.states for one in begun]),
            np.vstack(times),
            self._outputs,
            self._events(values),
            tolerances,
        )

    def _start(self, settings: Settings, values: FloatArray) -> _Start:
        """Where runs begin, as the file says with these settings."""
        given = self._given(settings, values)
        parameters = {n: v for n, v in given.items() if n not in self._states}
        start = self._runner.start(parameters, len(values))
        states = start.states.copy()
        for name, own in given.items():
            if name in self._states:
                states[:, self._states[name]] = own
        return _Start(states, {**start.settings, **parameters})

    def _given(self, settings: Settings, values: FloatArray) -> dict[str, FloatArray]:
        """What is set, for each run: by the table of parameters, or, before it, by a condition."""
        own = {name: values[:, self._columns[name]] for name in self._own}
        return own | self._evaluated(settings, values)

    def _evaluated(self, settings: Settings, values: FloatArray) -> dict[str, FloatArray]:
        evaluate = Evaluation(self._known, Arrays(), lambda name: values[:, self._columns[name]])
        with np.errstate(all="ignore"):
            return {
                name: np.array(np.broadcast_to(evaluate(node), len(values)))
                for name, node in settings.items()
            }

    def _rested(
        self, begun: list[_Start], values: Sequence[FloatArray], how: "_How"
    ) -> dict[tuple[int, int], P53NetError]:
        """Let runs begin at the rest under the conditions before them; errors by experiment and
        run."""
        errors: dict[tuple[int, int], P53NetError] = {}
        chosen = [e for e, one in enumerate(self._experiments) if one.before is not None]
        if not chosen:
            return errors
        unique = dict[tuple[object, ...], list[int]]()
        for e in chosen:
            settings = self._experiments[e].before or {}
            unique.setdefault((*sorted((n, v.number) for n, v in settings.items()), id(values[e])),
                              []).append(e)  # fmt: skip
        firsts = [members[0] for members in unique.values()]
        before = [self._start(self._experiments[e].before or {}, values[e]) for e in firsts]
        ends = np.cumsum([0, *(len(values[e]) for e in firsts)])
        starts = np.vstack([one.states for one in before])
        found = self._integrate(
            Problem(
                _stacked(before, self._model),
                starts,
                np.array([0.0, _BEFORE, REST_TIME]),
                self._engine.states,
                DosingEvents.none(len(starts)),
                how.tolerances,
            ),
            how,
        )
        lost = set(_unsettled(found.values).tolist())
        for place, members in enumerate(unique.values()):
            at = slice(ends[place], ends[place + 1])
            for e in members:
                states = found.values[at, :, -1].copy()
                settings = self._evaluated(self._experiments[e].periods[0].settings, values[e])
                for name, own in settings.items():
                    if name in self._states:
                        states[:, self._states[name]] = own
                begun[e] = begun[e]._replace(states=states)
                for i in range(len(states)):
                    row = int(ends[place]) + i
                    if row in found.errors:
                        errors[e, i] = found.errors[row]
                    elif row in lost:
                        errors[e, i] = _restless(f"before {self._experiments[e].name}")
        return errors

    def _events(self, values: Sequence[FloatArray]) -> DosingEvents:
        """Changes of conditions within runs."""
        later = [one.periods[1:] for one in self._experiments]
        most, size = max(map(len, later)), sum(map(len, values))
        if not most:
            return DosingEvents.none(size)
        names = sorted({name for one in later for period in one for name in period.settings})
        times, changes = np.full((size, most), np.inf), np.full((size, most, len(names)), np.nan)
        first = 0
        for periods, own in zip(later, values, strict=True):
            rows = slice(first, first + len(own))
            first += len(own)
            for k, period in enumerate(periods):
                times[rows, k] = period.time
                for name, found in self._evaluated(period.settings, own).items():
                    changes[rows, k, names.index(name)] = found
        return DosingEvents(times, tuple(names), changes)

    def _integrate(self, problem: Problem, how: "_How") -> Runs:
        """With what cannot begin as failed runs; locked ones fail with those beside them."""
        bad = ~np.isfinite(problem.starts).all(axis=1)
        for column in problem.parameters.values():
            bad |= ~np.isfinite(column)
        if how.locked:
            bad = np.repeat(bad.reshape(-1, self.lanes).any(axis=1), self.lanes)
        good = np.flatnonzero(~bad)
        width = problem.times.shape[-1]
        values = np.full((len(problem), len(problem.outputs), width), np.nan)
        why = SimulationError("a start value or a parameter is no finite number")
        errors: dict[int, P53NetError] = dict.fromkeys(np.flatnonzero(bad).tolist(), why)
        if len(good):
            run = (
                cast(Locking, self._engine).integrate_locked if how.locked
                else self._engine.integrate
            )  # fmt: skip
            found = run(_rows(problem, good))
            values[good] = found.values
            errors |= {int(good[i]): error for i, error in found.errors.items()}
        return Runs(values, errors, np.full(len(problem), np.nan))


class _How(NamedTuple):
    """How runs are made."""

    locked: bool
    tolerances: Tolerances | None


def _rows(problem: Problem, rows: NDArray[np.intp]) -> Problem:
    if len(rows) == len(problem):
        return problem
    return Problem(
        {name: column[rows] for name, column in problem.parameters.items()},
        problem.starts[rows],
        problem.times if problem.times.ndim == 1 else problem.times[rows],
        problem.outputs,
        problem.events.of(rows),
        problem.tolerances,
    )


def _stacked(begun: Sequence[_Start], model: Model) -> dict[str, FloatArray]:
    """Parameters of all runs; what only some set, others have from the file."""
    known = model.definition.parameters
    names = dict.fromkeys(name for one in begun for name in one.parameters)
    return {
        name: np.concatenate(
            [
                np.broadcast_to(one.parameters.get(name, known[name].value), len(one.states))
                for one in begun
            ]
        )
        for name in names
    }


def _finite(grid: FloatArray) -> FloatArray:
    """A grid with a long time in the place of infinity."""
    if np.isfinite(grid[-1]):
        return grid
    return np.array([*grid[:-1], _BEFORE, REST_TIME])


def _unsettled(values: FloatArray) -> NDArray[np.intp]:
    """Runs whose last two times differ."""
    before, last = values[:, :, -2], values[:, :, -1]
    least = _SMALL * np.abs(last).max(axis=1, keepdims=True)
    moved = np.abs(last - before) > _CHANGE * np.maximum(np.abs(last), least)
    return np.flatnonzero(moved.any(axis=1))


def _restless(where: str) -> SteadyStateError:
    return SteadyStateError(f"{where}: it does not come to rest within {REST_TIME:g} units of time")
