"""Runs of a model: doses and parameters of n runs -> one problem -> an engine. n may be 1."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import Courses
from p53net.engines.base import (
    AtRest,
    Cells,
    DosingEvents,
    Engine,
    FloatArray,
    Locking,
    Problem,
    Tolerances,
)
from p53net.errors import InputError, P53NetError
from p53net.model.inflows import infusion_of, with_infusions
from p53net.simulation import choice
from p53net.simulation.begun import Begun, Start
from p53net.simulation.equilibrium import at_limit, no_looser, settled
from p53net.simulation.initial import Resting

if TYPE_CHECKING:
    from p53net.simulation.workings import Workings

Loop: TypeAlias = bool | NDArray[np.bool_]
"""Whether the loop is closed: of all runs, or of each."""

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
    bars: FloatArray | None = None
    """Run, output: largest error along each curve, relative to the value or to a millionth of the
    curve's peak; NaN for runs by a helper, None where it was not measured."""

    @classmethod
    def together(cls, size: int, parts: "Sequence[tuple[NDArray[np.intp], Curves]]") -> "Curves":
        """Those of so many runs, from what some of them gave."""
        shape = parts[0][1].values.shape[1:]
        found = cls(np.full((size, *shape), np.nan), {}, {}, np.full(size, np.nan))
        for rows, part in parts:
            found.values[rows], found.steps[rows] = part.values, part.steps
            found.errors.update({int(rows[i]): error for i, error in part.errors.items()})
            found.given_up.update({int(rows[i]): why for i, why in part.given_up.items()})
        return found


