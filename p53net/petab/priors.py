"""Priors of parameters, as the parameter table says."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.petab.tables import Row, number


class _Kind(NamedTuple):
    """A family of distributions."""

    numbers: int
    """That it takes."""
    made: Callable[..., Any]
    positive: tuple[int, ...] = (1,)
    """Which of them have to be above 0."""


_UNIFORM = _Kind(2, lambda low, high: stats.uniform(low, high - low), ())
_NORMAL = _Kind(2, stats.norm)
_LAPLACE = _Kind(2, stats.laplace)
_LOG_NORMAL = _Kind(2, lambda mean, width: stats.lognorm(width, scale=math.exp(mean)))
_LOG_LAPLACE = _Kind(2, lambda place, width: stats.loglaplace(1.0 / width, scale=math.exp(place)))

_FIRST: Mapping[str, _Kind] = {
    "uniform": _UNIFORM,
    "normal": _NORMAL,
    "laplace": _LAPLACE,
    "logNormal": _LOG_NORMAL,
    "logLaplace": _LOG_LAPLACE,
    "parameterScaleUniform": _UNIFORM,
    "parameterScaleNormal": _NORMAL,
    "parameterScaleLaplace": _LAPLACE,
}
"""Of format 1."""

_SECOND: Mapping[str, _Kind] = {
    "uniform": _UNIFORM,
    "normal": _NORMAL,
    "laplace": _LAPLACE,
    "log-normal": _LOG_NORMAL,
    "log-laplace": _LOG_LAPLACE,
    "log-uniform": _Kind(2, stats.loguniform, (0, 1)),
    "cauchy": _Kind(2, stats.cauchy),
    "gamma": _Kind(2, lambda shape, scale: stats.gamma(shape, scale=scale), (0, 1)),
    "exponential": _Kind(1, lambda scale: stats.expon(scale=scale), (0,)),
    "rayleigh": _Kind(1, lambda scale: stats.rayleigh(scale=scale), (0,)),
    "chisquare": _Kind(1, stats.chi2, (0,)),
}
"""Of format 2, where what is outside the bounds is cut off."""

_COLUMNS = {
    1: ("objectivePriorType", "objectivePriorParameters"),
    2: ("priorDistribution", "priorParameters"),
}


@dataclass(frozen=True)
class Prior:
    """The prior of one parameter."""

    on_scale: bool
    """Whether it is about the parameter on its scale, instead of its value."""
    distribution: Any
    cut_off: float
    """Logarithm of the share within the bounds, where the rest is cut off; else 0."""

    def log_density(self, scaled: FloatArray, value: FloatArray) -> FloatArray:
        """Of the same parameter on its scale, and as a value."""
        with np.errstate(all="ignore"):
            found = self.distribution.logpdf(scaled if self.on_scale else value)
        return np.asarray(found) - self.cut_off


def prior_of(row: Row, version: int, bounds: tuple[float, float]) -> Prior | None:
    """The prior of a row; None for one that is flat on the parameter's scale between its bounds.
    Raises InputError."""
    kinds = _FIRST if version == 1 else _SECOND
    about, column = _COLUMNS[version]
    if not row.text(about):
        return None
    name = row.one_of(about, tuple(kinds))
    given = row.several(column)
    if not given and name == "parameterScaleUniform":
        return None
    if not given and name == "uniform":
        given = [str(one) for one in bounds]
    numbers = [number(one) for one in given]
    kind = kinds[name]
    values = [one for one in numbers if one is not None and math.isfinite(one)]
    if not len(values) == len(given) == kind.numbers:
        raise InputError(
            f"{row}: {column} is '{row.text(column)[:60]}'; {name} takes "
            f"{kind.numbers} number{'s, as 0;1' if kind.numbers > 1 else ''}"
        )
    if "niform" in name and not values[0] < values[1]:
        raise InputError(f"{row}: {name} from {values[0]:g} to {values[1]:g}: exchange them")
    if any(values[i] <= 0.0 for i in kind.positive):
        raise InputError(f"{row}: {column} is '{row.text(column)[:60]}'; widths are above 0")
    try:
        distribution = kind.made(*values)
    except OverflowError:
        raise InputError(f"{row}: {column} is '{row.text(column)[:60]}', too large") from None
    inside = 1.0
    if version == 2:
        with np.errstate(all="ignore"):
            inside = float(distribution.cdf(bounds[1]) - distribution.cdf(bounds[0]))
        if not inside > 0.0:
            raise InputError(f"{row}: the prior has nothing between the bounds; change one")
    return Prior(name.startswith("parameterScale"), distribution, math.log(inside))
