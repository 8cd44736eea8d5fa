"""libRoadRunner as the engine: SBML compiled once, then run after run from the same clean state.

Every run starts with `resetToOrigin`, sets all that it needs and never relies on what ran before.
Doses are exact: the integrator stops at each dose time and starts again.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import roadrunner
from numpy.typing import NDArray

from p53net.engines.runs import FloatArray, Segment, Tolerances
from p53net.errors import ModelError, SimulationError, SteadyStateError, TimeLimitError
from p53net.model.definition import Definition
from p53net.model.foreign import assigned_of, switch_times, with_parameters

roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
# The integrator logs warnings to stdout, which belongs to the user's data. What stops a run is
# raised as an error as well.
for _level in ("WARNING", "ERROR"):
    os.environ.setdefault(f"SUNLOGGER_{_level}_FILENAME", os.devnull)
# Without this a second live instance of the same SBML shares compiled code with the first and
# can lose its time-dependent inputs.
roadrunner.Config.setValue(roadrunner.Config.LOADSBMLOPTIONS_RECOMPILE, True)

SETTLING_TIME = 2000.0
"""Hours after which a cell is at rest: at default values a thousand of its slowest half-lives."""

_APPROACH_TIME = 200.0  # h
_NEWTON_STEPS = 100
_FIRST_DAMPING = 0.5  # 1/h, of the first step from a state of another parameter set
_DAMPING = 1e-2  # 1/h, below the rate of nearly every process
_LEAST_DAMPING = 1e-5
_SETTLED = 1e-10  # largest relative Newton step at the end
_SAME_STATE = 1e-2  # integration and Newton must agree to this fraction
_STILL = 1e-6  # 1/h: growth faster than this leaves the state; conserved totals have none
_LIFETIMES = 30.0  # of the slowest process until it has settled
_SMALL = 1e-6  # nM: below this, differences do not count
_NOTHING = 1e-12  # nM: a billionth of a molecule in a cell is none
_TOO_CLOSE = 1e-12  # of the last time, or h: points that are one
_STARTS_KEPT = 256  # start values of foreign models that are remembered


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


class RoadRunnerEngine:
    """One compiled model. Not for use from several threads at once."""

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        self.deadline = np.inf
        """When `perf_counter` passes this, the next integration is a TimeLimitError."""
        self._definition, self._tolerances = definition, tolerances
        self._compile(definition.sbml)
        self.species = definition.states or (
            *self._model.getFloatingSpeciesIds(),
            *definition.rate_variables,
        )
        """What has a start value, in its order; what has a rate of its own comes last."""
        self._in_reactions = len(self.species) - len(definition.rate_variables)
        self._shown = {n: f"[{n}]" for n in definition.species if n not in definition.amounts}
        """How RoadRunner calls a concentration; without brackets it gives the amount."""
        self._from_file = dict[tuple[tuple[str, float], ...], dict[str, float]]()
        self._resting = np.array([s not in definition.counters for s in self.species])

    def integrate(
        self,
        parameters: Mapping[str, float],
        start: FloatArray,
        segments: Sequence[Segment],
        times: FloatArray,
        variables: Sequence[str],
    ) -> FloatArray:
        """Values of `variables`, one row for each of `times` [h]; concentrations in nM.

        `start` holds the concentrations of `species` at the first segment's start. A row at the
        time of a dose shows the medium after the dose.
        """
        self._prepare(parameters, start)
        runner = self._runner
        chosen = ["time", *(self._shown.get(v, v) for v in variables)]
        if chosen != runner.selections:
            runner.selections = chosen
        rows = np.empty((len(times), len(variables)))
        for number, segment in enumerate(segments):
            for name, value in segment.settings.items():
                runner[f"[{name}]"] = value
            for name, value in segment.additions.items():
                runner[f"[{name}]"] = runner[f"[{name}]"] + value
            last = number == len(segments) - 1
            if last and not number and times[-1] > times[0]:  # the usual run: one constant dose
                rows = self._looking(parameters, times)[:, 1:]
                break
            inside = (times >= segment.start) & ((times < segment.end) | last)
            wanted = times[inside]
            if segment.start == segment.end:  # a dose at the very end shows in the last row
                rows[inside] = self._values_now()
                continue
            table = self._advance(np.unique([segment.start, *wanted, segment.end]))
            rows[inside] = table[np.searchsorted(table[:, 0], wanted), 1:]
        if not np.isfinite(rows).all():
            raise SimulationError(f"{self._definition.id}: the run gave values that are not finite")
        return rows

    def starts(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Start values of a foreign model as RoadRunner computes them, for changed parameters.

        A model with these parameters in it is compiled for this: nothing else is sure to follow
        them. Of what the file computes from others, only what is moved is here.
        """
        key = tuple(sorted(changed.items()))
        if key not in self._from_file:
            sbml = with_parameters(self._definition.sbml, changed)
            fresh = _loaded(sbml, self._definition.id)
            names = [*self.species, *assigned_of(self._definition.sbml)]
            if len(self._from_file) >= _STARTS_KEPT:
                self._from_file.pop(next(iter(self._from_file)))
            self._from_file[key] = {
                name: float(fresh[self._shown.get(name, name)])
                for name in names
                if name not in changed
            }
        return self._from_file[key]

    def look(
        self, parameters: Mapping[str, float], state: FloatArray, quantities: Sequence[str] = ()
    ) -> tuple[FloatArray, FloatArray]:
        """Rates of change of `species` [nM/h] in a given state, and some quantities there."""
        self._prepare(parameters, state)
        return self._rates(state), self._values(quantities)

    def rest_near(
        self,
        parameters: Mapping[str, float],
        near: FloatArray,
        still: FloatArray,
        quantities: Sequence[str] = (),
    ) -> tuple[FloatArray, FloatArray] | None:
        """A stable state at rest [nM] near a given one, and some quantities there, if found.

        It is `near` itself where the rates there are, bit for bit, those of another cell at rest,
        `still`; otherwise Newton steps lead to it, with conserved totals as in `near`. Only for a
        model with one state at rest, such as a cell without drug: nothing shows here that the cell
        would come to this one.
        """
        self._prepare(parameters, near)
        state = near
        if not np.array_equal(self._rates(near), still):
            try:
                state, jacobian = self._rest(near, _FIRST_DAMPING)
                speeds = self._solved(np.linalg.eigvals, jacobian).real
            except SteadyStateError:
                return None
            if speeds.max() > _STILL:
                return None
            state = np.where(state < _NOTHING, 0.0, state)
            self._model.setFloatingSpeciesConcentrations(state)
        return state, self._values(quantities)

    def steady_state(
        self, parameters: Mapping[str, float], start: FloatArray, stable: bool = True
    ) -> FloatArray:
        """Concentrations of `species` at rest [nM], reached from `start` without further input.

        Integration brings the state near, pseudo-transient Newton steps bring it to rest; they
        keep conserved totals at those of `start`. Raises SteadyStateError where the steps do not
        converge, or, unless `stable` is False, where the cell would not stay in the state or
        integration, for as long as the slowest process needs, does not come near it.
        """
        self._prepare(parameters, start)
        self._runner.selections = ["time"]
        # A pulsing cell comes no nearer with time; a short way finds the state it pulses round.
        try:
            self._advance(np.array([0.0, SETTLING_TIME if stable else _APPROACH_TIME]))
        except SimulationError:
            if not stable:
                raise
            self._prepare(parameters, start)
            self._advance(np.array([0.0, _APPROACH_TIME]))  # fails too if it is not for pulses
            raise SteadyStateError(
                f"{self._definition.id}: the cell does not come to rest within "
                f"{SETTLING_TIME:,.0f} h: it pulses; check the parameters that were changed"
            ) from None
        integrated = np.array(self._model.getFloatingSpeciesConcentrations())
        state, jacobian = self._rest(integrated)
        if stable:
            speeds = self._solved(np.linalg.eigvals, jacobian).real
            leaves = bool(speeds.max() > _STILL)
            needed = _LIFETIMES / float(np.abs(speeds[np.abs(speeds) > _STILL]).min())
            if needed > SETTLING_TIME and not leaves:  # slow, and perhaps still on its way
                self._model.setFloatingSpeciesConcentrations(integrated)
                with contextlib.suppress(SimulationError):  # it pulses: too many steps to follow
                    self._advance(np.array([SETTLING_TIME, SETTLING_TIME + needed]))
                    integrated = np.array(self._model.getFloatingSpeciesConcentrations())
                    state, _ = self._rest(integrated)
            apart = np.abs(state - integrated)[self._resting]
            far = apart > _SAME_STATE * (np.abs(state)[self._resting] + _SMALL)
            if leaves or far.any():
                raise SteadyStateError(
                    f"{self._definition.id}: the cell does not come to rest: it pulses, or moves "
                    "away; simulate it, and check the parameters that were changed"
                )
        return np.where(state < _NOTHING, 0.0, state)

    def _compile(self, sbml: str) -> None:
        runner = _loaded(sbml, self._definition.id)
        self._model, self._runner = runner.model, runner  # a model must not outlive its runner
        self._compiled = sbml
        self._places = {name: i for i, name in enumerate(self._model.getGlobalParameterIds())}
        integrator = self._runner.integrator
        integrator.relative_tolerance = self._tolerances.relative
        integrator.absolute_tolerance = self._tolerances.absolute
        integrator.maximum_num_steps = 100_000

    def _prepare(self, parameters: Mapping[str, float], start: FloatArray) -> None:
        if self._definition.fixed_at_reset:
            sbml = with_parameters(self._definition.sbml, parameters)
            if sbml != self._compiled:
                self._compile(sbml)
            self._runner.resetToOrigin()
            return
        self._runner.resetToOrigin()
        places, values = list[int](), list[float]()
        rated = zip(self.species[self._in_reactions :], start[self._in_reactions :], strict=True)
        for name, value in (*parameters.items(), *rated):
            if name in self._places:
                places.append(self._places[name])
                values.append(value)
            elif name not in self._shown:  # a compartment
                self._runner[name] = value
        self._model.setGlobalParameterValues(np.array(places, dtype=np.int32), np.array(values))
        if not self._definition.foreign:
            self._model.setFloatingSpeciesConcentrations(start[: self._in_reactions])
            return
        given = {**dict(zip(self.species, start, strict=True)), **parameters}
        for name in sorted(given, key=self._shown.__contains__):  # volumes before concentrations
            if name not in self._places or name in self.species:
                self._runner[self._shown.get(name, name)] = given[name]

    def _looking(self, parameters: Mapping[str, float], times: FloatArray) -> FloatArray:
        """Rows at `times`, with looks in between where a foreign model compares the time."""
        if not self._definition.switches:
            return self._advance(times)
        looks = switch_times(self._definition, parameters, float(times[-1]))
        points = np.union1d(times, looks)
        return self._advance(points)[np.searchsorted(points, times)]

    def _values_now(self) -> list[float]:
        """What was selected, as it stands."""
        return [self._runner[name] for name in self._runner.selections[1:]]

    def _advance(self, points: FloatArray) -> FloatArray:
        """Rows at `points`. CVODE refuses steps of rounding errors, such as from a dose at 0.3 h to
        a third tenth of an hour: such a point has the row of the one before."""
        apart = np.diff(points, prepend=-np.inf) > _TOO_CLOSE * max(1.0, points[-1])
        if apart.sum() == 1:
            return np.array([[time, *self._values_now()] for time in points])
        if not apart.all():
            table = np.asarray(self._advance(points[apart])[np.cumsum(apart) - 1])
            table[:, 0] = points
            return table
        try:
            table = self._runner.simulate(times=points)
            if perf_counter() > self.deadline:
                raise TimeLimitError(f"{self._definition.id}: the time limit is over")
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise SimulationError(
                f"{self._definition.id}: integration failed between {points[0]:g} h and "
                f"{points[-1]:g} h; check doses and parameters for extreme values ({reason[:300]})"
            ) from None
        return np.array(table)

    def _rest(self, near: FloatArray, damping: float = _DAMPING) -> tuple[FloatArray, FloatArray]:
        """The state at rest near a given one, and the Jacobian [1/h] there, without counters.

        Steps repeat with one Jacobian as long as they shrink, for it costs as much as thirty of
        them.
        """
        state = near.copy()
        # What is absent and is not made stays so: with no drug, half of the species.
        moving = self._resting & ((state != 0.0) | (self._rates(state) != 0.0))
        size, inverse, fresh = np.inf, None, False
        for _ in range(_NEWTON_STEPS):
            if inverse is None:
                jacobian = self._jacobian(state, moving)
                # The damping makes the system regular along conserved totals, where rates are
                # zero. Too little would blow up rounding errors there into a drift of the totals,
                # so it is lowered only where a slow process needs it.
                system = damping * np.eye(len(jacobian)) - jacobian
                inverse, fresh = self._solved(np.linalg.inv, system), True
            rates = self._rates(state)[moving]
            if not np.isfinite(rates).all():  # a step has left what the rates are defined for
                size = np.inf
                break
            change = inverse @ rates
            state[moving] += change
            before, size = size, np.max(np.abs(change) / (np.abs(state[moving]) + _SMALL))
            if damping > _DAMPING:
                damping, inverse = _DAMPING, None
            elif size > before / 2:
                if fresh and size < _SETTLED:  # rounding stops further progress
                    break
                if fresh:
                    damping = max(damping / 3.0, _LEAST_DAMPING)
                inverse = None
            fresh = False
        awake = self._rates(state)[self._resting & ~moving].any()
        if size > _SETTLED or np.min(state) < -_SMALL or awake:
            raise SteadyStateError(
                f"{self._definition.id}: no steady state was found; the parameter set may pulse "
                "or drift: simulate it, and check the parameters that were changed"
            )
        return state, self._jacobian(state, self._resting)

    def _solved(
        self, solver: Callable[[FloatArray], NDArray[Any]], matrix: FloatArray
    ) -> NDArray[Any]:
        try:
            return solver(matrix)
        except np.linalg.LinAlgError as error:
            raise SteadyStateError(
                f"{self._definition.id}: no steady state was found ({error}); check the "
                "parameters that were changed for extreme values"
            ) from None

    @np.errstate(invalid="ignore", over="ignore")  # what is not finite is found by the caller
    def _jacobian(self, state: FloatArray, of: NDArray[np.bool_]) -> FloatArray:
        """Derivatives of the rates of some species with respect to the same [1/h]."""
        places = np.flatnonzero(of)
        rates = self._rates(state)
        jacobian = np.empty((len(places), len(places)))
        for column, place in enumerate(places):
            nudge = 1e-6 * max(abs(state[place]), 1e-3)
            moved = state.copy()
            moved[place] += nudge
            jacobian[:, column] = ((self._rates(moved) - rates) / nudge)[places]
        return jacobian

    def _values(self, quantities: Sequence[str]) -> FloatArray:
        """Of species and derived quantities, now."""
        return np.array([self._runner[self._shown.get(name, name)] for name in quantities])

    def _rates(self, state: FloatArray) -> FloatArray:
        """Rates of change in nM/h."""
        self._model.setFloatingSpeciesConcentrations(state)
        return np.array(self._model.getFloatingSpeciesConcentrationRates())
