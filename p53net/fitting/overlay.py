"""Data over the curves of one run: the rows of what ran."""

import json
from collections import Counter

import numpy as np
import xarray as xr

from p53net.dosing.medium import Dose
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.banded import median
from p53net.errors import InputError
from p53net.figures.run import Seen
from p53net.fitting.assays import DISH
from p53net.fitting.points import Point, points_of, same_until
from p53net.fitting.spots import said
from p53net.fitting.table import Data, rows_of
from p53net.simulation.recalled import arguments_of, regimens_of, tables_in

_NEAR = 1e-6  # of a dose, as it is written


def points_in(data: Data, result: xr.Dataset) -> list[Point]:
    """Rows of a table, understood with the tables of a user's own that a result was made with.
    Raises InputError, UnknownNameError, of rows with their number."""
    return points_of(rows_of(data), None, tables_in(arguments_of(result)))


def seen_in(data: Data, run: xr.Dataset) -> tuple[dict[str, Seen], Counter[str]]:
    """Rows of a table that measured what a run of `simulate` is, in the units of its curves: of the
    same drugs, doses, line and host, within its time. And of others how many, by reason.

    What is relative to vehicle is taken over the start of the curve, for cells without drug stay as
    they are; only their number does not, so viability is left out, as are signals in AU. Raises
    InputError where no row is left.
    """
    found: dict[str, Seen] = {}
    lost: Counter[str] = Counter()
    middle = median(run)
    given = json.loads(run.attrs["doses"])
    regimens = _regimens(run)
    for point in points_in(data, run):
        name = point.quantity
        by = 0.0
        if not (why := _why(point, run, given, regimens)):
            curve: FloatArray = middle[name].to_numpy()
            by = float(curve[0]) / point.factor if point.relative else 1.0 / point.factor
            why = "" if by > 0 else "relative to a start of 0"
        if why:
            lost[why] += 1
            continue
        own = found.setdefault(name, Seen([], [], []))
        own.times.append(point.time)
        own.values.append(point.value * by)
        own.errors.append(point.error * by)
    if not found:
        raise InputError(
            "no row of the data measured what this run is: the same drugs and doses in the same "
            f"line or host, within its time, of a quantity that it returned ({said(lost)})"
        )
    return found, lost


def _why(point: Point, run: xr.Dataset, given: dict[str, str], regimens: dict[str, Regimen]) -> str:
    """Why a row is not of this run; empty where it is."""
    if point.blank:
        return "of blanks"
    if point.below:
        return "below a limit of quantification"
    if point.arbitrary:
        return "in AU, which has no scale here"
    if point.quantity == "live_cells":
        return "of viability, which is relative to cells that grow"
    if point.quantity not in run:
        return f"of {point.assay}"
    if not _same(point, run, given, regimens):
        return "of other drugs, doses, lines or hosts"
    return "later than the run" if point.time > float(run["time"].max()) else ""


def _regimens(run: xr.Dataset) -> dict[str, Regimen]:
    """What a body got, by drug, as the record has it."""
    doses = (arguments_of(run).get("doses") or {}).get("mapping", [])
    found = {str(drug): regimens_of(one) for drug, one in doses}
    return {drug: several[0] for drug, several in found.items() if several}


def _same(
    point: Point, run: xr.Dataset, given: dict[str, str], regimens: dict[str, Regimen]
) -> bool:
    """Whether a row is of this run."""
    setting = point.setting
    if setting.host != run.attrs.get("host", ""):
        return False
    if setting.system == DISH and setting.line != run.attrs["cell_line"]:
        return False
    if setting.system != DISH and setting.system != run.attrs["system"]:
        return False
    if setting.line and setting.line != run.attrs["cell_line"]:
        return False
    doses = {drug: dose for drug, dose in zip(setting.drugs, setting.doses, strict=True)
             if dose is not None and dose.highest > 0}  # fmt: skip
    if set(doses) != {drug for drug, text in given.items() if text != str(Dose(((0.0, 0.0),)))}:
        return False
    for drug, dose in doses.items():
        if isinstance(dose, Regimen) and drug in regimens:
            if not same_until(dose, regimens[drug], point.time):
                return False
        elif not _equal(str(dose), given[drug]):
            return False
    return True


def _equal(one: str, other: str) -> bool:
    """Whether two doses in words are the same to a millionth."""
    words, others = one.split(), other.split()
    if len(words) != len(others):
        return False
    for a, b in zip(words, others, strict=True):
        try:
            if not np.isclose(float(a), float(b), rtol=_NEAR):
                return False
        except ValueError:
            if a != b:
                return False
    return True
