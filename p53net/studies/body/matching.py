"""Doses that are equal: how much of one drug does what a regimen of another does, by any measure.

Both drugs are given to the same patients, typical or virtual, so what differs is the drugs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from p53net.dosing.amounts import base_mass
from p53net.dosing.medium import finite_number
from p53net.dosing.regimens import Regimen, as_regimens
from p53net.dosing.regimens import regimen as make
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError
from p53net.model.own import TablesLike
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded
from p53net.studies.body.bodies import MOST, Bodies, bodies_of
from p53net.studies.body.patients import DAYS, TUMOUR, study_times
from p53net.studies.body.responses import Response, asked_of

RANGE = 100.0
"""Doses are looked for from a hundredth of the one that is given to a hundred times that, unless
said otherwise."""

_LADDER = {True: 13, False: 33}  # doses of the first look, in a population or not
_BETWEEN = {True: (3, 4), False: (11, 2)}  # doses between two, and how often they are looked at


class Crossing(NamedTuple):
    """Where a response reaches a target."""

    place: float
    """A dose, or days between doses; NaN where it does not."""
    value: float
    """What the response is there."""
    status: str
    crossings: int
    """How often it does in the range, as far as the first look tells."""


@recorded
def match(
    drug: str,
    regimen: Regimen,
    other: str,
    target: Regimen,
    measures: str | Sequence[str],
    *,
    between: tuple[float, float] | None = None,
    every: Iterable[int] | None = None,
    cell_line: str = TUMOUR,
    days: float = DAYS,
    population: int | None = None,
    seed: int = 1,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
) -> xr.Dataset:
    """The dose of `drug`, or how often it is given, that equals `target` of the `other` drug.

    `regimen` says when doses are given, and in what proportion; its largest dose is looked for
    `between` two [in its unit], by default a hundredth and a hundred times of what it has.
    `measures` are "lowest:platelets", "peak:GDF15_serum" and all others of a sweep, in the tumour
    or else the marrow of a patient (`drug_plasma` is the plasma of either drug); "tgi", growth of
    an untreated tumour that is lost by the last day [%]; and "rate:thrombocytopenia:3", patients
    who worsen to that grade [%], which needs a `population`. In a population the others are medians
    of patients. Both drugs are given to the same patients: the same `seed`, the same draws.
    With `every`, whole numbers of days, it is not the dose that is looked for: the first dose of
    `regimen` is given every so many days until the last of `days`.

    Returns a Dataset over `measure`: the `dose`, which is the lowest that reaches the `target`, or
    the `interval` [d], which is the longest; the `value` there, `crossings` of the target in the
    range, and `status`: ok, or not reached, with the range of values; and `response` over
    `candidate` doses or intervals. `parameters` go to whoever has them.
    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `patient`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> plan = pn.regimen(90, "mg", "daily", days=14)
        >>> target = pn.regimen(0.05, "mg/kg", "q3w", cycles=1)
        >>> found = pn.match("milademetan", plan, "KT-253", target, "lowest:platelets", days=21)
        >>> found["dose"].values.round(), found["status"].values.tolist()
        (array([102.]), ['ok'])
    """
    (arm,), (given,) = as_regimens(regimen, "match"), as_regimens(target, "match")
    times = study_times(arm, days)
    spans = None if every is None else _intervals(every, days)
    candidates = _candidates(arm, between, spans, population is not None)
    texts = [measures] if isinstance(measures, str) else list(measures)
    if not texts:
        raise InputError("measures is empty; name at least one, such as 'lowest:platelets'")
    cells = Cells(ensemble, draws=draws, structure=structure, tables=tables, most=MOST)
    seen: list[tuple[Response, Response]] = []

    def one(part: Part) -> xr.Dataset:
        def of(name: str, schedule: Regimen) -> Response:
            body = _body(cells, part, name, cell_line, tables, accuracy, parameters)
            asked = [asked_of(text, body, times, population) for text in texts]
            return Response(body, schedule, times, asked, population, seed, tables, engine)

        mine, theirs = of(drug, arm), of(other, given)
        seen.append((mine, theirs))
        goals = theirs.values(np.array([given.highest]))[:, 0]
        if spans is None:
            response = mine.values(candidates)
        else:
            response = np.column_stack([
                replace(mine, regimen=_every(arm, span, days)).values(np.array([arm.amount]))
                for span in spans
            ])  # fmt: skip
        found = [
            _crossing(candidates, response[i], goal, None if spans else _more(mine, i),
                      population is not None)
            for i, goal in enumerate(goals)
        ]  # fmt: skip
        return _dataset(found, goals, response, "interval" if spans else "dose")

    together = cells.finished(cells.one_by_one(one), ("candidate",))
    if not seen:
        raise InputError("no draw has a result")
    return _described(together, seen[0], arm, given, texts).assign_coords(
        candidate=("candidate", candidates, {
            "units": "d" if spans else arm.unit,
            "long_name": "days between doses" if spans else "largest dose",
        }),
    ).assign_attrs(
        {
            "days": float(times[-1]) / 24.0,
            "tumour": seen[0][0].body.models["tumour"].definition.cell_line,
            "population": population or 0,
            **({"seed": seed} if population else {}),
            "parameters": json.dumps(dict(parameters or {})),
            "engine": "; ".join(dict.fromkeys(e for pair in seen for r in pair for e in r.engines)),
            "version": VERSION,
        }
    )  # fmt: skip


def _candidates(
    arm: Regimen,
    between: tuple[float, float] | None,
    spans: Sequence[int] | None,
    steps: bool,
) -> FloatArray:
    """What is looked at first: doses that rise, or intervals that fall."""
    if spans is None:
        return np.asarray(np.geomspace(*_range(between, arm), _LADDER[steps]))
    if between is not None:
        raise InputError("between is about doses, and every about schedules; give one of them")
    return np.array(spans, dtype=float)


def _intervals(every: Iterable[int], days: float) -> list[int]:
    """Days between doses, the longest first."""
    spans = list(every) if isinstance(every, Iterable) else []
    whole = (isinstance(one, int | np.integer) and not isinstance(one, bool) for one in spans)
    if len(set(spans)) < 2 or not all(whole) or not all(1 <= one <= days for one in spans):
        raise InputError(
            f"every is {every!r}, but must be at least two whole numbers of days, from 1 to "
            f"{days:g}, such as range(7, 43)"
        )
    return sorted({int(one) for one in spans}, reverse=True)


def _every(arm: Regimen, span: int, days: float) -> Regimen:
    """The first dose of a regimen, every so many days."""
    (_, over, amount), *_ = arm.doses
    return make(amount, arm.unit, f"q{span}d", days=days, over=over or None, form=arm.form,
                allow_flat=arm.allow_flat)  # fmt: skip


def _range(between: tuple[float, float] | None, arm: Regimen) -> tuple[float, float]:
    """The doses between which one is looked for."""
    if between is None:
        return arm.highest / RANGE, arm.highest * RANGE
    if not isinstance(between, tuple | list) or len(between) != 2:
        raise InputError(f"between is {between!r}, but must be two doses, such as (1, 100)")
    low, high = (finite_number(one, "between", arm.unit) for one in between)
    if not 0 < low < high:
        raise InputError(f"between is {low:g} to {high:g}, but must rise from above 0")
    return low, high


def _body(
    cells: Cells,
    part: Part,
    drug: str,
    cell_line: str,
    tables: TablesLike,
    accuracy: float | None,
    parameters: Mapping[str, float] | None,
) -> Bodies:
    """A patient under one drug, with those parameters that the models of it have."""
    usual = bodies_of(cells, part, drug, cell_line, tables, accuracy, None)
    own = {name: value for name, value in (parameters or {}).items() if name in usual.typical}
    return bodies_of(cells, part, drug, cell_line, tables, accuracy, own) if own else usual


def _more(response: Response, i: int) -> Callable[[FloatArray], FloatArray]:
    """What one measure is at further doses."""
    return lambda doses: response.values(doses, i)[0]


def _crossing(
    doses: FloatArray,
    values: FloatArray,
    goal: float,
    more: Callable[[FloatArray], FloatArray] | None,
    steps: bool,
) -> Crossing:
    """The first dose at which values reach a goal, where `more` can be had between two of them;
    `steps` says that values jump, as counts do."""
    if np.isnan(goal):
        return Crossing(np.nan, np.nan, "target undefined: the other drug has no value", 0)
    known = np.isfinite(values)
    doses, values = doses[known], values[known]
    if not len(values):
        return Crossing(np.nan, np.nan, "undefined: no dose has a value", 0)
    past = _past(values, goal, values[0])
    if past[0] or not past.any():
        said = f"not reached: {goal:.4g}, where {doses[0]:.4g} to {doses[-1]:.4g} give "
        return Crossing(np.nan, np.nan, f"{said}{values.min():.4g} to {values.max():.4g}", 0)
    crossings = int((past[1:] != past[:-1]).sum())
    place = int(past.argmax())
    if more is None:
        return Crossing(float(doses[place]), float(values[place]), "ok", crossings)
    low, high = place - 1, place
    start = values[0]
    ends, heights = doses[[low, high]], values[[low, high]]
    count, rounds = _BETWEEN[steps]
    for _ in range(rounds):
        inner = np.geomspace(ends[0], ends[1], count + 2)
        found = np.concatenate([heights[:1], more(inner[1:-1]), heights[1:]])
        if not np.isfinite(found).all():
            return Crossing(np.nan, np.nan, "undefined: doses in between have no value", crossings)
        first = int(_past(found, goal, start).argmax())
        ends, heights = inner[[first - 1, first]], found[[first - 1, first]]
    if steps or heights[0] == heights[1]:
        return Crossing(float(ends[1]), float(heights[1]), "ok", crossings)
    share = (goal - heights[0]) / (heights[1] - heights[0])
    return Crossing(float(ends[0] * (ends[1] / ends[0]) ** share), goal, "ok", crossings)


def _past(values: FloatArray, goal: float, start: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether values have come from the start to the goal."""
    return np.asarray(values >= goal if start < goal else values <= goal)


