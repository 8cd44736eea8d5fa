"""Densities of measurements around what the model gives, and their slopes."""

import math
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray

TRANSFORMATIONS = ("lin", "log", "log10")
"""What is compared: numbers, or their logarithms."""

DISTRIBUTIONS = ("normal", "laplace")
"""Of the difference."""


class Noise(NamedTuple):
    """How measurements of an observable scatter."""

    transformation: str
    distribution: str


class Densities(NamedTuple):
    """Arrays over measurements and vectors."""

    logarithms: FloatArray
    """Of the density of each measurement."""
    by_value: FloatArray
    """d logarithm / d what the model gives."""
    by_width: FloatArray
    """d logarithm / d width of the noise."""
    residuals: FloatArray
    """Measurement minus model, transformed, over the width."""


def densities(noise: Noise, data: FloatArray, values: FloatArray, widths: FloatArray) -> Densities:
    """Log-densities of `data`, of the numbers themselves even where logarithms are compared.

    NaN where a width is not above 0, or a value has no logarithm.
    """
    with np.errstate(all="ignore"):
        widths = np.where(widths > 0.0, widths, np.nan)
        apart, slope, own = data - values, np.ones_like(values), np.zeros_like(data)
        if noise.transformation != "lin":
            base = math.log(10.0) if noise.transformation == "log10" else 1.0
            above = np.where(values > 0.0, values, np.nan)
            apart, slope = (np.log(data) - np.log(above)) / base, 1.0 / (above * base)
            own = -np.log(data * base)
        ratio = apart / widths
        if noise.distribution == "normal":
            found = -0.5 * ratio**2 - np.log(widths) - 0.5 * math.log(2.0 * math.pi)
            by_ratio = ratio
        else:
            found = -np.abs(ratio) - np.log(2.0 * widths)
            by_ratio = np.sign(ratio)
        by_width = (by_ratio * ratio - 1.0) / widths
        return Densities(found + own, by_ratio / widths * slope, by_width, ratio)
