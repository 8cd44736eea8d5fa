"""Which parameters a draw may give values to: of the models of a structure, of drugs, of cell lines
and of drugs in hosts."""

from collections.abc import Mapping
from functools import lru_cache

from p53net.errors import InputError
from p53net.model import GENERIC, cell_line_entries, drug_entries
from p53net.model.content import Content, content_of
from p53net.model.definition import values_behind
from p53net.model.derived import DERIVED
from p53net.model.library import models_folder
from p53net.model.own import Tables, TablesLike, Text, as_tables
from p53net.model.structures import (
    StructureLike,
    as_structure,
    name_of,
    named_structures,
    supposing,
)
from p53net.model.tables import KINDS, Entry, Value, pharmacokinetic_entries

MODEL = "model"
"""The entry of what stands in model texts."""

_SYSTEMS = {"dish": None, "culture": None, "tumour": "human", "marrow": "human"}
_QUANTITIES = ("tumour_concentration",)
"""Facts about a drug that are fitted like parameters."""

_NO_VALUES = ("observations", "priors")
"""Tables that no model has a value of."""

_MADE = {(one.entry, one.parameter) for one in DERIVED}
"""Rows that follow from others."""


def parameters_of(structure: StructureLike = None, tables: TablesLike = None) -> dict[str, Value]:
    """Everything above 0 that the models of a structure can vary, by `ENTRY: PARAMETER`, with its
    value, unit and kind. What is computed, an input of a run or follows from another is not there.
    Raises InputError for a published core, which keeps its values."""
    chosen = as_structure(structure)
    if chosen["core"] != _core():
        raise InputError(
            f"the structure {name_of(chosen)} has a published core, which keeps the values that it "
            f"was published with; choose one with core={_core()}"
        )
    texts = tuple(one for one in as_tables(tables) if one[0] not in _NO_VALUES)
    return dict(_parameters(tuple(chosen.items()), texts, content_of(models_folder())))


def all_parameters(tables: TablesLike = None) -> dict[str, Value]:
    """Those of all structures that have a name, but for published cores."""
    found: dict[str, Value] = {}
    for one in named_structures().values():
        if one.choices["core"] == _core():
            found |= parameters_of(one.choices, tables) | found
    return found


def _core() -> str:
    return next(iter(named_structures().values())).choices["core"]


@lru_cache(maxsize=32)
def _parameters(
    structure: tuple[tuple[str, str], ...], texts: tuple[tuple[str, Text], ...], _content: Content
) -> Mapping[str, Value]:
    own = Tables(dict(texts))
    with supposing(dict(structure)):
        drugs, lines = drug_entries(own), cell_line_entries(own)
        bodies = pharmacokinetic_entries(own)
        known = _of_models(drugs, own)
    everywhere = {MODEL: _without_rows(known, drugs, bodies)}
    tabled = {one.name: one.values for one in (*drugs.values(), *lines.values(), *bodies.values())}
    quantities = {one.name: one.quantities for one in drugs.values()}
    found: dict[str, Value] = {}
    for entry, rows in (everywhere | tabled).items():
        for name, row in rows.items():
            if name in known and row.kind in KINDS and row.value > 0 and (entry, name) not in _MADE:
                found[f"{entry}: {name}"] = row
        for name in _QUANTITIES:
            if name in quantities.get(entry, {}):
                found[f"{entry}: {name}"] = quantities[entry][name]
    return found


def _of_models(drugs: Mapping[str, Entry], own: Tables) -> dict[str, Value]:
    """Parameters of models with one drug of each mechanism, in a cell without rows of its own."""
    first: dict[str, str] = {}
    for drug in drugs.values():
        first.setdefault(drug.facts["mechanism"], drug.name)
    known: dict[str, Value] = {}
    for system, host in _SYSTEMS.items():
        known |= values_behind(
            *first.values(), cell_line=GENERIC, system=system, host=host, tables=own
        )
    return known


def _without_rows(
    known: Mapping[str, Value], drugs: Mapping[str, Entry], bodies: Mapping[str, Entry]
) -> dict[str, Value]:
    """What the model texts say of parameters that not every drug of a mechanism sets."""
    alike: dict[tuple[str, bool], list[Entry]] = {}
    for one in (*drugs.values(), *bodies.values()):
        drug, _, host = one.name.partition(" in ")
        if drug in drugs:
            alike.setdefault((drugs[drug].facts["mechanism"], bool(host)), []).append(one)
    tabled: set[str] = set()
    for entries in alike.values():
        tabled |= set.intersection(*(set(one.values) for one in entries))
    return {name: row for name, row in known.items() if name not in tabled}
