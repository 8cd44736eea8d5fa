"""Which points a sweep runs: a grid, a random design, or a table that the user brings."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError, P53NetError
from p53net.files import as_path, read_bytes
from p53net.sweeps import sampling

DESIGNS = ("grid", "sobol", "latin-hypercube")
MOST_RUNS = 100_000_000
"""Most points that a sweep takes."""

MOST_ALONG = 5_000_000
"""Most values of an axis that is crossed with others: the store's manifest lists them."""

LARGEST_TABLE = 2**30
"""Bytes that a file of points may have."""

_FILE = "points from"
_RUN_TIME = 4e-3  # s, of one point on one core; for the size of what is refused


@dataclass(frozen=True)
class Distribution:
    """Values of an axis between `low` and `high`, even or even in the logarithm."""

    low: float
    high: float
    logarithmic: bool

    def __post_init__(self) -> None:
        low, high = finite_number(self.low, "low"), finite_number(self.high, "high")
        if low >= high:
            raise InputError(f"an axis from {low:g} to {high:g} is empty; give low below high")
        if self.logarithmic and low == 0:
            raise InputError("a logarithmic axis cannot start at 0; start above, or use uniform")

    def as_record(self) -> dict[str, object]:
        """For the record of a sweep."""
        return {"distribution": [self.low, self.high, self.logarithmic]}

    def quantile(self, share: FloatArray) -> FloatArray:
        """The value below which this share, 0 to 1, of the distribution lies."""
        if not self.logarithmic:
            return np.asarray(self.low + share * (self.high - self.low))
        # In this form the ends are exact; rounding must not leave what was allowed.
        return np.clip(self.low ** (1.0 - share) * self.high**share, self.low, self.high)


Axes: TypeAlias = "Mapping[str, ArrayLike | Distribution]"
Points: TypeAlias = "int | None"


def uniform(low: float, high: float) -> Distribution:
    """An axis spread evenly from `low` to `high`, both finite. Raises InputError.

    Examples:
        >>> axes = {"KT-253": pn.uniform(0, 10)}
        >>> pn.sweep(pn.load("KT-253"), axes, points=3, measures=["peak:p21"])["KT-253"].values
        array([ 0.,  5., 10.])
    """
    return Distribution(low, high, logarithmic=False)


def log_uniform(low: float, high: float) -> Distribution:
    """An axis spread evenly in the logarithm from `low` to `high`, both above 0. Raises InputError.

    Examples:
        >>> axes = {"KT-253": pn.log_uniform(0.1, 10)}
        >>> pn.sweep(pn.load("KT-253"), axes, points=3, measures=["peak:p21"])["KT-253"].values
        array([ 0.1,  1. , 10. ])
    """
    return Distribution(low, high, logarithmic=True)


@dataclass(frozen=True)
class Drawn:
    """Random points, by what they are drawn from: any slice of them can be made anywhere."""

    kind: str
    seed: int
    size: int
    axes: Mapping[str, Distribution]

    @property
    def names(self) -> tuple[str, ...]:
        """Axes, in the order of the columns of `values`."""
        return tuple(self.axes)

    def values(self, start: int, stop: int) -> FloatArray:
        """Points `start` to `stop`: a row for each."""
        shares = sampling.shares(self.kind, self.seed, self.size, len(self.axes), start, stop)
        columns = [axis.quantile(shares[:, i]) for i, axis in enumerate(self.axes.values())]
        return np.column_stack(columns)

    def extremes(self) -> Iterator[tuple[str, float, float]]:
        """Each axis, with values between which all lie, but for what rounds to an end."""
        for name, axis in self.axes.items():
            low, high = axis.quantile(np.array([2.0**-30, 1.0]))
            yield name, float(low), float(high)

    def renamed(self, names: Mapping[str, str]) -> Drawn:
        """The same with other names."""
        return replace(self, axes={names[name]: axis for name, axis in self.axes.items()})

    def content(self) -> bytes:
        """All that tells these points from others."""
        axes = {name: axis.as_record() for name, axis in self.axes.items()}
        return json.dumps([self.kind, self.seed, self.size, axes]).encode()


@dataclass(frozen=True)
class Listed:
    """Points that a user brings: for each axis one value for each point."""

    columns: Mapping[str, FloatArray]

    @property
    def names(self) -> tuple[str, ...]:
        """Axes, in the order of the columns of `values`."""
        return tuple(self.columns)

    @property
    def size(self) -> int:
        """Number of points; 0 without an axis."""
        return max(map(len, self.columns.values()), default=0)

    def values(self, start: int, stop: int) -> FloatArray:
        """Points `start` to `stop`: a row for each."""
        return np.column_stack([values[start:stop] for values in self.columns.values()])

    def extremes(self) -> Iterator[tuple[str, float, float]]:
        """Each axis with its smallest and its largest value."""
        return _extremes(self.columns)

    def renamed(self, names: Mapping[str, str]) -> Listed:
        """The same with other names."""
        return Listed({names[name]: values for name, values in self.columns.items()})

    def content(self) -> bytes:
        """All that tells these points from others."""
        return _content(self.columns)


