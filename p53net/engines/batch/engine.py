"""Many parameter sets of one model at once: generated code, vectors, one set in each lane.

What a set gives depends on the set alone: not on its lane, its neighbours, or how many there are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import (
    AtRest,
    Capabilities,
    Cells,
    DosingEvents,
    FloatArray,
    Problem,
    Runs,
    Tolerances,
)
from p53net.engines.batch import cost, driver
from p53net.engines.batch.clocks import clocks_of
from p53net.engines.batch.code import Compiled
from p53net.engines.batch.course import NO_NUMBER, TOO_MANY_EVENTS, followed
from p53net.engines.batch.driver import Driver
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.legs import JumpingCode
from p53net.engines.batch.locked import Locked
from p53net.engines.batch.machine import VERSION, Processor, processor
from p53net.engines.batch.nearby import Nearby
from p53net.engines.batch.needed import part_of
from p53net.engines.batch.outputs import Outputs
from p53net.engines.batch.pending import MOST_AT_ONCE
from p53net.engines.batch.stability import leaves
from p53net.engines.batch.steady import SETTLED
from p53net.engines.batch.stops import stops_of
from p53net.engines.settling import APPROACH_TIME, SETTLING_TIME
from p53net.errors import SimulationError, SteadyStateError
from p53net.model.definition import Definition
from p53net.model.expressions import Node
from p53net.model.rates import System, system_of
from p53net.model.symbols import TIME

MOST_STEPS = 100_000
"""Of one run."""

_LEAST_RELATIVE = 1e-14
_LOOSER = 100.0
"""Tolerances here over those that give RoadRunner (CVODE) the same error or a larger one."""

_NEGATIVE = -1e-6  # a state at rest below this is none
_NOTHING = 1e-12  # a state at rest below this is 0
Rows: TypeAlias = NDArray[np.intp]
_Groups: TypeAlias = Iterator[tuple[Rows, bool]]
"""Rows, and whether they have the exponents of the file."""

_WHY = {
    driver.TOO_MANY_STEPS: f"it takes more than {MOST_STEPS:,} steps",
    driver.TOO_SMALL_STEP: "its steps become too small",
    driver.NOT_FINITE: "its rates are not finite",
    TOO_MANY_EVENTS: f"more than {MOST_AT_ONCE:,} events happen at one time",
    NO_NUMBER: "a delay or a value that an event sets is no number",
}


class Batch:
    """One model's code. Several threads may use it at once."""

    capabilities = Capabilities(together=True, threads=True, tightening=0.1, locks=True)

    def __init__(
        self, definition: Definition, tolerances: Tolerances, target: Processor | None = None
    ) -> None:
        """Raises UnsupportedError where the model has a part without a formula, or is too large to
        compile."""
        self.deadline = np.inf
        self.system: System = system_of(definition.sbml)
        cost.check(self.system)
        self._jumps = bool(self.system.events or self.system.watched)
        # Runs whose events come at different times take steps of their own.
        self.capabilities = replace(self.capabilities, locks=not self._jumps)
        self._definition = definition
        self._tolerances = tolerances
        self._target = target or processor()
        self._exponents = _exponents(self.system)
        self._parts = dict[tuple[str, ...], System]()
        self._lock = Lock()
        self._jumping_codes = dict[tuple[tuple[str, ...], bool, bool], JumpingCode]()
        self._compiled = dict[tuple[tuple[str, ...], bool, type[Driver], bool], Compiled]()

    @property
    def label(self) -> str:
        """Name and version."""
        return f"batch, llvmlite {VERSION}"

    @property
    def states(self) -> tuple[str, ...]:
        """What has a start value, in the order of columns."""
        return self.system.states

    def ready(self) -> None:
        """Compile, which the first run would do."""
        if self._jumps:
            self._jumping(self.system, True)
        else:
            self._code(self.system, True)

    def integrate(self, problem: Problem) -> Runs:
        """All runs at once. Absolute tolerances are divided by the volume of each state."""
        return self._run(problem, Driver)

    @property
    def lanes(self) -> int:
        """Runs of a vector."""
        return self._target.lanes

    def integrate_locked(self, problem: Problem) -> Runs:
        """The same with one step for all runs of a vector: `lanes` rows, one after the other."""
        return self._run(problem, Locked)

    def _run(self, problem: Problem, kind: type[Driver]) -> Runs:
        part = self._part(problem.outputs)
        if self._jumps:
            return self._follow(part, problem)
        size, clocks = len(problem), clocks_of(problem, self.system)
        stops = stops_of(problem, self.system, clocks).of(part)
        table = self._table(problem.parameters, size)
        switches = [list(self.system.parameters).index(s.name) for s in self.system.switches]
        table[:, switches] = clocks.first
        outputs = Outputs(part, problem.outputs)
        columns = [self.states.index(name) for name in part.states]
        starts = problem.starts[:, columns]
        relative, absolute = self._wanted(problem)
        absolute = absolute[:, columns]
        times = problem.times
        curves = np.empty((size, len(outputs.ends), times.shape[-1]))
        status, steps = np.empty(size), np.empty(size)
        changing = bool(self._exponents & set(stops.names))
        grouped = self._vectors if kind is Locked else self._groups

        def run(rows: Rows, burnt: bool, floored: bool) -> None:
            own = times if times.ndim == 1 else times[rows]
            code = self._code(part, burnt, kind, floored)
            curves[rows], status[rows], steps[rows] = code.integrate(
                table[rows], starts[rows], absolute[rows], relative, stops.rows(rows), own,
                outputs, MOST_STEPS,
            )  # fmt: skip

        _twice(run, grouped(table, changing), status)

        def changed() -> dict[str, FloatArray]:
            return stops.histories(tuple(part.parameters), table, times)

        values = outputs.values(part, curves, table, changed, times)
        return _runs(values, status, steps)

    def _wanted(self, problem: Problem) -> tuple[float, FloatArray]:
        """Relative tolerance of all runs, and absolute ones (run, state)."""
        wanted = problem.tolerances or self._tolerances
        relative = max(wanted.relative * _LOOSER, _LEAST_RELATIVE)
        return relative, wanted.absolute * _LOOSER / self._volumes(problem)

    def _follow(self, part: System, problem: Problem) -> Runs:
        """Runs with events, or with rates that jump."""
        size, times = len(problem), problem.times
        table = self._table(problem.parameters, size)
        outputs = Outputs(part, problem.outputs)
        columns = [self.states.index(name) for name in part.states]
        relative, absolute = self._wanted(problem)
        values = np.empty((size, len(problem.outputs), times.shape[-1]))
        status, steps = np.empty(size), np.empty(size)
        set_ = {name for event in part.events for name in event.settings}
        changing = bool(self._exponents & {*set_, *problem.events.names})

        def run(rows: Rows, burnt: bool, floored: bool) -> None:
            own = times if times.ndim == 1 else times[rows]
            at = np.ix_(rows, np.array(columns, dtype=np.intp))
            values[rows], status[rows], steps[rows] = followed(
                self._jumping(part, burnt, floored), table[rows], problem.starts[at], absolute[at],
                relative, problem.events.of(rows), own, outputs, MOST_STEPS,
            )  # fmt: skip

        _twice(run, self._groups(table, changing), status)
        return _runs(values, status, steps)

    def rest(self, cells: Cells, *, near: bool, stable: bool = True) -> AtRest:
        """Stable states at rest, by Newton steps in all lanes."""
        hours = SETTLING_TIME if stable else APPROACH_TIME
        starts = cells.starts if near else self._followed(cells, hours)
        table = self._table(cells.parameters, len(starts))
        states, largest = np.empty_like(starts), np.empty(len(starts))
        failures: dict[int, str] = {}
        unstable = "the cell moves away from its rest"
        for rows, burnt in self._groups(table):
            code = self._code(self.system, burnt)
            resting = self._resting(code.kernel.states)
            found, slopes, largest[rows] = code.rest(table[rows], starts[rows], resting)
            states[rows] = found[:, : starts.shape[1]]
            if stable:
                moving = leaves(code.entries, slopes, resting)
                failures |= dict.fromkeys(rows[moving].tolist(), unstable)
        settled = (largest < SETTLED**2) & (states.min(axis=1) > _NEGATIVE)
        failures |= dict.fromkeys(np.flatnonzero(~settled).tolist(), "no rest was found")
        states = np.where(states < _NOTHING, 0.0, states)
        values = self._values(cells, states)
        return AtRest(states, values, {i: SteadyStateError(why) for i, why in failures.items()})

    def beside(self, cells: Cells, of: NDArray[np.intp]) -> AtRest:
        """States at rest of cells that differ little from others of them, which are at rest. `of`
        is the row of each cell's other one; in that it is its own."""
        table, others = self._table(cells.parameters, len(of)), np.unique(of)
        size = len(self.states)
        jacobians = np.zeros((len(others), size, size))
        for rows, burnt in self._groups(table[others]):
            code = self._code(self.system, burnt)
            resting = self._resting(code.kernel.states)
            _, slopes, _ = code.rest(table[others[rows]], cells.starts[others[rows]], resting)
            own = (code.entries < size).all(axis=1)  # without the clock
            jacobians[rows[:, None], *code.entries[own].T] = slopes[:, own]
        states = self._nearby.states(table, cells.starts, of, jacobians)
        why = SteadyStateError("its state at rest does not follow from that beside it")
        lost = np.flatnonzero(~np.isfinite(states).all(axis=1))
        states = np.where(states < _NOTHING, 0.0, states)
        with np.errstate(all="ignore"):
            values = self._values(cells, states)
        return AtRest(states, values, dict.fromkeys(lost.tolist(), why))

    def file_starts(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Nothing: all that this engine runs has formulas for its start values."""
        return {}

    def _resting(self, states: Sequence[str]) -> NDArray[np.bool_]:
        """Which of them come to rest."""
        never = {*self._definition.counters, TIME}
        return np.array([name not in never for name in states])

    @cached_property
    def _nearby(self) -> Nearby:
        return Nearby(self.system, self._resting(self.states))

    def _followed(self, cells: Cells, hours: float) -> FloatArray:
        """States after some time; where that fails, NaN, from which no steps lead anywhere."""
        size = len(cells.starts)
        nothing = DosingEvents.none(size)
        problem = Problem(cells.parameters, cells.starts, np.array([hours]), self.states, nothing)
        return self.integrate(problem).values[:, :, 0]

    def _values(self, cells: Cells, states: FloatArray) -> FloatArray:
        """Of species and derived quantities, a column for each."""
        system = self.system
        known = {**system.parameters, **cells.parameters}
        known |= {name: states[:, i] for i, name in enumerate(system.states)}
        nodes = [system.formula(name) for name in cells.quantities]
        found = [np.broadcast_to(one, len(states)) for one in system.values(nodes, known)]
        return np.column_stack(found) if found else np.empty((len(states), 0))

    def _volumes(self, problem: Problem) -> FloatArray:
        """Of the compartment of each state at the start; 1 for amounts and for what is no
        species."""
        system, volumes = self.system, np.ones((len(problem), len(self.states)))
        for column, state in enumerate(self.states):
            where = self._definition.compartment_of.get(state)
            if where is None or state in self._definition.amounts:
                continue
            if where in system.parameters:
                volumes[:, column] = problem.parameters.get(where, system.parameters[where])
            else:  # it moves
                known = {**system.parameters, **problem.parameters, TIME: 0.0}
                known |= {name: problem.starts[:, i] for i, name in enumerate(system.states)}
                volumes[:, column] = system.values([system.formula(where)], known)[0]
        return volumes

    def _table(self, parameters: Mapping[str, FloatArray], size: int) -> FloatArray:
        """All parameters of all runs."""
        table = np.tile(np.array(list(self.system.parameters.values())), (size, 1))
        places = {name: i for i, name in enumerate(self.system.parameters)}
        for name, values in parameters.items():
            table[:, places[name]] = values
        return table

    def _groups(self, table: FloatArray, changing: bool = False) -> _Groups:
        """Rows with the exponents of the file, which are products there, and the others."""
        own = self._as_in_file(table, changing)
        for chosen, burnt in ((own, True), (~own, False)):
            if chosen.any():
                yield np.flatnonzero(chosen), burnt

    def _vectors(self, table: FloatArray, changing: bool = False) -> _Groups:
        """The same of whole vectors, for which all lanes take one step."""
        own = self._as_in_file(table, changing).reshape(-1, self.lanes).all(axis=1)
        for chosen, burnt in ((own, True), (~own, False)):
            if chosen.any():
                yield np.flatnonzero(np.repeat(chosen, self.lanes)), burnt

    def _as_in_file(self, table: FloatArray, changing: bool) -> NDArray[np.bool_]:
        """Which rows have the exponents of the file."""
        names = [name for name in self.system.parameters if name in self._exponents]
        places = [list(self.system.parameters).index(name) for name in names]
        usual = np.array([self.system.parameters[name] for name in names])
        return np.asarray((table[:, places] == usual).all(axis=1) & (not changing))

    def _part(self, outputs: tuple[str, ...]) -> System:
        """What has to be integrated for these."""
        if outputs not in self._parts:
            self._parts[outputs] = part_of(self.system, outputs)
        return self._parts[outputs]

    def _code(
        self, part: System, burnt: bool, kind: type[Driver] = Driver, floored: bool = False
    ) -> "Compiled":
        """Of a part of the model, with the exponents of the file in it or not."""
        burnt = burnt or not self._exponents
        key = part.states, burnt, kind, floored
        with self._lock:  # or each of several threads would compile
            if key not in self._compiled:
                exponents = {n: self.system.parameters[n] for n in self._exponents if burnt}
                self._compiled[key] = Compiled(part, exponents, self._target, kind, floored=floored)
        return self._compiled[key]

    def _jumping(self, part: System, burnt: bool, floored: bool = False) -> JumpingCode:
        """Of a part of a model with events, or with rates that jump."""
        burnt = burnt or not self._exponents
        key = part.states, burnt, floored
        with self._lock:
            if key not in self._jumping_codes:
                exponents = {n: self.system.parameters[n] for n in self._exponents if burnt}
                self._jumping_codes[key] = JumpingCode(
                    Jumps(part), exponents, self._target, floored=floored
                )
        return self._jumping_codes[key]


def _twice(run: Callable[[Rows, bool, bool], None], groups: _Groups, status: FloatArray) -> None:
    """All runs; those whose rates are not finite once more, with floored code: stages of a step may
    be below zero by less than counts, where powers have no value, and slopes may have none."""
    for rows, burnt in groups:
        run(rows, burnt, False)
        lost = rows[status[rows] == driver.NOT_FINITE]
        if len(lost):
            run(lost, burnt, True)


def _runs(values: FloatArray, status: FloatArray, steps: FloatArray) -> Runs:
    """Runs by what has become of each."""
    failures = {int(i): _WHY[int(status[i])] for i in np.flatnonzero(status)}
    for i in np.flatnonzero(~np.isfinite(values).all(axis=(1, 2))):
        failures.setdefault(int(i), _WHY[driver.NOT_FINITE])
    values[list(failures)] = np.nan
    return Runs(values, {i: SimulationError(why) for i, why in failures.items()}, steps)


def _exponents(system: System) -> frozenset[str]:
    """Parameters in exponents that are not numbers."""
    found, seen = set[str](), set[Node]()
    waiting = [*system.rates]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.kind == "power":
            found |= system.expressions.symbols(node.parts[1][0])
        waiting += [part for part, _ in node.parts]
    return frozenset(found & system.parameters.keys())
