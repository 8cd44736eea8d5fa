"""Files of a user's own that go into models: read once, and kept as text for the record."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import SupportsFloat, TypeAlias

from p53net.errors import InputError, TableError, unknown_name
from p53net.files import as_path, read_bytes

KINDS = (
    "drugs", "cell_lines", "pharmacokinetics", "hosts", "variability", "observations", "priors",
)  # fmt: skip
"""Tables that a user may add rows to; each has its namesake in `models/`."""

KEYS = {
    "drugs": "drug",
    "cell_lines": "cell_line",
    "pharmacokinetics": "drug_in_host",
    "hosts": "host",
    "variability": "variation",
}
"""Tables of entries with their parameters, and the column with the name of the entry."""

COLUMNS = ("parameter", "value", "unit", "kind", "source", "note")
"""The others of these tables."""

LARGEST_TABLE = 10 * 2**20
"""Bytes that a table may have."""

LARGEST_FRAGMENT = 256 * 2**10
"""Bytes that a fragment of model text may have."""

_FILE = "the table"
_SUFFIX = ".tsv"
_NUMBER = re.compile(r"[-+.]*\d")
_PLAIN = "dimensionless"


@dataclass(frozen=True)
class Text:
    """A text file as it was read."""

    name: str
    """Without its folder, which does not matter."""
    text: str
    path: str = field(default="", compare=False)

    @cached_property
    def sha256(self) -> str:
        """Digest of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_text(path: object, limit: int, what: str) -> Text:
    """A user's text file in UTF-8. Raises InputError."""
    file = as_path(path, what)
    try:
        text = read_bytes(file, limit, what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {what} {file}: {error}; save it in UTF-8") from None
    return Text(file.name, text, str(file.absolute()))


@dataclass(frozen=True)
class Tables:
    """Rows of a user's own, by kind of table. They win over the package's."""

    texts: Mapping[str, Text] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, Text]]:
        return iter(sorted(self.texts.items()))


Rows: TypeAlias = Mapping[str, Mapping[str, str | float]]
"""What is known of each entry by parameter: a number with its unit as text, such as "0.3 nM", a
plain number where there is none, or a word, such as "degrader"."""

TablesLike: TypeAlias = "str | Path | Mapping[str, str | Path | Rows] | Tables | None"
"""What users write: a folder, or a mapping of kinds to files, or to what would stand in them."""


def as_tables(given: TablesLike) -> Tables:
    """The tables in a folder, named as in `models/`, or of a mapping of kinds to files or to what
    would stand in them: `{"drugs": "mine.tsv"}`, or `{"drugs": {"mine": {"mechanism": "degrader",
    "Kd_MDM2_degrader": "0.3 nM"}}}`, whose numbers count as assumed. Raises InputError, TableError,
    UnknownNameError."""
    if given is None:
        return Tables()
    if isinstance(given, Tables):
        return given
    if isinstance(given, Mapping):
        files = {_kind(name): path for name, path in given.items()}
    else:
        files = dict(_of_folder(as_path(given, "the folder of tables")))
    try:
        return Tables({name: _written(name, one) if isinstance(one, Mapping)
                       else read_text(one, LARGEST_TABLE, _FILE)
                       for name, one in files.items()})  # fmt: skip
    except InputError as error:
        raise TableError(str(error)) from None


FragmentsLike: TypeAlias = "str | Path | Text | Iterable[str | Path | Text] | None"
"""What users write: a file of model text, several, or the texts in a record."""


def as_fragments(given: FragmentsLike) -> tuple[Text, ...]:
    """The texts of one file or several. Raises InputError."""
    if given is None:
        return ()
    if isinstance(given, str | bytes | os.PathLike | Text):
        return as_fragments([given])
    if not isinstance(given, Iterable):
        raise InputError(f"fragments is {given!r}; give the path of a file, or a list of paths")
    return tuple(
        one if isinstance(one, Text) else read_text(one, LARGEST_FRAGMENT, "the fragment")
        for one in given
    )


def _written(kind: str, entries: Rows) -> Text:
    """What a mapping holds as the table that would hold it. Raises InputError."""
    if kind not in KEYS:
        raise InputError(f"tables[{kind!r}] is a mapping, but has columns of its own; give a file")
    lines = ["\t".join((KEYS[kind], *COLUMNS))]
    for entry, values in entries.items():
        if not isinstance(values, Mapping):
            raise InputError(
                f"tables[{kind!r}][{str(entry)[:40]!r}] is {str(values)[:40]!r}; give a mapping of "
                "parameters, such as {'Kd_MDM2_degrader': '0.3 nM'}"
            )
        for parameter, value in values.items():
            cells = (entry, parameter, *_cells(value, f"tables[{kind!r}]: {entry}, {parameter}"))
            lines.append("\t".join(" ".join(str(cell).split()) for cell in cells))
    return Text(f"tables[{kind!r}]", "\n".join(lines) + "\n")


def _cells(value: object, where: str) -> tuple[str, ...]:
    """Value, unit, kind, source and note."""
    if isinstance(value, str):
        number, _, unit = value.strip().partition(" ")
        text = (number, unit) if _NUMBER.match(number) else (value, "")
    elif isinstance(value, SupportsFloat) and not isinstance(value, bool):
        text = (repr(float(value)), _PLAIN)
    else:
        raise InputError(f"{where} is {str(value)[:40]!r}; give a number, or text such as '0.3 nM'")
    return (*text, "assumed", "", "given with the call")


def _kind(name: object) -> str:
    if name not in KINDS:
        raise unknown_name("table", name, KINDS)
    return str(name)


def _of_folder(folder: Path) -> Iterator[tuple[str, Path]]:
    allowed = ", ".join(f"{kind}{_SUFFIX}" for kind in KINDS)
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise InputError(
            f"cannot read the folder of tables {folder}: {error}; give a folder with {allowed}, or "
            "a mapping such as {'drugs': 'mine.tsv'}"
        ) from None
    found = [name for name in names if name.endswith(_SUFFIX)]
    if not found:
        raise InputError(f"the folder {folder} holds no table; name them {allowed}")
    for name in found:
        yield _kind(name.removesuffix(_SUFFIX)), folder / name