@dataclass(frozen=True)
class Design:
    """Points in a fixed order: the grid's axes, the first slowest, and along `point` the rest."""

    grid: Mapping[str, FloatArray]
    """Axes that are crossed, in order."""
    sampled: Drawn | Listed
    """Axes that move together."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every axis; the columns of `values`."""
        return (*self.grid, *self.sampled.names)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the grid's axes, and of `point` where there is one."""
        along = [len(values) for values in self.grid.values()]
        return (*along, *([self.sampled.size] if self.sampled.names else []))

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names for `shape`."""
        return (*self.grid, *(["point"] if self.sampled.names else []))

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def described(self) -> bool:
        """Whether its points need not be sent: no table of a user's own."""
        return isinstance(self.sampled, Drawn) or not self.sampled.names

    def values(self, start: int, stop: int) -> FloatArray:
        """Axes at points `start` to `stop`: a row for each point, a column for each axis."""
        places = np.unravel_index(np.arange(start, stop), self.shape)
        crossed = [values[place] for values, place in zip(self.grid.values(), places, strict=False)]
        along = [self._along(start, stop)] if self.sampled.names else []
        return np.column_stack([*crossed, *along])

    def _along(self, start: int, stop: int) -> FloatArray:
        """Of the axes that move together: for each cell of the grid they begin again."""
        sampled, size = self.sampled, self.sampled.size
        if stop - start > size:
            return np.asarray(sampled.values(0, size)[np.arange(start, stop) % size])
        first, last = start % size, start % size + stop - start
        if last <= size:
            return sampled.values(first, last)
        return np.concatenate([sampled.values(first, size), sampled.values(0, last - size)])

    def extremes(self) -> Iterator[tuple[str, float, float]]:
        """Each axis with values between which all lie."""
        yield from _extremes(self.grid)
        yield from self.sampled.extremes()

    def renamed(self, names: Mapping[str, str]) -> Design:
        """The same with other names."""
        grid = {names[name]: values for name, values in self.grid.items()}
        return Design(grid, self.sampled.renamed(names))

    def content(self) -> bytes:
        """All that tells these points from others."""
        return _content(self.grid) + self.sampled.content()


def _extremes(columns: Mapping[str, FloatArray]) -> Iterator[tuple[str, float, float]]:
    return ((name, float(v.min()), float(v.max())) for name, v in columns.items())


def _content(columns: Mapping[str, FloatArray]) -> bytes:
    return b"".join(
        name.encode() + b"\0" + np.ascontiguousarray(values).tobytes()
        for name, values in columns.items()
    )


def design_of(axes: Axes, points: Points, kind: str, seed: int) -> Design:
    """The design that a user's axes describe.

    Arrays are crossed. In a grid a distribution becomes `points` values at even steps; in the other
    designs all distributions are sampled together at `points` points, for every cell of the arrays.
    """
    if not isinstance(kind, str) or kind not in DESIGNS:
        raise InputError(f"design is {kind!r}, but must be one of {', '.join(DESIGNS)}")
    if not isinstance(axes, Mapping) or not axes:
        raise InputError(
            "axes must map names to values; write {'milademetan': [10, 100], "
            "'k_deg_p53': pn.log_uniform(0.05, 1)}"
        )
    drawn = {str(name): axis for name, axis in axes.items() if isinstance(axis, Distribution)}
    given = {
        str(name): _values(str(name), axis)
        for name, axis in axes.items()
        if not isinstance(axis, Distribution)
    }
    for name, values in given.items():
        if len(np.unique(values)) < len(values):
            raise InputError(f"axis {name} has a value twice; give each value of a grid once")
    if drawn or points is not None:
        _checked_points(points, kind, bool(drawn))
    lengths = [len(values) for values in given.values()]
    lengths += [points or 0] * (len(drawn) if kind == "grid" else bool(drawn))
    check_size(math.prod(lengths), " x ".join(f"{length:,}" for length in lengths))
    crossed = lengths if kind == "grid" else lengths[: len(given)]
    if (longest := max(crossed, default=0)) > MOST_ALONG:
        raise InputError(
            f"an axis has {longest:,} values, but one that is crossed has at most {MOST_ALONG:,}; "
            "give a table of points, or a sobol design"
        )
    if kind == "grid":
        steps = np.linspace(0.0, 1.0, points or 2)
        spread = {name: axis.quantile(steps) for name, axis in drawn.items()}
        return Design({str(name): {**given, **spread}[str(name)] for name in axes}, Listed({}))
    if not drawn:
        raise InputError(
            f"a {kind} design needs an axis that is a distribution, such as "
            "pn.log_uniform(0.05, 1); arrays make a grid"
        )
    return Design(given, Drawn(kind, checked_seed(seed), points or 0, drawn))


