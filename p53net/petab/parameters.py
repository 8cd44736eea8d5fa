"""The parameter table: values, bounds and scales."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.petab.priors import Prior, prior_of
from p53net.petab.tables import Row, by_id

SCALES = ("lin", "log", "log10")
"""Scales of parameters: the number itself, its natural logarithm, its decadic one."""


@dataclass(frozen=True)
class Parameter:
    """One row. `lower`, `upper` and `nominal`, NaN where it is not given, are values, not
    logarithms."""

    id: str
    scale: str
    lower: float
    upper: float
    nominal: float
    free: bool
    prior: Prior | None

    def scaled(self, value: float) -> float:
        """A value on the scale of the parameter."""
        if self.scale == "lin":
            return value
        if not value > 0.0:
            return -math.inf if value == 0.0 else math.nan
        return math.log10(value) if self.scale == "log10" else math.log(value)


class Parameters:
    """All rows: a vector has the free ones, on their scales; a table the values of all."""

    def __init__(self, rows: Sequence[Parameter]) -> None:
        self.rows = {row.id: row for row in rows}
        self.free = tuple(row for row in rows if row.free)
        self.columns = {row.id: i for i, row in enumerate((*self.free, *self._fixed))}

    @property
    def names(self) -> tuple[str, ...]:
        """Of free parameters, in the order of the table."""
        return tuple(row.id for row in self.free)

    @cached_property
    def nominal(self) -> FloatArray:
        """Nominal values of free parameters, on their scales."""
        return np.array([row.scaled(row.nominal) for row in self.free])

    @cached_property
    def bounds(self) -> FloatArray:
        """Lower and upper bound of free parameters, on their scales: an array (2, parameter)."""
        ends = [(row.scaled(row.lower), row.scaled(row.upper)) for row in self.free]
        return np.array(ends).reshape(-1, 2).T

    def values(self, theta: FloatArray) -> FloatArray:
        """Values of all parameters (vector, column), free ones first."""
        fixed = np.tile([row.nominal for row in self._fixed], (len(theta), 1))
        return np.hstack([self._unscaled(theta), fixed])

    def slopes(self, theta: FloatArray) -> FloatArray:
        """d value / d theta of free parameters (vector, parameter)."""
        values = self._unscaled(theta)
        factors = {"lin": 0.0, "log": 1.0, "log10": math.log(10.0)}
        logarithms = np.array([factors[row.scale] for row in self.free])
        return np.where(logarithms > 0.0, values * logarithms, 1.0)

    def _unscaled(self, theta: FloatArray) -> FloatArray:
        found = theta.copy()
        with np.errstate(over="ignore"):
            for i, row in enumerate(self.free):
                if row.scale != "lin":
                    found[:, i] = (10.0 if row.scale == "log10" else math.e) ** theta[:, i]
        return found

    @property
    def _fixed(self) -> tuple[Parameter, ...]:
        return tuple(row for row in self.rows.values() if not row.free)


def parameters_of(rows: Sequence[Row], version: int) -> Parameters:
    """The parameters of a problem. Raises InputError."""
    return Parameters([_parameter(row, name, version) for name, row in
                       by_id(rows, "parameterId").items()])  # fmt: skip


def _parameter(row: Row, name: str, version: int) -> Parameter:
    free = _free(row)
    scale = row.one_of("parameterScale", SCALES, "lin") if version == 1 else "lin"
    known = row.text("nominalValue") or not free
    nominal = row.number_of("nominalValue") if known else math.nan
    lower, upper = (_bound(row, name, free) for name in ("lowerBound", "upperBound"))
    if free and not lower <= upper:
        raise InputError(f"{row}: lowerBound {lower:g} is above upperBound {upper:g}")
    if known and not math.isfinite(nominal):
        raise InputError(f"{row}: nominalValue is {nominal}; give a finite number")
    if free and scale != "lin" and (lower < 0.0 or nominal <= 0.0):
        raise InputError(
            f"{row}: {name} is on the scale {scale}, so nominalValue must be above 0, and "
            "lowerBound not below"
        )
    bounds = lower, upper
    return Parameter(name, scale, *bounds, nominal, free, prior_of(row, version, bounds)
                     if free else None)  # fmt: skip


def _free(row: Row) -> bool:
    word = row.needed("estimate").casefold()
    if word not in ("0", "1", "0.0", "1.0", "true", "false"):
        raise InputError(f"{row}: estimate is '{word[:60]}', and must be 1 or 0")
    return word in ("1", "1.0", "true")


def _bound(row: Row, column: str, free: bool) -> float:
    if free or row.text(column):
        return row.number_of(column)
    return -math.inf if column == "lowerBound" else math.inf
