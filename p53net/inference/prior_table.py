"""The table of priors: reading `models/priors.tsv`, checking it, and what of it a structure has."""

import csv
import io
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from p53net.errors import TableError, unknown_name
from p53net.inference.parameters import all_parameters, parameters_of
from p53net.inference.prior import (
    DISTRIBUTIONS,
    FIXED,
    LOG_NORMAL,
    LOG_UNIFORM,
    LOGIT_NORMAL,
    NORMAL,
    Prior,
)
from p53net.model.content import Content, content_of
from p53net.model.library import models_folder
from p53net.model.own import LARGEST_TABLE, Tables, TablesLike, Text, as_tables, read_text
from p53net.model.structures import StructureLike
from p53net.model.tables import ODD, Value

FILE = "priors.tsv"
COLUMNS = ("entry", "parameter", "distribution", "centre", "spread", "low", "high", "unit", "with",
           "correlation", "reason", "source")  # fmt: skip

_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?")
_NATURAL = {
    LOG_NORMAL: (0.0, math.inf),
    LOG_UNIFORM: (0.0, math.inf),
    LOGIT_NORMAL: (0.0, 1.0),
    NORMAL: (0.0, math.inf),
}
"""Bounds that a distribution has by nature; no value of a model is below 0."""


def priors(
    path: str | Path | None = None,
    *,
    own: str | Path | None = None,
    tables: TablesLike = None,
) -> dict[str, Prior]:
    """All priors by name, `ENTRY: PARAMETER`, in the order of the table: those of the package, or
    of the table at `path`; rows of the table `own` win, by default `priors.tsv` of `tables`. Those
    hold the user's own drugs and cell lines, which may have priors. Raises TableError, InputError.
    """
    shipped = Text(FILE, dict(content_of(models_folder()))[FILE])
    base = shipped if path is None else read_text(path, LARGEST_TABLE, "the table of priors")
    given = as_tables(tables)
    mine = given.texts.get("priors")
    if own is not None:
        mine = read_text(own, LARGEST_TABLE, "the table of priors")
    return dict(_all(base, mine, tuple(given), content_of(models_folder())))


def for_structure(
    structure: StructureLike = None,
    *,
    table: Mapping[str, Prior] | None = None,
    tables: TablesLike = None,
) -> list[Prior]:
    """Priors of what the models of a structure have, in the order of the table; of drugs, lines
    and hosts all. `table` is by default the package's. Raises InputError for a published core."""
    known = parameters_of(structure, tables)
    rows = priors(tables=tables) if table is None else table
    return [one for name, one in rows.items() if name in known]


@lru_cache(maxsize=8)
def _all(
    base: Text, mine: Text | None, texts: tuple[tuple[str, Text], ...], _content: Content
) -> Mapping[str, Prior]:
    known = all_parameters(Tables(dict(texts)))
    found = _read(base, known)
    if mine is not None:
        found = {**found, **_read(mine, known)}
    where = base.name if mine is None else mine.name
    for one in found.values():
        _check_partners(one, found, f"{where}: {one.name}")
    return found


def _read(table: Text, known: Mapping[str, Value]) -> dict[str, Prior]:
    """Rows of one table, each checked by itself."""
    if odd := ODD.search(table.text):
        raise TableError(
            f"cannot read the table {table.name}: it holds the character {odd[0]!r}, which is no "
            "text; save it as tab-separated text in UTF-8"
        )
    reader = csv.DictReader(io.StringIO(table.text), delimiter="\t", quoting=csv.QUOTE_NONE)
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise TableError(
            f"{table.name}: the columns {', '.join(missing)} are missing; a table of priors has "
            f"the tab-separated columns {', '.join(COLUMNS)}"
        )
    found: dict[str, Prior] = {}
    for number, row in enumerate(reader, start=2):
        one = _prior({name: " ".join((row[name] or "").split()) for name in COLUMNS},
                     f"{table.name}, line {number}", known)  # fmt: skip
        if one.name in found:
            raise TableError(f"{table.name}: {one.name} stands twice; keep one row")
        found[one.name] = one
    return found


def _prior(row: Mapping[str, str], line: str, known: Mapping[str, Value]) -> Prior:
    name = f"{row['entry']}: {row['parameter']}"
    where = f"{line}: {name}"
    _check_names(row, known, where)
    if row["unit"] != known[name].unit:
        raise TableError(
            f"{where}: the unit is '{row['unit']}', but the models have it in {known[name].unit}; "
            "give centre, spread and bounds in that"
        )
    kind = row["distribution"]
    if kind not in DISTRIBUTIONS:
        raise TableError(
            f"{where}: {unknown_name('distribution', kind, DISTRIBUTIONS)}; allowed are "
            f"{', '.join(DISTRIBUTIONS)}"
        )
    if not row["reason"]:
        raise TableError(f"{where}: the reason is missing; say why it is as wide as it is")
    low, high = _NATURAL.get(kind, (-math.inf, math.inf))
    made = Prior(
        row["entry"], row["parameter"], kind,
        _number(row, "centre", where, math.nan), _number(row, "spread", where, math.nan),
        _number(row, "low", where, low), _number(row, "high", where, high),
        row["unit"], row["with"], _number(row, "correlation", where, 0.0),
        row["reason"], row["source"],
    )  # fmt: skip
    _check_numbers(made, row, where)
    _check_bounds(made, where)
    return made


