"""A model that runs: time courses and steady states as labelled tables with units."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.medium import Courses, Given, courses_of, same_courses
from p53net.engines.base import Capabilities, FloatArray, Tolerances
from p53net.errors import InputError
from p53net.model import Definition, shown_unit
from p53net.simulation import accuracy as exact
from p53net.simulation import attributes, choice, external_runs, gradients, many, provenance, shown
from p53net.simulation import several as of_several
from p53net.simulation.attributes import VERSION as VERSION
from p53net.simulation.formulas import split, with_formulas
from p53net.simulation.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_observables,
    checked_parameters,
    checked_times,
)
from p53net.simulation.runs import Curves, Runner

if TYPE_CHECKING:
    from p53net.model.external import Starts


class Model:
    """The MDM2-p53 loop in one cell line with the modules of its drugs, ready to run: in a dish, or
    in a tumour or the marrow of a host.

    Made by `load`, or by `read_sbml` from a file that is not ours: then without drugs and loop,
    and with the units of the file. Runs are pure: the same inputs give the same numbers, whatever
    ran before. One model is not for use from several threads at once; a lock keeps that safe, and
    slow.
    """

    def __init__(
        self,
        definition: Definition,
        tolerances: Tolerances | None = None,
        *,
        accuracy: float = exact.ACCURACY,
    ) -> None:
        """`accuracy` is what `load` says of it. `tolerances`, for experts, take its place: then
        every run is made once, at these, and nothing is said of its error."""
        self.definition = definition
        self.accuracy = None if tolerances else exact.checked_accuracy(accuracy)
        self.tolerances = tolerances or exact.tolerances_for(
            exact.checked_accuracy(accuracy), Capabilities.tightening, definition.scale
        )
        self._runners: dict[str, Runner] = {}
        self.starting: dict[tuple[str, ...], tuple[Definition, dict[str, str]]] = {}
        self.base: Model = self
        """The model that this one is to another accuracy, or itself: engines are made for it."""

    def __repr__(self) -> str:
        return shown.line_of(self.definition)

    def _repr_html_(self) -> str:
        return shown.card_of(self)

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

    @provenance.recorded
    def simulate(
        self,
        times: ArrayLike,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        observables: Sequence[str] | None = None,
        engine: str = choice.AUTO,
        accuracy: float | None = None,
        ensemble: object = None,
        fit: object = None,
        draws: bool = False,
        start: Mapping[str, float] | None = None,
    ) -> xr.Dataset:
        """A time course from the untreated steady state of this very parameter set.

        A model that was read from a file starts from the file's own start values instead, or from
        those in `start`, has neither doses nor feedback, and keeps the file's units, of time too.

        `times` [h] start at 0 and rise strictly. `doses` map a drug to nM in the medium: a number
        is constant; see `pulse`, `course`, `closed_dish`. In a body they are masses: see `regimen`.
        `parameters` override values by id.
        `feedback=False` holds the MDM2 P2 promoter at its untreated activity. `observables` limit
        what comes back, and may be formulas, `"A/(A + B)"`; by default all there is. `engine` is
        "roadrunner", "batch", which is made for many runs, or "copasi", a second opinion; "auto" is
        RoadRunner for one. A model or run that the batch engine cannot take goes to RoadRunner, and
        the attribute `engine` says why. `accuracy` takes the place of the model's.
        `ensemble`, `fit` and `draws` are as in `escape`: the same run of each draw, in its
        structure.

        Returns a Dataset over `time` [h], concentrations in nM, start values at time 0 (with the
        medium after the first dose). Raises InputError, UnknownNameError, SteadyStateError,
        SimulationError.
        """
        model = self.to(accuracy)
        if ensemble is not None or draws:
            return many.curves_over(model, ensemble, draws, times, doses, parameters, feedback,
                                    observables, engine)  # fmt: skip
        model, changed = external_runs.started(model, parameters, start)
        names, formulas = split(self.definition, observables)
        run = model.arms(
            times, [doses], changed, feedback=feedback, observables=names, engine=engine
        )
        data = {
            name: ("time", curve[0], {**self.about(name), **run.error_of(i)})
            for i, (name, curve) in enumerate(run.curves.items())
        }
        clock = {"units": self.definition.time_unit, "long_name": "time"}
        attrs = {
            **model.about_run(run.doses[0], run.parameters, feedback),
            "engine": run.engine,
            **run.unmet(model.accuracy),
        }
        found = xr.Dataset(data, coords={"time": ("time", run.times, clock)}, attrs=attrs)
        return with_formulas(found, self.definition, observables, formulas, run.parameters)

    @provenance.recorded
    def simulate_many(self, times: object, **options: Unpack[of_several.Options]) -> xr.Dataset:
        """What `simulate` does, of many runs together: `times` are one grid, or one for each.

        `doses`, `parameters` and `start` have one value for all runs, or a list with one for each.
        Returns a Dataset over `run` and `point`; the coordinate `time` (run, point) is exactly
        what was asked for, and NaN, as the values are, where a run has fewer. A run that fails is
        NaN, with its `reason`. Example: `model.simulate_many([[0, 4], [0, 1, 9]], doses=[a, b])`.
        """
        return of_several.curves_of_runs(self, times, **options)

    def arms(
        self,
        times: ArrayLike,
        doses: Sequence[Mapping[str, Doses] | None],
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        observables: Sequence[str] | None = None,
        engine: str = choice.AUTO,
    ) -> many.Arms:
        """What `simulate` does, of several doses at once; for studies."""
        grid = checked_times(times)
        given = [checked_doses(self.definition, arm) for arm in doses]
        names = checked_observables(self.definition, observables)
        changed = checked_parameters(self.definition, parameters)
        for arm in given:
            check_run(self.definition, arm, changed, feedback, float(grid[-1]))
        columns = {name: np.full(len(given), value) for name, value in changed.items()}
        found, said = self.curves(
            grid, courses_of(given), columns, names, feedback=feedback, engine=engine
        )
        curves = {name: np.asarray(found.values[:, i]) for i, name in enumerate(names)}
        return many.Arms(grid, curves, given, changed, said, found.bars)

    def curves(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        *,
        feedback: bool = True,
        engine: str = choice.AUTO,
        runs: int = 1,
    ) -> tuple[Curves, str]:
        """Many runs at once with their error bars, and what to say of the engine; for studies,
        which have checked their inputs before.

        `courses` are the doses, `parameters` have a value for each run, `times` [h] are common or a
        row for each. The engine is chosen for these runs, or for `runs`, if that is more. Raises
        the error of the first run that failed.
        """
        found, said = many.attempted(self, times, courses, parameters, outputs,
                                     feedback=feedback, engine=engine, runs=runs)  # fmt: skip
        for _, error in sorted(found.errors.items()):
            raise error.with_traceback(None)
        return found, said

    def to(self, accuracy: float | None) -> "Model":
        """The same model to another accuracy, with what is compiled; None for as it is."""
        if accuracy is None:
            return self
        other = copy(self)
        other.accuracy = exact.checked_accuracy(accuracy)
        other.tolerances = exact.tolerances_for(
            other.accuracy, Capabilities.tightening, self.definition.scale
        )
        return other

    def ready(self, engine: str = choice.AUTO, runs: int = 1) -> None:
        """Compile for so many runs, which the first of them would do; before threads share it."""
        self.runner(choice.chosen(self, engine, runs)[0]).ready()

    def runner(self, name: str = "") -> Runner:
        """This model on an engine, made once; without a name on the one for few runs. Raises
        UnsupportedError where it cannot run it."""
        name = name or choice.usual(self.definition)
        if name not in self._runners:
            self._runners[name] = Runner(self.base, name)
        return self._runners[name]

    @cached_property
    def cell(self) -> "Model":
        """The cell alone, in a dish: what a tumour or marrow is made of. It has a state at rest."""
        inner = self.definition.cell
        if inner is None:
            return self
        if self.base is not self:
            return self.base.cell
        return Model(inner, None if self.accuracy else self.tolerances,
                     accuracy=self.accuracy or exact.ACCURACY)  # fmt: skip

    def set_deadline(self, seconds: float) -> None:
        """Stop integrations that end later than this from now with a TimeLimitError, on engines
        that do one run after the other."""
        self.runner()  # which takes what others give up
        for model in {id(one): one for one in (self, self.cell)}.values():
            for runner in list(model._runners.values()):
                runner.engine.deadline = perf_counter() + seconds

    @provenance.recorded
    def steady_state(
        self,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        stable: bool = True,
        engine: str = choice.AUTO,
        start: Mapping[str, float] | None = None,
    ) -> xr.Dataset:
        """The state at rest, untreated or under a constant dose: scalars with units.

        Counters, which never rest, are left out. Raises SteadyStateError where there is none;
        `stable=False` also accepts a state at rest from which a pulsing cell moves away. `engine`
        and `start` are as in `simulate`: a model from a file is followed from there until it rests.
        """
        if self.definition.external:
            checked_doses(self.definition, doses)
            check_run(self.definition, {}, {}, feedback)
            return external_runs.at_rest(self, parameters, start, engine)
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
        names = [n for n in self.definition.variables if n not in self.definition.counters]
        name, said = choice.chosen(self, engine)
        columns = {name: np.array([value]) for name, value in changed.items()}
        found, given_up = self.runner(name).rest(
            same_courses(given), columns, names, feedback=feedback, stable=stable
        )
        for error in found.errors.values():
            raise error.with_traceback(None)
        data = {n: ((), found.values[0, i], self.about(n)) for i, n in enumerate(names)}
        said += self.runner(name).said(given_up)
        provenance.note(self, said)
        return xr.Dataset(data, attrs={**self.about_run(given, changed, feedback), "engine": said})

    @provenance.recorded
    def gradient(
        self,
        measures: Sequence[object] = (),
        parameters: Sequence[str] | None = None,
        **options: Unpack[gradients.Options],
    ) -> xr.Dataset:
        """Slopes of measures, and of the curves of `observables`, with respect to parameters and,
        by a drug's name, its dose: by default all that are not 0.

        Runs are those of `simulate` and `sweep`, each from the untreated state of its own cell: at
        `times`, with `doses`, and the parameters `at`. `scaled` gives d ln / d ln: control
        coefficients. Returns a Dataset over `measure` and `parameter`: `value`, `slope`, `status`
        and `reason`, with units as coordinates; and `curve` and `curve_slope` over `observable`,
        `parameter` and `time`. At a kink a slope is one-sided, as its status says; without a value
        it is NaN. Raises InputError, UnknownNameError.
        """
        return gradients.of_measures()(self, measures, parameters, **options)

    def sbml(
        self,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        settling: float = 0.0,
    ) -> str:
        """SBML of one run: start values are the untreated steady state, later doses are events.

        With `settling` [h] the run first comes to rest without drug, for so long, in the file
        itself. Of a model that was read from a file: that model, with the changed parameters in it.
        """
        from p53net.simulation.one_run import sbml_of

        return sbml_of(self, doses, parameters, feedback, settling)

    def tellurium(
        self,
        doses: Mapping[str, Doses] | None = None,
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        settling: float = 0.0,
    ) -> Any:  # noqa: ANN401 - tellurium has no types
        """The same run in tellurium: an `ExtendedRoadRunner` that shows what `simulate` returns.

        Example: `model.tellurium({"KT-253": 5.0}).simulate(0, 72, 145)`. Raises as `sbml`, and
        MissingPackageError.
        """
        from p53net.simulation.in_tellurium import runner_in_tellurium

        return runner_in_tellurium(self, doses, parameters, feedback, settling)

    def as_record(self) -> dict[str, object]:
        """For the record of a run: how it was loaded, and what it is."""
        return {
            "model": {
                "loaded": provenance.encoded(self.definition.loaded),
                "id": self.definition.id,
                "sha256": self.definition.sha256,
                "tolerances": [self.tolerances.relative, self.tolerances.absolute],
                "accuracy": self.accuracy,
            }
        }

    @property
    def tolerances_text(self) -> str:
        """How exact it is, in words."""
        if self.accuracy is not None:
            return f"for an accuracy of {self.accuracy:g}"
        unit = "" if self.definition.external else " zmol"
        return f"relative {self.tolerances.relative:g}, absolute {self.tolerances.absolute:g}{unit}"

    @property
    def run_settings(self) -> dict[str, str]:
        """Engine, tolerances and version: with the inputs, enough to repeat a run."""
        return attributes.of_settings(self)

    @cached_property
    def starts(self) -> "Starts":
        """Of a model that was read from a file: what it starts from."""
        from p53net.model.external import Starts

        return Starts(self.definition)

    def about(self, name: str) -> dict[str, str]:
        """Unit and meaning of a quantity, as attributes of its variable."""
        unit = self.definition.units[name]
        if self.definition.external:
            return {"units": unit, "long_name": self.definition.names.get(name, name)}
        meaning = self.definition.read_outs.get(name, name)
        place = self.definition.places.get(name)
        own = {} if place is None else {"fragment": place.fragment}
        return {"units": shown_unit(unit), "long_name": meaning, **own}

    def about_run(
        self, doses: Mapping[str, Given], changed: Mapping[str, float], feedback: bool
    ) -> dict[str, str]:
        """What a run was made of, as attributes of its result."""
        return attributes.of_run(self, doses, changed, feedback)
