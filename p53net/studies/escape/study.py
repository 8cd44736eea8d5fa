"""The study of feedback escape: which drug escapes the loop, by how much, and what does not differ.

Every drug is compared at the dose that is equally effective on active p53, with the loop closed and
opened, under constant exposure, after washout and in a closed dish. A degrader brings its
non-catalytic twin: the same molecule with `k_ub_MDM2` = 0.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import xarray as xr

from p53net.dosing.medium import Dose, constant, finite_number, pulse, same_courses
from p53net.errors import InputError, MeasureError
from p53net.measures import curves as of_curves
from p53net.measures.candidate import Candidate, candidates
from p53net.measures.curves import FloatArray
from p53net.measures.equieffective import (
    DOSES,
    closed_dish_doses,
    equal_doses,
    loads,
    loop_factors,
    responses,
    resting_doses,
)
from p53net.measures.searching import Found
from p53net.model import GENERIC
from p53net.model.own import TablesLike
from p53net.model.structures import ALL, StructureLike, names_of_several
from p53net.simulation.choice import AUTO
from p53net.simulation.provenance import recorded
from p53net.studies.escape import rivals
from p53net.studies.escape.report import AFTER_WASHOUT, about

DRUGS = ("milademetan", "KT-253")
FOLDS = (2.0, 3.0, 5.0)
"""Levels of active p53, in multiples of untreated, at which dose ratios are taken."""
MEDIUM_VOLUMES = (2.0, 20.0, 1000.0)
"""Medium for each cell [pL] in the closed dish."""

_STEPS = 6  # of each candidate, for the progress
_SHOWN = ("p53_active", "p53_total", "MDM2_total", "MDM2_free", "MDM2_mRNA")


@recorded
def escape(
    drugs: Sequence[str] = DRUGS,
    cell_line: str = GENERIC,
    *,
    hours: float = 24.0,
    pulse_hours: float = 4.0,
    fold: float = 3.0,
    tables: TablesLike = None,
    structure: StructureLike = None,
    structures: str | Sequence[str] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Every measure of feedback escape for each drug, and the curves behind them.

    All are taken at the constant dose that brings active p53 to `fold` times untreated at `hours`.
    `pulse_hours` is the short exposure before washout; `hours` is the long one. The Dataset has
    the measures over `drug` (and `fold`, `exposure` [h], `medium_volume` [pL per cell]), and curves
    over `dose` [nM] and `time` [h]; `table` lists the measures, `p53net.plot` draws the figure.
    `engine` is as in `Model.simulate`, `structure` and `accuracy` as in `load`.
    With `structures`, names of them or "all" (those that differ in a dish), the measures are over
    `structure` too, with a `status` for each drug in each, and `holds` says which claims hold
    where, by `claim`.
    `progress` is told what is being done and the share done.

    Raises MeasureError where a measure is not defined: no p53, or a fold that no dose reaches.
    """
    if not isinstance(drugs, Iterable):
        raise InputError(f"drugs is {drugs!r}, but must be a list of names")
    names = [drugs] if isinstance(drugs, str) else list(drugs)
    hours = _at_least(hours, "hours", 0.1)
    pulse_hours = _at_least(pulse_hours, "pulse_hours", 0.01)
    if pulse_hours >= hours:
        raise InputError(
            f"pulse_hours is {pulse_hours:g} h, but must be shorter than hours, {hours:g} h: "
            "washout is compared after a short and a long exposure"
        )
    if finite_number(fold, "fold") <= 1:
        raise InputError(f"fold is {fold:g}, but must be above 1: a drug raises active p53")
    tell = progress or (lambda _what, _share: None)
    if structures is not None:
        if structure is not None:
            raise InputError("structure and structures are both given; give one of them")
        several = names_of_several(structures)
        if structures == ALL:
            several = rivals.distinct(several, names, cell_line)
        found = rivals.compared(
            lambda one, drug: escape(
                [drug], cell_line, hours=hours, pulse_hours=pulse_hours, fold=fold, tables=tables,
                structure=one, engine=engine, accuracy=accuracy,
            ),
            names, several, tell,
        )  # fmt: skip
        about_it = {"cell_line": cell_line, "hours": hours, "pulse_hours": pulse_hours}
        return found.assign_attrs(study="structures", fold=fold, **about_it)
    chosen = candidates(names, cell_line, tables, engine, accuracy, structure)
    parts: list[xr.Dataset] = []
    for number, one in enumerate(chosen):
        steps = _steps(one, hours, pulse_hours, fold)
        pieces: list[xr.Dataset] = []
        for step, (what, piece) in enumerate(steps, start=1):
            pieces.append(piece)
            tell(f"{one.name}: {what}", (number + step / _STEPS) / len(chosen))
        part = xr.merge(pieces).expand_dims(drug=[one.name])
        parts.append(part.assign_coords(mechanism=("drug", [one.mechanism])))
    result = xr.concat(parts, "drug", data_vars="all", join="exact")
    for name in (*result.data_vars, *result.coords):
        unit, meaning = about(str(name))
        result[name].attrs = {"units": unit, "long_name": meaning}
    settings = chosen[0].model.run_settings
    engines = sorted(set[str]().union(*(one.engines for one in chosen)))
    result.attrs = {
        "study": "escape",
        "cell_line": chosen[0].model.definition.cell_line,
        "hours": hours,
        "pulse_hours": pulse_hours,
        "fold": fold,
        **settings,
        "engine": "; ".join(engines),
    }
    return result