def design_of_table(table: pd.DataFrame | str | Path) -> Design:
    """The design of a table, or of a CSV or Parquet file: a row for each point."""
    table = frame_of(table)
    if table.empty:
        raise InputError("the table of points is empty; give one row for each point")
    if len(set(map(str, table.columns))) < len(table.columns):
        raise InputError("the table of points names a column twice; give each axis once")
    check_size(len(table), f"{len(table):,} rows")
    columns = [str(name) for name in table.columns]
    values = {name: _values(name, table.iloc[:, i]) for i, name in enumerate(columns)}
    return Design({}, Listed(values))


def frame_of(table: pd.DataFrame | str | Path) -> pd.DataFrame:
    """A table of points, read if it is a file."""
    return table if isinstance(table, pd.DataFrame) else _frame(as_path(table, _FILE))


def check_size(runs: int, how: str) -> None:
    """Refuse a sweep that nobody can wait for, and say how big it is."""
    if runs > MOST_RUNS:
        years = runs * _RUN_TIME / (3600 * 24 * 365)
        raise InputError(
            f"{runs:,} points ({how}) are too many: at most {MOST_RUNS:,} are allowed, and these "
            f"would take {years:,.0f} core years and {runs * 8 / 2**30:,.0f} GiB for each measure; "
            "take fewer values for each axis, or a sobol design"
        )


def checked_seed(seed: object) -> int:
    """The seed of a random design. Raises InputError."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed!r}, but must be a whole number, 0 to 4,294,967,295")
    return int(seed)


def _frame(path: Path) -> pd.DataFrame:
    """The table in a file, with the names of columns stripped."""
    content = io.BytesIO(read_bytes(path, LARGEST_TABLE, _FILE))
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            rows = pq.read_metadata(content).num_rows  # which compression can make many
            check_size(rows, f"{rows:,} rows")
            content.seek(0)
            frame = pd.read_parquet(content)
        else:
            frame = pd.read_csv(content)
        return frame.rename(columns=lambda name: str(name).strip())
    except P53NetError:
        raise
    except Exception as error:  # pyarrow raises many kinds for files that are broken
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"cannot read {_FILE} {path}: {reason}; give a CSV or .parquet file with one column "
            "for each axis"
        ) from None


def _values(name: str, axis: object) -> FloatArray:
    try:
        if isinstance(axis, str | Mapping | set | np.ma.MaskedArray):
            raise TypeError
        if isinstance(axis, Sequence):
            check_size(len(axis), f"of axis {name}")
        # A truth value beside numbers would become 0 or 1 in silence.
        if isinstance(axis, list | tuple) and any(isinstance(i, bool | np.bool_) for i in axis):
            raise TypeError
        raw = np.asarray(axis)
        if raw.dtype.kind not in "iuf":
            raise TypeError
        with np.errstate(over="ignore"):  # what is too large is infinite, and refused below
            values = raw.astype(float)
    except P53NetError:
        raise
    except Exception:  # an object of the user's may raise anything when it is made an array
        raise InputError(
            f"axis {name} must be numbers or a distribution, not {_said(axis)!r}"
        ) from None
    if values.ndim != 1 or values.size == 0:
        what = "empty" if values.size == 0 else f"{values.ndim}-dimensional"
        raise InputError(f"axis {name} is {what}; give a list of one number or more")
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"axis {name} has a value that is NaN, infinite or below 0; correct it")
    return values


def _said(value: object) -> str:
    """The beginning of a value in words, or what it is where it has none."""
    try:
        return str(value)[:60]
    except Exception:  # a user's object
        return type(value).__name__


def _checked_points(points: object, kind: str, drawn: bool) -> None:
    whole = isinstance(points, int | np.integer) and not isinstance(points, bool)
    if not drawn:
        raise InputError("points is given, but no axis is a distribution; leave it out")
    if not whole or int(points) < (2 if kind == "grid" else 1):  # type: ignore[call-overload]
        least = "2 or more for each distribution" if kind == "grid" else "1 or more"
        raise InputError(
            f"points is {points!r}, but a {kind} design with a distribution needs a whole number "
            f"of points, {least}; or give the axis its values"
        )
    if int(points) > 2**53:  # type: ignore[call-overload]  # which no float counts
        raise InputError(f"points are too many: at most {MOST_RUNS:,} are allowed; give fewer")
