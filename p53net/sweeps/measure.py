"""What a sweep keeps of each run: areas, peaks, values, and every measure of feedback escape.

A measure is written `kind:argument:argument`, as on the command line: `peak:p53_active`.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from p53net import candidates, children, measures
from p53net.engines.base import FloatArray
from p53net.errors import InputError, MeasureError, unknown_name
from p53net.model import Definition, shown_unit
from p53net.simulation.model import Model

_GONE = 1e-9  # of the most degrader that was in the cell: less is the integrator's noise
_PLAIN = (bool, int, float, str, tuple, np.ndarray)


Number: TypeAlias = Any
"""A float of one point, or an array of many."""


class Curves(Protocol):
    """Curves of one point, or of many with a row for each."""

    @property
    def times(self) -> FloatArray:
        """Hours, the last dimension of every curve."""

    def curve(self, name: str) -> FloatArray:
        """A quantity; its first value is that of the untreated cell."""

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""


class Point(Curves, Protocol):
    """One point, which a measure can look at more closely."""

    @property
    def model(self) -> Model:
        """Its model, with the values that all points have."""

    def since_washout(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Times [h] from the washout on, and a quantity then. Raises MeasureError."""

    def candidate(self, drug: str) -> candidates.Candidate:
        """One drug alone in its cell, for measures that look for a dose. Raises MeasureError."""


@dataclass(frozen=True)
class Kind:
    """One kind of measure: its arguments, what it is, and how it is taken from a point."""

    arguments: tuple[str, ...]
    name: str
    unit: str
    meaning: str
    value: Callable[..., Number]
    observables: tuple[str, ...] = ()
    """What it needs besides an `observable` among its arguments."""
    arrays: bool = False
    """Whether it also takes curves of many points, a row for each, and gives an array with NaN or
    infinity where it has no value."""


@dataclass(frozen=True)
class Measure:
    """One number from each point. Made by `auc`, `peak`, `at`, `fold`, `measure` or a text."""

    kind: str
    arguments: tuple[str | float, ...] = ()
    own: "Own | None" = None

    def __str__(self) -> str:
        parts = [f"{a:g}" if isinstance(a, float) else str(a) for a in self.arguments]
        return ":".join([self.kind, *parts])

    def as_record(self) -> dict[str, object]:
        """For the record of a sweep; of a user's function its name and digest."""
        if self.own is None:
            return {"measure": [self.kind, *self.arguments]}
        own = self.own
        return {"own measure": [self.kind, own.digest, list(own.observables), own.unit]}


@dataclass(frozen=True)
class Own:
    """A user's function of `times` [h] and one array for each of `observables`."""

    function: Callable[..., float]
    observables: tuple[str, ...]
    unit: str

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
            source = inspect.getsource(function)
        except (OSError, TypeError):
            code = getattr(function, "__code__", None)
            source = repr((code.co_code, code.co_consts)) if code else repr(function)
        try:
            values = cloudpickle.dumps(held)
        except Exception as error:  # whatever a value raises that cannot be sent
            raise InputError(
                f"a measure of your own holds what cannot be sent to workers: {error}"
            ) from None
        return hashlib.sha256(source.encode() + values).hexdigest()

    def __reduce__(self) -> tuple[Callable[..., "Own"], tuple[object, ...]]:
        """As code that finds what it needs in another process."""
        return _received, (children.as_code(self.function), self.observables, self.unit)


def _received(function: bytes, observables: tuple[str, ...], unit: str) -> Own:
    return Own(children.function_of(function), observables, unit)


def auc(observable: str) -> Measure:
    """Area under the curve over the whole run, by trapezoids between `times` [unit h]."""
    return Measure("auc", (observable,))


def peak(observable: str) -> Measure:
    """Highest value among `times`."""
    return Measure("peak", (observable,))


def at(observable: str, hours: float) -> Measure:
    """Value at one of `times` [h]."""
    return Measure("at", (observable, hours))


def fold(observable: str) -> Measure:
    """Value at the end over the untreated value."""
    return Measure("fold", (observable,))


