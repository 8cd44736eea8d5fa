"""Many runs of one model at once on the batch engine, each with its own start and doses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from p53net.dosing import Courses
from p53net.engines import FloatArray
from p53net.engines.batch import BatchEngine, Stops

if TYPE_CHECKING:
    from p53net.simulate import Model

_SETTLING_TIME = 2000.0  # h, after which the usual cell is near its rest


class Runs(NamedTuple):
    """What many runs gave."""

    values: FloatArray
    """Run, variable, time; NaN for what failed."""
    errors: dict[int, Exception]
    """Runs without a start."""
    unfinished: dict[int, str]
    """Runs that the batch engine gave up, and why: RoadRunner may do better."""
    steps: FloatArray
    """Tried by the solver in each run."""


class ManyRuns:
    """One model on the batch engine. Raises UnsupportedError where it has no formulas."""

    def __init__(self, model: "Model") -> None:
        self._model, self._definition = model, model.definition
        self.engine = BatchEngine(model.definition.sbml, model.tolerances)

    def ready(self) -> None:
        """Compile, and find the state of the usual cell, which all calls share."""
        self.engine.ready()
        if self._definition.has_loop:
            _ = self._model.cell.many._usual

    def run(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        variables: Sequence[str],
        *,
        feedback: bool = True,
    ) -> Runs:
        """Curves at `times` [h], common or a row for each run; parameters have a value for each."""
        size = len(courses.at)
        starts, settings, errors = self._starts(parameters, size)
        settings = {**settings, **parameters}
        if self._definition.has_loop:
            settings["feedback"] = np.full(size, float(feedback))
        if courses.medium_volume is not None:
            settings["closed_dish"] = np.ones(size)
            settings["medium"] = np.full(size, courses.medium_volume)
        dosed = [self._definition.dosed[drug] for drug in courses.drugs]
        courses = self._concentrations(courses, settings)
        for column, species in enumerate(dosed):  # before a first dose a body holds no drug
            level, state = courses.levels[:, 0, column], self.engine.states.index(species)
            starts[:, state] = np.where(np.isnan(level), starts[:, state], level)
        stops = self._stops(courses, dosed, times[..., -1])
        found = self.engine.integrate(
            settings, starts, self._volumes(settings, size), stops, times, variables
        )
        unfinished = {i: why for i, why in found.failures.items() if i not in errors}
        found.values[list(errors)] = np.nan
        return Runs(found.values, errors, unfinished, found.steps)

    def _concentrations(self, courses: Courses, settings: Mapping[str, FloatArray]) -> Courses:
        """Doses as concentrations [nM]: in a body, of the central volume of each run."""
        if not self._definition.in_body:
            return courses
        levels, known = courses.levels.copy(), self._definition.parameters
        for column, drug in enumerate(courses.drugs):
            volume = f"V_central_{self._definition.drugs[drug]}"
            divisor = np.broadcast_to(settings.get(volume, known[volume].value), len(levels))
            levels[:, :, column] /= divisor[:, None]
        return replace(courses, levels=levels)

    def _stops(self, courses: Courses, media: Sequence[str], end: FloatArray) -> Stops:
        """Doses and the events of the model, in the order of time, until the end of each run."""
        size = len(courses.at)
        system = self.engine.system
        events = [(float(stop.time.value), stop.settings) for stop in system.stops]
        names = [*media, *dict.fromkeys(name for _, settings in events for name in settings)]
        at = np.hstack([courses.at[:, 1:], np.full((size, len(events)), np.inf)])
        changes = np.full((size, at.shape[1], len(names)), np.nan)
        changes[:, : courses.at.shape[1] - 1, : len(media)] = courses.levels[:, 1:]
        for number, (time, settings) in enumerate(events, start=courses.at.shape[1] - 1):
            at[:, number] = time
            for name, node in settings.items():
                changes[:, number, names.index(name)] = float(node.value)
        last = np.broadcast_to(np.asarray(end)[..., None], (size, 1))
        within = at <= last
        at, changes = np.where(within, at, np.inf), np.where(within[..., None], changes, np.nan)
        order = np.argsort(at, axis=1, kind="stable")
        at = np.take_along_axis(at, order, axis=1)
        changes = np.take_along_axis(changes, order[..., None], axis=1)
        at = np.hstack([at, np.full((size, 1), np.inf)])
        at[np.arange(size), np.isfinite(at).sum(axis=1)] = last[:, 0]
        added = frozenset(media) if self._definition.in_body else frozenset[str]()
        return Stops(at, tuple(names), changes, added)

    def _volumes(self, settings: Mapping[str, FloatArray], size: int) -> FloatArray:
        """Of the compartment of each state; 1 for amounts and for what is no species."""
        known, volumes = self.engine.system.parameters, np.ones((size, len(self.engine.states)))
        for column, state in enumerate(self.engine.states):
            where = self._definition.compartment_of.get(state)
            if where is not None and state not in self._definition.amounts:
                volumes[:, column] = settings.get(where, known[where])
        return volumes

    def _starts(
        self, parameters: Mapping[str, FloatArray], size: int
    ) -> tuple[FloatArray, dict[str, FloatArray], dict[int, Exception]]:
        """Start values, the settings that come with them, and why a run has none."""
        if self._definition.foreign:
            return self._from_file(parameters, size)
        if not self._definition.has_loop:
            return np.zeros((size, len(self.engine.states))), {}, {}
        cell = self._model.cell
        rests, values, failed = cell.many.untreated(
            {n: v for n, v in parameters.items() if n in cell.definition.parameters},
            size,
            tuple(self._definition.computed.values()),
        )
        settings = dict(zip(self._definition.computed, values.T, strict=True))
        return self._around(rests, parameters), settings, failed

    def _around(self, rests: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Start values of what is around a cell, with the cell's own in their places."""
        cell = self._model.cell
        if cell is self._model:
            return rests
        starts = np.zeros((len(rests), len(self.engine.states)))
        inside = {name: i for i, name in enumerate(cell.many.engine.states)}
        for column, name in enumerate(self.engine.states):
            if name in inside:
                starts[:, column] = rests[:, inside[name]]
            elif name in self._definition.starts:
                of = self._definition.starts[name]
                starts[:, column] = parameters.get(of, self._definition.parameters[of].value)
            else:
                starts[:, column] = self._definition.rate_variables.get(name, 0.0)
        return starts

    def untreated(
        self, parameters: Mapping[str, FloatArray], size: int, quantities: Sequence[str]
    ) -> tuple[FloatArray, FloatArray, dict[int, Exception]]:
        """Untreated states of cells, a row for each, some quantities there, and why a cell has
        none."""
        kinds = self._definition.parameters
        moving = {
            name: values
            for name, values in parameters.items()
            if kinds[name].kind not in ("input", "computed")
        }
        if not moving:
            states, values, errors = self._rests({}, 1, quantities)
            whole = np.zeros(size, dtype=np.intp)
        else:
            table = np.column_stack([np.broadcast_to(v, size) for v in moving.values()])
            unique, whole = np.unique(table, axis=0, return_inverse=True)
            whole = whole.ravel()
            columns = dict(zip(moving, unique.T, strict=True))
            states, values, errors = self._rests(columns, len(unique), quantities)
        failed = {
            int(i): errors[int(whole[i])] for i in np.flatnonzero(np.isin(whole, list(errors)))
        }
        return states[whole], values[whole], failed

    def _from_file(
        self, parameters: Mapping[str, FloatArray], size: int
    ) -> tuple[FloatArray, dict[str, FloatArray], dict[int, Exception]]:
        found = self._model.starts.of(parameters) or {}  # the engine has formulas for all of them
        values = {name: np.broadcast_to(value, size) for name, value in found.items()}
        states = np.column_stack([values[name] for name in self.engine.states])
        return states, {n: v for n, v in values.items() if n not in self.engine.states}, {}

    def _rests(
        self, moving: Mapping[str, FloatArray], size: int, quantities: Sequence[str]
    ) -> tuple[FloatArray, FloatArray, dict[int, Exception]]:
        """Untreated states, some quantities there, and why a cell has none.

        A cell without drug and damage has one state at rest, so Newton steps from the usual cell
        find it. Where they do not, RoadRunner looks.
        """
        seeds, errors = self._seeds(moving, size), dict[int, Exception]()
        near = self._usual + (seeds - self._seeds({}, 1))
        found = self.engine.rest(moving, near, self._definition.counters)
        states = found.states
        values = self._values(moving, states, quantities)
        for i in found.failures:
            try:
                changed = {name: float(column[i]) for name, column in moving.items()}
                state, values[i] = self._model.untreated_state(
                    changed, self.engine.states, quantities
                )
                states[i] = state
            except Exception as error:  # as on RoadRunner: any error is its own point's row
                errors[i] = error
                states[i] = near[i]
        return states, values, errors

    @cached_property
    def _usual(self) -> FloatArray:
        """The untreated state of the model as it is."""
        seed = self._seeds({}, 1)
        stops = Stops(np.array([[_SETTLING_TIME]]), (), np.empty((1, 0, 0)))
        near = self.engine.integrate(
            {}, seed, self._volumes({}, 1), stops, np.array([_SETTLING_TIME]), self.engine.states
        )
        rest = self.engine.rest({}, near.values[:, :, 0], self._definition.counters)
        if near.failures or rest.failures:  # as far as it is known
            return self._model.untreated_state({}, self.engine.states, ())[0][None]
        return rest.states

    def _seeds(self, moving: Mapping[str, FloatArray], size: int) -> FloatArray:
        """Where a cell starts before it has come to rest."""
        kinds, seeds = self._definition.parameters, np.zeros((size, len(self.engine.states)))
        for state, name in self._definition.starts.items():
            seeds[:, self.engine.states.index(state)] = moving.get(name, kinds[name].value)
        return seeds

    def _values(
        self, moving: Mapping[str, FloatArray], states: FloatArray, quantities: Sequence[str]
    ) -> FloatArray:
        """Of species and derived quantities, a column for each."""
        system = self.engine.system
        known = {**system.parameters, **moving}
        known |= {name: states[:, i] for i, name in enumerate(system.states)}
        nodes = [system.derived.get(n, system.expressions.symbol(n)) for n in quantities]
        found = [np.broadcast_to(one, len(states)) for one in system.values(nodes, known)]
        return np.column_stack(found) if found else np.empty((len(states), 0))
