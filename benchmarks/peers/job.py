"""The points that every peer runs, as plain text and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tolerance = tuple[float, float]  # relative, and absolute [zmol]

DRUGS = ("milademetan", "KT-253")
READ_OUTS = ("p53_active", "MDM2_total")
TIMES = np.linspace(0.0, 72.0, 145)
SETTLING = 2000.0  # h in which an untreated cell comes to rest


@dataclass(frozen=True)
class Job:
    """One model at many points: what is set before each run of 72 h."""

    name: str
    antimony: str
    sbml: str
    species: tuple[str, ...]
    medium: Mapping[str, str]
    """Drug to the species that is its concentration in the medium."""
    totals: Mapping[str, str]
    """Species that start, before the untreated cell comes to rest, at the value of a parameter."""
    parameters: tuple[str, ...]
    values: Array
    """A row for each point, a column for each of `parameters`."""
    doses: Array
    """The same for each drug of `medium` [nM]."""
    starts: Array
    """The same for each of `species` [nM]: the untreated state, then the first dose."""

    def settings(self, point: int) -> dict[str, float]:
        """Parameters of a point."""
        return dict(zip(self.parameters, self.values[point].tolist(), strict=True))

    def start(self, point: int) -> dict[str, float]:
        """Concentrations [nM] that a point starts from."""
        return dict(zip(self.species, self.starts[point].tolist(), strict=True))


def errors(found: Array, reference: Array) -> Array:
    """Of each run: the largest difference, as a fraction of the read-out's peak in that run."""
    return np.max(np.abs(found - reference) / np.max(reference, axis=1, keepdims=True), axis=(1, 2))
