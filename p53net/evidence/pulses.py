"""Pulses of a curve."""

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray


def peaks(curve: FloatArray, prominence: float) -> NDArray[np.intp]:
    """Where a curve has its peaks, at least so high above the higher of the two valleys between
    them and what is higher, or the ends."""
    inner = curve[1:-1]
    tops = 1 + np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]))
    high = [
        top
        for top in tops
        if curve[top] - max(_valley(curve[top::-1]), _valley(curve[top:])) >= prominence
    ]
    return np.array(high, dtype=np.intp)


def _valley(curve: FloatArray) -> float:
    """The lowest point before a curve passes its start."""
    higher = np.flatnonzero(curve > curve[0])
    return float(curve[: higher[0] if len(higher) else None].min())
