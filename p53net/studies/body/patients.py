"""A patient under a regimen, typical or one of many: plasma, tumour, GDF-15 and blood counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from p53net.dosing.amounts import base_mass, molar_mass
from p53net.dosing.beside import BesideLike, one_into_body
from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError, SimulationError
from p53net.model.own import TablesLike
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.model import VERSION, Model
from p53net.simulation.provenance import recorded
from p53net.studies.body.arms import about_beside
from p53net.studies.body.bodies import MOST, Bodies, bodies_of
from p53net.studies.body.holding import GIVEN, held_runs, holding_about
from p53net.studies.body.population import GRADES, grades, patients, rate, worsened
from p53net.studies.body.rules import HoldLike, Rule, rules_of
from p53net.sweeps.run import Progress, sweep

DAYS = 56.0
"""Length of a study, unless said otherwise: two courses of 28 days."""

TUMOUR = "LPS-amplified"
"""The tumour's cell line, unless said otherwise: most patients of the trials had liposarcoma."""

PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)

IN_TUMOUR = ("p53_active", "p53_total", "MDM2_total", "MDM2_mRNA", "p21", "tumour_volume")
IN_BLOOD = ("platelets", "neutrophils", "haemoglobin", "GDF15_serum")

Variable: TypeAlias = "tuple[Any, Any, dict[str, str]]"
"""Dimensions, values and attributes of a variable of a Dataset."""

_IN_PLASMA = ("plasma", "beside_plasma")  # of the drug, and of another
_STEP = 2.0  # h
_MOST_DAYS = 730.0


@recorded
def patient(
    drug: str,
    regimen: Regimen,
    *,
    cell_line: str = TUMOUR,
    days: float = DAYS,
    beside: BesideLike = None,
    population: int | None = None,
    seed: int = 1,
    hold: HoldLike = False,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    workers: int | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
    progress: Callable[[str, Progress], None] | None = None,
) -> xr.Dataset:
    """Plasma, tumour and blood of a typical patient, or of `population` virtual ones.

    One plasma drives two models: a tumour of `cell_line`, and the marrow, which stands
    for normal tissue that releases GDF-15 too. Returns a Dataset over `time` [h]: `plasma` [ng/mL],
    the tumour's active and total p53, MDM2, MDM2 mRNA, p21 [nM] and volume [mm3], platelets and
    neutrophils [1e9/L], haemoglobin [g/dL] and GDF-15 [fold].

    With a regimen of another drug `beside`, the patient gets both, and `beside_plasma` [ng/mL] is
    that drug's; what is held is both.

    With a population the curves are `percentile`s, and there are `lowest` counts and worst `grade`
    of each `patient` and `toxicity`, with their `status` (ok where both models ran); and `rate`,
    `rate_low` and `rate_high` [% of patients, Wilson's 95 % interval] of a `toxicity` whose worst
    grade is at least `grade`. The same seed gives the same patients; `parameters` are values of the
    typical one, in tumour and marrow. A rate counts worsening: a grade above that at the start.
    With `hold` doses are held and reduced as trials do, by the usual rule or by others
    (`hold_rule`), and `given` is the share of the planned amount [%]. `progress` is told of each of
    the two sweeps.
    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `escape`, but
    of at most 50 draws: the same patients, whose typical one is that of each draw. Then `quantile`
    is the spread between draws, and `percentile` that between patients.
    Raises InputError, UnknownNameError, SimulationError.

    Examples:
        >>> plan = pn.regimen(260, "mg", "3/14", cycles=1)
        >>> found = pn.patient("milademetan", plan, days=14)
        >>> found["platelets"].min().round().item(), found["platelets"].attrs["units"]
        (124.0, '1e9/L')
        >>> several = pn.patient("milademetan", plan, days=14, population=4)
        >>> several["rate"].dims, several["lowest"].dims
        (('toxicity', 'grade'), ('patient', 'toxicity'))
    """
    times, rules = study_times(regimen, days), rules_of(hold)
    other, given = one_into_body(beside, drug, tables)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=tables, most=MOST)
    bodies: list[Bodies] = []

    def one(part: Part) -> xr.Dataset:
        body = bodies_of(cells, part, drug, cell_line, tables, accuracy, parameters, other)
        bodies.append(body)
        name = body.drug(other)
        both = {name: regimen, **given}
        if population is None:
            return xr.Dataset(_typical(body, both, times, engine, rules))
        drawn = patients(body.typical, population, seed, tables)
        shown = {"tumour": (*_plasma(body.models["tumour"], both), *IN_TUMOUR), "marrow": IN_BLOOD}
        if rules:
            runs = held_runs(body.models, name, regimen, times, drawn, shown,
                             parameters=body.changed, engine=engine, rules=rules,
                             beside=given)  # fmt: skip
        else:
            runs = {
                system: many_patients(body.models[system], name, regimen, times, drawn, names,
                                      parameters=body.changed[system], engine=engine,
                                      workers=workers, progress=progress, beside=given)
                for system, names in shown.items()
            }  # fmt: skip
        engines.setdefault(runs["marrow"].attrs["engine"])
        found = _of_population(body, runs, both, bool(rules))
        if cells.ensemble is not None:  # whose patients differ from draw to draw
            return found
        return found.assign_coords({f"patient_{n}": ("patient", drawn[n].to_numpy())
                                    for n in drawn})  # fmt: skip

    engines = dict[str, None]()
    found = cells.finished(cells.one_by_one(one), ("time",))
    tumour = bodies[0].models["tumour"]
    name = bodies[0].drug(other)
    settings = tumour.run_settings
    if cells.ensemble is not None:
        settings.pop("structure", None)
    about = {
        "study": "patient",
        "drug": name,
        "regimen": regimen.label,
        "doses": str(regimen),
        **about_beside(given, tumour.definition),
        "molar_mass": base_mass(tumour.definition.molar_masses[name], name),
        "tumour": tumour.definition.cell_line,
        "days": float(times[-1]) / 24.0,
        "parameters": json.dumps(bodies[0].given),
        "version": VERSION,
    }
    if population is None:
        return found.assign_coords(_clock(times)).assign_attrs(
            {**settings, **about, "population": 0}
        )
    return found.assign_coords(
        {
            **_clock(times),
            "percentile": list(PERCENTILES),
            "patient": np.arange(1, population + 1),
            "toxicity": list(GRADES),
            "grade": [1, 2, 3, 4],
        }
    ).assign_attrs(
        {
            **about,
            **holding_about(rules),
            "population": population,
            "seed": seed,
            "engine": "; ".join(engines),
        }
    )


