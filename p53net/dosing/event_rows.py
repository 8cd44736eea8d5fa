"""A regimen as rows of an event table in the manner of NONMEM."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from p53net.dosing.regimens import Administration, Regimen


def events_of(given: "Regimen") -> pd.DataFrame:
    """An event table, which `read_events` reads: equal doses at equal distances are one row.

    Columns are `time [h]`, `amt`, `rate`, `ii [h]`, `addl` and `cmt`, those of amounts with the
    unit of the regimen. The form is not in the table.
    """
    rows = [
        (first.time, first.amount, first.amount / first.over if first.over else 0.0, gap, more, 1)
        for first, gap, more in _runs(given.doses)
    ]
    of = given.unit
    return pd.DataFrame(
        rows, columns=["time [h]", f"amt [{of}]", f"rate [{of}/h]", "ii [h]", "addl", "cmt"]
    )


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
