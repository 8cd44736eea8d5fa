"""The evidence of a structure from draws of its posterior: bridge sampling.

Draws of the posterior are set against draws of a normal curve that was fitted to other draws of it:
where both have draws, their densities can be compared (Meng 1996 Stat Sinica 6:831). The posterior
of cells is bent, but near enough to such a curve.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import logsumexp

from p53net.engines.base import FloatArray

_DRAWS = 2000  # of the posterior, and as many of the curve, at most, for each run
_SHRUNK = 1e-3  # of the prior's variance, added to that of the curve
_ROUNDS, _CLOSE = 1000, 1e-8

LogLikelihood = Callable[[FloatArray], FloatArray]
"""Of coordinates (n, coordinate) that are standard normal under the prior."""


def log_evidence(
    draws: Sequence[FloatArray], logs: Sequence[FloatArray], log_likelihood: LogLikelihood
) -> list[float]:
    """The logarithm of the evidence by each independent run, with a curve fitted to the others.

    `draws` are those of each run (n, coordinate), `logs` the logarithm of their likelihood (n). A
    run that is alone is cut into halves, which stand for two.
    """
    if len(draws) == 1:
        half = len(draws[0]) // 2
        cut = [draws[0][:half], draws[0][half:]], [logs[0][:half], logs[0][half:]]
        return [float(np.mean(log_evidence(*cut, log_likelihood)))]
    found = []
    for i, (z, log) in enumerate(zip(draws, logs, strict=True)):
        random = np.random.default_rng([*b"bridge", i])
        curve = _Curve(np.concatenate([one for j, one in enumerate(draws) if j != i]))
        kept = random.permutation(len(z))[:_DRAWS]
        drawn = curve.draws(random, len(kept))
        found.append(_bridge(
            log[kept] + _log_prior(z[kept]) - curve.log(z[kept]),
            log_likelihood(drawn) + _log_prior(drawn) - curve.log(drawn),
        ))  # fmt: skip
    return found


class _Curve:
    """A normal curve with the mean and covariance of some draws."""

    def __init__(self, z: FloatArray) -> None:
        self._middle = z.mean(axis=0)
        away = z - self._middle
        wide = away.T @ away / len(z) + _SHRUNK * np.eye(z.shape[1])
        self._root = np.linalg.cholesky(wide)

    def draws(self, random: np.random.Generator, number: int) -> FloatArray:
        drawn = random.standard_normal((number, len(self._middle)))
        return np.asarray(self._middle + drawn @ self._root.T)

    def log(self, z: FloatArray) -> FloatArray:
        """Logarithm of its density."""
        inner = np.linalg.solve(self._root, (z - self._middle).T).T
        return np.asarray(_log_prior(inner) - np.log(np.diag(self._root)).sum())


def _bridge(posterior: FloatArray, curve: FloatArray) -> float:
    """From logarithms of the posterior's density, without its constant, over the curve's, at draws
    of the one and of the other."""
    share = len(posterior) / (len(posterior) + len(curve))
    found = float(np.median(posterior))
    for _ in range(_ROUNDS):
        both = [np.logaddexp(np.log(share) + one, np.log1p(-share) + found)
                for one in (posterior, curve)]  # fmt: skip
        above = logsumexp(curve - both[1]) - np.log(len(curve))
        below = logsumexp(-both[0]) - np.log(len(posterior))
        last, found = found, float(above - below)
        if abs(found - last) < _CLOSE:
            break
    return found


def _log_prior(z: FloatArray) -> FloatArray:
    return np.asarray(-0.5 * (z**2).sum(axis=1) - 0.5 * z.shape[1] * np.log(2.0 * np.pi))
