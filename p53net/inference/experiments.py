"""Experiments that could be done, a row of a table for each: what is read, and how well.

The package's are in `models/experiments.tsv`; a table of your own has the same columns.

    read_out    arithmetic of the grammar of claims; several numbers with `;` between them:
                `k_deg_MDM2`            a parameter
                `p53_total:24`          a quantity at an hour of the run of this row
                `MDM2_total:0["LINE"]`  in another cell line, or without drug: ["untreated"]
                `ic50["DRUG","LINE"]`   an answer, as claims have it
    system      dish, culture, plasma in mouse, tumour in human, marrow in human ...
    dose        empty; `100 nM`, `100 nM for 24 h`, `1 nM in 10 pL` (of medium for each cell) in a
                dish; `260 mg 3/14` in a body
    error       of each number: `cv`, the standard deviation of its logarithm, or `sd`, in its unit
"""

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from p53net.dosing.medium import Dose, closed_dish, constant, pulse
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.errors import InputError, P53NetError, TableError
from p53net.files import as_path, read_bytes
from p53net.inference.answers import NAMES, checked
from p53net.inference.other_answers import regimen_of
from p53net.measures.claims import Value, is_claim, value_of
from p53net.model import cell_line_entries, drug_entries
from p53net.model.content import content_of
from p53net.model.library import models_folder
from p53net.model.tables import host_entries, resolve

FILE = "experiments.tsv"
COLUMNS = ("experiment", "title", "read_out", "unit", "system", "line", "drug", "dose", "error",
           "error_kind", "days", "effort", "reason", "source")  # fmt: skip
EFFORTS = ("low", "medium", "high")
UNTREATED = "untreated"
"""In the brackets of a quantity: the same run without drug."""

_EMPTY = ("line", "dose")
_DISHES, _BODIES = ("dish", "culture"), ("plasma", "tumour", "marrow")
_KINDS = ("cv", "sd")
_NUMBER = r"(\d+\.?\d*|\.\d+)"
_DOSE = re.compile(rf"{_NUMBER} nM(?: for {_NUMBER} h| in {_NUMBER} pL)?")
_APART = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')  # but not within the name of a line
_LARGEST = 2**20  # bytes
_MOST_DAYS = 728.0

Given: TypeAlias = Dose | Regimen | None


@dataclass(frozen=True)
class Experiment:
    """What would be done, what is read, and how well."""

    name: str
    title: str
    read_outs: tuple[str, ...]
    unit: str
    system: str
    host: str
    line: str
    drug: str
    dose: str
    error: float
    """Of each number, as `relative` says."""
    relative: bool
    """Whether the error is the standard deviation of the logarithm."""
    days: float
    effort: str
    reason: str
    source: str
    """Of the error."""

    def given(self, hours: float) -> Given:
        """What is dosed in so many hours."""
        return given_of(self.dose, self.drug, self.host, hours)


def read_experiments(path: str | Path | None = None) -> list[Experiment]:
    """The package's experiments, or those of a table of your own. Raises TableError, which names
    the row and the column."""
    if path is None:
        return _read(dict(content_of(models_folder()))[FILE], f"models/{FILE}")
    file = as_path(path, "the table of experiments")
    content = read_bytes(file, _LARGEST, "the table of experiments")
    try:
        return _read(content.decode("utf-8-sig"), str(file))
    except UnicodeDecodeError as error:
        raise TableError(f"{file} is no text in UTF-8: {error}; save it as such") from None


def values_of(experiment: Experiment) -> list[list[Value]]:
    """Values that each number of an experiment is made of. Raises InputError."""
    found = []
    for text in experiment.read_outs:
        needed: dict[Value, FloatArray] = {}

        def note(value: Value, needed: dict[Value, FloatArray] = needed) -> FloatArray:
            return needed.setdefault(value, np.asarray(1.0))

        value_of(text, note, bare=True)
        found.append(list(needed))
    return found


def is_answer(value: Value) -> bool:
    """Whether a value of a read-out is an answer of a study."""
    return value.name in NAMES and bool(value.drug)


