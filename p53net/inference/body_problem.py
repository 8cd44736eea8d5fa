"""What bodies are drawn from: rows over coordinates, by parts, and how likely a body is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.parts import Part


class Rows(Protocol):
    """What tells how far rows are from the evidence."""

    def __call__(
        self, z: FloatArray, labels: NDArray[np.intp], parts: frozenset[str] | None = None
    ) -> FloatArray:
        """Distances (particle, row); of rows of other `parts` than these NaN."""


@dataclass
class Problem:
    """Rows of bodies over coordinates that are standard normal under the prior, by parts."""

    rows: Rows
    parts: Sequence[Part]
    shared: NDArray[np.intp]
    """Coordinates that several parts read."""
    held: NDArray[np.intp]
    """Coordinates that stay as they are, each cell its own."""
    labels: NDArray[np.intp]
    """Of each particle: its cell."""
    quick: frozenset[str] = frozenset()
    """Parts whose runs are cheap beside the others."""

    def misfits(self, z: FloatArray, away: FloatArray) -> FloatArray:
        """Minus the logarithm of the posterior of each part (part, particle), but for a constant
        and for the prior of what is shared."""
        return np.array([self.misfit(part, z, away[:, part.rows]) for part in self.parts])

    def misfit(self, part: Part, z: FloatArray, away: FloatArray) -> FloatArray:
        """The same of one part, whose rows are so far away (particle, row)."""
        own = z[:, part.columns]
        return np.asarray(0.5 * (away**2).sum(axis=1) + 0.5 * (own**2).sum(axis=1))

    def readers(self, column: int) -> list[int]:
        """Places of the parts that read what is shared at a column."""
        return [i for i, part in enumerate(self.parts) if column in part.shared]