class Runner:
    """One model on one engine. Raises UnsupportedError where the engine cannot run the model."""

    def __init__(self, model: "Workings", name: str) -> None:
        self._model, self.definition, self.name = model, model.definition, name
        self.engine = choice.made(name, model.definition, model.tolerances)

    @cached_property
    def helper(self) -> "Runner | None":
        """What runs what this engine gives up."""
        name = choice.helper_of(self.name, self.definition)
        return None if name is None else self._model.runner(name)

    @cached_property
    def tight(self) -> "Runner":
        """The same engine at tolerances for differences of runs."""
        own = self._model.tolerances
        by = _TIGHT / max(own.relative, _TIGHT)
        tolerances = Tolerances(own.relative * by, own.absolute * by)
        return type(self._model)(self.definition, tolerances).runner(self.name)

    @cached_property
    def _infused(self) -> Engine:
        """The same engine of the model into which drugs can flow."""
        return choice.made(self.name, with_infusions(self.definition), self._model.tolerances)

    @cached_property
    def alone(self) -> "Runner | None":
        """The fast reactions of an external model alone, if it has such."""
        if (inner := self.definition.equilibrium) is None:
            return None
        tolerances = no_looser(self._model.tolerances, inner)
        return type(self._model)(inner, tolerances).runner(self.name)

    @cached_property
    def resting(self) -> Resting:
        """Untreated states of this model's cells."""
        helper = None if self.helper is None else self.helper.resting
        return Resting(self.definition, self.engine, helper)

    def ready(self) -> None:
        """Compile, and find the state of the usual cell, which all calls share."""
        self.engine.ready()
        if self.alone is not None:
            self.alone.ready()
        if self.definition.has_loop:
            self._model.cell.runner(self.name).resting.ready()

    def run(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        *,
        feedback: Loop = True,
        start: Start | None = None,
        tolerances: Tolerances | None = None,
    ) -> Curves:
        """Curves at `times` [h], common or a row for each run; parameters have a value for each.

        What this engine gives up, its helper runs. `start` is what `start` gave for these runs,
        whose parameters may since have changed; by default each begins in its own untreated cell.
        """
        found = self.attempt(
            times, courses, parameters, outputs,
            feedback=feedback, start=start, tolerances=tolerances,
        )  # fmt: skip
        return self.helped(
            found, times, courses, parameters, outputs, feedback=feedback, tolerances=tolerances
        )

    def helped(
        self,
        found: Curves,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        *,
        feedback: Loop,
        tolerances: Tolerances | None,
    ) -> Curves:
        """What was found, with the runs in it that this engine gave up made by its helper."""
        if not found.given_up or self.helper is None:
            return found
        lost = np.array(sorted(found.given_up), dtype=np.intp)
        again = self.helper.run(
            times if times.ndim == 1 else times[lost],
            courses.of(lost),
            {n: v[lost] for n, v in parameters.items()},
            outputs,
            feedback=feedback if isinstance(feedback, bool) else feedback[lost],
            tolerances=tolerances,
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
        feedback: Loop = True,
        start: Start | None = None,
        tolerances: Tolerances | None = None,
    ) -> Curves:
        """The same by this engine alone."""
        begun = self.begin(courses, parameters, feedback=feedback, start=start)
        return self.follow(begun, times, outputs, tolerances)

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
        lanes = cast(Locking, self.engine).lanes
        start = self.start(parameters, len(of), of=of)
        begun = self.begin(courses, parameters, feedback=feedback, start=start)
        for i in list(begun.errors):  # which leaves a vector without a run
            first = i - i % lanes
            begun.errors.update(dict.fromkeys(range(first, first + lanes), begun.errors[i]))
        return self.follow(begun, times, outputs, locked=True)

    def follow(
        self,
        begun: Begun,
        times: FloatArray,
        outputs: Sequence[str],
        tolerances: Tolerances | None = None,
        *,
        locked: bool = False,
    ) -> Curves:
        """Runs from their start, at the engine's tolerances or at others; `locked` as in
        `beside`."""
        several = begun.apart()
        if len(several) > 1:  # so that a run depends on its own row alone
            grids = [times if times.ndim == 1 else times[rows] for rows, _ in several]
            return Curves.together(len(begun.starts), [
                (rows, self.follow(one, grid, outputs, tolerances, locked=locked))
                for (rows, one), grid in zip(several, grids, strict=True)
            ])  # fmt: skip
        begun = several[0][1]
        engine = self.engine if begun.infused is None else self._infused
        size, errors = len(begun.starts), dict(begun.errors)
        good = np.array([i for i in range(size) if i not in errors], dtype=np.intp)
        if not len(good):
            nothing = np.full((size, len(outputs), times.shape[-1]), np.nan)
            return Curves(nothing, errors, {}, np.full(size, np.nan))
        whole = len(good) == size
        sound, grid = begun if whole else begun.of(good), times
        if times.ndim > 1 and not whole:
            grid = times[good]
        problem = Problem(
            sound.parameters, sound.starts, grid, tuple(outputs), sound.events, tolerances
        )
        run = cast(Locking, engine).integrate_locked if locked else engine.integrate
        found = at_limit(run, problem, self.definition, self._model.tolerances)
        failures = {int(good[i]): error for i, error in found.errors.items()}
        if whole:
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
        feedback: Loop = True,
        stable: bool = True,
        start: Start | None = None,
        helped: bool = True,
        near: bool = False,
    ) -> tuple[AtRest, dict[int, str]]:
        """States at rest under constant drug; and what this engine gave up, which its helper did
        if it was to, and why. An error is that of the start, or of the rest. `start` is as in
        `run`; with `near`, states at rest under like drug, from which it is a few steps."""
        begun = self.begin(courses, parameters, feedback=feedback, start=start)
        cells = Cells(begun.parameters, begun.starts, tuple(quantities))
        found = self.engine.rest(cells, near=near, stable=stable)
        errors = {**found.errors, **begun.errors}
        given_up: dict[int, str] = {}
        lost = np.array(sorted(found.errors.keys() - begun.errors.keys()), dtype=np.intp)
        if helped and self.helper is not None and len(lost):
            given_up = {int(i): str(errors[int(i)]) for i in lost}
            again, _ = self.helper.rest(
                courses.of(lost),
                {n: v[lost] for n, v in parameters.items()},
                quantities,
                feedback=feedback if isinstance(feedback, bool) else feedback[lost],
                stable=stable,
            )
            found.values[lost] = again.values
            errors = dict(begun.errors) | {int(lost[i]): e for i, e in again.errors.items()}
        return found._replace(errors=errors), given_up

    def said(self, given_up: Mapping[int, str]) -> str:
        """What to say of runs that this engine gave up."""
        if not given_up:
            return ""
        what = "" if len(given_up) == 1 else f" {len(given_up)} runs, the first for"
        by = "" if self.helper is None else f"; run by {self.helper.engine.label}"
        return f" gave up,{what} {next(iter(given_up.values()))}{by}"

    def begin(
        self,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        *,
        feedback: Loop = True,
        start: Start | None = None,
    ) -> Begun:
        """Runs from the untreated state of their own cells, or from what the file says; with `of`,
        of cells beside others, as in `beside`."""
        size = len(courses.at)
        start = start or self.start(parameters, size)
        starts, settings = start.states.copy(), {**start.settings, **parameters}
        if self.definition.has_loop:
            settings["feedback"] = np.full(size, feedback, dtype=float)
        if courses.medium_volume is not None:
            settings["closed_dish"] = np.ones(size)
            settings["medium"] = np.full(size, courses.medium_volume, dtype=float)
        dosed = tuple(self.definition.dosed[drug] for drug in courses.drugs)
        courses = self._concentrations(courses, settings)
        for column, species in enumerate(dosed):  # before a first dose a body holds no drug
            level, state = courses.levels[:, 0, column], self.engine.states.index(species)
            starts[:, state] = np.where(np.isnan(level), starts[:, state], level)
        added = frozenset(dosed) if self.definition.in_body else frozenset[str]()
        inputs = {infusion_of(self.definition.drugs[drug]): several.at(courses.at)
                  for drug, several in courses.infusions.items()}  # fmt: skip
        settings |= {name: rates[:, 0] for name, rates in inputs.items()}
        values = np.dstack([courses.levels, *inputs.values()])[:, 1:]
        events = DosingEvents(courses.at[:, 1:], (*dosed, *inputs), values, added)
        return Begun(starts, settings, events, start.errors, courses.infused, tuple(inputs))

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

    def start(
        self,
        parameters: Mapping[str, FloatArray],
        size: int,
        quantities: tuple[str, ...] = (),
        of: NDArray[np.intp] | None = None,
    ) -> Start:
        """Where so many runs with these parameters begin; in a model with a cell, also some
        quantities of it there. With `of` as in `beside`."""
        if self.definition.external:
            return self._from_file(parameters, size)
        if not self.definition.has_loop:
            nothing = np.zeros((size, len(self.engine.states)))
            return Start(nothing, {}, np.empty((size, 0)), {})
        cell, computed = self._model.cell, self.definition.computed
        inside = {n: v for n, v in parameters.items() if n in cell.definition.parameters}
        wanted, resting = (*computed.values(), *quantities), cell.runner(self.name).resting
        if of is None:
            found = resting.of(inside, size, wanted)
        else:
            found = resting.beside(inside, of, wanted)
        settings = dict(zip(computed, found.values.T, strict=False))
        states, values = self._around(found.states, parameters), found.values[:, len(computed) :]
        return Start(states, settings, values, found.errors)

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

    def _from_file(self, parameters: Mapping[str, FloatArray], size: int) -> Start:
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
        settings = {n: v for n, v in values.items() if n not in self.engine.states}
        begun = Start(starts, settings, np.empty((size, 0)), errors)
        if self.alone is None:
            return begun
        self.alone.engine.deadline = self.engine.deadline
        return settled(begun, self.alone, parameters)
