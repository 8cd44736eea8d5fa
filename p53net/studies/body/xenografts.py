"""Tumours in mice: volume over time beside untreated ones, growth inhibition, regression."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from p53net.dosing.amounts import base_mass
from p53net.dosing.beside import BesideLike, one_into_body
from p53net.dosing.labels import labels_of
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

DAYS = 28.0
"""Length of a study, unless said otherwise."""

TGI = "100*(1 - (T - T0)/(C - C0)), T0 and C0 volumes at the start, T treated and C untreated"
"""Above 100 % the tumour is smaller than at the start."""

_STEP = 0.25  # h: a mouse clears milademetan within hours
_MOST_DAYS = 730.0
_TOGETHER = 100  # draws that run together: curves are long
_VARIABLES = ("tumour_volume", "p53_active", "MDM2_total", "PUMA", "caspase")
_UNTREATED = "untreated"


@recorded
def xenograft(
    drug: str,
    regimens: Regimen | Sequence[Regimen],
    cell_line: str,
    *,
    days: float = DAYS,
    host: str = "mouse",
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
    """Tumours under several regimens beside untreated ones, for `days`.

    Returns a Dataset over `arm` (untreated first) and `time` [h]: `tumour_volume` [mm3], active
    p53, MDM2, PUMA, caspase [nM] and drug in plasma [nM]; and per arm `tgi` [%] at the last day, by
    the formula in the attributes, `change` [% of the start], `lowest` volume [mm3] and
    `days_below`: how long the tumour stays smaller than at the start, once it is.
    With a regimen of another drug `beside`, the arms are untreated, that alone, and each regimen
    alone and with it; both have their plasma.
    A mouse takes mg/kg; a dose in mg is refused unless `allow_flat`.
    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `escape`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> found = pn.xenograft("KT-253", pn.regimen(1, "mg/kg", "once"), "RS4;11", days=14)
        >>> found["arm"].values.tolist()
        ['untreated', '1 mg/kg once']
        >>> found["tgi"].values.round(1), found["tumour_volume"].dims
        (array([  0. , 116.7]), ('arm', 'time'))
    """
    arms = as_regimens(regimens, "xenograft", allow_flat=allow_flat)
    length = finite_number(days, "days", "days")
    if not 0 < length <= _MOST_DAYS:
        raise InputError(f"days is {length:g}, but must be above 0 and at most {_MOST_DAYS:g}")
    other, given = one_into_body(beside, drug, tables, allow_flat=allow_flat)
    labels = labels_of(arms, "regimens")
    alone = [f"{other} {arm.label}" for arm in given.values()]
    labels = [_UNTREATED, *alone, *labels, *(f"{one} + {two}" for one in labels for two in alone)]
    times = np.union1d(np.arange(0.0, length * 24.0, _STEP), [length * 24.0])
    cells = Cells(ensemble, draws=draws, structure=structure, tables=tables)
    pieces, engines = [], dict[str, None]()
    for part in cells.parts(_TOGETHER):
        model = shared(
            drug, *given, cell_line=cell_line, system="tumour", host=host, tables=tables,
            structure=part.structure,
        ).to(accuracy)  # fmt: skip
        (name,) = (one for one in model.definition.drugs if one != other)
        roles = [model.definition.drugs[one] for one in (name, *given)]
        wanted = [*_VARIABLES, *(f"{role}_plasma" for role in roles)]
        single: list[dict[str, Regimen]] = [{name: arm} for arm in arms]
        pairs = [{**one, **given} for one in single] if given else []
        treated = [*([given] if given else []), *single, *pairs]
        runs = run_arms(cells, part, model, times, [{}, *treated], wanted, parameters, engine)
        engines.setdefault(runs.engine)
        for i in runs.sound:
            try:
                piece = _measured(model, times, {n: c[i] for n, c in runs.curves.items()})
            except InputError as error:
                cells.fail(part.draws[i], error)
            else:
                pieces.append(piece.assign_coords(draw=int(part.draws[i])))
    settings = model.run_settings
    if cells.ensemble is not None:
        settings.pop("structure", None)
    return (
        cells.finished(cells.joined(pieces), ("time",))
        .assign_coords(
            {
                "arm": labels,
                "time": ("time", times, {"units": "h", "long_name": "time"}),
            }
        )
        .assign_attrs(
            {
                "study": "xenograft",
                "drug": name,
                "cell_line": model.definition.cell_line,
                "host": model.definition.host,
                "doses": "; ".join(str(arm) for arm in arms),
                **about_beside(given, model.definition),
                "molar_mass": base_mass(model.definition.molar_masses[name], name),
                "days": length,
                "tgi": f"{TGI} at day {length:g}",
                "parameters": json.dumps(runs.parameters),
                **settings,
                "engine": "; ".join(engines),
                "version": VERSION,
            }
        )
    )


def _measured(model: Model, times: FloatArray, curves: Mapping[str, FloatArray]) -> xr.Dataset:
    """Curves (arm, time) of one cell, and what each arm shows."""
    volumes = curves["tumour_volume"]
    if not volumes[0, -1] > volumes[0, 0]:
        raise InputError("the untreated tumour does not grow, so there is no TGI; check parameters")
    data: dict[str, Any] = {
        one: (("arm", "time"), curve, model.about(one)) for one, curve in curves.items()
    }
    per_arm = {
        "tgi": ("%", "tumour growth inhibition at the last day", tgi(volumes)),
        "change": ("%", "change of volume from start to end", _change(volumes)),
        "lowest": ("mm3", "lowest volume", volumes.min(axis=1)),
        "days_below": (
            "d",
            "how long the tumour stays below its start",
            np.array([days_below(times, volume) for volume in volumes]),
        ),
    }
    for key, (unit, meaning, values) in per_arm.items():
        data[key] = ("arm", values, {"units": unit, "long_name": meaning})
    return xr.Dataset(data)


def tgi(volumes: FloatArray) -> FloatArray:
    """Growth inhibition [%] of each arm at the last time; the first arm is untreated."""
    growth = volumes[:, -1] - volumes[:, 0]
    return np.asarray(100.0 * (1.0 - growth / growth[0]))


def most_tgi(model: Model, days: float, parameters: Mapping[str, float] | None = None) -> float:
    """Growth inhibition [%] of a tumour that is gone: what untreated growth allows at most."""
    run = model.simulate([0.0, days * 24.0], parameters=parameters, observables=["tumour_volume"])
    start, end = run["tumour_volume"].values
    return float(100.0 * (1.0 + start / (end - start)))


def days_below(times: FloatArray, volume: FloatArray) -> float:
    """Days from when a tumour is first smaller than at the start until it no longer is, or until
    the end; 0 if it never is."""
    below = volume < volume[0]
    if not below.any():
        return 0.0
    first = int(below.argmax())
    after = np.flatnonzero(~below[first:])
    last = first + int(after[0]) if len(after) else len(times) - 1
    return float(times[last] - times[first]) / 24.0


def _change(volumes: FloatArray) -> FloatArray:
    return np.asarray(100.0 * (volumes[:, -1] / volumes[:, 0] - 1.0))
