"""Runs of a problem: all experiments of all vectors are rows of one call of an engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import DosingEvents, FloatArray, Locking, Problem, Runs, Tolerances
from p53net.errors import P53NetError, SimulationError, SteadyStateError, UnsupportedError
from p53net.model.arrays import Arrays
from p53net.model.expressions import Evaluation, Expressions
from p53net.petab.experiments import Experiment, Settings
from p53net.simulation import choice
from p53net.simulation.model import Model

REST_TIME = 1e8
"""Units of time after which a model is at rest, or has no rest."""

_BEFORE = REST_TIME / 100.0
_CHANGE = 1e-6  # that a state at rest may still make between the two, relative
_SMALL = 1e-6  # of the largest value of a run: smaller ones count as this
_REST_TOLERANCE = 1e-12
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
        starts: Mapping[str, str],
    ) -> None:
        """`columns` are the problem's parameters, `starts` parameters of the model that states
        start at whose start values others follow."""
        self._model, self._known, self._columns = model, known, columns
        self._experiments, self._outputs = tuple(experiments), outputs
        self._resting = [bool(np.isinf(grid[-1])) for grid in grids]
        self._grids = [_finite(grid) for grid in grids]
        name, self.engine_label = choice.chosen(model, choice.AUTO, _MANY)
        self._runner = model.runner(name)
        self._engine = self._runner.engine
        self._states = {state: i for i, state in enumerate(self._engine.states)}
        self._starts = starts
        self._added = _added(experiments)
        self._own = [name for name in columns if name in model.definition.parameters]

    @property
    def lanes(self) -> int:
        """Runs that can take the same steps; 0 where the engine has none."""
        locks = self._engine.capabilities.locks
        return cast(Locking, self._engine).lanes if locks else 0

    @property
    def together(self) -> bool:
        """Whether the engine has many runs at once."""
        return self._engine.capabilities.together

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
        found = self._integrate(self._problem(begun, values, tolerances), how)
        parts = []
        for e, own in enumerate(_parted(found, begun)):
            curves, failures = own.values[:, :, : len(self._grids[e])], dict(own.errors)
            if self._resting[e]:
                why = _restless(self._experiments[e].name)
                failures |= dict.fromkeys(_unsettled(curves).tolist(), why)
                curves = np.delete(curves, -2, axis=2)
            errors = {(e, i): error for i, error in failures.items()} | errors
            curves[[i for at, i in errors if at == e]] = np.nan
            parts.append(curves)
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
        table = {name: values[:, self._columns[name]] for name in self._own}
        given = table | self._evaluated(settings, values)  # a condition comes before the table
        parameters = {n: v for n, v in given.items() if n not in self._states}
        followed = [n for n, one in settings.items() if n in self._starts and not one.added]
        parameters |= {self._starts[name]: given[name] for name in followed}
        start = self._runner.start(parameters, len(values))
        states = start.states.copy()
        self._put(states, settings, given)
        return _Start(states, {**start.settings, **parameters})

    def _evaluated(self, settings: Settings, values: FloatArray) -> dict[str, FloatArray]:
        evaluate = Evaluation(self._known, Arrays(), lambda name: values[:, self._columns[name]])
        with np.errstate(all="ignore"):
            return {
                name: np.array(np.broadcast_to(evaluate(one.node), len(values)))
                for name, one in settings.items()
            }

    def _put(
        self, states: FloatArray, settings: Settings, values: Mapping[str, FloatArray]
    ) -> None:
        """Set those of the settings that are states, or add to them."""
        for name, one in settings.items():
            if (column := self._states.get(name)) is not None:
                states[:, column] = values[name] + (states[:, column] if one.added else 0.0)

    def _rested(
        self, begun: list[_Start], values: Sequence[FloatArray], how: "_How"
    ) -> dict[tuple[int, int], P53NetError]:
        """Let runs begin at the rest under the conditions before them; errors by experiment and
        run."""
        errors: dict[tuple[int, int], P53NetError] = {}
        for members, found in self._rests(values, how):
            lost = dict.fromkeys(_unsettled(found.values).tolist(), _restless("before a run"))
            for e in members:
                states = found.values[:, :, -1].copy()
                settings = self._experiments[e].periods[0].settings
                self._put(states, settings, self._evaluated(settings, values[e]))
                begun[e] = begun[e]._replace(states=states)
                errors |= {(e, i): error for i, error in (lost | found.errors).items()}
        return errors

    def _rests(self, values: Sequence[FloatArray], how: "_How") -> Iterator[tuple[list[int], Runs]]:
        """Experiments that share a rest, and what leads to it."""
        shared: dict[object, list[int]] = {}
        for e, one in enumerate(self._experiments):
            if one.before is not None:
                settings = frozenset(
                    (name, how.node.number, how.added) for name, how in one.before.items()
                )
                shared.setdefault((settings, id(values[e])), []).append(e)
        members = list(shared.values())
        if not members:
            return
        begun = [self._start(self._experiments[e].before or {}, values[e]) for e, *_ in members]
        starts = np.vstack([one.states for one in begun])
        problem = Problem(
            _stacked(begun, self._model),
            starts,
            np.array([0.0, _BEFORE, REST_TIME]),
            self._engine.states,
            DosingEvents.none(len(starts)),
            _for_rest(how.tolerances),
        )
        yield from zip(members, _parted(self._integrate(problem, how), begun), strict=True)

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
                for name, new in self._evaluated(period.settings, own).items():
                    changes[rows, k, names.index(name)] = new
        return DosingEvents(times, tuple(names), changes, self._added)

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


def _added(experiments: Sequence[Experiment]) -> frozenset[str]:
    """States that conditions add to within runs. Raises UnsupportedError where one is also set."""
    later = [
        (name, one.added)
        for experiment in experiments
        for period in experiment.periods[1:]
        for name, one in period.settings.items()
    ]
    added = frozenset(name for name, adds in later if adds)
    if both := sorted(name for name, adds in later if not adds and name in added):
        raise UnsupportedError(
            f"within runs {both[0]} is both set and added to; do one of them in all conditions"
        )
    return added


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
    later = max(_BEFORE, 10.0 * grid[-2])
    return np.array([*grid[:-1], later, later * REST_TIME / _BEFORE])


def _parted(found: Runs, begun: Sequence[_Start]) -> list[Runs]:
    """Runs of each of those that were integrated together."""
    ends = np.cumsum([len(one.states) for one in begun])[:-1]
    errors: list[dict[int, P53NetError]] = [{} for _ in begun]
    for i, error in found.errors.items():
        place = int(np.searchsorted(ends, i, side="right"))
        errors[place][i - int(ends[place - 1] if place else 0)] = error
    values, steps = np.split(found.values, ends), np.split(found.steps, ends)
    return [Runs(*parts) for parts in zip(values, errors, steps, strict=True)]


def _unsettled(values: FloatArray) -> NDArray[np.intp]:
    """Runs whose last two times differ."""
    before, last = values[:, :, -2], values[:, :, -1]
    least = _SMALL * np.abs(values).max(axis=(1, 2))[:, None]
    moved = np.abs(last - before) > _CHANGE * np.maximum(np.abs(last), least)
    return np.flatnonzero(moved.any(axis=1))


def _for_rest(wanted: Tolerances | None) -> Tolerances | None:
    """A state at rest is as exact as rounding lets it be; tighter steps only count that."""
    if wanted is None or wanted.relative >= _REST_TOLERANCE:
        return wanted
    return Tolerances(_REST_TOLERANCE, wanted.absolute * _REST_TOLERANCE / wanted.relative)


def _restless(where: str) -> SteadyStateError:
    return SteadyStateError(f"{where}: it does not come to rest within {REST_TIME:g} units of time")
