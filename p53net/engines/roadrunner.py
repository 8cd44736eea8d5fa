"""libRoadRunner as an engine: SBML compiled once, then run after run from the same clean state.

Every run starts with `resetToOrigin`, sets all that it needs and never relies on what ran before.
Doses are exact: the integrator stops at each dose time and starts again.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from time import perf_counter
from typing import NamedTuple

import numpy as np
import roadrunner
from numpy.typing import NDArray

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
from p53net.errors import ModelError, P53NetError, SimulationError, TimeLimitError
from p53net.model.definition import Definition
from p53net.model.external import assigned_of, deciding, switch_times, with_parameters

roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
# The integrator logs warnings to stdout, which belongs to the user's data. What stops a run is
# raised as an error as well.
for _level in ("WARNING", "ERROR"):
    os.environ.setdefault(f"SUNLOGGER_{_level}_FILENAME", os.devnull)
# Without this a second live instance of the same SBML shares compiled code with the first and
# can lose its time-dependent inputs.
roadrunner.Config.setValue(roadrunner.Config.LOADSBMLOPTIONS_RECOMPILE, True)

_VERSION = version("libroadrunner")  # read now: a process for strangers' models opens no files
_MOST_STEPS = 100_000
_TOO_CLOSE = 1e-12  # of the last time, or h: points that are one
_STARTS_KEPT = 256  # start values of external models that are remembered


class RoadRunner:
    """One compiled model. A lock keeps threads apart."""

    capabilities = Capabilities(together=False, threads=False)

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        self.deadline = np.inf
        self._definition, self._tolerances = definition, tolerances
        self._lock = threading.RLock()
        self._from_file = dict[tuple[tuple[str, float], ...], dict[str, float]]()

    @property
    def label(self) -> str:
        """Name and version."""
        return f"roadrunner {_VERSION}"

    @property
    def states(self) -> tuple[str, ...]:
        """What has a start value, in its order; what has a rate of its own comes last."""
        return self._compiled.species

    def ready(self) -> None:
        """Compile."""
        _ = self._compiled

    def integrate(self, problem: Problem) -> Runs:
        """All runs, one after the other."""
        values = np.full((len(problem), len(problem.outputs), problem.times.shape[-1]), np.nan)
        errors: dict[int, P53NetError] = {}
        with self._lock:
            for i, start in enumerate(problem.starts):
                try:
                    values[i] = self._run(problem, i, start).T
                except (SimulationError, TimeLimitError) as error:
                    errors[i] = error
        return Runs(values, errors, np.full(len(problem), np.nan))

    def rest(self, cells: Cells, *, near: bool, stable: bool = True) -> AtRest:
        """States at rest, one after the other."""
        with self._lock:
            self._compiled.deadline = self.deadline
            self._compiled.tolerate(self._tolerances)
            return settling.at_rest(self._compiled, cells, near, stable)

    def file_starts(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Start values of an external model as RoadRunner computes them, for changed parameters.

        A model with these parameters in it is compiled for this: nothing else is sure to follow
        them. Of what the file computes from others, only what is moved is here.
        """
        key = tuple(sorted(changed.items()))
        if key not in self._from_file:
            sbml = with_parameters(self._definition.sbml, changed)
            fresh = _loaded(sbml, self._definition.id)
            names = [*self.states, *assigned_of(self._definition.sbml)]
            if len(self._from_file) >= _STARTS_KEPT:
                self._from_file.pop(next(iter(self._from_file)))
            self._from_file[key] = {
                name: float(fresh[self._compiled.shown.get(name, name)])
                for name in names
                if name not in changed
            }
        return self._from_file[key]

    def _run(self, problem: Problem, i: int, start: FloatArray) -> FloatArray:
        """Outputs of one run, a row for each time."""
        parameters, times = problem.row(i), problem.grid(i)
        model, end = self._compiled, float(times[-1])
        model.deadline = self.deadline
        model.tolerate(problem.tolerances or self._tolerances)
        model.prepare(parameters, start)
        model.select(problem.outputs)
        events = problem.events
        at = [float(time) for time in events.times[i] if time <= end]
        if not at and end > 0.0:  # the usual run: one constant dose
            return _finite(model.looking(parameters, times)[:, 1:], self._definition.id)
        rows = np.empty((len(times), len(problem.outputs)))
        for number, (begin, stop) in enumerate(zip([0.0, *at], [*at, end], strict=True)):
            if number:
                model.change(events, i, number - 1)
            inside = (times >= begin) & ((times < stop) | (number == len(at)))
            wanted = times[inside]
            if begin == stop:  # a dose at the very end shows in the last row
                rows[inside] = model.values_now()
                continue
            table = model.advance(np.unique([begin, *wanted, stop]))
            rows[inside] = table[np.searchsorted(table[:, 0], wanted), 1:]
        return _finite(rows, self._definition.id)

    @cached_property
    def _compiled(self) -> "_Compiled":
        return _Compiled(self._definition, self._tolerances)


