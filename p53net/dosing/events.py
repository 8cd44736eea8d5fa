"""Regimens as event tables of pharmacometricians: a row for each dose, or for equal doses.

Columns are those of NONMEM: `time` and `amt`, and as many as there are of `rate`, `ii` and `addl`
(so many more doses, so far apart), `cmt`, `evid`, `mdv`, `ss`, `dv`; and `id` and `drug`, to choose
by. Names of columns may hold units: `time [d]`, `amt [ug]`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from p53net.dosing.amounts import registry
from p53net.dosing.checked import UNITS
from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.dosing.regimens import Administration, Regimen, given_at
from p53net.dosing.schedules import MOST_DOSES
from p53net.errors import InputError
from p53net.files import fields, read_delimited

TABLES = (".csv", ".tsv")
"""How the names of event tables end."""

_LARGEST = 16 * 2**20  # bytes
_COLUMNS = ("time", "amt", "rate", "ii", "addl", "cmt", "evid", "mdv", "ss", "dv", "id", "drug",
            "dose")  # fmt: skip
_HEAD = re.compile(r"\s*#?\s*(?P<name>\w+)\s*(?:\[\s*(?P<unit>[^\]]*?)\s*\])?\s*")
_UNIT = re.compile(r"[A-Za-z\u00b5\u03bc]{1,12}(/[A-Za-z]{1,12}){0,2}")
_NEAR = 1e-9  # of a number of doses: what rounding leaves
_MISSING = ("", ".", "na", "nan")
_HOUR = "h"


class _Past(NamedTuple):
    """What is known of all rows."""

    hours: float | None
    """That doses at steady state go back."""
    compartment: str


class _Begun(NamedTuple):
    """A row of doses."""

    number: int
    time: float
    """h, in the table's time."""
    kind: float
    """What `ss` is."""
    doses: list[Administration]
    """In the run's time."""


class _Table(NamedTuple):
    """Rows by column, and the factors that turn their numbers into h and the unit of doses."""

    name: str
    rows: list[tuple[int, dict[str, str]]]
    """Number of each row in the file, and its texts."""
    factors: Mapping[str, float]
    unit: str


def read_events(
    table: str | Path | pd.DataFrame,
    *,
    unit: str = "mg",
    form: str = FREE_BASE,
    subject: str | None = None,
    drug: str | None = None,
    cmt: int | str = 1,
    past: float | None = None,
    allow_flat: bool = False,
) -> Regimen:
    """A regimen from an event table in the manner of NONMEM: a .csv or .tsv file, or a DataFrame.

    `time` is in h, `amt` in `unit` ("mg" or "mg/kg"), `rate` in `unit`/h, `ii` in h, unless the
    name of a column says another unit: `time [d]`, `amt [ug]`, `rate [ug/min]`. A `rate` of 0 is a
    dose at once; `addl` more doses follow, `ii` apart. All go into one compartment, the gut of an
    oral drug, the plasma of an intravenous one, which the table calls `cmt`, a number or a name.
    Rows of observations (`evid` 0) are passed over. Of several subjects (`id`) or drugs one is
    chosen by `subject` and `drug`.

    A row with `ss` 1 or 2 is at steady state: the same was given every `ii` before, here for `past`
    days, so that the time 0 of the table is `past` days after the run's. An `ss` of 2 is beside
    other doses, of 1 the first. Raises InputError, which says the row.

    Examples:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"time": [0, 168], "amt": [260, 160], "ii": 24, "addl": 2})
        >>> print(pn.read_events(table).skip(3))
        mg (free base): 260 at 0, 260 at 24, 160 at 168, 160 at 192, 160 at 216 h
    """
    read = _table(table, unit)
    rows = _chosen(_chosen(read, "id", subject, "subject"), "drug", drug, "drug")
    known = _Past(None if past is None else 24.0 * finite_number(past, "past", "d"), str(cmt))
    begun: list[_Begun] = []
    doses: list[Administration] = []
    for number, row in rows.rows:
        begun += _doses(rows, number, row, MOST_DOSES - len(doses), known)
        doses = [dose for one in begun for dose in one.doses]
    _refuse_reset(read.name, begun)
    if not doses:
        raise InputError(f"{read.name} holds no dose; give rows with amt above 0")
    return given_at(sorted(doses), read.unit, form=form, allow_flat=allow_flat)


