"""Where the likeliest body of each cell is, and the shape of the posterior about it.

Least squares by Levenberg and Marquardt, of all cells at once. A slope is taken in all parts of a
body by one run, for no row of a part reads another's coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.parts import Part

_DIFFERENCE = 0.05  # standard deviations of the prior, between which a slope is taken
_LARGEST = 1.5  # the same, of a step
_HARDER, _EASIER = 6.0, 0.25  # factors on the damping
_TRUSTED = 0.1  # damping of what is shared over that of parts, which have stepped before
_QUICKLY = 6  # times as many tries of what is cheap
_FAR = 2.0  # standard deviations of the prior: how widely what is shared is looked for


class Rows(Protocol):
    """What tells how far rows are from the evidence."""

    def __call__(
        self, z: FloatArray, labels: NDArray[np.intp], parts: frozenset[str] | None = None
    ) -> FloatArray:
        """Distances (particle, row); of rows of other `parts` than these NaN."""


@dataclass
class Problem:
    """Rows of bodies over coordinates that are standard normal under the prior, by parts."""

    rows: Rows
    parts: Sequence[Part]
    shared: NDArray[np.intp]
    """Coordinates that several parts read."""
    labels: NDArray[np.intp]
    """Of each particle: its cell."""
    quick: frozenset[str] = frozenset()
    """Parts whose runs are cheap beside the others."""

    def misfit(self, part: Part, z: FloatArray, away: FloatArray) -> FloatArray:
        """Minus the logarithm of the posterior of a part (particle), but for a constant."""
        squares = (away[:, part.rows] ** 2).sum(axis=1) + (z[:, part.columns] ** 2).sum(axis=1)
        return np.asarray(0.5 * squares)

    def misfits(self, z: FloatArray, away: FloatArray) -> FloatArray:
        """The same of the whole body (particle)."""
        own = sum(self.misfit(part, z, away) for part in self.parts)
        return np.asarray(own + 0.5 * (z[:, self.shared] ** 2).sum(axis=1))


@dataclass
class Slopes:
    """How rows of a part follow its own coordinates and shared ones (particle, row, coordinate)."""

    own: FloatArray
    shared: FloatArray

    def spread(self) -> FloatArray:
        """Covariance of the part given what is shared, were the posterior normal."""
        return np.asarray(
            np.linalg.inv(np.eye(self.own.shape[2]) + _across(self.own, self.own)), dtype=float
        )

    def response(self) -> FloatArray:
        """How the part's middle follows what is shared (particle, coordinate, shared)."""
        return np.asarray(-self.spread() @ _across(self.own, self.shared))

    def informed(self) -> FloatArray:
        """What the part says of what is shared: its share of the precision."""
        return np.asarray(
            _across(self.shared, self.shared) + _across(self.shared, self.own) @ self.response()
        )


@dataclass
class Modes:
    """The likeliest point of each particle, and its surroundings."""

    z: FloatArray
    slopes: Sequence[Slopes]

    def spread_shared(self) -> FloatArray:
        """Covariance of what is shared."""
        own = np.eye(self.slopes[0].shared.shape[2])
        precision = own + sum(one.informed() for one in self.slopes)
        return np.asarray(np.linalg.inv(precision), dtype=float)


def likeliest(
    problem: Problem, z: FloatArray, random: np.random.Generator, tries: int, rounds: int
) -> Modes:
    """From the best of `tries` by `tries` random points downhill, so many rounds."""
    z, away = _begun(problem, z, random, tries)
    damping = np.ones((len(z), len(problem.parts) + 1))
    for number in range(rounds):
        if number == rounds // 2:
            z, away = _looked_about(problem, z, away, random, tries)
            z, away = _looked_about(problem, z, away, random, _QUICKLY * tries, problem.quick)
        slopes = _slopes(problem, z, away)
        z, away = _parts_stepped(problem, slopes, z, away, damping)
        z, away = _shared_stepped(problem, slopes, z, away, damping)
    return Modes(z, _slopes(problem, z, away))


def _begun(
    problem: Problem, z: FloatArray, random: np.random.Generator, tries: int
) -> tuple[FloatArray, FloatArray]:
    """The best of some values of what is shared, each with the best of some points of each part."""
    found, rows, least = z, np.empty(0), np.full(len(z), np.inf)
    for number in range(tries):
        there = z.copy()
        if number:
            there[:, problem.shared] = _FAR * random.standard_normal((len(z), len(problem.shared)))
        there, away = _best_of(problem, there, random, tries)
        misfits = problem.misfits(there, away)
        better = (misfits < least)[:, None]
        found = np.where(better, there, found)
        rows = np.where(better, away, rows) if rows.size else away
        least = np.minimum(misfits, least)
    return found, rows


def _best_of(
    problem: Problem, z: FloatArray, random: np.random.Generator, tries: int
) -> tuple[FloatArray, FloatArray]:
    """Of each part the best of some random points, given what is shared."""
    found, away = z, np.empty(0)
    for number in range(tries):
        there = z.copy()
        for part in problem.parts:
            there[:, part.columns] = random.standard_normal((len(z), len(part.columns)))
        if number:
            found, away = _taken(problem, found, away, there)[:2]
        else:
            found, away = there, problem.rows(there, problem.labels)
    return found, away


