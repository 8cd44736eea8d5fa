"""A model that runs: time courses and steady states as labelled tables with units."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing import Dose, Doses, as_dose, finite_number, same_courses
from p53net.engines import FloatArray, Segment, Tolerances
from p53net.errors import (
    InputError,
    P53NetError,
    SimulationError,
    SteadyStateError,
    UnsupportedError,
    unknown_name,
)
from p53net.model import GENERIC, OBSERVABLES, Definition, define, drug_names

if TYPE_CHECKING:
    from p53net.engines.roadrunner import RoadRunnerEngine
    from p53net.many import ManyRuns
    from p53net.model.foreign import Starts

VERSION = version("p53net")
MOST_POINTS = 1_000_000
"""Longest table that one run may ask for."""

_INPUTS = {
    "feedback": "it is an argument: feedback=False opens the loop",
    "closed_dish": "it follows from the dose: pn.closed(10.0, medium_volume=1000)",
}
ENGINES = ("roadrunner", "batch", "auto")
_MANY = 500  # runs from which on the batch engine is worth its compilation
_STARTS_KEPT = 256  # untreated states remembered for each model


class Model:
    """The MDM2-p53 loop in one cell line with the modules of its drugs, ready to run.

    Made by `load`, or by `read_sbml` from a file that is not ours: then without drugs and loop,
    and with the units of the file. Runs are pure: the same inputs give the same numbers, whatever
    ran before. One model is not for use from several threads at once; a lock keeps that safe, and
    slow.
    """

    def __init__(self, definition: Definition, tolerances: Tolerances = Tolerances()) -> None:  # noqa: B008 - frozen
        self.definition = definition
        self.tolerances = tolerances
        self._untreated: dict[
            tuple[tuple[str, float], ...], tuple[FloatArray, float] | P53NetError
        ] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        if self.definition.foreign:
            return f"<p53net model: {self.definition.id}, read from a file>"
        drugs = " + ".join(self.definition.drugs) or "no drug"
        return f"<p53net model: {drugs}, cell line {self.definition.cell_line}>"

    @property
    def parameters(self) -> pd.DataFrame:
        """Every parameter: id, value, unit, source, kind (measured, assumed, fitted; input and
        computed for what belongs to a run; file for what was read from one)."""
        rows = self.definition.parameters
        return pd.DataFrame(
            {
                "id": list(rows),
                "value": [row.value for row in rows.values()],
                "unit": [row.unit for row in rows.values()],
                "source": [row.source for row in rows.values()],
                "kind": [row.kind for row in rows.values()],
            }
        )

    def simulate(
        self,
        times: ArrayLike,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        observables: Sequence[str] | None = None,
        engine: str = "roadrunner",
    ) -> xr.Dataset:
        """A time course from the untreated steady state of this very parameter set.

        A model that was read from a file starts from the file's own start values instead, has
        neither doses nor feedback to open, and keeps the file's units, of time too.

        `times` [h] start at 0 and rise strictly. `doses` map a drug to nM in the medium: a number
        is constant; see `pulse`, `schedule`, `closed`. `parameters` override values by id.
        `feedback=False` holds the MDM2 P2 promoter at its untreated activity. `observables` limit
        what comes back; by default all read-outs, species and derived quantities. `engine` is
        "roadrunner" or "batch", which is made for many runs; "auto" is RoadRunner for one. A model
        or run that the batch engine cannot take goes to RoadRunner, and the attribute `engine`
        says why.

        Returns a Dataset over `time` [h], concentrations in nM, start values at time 0 (with the
        medium after the first dose). Raises InputError, UnknownNameError, SteadyStateError,
        SimulationError.
        """
        grid = checked_times(times)
        given = self.checked_doses(doses)
        variables = self.checked_observables(observables)
        changed = self.checked_parameters(parameters)
        self.check_run(given, changed, feedback, float(grid[-1]))
        chosen, said = self.chosen_engine(engine)
        if chosen == "batch":
            table, why = self._batch_curves(grid, given, changed, variables, feedback)
        else:
            table, why = self.curves(grid, given, changed, variables, feedback=feedback), ""
        data = {name: ("time", table[:, i], self._about(name)) for i, name in enumerate(variables)}
        return xr.Dataset(
            data,
            coords={
                "time": ("time", grid, {"units": self.definition.time_unit, "long_name": "time"})
            },
            attrs={**self._provenance(given, changed, feedback), "engine": said + why},
        )

    def chosen_engine(self, wanted: str, runs: int = 1) -> tuple[str, str]:
        """The engine for so many runs, and what to say of it. Raises InputError."""
        if wanted not in ENGINES:
            raise InputError(f"engine is {wanted!r}, but must be one of {', '.join(ENGINES)}")
        reference, why = self.run_settings["engine"], ""
        if wanted == "batch" or (wanted == "auto" and runs > _MANY):
            try:
                return "batch", f"batch, llvmlite {self.many.engine.version}"
            except UnsupportedError as error:
                why = f" instead of batch, which cannot run {error}"
        return "roadrunner", reference + why

    @cached_property
    def many(self) -> "ManyRuns":
        """Many runs at once. Raises UnsupportedError where the model has a part without formula."""
        from p53net.many import ManyRuns

        return ManyRuns(self)

    def _batch_curves(
        self,
        times: FloatArray,
        doses: Mapping[str, Dose],
        parameters: Mapping[str, float],
        variables: Sequence[str],
        feedback: bool,
    ) -> tuple[FloatArray, str]:
        """The curves of one run, and what to say where RoadRunner had to do it."""
        columns = {name: np.array([value]) for name, value in parameters.items()}
        runs = self.many.run(times, same_courses(doses), columns, variables, feedback=feedback)
        for error in runs.errors.values():
            raise error
        for why in runs.unfinished.values():
            table = self.curves(times, doses, parameters, variables, feedback=feedback)
            return table, f" gave up, {why}; run by {self.run_settings['engine']}"
        return np.ascontiguousarray(runs.values[0].T), ""

    def curves(
        self,
        times: FloatArray,
        doses: Mapping[str, Dose],
        parameters: Mapping[str, float],
        variables: Sequence[str],
        *,
        feedback: bool = True,
    ) -> FloatArray:
        """What `simulate` returns as a bare array, a row for each time and a column for each of
        `variables`; for loops that have checked their inputs before."""
        with self._lock:
            setting, start = self._start(parameters, doses, feedback)
            segments = self._segments(doses, float(times[-1]))
            return self._engine.integrate(setting, start, segments, times, variables)

    def untreated_state(
        self, changed: Mapping[str, float], states: Sequence[str]
    ) -> tuple[FloatArray, float]:
        """What a run of these parameters starts from [nM], by RoadRunner, and its P2 activity."""
        with self._lock:
            state, activity = self._untreated_state(changed)
            found = dict(zip(self._engine.species, state, strict=True))
        return np.array([found[name] for name in states]), activity

    def set_deadline(self, seconds: float) -> None:
        """Stop integrations that end later than this from now with a TimeLimitError."""
        self._engine.deadline = perf_counter() + seconds

    def steady_state(
        self,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        stable: bool = True,
    ) -> xr.Dataset:
        """The state at rest, untreated or under a constant dose: scalars with units.

        Counters, which never rest, are left out. Raises SteadyStateError where there is none;
        `stable=False` also accepts a state at rest from which a pulsing cell moves away.
        """
        if self.definition.foreign:
            raise InputError(
                f"{self.definition.id} was read from a file, which says where it starts but not "
                "that it comes to rest; simulate it for long, and look"
            )
        given = self.checked_doses(doses)
        for drug, dose in given.items():
            if not dose.is_constant:
                raise InputError(
                    f"dose of {drug}: a steady state needs a constant dose, not {dose}; "
                    "give a number, or simulate"
                )
        changed = self.checked_parameters(parameters)
        self.check_run(given, changed, feedback)
        with self._lock:
            setting, start = self._start(changed, given, feedback)
            state = self._with_medium(start, self._segments(given, 1.0)[0])
            rest = self._engine.steady_state(setting, state, stable)
            names = [n for n in self.definition.variables if n not in self.definition.counters]
            values = self._engine.integrate(
                setting, rest, [Segment(0.0, 1.0, {})], np.array([0.0]), names
            )[0]
        return xr.Dataset(
            {
                name: ((), value, self._about(name))
                for name, value in zip(names, values, strict=True)
            },
            attrs=self._provenance(given, changed, feedback),
        )

    def sbml(
        self,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
    ) -> str:
        """SBML of one run: start values are the untreated steady state, later doses are events.

        Of a model that was read from a file: that model, with the changed parameters in it.
        """
        from p53net.model.sbml import Event, with_values

        given, changed = self.checked_doses(doses), self.checked_parameters(parameters)
        self.check_run(given, changed, feedback)
        if self.definition.foreign:
            from p53net.model.foreign import with_parameters

            return with_parameters(self.definition.sbml, changed)
        with self._lock:
            setting, start = self._start(changed, given, feedback)
            first = self._segments(given, np.inf)[0]
            state = self._with_medium(start, first)
            values = dict(zip(self._engine.species, map(float, state), strict=True))
        events = [
            Event(time, f"{self.definition.drugs[drug]}_medium", nanomolar)
            for drug, dose in given.items()
            for time, nanomolar in dose.steps[1:]
        ]
        return with_values(self.definition.sbml, setting, values, events)

    def check_run(
        self,
        doses: Mapping[str, Dose],
        parameters: Mapping[str, float],
        feedback: bool,
        end: float = np.inf,
    ) -> None:
        """Raise InputError where checked inputs do not go together, in a run until `end` [h]."""
        for drug, dose in doses.items():
            if dose.steps[-1][0] > end:
                raise InputError(
                    f"dose of {drug}: it changes at {dose.steps[-1][0]:g} h, after the run ends at "
                    f"{end:g} h; simulate longer or end the dose earlier"
                )
        if not isinstance(feedback, bool | np.bool_):
            raise InputError(f"feedback is {feedback!r}, but must be True or False (opened)")
        if self.definition.foreign and not feedback:
            raise InputError(
                f"feedback=False, but {self.definition.id} was read from a file and has no loop "
                "that could be opened; leave feedback out, and change parameters instead"
            )
        if "medium" in parameters and any(dose.closed for dose in doses.values()):
            raise InputError(
                "parameter medium is set beside a closed dish, which sets it by medium_volume; "
                "leave one out"
            )

    @property
    def run_settings(self) -> dict[str, str]:
        """Engine, tolerances and version: with the inputs, enough to repeat a run."""
        return {
            "engine": f"roadrunner {version('libroadrunner')}",
            "tolerances": f"relative {self.tolerances.relative:g}, "
            f"absolute {self.tolerances.absolute:g}{'' if self.definition.foreign else ' zmol'}",
            "version": VERSION,
        }

    @cached_property
    def _engine(self) -> "RoadRunnerEngine":
        from p53net.engines.roadrunner import RoadRunnerEngine

        return RoadRunnerEngine(self.definition, self.tolerances)

    def _start(
        self, changed: Mapping[str, float], doses: Mapping[str, Dose], feedback: bool
    ) -> tuple[dict[str, float], FloatArray]:
        """All parameters of a run that differ from the file, and the untreated state."""
        if self.definition.foreign:
            return self._file_start(changed)
        state, activity = self._untreated_state(changed)
        volumes = {dose.medium_volume for dose in doses.values() if dose.closed}
        setting = {
            "P2_activity_held": activity,
            **changed,
            "feedback": float(feedback),
            **({"closed_dish": 1.0, "medium": float(volumes.pop() or 0.0)} if volumes else {}),
        }
        return setting, state

    @cached_property
    def starts(self) -> "Starts":
        """Of a model that was read from a file: what it starts from."""
        from p53net.model.foreign import Starts

        return Starts(self.definition)

    def _file_start(self, changed: Mapping[str, float]) -> tuple[dict[str, float], FloatArray]:
        """What a run of a foreign model sets, and its start values, as the file gives them."""
        values = self.starts.of(changed)
        if values is None:
            values = self._engine.starts(changed)
        for name, value in values.items():
            if not np.isfinite(value):
                raise InputError(
                    f"{name} starts at {value} with these parameters; correct what it depends on"
                )
        states = self._engine.species
        setting = {name: value for name, value in values.items() if name not in states}
        return {**setting, **changed}, np.array([values[name] for name in states])

    def _untreated_state(self, changed: Mapping[str, float]) -> tuple[FloatArray, float]:
        """Start concentrations of an undamaged cell without drug, and its P2 activity."""
        kinds = self.definition.parameters
        moving = {n: v for n, v in changed.items() if kinds[n].kind not in ("input", "computed")}
        key = tuple(sorted(moving.items()))
        if key not in self._untreated:
            if len(self._untreated) >= _STARTS_KEPT:
                self._untreated.pop(next(iter(self._untreated)))
            try:
                self._untreated[key] = self._untreated_rest(moving)
            except (SteadyStateError, SimulationError) as error:  # as slow to find out again
                self._untreated[key] = error
        found = self._untreated[key]
        if isinstance(found, P53NetError):
            raise found.with_traceback(None)
        return found

    def _untreated_rest(self, moving: Mapping[str, float]) -> tuple[FloatArray, float]:
        """The state at rest without drug or damage, by the shortest way that is safe.

        Parameters that leave every rate of the usual cell at rest as it is, bit for bit, leave it
        at rest. Others start Newton steps there: a cell without drug and damage has one state at
        rest. Where the steps do not end in a stable state, the cell is integrated.
        """
        engine, seed, activity = self._engine, self._seed(moving), "P2_activity_closed"
        if self._usual is not None:
            usual, still, usual_seed = self._usual
            near = usual + (seed - usual_seed)  # totals that never change, as in the seed
            if (found := engine.rest_near(moving, near, still, activity)) is not None:
                return found
        state = engine.steady_state(moving, seed)
        return state, engine.look(moving, state, activity)[1]

    @cached_property
    def _usual(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """The untreated state of the model as it is, if it has one, the rates [nM/h] there, and
        the seed that led to it."""
        seed = self._seed({})
        try:
            state = self._engine.steady_state({}, seed)
        except SteadyStateError:
            return None
        return state, self._engine.look({}, state, "P2_activity_closed")[0], seed

    def _seed(self, changed: Mapping[str, float]) -> FloatArray:
        """Where integration starts to look for the untreated state."""
        starts, kinds = self.definition.starts, self.definition.parameters
        seed = {name: changed.get(of, kinds[of].value) for name, of in starts.items()}
        return np.array([seed.get(species, 0.0) for species in self._engine.species])

    def _with_medium(self, start: FloatArray, segment: Segment) -> FloatArray:
        pairs = zip(self._engine.species, start, strict=True)
        return np.array([segment.settings.get(name, float(value)) for name, value in pairs])

    def _segments(self, doses: Mapping[str, Dose], end: float) -> list[Segment]:
        changes: dict[float, dict[str, float]] = {0.0: {}}
        for drug, dose in doses.items():
            for time, nanomolar in dose.steps:
                medium = f"{self.definition.drugs[drug]}_medium"
                changes.setdefault(time, {})[medium] = nanomolar
        starts = sorted(time for time in changes if time <= end)
        ends = [*starts[1:], end]
        return [
            Segment(begin, stop, changes[begin]) for begin, stop in zip(starts, ends, strict=True)
        ]

    def checked_doses(self, doses: Mapping[str, Doses] | None) -> dict[str, Dose]:
        """Doses as a user gives them, by the drugs' own names. Raises InputError."""
        if doses is None:
            return {}
        if not isinstance(doses, Mapping):
            raise InputError(
                f"doses is {doses!r}, but must map drug names to nM; write {{'milademetan': 100.0}}"
            )
        given: dict[str, Dose] = {}
        for name, dose in doses.items():
            drug = self._drug(name)
            if drug in given:
                raise InputError(f"{drug} is dosed twice, as '{name}' too; give one dose for it")
            given[drug] = as_dose(dose, drug)
        if len({dose.medium_volume for dose in given.values()}) > 1:
            raise InputError(
                "one drug is in a closed dish and the other is not, or in another volume; "
                "both share the medium: give both with pn.closed and one medium_volume"
            )
        return given

    def _drug(self, name: str) -> str:
        if self.definition.foreign:
            raise InputError(
                f"dose of {name}: {self.definition.id} was read from a file and has no drugs; "
                "change its parameters instead"
            )
        own = self.definition.drug_names
        if isinstance(name, str) and name.strip().casefold() in own:
            return own[name.strip().casefold()]
        if isinstance(name, str) and name.strip().casefold() in (known := drug_names()):
            drug = known[name.strip().casefold()]
            has = ", ".join(self.definition.drugs) or "no drug"
            raise InputError(
                f"dose of {drug}: this model has {has}; load it with "
                f"pn.load({', '.join(repr(d) for d in (*self.definition.drugs, drug))})"
            )
        raise unknown_name("drug", name, self.definition.drugs or set(drug_names().values()))

    def checked_parameters(self, parameters: Mapping[str, float] | None) -> dict[str, float]:
        """Parameters as a user gives them, as floats. Raises InputError, UnknownNameError."""
        if parameters is None:
            return {}
        if not isinstance(parameters, Mapping):
            raise InputError(
                f"parameters is {parameters!r}, but must map ids to numbers; "
                "write {'k_deg_p53': 0.1}"
            )
        known = self.definition.parameters
        for name, value in parameters.items():
            if name not in known:
                raise unknown_name("parameter", name, known)
            if name in _INPUTS:
                raise InputError(f"parameter {name} cannot be set: {_INPUTS[name]}")
            number = finite_number(
                value, f"parameter {name}", known[name].unit, negative=self.definition.foreign
            )
            if number == 0 and name in self.definition.divisors:
                raise InputError(f"parameter {name} is 0, but the model divides by it; give more")
        return {name: float(value) for name, value in parameters.items()}

    def checked_observables(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Names of what a run returns, each once. Raises InputError, UnknownNameError."""
        if names is None:
            return self.definition.variables
        if not isinstance(names, Iterable):
            raise InputError(f"observables is {names!r}, but must be a list of names")
        chosen = [names] if isinstance(names, str) else list(names)
        if not chosen:
            raise InputError("observables is empty; name at least one, or leave it out for all")
        for name in chosen:
            if name not in self.definition.variables:
                raise unknown_name("observable", name, self.definition.variables)
        return tuple(dict.fromkeys(chosen))

    def _about(self, name: str) -> dict[str, str]:
        unit = self.definition.units[name]
        if self.definition.foreign:
            return {"units": unit, "long_name": self.definition.names.get(name, name)}
        unit = {"per_hour": "1/h", "dimensionless": "1"}.get(unit, unit)
        return {"units": unit, "long_name": OBSERVABLES.get(name, name)}

    def _provenance(
        self, doses: Mapping[str, Dose], changed: Mapping[str, float], feedback: bool
    ) -> dict[str, str]:
        if self.definition.foreign:
            return {
                "model": self.definition.id,
                "parameters": json.dumps(dict(changed)),
                "model_sha256": self.definition.sha256,
                **self.run_settings,
            }
        return {
            "model": self.definition.id,
            "drugs": ", ".join(self.definition.drugs),
            "cell_line": self.definition.cell_line,
            "doses": json.dumps({drug: str(dose) for drug, dose in doses.items()}),
            "parameters": json.dumps(dict(changed)),
            "feedback": "closed" if feedback else "open",
            "model_sha256": self.definition.sha256,
            **self.run_settings,
        }


def load(
    *names: str,
    cell_line: str = GENERIC,
    drugs: str | Path | None = None,
    cell_lines: str | Path | None = None,
) -> Model:
    """The loop in `cell_line`, alone or with one inhibitor, one degrader or both.

    Names and synonyms are those of `p53net list`, in any case; `drugs` and `cell_lines` are
    tab-separated tables with more rows. Raises UnknownNameError, InputError, TableError.
    """
    return Model(define(*names, cell_line=cell_line, drugs=drugs, cell_lines=cell_lines))


def read_sbml(path: str | Path) -> Model:
    """The model in an SBML file that is not ours, of Level 2 or 3, ready to simulate and sweep.

    Runs begin at the start values of the file and follow its events and rules. `simulate` returns
    species (amounts where the file says `hasOnlySubstanceUnits`, else concentrations), variables of
    assignment rules and of rate rules, one value for each time, in the units of the file: `times`
    are in its unit of time. Parameters, compartments and constant species can be changed, and start
    values that depend on them follow. There are no doses, no feedback to open and no steady state.

    Only the file itself is read, at most 20 MiB. Raises InputError for a file that cannot be read,
    ModelError for one that is not sound SBML, or that has packages, fast reactions, algebraic
    rules, delays, reactions without rates or quantities without values.
    """
    from p53net.model.foreign import read_definition

    definition = read_definition(path)
    return Model(definition, Tolerances(absolute=Tolerances().absolute * definition.scale))


def checked_times(times: ArrayLike) -> FloatArray:
    """Times [h] as an array that starts at 0 and rises. Raises InputError."""
    try:
        if isinstance(times, str | Mapping | Set | np.ma.MaskedArray):
            raise TypeError
        raw = np.asarray(times)
        if raw.dtype.kind not in "iuf":
            raise TypeError
        grid = raw.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"times must be numbers [h], not {str(times)[:60]!r}") from None
    if grid.ndim != 1 or grid.size < 2:
        raise InputError("times must be a list of at least two numbers [h], starting at 0")
    if grid.size > MOST_POINTS:
        raise InputError(f"times has {grid.size:,} points; at most {MOST_POINTS:,} are allowed")
    if not np.isfinite(grid).all():
        raise InputError("times contains NaN or infinity; give finite hours")
    if grid[0] != 0.0:
        raise InputError(
            f"times starts at {grid[0]:g} h, but every run starts at 0; put 0 first and cut later"
        )
    if (np.diff(grid) <= 0).any():
        where = int(np.argmax(np.diff(grid) <= 0))
        raise InputError(
            f"times must rise strictly, but {grid[where + 1]:g} h follows {grid[where]:g} h; "
            "sort them and drop repeats"
        )
    return grid
