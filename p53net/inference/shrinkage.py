"""What a measurement would teach of an answer, by regression of the one on the other over draws.

Data are simulated: what each draw would read, with noise. What is left of an answer's spread once
the datum is known is the spread of its residuals, by a straight line through all draws, or by lines
through neighbours, which see a relation that bends and a spread that changes. The other way,
weighting the draws by the likelihood of synthetic data, is `nested`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray

LOW, HIGH = 0.025, 0.975
"""Ends of the interval that is to shrink."""

SETTLED = 0.95
"""A claim is settled where its probability is above this, or below one less this."""

FEWEST = 60
"""Draws that a regression needs."""

_PASSES = 4  # of simulated noise, which are averaged
_GROUPS = 20  # of draws, of a jackknife
_WINDOWS, _LEAST = 48, 30  # of neighbours, and draws of each
_MARGIN = 0.95  # of the line's variance: neighbours must leave less to be worth their noise
_RIDGE = 1e-2  # of a logistic regression: so little that it only keeps slopes finite
_NEWTON = 25


class Promise(NamedTuple):
    """What a measurement promises of one answer."""

    shrinkage: float
    """Of the 95 % interval, 0 to 1; of a claim the chance that it is settled."""
    error: float
    """Standard error by a jackknife over draws."""
    variance: float
    """Share of the answer's variance that goes; of a claim of p (1 - p)."""
    method: str


def scaled(answer: FloatArray) -> FloatArray:
    """An answer as intervals are compared: its logarithm where all of it is above 0."""
    defined = answer[np.isfinite(answer)]
    with np.errstate(invalid="ignore", divide="ignore"):
        positive = len(defined) > 0 and bool((defined > 0.0).all())
        return np.asarray(np.log(answer)) if positive else answer


def noisy(
    read: FloatArray, error: float, relative: bool, random: np.random.Generator
) -> FloatArray:
    """Simulated data (draw, number): logarithms where the error is relative."""
    seen: FloatArray = np.log(read) if relative else read
    return np.asarray(seen + error * random.standard_normal(read.shape))


def of_interval(
    answer: FloatArray, read: FloatArray, error: float, relative: bool, seed: int
) -> Promise:
    """Of an answer (draw) and what is read (draw, number), both defined."""
    value = scaled(answer)

    def estimate(rows: NDArray[np.intp], data: FloatArray) -> FloatArray:
        width, spread = _width(value[rows]), float(value[rows].var())
        if not width > 0.0:
            return np.zeros(4)
        line = _by_line(value[rows], data[rows])
        near = _by_neighbours(value[rows], data[rows])
        ends = [1.0 - line[0] / width, 1.0 - line[1] / spread]
        return np.array([*ends, *(1.0 - part for part in near)])

    found, errors = _jackknifed(estimate, read, error, relative, seed)
    bends = 1.0 - found[3] < _MARGIN * (1.0 - found[1])
    at = 2 if bends else 0
    return Promise(found[at], errors[at], found[at + 1], "neighbours" if bends else "line")


def of_claim(
    holds: FloatArray, read: FloatArray, error: float, relative: bool, seed: int
) -> Promise:
    """Of a claim, 1 or 0 in each draw: the chance that its probability goes beyond `SETTLED`."""

    def estimate(rows: NDArray[np.intp], data: FloatArray) -> FloatArray:
        chances = _logistic(holds[rows], data[rows])
        before = float(holds[rows].mean())
        spread = before * (1.0 - before)
        left = float((chances * (1.0 - chances)).mean()) / spread if spread else 1.0
        return np.array([float(is_settled(chances).mean()), 1.0 - left])

    found, errors = _jackknifed(estimate, read, error, relative, seed)
    return Promise(found[0], errors[0], found[1], "logistic")


def is_settled(chances: FloatArray) -> NDArray[np.bool_]:
    """Which probabilities settle a claim."""
    return np.asarray(np.maximum(chances, 1.0 - chances) > SETTLED)


