"""One block fitted: least squares of logarithms, each observation weighted by its interval.

Shares of patients are compared as they are, for some are 0.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.evidence.blocks import DERIVED, Block, Fitted
from p53net.evidence.cells import Predictions, Trial
from p53net.evidence.published import Observation, observation

STARTS, SEED = 6, 20261125
"""Random starts of each fit, besides the committed values, and their seed."""

DIGITS = 4
"""Of a fitted value, as it is written."""

NUDGE = 1e-3
"""Relative to a logarithm, for slopes by differences."""

_INTERVAL = 2 * 1.959964  # standard deviations that a 95 % interval spans
_QUARTILES = 2 * 0.67449  # and an interquartile range
_LEVEL = 3.841  # of chi-squared with one degree of freedom, 95 %
_SAME = 1e-3  # starts that end within this share of the best sum of squares, or this, found it
_APART = 0.05  # in a logarithm: starts that found it further from the best are another solution


@dataclass
class Fit:
    """What a block gave."""

    block: Block
    estimates: dict[Fitted, float]
    predictions: Predictions
    chi_squared: float
    correlation: pd.DataFrame
    solutions: FloatArray
    """Where starts that fitted as well ended: (start, parameter)."""
    starts: int
    """How many there were."""
    profiles: dict[Fitted, pd.DataFrame] = field(default_factory=dict)
    """Value of each parameter, fixed, and the least chi-squared then."""

    def interval(self, one: Fitted) -> tuple[float, float]:
        """95 % interval from the profile; infinite or 0 where the profile does not close it."""
        profile = self.profiles[one]
        rise = np.maximum(profile["chi_squared"].to_numpy() - self.chi_squared, 0.0)
        logs = np.log(profile["value"].to_numpy())
        middle = int(np.argmin(np.abs(logs - math.log(self.estimates[one]))))
        above = _crossing(logs[middle:], rise[middle:])
        below = _crossing(logs[middle::-1], rise[middle::-1])
        return (0.0 if below is None else math.exp(below),
                math.inf if above is None else math.exp(above))  # fmt: skip

    def elsewhere(self, one: Fitted) -> FloatArray:
        """Other values of a parameter at which starts fitted as well."""
        values = self.solutions[:, list(self.estimates).index(one)]
        return values[np.abs(np.log(values / self.estimates[one])) > _APART]

    def identified(self, one: Fitted) -> bool:
        """Whether the profile closes the interval on both sides, with all solutions inside."""
        low, high = self.interval(one)
        others = self.elsewhere(one)
        return low > 0 and math.isfinite(high) and bool(((others > low) & (others < high)).all())


def fit_block(block: Block, trial: Trial, starts: int = STARTS) -> Fit:
    """The best of several least-squares fits of one block, around values of earlier blocks."""
    from scipy.optimize import least_squares

    residuals = residuals_of(block, trial)
    low, high = bounds_of(block)
    committed = np.log([one.value.value for one in block.parameters])
    random = np.random.default_rng(SEED)
    begin = [np.clip(committed, low + 1e-6, high - 1e-6)]
    begin += [random.uniform(low, high) for _ in range(starts)]
    each = len(block.observed) // len(block.parameters)
    sparsity = np.kron(np.eye(len(block.parameters)), np.ones((each, 1)))
    options: dict[str, Any] = {"jac_sparsity": sparsity} if block.separate else {}
    options |= {"bounds": (low, high), "diff_step": [NUDGE] * len(low), "max_nfev": 60}
    ends = [least_squares(residuals, one, xtol=1e-8, ftol=1e-10, **options) for one in begin]
    best = min(ends, key=lambda end: float(end.cost))
    as_good = [np.exp(end.x) for end in ends if end.cost <= best.cost * (1 + _SAME) + _SAME]
    names = [f"{one.entry}: {one.parameter}" for one in block.parameters]
    jacobian = np.asarray(best.jac.todense() if hasattr(best.jac, "todense") else best.jac)
    covariance = np.linalg.pinv(jacobian.T @ jacobian)
    spread = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore"):  # what nothing depends on has no correlation
        correlation = pd.DataFrame(covariance / np.outer(spread, spread), names, names)
    estimates = {one: rounded(math.exp(x)) for one, x in zip(block.parameters, best.x, strict=True)}
    final = with_values(trial, estimates)
    chi = float((residuals_of(block, trial)(np.log(list(estimates.values()))) ** 2).sum())
    found = block.predict([final])[0]
    return Fit(block, estimates, found, chi, correlation, np.array(as_good), len(begin))


def residual(row: Observation, value: float) -> float:
    """How far a prediction is from its observation, in standard deviations of the latter."""
    wide = _QUARTILES if "interquartile" in row.note else _INTERVAL
    if row.unit == "% of patients":
        return (value - row.middle) * wide / (row.high - row.low)
    if not value > 0:
        return -1e3
    return math.log(value / row.middle) * wide / math.log(row.high / row.low)


def rounded(value: float) -> float:
    """As fitted values are written."""
    return float(f"{value:.{DIGITS}g}")


def residuals_of(block: Block, trial: Trial) -> Callable[[FloatArray], FloatArray]:
    """How far the observations of a block are from their predictions, as a function of the
    logarithms of its parameters."""
    rows = [observation(name) for name in block.observed]

    def residuals(logs: FloatArray) -> FloatArray:
        values = dict(zip(block.parameters, np.exp(logs).tolist(), strict=True))
        found = block.predict([with_values(trial, values)])[0]
        return np.array([residual(row, found[row.id]) for row in rows])

    return residuals


def with_values(trial: Trial, values: Mapping[Fitted, float]) -> Trial:
    """The trial with these values, and what follows from them."""
    made = {entry: dict(rows) for entry, rows in trial.items()}
    for one, value in values.items():
        made.setdefault(one.entry, {})[one.parameter] = value
        for row in DERIVED:
            if row.source == (one.entry, one.parameter):
                made.setdefault(row.entry, {})[row.parameter] = row.function(value)
    return made


def bounds_of(block: Block) -> tuple[FloatArray, FloatArray]:
    """Of the logarithms of a block's parameters."""
    return (
        np.log([one.low for one in block.parameters]),
        np.log([one.high for one in block.parameters]),
    )


def _crossing(x: FloatArray, rise: FloatArray) -> float | None:
    """Where `rise` first passes the level; None if it does not.

    Between two points its root is taken as straight, as it is near a minimum.
    """
    past = np.flatnonzero(rise > _LEVEL)
    if not len(past):
        return None
    i = past[0]
    (x0, x1), (y0, y1) = x[i - 1 : i + 1], np.sqrt(rise[i - 1 : i + 1])
    return float(x0 + (math.sqrt(_LEVEL) - y0) * (x1 - x0) / (y1 - y0))
