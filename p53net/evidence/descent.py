"""Least squares of many rows at once: Levenberg and Marquardt's method in lockstep, with bounds.

Every row has its own start, damping and slopes, and all rows ask for residuals together. Slopes are
made by differences and then kept up to date by what steps show (Schubert's form of Broyden's
update, which leaves what does not depend alone); they are made again when a step disappoints.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.evidence.joint import Problem

_DAMPING = 1e-2  # of the first step, relative to the diagonal of the normal equations
_LOWER, _HIGHER = 0.2, 5.0  # what success and failure do to it
_MOST_DAMPING = 1e8  # beyond that a step changes nothing
_LONGEST = 1.5  # of a step, in a logarithm
_POOR = 0.5  # of the expected fall: slopes are no longer good
_TINY = 1e-12


@dataclass
class Descents:
    """Where rows are."""

    logs: FloatArray
    """Row, parameter."""
    residuals: FloatArray
    """Row, observation."""
    slopes: FloatArray
    """Row, observation, parameter."""

    @property
    def chi_squared(self) -> FloatArray:
        """Of each row."""
        return _squares(self.residuals)


def descend(
    problem: Problem,
    begin: FloatArray,
    *,
    free: NDArray[np.bool_] | None = None,
    slopes: FloatArray | None = None,
    renew: bool = True,
    enough: float = 1e-6,
    rounds: int = 80,
    told: Callable[[float], None] | None = None,
) -> Descents:
    """The least squares that each row of `begin` leads to, where residuals are finite.

    Parameters that are not `free` in a row stay. `slopes` are what is known of those at the start.
    A row has ended when slopes promise a fall of less than `enough`: such as were made there, or,
    without `renew`, what has become of those that were given. `told` gets the share done.
    """
    logs = np.clip(begin, problem.low, problem.high)
    values = problem.residuals(logs)
    at = Descents(logs, values, np.array(slopes) if slopes is not None
                  else problem.slopes(logs, values))  # fmt: skip
    rows = len(logs)
    free = np.ones(logs.shape, dtype=bool) if free is None else free
    damping, fresh = np.full(rows, _DAMPING), np.full(rows, slopes is None)
    open_ = np.ones(rows, dtype=bool)
    for number in range(rounds):
        steps, promised = _steps(problem, at, free, damping)
        stale = open_ & (promised < enough) & ~fresh & renew
        open_ &= (promised >= enough) & (damping < _MOST_DAMPING) | stale
        if told is not None:
            told(float(np.where(open_, 1.0 - 0.85**number, 1.0).mean()))
        if not open_.any():
            break
        moving = np.flatnonzero(open_ & ~stale)
        again = stale.copy()
        if len(moving):
            there = at.logs[moving] + steps[moving]
            found = problem.residuals(there)
            fall = at.chi_squared[moving] - _squares(found)
            good = fall > 0
            learn(problem.reach, at, moving, steps[moving], found)
            better = moving[good]
            at.logs[better], at.residuals[better] = there[good], found[good]
            poor = fall < _POOR * promised[moving]
            again[moving[poor & ~fresh[moving]]] = renew
            damping[better] *= _LOWER
            damping[moving[~good & (fresh[moving] | (not renew))]] *= _HIGHER
            fresh[better] = False
        if len(renewed := np.flatnonzero(again)):
            at.slopes[renewed] = problem.slopes(at.logs[renewed], at.residuals[renewed])
            fresh[renewed] = True
    if renew:  # what was promised is small, but slopes are known: take it
        there = np.clip(at.logs + _steps(problem, at, free, damping)[0], problem.low, problem.high)
        found = problem.residuals(there)
        good = _squares(found) < at.chi_squared
        at.logs[good], at.residuals[good] = there[good], found[good]
    return at


def _steps(
    problem: Problem, at: Descents, free: NDArray[np.bool_], damping: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """A damped step of each row, inside the bounds, and the fall of chi-squared that it, or one
    parameter alone, promises."""
    slopes, room_down, room_up = (np.nan_to_num(at.slopes), problem.low - at.logs,
                                  problem.high - at.logs)  # fmt: skip
    down = -np.einsum("rmn,rm->rn", slopes, at.residuals)
    stuck = (room_down >= -_TINY) & (down < 0) | (room_up <= _TINY) & (down > 0)
    moving, steps = free & ~stuck, np.zeros_like(at.logs)
    diagonal = (slopes**2).sum(axis=1)
    for _ in range(len(problem.low)):
        ahead = at.residuals + np.einsum("rmn,rn->rm", slopes, steps * ~moving)
        tried = _damped(slopes * moving[:, None, :], ahead, damping)
        longest = np.abs(tried).max(axis=1, initial=_TINY)
        tried *= np.minimum(1.0, _LONGEST / longest)[:, None]
        kept = np.clip(tried, room_down, room_up)
        steps = np.where(moving, kept, steps)
        over = moving & (kept != tried)  # what comes to a bound stays there, the others make up
        if not over.any():
            break
        moving &= ~over
    after = at.residuals + np.einsum("rmn,rn->rm", slopes, steps)
    promised = _squares(at.residuals) - _squares(after)
    alone = np.where(free & ~stuck & (diagonal > _TINY), down**2 / np.maximum(diagonal, _TINY), 0.0)
    return steps, np.maximum(promised, alone.max(axis=1, initial=0.0))


def _damped(slopes: FloatArray, residuals: FloatArray, damping: FloatArray) -> FloatArray:
    """Steps of each row, by columns that are not 0."""
    normal = np.einsum("rmn,rmk->rnk", slopes, slopes)
    diagonal = np.einsum("rnn->rn", normal)
    extra = damping[:, None] * diagonal + np.where(diagonal > _TINY, 0.0, 1.0)
    down = -np.einsum("rmn,rm->rn", slopes, residuals)
    normal = normal + extra[:, :, None] * np.eye(normal.shape[-1])
    return np.asarray(np.linalg.solve(normal, down[..., None])[..., 0])


def learn(
    reach: NDArray[np.bool_],
    at: Descents,
    rows: NDArray[np.intp],
    steps: FloatArray,
    found: FloatArray,
) -> None:
    """Make slopes agree with what a step showed."""
    reached = reach[None] * steps[:, None, :]
    expected = np.einsum("rmn,rn->rm", at.slopes[rows], steps)
    missing = np.nan_to_num(found - at.residuals[rows] - expected)
    lengths = (reached**2).sum(axis=2)
    at.slopes[rows] += (missing / np.where(lengths > 0, lengths, 1.0))[..., None] * reached


def least(slopes: FloatArray, residuals: FloatArray) -> FloatArray:
    """Steps of each row to the least squares of what is straight, by columns that are not 0."""
    return np.asarray(-np.einsum("rnm,rm->rn", np.linalg.pinv(slopes), residuals))


def _squares(residuals: FloatArray) -> FloatArray:
    """Sum of squares of each row; infinite where one is missing."""
    sums = (residuals**2).sum(axis=1)
    return np.where(np.isfinite(sums), sums, np.inf)
