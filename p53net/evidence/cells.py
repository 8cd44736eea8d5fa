"""Runs of many cells and many trials at once.

Drugs of one mechanism, cell lines and trials differ in values and not in equations, so one model
runs them all, with their values as parameters of a run. `supposing` says of which structure it is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from p53net.dosing.medium import Courses, courses_of
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import unknown_name
from p53net.model import drug_entries
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.trials import Cell, Trial, all_content, changes

Predictions: TypeAlias = dict[str, float]
"""Observation to what is predicted."""

Group: TypeAlias = Callable[[Sequence[Trial]], list[Predictions]]
"""Predictions that are made together, of each trial."""

_MANY = 25  # runs: trials are asked for again and again, so the engine for many is worth it


def model_of(
    drug: str, system: str, host: str | None = None, tolerances: Tolerances | None = None
) -> Model:
    """The model that runs a drug: in a body its own, for doses are masses; in a dish that of the
    first drug with its mechanism."""
    if host is None:
        drug = _first_of_its_kind(drug, all_content())
    return shared(drug, system=system, host=host, tolerances=tolerances)


def in_dish(
    cells: Sequence[Cell],
    system: str,
    doses: FloatArray,
    times: Sequence[float] | FloatArray,
    names: Sequence[str],
    *,
    feedback: bool = True,
) -> FloatArray:
    """Quantities (cell, well, time, name) under constant doses [nM], after a well of vehicle.

    `doses` are common or a row for each cell; `times` [h] start at 0. The drugs have one mechanism.
    Raises UnknownNameError.
    """
    model = _with(names, model_of(cells[0].drug, system))
    rows = np.broadcast_to(doses, (len(cells), np.shape(doses)[-1]))
    levels = np.column_stack([np.zeros(len(cells)), rows])
    wells = levels.shape[1]
    courses = Courses(tuple(model.definition.drugs), np.zeros((levels.size, 1)),
                      levels.reshape(-1, 1, 1))  # fmt: skip
    columns = _columns(model, changes(model, cells), wells)
    found, _ = model.curves(np.asarray(times, dtype=float), courses, columns, names,
                            feedback=feedback, runs=_MANY)  # fmt: skip
    return np.moveaxis(found.values.reshape(len(cells), wells, len(names), -1), 2, 3)


def in_body(
    cells: Sequence[Cell],
    system: str,
    host: str,
    arms: Sequence[Regimen | None],
    times: FloatArray,
    names: Sequence[str],
    tolerances: Tolerances | None = None,
) -> FloatArray:
    """Quantities (cell, arm, time, name) under regimens of one drug; None is untreated. Raises
    UnknownNameError."""
    model = _with(names, model_of(cells[0].drug, system, host, tolerances))
    doses = [
        checked_doses(model.definition, None if arm is None else {cells[0].drug: arm})
        for arm in arms
    ]
    columns = _columns(model, changes(model, cells), len(arms))
    found, _ = model.curves(times, courses_of(doses * len(cells)), columns, names, runs=_MANY)
    return np.moveaxis(found.values.reshape(len(cells), len(arms), len(names), -1), 2, 3)


def _with(names: Sequence[str], model: Model) -> Model:
    """The model, if it has these quantities: those of another structure may not."""
    for name in names:
        if name not in model.definition.variables:
            raise unknown_name("quantity", name, model.definition.variables)
    return model


def _columns(
    model: Model, rows: Sequence[Mapping[str, float]], copies: int
) -> dict[str, FloatArray]:
    """Values of each run: of every parameter that some cell changes."""
    usual = model.definition.parameters
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: np.repeat([row.get(name, usual[name].value) for row in rows], copies)
        for name in names
    }


@lru_cache(maxsize=64)
def _first_of_its_kind(drug: str, _content: object) -> str:
    entries = drug_entries()
    mechanism = entries[drug].facts["mechanism"]
    return next(name for name, one in entries.items() if one.facts["mechanism"] == mechanism)
