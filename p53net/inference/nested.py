"""A promise checked: synthetic data of an experiment, and what each would leave of an answer.

A draw is taken for the truth, its datum is read with noise, and the other draws are weighted by the
likelihood of that datum. Where hardly a draw has weight, or the largest weights are a heavy tail,
the draws are too few for it: then `refit`, a sampler, may draw anew.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.inference.experiments import Experiment
from p53net.inference.pareto import POOR, tail_shape
from p53net.inference.shrinkage import HIGH, LOW, has_logarithms, is_settled, noisy, scaled

Refit: TypeAlias = Callable[[Experiment, FloatArray, int], Ensemble]
"""Draws anew, of all evidence and one more datum: its numbers, logarithms where the experiment's
error is relative. The last argument is the place of the draw that the datum was simulated from,
which is not to be known."""

Anew: TypeAlias = Callable[[FloatArray, int], FloatArray]
"""An answer in draws that were drawn anew with a datum, and without the draw at that place."""

ENOUGH = 30.0
"""Effective draws below which weights tell too little of an interval."""

_SHUFFLES, _AGAIN = 16, 200


class Confirmed(NamedTuple):
    """What synthetic data left of an answer."""

    shrinkage: float
    """Over all data; of a claim the share of data that settle it."""
    error: float
    """Its standard error."""
    effective: float
    """Effective draws, the median over data that were weighted."""
    poor: int
    """Data that weights do not suffice for and that were not drawn anew."""
    refits: int = 0
    """Data that were drawn anew."""


def confirmed(
    answer: FloatArray,
    read: FloatArray,
    error: float,
    relative: bool,
    *,
    claim: bool,
    data: int,
    seed: int,
    anew: Anew | None = None,
) -> Confirmed:
    """Of an answer that is defined, and what is read (draw, number), NaN where a draw has none."""
    random = np.random.default_rng(seed)
    truths = random.choice(len(answer), data, replace=data > len(answer))
    seen = noisy(read, error, relative, random)
    value = answer if claim else scaled(answer)
    settled, left, before, effective, poor, refits = [], [], [], [], 0, 0
    for truth in truths:
        others = np.delete(np.arange(len(value)), truth)  # the truth is not among what is known
        weights, after = weights_of(seen[truth], read[others], error, relative), value[others]
        few, again = not _suffice(weights), False
        if few and anew is not None:
            after = _as_before(anew(seen[truth], int(truth)), not claim and has_logarithms(answer))
            weights, again = np.ones(len(after)), True
        else:
            effective.append(_effective(weights))
        poor, refits = poor + (few and not again), refits + again
        if claim:
            settled.append(bool(is_settled(np.array([np.average(after, weights=weights)]))[0]))
            continue
        left.append(_interval(after, weights))
        before.append(_whole(value) if again else _any(after, weights, random))
    middle = float(np.median(effective)) if effective else np.nan
    if claim:
        return Confirmed(*_share(settled), middle, poor, refits)
    shrunk, apart = _shrunk(np.array(left), np.array(before))
    common = (1.0 - shrunk) * refits / data * _whole_error(value, random) if refits else 0.0
    return Confirmed(shrunk, float(np.hypot(apart, common)), middle, poor, refits)


def _suffice(weights: FloatArray) -> bool:
    """Whether weighted draws tell an interval."""
    return _effective(weights) >= ENOUGH and tail_shape(weights) <= POOR


def _effective(weights: FloatArray) -> float:
    """How many draws of even weight they are worth."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _as_before(answer: FloatArray, logarithm: bool) -> FloatArray:
    """An answer that was drawn anew, on the scale of that before, without what is not there."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.log(answer) if logarithm else answer
    return np.asarray(found[np.isfinite(found)])


def _share(settled: Sequence[bool]) -> tuple[float, float]:
    """The share of data that settle a claim; half a datum on each side makes its error never 0."""
    share = (sum(settled) + 0.5) / (len(settled) + 1.0)
    return float(np.mean(settled)), float(np.sqrt(share * (1.0 - share) / (len(settled) + 1.0)))


def _shrunk(left: FloatArray, before: FloatArray) -> tuple[float, float]:
    """By which share intervals shrink, a quotient of means over data, and its standard error."""
    if not before.sum() > 0.0:
        return 0.0, 0.0
    quotient = float(left.sum() / before.sum())
    apart = (left - quotient * before) / before.mean()
    return 1.0 - quotient, float(np.std(apart, ddof=1) / np.sqrt(len(left)))


def weights_of(datum: FloatArray, read: FloatArray, error: float, relative: bool) -> FloatArray:
    """Likelihood of a datum in each draw, the largest 1. A draw that predicts nothing has the mean
    of the others: the datum is silent about it; and all are equal where there is no datum."""
    there = np.isfinite(read).all(axis=1)
    if not np.isfinite(datum).all() or not there.any():
        return np.ones(len(read))
    expected = np.log(read[there]) if relative else read[there]
    logs = -0.5 * (((datum - expected) / error) ** 2).sum(axis=1)
    found = np.empty(len(read))
    found[there] = np.exp(logs - logs.max())
    found[~there] = found[there].mean()
    return found


def _whole(value: FloatArray) -> float:
    """Width of the interval of all draws."""
    return _interval(value, np.ones(len(value)))


def _whole_error(value: FloatArray, random: np.random.Generator) -> float:
    """Its standard error as a share of it, by the bootstrap: common to all data drawn anew."""
    again = [_whole(random.choice(value, len(value))) for _ in range(_AGAIN)]
    return float(np.std(again, ddof=1)) / max(_whole(value), float(np.finfo(float).tiny))


def _any(value: FloatArray, weights: FloatArray, random: np.random.Generator) -> float:
    """Width of the interval of draws with these weights, given to any draws: so few draws show less
    than the whole width, whatever the datum."""
    return float(np.mean([_interval(random.permutation(value), weights) for _ in range(_SHUFFLES)]))


def _interval(value: FloatArray, weights: FloatArray) -> float:
    """Width of the 95 % interval of weighted draws."""
    order = np.argsort(value)
    sorted_, share = value[order], weights[order] / weights.sum()
    middle = np.cumsum(share) - 0.5 * share
    low, high = np.interp([LOW, HIGH], middle, sorted_)
    return float(high - low)
