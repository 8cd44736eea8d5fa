"""Drugs, cell lines, hosts and pharmacokinetics as rows: reading tables, resolving names.

A table is tab-separated with the columns `drug` (`cell_line`, `host`, `drug_in_host`), `parameter`,
`value`, `unit`, `kind`, `source`, `note`, and `saw` if it says so: the published numbers that the
choice of the value saw. One row is one fact. `mechanism`, `synonym` and the like are facts about
the entry, every other row sets a model parameter.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from p53net.errors import TableError, UnknownNameError, unknown_name
from p53net.model.content import content_of
from p53net.model.library import Library, models_folder, shipped
from p53net.model.own import COLUMNS, KEYS, Tables, Text
from p53net.model.structures import as_structure, refitted

KINDS = ("measured", "assumed", "fitted")
"""How a number is known. Every row of a table, and every parameter of a model, has one."""

NONE = Tables()
"""No rows of a user's own."""

DRAWN = "drawn"
"""Kind of a value that stands in a draw of an ensemble, in place of that of a table or text."""

_SAW = "saw"
"""A column that a table may leave out."""
ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML cannot hold
"""Characters that are no text."""
_FACTS = ("mechanism", "synonym", "description", "inchikey", "route")
_QUANTITIES = {"molar_mass": "g/mol", "body_weight": "kg", "tumour_concentration": "nM"}
"""Facts that are numbers, and their unit. A salt's mass is `molar_mass of` its name."""


@dataclass(frozen=True)
class Value:
    """One number of a model with its unit and where it comes from."""

    value: float
    unit: str
    kind: str
    source: str
    saw: str = ""
    """Published numbers that its choice saw, as the tables say it."""


@dataclass(frozen=True)
class Entry:
    """One drug or one cell line: facts about it, and the parameters that it sets."""

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)
    quantities: Mapping[str, Value] = field(default_factory=dict)
    """Numbers that are no parameters: molar masses [g/mol], body weight [kg]."""
    synonyms: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)


def drug_entries(own: Tables = NONE, library: Library | None = None) -> dict[str, Entry]:
    """All drugs by name: the package's, and those of a user's table, which win. Their mechanisms
    are those of the fragments in `library`, by default the package's."""
    entries = _entries("drugs", own, None if library is None else library.structure)
    known = (shipped() if library is None else library).mechanisms
    _check_fact("mechanism", known, entries, _file("drugs", own),
                "or give the fragment of another: fragments=")  # fmt: skip
    return entries


def cell_line_entries(
    own: Tables = NONE, structure: Mapping[str, str] | None = None
) -> dict[str, Entry]:
    """All cell lines by name: the package's, and those of a user's table, which win."""
    return _entries("cell_lines", own, structure)


def host_entries(own: Tables = NONE) -> dict[str, Entry]:
    """All hosts by name: man and mouse, and a user's own."""
    return _entries("hosts", own)


def variations(own: Tables = NONE) -> dict[str, Entry]:
    """How patients differ: `spread` (standard deviations of logarithms), `correlation` and `entry`
    (the least that a patient has when treatment begins)."""
    return _entries("variability", own)


def pharmacokinetics_of(
    drug: str, host: str, own: Tables = NONE, library: Library | None = None
) -> Entry:
    """What is known of a drug in a host's plasma; a user's table wins over the package's.

    Raises UnknownNameError where there are no rows, and says where there are some.
    """
    entries = _entries("pharmacokinetics", own, None if library is None else library.structure)
    routes = (shipped() if library is None else library).routes
    _check_fact("route", routes, entries, _file("pharmacokinetics", own))
    known = names_of(entries)
    if (key := f"{drug} in {host}".casefold()) not in known:
        raise UnknownNameError(
            f"no pharmacokinetics of {drug} in {host}; there are some of "
            f"{', '.join(sorted(entries))}: add rows for `{drug} in {host}` in a table of your "
            "own, and name it: tables={'pharmacokinetics': 'mine.tsv'}"
        )
    return entries[known[key]]


def pharmacokinetic_entries(own: Tables = NONE) -> dict[str, Entry]:
    """What is known of drugs in plasma, by `DRUG in HOST`; a user's rows win."""
    return _entries("pharmacokinetics", own)


