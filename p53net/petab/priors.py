"""Priors of parameters, as the parameter table says."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError, UnsupportedError
from p53net.petab.tables import Row, number

Density = Callable[[FloatArray, float, float], FloatArray]
"""Logarithm of a density, of two numbers that the table gives."""


def _uniform(x: FloatArray, low: float, high: float) -> FloatArray:
    inside = (x >= low) & (x <= high)
    return np.where(inside, -math.log(high - low), -np.inf)


def _normal(x: FloatArray, mean: float, spread: float) -> FloatArray:
    return -0.5 * ((x - mean) / spread) ** 2 - math.log(spread) - 0.5 * math.log(2 * math.pi)


def _laplace(x: FloatArray, place: float, spread: float) -> FloatArray:
    return -np.abs(x - place) / spread - math.log(2 * spread)


def _of_logarithm(density: Density) -> Density:
    """The density of a value whose natural logarithm has this one."""

    def found(x: FloatArray, place: float, spread: float) -> FloatArray:
        with np.errstate(all="ignore"):
            return np.where(x > 0.0, density(np.log(x), place, spread) - np.log(x), -np.inf)

    return found


DENSITIES: Mapping[str, Density] = {
    "uniform": _uniform,
    "normal": _normal,
    "laplace": _laplace,
    "logNormal": _of_logarithm(_normal),
    "logLaplace": _of_logarithm(_laplace),
}
"""Of a parameter's value; with `parameterScale` before, of what it is on its scale."""

_ON_SCALE = {f"parameterScale{name.capitalize()}": name for name in ("uniform", "normal", "laplace")}
_V2 = {"uniform": "uniform", "normal": "normal", "laplace": "laplace", "log-normal": "logNormal",
       "log-laplace": "logLaplace"}  # fmt: skip


@dataclass(frozen=True)
class Prior:
    """The prior of one parameter."""

    kind: str
    on_scale: bool
    """Whether it is about the parameter on its scale, instead of its value."""
    first: float
    second: float

    def log_density(self, scaled: FloatArray, value: FloatArray) -> FloatArray:
        """Of the same parameter on its scale, and as a value."""
        return DENSITIES[self.kind](scaled if self.on_scale else value, self.first, self.second)


def prior_of(
    row: Row, version: int, bounds: tuple[float, float]
) -> Prior | None:
    """The prior of a row; None for one that is flat on the parameter's scale between its bounds.
    Raises InputError."""
    kinds = {**{name: name for name in DENSITIES}, **_ON_SCALE} if version == 1 else _V2
    columns = (
        ("objectivePriorType", "objectivePriorParameters")
        if version == 1
        else ("priorDistribution", "priorParameters")
    )
    word = row.text(columns[0])
    if not word:
        return None
    if version == 2 and word not in _V2:
        raise UnsupportedError(
            f"{row}: {columns[0]} is '{word[:60]}', and there are {', '.join(_V2)}"
        )
    row.one_of(columns[0], tuple(kinds))
    given = row.several(columns[1])
    if not given and word == "parameterScaleUniform":
        return None
    if not given and kinds[word] == "uniform":
        return Prior("uniform", False, *bounds)
    first, second = _two(row, columns[1], given)
    if kinds[word] == "uniform" and not first < second:
        raise InputError(f"{row}: the prior is uniform from {first:g} to {second:g}; exchange them")
    if kinds[word] != "uniform" and not second > 0.0:
        raise InputError(f"{row}: the prior has the width {second:g}; give more than 0")
    return Prior(kinds[word], word in _ON_SCALE, first, second)


def _two(row: Row, column: str, given: Sequence[str]) -> tuple[float, float]:
    found = [number(one) for one in given]
    if len(found) == 2 and found[0] is not None and found[1] is not None:
        if math.isfinite(found[0]) and math.isfinite(found[1]):
            return found[0], found[1]
    raise InputError(f"{row}: {column} is '{row.text(column)[:60]}'; give two numbers, as 0;1")
