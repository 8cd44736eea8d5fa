"""How far predictions are from observations, in standard deviations of the latter.

Logarithms are compared; shares of patients as they are, for some are 0.
"""

import math

from p53net.evidence.published import Observation

_INTERVAL = 2 * 1.959964  # standard deviations that a 95 % interval spans
_QUARTILES = 2 * 0.67449  # and an interquartile range


def residual(row: Observation, value: float) -> float:
    """Of one prediction; NaN where it has no logarithm."""
    wide = _QUARTILES if row.interval_origin == "quartiles" else _INTERVAL
    if row.unit == "% of patients":
        return (value - row.middle) * wide / (row.high - row.low)
    if not value > 0:
        return math.nan
    return math.log(value / row.middle) * wide / math.log(row.high / row.low)
