"""What a measure is: one number taken of the curves of a point, or of many points at once."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from p53net import children
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.measures.equieffective import Search
from p53net.simulation.model import Model

_PLAIN = (bool, int, float, str, tuple, np.ndarray)


Number: TypeAlias = Any
"""A float of one point, or an array of many."""


class Curves(Protocol):
    """Curves of one point, or of many with a row for each, and the cells that they are of."""

    @property
    def model(self) -> Model:
        """Their model, with the values that all points have."""

    @property
    def times(self) -> FloatArray:
        """Hours, the last dimension of every curve."""

    def curve(self, name: str) -> FloatArray:
        """A quantity; its first value is that of the untreated cell."""

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""

    def since_washout(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Times [h], and a quantity then: of one point from its washout on, of many NaN before it.
        Raises MeasureError where one point has none."""

    def searched(self, search: Search, drug: str, *arguments: float) -> Number:
        """What a search for a dose gives of one drug alone in the cells; of one point the error
        that it gives is raised."""


@dataclass(frozen=True)
class Kind:
    """One kind of measure: its arguments, what it is, and how it is taken.

    Of curves of one point it gives a number or raises MeasureError; of many, with a row for each,
    an array with NaN or infinity where it has no value.
    """

    arguments: tuple[str, ...]
    name: str
    unit: str
    meaning: str
    value: Callable[..., Number]
    observables: tuple[str, ...] = ()
    """What it needs besides an `observable` among its arguments."""
    scale: str = "value"
    """What its accuracy is relative to: the `value`, or a millionth of the curve's `peak` if that
    is more, or `one` for numbers that may well be 0."""
    error: float = 0.0
    """Error of what is not taken of curves, in this scale."""


@dataclass(frozen=True)
class Measure:
    """One number from each point. Made by `p53net.measures` or of a text.

    Examples:
        >>> found = pn.measures.dose_ratio(3)
        >>> print(found)
        dose_ratio:3
        >>> pn.measures.peak("p53_active")
        Measure(kind='peak', arguments=('p53_active',), own=None)
    """

    kind: str
    arguments: tuple[str | float, ...] = ()
    own: Own | None = None

    def __str__(self) -> str:
        parts = [f"{a:g}" if isinstance(a, float) else str(a) for a in self.arguments]
        return ":".join([self.kind, *parts])

    def as_record(self) -> dict[str, object]:
        """For the record of a sweep; of a user's function its name and digest.

        Examples:
            >>> pn.measures.dose_ratio(3).as_record()
            {'measure': ['dose_ratio', 3]}
        """
        if self.own is None:
            return {"measure": [self.kind, *self.arguments]}
        own = self.own
        return {"own measure": [self.kind, own.digest, list(own.observables), own.unit]}


@dataclass(frozen=True)
class Own:
    """A user's function of `times` [h] and one array for each of `observables`."""

    function: Callable[..., Number]
    observables: tuple[str, ...]
    unit: str
    arrays: bool = False
    """Whether it takes curves of many points, a row for each, and gives a number for each."""

    @property
    def digest(self) -> str:
        """Tells one function from another: by its source and by all values that it holds."""
        import cloudpickle

        function, held = self.function, list[object]()
        while isinstance(function, partial):
            held.append((function.args, function.keywords))
            function = function.func
        if inspect.isfunction(function):
            around = inspect.getclosurevars(function)
            plain = {n: v for n, v in around.globals.items() if isinstance(v, _PLAIN)}
            held += [around.nonlocals, function.__defaults__, function.__kwdefaults__, plain]
        try:
            values = cloudpickle.dumps(held)
        except Exception as error:  # whatever a value raises that cannot be sent
            raise InputError(
                f"a measure of your own holds what cannot be sent to workers: {error}"
            ) from None
        source = children.source_of(function).encode() + b"arrays" * self.arrays
        return hashlib.sha256(source + values).hexdigest()

    def __reduce__(self) -> tuple[Callable[..., Own], tuple[object, ...]]:
        """As code that finds what it needs in another process."""
        return _received, (
            children.as_code(self.function),
            self.observables,
            self.unit,
            self.arrays,
        )


def _received(function: bytes, *others: Any) -> Own:  # noqa: ANN401 - as they were sent
    return Own(children.function_of(function), *others)


def own(
    name: str,
    function: Callable[..., Number],
    observables: Sequence[str],
    unit: str = "1",
    *,
    arrays: bool = False,
) -> Measure:
    """A measure of your own: `function(times, *curves)` returns one number.

    `times` [h] and one array for each of `observables` are NumPy arrays of one length. The function
    runs in the workers. What it raises, or a value that is not finite, is the point's status.

    With `arrays=True` the curves have a row for each of many points, (n, times), and it returns n
    numbers, NaN where there is none; what it gives for a row must depend on that row alone. It then
    runs where the points do, and for a single point with n = 1.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"measure name {name!r} must be letters, digits and _, such as half_time")
    if not callable(function):
        raise InputError(f"measure {name} must be a function of times and curves")
    if isinstance(observables, str) or not isinstance(observables, Sequence) or not observables:
        raise InputError(f"measure {name} needs a list of observables, such as ['p53_active']")
    if not isinstance(unit, str):
        raise InputError(
            f"measure {name} has the unit {unit!r}, but it must be a text, such as 'h'"
        )
    if not isinstance(arrays, bool):
        raise InputError(f"measure {name} has arrays={arrays!r}, but it must be True or False")
    return Measure(name, (), Own(function, tuple(observables), unit, arrays))
