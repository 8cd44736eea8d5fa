"""How far predictions are from observations, in standard deviations of the latter.

Logarithms are compared; shares of patients as they are, for some are 0. A row with one bound only
counts until a prediction is well inside it.
"""

import math

from p53net.evidence.published import Observation

_INTERVAL = 2 * 1.959964  # standard deviations that a 95 % interval spans
_QUARTILES = 2 * 0.67449  # and an interquartile range
_BOUND = 0.1
"""Standard deviation of the logarithm of a bound that stands alone: assumed, a tenth."""


def residual(row: Observation, value: float) -> float:
    """Of one prediction; NaN where it has no logarithm."""
    wide = _QUARTILES if row.interval_origin == "quartiles" else _INTERVAL
    if row.unit == "% of patients":
        return (value - row.middle) * wide / (row.high - row.low)
    if not value > 0:
        return math.nan
    if not math.isfinite(row.low) or not math.isfinite(row.high):
        inside = math.exp(_BOUND / 2)
        return math.log(value / min(max(value, row.low * inside), row.high / inside)) / _BOUND
    return math.log(value / row.middle) * wide / math.log(row.high / row.low)
