"""The space of parameters that vary: from independent standard normal coordinates to values, back,
and the density of values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.inference.prior import LOG_NORMAL, LOG_UNIFORM, LOGIT_NORMAL, Prior

_Map: TypeAlias = Callable[[FloatArray], FloatArray]

_LOG_ROOT = 0.5 * float(np.log(2 * np.pi))
_ROUNDING = 1e-14  # of a tail: what is at an end may fall a last digit beyond it
_LEAST = 1e-18  # tail of a number at an end, nine deviations out


class Space:
    """Priors that vary, as one distribution. Fixed ones have no coordinate: see `fixed`.

    space = Space(for_structure("default"))
    theta = space.values(np.random.default_rng(1).standard_normal((1000, len(space))))
    """

    def __init__(self, priors: Sequence[Prior], width: float = 1.0) -> None:
        """`width` is a factor on the spread of every prior. A prior that goes with one that is not
        here, or is fixed, stands alone. Raises InputError."""
        if not (np.isfinite(width) and width > 0):
            raise InputError(f"width is {width!r}, but must be a number above 0")
        if len({one.name for one in priors}) < len(priors):
            raise InputError("the space has a prior twice; give each once")
        self.fixed = {one.name: one.centre for one in priors if one.fixed}
        """Values of those that do not vary."""
        self.priors = tuple(one.widened(width) for one in priors if not one.fixed)
        self.names = [one.name for one in self.priors]
        self._margins = [_margin(one) for one in self.priors]
        place = {name: i for i, name in enumerate(self.names)}
        pairs = [(i, place[one.with_], one.correlation)
                 for i, one in enumerate(self.priors) if one.with_ in place]  # fmt: skip
        self._led = np.array([pair[0] for pair in pairs], dtype=int)
        self._leaders = np.array([pair[1] for pair in pairs], dtype=int)
        self._correlations = np.array([pair[2] for pair in pairs])
        self._own = np.sqrt(1 - self._correlations**2)
        self.mixing = self._mixed()
        """What takes independent coordinates to those of each parameter (parameter, coordinate)."""

    def __len__(self) -> int:
        return len(self.priors)

    def values(self, z: FloatArray) -> FloatArray:
        """Values [n, p], in the units of the models, at independent standard normal coordinates
        [n, p]. Raises InputError for another shape."""
        return _mapped([one.value for one in self._margins], self._checked(z) @ self.mixing.T)

    def coordinates(self, values: FloatArray) -> FloatArray:
        """Coordinates [n, p] of values [n, p]; infinite or NaN where a value has no density."""
        return self._independent(
            _mapped([one.normal for one in self._margins], self._checked(values))
        )

    def log_density(self, values: FloatArray) -> FloatArray:
        """Logarithm [n] of the density of values [n, p]; -inf outside the bounds."""
        given = self._checked(values)
        x = _mapped([one.normal for one in self._margins], given)
        slopes = _mapped([one.log_slope for one in self._margins], given)
        inside: NDArray[np.bool_] = np.all(np.isfinite(x + slopes), axis=1)
        z = self._independent(np.where(inside[:, None], x, 0.0))
        joint = np.sum(slopes - 0.5 * z**2 - _LOG_ROOT, axis=1) - np.sum(np.log(self._own))
        found: FloatArray = np.where(inside, joint, -np.inf)
        return found

    def _mixed(self) -> FloatArray:
        """What takes independent coordinates to those of each parameter: a leader's, in part."""
        mixing: FloatArray = np.eye(len(self))
        waiting = set(self._led.tolist())
        while waiting:
            for led, leader, correlation, own in zip(
                self._led, self._leaders, self._correlations, self._own, strict=True
            ):
                if led in waiting and leader not in waiting:
                    mixing[led] = correlation * mixing[leader] + own * mixing[led]
                    waiting.discard(led)
        return mixing

    def _independent(self, x: FloatArray) -> FloatArray:
        z = x.copy()
        with np.errstate(invalid="ignore"):
            led = x[:, self._led] - self._correlations * x[:, self._leaders]
        z[:, self._led] = led / self._own
        return z

    def _checked(self, given: FloatArray) -> FloatArray:
        array = np.asarray(given, dtype=float)
        if array.ndim != 2 or array.shape[1] != len(self):
            raise InputError(f"an array of shape {array.shape} was given; give [n, {len(self)}]")
        return array


