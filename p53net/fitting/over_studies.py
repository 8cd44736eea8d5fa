"""Rows of data over the figures of studies: those that measured what a curve there shows.

A row has a place where drug, cell line or host, exposure or regimen, and time are those of the
study. What is relative to vehicle, or to the start of a run in a body, is taken over that of the
study. Everything else has a reason.
"""

from collections.abc import Callable, Mapping
from itertools import cycle, islice

import numpy as np
import xarray as xr

from p53net.dosing.regimens import Regimen
from p53net.ensembles.banded import median
from p53net.errors import InputError
from p53net.figures.style import COLOURS
from p53net.fitting.points import START, VEHICLE, Point, same_until
from p53net.fitting.spots import Places, Spot
from p53net.fitting.table import factor_to
from p53net.model import drug_entries, molar_masses
from p53net.simulation.recalled import arguments_of, regimens_of, tables_in
from p53net.studies.body.figures import shades

_NEAR = 1e-6  # of amounts and times, as they are written
_WEEK = 168.0  # h, of what a mouse study shows of plasma and p53
_IN_PATIENT = ("DRUG_plasma", "p53_active", "MDM2_total", "p21", "GDF15_serum", "platelets",
               "neutrophils", "haemoglobin", "tumour_volume")  # fmt: skip
"""Quantities of the panels of a patient, in their order."""


def places_in(result: xr.Dataset) -> Places:
    """Where rows go in the figure of a study. Raises InputError for one that shows no data."""
    study = str(result.attrs.get("study", ""))
    if study not in _STUDIES:
        raise InputError(
            f"data are drawn over a time course of `simulate`, and over {', '.join(_STUDIES)}, "
            f"not over {study or 'this'}; give one of those"
        )
    if "beside" in result.attrs:
        raise InputError("data are drawn over studies of one drug; this has another beside it")
    return _STUDIES[study](result)


def _dish(
    result: xr.Dataset, assay: str, vehicle: Callable[[str, float], float] | None = None
) -> Places:
    """Of plates: a panel for each drug; colours are lines, or times of reading. `vehicle` says what
    it has under a drug at a time, where that is not 100 %."""
    drugs = [str(one) for one in result["drug"].values]
    lines = ([str(one) for one in result["cell_line"].values] if "cell_line" in result.dims
             else [str(result.attrs["cell_line"])])  # fmt: skip
    several = "hours" in result.dims
    hours = [float(one) for one in result["hours"].values] if several else [
        float(result.attrs["hours"])]  # fmt: skip

    def place(point: Point) -> list[Spot] | str:
        setting = point.setting
        if setting.host or point.assay != assay:
            return f"of {point.assay}"
        if len(setting.drugs) > 1 or setting.drugs[0] not in drugs:
            return f"of {' + '.join(setting.drugs)}"
        if setting.line not in lines:
            return f"in {setting.line}"
        if np.isfinite(point.exposure) and point.exposure < point.time:
            return "with drug that was washed out"
        near = [i for i, one in enumerate(hours) if _equal(one, point.time)]
        if not near:
            return f"at {point.time:g} h"
        colour = near[0] if several else lines.index(setting.line)
        if assay == "MDM2" and not point.value > 0:
            return "at or below 0 %, on an axis of logarithms"
        (drug,) = setting.drugs
        whole = 100.0 if vehicle is None else vehicle(drug, hours[near[0]])
        by = whole / point.factor
        return [Spot(drugs.index(drug), point.dose, point.value * by, _colour(colour),
                     point.error * by)]  # fmt: skip

    return place


def _viability(result: xr.Dataset) -> Places:
    return _dish(result, "viability")


def _degradation(result: xr.Dataset) -> Places:
    return _dish(result, "MDM2")


def _caspase(result: xr.Dataset) -> Places:
    middle = median(result)

    def vehicle(drug: str, hours: float) -> float:
        one = middle.sel(drug=drug, hours=hours).isel(dose=-1)
        return float(one["active"] / one["caspase"])

    return _dish(result, "caspase", vehicle)


