"""Least squares of a logistic curve over the logarithm of dose, by variable projection.

Top and bottom enter linearly, so they are the best ones for each midpoint and Hill coefficient, and
only these two are searched for [Golub and Pereyra 1973 SIAM J Numer Anal 10:413], with Kaufman's
slopes [1975 BIT 15:49]. A grid says where to begin.
"""

import math
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray

_HILLS = np.log([0.1, 0.25, 0.5, 1.0, 1.6, 2.5, 4.0, 8.0, 20.0])
_FINEST = 32  # doses that the grid's midpoints are taken from
_VALLEYS = 3  # of the grid, that are followed
_MOST_STEPS = 200
_LEAST_STEP = 1e-12  # in either logarithm
_ROUGH, _LEAST_GAIN = 1e-6, 1e-15  # of the sum of squares, of a further step
_LARGEST = 700.0  # exponent


class Levels(NamedTuple):
    """What is fitted: a mean at each dose, which counts as often as it was measured."""

    x: FloatArray
    """Logarithms of the doses, rising."""
    y: FloatArray
    roots: FloatArray
    """Square roots of how often."""


class Bounds(NamedTuple):
    """Of the four parameters; midpoint and Hill coefficient as logarithms."""

    plateau: float
    """Largest size of top and bottom."""
    middle: tuple[float, float]
    hill: tuple[float, float]


class Optimum(NamedTuple):
    """The nearest curve."""

    top: float
    bottom: float
    middle: float
    hill: float
    """Midpoint and Hill coefficient are logarithms."""
    cost: float
    """Sum of squares."""
    slopes: FloatArray
    """Of each weighted level with respect to each parameter, in this order."""


class _Projection(NamedTuple):
    """The best curve of a midpoint and a Hill coefficient."""

    top: float
    bottom: float
    share: FloatArray
    """Of the way from bottom to top, at each level."""
    basis: FloatArray
    """What the free ones of top and bottom reach: orthonormal rows, weighted."""
    residual: FloatArray
    cost: float


def nearest(levels: Levels, bounds: Bounds) -> Optimum:
    """The curve with the least sum of squares within the bounds."""
    ends = [_descended(levels, bounds, one, _ROUGH) for one in _starts(levels, bounds)]
    lowest = min(ends, key=lambda end: end[1].cost)
    (middle, hill), best = _descended(levels, bounds, lowest[0], _LEAST_GAIN)
    bent = _bent(levels, middle, hill, best)
    shares = np.array([best.share, 1.0 - best.share]) * levels.roots
    return Optimum(best.top, best.bottom, middle, hill, best.cost, np.concatenate([shares, bent]).T)


def _starts(levels: Levels, bounds: Bounds) -> list[tuple[float, float]]:
    """The lowest valleys of a grid of midpoints, at doses and between, and Hill coefficients."""
    coarse = levels.x[:: math.ceil(len(levels.x) / _FINEST)]
    beyond = 2 * coarse[0] - coarse[1], 2 * coarse[-1] - coarse[-2]
    middles = np.concatenate([coarse, (coarse[1:] + coarse[:-1]) / 2, beyond, bounds.middle])
    middles.sort()
    hills = np.clip(_HILLS, *bounds.hill)
    power = np.multiply.outer(np.exp(hills), np.subtract.outer(-middles, -levels.x))
    share = 1.0 / (1.0 + np.exp(np.minimum(power, _LARGEST)))
    weights = levels.roots**2 / (levels.roots @ levels.roots)
    spread = np.maximum((share**2) @ weights - (share @ weights) ** 2, 1e-12)
    along = share @ (weights * (levels.y - weights @ levels.y))
    swing = np.clip(along / spread, -2 * bounds.plateau, 2 * bounds.plateau)
    cost = swing * (swing * spread - 2 * along)  # above that of a flat line
    padded = np.pad(cost, 1, constant_values=np.inf)
    lowest = np.ones_like(cost, dtype=bool)
    rows, columns = cost.shape
    for i in (0, 1, 2):
        for j in (0, 1, 2):
            lowest &= cost <= padded[i : i + rows, j : j + columns]
    places = np.argwhere(lowest)
    order = np.argsort(cost[lowest], kind="stable")[:_VALLEYS]
    return [(float(middles[j]), float(hills[i])) for i, j in places[order]]


