"""Profiles of a fit: the least chi-squared with one parameter fixed around its estimate.

Every parameter moves to both sides of every optimum, step by step and all at once, and the others
follow. Cheaper predictions are taken where there are such, corrected so that values and slopes at
the optimum are those of the whole ones.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.evidence.descent import Descents, descend, learn, least
from p53net.evidence.fit import LEVEL, Fit, Optimum
from p53net.evidence.joint import Joint, Problem

_FIRST, _GROWS, _LONGEST = 0.4, 1.25, 0.5  # steps: in standard deviations, factor, in logarithms
_MOST = 14  # of them
_REACH = np.log(8.0)  # from the estimate
_PAST = 2.0 * LEVEL  # of the rise: far enough
_ENOUGH, _ROUNDS = 0.02, 6  # of chi-squared, for each point
_FOLLOWS = 0.02  # correlation with what is moved, below which a parameter stays


class _Branch(NamedTuple):
    """Profiles of all parameters around one optimum."""

    place: NDArray[np.intp]
    """Parameter that is fixed: a row for each side of each."""
    logs: list[FloatArray]
    """Of each step, that of each row."""
    chi_squared: list[FloatArray]
    """The least then; NaN for a row that has ended."""


def add_profiles(fit: Fit, told: Callable[[float], None] | None = None) -> None:
    """The least chi-squared with each parameter fixed at values around its estimate."""
    rough = Joint(fit.joint.blocks, rough=True)
    near = [one for one in fit.optima if one.chi_squared < fit.best.chi_squared + LEVEL]
    branches = []
    for number, optimum in enumerate(near):

        def part(share: float, number: int = number) -> None:
            if told is not None:
                told((number + share) / len(near))

        problem = rough.problem.corrected(optimum.logs, optimum.residuals, optimum.slopes)
        branches.append(_followed(problem, optimum, part))
    for i, one in enumerate(fit.estimates):
        pieces = [_piece(branch, optimum, i)
                  for branch, optimum in zip(branches, near, strict=True)]  # fmt: skip
        points = _lowest(pieces)
        fit.profiles[one] = pd.DataFrame(
            {"value": np.exp(points[:, 0]), "chi_squared": points[:, 1]}
        )


def _followed(problem: Problem, optimum: Optimum, told: Callable[[float], None]) -> _Branch:
    size = len(optimum.logs)
    place, side = np.repeat(np.arange(size), 2), np.tile([-1.0, 1.0], size)
    covariance = optimum.covariance
    spread = np.sqrt(np.diag(covariance))
    follows = np.abs(covariance) > _FOLLOWS * np.outer(spread, spread)
    free = (follows & ~np.eye(size, dtype=bool))[place]
    spread = np.where(spread > 0, spread, _LONGEST)
    low, high = (np.clip(optimum.logs + way * _REACH, problem.low, problem.high)
                 for way in (-1.0, 1.0))  # fmt: skip
    at = Descents(*(np.repeat(one[None], len(place), 0)
                    for one in (optimum.logs, optimum.residuals, optimum.slopes)))  # fmt: skip
    branch, going = _Branch(place, [], []), np.ones(len(place), dtype=bool)
    for number in range(_MOST):
        rows = np.flatnonzero(going)
        step = np.minimum(_FIRST * _GROWS**number * spread[place[rows]], _LONGEST)
        fixed = at.logs[rows, place[rows]] + side[rows] * step
        fixed = np.clip(fixed, low[place[rows]], high[place[rows]])
        _move(problem, at, rows, place[rows], fixed, free[rows])
        reached = np.full(len(place), np.nan)
        reached[rows] = at.chi_squared[rows]
        branch.logs.append(at.logs[np.arange(len(place)), place])
        branch.chi_squared.append(reached)
        ended = (fixed <= low[place[rows]]) | (fixed >= high[place[rows]])
        going[rows] = ~ended & (at.chi_squared[rows] < optimum.chi_squared + _PAST)
        told(1.0 - float(going.mean()) * (1.0 - (number + 1) / _MOST))
        if not going.any():
            break
    return branch


def _move(
    problem: Problem,
    at: Descents,
    rows: NDArray[np.intp],
    place: NDArray[np.intp],
    fixed: FloatArray,
    free: NDArray[np.bool_],
) -> None:
    """Put one parameter of each row elsewhere, and the others where chi-squared is least then."""
    before = Descents(at.logs[rows], at.residuals[rows], at.slopes[rows])
    here = np.arange(len(rows))
    steps = np.zeros_like(before.logs)
    steps[here, place] = fixed - before.logs[here, place]
    ahead = before.residuals + np.einsum("rmn,rn->rm", before.slopes, steps)
    steps += least(before.slopes * free[:, None, :], ahead)
    begin = np.clip(before.logs + steps, problem.low, problem.high)
    learn(problem.reach, before, here, begin - before.logs, problem.residuals(begin))
    found = descend(
        problem, begin, free=free, slopes=before.slopes, renew=False, enough=_ENOUGH, rounds=_ROUNDS
    )
    at.logs[rows], at.residuals[rows], at.slopes[rows] = found.logs, found.residuals, found.slopes


def _piece(branch: _Branch, optimum: Optimum, parameter: int) -> FloatArray:
    """Points (logarithm, chi-squared) of one parameter, by value."""
    rows = branch.place == parameter
    logs, chi = (np.array(one)[:, rows].ravel() for one in (branch.logs, branch.chi_squared))
    made = np.isfinite(chi)
    points = np.column_stack([logs[made], chi[made]])
    middle = [[optimum.logs[parameter], optimum.chi_squared]]
    points = np.concatenate([points, middle])
    return points[np.argsort(points[:, 0], kind="stable")]


def _lowest(pieces: list[FloatArray]) -> FloatArray:
    """The points of all pieces that lie below the others, by value."""
    kept = []
    for i, piece in enumerate(pieces):
        below = np.ones(len(piece), dtype=bool)
        for other in (*pieces[:i], *pieces[i + 1 :]):
            there = np.interp(piece[:, 0], other[:, 0], other[:, 1], left=np.inf, right=np.inf)
            below &= piece[:, 1] <= there
        kept.append(piece[below])
    points = np.concatenate(kept)
    return points[np.argsort(points[:, 0], kind="stable")]
