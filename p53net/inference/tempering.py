"""From priors to a posterior: tempered particles, moved by a well-kept sampler of Markov chains.

The likelihood is let in by degrees, so that each adds as much as half of the particles can bear;
then all move under it by Crank and Nicolson's proposal, which keeps a normal curve as it is and so
does not slow down with the number of parameters (Cotter 2013 Stat Sci 28:424; Del Moral 2006 J R
Stat Soc B 68:411). What the degrees add up to is the evidence of the structure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray

LogLikelihood = Callable[[FloatArray, NDArray[np.intp]], FloatArray]
"""Of coordinates (n, coordinate), and of what each particle is attached to (n)."""

Told = Callable[[float], None]

_HALF = 0.5  # of the particles still count after a degree
_ACCEPTED = 0.25  # share of moves that a step aims at
_FIRST_STEP, _LONGEST = 0.5, 0.95
_INFORMED = 0.3  # variance over the prior's, below which a direction is told by the evidence


@dataclass
class Sampled:
    """Particles of one run, and how it went. Coordinates are standard normal under the prior."""

    chains: FloatArray
    """Draw, particle, coordinate: the last moves of each particle."""
    log_likelihood: FloatArray
    """Draw, particle."""
    log_evidence: float
    """Logarithm of the evidence."""
    degrees: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    """Share of moves that were accepted, at each degree."""
    evaluations: int = 0
    labels: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """What each particle is attached to, in the end."""


@dataclass
class Settings:
    """How much is done: particles, moves at each degree, and draws kept of as many moves each."""

    particles: int = 512
    moves: int = 6
    draws: int = 4
    between: int = 8


def tempered(
    likelihood: LogLikelihood,
    coordinates: int,
    random: np.random.Generator,
    settings: Settings,
    told: Told = lambda _share: None,
    labels: NDArray[np.intp] | None = None,
) -> Sampled:
    """Particles of the posterior. The same random numbers give the same particles, bit for bit.

    With `labels`, each particle is attached to one of them, which it keeps: particles with labels
    that the evidence speaks against die out.
    """
    z = random.standard_normal((settings.particles, coordinates))
    labels = np.zeros(len(z), dtype=np.intp) if labels is None else labels
    log = likelihood(z, labels)
    found = Sampled(np.empty(0), np.empty(0), 0.0, evaluations=len(z))
    degree, step = 0.0, _FIRST_STEP
    while degree < 1.0:
        added = _next(log, degree)
        weights = np.exp((log - log.max()) * added)
        found.log_evidence += float(np.log(weights.mean()) + added * log.max())
        degree = 1.0 if degree + added > 1.0 - 1e-9 else degree + added
        rows = _resampled(weights, random)
        middle, spread = _normal_of(z, weights)
        z, log, labels = z[rows], log[rows], labels[rows]
        chain = _Chains(likelihood, labels, degree, middle, spread, random)
        for _ in range(settings.moves):
            z, log, share = chain.moved(z, log, step)
            step = _adapted(step, share)
        found.degrees.append(degree)
        found.accepted.append(share)
        found.evaluations += settings.moves * len(z)
        told(_done(degree) * settings.moves / (settings.moves + settings.between))
    chains, logs = [], []
    for number in range(settings.draws):
        chain = _Chains(likelihood, labels, 1.0, *_normal_of(z), random)
        for _ in range(settings.between):
            z, log, share = chain.moved(z, log, step)
            step = _adapted(step, share)
        found.accepted.append(share)
        found.evaluations += settings.between * len(z)
        chains.append(z.copy())
        logs.append(log.copy())
        told(0.5 + 0.5 * (number + 1) / settings.draws)
    found.chains, found.log_likelihood, found.labels = np.array(chains), np.array(logs), labels
    return found


class _Chains:
    """Moves of all particles under the prior times a power of the likelihood, by emcee."""

    def __init__(
        self,
        likelihood: LogLikelihood,
        labels: NDArray[np.intp],
        degree: float,
        middle: FloatArray,
        spread: FloatArray,
        random: np.random.Generator,
    ) -> None:
        self._likelihood, self._labels = likelihood, labels
        self._degree, self._middle = degree, middle
        variances, axes = np.linalg.eigh(spread)
        variances = np.where(variances < _INFORMED, variances, 1.0)
        self._out, self._in = axes * np.sqrt(variances), axes / np.sqrt(variances)
        self._random = random

    def moved(
        self, z: FloatArray, log: FloatArray, step: float
    ) -> tuple[FloatArray, FloatArray, float]:
        """Particles after one proposal each, their log likelihoods, and the share accepted."""
        from emcee import EnsembleSampler, State
        from emcee.moves import MHMove

        def propose(
            here: FloatArray, random: np.random.RandomState
        ) -> tuple[FloatArray, FloatArray]:
            inner = (here - self._middle) @ self._in
            there = np.sqrt(1.0 - step**2) * inner + step * random.standard_normal(inner.shape)
            return self._middle + there @ self._out.T, 0.5 * (
                (there**2).sum(axis=1) - (inner**2).sum(axis=1)
            )

        def log_probability(there: FloatArray) -> FloatArray:
            likelihood = self._likelihood(there, self._labels)
            posterior = self._degree * likelihood - 0.5 * (there**2).sum(axis=1)
            return np.column_stack([posterior, likelihood])

        sampler = EnsembleSampler(*z.shape, log_probability, moves=MHMove(propose), vectorize=True)
        sampler.random_state = np.random.RandomState(self._random.integers(2**31)).get_state()
        before = State(z, log_prob=self._degree * log - 0.5 * (z**2).sum(axis=1), blobs=log)
        after = sampler.run_mcmc(before, 1, skip_initial_state_check=True, store=False)
        return after.coords, np.ravel(after.blobs), float((after.coords != z).any(axis=1).mean())


def _next(log: FloatArray, degree: float) -> float:
    """How much of the likelihood half of the particles can bear."""
    low, high = 0.0, 1.0 - degree
    if _counting(log * high) >= _HALF:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _counting(log * middle) >= _HALF else (low, middle)
    return low


def _counting(log_weights: FloatArray) -> float:
    """Effective share of particles with these weights."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


def _resampled(weights: FloatArray, random: np.random.Generator) -> NDArray[np.intp]:
    """Places of particles, each as often as its weight says (systematic)."""
    ends = np.cumsum(weights) / weights.sum()
    places = (random.random() + np.arange(len(weights))) / len(weights)
    return np.minimum(np.searchsorted(ends, places), len(weights) - 1)


def _normal_of(z: FloatArray, weights: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of particles."""
    return (np.average(z, axis=0, weights=weights), np.cov(z.T, aweights=weights))


def _adapted(step: float, accepted: float) -> float:
    return float(min(step * np.exp(0.5 * (accepted - _ACCEPTED)), _LONGEST))


def _done(degree: float) -> float:
    """Share of the way: degrees rise about geometrically."""
    return float(np.clip(1.0 + np.log10(degree) / 6.0, 0.0, 1.0))
