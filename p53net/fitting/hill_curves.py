"""Plain Hill fits of plates: an IC50 without any model, for each curve of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.fitting.points import Point, points_of
from p53net.fitting.table import Data, rows_of
from p53net.measures.dose_response import fit_logistic
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike, as_structure
from p53net.notebook.bars import waited

_FEWEST = 5  # different doses


@waited
def hill(data: Data, *, tables: TablesLike = None, structure: StructureLike = None) -> pd.DataFrame:
    """A four-parameter logistic curve of each plate in a table, as those of `viability` are.

    `data` is a table as `fit` takes it. A curve is an observable of one drug in one line at one
    time after one exposure, on one plate, for one subject; signals in AU are taken over the mean of
    the vehicle wells of their plate, less that of its blanks. Curves with fewer than five doses
    are left out.

    Returns a row for each curve: `observable`, `drug`, `line`, `time` and `exposure` [h], `plate`,
    `subject`, `middle` (IC50 or DC50) with `low` and `high` (95 %) [nM], `hill`, `top`, `bottom`
    [unit], and `status`. `tables` and `structure` are as in `fit`. Raises InputError and
    UnknownNameError, with the row; InputError where no curve has enough doses.

    Examples:
        >>> plate = pn.data_of(pn.viability("KT-253", "RS4;11"))
        >>> pn.hill(plate)[["drug", "line", "middle", "low", "high"]].round(3)
             drug    line  middle    low   high
        0  KT-253  RS4;11     0.3  0.266  0.338
    """
    points = points_of(rows_of(data), as_structure(structure), as_tables(tables))
    curves: dict[tuple[object, ...], list[Point]] = {}
    for point in points:
        if not point.setting.host and point.dose > 0 and len(point.setting.drugs) == 1:
            curves.setdefault(_curve(point), []).append(point)
    found = []
    for key, own in curves.items():
        doses = np.array([point.dose for point in own])
        if len(np.unique(doses)) < _FEWEST:
            continue
        if any(point.below for point in own):
            raise own[0].row.wrong(
                "a curve with values below the limit of quantification has no plain fit; use fit"
            )
        values, unit, top = _signal(own, points)
        fitted = fit_logistic(doses, values, top)
        found.append([*key, unit, fitted.middle, fitted.low, fitted.high, fitted.hill, fitted.top,
                      fitted.bottom, fitted.status])  # fmt: skip
    if not found:
        raise InputError(
            f"{points[0].row.table} has no curve of {_FEWEST} doses or more of one drug in a dish"
        )
    return pd.DataFrame(found, columns=[
        "observable", "drug", "line", "time", "exposure", "plate", "subject", "unit", "middle",
        "low", "high", "hill", "top", "bottom", "status",
    ])  # fmt: skip


def _curve(point: Point) -> tuple[object, ...]:
    return (point.assay, point.setting.drugs[0], point.setting.line, point.time, point.exposure,
            point.plate, point.row.text("subject"))  # fmt: skip


def _signal(own: list[Point], points: list[Point]) -> tuple[FloatArray, str, float | None]:
    """Values of a curve, their unit, and what vehicle is in it."""
    values = np.array([point.value for point in own])
    first = own[0]
    if not first.arbitrary:
        return values, first.unit, first.factor if first.relative else None
    place = first.time, first.setting.line
    same = [
        point
        for point in points
        if (point.assay, point.plate) == (first.assay, first.plate)
        and (point.blank or (point.time, point.setting.line) == place)
    ]
    vehicle = [point.value for point in same if point.dose == 0 and not point.blank]
    blank = [point.value for point in same if point.blank]
    if not vehicle:
        raise first.row.wrong("a plate in AU has no vehicle wells to compare with; add such rows")
    nothing = float(np.mean(blank)) if blank else 0.0
    whole = float(np.mean(vehicle)) - nothing
    if not whole > 0:
        raise first.row.wrong("the vehicle wells of its plate are not above the blanks")
    return 100.0 * (values - nothing) / whole, "%", 100.0