def _steps(
    one: Candidate, hours: float, pulse_hours: float, fold: float
) -> Iterator[tuple[str, xr.Dataset]]:
    curves = _responses(one, hours)
    yield "dose-response", curves
    active = curves["response_p53_active"].sel(loop="closed").values
    found, only = equal_doses(one, active[None], hours, fold)
    dose = found.only()
    pulses = "the lowest of several: active p53 pulses, so the response is not monotone"
    status = "ok" if only[0] else pulses
    at_dose = _at_dose(one, dose, hours)
    yield "equally effective dose", at_dose.assign(equal_dose_status=((), status))
    yield "time courses", _courses(one, dose, hours)
    yield "washout", _washouts(one, dose, (pulse_hours, hours))
    yield "state at rest", _at_rest(one, fold)
    yield "closed dish", _loads(one, hours, fold)


def _run(
    one: Candidate, times: FloatArray, dose: Dose, names: Sequence[str], loops: Sequence[bool]
) -> list[dict[str, FloatArray]]:
    """Curves of each of these loops, closed or opened."""
    both = one.of(np.zeros(len(loops), dtype=np.intp))
    courses = same_courses({one.drug: dose}, len(loops))
    values, errors = both.run(times, courses, names, np.array(loops))
    for error in errors.values():
        raise error.with_traceback(None)
    return [dict(zip(names, curves, strict=True)) for curves in values]


def _untreated(one: Candidate) -> dict[str, float]:
    return {name: float(values[0]) for name, values in one.untreated.items()}


def _at_dose(one: Candidate, dose: float, hours: float) -> xr.Dataset:
    times = np.linspace(0.0, hours, 481)
    counter = one.model.definition.counters
    names = [*_SHOWN, "MDM2_undrugged", one.in_cell, *counter]
    shut, opened = _run(one, times, constant(dose), names, (True, False))
    untreated = _untreated(one)
    log_undrugged, log_abundance, log_occupancy = of_curves.abundance_occupancy(
        shut["MDM2_total"][-1], shut["MDM2_undrugged"][-1], untreated["MDM2_total"]
    )
    destroyed = shut[counter[0]][-1] / shut[one.in_cell][-1] if counter else np.nan
    index = of_curves.escape_index(
        times, shut["p53_active"], opened["p53_active"], untreated["p53_active"]
    )
    return xr.Dataset(
        {
            "equal_dose": ((), dose),
            "p53_active_fold": ((), shut["p53_active"][-1] / untreated["p53_active"]),
            "p53_total_fold": ((), shut["p53_total"][-1] / untreated["p53_total"]),
            "MDM2_total_fold": ((), shut["MDM2_total"][-1] / untreated["MDM2_total"]),
            "MDM2_mRNA_fold": ((), shut["MDM2_mRNA"][-1] / untreated["MDM2_mRNA"]),
            "escape_index": ((), index),
            "log_undrugged": ((), log_undrugged),
            "log_abundance": ((), log_abundance),
            "log_occupancy": ((), log_occupancy),
            "destroyed_per_drug": ((), destroyed),
        }
    )


def _responses(one: Candidate, hours: float) -> xr.Dataset:
    names = ["p53_active", "MDM2_total"]
    found = []
    for feedback in (True, False):
        values, errors = responses(one, hours, names, feedback)
        for error in errors.values():
            raise error.with_traceback(None)
        found.append(values[0])
    return xr.Dataset(
        {
            f"response_{n}": (("loop", "dose"), np.array(found)[:, :, i])
            for i, n in enumerate(names)
        },
        coords={"loop": ["closed", "open"], "dose": DOSES},
    )


def _courses(one: Candidate, dose: float, hours: float) -> xr.Dataset:
    times = np.linspace(0.0, 2.0 * hours, 289)
    runs = _run(one, times, constant(dose), _SHOWN, (True, False))
    late = runs[0]["p53_active"][times >= 1.5 * hours]
    return xr.Dataset(
        {
            "late_swing": ((), float(np.ptp(late) / late.mean())),
            **{f"course_{n}": (("loop", "time"), np.array([r[n] for r in runs])) for n in _SHOWN},
        },
        coords={"loop": ["closed", "open"], "time": times},
    )