def _check_names(row: Mapping[str, str], known: Mapping[str, Value], where: str) -> None:
    entries: dict[str, list[str]] = {}
    for name in known:
        entry, _, parameter = name.partition(": ")
        entries.setdefault(entry, []).append(parameter)
    if row["entry"] not in entries:
        raise TableError(f"{where}: {unknown_name('entry', row['entry'], entries)}")
    if row["parameter"] not in entries[row["entry"]]:
        raise TableError(
            f"{where}: no model varies it; "
            f"{unknown_name('parameter', row['parameter'], entries[row['entry']])}"
        )


def _number(row: Mapping[str, str], column: str, where: str, missing: float) -> float:
    if not row[column]:
        return missing
    if not _NUMBER.fullmatch(row[column]) or not math.isfinite(float(row[column])):
        raise TableError(
            f"{where}: {column} is '{row[column][:40]}', but must be a finite number such as 0.5"
        )
    return float(row[column])


def _check_numbers(one: Prior, row: Mapping[str, str], where: str) -> None:
    """What each distribution needs, and what it cannot have."""
    needed = {FIXED: ("centre",), LOG_UNIFORM: ("low", "high")}.get(
        one.distribution, ("centre", "spread")
    )
    refused = {FIXED: ("spread", "low", "high", "with"), LOG_UNIFORM: ("centre", "spread")}.get(
        one.distribution, ()
    )
    if missing := [column for column in needed if not row[column]]:
        raise TableError(
            f"{where}: {one.distribution} needs {' and '.join(needed)}; add {', '.join(missing)}"
        )
    if more := [column for column in refused if row[column]]:
        raise TableError(
            f"{where}: {one.distribution} has no {' or '.join(more)}; leave it empty: "
            f"{DISTRIBUTIONS[one.distribution]}"
        )
    if one.distribution == LOG_NORMAL and one.spread <= 1:
        raise TableError(
            f"{where}: spread is {one.spread:g}, but of log-normal it is a factor, above 1: "
            f"{DISTRIBUTIONS[LOG_NORMAL]}"
        )
    if one.distribution in (NORMAL, LOGIT_NORMAL) and one.spread <= 0:
        raise TableError(f"{where}: spread is {one.spread:g}, but a standard deviation is above 0")


def _check_bounds(one: Prior, where: str) -> None:
    lowest, highest = _NATURAL.get(one.distribution, (-math.inf, math.inf))
    if not lowest <= one.low <= highest or not lowest <= one.high <= highest:
        raise TableError(
            f"{where}: a bound is outside {lowest:g} to {highest:g}, which {one.distribution} has "
            "by nature; move it inside"
        )
    if one.low >= one.high or (one.distribution == LOG_UNIFORM and one.low <= 0):
        raise TableError(
            f"{where}: the bounds are {one.low:g} and {one.high:g}; give a low bound below the "
            "high one, of log-uniform above 0"
        )
    if one.distribution != LOG_UNIFORM and not one.low < one.centre < one.high:
        raise TableError(
            f"{where}: the centre {one.centre:g} is not between {one.low:g} and {one.high:g}; move "
            "the centre or the bounds"
        )


def _check_partners(one: Prior, table: Mapping[str, Prior], where: str) -> None:
    """A prior may go with another one that varies, and not in a circle."""
    if not one.with_:
        if one.correlation:
            raise TableError(f"{where}: it has a correlation, but goes `with` none; name one")
        return
    if not -1 < one.correlation < 1 or not one.correlation:
        raise TableError(
            f"{where}: the correlation is {one.correlation:g}, but must lie between -1 and 1 and "
            "not be 0"
        )
    if one.with_ not in table:
        raise TableError(f"{where}: with: {unknown_name('prior', one.with_, table)}")
    if table[one.with_].fixed:
        raise TableError(f"{where}: it goes with {one.with_}, which is fixed; name another")
    passed, leader = [one.name], one.with_
    while leader:
        if leader in passed:
            raise TableError(
                f"{where}: `with` goes in a circle, {' with '.join([*passed, leader])}; "
                "let one of them stand alone"
            )
        passed.append(leader)
        leader = table[leader].with_ if leader in table else ""
