"""What engines are given and give back: runs of one model, a row of every array for each.

One run is a problem of one row. An engine is a class in a file of this folder, made of a definition
and tolerances, that has what `Engine` says; `p53net/simulation/choice.py` lists them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from p53net.errors import InputError, P53NetError
from p53net.model.definition import Definition

FloatArray = NDArray[np.float64]


LOOSEST = 1e-4
"""Relative tolerance above which runs are useless."""


@dataclass(frozen=True)
class Tolerances:
    """Relative tolerance, and absolute tolerance [zmol], low enough for the smallest doses."""

    relative: float = 1e-9
    absolute: float = 1e-16

    def __post_init__(self) -> None:
        if not 0.0 < self.relative <= LOOSEST:
            raise InputError(
                f"the relative tolerance is {self.relative:g}, but must be above 0 and at most "
                f"{LOOSEST:g}: looser runs are wrong and cost no less"
            )


@dataclass(frozen=True)
class DosingEvents:
    """What changes in each run after its start, and when: doses, in a dish new media.

    `times` (run, event) rise; infinite ones, and those after the end of a run, never come.
    `values` (run, event, name) are new values of `names`, or of those in `added` what is added to
    the old one; NaN is no change. A row of output at the time of an event shows what it does.
    """

    times: FloatArray
    names: tuple[str, ...]
    values: FloatArray
    added: frozenset[str] = frozenset()

    @classmethod
    def none(cls, runs: int = 1) -> "DosingEvents":
        """Of runs to which nothing happens."""
        return cls(np.empty((runs, 0)), (), np.empty((runs, 0, 0)))

    def of(self, rows: "NDArray[np.intp] | slice") -> "DosingEvents":
        """Those of some runs."""
        return DosingEvents(self.times[rows], self.names, self.values[rows], self.added)


@dataclass(frozen=True)
class Problem:
    """Runs from 0 to the last of their `times`."""

    parameters: Mapping[str, FloatArray]
    """Those that differ from the file, a value for each run."""
    starts: FloatArray
    """Run, state: in the order of the engine's `states`, with what is dosed at the start."""
    times: FloatArray
    """At which outputs are wanted, common to all runs or a row for each; they rise from 0, and may
    repeat."""
    outputs: tuple[str, ...]
    """Names of species and derived quantities."""
    events: DosingEvents
    tolerances: Tolerances | None = None
    """Of these runs; None for those of the engine."""

    def __len__(self) -> int:
        return len(self.starts)

    def row(self, i: int) -> dict[str, float]:
        """The parameters of one run."""
        return {name: float(values[i]) for name, values in self.parameters.items()}

    def grid(self, i: int) -> FloatArray:
        """The times of one run."""
        return self.times if self.times.ndim == 1 else np.asarray(self.times[i])


class Runs(NamedTuple):
    """What a problem gave."""

    values: FloatArray
    """Run, output, time; NaN for what failed."""
    errors: dict[int, P53NetError]
    """Why a run failed; a run that is not here is sound."""
    steps: FloatArray
    """Of the integrator, in each run; NaN where it does not say."""


class AtRest(NamedTuple):
    """States at rest."""

    states: FloatArray
    """Cell, state."""
    values: FloatArray
    """Cell, quantity."""
    errors: dict[int, P53NetError]
    """Why a cell has none."""
    rates: FloatArray | None = None
    """Rates of change there, what is left of them, where the engine gives them."""


@dataclass(frozen=True)
class Capabilities:
    """What decides how an engine is used."""

    together: bool
    """Whether many runs at once cost less than one after the other."""
    threads: bool
    """Whether several threads may use it at once. If not, it keeps them apart by a lock."""
    tightening: float = 1e-3
    """Relative tolerance over the accuracy that is wanted, at which most runs have it."""
    locks: bool = False
    """Whether it is `Locking`."""
    apart: bool = False
    """Whether it is in another process: each call costs the way there and back."""


class Engine(Protocol):
    """One model, ready to run. What a run gives depends on its own row alone."""

    capabilities: ClassVar[Capabilities]

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        """Raises UnsupportedError, naming what it cannot run of the model."""

    @property
    def label(self) -> str:
        """Name and version, for the record of a run."""

    @property
    def states(self) -> tuple[str, ...]:
        """What has a start value, in the order of columns."""

    @property
    def deadline(self) -> float:
        """When `perf_counter` passes this, the next integration is a TimeLimitError, in engines
        that do one run after the other."""

    @deadline.setter
    def deadline(self, moment: float) -> None: ...

    def ready(self) -> None:
        """Compile, which the first run would do."""

    def integrate(self, problem: Problem) -> Runs:
        """All runs of a problem. A run that fails is an error in its place."""

    def rest(self, cells: "Cells", *, near: bool, stable: bool = True) -> AtRest:
        """States at rest, reached from `starts` without further input, with conserved totals as
        there: directly if `near`, which needs a model with one state at rest, or by following the
        cell in time first. Unless `stable` is False, states from which a cell moves away are none.
        """

    def file_starts(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Start values as the engine works them out from the file, for changed parameters: of
        states, and of what the file computes from others. For models whose start values have no
        formulas."""


class Locking(Engine, Protocol):
    """An engine some of whose runs can take the same steps, so that their differences carry no
    noise of its own: for slopes."""

    @property
    def lanes(self) -> int:
        """How many runs can: rows of a problem, one after the other, from a multiple of it on."""

    def integrate_locked(self, problem: Problem) -> Runs:
        """All runs of a problem of so many rows, or a multiple. Those that take the same steps
        have events and outputs at the same times; they fail together."""

    def beside(self, cells: "Cells", of: NDArray[np.intp]) -> AtRest:
        """States at rest of cells that differ little from others of them, which are at rest at
        their `starts`. `of` is the row of each cell's other one; in that it is its own. Differences
        of the two carry no noise either."""


@dataclass(frozen=True)
class Cells:
    """Cells whose states at rest are looked for, a row of every array for each."""

    parameters: Mapping[str, FloatArray]
    starts: FloatArray
    quantities: tuple[str, ...] = ()
    """Species and derived quantities that are wanted there."""
    still: FloatArray | None = field(default=None)
    """Rates of another cell at rest: a start that has these very rates is at rest."""

    def rows(self) -> Iterator[tuple[int, dict[str, float], FloatArray]]:
        """Number, parameters and start of each."""
        for i, start in enumerate(self.starts):
            yield i, {name: float(values[i]) for name, values in self.parameters.items()}, start


def failed(size: int, outputs: Sequence[str], times: int, error: P53NetError) -> Runs:
    """Runs of which none could begin."""
    values = np.full((size, len(outputs), times), np.nan)
    return Runs(values, dict.fromkeys(range(size), error), np.full(size, np.nan))