class _Looks(NamedTuple):
    """Where a run is looked at, which most runs of a sweep share."""

    decided: list[float | None]
    """Values of what decides when something switches."""
    times: FloatArray
    points: FloatArray
    """These times, and those of looks in between."""
    places: NDArray[np.intp]
    """Of the times among the points."""


class _Compiled:
    """An instance of RoadRunner, and how it is put into a state and followed."""

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        self.deadline = np.inf
        self._selected: tuple[str, ...] | None = None
        self._looks: _Looks | None = None
        self._deciding = deciding(definition)
        self._is_fresh = True
        self.name = definition.id
        self._definition, self._tolerances = definition, tolerances
        self._compile(definition.sbml)
        own = *self._model.getFloatingSpeciesIds(), *definition.rate_variables
        self.species = definition.states if definition.external else own
        self._in_reactions = len(self.species) - len(definition.rate_variables)
        self.shown = {n: f"[{n}]" for n in definition.species if n not in definition.amounts}
        """How RoadRunner calls a concentration; without brackets it gives the amount."""
        self.resting = np.array([name not in definition.counters for name in self.species])
        self._compartments = set(definition.compartment_of.values())
        self._constant = {
            name: definition.parameters[name].value
            for name in self.shown
            if name in definition.parameters
        }
        self._origin = np.array(
            [float(self._runner[self.shown.get(n, n)]) for n in self.species if definition.external]
        )
        """Where states begin in the file: a reset puts them there."""

    def prepare(self, parameters: Mapping[str, float], start: FloatArray) -> None:
        """Begin anew with these parameters, from this state."""
        text, fixed = self._text, self._definition.fixed_at_reset
        if fixed:
            given = dict(parameters)
            if self._definition.equilibrium is not None:  # then runs do not begin as the file says
                given = {**dict(zip(self.species, start.tolist(), strict=True)), **given}
            text = with_parameters(self._definition.sbml, given)
        if text != self._text or (self._definition.delayed and not self._is_fresh):
            self._compile(text)
        if not self._definition.delayed:
            self._runner.resetToOrigin()
        self._is_fresh = False
        if fixed:
            return
        places, values = list[int](), list[float]()
        rated = zip(self.species[self._in_reactions :], start[self._in_reactions :], strict=True)
        for name, value in (*parameters.items(), *rated):
            if name in self._places:
                places.append(self._places[name])
                values.append(value)
            elif name not in self.shown:  # a compartment
                self._runner[name] = value
        self._model.setGlobalParameterValues(np.array(places, dtype=np.int32), np.array(values))
        if not self._definition.external:
            self.put(start[: self._in_reactions])
            return
        given = self._given(parameters, start)
        for name in sorted(given, key=self.shown.__contains__):  # volumes before concentrations
            if name not in self._places or name in self.species:
                self._runner[self.shown.get(name, name)] = given[name]

    def _given(self, parameters: Mapping[str, float], start: FloatArray) -> dict[str, float]:
        """What to set after a reset, which has set most states: but volumes move concentrations."""
        moved = {self.species[k]: float(start[k]) for k in np.flatnonzero(start != self._origin)}
        if self._compartments.isdisjoint((*moved, *parameters)):
            return {**moved, **parameters}
        given = {**dict(zip(self.species, start.tolist(), strict=True)), **parameters}
        if self._compartments.isdisjoint(parameters):
            return given
        return {**self._constant, **given}  # a constant species keeps its concentration

    def tolerate(self, tolerances: Tolerances) -> None:
        """Integrate with these from the next start on."""
        if tolerances != self._tolerances:
            self._tolerances = tolerances
            self._tighten()

    def put(self, state: FloatArray) -> None:
        """Move to a state [nM]."""
        self._model.setFloatingSpeciesConcentrations(state)

    def change(self, events: DosingEvents, run: int, number: int) -> None:
        """What an event of a run does."""
        for name, value in zip(events.names, events.values[run, number], strict=True):
            if not np.isnan(value):
                shown = self.shown.get(name, name)
                before = self._runner[shown] if name in events.added else 0.0
                self._runner[shown] = before + value

    def select(self, outputs: tuple[str, ...]) -> None:
        """What rows show after the time."""
        if outputs != self._selected:
            self._runner.selections = ["time", *(self.shown.get(n, n) for n in outputs)]
            self._selected = outputs

    def follow(self, begin: float, end: float) -> FloatArray:
        """The state after following the cell from where it is."""
        self.select(())
        self.advance(np.array([begin, end]))
        return np.array(self._model.getFloatingSpeciesConcentrations())

    def rates(self, state: FloatArray) -> FloatArray:
        """Rates of change in nM/h."""
        self.put(state)
        return np.array(self._model.getFloatingSpeciesConcentrationRates())

    def values(self, quantities: Sequence[str]) -> FloatArray:
        """Of species and derived quantities, now."""
        return np.array([self._runner[self.shown.get(name, name)] for name in quantities])

    def values_now(self) -> list[float]:
        """What was selected, as it stands."""
        return [self._runner[name] for name in self._runner.selections[1:]]

    def looking(self, parameters: Mapping[str, float], times: FloatArray) -> FloatArray:
        """Rows at `times`, with looks in between where an external model compares the time."""
        if not self._definition.switches:
            return self.advance(times)
        decided = [parameters.get(name) for name in self._deciding]
        known = self._looks
        if known is None or known.decided != decided or not np.array_equal(known.times, times):
            looks = switch_times(self._definition, parameters, float(times[-1]))
            points = np.union1d(times, looks)
            known = self._looks = _Looks(decided, times, points, np.searchsorted(points, times))
        return self.advance(known.points)[known.places]

    def advance(self, points: FloatArray) -> FloatArray:
        """Rows at `points`. CVODE refuses steps of rounding errors, such as from a dose at 0.3 h to
        a third tenth of an hour: such a point has the row of the one before."""
        far = points[1:] - points[:-1] > _TOO_CLOSE * max(1.0, points[-1])
        if not far.any():
            return np.array([[time, *self.values_now()] for time in points])
        if not far.all():
            apart = np.append(True, far)
            table = np.asarray(self.advance(points[apart])[np.cumsum(apart) - 1])
            table[:, 0] = points
            return table
        try:
            table = self._runner.simulate(times=points.tolist())
            if perf_counter() > self.deadline:
                raise TimeLimitError(f"{self.name}: the time limit is over")
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise SimulationError(
                f"{self.name}: integration failed between {points[0]:g} h and "
                f"{points[-1]:g} h; check doses and parameters for extreme values ({reason[:300]})"
            ) from None
        return np.array(table)

    def _compile(self, sbml: str) -> None:
        runner = _loaded(sbml, self._definition.id)
        self._model, self._runner = runner.model, runner  # a model must not outlive its runner
        self._text = sbml
        self._places = {name: i for i, name in enumerate(self._model.getGlobalParameterIds())}
        self._selected = None
        self._runner.integrator.maximum_num_steps = _MOST_STEPS
        self._tighten()
        self._is_fresh = True

    def _tighten(self) -> None:
        integrator = self._runner.integrator
        integrator.relative_tolerance = self._tolerances.relative
        integrator.absolute_tolerance = self._tolerances.absolute


def _finite(rows: FloatArray, name: str) -> FloatArray:
    if not np.isfinite(rows).all():
        raise SimulationError(f"{name}: the run gave values that are not finite")
    return rows


def _loaded(sbml: str, name: str) -> "roadrunner.RoadRunner":
    try:
        with _no_properties():
            return roadrunner.RoadRunner(sbml)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"RoadRunner cannot run {name}; simplify it: {reason}") from None


@contextlib.contextmanager
def _no_properties() -> Iterator[None]:
    """Load without properties for ids. RoadRunner sets them on its class, where a parameter that
    is called `reset` or `model` takes the place of the method for all models of the process."""
    switch = roadrunner.Config.ROADRUNNER_DISABLE_PYTHON_DYNAMIC_PROPERTIES
    before = roadrunner.Config.getValue(switch)
    roadrunner.Config.setValue(switch, True)
    try:
        yield
    finally:
        roadrunner.Config.setValue(switch, before)
