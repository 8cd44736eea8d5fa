"""What a measurement would teach of an answer, by regression of the one on the other over draws.

Data are simulated: what each draw would read, with noise. What is left of an answer's spread once
the datum is known is the spread among neighbours, draws with like data, less the line through them:
so a relation may bend, and a spread may change along it. Neighbours of several numbers are near in
what a quadratic law, fitted to other draws, predicts of the answer. A straight line through all
draws is the check: where it promises as much, the relation is plain. The other way, weighting the
draws by the likelihood of synthetic data, is `nested`.
"""

from collections.abc import Callable, Sequence
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

_PASSES, _SHUFFLES = 4, 4  # of simulated noise, and orders for each, which are averaged
_GROUPS = 20  # of draws, of a jackknife
_WINDOWS, _LEAST = 48, 30  # of neighbours, and draws of each
_FOLDS = 5  # of draws, so that a quadratic law is fitted to other draws than it predicts
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
    by_line: float = np.nan
    """The same shrinkage as a straight line through all draws promises it."""


def scaled(answer: FloatArray) -> FloatArray:
    """An answer as intervals are compared: its logarithm where all of it is above 0."""
    return np.asarray(np.log(answer)) if has_logarithms(answer) else answer


def has_logarithms(answer: FloatArray) -> bool:
    """Whether all of an answer that is defined is above 0."""
    defined = answer[np.isfinite(answer)]
    return len(defined) > 0 and bool((defined > 0.0).all())


def noisy(
    read: FloatArray, error: float, relative: bool, random: np.random.Generator
) -> FloatArray:
    """Simulated data (draw, number): logarithms where the error is relative."""
    seen: FloatArray = np.log(read) if relative else read
    return np.asarray(seen + error * random.standard_normal(read.shape))


def of_interval(
    answer: FloatArray, read: FloatArray, error: float, relative: bool, seed: int
) -> Promise:
    """Of an answer (draw) that is defined, and what is read (draw, number), NaN where a draw's
    structure predicts nothing. Nothing of the answer is promised where those are the truth, and
    they stay as they are beside the others."""
    value, there = scaled(answer), np.isfinite(read).all(axis=1)
    share = float(there.mean())
    if there.sum() < FEWEST:
        return Promise(np.nan, np.nan, np.nan)
    known, others = value[there], value[~there]

    def estimate(
        rows: NDArray[np.intp], data: Sequence[FloatArray], keys: FloatArray
    ) -> FloatArray:
        value, width = known[rows], _width(known[rows])
        if not width > 0.0:
            return np.zeros(3)
        beside = _beside(others, share, len(rows))
        # so few draws show less than the whole width: in any order of draws too
        any_ = np.mean([_shown(value, key[rows], beside) for key in keys], axis=0)
        near = np.mean([_shown(value, _along(value, one[rows]), beside) for one in data], axis=0)
        line = float(np.mean([_by_line(value, one[rows]) for one in data]))
        return np.array([*(1.0 - near / any_), 1.0 - line / width])

    found, errors = _jackknifed(estimate, read[there], error, relative, seed)
    line = float(found[2]) if share == 1.0 else np.nan
    return Promise(share * float(found[0]), share * float(errors[0]), share * float(found[1]), line)


def of_claim(
    holds: FloatArray, read: FloatArray, error: float, relative: bool, seed: int
) -> Promise:
    """The same of a claim, 1 or 0 in each draw: the chance that its probability goes beyond
    `SETTLED`."""
    there = np.isfinite(read).all(axis=1)
    share, before = float(there.mean()), float(holds.mean())
    if there.sum() < FEWEST:
        return Promise(np.nan, np.nan, np.nan)
    known, others = holds[there], float(holds[~there].sum()) / len(holds)
    spread, whole = before * (1.0 - before), float(is_settled(np.array([before]))[0])

    def estimate(
        rows: NDArray[np.intp], data: Sequence[FloatArray], _keys: FloatArray
    ) -> FloatArray:
        each = [share * _logistic(known[rows], one[rows]) + others for one in data]
        chances = np.concatenate(each)
        left = float((chances * (1.0 - chances)).mean()) / spread if spread else 1.0
        return np.array([float(is_settled(chances).mean()), 1.0 - left])

    found, errors = _jackknifed(estimate, read[there], error, relative, seed)
    settled = share * float(found[0]) + (1.0 - share) * whole
    return Promise(settled, share * float(errors[0]), share * float(found[1]))


