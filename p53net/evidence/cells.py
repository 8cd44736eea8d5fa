"""Runs of many cells and many trials at once.

Drugs of one mechanism, cell lines and trials differ in values and not in equations, so one model
runs them all, with their values as parameters of a run. `supposing` says of which structure it is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np

from p53net.dosing.medium import Courses, courses_of
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.errors import unknown_name
from p53net.model import cell_line_entries, drug_entries
from p53net.model.content import Content, content_of
from p53net.model.definition import values
from p53net.model.library import models_folder
from p53net.model.structures import as_structure
from p53net.model.tables import pharmacokinetics_of
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.model import Model

Trial: TypeAlias = Mapping[str, Mapping[str, float]]
"""Values that stand for those of the tables: entry, parameter, value."""

Predictions: TypeAlias = dict[str, float]
"""Observation to what is predicted."""

Group: TypeAlias = Callable[[Sequence[Trial]], list[Predictions]]
"""Predictions that are made together, of each trial."""

_MANY = 25  # runs: trials are asked for again and again, so the engine for many is worth it


class Cell(NamedTuple):
    """Whose values a run has."""

    trial: Trial
    drug: str
    line: str | None = None
    """A cell line; that of the system, unless said otherwise."""


def model_of(drug: str, system: str, host: str | None = None) -> Model:
    """The model that runs a drug: in a body its own, for doses are masses; in a dish that of the
    first drug with its mechanism."""
    if host is None:
        drug = _first_of_its_kind(drug, _content())
    return shared(drug, system=system, host=host)


def changes(model: Model, cells: Sequence[Cell]) -> list[dict[str, float]]:
    """What each cell changes in the model that runs it."""
    usual = {name: row.value for name, row in model.definition.parameters.items()}
    system, host = model.definition.system, model.definition.host or None
    content = _content()
    found = []
    for cell in cells:
        own = _values(cell.drug, cell.line, system, host, content)
        changed = {name: value for name, value in own.items() if value != usual[name]}
        line = cell.line or model.definition.cell_line
        tabled = _tabled(cell.drug, line, host, content)
        for entry in ("model", cell.drug, line, f"{cell.drug} in {host}"):
            rows = cell.trial.get(entry, {})
            changed |= {
                name: rows[name]
                for name in rows
                if name in usual and not (entry == "model" and name in tabled)
            }
        found.append(changed)
    return found


def value_of(trial: Trial, entry: str, parameter: str, model: Model | None = None) -> float:
    """A value in a trial; else that of a model, or of the tables of drugs and cell lines. Raises
    UnknownNameError where a model of another structure has no such parameter."""
    if parameter in trial.get(entry, {}):
        return trial[entry][parameter]
    if model is not None:
        known = model.definition.parameters
        if parameter not in known:
            raise unknown_name("parameter", parameter, known)
        return known[parameter].value
    return {**drug_entries(), **cell_line_entries()}[entry].values[parameter].value


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
) -> FloatArray:
    """Quantities (cell, arm, time, name) under regimens of one drug; None is untreated. Raises
    UnknownNameError."""
    model = _with(names, model_of(cells[0].drug, system, host))
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


def _content() -> tuple[Content, tuple[tuple[str, str], ...]]:
    """What values depend on: texts, tables, and the structure that is supposed."""
    return content_of(models_folder()), tuple(as_structure(None).items())


@lru_cache(maxsize=64)
def _first_of_its_kind(drug: str, _content: object) -> str:
    entries = drug_entries()
    mechanism = entries[drug].facts["mechanism"]
    return next(name for name, one in entries.items() if one.facts["mechanism"] == mechanism)


@lru_cache(maxsize=256)
def _tabled(drug: str, line: str, host: str | None, _content: object) -> frozenset[str]:
    """Parameters that the rows of a drug, a line or a drug in a host set, over the model texts."""
    entries = [drug_entries()[drug], cell_line_entries()[line]]
    if host is not None:
        entries.append(pharmacokinetics_of(drug, host))
    return frozenset(name for entry in entries for name in entry.values)


@lru_cache(maxsize=256)
def _values(
    drug: str, line: str | None, system: str, host: str | None, _content: object
) -> dict[str, float]:
    return values(drug, cell_line=line, system=system, host=host)