def _pk(result: xr.Dataset) -> Places:
    arms = _arms(result)
    colours = shades(len(arms))
    end = float(result["time"].max())

    def place(point: Point) -> list[Spot] | str:
        if point.assay != "plasma":
            return f"of {point.assay}"
        arm = _arm(point, result, arms)
        if isinstance(arm, str):
            return arm
        if point.time > end:
            return "later than the study"
        by = _per_mL(point, result)
        return [Spot(panel, point.time, point.value * by, colours[arm], point.error * by)
                for panel in (0, 1)]  # fmt: skip

    return place


def _xenograft(result: xr.Dataset) -> Places:
    arms = _arms(result)
    colours = list(islice(cycle(("#000000", *COLOURS)), len(arms) + 1))
    middle = median(result)
    plasma = next(str(name) for name in result.data_vars if str(name).endswith("_plasma"))
    panels = {"tumour_volume": (0, np.inf), "p53_active": (1, _WEEK), plasma: (2, _WEEK)}

    def place(point: Point) -> list[Spot] | str:
        if point.quantity not in panels:
            return f"of {point.assay}"
        panel, latest = panels[point.quantity]
        arm = _arm(point, result, arms)
        if isinstance(arm, str):
            return arm
        if point.time > min(latest, float(result["time"].max())):
            return "later than what is shown"
        curve = middle[point.quantity].isel(arm=arm + 1)
        by = _over_start(point, curve)
        return [Spot(panel, point.time / 24.0, point.value * by, colours[arm + 1],
                     point.error * by)]  # fmt: skip

    return place


def _patient(result: xr.Dataset) -> Places:
    arms = _arms(result)
    middle = median(result)
    if "percentile" in middle.dims:
        middle = middle.sel(percentile=50.0)

    def place(point: Point) -> list[Spot] | str:
        name = "DRUG_plasma" if point.assay == "plasma" else point.quantity
        if name not in _IN_PATIENT:
            return f"of {point.assay}"
        arm = _arm(point, result, arms)
        if isinstance(arm, str):
            return arm
        if arm < 0:
            return "of untreated hosts"
        if point.time > float(result["time"].max()):
            return "later than the study"
        by = (_per_mL(point, result) if name == "DRUG_plasma"
              else _over_start(point, middle[name]))  # fmt: skip
        panel = _IN_PATIENT.index(name)
        return [Spot(panel, point.time / 24.0, point.value * by, _colour(panel % 3),
                     point.error * by)]  # fmt: skip

    return place


def _arms(result: xr.Dataset) -> list[Regimen]:
    """Regimens of a study, by its record."""
    given = arguments_of(result)
    arms = regimens_of(given.get("regimens", given.get("regimen")))
    if not arms:
        raise InputError("the result has no record that names its regimens; run the study again")
    return arms


def _arm(point: Point, result: xr.Dataset, arms: list[Regimen]) -> int | str:
    """Which arm a row is of, -1 untreated; or why it is of none."""
    setting = point.setting
    if setting.host != str(result.attrs.get("host", "human")):
        return f"in {setting.host or 'a dish'}"
    line = str(result.attrs.get("tumour", result.attrs.get("cell_line", "")))
    if setting.line and setting.line != line:
        return f"in {setting.line}"
    if setting.label == VEHICLE:
        return -1
    if setting.drugs != (str(result.attrs["drug"]),):
        return f"of {' + '.join(setting.drugs)}"
    (own,) = setting.doses
    for i, arm in enumerate(arms):
        if isinstance(own, Regimen) and same_until(own, arm, point.time):
            return i
    return f"under {setting.label}"


def _over_start(point: Point, curve: xr.DataArray) -> float:
    """What a value is multiplied by to stand on the axis of a curve."""
    start = float(curve.isel(time=0)) if point.relative == START else 1.0
    return start / point.factor


def _per_mL(point: Point, result: xr.Dataset) -> float:
    """What a plasma value is multiplied by to be in ng/mL."""
    own = tables_in(arguments_of(result))
    mass = molar_masses(drug_entries(own)[point.setting.drugs[0]])[""]
    return factor_to("nM", "ng/mL", str(point.row), mass) / point.factor


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _equal(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=_NEAR, atol=_NEAR))


_STUDIES: Mapping[str, Callable[[xr.Dataset], Places]] = {
    "viability": _viability,
    "degradation": _degradation,
    "caspase": _caspase,
    "pk": _pk,
    "xenograft": _xenograft,
    "patient": _patient,
}
