"""A table of data as text: its columns, their units, and its rows with their numbers."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from p53net.dosing.amounts import registry
from p53net.errors import InputError, P53NetError, unknown_name
from p53net.files import fields, read_delimited

Table: TypeAlias = "str | Path | pd.DataFrame"
"""One table: a .csv or .tsv file, or a DataFrame."""

Data: TypeAlias = "Table | Sequence[Table]"
"""What users give: a table, or several, such as a plate, a blot and a plasma curve."""

COLUMNS = ("observable", "drug", "dose", "regimen", "exposure", "time", "value", "error", "unit",
           "line", "host", "subject", "plate", "replicate")  # fmt: skip
SYNONYMS = {"assay": "observable", "cell_line": "line", "blot": "plate"}
WANTED = {"time": "h", "exposure": "h", "dose": "nM"}
"""Columns whose header may have a unit, and the one that numbers are turned into."""

_NEEDED = ("observable", "time", "value", "unit")
_LARGEST = 16 * 2**20  # bytes
_MOST_ROWS = 20_000
_HEAD = re.compile(r"\s*(?P<name>\w+)\s*(?:\[\s*(?P<unit>[^\]]*?)\s*\])?\s*")
_UNIT = re.compile(
    r"(?=.{1,24}\Z)[A-Za-z0-9\u00b5\u03bc%. /()-]*(\^-?\d{1,2}(?!\d)[A-Za-z% /()]*)?"
)
"""Without powers of powers, which would be worked out."""
_MISSING = ("", ".", "na", "nan", "n/a")
_SPELLED = {"10^9/l": "1e9/L", "10*9/l": "1e9/L", "g/l": "g/L", "giga/l": "1e9/L", "k/ul": "1e3/uL",
            "10^3/ul": "1e3/uL", "mm3": "mm^3", "cm3": "cm^3", "min": "minute", "d": "day",
            "h": "hour", "w": "week"}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row as text."""

    table: str
    number: int
    cells: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.table}, row {self.number}"

    def text(self, column: str) -> str:
        """What stands there; empty where nothing does."""
        found = self.cells.get(column, "").strip()
        return "" if found.casefold() in _MISSING else found

    def seen_from(self, other: "Row") -> str:
        """Its place, as short as another row may say it."""
        return f"row {self.number}" if self.table == other.table else str(self)

    def wrong(self, why: object) -> InputError:
        """The error of this row."""
        return InputError(f"{self}: {why}")

    def again(self, error: P53NetError) -> P53NetError:
        """An error of elsewhere, with this row's place before it."""
        return type(error)(f"{self}: {error}")

    def needed(self, column: str) -> str:
        """What stands there. Raises InputError where nothing does."""
        found = self.text(column)
        if not found:
            raise self.wrong(f"{column} is empty; fill it in")
        return found

    def number_of(self, column: str, text: str | None = None, *, negative: bool = False) -> float:
        """The number in a column, or in some text of it. Raises InputError."""
        written = self.needed(column) if text is None else text
        try:
            if "_" in written or not written.isascii():
                raise ValueError
            found = float(written)
        except ValueError:
            raise self.wrong(f"{column} is '{written[:40]}', which is no number") from None
        if not math.isfinite(found):
            raise self.wrong(f"{column} is {written[:40]}; give a finite number, or leave it empty")
        if found < 0 and not negative:
            raise self.wrong(f"{column} is {found:g}, but must be at least 0")
        return found


def rows_of(data: Data) -> list[Row]:
    """All rows of a table, or of several; times and exposures [h] and doses [nM] with their units
    in the cells where the header has another. Raises InputError."""
    if isinstance(data, str | Path | pd.DataFrame):
        found = _rows_of(data, "the data")
    else:
        if not isinstance(data, list | tuple) or not data:
            raise InputError(
                f"the data are {str(data)[:60]!r}, a {type(data).__name__}; give a .csv or .tsv "
                "file, a DataFrame, or a list of these"
            )
        found = [row for number, table in enumerate(data, start=1)
                 for row in _rows_of(table, f"table {number}")]  # fmt: skip
    if len(found) > _MOST_ROWS:
        raise InputError(f"the data have {len(found):,} rows; at most {_MOST_ROWS:,} are fitted")
    return found


