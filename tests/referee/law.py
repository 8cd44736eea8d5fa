"""What a law is, and words that laws share."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

Cell = SimpleNamespace
"""Parameters, states and derived quantities by name; `rest` holds those of the untreated cell."""


def nothing(_v: Cell) -> None:
    """For a law without derived quantities."""


def still(_v: Cell, _d: Cell) -> None:
    """For a law without states."""


@dataclass(frozen=True)
class Law:
    """The equations of one fragment."""

    states: tuple[str, ...] = ()
    shown: Callable[[Cell], None] = nothing
    """Writes derived quantities into the cell, which holds its parameters and states."""
    change: Callable[[Cell, Cell], None] = still
    """Adds to the changes of states [per hour] what the law does."""
    rest: Callable[[Cell], None] = nothing
    """Writes the untreated states of what is in the cell; those left out are 0."""
    searched: bool = False
    """Whether the rest of its states is looked for, from what `rest` wrote."""
    start: Callable[[Cell], None] = nothing
    """Writes the start of what is around a cell; what is left out starts at 0."""


def hill(x: float, half: float, n: float) -> float:
    """The share of a pool that is on."""
    return 1.0 / (1.0 + (half / x) ** n) if x > 0 else 0.0