def _read(text: str, file: str) -> list[Experiment]:
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise TableError(
            f"{file} has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}"
        )
    found: dict[str, Experiment] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{file}, line {number}"
        one = _experiment(row, where)
        if one.name in found:
            raise TableError(f"{where}: experiment {one.name} is there twice; name each once")
        found[one.name] = one
    if not found:
        raise TableError(f"{file} has no experiment; add a row for each")
    return list(found.values())


def _experiment(row: dict[str, str | None], where: str) -> Experiment:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if row.get(None) or None in row.values():  # type: ignore[call-overload]
        raise TableError(f"{where}: it has other cells than the header has columns")
    for name in COLUMNS:
        if not cells[name] and name not in _EMPTY:
            raise TableError(f"{where}: {name} is empty; fill it in")
    where = f"{where}, {cells['experiment']}"
    system, host = _place(cells["system"], where)
    if cells["error_kind"] not in _KINDS:
        raise TableError(
            f"{where}: error_kind is '{cells['error_kind']}', but must be {' or '.join(_KINDS)}"
        )
    if cells["effort"] not in EFFORTS:
        raise TableError(
            f"{where}: effort is '{cells['effort']}', but must be {', '.join(EFFORTS)}"
        )
    one = Experiment(
        cells["experiment"], cells["title"],
        tuple(part.strip() for part in _APART.split(cells["read_out"])),
        cells["unit"], system, host, cells["line"], cells["drug"], cells["dose"],
        _above_0(cells["error"], "error", where), cells["error_kind"] == "cv",
        _above_0(cells["days"], "days", where), cells["effort"], cells["reason"], cells["source"],
    )  # fmt: skip
    try:
        _check(one)
    except P53NetError as error:
        raise TableError(f"{where}: {error}") from None
    return one


def _place(text: str, where: str) -> tuple[str, str]:
    system, _, host = text.partition(" in ")
    if system in _DISHES and not host:
        return system, ""
    if system in _BODIES and host in host_entries():
        return system, host
    hosts = " or ".join(host_entries())
    raise TableError(
        f"{where}: system is '{text}', but must be {' or '.join(_DISHES)}, or "
        f"{', '.join(_BODIES)} in {hosts}"
    )


def _check(one: Experiment) -> None:
    resolve("drug", one.drug, drug_entries())
    if one.line:
        resolve("cell_line", one.line, cell_line_entries())
    one.given(24.0)
    for text, values in zip(one.read_outs, values_of(one), strict=True):
        if is_claim(text) or not values:
            raise InputError(f"read-out `{text}` is no number of a model")
        for value in values:
            _check_value(value, one)


def _check_value(value: Value, one: Experiment) -> None:
    if is_answer(value):
        checked(value)
        return
    if value.place:
        raise InputError(f"{value.name} has two words in its brackets, but is no answer")
    if value.drug and value.drug != UNTREATED:
        resolve("cell_line", value.drug, cell_line_entries())
    if value.drug and one.system in ("plasma", "marrow"):
        raise InputError(f"{value.name}: there is no cell line in {one.system} to exchange")
    if value.at is not None and value.at > 24.0 * _MOST_DAYS:
        raise InputError(f"{value.name}:{value.at:g} h is later than {_MOST_DAYS:g} days")


def given_of(dose: str, drug: str, host: str, hours: float) -> Given:
    """A dose in words, as an experiment has it, for so many hours. Raises InputError."""
    if not dose:
        return None
    if host:
        return regimen_of(dose, drug, max(1.0, hours / 24.0))
    match = _DOSE.fullmatch(dose)
    if match is None:
        raise InputError(
            f"dose '{dose}' is not understood; write 100 nM, 100 nM for 24 h, or 1 nM in 10 pL"
        )
    amount = float(match[1])
    if match[2]:
        return pulse(amount, float(match[2]))
    return closed_dish(amount, float(match[3])) if match[3] else constant(amount)


def _above_0(text: str, name: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise TableError(f"{where}: {name} is '{text}', but must be a number above 0")
    return number
