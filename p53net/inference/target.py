"""What is sampled: independent standard normal coordinates of parameters, and how likely the
evidence is at each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.evidence.published import Observation, observations
from p53net.inference.dish_rows import DishRows
from p53net.inference.likelihood import ALREADY, Likelihood
from p53net.inference.own_evidence import own_rows
from p53net.inference.own_predicted import OwnPredicted
from p53net.inference.priors import Space, for_structure
from p53net.model.own import Tables
from p53net.model.tables import NONE

BUILT_IN = {
    "tp53_null": "without p53 nothing happens, in every cell",
    "nutlin_null_leukaemia": "without p53 nothing happens, in every cell",
    "md4251_mutant": "without p53 nothing happens, in every cell",
}
"""Rows that hold whatever the parameters are: they say nothing."""

_BATCH = 256  # parameter sets that run together: more do not run faster


class Target:
    """The dish rows of one structure, with those of a user's own, over all its priors.

    Coordinates are those of the whole `space`; only those in `moved` reach the rows, the others
    have their prior. Without evidence of a row that has no interval.
    """

    def __init__(
        self,
        structure: str,
        *,
        width: float = 1.0,
        rows: Sequence[str] | None = None,
        own: Tables = NONE,
        evidence: Mapping[str, Observation] | None = None,
    ) -> None:
        """`width` is a factor on the spread of every prior, `rows` are those that count, `own` may
        hold drugs, cell lines, priors and observations, new ones too (see `own_evidence`), and
        `evidence` stands for the observations."""
        self.structure, self.width = structure, width
        self.space = Space(for_structure(structure, tables=own), width)
        self.fixed = self.space.fixed
        self.predict = DishRows([*self.space.names, *self.fixed], structure, own=own)
        self.own = OwnPredicted(self.predict, own_rows(own))
        self.evidence = observations(own) if evidence is None else evidence
        self._constant = np.array(list(self.fixed.values()))
        self.rows = tuple(self._known if rows is None else rows)
        self.likelihood = Likelihood(self.predictions, self.rows, self.evidence)

    @cached_property
    def _known(self) -> list[str]:
        """All rows that the structure predicts and that count."""
        found = self.predictions(np.zeros((2, len(self.space))))
        return [name for name in found if name not in ALREADY and name in self.evidence]

    @cached_property
    def moved(self) -> NDArray[np.intp]:
        """Coordinates that reach a row."""
        self.predictions(np.zeros((2, len(self.space))))
        read = [i for i, name in enumerate(self.space.names) if name in self.predict.read]
        reached = (self.space.mixing[read] != 0).any(axis=0)
        return np.flatnonzero(reached)

    @property
    def failures(self) -> Counter[str]:
        """Why runs failed, and how often."""
        return self.predict.failures

    def predictions(self, z: FloatArray) -> dict[str, FloatArray]:
        """Of all rows at coordinates (n, parameter)."""
        values = self.space.values(z)
        fixed = np.broadcast_to(self._constant, (len(z), len(self._constant)))
        with np.errstate(all="ignore"):
            given = np.concatenate([values, fixed], axis=1)
            return self.predict(given) | self.own(given)

    def residuals(self, z: FloatArray) -> FloatArray:
        """Distances of all rows (n, row), at coordinates of the whole space."""
        parts = [self.likelihood.residuals(z[i : i + _BATCH]) for i in range(0, len(z), _BATCH)]
        return np.concatenate(parts)

    def whole(self, moved: FloatArray, others: FloatArray | None = None) -> FloatArray:
        """Coordinates of the whole space, the others 0 or as given."""
        z = np.zeros((len(moved), len(self.space))) if others is None else others.copy()
        z[:, self.moved] = moved
        return z

    def residuals_of(
        self, moved: FloatArray, _labels: NDArray[np.intp] | None = None
    ) -> FloatArray:
        """The same at the coordinates that reach rows (n, moved)."""
        return self.residuals(self.whole(moved))