def _of_population(
    body: Bodies, runs: dict[str, xr.Dataset], both: Mapping[str, Regimen], hold: bool
) -> xr.Dataset:
    """What is shown of many patients."""
    status, ran = _joined(runs)
    data = _percentiles(body.models, runs, both, ran)
    data |= _toxicity(runs["marrow"], ran)
    if hold:
        for name in GIVEN[: len(both)]:
            data[name] = ("patient", runs["marrow"][name].values, runs["marrow"][name].attrs)
    about = {"units": "1", "long_name": "ok, or why there is no run"}
    data["status"] = ("patient", np.array(status, dtype=object), about)
    return xr.Dataset(data)


def study_times(regimen: Regimen, days: float, step: float = _STEP) -> FloatArray:
    """Times [h] of a study of a patient. Raises InputError."""
    if not isinstance(regimen, Regimen):
        raise InputError(
            f"a patient takes a regimen, not {regimen!r}; write "
            "pn.regimen(260, 'mg', '3/14', days=56)"
        )
    length = finite_number(days, "days", "days")
    if not 0 < length <= _MOST_DAYS:
        raise InputError(f"days is {length:g}, but must be above 0 and at most {_MOST_DAYS:g}")
    return np.union1d(np.arange(0.0, length * 24.0, step), [length * 24.0])


def typical_values(models: Iterable[Model]) -> dict[str, float]:
    """Parameters of several models of the same patient."""
    return {
        name: row.value for model in models for name, row in model.definition.parameters.items()
    }


def many_patients(
    model: Model,
    drug: str,
    regimen: Regimen,
    times: FloatArray,
    drawn: pd.DataFrame,
    names: Sequence[str],
    *,
    parameters: Mapping[str, float],
    measures: Sequence[str] = (),
    curves: bool = True,
    engine: str = AUTO,
    workers: int | None = None,
    progress: Callable[[str, Progress], None] | None = None,
    beside: Mapping[str, Regimen] | None = None,
) -> xr.Dataset:
    """A sweep over patients: the columns of `drawn` that this model has. `beside` is what they get
    of another drug."""
    own = drawn[[name for name in drawn if name in model.definition.parameters]]
    tell = None
    if progress is not None:
        tell = lambda now: progress(model.definition.system, now)  # noqa: E731
    return sweep(
        model,
        own,
        doses={drug: regimen, **(beside or {})},
        parameters={n: v for n, v in parameters.items() if n not in own},
        times=times,
        observables=list(names) if curves else None,
        keep_trajectories=curves,
        measures=list(measures),
        engine=engine,
        workers=workers,
        progress=tell,
    )


