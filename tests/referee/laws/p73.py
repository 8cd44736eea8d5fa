"""The share of TAp73 that no MDM2 silences: a read-out."""

from tests.referee.law import Cell, Law


def shown(v: Cell) -> None:
    holding = v.MDM2_undrugged + vars(v).get("hold_p73", 0.0) * vars(v).get("MDM2_drugged", 0.0)
    v.MDM2_on_p73 = holding
    v.p73_active = 1.0 / (1.0 + holding / v.K_MDM2_p73)


P73 = Law(shown=shown)
