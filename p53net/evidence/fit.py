"""All parameters fitted together: least squares from many starts, and every optimum they find.

Starts take the cheaper predictions of blocks that have such; what they find is then fitted to the
whole ones.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.evidence.blocks import Block, Fitted
from p53net.evidence.cells import Predictions
from p53net.evidence.descent import descend
from p53net.evidence.joint import Joint, Problem

STARTS, SEED = 20, 20261125
"""Of a fit, the first at the committed values, and the seed of the others."""

DIGITS = 4
"""Of a fitted value, as it is written."""

LEVEL = 3.841
"""Of chi-squared with one degree of freedom, 95 %."""

WITHIN = 10.0
"""Chi-squared above the least up to which an optimum is told."""

_APART = 0.05  # in a logarithm: starts that end further apart found two optima
_EQUAL = 1e-2  # of chi-squared: optima that differ by less are as good as each other
_ROUGHLY, _EXACTLY = 1e-3, 1e-6  # of chi-squared, to end on
_SHIFTS, _CLOSE = 4, 1e-2  # of cheaper predictions, and of chi-squared between two of them
_TIMES, _LAST = 2, 4  # that slopes of the whole ones are made, and steps by each
_STARTING = 0.65  # of the time
_ROUNDS = 30  # after which a start that still descends is far from what others found
_AGAIN = 2  # points of the sequence for each start: some have no prediction


@dataclass(frozen=True)
class Optimum:
    """Where starts ended."""

    logs: FloatArray
    residuals: FloatArray
    slopes: FloatArray
    """Observation, parameter."""
    found_by: int
    """Starts."""

    @property
    def chi_squared(self) -> float:
        """The sum of squares."""
        return float((self.residuals**2).sum())

    @property
    def covariance(self) -> FloatArray:
        """Of logarithms, as far as they are straight."""
        return np.asarray(np.linalg.pinv(self.slopes.T @ self.slopes))


@dataclass
class Fit:
    """What all starts together gave."""

    joint: Joint
    optima: list[Optimum]
    """The best first, up to `WITHIN` above it."""
    starts: int
    """How many there were."""
    estimates: dict[Fitted, float]
    """Of the best, as they are written."""
    predictions: Predictions
    profiles: dict[Fitted, pd.DataFrame] = field(default_factory=dict)
    """Value of each parameter, fixed, and the least chi-squared then."""

    @property
    def best(self) -> Optimum:
        """The optimum with the least chi-squared."""
        return self.optima[0]

    @property
    def correlation(self) -> FloatArray:
        """Of the logarithms of all estimates; NaN for what nothing depends on."""
        covariance = self.best.covariance
        spread = np.sqrt(np.diag(covariance))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(covariance / np.outer(spread, spread))

    def interval(self, one: Fitted) -> tuple[float, float]:
        """All values that the profile holds within 95 %, from the lowest to the highest; infinite
        or 0 where it does not close."""
        profile = self.profiles[one]
        rise = profile["chi_squared"].to_numpy() - self.best.chi_squared
        logs = np.log(profile["value"].to_numpy())
        below, above = _crossing(logs, rise), _crossing(logs[::-1], rise[::-1])
        return (0.0 if below is None else math.exp(below),
                math.inf if above is None else math.exp(above))  # fmt: skip

    def elsewhere(self, one: Fitted) -> list[float]:
        """Values in other optima that are no worse than the ends of an interval."""
        place = list(self.estimates).index(one)
        return [
            math.exp(other.logs[place])
            for other in self.optima[1:]
            if other.chi_squared < self.best.chi_squared + LEVEL
            and abs(other.logs[place] - self.best.logs[place]) > _APART
        ]

    def identified(self, one: Fitted) -> bool:
        """Whether the profile closes on both sides, and no other optimum has another value."""
        low, high = self.interval(one)
        return low > 0 and math.isfinite(high) and not self.elsewhere(one)


def fit_jointly(
    blocks: Sequence[Block],
    starts: int = STARTS,
    told: Callable[[float], None] | None = None,
) -> Fit:
    """All parameters of some blocks, on all their observations."""
    rough, whole = Joint(blocks, rough=True), Joint(blocks)

    def starting(share: float) -> None:
        if told is not None:
            told(_STARTING * share)

    begin = starts_of(rough, starts)
    found = descend(rough.problem, begin, enough=_ROUGHLY, rounds=_ROUNDS, told=starting)
    groups = grouped(found.logs, found.chi_squared)
    ends = []
    for number, rows in enumerate(groups):
        ends.append(_exactly(rough.problem, whole.problem, found.logs[rows[0]],
                             found.slopes[rows[0]], len(rows)))  # fmt: skip
        if told is not None:
            told(_STARTING + (1.0 - _STARTING) * (number + 1) / len(groups))
    same = grouped(np.array([one.logs for one in ends]), np.array([e.chi_squared for e in ends]))
    optima = [replace(ends[i[0]], found_by=sum(ends[k].found_by for k in i)) for i in same]
    estimates = {one: rounded(math.exp(x))
                 for one, x in zip(whole.parameters, optima[0].logs, strict=True)}  # fmt: skip
    predictions = whole.predictions(np.log([list(estimates.values())]))[0]
    return Fit(whole, optima, len(begin), estimates, predictions)


def _exactly(
    rough: Problem, whole: Problem, begin: FloatArray, slopes: FloatArray, found_by: int
) -> Optimum:
    """The optimum of the whole predictions near one of the cheaper ones: these are first shifted to
    the whole ones until they end where they begin; the last steps are of the whole ones alone."""
    logs, values, slopes = begin[None], whole.residuals(begin[None]), slopes[None]
    for _ in range(_SHIFTS):
        found = descend(rough.corrected(logs[0], values[0]), logs, slopes=slopes, renew=False,
                        enough=_ROUGHLY, rounds=_ROUNDS)  # fmt: skip
        before, logs, slopes = (values**2).sum(), found.logs, found.slopes
        values = whole.residuals(logs)
        if abs((values**2).sum() - before) < _CLOSE:
            break
    for _ in range(_TIMES):
        found = descend(whole, logs, slopes=whole.slopes(logs, values), renew=False,
                        enough=_EXACTLY, rounds=_LAST)  # fmt: skip
        logs, values = found.logs, found.residuals
    return Optimum(found.logs[0], found.residuals[0], found.slopes[0], found_by)


def starts_of(joint: Joint, number: int) -> FloatArray:
    """The committed values, and a scrambled sequence of Sobol's within the bounds, of which points
    without a prediction are left out."""
    from scipy.stats import qmc

    problem = joint.problem
    committed = np.log([[one.value.value for one in joint.parameters]])
    if number == 1:
        return committed
    drawn = qmc.Sobol(len(joint.parameters), seed=SEED).random_base2(
        math.ceil(math.log2(_AGAIN * number))
    )
    points = problem.low + (problem.high - problem.low) * drawn
    sound = np.isfinite(problem.residuals(points)).all(axis=1)
    return np.concatenate([committed, points[sound]])[:number]


def grouped(logs: FloatArray, chi_squared: FloatArray) -> list[list[int]]:
    """Rows that are one optimum, the best first in each and of all, of equally good ones that with
    the earliest row; without what is `WITHIN` no more."""
    groups: list[list[int]] = []
    for row in np.argsort(chi_squared, kind="stable").tolist():
        if not chi_squared[row] < chi_squared.min() + WITHIN:
            break
        near = [g for g in groups if np.abs(logs[row] - logs[g[0]]).max() < _APART]
        if near:
            near[0].append(row)
        else:
            groups.append([row])
    above = chi_squared - chi_squared.min()
    return sorted(groups, key=lambda g: (above[g[0]] if above[g[0]] > _EQUAL else 0.0, min(g)))


def rounded(value: float) -> float:
    """As fitted values are written."""
    return float(f"{value:.{DIGITS}g}")


def _crossing(x: FloatArray, rise: FloatArray) -> float | None:
    """Where `rise` first falls below the level, from outside; None if it begins below.

    Between two points its root is taken as straight, as it is near a minimum.
    """
    i = int((rise <= LEVEL).argmax())
    if i == 0:
        return None
    (x0, x1), (y0, y1) = x[i - 1 : i + 1], np.sqrt(np.maximum(rise[i - 1 : i + 1], 0.0))
    return float(x0 + (math.sqrt(LEVEL) - y0) * (x1 - x0) / (y1 - y0))
