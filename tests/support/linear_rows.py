"""Rows that are linear in normal coordinates: posterior and evidence are known."""

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray

COORDINATES, ROWS = 5, 3

SLOPES = np.array([[1.0, 0.0, 2.0], [0.5, 3.0, 0.0], [0.0, -2.0, 1.0], [0, 0, 1.5], [0, 0, 0]])

SEEN = np.array([1.0, -2.0, 0.5])

WIDTHS = np.array([0.5, 0.3, 0.1])

HIGHEST = float(-(np.log(WIDTHS) + 0.5 * np.log(2 * np.pi)).sum())


def residuals(z: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
    return (z @ SLOPES - SEEN) / WIDTHS


def covariance() -> FloatArray:
    weighted = SLOPES / WIDTHS
    return np.linalg.inv(np.eye(COORDINATES) + weighted @ weighted.T)


def mean() -> FloatArray:
    return covariance() @ (SLOPES / WIDTHS**2) @ SEEN


def apart(found: list[FloatArray], expected: FloatArray) -> float:
    """The farthest from what is expected, in standard errors of the mean of independent runs."""
    error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    return float(np.abs((np.mean(found, axis=0) - expected) / error).max())


LIMIT = 6.0
"""Of a few numbers, each with Student's t of 11 degrees: left in 1 of 1,000."""
