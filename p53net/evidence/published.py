"""Published numbers that the models are compared with: one row each, with interval and source.

What a row is to the models, fitted or predicted, is not written there: `seen` computes it.
"""

import csv
import io
import math
from dataclasses import dataclass
from functools import cache

from p53net.errors import TableError, unknown_name
from p53net.model.library import models_folder
from p53net.model.own import LARGEST_TABLE, Tables, Text, read_text
from p53net.model.tables import NONE

TIERS = (
    "primary table",
    "primary abstract",
    "sponsor release",
    "vendor page",
    "deposited model",
    "general knowledge",
)
"""How near to whoever measured it a number was read; docs/validation.md defines them."""

ORIGINS = ("published", "Wilson", "quartiles", "assumed width", "bound", "none")
"""Where the interval of a row comes from."""

_STATEMENTS = ("qualitative", "increase", "regression")
_COLUMNS = ("id", "level", "quantity", "subject", "line", "protocol", "value", "low", "high",
            "unit", "source", "tier", "interval_origin", "note")  # fmt: skip
_MORE = ("read_out", "system", "drug", "dose")
"""Columns that a table of a user's own may have: what predicts a row that is not in the ledger."""


@dataclass(frozen=True)
class Observation:
    """One published number. Bounds that were not given are infinite; without a value it is NaN."""

    id: str
    level: str
    quantity: str
    subject: str
    line: str
    """Cells as observed, by their name in our tables where they are there."""
    protocol: str
    value: float
    low: float
    high: float
    unit: str
    source: str
    tier: str
    interval_origin: str
    note: str
    read_out: str = ""
    """Of a user's own row: what predicts it, with `system`, `drug` and `dose`; the columns are
    those of `models/experiments.tsv`."""
    system: str = ""
    drug: str = ""
    dose: str = ""

    @property
    def comparable(self) -> bool:
        """Whether there is a bound or a statement to compare with."""
        return self.statement or math.isfinite(self.low) or math.isfinite(self.high)

    @property
    def statement(self) -> bool:
        """Whether it says something without a number."""
        return self.unit in _STATEMENTS

    def holds(self, predicted: float) -> bool:
        """Whether a prediction lies in the interval; of a statement, whether it is 1, for true."""
        return predicted == 1.0 if self.statement else self.low <= predicted <= self.high

    @property
    def middle(self) -> float:
        """What a fit aims at: the value, or the geometric mean of the interval where no value is
        published; NaN of a bound that stands alone. It is no observation."""
        if math.isfinite(self.value):
            return self.value
        both = math.isfinite(self.low) and math.isfinite(self.high)
        return math.sqrt(self.low * self.high) if both else math.nan


def observations(own: Tables = NONE) -> dict[str, Observation]:
    """All rows of `models/observations.tsv` by id, in their order, and those of a user's table,
    which win. Raises TableError."""
    if (mine := own.texts.get("observations")) is None:
        return _shipped()
    return {**_shipped(), **_parsed(mine)}


@cache
def _shipped() -> dict[str, Observation]:
    path = models_folder() / "observations.tsv"
    return _parsed(read_text(path, LARGEST_TABLE, "the table of observations"))


def _parsed(table: Text) -> dict[str, Observation]:
    path = table.name
    reader = csv.DictReader(
        io.StringIO(table.text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    try:
        columns, rows = tuple(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise TableError(f"{path}: {error}; save it as tab-separated text in UTF-8") from None
    if missing := [name for name in _COLUMNS if name not in columns]:
        raise TableError(
            f"{path}: the columns {', '.join(missing)} are missing; a table of observations has "
            f"{', '.join(_COLUMNS)}"
        )
    found: dict[str, Observation] = {}
    for row in rows:
        where = f"{path}: {row['id']}"
        if None in row or None in row.values():
            raise TableError(f"{where}: a row has {len(columns)} cells, separated by tabs")
        if row["id"] in found:
            raise TableError(f"{where}: the row stands twice; keep one")
        for name, words in (("tier", TIERS), ("interval_origin", ORIGINS)):
            if row[name] not in words:
                raise TableError(f"{where}: {name} is '{row[name]}'; write {', '.join(words)}")
        if not row["source"]:
            raise TableError(f"{where}: say in `source` where it comes from")
        texts = {name: row[name] for name in _COLUMNS if name not in ("value", "low", "high")}
        texts |= {name: row[name].strip() for name in _MORE if name in columns}
        several = "," in row["value"]  # of a table row that holds more than one parameter
        found[row["id"]] = Observation(
            value=math.nan if several else _number(row["value"], math.nan, where),
            low=_number(row["low"], -math.inf, where),
            high=_number(row["high"], math.inf, where),
            **texts,
        )
    return found


def observation(name: str) -> Observation:
    """One row. Raises UnknownNameError."""
    rows = observations()
    if name not in rows:
        raise unknown_name("observation", name, rows)
    return rows[name]


def _number(text: str, otherwise: float, where: str) -> float:
    if not text:
        return otherwise
    try:
        return float(text)
    except ValueError:
        raise TableError(f"{where}: '{text}' is not a number") from None