def _washouts(one: Candidate, dose: float, exposures: tuple[float, float]) -> xr.Dataset:
    names = [*_SHOWN, one.in_cell]
    since = np.linspace(-max(exposures), AFTER_WASHOUT, 2401)
    untreated = _untreated(one)
    active0, free0 = untreated["p53_active"], untreated["MDM2_free"]
    found: dict[str, list[float]] = {"rebound": [], "free_rise": []}
    halves: dict[str, list[tuple[float, str]]] = {"persistence": [], "washout_half_time": []}
    curves: dict[str, list[FloatArray]] = {name: [] for name in _SHOWN}
    for exposure in exposures:
        times = np.unique(np.concatenate([[0.0, exposure], since[since > -exposure] + exposure]))
        (run,) = _run(one, times, pulse(dose, exposure), names, (True,))
        after = times >= exposure
        active = run["p53_active"][after]
        found["rebound"].append(float(of_curves.rebound(active, active0)))
        found["free_rise"].append(float(np.log2(run["MDM2_free"][after].max() / free0)))
        halves["persistence"].append(_half_time(times[after], active, active0))
        halves["washout_half_time"].append(_half_time(times[after], run[one.in_cell][after], 0.0))
        for name in _SHOWN:
            before = np.where(since < -exposure, untreated[name], np.nan)
            inside = since >= -exposure
            before[inside] = np.interp(since[inside] + exposure, times, run[name])
            curves[name].append(before)
    along = ("exposure",)
    return xr.Dataset(
        {
            "rebound": (along, found["rebound"]),
            "free_MDM2_rise": (along, found["free_rise"]),
            **{name: (along, [value for value, _ in pairs]) for name, pairs in halves.items()},
            **{
                f"{name}_status": (along, [said for _, said in pairs])
                for name, pairs in halves.items()
            },
            **{f"washout_{n}": (("exposure", "since_washout"), curves[n]) for n in _SHOWN},
        },
        coords={"exposure": list(exposures), "since_washout": since},
    )


def _half_time(times: FloatArray, values: FloatArray, floor: float) -> tuple[float, str]:
    try:
        return of_curves.half_time(times, values, floor), "ok"
    except MeasureError as error:
        return np.nan, str(error)


def _at_rest(one: Candidate, fold: float) -> xr.Dataset:
    """Dose ratios, and the loop factor where active p53 rests at `fold` times untreated, so that
    drugs compare."""
    number = len(FOLDS)
    loops = np.array([True] * number + [False] * number + [True])
    many = one.of(np.zeros(len(loops), dtype=np.intp))
    found = resting_doses(many, np.array([*FOLDS, *FOLDS, fold]), loops)
    closed, opened = found.values[:number], found.values[number:-1]
    failed = {i % number: _not_reached(found, i) for i in range(2 * number) if i in found.errors}
    status = [failed.get(i, "ok") for i in range(number)]
    last = found.row(2 * number)
    factor = last.then(lambda _: loop_factors(one, last.values))
    return xr.Dataset(
        {
            "dose_ratio": ("fold", closed / opened),
            "dose_ratio_status": ("fold", status),
            "resting_dose_closed": ("fold", closed),
            "resting_dose_closed_status": ("fold", status),
            "resting_dose_open": ("fold", opened),
            "resting_dose_open_status": ("fold", status),
            "loop_factor": ((), factor.values[0]),
            "loop_factor_status": ((), _not_reached(factor, 0) if factor.errors else "ok"),
        },
        coords={"fold": list(FOLDS)},
    )


def _not_reached(found: Found, i: int) -> str:
    """Why a search has no dose. Raises what is not a matter of the dose."""
    error = found.errors[i]
    if not isinstance(error, MeasureError):
        raise error.with_traceback(None)
    return f"not reached: {error}"


def _loads(one: Candidate, hours: float, fold: float) -> xr.Dataset:
    volumes = np.array(MEDIUM_VOLUMES)
    many = one.of(np.zeros(len(volumes), dtype=np.intp))
    doses = closed_dish_doses(many, volumes, hours, fold)
    for error in doses.errors.values():
        raise error.with_traceback(None)
    return xr.Dataset(
        {
            "closed_dish_dose": ("medium_volume", doses.values),
            "stoichiometric_load": ("medium_volume", loads(many, doses.values, volumes)),
        },
        coords={"medium_volume": list(MEDIUM_VOLUMES)},
    )


def _at_least(value: float, name: str, lowest: float) -> float:
    number = finite_number(value, name, "h")
    if number < lowest:
        raise InputError(f"{name} is {number:g} h, but must be at least {lowest:g} h")
    return number