def is_settled(chances: FloatArray) -> NDArray[np.bool_]:
    """Which probabilities settle a claim."""
    return np.asarray(np.maximum(chances, 1.0 - chances) > SETTLED)


def _jackknifed(
    estimate: Callable[[NDArray[np.intp], Sequence[FloatArray], FloatArray], FloatArray],
    read: FloatArray,
    error: float,
    relative: bool,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Estimates, from several passes of noise and orders of draws, and their errors by leaving out
    groups of draws."""
    random = np.random.default_rng(seed)
    groups = random.permutation(len(read)) % _GROUPS
    data = [noisy(read, error, relative, random) for _ in range(_PASSES)]
    keys = random.random((_SHUFFLES, len(read)))
    every = np.arange(len(read))

    without = np.array([estimate(every[groups != group], data, keys) for group in range(_GROUPS)])
    return estimate(every, data, keys), np.sqrt((_GROUPS - 1) * without.var(axis=0))


def _by_line(value: FloatArray, data: FloatArray) -> float:
    """Width of what a straight line leaves."""
    design = np.column_stack([np.ones(len(data)), data])
    left = value - design @ np.linalg.lstsq(design, value, rcond=None)[0]
    return _width(left) * float(np.sqrt(len(value) / (len(value) - design.shape[1])))


def _along(value: FloatArray, data: FloatArray) -> FloatArray:
    """Along what draws are neighbours."""
    return data[:, 0] if data.shape[1] == 1 else _quadratic(value, data)


def _shown(value: FloatArray, along: FloatArray, beside: FloatArray) -> FloatArray:
    """Mean width and variance in windows of neighbours, less the line in each. `beside` are draws
    that every window has."""
    order = np.argsort(along)
    size = _size(len(value))
    first = np.linspace(0, len(value) - size, _WINDOWS).round().astype(int)
    places = order[first[:, None] + np.arange(size)]
    left = _left(along[places], value[places])
    left = np.hstack([left, np.broadcast_to(beside, (_WINDOWS, len(beside)))])
    widths = np.ptp(np.quantile(left, [LOW, HIGH], axis=1), axis=0)
    return np.array([widths.mean(), left.var(axis=1).mean()])


def _size(draws: int) -> int:
    """Draws of a window of neighbours."""
    return max(_LEAST, draws // 12)


def _beside(others: FloatArray, share: float, draws: int) -> FloatArray:
    """Draws without a prediction, as many as belong beside a window of those with one."""
    number = round(_size(draws) * (1.0 - share) / share)
    return np.quantile(others, (np.arange(number) + 0.5) / number) if number else np.empty(0)


def _left(index: FloatArray, value: FloatArray) -> FloatArray:
    """Values less the slope of a line in each window (window, draw)."""
    along = index - index.mean(axis=1, keepdims=True)
    up = value - value.mean(axis=1, keepdims=True)
    spread = (along**2).sum(axis=1, keepdims=True)
    slope = (along * up).sum(axis=1, keepdims=True) / np.where(spread > 0.0, spread, 1.0)
    return np.asarray(value - slope * along)


def _quadratic(value: FloatArray, data: FloatArray) -> FloatArray:
    """What a quadratic law of several numbers predicts of each draw, fitted to other draws."""
    spread = data.std(axis=0)
    z = (data - data.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    one, other = np.triu_indices(z.shape[1])
    design = np.column_stack([np.ones(len(z)), z, z[:, one] * z[:, other]])
    fold, found = np.arange(len(z)) % _FOLDS, np.empty(len(z))
    for number in range(_FOLDS):
        here = fold == number
        slopes = np.linalg.lstsq(design[~here], value[~here], rcond=None)[0]
        found[here] = design[here] @ slopes
    return found


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
