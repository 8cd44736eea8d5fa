"""Optima of a fit: many starts that run together, and the best of them finished by SciPy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import SimulationError
from p53net.evidence.descent import descend
from p53net.evidence.joint import Problem

LEVEL = 3.841
"""Of minus twice the logarithm of a likelihood with one degree of freedom, 95 %."""

Told = Callable[[float], None]


def silent(_share: float) -> None:
    """Nobody is told."""


_TRIED = 8  # points at which the likelihood is looked at, for each start
_ROUGH, _ROUNDS = 1e-2, 25
_FINISHED = 3  # of the best, that SciPy takes to their end
_APART = 0.05  # on the scales: ends further apart are two optima
_EQUAL = 0.5  # of minus twice the logarithm: an optimum that is as good as another
_STEPS = 200
_RIDGE = 1e-10


class Fitted(Protocol):
    """What is fitted: residuals on scales between bounds."""

    def rows(self, x: FloatArray) -> FloatArray:
        """(set, unknown) to (set, residual); NaN where there is none."""

    def slopes(self, x: FloatArray, residuals: FloatArray) -> FloatArray:
        """Of one set: (residual, unknown)."""


@dataclass(frozen=True)
class Bounded:
    """A fit with its bounds."""

    target: Fitted
    low: FloatArray
    high: FloatArray
    level: float = LEVEL
    """Rise of minus twice the logarithm of the likelihood at the ends of a 95 % interval."""

    def problem(self, residuals: int) -> Problem:
        """For many rows that descend together."""
        reach = np.ones((residuals, len(self.low)), dtype=bool)
        return Problem(self.target.rows, self.low, self.high, reach)


@dataclass
class Optimum:
    """Where the likelihood is highest."""

    x: FloatArray
    residuals: FloatArray
    slopes: FloatArray
    """(residual, unknown)."""
    starts: int
    """That were followed."""
    agreed: int
    """Of these, that ended here."""
    others: list[FloatArray]
    """Ends that are as good and elsewhere."""

    @property
    def chi_squared(self) -> float:
        """Sum of squares of all residuals."""
        return float(self.residuals @ self.residuals)

    @property
    def covariance(self) -> FloatArray:
        """Of scaled unknowns, as far as they are straight."""
        normal = self.slopes.T @ self.slopes
        scale = np.sqrt(np.maximum(np.diag(normal), 1e-12))
        even = normal / np.outer(scale, scale)
        inverse = np.linalg.pinv(even + _RIDGE * np.eye(len(even)), hermitian=True)
        return np.asarray(inverse / np.outer(scale, scale))

    @property
    def correlation(self) -> FloatArray:
        """Of scaled unknowns."""
        covariance = self.covariance
        spread = np.sqrt(np.diag(covariance))
        return np.asarray(covariance / np.outer(spread, spread))


def optimum_of(
    bounded: Bounded, usual: FloatArray, starts: int, seed: int, failures: Callable[[], str],
    told: Told = silent,
) -> Optimum:  # fmt: skip
    """The best of many starts, of which the first is the `usual` set. Raises SimulationError where
    nothing runs."""
    begin = _begin(bounded, usual, starts, seed)
    first = bounded.target.rows(begin)
    costs = (first**2).sum(axis=1)
    sound = np.flatnonzero(np.isfinite(costs))
    if not len(sound):
        raise SimulationError(
            f"no parameter set of {len(begin)} within the bounds has a run to compare with the "
            f"data: {failures()}; look at doses, times and priors"
        )
    order = sound[np.argsort(costs[sound], kind="stable")]
    if 0 in order:  # the usual set is always followed
        order = np.concatenate([[0], order[order != 0]])
    kept = order[:starts]
    found = descend(bounded.problem(first.shape[1]), begin[kept], enough=_ROUGH, rounds=_ROUNDS,
                    told=lambda share: told(0.8 * share))  # fmt: skip
    rough = found.chi_squared
    best = np.argsort(rough, kind="stable")
    ends: list[tuple[float, FloatArray, FloatArray]] = []
    for row in best[:_FINISHED]:
        x, residuals = finished(bounded, found.logs[row])
        ends.append((float(residuals @ residuals), x, residuals))
    ends.sort(key=lambda one: one[0])
    cost, x, residuals = ends[0]
    told(1.0)
    others = [one[1] for one in ends[1:]
              if one[0] < cost + _EQUAL and _far(one[1], x, bounded)]  # fmt: skip
    agreed = int((rough < cost + LEVEL).sum())
    slopes = bounded.target.slopes(x, residuals)
    return Optimum(x, residuals, slopes, len(kept), agreed, others)


def finished(bounded: Bounded, begin: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The least squares near a set, and its residuals."""
    from scipy.optimize import least_squares

    known: dict[bytes, FloatArray] = {}

    def residuals(x: FloatArray) -> FloatArray:
        key = x.tobytes()
        if key not in known:
            known.clear()
            known[key] = bounded.target.rows(x[None])[0]
        return known[key]

    def slopes(x: FloatArray) -> FloatArray:
        return bounded.target.slopes(x, residuals(x))

    room = 1e-9 * (bounded.high - bounded.low)
    start = np.clip(begin, bounded.low + room, bounded.high - room)
    if not np.isfinite(residuals(start)).all():
        return begin, bounded.target.rows(begin[None])[0]
    found = least_squares(
        residuals, start, jac=slopes,
        bounds=(bounded.low, bounded.high), x_scale="jac", xtol=1e-7, ftol=1e-8, gtol=1e-8,
        max_nfev=_STEPS,
    )  # fmt: skip
    return np.asarray(found.x), np.asarray(found.fun)


def _begin(bounded: Bounded, usual: FloatArray, starts: int, seed: int) -> FloatArray:
    """The usual set, and a scrambled sequence of Sobol's within the bounds."""
    from scipy.stats import qmc

    power = int(np.ceil(np.log2(max(_TRIED * starts, 2))))
    drawn = qmc.Sobol(len(usual), seed=seed).random_base2(power)
    points = bounded.low + (bounded.high - bounded.low) * drawn
    return np.concatenate([np.clip(usual, bounded.low, bounded.high)[None], points])


def _far(x: FloatArray, other: FloatArray, bounded: Bounded) -> bool:
    return bool((np.abs(x - other) > _APART * np.maximum(bounded.high - bounded.low, 1.0)).any())
