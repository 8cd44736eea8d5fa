"""Doses that are equal: how much of one drug does what a regimen of another does, by any measure.

Both drugs are given to the same patients, typical or virtual, so what differs is the drugs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from p53net.dosing.amounts import base_mass
from p53net.dosing.medium import finite_number
from p53net.dosing.regimens import Regimen, as_regimens
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part
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

    dose: float
    """NaN where it does not."""
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
    draws: bool = False,
) -> xr.Dataset:
    """The dose of `drug`, given as `regimen`, that equals `target` of the `other` drug.

    `regimen` says when doses are given, and in what proportion; its largest dose is looked for
    `between` two [in its unit], by default a hundredth and a hundred times of what it has.
    `measures` are "lowest:platelets", "peak:GDF15_serum" and all others of a sweep, in the tumour
    or else the marrow of a patient (`drug_plasma` is the plasma of either drug); "tgi", growth of
    an untreated tumour that is lost by the last day [%]; and "rate:thrombocytopenia:3", patients
    who worsen to that grade [%], which needs a `population`. In a population the others are medians
    of patients. Both drugs are given to the same patients: the same `seed`, the same draws.

    Returns a Dataset over `measure`: the `dose`, which is the lowest that reaches the `target`, the
    `value` there, `crossings` of the target in the range, and `status`: ok, or not reached, with
    the range of values; and `response` over `candidate` doses. `parameters` go to whoever has them.
    `structure` and `accuracy` are as in `load`, `ensemble` and `draws` as in `patient`.
    Raises InputError, UnknownNameError.
    """
    (arm,), (given,) = as_regimens(regimen, "match"), as_regimens(target, "match")
    times = study_times(arm, days)
    low, high = _range(between, arm)
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
        doses = np.geomspace(low, high, _LADDER[population is not None])
        response = mine.values(doses)
        found = [
            _crossing(doses, response[i], goal, _more(mine, i), population is not None)
            for i, goal in enumerate(goals)
        ]
        return _dataset(found, goals, response)

    together = cells.finished(cells.one_by_one(one), ("candidate",))
    if not seen:
        raise InputError("no draw has a result")
    return _described(together, seen[0], arm, given, texts).assign_coords(
        candidate=("candidate", np.geomspace(low, high, together.sizes["candidate"]),
                   {"units": arm.unit, "long_name": "largest dose"}),
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
    more: Callable[[FloatArray], FloatArray],
    steps: bool,
) -> Crossing:
    """The lowest dose at which values reach a goal; `steps` says that they jump, as counts do."""
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


def _past(values: FloatArray, goal: float, start: float) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Whether values have come from the start to the goal."""
    return np.asarray(values >= goal if start < goal else values <= goal)


def _dataset(found: Sequence[Crossing], goals: FloatArray, response: FloatArray) -> xr.Dataset:
    columns = {name: np.array([getattr(one, name) for one in found]) for name in ("dose", "value")}
    return xr.Dataset(
        {
            **{name: ("measure", values) for name, values in columns.items()},
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
        "value": ("see unit", "the measure at that dose"),
        "target": ("see unit", "the measure under the other drug"),
        "crossings": ("1", "how often the target is crossed in the range"),
        "status": ("1", "ok, or why there is no dose"),
        "response": ("see unit", "the measure at candidate doses"),
    }
    for name, (unit, meaning) in meanings.items():
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
