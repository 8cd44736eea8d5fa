"""Active p53 at rest under doses that are looked for: each cell from where it last rested."""

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import P53NetError
from p53net.measures.candidate import Candidate
from p53net.measures.searching import Found, Places

_SAME = 1e-6  # of a fold: what it may differ by from that of a cell that was followed to its rest


class FoldsAtRest:
    """Active p53 at rest in multiples of untreated, in cells that are asked again and again.

    A cell is followed to its rest once. From there it is a few Newton steps to its rest under
    another dose; where these lead nowhere, it is followed again. Where a cell has several states
    at rest, they may lead to another than it comes to from its untreated state: `holds` tells.
    """

    def __init__(self, one: Candidate, feedback: NDArray[np.bool_]) -> None:
        """Cells of a candidate, and whether the loop of each is closed."""
        self._one, self._feedback = one, feedback
        self._states = np.full_like(one.start.states, np.nan)
        # A solver of one cell at a time finds its rest by following anyway.
        self._jumps = one.runner.helper is not None

    def __call__(self, rows: Places, doses: FloatArray) -> Found:
        """What some cells give, any of them more than once, under a dose [nM] for each."""
        values, errors = np.full(len(rows), np.nan), dict[int, P53NetError]()
        known = self._jumps & np.isfinite(self._states[rows]).all(axis=1)
        for near in (True, False):
            some = np.flatnonzero(known & np.isnan(values) if near else np.isnan(values))
            if not len(some):
                continue
            at = rows[some]
            cells, loops = self._one.of(at), self._feedback[at]
            active, states = cells.resting(
                doses[some], "p53_active", loops, near=self._states[at] if near else None
            )
            found = cells.in_folds(active)
            values[some] = found.values
            there = np.flatnonzero(~np.isin(np.arange(len(some)), list(found.errors)))
            self._states[at[there]] = states[there]
            if not near:
                errors = {int(some[i]): error for i, error in found.errors.items()}
        return Found(values, errors)

    def followed(self, rows: Places, doses: FloatArray) -> Found:
        """The same, each followed from its untreated state."""
        return self._one.of(rows).resting_fold(doses, self._feedback[rows])

    def holds(self, doses: FloatArray, folds: FloatArray) -> NDArray[np.bool_]:
        """Whether each cell comes to its fold too when it is followed; not where there is no
        dose."""
        if not self._jumps:
            return np.ones(len(doses), dtype=bool)
        rows = np.flatnonzero(np.isfinite(doses))
        found = np.zeros(len(doses), dtype=bool)
        apart = np.abs(self.followed(rows, doses[rows]).values - folds[rows])
        found[rows] = apart <= _SAME * folds[rows]
        return found
