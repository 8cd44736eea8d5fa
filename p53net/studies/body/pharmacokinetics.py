"""A drug in plasma over time, and what is read from the curve as from a patient's samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from p53net.dosing.amounts import base_mass, molar_mass
from p53net.dosing.beside import BesideLike, one_into_body
from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.dosing.regimens import Regimen, as_regimens
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError
from p53net.model.own import TablesLike
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION, Model
from p53net.simulation.provenance import recorded
from p53net.studies.body.arms import about_beside, run_arms

_STEP = 0.1  # h, between points of a curve
_AFTER = 96.0  # h after the last dose that a curve goes on
_DAY = 24.0  # h
_TOGETHER = 100  # draws that run together: curves are long
_TAIL = 24.0  # h: the end of the curve, from which the terminal half-life is read
_MOST_HOURS = 24.0 * 730
_BEFORE = 1e-6  # h before the next dose: where what a dose shows ends, if that comes first
_GONE = 1e-9  # of the peak: what is left below is the integrator's noise


class Occasion(NamedTuple):
    """What one dose of a regimen shows until 24 h after it, or until the next one."""

    tmax: float
    """h after the dose."""
    cmax: float
    """nM."""
    auc: float
    """nM h, over that time."""


class Samples(NamedTuple):
    """When a curve is looked at."""

    times: FloatArray
    """h."""
    windows: tuple[tuple[float, float], ...]
    """Of each dose its time, and until when it is what is seen."""


_OCCASION = {
    "tmax": ("h", "time of the highest concentration after the dose"),
    "cmax": ("ng/mL", "highest concentration after the dose"),
    "auc": ("ng*h/mL", "area under the curve over 24 h after the dose, or until the next"),
    "clearance": ("L/h", "dose over that area; at steady state of a daily or denser dose CL/F"),
}


@recorded
def pk(
    drug: str,
    regimens: Regimen | Sequence[Regimen],
    *,
    host: str = "human",
    hours: float | None = None,
    beside: BesideLike = None,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
    allow_flat: bool = False,
) -> xr.Dataset:
    """Plasma concentrations under one regimen or more that differ in the dose alone.

    Returns a Dataset over `dose` [mg or mg/kg; where doses differ, the first], `time` [h] and
    `occasion` (each dose, from 1):
    `plasma` [ng/mL of free base] and `plasma_nM`; `tmax`, `cmax`, `auc` (24 h from the dose, or
    until the next) and `clearance` (dose over area); `half_life` from the end of the curve;
    and where there are several doses the `slope` of log exposure over log dose, by `exposure`
    (cmax, auc) and occasion. With a regimen of another drug `beside`, `beside_plasma` [ng/mL] is
    that; the models have no interaction of pharmacokinetics.
    A mouse takes mg/kg; a dose in mg is refused unless `allow_flat`.
    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `escape`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> found = pn.pk("milademetan", pn.regimen(260, "mg", "once"))
        >>> found["cmax"].values.round(), found["cmax"].attrs["units"]
        (array([[1329.]]), 'ng/mL')
    """
    arms = _arms(regimens, allow_flat)
    other, given = one_into_body(beside, drug, tables, allow_flat=allow_flat)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=tables)
    if hours is None and given:
        hours = max(arm.changes[-1] for arm in (arms[0], *given.values())) + _AFTER
    samples = samples_of(arms[0], hours)
    pieces, engines = [], dict[str, None]()
    for part in cells.parts(_TOGETHER):
        model = shared(drug, *given, system="plasma", host=host, tables=tables,
                       structure=part.structure).to(accuracy)  # fmt: skip
        (name,) = (one for one in model.definition.drugs if one != other)
        plasma, *others = (f"{model.definition.drugs[one]}_plasma" for one in (name, *given))
        runs = run_arms(cells, part, model, samples.times, [{name: arm, **given} for arm in arms],
                        [plasma, *others], parameters, engine)  # fmt: skip
        engines.setdefault(runs.engine)
        for i in runs.sound:
            piece = _sampled(model, arms, samples, runs.curves[plasma][i], name)
            for two in others:
                values = runs.curves[two][i] * _mass(model, str(other))
                about = _about("ng/mL", f"{other} in plasma, free base")
                piece["beside_plasma"] = (("dose", "time"), values, about)
            pieces.append(piece.assign_coords(draw=int(part.draws[i])))
    doses = np.array([arm.amount for arm in arms])
    settings = model.run_settings
    if cells.ensemble is not None:
        settings.pop("structure", None)
    return (
        cells.finished(cells.joined(pieces), ("time",))
        .assign_coords(
            {
                "dose": ("dose", doses, _about(arms[0].unit, _which(arms[0]))),
                "time": ("time", samples.times, _about("h", "time")),
                "occasion": np.arange(1, len(samples.windows) + 1),
                **({"exposure": ["cmax", "auc"]} if len(arms) > 1 else {}),
            }
        )
        .assign_attrs(
            {
                "study": "pk",
                "drug": name,
                "host": model.definition.host,
                "regimen": f"{_words(arms[0])}, {len(samples.windows)} doses",
                "molar_mass": base_mass(model.definition.molar_masses[name], name),
                "form": arms[0].form,
                **about_beside(given, model.definition),
                "parameters": json.dumps(dict(parameters or {})),
                **settings,
                "engine": "; ".join(engines),
                "version": VERSION,
            }
        )
    )


def _which(arm: Regimen) -> str:
    """What stands for a regimen beside others."""
    return "first dose" if arm.amounts else "each dose"


def _words(arm: Regimen) -> str:
    return arm.label if arm.parts or arm.amounts else arm.schedule


def _sampled(
    model: Model, arms: Sequence[Regimen], samples: Samples, curves: FloatArray, name: str
) -> xr.Dataset:
    """What plasma curves [nM] (arm, time) of one cell show."""
    table = read(model, arms, samples, curves, name)
    mass = _mass(model, name)
    data: dict[str, Any] = {
        "plasma": (("dose", "time"), curves * mass, _about("ng/mL", "concentration in plasma")),
        "plasma_nM": (("dose", "time"), curves, _about("nM", "concentration in plasma")),
    }
    for key, meaning in _OCCASION.items():
        data[key] = (("dose", "occasion"), table[key], _about(*meaning))
    data["half_life"] = (
        "dose",
        table["half_life"],
        _about("h", "terminal half-life; none if the run ends within 48 h of the last dose"),
    )
    if len(arms) > 1:
        slopes = exposure_slopes(np.array([arm.amount for arm in arms]), table)
        about = _about("1", "slope of log exposure over log dose; 1 by construction, linear model")
        data["slope"] = (("exposure", "occasion"), slopes, about)
    return xr.Dataset(data)


def samples_of(arm: Regimen, hours: float | None = None) -> Samples:
    """When samples are taken, for so many hours. Raises InputError."""
    times, last = np.unique(arm.times), arm.changes[-1]
    end = last + _AFTER if hours is None else finite_number(hours, "hours", "h")
    if not last < end <= _MOST_HOURS:
        raise InputError(
            f"hours is {end:g}; it must be after the last dose, {last:g} h, and at most "
            f"{_MOST_HOURS:,.0f} h"
        )
    gaps = np.diff(times)
    stops = np.minimum(times + _DAY, np.append(times[1:] - np.minimum(_BEFORE, gaps / 2), np.inf))
    grid = np.union1d(np.arange(0.0, end, _STEP), [*times, *arm.changes, *stops[stops <= end], end])
    return Samples(grid, tuple(zip(times.tolist(), stops.tolist(), strict=True)))


def read(
    model: Model,
    arms: Sequence[Regimen],
    samples: Samples,
    curves: FloatArray,
    drug: str | None = None,
) -> dict[str, FloatArray]:
    """What plasma curves [nM] (arm, time) show: over arm and occasion `tmax` [h], `cmax` [ng/mL],
    `auc` [ng*h/mL] and `clearance` [L/h]; over arm the `half_life` [h]. `drug` says whose they are,
    in a model of two."""
    (name,) = model.definition.drugs if drug is None else [drug]
    ends = [end for _, end, _ in arms[0].infusions]
    seen = [
        [occasion(samples.times, curve, *window, ends) for window in samples.windows]
        for curve in curves
    ]
    table = {field: np.array([[getattr(o, field) for o in row] for row in seen])
             for field in Occasion._fields}  # fmt: skip
    mass = _mass(model, name)
    table["cmax"] *= mass
    table["auc"] *= mass
    amounts = np.array([_milligrams(model, name, arm) for arm in arms])
    with np.errstate(divide="ignore"):
        table["clearance"] = amounts * 1e3 / table["auc"]  # mg / (ng h/mL) = 1000 L/h
    last = arms[0].changes[-1]
    table["half_life"] = np.array([_half_life(samples.times, curve, last) for curve in curves])
    return table


def exposure_slopes(doses: FloatArray, table: Mapping[str, FloatArray]) -> FloatArray:
    """Slopes of the logarithms of cmax and auc over that of the dose, of each occasion."""
    slopes = [np.polyfit(np.log(doses), np.log(table[key]), 1)[0] for key in ("cmax", "auc")]
    return np.array(slopes)


def _mass(model: Model, drug: str) -> float:
    """ng/mL for each nM, of the free base."""
    return molar_mass(model.definition.molar_masses[drug], FREE_BASE, drug) * 1e-3


def occasion(
    times: FloatArray, curve: FloatArray, dose: float, stop: float, ends: Sequence[float] = ()
) -> Occasion:
    """Peak and area of a curve from a dose to `stop`; NaN for the area where it ends before.

    The peak is the vertex of the parabola through the highest point and its neighbours, but at one
    of the `ends` of infusions, where the curve has a corner, that point itself.
    """
    inside = (times >= dose) & (times <= stop)
    hours, values = times[inside] - dose, curve[inside]
    top = int(values.argmax())
    tmax, cmax = hours[top], values[top]
    if 0 < top < len(values) - 1 and times[inside][top] not in ends:
        a, b, c = np.polyfit(hours[top - 1 : top + 2] - tmax, values[top - 1 : top + 2], 2)
        if a < 0:
            tmax, cmax = tmax - b / (2 * a), c - b**2 / (4 * a)
    whole = times[-1] >= stop
    area = float(np.trapezoid(values, hours)) if whole else np.nan
    return Occasion(float(tmax), float(cmax), area)


def _half_life(times: FloatArray, curve: FloatArray, last: float) -> float:
    """From the slope of the logarithm over the last 24 h, or over the later half of the time from
    the last dose until the drug is gone. NaN where a run ends within 48 h with drug there."""
    seen = np.flatnonzero((times > last) & (curve > _GONE * curve.max()))
    if len(seen) == 0:
        return float("nan")
    end = times[seen[-1]]
    if seen[-1] == len(times) - 1 and end - last < 2 * _TAIL:
        return float("nan")
    tail = seen[times[seen] >= max(end - _TAIL, (last + end) / 2)]
    if len(tail) < 3:
        return float("nan")
    slope = np.polyfit(times[tail], np.log(curve[tail]), 1)[0]
    return float(-np.log(2.0) / slope) if slope < 0 else float("nan")


def _milligrams(model: Model, drug: str, arm: Regimen) -> FloatArray:
    """What is given at each dose time in mg of free base."""
    masses = model.definition.molar_masses[drug]
    form = molar_mass(masses, arm.form, drug)
    weight = model.definition.body_weight if arm.unit == "mg/kg" else 1.0
    times, where = np.unique(arm.times, return_inverse=True)
    amounts = np.bincount(where, [dose.amount for dose in arm.doses], len(times))
    return np.asarray(amounts * weight * masses[""] / form)


def _arms(regimens: Regimen | Sequence[Regimen], allow_flat: bool) -> list[Regimen]:
    arms = as_regimens(regimens, "pk", allow_flat=allow_flat)
    if len({(arm.unit, arm.times, arm.form, arm.over) for arm in arms}) > 1 or not _alike(arms):
        raise InputError(
            "the regimens differ in more than their dose; compare one schedule at a time"
        )
    if len({arm.amount for arm in arms}) < len(arms):
        raise InputError("a dose is given twice; give each once")
    return sorted(arms, key=lambda arm: arm.amount)


def _alike(arms: Sequence[Regimen]) -> bool:
    """Whether all have the same course of doses, in multiples of the first."""
    shares = np.array([[dose.amount / arm.amount for dose in arm.doses] for arm in arms])
    return bool(np.allclose(shares, shares[0], rtol=1e-12))


def _about(unit: str, meaning: str) -> dict[str, str]:
    return {"units": unit, "long_name": meaning}
