"""A model that runs: time courses and steady states as labelled tables with units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.medium import same_courses
from p53net.errors import InputError
from p53net.simulation import choice, external_runs, gradients, many, provenance, shown
from p53net.simulation import several as of_several
from p53net.simulation.attributes import VERSION as VERSION
from p53net.simulation.formulas import split, with_formulas
from p53net.simulation.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_parameters,
)
from p53net.simulation.workings import Workings


class Model(Workings):
    """The MDM2-p53 loop in one cell line with the modules of its drugs, ready to run: in a dish, or
    in a tumour or the marrow of a host.

    Made by `load`, or by `read_sbml` from a file that is not ours: then without drugs and loop,
    and with the units of the file. Runs are pure: the same inputs give the same numbers, whatever
    ran before. One model is not for use from several threads at once; a lock keeps that safe, and
    slow.

    Examples:
        >>> model = pn.load("KT-253")
        >>> rows = model.parameters.set_index("id")
        >>> rows.loc["k_deg_p53", ["unit", "kind"]].tolist()
        ['per_hour', 'assumed']
        >>> pn.load("KT-253", system="tumour", host="mouse", cell_line="RS4;11").cell
        <p53net model: KT-253, cell line RS4;11>
        >>> model.accuracy, model.tolerances_text, list(model.run_settings)
        (1e-06, 'for an accuracy of 1e-06', ['engine', 'tolerances', 'version'])
        >>> type(pn.read_sbml(model.sbml()).starts).__name__
        'Starts'
    """

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

        Examples:
            >>> model = pn.load("KT-253")
            >>> run = model.simulate([0, 4, 24], {"KT-253": 5.0})
            >>> run["p53_active"].values.round(1), run["p53_active"].attrs["units"]
            (array([ 21.9, 137.8, 177.6]), 'nM')
            >>> pulse = {"KT-253": pn.pulse(5.0, hours=4)}
            >>> opened = model.simulate([0, 4, 24], pulse, feedback=False)
            >>> opened["p53_active"].values.round(1)
            array([ 21.9, 142.5,  22. ])
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
        NaN, with its `reason`. Raises as `simulate`
        what is wrong for all runs.

        Examples:
            >>> doses = [{"KT-253": 1.0}, {"KT-253": 5.0}]
            >>> runs = pn.load("KT-253").simulate_many([[0, 4], [0, 1, 9]], doses=doses)
            >>> runs["p53_active"].dims, runs["p53_active"].values.round(1)
            (('run', 'point'), array([[ 21.9, 116.4,   nan],
                   [ 21.9,  63.2, 171.3]]))
        """
        return of_several.curves_of_runs(self, times, **options)

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

        Counters, which never rest, are left out. `stable=False` also accepts a state at rest from
        which a pulsing cell moves away. `engine` and `start` are as in `simulate`: a model from a
        file is followed from there until it rests. Raises InputError, UnknownNameError, and
        SteadyStateError where there is none.

        Examples:
            >>> rest = pn.load("KT-253").steady_state()
            >>> round(rest["p53_total"].item(), 2), rest["p53_total"].attrs["units"]
            (25.41, 'nM')
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

        Examples:
            >>> model = pn.load("KT-253")
            >>> found = model.gradient(["auc:p53_active"], ["k_deg_p53", "KT-253"],
            ...                        doses={"KT-253": 5.0}, scaled=True)
            >>> found["slope"].values.round(2), found["status"].values.tolist()
            (array([[-0.7 ,  0.18]]), [['ok', 'ok']])
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
        Raises InputError, UnknownNameError, SteadyStateError.

        Examples:
            >>> text = pn.load("KT-253").sbml({"KT-253": 5.0})
            >>> pn.read_sbml(text).simulate([0, 24])["p53_active"].values.round(1)
            array([ 21.9, 177.6])
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

        Raises as `sbml`, and MissingPackageError.

        Examples:
            >>> run = pn.load("KT-253").tellurium({"KT-253": 5.0}).simulate(0, 72, 145)
            >>> run.shape
            (145, 38)
        """
        from p53net.simulation.in_tellurium import runner_in_tellurium

        return runner_in_tellurium(self, doses, parameters, feedback, settling)