def _mapped(functions: Sequence[_Map], given: FloatArray) -> FloatArray:
    """Each column by its function."""
    found = np.empty_like(given)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for place, function in enumerate(functions):
            found[:, place] = function(given[:, place])
    return found


@dataclass(frozen=True)
class _Margin:
    """One parameter: its value at a standard normal number, back, and the slope between."""

    value: _Map
    normal: _Map
    log_slope: _Map
    """Logarithm of how fast the standard normal number moves with the value."""


def _margin(prior: Prior) -> _Margin:
    if prior.distribution == LOG_UNIFORM:
        return _log_uniform(float(np.log(prior.low)), float(np.log(prior.high)))
    if prior.distribution == LOG_NORMAL:
        return _seen_through(prior, np.log, np.exp, lambda v: -np.log(v))
    if prior.distribution == LOGIT_NORMAL:
        return _seen_through(prior, logit, expit, lambda v: -np.log(v) - np.log1p(-v))
    return _seen_through(prior, np.positive, np.positive, np.zeros_like)


def _log_uniform(low: float, high: float) -> _Margin:
    def normal(v: FloatArray) -> FloatArray:
        above, below = (np.log(v) - low) / (high - low), (high - np.log(v)) / (high - low)
        return _from_tails(above, below, (above >= -_ROUNDING) & (below >= -_ROUNDING))

    def log_slope(v: FloatArray) -> FloatArray:
        slope: FloatArray = 0.5 * normal(v) ** 2 + _LOG_ROOT - np.log(v) - np.log(high - low)
        return slope

    def value(x: FloatArray) -> FloatArray:
        span = high - low
        found: FloatArray = np.exp(np.where(x < 0, low + span * ndtr(x), high - span * ndtr(-x)))
        return found

    return _Margin(value, normal, log_slope)


def _seen_through(prior: Prior, scale: _Map, back: _Map, log_slope_of_scale: _Map) -> _Margin:
    """A normal curve on a scale, cut at the bounds of the prior."""
    with np.errstate(divide="ignore"):
        centre, *bounds = scale(np.array([prior.centre, prior.low, prior.high]))
    deviation = prior.deviation
    cut = _Cut(*((bound - centre) / deviation for bound in bounds))

    def value(x: FloatArray) -> FloatArray:
        return back(centre + deviation * cut.within(x))

    def normal(v: FloatArray) -> FloatArray:
        return cut.whole((scale(v) - centre) / deviation)

    def log_slope(v: FloatArray) -> FloatArray:
        y = (scale(v) - centre) / deviation
        slope: FloatArray = cut.log_slope(y) + log_slope_of_scale(v) - np.log(deviation)
        return slope

    return _Margin(value, normal, log_slope)


def _from_tails(lower: FloatArray, upper: FloatArray, inside: NDArray[np.bool_]) -> FloatArray:
    """The standard normal number with these tails, by the smaller; finite at the ends too."""
    x = np.where(lower < upper, ndtri(np.maximum(lower, _LEAST)), -ndtri(np.maximum(upper, _LEAST)))
    found: FloatArray = np.where(inside, x, np.nan)
    return found


class _Cut:
    """A standard normal curve between two ends. Each half is computed from its own tail, so that
    neither loses digits."""

    def __init__(self, low: float, high: float) -> None:
        self.below, self.above = float(ndtr(low)), float(ndtr(-high))
        self.mass = float(ndtr(high) - ndtr(low))

    def within(self, x: FloatArray) -> FloatArray:
        """The number of the cut curve with as much below it as `x` has of the whole."""
        if self.mass == 1:
            return x
        lower = ndtri(self.below + self.mass * ndtr(x))
        upper = -ndtri(self.above + self.mass * ndtr(-x))
        found: FloatArray = np.where(x < 0, lower, upper)
        return found

    def whole(self, y: FloatArray) -> FloatArray:
        """Back; NaN outside the ends."""
        if self.mass == 1:
            return y
        lower = (ndtr(y) - self.below) / self.mass
        upper = (ndtr(-y) - self.above) / self.mass
        return _from_tails(lower, upper, (lower >= -_ROUNDING) & (upper >= -_ROUNDING))

    def log_slope(self, y: FloatArray) -> FloatArray:
        """Logarithm of how fast `whole` moves."""
        slope: FloatArray = 0.5 * (self.whole(y) ** 2 - y**2) - np.log(self.mass)
        return slope
