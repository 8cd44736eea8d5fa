"""Flags of runs where they stop, and the moments at which time alone changes them."""

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.legs import Legs, Rows

_SAME = 2e-15
"""Relative: two moments that are one."""
_MOST_LAYERS = 100


class Moments:
    """Flags in the table of runs. At the moment of a comparison its two sides are equal, so it does
    not hold; one that holds just after becomes true when a run passes the moment."""

    def __init__(self, legs: Legs, jumps: Jumps) -> None:
        self._legs, self._jumps = legs, jumps
        self._first = legs.table.shape[1] - len(jumps.all)
        places = {node: i for i, node in enumerate(jumps.looked_at)}
        timed = [jumps.all[i] for i in jumps.timed]
        self._timed = np.array(jumps.timed, dtype=np.intp)
        self._slopes = [places[jump.slope] for jump in timed if jump.slope is not None]
        self._intercepts = [places[jump.intercept] for jump in timed if jump.intercept is not None]
        self._floors = np.array([jump.node.kind == "floor" for jump in timed], dtype=bool)
        self._rounds = bool(self._floors.any())
        self._nodes = [places[jump.node] for jump in jumps.all]
        size = len(legs.clock)
        self._at = np.full((size, len(timed)), np.nan)
        self._passed = np.full((size, len(timed)), np.nan)
        self.next = np.full((size, len(timed)), np.inf)
        """Run, jump: when it is due."""

    def flags(self, rows: Rows) -> FloatArray:
        """As they are in the table."""
        return self._legs.table[rows, self._first :]

    def refresh(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Set the flags by where runs are; values of all formulas that are looked at, and flags."""
        for _ in range(_MOST_LAYERS):
            looked = self._legs.look(rows)
            flags = looked[:, self._nodes]
            if len(self._timed):
                flags[:, self._timed] = self._by_time(rows, looked)
            same = not self._jumps.layered or bool((flags == self.flags(rows)).all())
            self._legs.table[rows, self._first :] = flags
            if same:
                break
        return looked, flags

    def waiting(self, rows: Rows) -> NDArray[np.bool_]:
        """Which have a moment to pass."""
        here = self.next[rows] <= self._legs.clock[rows, None]
        return np.asarray(np.logical_or.reduce(here, axis=1))

    def pass_(self, rows: Rows) -> None:
        """Pass the moments that runs are at."""
        here = self.next[rows] <= self._legs.clock[rows, None]
        self._passed[rows] = np.where(here, self._at[rows], self._passed[rows])

    def due(self, rows: Rows) -> FloatArray:
        """When time changes the next flag."""
        return np.asarray(np.minimum.reduce(self.next[rows], axis=1, initial=np.inf))

    def _by_time(self, rows: Rows, looked: FloatArray) -> FloatArray:
        """Flags that time decides, and when the next of them is due."""
        now = self._legs.clock[rows, None]
        slope, start = looked[:, self._slopes], looked[:, self._intercepts]
        value = slope * now + start
        level = np.where(self._floors, np.round(value), 0.0) if self._rounds else 0.0
        root = np.where(slope == 0.0, np.inf, (level - start) / slope)
        same = _SAME * now
        near = np.abs(now - root) <= same
        passed = near & (np.abs(root - self._passed[rows]) <= same)
        falls = slope < 0.0
        flags = np.where(near, passed & falls, value < 0.0).astype(float)
        waits = near & falls & ~passed
        due = np.where(near | (root < now), np.inf, root)
        if self._rounds:
            whole = np.where(near, level - (passed & falls), np.floor(value))
            ahead = np.where(slope == 0.0, np.inf, (whole + (slope > 0.0) - start) / slope)
            flags, due = np.where(self._floors, (whole, ahead), (flags, due))
        self._at[rows] = root
        self.next[rows] = np.where(waits, now, due)
        return flags