def _looked_about(
    problem: Problem,
    z: FloatArray,
    away: FloatArray,
    random: np.random.Generator,
    tries: int,
    parts: frozenset[str] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Each part as another has it by now, or as the prior has it by turns, where that is likelier:
    ways out of a valley that leads nowhere."""
    for number in range(tries):
        there = z.copy()
        others = random.standard_normal(z.shape) if number % 2 else z[random.permutation(len(z))]
        for part in problem.parts:
            there[:, part.columns] = others[:, part.columns]
        z, away, _ = _taken(problem, z, away, there, parts)
    return z, away


def _taken(
    problem: Problem,
    z: FloatArray,
    away: FloatArray,
    there: FloatArray,
    parts: frozenset[str] | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Each part, or each of some, where it is likelier; and whether it went there (particle,
    part)."""
    rows = problem.rows(there, problem.labels, parts)  # of other parts NaN, which are not likelier
    z, away = z.copy(), away.copy()
    went = np.zeros((len(z), len(problem.parts)), dtype=bool)
    for i, part in enumerate(problem.parts):
        went[:, i] = better = problem.misfit(part, there, rows) < problem.misfit(part, z, away)
        for array, other, places in ((z, there, part.columns), (away, rows, part.rows)):
            array[np.ix_(better, places)] = other[np.ix_(better, places)]
    return z, away, went


def _slopes(problem: Problem, z: FloatArray, away: FloatArray) -> list[Slopes]:
    found = [
        Slopes(np.zeros((len(z), len(part.rows), len(part.columns))),
               np.zeros((len(z), len(part.rows), len(problem.shared))))
        for part in problem.parts
    ]  # fmt: skip
    for turn in range(max(len(part.columns) for part in problem.parts)):
        asked = [i for i, part in enumerate(problem.parts) if turn < len(part.columns)]
        there = z.copy()
        there[:, [problem.parts[i].columns[turn] for i in asked]] += _DIFFERENCE
        rows = problem.rows(there, problem.labels, frozenset(problem.parts[i].name for i in asked))
        for i in asked:
            places = problem.parts[i].rows
            found[i].own[:, :, turn] = (rows[:, places] - away[:, places]) / _DIFFERENCE
    for turn, column in enumerate(problem.shared):
        there = z.copy()
        there[:, column] += _DIFFERENCE
        rows = problem.rows(there, problem.labels)
        for part, one in zip(problem.parts, found, strict=True):
            one.shared[:, :, turn] = (rows[:, part.rows] - away[:, part.rows]) / _DIFFERENCE
    return found


def _parts_stepped(
    problem: Problem,
    slopes: Sequence[Slopes],
    z: FloatArray,
    away: FloatArray,
    damping: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """A step of each part by itself. The damping of those that it did not help rises."""
    there = z.copy()
    for i, (part, one) in enumerate(zip(problem.parts, slopes, strict=True)):
        curved = np.eye(len(part.columns)) + _across(one.own, one.own)
        downhill = z[:, part.columns] + _times(one.own, away[:, part.rows])
        step = _step(curved, damping[:, i], downhill)
        there[:, part.columns] += step
    z, away, went = _taken(problem, z, away, there)
    damping[:, :-1] *= np.where(went, _EASIER, _HARDER)
    return z, away


def _shared_stepped(
    problem: Problem,
    slopes: Sequence[Slopes],
    z: FloatArray,
    away: FloatArray,
    damping: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """A step of what is shared, which all parts follow."""
    curved = np.eye(len(problem.shared)) + sum(one.informed() for one in slopes)
    downhill = z[:, problem.shared].copy()
    for part, one in zip(problem.parts, slopes, strict=True):
        own = z[:, part.columns] + _times(one.own, away[:, part.rows])
        downhill += _times(one.shared, away[:, part.rows]) + _times(one.response(), own)
    there = followed(problem, slopes, z, _step(curved, _TRUSTED * damping[:, -1], downhill))
    rows = problem.rows(there, problem.labels)
    better = problem.misfits(there, rows) < problem.misfits(z, away)
    damping[:, -1] *= np.where(better, _EASIER, _HARDER)
    return np.where(better[:, None], there, z), np.where(better[:, None], rows, away)


def followed(
    problem: Problem, slopes: Sequence[Slopes], z: FloatArray, step: FloatArray
) -> FloatArray:
    """What is shared goes a step, and each part by its response to it."""
    there = z.copy()
    there[:, problem.shared] += step
    for part, one in zip(problem.parts, slopes, strict=True):
        there[:, part.columns] += np.einsum("nds,ns->nd", one.response(), step)
    return there


def _step(curved: FloatArray, damping: FloatArray, downhill: FloatArray) -> FloatArray:
    """Levenberg and Marquardt's step (particle, coordinate), no longer than `_LARGEST`."""
    damped = curved + np.einsum("n,nij,ij->nij", damping, curved, np.eye(curved.shape[-1]))
    step = -np.linalg.solve(damped, downhill[..., None])[..., 0]
    return np.asarray(np.clip(step, -_LARGEST, _LARGEST), dtype=float)


def _across(one: FloatArray, other: FloatArray) -> FloatArray:
    """Sums of products over rows (particle, coordinate, coordinate)."""
    return np.asarray(np.einsum("nri,nrj->nij", one, other))


def _times(one: FloatArray, other: FloatArray) -> FloatArray:
    """Sums of products over the first of two (particle, coordinate)."""
    return np.asarray(np.einsum("nri,nr->ni", one, other))
