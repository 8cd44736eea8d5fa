"""Values that stand for those of the tables, and what they change in a model that is shared.

Drugs of one mechanism, cell lines and trials differ in values and not in equations.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from p53net.errors import unknown_name
from p53net.model import cell_line_entries, drug_entries
from p53net.model.content import Content, content_of
from p53net.model.definition import values
from p53net.model.library import models_folder
from p53net.model.own import Tables, Text
from p53net.model.structures import as_structure
from p53net.model.tables import NONE, pharmacokinetics_of
from p53net.simulation.model import Model

_Texts: TypeAlias = tuple[tuple[str, Text], ...]
Trial: TypeAlias = Mapping[str, Mapping[str, float]]
"""Values that stand for those of the tables: entry, parameter, value."""


class Cell(NamedTuple):
    """Whose values a run has."""

    trial: Trial
    drug: str
    line: str | None = None
    """A cell line; that of the system, unless said otherwise."""


def changes(model: Model, cells: Sequence[Cell]) -> list[dict[str, float]]:
    """What each cell changes in the model that runs it. Drugs and lines are those of the package
    and of the tables that the model was loaded with."""
    usual = {name: row.value for name, row in model.definition.parameters.items()}
    system, host = model.definition.system, model.definition.host or None
    content, texts = all_content(), _texts(model)
    found = []
    for cell in cells:
        own = _values(cell.drug, cell.line, system, host, texts, content)
        changed = {name: value for name, value in own.items() if value != usual[name]}
        line = cell.line or model.definition.cell_line
        tabled = _tabled(cell.drug, line, host, texts, content)
        for entry in ("model", cell.drug, line, f"{cell.drug} in {host}"):
            rows = cell.trial.get(entry, {})
            changed |= {
                name: rows[name]
                for name in rows
                if name in usual and not (entry == "model" and name in tabled)
            }
        found.append(changed)
    return found


def entries_of(model: Model, drug: str, line: str | None = None) -> dict[str, tuple[str, ...]]:
    """Whose values each parameter of a cell in this model has, the nearest first; those that no row
    of a table sets under "": of the model texts last."""
    host, content = model.definition.host or None, all_content()
    own = line or model.definition.cell_line
    nearest = (*((f"{drug} in {host}",) if host else ()), own, drug)
    tabled = _tabled(drug, own, host, _texts(model), content)
    return {"": (*nearest, "model"), **dict.fromkeys(tabled, nearest)}


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
    return _table_value(entry, parameter, all_content())


def all_content() -> tuple[Content, tuple[tuple[str, str], ...]]:
    """What values depend on: texts, tables, and the structure that is supposed."""
    return content_of(models_folder()), tuple(as_structure(None).items())


@lru_cache(maxsize=1024)
def _table_value(entry: str, parameter: str, _content: object) -> float:
    return {**drug_entries(), **cell_line_entries()}[entry].values[parameter].value


def _texts(model: Model) -> _Texts:
    """The tables of a user's own that a model was loaded with."""
    own = model.definition.loaded.get("tables", NONE)
    return tuple(own) if isinstance(own, Tables) else ()


@lru_cache(maxsize=256)
def _tabled(
    drug: str, line: str, host: str | None, texts: _Texts, _content: object
) -> frozenset[str]:
    """Parameters that the rows of a drug, a line or a drug in a host set, over the model texts."""
    own = Tables(dict(texts))
    entries = [drug_entries(own)[drug], cell_line_entries(own)[line]]
    if host is not None:
        entries.append(pharmacokinetics_of(drug, host, own))
    return frozenset(name for entry in entries for name in entry.values)


@lru_cache(maxsize=256)
def _values(
    drug: str, line: str | None, system: str, host: str | None, texts: _Texts, _content: object
) -> dict[str, float]:
    return values(drug, cell_line=line, system=system, host=host, tables=Tables(dict(texts)))
