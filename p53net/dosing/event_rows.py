"""A regimen as rows of an event table in the manner of NONMEM."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from p53net.dosing.medium import finite_number
from p53net.errors import InputError

if TYPE_CHECKING:
    from p53net.dosing.regimens import Administration, Regimen

_NEAR = 1e-9  # of a number of doses: what rounding leaves


def events_of(given: "Regimen", past: float | None = None) -> pd.DataFrame:
    """An event table, which `read_events` reads: equal doses at equal distances are one row.

    Columns are `time [h]`, `amt`, `rate`, `ii [h]`, `addl` and `cmt`, those of amounts with the
    unit of the regimen. The form is not in the table. With `past` days, and a column `ss`, what is
    given in these is a steady state, as `read_events` reads it. Raises InputError where it is none.
    """
    rows = [
        (first.time, first.amount, first.amount / first.over if first.over else 0.0, gap, more, 1)
        for first, gap, more in _runs(given.doses)
    ]
    of = given.unit
    columns = ["time [h]", f"amt [{of}]", f"rate [{of}/h]", "ii [h]", "addl", "cmt"]
    if past is None:
        return pd.DataFrame(rows, columns=columns)
    hours = 24.0 * finite_number(past, "past", "d")
    later = sorted((_steady(row, hours) for row in rows), key=lambda row: row[0])
    steady = [(*row[:-1], 1 if row[-1] and not i else row[-1]) for i, row in enumerate(later)]
    return pd.DataFrame(steady, columns=[*columns, "ss"])


def _steady(row: tuple[float, float, float, float, int, int], hours: float) -> tuple[float, ...]:
    """A row in a time that begins so many hours later, with what was before as a steady state,
    beside others."""
    time, amount, rate, gap, more, compartment = row
    if time >= hours:
        return time - hours, amount, rate, gap, more, compartment, 0
    first = math.ceil((hours - time) / gap * (1.0 - _NEAR)) if gap else 0
    if not gap or time >= gap * (1.0 - _NEAR) or first > more:
        raise InputError(
            f"what is given from {time:g} h on is no steady state that was reached "
            f"{hours / 24:g} d after the begin: the same doses at equal distances, from the begin "
            "on and beyond it; leave past out"
        )
    return time + first * gap - hours, amount, rate, gap, more - first, compartment, 2


def _runs(doses: "tuple[Administration, ...]") -> "Iterator[tuple[Administration, float, int]]":
    """The first of equal doses that follow each other at one distance, that distance, and how many
    more there are; together they are all doses."""
    waiting = dict.fromkeys(range(len(doses)))
    while waiting:
        start = next(iter(waiting))
        first, taken, gap = doses[start], [start], 0.0
        for i in waiting:
            one = doses[i]
            if one[1:] != first[1:] or one.time <= first.time:
                continue
            gap = gap or one.time - first.time
            due = first.time + len(taken) * gap
            if one.time == due:
                taken.append(i)
            elif one.time > due:
                break
        yield first, gap if len(taken) > 1 else 0.0, len(taken) - 1
        for i in taken:
            del waiting[i]
