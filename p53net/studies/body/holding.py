"""Doses held and reduced as trials do: what a patient is given depends on the counts so far.

Before each dose counts are looked at. Below a limit doses are held; once counts have recovered they
go on, one step lower.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from p53net.dosing.medium import Courses, same_courses
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.simulation.choice import AUTO
from p53net.simulation.inputs import checked_doses
from p53net.simulation.model import Model

LIMITS = {"platelets": (50.0, 75.0), "neutrophils": (1.0, 1.5)}
"""Counts [1e9/L] below which doses are held, and from which on they are given again: a usual rule
of trials (PMC3675695, table A2). Milademetan's own is not published."""

REDUCED = 0.75
"""What one reduction leaves of the dose, assumed: near one step of the doses that were tried
(340, 260, 160, 120, 90 mg)."""

Look: TypeAlias = Callable[[Courses, float], FloatArray]
"""Counts of patients (patient, count of LIMITS) under courses, at a time [h]."""


def held(courses: Courses, look: Look) -> Courses:
    """The courses that patients get of those planned, a row for each patient."""
    given = replace(courses, levels=np.full_like(courses.levels, np.nan))
    limits = np.array(list(LIMITS.values()))
    share, holding = np.ones(len(courses.at)), np.zeros(len(courses.at), dtype=bool)
    for step, hours in enumerate(courses.at[0]):
        if np.isnan(courses.levels[:, step]).all():
            continue
        if hours > 0.0:
            counts = look(given, float(hours))
            fallen = ~holding & (counts < limits[:, 0]).any(axis=1)
            share[fallen] *= REDUCED
            holding = (holding | fallen) & ~(counts >= limits[:, 1]).all(axis=1)
        amounts = courses.levels[:, step] * share[:, np.newaxis]
        given.levels[:, step] = np.where(holding[:, np.newaxis], np.nan, amounts)
    return given


def held_courses(
    marrow: Model,
    drug: str,
    regimen: Regimen,
    columns: Mapping[str, FloatArray],
    number: int,
    engine: str = AUTO,
) -> Courses:
    """What each of `number` patients with the parameters of `columns` gets of a regimen."""
    planned = same_courses(checked_doses(marrow.definition, {drug: regimen}), number)

    def look(given: Courses, hours: float) -> FloatArray:
        found, _ = marrow.curves(
            np.array([0.0, hours]), given, columns, list(LIMITS), engine=engine
        )
        return np.asarray(found.values[:, :, -1])

    return held(planned, look)


def held_share(
    marrow: Model,
    drug: str,
    regimen: Regimen,
    columns: Mapping[str, FloatArray],
    number: int,
    engine: str = AUTO,
) -> FloatArray:
    """What each of these patients gets of the planned amount [%]."""
    courses = held_courses(marrow, drug, regimen, columns, number, engine)
    return _share(marrow, drug, regimen, courses)


def held_runs(
    models: Mapping[str, Model],
    drug: str,
    regimen: Regimen,
    times: FloatArray,
    drawn: pd.DataFrame,
    names: Mapping[str, Sequence[str]],
    *,
    parameters: Mapping[str, Mapping[str, float]],
    engine: str = AUTO,
) -> dict[str, xr.Dataset]:
    """Curves (point, time) of `names` in each system, of patients whose doses the marrow decides.

    Like sweeps over `drawn` with the `parameters` of each system, and with the share of the planned
    amount that each was `given` [%].
    """
    number = len(drawn)
    columns = {
        system: {name: np.full(number, value) for name, value in parameters[system].items()}
        | {str(name): drawn[name].to_numpy() for name in drawn}
        for system in models
    }
    for system, model in models.items():
        known = model.definition.parameters
        columns[system] = {n: v for n, v in columns[system].items() if n in known}
    marrow = models["marrow"]
    courses = held_courses(marrow, drug, regimen, columns["marrow"], number, engine)
    share = _share(marrow, drug, regimen, courses)
    found = {}
    for system, model in models.items():
        run, said = model.curves(times, courses, columns[system], names[system], engine=engine)
        data = {
            name: (("point", "time"), run.values[:, i], model.about(name))
            for i, name in enumerate(names[system])
        }
        about = {"units": "%", "long_name": "given of the planned amount"}
        found[system] = xr.Dataset(
            {**data, "given": ("point", share, about), "status": ("point", ["ok"] * number),
             "reason": ("point", [""] * number)},
            attrs={"engine": said},
        )  # fmt: skip
    return found


def _share(marrow: Model, drug: str, regimen: Regimen, courses: Courses) -> FloatArray:
    planned = np.nansum(same_courses(checked_doses(marrow.definition, {drug: regimen})).levels)
    return np.asarray(100.0 * np.nansum(courses.levels, axis=(1, 2)) / planned)
