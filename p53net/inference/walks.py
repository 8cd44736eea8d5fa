"""Walks over bodies of given cells: each part moves by itself, and all follow what they share.

Proposals are by turns those of Crank and Nicolson about the normal curve that a mode's surroundings
suggest (Cotter 2013 Stat Sci 28:424), which go far where the posterior is like it, and steps of the
curve's shape from where the walk is, which go on where it is not. They are accepted by what the
models say (Metropolis), so that the curve only decides how far the walk gets. How bold they are is
learned in the first part of the walk, of each cell and part.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.modes import Modes, Problem, followed

_ACCEPTED = 0.3  # of proposals, which boldness aims at
_LEAST, _MOST = 0.05, 1.0  # boldness: 1 forgets where the walk is
_LEARNING = 1 / 3  # share of a walk; draws are those of the rest
_WIDER = 1.15  # than the curve: tails are heavier than a normal's


@dataclass
class Walked:
    """Draws of bodies (draw, particle, coordinate), one after another in each particle's walk."""

    chains: FloatArray
    log_likelihood: FloatArray
    """Draw, particle; but for a constant."""
    accepted: dict[str, float]
    """Share of moves of each part, and of what they share, after learning."""


class _Walk:
    def __init__(
        self, problem: Problem, modes: Modes, z: FloatArray, random: np.random.Generator
    ) -> None:
        self._problem, self._modes, self._random = problem, modes, random
        self.z, self._away = z, problem.rows(z, problem.labels)
        spreads = [one.spread() for one in modes.slopes]
        self._roots = [_WIDER * _root(one) for one in spreads]
        self._responses = [one.response() for one in modes.slopes]
        self._root = _WIDER * _root(modes.spread_shared())
        number = len(problem.parts) + 1  # the last is of what they share
        self._bold = np.full((2, len(z), number), 0.5)  # about the middle, from where it is
        self._chances = np.zeros((len(z), number))

    @property
    def log_likelihood(self) -> FloatArray:
        rows = np.concatenate([part.rows for part in self._problem.parts])
        return np.asarray(-0.5 * (self._away[:, rows] ** 2).sum(axis=1))

    def move(self, learned: float) -> FloatArray:
        """Moves of all parts and of what they share; chances of acceptance (particle, part)."""
        for walking in (0, 1):
            self._move_parts(walking)
            self._learn(walking, slice(None, -1), learned)
        self._move_shared()
        self._learn(0, slice(-1, None), learned)
        return self._chances.copy()

    def _learn(self, walking: int, which: slice, learned: float) -> None:
        away = self._chances[:, which] - _ACCEPTED
        bold = self._bold[walking][:, which] * np.exp(learned * away)
        self._bold[walking][:, which] = np.clip(bold, _LEAST, _MOST)

    def _move_parts(self, walking: int) -> None:
        problem, z, bold = self._problem, self.z, self._bold[walking]
        there, changes = z.copy(), list[FloatArray | float]()
        away = z[:, problem.shared] - self._modes.z[:, problem.shared]
        for i, part in enumerate(problem.parts):
            middle = self._modes.z[:, part.columns]
            middle = middle + np.einsum("nds,ns->nd", self._responses[i], away)
            here = _white(self._roots[i], z[:, part.columns] - middle)
            new = self._stepped(here, bold[:, i]) if walking else self._proposed(here, bold[:, i])
            there[:, part.columns] = middle + _coloured(self._roots[i], new)
            changes.append(0.0 if walking else 0.5 * ((new**2).sum(axis=1) - (here**2).sum(axis=1)))
        rows = problem.rows(there, problem.labels)
        self.z, self._away = z.copy(), self._away.copy()
        for i, part in enumerate(problem.parts):
            gain = problem.misfit(part, z, self._away) - problem.misfit(part, there, rows)
            went = self._decided(i, gain + changes[i])
            self.z[np.ix_(went, part.columns)] = there[np.ix_(went, part.columns)]
            self._away[np.ix_(went, part.rows)] = rows[np.ix_(went, part.rows)]

    def _move_shared(self) -> None:
        problem, z = self._problem, self.z
        here = _white(self._root, z[:, problem.shared] - self._modes.z[:, problem.shared])
        new = self._proposed(here, self._bold[0, :, -1])
        there = followed(problem, self._modes.slopes, z, _coloured(self._root, new - here))
        rows = problem.rows(there, problem.labels)
        gain = problem.misfits(z, self._away) - problem.misfits(there, rows)
        change = 0.5 * ((new**2).sum(axis=1) - (here**2).sum(axis=1))
        went = self._decided(-1, gain + change)[:, None]
        self.z, self._away = np.where(went, there, z), np.where(went, rows, self._away)

    def _proposed(self, here: FloatArray, bold: FloatArray) -> FloatArray:
        kept = np.sqrt(1.0 - bold**2)[:, None]
        return np.asarray(kept * here + bold[:, None] * self._random.standard_normal(here.shape))

    def _stepped(self, here: FloatArray, bold: FloatArray) -> FloatArray:
        return np.asarray(here + bold[:, None] * self._random.standard_normal(here.shape))

    def _decided(self, column: int, log_ratio: FloatArray) -> NDArray[np.bool_]:
        chances = np.exp(np.minimum(log_ratio, 0.0))
        self._chances[:, column] = chances
        return np.asarray(self._random.random(len(chances)) < chances)


def walked(
    problem: Problem,
    modes: Modes,
    random: np.random.Generator,
    rounds: int,
    told: Callable[[float], None] = lambda _share: None,
) -> Walked:
    """Walks of so many rounds from near the modes; draws are those after learning."""
    walk = _Walk(problem, modes, _scattered(problem, modes, random), random)
    drawn, logs, chances = [], [], []
    learning = int(rounds * _LEARNING)
    for number in range(rounds):
        seen = walk.move(1.0 / np.sqrt(1.0 + number) if number < learning else 0.0)
        if number >= learning:
            drawn.append(walk.z)
            logs.append(walk.log_likelihood)
            chances.append(seen.mean(axis=0))
        told((number + 1) / rounds)
    names = [*(part.name for part in problem.parts), "shared"]
    shares = np.mean(chances, axis=0).tolist()
    return Walked(np.array(drawn), np.array(logs), dict(zip(names, shares, strict=True)))


def _scattered(problem: Problem, modes: Modes, random: np.random.Generator) -> FloatArray:
    """Draws of the normal curves."""
    number = len(modes.z)
    root = _root(modes.spread_shared())
    step = _coloured(root, random.standard_normal((number, len(problem.shared))))
    z = followed(problem, modes.slopes, modes.z, step)
    for part, one in zip(problem.parts, modes.slopes, strict=True):
        own = random.standard_normal((number, len(part.columns)))
        z[:, part.columns] += _coloured(_root(one.spread()), own)
    return z


def _root(spread: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.cholesky(spread), dtype=float)


def _coloured(root: FloatArray, white: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("nij,nj->ni", root, white))


def _white(root: FloatArray, away: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(root, away[..., None])[..., 0], dtype=float)
