"""From priors to a posterior: tempered particles, moved by a well-kept sampler of Markov chains.

The likelihood is let in by degrees, so that each adds as much as half of the particles can bear
(Del Moral 2006 J R Stat Soc B 68:411), and all move under it, by turns along the directions that
the evidence informs and across them. What the degrees add up to is the evidence of the structure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.directions import Directions, Proposal, Steps

Residuals = Callable[[FloatArray, NDArray[np.intp]], FloatArray]
"""Of coordinates (n, coordinate) and of what each particle is attached to (n): how far each row is
from the evidence (n, row). The logarithm of the likelihood is half of minus the sum of squares."""

Told = Callable[[float], None]

Propose = Callable[[FloatArray, np.random.RandomState], Proposal]
"""Where particles (n, coordinate) would go."""

_HALF = 0.5  # of the particles still count after a degree
_LEAST = 1e-9  # a degree at which rows that are let in do not count
_REMEMBERED = 4096  # evaluations that tell how rows go with coordinates
_KEPT = 80  # rounds of evaluations, which is more than that
_SETTLED = {True: 0.36, False: 0.21}  # sizes of moves along and across that a posterior of all rows
# of cells came to, of which a quarter are accepted


@dataclass
class Sampled:
    """Particles of one run, and how it went. Coordinates are standard normal under the prior."""

    log_evidence: float
    """Logarithm of the evidence."""
    chains: FloatArray = field(default_factory=lambda: np.empty(0))
    """Draw, particle, coordinate: the last moves of each particle."""
    log_likelihood: FloatArray = field(default_factory=lambda: np.empty(0))
    """Draw, particle."""
    degrees: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    """Share of moves that were accepted, at each degree."""
    steps: list[tuple[float, ...]] = field(default_factory=list)
    """Sizes of moves along and across, at each degree; then also the length of walks."""
    informed: list[int] = field(default_factory=list)
    """Directions that the evidence informs, at each degree."""
    evaluations: int = 0
    labels: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """What each particle is attached to, in the end."""

    def note(self, accepted: float, steps: tuple[float, ...], informed: int) -> None:
        """How moves went."""
        self.accepted.append(accepted)
        self.steps.append(steps)
        self.informed.append(informed)

    def keep(self, drawn: Sequence[FloatArray], log_likelihood: Sequence[FloatArray]) -> None:
        """Draws (particle, coordinate), (particle), one after another."""
        self.chains, self.log_likelihood = np.array(drawn), np.array(log_likelihood)


@dataclass
class Settings:
    """How much is done: particles, moves at each degree, and draws kept of as many moves each."""

    particles: int = 256
    moves: int = 6
    draws: int = 12
    between: int = 6


def tempered(
    residuals: Residuals,
    highest: float,
    coordinates: int,
    random: np.random.Generator,
    settings: Settings,
    told: Told = lambda _share: None,
    labels: NDArray[np.intp] | None = None,
) -> Sampled:
    """Particles of the posterior. The same random numbers give the same particles, bit for bit.

    `highest` is the logarithm of the likelihood where no row is away from the evidence. With
    `labels`, each particle is attached to one of them, which it keeps: particles with labels that
    the evidence speaks against die out.
    """
    z = random.standard_normal((settings.particles, coordinates))
    at = Particles(residuals, random, z, labels)
    steps = Steps()
    found = let_in(at, highest, settings, steps, lambda share: told(0.7 * share))
    chains, logs = [], []
    for number in range(settings.draws):
        directions = at.directions(1.0)
        shares = [at.move(1.0, directions, steps) for _ in range(settings.between)]
        found.note(float(np.mean(shares)), tuple(steps.sizes.values()), directions.informed)
        chains.append(at.z)
        logs.append(highest + at.log)
        told(0.7 + 0.3 * (number + 1) / settings.draws)
    found.keep(chains, logs)
    found.evaluations, found.labels = at.evaluations, at.labels
    return found


def renewed(
    residuals: Residuals,
    known: int,
    z: FloatArray,
    random: np.random.Generator,
    moves: int,
    labels: NDArray[np.intp] | None = None,
    *,
    out: bool = False,
) -> Sampled:
    """Particles of a posterior of the first `known` rows, taken on to that of all rows; with `out`
    from that of all rows back to that of the first.

    They move `moves` times at each degree of the further rows, `z` being where they are (particle,
    coordinate). Of what is `Sampled` there is one draw, with the logarithm of the likelihood of the
    further rows and of their chance given the first (with `out`, of one over it), each but for what
    a row has at its highest.
    """
    at = Particles(residuals, random, z, labels, known=known)
    settings = Settings(particles=len(z), moves=moves)
    found = let_in(at, 0.0, settings, Steps(dict(_SETTLED)), lambda _share: None, out=out)
    found.keep([at.z], [at.log])
    found.evaluations, found.labels = at.evaluations, at.labels
    return found


def let_in(
    at: "Particles", highest: float, settings: Settings, steps: Steps, told: Told, *,
    out: bool = False,
) -> Sampled:  # fmt: skip
    """Particles of the prior become those of the posterior, by degrees of the evidence, or the
    other way, `out`. What is found has no draws yet."""
    found, done = Sampled(highest), 0.0
    while done < 1.0:
        log = -at.log if out else at.log
        added = _next(log, done)
        weights = np.exp((log - log.max()) * added)
        found.log_evidence += float(np.log(weights.mean()) + added * log.max())
        done = 1.0 if done + added > 1.0 - 1e-9 else done + added
        degree = 1.0 - done if out else done
        at.resample(weights)
        directions = at.directions(degree)
        shares = [at.move(degree, directions, steps) for _ in range(settings.moves)]
        found.degrees.append(degree)
        found.note(float(np.mean(shares)), tuple(steps.sizes.values()), directions.informed)
        told(_done(done))
    return found


class Particles:
    """All particles with their residuals, and what was seen where they tried to go."""

    def __init__(
        self,
        residuals: Residuals,
        random: np.random.Generator,
        z: FloatArray,
        labels: NDArray[np.intp] | None = None,
        *,
        remember: int = _KEPT,
        known: int = 0,
    ) -> None:
        """Of so many rounds of evaluations the last are remembered. The first `known` rows count in
        full, whatever the degree of the others."""
        self._residuals, self.random = residuals, random
        self._remember, self._known = remember, known
        self.z, self.labels = z, np.zeros(len(z), np.intp) if labels is None else labels
        self._rows = residuals(z, self.labels)
        self.evaluations = len(z)
        self._seen = [(z, self._rows)]

    @property
    def log(self) -> FloatArray:
        """Logarithms of likelihood of what is let in, below the highest."""
        return np.asarray(-0.5 * (self._rows[:, self._known :] ** 2).sum(axis=1))

    def seen(self, most: int) -> tuple[FloatArray, FloatArray]:
        """Coordinates and rows of the last evaluations."""
        z, rows = (np.concatenate(parts) for parts in zip(*self._seen, strict=True))
        return z[-most:], rows[-most:]

    def recall(self, z: FloatArray, rows: FloatArray, evaluations: int) -> None:
        """What was seen before, in so many evaluations."""
        self._seen, self.evaluations = [(z, rows)], evaluations

    def number(self) -> int:
        """A random number that seeds another library."""
        return int(self.random.integers(2**31))

    def resample(self, weights: FloatArray) -> None:
        """Keep each particle as often as its weight says (systematic)."""
        ends = np.cumsum(weights) / weights.sum()
        places = (self.random.random() + np.arange(len(weights))) / len(weights)
        kept = np.minimum(np.searchsorted(ends, places), len(weights) - 1)
        self.z, self._rows, self.labels = self.z[kept], self._rows[kept], self.labels[kept]

    def directions(self, degree: float) -> Directions:
        """What is known of the posterior's shape by now."""
        z, rows = self.seen(_REMEMBERED)
        share = np.ones(rows.shape[1])
        least = max(degree, _LEAST)
        share[: self._known] = 1.0 / least  # whose degree is 1
        return Directions(z, rows * np.sqrt(share), self.z, least)

    def move(self, degree: float, directions: Directions, steps: Steps) -> float:
        """A proposal along and one across for each particle; the share accepted."""
        shares = []
        for along in list(steps.sizes):
            if along and not directions.informed:
                continue
            share = self.moved(degree, partial(directions.propose, size=steps.sizes[along],
                                               along=along))  # fmt: skip
            steps.adapt(along, share)
            shares.append(share)
        return float(np.mean(shares))

    def moved(self, degree: float, propose: Propose) -> float:
        """A proposal for each particle, accepted or not by emcee; the share accepted."""
        from emcee import EnsembleSampler, State
        from emcee.moves import MHMove

        def log_probability(there: FloatArray) -> FloatArray:
            rows = self._residuals(there, self.labels)
            self._seen = [*self._seen[-self._remember :], (there, rows)]
            self.evaluations += len(there)
            return np.column_stack([self._log_posterior(there, rows, degree), rows])

        sampler = EnsembleSampler(
            *self.z.shape, log_probability, moves=MHMove(propose), vectorize=True
        )
        sampler.random_state = np.random.RandomState(self.number()).get_state()
        rows = self._rows[:, 0] if self._rows.shape[1] == 1 else self._rows  # as emcee keeps them
        here = self._log_posterior(self.z, self._rows, degree)
        before = State(self.z, log_prob=here, blobs=rows)
        after = sampler.run_mcmc(before, 1, skip_initial_state_check=True, store=False)
        moved = (after.coords != self.z).any(axis=1)
        self.z, self._rows = after.coords, np.reshape(after.blobs, self._rows.shape)
        return float(moved.mean())

    def _log_posterior(self, z: FloatArray, rows: FloatArray, degree: float) -> FloatArray:
        """Logarithm of prior times likelihood to a degree (n), but for a constant."""
        known, more = np.split(rows**2, [self._known], axis=1)
        squares = known.sum(axis=1) + degree * more.sum(axis=1)
        return np.asarray(-0.5 * (squares + (z**2).sum(axis=1)))


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


def _done(degree: float) -> float:
    """Share of the way: degrees rise about geometrically."""
    return float(np.clip(1.0 + np.log10(degree) / 6.0, 0.0, 1.0))