def _jackknifed(
    estimate: Callable[[NDArray[np.intp], FloatArray], FloatArray],
    read: FloatArray,
    error: float,
    relative: bool,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Estimates, means over passes of noise, and their errors by leaving out groups of draws."""
    random = np.random.default_rng(seed)
    groups = random.permutation(len(read)) % _GROUPS
    data = [noisy(read, error, relative, random) for _ in range(_PASSES)]
    every = np.arange(len(read))

    def mean(rows: NDArray[np.intp]) -> FloatArray:
        return np.asarray(np.mean([estimate(rows, one) for one in data], axis=0))

    without = np.array([mean(every[groups != group]) for group in range(_GROUPS)])
    return mean(every), np.sqrt((_GROUPS - 1) * without.var(axis=0))


def _by_line(value: FloatArray, data: FloatArray) -> tuple[float, float]:
    """Width and variance of what a straight line leaves."""
    left = value - _fitted(value, data)
    freedom = len(value) / (len(value) - data.shape[1] - 1)
    return _width(left) * float(np.sqrt(freedom)), float(left.var()) * freedom


def _by_neighbours(value: FloatArray, data: FloatArray) -> tuple[float, float]:
    """Width and variance that neighbours leave, over the same of draws in any order: what so few
    draws show of a width is then no matter. Neighbours are near in what the line predicts."""
    order = np.argsort(_fitted(value, data) if data.shape[1] > 1 else data[:, 0])
    index = np.sort(_fitted(value, data) if data.shape[1] > 1 else data[:, 0])
    size = max(_LEAST, len(value) // 12)
    first = np.linspace(0, len(value) - size, _WINDOWS).round().astype(int)
    places = first[:, None] + np.arange(size)
    shuffled = np.random.default_rng(len(value)).permutation(len(value))
    near = _left(index[places], value[order][places])
    any_ = _left(index[places], value[shuffled][places])
    widths = [float(np.ptp(np.quantile(one, [LOW, HIGH], axis=1), axis=0).mean())
              for one in (near, any_)]  # fmt: skip
    return widths[0] / widths[1], float(near.var(axis=1).mean() / any_.var(axis=1).mean())


def _left(index: FloatArray, value: FloatArray) -> FloatArray:
    """Residuals of a line in each window (window, draw)."""
    along = index - index.mean(axis=1, keepdims=True)
    up = value - value.mean(axis=1, keepdims=True)
    spread = (along**2).sum(axis=1, keepdims=True)
    slope = (along * up).sum(axis=1, keepdims=True) / np.where(spread > 0.0, spread, 1.0)
    return np.asarray(up - slope * along)


def _fitted(value: FloatArray, data: FloatArray) -> FloatArray:
    design = np.column_stack([np.ones(len(data)), data])
    return np.asarray(design @ np.linalg.lstsq(design, value, rcond=None)[0])


def _width(value: FloatArray) -> float:
    low, high = np.quantile(value, [LOW, HIGH])
    return float(high - low)


def _logistic(holds: FloatArray, data: FloatArray) -> FloatArray:
    """Chance that a claim holds given the data: logistic in each number and its square."""
    from scipy.special import expit

    spread = data.std(axis=0)
    z = (data - data.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    design = np.column_stack([np.ones(len(z)), z, z**2 - 1.0])
    penalty = np.diag([0.0, *([_RIDGE] * (design.shape[1] - 1))])
    slopes = np.zeros(design.shape[1])
    start = (holds.sum() + 0.5) / (len(holds) + 1.0)
    slopes[0] = np.log(start / (1.0 - start))
    for _ in range(_NEWTON):
        chance = expit(design @ slopes)
        weight = np.maximum(chance * (1.0 - chance), 1e-9)
        push = design.T @ (holds - chance) - penalty @ slopes
        step = np.linalg.solve(design.T @ (design * weight[:, None]) + penalty
                               + 1e-9 * np.eye(len(slopes)), push)  # fmt: skip
        slopes += np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(expit(design @ slopes))
