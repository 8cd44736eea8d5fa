"""Walks over bodies of given cells, guided by nets and decided by the models.

Bodies of all cells are drawn at once, each under its own cell, from random places on. A proposal is
a walk under the nets, of some parts alone or of something that parts share together with its
readers, and it is accepted by how far the models say otherwise there than here (delayed acceptance,
Christen 2005 J Comput Graph Stat 14:795). Nets learn from all that is proposed, and meanwhile what
is likelier is always accepted. Draws are kept once they have stopped to learn, so that the
posterior is that of the models, whatever the nets say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.body_guides import Guides
from p53net.inference.body_problem import Problem

_SHORTEST, _LONGEST = 0.05, 1.0  # steps of a walk under the nets, standard deviations of the prior
_FAR = 2.0  # standard deviations of the prior: how widely what is shared is looked for
_PLACES = (-1.0, 0.5, 2.0, 3.5)  # of what is shared, where all cells are asked first
_CHEAP = 3  # times shorter are walks of what is cheap
_READERS = 2  # of what is shared, for one more move of it in each round: fewer are accepted
_SHORT = 10  # times shorter is every other walk of what is shared
_WORST, _SLOW = 8, 16  # one particle in so many looks at other bodies; moves more often
_LOOKS = 2  # of those in each round
_MORE = 3  # more moves, of particles that seldom go or fit worst, of what is shared


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    random: int = 12
    """Random bodies of each cell that nets learn from first: every other one the same for all."""
    quick: int = 40
    """As many more of what is cheap."""
    learning: int = 8
    """Rounds in which nets learn on."""
    settling: int = 4
    """Rounds after that, whose draws are not kept."""
    kept: int = 32
    """Rounds whose draws are kept."""
    steps: int = 200
    """Of a walk under the nets."""
    again: int = 4
    """Moves of what is cheap in each round, for one of all."""


@dataclass
class Walked:
    """Draws of bodies (draw, particle, coordinate), one after another in each particle's walk."""

    chains: FloatArray
    log_likelihood: FloatArray
    """Draw, particle; but for a constant."""
    accepted: dict[str, float]
    """Share of moves of each part, and of what they share, in the rounds that are kept."""


def walked(
    problem: Problem,
    z: FloatArray,
    random: np.random.Generator,
    effort: Effort,
    told: Callable[[float], None] = lambda _share: None,
) -> Walked:
    """Walks of all particles (particle, coordinate); only what is held is read of `z`."""
    guides = _taught(problem, z, random, effort)
    rounds = effort.learning + effort.settling + effort.kept
    begun = _random(problem, z, random)
    walk = _Walk(problem, guides, begun, problem.rows(begun, problem.labels), random)
    drawn, logs, chances = [], [], []
    for number in range(rounds):
        learning = number < effort.learning
        if number < effort.learning // 2:
            walk.borrow()
        if learning:
            walk.gather()
        if number == effort.learning + effort.settling:
            walk.watch()
        seen = walk.round(effort.steps, effort.again, learning=learning)
        if learning:
            guides.learn()
        elif number >= effort.learning + effort.settling:
            drawn.append(walk.z)
            logs.append(walk.log_likelihood)
            chances.append(seen)
        told((number + 1) / rounds)
    shares = {name: float(np.mean([one[name] for one in chances])) for name in chances[0]}
    return Walked(np.array(drawn), np.array(logs), shares)


def _taught(problem: Problem, z: FloatArray, random: np.random.Generator, effort: Effort) -> Guides:
    """Nets that have seen all cells at the same places, and then each at random."""
    cells, first = np.unique(problem.labels, return_index=True)
    at = np.empty(int(cells.max()) + 1, dtype=np.intp)
    at[cells] = np.arange(len(cells))
    bodies = np.zeros((len(cells), z.shape[1]))
    bodies[:, problem.held] = z[np.ix_(first, problem.held)]
    seen: list[tuple[FloatArray, FloatArray]] = []
    same: list[tuple[FloatArray, FloatArray]] = []
    for place in _PLACES:
        there = bodies.copy()
        there[:, problem.shared] = place
        same.append((there, problem.rows(there, cells)))
    for number in range(effort.random + effort.quick):
        there = _random(problem, bodies, random)
        parts = None if number < effort.random else problem.quick
        if parts is None or parts:
            alike = number % 2 == 0
            if alike:
                there[1:] = there[0]
                there[:, problem.held] = bodies[:, problem.held]
            (same if alike else seen).append((there, problem.rows(there, cells, parts)))
    guides = Guides(problem, [away[at] for _, away in same], int(random.integers(2**31)))
    for there, away in same + seen:
        guides.see(there, cells, away)
    guides.learn()
    return guides


