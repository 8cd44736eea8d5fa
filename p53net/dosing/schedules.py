"""When doses are given: words such as `3/14`, or lists of times, as hours."""

import re
from collections.abc import Iterable
from itertools import islice, pairwise
from typing import NamedTuple

from p53net.dosing.medium import finite_number
from p53net.errors import InputError

MOST_DOSES = 10_000
"""Of one regimen."""

AT_TIMES = "at set times"
"""What a list of times is called."""

SCHEDULES = "'once', 'daily', '3/14' (days on / cycle), 'q2d', 'q3w', or a list of times [h]"

_DAY = 24.0  # h
_LONGEST = 10**7  # days, or cycles


class Planned(NamedTuple):
    """Dose times of a schedule."""

    times: tuple[float, ...]
    """h."""
    words: str
    span: float | None
    """Until when it goes on [h], where that is said: its last cycle ends then."""


def planned(schedule: str | Iterable[float], cycles: object, days: object) -> Planned:
    """Hours of all doses of a schedule. Raises InputError."""
    if isinstance(schedule, str):
        return _in_words(schedule.strip().casefold(), cycles, days)
    if cycles is not None or days is not None:
        raise InputError("a list of times says it all; leave cycles and days out")
    return Planned(checked_times(schedule), AT_TIMES, None)


def checked_times(times: Iterable[float], *, together: bool = False) -> tuple[float, ...]:
    """Dose times [h] that rise; `together` allows some to be the same. Raises InputError."""
    try:
        if isinstance(times, str | bytes):
            raise TypeError
        hours = tuple(
            finite_number(time, "dose time", "h") for time in islice(times, MOST_DOSES + 1)
        )
    except TypeError:
        raise InputError(f"schedule is {times!r}, but must be {SCHEDULES}") from None
    if not hours:
        raise InputError("the list of dose times is empty; give at least one [h]")
    refuse_many(len(hours))
    for earlier, later in pairwise(hours):
        if later < earlier or (later == earlier and not together):
            raise InputError(
                f"dose times must rise strictly, but {later:g} h follows {earlier:g} h; sort them, "
                "and join doses that fall together"
            )
    return hours


def refuse_many(doses: int) -> None:
    """Raise InputError for more doses than a regimen may have."""
    if doses > MOST_DOSES:
        raise InputError(f"the regimen has more than the {MOST_DOSES:,} doses that are allowed")


def _in_words(schedule: str, cycles: object, days: object) -> Planned:
    if schedule == "once":
        if cycles is not None or days is not None:
            raise InputError("'once' is one dose; leave cycles and days out")
        return Planned((0.0,), schedule, None)
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
    times = tuple(time for s in starts for d in range(on) if (time := s + d * _DAY) < end)
    return Planned(times, schedule, end)


def _cycle(schedule: str) -> tuple[int, int]:
    """Days with a dose at the start of every cycle, and its length in days."""
    if schedule == "daily":
        return 1, 1
    if match := re.fullmatch(r"q(\d{1,4})([dw])", schedule):
        on, length = 1, int(match[1]) * (7 if match[2] == "w" else 1)
    elif match := re.fullmatch(r"(\S+)/(\S+)", schedule):
        on, length = (_whole(_number(match[i]), name) for i, name in ((1, "days_on"), (2, "cycle")))
    else:
        raise InputError(f"schedule '{schedule}' is not understood; write {SCHEDULES}")
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
