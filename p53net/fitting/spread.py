"""How subjects differ, from an estimate of each with its own error: the second of two stages.

Logarithms of the estimates scatter by what subjects differ in and by what the estimates err. Their
variance less the mean of the squared errors is that between subjects. Ends of intervals are of the
normal distribution: Student's t for the median, chi-squared for the spread, Fisher's z for a
correlation, each of what scatters in all, and then less the errors. So they are exact where all
errors are equal, and near that else.
"""

from dataclasses import dataclass

import numpy as np

from p53net.engines.base import FloatArray

_TAIL = 0.025


@dataclass(frozen=True)
class Number:
    """With the ends of its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


def median_of(logs: FloatArray) -> Number:
    """The median of subjects, from the logarithms of their estimates."""
    from scipy.special import stdtrit

    count = len(logs)
    middle = float(logs.mean())
    if count < 2:
        return Number(float(np.exp(middle)), np.nan, np.nan)
    reach = float(stdtrit(count - 1, 1.0 - _TAIL)) * float(logs.std(ddof=1)) / np.sqrt(count)
    return Number(*(float(np.exp(one)) for one in (middle, middle - reach, middle + reach)))


def variation_of(logs: FloatArray, errors: FloatArray) -> Number:
    """The geometric coefficient of variation [%] between subjects."""
    found = [100.0 * np.sqrt(np.expm1(one)) for one in _variances(logs, errors)]
    return Number(*(float(one) for one in found))


def correlation_of(logs: FloatArray, errors: FloatArray, shared: FloatArray) -> Number:
    """Of two parameters between subjects: logarithms and their errors (subject, 2), and covariances
    of the errors of each subject. NaN where a spread is not above the errors."""
    count = len(logs)
    nothing = Number(np.nan, np.nan, np.nan)
    if count < 4:
        return nothing
    scatter = np.cov(logs.T, ddof=1)
    between = np.diag(scatter) - (errors**2).mean(axis=0)
    if not (between > 0).all():
        return nothing
    seen = float(scatter[0, 1] / np.sqrt(scatter[0, 0] * scatter[1, 1]))
    reach = 1.959964 / np.sqrt(count - 3)
    z = np.arctanh(np.clip(seen, -1 + 1e-12, 1 - 1e-12))
    ends = np.array([seen, np.tanh(z - reach), np.tanh(z + reach)])
    whole = ends * np.sqrt(scatter[0, 0] * scatter[1, 1]) - float(shared.mean())
    return Number(*np.clip(whole / np.sqrt(between.prod()), -1.0, 1.0).tolist())


def _variances(logs: FloatArray, errors: FloatArray) -> tuple[float, float, float]:
    """Between subjects, and the ends of its interval; none is below 0."""
    from scipy.special import chdtri

    count = len(logs)
    if count < 2:
        return np.nan, np.nan, np.nan
    whole, own = float(logs.var(ddof=1)), float((errors**2).mean())
    freedom = count - 1
    ends = (whole * freedom / float(chdtri(freedom, tail)) for tail in (_TAIL, 1.0 - _TAIL))
    low, high = (max(one - own, 0.0) for one in ends)
    return max(whole - own, 0.0), low, high
