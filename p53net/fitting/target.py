"""How likely data are, for many sets of unknowns at once: residuals of the package's likelihood.

Minus twice the logarithm of the likelihood is the sum of squares of all residuals and a constant. A
width that is estimated has a residual of its own, which is what it costs to be wide.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from p53net.engines.base import FloatArray, Tolerances
from p53net.fitting.assays import LOG_NORMAL
from p53net.fitting.noise import NOISE, OFFSET, SCALE, Noise, widths_of
from p53net.fitting.optimum import LEVEL
from p53net.fitting.points import Point
from p53net.fitting.scenes import EXACT, QUICK, Scenes
from p53net.fitting.unknowns import Unknowns
from p53net.inference.likelihood import away, beyond

STEP = 1e-3
"""Of a scaled unknown, for slopes by differences."""

_FLOOR = 1e-30  # below which a prediction has no logarithm
_MISS = 30.0  # residual of each row where a run failed, for draws
_MARGIN = 1.0  # of a logarithm, so that the residual of a width has a slope everywhere
_LOG_ROOT = 0.5 * math.log(2.0 * math.pi)


class Target:
    """Data with what is estimated of them. `rows` are residuals: first of the points, then of
    widths that are estimated."""

    def __init__(
        self,
        points: Sequence[Point],
        scenes: Scenes,
        unknowns: Unknowns,
        noise: Mapping[str, Noise],
    ) -> None:
        self.points, self.scenes, self.unknowns, self.noise = tuple(points), scenes, unknowns, noise
        size = len(unknowns.parameters)
        self._scales, self._offsets = (
            [(size + i, np.array(one.rows)) for i, one in enumerate(unknowns.nuisances)
             if one.kind == kind] for kind in (SCALE, OFFSET)
        )  # fmt: skip
        self._estimated = {unknowns.nuisances[i].name: size + i
                           for i in range(len(unknowns.nuisances))
                           if unknowns.nuisances[i].kind == NOISE}  # fmt: skip
        self._given = {assay: widths_of(self.points, one) for assay, one in noise.items()}
        self._below = np.array([point.below for point in self.points])
        self._values = np.array([point.value for point in self.points])

    def __len__(self) -> int:
        return len(self.points) + len(self._estimated)

    @property
    def highest(self) -> float:
        """Logarithm of the likelihood where all residuals are 0."""
        total = 0.0
        for assay, one in self.noise.items():
            rows = np.array([i for i in one.rows if not self._below[i]], dtype=int)
            if one.kind == LOG_NORMAL:
                total -= float(np.log(self._values[rows]).sum())
            widths = self._given[assay]
            if one.estimated:
                low = self.unknowns.ends[0, self._estimated[f"{NOISE} of {assay}"]]
                total -= len(rows) * (math.log(low) - _MARGIN)
            elif one.width is not None:
                total -= len(rows) * math.log(one.width)
            elif widths is not None:
                keep = ~self._below[np.array(one.rows)]
                total -= float(np.log(widths[keep]).sum())
            total -= len(rows) * _LOG_ROOT
        return total

    @property
    def level(self) -> float:
        """Rise of minus twice the logarithm of the likelihood at the ends of a 95 % interval: that
        of chi-squared, and of Student's t where few rows say how wide noise is, as it is exact in
        a straight model with one width."""
        counted = [i for one in self.noise.values() if one.estimated for i in one.rows
                   if not self._below[i]]  # fmt: skip
        if not counted:
            return LEVEL
        from scipy.special import stdtrit

        free = len(self.unknowns) - len(self._estimated)
        freedom = max(len(counted) - free, 1)
        reach = float(stdtrit(freedom, 0.975))
        return max(len(counted) * math.log1p(reach**2 / freedom), LEVEL)

    def predicted(self, x: FloatArray, tolerances: Tolerances = EXACT) -> FloatArray:
        """(set, point) in the units of the data, with scales and offsets."""
        values = self.unknowns.values(x)
        found = self.scenes.predict(values[:, : len(self.unknowns.parameters)], tolerances)
        return self.seen(found, values)

    def seen(self, predicted: FloatArray, values: FloatArray) -> FloatArray:
        """What the models say with scales and offsets of these unknowns."""
        found = predicted.copy()
        for column, rows in self._scales:
            found[:, rows] *= values[:, [column]]
        for column, rows in self._offsets:
            found[:, rows] += values[:, [column]]
        return found

    def like(
        self, points: Sequence[Point], of: int, x: FloatArray, tolerances: Tolerances = QUICK
    ) -> FloatArray:
        """What is predicted (set, point) of points that are not data, with the scale and offset of
        the point at `of`; for curves of figures."""
        values = self.unknowns.values(x)
        scenes = self.scenes.of(points)
        found = scenes.predict(values[:, : len(self.unknowns.parameters)], tolerances)
        for column, rows in self._scales:
            found = found * values[:, [column]] if of in rows else found
        for column, rows in self._offsets:
            found = found + values[:, [column]] if of in rows else found
        return found

    def widths(self, values: FloatArray) -> FloatArray:
        """Standard deviations (set, point): of logarithms where those are compared."""
        found = np.empty((len(values), len(self.points)))
        for assay, one in self.noise.items():
            rows, given = np.array(one.rows), self._given[assay]
            if one.estimated:
                found[:, rows] = values[:, [self._estimated[f"{NOISE} of {assay}"]]]
            else:
                found[:, rows] = one.width if given is None else given
        return found

    def rows(self, x: FloatArray, tolerances: Tolerances = EXACT) -> FloatArray:
        """Residuals (set, row) of scaled unknowns (set, unknown); NaN where a run failed."""
        values = self.unknowns.values(x)
        predicted, widths = self.predicted(x, tolerances), self.widths(values)
        found = np.empty((len(x), len(self)))
        for one in self.noise.values():
            rows = np.array(one.rows)
            logarithm = one.kind == LOG_NORMAL
            own, data = predicted[:, rows], self._values[rows]
            lost = ~np.isfinite(own)
            own = np.where(lost, 1.0, np.maximum(own, _FLOOR) if logarithm else own)
            middle = np.log(data) if logarithm else data
            residuals = away(own, middle, widths[:, rows], logarithm=logarithm)
            below = self._below[rows]
            residuals[:, below] = beyond(-residuals[:, below])
            found[:, rows] = np.where(lost, np.nan, residuals)
        for number, (name, column) in enumerate(self._estimated.items()):
            assay = name.removeprefix(f"{NOISE} of ")
            counted = sum(not self._below[i] for i in self.noise[assay].rows)
            low = self.unknowns.ends[0, column]
            wide = np.log(np.maximum(values[:, column] / low, 1.0)) + _MARGIN
            found[:, len(self.points) + number] = np.sqrt(2.0 * counted * wide)
        return found

    def slopes(self, x: FloatArray, residuals: FloatArray) -> FloatArray:
        """Of one set: (row, unknown), by differences that run together."""
        steps = np.where(x + STEP > self.unknowns.high, -STEP, STEP)
        both = np.concatenate([x + np.diag(steps), x - np.diag(steps)])
        both = np.clip(both, self.unknowns.low, self.unknowns.high)
        there = self.rows(both)
        up, down = there[: len(x)], there[len(x) :]
        apart = np.diag(both[: len(x)]) - np.diag(both[len(x) :])
        found = (up - down) / apart[:, None]
        one_sided = (up - residuals) / (np.diag(both[: len(x)]) - x)[:, None]
        found = np.where(np.isfinite(found), found, one_sided)
        return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0).T

    def of_draws(self, z: FloatArray, _labels: object = None) -> FloatArray:
        """Residuals (set, row) of standard normal coordinates, by quick runs."""
        found = self.rows(self.unknowns.drawn(z), QUICK)
        return np.where(np.isfinite(found), found, _MISS)
