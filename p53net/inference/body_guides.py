"""Nets that say quickly, and about, how far the rows of each part of a body are from the evidence.

One net a part learns from the bodies of all cells at once. What it is told of a cell is what the
models say of a few bodies that all cells are asked about, in the directions in which cells differ
most.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.body_problem import Problem
from p53net.inference.emulator import Emulator, Learning, squeezed

_TOLD = 12  # directions in which cells differ
_ALIKE = 1e-3  # of the largest: a direction in which they do not
_LEARNED = 24_000  # evaluations that a net learns from, the last
_LEARNING = Learning((128, 128), 1e-2, 256, ((1e-3, 40), (3e-4, 15), (1e-4, 5)),
                     ((1e-3, 4), (3e-4, 3), (1e-4, 3)), np.inf)  # fmt: skip


@dataclass
class _Seen:
    """What a net has been told (n, input), (n, row)."""

    inputs: list[FloatArray] = field(default_factory=list)
    rows: list[FloatArray] = field(default_factory=list)


class Guides:
    """Of the parts of a problem, given how far rows are in each cell (cell, row) of some bodies
    that are the same for all cells; NaN where a part was not asked."""

    def __init__(self, problem: Problem, asked: Sequence[FloatArray], seed: int) -> None:
        self._problem = problem
        self._cells = [
            _differences([away[:, part.rows] for away in asked if _known(away[:, part.rows])])
            for part in problem.parts
        ]
        self._nets = [Emulator(seed + i, _LEARNING) for i in range(len(problem.parts))]
        self._seen = [_Seen() for _ in problem.parts]

    def see(self, z: FloatArray, labels: NDArray[np.intp], away: FloatArray) -> None:
        """Keep evaluations, of parts whose rows are there."""
        for i, part in enumerate(self._problem.parts):
            if _known(away[:, part.rows]):
                self._seen[i].inputs.append(self._inputs(i, z, labels))
                self._seen[i].rows.append(away[:, part.rows])

    def learn(self) -> None:
        """From all that was seen."""
        for net, seen in zip(self._nets, self._seen, strict=True):
            inputs, rows = np.concatenate(seen.inputs), np.concatenate(seen.rows)
            net.learn(inputs[-_LEARNED:], rows[-_LEARNED:])

    def misfit(self, i: int, z: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
        """About the misfit of a part (particle)."""
        rows = self._nets[i].rows(self._inputs(i, z, labels))
        return self._problem.misfit(self._problem.parts[i], z, rows)

    def _inputs(self, i: int, z: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
        part = self._problem.parts[i]
        read = np.concatenate([part.columns, part.shared, self._problem.held])
        return np.hstack([z[:, read], self._cells[i][labels]])


def _known(away: FloatArray) -> bool:
    """Whether these rows were asked for: those that were not are NaN."""
    return not bool(np.isnan(away).any())


def _differences(asked: Sequence[FloatArray]) -> FloatArray:
    """Where each cell is along the directions in which cells differ most (cell, direction), in
    standard deviations."""
    said = squeezed(np.hstack(asked))
    left, sizes, _ = np.linalg.svd(said - said.mean(axis=0), full_matrices=False)
    kept = int((sizes > _ALIKE * max(sizes[0], _ALIKE)).sum())
    return np.asarray(np.sqrt(len(said)) * left[:, : min(kept, _TOLD)])