def _descended(
    levels: Levels, bounds: Bounds, start: tuple[float, float], least: float
) -> tuple[tuple[float, float], _Projection]:
    """Where damped Gauss-Newton steps from a start end."""
    middle, hill = start
    here, damping, fresh = _projected(levels, bounds, middle, hill), 1e-3, True
    for _ in range(_MOST_STEPS):
        if fresh:
            slopes = _bent(levels, middle, hill, here)
            slopes = slopes - (slopes @ here.basis.T) @ here.basis
            gradient, curvature = slopes @ here.residual, slopes @ slopes.T
        dm, dh = _step(gradient, curvature, damping, (middle, hill), bounds)
        expected = -float(gradient[0]) * dm - float(gradient[1]) * dh
        settled = damping < 1.0 and 0.0 <= expected < least * here.cost
        if settled or max(abs(dm), abs(dh)) < _LEAST_STEP:
            break
        there = _projected(levels, bounds, middle + dm, hill + dh)
        fresh = there.cost < here.cost
        if fresh:
            middle, hill, here = middle + dm, hill + dh, there
            damping = max(damping / 10, 1e-12)
        else:
            damping *= 8
    return (middle, hill), here


def _step(
    gradient: FloatArray, curvature: FloatArray, damping: float,
    at: tuple[float, float], bounds: Bounds,
) -> tuple[float, float]:  # fmt: skip
    """Of midpoint and Hill coefficient; one that would leave its bounds goes to them, and the other
    follows."""
    gm, gh = gradient.tolist()
    (a, b), (_, c) = curvature.tolist()
    a, c = (one * (1.0 + damping) + 1e-300 for one in (a, c))
    determinant = a * c - b * b
    if determinant > 0:
        dm, dh = (b * gh - c * gm) / determinant, (b * gm - a * gh) / determinant
    else:
        dm, dh = -gm / a, -gh / c
    if (kept := _kept(dh, at[1], bounds.hill)) != dh:
        dh, dm = kept, -(gm + b * kept) / a
    if (kept := _kept(dm, at[0], bounds.middle)) != dm:
        dm, dh = kept, _kept(-(gh + b * kept) / c, at[1], bounds.hill)
    return dm, dh


def _kept(step: float, at: float, bounds: tuple[float, float]) -> float:
    return min(max(step, bounds[0] - at), bounds[1] - at)


def _bent(levels: Levels, middle: float, hill: float, at: _Projection) -> FloatArray:
    """Slopes of the weighted curve with respect to midpoint and Hill coefficient: rows."""
    steep = math.exp(hill)
    bend = (at.top - at.bottom) * steep * levels.roots * at.share * (1.0 - at.share)
    return np.array([bend, bend * (middle - levels.x)])


def _projected(levels: Levels, bounds: Bounds, middle: float, hill: float) -> _Projection:
    """The best top and bottom, within their bounds."""
    x, y, roots = levels
    power = np.minimum(math.exp(hill) * (x - middle), _LARGEST)
    share = 1.0 / (1.0 + np.exp(power))
    ones, weighted = roots / math.sqrt(roots @ roots), roots * y
    along = roots * share
    across = along - (ones @ along) * ones
    size = math.sqrt(across @ across)
    if size > 0:
        across /= size
        swing = float(across @ weighted) / size
        bottom = float(ones @ (weighted - swing * along)) / math.sqrt(roots @ roots)
        top = bottom + swing
        if max(abs(top), abs(bottom)) <= bounds.plateau:
            residual = top * along + bottom * (roots - along) - weighted
            basis = np.array([ones, across])
            return _Projection(top, bottom, share, basis, residual, float(residual @ residual))
    return min(_at_edges(share, levels, bounds.plateau), key=lambda one: one.cost)


def _at_edges(share: FloatArray, levels: Levels, plateau: float) -> list[_Projection]:
    """The best with top or bottom at a bound."""
    found = []
    sides = levels.roots * share, levels.roots * (1.0 - share)
    for fixed, free in ((0, 1), (1, 0)):
        for bound in (-plateau, plateau):
            left = levels.roots * levels.y - bound * sides[fixed]
            size = float(sides[free] @ sides[free])
            wanted = float(sides[free] @ left) / size if size > 0 else 0.0
            value = min(max(wanted, -plateau), plateau)
            basis = (sides[free] / math.sqrt(size))[None] if value == wanted and size > 0 else (
                np.empty((0, len(share)))
            )  # fmt: skip
            residual = value * sides[free] - left
            top, bottom = (bound, value) if fixed == 0 else (value, bound)
            found.append(
                _Projection(top, bottom, share, basis, residual, float(residual @ residual))
            )
    return found