def names_of(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Every name and synonym, in lower case, to the entry's name; a name wins over a synonym."""
    synonyms = {s.casefold(): entry.name for entry in entries.values() for s in entry.synonyms}
    return {**synonyms, **{name.casefold(): name for name in entries}}


def drug_names() -> dict[str, str]:
    """Names and synonyms of the package's drugs."""
    return names_of(drug_entries())


def resolve(kind: str, name: object, entries: Mapping[str, Entry]) -> Entry:
    """The entry that `name` or one of its synonyms stands for, whatever the case.

    Raises UnknownNameError, which names the nearest known names.
    """
    known = names_of(entries)
    if isinstance(name, str) and name.strip().casefold() in known:
        return entries[known[name.strip().casefold()]]
    spelled = [*entries, *(synonym for entry in entries.values() for synonym in entry.synonyms)]
    raise unknown_name(kind.replace("_", " "), name, spelled)


def refit_of(entry: str, structure: Mapping[str, str]) -> dict[str, Value]:
    """Values of an entry that were fitted in this structure; `model` stands for the model texts."""
    return _of_rows(refitted(structure).get(entry, {}), entry)


def _of_rows(rows: Mapping[str, tuple[str, ...]], entry: str) -> dict[str, Value]:
    where = f"refitted.tsv: {entry}"
    columns = "value", "unit", "kind", "source", _SAW, "note"
    return {
        name: _value(dict(zip(columns, (*row, ""), strict=True)), f"{where}, {name}")
        for name, row in rows.items()
    }


def _refitted(entry: Entry, found: Mapping[str, Value]) -> Entry:
    quantities = {name: value for name, value in found.items() if name in entry.quantities}
    values = {name: value for name, value in found.items() if name not in quantities}
    return replace(
        entry,
        quantities={**entry.quantities, **quantities},
        values={**entry.values, **values},
    )


def _entries(
    kind: str, own: Tables, structure: Mapping[str, str] | None = None
) -> dict[str, Entry]:
    rows = refitted(as_structure(None) if structure is None else structure)
    shipped = {name: _refitted(entry, _of_rows(rows[name], name)) if name in rows else entry
               for name, entry in _shipped(kind).items()}  # fmt: skip
    if kind not in own.texts:
        return shipped
    mine = _parsed(own.texts[kind], KEYS[kind])
    taken = {name.casefold() for name in mine}
    kept = {name: entry for name, entry in shipped.items() if name.casefold() not in taken}
    return {**kept, **mine}


def _file(kind: str, own: Tables) -> str:
    """The file that an error is about: what the package holds is sound."""
    return own.texts[kind].name if kind in own.texts else f"{kind}.tsv"


def _check_fact(
    fact: str, allowed: Sequence[str], entries: Mapping[str, Entry], file: str, remedy: str = ""
) -> None:
    """Raise TableError where a fact that decides on the fragments is missing or unknown."""
    for name, entry in entries.items():
        if (value := entry.facts.get(fact, "")) not in allowed:
            more = f", {remedy}" if remedy else ""
            raise TableError(
                f"{file}: {name}: {fact} '{value}' is unknown; "
                f"add a row `{fact}` with one of {', '.join(allowed)}{more}"
            )


def _shipped(kind: str) -> dict[str, Entry]:
    name = f"{kind}.tsv"
    return _parsed(Text(name, dict(content_of(models_folder()))[name]), KEYS[kind])


@lru_cache(maxsize=8)
def _parsed(table: Text, key: str) -> dict[str, Entry]:
    path, text = table.name, table.text
    try:
        lines = io.StringIO(text, newline="")
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        columns = tuple(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise TableError(
            f"cannot read the table {path}: {error}; save it as tab-separated text in UTF-8"
        ) from None
    if odd := ODD.search(text):
        raise TableError(
            f"cannot read the table {path}: it holds the character {odd[0]!r}, which is no text; "
            "save it as tab-separated text in UTF-8"
        )
    missing = [column for column in (key, *COLUMNS) if column not in columns]
    if missing:
        raise TableError(
            f"{path}: the columns {', '.join(missing)} are missing; "
            f"a table has the tab-separated columns {key}, {', '.join(COLUMNS)}"
        )
    by_name: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_name.setdefault((row[key] or "").strip(), []).append(row)
    if len({name.casefold() for name in by_name}) < len(by_name):
        raise TableError(f"{path}: two names differ only by case; give each {key} one spelling")
    return {name: _entry(name, own, path, key) for name, own in by_name.items()}


def _entry(name: str, rows: list[dict[str, str]], path: str, key: str) -> Entry:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 .;+_-]{0,63}", name):
        raise TableError(
            f"{path}: '{name}' is not a {key} name; use letters, digits, space and . ; + _ -"
        )
    facts: dict[str, str] = {}
    quantities: dict[str, Value] = {}
    synonyms: list[str] = []
    values: dict[str, Value] = {}
    seen: set[str] = set()
    for row in rows:
        parameter = (row["parameter"] or "").strip()
        where = f"{path}: {name}, {parameter or 'empty parameter'}"
        if parameter == "synonym":
            synonyms.append((row["value"] or "").strip())
        elif parameter in seen:
            raise TableError(f"{where}: the row stands twice; keep one")
        elif parameter in _FACTS:
            facts[parameter] = (row["value"] or "").strip()
        elif (kind := parameter.partition(" of ")[0]) in _QUANTITIES:
            quantities[parameter] = _value(row, where)
            if quantities[parameter].unit != _QUANTITIES[kind] or not quantities[parameter].value:
                raise TableError(f"{where}: give it in {_QUANTITIES[kind]}, above 0")
        else:
            values[parameter] = _value(row, where)
        seen.add(parameter)
    return Entry(name, facts, quantities, tuple(synonyms), values)


def value_of_row(cells: list[str], where: str) -> Value:
    """The number of a table's line, split at its tabs."""
    return _value(dict(zip(("name", *COLUMNS, _SAW), cells, strict=False)), where)


def _value(row: Mapping[str, str], where: str) -> Value:
    text = {name: " ".join((row.get(name) or "").split()) for name in (*COLUMNS, _SAW)}
    if text["kind"] not in KINDS:
        raise TableError(f"{where}: kind '{text['kind']}' is unknown; use {', '.join(KINDS)}")
    if text["kind"] == "measured" and not text["source"]:
        raise TableError(f"{where}: a measured value needs a source")
    plain = re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?|[0-9]+\.", text["value"])
    number = float(text["value"]) if plain else math.nan
    if not math.isfinite(number) or number < 0:
        raise TableError(
            f"{where}: value '{text['value'][:40]}' is not a finite number of at least zero"
        )
    if not text["unit"]:
        raise TableError(f"{where}: the unit is missing; write `dimensionless` where there is none")
    said = "; ".join(part for part in (text["note"], text["source"]) if part)
    if not said:
        raise TableError(f"{where}: say in `source` or `note` where the number comes from")
    return Value(number, text["unit"], text["kind"], said, text[_SAW])
