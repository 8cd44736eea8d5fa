"""Doses into a body: how much of a drug, in which form, and when."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from p53net.dosing.medium import finite_number
from p53net.errors import InputError

UNITS = ("mg", "mg/kg")
"""What a dose can be given in."""

FREE_BASE = "free base"
MOST_DOSES = 10_000
"""Of one regimen."""

_DAY = 24.0  # h
_LONGEST = 10**7  # days, or cycles
_AT_TIMES = "at set times"
_NAMED_TIMES = 6  # dose times that a label spells out
_SCHEDULES = "'once', 'daily', '3/14' (days on / cycle), 'q2d', 'q3w', or a list of times [h]"


@dataclass(frozen=True)
class Regimen:
    """The same dose at each of `times` [h], into the gut or the plasma, as the drug is given."""

    amount: float
    unit: str
    """`mg`, or `mg/kg` of the host's body weight."""
    times: tuple[float, ...]
    schedule: str
    """In words: 3/14, daily."""
    form: str = FREE_BASE
    """What was weighed: the free base or a salt, whose molar mass turns it into moles."""
    per_unit: float = 1.0
    """nmol for each mg or mg/kg, once drug and host are known."""
    allow_flat: bool = field(default=False, compare=False, kw_only=True)
    """Whether mg may go to a host below 1 kg: a permission, no part of the dose."""

    def __post_init__(self) -> None:
        _check_amount(self.amount, self.unit, self.form)
        if not isinstance(self.allow_flat, bool):
            raise InputError(f"allow_flat is {self.allow_flat!r}, but must be True or False")
        _checked_times(self.times)

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Times [h] and what is given then, in `unit`."""
        return tuple((time, self.amount) for time in self.times)

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
        when = self.schedule
        if when == _AT_TIMES and len(self.times) <= _NAMED_TIMES:
            when = f"at {', '.join(f'{time:g}' for time in self.times)} h"
        form = "" if self.form == FREE_BASE else f", {self.form}"
        return f"{self.amount:g} {self.unit} {when}{form}"

    def __str__(self) -> str:
        times = ", ".join(repr(time).removesuffix(".0") for time in self.times)
        amount = repr(self.amount).removesuffix(".0")
        return f"{amount} {self.unit} ({self.form}) at {times} h"


def regimen(
    amount: float,
    unit: str,
    schedule: str | Iterable[float] | None = None,
    *,
    days_on: int | None = None,
    cycle: int | None = None,
    cycles: int | None = None,
    days: float | None = None,
    form: str = FREE_BASE,
    allow_flat: bool = False,
) -> Regimen:
    """A dose and when it is given: `pn.regimen(260, "mg", "3/14", cycles=2)`.

    `unit` is "mg" or "mg/kg". `schedule` is "once", "daily", "3/14" (once a day on the first 3 of
    every 14 days), "q2d" or "q3w" (every 2 days, every 3 weeks), or a list of times [h];
    `days_on=3, cycle=14` says "3/14" too. A schedule that repeats needs `cycles`, how often, or
    `days`, for how long; the last cycle may be cut. `form` is what was weighed: "free base", or a
    salt of `models/drugs.tsv`. A dose in mg is refused for a host below 1 kg, such as a mouse,
    unless `allow_flat` says that it is meant. Raises InputError.
    """
    number = _check_amount(amount, unit, form)
    if (days_on is None) != (cycle is None):
        raise InputError("days_on and cycle go together; write days_on=3, cycle=14")
    if days_on is not None:
        if schedule is not None:
            raise InputError("days_on and cycle say when, and so does schedule; give one of them")
        schedule = f"{days_on}/{cycle}"
    if schedule is None:
        raise InputError(f"it is not said when the dose is given; schedule is {_SCHEDULES}")
    if isinstance(schedule, str):
        words = schedule.strip().casefold()
        times = _times(words, cycles, days)
    else:
        if cycles is not None or days is not None:
            raise InputError("a list of times says it all; leave cycles and days out")
        times, words = _checked_times(schedule), _AT_TIMES
    return Regimen(number, unit, times, words, form.strip(), allow_flat=allow_flat)


def as_regimens(
    given: "Regimen | Iterable[Regimen]", study: str, *, allow_flat: bool = False
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


def labels_of(arms: list[Regimen], what: str) -> list[str]:
    """A label for each regimen; of those called the same, the number of doses tells them apart.

    Raises InputError where two are the same.
    """
    if len(set(arms)) < len(arms):
        raise InputError(f"two {what} are the same; give each once")
    labels = [arm.label for arm in arms]
    for length in ("{0.label}, {1} doses", "{0}"):
        if len(set(labels)) == len(labels):
            break
        labels = [length.format(arm, len(arm.times)) for arm in arms]
    return labels


def _check_amount(amount: object, unit: object, form: object) -> float:
    number = finite_number(amount, "dose", str(unit) if unit in UNITS else "mg")
    if number == 0:
        raise InputError("dose is 0; give more, or leave the drug out")
    if unit not in UNITS:
        raise InputError(
            f"a dose in {unit!r} is not one that a body takes; give it in {' or '.join(UNITS)}, or "
            "a concentration [nM] to cells in a dish"
        )
    if not isinstance(form, str) or not form.strip():
        raise InputError(f"form is {form!r}, but must be '{FREE_BASE}' or the name of a salt")
    return number


def _times(schedule: str, cycles: object, days: object) -> tuple[float, ...]:
    """Hours of all doses of a schedule in words."""
    if schedule == "once":
        if cycles is not None or days is not None:
            raise InputError("'once' is one dose; leave cycles and days out")
        return (0.0,)
    on, length = _cycle(schedule)
    if (cycles is None) == (days is None):
        raise InputError(f"'{schedule}' repeats: say how often, cycles=2, or for how long, days=28")
    if cycles is not None:
        end = _whole(cycles, "cycles") * length * _DAY
    else:
        end = finite_number(days, "days", "days") * _DAY
        if end == 0:
            raise InputError("days is 0, but must be more than 0; say for how long")
    doses = on * end / (length * _DAY)
    if doses > MOST_DOSES:
        raise InputError(f"the regimen has {doses:,.0f} doses; at most {MOST_DOSES:,} are allowed")
    count = int(end / (length * _DAY)) + 1
    starts = (number * length * _DAY for number in range(count))
    return tuple(time for s in starts for d in range(on) if (time := s + d * _DAY) < end)


def _cycle(schedule: str) -> tuple[int, int]:
    """Days with a dose at the start of every cycle, and its length in days."""
    if schedule == "daily":
        return 1, 1
    if match := re.fullmatch(r"q(\d{1,4})([dw])", schedule):
        on, length = 1, int(match[1]) * (7 if match[2] == "w" else 1)
    elif match := re.fullmatch(r"(\S+)/(\S+)", schedule):
        on, length = (_whole(_number(match[i]), name) for i, name in ((1, "days_on"), (2, "cycle")))
    else:
        raise InputError(f"schedule '{schedule}' is not understood; write {_SCHEDULES}")
    if length == 0:
        raise InputError(f"schedule '{schedule}' has an interval of 0 days; give 1 or more")
    if on > length:
        raise InputError(
            f"schedule '{schedule}' has {on} days on in a cycle of {length}; give at most {length}"
        )
    return on, length


def _number(text: str) -> "float | str":
    try:
        return float(text)
    except ValueError:
        return text


def _whole(value: object, name: str) -> int:
    number = finite_number(value, name, "days" if name != "cycles" else "")
    if number > _LONGEST or number != int(number) or number < 1:
        raise InputError(f"{name} is {number:g}, but must be a whole number, 1 to {_LONGEST:,}")
    return int(number)


def _checked_times(times: Iterable[float]) -> tuple[float, ...]:
    try:
        if isinstance(times, str | bytes):
            raise TypeError
        hours = tuple(
            finite_number(time, "dose time", "h") for time in islice(times, MOST_DOSES + 1)
        )
    except TypeError:
        raise InputError(f"schedule is {times!r}, but must be {_SCHEDULES}") from None
    if not hours:
        raise InputError("the list of dose times is empty; give at least one [h]")
    if len(hours) > MOST_DOSES:
        raise InputError(f"the regimen has more than the {MOST_DOSES:,} doses that are allowed")
    for earlier, later in pairwise(hours):
        if later <= earlier:
            raise InputError(
                f"dose times must rise strictly, but {later:g} h follows {earlier:g} h; sort them, "
                "and join doses that fall together"
            )
    return hours
