"""Profiles: the best fit with one unknown held, walked outwards from the optimum on both sides.

All sides of all unknowns walk together, so that their runs are one call of an engine.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.evidence.descent import Descents, descend
from p53net.evidence.joint import Problem
from p53net.fitting.optimum import Bounded, Optimum, Told, silent

_FIRST, _GROWS = 0.6, 1.3  # steps: in standard deviations, and by what the next one is longer
_LONGEST = 1 / 6  # of the way between the bounds
_MOST = 24
_PAST = 1.3  # of the level: far enough to know where it is passed
_ENOUGH, _ROUNDS = 1e-2, 12
_NEARER = 2  # points between the last inside and the first outside


@dataclass
class Profile:
    """Of one unknown, on its scale."""

    at: FloatArray
    """Where it was held, rising; the optimum is among them."""
    rise: FloatArray
    """Of minus twice the logarithm of the likelihood, over the optimum."""
    low: float
    high: float
    """Ends of the 95 % interval; infinite where the profile stays below the level."""
    ends: list[FloatArray]
    """All unknowns at the last point on each side that is within 95 %."""


@dataclass
class _Walk:
    """One side of one unknown."""

    unknown: int
    way: float
    x: FloatArray
    step: float
    residuals: FloatArray
    slopes: FloatArray
    inside: float
    outside: float = np.nan
    points: list[tuple[float, float, FloatArray]] = field(default_factory=list)
    open: bool = True
    nearer: int = 0


def profiles_of(bounded: Bounded, optimum: Optimum, told: Told = silent) -> list[Profile]:
    """Profiles of all unknowns. Where one finds a better fit than the optimum, rises are from
    that."""
    problem = bounded.problem(len(optimum.residuals))
    spread = np.sqrt(np.maximum(np.diag(optimum.covariance), 1e-12))
    room = bounded.high - bounded.low
    walks = [
        _Walk(i, way, optimum.x.copy(), float(min(_FIRST * spread[i], _LONGEST * room[i])),
              optimum.residuals.copy(), optimum.slopes.copy(), float(optimum.x[i]))
        for i in range(len(optimum.x)) for way in (-1.0, 1.0)
    ]  # fmt: skip
    for number in range(_MOST):
        going = [one for one in walks if one.open]
        if not going:
            break
        _walked(problem, bounded, optimum, going)
        told(max((number + 1) / _MOST, 1.0 - len(going) / len(walks)))
    least = min([optimum.chi_squared, *(one[1] for walk in walks for one in walk.points)])
    return [_profile(i, optimum, [one for one in walks if one.unknown == i], least,
                     bounded.level)
            for i in range(len(optimum.x))]  # fmt: skip


def _walked(problem: Problem, bounded: Bounded, optimum: Optimum, walks: list[_Walk]) -> None:
    """One more point of each walk."""
    target = np.array([_next(one, bounded) for one in walks])
    begin = np.array([one.x for one in walks])
    slopes = np.array([one.slopes for one in walks])
    residuals = np.array([one.residuals for one in walks])
    places = np.array([one.unknown for one in walks])
    here = np.arange(len(walks))
    free: NDArray[np.bool_] = np.ones(begin.shape, dtype=bool)
    free[here, places] = False
    moved = target - begin[here, places]
    begin = np.clip(begin + _follow(slopes, residuals, places, moved), bounded.low, bounded.high)
    begin[here, places] = target
    found = descend(problem, begin, free=free, enough=_ENOUGH, rounds=_ROUNDS)
    for i, one in enumerate(walks):
        _note(one, found, i, float(target[i]), optimum.chi_squared, bounded)


def _follow(
    slopes: FloatArray, residuals: FloatArray, places: NDArray[np.intp], moved: FloatArray
) -> FloatArray:
    """Where the others go, as far as residuals are straight, when one unknown moves."""
    steps = np.zeros(slopes.shape[::2])
    for i, (own, place, by) in enumerate(zip(slopes, places, moved, strict=True)):
        others = np.arange(own.shape[1]) != place
        ahead = residuals[i] + own[:, place] * by
        steps[i, others] = -np.linalg.lstsq(own[:, others], ahead, rcond=1e-6)[0]
        steps[i, place] = by
    return np.clip(steps, -1.0 - np.abs(moved)[:, None], 1.0 + np.abs(moved)[:, None])


def _next(one: _Walk, bounded: Bounded) -> float:
    if one.nearer:  # the square root of the rise is about straight
        return (one.inside + one.outside) / 2 if one.nearer > 1 else _straight(one, bounded.level)
    there = one.x[one.unknown] + one.way * one.step
    return float(np.clip(there, bounded.low[one.unknown], bounded.high[one.unknown]))


def _straight(one: _Walk, level: float) -> float:
    rises = {at: rise for at, rise, _ in one.points}
    inside = np.sqrt(max(rises.get(one.inside, 0.0) - one.points[0][2][0], 0.0))
    outside = np.sqrt(max(rises[one.outside] - one.points[0][2][0], 0.0))
    share = (np.sqrt(level) - inside) / max(outside - inside, 1e-9)
    return float(one.inside + np.clip(share, 0.05, 0.95) * (one.outside - one.inside))


def _note(
    one: _Walk, found: Descents, i: int, target: float, least: float, bounded: Bounded
) -> None:
    cost = float(found.chi_squared[i])
    one.points.append((target, cost, np.array([least])))
    if cost - least < bounded.level:
        one.inside = target
        one.x, one.residuals, one.slopes = found.logs[i], found.residuals[i], found.slopes[i]
    else:
        one.outside = target
    if one.nearer:
        one.nearer += 1
        one.open = one.nearer <= _NEARER
        return
    end = bounded.low[one.unknown] if one.way < 0 else bounded.high[one.unknown]
    if np.isfinite(one.outside):
        one.open, one.nearer = cost - least > 0.0, 1
        if cost - least < _PAST * bounded.level:  # near enough
            one.open = False
    elif target == end:
        one.open = False
    room = bounded.high[one.unknown] - bounded.low[one.unknown]
    one.step = min(one.step * _GROWS, _LONGEST * float(room))


def _profile(
    unknown: int, optimum: Optimum, walks: list[_Walk], least: float, level: float
) -> Profile:
    points = [(float(optimum.x[unknown]), optimum.chi_squared)]
    points += [(at, cost) for one in walks for at, cost, _ in one.points if np.isfinite(cost)]
    at, cost = np.array(sorted(points)).T
    rise = cost - least
    middle = float(optimum.x[unknown])
    low, high = (_crossing(at, rise, middle, way, level) for way in (-1.0, 1.0))
    return Profile(at, rise, low, high, [one.x for one in walks])


def _crossing(at: FloatArray, rise: FloatArray, middle: float, way: float, level: float) -> float:
    """Where the level is passed for the last time, from the outside; infinite where it is not."""
    order = np.argsort(way * at)[::-1]  # from the outside to the middle
    at, rise = at[order], rise[order]
    keep = way * at >= way * middle
    at, rise = at[keep], rise[keep]
    below = np.flatnonzero(rise <= level)
    if not len(below):
        return middle
    i = int(below[0])
    if i == 0:
        return way * np.inf
    (x0, x1), (y0, y1) = at[i - 1 : i + 1], np.sqrt(np.maximum(rise[i - 1 : i + 1], 0.0))
    return float(x0 + (np.sqrt(level) - y0) * (x1 - x0) / (y1 - y0))