def _typical(
    body: Bodies,
    both: Mapping[str, Regimen],
    times: FloatArray,
    engine: str,
    rules: Sequence[Rule],
) -> dict[str, Variable]:
    data: dict[str, Variable] = {}
    models = body.models
    (drug, regimen), *other = both.items()
    plasmas = _plasma(models["tumour"], both)
    shown = {"tumour": (*plasmas, *IN_TUMOUR), "marrow": IN_BLOOD}
    if rules:
        one = pd.DataFrame(index=[0])
        found = held_runs(models, drug, regimen, times, one, shown, parameters=body.changed,
                          engine=engine, rules=rules, beside=dict(other))  # fmt: skip
        runs = {system: run.isel(point=0) for system, run in found.items()}
    else:
        runs = {
            system: models[system].simulate(
                times, both, body.changed[system], observables=names, engine=engine
            )
            for system, names in shown.items()
        }
    for system, names in shown.items():
        run = runs[system]
        data |= {name: ("time", run[name].values, dict(run[name].attrs)) for name in names}
    if rules:
        for name in GIVEN[: len(both)]:
            share = runs["marrow"][name]
            data[name] = ((), float(share), dict(share.attrs))
    for name, one_drug, plasma in zip(_IN_PLASMA, both, plasmas, strict=False):
        data[name] = _in_mass(models["tumour"], one_drug, data.pop(plasma))
    return data


def _in_mass(model: Model, drug: str, variable: Variable) -> Variable:
    """A plasma concentration in ng/mL of the free base."""
    dims, values, _ = variable
    mass = molar_mass(model.definition.molar_masses[drug], FREE_BASE, drug) * 1e-3
    return dims, values * mass, {"units": "ng/mL", "long_name": f"{drug} in plasma, free base"}


def _joined(runs: dict[str, xr.Dataset]) -> tuple[list[str], NDArray[np.bool_]]:
    """What became of each patient in tumour and marrow, and who ran to the end in both.

    Raises SimulationError where nobody did.
    """
    said = []
    for states in zip(*(_states(system, run) for system, run in runs.items()), strict=True):
        said.append("; ".join(filter(None, states)) or "ok")
    ran = np.array(said) == "ok"
    if not ran.any():
        raise SimulationError(
            f"no virtual patient's run reached its end ({said[0]}); check regimen and parameters"
        )
    return said, ran


def _states(system: str, run: xr.Dataset) -> list[str]:
    """Why each patient has no run of one system; nothing of those who have."""
    both = zip(run["status"].values, run["reason"].values, strict=True)
    return ["" if status == "ok" else f"{system}: {status}, {why}" for status, why in both]


def _percentiles(
    models: dict[str, Model],
    runs: dict[str, xr.Dataset],
    both: Mapping[str, Regimen],
    ran: NDArray[np.bool_],
) -> dict[str, Variable]:
    data: dict[str, Variable] = {}
    plasmas = _plasma(models["tumour"], both)
    for system, names in (("tumour", (*plasmas, *IN_TUMOUR)), ("marrow", IN_BLOOD)):
        for name in names:
            curves = runs[system][name]
            found = np.percentile(curves.values[ran], PERCENTILES, axis=0)
            data[name] = (("percentile", "time"), found, dict(curves.attrs))
    for name, drug, plasma in zip(_IN_PLASMA, both, plasmas, strict=False):
        data[name] = _in_mass(models["tumour"], drug, data.pop(plasma))
    return data


def _toxicity(blood: xr.Dataset, ran: NDArray[np.bool_]) -> dict[str, Variable]:
    """Lowest counts, grades and their rates among patients whose runs reached their end."""
    lowest = np.array([blood[count].values.min(axis=-1) for count, _ in GRADES.values()]).T
    worst = np.array([grades(lowest[:, i], name) for i, name in enumerate(GRADES)]).T
    start = np.array([blood[count].values[:, 0] for count, _ in GRADES.values()]).T
    events = [
        [worsened(lowest[ran, i], start[ran, i], name, grade).sum() for grade in (1, 2, 3, 4)]
        for i, name in enumerate(GRADES)
    ]
    rates = np.array([[rate(int(one), int(ran.sum())) for one in row] for row in events])
    both, about = ("toxicity", "grade"), "patients who worsen to this grade or more"
    return {
        "lowest": (("patient", "toxicity"), lowest, {"units": "1e9/L, g/dL of haemoglobin",
                                                     "long_name": "lowest count"}),
        "worst_grade": (("patient", "toxicity"), np.where(ran[:, None], worst, -1),
                        {"units": "1", "long_name": "worst CTCAE v5.0 grade; -1: no run"}),
        "rate": (both, rates[..., 0], {"units": "%", "long_name": about}),
        "rate_low": (both, rates[..., 1], {"units": "%", "long_name": f"{about}, lower end"}),
        "rate_high": (both, rates[..., 2], {"units": "%", "long_name": f"{about}, upper end"}),
    }  # fmt: skip


def _plasma(model: Model, both: Iterable[str]) -> tuple[str, ...]:
    """Names of what is in plasma of each drug."""
    return tuple(f"{model.definition.drugs[drug]}_plasma" for drug in both)


def _clock(times: FloatArray) -> dict[str, Variable]:
    return {"time": ("time", times, {"units": "h", "long_name": "time"})}
