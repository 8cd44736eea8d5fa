"""Virtual patients: how parameters vary between patients, drawn by seed; and grades of toxicity."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError, TableError
from p53net.model.own import TablesLike, as_tables
from p53net.model.tables import Value, variations
from p53net.sweeps.design import checked_seed

MOST_PATIENTS = 100_000

GRADES = {
    "thrombocytopenia": ("platelets", (150.0, 75.0, 50.0, 25.0)),
    "neutropenia": ("neutrophils", (1.5, 1.5, 1.0, 0.5)),
    "anaemia": ("haemoglobin", (12.0, 10.0, 8.0, 0.0)),
}
"""Toxicity to the count that shows it, and below which it is of grade 1, 2, 3 and 4 (CTCAE v5.0:
1e9/L, g/dL). Grade 1 begins at the lower limit of normal, here a usual one. Anaemia of grade 4 has
no number, and neutropenia of grade 1 begins where grade 2 does."""

_NONE = 1e-12  # of a count: what an engine says of none may be a little below 0
_MOST_DRAWS = 1000  # rounds, until all patients meet the conditions of entry


class Rate(NamedTuple):
    """Patients with an event, in per cent, with Wilson's 95 % interval."""

    percent: float
    low: float
    high: float


def patients(
    typical: Mapping[str, float], number: int, seed: int, tables: TablesLike = None
) -> pd.DataFrame:
    """Parameters of virtual patients, a row for each: those of `typical` that vary.

    Logarithms are normal around the typical values, with the spread and correlations of
    `models/variability.tsv`, or of a table of your own; patients who do not meet its conditions of
    entry are drawn again.
    Every parameter of that table is drawn whether it is wanted or not, so one seed gives the same
    patients whatever varies beside the parameters with conditions. Raises InputError.
    """
    whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
    if not whole or not 1 <= number <= MOST_PATIENTS:
        raise InputError(
            f"population is {number!r}, but must be a whole number, 1 to {MOST_PATIENTS:,}"
        )
    random, known = np.random.default_rng(checked_seed(seed)), variations(as_tables(tables))
    omega = known["spread"].values
    wanted = [name for name in omega if name in typical]
    if not wanted:
        raise InputError("nothing in this model is known to vary between patients")
    least = {n: row.value for n, row in known["entry"].values.items() if n in wanted}
    kept = pd.DataFrame(columns=wanted, dtype=float)
    for _ in range(_MOST_DRAWS):
        normal = pd.DataFrame(random.standard_normal((int(number), len(omega))), columns=[*omega])
        drawn = factors(normal, tables)[wanted] * [typical[name] for name in wanted]
        for name, value in least.items():
            drawn = drawn[drawn[name] >= value]
        kept = pd.concat([kept, drawn] if len(kept) else [drawn], ignore_index=True)
        if len(kept) >= number:
            return kept.iloc[: int(number)]
    raise InputError("hardly a patient meets the conditions of entry; check the parameters")


def factors(normal: pd.DataFrame, tables: TablesLike = None) -> pd.DataFrame:
    """How many times the typical values each patient's are (patient, parameter), at independent
    standard normal numbers, a column for each parameter that varies; 1 where one is left out."""
    known = variations(as_tables(tables))
    omega = {name: row.value for name, row in known["spread"].values.items()}
    mixing = np.linalg.cholesky(_correlations(known["correlation"].values, list(omega)))
    mixed = normal.reindex(columns=list(omega), fill_value=0.0).to_numpy() @ mixing.T
    return pd.DataFrame(np.exp(mixed * np.array(list(omega.values()))), columns=list(omega))


def grades(lowest: FloatArray, toxicity: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The worst grade of each patient, 0 to 4, by the lowest count."""
    limits = GRADES[toxicity][1]
    return np.asarray(np.sum([lowest < limit for limit in limits], axis=0))


def worsened(
    lowest: FloatArray, start: FloatArray, toxicity: str, grade: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whose worst grade is at least `grade` and above that at the start: what a trial counts."""
    worst = grades(lowest, toxicity)
    return np.asarray((worst >= grade) & (worst > grades(start, toxicity)))


def percent_of_all(
    relative: FloatArray,
    typical: FloatArray | float,
    toxicity: str,
    grade: int,
    tables: TablesLike = None,
) -> FloatArray:
    """Whose grade rises to `grade` or more, in per cent of all patients whose lowest count is
    `relative` to their own before treatment, which only scales what follows; NaN where that is.

    Counts before treatment are log-normal around `typical`, above the condition of entry, as
    `patients` draws them. Who starts in the band of a grade gets a higher one below the band.
    """
    from scipy.special import ndtr

    count, limits = GRADES[toxicity]
    known, name = variations(as_tables(tables)), f"{count}_baseline"
    spread, entry = known["spread"].values[name].value, known["entry"].values[name].value

    def below(level: FloatArray | float) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(ndtr(np.log(np.asarray(level) / typical) / spread))

    share = np.zeros_like(relative)
    for band, (low, high) in enumerate(zip(limits, (np.inf, *limits), strict=False)):
        fallen = limits[max(grade - 1, band)] / np.maximum(relative, _NONE)
        share += np.maximum(below(np.minimum(high, fallen)) - below(max(low, entry)), 0.0)
    return np.asarray(100.0 * share / (1.0 - below(entry)))


def rate(events: int, number: int) -> Rate:
    """Share of patients with an event, and Wilson's interval."""
    z, share = 1.959964, events / number
    middle = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    spread = z * math.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    spread /= 1 + z**2 / number
    low, high = max(0.0, middle - spread), min(1.0, middle + spread)
    return Rate(100 * events / number, 100 * low if events else 0.0, 100 * high)


def _correlations(rows: Mapping[str, Value], names: list[str]) -> FloatArray:
    matrix = np.eye(len(names))
    for text, row in rows.items():
        one, _, other = text.partition(" with ")
        if one in names and other in names:
            i, j = names.index(one), names.index(other)
            matrix[i, j] = matrix[j, i] = finite_number(row.value, f"correlation {text}")
    if np.linalg.eigvalsh(matrix).min() <= 0:
        raise TableError("correlations of models/variability.tsv contradict each other; correct it")
    return matrix