def _table(given: object, unit: str) -> _Table:
    """The table with its columns known, as text."""
    if unit not in UNITS:
        raise InputError(f"unit is {unit!r}, but doses are in {' or '.join(UNITS)}")
    if isinstance(given, pd.DataFrame):
        name, head = "the event table", [str(column) for column in given.columns]
        lines = [[_text(value) for value in row] for row in given.itertuples(index=False)]
        numbered = list(enumerate(lines, start=1))
    else:
        name, head, numbered = _of_file(given)
    columns: list[str] = []
    units: dict[str, str] = {}
    for text in head:
        match = _HEAD.fullmatch(text)
        column = match["name"].casefold() if match else text
        if match is None or column not in _COLUMNS:
            raise InputError(f"{name}: the column '{text}' is not known; use {', '.join(_COLUMNS)}")
        if column in columns:
            raise InputError(f"{name} has two columns '{column}'; keep one")
        columns.append(column)
        if match["unit"] is not None:
            units[column] = match["unit"]
    for needed in ("time", "amt"):
        if needed not in columns:
            raise InputError(f"{name} has no column '{needed}'; give time and amt at least")
    rows = [(number, fields(name, number, columns, texts)) for number, texts in numbered]
    if not rows:
        raise InputError(f"{name} has no rows; give one for each dose")
    own = unit if "amt" not in units else UNITS["/" in units["amt"]]
    return _Table(name, rows, _factors(name, units, own), own)


def _of_file(path: object) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    name, lines = read_delimited(path, _LARGEST, "the event table")
    if not lines:
        raise InputError(f"{name} is empty; give a header and a row for each dose")
    return name, lines[0][1], lines[1:]


def _factors(name: str, units: Mapping[str, str], unit: str) -> dict[str, float]:
    """By column what its numbers are multiplied by."""
    wanted = {"time": _HOUR, "ii": _HOUR, "amt": unit, "rate": f"{unit}/h"}
    found = dict.fromkeys(wanted, 1.0)
    for column, given in units.items():
        if column not in wanted:
            raise InputError(f"{name}: the column '{column}' has no unit; leave '[{given}]' out")
        found[column] = _factor(name, column, given, wanted[column])
    return found


def _factor(name: str, column: str, given: str, wanted: str) -> float:
    import pint  # a quarter of a second

    try:
        if not _UNIT.fullmatch(given):
            raise ValueError
        return float(registry().Quantity(1.0, given).to(wanted).magnitude)
    except (pint.PintError, ValueError):
        raise InputError(
            f"{name}: the unit of '{column}', '{given}', is not turned into {wanted}; correct it"
        ) from None


def _chosen(table: _Table, column: str, wanted: str | None, argument: str) -> _Table:
    """The rows of one subject or drug."""
    known = list(dict.fromkeys(row[column] for _, row in table.rows if column in row))
    if wanted is None:
        if len(known) > 1:
            raise InputError(
                f"{table.name} holds {len(known)} of '{column}': {', '.join(known[:8])}; choose "
                f"one by {argument}={known[0]!r}"
            )
        return table
    if str(wanted) not in known:
        has = ", ".join(known[:8]) or f"no column '{column}'"
        raise InputError(f"{table.name} has no {argument} {wanted!r}; it has {has}")
    return table._replace(rows=[one for one in table.rows if one[1][column] == str(wanted)])


