"""Doses into a body: how much of a drug, in which form, when, at once or in the course of time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from p53net.dosing import labels
from p53net.dosing.checked import UNITS as UNITS
from p53net.dosing.checked import amounts_of, checked_amount, checked_numbers, lengths_of
from p53net.dosing.infusions import Infusion, met
from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.dosing.schedules import AT_TIMES, SCHEDULES, checked_times, planned, refuse_many
from p53net.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_SHORTEST = 1e-6  # h, of an infusion


class Administration(NamedTuple):
    """One dose."""

    time: float
    """h."""
    over: float
    """How long it is infused [h]; 0 where it is given at once."""
    amount: float
    """In the unit of its regimen."""


@dataclass(frozen=True)
class Regimen:
    """Doses at `times` [h] of one drug, into the gut or the plasma, as the drug is given.

    Two regimens that are added are given both: `loading + usual`. See also `then`, `later`, `skip`.

    Examples:
        >>> given = pn.regimen(60, "mg", "daily", days=3, loading=120, start=24)
        >>> given.times, given.amounts, given.highest, given.end
        ((24.0, 48.0, 72.0), (120.0, 60.0, 60.0), 120.0, 96.0)
        >>> given.steps, given.changes
        (((24.0, 120.0), (48.0, 60.0), (72.0, 60.0)), (24.0, 48.0, 72.0))
        >>> print(given.label)
        120, then 60 mg daily from 1 d
        >>> (given + given.later(12)).times
        (24.0, 36.0, 48.0, 60.0, 72.0, 84.0)
        >>> slow = pn.regimen(10, "mg", "once", rate=5)
        >>> slow.infusions, slow.doses[0].over
        (((0.0, 2.0, 5.0),), 2.0)
        >>> given.closed, given.is_constant, given.medium_volume
        (False, False, None)
    """

    amount: float
    """Of each dose; of the first, where they differ."""
    unit: str
    """`mg`, or `mg/kg` of the host's body weight."""
    times: tuple[float, ...]
    """They rise; of a sum some may be the same."""
    schedule: str
    """In words: 3/14, daily."""
    form: str = FREE_BASE
    """What was weighed: the free base or a salt, whose molar mass turns it into moles."""
    per_unit: float = 1.0
    """nmol for each mg or mg/kg, once drug and host are known."""
    amounts: tuple[float, ...] = ()
    """Of each dose, where they differ."""
    over: tuple[float, ...] = ()
    """How long each dose is infused [h], where any is."""
    parts: tuple[Regimen, ...] = ()
    """Of a sum: what was added, in the order of the first doses."""
    start: float = 0.0
    """When its schedule begins [h]."""
    span: float | None = field(default=None, compare=False)
    """How long its schedule goes on [h], where it says so."""
    allow_flat: bool = field(default=False, compare=False, kw_only=True)
    """Whether mg may go to a host below 1 kg: a permission, no part of the dose."""

    def __post_init__(self) -> None:
        checked_amount(self.amount, self.unit, self.form)
        if not isinstance(self.allow_flat, bool):
            raise InputError(f"allow_flat is {self.allow_flat!r}, but must be True or False")
        checked_times(self.times, together=True)
        for several, what in ((self.amounts, "amounts"), (self.over, "lengths of infusions")):
            if several and len(several) != len(self.times):
                raise InputError(
                    f"there are {len(several)} {what} and {len(self.times)} dose times; give one "
                    "for each dose, or one number for all"
                )
        for number in self.amounts:
            checked_amount(number, self.unit, self.form)
        for time, hours in zip(self.times, self.over, strict=False):
            least = max(_SHORTEST, _SHORTEST * 1e-3 * time)  # clocks have 16 digits
            if 0.0 < finite_number(hours, "over", "h") < least:
                raise InputError(
                    f"a dose is infused over {hours:g} h; give at least {least:g} h, or leave "
                    "it out for a dose at once"
                )

    @property
    def doses(self) -> tuple[Administration, ...]:
        """All of them, in the order of time."""
        count = len(self.times)
        amounts, over = self.amounts or (self.amount,) * count, self.over or (0.0,) * count
        return tuple(map(Administration, self.times, over, amounts))

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Times [h] and what is given then at once, in `unit`."""
        if not self.amounts and not self.over and not self.parts:
            return tuple((time, self.amount) for time in self.times)
        at_once = (dose for dose in self.doses if not dose.over)
        return tuple(
            (time, math.fsum(dose.amount for dose in doses))
            for time, doses in groupby(at_once, key=lambda dose: dose.time)
        )

    @property
    def infusions(self) -> tuple[Infusion, ...]:
        """When each begins and ends [h], and what flows in between, in `unit` an hour."""
        if not self.over:
            return ()
        starts = sorted(set(self.times))
        ends = sorted({dose.time + dose.over for dose in self.doses})
        near = met(ends, starts)
        flows = [(one, near[one.time + one.over]) for one in self.doses if one.over]
        return tuple((one.time, end, one.amount / (end - one.time)) for one, end in flows)

    @property
    def changes(self) -> tuple[float, ...]:
        """Times [h] at which something is given, or an infusion ends."""
        if not self.over:
            return tuple(sorted(set(self.times)))
        return tuple(sorted({*self.times, *(end for _, end, _ in self.infusions)}))

    @property
    def highest(self) -> float:
        """The largest single dose, in `unit`."""
        return max(self.amounts, default=self.amount)

    @property
    def end(self) -> float:
        """When it is over [h]: where its schedule says so, else with its last dose."""
        if self.parts:
            return max(part.end for part in self.parts)
        last = max(dose.time + dose.over for dose in self.doses)
        return last if self.span is None else max(last, self.start + self.span)

    @property
    def closed(self) -> bool:
        """Never: a body is no dish."""
        return False

    @property
    def medium_volume(self) -> None:
        """None: a body has no medium."""

    @property
    def is_constant(self) -> bool:
        """Never: a body eliminates the drug."""
        return False

    @property
    def label(self) -> str:
        """For a legend: 260 mg 3/14, and what else tells it from others."""
        return labels.label(self)

    def __str__(self) -> str:
        return labels.in_full(self)

    def __add__(self, other: Regimen) -> Regimen:
        """Both are given. The order does not matter. Raises InputError where units or forms
        differ."""
        if not isinstance(other, Regimen):
            return NotImplemented
        return joined([*(self.parts or (self,)), *(other.parts or (other,))])

    def later(self, hours: float) -> Regimen:
        """The same, so many `hours` [h] later. Raises InputError.

        Examples:
            >>> pn.regimen(10, "mg", "daily", days=2).later(6).times
            (6.0, 30.0)
        """
        by = finite_number(hours, "hours later", "h")
        if self.parts:
            return joined([part.later(by) for part in self.parts])
        return replace(self, times=tuple(time + by for time in self.times), start=self.start + by)

    def then(self, other: Regimen, gap: float = 0.0) -> Regimen:
        """This one, and another when its schedule is over, or `gap` hours [h] after that.

        Cycles and days say when a schedule is over; one dose, or a list of times, is over with its
        last dose, so that the next regimen needs a gap. Raises InputError.

        Examples:
            >>> print(pn.regimen(10, "mg", "daily", days=2).then(pn.regimen(5, "mg", "once")))
            mg (free base): 10 at 0, 10 at 24, 5 at 48 h
        """
        if not isinstance(other, Regimen):
            raise InputError(f"then takes a regimen, not {other!r}; write pn.regimen(...)")
        hours = finite_number(gap, "gap", "h")
        last = self.doses[-1]
        if self.end + hours <= last.time:
            raise InputError(
                f"{self.label} is over with its last dose, at which {other.label} would begin too; "
                "say how long after: gap=24"
            )
        return self + other.later(self.end + hours)

    def skip(self, *numbers: int) -> Regimen:
        """The same without some doses, by their numbers from 1. Raises InputError.

        Examples:
            >>> pn.regimen(10, "mg", "daily", days=4).skip(2, 3).times
            (0.0, 72.0)
        """
        lost = checked_numbers(numbers, len(self.times))
        if not self.parts:
            return self._without(lost)
        order = sorted((dose, part, place) for part, own in enumerate(self.parts)
                       for place, dose in enumerate(own.doses, start=1))  # fmt: skip
        chosen = [order[number - 1][1:] for number in sorted(lost)]
        kept = []
        for i, own in enumerate(self.parts):
            places = {place for part, place in chosen if part == i}
            if len(places) < len(own.times):
                kept.append(own._without(places) if places else own)
        return joined(kept)

    def _without(self, numbers: set[int]) -> Regimen:
        rest = _same([d for i, d in enumerate(self.doses, start=1) if i not in numbers])
        words = ", ".join(str(number) for number in sorted(numbers))
        which = "doses" if len(numbers) > 1 else "dose"
        return replace(self, **rest, schedule=f"{self.schedule} without {which} {words}")

    def to_events(self, past: float | None = None) -> pd.DataFrame:
        """An event table in the manner of NONMEM: `time`, `amt`, `rate`, `ii`, `addl` and `cmt`,
        with units in the names. What is given in the first `past` days is written as a steady state
        (`ss`), and times are so much earlier. `pn.read_events` reads it. Raises InputError.

        Examples:
            >>> pn.regimen(260, "mg", "3/14", cycles=2).to_events()
               time [h]  amt [mg]  rate [mg/h]  ii [h]  addl  cmt
            0       0.0     260.0          0.0    24.0     2    1
            1     336.0     260.0          0.0    24.0     2    1
        """
        from p53net.dosing.event_rows import events_of

        return events_of(self, past)

    def scaled(self, factor: float) -> Regimen:
        """The same with all amounts multiplied by a number above 0. Raises InputError.

        Examples:
            >>> pn.regimen(10, "mg", "once").scaled(1.5).amount
            15.0
        """
        by = finite_number(factor, "factor")
        if by == 0:
            raise InputError("factor is 0, which leaves nothing; leave the drug out instead")
        if self.parts:
            return replace(joined([part.scaled(by) for part in self.parts]), per_unit=self.per_unit)
        amounts = tuple(amount * by for amount in self.amounts)
        return replace(self, amount=self.amount * by, amounts=amounts)


def regimen(
    amount: float | Iterable[float],
    unit: str,
    schedule: str | Iterable[float] | None = None,
    *,
    days_on: int | None = None,
    cycle: int | None = None,
    cycles: int | None = None,
    days: float | None = None,
    over: float | None = None,
    rate: float | None = None,
    loading: float | None = None,
    start: float = 0.0,
    skip: Iterable[int] = (),
    form: str = FREE_BASE,
    allow_flat: bool = False,
) -> Regimen:
    """A dose and when it is given: `pn.regimen(260, "mg", "3/14", cycles=2)`.

    `unit` is "mg" or "mg/kg". `schedule` is "once", "daily", "3/14" (once a day on the first 3 of
    every 14 days), "q2d" or "q3w" (every 2 days, every 3 weeks), or a list of times [h], for which
    `amount` may be a list, too; `days_on=3, cycle=14` says "3/14". A schedule that repeats needs
    `cycles`, how often, or `days`, for how long; the last cycle may be cut.
    Each dose is infused `over` so many hours, or at a `rate` [unit/h]; by default it is given at
    once. `loading` is the first dose, where that is another. The schedule begins at `start` [h].
    `skip` are numbers of doses, from 1, that are not given. Regimens add up: `a + b`, `a.then(b)`.

    `form` is what was weighed: "free base", or a salt of `models/drugs.tsv`. A dose in mg is
    refused for a host below 1 kg, such as a mouse, unless `allow_flat` says that it is meant.
    Raises InputError.

    Examples:
        >>> print(pn.regimen(260, "mg", "3/14", cycles=2))
        260 mg (free base) at 0, 24, 48, 336, 360, 384 h
        >>> pn.regimen(1, "mg/kg", "q3w", cycles=2, over=1).infusions
        ((0.0, 1.0, 1.0), (504.0, 505.0, 1.0))
    """
    if (days_on is None) != (cycle is None):
        raise InputError("days_on and cycle go together; write days_on=3, cycle=14")
    several = isinstance(amount, Iterable) and not isinstance(amount, str | bytes)
    each = [checked_amount(one, unit, form) for one in (amount if several else [amount])]  # type: ignore[union-attr]
    if days_on is not None:
        if schedule is not None:
            raise InputError("days_on and cycle say when, and so does schedule; give one of them")
        schedule = f"{days_on}/{cycle}"
    if schedule is None:
        raise InputError(f"it is not said when the dose is given; schedule is {SCHEDULES}")
    plan = planned(schedule, cycles, days)
    amounts = amounts_of(each, several, len(plan.times), unit, form, loading)
    lengths = lengths_of(amounts, over, rate, unit)
    given = [*map(Administration, plan.times, lengths, amounts)]
    made = Regimen(**_same(given), unit=unit, schedule=plan.words, form=form.strip(),
                   span=plan.span, allow_flat=allow_flat)  # fmt: skip
    made = made.later(start) if start else made
    left_out = tuple(skip) if isinstance(skip, Iterable) else (skip,)
    return made.skip(*left_out) if left_out else made


def given_at(
    doses: Iterable[Administration], unit: str, *, form: str = FREE_BASE, allow_flat: bool = False
) -> Regimen:
    """A regimen of these doses, in the order of time. Raises InputError."""
    return Regimen(**_same(list(doses)), unit=unit, schedule=AT_TIMES, form=form.strip(),
                   allow_flat=allow_flat)  # fmt: skip


def joined(parts: Iterable[Regimen]) -> Regimen:
    """All of these together. Raises InputError where units or forms differ."""
    own = sorted(parts, key=lambda one: (one.doses[0].time, one.label, one.doses))
    first = own[0]
    for one in own[1:]:
        if (one.unit, one.form) != (first.unit, first.form):
            raise InputError(
                f"{first.label} and {one.label} differ in unit or form; give both in the same"
            )
        if one.per_unit != first.per_unit:
            raise InputError("regimens are added before a drug and a host are known")
    if len(own) == 1:
        return first
    refuse_many(sum(len(one.times) for one in own))
    doses = sorted(dose for one in own for dose in one.doses)
    return Regimen(**_same(doses), unit=first.unit, schedule="a sum", form=first.form,
                   per_unit=first.per_unit, parts=tuple(own),
                   allow_flat=all(one.allow_flat for one in own))  # fmt: skip


def as_regimens(
    given: Regimen | Iterable[Regimen], study: str, *, allow_flat: bool = False
) -> list[Regimen]:
    """One regimen or more as a list, each with mg allowed to any host by `allow_flat`.

    Raises InputError for anything else.
    """
    arms = [given] if isinstance(given, Regimen) or not isinstance(given, Iterable) else list(given)
    if not arms or not all(isinstance(arm, Regimen) for arm in arms):
        raise InputError(
            f"{study} needs a regimen, or several: pn.regimen(260, 'mg', '3/14', cycles=2)"
        )
    return [replace(arm, allow_flat=allow_flat) for arm in arms] if allow_flat else arms


def _same(doses: list[Administration]) -> dict[str, Any]:
    """Times, amounts and lengths as a regimen holds them: nothing is said twice."""
    amounts, over = tuple(one.amount for one in doses), tuple(one.over for one in doses)
    return {
        "amount": amounts[0],
        "times": tuple(one.time for one in doses),
        "amounts": amounts if len(set(amounts)) > 1 else (),
        "over": over if any(over) else (),
    }
