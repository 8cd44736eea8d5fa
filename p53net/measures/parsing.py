"""Measures as users write them, checked against a model, described, and taken of points.

A measure is written `kind:argument:argument`, as on the command line: `peak:p53_active`.
"""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import InputError, MeasureError, unknown_name
from p53net.measures.definition import Curves, Measure, Number, Own
from p53net.measures.kinds import GENERAL, KINDS
from p53net.model import Definition, shown_unit


def parsed(text: str) -> Measure:
    """A measure from its text, such as `at:MDM2_total:24`, `rebound` or `dose_ratio:3`."""
    kind, *given = text.split(":")
    if kind not in KINDS:
        raise unknown_name("measure", kind, KINDS)
    names = KINDS[kind].arguments
    least = len([name for name in names if name != "drug"])
    if not least <= len(given) <= len(names):
        raise InputError(f"measure '{text}' should be written {':'.join([kind, *names])}")
    return Measure(kind, tuple(given))


def listed() -> list[tuple[str, str, str]]:
    """How each kind is written, its unit and its meaning."""
    return [
        (
            ":".join([name, *kind.arguments]),
            kind.unit.format(unit="nM"),
            kind.meaning.format(*[f"{{{word}}}" for word in kind.arguments]),
        )
        for name, kind in KINDS.items()
    ]


def settled(wanted: object, definition: Definition, times: FloatArray) -> Measure:
    """A measure with its arguments checked and complete: for this model, and these times."""
    one = parsed(wanted) if isinstance(wanted, str) else wanted
    if not isinstance(one, Measure):
        raise InputError(
            f"a measure is {wanted!r}, but must be a text such as 'peak:p53_active', or made by "
            "a function of pn.measures"
        )
    if one.own is not None:
        for name in one.own.observables:
            _known(name, definition)
        return one
    kind = KINDS[one.kind]
    given = list(one.arguments)
    if definition.external and one.kind not in GENERAL:
        raise InputError(
            f"measure {one} is about drugs and p53, and {definition.id} was read from a file; "
            f"use {', '.join(GENERAL)} or a measure of your own"
        )
    if "drug" in kind.arguments and len(given) < len(kind.arguments):
        if len(definition.drugs) != 1:
            has = " and ".join(definition.drugs) or "no drug"
            raise InputError(f"measure {one} needs a drug, and the model has {has}; add ':NAME'")
        given.append(next(iter(definition.drugs)))
    checked = tuple(
        _argument(name, value, one, definition, times)
        for name, value in zip(kind.arguments, given, strict=True)
    )
    complete = Measure(one.kind, checked)
    for name in observables_of(complete, definition):
        if name not in definition.variables:
            raise InputError(f"measure {one} needs {name}, and this model has none; load a drug")
    return complete


def observables_of(one: Measure, definition: Definition) -> tuple[str, ...]:
    """Which quantities of a run it reads."""
    if one.own is not None:
        return one.own.observables
    kind = KINDS[one.kind]
    named = dict(zip(kind.arguments, one.arguments, strict=True))
    role = definition.drugs.get(str(named.get("drug")), "")
    needed = [name.format(role=role) for name in kind.observables]
    return (*([str(named["observable"])] if "observable" in named else []), *needed)


def described(one: Measure, definition: Definition) -> tuple[str, str, str]:
    """Name, unit and meaning of its column."""
    if one.own is not None:
        return one.kind, one.own.unit, f"own measure {one.kind}"
    kind = KINDS[one.kind]
    said = [a if isinstance(a, str) else f"{a:g}" for a in one.arguments]
    several = "drug" in kind.arguments and len(definition.drugs) > 1
    name = kind.name.format(*said) + (f"_{said[-1]}" if several else "")
    unit = kind.unit.format(unit=shown_unit(definition.units.get(said[0], "")) if said else "")
    unit = {"1 h": "h", "1/h h": "1"}.get(unit, unit)
    if definition.external and one.kind == "auc":
        parts = definition.units.get(said[0], ""), definition.time_unit
        unit = " ".join(part for part in parts if part != "1") if all(parts) else ""
    return name, unit, kind.meaning.format(*said)


def value_of(one: Measure, point: Curves) -> float:
    """The measure of a point. Raises MeasureError where it has no finite value."""
    if one.own is not None:
        found = _own_value(one.own, point)
    else:
        found = KINDS[one.kind].value(point, *one.arguments)
    try:
        number = float(found)
    except (TypeError, ValueError):
        raise MeasureError(f"it returned {str(found)[:60]!r}, not a number") from None
    if not np.isfinite(number):
        raise MeasureError(f"it is {number}")
    return number


def _own_value(own: Own, point: Curves) -> Number:
    curves = [point.curve(name).copy() for name in own.observables]
    if not own.arrays:
        return own.function(point.times.copy(), *curves)
    return _own_values(own, point.times, [curve[None] for curve in curves])[0]


def _own_values(own: Own, times: FloatArray, curves: Sequence[FloatArray]) -> FloatArray:
    found = own.function(times.copy(), *curves)
    try:
        values = np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        raise MeasureError(f"it returned {str(found)[:60]!r}, not numbers") from None
    if values.shape != (len(curves[0]),):
        raise MeasureError(
            f"it returned an array of shape {values.shape}, not one number for each row of its "
            f"curves, {(len(curves[0]),)}"
        )
    return values


def is_array_measure(one: Measure) -> bool:
    """Whether it can be taken of many points at once."""
    return one.own is None or one.own.arrays


def value_of_many(one: Measure, curves: Curves) -> FloatArray:
    """The measure of many points; not finite where it has no value."""
    return np.asarray(KINDS[one.kind].value(curves, *one.arguments), dtype=float)


def own_value_of_many(own: Own, curves: Curves, sound: NDArray[np.intp]) -> FloatArray:
    """A user's measure of many points, whose function sees those that are sound; NaN where it has
    no value, everywhere if it fails."""
    values = [curves.curve(name) for name in own.observables]
    found = np.full(len(values[0]), np.nan)
    if len(sound):
        with suppress(Exception):  # which one point or all may cause: each is then looked at
            found[sound] = _own_values(own, curves.times, [value[sound] for value in values])
    return found


def _argument(
    name: str, value: str | float, one: Measure, definition: Definition, times: FloatArray
) -> str | float:
    if name == "observable":
        return _known(str(value), definition)
    if name == "drug":
        key = str(value).strip().casefold()
        if key not in definition.drug_names:
            raise unknown_name("drug", value, definition.drugs)
        return definition.drug_names[key]
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"measure {one}: {name} is '{value}', not a number") from None
    if name == "hours":
        nearest = float(times[np.argmin(np.abs(times - number))])
        if not np.isclose(nearest, number, rtol=1e-9, atol=0.0):
            raise InputError(
                f"measure {one}: {number:g} h is not among the times of the run; add it to times"
            )
        return nearest
    if name == "fold" and not 1.0 < number < np.inf:
        raise InputError(f"measure {one}: the fold is {number:g}, but must be above 1")
    if name == "medium_volume" and not 0.0 < number < np.inf:
        raise InputError(f"measure {one}: the volume is {number:g} pL, but must be above 0")
    return number


def _known(name: str, definition: Definition) -> str:
    if name not in definition.variables:
        raise unknown_name("observable", name, definition.variables)
    return name