def _doses(
    table: _Table, number: int, row: Mapping[str, str], most: int, known: _Past
) -> list[_Begun]:
    """What one row gives."""
    where = f"{table.name}, row {number}"

    def value(column: str, usual: float = 0.0, *, negative: bool = False) -> float:
        text = row.get(column, "")
        if text.casefold() in _MISSING:
            return usual
        try:
            if "_" in text:
                raise ValueError
            found = float(text)
        except ValueError:
            raise InputError(f"{where}: {column} is '{text}', which is no number") from None
        found = finite_number(found, f"{where}: {column}", negative=negative)
        return found * table.factors.get(column, 1.0)

    if row["time"].casefold() in _MISSING:
        raise InputError(f"{where}: time is missing; give it [h]")
    time, amount, kind = value("time"), value("amt"), value("evid", math.nan)
    if not math.isnan(kind) and kind not in (0.0, 1.0):
        raise InputError(
            f"{where}: evid is {kind:g}, but only doses (1) and observations (0) are read"
        )
    if kind == 0.0 or (math.isnan(kind) and amount == 0.0):
        if amount:
            raise InputError(f"{where}: evid is 0, an observation, but amt is {amount:g}")
        return []
    if amount == 0.0:
        raise InputError(f"{where}: amt is 0, but it is a dose (evid 1); give more")
    _check_compartment(where, row, known)
    rate = value("rate", negative=True)
    if rate < 0:
        raise InputError(f"{where}: rate is {row['rate']}, but must be a number of at least 0; a "
                         "rate or a duration that is estimated is not read")  # fmt: skip
    more, gap = value("addl"), value("ii")
    if more != int(more):
        raise InputError(f"{where}: addl is {more:g}, but must be a whole number")
    if more and not gap:
        raise InputError(f"{where}: addl is {more:g}, but ii, how far apart, is not given")
    before = _before(where, row, value("ss"), time, gap, known)
    if more + before >= most:
        raise InputError(f"{where}: with it there are more than {MOST_DOSES:,} doses")
    over = amount / rate if rate else 0.0
    first = time + (known.hours or 0.0)
    given = [Administration(first + i * gap, over, amount) for i in range(-before, int(more) + 1)]
    return [_Begun(number, time, value("ss"), given)]


def _check_compartment(where: str, row: Mapping[str, str], known: _Past) -> None:
    text = row.get("cmt", "")
    if text.casefold() in _MISSING:
        return
    same = text.casefold() == known.compartment.casefold()
    try:
        same = same or float(text) == float(known.compartment)
    except ValueError:
        pass
    if not same:
        raise InputError(
            f"{where}: cmt is {text}, but doses go into {known.compartment}: the gut of an oral "
            "drug, whose volume is apparent, so what a dose into its plasma gives is not known, or "
            f"the plasma of an intravenous one; if {text} is that, say cmt={text!r}"
        )


def _before(
    where: str, row: Mapping[str, str], kind: float, time: float, gap: float, known: _Past
) -> int:
    """How many doses came before a row that is at steady state."""
    if not kind:
        return 0
    if kind not in (1.0, 2.0):
        raise InputError(f"{where}: ss is {row['ss']}, but 1 and 2 are read")
    if not gap:
        raise InputError(
            f"{where}: ss is {row['ss']}, but ii, how far doses are apart, is not given"
        )
    if known.hours is None:
        raise InputError(
            f"{where}: ss is {row['ss']}: the same doses came before, and for how long they are "
            "given here has to be said: past=28 [d]; times of the run are so much later"
        )
    return int((time + known.hours) / gap * (1.0 + _NEAR))


def _refuse_reset(name: str, begun: Sequence[_Begun]) -> None:
    """Raise InputError where a body that had other doses is put to a steady state."""
    for i, one in enumerate(begun):
        if one.kind == 1.0 and any(o.time < one.time or (o.time == one.time and j < i)
                                   for j, o in enumerate(begun)):  # fmt: skip
            raise InputError(
                f"{name}, row {one.number}: ss is 1, which puts a body that had other doses before "
                "to a steady state at once; write 2 where both are given, or leave what was before "
                "out"
            )


def _text(value: object) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)
