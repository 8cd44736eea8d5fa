"""Tables of tab-separated text, cell by cell, with errors that say where."""

import csv
import math
from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

from p53net.errors import InputError
from p53net.petab.folder import File

MOST_CELLS = 5_000_000
"""Of one table."""


class Row(NamedTuple):
    """A line of a table."""

    file: str
    number: int
    """Below the header, from 1."""
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"{self.file}, row {self.number}"

    def text(self, column: str) -> str:
        """A cell; empty where there is none."""
        found = self.cells.get(column, "").strip()
        return "" if found.casefold() in ("nan", "na") else found

    def needed(self, column: str) -> str:
        """A cell that must not be empty. Raises InputError."""
        if not (found := self.text(column)):
            raise InputError(f"{self}: {column} is empty; give it")
        return found

    def number_of(self, column: str) -> float:
        """A number. Raises InputError."""
        found = number(self.needed(column))
        if found is None or math.isnan(found):
            raise InputError(f"{self}: {column} is '{_short(self.text(column))}', and no number")
        return found

    def one_of(self, column: str, allowed: Sequence[str], usual: str = "") -> str:
        """A word, which may be left out where there is a usual one. Raises InputError."""
        found = self.text(column) or usual
        if found not in allowed:
            raise InputError(
                f"{self}: {column} is '{_short(found)}', and must be one of {', '.join(allowed)}"
            )
        return found

    def several(self, column: str) -> list[str]:
        """What a cell has between semicolons."""
        found = self.text(column)
        return [one.strip() for one in found.split(";")] if found else []


def rows_of(files: Sequence[File], needed: Sequence[str], *, least: int = 1) -> list[Row]:
    """All lines of some files. Raises InputError for what is no table, lacks a column, or has
    fewer lines than this."""
    return [row for file in files for row in _rows(file, needed, least)]


def _rows(file: File, needed: Sequence[str], least: int) -> list[Row]:
    try:
        text = file.content.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds the character NUL")
        lines = [line for line in csv.reader(StringIO(text), delimiter="\t") if any(line)]
    except (ValueError, csv.Error) as error:
        first = " ".join(str(error).split())[:200]
        raise InputError(f"{file.name} is no table of tab-separated text: {first}") from None
    names = [name.strip() for name in lines[0]] if lines else []
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"{file.name} has two columns {twice[0]}; keep one")
    for name in needed:
        if name not in names:
            raise InputError(
                f"{file.name} has no column {name}; it has {', '.join(names[:20]) or 'none'}"
            )
    if len(lines) * len(names) > MOST_CELLS:
        raise InputError(f"{file.name} has more than {MOST_CELLS:,} cells; divide it")
    if len(lines) <= least:
        raise InputError(f"{file.name} has no rows")
    return [_row(file.name, i, names, cells) for i, cells in enumerate(lines[1:], start=1)]


def _row(file: str, number: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    row = Row(file, number, {n: c for n, c in zip(names, cells, strict=False) if n})
    if any(cell.strip() for cell in cells[len(names) :]):
        raise InputError(f"{row} has {len(cells)} cells for {len(names)} columns; correct it")
    return row


def number(text: str) -> float | None:
    """A number as text; None for what is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def by_id(rows: Sequence[Row], column: str) -> dict[str, Row]:
    """Rows by their id. Raises InputError for an id that is none, or that is there twice."""
    found: dict[str, Row] = {}
    for row in rows:
        name = row.needed(column)
        if not (name.isascii() and name.isidentifier()):
            raise InputError(
                f"{row}: {column} is '{_short(name)}', but an id has letters, digits and _ only"
            )
        if name in found:
            raise InputError(f"{row}: {column} '{name}' is in {found[name]} too; keep one")
        found[name] = row
    return found


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
