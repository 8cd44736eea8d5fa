"""A number for each draw of an ensemble, or why a draw has none."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import (
    InputError,
    MeasureError,
    ModelError,
    P53NetError,
    SimulationError,
    SteadyStateError,
    UnknownNameError,
)

NOT_DEFINED = "not defined"
NOT_HERE = "not in this structure"

_KINDS: tuple[tuple[type[P53NetError], str], ...] = (
    (SteadyStateError, "no untreated state at rest"),
    (MeasureError, "not reached by any dose"),
    (SimulationError, "a run failed"),
    (ModelError, NOT_HERE),
    (InputError, NOT_HERE),  # what users gave was checked before: parts that do not go together
    (UnknownNameError, NOT_HERE),
)


class Numbers(NamedTuple):
    """A number for each draw."""

    values: FloatArray
    """NaN where a draw has none."""
    reasons: NDArray[np.object_]
    """Why it has none; empty where it has one."""

    def counts(self) -> dict[str, int]:
        """Draws without a number by reason, the most frequent first."""
        return dict(Counter(str(why) for why in self.reasons if why).most_common())


def numbers(values: FloatArray, errors: Mapping[int, P53NetError] | None = None) -> Numbers:
    """Values with the reasons of errors; what is not finite without one is not defined."""
    found = np.asarray(values, dtype=float).copy()
    reasons = np.where(np.isfinite(found), "", NOT_DEFINED).astype(object)
    for i, error in (errors or {}).items():
        found[i], reasons[i] = np.nan, kind_of(error)
    found[~np.isfinite(found)] = np.nan
    return Numbers(found, reasons)


def kind_of(error: P53NetError) -> str:
    """An error in the few words that are counted."""
    return next((words for kind, words in _KINDS if isinstance(error, kind)), str(error)[:100])


def nothing(size: int, why: str) -> Numbers:
    """No number for any of so many draws."""
    return Numbers(np.full(size, np.nan), np.full(size, why, dtype=object))


def together(parts: Iterable[tuple[NDArray[np.intp], Numbers]], size: int) -> Numbers:
    """Numbers of parts of an ensemble, each at its draws."""
    values, reasons = np.full(size, np.nan), np.full(size, NOT_DEFINED, dtype=object)
    for draws, part in parts:
        values[draws], reasons[draws] = part
    return Numbers(values, reasons)
