"""What is estimated: parameters with their priors, and what is estimated beside them, as
coordinates.

An optimum moves on scales: logarithms, of shares logits, of offsets numbers. Draws are standard
normal under the priors.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from p53net.engines.base import FloatArray
from p53net.fitting.noise import Nuisance
from p53net.inference.prior import LOG_NORMAL, LOG_UNIFORM, LOGIT_NORMAL, Prior
from p53net.inference.space import Space

REACH = 3.89
"""Standard deviations of a prior to its bounds in a fit: 99.99 % lie between them."""

_LEAST = 1e-12  # a share is not 0


class Unknowns:
    """Parameters first, in the order of the priors, then nuisances."""

    def __init__(self, priors: Sequence[Prior], nuisances: Sequence[Nuisance]) -> None:
        self.priors, self.nuisances = tuple(priors), tuple(nuisances)
        self._space = Space(self.priors)
        self.parameters = [one.name for one in self.priors]
        self.names = [*self.parameters, *(one.name for one in self.nuisances)]
        self._logit = np.array([one.distribution == LOGIT_NORMAL for one in self.priors]
                               + [False] * len(nuisances), dtype=bool)  # fmt: skip
        self._log = np.array(
            [one.distribution in (LOG_NORMAL, LOG_UNIFORM) for one in self.priors]
            + [one.logarithm for one in self.nuisances], dtype=bool)  # fmt: skip
        ends = [_ends(one) for one in self.priors] + [(o.low, o.high) for o in self.nuisances]
        self.ends = np.array(ends).reshape(-1, 2).T
        """Bounds of values: (2, unknown)."""
        self.low, self.high = self.scaled(self.ends)

    def __len__(self) -> int:
        return len(self.names)

    def scaled(self, values: FloatArray) -> FloatArray:
        """Values (n, unknown) on their scales."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(self._log, np.log(values), values)
            return np.where(self._logit, logit(values), logs)

    def values(self, x: FloatArray) -> FloatArray:
        """Back."""
        with np.errstate(over="ignore"):
            found = np.where(self._log, np.exp(np.where(self._log, x, 0.0)), x)
            return np.where(self._logit, expit(x), found)

    def drawn(self, z: FloatArray) -> FloatArray:
        """Scaled unknowns of standard normal coordinates (n, unknown); what is estimated beside
        parameters is uniform on its scale."""
        size = len(self.priors)
        found = np.empty_like(z)
        if size:
            values = np.zeros((len(z), len(self)))
            values[:, :size] = self._space.values(z[:, :size])
            values[:, size:] = 1.0
            found[:, :size] = self.scaled(values)[:, :size]
        low, high = self.low[size:], self.high[size:]
        found[:, size:] = low + (high - low) * ndtr(z[:, size:])
        return found

    def normal(self, x: FloatArray) -> FloatArray:
        """Standard normal coordinates of scaled unknowns (n, unknown)."""
        size = len(self.priors)
        found = np.empty_like(x)
        if size:
            found[:, :size] = self._space.coordinates(self.values(x)[:, :size])
        low, high = self.low[size:], self.high[size:]
        found[:, size:] = ndtri(np.clip((x[:, size:] - low) / (high - low), 1e-9, 1 - 1e-9))
        return found


def _ends(one: Prior) -> tuple[float, float]:
    """Bounds in a fit."""
    if one.distribution == LOG_UNIFORM:
        return one.low, one.high
    spread = REACH * one.deviation
    if one.distribution == LOG_NORMAL:
        low, high = one.centre * np.exp(-spread), one.centre * np.exp(spread)
    elif one.distribution == LOGIT_NORMAL:
        low, high = expit(logit(one.centre) - spread), expit(logit(one.centre) + spread)
    else:
        low, high = one.centre - spread, one.centre + spread
    least = _LEAST if one.distribution == LOGIT_NORMAL else 0.0
    return max(float(low), one.low, least), min(float(high), one.high)
