"""Fits of dose-response curves: four-parameter logistic, with intervals of midpoint and bottom."""

import math
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.measures.projection import Bounds, Levels, nearest

_LEAST_EFFECT = 0.1  # of the larger end of the curve: a smaller effect has no midpoint
_BY_CHANCE = 1e-3  # of an F test of the curve against a flat line: more is no effect
_STEEPEST = 20.0  # Hill coefficient
_LEVEL = 0.95  # of the interval


class Logistic(NamedTuple):
    """`bottom + (top - bottom)/(1 + (dose/middle)^hill)`, fitted; `top` is without drug."""

    top: float
    bottom: float
    middle: float
    """The dose of half the effect: IC50 or DC50; NaN where `status` is not ok."""
    low: float
    high: float
    """95 % interval of `middle`."""
    hill: float
    status: str
    """`ok`, or why there is no midpoint."""
    bottom_low: float = math.nan
    bottom_high: float = math.nan
    """95 % interval of `bottom`, with a midpoint."""

    def __call__(self, doses: FloatArray) -> FloatArray:
        """The fitted curve."""
        return logistic(doses, self.top, self.bottom, self.middle, self.hill)


def logistic(
    doses: FloatArray, top: float, bottom: float, middle: float, hill: float
) -> FloatArray:
    """The four-parameter logistic curve."""
    return bottom + (top - bottom) / (1.0 + (doses / middle) ** hill)


def fit_logistic(
    doses: FloatArray, responses: FloatArray, untreated: float | None = None
) -> Logistic:
    """The logistic curve nearest to responses, by least squares.

    `doses` [nM] are above 0, one for each response, so that replicates repeat a dose. The interval
    of the midpoint is symmetric in its logarithm, from the curvature of the sum of squares and
    Student's t, as is that of the bottom. Curves that move by less than a tenth, that scatter about
    a flat line as well as about the curve (F test), or whose midpoint lies outside of the doses,
    have none; `untreated`, the response without drug, tells a flat curve without effect from one
    whose doses are all too high. Raises InputError for fewer than five different doses, and for
    responses that are not finite.
    """
    from scipy.special import fdtrc, stdtrit  # a tenth of a second that `load` need not take

    doses, responses = np.asarray(doses, dtype=float), np.asarray(responses, dtype=float)
    levels, place, counts = np.unique(doses, return_inverse=True, return_counts=True)
    if len(levels) < 5 or levels[0] <= 0:
        raise InputError("a fit of four parameters needs five different doses above 0; give more")
    if responses.shape != doses.shape or not np.isfinite(responses).all():
        raise InputError("a fit needs one finite response for each dose; check the parameters")
    means = np.bincount(place, responses) / counts
    scale = float(np.abs(means).max())
    top = float(means.mean())
    least = _LEAST_EFFECT * (scale if untreated is None else untreated)
    if untreated is not None and np.ptp(means) < least < abs(top - untreated):
        why = "the doses show one plateau only: all have the full effect; give lower ones"
        return Logistic(top, top, math.nan, math.nan, math.nan, math.nan, why)
    if np.ptp(means) <= _LEAST_EFFECT * scale:
        why = f"no effect: it moves by less than {_LEAST_EFFECT:.0%}"
        return Logistic(top, top, math.nan, math.nan, math.nan, math.nan, why)
    low, high = math.log(levels[0]), math.log(levels[-1])
    best = nearest(
        Levels(np.log(levels), means / scale, np.sqrt(counts)),
        Bounds(2.0, (low - 5.0, high + 5.0), (-3.0, math.log(_STEEPEST))),
    )
    top, bottom, middle, hill = best.top * scale, best.bottom * scale, best.middle, best.hill
    freedom = max(len(doses) - 4, 1)
    rest = best.cost + float((((responses - means[place]) / scale) ** 2).sum())
    flat = float((((responses - responses.mean()) / scale) ** 2).sum())
    chance = float(fdtrc(3, freedom, (flat - rest) / 3 / max(rest / freedom, 1e-300)))
    if abs(top - bottom) < _LEAST_EFFECT * scale or chance > _BY_CHANCE:
        nothing = math.nan
        why = "no effect: a flat line fits as well"
        return Logistic(top, bottom, nothing, nothing, nothing, nothing, why)
    if not low <= middle <= high:
        why = f"the midpoint lies outside of {levels[0]:.3g} to {levels[-1]:.3g} nM"
        return Logistic(top, bottom, math.nan, math.nan, math.nan, math.exp(hill), why)
    covariance = np.linalg.pinv(best.slopes.T @ best.slopes) * rest / freedom
    reach = float(stdtrit(freedom, 0.5 + _LEVEL / 2))
    around, spread = (reach * math.sqrt(max(covariance[i, i], 0.0)) for i in (1, 2))
    around *= scale
    least, most = (math.exp(max(min(middle + s * spread, 700.0), -700.0)) for s in (-1, 1))
    return Logistic(top, bottom, math.exp(middle), least, most, math.exp(hill), "ok",
                    bottom - around, bottom + around)  # fmt: skip
