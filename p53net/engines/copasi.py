"""COPASI as an engine: SBML imported once, LSODA run after run from the same clean state.

An integrator, a reader of SBML and rates of its own: a second opinion on the other engines. Every
run sets all values that could have changed, so none relies on what ran before. Parts are found by
SBML id: COPASI's own names are those that people see, and need not differ.

The same inputs give the same bytes on one engine. Two engines of one model may differ as much as
their tolerance allows, for COPASI adds up rates in an order that each import draws anew.
"""

from collections.abc import Mapping, Sequence
from time import perf_counter

import numpy as np

from p53net.engines import settling
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
from p53net.engines.copasi_parts import COPASI, LOCK, Parts, line, messages
from p53net.errors import (
    ModelError,
    P53NetError,
    SimulationError,
    TimeLimitError,
)
from p53net.model.definition import Definition
from p53net.model.external import assigned_of, switch_times, with_parameters

_MOST_STEPS = 100_000
_TOO_CLOSE = 1e-12  # of the last time, or h: points that are one
_NEAR = 1e-8  # of the last time, or h: COPASI stops at an event beside a point instead of at it
_STARTS_KEPT = 256  # start values of external models that are remembered


class Copasi:
    """One imported model. A lock, common to all, keeps threads apart."""

    capabilities = Capabilities(together=False, threads=False)

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        self.deadline = np.inf
        self._definition, self._tolerances = definition, tolerances
        self._from_file = dict[tuple[tuple[str, float], ...], dict[str, float]]()
        with LOCK, messages():
            self._cell = _Imported(definition, tolerances)

    @property
    def label(self) -> str:
        """Name and version."""
        return f"copasi {COPASI.__version__}"

    @property
    def states(self) -> tuple[str, ...]:
        """What has a start value; what has a rate of its own comes last."""
        return self._cell.states

    def ready(self) -> None:
        """Nothing: a model is imported when the engine is made."""

    def integrate(self, problem: Problem) -> Runs:
        """All runs, one after the other."""
        values = np.full((len(problem), len(problem.outputs), problem.times.shape[-1]), np.nan)
        errors: dict[int, P53NetError] = {}
        with LOCK, messages():
            for i, start in enumerate(problem.starts):
                try:
                    values[i] = self._run(problem, i, start).T
                except P53NetError as error:
                    errors[i] = error
        return Runs(values, errors, np.full(len(problem), np.nan))

    def rest(self, cells: Cells, *, near: bool, stable: bool = True) -> AtRest:
        """States at rest, one after the other."""
        with LOCK, messages():
            self._cell.deadline = self.deadline
            self._cell.tolerate(self._tolerances)
            return settling.at_rest(self._cell, cells, near, stable)

    def file_starts(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Start values of an external model as COPASI computes them, for changed parameters: those
        of a model that is imported with these in it. Constant species are among them, for what is
        given as an amount follows the volume."""
        key = tuple(sorted(changed.items()))
        if key not in self._from_file:
            sbml = with_parameters(self._definition.sbml, changed)
            constant = set(self._definition.species) & self._definition.parameters.keys()
            names = [*self.states, *assigned_of(self._definition.sbml), *sorted(constant)]
            with LOCK, messages():
                fresh = Parts(sbml, self._definition)
                found = {name: fresh.initial(name) for name in names
                         if name not in changed and name in fresh.all}  # fmt: skip
            if len(self._from_file) >= _STARTS_KEPT:
                self._from_file.pop(next(iter(self._from_file)))
            self._from_file[key] = found
        return self._from_file[key]

    def _run(self, problem: Problem, i: int, start: FloatArray) -> FloatArray:
        """Outputs of one run, a row for each time."""
        parameters, times = problem.row(i), problem.grid(i)
        cell, events, end = self._cell, problem.events, float(times[-1])
        cell.deadline = self.deadline
        cell.tolerate(problem.tolerances or self._tolerances)
        cell.prepare(parameters, start)
        looks = np.empty(0)
        if self._definition.switches:  # between steps, COPASI too would miss a short window
            looks = np.array(switch_times(self._definition, parameters, end))
        at = [float(time) for time in events.times[i] if time <= end]
        rows = np.empty((len(times), len(problem.outputs)))
        for number, (begin, stop) in enumerate(zip([0.0, *at], [*at, end], strict=True)):
            if number:
                cell.change(events, i, number - 1)
            inside = (times >= begin) & ((times < stop) | (number == len(at)))
            wanted = times[inside]
            between = looks[(looks > begin) & (looks < stop)]
            points = np.unique([begin, *wanted, *between, stop])
            table = cell.advance(points, problem.outputs)
            rows[inside] = table[np.searchsorted(points, wanted)]
        if not np.isfinite(rows).all():
            raise SimulationError(f"{self._definition.id}: the run gave values that are not finite")
        return rows


class _Imported:
    """A model in COPASI that is put into a state and followed."""

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        self.deadline = np.inf
        self.name = definition.id
        self._definition, self._tolerances = definition, tolerances
        self._import(definition.sbml)
        moved = COPASI.CModelEntity.Status_REACTIONS
        self.states = definition.states or (
            *(name for name, one in self._parts.species.items() if one.getStatus() == moved),
            *definition.rate_variables,
        )
        self.resting = np.array([name not in definition.counters for name in self.states])

    def tolerate(self, tolerances: Tolerances) -> None:
        """Integrate with these from the next start on."""
        self._tolerances, method = tolerances, self._task.getMethod()
        # COPASI takes the absolute one times the volume, or times the start value if that is less:
        # it is one of concentrations.
        method.getParameter("Relative Tolerance").setDblValue(tolerances.relative)
        method.getParameter("Absolute Tolerance").setDblValue(tolerances.absolute)

    def prepare(self, parameters: Mapping[str, float], start: FloatArray) -> None:
        """Begin anew with these parameters, from this state."""
        if self._parts.fixed:
            sbml = with_parameters(self._definition.sbml, parameters)
            if sbml != self._text:
                self._import(sbml)
        given = {**self._defaults, **dict(zip(self.states, start, strict=True)), **parameters}
        species, model = self._parts.species, self._parts.model
        for name, value in given.items():
            if name in species:
                species[name].setInitialConcentration(float(value))
            elif name in self._parts.all:  # else a stoichiometry, which the import worked out
                self._parts.all[name].setInitialValue(float(value))
        model.updateInitialValues(COPASI.CCore.Framework_Concentration, False)
        amounts = [name for name in self._definition.amounts if name in given]
        if amounts:  # now that volumes are known
            for name in amounts:
                volume = species[name].getCompartment().getInitialValue()
                species[name].setInitialConcentration(float(given[name]) / volume)
            model.updateInitialValues(COPASI.CCore.Framework_Concentration, False)
        self._math.applyInitialValues()
        self._show()

    def put(self, state: FloatArray) -> None:
        """Move to a state [nM]."""
        for name, value in zip(self.states, state, strict=True):
            self._move(name, float(value))
        self._math.fetchState()
        self._show()

    def change(self, events: DosingEvents, run: int, number: int) -> None:
        """What an event of a run does."""
        for name, value in zip(events.names, events.values[run, number], strict=True):
            if not np.isnan(value):
                before = self._value(name) if name in events.added else 0.0
                self._move(name, before + float(value))
        self._math.fetchState()
        self._show()

    def follow(self, begin: float, end: float) -> FloatArray:
        """The state after following the cell from where it is."""
        self.advance(np.array([begin, end]), ())
        return self.values(self.states)

    def rates(self, state: FloatArray) -> FloatArray:
        """Rates of change in nM/h."""
        self.put(state)
        return np.array([self._parts.all[n].getRate() / self._size(n) for n in self.states])

    def values(self, quantities: Sequence[str]) -> FloatArray:
        """Of species and derived quantities, now."""
        return np.array([self._value(name) for name in quantities])

    def advance(self, points: FloatArray, outputs: Sequence[str]) -> FloatArray:
        """Outputs at `points`, from where the model is, which is the first of them."""
        self._parts.need(outputs)
        apart = np.diff(points, prepend=-np.inf) > _TOO_CLOSE * max(1.0, points[-1])
        kept = points[apart]
        if len(kept) == 1:
            return np.array([self.values(outputs)] * len(points)).reshape(len(points), -1)
        self._look_at(kept[1:])
        with messages() as said:
            reached = self._task.processRaw(False)
        self._show()
        if perf_counter() > self.deadline:
            raise TimeLimitError(f"{self.name}: the time limit is over")
        if not reached:
            reason = line(said)
            raise SimulationError(
                f"{self.name}: integration failed between {points[0]:g} h and "
                f"{points[-1]:g} h; check doses and parameters for extreme values ({reason})"
            )
        return np.asarray(self._table(kept, outputs)[np.cumsum(apart) - 1])

    def _table(self, points: FloatArray, outputs: Sequence[str]) -> FloatArray:
        """What COPASI has noted, a row for each point; the first is where it began."""
        series = self._task.getTimeSeries()
        rows = range(series.getRecordedSteps())
        clock = np.array([series.getData(row, 0) for row in rows])
        near = _NEAR * max(1.0, float(points[-1]))
        if len(clock) != len(points) or np.abs(clock - points).max() > near:
            raise SimulationError(f"{self.name}: COPASI left out times that were asked for")
        columns = {series.getKey(i): i for i in range(1, series.getNumVariables())}
        table = np.empty((len(points), len(outputs)))
        for place, name in enumerate(outputs):
            column = columns.get(self._parts.all[name].getKey())
            if column is None:  # it is constant, though perhaps in a volume that is not
                table[:, place] = self._value(name)
                volume = columns.get(self._volume_of(name))
                if volume is not None:
                    sizes = np.array([series.getData(row, volume) for row in rows])
                    table[:, place] *= sizes[-1] / sizes
            elif name in self._definition.amounts:
                table[:, place] = [series.getData(row, column) for row in rows]
                table[:, place] /= self._parts.particles
            else:
                table[:, place] = [series.getConcentrationData(row, column) for row in rows]
        return table

    def _look_at(self, points: FloatArray) -> None:
        """Tell COPASI the times to come. Without being made ready again, its task would keep the
        old ones, and the table of the run before."""
        self._task.getProblem().setValues(" ".join(repr(float(point)) for point in points))
        with messages() as said:
            ready = self._task.initializeRaw(COPASI.CCopasiTask.ONLY_TIME_SERIES)
        if not ready:
            raise SimulationError(f"{self.name}: COPASI cannot begin: {line(said)}")

    def _show(self) -> None:
        """Bring all that follows from the state up to date, where it can be read."""
        self._math.updateSimulatedValues(False)
        self._math.updateTransientDataValues()
        self._math.pushAllTransientValues()

    def _size(self, name: str) -> float:
        """What turns a value as it is shown into what COPASI calculates with."""
        if name not in self._parts.species:
            return 1.0
        if name in self._definition.amounts:
            return self._parts.particles
        volume = float(self._parts.species[name].getCompartment().getValue())
        return volume * self._parts.particles

    def _volume_of(self, name: str) -> str:
        """COPASI's key of the volume of a concentration; "" of anything else."""
        if name not in self._parts.species or name in self._definition.amounts:
            return ""
        return str(self._parts.species[name].getCompartment().getKey())

    def _value(self, name: str) -> float:
        part = self._parts.all[name]
        if name not in self._parts.species:
            return float(part.getValue())
        if name in self._definition.amounts:
            return float(part.getValue()) / self._parts.particles
        return float(part.getConcentration())

    def _move(self, name: str, value: float) -> None:
        self._parts.all[name].setValue(value * self._size(name))

    def _import(self, sbml: str) -> None:
        parts = Parts(sbml, self._definition)
        self._parts, self._text = parts, sbml
        computed = COPASI.CModelEntity.Status_ASSIGNMENT
        own = {name: one for name, one in parts.all.items() if one.getStatus() != computed}
        self._defaults = {name: parts.initial(name) for name in own}
        with messages() as said:
            for one in own.values():  # every run gives all start values: none is computed again
                if one.getInitialExpression():
                    one.setInitialExpression("")
            sound = parts.model.compileIfNecessary()
        if not sound:
            raise ModelError(f"COPASI cannot run {self.name}; simplify it: {line(said)}")
        self._math = parts.model.getMathContainer()
        self._task = parts.data.getTask("Time-Course")
        self._task.setMethodType(COPASI.CTaskEnum.Method_deterministic)
        problem, method = self._task.getProblem(), self._task.getMethod()
        problem.setAutomaticStepSize(False)
        problem.setOutputEvent(False)
        problem.setTimeSeriesRequested(True)
        problem.setUseValues(True)
        method.getParameter("Max Internal Steps").setUIntValue(_MOST_STEPS)
        self.tolerate(self._tolerances)
