"""Both sides of a comparison: the referee's curves, and those that p53net gives."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

import p53net as pn
from tests.referee.composing import OUR_OWN, Equations
from tests.referee.scenarios import ROLES, Scenario
from tests.referee.solving import solution

LIMIT = 1e-6
"""Largest difference of a curve, of its maximum."""
ABSENT = 1e-9
"""A quantity that stays below has no relative difference."""

Curves = dict[str, np.ndarray]
Point = Mapping[str, float]


def values_of(model: pn.Model) -> dict[str, float]:
    """Parameters by id: the only thing that is read from a model."""
    return {name: row.value for name, row in model.definition.parameters.items()}


def own_curves(scenario: Scenario, values: Mapping[str, float], point: Point) -> Curves:
    """What the referee says. `values` are the model's, `point` changes some."""
    at = {**values, **point}
    if scenario.medium_volume is not None:
        at["medium"] = scenario.medium_volume
    equations = Equations(
        scenario.system,
        [ROLES[drug] for drug in scenario.drugs],
        at,
        oral=scenario.oral(values),
        closed_loop=scenario.closed_loop,
        closed_dish=scenario.medium_volume is not None,
        structure=scenario.structure,
    )
    return solution(equations, scenario.times, scenario.steps(at))


def names_of(own: Curves, values: Mapping[str, float]) -> set[str]:
    """Quantities that a model has to give: all that the referee knows and no parameter is."""
    return own.keys() - values.keys() - OUR_OWN


def curves_of(scenario: Scenario, model: pn.Model, points: Sequence[Point]) -> list[Curves]:
    """What p53net gives for each point, all in one sweep of the batch engine."""
    names = list(model.definition.variables)
    some = next(iter(values_of(model).items()))  # a table of points has at least one column
    table = pd.DataFrame([dict([some]) | dict(point) for point in points])
    found = pn.sweep(
        model, table, times=scenario.times, observables=names, doses=scenario.doses,
        feedback=scenario.closed_loop, keep_trajectories=True, engine="batch", workers=0,
    )  # fmt: skip
    failed = ~found["status"].isin(["ok", "accuracy not reached"]).values  # LIMIT is wider
    assert not failed.any(), found["reason"].values[failed][0]
    return [{name: found[name].values[i] for name in names} for i in range(len(points))]


def single(scenario: Scenario, model: pn.Model, point: Point) -> Curves:
    """The same of one point by RoadRunner."""
    found = model.simulate(
        scenario.times, scenario.doses, point, feedback=scenario.closed_loop, engine="roadrunner"
    )
    return {name: found[name].values for name in model.definition.variables}


def difference(own: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> tuple[float, str]:
    """The largest of all quantities of `other`, of each maximum, and where."""
    return max(
        (
            float(np.nan_to_num(np.abs(own[name] - curve), nan=np.inf).max())
            / max(float(np.abs(own[name]).max()), ABSENT),
            name,
        )
        for name, curve in other.items()
    )