def _rows_of(data: Table, called: str) -> list[Row]:
    name, head, lines = _lines(data, called)
    columns: list[str] = []
    units: dict[str, str] = {}
    for text in head:
        match = _HEAD.fullmatch(text)
        column = match["name"].casefold() if match else text.strip()
        column = SYNONYMS.get(column, column)
        if match is None or column not in COLUMNS:
            raise InputError(f"{name}: {unknown_name('column', text.strip()[:40], COLUMNS)}")
        if column in columns:
            raise InputError(f"{name} has two columns '{column}'; keep one")
        columns.append(column)
        if match["unit"] is not None:
            if column not in WANTED:
                raise InputError(
                    f"{name}: the unit of '{column}' does not stand in the header; leave "
                    f"'[{match['unit'][:40]}]' out"
                    + (", and write it in the column unit" if column in ("value", "error") else "")
                )
            factor_to(match["unit"], WANTED[column], f"{name}: the column {column}")
            units[column] = match["unit"]
    for column in _NEEDED:
        if column not in columns:
            raise InputError(f"{name} has no column '{column}'; give {', '.join(_NEEDED)} at least")
    if not lines:
        raise InputError(f"{name} has no rows; give one for each measurement")
    found = []
    for number, texts in lines:
        cells = fields(name, number, columns, texts)
        for column, unit in units.items():
            if re.fullmatch(r"[-+.\deE]+", cells[column]):
                cells[column] += f" {unit}"
        found.append(Row(name, number, cells))
    return found


def _lines(data: Table, called: str) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    if isinstance(data, pd.DataFrame):
        lines = [[_text(value) for value in row] for row in data.itertuples(index=False)]
        return called, [str(name) for name in data.columns], list(enumerate(lines, start=1))
    name, found = read_delimited(data, _LARGEST, "the table of data")
    if not found:
        raise InputError(f"{name} is empty; give a header and a row for each measurement")
    return name, found[0][1], found[1:]


def _text(value: object) -> str:
    missing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def amount_of(row: Row, column: str, text: str, unit: str, per_mole: float | None = None) -> float:
    """A number with or without a unit, such as `0.1 uM`, in `unit`. Raises InputError."""
    written, _, own = text.strip().partition(" ")
    number = row.number_of(column, written)
    if not own:
        return number
    return number * factor_to(own, unit, f"{row}: {column}", per_mole)


def factor_to(own: str, unit: str, where: str, per_mole: float | None = None) -> float:
    """What numbers in a unit `own` are multiplied by to be in another; with `per_mole` [g/mol]
    masses turn into moles. Raises InputError."""
    import pint  # a quarter of a second

    units = registry()
    try:
        if not _UNIT.fullmatch(own):
            raise ValueError
        one, wanted = units.Quantity(1.0, ""), units.parse_expression(_spelled(unit))
        found = one * units.parse_expression(_spelled(own))
        ways = [found]
        if per_mole is not None:
            mass = units.Quantity(per_mole, "g/mol")
            ways += [found / mass, found * mass]
        for way in ways:
            if way.dimensionality == (one * wanted).dimensionality:
                factor = float((way / wanted).to("dimensionless").magnitude)
                if math.isfinite(factor) and factor > 0:
                    return factor
    except (pint.PintError, ValueError, TypeError, ArithmeticError, AttributeError, AssertionError):
        pass
    masses = "" if per_mole is not None or "g" not in own.casefold() else (
        "; masses of a drug need its molar mass, and that of one drug")  # fmt: skip
    said = f"the unit '{own[:40]}' is not turned into {unit}{masses}; correct it"
    raise InputError(f"{where}: {said}")


def _spelled(unit: str) -> str:
    plain = unit.replace("\u00b5", "u").replace("\u03bc", "u").strip()
    return _SPELLED.get(plain.casefold(), plain.replace("giga_per_L", "1e9/L")
                        .replace("g_per_dL", "g/dL"))  # fmt: skip
