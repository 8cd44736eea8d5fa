"""Schedules compared: what each does to the tumour, and its price in blood counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from p53net.dosing.amounts import base_mass
from p53net.dosing.beside import BesideLike, into_body, other_of
from p53net.dosing.labels import labels_of
from p53net.dosing.regimens import Regimen, as_regimens, regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError
from p53net.model.own import TablesLike
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO, chosen
from p53net.simulation.model import VERSION, Model
from p53net.simulation.provenance import recorded
from p53net.studies.body.blood import INTERMITTENT, OTHERS
from p53net.studies.body.bodies import MOST, Bodies, bodies_of
from p53net.studies.body.deciding import Band, Deciding, Mask, by_rank, runs_to_show
from p53net.studies.body.holding import GIVEN, held_runs, holding_about
from p53net.studies.body.patients import (
    DAYS,
    TUMOUR,
    many_patients,
    study_times,
)
from p53net.studies.body.population import GRADES, patients, rate, worsened
from p53net.studies.body.rules import HoldLike, Rule, rules_of
from p53net.sweeps.run import Progress

POPULATION = 500

_PERCENTS = (50, 5, 95)


def usual_schedules(drug: str, days: float = DAYS) -> list[Regimen]:
    """Milademetan's recommended schedule, and three that its trials tried before.

    Raises InputError for another drug: its doses are not milademetan's.
    """
    if drug != "milademetan":
        raise InputError(
            f"only milademetan has usual schedules; name those of {drug}, "
            "such as pn.regimen(1, 'mg/kg', 'q3w', days=56)"
        )
    return [
        regimen(arm.amount, arm.unit, arm.schedule, days=days) for arm in (INTERMITTENT, *OTHERS)
    ]


@recorded
def schedules(
    drug: str,
    regimens: Sequence[Regimen] | None = None,
    *,
    cell_line: str = TUMOUR,
    days: float = DAYS,
    beside: BesideLike = None,
    population: int = POPULATION,
    seed: int = 1,
    grade: int = 3,
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
    """Tumour effect against toxicity of several regimens in the same virtual patients.

    Returns a Dataset over `regimen`: `dose_28_days` [mg or mg/kg]; `tgi` [% of the growth of an
    untreated tumour that is lost by the last day] and `change` of volume [%], medians with 5th and
    95th percentiles; `p53_rise` [nM h], the median area of the tumour's active p53 above untreated;
    and by `toxicity` the `rate` of patients who worsen to `grade` or more with Wilson's interval
    [%]; `lost`: patients without a result. With `hold` doses are held and reduced as in `patient`,
    and `given` is the share of the planned amount, mean of patients [%]. Without it, patients who
    decide none of these numbers are run to 1e-3; the numbers are as if all were run to `accuracy`,
    as long as no such run is off by three times 1e-3 and its error bar.
    `parameters` are values of the typical patient, in tumour and marrow.
    Without `regimens`, milademetan's usual four. With regimens of another drug `beside`, one or a
    list in which None is nothing, every regimen is given beside each of them, and
    `beside_dose_28_days` is the other drug's.
    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `patient`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> plans = [pn.regimen(260, "mg", "3/14", cycles=1), pn.regimen(90, "mg", "q2d", days=14)]
        >>> found = pn.schedules("milademetan", plans, days=14, population=4)
        >>> found["tgi"].dims, found["rate"].dims
        (('regimen',), ('regimen', 'toxicity'))
        >>> found["dose_28_days"].values
        array([780., 630.])
    """
    cells = Cells(ensemble, draws=draws, structure=structure, tables=tables, most=MOST)
    other, others = _beside(beside, drug, tables)
    first = bodies_of(cells, next(cells.parts(1)), drug, cell_line, tables, accuracy, parameters,
                      other)  # fmt: skip
    cell = first.models["tumour"]
    name = first.drug(other)
    arms = usual_schedules(name, days) if regimens is None else as_regimens(regimens, "schedules")
    labels = _labels(labels_of(arms, "schedules"), other, others)
    if len({(arm.unit, arm.form) for arm in arms}) > 1:
        raise InputError("the schedules differ in unit or form; give all doses in the same")
    if isinstance(grade, bool) or grade not in (1, 2, 3, 4):
        raise InputError(f"grade is {grade!r}, but must be 1, 2, 3 or 4")
    times, rules = study_times(arms[0], days), rules_of(hold)
    for arm in arms:
        study_times(arm, days)
    pairs = [_Pair(arm, other, two) for two in others for arm in arms]

    def one(part: Part) -> xr.Dataset:
        body = bodies_of(cells, part, drug, cell_line, tables, accuracy, parameters, other)
        drawn = patients(body.typical, population, seed, tables)

        def run(pair: _Pair, deciding: Deciding) -> tuple[xr.Dataset, xr.Dataset]:
            return _runs(body, name, pair, times, drawn, deciding, rules=rules, engine=engine,
                         workers=workers, progress=progress)  # fmt: skip

        rows = _compared(body, pairs, times, drawn, run, grade, engine)
        return _dataset(rows, arms[0].unit, grade, next((o.unit for o in others if o), ""))

    about = {
        "study": "schedules",
        "drug": name,
        "doses": "; ".join(str(arm) for arm in arms),
        "molar_mass": base_mass(cell.definition.molar_masses[name], name),
        **({"beside": other, "beside_doses": "; ".join(map(str, others))} if other else {}),
        "tumour": cell.definition.cell_line,
        "days": float(days),
        "population": population,
        "seed": seed,
        "grade": grade,
        **holding_about(rules),
        "parameters": json.dumps(first.given),
        "version": VERSION,
    }
    found = cells.finished(cells.one_by_one(one))
    return found.assign_coords(regimen=labels, toxicity=list(GRADES)).assign_attrs(about)


class _Pair(NamedTuple):
    """A regimen, and one of another drug, or none of it."""

    arm: Regimen
    other: str | None
    second: Regimen | None

    @property
    def beside(self) -> dict[str, Regimen]:
        """What is given beside the drug."""
        return {} if self.second is None or self.other is None else {self.other: self.second}

    @property
    def label(self) -> str:
        """For a message."""
        return " + ".join([self.arm.label, *(f"{n} {a.label}" for n, a in self.beside.items())])


def _beside(
    beside: BesideLike, drug: str, tables: TablesLike
) -> tuple[str | None, list[Regimen | None]]:
    """The other drug, and what is given of it: nothing alone, where there is none."""
    if beside is None:
        return None, [None]
    other, value = other_of(beside, [drug], tables, body=True)
    arms = into_body(other, value)
    if len({(arm.unit, arm.form) for arm in arms if arm is not None}) > 1:
        raise InputError(
            f"the regimens of {other} in beside differ in unit or form; give all doses in the same"
        )
    return other, arms


def _labels(labels: list[str], other: str | None, others: Sequence[Regimen | None]) -> list[str]:
    if other is None:
        return labels
    known = [arm for arm in others if arm is not None]
    second = dict(zip(known, labels_of(known, "regimens in beside"), strict=True))
    return [
        label if two is None else f"{label} + {other} {second[two]}"
        for two in others
        for label in labels
    ]


def _compared(
    body: Bodies,
    arms: Sequence[_Pair],
    times: FloatArray,
    drawn: pd.DataFrame,
    run: Callable[[_Pair, Deciding], tuple[xr.Dataset, xr.Dataset]],
    grade: int,
    engine: str,
) -> list[dict[str, object]]:
    """A row for each regimen of what it does in these patients."""
    cell, changed = body.models["tumour"], body.changed["tumour"]
    population, usual = len(drawn), body.typical
    begun = {
        count: np.broadcast_to(
            drawn.get(f"{count}_baseline", usual[f"{count}_baseline"]), population
        )
        for count, _ in GRADES.values()
    }
    start, untreated = _untreated(cell, float(times[-1]), changed, engine)
    end, area = f"tumour_volume_at_{times[-1]:g}", "auc_p53_active"
    deciding = _deciding(end, area, begun, grade)
    inside = {n: v for n, v in changed.items() if n in cell.cell.definition.parameters}
    rest = float(cell.cell.steady_state(parameters=inside, engine=engine)["p53_active"])
    rows: list[dict[str, object]] = []
    for arm in arms:
        grown, blood = run(arm, deciding)
        ran = (grown["status"].values == "ok") & (blood["status"].values == "ok")
        if not ran.any():
            raise InputError(f"{arm.label}: no patient has a result; check the regimen")
        volume = grown[end].values[ran]
        lost = 100.0 * (1.0 - (volume - start) / (untreated - start))
        rates = [
            rate(int(worsened(blood[f"lowest_{count}"].values[ran], begun[count][ran], tox,
                              grade).sum()), int(ran.sum()))
            for tox, (count, _) in GRADES.items()
        ]  # fmt: skip
        rows.append(
            {
                "dose_28_days": _first_28_days(arm.arm),
                **({"beside_dose_28_days": _first_28_days(arm.second)} if arm.other else {}),
                "tgi": np.percentile(lost, _PERCENTS),
                "change": np.percentile(100.0 * (volume / start - 1.0), _PERCENTS),
                "p53_rise": float(np.median(grown[area].values[ran]) - rest * times[-1]),
                "rate": np.array(rates),
                "lost": int((~ran).sum()),
                **{name: float(blood[name].values.mean()) for name in GIVEN if name in blood},
            }
        )
    return rows


def _deciding(end: str, area: str, begun: Mapping[str, FloatArray], grade: int) -> Deciding:
    """Who decides a row: by ranks of their tumours, and by which side of a grade's limit they are
    on."""

    def deciding(bands: Mapping[str, Band], ran: Mask) -> dict[str, Mask]:
        graded = np.zeros_like(ran)
        for tox, (count, _) in GRADES.items():
            low, high = bands[f"lowest_{count}"]
            graded |= worsened(low, begun[count], tox, grade) != worsened(high, begun[count], tox,
                                                                          grade)  # fmt: skip
        tumours = by_rank(bands[end], ran, _PERCENTS) | by_rank(bands[area], ran, (50,))
        return {"tumour": tumours, "marrow": graded & ran}

    return deciding


def _first_28_days(arm: Regimen | None) -> float:
    return sum(dose.amount for dose in arm.doses if dose.time < 28 * 24.0) if arm else 0.0


def _runs(
    body: Bodies,
    drug: str,
    pair: _Pair,
    times: FloatArray,
    drawn: pd.DataFrame,
    deciding: Deciding,
    *,
    rules: Sequence[Rule],
    engine: str,
    workers: int | None,
    progress: Callable[[str, Progress], None] | None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """What the study measures in the tumour, and in the marrow, of each patient. Where no doses are
    held, whoever is not `deciding` is run roughly."""
    end, counts = f"{times[-1]:g}", [count for count, _ in GRADES.values()]
    if rules:
        shown = {"tumour": ["tumour_volume", "p53_active"], "marrow": counts}
        runs = held_runs(body.models, drug, pair.arm, times, drawn, shown, parameters=body.changed,
                         engine=engine, rules=rules, beside=pair.beside)  # fmt: skip
        grown, blood = runs["tumour"], runs["marrow"]
        area = np.trapezoid(grown["p53_active"].values, times, axis=1)
        grown[f"tumour_volume_at_{end}"] = grown["tumour_volume"].isel(time=-1)
        grown["auc_p53_active"] = ("point", area)
        lowest = {f"lowest_{count}": blood[count].min("time") for count in counts}
        return grown, blood.assign(lowest)
    wanted = {
        "tumour": [f"at:tumour_volume:{end}", "auc:p53_active"],
        "marrow": [f"lowest:{count}" for count in counts],
    }

    def run(system: str, rows: NDArray[np.intp], accuracy: float | None) -> xr.Dataset:
        model, some = body.models[system], len(rows) < len(drawn)
        # Some of the patients may be few: they are run by the engine of all, without new processes.
        own = chosen(model, engine, len(drawn))[0] if some else engine
        return many_patients(model.to(accuracy), drug, pair.arm, times, drawn.iloc[rows], (),
                             parameters=body.changed[system], measures=wanted[system],
                             curves=False, engine=own, workers=0 if some and workers else workers,
                             progress=None if some else progress, beside=pair.beside)  # fmt: skip

    measures = {
        "tumour": [f"tumour_volume_at_{end}", "auc_p53_active"],
        "marrow": [f"lowest_{count}" for count in counts],
    }
    runs = runs_to_show(run, measures, len(drawn), body.models["tumour"].accuracy, deciding)
    return runs["tumour"], runs["marrow"]


def _untreated(
    model: Model, hours: float, changed: Mapping[str, float], engine: str
) -> tuple[float, float]:
    """Volume of an untreated tumour at the start and at the end [mm3]."""
    run = model.simulate(
        [0.0, hours], parameters=changed, observables=["tumour_volume"], engine=engine
    )
    return float(run["tumour_volume"][0]), float(run["tumour_volume"][-1])


def _dataset(
    rows: Sequence[dict[str, object]], unit: str, grade: int, other_unit: str
) -> xr.Dataset:
    data: dict[str, Any] = {}
    plain = {
        "dose_28_days": (unit, "dose in the first 28 days"),
        "beside_dose_28_days": (other_unit, "dose of the other drug in the first 28 days"),
        "p53_rise": ("nM h", "area of active p53 in the tumour above untreated, median"),
        "lost": ("1", "patients without a result"),
        "given": ("%", "given of the planned amount, mean of patients"),
        "beside_given": ("%", "given of the other drug's planned amount, mean of patients"),
    }
    for key, (unit, meaning) in plain.items():
        if not any(key in row for row in rows):
            continue
        values = np.array([row.get(key, np.nan) for row in rows])
        data[key] = ("regimen", values, {"units": unit, "long_name": meaning})
    spread = {"tgi": "tumour growth inhibition", "change": "change of the tumour's volume"}
    for key, meaning in spread.items():
        values = np.array([row[key] for row in rows])
        for i, (end, word) in enumerate((("", "median"), ("_low", "5 %"), ("_high", "95 %"))):
            attrs = {"units": "%", "long_name": f"{meaning}, {word}"}
            data[f"{key}{end}"] = ("regimen", values[:, i], attrs)
    rates = np.array([row["rate"] for row in rows])
    for i, end in enumerate(("", "_low", "_high")):
        attrs = {"units": "%", "long_name": f"patients with grade {grade} or more{end}"}
        data[f"rate{end}"] = (("regimen", "toxicity"), rates[..., i], attrs)
    return xr.Dataset(data)