def measure(
    name: str, function: Callable[..., float], observables: Sequence[str], unit: str = "1"
) -> Measure:
    """A measure of your own: `function(times, *curves)` returns one number.

    `times` [h] and one array for each of `observables` are NumPy arrays of one length. The function
    runs in the workers. What it raises, or a value that is not finite, is the point's status.
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
    return Measure(name, (), Own(function, tuple(observables), unit))


def _fold(curves: Curves, name: str) -> Number:
    curve = curves.curve(name)
    return measures.where_defined(
        curve[..., 0] > 0,
        lambda: curve[..., -1] / curve[..., 0],
        f"untreated {name} is 0, so there is no fold",
    )


def _swing(curves: Curves, name: str) -> Number:
    first = np.searchsorted(curves.times, 0.75 * curves.times[-1])
    late = curves.curve(name)[..., first:]  # a slice: a sum has one order for one curve and many
    mean = late.mean(axis=-1)
    return measures.where_defined(
        mean > 0, lambda: np.ptp(late, axis=-1) / mean, f"{name} is 0, so it has no swing"
    )


def _escape_index(curves: Curves) -> Number:
    active = curves.curve("p53_active")
    return measures.escape_index(curves.times, active, curves.opened("p53_active"), active[..., 0])


def _undrugged(curves: Curves) -> tuple[Number, Number, Number]:
    total = curves.curve("MDM2_total")
    return measures.abundance_occupancy(
        total[..., -1], curves.curve("MDM2_undrugged")[..., -1], total[..., 0]
    )


def _destroyed_per_drug(point: Point) -> float:
    degrader = point.curve("degrader_in_cell")
    in_cell = degrader[-1]
    if in_cell <= _GONE * degrader.max():
        raise MeasureError("there is no degrader in the cell at the end; read while it is there")
    return float(point.curve(point.model.definition.counters[0])[-1] / in_cell)


def _rebound(point: Point) -> float:
    untreated = point.curve("p53_active")[0]
    if untreated <= 0:
        raise MeasureError("the cell has no p53, so nothing rebounds")
    return measures.rebound(point.since_washout("p53_active")[1], float(untreated))


def _free_rise(point: Point) -> float:
    _, after = point.since_washout("MDM2_free")
    untreated = point.curve("MDM2_free")[0]
    if untreated <= 0 or after.max() <= 0:
        raise MeasureError("the cell has no free MDM2, so there is no rise")
    return float(np.log2(after.max() / untreated))


def _persistence(point: Point) -> float:
    times, after = point.since_washout("p53_active")
    return measures.half_time(times, after, float(point.curve("p53_active")[0]))


def _washout_half_time(point: Point, drug: str) -> float:
    times, after = point.since_washout(f"{point.model.definition.drugs[drug]}_in_cell")
    return measures.half_time(times, after, 0.0)


def _dose_ratio(point: Point, level: float, drug: str) -> float:
    one = point.candidate(drug)
    closed, opened = (candidates.resting_dose(one, level, feedback=f) for f in (True, False))
    return closed / opened


def _loop_factor(point: Point, level: float, drug: str) -> float:
    one = point.candidate(drug)
    return candidates.loop_factor(one, candidates.resting_dose(one, level, feedback=True))


def _equal_dose(point: Point, level: float, drug: str) -> float:
    one, hours = point.candidate(drug), float(point.times[-1])
    active = candidates.responses(one, hours, ["p53_active"])[:, 0]
    return candidates.equal_dose(one, active, hours, level)[0]


def _stoichiometric_load(point: Point, level: float, volume: float, drug: str) -> float:
    one, hours = point.candidate(drug), float(point.times[-1])
    dose = candidates.closed_dish_dose(one, volume, hours, level)
    return candidates.stoichiometric_load(one, dose, volume)


_ACTIVE, _MDM2 = ("p53_active",), ("MDM2_total", "MDM2_undrugged")

KINDS: Mapping[str, Kind] = {
    "auc": Kind(
        ("observable",), "auc_{0}", "{unit} h", "area under {0} over the run",
        lambda curves, name: np.trapezoid(curves.curve(name), curves.times), arrays=True,
    ),
    "peak": Kind(
        ("observable",), "peak_{0}", "{unit}", "highest {0}",
        lambda curves, name: curves.curve(name).max(axis=-1), arrays=True,
    ),
    "lowest": Kind(
        ("observable",), "lowest_{0}", "{unit}", "lowest {0}",
        lambda curves, name: curves.curve(name).min(axis=-1), arrays=True,
    ),
    "at": Kind(
        ("observable", "hours"), "{0}_at_{1}", "{unit}", "{0} at {1} h",
        lambda curves, name, hours: curves.curve(name)[
            ..., np.searchsorted(curves.times, hours)
        ],
        arrays=True,
    ),
    "fold": Kind(
        ("observable",), "{0}_fold", "1", "{0} at the end over untreated", _fold, arrays=True,
    ),
    "swing": Kind(
        ("observable",), "{0}_swing", "1",
        "swing of {0} in the last quarter of the run over its mean: does it pulse?", _swing,
        arrays=True,
    ),
    "escape_index": Kind(
        (), "escape_index", "1",
        "share of the open-loop response that feedback costs: 0 none, 1 all",
        _escape_index, _ACTIVE, arrays=True,
    ),
    "log_undrugged": Kind(
        (), "log_undrugged", "1", "ln of undrugged MDM2 over untreated, at the end",
        lambda curves: _undrugged(curves)[0], _MDM2, arrays=True,
    ),
    "log_abundance": Kind(
        (), "log_abundance", "1", "part of it from total MDM2: what feedback hands back",
        lambda curves: _undrugged(curves)[1], _MDM2, arrays=True,
    ),
    "log_occupancy": Kind(
        (), "log_occupancy", "1", "part of it from the undrugged share: what the drug takes",
        lambda curves: _undrugged(curves)[2], _MDM2, arrays=True,
    ),
    "destroyed_per_drug": Kind(
        (), "destroyed_per_drug", "1",
        "MDM2 molecules destroyed by the end for each degrader molecule in the cell",
        _destroyed_per_drug, ("degrader_in_cell", "MDM2_destroyed"),
    ),
    "rebound": Kind(
        (), "rebound", "1", "fall of active p53 below untreated after washout", _rebound, _ACTIVE,
    ),
    "free_MDM2_rise": Kind(
        (), "free_MDM2_rise", "1", "log2 of the highest free MDM2 after washout over untreated",
        _free_rise, ("MDM2_free",),
    ),
    "persistence": Kind(
        (), "persistence", "h", "half-time of raised active p53 after washout",
        _persistence, _ACTIVE,
    ),
    "washout_half_time": Kind(
        ("drug",), "washout_half_time", "h", "half-time of all {0} in the cell after washout",
        _washout_half_time, ("{role}_in_cell",),
    ),
    "dose_ratio": Kind(
        ("fold", "drug"), "dose_ratio_{0}", "1",
        "dose of {1} alone, loop closed over open, for active p53 {0} times untreated at rest",
        _dose_ratio,
    ),
    "loop_factor": Kind(
        ("fold", "drug"), "loop_factor_{0}", "1",
        "sensitivity of resting active p53 to k_ub_p53, open over closed loop, where {1} alone "
        "rests it at {0} times untreated", _loop_factor,
    ),
    "equal_dose": Kind(
        ("fold", "drug"), "equal_dose_{0}", "nM",
        "lowest constant dose of {1} alone for active p53 {0} times untreated at the end",
        _equal_dose,
    ),
    "stoichiometric_load": Kind(
        ("fold", "volume", "drug"), "stoichiometric_load_{0}_{1}", "1",
        "drug molecules per untreated MDM2 for {0} times active p53 at the end, {1} pL per cell",
        _stoichiometric_load,
    ),
}  # fmt: skip
"""Every kind of measure. `drug` may be left out where the model has one."""

GENERAL = tuple(name for name, kind in KINDS.items() if "observable" in kind.arguments)
"""Kinds that any model has."""

SEARCHING = ("dose_ratio", "loop_factor", "equal_dose", "stoichiometric_load")
"""Kinds that look for a dose, one run after the other, always by RoadRunner."""

COMPARING = ("escape_index", "dose_ratio", "loop_factor")
"""Kinds that run the loop closed and opened."""


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
            "pn.auc, pn.peak, pn.at, pn.fold or pn.measure"
        )
    if one.own is not None:
        for name in one.own.observables:
            _known(name, definition)
        return one
    kind = KINDS[one.kind]
    given = list(one.arguments)
    if definition.foreign and one.kind not in GENERAL:
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
    if definition.foreign and one.kind == "auc":
        parts = definition.units.get(said[0], ""), definition.time_unit
        unit = " ".join(part for part in parts if part != "1") if all(parts) else ""
    return name, unit, kind.meaning.format(*said)


def value_of(one: Measure, point: Point) -> float:
    """The measure of a point. Raises MeasureError where it has no finite value."""
    if one.own is not None:
        curves = [point.curve(name).copy() for name in one.own.observables]
        found = one.own.function(point.times.copy(), *curves)
    else:
        found = KINDS[one.kind].value(point, *one.arguments)
    try:
        number = float(found)
    except (TypeError, ValueError):
        raise MeasureError(f"it returned {str(found)[:60]!r}, not a number") from None
    if not np.isfinite(number):
        raise MeasureError(f"it is {number}")
    return number


def is_array_measure(one: Measure) -> bool:
    """Whether it can be taken of many points at once."""
    return one.own is None and KINDS[one.kind].arrays


def value_of_many(one: Measure, curves: Curves) -> FloatArray:
    """The measure of many points; not finite where it has no value."""
    return np.asarray(KINDS[one.kind].value(curves, *one.arguments), dtype=float)


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
    if name == "volume" and not 0.0 < number < np.inf:
        raise InputError(f"measure {one}: the volume is {number:g} pL, but must be above 0")
    return number


def _known(name: str, definition: Definition) -> str:
    if name not in definition.variables:
        raise unknown_name("observable", name, definition.variables)
    return name