def _dataset(
    found: Sequence[Crossing], goals: FloatArray, response: FloatArray, name: str
) -> xr.Dataset:
    return xr.Dataset(
        {
            name: ("measure", np.array([one.place for one in found])),
            "value": ("measure", np.array([one.value for one in found])),
            "target": ("measure", goals),
            "crossings": ("measure", np.array([float(one.crossings) for one in found])),
            "status": ("measure", np.array([one.status for one in found], dtype=object)),
            "response": (("measure", "candidate"), response),
        }
    )


def _described(
    result: xr.Dataset,
    pair: tuple[Response, Response],
    arm: Regimen,
    given: Regimen,
    texts: Sequence[str],
) -> xr.Dataset:
    """With units, meanings and what was compared."""
    mine, theirs = pair
    meanings = {
        "dose": (arm.unit, "largest dose that equals the other drug's regimen"),
        "interval": ("d", "days between doses that equal the other drug's regimen"),
        "value": ("see unit", "the measure there"),
        "target": ("see unit", "the measure under the other drug"),
        "crossings": ("1", "how often the target is crossed in the range"),
        "status": ("1", "ok, or why there is no dose"),
        "response": ("see unit", "the measure at all candidates"),
    }
    for name in meanings.keys() & result.data_vars.keys():
        unit, meaning = meanings[name]
        result[name].attrs |= {"units": unit, "long_name": meaning}
    result = result.assign_coords(
        measure=list(texts),
        unit=("measure", [asked.unit for asked in mine.asked]),
        meaning=("measure", [asked.meaning for asked in mine.asked]),
    )
    return result.assign_attrs(
        {
            "study": "match",
            "drug": mine.drug,
            "regimen": arm.label,
            "schedule": arm.scaled(1.0 / arm.highest).label if arm.parts else arm.schedule,
            "other": theirs.drug,
            "target": given.label,
            "doses": str(given),
            "molar_mass": "; ".join(
                base_mass(one.body.models["tumour"].definition.molar_masses[one.drug], one.drug)
                for one in pair
            ),
        }
    )
