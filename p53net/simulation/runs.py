"""Runs of a model: doses and parameters of n runs -> one problem -> an engine. n may be 1."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import Courses, Given
from p53net.engines.base import (
    AtRest,
    Cells,
    DosingEvents,
    FloatArray,
    Locking,
    Problem,
    Runs,
    Tolerances,
)
from p53net.errors import InputError, P53NetError
from p53net.simulation import choice
from p53net.simulation.initial import Resting

if TYPE_CHECKING:
    from p53net.simulation.model import Model


_TIGHT = 1e-12


class Curves(NamedTuple):
    """What runs gave."""

    values: FloatArray
    """Run, output, time; NaN for what failed."""
    errors: dict[int, P53NetError]
    """Why a run failed; one that is not here is sound."""
    given_up: dict[int, str]
    """Runs that the engine gave up, and why: another may do better, or has done."""
    steps: FloatArray
    """Of the integrator in each run; NaN where it does not say."""


class Arms(NamedTuple):
    """Several doses of one model, run together."""

    times: FloatArray
    curves: dict[str, FloatArray]
    """Of each quantity: arm, time."""
    doses: list[dict[str, Given]]
    """Of each arm, as they were understood."""
    parameters: dict[str, float]
    engine: str
    """What to say of the engine that ran them."""


class Begun(NamedTuple):
    """Runs at their start, with what is dosed then."""

    starts: FloatArray
    """Run, state."""
    parameters: dict[str, FloatArray]
    """All that differ from the file."""
    events: DosingEvents
    errors: dict[int, P53NetError]
    """Runs without a start."""


class Runner:
    """One model on one engine. Raises UnsupportedError where the engine cannot run the model."""

    def __init__(self, model: "Model", name: str) -> None:
        self._model, self.name = model, name
        self.definition = model.definition
        self.engine = choice.made(name, model.definition, model.tolerances)

    @cached_property
    def helper(self) -> "Runner | None":
        """What runs what this engine gives up."""
        name = choice.helper_of(self.name)
        return None if name is None else self._model.runner(name)

    @cached_property
    def tight(self) -> "Runner":
        """The same engine at tolerances for differences of runs."""
        own = self._model.tolerances
        by = _TIGHT / max(own.relative, _TIGHT)
        tolerances = Tolerances(own.relative * by, own.absolute * by)
        return type(self._model)(self.definition, tolerances).runner(self.name)

    @cached_property
    def resting(self) -> Resting:
        """Untreated states of this model's cells."""
        helper = None if self.helper is None else self.helper.resting
        return Resting(self.definition, self.engine, helper)

    def ready(self) -> None:
        """Compile, and find the state of the usual cell, which all calls share."""
        self.engine.ready()
        if self.definition.has_loop:
            self._model.cell.runner(self.name).resting.ready()

    def run(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        *,
        feedback: bool = True,
    ) -> Curves:
        """Curves at `times` [h], common or a row for each run; parameters have a value for each.

        What this engine gives up, its helper runs.
        """
        found = self.attempt(times, courses, parameters, outputs, feedback=feedback)
        if not found.given_up or self.helper is None:
            return found
        lost = np.array(sorted(found.given_up), dtype=np.intp)
        again = self.helper.run(
            times if times.ndim == 1 else times[lost],
            *_rows(lost, courses, parameters),
            outputs,
            feedback=feedback,
        )
        found.values[lost] = again.values
        errors = found.errors | {int(lost[i]): error for i, error in again.errors.items()}
        return found._replace(errors=errors)

    def attempt(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        *,
        feedback: bool = True,
    ) -> Curves:
        """The same by this engine alone."""
        begun = self.begin(courses, parameters, feedback=feedback)
        return self._followed(begun, times, outputs, self.engine.integrate)

    def beside(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        of: NDArray[np.intp],
        *,
        feedback: bool = True,
    ) -> Curves:
        """The same of runs that differ little from others of them, in the steps of those: `of` is
        the row of each run's other one, its own in that. `lanes` of the engine follow each other
        that have one other, and doses and outputs at the same times."""
        engine = cast(Locking, self.engine)
        begun = self.begin(courses, parameters, feedback=feedback, of=of)
        for i in list(begun.errors):  # which leaves a vector without a run
            first = i - i % engine.lanes
            begun.errors.update(dict.fromkeys(range(first, first + engine.lanes), begun.errors[i]))
        return self._followed(begun, times, outputs, engine.integrate_locked)

    def _followed(
        self,
        begun: Begun,
        times: FloatArray,
        outputs: Sequence[str],
        integrate: Callable[[Problem], Runs],
    ) -> Curves:
        """Curves from where runs begin."""
        size, errors = len(begun.starts), dict(begun.errors)
        good = np.array([i for i in range(size) if i not in errors], dtype=np.intp)
        if not len(good):
            nothing = np.full((size, len(outputs), times.shape[-1]), np.nan)
            return Curves(nothing, errors, {}, np.full(size, np.nan))
        rows: NDArray[np.intp] | slice = slice(None) if len(good) == size else good
        own = {name: values[rows] for name, values in begun.parameters.items()}
        grid = times if times.ndim == 1 else times[rows]
        problem = Problem(own, begun.starts[rows], grid, tuple(outputs), begun.events.of(rows))
        found = integrate(problem)
        failures = {int(good[i]): error for i, error in found.errors.items()}
        if len(good) == size:
            values, steps = found.values, found.steps
        else:
            values = np.full((size, *found.values.shape[1:]), np.nan)
            steps = np.full(size, np.nan)
            values[good], steps[good] = found.values, found.steps
        if self.helper is None:
            return Curves(values, errors | failures, {}, steps)
        return Curves(values, errors, {i: str(why) for i, why in failures.items()}, steps)

    def rest(
        self,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        quantities: Sequence[str],
        *,
        feedback: bool = True,
        stable: bool = True,
    ) -> tuple[AtRest, dict[int, str]]:
        """States at rest under constant drug; and what this engine gave up, which its helper did,
        and why. An error is that of the start, or of the rest."""
        begun = self.begin(courses, parameters, feedback=feedback)
        cells = Cells(begun.parameters, begun.starts, tuple(quantities))
        found = self.engine.rest(cells, near=False, stable=stable)
        errors = {**found.errors, **begun.errors}
        given_up: dict[int, str] = {}
        if self.helper is not None and found.errors:
            given_up = {i: str(why) for i, why in errors.items() if i not in begun.errors}
            lost = np.array(sorted(given_up), dtype=np.intp)
            again, _ = self.helper.rest(
                *_rows(lost, courses, parameters), quantities, feedback=feedback, stable=stable
            )
            found.values[lost] = again.values
            errors = dict(begun.errors) | {int(lost[i]): e for i, e in again.errors.items()}
        return found._replace(errors=errors), given_up

    def begin(
        self,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        *,
        feedback: bool = True,
        of: NDArray[np.intp] | None = None,
    ) -> Begun:
        """Runs from the untreated state of their own cells, or from what the file says; with `of`,
        of cells beside others, as in `beside`."""
        size = len(courses.at)
        starts, settings, errors = self._starts(parameters, size, of)
        settings = {**settings, **parameters}
        if self.definition.has_loop:
            settings["feedback"] = np.full(size, float(feedback))
        if courses.medium_volume is not None:
            settings["closed_dish"] = np.ones(size)
            settings["medium"] = np.full(size, courses.medium_volume)
        dosed = tuple(self.definition.dosed[drug] for drug in courses.drugs)
        courses = self._concentrations(courses, settings)
        for column, species in enumerate(dosed):  # before a first dose a body holds no drug
            level, state = courses.levels[:, 0, column], self.engine.states.index(species)
            starts[:, state] = np.where(np.isnan(level), starts[:, state], level)
        added = frozenset(dosed) if self.definition.in_body else frozenset[str]()
        events = DosingEvents(courses.at[:, 1:], dosed, courses.levels[:, 1:], added)
        return Begun(starts, settings, events, errors)

    def _concentrations(self, courses: Courses, settings: Mapping[str, FloatArray]) -> Courses:
        """Doses as concentrations [nM]: in a body, of the central volume of each run."""
        if not self.definition.in_body:
            return courses
        levels, known = courses.levels.copy(), self.definition.parameters
        for column, drug in enumerate(courses.drugs):
            volume = self.definition.central_volumes[drug]
            divisor = np.broadcast_to(settings.get(volume, known[volume].value), len(levels))
            levels[:, :, column] /= divisor[:, None]
        return replace(courses, levels=levels)

    def _starts(
        self, parameters: Mapping[str, FloatArray], size: int, of: NDArray[np.intp] | None
    ) -> tuple[FloatArray, dict[str, FloatArray], dict[int, P53NetError]]:
        """Start values, the settings that come with them, and why a run has none."""
        if self.definition.external:
            return self._from_file(parameters, size)
        if not self.definition.has_loop:
            return np.zeros((size, len(self.engine.states))), {}, {}
        cell, computed = self._model.cell, self.definition.computed
        inside = {n: v for n, v in parameters.items() if n in cell.definition.parameters}
        resting, quantities = cell.runner(self.name).resting, tuple(computed.values())
        if of is None:
            found = resting.of(inside, size, quantities)
        else:
            found = resting.beside(inside, of, quantities)
        settings = dict(zip(computed, found.values.T, strict=True))
        return self._around(found.states, parameters), settings, found.errors

    def _around(self, rests: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Start values of what is around a cell, with the cell's own in their places."""
        cell, definition = self._model.cell, self.definition
        if cell is self._model:
            return rests
        starts = np.zeros((len(rests), len(self.engine.states)))
        inside = {name: i for i, name in enumerate(cell.runner(self.name).engine.states)}
        for column, name in enumerate(self.engine.states):
            if name in inside:
                starts[:, column] = rests[:, inside[name]]
            elif name in definition.starts:
                of = definition.starts[name]
                starts[:, column] = parameters.get(of, definition.parameters[of].value)
            else:
                starts[:, column] = definition.rate_variables.get(name, 0.0)
        return starts

    def _from_file(
        self, parameters: Mapping[str, FloatArray], size: int
    ) -> tuple[FloatArray, dict[str, FloatArray], dict[int, P53NetError]]:
        """Start values of a model that was read from a file, and what else it computes then."""
        found = self._model.starts.of(parameters)
        if found is None:
            rows = [
                self.engine.file_starts({n: float(v[i]) for n, v in parameters.items()})
                for i in range(size)
            ]
            found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        values = {name: np.broadcast_to(value, size) for name, value in found.items()}
        errors: dict[int, P53NetError] = {}
        for name, value in values.items():
            for i in np.flatnonzero(~np.isfinite(value)):
                errors.setdefault(
                    int(i),
                    InputError(
                        f"{name} starts at {value[i]} with these parameters; correct what it "
                        "depends on"
                    ),
                )
        states = [values[name] for name in self.engine.states]
        starts = np.column_stack(states) if states else np.empty((size, 0))
        return starts, {n: v for n, v in values.items() if n not in self.engine.states}, errors


def _rows(
    rows: NDArray[np.intp], courses: Courses, parameters: Mapping[str, FloatArray]
) -> tuple[Courses, dict[str, FloatArray]]:
    """Doses and parameters of some of the runs."""
    own = replace(courses, at=courses.at[rows], levels=courses.levels[rows])
    return own, {name: values[rows] for name, values in parameters.items()}
