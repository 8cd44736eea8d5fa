"""What each published number is to the models: computed from what the choice of parameters saw.

Each value of the tables and texts says which rows its choice saw, and how: `fit: a, b`, `set: a`
(by hand, with the row in view; `a` alone means the same), `input: a` (taken from it) or
`derived: name of entry` (it follows from another value, and saw what that one saw). A row is a
prediction where no parameter of the models behind it saw it, and where it does not hold by
construction.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from p53net.errors import InputError, TableError, unknown_name
from p53net.evidence.behind import PLACES, Place
from p53net.evidence.published import observations
from p53net.model import cell_line_entries, drug_entries
from p53net.model.content import Content, content_of
from p53net.model.definition import values_behind
from p53net.model.library import models_folder
from p53net.model.own import Tables, TablesLike, Text, as_tables
from p53net.model.structures import as_structure
from p53net.model.tables import Entry, Value, pharmacokinetics_of

USES = {
    "fit": "a parameter behind it was fitted to it",
    "set": "a value was set by hand with it in view, or it holds by construction",
    "input": "a parameter behind it was taken from it",
    "predict": "no parameter behind it saw it",
    "not modelled": "no model predicts it",
}
"""What a row is to the models. Where several hold, the first."""

BUILT = "by construction"

_STATEMENT = re.compile(r"(?:(?P<how>fit|set|input|derived): )?(?P<what>[^:]+)")


class Seen(NamedTuple):
    """What a row is to the models, and why."""

    use: str
    by: str = ""
    """The parameters that saw it, and how: `fit: Ki_inhibitor`."""
    lines: str = ""
    """The lines that it is predicted in."""
    why: str = ""
    """Of what is not modelled because the structure refuses a model."""


def uses(tables: TablesLike = None) -> dict[str, Seen]:
    """What each observation is to the models of the structure that is supposed, by id. Raises
    TableError."""
    structure = tuple(as_structure(None).items())
    return dict(_uses(tuple(as_tables(tables)), structure, content_of(models_folder())))


@lru_cache(maxsize=8)
def _uses(
    texts: tuple[tuple[str, Text], ...], _structure: tuple[tuple[str, str], ...], _content: Content
) -> Mapping[str, Seen]:
    own = Tables(dict(texts))
    rows, built = observations(own), _construction()
    for name in built:
        _known(name, rows, "construction.tsv")
    behind: dict[Place, Mapping[str, Mapping[str, list[str]]]] = {}
    refused: dict[Place, str] = {}
    for place in dict.fromkeys(place for places in PLACES.values() for place in places):
        try:
            behind[place] = _seen_at(place, own, rows)
        except InputError as error:  # options of the structure that do not go together there
            refused[place] = str(error)
    found = {}
    for name in rows:
        places = PLACES.get(name, ())
        if why := next((refused[place] for place in places if place in refused), ""):
            found[name] = Seen("not modelled", why=why)
            continue
        seen: dict[str, dict[str, None]] = {"set": {BUILT: None}} if name in built else {}
        for place in places:
            for how, parameters in behind[place].get(name, {}).items():
                seen.setdefault(how, {}).update(dict.fromkeys(parameters))
        found[name] = _judged(name, {how: list(names) for how, names in seen.items()})
    return found


def _judged(name: str, seen: Mapping[str, list[str]]) -> Seen:
    if name not in PLACES:
        return Seen("not modelled")
    use = next((use for use in USES if use in seen), "predict")
    by = "; ".join(f"{how}: {', '.join(seen[how])}" for how in USES if how in seen)
    lines = dict.fromkeys(place.line for place in PLACES[name] if place.line)
    return Seen(use, by, ", ".join(lines))


def _seen_at(
    place: Place, own: Tables, rows: Mapping[str, object]
) -> dict[str, dict[str, list[str]]]:
    """Of each row that some value of a model saw: how, and which."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, value in _values(place, own).items():
        for how, row in _traced(name, value, place, own):
            _known(row, rows, f"`{name}` of {place.drug}")
            found.setdefault(row, {}).setdefault(how, []).append(name)
    return found


def _values(place: Place, own: Tables) -> dict[str, Value]:
    """All values of a model, and quantities of its drug that are no parameters."""
    behind = values_behind(
        place.drug, cell_line=place.line, system=place.system, host=place.host, tables=own
    )
    return {**drug_entries(own)[place.drug].quantities, **behind}


def _traced(
    name: str, value: Value, place: Place, own: Tables, on: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """How a value saw which rows, through what it is derived from."""
    for statement in filter(None, re.split(r";\s+", value.saw)):
        match = _STATEMENT.fullmatch(statement)
        if match is None:
            raise TableError(
                f"`{name}` of {place.drug}: `{statement}` does not say what its choice saw; write "
                "fit: ROW, ROW; set: ROW; input: ROW; or derived: PARAMETER of ENTRY"
            )
        how = match["how"] or "set"
        for what in map(str.strip, match["what"].split(",")):
            if how != "derived":
                yield how, what
            elif what not in on:  # what is derived from itself adds nothing
                source = _source(what, place, own)
                yield from _traced(what, source, place, own, (*on, what))


def _source(what: str, place: Place, own: Tables) -> Value:
    """The value that another is derived from: of an entry, or in the same model."""
    name, _, entry = what.partition(" of ")
    known = _values(place, own) if not entry else {**_entry(entry, own).values}
    if name not in known:
        raise TableError(str(unknown_name("parameter", what, known)))
    return known[name]


def _entry(name: str, own: Tables) -> Entry:
    drug, _, host = name.partition(" in ")
    if host:
        return pharmacokinetics_of(drug, host, own)
    entries = {**drug_entries(own), **cell_line_entries(own)}
    if name not in entries:
        raise unknown_name("entry", name, entries)
    return entries[name]


def _known(name: str, rows: Mapping[str, object], where: str) -> None:
    if name not in rows:
        raise TableError(f"{where}: {unknown_name('observation', name, rows)}")


def _construction() -> dict[str, str]:
    """Rows that hold whatever the numbers are, and why."""
    text = dict(content_of(models_folder()))["construction.tsv"]
    reader = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row["observation"]: row["why"] for row in reader}
