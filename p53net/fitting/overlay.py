"""Data over the curves of one run: the rows of what ran."""

import json

import numpy as np
import xarray as xr

from p53net.dosing.medium import Dose
from p53net.engines.base import FloatArray
from p53net.ensembles.banded import median
from p53net.errors import InputError
from p53net.figures.run import Seen
from p53net.fitting.assays import DISH
from p53net.fitting.points import Point, points_of
from p53net.fitting.table import Data, rows_of
from p53net.model.own import Tables

_NEAR = 1e-6  # of a dose, as it is written


def seen_in(data: Data, run: xr.Dataset) -> dict[str, Seen]:
    """Rows of a table that measured what a run of `simulate` is, in the units of its curves: of the
    same drugs, doses, line and host, within its time.

    What is relative to vehicle is taken over the start of the curve, for cells without drug stay as
    they are; only their number does not, so viability is left out, as are signals in AU. Raises
    InputError where no row is left.
    """
    points = points_of(rows_of(data), None, Tables())
    found: dict[str, Seen] = {}
    middle = median(run)
    given = json.loads(run.attrs["doses"])
    for point in points:
        name = point.quantity
        if name not in run or point.below or point.arbitrary or name == "live_cells":
            continue
        if not _same(point, run, given) or point.time > float(run["time"].max()):
            continue
        curve: FloatArray = middle[name].to_numpy()
        by = float(curve[0]) / point.factor if point.relative else 1.0 / point.factor
        if not by > 0:
            continue
        own = found.setdefault(name, Seen([], [], []))
        own.times.append(point.time)
        own.values.append(point.value * by)
        own.errors.append(point.error * by)
    if not found:
        raise InputError(
            "no row of the data measured what this run is: the same drugs and doses in the same "
            "line or host, within its time, of a quantity that it returned"
        )
    return found


def _same(point: Point, run: xr.Dataset, given: dict[str, str]) -> bool:
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
    return all(_equal(str(dose), given[drug]) for drug, dose in doses.items())


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