def _random(problem: Problem, z: FloatArray, random: np.random.Generator) -> FloatArray:
    """Bodies from the prior, but for what is held, and what is shared from farther around."""
    there = random.standard_normal(z.shape)
    there[:, problem.shared] *= _FAR
    there[:, problem.held] = z[:, problem.held]
    return there


class _Walk:
    def __init__(
        self,
        problem: Problem,
        guides: Guides,
        z: FloatArray,
        away: FloatArray,
        random: np.random.Generator,
    ) -> None:
        self._problem, self._guides, self._random = problem, guides, random
        self._cheap = [i for i, one in enumerate(problem.parts) if one.name in problem.quick]
        self.z, self._away = z, away
        self._went = np.zeros(len(z))
        """How often each particle has gone to another place of what is shared, since nets stopped
        to learn."""
        self._watched = np.empty(0, dtype=np.intp)

    @property
    def log_likelihood(self) -> FloatArray:
        rows = np.concatenate([part.rows for part in self._problem.parts])
        return np.asarray(-0.5 * (self._away[:, rows] ** 2).sum(axis=1))

    def borrow(self) -> None:
        """Each particle goes to the body of another cell, where that is likelier: a way out of
        places that nets know nothing of."""
        self._look(np.arange(len(self.z)))

    def gather(self) -> None:
        """The least likely look at several bodies of other cells, and at their parts."""
        for _ in range(_LOOKS):
            worst = np.argsort(self._misfit(self.z, self._away))[-(len(self.z) // _WORST or 1) :]
            self._look(worst)
            self._look_at_parts(worst)

    def watch(self) -> None:
        """Choose whom to move more often from now on: who went least, and who fits worst."""
        number = max(len(self.z) // _SLOW, 1)
        worst = np.argsort(-self._misfit(self.z, self._away), kind="stable")[:number]
        self._watched = np.union1d(worst, np.argsort(self._went, kind="stable")[:number])

    def _look(self, some: NDArray[np.intp]) -> None:
        """Particles go to whole bodies of other cells where those are likelier."""
        there, away = self._of_others(some, whole=True)
        better = self._misfit(there, away) < self._misfit(self.z[some], self._away[some])
        self._go(some[better], there[better], away[better], slice(None), slice(None))

    def _look_at_parts(self, some: NDArray[np.intp]) -> None:
        """The same of each part by itself, with what is shared as it is."""
        there, away = self._of_others(some, whole=False)
        new = self._problem.misfits(there, away)
        old = self._problem.misfits(self.z[some], self._away[some])
        for part, better in zip(self._problem.parts, new < old, strict=True):
            self._go(some[better], there[better], away[better], part.columns, part.rows)

    def _of_others(self, some: NDArray[np.intp], *, whole: bool) -> tuple[FloatArray, FloatArray]:
        """Bodies that others have, of other cells, and how far rows are in them."""
        labels = self._problem.labels
        donors = self._random.integers(len(self.z), size=len(some))
        there = self.z[donors]
        kept = self._problem.held if whole else np.append(self._problem.held, self._problem.shared)
        there[:, kept] = self.z[np.ix_(some, kept)]
        own = labels[donors] == labels[some]  # two walks of a cell know nothing of each other
        there[own] = self.z[some[own]]
        away = self._problem.rows(there, labels[some])
        self._guides.see(there, labels[some], away)
        return there, away

    def _go(
        self,
        who: NDArray[np.intp],
        there: FloatArray,
        away: FloatArray,
        columns: NDArray[np.intp] | slice,
        rows: NDArray[np.intp] | slice,
    ) -> None:
        self.z, self._away = self.z.copy(), self._away.copy()
        every_column, every_row = np.arange(self.z.shape[1]), np.arange(self._away.shape[1])
        for array, other, places in (
            (self.z, there, every_column[columns]), (self._away, away, every_row[rows])
        ):  # fmt: skip
            array[np.ix_(who, places)] = other[:, places]

    def _misfit(self, z: FloatArray, away: FloatArray) -> FloatArray:
        """Of whole bodies (particle)."""
        shared = 0.5 * (z[:, self._problem.shared] ** 2).sum(axis=1)
        return np.asarray(self._problem.misfits(z, away).sum(axis=0) + shared)

    def round(self, steps: int, again: int, *, learning: bool) -> dict[str, float]:
        """A move of all parts, more of those that are cheap, and a move of each thing that they
        share with its readers. Mean chances of acceptance."""
        problem = self._problem
        chances = self._move(steps, range(len(problem.parts)), [], learning)
        found = {part.name: one for part, one in zip(problem.parts, chances, strict=True)}
        for _ in range(again if self._cheap else 0):
            self._move(max(steps // _CHEAP, 1), self._cheap, [], learning)
        together = self._together(steps, learning)
        if len(self._watched):
            self._more(steps)
        return {**found, **{f"shared {i}": one for i, one in enumerate(together)}}

    def _together(self, steps: int, learning: bool) -> list[float]:
        """Moves of each thing that parts share with its readers; every other walk is short, for
        who is where nets are wrong."""
        together = []
        for column in self._problem.shared.tolist():
            readers = self._problem.readers(column)
            lengths = [max(steps // _SHORT, 1) if i % 2 else steps
                       for i in range(-(-len(readers) // _READERS))]  # fmt: skip
            moves = [self._move(one, readers, [column], learning)[0] for one in lengths]
            together.append(float(np.mean(moves)))
        return together

    def _more(self, steps: int) -> None:
        """More moves of those that are watched: chosen before, so that chances are as they were."""
        some = self._watched
        problem = replace(self._problem, labels=self._problem.labels[some])
        walk = _Walk(problem, self._guides, self.z[some], self._away[some], self._random)
        for _ in range(_MORE):
            walk._together(steps, learning=False)
        self._go(some, walk.z, walk._away, slice(None), slice(None))

    def _move(
        self, steps: int, parts: Sequence[int], shared: Sequence[int], learning: bool
    ) -> list[float]:
        """Parts each by itself, or all of them with what they share."""
        problem, some = self._problem, [self._problem.parts[i] for i in parts]
        there, gains = self._followed(steps, parts, shared)
        rows = problem.rows(there, problem.labels, frozenset(part.name for part in some))
        if learning:
            self._guides.see(there, problem.labels, rows)
        new = np.array([problem.misfit(one, there, rows[:, one.rows]) for one in some])
        old = np.array([problem.misfit(one, self.z, self._away[:, one.rows]) for one in some])
        better, ratio = old - new, old - new - gains  # beyond what the nets have been heard for
        if len(shared):
            prior = 0.5 * (self.z[:, shared] ** 2 - there[:, shared] ** 2).sum(axis=1)
            better = np.broadcast_to(better.sum(axis=0) + prior, better.shape)
            ratio = np.broadcast_to(ratio.sum(axis=0), ratio.shape)
        if learning:  # away from where nets know little, which would hold a particle
            ratio = np.maximum(ratio, better)
        chances = np.exp(np.minimum(ratio, 0.0))
        draws = self._random.random(chances.shape[1:] if len(shared) else chances.shape)
        went = np.broadcast_to(draws < chances, chances.shape)
        if len(shared) and not learning:
            self._went += went[0]
        for part, moved in zip(some, went, strict=True):
            columns = np.concatenate([part.columns, shared]).astype(np.intp)
            self._go(np.flatnonzero(moved), there[moved], rows[moved], columns, part.rows)
        return [float(one.mean()) for one in (chances[:1] if len(shared) else chances)]

    def _followed(
        self, steps: int, parts: Sequence[int], shared: Sequence[int] | NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray]:
        """Where a walk under the nets ends, and how much more likely the nets call each part there
        (part, particle). Each step moves parts, or what is shared, by chance, so that a walk is as
        likely as its reverse."""
        z = self.z.copy()
        misfits = self._said(parts, z)
        begun = misfits.copy()
        for _ in range(steps):
            if len(shared) and self._random.random() < 0.5:
                there = self._stepped(z, np.asarray(shared))
                new = self._said(parts, there)
                prior = 0.5 * (z[:, shared] ** 2 - there[:, shared] ** 2).sum(axis=1)
                moved = self._decided((misfits - new).sum(axis=0) + prior)
                z[moved], misfits[:, moved] = there[moved], new[:, moved]
                continue
            for k, i in enumerate(parts):
                there = self._stepped(z, self._problem.parts[i].columns)
                new_one = self._guides.misfit(i, there, self._problem.labels)
                moved = self._decided(misfits[k] - new_one)
                z[moved], misfits[k, moved] = there[moved], new_one[moved]
        return z, begun - misfits

    def _said(self, parts: Sequence[int], z: FloatArray) -> FloatArray:
        return np.array([self._guides.misfit(i, z, self._problem.labels) for i in parts])

    def _stepped(self, z: FloatArray, columns: NDArray[np.intp]) -> FloatArray:
        """A step of one of these coordinates or of all of them, of a length by chance."""
        number, among = len(z), len(columns)
        length = np.exp(self._random.uniform(np.log(_SHORTEST), np.log(_LONGEST), number))
        step = length[:, None] * self._random.standard_normal((number, among))
        which = self._random.integers(among + 1, size=number)[:, None]
        there = z.copy()
        there[:, columns] += np.where((which == among) | (which == np.arange(among)), step, 0.0)
        return there

    def _decided(self, log_ratio: FloatArray) -> NDArray[np.bool_]:
        return np.asarray(np.log(self._random.random(len(log_ratio))) < log_ratio)
