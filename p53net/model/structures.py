"""Structures: which of several biologies a model has, as switches with options.

The text of an option is in fragments whose header says `// structure: SWITCH = OPTION`. What is
known for and against each option stands in `models/switches.tsv`; structures with a name, of which
the first is the default, in `models/structures.tsv`; values that were fitted in one of them, in
`models/refitted.tsv`.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from p53net.errors import InputError, unknown_name
from p53net.model.content import Content, content_of
from p53net.model.library import Library, models_folder, shipped

if TYPE_CHECKING:
    import pandas as pd

StructureLike: TypeAlias = "str | Mapping[str, str] | None"
"""What users write: the name of a structure, or options of some switches, the others at default;
`{"partner": "MDMX"}` or "partner=MDMX"."""

Rows: TypeAlias = Mapping[str, Mapping[str, tuple[str, str, str, str, str]]]
"""Entry and parameter to value, unit, kind, source and what its choice saw, as in a table."""


_supposed: ContextVar[Mapping[str, str] | None] = ContextVar("structure", default=None)


class Option(NamedTuple):
    """One option of a switch, with what is known of it."""

    switch: str
    option: str
    description: str
    evidence_for: str
    evidence_against: str
    source: str


class Named(NamedTuple):
    """A structure with a name."""

    name: str
    choices: Mapping[str, str]
    """Option of every switch."""
    note: str


def options() -> tuple[Option, ...]:
    """All options; the first of each switch is that of version 0.1.0."""
    return _tables(content_of(models_folder())).options


def named_structures() -> dict[str, Named]:
    """Structures with a name; the first is the default."""
    return dict(_tables(content_of(models_folder())).named)


def listed() -> pd.DataFrame:
    """All options of all switches with what is known for and against each, a row each: `switch`,
    `option`, `default`, `description`, `evidence_for`, `evidence_against`, `source`; and named
    structures, which are options of the switch `structure`, described by their choices.
    `load` and all studies take them: `structure={"partner": "MDMX"}`.

    Examples:
        >>> rows = pn.structures()
        >>> rows.loc[rows["switch"] == "partner", "option"].tolist()
        ['none', 'MDMX', 'capacity']
    """
    import pandas as pd  # which reading a file does not need

    default = as_structure(None)
    rows = [{**one._asdict(), "default": default[one.switch] == one.option} for one in options()]
    first = {switch: names[0] for switch, names in _by_switch(options()).items()}
    for one in named_structures().values():
        choices = [f"{s}={o}" for s, o in one.choices.items() if first[s] != o]
        said = ", ".join(choices) or "the first option of every switch"
        rows.append({"switch": "structure", "option": one.name, "default": one.choices == default,
                     "description": f"{said}; {one.note}" if one.note else said})  # fmt: skip
    columns = ["switch", "option", "default", *Option._fields[2:]]
    return pd.DataFrame(rows, columns=columns).fillna("")


def as_structure(given: StructureLike) -> dict[str, str]:
    """The option of every switch; of None those of the structure that is supposed, which is the
    default unless `supposing` says otherwise. Raises UnknownNameError, InputError."""
    named, default = named_structures(), _default()
    if given is None:
        return dict(_supposed.get() or default)
    if isinstance(given, str) and "=" in given:
        given = written(given)
    if isinstance(given, str):
        if given not in named:
            raise unknown_name("structure", given, named)
        return dict(named[given].choices)
    if not isinstance(given, Mapping):
        raise InputError(
            f"structure is {given!r}; give the name of one, {', '.join(named)}, or options such as "
            "{'partner': 'MDMX'}"
        )
    return {**default, **_checked(given, _by_switch(options()))}


@contextlib.contextmanager
def supposing(structure: StructureLike) -> Iterator[None]:
    """Within it every model that says nothing of its structure has this one: for studies of many
    parts, which all follow. Raises UnknownNameError, InputError."""
    token = _supposed.set(as_structure(structure))
    try:
        yield
    finally:
        _supposed.reset(token)


def _default() -> dict[str, str]:
    return dict(next(iter(named_structures().values())).choices)


ALL = "all"
"""Every structure that has a name."""


def names_of_several(given: str | Iterable[str]) -> list[str]:
    """Names of structures, or of all. Raises InputError, UnknownNameError."""
    if given == ALL:
        return list(named_structures())
    wanted = [given] if isinstance(given, str) else list(given)
    for one in wanted:
        as_structure(one)
    if not wanted or len(set(wanted)) < len(wanted):
        raise InputError("structures names none, or one twice; give each once, or 'all'")
    return wanted


def name_of(structure: Mapping[str, str]) -> str:
    """The name of a structure, or its options that are not at default: `partner=MDMX, ...`."""
    for one in named_structures().values():
        if one.choices == structure:
            return one.name
    return choices_text(structure)


def differing(structure: Mapping[str, str]) -> dict[str, str]:
    """What of a structure is not at default."""
    default = _default()
    return {switch: option for switch, option in structure.items() if default[switch] != option}


def choices_text(structure: Mapping[str, str]) -> str:
    """What is not at default, as on the command line."""
    return ", ".join(f"{switch}={option}" for switch, option in differing(structure).items())


def library_of(given: StructureLike = None) -> Library:
    """The fragments of the package, with the structure of the models made of them."""
    return replace(shipped(), structure=as_structure(given))


def refitted(structure: Mapping[str, str]) -> Rows:
    """Values that were fitted in this structure, where it has a name."""
    return _tables(content_of(models_folder())).refits.get(name_of(structure), {})


class _Tables(NamedTuple):
    options: tuple[Option, ...]
    named: Mapping[str, Named]
    refits: Mapping[str, Rows]


@lru_cache(maxsize=2)
def _tables(content: Content) -> _Tables:
    texts = dict(content)
    found = tuple(Option(**row) for row in _rows(texts["switches.tsv"]))
    switches = _by_switch(found)
    first = {switch: names[0] for switch, names in switches.items()}
    named = {
        row["structure"]: Named(
            row["structure"], {**first, **_checked(written(row["choices"]), switches)}, row["note"]
        )
        for row in _rows(texts["structures.tsv"])
    }
    refits: dict[str, dict[str, dict[str, tuple[str, str, str, str, str]]]] = {}
    for row in _rows(texts["refitted.tsv"]):
        entry = refits.setdefault(row["structure"], {}).setdefault(row["entry"], {})
        cells = row["value"], row["unit"], row["kind"], row["source"], row["saw"]
        entry[row["parameter"]] = cells
    return _Tables(found, named, refits)


def written(text: str) -> dict[str, str]:
    """Choices written as `partner=MDMX, residual=on`. Raises InputError."""
    choices: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        switch, separator, option = (word.strip() for word in part.partition("="))
        if not separator:
            raise InputError(f"structure {part} is no choice; write partner=MDMX")
        if switch in choices:
            raise InputError(f"structure gives {switch} twice; give it once")
        choices[switch] = option
    return choices


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def _by_switch(found: tuple[Option, ...]) -> dict[str, list[str]]:
    switches: dict[str, list[str]] = {}
    for one in found:
        switches.setdefault(one.switch, []).append(one.option)
    return switches


def _checked(given: Mapping[str, str], switches: Mapping[str, list[str]]) -> dict[str, str]:
    """Choices, each of a known switch and option."""
    for switch, option in given.items():
        if switch not in switches:
            raise unknown_name("switch", switch, switches)
        if option not in switches[switch]:
            raise unknown_name(f"option of {switch}", option, switches[switch])
    return dict(given)


OBSERVABLES: Mapping[str, str] = {
    name: meaning
    for one in library_of().chosen
    if one.place == "loop"
    for name, meaning in one.read_outs.items()
}
"""Read-outs of a cell in the default structure, in nM, and what they are.

Examples:
    >>> pn.OBSERVABLES["p53_active"]
    'free p53, phosphorylated or not: transcriptionally active'
"""
