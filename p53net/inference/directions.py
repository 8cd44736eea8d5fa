"""Directions that the evidence informs, and moves along them or across them.

Few particles cannot tell a narrow posterior from chance in a hundred directions at once, so the
directions are told by how rows go with coordinates, by regression over all that was evaluated of
late (as in Cui 2014 Inverse Probl 30:114015, where slopes are exact). Moves are those of Crank and
Nicolson, which keep a normal curve as it is (Cotter 2013 Stat Sci 28:424): along these directions
one as wide as the particles, across them the prior.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray

_INFORMED = 0.05  # what the evidence adds to the prior's precision, in a direction it informs
_RIDGE = 1e-4  # of the mean square of a coordinate
_ACCEPTED = 0.25  # share of moves that a step aims at
_FURTHEST = 0.98
_ADAPTING = 0.5


@dataclass
class Steps:
    """How far a proposal goes along and across, which follows what is accepted."""

    sizes: dict[bool, float] = field(default_factory=lambda: {True: 0.7, False: 0.9})

    def adapt(self, along: bool, accepted: float) -> None:
        """Go further where much is accepted."""
        size = self.sizes[along] * np.exp(_ADAPTING * (accepted - _ACCEPTED))
        self.sizes[along] = float(min(size, _FURTHEST))


class Proposal(NamedTuple):
    """Where particles would go, and what makes the move reversible."""

    there: FloatArray
    factor: FloatArray
    """Logarithm of the normal curve here over there."""


class Directions:
    """A normal curve near the posterior, and its informed directions."""

    def __init__(
        self, z: FloatArray, rows: FloatArray, particles: FloatArray, degree: float
    ) -> None:
        """Of evaluations (n, coordinate), (n, row), and particles at a degree of the evidence."""
        away = z - z.mean(axis=0)
        square = away.T @ away + _RIDGE * (away**2).sum() / away.shape[1] * np.eye(away.shape[1])
        slopes = np.linalg.solve(square, away.T @ (rows - rows.mean(axis=0)))
        axes, sizes = _principal(slopes)
        axes = axes[:, degree * sizes**2 > _INFORMED]
        inside = particles @ axes
        around = inside - inside.mean(axis=0)
        variances, turn = np.linalg.eigh(around.T @ around / max(len(around) - 1, 1))
        self.axes = axes @ turn
        self._wide = np.sqrt(np.maximum(variances, 1e-8))
        self._middle = particles.mean(axis=0) @ self.axes

    @property
    def informed(self) -> int:
        """How many there are."""
        return int(self.axes.shape[1])

    def propose(
        self, here: FloatArray, random: np.random.RandomState, *, size: float, along: bool
    ) -> Proposal:
        """Moves along the informed directions, or across them."""
        kept = np.sqrt(1.0 - size**2)
        if along:
            inner = (here @ self.axes - self._middle) / self._wide
            there = kept * inner + size * random.standard_normal(inner.shape)
            moved = here + ((there - inner) * self._wide) @ self.axes.T
            return Proposal(moved, 0.5 * ((there**2).sum(axis=1) - (inner**2).sum(axis=1)))
        drawn = random.standard_normal(here.shape)
        inner, drawn = (one - (one @ self.axes) @ self.axes.T for one in (here, drawn))
        there = kept * inner + size * drawn
        return Proposal(here + there - inner,
                        0.5 * ((there**2).sum(axis=1) - (inner**2).sum(axis=1)))  # fmt: skip


def _principal(slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Directions of slopes (coordinate, row), and how far rows go along each."""
    try:
        axes, sizes, _ = np.linalg.svd(slopes, full_matrices=False)
    except np.linalg.LinAlgError:  # LAPACK's gesdd may not converge where rows say the same twice
        from scipy.linalg import svd

        axes, sizes, _ = svd(slopes, full_matrices=False, lapack_driver="gesvd")
    return axes, sizes
