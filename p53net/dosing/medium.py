"""Doses in a dish: what concentration of a drug the medium has, and from when on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from numbers import Real
from typing import ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.infusions import Infusion, Infusions, infusions_of
from p53net.errors import InputError

Medium: TypeAlias = "float | Dose | Sequence[tuple[float, float]]"
"""What users write for a dish."""


@dataclass(frozen=True)
class Dose:
    """Steps of the medium's concentration: from each time [h] on, a concentration [nM].

    In a closed dish (`medium_volume` [pL per cell] is set) cells take the drug out of the medium;
    otherwise the medium keeps its concentration.

    Examples:
        >>> dose = pn.pulse(5.0, hours=4, start=1)
        >>> dose.steps, dose.changes, dose.highest
        (((0.0, 0.0), (1.0, 5.0), (5.0, 0.0)), (0.0, 1.0, 5.0), 5.0)
        >>> dose.is_constant, dose.closed
        (False, False)
        >>> pn.closed_dish(5.0).medium_volume
        1000.0
    """

    steps: tuple[tuple[float, float], ...]
    medium_volume: float | None = None
    per_unit: ClassVar[float] = 1.0
    """Steps are in nM already."""
    infusions: ClassVar[tuple[Infusion, ...]] = ()
    """None: a medium is changed at once."""

    def __post_init__(self) -> None:
        steps = tuple((_time(time, "time"), _concentration(value)) for time, value in self.steps)
        if not steps or steps[0][0] != 0:
            raise InputError("a dose starts at time 0; put (0, nM) first, or use pn.course")
        for (earlier, _), (later, _) in pairwise(steps):
            if later <= earlier:
                raise InputError(
                    f"the course's times must rise strictly, but {later:g} h follows "
                    f"{earlier:g} h; sort them and join doses that fall together"
                )
        if self.medium_volume is not None:
            _positive(self.medium_volume, "medium_volume")

    @property
    def closed(self) -> bool:
        """Whether the amount of drug is finite."""
        return self.medium_volume is not None

    @property
    def is_constant(self) -> bool:
        """Whether the medium is set once, at the start."""
        return len(self.steps) == 1

    @property
    def highest(self) -> float:
        """The highest concentration [nM]."""
        return max(level for _, level in self.steps)

    @property
    def changes(self) -> tuple[float, ...]:
        """Times [h] at which something changes."""
        return tuple(time for time, _ in self.steps)

    def __str__(self) -> str:
        said = ", ".join(f"{_exact(value)} nM from {_exact(time)} h" for time, value in self.steps)
        return said + (f", closed, {_exact(self.medium_volume)} pL per cell" if self.closed else "")


class Given(Protocol):
    """What is given of one drug in a run: a `Dose` to cells in a dish, a `Regimen` to a body."""

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Times [h], and what the medium has from then on or the body gets then at once."""

    @property
    def infusions(self) -> tuple[Infusion, ...]:
        """What a body gets in the course of time, in units of the steps an hour."""

    @property
    def highest(self) -> float:
        """The highest concentration, or the largest single dose."""

    @property
    def changes(self) -> tuple[float, ...]:
        """Times [h] at which something changes; they rise."""

    @property
    def per_unit(self) -> float:
        """nM or nmol for each unit of the steps."""

    @property
    def closed(self) -> bool:
        """Whether the amount of drug in a dish is finite."""

    @property
    def medium_volume(self) -> float | None:
        """pL per cell of a closed dish."""

    @property
    def is_constant(self) -> bool:
        """Whether the medium is set once, at the start."""


@dataclass(frozen=True)
class Courses:
    """Doses of many runs, a row for each."""

    drugs: tuple[str, ...]
    at: NDArray[np.float64]
    """Run, step: hours at which something changes; the first is 0, infinite ones never come."""
    levels: NDArray[np.float64]
    """Run, step, drug: nM in the medium from then on, or nmol into the body; NaN is no change."""
    medium_volume: float | NDArray[np.float64] | None = None
    """pL per cell of a closed dish: of all, or of each."""
    infusions: Mapping[str, Infusions] = field(default_factory=dict)
    """Of each drug that is infused: all begins and ends are among the times at which something
    changes."""

    def of(self, rows: NDArray[np.intp]) -> Courses:
        """Those of some runs, any of them more than once."""
        volume = self.medium_volume
        return Courses(
            self.drugs,
            self.at[rows],
            self.levels[rows],
            volume[rows] if isinstance(volume, np.ndarray) else volume,
            {drug: several.of(rows) for drug, several in self.infusions.items()},
        )

    def scaled(self, drug: str, factors: NDArray[np.float64], of: float = 1.0) -> Courses:
        """The same with all doses of a drug multiplied by the factor of each run, over `of`."""
        levels, column = self.levels.copy(), self.drugs.index(drug)
        levels[:, :, column] = levels[:, :, column] / of * factors[:, np.newaxis]
        infusions = dict(self.infusions)
        if drug in infusions:
            infusions[drug] = infusions[drug].scaled(factors / of)
        return replace(self, levels=levels, infusions=infusions)

    @property
    def infused(self) -> NDArray[np.bool_] | None:
        """Into which runs drug flows; None where it flows into none."""
        several = [one.any for one in self.infusions.values()]
        return np.asarray(np.any(several, axis=0)) if several else None

    @property
    def amounts(self) -> NDArray[np.float64]:
        """What each run gets into the body [nmol], of all drugs together."""
        return np.asarray(sum(self.amounts_of(drug) for drug in self.drugs))

    def amounts_of(self, drug: str) -> NDArray[np.float64]:
        """What each run gets of a drug into the body [nmol]."""
        column = self.drugs.index(drug)
        found = np.nansum(self.levels[:, :, column : column + 1], axis=(1, 2))
        if drug in self.infusions:
            found = found + self.infusions[drug].amounts.sum(axis=1)
        return np.asarray(found)


