"""What a sweep keeps of its points instead of rows: quantiles, histograms, the best points.

A worker makes a part from each chunk. Parts are merged to the same bytes in any order, and however
the points were cut into chunks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from p53net.engines.base import FloatArray
from p53net.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["best", "histogram", "quantiles"]

_OFFSET = 2**40  # of bins of positive values: above all bins of the sketch
_LARGEST = math.log(np.finfo(float).max)
_MOST_SHARES, _MOST_EDGES, _MOST_BEST = 1000, 1_000_000, 100_000

Variables: TypeAlias = "dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]"
"""Name to dimensions, values and attributes."""


class Part(NamedTuple):
    """What a reduction keeps of some points."""

    keys: NDArray[np.int64]
    """Bins, or points."""
    counts: NDArray[np.int64]
    numbers: FloatArray
    """For each key some, one key after the other."""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quantiles:
    """Quantiles from logarithmic bins (DDSketch): no value is off by more than `error`."""

    measure: str
    shares: tuple[float, ...]
    error: float

    def part(self, start: int, table: pa.Table, axes: Sequence[str]) -> Part:
        """Counts of bins whose keys are in the order of their values."""
        values = _finite(table, self.measure)
        size = np.abs(values)
        bins = np.zeros(len(values), dtype=np.int64)
        there = size > 0
        bins[there] = np.ceil(np.log(size[there]) / self._width).astype(np.int64) + _OFFSET
        return _counted(np.where(values < 0, -bins, bins))

    def merged(self, parts: Sequence[Part]) -> Part:
        """Counts together."""
        return _summed(parts)

    def variables(self, part: Part, about: Mapping[str, str], axes: Sequence[str]) -> Variables:
        """`<measure>_quantile` over `<measure>_share`."""
        total = int(part.counts.sum())
        found = np.full(len(self.shares), np.nan)
        if total:
            places = np.maximum(np.ceil(total * np.array(self.shares) - 1.0), 0.0)
            keys = part.keys[np.searchsorted(np.cumsum(part.counts), places, side="right")]
            middle = math.log(2.0 / (1.0 + math.exp(self._width)))
            exponents = (np.abs(keys) - _OFFSET) * self._width + middle
            size = np.exp(np.minimum(exponents, _LARGEST))  # the last bin ends above all floats
            found = np.sign(keys) * np.where(keys == 0, 0.0, size)
        share, kept = f"{self.measure}_share", {**about, "points": total, "error": self.error}
        return {
            share: ((share,), np.array(self.shares), {"units": "1"}),
            f"{self.measure}_quantile": ((share,), found, kept),
        }

    def as_record(self) -> dict[str, list[Any]]:
        """Kind and arguments."""
        return {"reduction": ["quantiles", self.measure, list(self.shares), self.error]}

    @property
    def _width(self) -> float:
        """Of a bin, in the logarithm: its middle is at most `error` from its ends."""
        return math.log((1.0 + self.error) / (1.0 - self.error))


@dataclass(frozen=True)
class Histogram:
    """Numbers of points between edges, as `numpy.histogram` counts them."""

    measure: str
    edges: tuple[float, ...]

    def part(self, start: int, table: pa.Table, axes: Sequence[str]) -> Part:
        """Counts of bins: -1 below the first edge, the number of bins above the last."""
        values = _finite(table, self.measure)
        bins = np.searchsorted(self.edges, values, side="right") - 1
        bins[values == self.edges[-1]] -= 1
        return _counted(bins)

    def merged(self, parts: Sequence[Part]) -> Part:
        """Counts together."""
        return _summed(parts)

    def variables(self, part: Part, about: Mapping[str, str], axes: Sequence[str]) -> Variables:
        """`<measure>_histogram` over `<measure>_bin`, with `<measure>_low` and `_high`."""
        bins = len(self.edges) - 1
        counts = np.zeros(bins + 2, dtype=np.int64)
        counts[part.keys + 1] = part.counts
        outside = {"below": int(counts[0]), "above": int(counts[-1])}
        kept = {"units": "1", "long_name": f"points by {self.measure}", **outside}
        dims, edges = (f"{self.measure}_bin",), np.array(self.edges)
        return {
            f"{self.measure}_low": (dims, edges[:-1], dict(about)),
            f"{self.measure}_high": (dims, edges[1:], dict(about)),
            f"{self.measure}_histogram": (dims, counts[1:-1], kept),
        }

    def as_record(self) -> dict[str, list[Any]]:
        """Kind and arguments."""
        return {"reduction": ["histogram", self.measure, list(self.edges)]}


@dataclass(frozen=True)
class Best:
    """The points with the highest, or lowest, values; of equal ones the first in the design."""

    measure: str
    number: int
    lowest: bool

    def part(self, start: int, table: pa.Table, axes: Sequence[str]) -> Part:
        """Points, and for each its value and its axes."""
        values = table[self.measure].to_numpy()
        rows = np.flatnonzero(np.isfinite(values))
        columns = np.column_stack([values, *(table[name].to_numpy() for name in axes)])
        return self._first(start + rows, columns[rows])

    def merged(self, parts: Sequence[Part]) -> Part:
        """The best of all."""
        keys = np.concatenate([part.keys for part in parts])
        rows = [part.numbers.reshape(len(part.keys), -1) for part in parts if len(part.keys)]
        return self._first(keys, np.concatenate(rows)) if rows else parts[0]

    def _first(self, keys: NDArray[np.int64], columns: FloatArray) -> Part:
        values = columns[:, 0] if self.lowest else -columns[:, 0]
        order = np.lexsort((keys, values))[: self.number]
        return Part(keys[order], np.empty(0, dtype=np.int64), columns[order].ravel())

    def variables(self, part: Part, about: Mapping[str, str], axes: Sequence[str]) -> Variables:
        """`<measure>_best`, `_best_point` and `_best_<axis>` over `<measure>_rank`."""
        dims, columns = (f"{self.measure}_rank",), part.numbers.reshape(-1, 1 + len(axes))
        found: Variables = {
            f"{self.measure}_best": (dims, columns[:, 0], dict(about)),
            f"{self.measure}_best_point": (dims, part.keys, {"units": "1"}),
        }
        for i, name in enumerate(axes, 1):
            found[f"{self.measure}_best_{name}"] = (dims, columns[:, i], {})
        return found

    def as_record(self) -> dict[str, list[Any]]:
        """Kind and arguments."""
        return {"reduction": ["best", self.measure, self.number, self.lowest]}


Reduction: TypeAlias = Quantiles | Histogram | Best
"""A way to make many points few numbers: a part of each chunk, parts merged, and what is shown."""


def quantiles(
    measure: str, shares: ArrayLike = (0.05, 0.5, 0.95), error: float = 1e-3
) -> Quantiles:
    """Quantiles of a measure: the value below which each of these shares, 0 to 1, of the points
    lies (numpy's method "inverted_cdf"), with at most this relative error, 1e-4 to 0.1.

    For `reduce=` of a sweep. Raises InputError.

    Examples:
        >>> axes, measures = {"KT-253": pn.log_uniform(0.1, 100)}, ["peak:p21"]
        >>> kept = pn.sweep(pn.load("KT-253"), axes, points=20, measures=measures,
        ...                 reduce=[pn.quantiles_of("peak_p21")])
        >>> kept["peak_p21_quantile"].values.round()
        array([ 49., 123., 144.])
    """
    chosen = _numbers(shares, "shares", _MOST_SHARES)
    if min(chosen) < 0 or max(chosen) > 1:
        raise InputError(f"shares of quantiles are 0 to 1, not {chosen}; the median is 0.5")
    if isinstance(error, bool) or not isinstance(error, int | float) or not 1e-4 <= error <= 0.1:
        raise InputError(f"error is {error!r}, but must be 1e-4 to 0.1 of the value")
    return Quantiles(_name(measure), chosen, float(error))


def histogram(measure: str, edges: ArrayLike) -> Histogram:
    """Numbers of points between these edges, in rising order; the last bin has its upper edge.

    For `reduce=` of a sweep. Raises InputError.

    Examples:
        >>> axes, measures = {"KT-253": pn.log_uniform(0.1, 100)}, ["peak:p21"]
        >>> kept = pn.sweep(pn.load("KT-253"), axes, points=20, measures=measures,
        ...                 reduce=[pn.histogram_of("peak_p21", [0, 100, 1000])])
        >>> kept["peak_p21_histogram"].values
        array([ 7, 13])
    """
    chosen = _numbers(edges, "edges", _MOST_EDGES)
    if len(chosen) < 2 or any(low >= high for low, high in pairwise(chosen)):
        raise InputError("edges of a histogram must be two or more, each above the one before")
    return Histogram(_name(measure), chosen)


def best(measure: str, number: int = 100, *, lowest: bool = False) -> Best:
    """The points with the highest values of a measure, or the lowest, with all their axes.

    For `reduce=` of a sweep. Raises InputError.

    Examples:
        >>> axes, measures = {"KT-253": pn.log_uniform(0.1, 100)}, ["peak:p21"]
        >>> kept = pn.sweep(pn.load("KT-253"), axes, points=20, measures=measures,
        ...                 reduce=[pn.best_of("peak_p21", 2)])
        >>> kept["peak_p21_best"].values.round(1), kept["peak_p21_best_KT-253"].values.round(1)
        (array([144.2, 143.9]), array([100. ,  69.5]))
    """
    whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
    if not whole or not 1 <= number <= _MOST_BEST:
        raise InputError(f"number is {number!r}, but must be 1 to {_MOST_BEST:,} points")
    if not isinstance(lowest, bool):
        raise InputError(f"lowest is {lowest!r}, but must be True or False")
    return Best(_name(measure), int(number), lowest)


def reduction_of(record: Sequence[Any]) -> Reduction:
    """What `as_record` told."""
    kind, *arguments = record
    if kind == "best":
        measure, number, lowest = arguments
        return best(measure, number, lowest=lowest)
    made: dict[str, Callable[..., Reduction]] = {"quantiles": quantiles, "histogram": histogram}
    return made[kind](*arguments)


def _finite(table: pa.Table, name: str) -> FloatArray:
    values = np.asarray(table[name].to_numpy(), dtype=float)
    return np.asarray(values[np.isfinite(values)])


def _counted(keys: NDArray[Any]) -> Part:
    found, counts = np.unique(keys, return_counts=True)
    return Part(found.astype(np.int64), counts.astype(np.int64), np.empty(0))


def _summed(parts: Sequence[Part]) -> Part:
    keys, places = np.unique(np.concatenate([part.keys for part in parts]), return_inverse=True)
    counts = np.zeros(len(keys), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([part.counts for part in parts]))
    return Part(keys, counts, np.empty(0))


def _name(measure: object) -> str:
    if not isinstance(measure, str) or not measure:
        raise InputError(f"{measure!r} is no column of a sweep; write 'peak_p53_active'")
    return measure


def _numbers(values: ArrayLike, what: str, most: int) -> tuple[float, ...]:
    try:
        found = np.atleast_1d(np.array(values, dtype=float))
    except (TypeError, ValueError):
        raise InputError(f"{what} are {values!r}, but must be numbers") from None
    if found.ndim != 1 or not 0 < found.size <= most or not np.isfinite(found).all():
        raise InputError(f"{what} must be a list of 1 to {most:,} numbers")
    return tuple(found.tolist())
