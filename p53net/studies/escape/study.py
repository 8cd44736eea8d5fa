"""The study of feedback escape: which drug escapes the loop, by how much, and what does not differ.

Every drug is compared at the dose that is equally effective on active p53, with the loop closed and
opened, under constant exposure, after washout and in a closed dish. A degrader brings its
non-catalytic twin: the same molecule with `k_ub_MDM2` = 0.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import xarray as xr

from p53net.dosing.medium import constant, finite_number, pulse
from p53net.errors import InputError, MeasureError
from p53net.measures import curves as of_curves
from p53net.measures.curves import FloatArray
from p53net.measures.equieffective import (
    DOSES,
    Candidate,
    candidates,
    closed_dish_dose,
    equal_dose,
    loop_factor,
    responses,
    resting_dose,
    stoichiometric_load,
)
from p53net.model import GENERIC
from p53net.model.own import TablesLike
from p53net.simulation.choice import AUTO
from p53net.simulation.provenance import recorded
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
    engine: str = AUTO,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Every measure of feedback escape for each drug, and the curves behind them.

    All are taken at the constant dose that brings active p53 to `fold` times untreated at `hours`.
    `pulse_hours` is the short exposure before washout; `hours` is the long one. The Dataset has
    the measures over `drug` (and `fold`, `exposure` [h], `medium_volume` [pL per cell]), and curves
    over `dose` [nM] and `time` [h]; `table` lists the measures, `p53net.plot` draws the figure.
    `engine` is as in `Model.simulate`.
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
    said = progress or (lambda _what, _share: None)
    chosen = candidates(names, cell_line, tables, engine)
    parts: list[xr.Dataset] = []
    for number, one in enumerate(chosen):
        steps = _steps(one, hours, pulse_hours, fold)
        pieces: list[xr.Dataset] = []
        for step, (what, piece) in enumerate(steps, start=1):
            pieces.append(piece)
            said(f"{one.name}: {what}", (number + step / _STEPS) / len(chosen))
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
    dose, only = equal_dose(one, active, hours, fold)
    pulses = "the lowest of several: active p53 pulses, so the response is not monotone"
    status = "ok" if only else pulses
    at_dose = _at_dose(one, dose, hours)
    yield "equally effective dose", at_dose.assign(equal_dose_status=((), status))
    yield "time courses", _courses(one, dose, hours)
    yield "washout", _washouts(one, dose, (pulse_hours, hours))
    yield "state at rest", xr.merge([_dose_ratios(one), _loop_factor_at(one, fold)])
    yield "closed dish", _loads(one, hours, fold)


def _at_dose(one: Candidate, dose: float, hours: float) -> xr.Dataset:
    times = np.linspace(0.0, hours, 481)
    counter = one.model.definition.counters
    names = [*_SHOWN, "MDM2_undrugged", one.in_cell, *counter]
    shut = one.run(times, constant(dose), names)
    opened = one.run(times, constant(dose), ["p53_active"], feedback=False)
    untreated = one.untreated
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


def _loop_factor_at(one: Candidate, fold: float) -> xr.Dataset:
    """The loop factor where active p53 rests at `fold` times untreated, so that drugs compare."""
    try:
        found, status = loop_factor(one, resting_dose(one, fold, feedback=True)), "ok"
    except MeasureError as error:
        found, status = np.nan, f"not reached: {error}"
    return xr.Dataset({"loop_factor": ((), found), "loop_factor_status": ((), status)})


def _responses(one: Candidate, hours: float) -> xr.Dataset:
    names = ["p53_active", "MDM2_total"]
    found = np.array(
        [responses(one, hours, names, feedback=feedback) for feedback in (True, False)]
    )
    return xr.Dataset(
        {f"response_{n}": (("loop", "dose"), found[:, :, i]) for i, n in enumerate(names)},
        coords={"loop": ["closed", "open"], "dose": DOSES},
    )


def _courses(one: Candidate, dose: float, hours: float) -> xr.Dataset:
    times = np.linspace(0.0, 2.0 * hours, 289)
    runs = [one.run(times, constant(dose), _SHOWN, feedback=f) for f in (True, False)]
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
    active0, free0 = one.untreated["p53_active"], one.untreated["MDM2_free"]
    found: dict[str, list[float]] = {"rebound": [], "free_rise": []}
    halves: dict[str, list[tuple[float, str]]] = {"persistence": [], "washout_half_time": []}
    curves: dict[str, list[FloatArray]] = {name: [] for name in _SHOWN}
    for exposure in exposures:
        times = np.unique(np.concatenate([[0.0, exposure], since[since > -exposure] + exposure]))
        run = one.run(times, pulse(dose, exposure), names)
        after = times >= exposure
        active = run["p53_active"][after]
        found["rebound"].append(of_curves.rebound(active, active0))
        found["free_rise"].append(float(np.log2(run["MDM2_free"][after].max() / free0)))
        halves["persistence"].append(_half_time(times[after], active, active0))
        halves["washout_half_time"].append(_half_time(times[after], run[one.in_cell][after], 0.0))
        for name in _SHOWN:
            before = np.where(since < -exposure, one.untreated[name], np.nan)
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


def _dose_ratios(one: Candidate) -> xr.Dataset:
    doses = np.full((2, len(FOLDS)), np.nan)
    status = ["ok"] * len(FOLDS)
    for row, feedback in enumerate((True, False)):
        for column, fold in enumerate(FOLDS):
            try:
                doses[row, column] = resting_dose(one, fold, feedback=feedback)
            except MeasureError as error:
                status[column] = f"not reached: {error}"
    return xr.Dataset(
        {
            "dose_ratio": ("fold", doses[0] / doses[1]),
            "dose_ratio_status": ("fold", status),
            "resting_dose_closed": ("fold", doses[0]),
            "resting_dose_closed_status": ("fold", status),
            "resting_dose_open": ("fold", doses[1]),
            "resting_dose_open_status": ("fold", status),
        },
        coords={"fold": list(FOLDS)},
    )


def _loads(one: Candidate, hours: float, fold: float) -> xr.Dataset:
    doses = [closed_dish_dose(one, volume, hours, fold) for volume in MEDIUM_VOLUMES]
    loads = [stoichiometric_load(one, *pair) for pair in zip(doses, MEDIUM_VOLUMES, strict=True)]
    return xr.Dataset(
        {
            "closed_dish_dose": ("medium_volume", doses),
            "stoichiometric_load": ("medium_volume", loads),
        },
        coords={"medium_volume": list(MEDIUM_VOLUMES)},
    )


def _at_least(value: float, name: str, lowest: float) -> float:
    number = finite_number(value, name, "h")
    if number < lowest:
        raise InputError(f"{name} is {number:g} h, but must be at least {lowest:g} h")
    return number
