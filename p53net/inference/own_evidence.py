"""Rows of evidence of a user's own that the ledger does not have: what was measured, in words.

Further columns of a table `observations.tsv` say what predicts a row. They are those of an
experiment (`experiments.py`), and so is their grammar: what an experiment would read and what it
has read are written alike, and there is one language less.

    read_out    arithmetic of parameters, quantities and assays:
                `41.59/k_deg_MDM2`               a parameter
                `p53_total:24/p53_total:0`       a quantity at an hour of the run of this row
                `MDM2_mRNA:0["LINE"]`            in another line, or without drug: ["untreated"]
                `ic50["DRUG","LINE"]`            viability of 72 h [nM]
                `dc50["DRUG","LINE"]`, `dmax["DRUG","LINE"]`    MDM2 after 2 h [nM, %]
    system      dish, or culture, where cells divide and die; dish if nothing is said
    line, drug  by their names in the tables; a generic cell and no drug if nothing is said
    dose        empty; `100 nM`, `100 nM for 24 h`, `1 nM in 10 pL` of medium for each cell
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError, P53NetError, unknown_name
from p53net.evidence.behind import PLACES
from p53net.evidence.published import Observation, observations
from p53net.inference.experiments import UNTREATED, given_of
from p53net.measures.claims import Value, value_of
from p53net.model import GENERIC, cell_line_entries, drug_entries
from p53net.model.own import Tables
from p53net.model.tables import (
    host_entries,
    pharmacokinetic_entries,
    resolve,
    variations,
)

ASSAYS = {"ic50": "nM", "dc50": "nM", "dmax": "%"}
"""Assays that a read-out may name, and their units."""

SYSTEMS = ("dish", "culture")
UNDOSED = "milademetan"
"""Stands in where no drug is named: without a dose its cells are those without a drug."""

_SUCH_AS = 'write p53_total:24/p53_total:0, 41.59/k_deg_MDM2 or ic50["DRUG","LINE"], for example'
_DEGRADER = "degrader"
_LATEST = 24.0 * 28  # h: no dish is kept for longer
_TABLES = (drug_entries, cell_line_entries, host_entries, pharmacokinetic_entries, variations)


@dataclass(frozen=True)
class Assay:
    """An assay of one drug in one line."""

    name: str
    drug: str
    line: str


class Run(NamedTuple):
    """Cells that run, as they are told apart."""

    system: str
    line: str
    drug: str
    dose: str


@dataclass(frozen=True)
class Quantity:
    """A quantity at an hour of a run."""

    run: Run
    name: str
    at: float


@dataclass(frozen=True)
class Parameter:
    """A parameter of cells."""

    run: Run
    name: str


Wanted: TypeAlias = Assay | Quantity | Parameter


@dataclass(frozen=True)
class OwnRow:
    """What predicts one row, with the names of the tables."""

    name: str
    read_out: str
    unit: str
    run: Run
    wanted: Mapping[Value, Wanted]
    """Each value of the read-out, and what it is."""

    def of(self, numbers: Mapping[Wanted, FloatArray]) -> FloatArray:
        """The number that was read, for each trial."""
        return value_of(self.read_out, lambda value: numbers[self.wanted[value]], bare=True)


def own_rows(own: Tables) -> dict[str, OwnRow]:
    """Rows of a user's table that the ledger does not have, by id.

    Raises InputError, UnknownNameError and TableError, each with the id of the row, where nothing
    predicts it, where it would stand for a row of the ledger, or where its words are not
    understood.
    """
    if "observations" not in own.texts:
        return {}
    ledger = observations().keys() | PLACES.keys()
    rows = [row for row in observations(own).values() if row.read_out or row.id not in ledger]
    if lost := sorted(row.id for row in rows if not row.read_out):
        raise InputError(
            f"nothing predicts the observations {', '.join(lost)}, so they say nothing here; say "
            'in a column `read_out` what was measured, such as ic50["DRUG","LINE"], or give rows '
            "the ids of `p53net validate` whose numbers they replace"
        )
    for row in rows:
        if row.id in ledger:
            raise InputError(
                f"{row.id} is a row of `p53net validate`, which says what predicts it; leave its "
                "read_out empty, or give the row an id of its own"
            )
    return {row.id: _read(row, own) for row in rows}


def refuse_replaced(own: Tables) -> None:
    """Raise InputError where an entry of a user's own stands for one of the package: the rows of
    the ledger and all ensembles are about those of the package."""
    for entries in _TABLES:
        mine = entries(own)
        for name, one in entries().items():
            if mine.get(name) != one:
                raise InputError(
                    f"{name} in your tables stands for that of the package, which the ledger's "
                    "rows are about; give yours a name of its own, or say in priors.tsv what you "
                    "know of the package's"
                )


def _read(row: Observation, own: Tables) -> OwnRow:
    try:
        _check_words(row.read_out)
        run = _run(row, own)
        wanted: dict[Value, Wanted] = {}

        def note(value: Value) -> FloatArray:
            wanted[value] = _wanted(value, run, own)
            return np.asarray(1.0)

        value_of(row.read_out, note, bare=True)
        if not wanted:
            raise InputError(f"the read-out {row.read_out} names nothing of a model; {_SUCH_AS}")
    except P53NetError as error:
        raise type(error)(f"{row.id}: {error}") from None
    return OwnRow(row.id, row.read_out, row.unit, run, wanted)


def _check_words(read_out: str) -> None:
    """Raise InputError for what is no arithmetic, whatever its names mean."""
    try:
        value_of(read_out, lambda _value: np.asarray(1.0), bare=True)
    except InputError:
        raise InputError(f"the read-out `{read_out}` is not understood; {_SUCH_AS}") from None


def _run(row: Observation, own: Tables) -> Run:
    system = row.system or SYSTEMS[0]
    if system not in SYSTEMS:
        raise InputError(
            f"system is '{system}', but rows of your own are predicted in {' or '.join(SYSTEMS)}"
        )
    if row.dose and not row.drug:
        raise InputError(f"the dose is {row.dose}, but no drug is named; name it in `drug`")
    given_of(row.dose, row.drug, "", 24.0)
    line = resolve("cell_line", row.line or GENERIC, cell_line_entries(own)).name
    drug = resolve("drug", row.drug or UNDOSED, drug_entries(own)).name
    return Run(system, line, drug, row.dose)


def _wanted(value: Value, run: Run, own: Tables) -> Wanted:
    if value.drug and value.drug != UNTREATED and (value.name in ASSAYS or value.place):
        return _assay(value, own)
    if value.name in ASSAYS:
        raise InputError(f'{value.name} needs a drug and a line: {value.name}["DRUG","LINE"]')
    line = run.line
    if value.drug and value.drug != UNTREATED:
        line = resolve("cell_line", value.drug, cell_line_entries(own)).name
    treated = value.at and value.drug != UNTREATED
    cells = run._replace(line=line, dose=run.dose if treated else "")
    if value.at is None:
        return Parameter(cells, value.name)
    if value.at > _LATEST:
        raise InputError(f"{value.name}:{value.at:g} h is later than {_LATEST:g} h")
    return Quantity(cells, value.name, value.at)


def _assay(value: Value, own: Tables) -> Assay:
    if value.name not in ASSAYS:
        raise unknown_name("assay", value.name, ASSAYS)
    if value.at is not None:
        raise InputError(f"{value.name}:{value.at:g} is taken at one time only; write {value.name}")
    drug = resolve("drug", value.drug, drug_entries(own))
    if value.name != "ic50" and drug.facts["mechanism"] != _DEGRADER:
        raise InputError(f"{drug.name} is no {_DEGRADER}, so it has no {value.name}")
    line = resolve("cell_line", value.place or GENERIC, cell_line_entries(own))
    return Assay(value.name, drug.name, line.name)


_ALONE = r'\s*[A-Za-z_]\w*(?::[\d.]+)?(?:\["[^"\]]*"(?:\s*,\s*"[^"\]]*")?\s*\])?\s*'
_QUOTIENT = re.compile(f"{_ALONE}/{_ALONE}")


def allowed_units(row: OwnRow, units: Mapping[Value, tuple[str, ...]]) -> tuple[str, ...]:
    """Units that a row may have, by those of its values as they may be written: of a value alone,
    and of the quotient of two of a kind. Arithmetic with numbers may convert: empty, any."""
    if re.fullmatch(_ALONE, row.read_out):
        return next(iter(units.values()))
    if _QUOTIENT.fullmatch(row.read_out) and len(units) == 2 and len({*units.values()}) == 1:
        return "1", "fold"
    return ()
