"""Doses held and reduced as trials do: what a patient is given depends on the counts so far.

Before each dose counts are looked at. Below a limit doses are held; once counts have recovered they
go on, one step lower.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from p53net.dosing.medium import Courses, same_courses
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.simulation.choice import AUTO
from p53net.simulation.inputs import checked_doses
from p53net.simulation.model import Model
from p53net.studies.body.rules import USUAL, Rule, checked_rules

LIMITS = {rule.count: (rule.below, rule.again) for rule in USUAL}
"""Of the usual rule: counts [1e9/L] below which doses are held, and from which on they are given
again."""

GIVEN = ("given", "beside_given")
"""Share of the planned amount that is given, of the drug and of another."""

Look: TypeAlias = Callable[[Courses, float], FloatArray]
"""Counts of patients (patient, rule) under courses, at a time [h]."""


def held(courses: Courses, look: Look, rules: Sequence[Rule] = USUAL) -> Courses:
    """The courses that patients get of those planned, a row for each patient; all are planned the
    same. Doses go on once all counts have recovered."""
    infusions = {drug: several._replace(rates=np.zeros_like(several.rates))
                 for drug, several in courses.infusions.items()}  # fmt: skip
    given = replace(courses, levels=np.full_like(courses.levels, np.nan), infusions=infusions)
    below, again, left = np.array([(one.below, one.again, one.left) for one in rules]).T
    share, holding = np.ones(len(courses.at)), np.zeros(len(courses.at), dtype=bool)
    for step, hours in enumerate(courses.at[0]):
        begun = {drug: several.begins[0] == hours for drug, several in courses.infusions.items()}
        if np.isnan(courses.levels[:, step]).all() and not any(map(np.any, begun.values())):
            continue
        if hours > 0.0:
            counts = look(given, float(hours))
            low = ~holding[:, np.newaxis] & (counts < below)
            share *= np.where(low, left, 1.0).min(axis=1)
            holding = (holding | low.any(axis=1)) & ~(counts >= again).all(axis=1)
        amounts = courses.levels[:, step] * share[:, np.newaxis]
        given.levels[:, step] = np.where(holding[:, np.newaxis], np.nan, amounts)
        for drug, which in begun.items():
            rates = courses.infusions[drug].rates[:, which]
            infusions[drug].rates[:, which] = rates * np.where(holding, 0.0, share)[:, np.newaxis]
    return given


def held_courses(
    marrow: Model,
    drug: str,
    regimen: Regimen,
    columns: Mapping[str, FloatArray],
    number: int,
    engine: str = AUTO,
    rules: Sequence[Rule] = USUAL,
    beside: Mapping[str, Regimen] | None = None,
) -> Courses:
    """What each of `number` patients with the parameters of `columns` gets of a regimen, and of
    another drug beside it."""
    names = [rule.count for rule in checked_rules(tuple(rules), marrow.definition)]
    unique = list(dict.fromkeys(names))
    places = [unique.index(name) for name in names]
    both = {drug: regimen, **(beside or {})}
    planned = same_courses(checked_doses(marrow.definition, both), number)

    def look(given: Courses, hours: float) -> FloatArray:
        found, _ = marrow.curves(np.array([0.0, hours]), given, columns, unique, engine=engine)
        return np.asarray(found.values[:, places, -1])

    return held(planned, look, rules)


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
    rules: Sequence[Rule] = USUAL,
    beside: Mapping[str, Regimen] | None = None,
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
    courses = held_courses(marrow, drug, regimen, columns["marrow"], number, engine, rules, beside)
    both = {drug: regimen, **(beside or {})}
    shares = {name: _share(marrow, one, arm, courses)
              for name, (one, arm) in zip(GIVEN, both.items(), strict=False)}  # fmt: skip
    found = {}
    for system, model in models.items():
        run, said = model.curves(times, courses, columns[system], names[system], engine=engine)
        data = {
            name: (("point", "time"), run.values[:, i], model.about(name))
            for i, name in enumerate(names[system])
        }
        about = [{"units": "%", "long_name": f"given of the planned amount{of}"}
                 for of in ("", *(f" of {other}" for other in beside or {}))]  # fmt: skip
        given = {name: ("point", share, what)
                 for (name, share), what in zip(shares.items(), about, strict=True)}  # fmt: skip
        found[system] = xr.Dataset(
            {**data, **given, "status": ("point", ["ok"] * number),
             "reason": ("point", [""] * number)},
            attrs={"engine": said},
        )  # fmt: skip
    return found


def _share(marrow: Model, drug: str, regimen: Regimen, courses: Courses) -> FloatArray:
    planned = same_courses(checked_doses(marrow.definition, {drug: regimen}))
    return np.asarray(100.0 * courses.amounts_of(drug) / planned.amounts_of(drug))


def holding_about(rules: Sequence[Rule]) -> dict[str, Any]:
    """How doses are held, as attributes of a study."""
    if not rules:
        return {}
    own = {} if tuple(rules) == USUAL else {"hold_rules": "; ".join(map(str, rules))}
    return {"hold": 1, **own}
