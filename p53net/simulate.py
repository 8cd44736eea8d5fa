"""A model that runs: time courses and steady states as labelled tables with units."""

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing import Given, same_courses
from p53net.engines import FloatArray, Segment, Tolerances
from p53net.errors import InputError, UnsupportedError
from p53net.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_observables,
    checked_parameters,
    checked_times,
)
from p53net.model import OBSERVABLES, OUTSIDE, Definition, define, shown_unit

if TYPE_CHECKING:
    from p53net.engines.roadrunner import RoadRunnerEngine
    from p53net.many import ManyRuns
    from p53net.model.foreign import Starts
    from p53net.untreated import Untreated

VERSION = version("p53net")
ENGINES = ("roadrunner", "batch", "auto")
_MANY = 500  # runs from which on the batch engine is worth its compilation


class Model:
    """The MDM2-p53 loop in one cell line with the modules of its drugs, ready to run: in a dish, or
    in a tumour or the marrow of a host.

    Made by `load`, or by `read_sbml` from a file that is not ours: then without drugs and loop,
    and with the units of the file. Runs are pure: the same inputs give the same numbers, whatever
    ran before. One model is not for use from several threads at once; a lock keeps that safe, and
    slow.
    """

    def __init__(self, definition: Definition, tolerances: Tolerances = Tolerances()) -> None:  # noqa: B008 - frozen
        self.definition = definition
        self.tolerances = tolerances
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        if self.definition.foreign:
            return f"<p53net model: {self.definition.id}, read from a file>"
        drugs = " + ".join(self.definition.drugs) or "no drug"
        if self.definition.in_body:
            where = f", {self.definition.system} of a {self.definition.host}"
        else:
            where = "" if self.definition.system == "dish" else f", {self.definition.system}"
        line = f", cell line {self.definition.cell_line}" if self.definition.has_loop else ""
        return f"<p53net model: {drugs}{where}{line}>"

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
        is constant; see `pulse`, `schedule`, `closed`. In a body they are masses: see `regimen`.
        `parameters` override values by id.
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
        given = checked_doses(self.definition, doses)
        variables = checked_observables(self.definition, observables)
        changed = checked_parameters(self.definition, parameters)
        check_run(self.definition, given, changed, feedback, float(grid[-1]))
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
        doses: Mapping[str, Given],
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
        doses: Mapping[str, Given],
        parameters: Mapping[str, float],
        variables: Sequence[str],
        *,
        feedback: bool = True,
    ) -> FloatArray:
        """What `simulate` returns as a bare array, a row for each time and a column for each of
        `variables`; for loops that have checked their inputs before."""
        with self._lock:
            setting, start = self._start(parameters, doses, feedback)
            segments = self._segments(doses, setting, float(times[-1]))
            return self._engine.integrate(setting, start, segments, times, variables)

    def untreated_state(
        self, changed: Mapping[str, float], states: Sequence[str], quantities: Sequence[str]
    ) -> tuple[FloatArray, FloatArray]:
        """The untreated state of a cell [nM], by RoadRunner, and some quantities there."""
        with self._lock:
            state, values = self._untreated.state(changed, tuple(quantities))
            found = dict(zip(self._engine.species, state, strict=True))
        return np.array([found[name] for name in states]), values

    @cached_property
    def cell(self) -> "Model":
        """The cell alone, in a dish: what a tumour or marrow is made of. It has a state at rest."""
        inner = self.definition.cell
        return self if inner is None else Model(inner, self.tolerances)

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
        if self.definition.cell is not None or not self.definition.has_loop:
            raise InputError(
                f"{self.definition.id} has no state at rest, for cells grow and a body eliminates "
                "the drug; simulate it, or ask its cell: model.cell.steady_state()"
            )
        given = checked_doses(self.definition, doses)
        for drug, dose in given.items():
            if not dose.is_constant:
                raise InputError(
                    f"dose of {drug}: a steady state needs a constant dose, not {dose}; "
                    "give a number, or simulate"
                )
        changed = checked_parameters(self.definition, parameters)
        check_run(self.definition, given, changed, feedback)
        with self._lock:
            setting, start = self._start(changed, given, feedback)
            state = self._dosed(start, self._segments(given, setting, 1.0)[0])
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

        given, changed = (
            checked_doses(self.definition, doses),
            checked_parameters(self.definition, parameters),
        )
        check_run(self.definition, given, changed, feedback)
        if self.definition.foreign:
            from p53net.model.foreign import with_parameters

            return with_parameters(self.definition.sbml, changed)
        with self._lock:
            setting, start = self._start(changed, given, feedback)
            state = self._dosed(start, self._segments(given, setting, np.inf)[0])
            values = dict(zip(self._engine.species, map(float, state), strict=True))
        events = [
            Event(
                time,
                self.definition.dosed[drug],
                amount * dose.per_unit,
                self._volume_of(drug) if self.definition.in_body else None,
            )
            for drug, dose in given.items()
            for time, amount in dose.steps
            if time > 0
        ]
        return with_values(self.definition.sbml, setting, values, events)

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
        self, changed: Mapping[str, float], doses: Mapping[str, Given], feedback: bool
    ) -> tuple[dict[str, float], FloatArray]:
        """All parameters of a run that differ from the file, and the untreated state."""
        if self.definition.foreign:
            return self._file_start(changed)
        state, values = self._untreated_state(changed)
        setting = {**dict(zip(self.definition.computed, values.tolist(), strict=True)), **changed}
        if self.definition.has_loop:
            setting["feedback"] = float(feedback)
        volumes = {dose.medium_volume for dose in doses.values() if dose.closed}
        if volumes:
            setting |= {"closed_dish": 1.0, "medium": float(volumes.pop() or 0.0)}
        return setting, state

    def _untreated_state(self, changed: Mapping[str, float]) -> tuple[FloatArray, FloatArray]:
        """Where a run of an undamaged cell without drug starts, and the computed parameters."""
        definition, quantities = self.definition, tuple(self.definition.computed.values())
        if not definition.has_loop:
            return np.zeros(len(self._engine.species)), np.zeros(0)
        inside = {n: v for n, v in changed.items() if n in self.cell.definition.parameters}
        rest, values = self.cell._untreated.state(inside, quantities)
        if self.cell is self:
            return rest, values
        known = dict(zip(self.cell._engine.species, rest, strict=True))
        known |= definition.rate_variables
        for name, parameter in definition.starts.items():
            known[name] = changed.get(parameter, definition.parameters[parameter].value)
        return np.array([known.get(name, 0.0) for name in self._engine.species]), values

    @cached_property
    def _untreated(self) -> "Untreated":
        from p53net.untreated import Untreated

        return Untreated(self.definition, self._engine)

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

    def _dosed(self, start: FloatArray, segment: Segment) -> FloatArray:
        """The state after the first dose."""
        pairs = zip(self._engine.species, start, strict=True)
        return np.array(
            [
                segment.settings.get(name, float(value)) + segment.additions.get(name, 0.0)
                for name, value in pairs
            ]
        )

    def _segments(
        self, doses: Mapping[str, Given], setting: Mapping[str, float], end: float
    ) -> list[Segment]:
        """The run cut at its doses. In a dish a dose sets the medium; in a body it adds to what is
        there, as a concentration in the central volume."""
        changes: dict[float, dict[str, float]] = {0.0: {}}
        for drug, dose in doses.items():
            divisor = 1.0
            if self.definition.in_body:
                name = self._volume_of(drug)
                divisor = setting.get(name, self.definition.parameters[name].value)
            for time, amount in dose.steps:
                level = amount * dose.per_unit / divisor
                changes.setdefault(time, {})[self.definition.dosed[drug]] = level
        starts = sorted(time for time in changes if time <= end)
        ends = [*starts[1:], end]
        how = "additions" if self.definition.in_body else "settings"
        return [
            Segment(begin, stop, **{how: changes[begin]})
            for begin, stop in zip(starts, ends, strict=True)
        ]

    def _volume_of(self, drug: str) -> str:
        """The parameter that turns a dose [nmol] of a drug into a concentration."""
        return f"V_central_{self.definition.drugs[drug]}"

    def _about(self, name: str) -> dict[str, str]:
        unit = self.definition.units[name]
        if self.definition.foreign:
            return {"units": unit, "long_name": self.definition.names.get(name, name)}
        meaning = OBSERVABLES.get(name) or OUTSIDE.get(name, ("", name))[1]
        return {"units": shown_unit(unit), "long_name": meaning}

    def _provenance(
        self, doses: Mapping[str, Given], changed: Mapping[str, float], feedback: bool
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
            "system": self.definition.system,
            **({"host": self.definition.host} if self.definition.in_body else {}),
            "doses": json.dumps({drug: str(dose) for drug, dose in doses.items()}),
            "parameters": json.dumps(dict(changed)),
            "feedback": "closed" if feedback else "open",
            "model_sha256": self.definition.sha256,
            **self.run_settings,
        }


def load(
    *names: str,
    cell_line: str | None = None,
    system: str = "dish",
    host: str | None = None,
    drugs: str | Path | None = None,
    cell_lines: str | Path | None = None,
    pharmacokinetics: str | Path | None = None,
) -> Model:
    """The loop in `cell_line`, alone or with one inhibitor, one degrader or both.

    `system` says where the cell is: in a "dish", in a "culture" whose cells divide and die, in a
    "tumour" or in the "marrow" of a `host` ("human" or "mouse"); "plasma" is the drug in a host
    without any cell. The cell line is generic, or that of the system: marrow's is "progenitor".

    Names and synonyms are those of `p53net list`, in any case; `drugs`, `cell_lines` and
    `pharmacokinetics` are tab-separated tables with more rows. Raises UnknownNameError, InputError,
    TableError.
    """
    return Model(
        define(
            *names,
            cell_line=cell_line,
            system=system,
            host=host,
            drugs=drugs,
            cell_lines=cell_lines,
            pharmacokinetics=pharmacokinetics,
        )
    )


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
