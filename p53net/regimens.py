"""Doses into a body: how much of a drug, in which form, and when."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from p53net.dosing import finite_number
from p53net.errors import InputError

UNITS = ("mg", "mg/kg")
"""What a dose can be given in."""

FREE_BASE = "free base"
MOST_DOSES = 10_000
"""Of one regimen."""

_DAY = 24.0  # h
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
        """For a legend: 260 mg 3/14."""
        return f"{self.amount:g} {self.unit} {self.schedule}"

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
) -> Regimen:
    """A dose and when it is given: `pn.regimen(260, "mg", "3/14", cycles=2)`.

    `unit` is "mg" or "mg/kg". `schedule` is "once", "daily", "3/14" (once a day on the first 3 of
    every 14 days), "q2d" or "q3w" (every 2 days, every 3 weeks), or a list of times [h];
    `days_on=3, cycle=14` says "3/14" too. A schedule that repeats needs `cycles`, how often, or
    `days`, for how long; the last cycle may be cut. `form` is what was weighed: "free base", or a
    salt of `models/drugs.tsv`. Raises InputError.
    """
    number = finite_number(amount, "dose", unit if unit in UNITS else "mg")
    if number == 0:
        raise InputError("dose is 0; give more, or leave the drug out")
    if unit not in UNITS:
        raise InputError(
            f"a dose in {unit!r} is not one that a body takes; give it in {' or '.join(UNITS)}, or "
            "a concentration [nM] to cells in a dish"
        )
    if not isinstance(form, str) or not form.strip():
        raise InputError(f"form is {form!r}, but must be '{FREE_BASE}' or the name of a salt")
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
        times, words = _checked_times(schedule), "at set times"
    return Regimen(number, unit, times, words, form.strip())


def as_regimens(given: "Regimen | Iterable[Regimen]", study: str) -> list[Regimen]:
    """One regimen or more as a list. Raises InputError for anything else."""
    arms = [given] if isinstance(given, Regimen) or not isinstance(given, Iterable) else list(given)
    if not arms or not all(isinstance(arm, Regimen) for arm in arms):
        raise InputError(
            f"{study} needs a regimen, or several: pn.regimen(260, 'mg', '3/14', cycles=2)"
        )
    return arms


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
    if number != int(number) or number < 1:
        raise InputError(f"{name} is {number:g}, but must be a whole number, 1 or more")
    return int(number)


def _checked_times(times: Iterable[float]) -> tuple[float, ...]:
    try:
        hours = tuple(finite_number(time, "dose time", "h") for time in times)
    except TypeError:
        raise InputError(f"schedule is {times!r}, but must be {_SCHEDULES}") from None
    if not hours:
        raise InputError("the list of dose times is empty; give at least one [h]")
    if len(hours) > MOST_DOSES:
        raise InputError(
            f"the regimen has {len(hours):,} doses; at most {MOST_DOSES:,} are allowed"
        )
    for earlier, later in pairwise(hours):
        if later <= earlier:
            raise InputError(
                f"dose times must rise strictly, but {later:g} h follows {earlier:g} h; sort them, "
                "and join doses that fall together"
            )
    return hours