def same_courses(doses: Mapping[str, Given], runs: int = 1) -> Courses:
    """The same doses for every run."""
    return courses_of([doses]).of(np.zeros(runs, dtype=np.intp))


def courses_of(runs: Sequence[Mapping[str, Given]]) -> Courses:
    """Doses of several runs, which may differ in drugs and times, but not in the medium of a closed
    dish."""
    drugs = tuple(dict.fromkeys(drug for doses in runs for drug in doses))
    hours = [
        sorted({0.0} | {time for dose in doses.values() for time in dose.changes}) for doses in runs
    ]
    at = np.full((len(runs), max(map(len, hours))), np.inf)
    levels = np.full((*at.shape, len(drugs)), np.nan)
    for run, (doses, times) in enumerate(zip(runs, hours, strict=True)):
        at[run, : len(times)] = times
        for drug, dose in doses.items():
            for time, amount in dose.steps:
                levels[run, times.index(time), drugs.index(drug)] = amount * dose.per_unit
    volumes = {dose.medium_volume for doses in runs for dose in doses.values() if dose.closed}
    infusions = {
        drug: infusions_of(
            [doses[drug].infusions if drug in doses else () for doses in runs],
            [doses[drug].per_unit if drug in doses else 1.0 for doses in runs],
        )
        for drug in drugs
        if any(drug in doses and doses[drug].infusions for doses in runs)
    }
    return Courses(drugs, at, levels, volumes.pop() if volumes else None, infusions)


def constant(nanomolar: float) -> Dose:
    """The same concentration [nM] from the start to the end. Raises InputError.

    Examples:
        >>> print(pn.constant(5.0))
        5 nM from 0 h
    """
    return Dose(((0.0, _concentration(nanomolar)),))


def pulse(nanomolar: float, hours: float, start: float = 0.0) -> Dose:
    """A concentration [nM] for `hours` from `start` [h] on, then drug-free medium.

    Raises InputError.

    Examples:
        >>> print(pn.pulse(5.0, hours=4))
        5 nM from 0 h, 0 nM from 4 h
    """
    begin, length = _time(start, "start"), _positive(hours, "hours")
    before = ((0.0, 0.0),) if begin > 0 else ()
    return Dose((*before, (begin, _concentration(nanomolar)), (begin + length, 0.0)))


def course(steps: Iterable[tuple[float, float]]) -> Dose:
    """Any course of medium changes: pairs of time [h] and the concentration [nM] from then on.

    Times rise strictly; before the first one the medium holds no drug. Raises InputError.

    Examples:
        >>> print(pn.course([(0, 5.0), (24, 1.0), (48, 0.0)]))
        5 nM from 0 h, 1 nM from 24 h, 0 nM from 48 h
    """
    try:
        pairs = [(_time(time, "time"), _concentration(value)) for time, value in steps]
    except (TypeError, ValueError):
        raise InputError(
            f"course {steps!r} is not a list of (time [h], concentration [nM]) pairs; "
            "write [(0, 10), (4, 0)]"
        ) from None
    if not pairs:
        raise InputError("the course is empty; give at least one (time [h], nM) pair")
    before = ((0.0, 0.0),) if pairs[0][0] > 0 else ()
    return Dose((*before, *pairs))


def closed_dish(nanomolar: float, medium_volume: float = 1000.0) -> Dose:
    """A finite amount: medium of this concentration [nM], `medium_volume` [pL] for each cell.

    1,000 pL per cell is a culture of a million cells per mL. Raises InputError.

    Examples:
        >>> print(pn.closed_dish(5.0, medium_volume=2.0))
        5 nM from 0 h, closed, 2 pL per cell
    """
    volume = _positive(medium_volume, "medium_volume")
    return Dose(((0.0, _concentration(nanomolar)),), medium_volume=volume)


def as_dose(dose: Medium | Given, drug: str) -> Dose:
    """A dose from what users write: a number is constant [nM], a list of pairs a course."""
    if isinstance(dose, Dose):
        return dose
    try:
        return course(dose) if isinstance(dose, (list, tuple)) else constant(dose)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"dose of {drug}: {error}") from None


def finite_number(value: object, name: str, unit: str = "", *, negative: bool = False) -> float:
    """The value as a float; anything but a finite number of at least zero is an InputError.

    `negative` allows numbers below zero too.
    """
    least = "" if negative else " and at least 0"
    unit = f" [{unit}]" if unit else ""
    is_time = False  # which is a number of nanoseconds to Python
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        is_time = value.dtype.kind in "mM"
        value = value if is_time else value.item()
    if isinstance(value, bool) or is_time or not isinstance(value, Real):
        raise InputError(
            f"{name} must be a number{unit}{least.replace(' and', ',')}; give one plain number"
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or (number < 0 and not negative):
        raise InputError(f"{name} is {number:g}, but must be finite{least}{unit}; correct it")
    return number


def _exact(value: float | None) -> str:
    """All digits, so that a run can be repeated."""
    return repr(float(value or 0.0)).removesuffix(".0")


def _concentration(value: float) -> float:
    return finite_number(value, "concentration", "nM")


def _time(value: float, name: str) -> float:
    return finite_number(value, name, "h")


def _positive(value: float, name: str) -> float:
    number = finite_number(value, name, "pL" if name == "medium_volume" else "h")
    if number == 0:
        raise InputError(f"{name} is 0, but must be more than 0; give a longer or larger one")
    return number
