"""Sparse linear systems whose zeros are known: an order of elimination, and what it does.

The order is chosen once for a model, so elimination becomes straight-line code. Pivots stay on the
diagonal: in I/(h*gamma) - J they grow as the step h shrinks, and a pivot that loses its digits is
reported.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Entry = tuple[int, int]


class Entries(Protocol):
    """Values by row and column, of entries that are not zero."""

    def __contains__(self, at: object) -> bool:
        """Whether there is one."""

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

    def factors(self, matrix: Entries, one: Any) -> Iterator[tuple[Entry, Any]]:  # noqa: ANN401
        """L below the diagonal, the reciprocal of each pivot on it, U above it, each when it is
        final.

        `matrix` has a value for each entry that is not zero: numbers, arrays, generated code.
        """
        changed: dict[Entry, Any] = {}

        def now(at: Entry) -> Any:  # noqa: ANN401
            return changed.pop(at) if at in changed else matrix[at]

        for pivot in self.order:
            inverse, later = one / now((pivot, pivot)), self.after(pivot)
            yield (pivot, pivot), inverse
            upper = {j: now((pivot, j)) for j in later if (pivot, j) in self.entries}
            yield from (((pivot, column), value) for column, value in upper.items())
            for row in (i for i in later if (i, pivot) in self.entries):
                lower = now((row, pivot)) * inverse
                yield (row, pivot), lower
                for column, value in upper.items():
                    at, product = (row, column), lower * value
                    there = at in changed or at in matrix
                    changed[at] = now(at) - product if there else product * -1.0

    def solution(self, factors: Entries, right: Iterable[Any]) -> list[Any]:
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


def eliminated(size: int, entries: Iterable[Entry]) -> Elimination:
    """The order of pivots and all entries of the factors."""
    order, found = list[int](), set[Entry]()
    for pivot, (right, below) in pivots(size, entries):
        order.append(pivot)
        found |= {(pivot, pivot), *((pivot, j) for j in right), *((i, pivot) for i in below)}
    return Elimination(tuple(order), frozenset(found))


def pivots(size: int, entries: Iterable[Entry]) -> Iterator[tuple[int, tuple[set[int], set[int]]]]:
    """Pivots by Markowitz' rule: next is the one that touches fewest other entries. Each with the
    columns right of it and the rows below it that have an entry then."""
    rows, columns = [{i} for i in range(size)], [{i} for i in range(size)]
    for i, j in entries:
        rows[i].add(j)
        columns[j].add(i)
    waiting = set(range(size))

    def touched(pivot: int) -> tuple[int, int]:
        return (len(rows[pivot]) - 1) * (len(columns[pivot]) - 1), pivot

    while waiting:
        pivot = min(waiting, key=touched)
        waiting.remove(pivot)
        right, below = rows[pivot] - {pivot}, columns[pivot] - {pivot}
        for i in below:
            rows[i] = (rows[i] | right) - {pivot}
        for j in right:
            columns[j] = (columns[j] | below) - {pivot}
        yield pivot, (right, below)
