"""Sparse linear systems whose zeros are known: an order of elimination, and what it does.

The order is chosen once for a model, so elimination becomes straight-line code. Pivots stay on the
diagonal: in I/(h*gamma) - J they grow as the step h shrinks, and a pivot that loses its digits is
reported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Entry = tuple[int, int]


class Factors(Protocol):
    """Values by row and column."""

    def __getitem__(self, at: Entry) -> Any:  # noqa: ANN401
        """One of them."""


@dataclass(frozen=True)
class Elimination:
    """Which pivot comes when, and which entries the factors have."""

    order: tuple[int, ...]
    entries: frozenset[Entry]

    def after(self, pivot: int) -> list[int]:
        """Pivots that come later than this one."""
        return list(self.order[self.order.index(pivot) + 1 :])

    def factors(self, matrix: Mapping[Entry, Any], one: Any) -> dict[Entry, Any]:  # noqa: ANN401
        """L below the diagonal, the reciprocal of each pivot on it, U above it.

        `matrix` has a value for each entry that is not zero: numbers, arrays, generated code.
        """
        found = dict(matrix)
        for pivot in self.order:
            found[pivot, pivot] = one / found[pivot, pivot]
            later = self.after(pivot)
            for row in (i for i in later if (i, pivot) in self.entries):
                found[row, pivot] = found[row, pivot] * found[pivot, pivot]
                for column in (j for j in later if (pivot, j) in self.entries):
                    product = found[row, pivot] * found[pivot, column]
                    at = row, column
                    found[at] = found[at] - product if at in found else product * -1.0
        return found

    def solution(self, factors: "Factors", right: Iterable[Any]) -> list[Any]:
        """x of `matrix` x = `right`."""
        x = list(right)
        for pivot in self.order:
            for row in (i for i in self.after(pivot) if (i, pivot) in self.entries):
                x[row] = x[row] - factors[row, pivot] * x[pivot]
        for pivot in reversed(self.order):
            for column in (j for j in self.after(pivot) if (pivot, j) in self.entries):
                x[pivot] = x[pivot] - factors[pivot, column] * x[column]
            x[pivot] = x[pivot] * factors[pivot, pivot]
        return x


def elimination(size: int, entries: Iterable[Entry]) -> Elimination:
    """The order by Markowitz' rule: next is the pivot that touches fewest other entries."""
    left = set(entries) | {(i, i) for i in range(size)}
    waiting, order, found = set(range(size)), list[int](), set(left)

    def touched(pivot: int) -> tuple[int, int]:
        rows = sum((i, pivot) in left for i in waiting) - 1
        columns = sum((pivot, j) in left for j in waiting) - 1
        return rows * columns, pivot

    while waiting:
        pivot = min(waiting, key=touched)
        waiting.remove(pivot)
        order.append(pivot)
        made = {
            (i, j) for i in waiting if (i, pivot) in left for j in waiting if (pivot, j) in left
        }
        left |= made
        found |= made
    return Elimination(tuple(order), frozenset(found))
