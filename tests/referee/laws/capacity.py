"""A limiting partner of MDM2: beyond a capacity, more MDM2 does not degrade p53 faster."""

from tests.referee.law import Cell, Law
from tests.referee.laws import core


def share(v: Cell, whole: float) -> float:
    return (v.E3_capacity + v.E3_reference) / (v.E3_capacity + whole)


def shown(v: Cell) -> None:
    v.E3_share = share(v, v.MDM2_total)
    v.ligase *= v.E3_share


def rest(v: Cell) -> None:
    core.rest(v, share)


LIMITED = Law(core.STATES, core.shown, core.change, rest)
CAPACITY = Law(shown=shown)
"""Behind the drugs, for the MDM2 that they hold counts."""
