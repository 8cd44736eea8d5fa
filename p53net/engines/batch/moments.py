"""Flags of runs where they stop, and the moments at which time alone changes them."""

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.legs import Legs, Rows

_SAME = 8.0
"""Spacings of doubles within which two moments are one."""
_MOST_LAYERS = 100


class Moments:
    """Flags in the table of runs. At the moment of a comparison its two sides are equal; only once
    a run has passed it does its flag change, as it would just after."""

    def __init__(self, legs: Legs, jumps: Jumps) -> None:
        self._legs, self._jumps = legs, jumps
        self._first = legs.table.shape[1] - len(jumps.all)
        places = {node: i for i, node in enumerate(jumps.looked_at)}
        timed = [jumps.all[i] for i in jumps.timed]
        self._timed = np.array(jumps.timed, dtype=np.intp)
        self._slopes = [places[jump.slope] for jump in timed if jump.slope is not None]
        self._intercepts = [places[jump.intercept] for jump in timed if jump.intercept is not None]
        self._floors = np.array([jump.node.kind == "floor" for jump in timed], dtype=bool)
        self._nodes = [places[jump.node] for jump in jumps.all]
        size = len(legs.clock)
        self._at = np.full((size, len(timed)), np.nan)
        self._passed = np.full((size, len(timed)), np.nan)
        self.next = np.full((size, len(timed)), np.inf)
        """Run, jump: when it is due."""

    def flags(self, rows: Rows) -> FloatArray:
        """As they are in the table."""
        return self._legs.table[rows, self._first :]

    def set(self, rows: Rows, flags: FloatArray) -> None:
        """Put them there."""
        self._legs.table[rows, self._first :] = flags

    def refresh(self, rows: Rows) -> FloatArray:
        """Set the flags by where runs are; the values of all formulas that are looked at."""
        for _ in range(_MOST_LAYERS):
            looked = self._legs.look(rows)
            flags = looked[:, self._nodes]
            if len(self._timed):
                flags[:, self._timed] = self._by_time(rows, looked)
            changed = (flags != self.flags(rows)).any()
            self.set(rows, flags)
            if not (changed and self._jumps.layered):
                break
        return looked

    def pass_(self, rows: Rows) -> NDArray[np.bool_]:
        """Pass the moments that runs are at; which runs there are that do."""
        if not len(self._timed):
            return np.zeros(len(rows), dtype=bool)
        here = self.next[rows] <= self._legs.clock[rows, None]
        self._passed[rows] = np.where(here, self._at[rows], self._passed[rows])
        return np.asarray(here.any(axis=1))

    def due(self, rows: Rows) -> FloatArray:
        """When time changes the next flag."""
        return np.asarray(self.next[rows].min(axis=1, initial=np.inf))

    def _by_time(self, rows: Rows, looked: FloatArray) -> FloatArray:
        """Flags that time decides."""
        now = self._legs.clock[rows, None]
        slope, start = looked[:, self._slopes], looked[:, self._intercepts]
        with np.errstate(all="ignore"):
            value = slope * now + start
            level = np.where(self._floors, np.round(value), 0.0)
            root = np.where(slope == 0.0, np.inf, (level - start) / slope)
            near = np.abs(now - root) <= _SAME * np.spacing(np.maximum(np.abs(now), np.abs(root)))
            passed = near & (np.abs(root - self._passed[rows]) <= _SAME * np.spacing(np.abs(root)))
            below = np.where(near, passed & (slope < 0.0), value < 0.0)
            whole = np.where(near, np.where(passed & (slope < 0.0), level - 1.0, level),
                             np.floor(value))  # fmt: skip
            ahead = whole + (slope > 0.0)
            following = np.where(slope == 0.0, np.inf, (ahead - start) / slope)
        waits = near & ~passed & ~(self._floors & (slope > 0.0))
        later = np.where(self._floors, following, np.where(near | (root <= now), np.inf, root))
        self._at[rows] = root
        self.next[rows] = np.where(waits, now, later)
        return np.where(self._floors, whole, below.astype(float))
