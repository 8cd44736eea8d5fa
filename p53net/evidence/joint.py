"""All fitted parameters and the residuals of all their observations, as one problem.

Many trials are asked for at once and run together; a block runs again only where a parameter that
it reads has moved.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import SimulationError, SteadyStateError
from p53net.evidence.blocks import Block, Fitted
from p53net.evidence.cells import Group, Predictions
from p53net.evidence.published import observation
from p53net.evidence.residuals import residual
from p53net.model.derived import DERIVED
from p53net.simulation.trials import Trial

STEP = 1e-3
"""Of a logarithm, for slopes by differences."""

_CHUNK = 8  # trials at least that a thread is worth


class Problem(NamedTuple):
    """Least squares with bounds, for `descend`."""

    residuals: Callable[[FloatArray], FloatArray]
    """(row, parameter) to (row, residual); NaN where there is none."""
    low: FloatArray
    high: FloatArray
    reach: NDArray[np.bool_]
    """Residual, parameter: whether the one depends on the other."""

    def slopes(self, logs: FloatArray, values: FloatArray) -> FloatArray:
        """(row, residual, parameter) by differences, beside the residuals of these rows; towards
        the inside where a bound is near."""
        rows, size = logs.shape
        steps = np.where(logs + STEP > self.high, -STEP, STEP)
        moved = logs[:, None, :] + steps[:, None, :] * np.eye(size)
        there = self.residuals(moved.reshape(-1, size)).reshape(rows, size, -1)
        return np.moveaxis((there - values[:, None]) / steps[:, :, None], 1, 2)

    def corrected(
        self, at: FloatArray, values: FloatArray, slopes: FloatArray | None = None
    ) -> "Problem":
        """This problem with other residuals, and slopes, at one place, and near it."""
        here = self.residuals(at[None])
        shift = values - here[0]
        turn = np.zeros(self.reach.shape)
        if slopes is not None:
            turn = slopes - self.slopes(at[None], here)[0]

        def residuals(logs: FloatArray) -> FloatArray:
            return np.asarray(self.residuals(logs) + shift + (logs - at) @ turn.T)

        return self._replace(residuals=residuals)


class Joint:
    """Blocks fitted together, in logarithms of their parameters."""

    def __init__(self, blocks: Sequence[Block], *, rough: bool = False, near: bool = False) -> None:
        """`rough` and `near` take the cheaper predictions of blocks that have such."""
        self.blocks = tuple(blocks)
        self.parameters: tuple[Fitted, ...] = tuple(
            one for block in blocks for one in block.parameters
        )
        self.observed = [observation(name) for block in blocks for name in block.observed]
        self._groups = [
            (rough and block.rough) or (near and block.near) or block.predict for block in blocks
        ]
        self._known: list[dict[bytes, Predictions]] = [{} for _ in blocks]

    @property
    def problem(self) -> Problem:
        """For an optimiser."""
        low, high = (np.log([getattr(one, end) for one in self.parameters])
                     for end in ("low", "high"))  # fmt: skip
        return Problem(self.residuals, low, high, self.reach)

    @cached_property
    def reach(self) -> NDArray[np.bool_]:
        """Which parameters each observation depends on, by what its block reads of a trial."""
        return np.repeat(np.array(self._read), [len(block.observed) for block in self.blocks], 0)

    @cached_property
    def _read(self) -> list[NDArray[np.bool_]]:
        committed = {one: one.value.value for one in self.parameters}
        found = []
        for group in self._groups:
            read: set[tuple[str, str]] = set()
            trial = with_values({}, committed)
            group([{entry: _Noted(entry, rows, read) for entry, rows in trial.items()}])
            sources = {row.source for row in DERIVED if (row.entry, row.parameter) in read}
            found.append(
                np.array([(p.entry, p.parameter) in read | sources for p in self.parameters])
            )
        return found

    def residuals(self, logs: FloatArray) -> FloatArray:
        """(row, parameter) to (row, observation): distances in standard deviations."""
        made = self.predictions(logs)
        return np.array(
            [[residual(row, one.get(row.id, np.nan)) for row in self.observed] for one in made]
        )

    def predictions(self, logs: FloatArray) -> list[Predictions]:
        """Of all observations, in each row; without those of a block that fails."""
        self._make([np.ascontiguousarray(logs[:, read]) for read in self._read], logs)
        rows: list[Predictions] = [{} for _ in logs]
        for known, read in zip(self._known, self._read, strict=True):
            for row, key in zip(rows, _keys(logs[:, read]), strict=True):
                row |= known[key]
        return rows

    def _make(self, read: Sequence[FloatArray], logs: FloatArray) -> None:
        """Run what is not known yet, in threads."""
        jobs: list[Callable[[], None]] = []
        for group, known, part in zip(self._groups, self._known, read, strict=True):
            new = {key: i for i, key in enumerate(_keys(part)) if key not in known}
            jobs += [
                partial(self._run, group, known, chunk, logs)
                for chunk in _chunks(list(new.items()))
            ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            # Records see the runs of threads, each in a copy of what is about it.
            list(pool.map(lambda job: job[0].run(job[1]), [(copy_context(), job) for job in jobs]))

    def _run(
        self,
        group: Group,
        known: dict[bytes, Predictions],
        rows: Sequence[tuple[bytes, int]],
        logs: FloatArray,
    ) -> None:
        trials = [self.trial(logs[i]) for _, i in rows]
        known.update(zip([key for key, _ in rows], _sound(group, trials), strict=True))

    def trial(self, logs: FloatArray) -> Trial:
        """What a row stands for, with what follows from it."""
        return with_values({}, dict(zip(self.parameters, np.exp(logs).tolist(), strict=True)))


def with_values(trial: Trial, values: Mapping[Fitted, float]) -> Trial:
    """The trial with these values, and what follows from them."""
    made = {entry: dict(rows) for entry, rows in trial.items()}
    for one, value in values.items():
        made.setdefault(one.entry, {})[one.parameter] = value
        for row in DERIVED:
            if row.source == (one.entry, one.parameter):
                made.setdefault(row.entry, {})[row.parameter] = row.function(value)
    return made


class _Noted(Mapping[str, float]):
    """Values of an entry, and a note of which are read."""

    def __init__(self, entry: str, rows: Mapping[str, float], read: set[tuple[str, str]]) -> None:
        self._entry, self._rows, self._read = entry, rows, read

    def __getitem__(self, name: str) -> float:
        value = self._rows[name]
        self._read.add((self._entry, name))
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows


def _sound(group: Group, trials: Sequence[Trial]) -> list[Predictions]:
    """Predictions of each trial, none of one that fails."""
    try:
        return group(trials)
    except (SimulationError, SteadyStateError):
        if len(trials) == 1:
            return [{}]
    half = len(trials) // 2
    return _sound(group, trials[:half]) + _sound(group, trials[half:])


def _keys(rows: FloatArray) -> list[bytes]:
    return [row.tobytes() for row in rows]


def _chunks(rows: list[tuple[bytes, int]]) -> list[list[tuple[bytes, int]]]:
    """For as many threads as there are processors, where that is worth it."""
    parts = min(os.cpu_count() or 1, max(len(rows) // _CHUNK, 1))
    return [rows[i::parts] for i in range(parts)] if rows else []
